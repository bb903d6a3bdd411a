// SPDX-License-Identifier: MIT OR Apache-2.0
//! Attachments, key exports and secret storage against matrix-nio and mautrix (olm_megolm.md §6 and
//! §7).

use e2ee_conformance::{Count, ScriptedRandom, array, hex, json, number, text, unhex, verdict};
use e2ee_olm::{
    attachment::{self, Attachment, AttachmentKey, Encryptor, Verifier},
    key_export,
    secret_storage::{KeyCheck, SealedSecret, StorageKey},
};
use e2ee_primitives::{Secret, base64};
use e2ee_wire::Error;
use serde_json::Value;

fn part(name: &str) -> Value {
    json("olm/attachments_exports_ssss").expect("the repository has its own copy")[name].clone()
}

fn binary<const N: usize>(case: &Value, field: &str) -> [u8; N] {
    base64::decode(text(case, field)).unwrap().expose().try_into().unwrap()
}

fn attachment_of(info: &Value) -> Attachment {
    let key = text(&info["key"], "k").replace('-', "+").replace('_', "/");
    Attachment {
        key: AttachmentKey::new(Secret::new(base64::decode_key(&key).unwrap()), binary(info, "iv")),
        digest: binary(&info["hashes"], "sha256"),
    }
}

#[test]
fn attachments_are_made_and_opened_as_by_the_peer() {
    let cases = part("attachments");
    let cases = cases.as_array().unwrap();
    let mut count = Count::new("olm/attachments_exports_ssss attachments");
    for case in cases {
        let (plaintext, ciphertext) = (hex(case, "plaintext"), hex(case, "ciphertext"));
        let info = &case["info"];
        let given = attachment_of(info);
        let (first, counter) = given.key.first_block().split_at(8);
        assert_eq!([0; 8], counter);

        let mut random = ScriptedRandom::new(&[given.key.expose(), first]);
        let (mut encryptor, mut out) = (Encryptor::begin(&mut random).unwrap(), Vec::new());
        plaintext.chunks(7).for_each(|piece| encryptor.update(piece, &mut out).unwrap());
        let made = encryptor.finish();
        random.finish();

        assert_eq!(ciphertext, out);
        assert_eq!(given.digest, made.digest);
        assert_eq!(plaintext, attachment::open(&given, &ciphertext).unwrap().expose());
        let mut verifier = Verifier::new(given, &mut ScriptedRandom::new(&[&[1; 32]])).unwrap();
        ciphertext.chunks(7).for_each(|piece| verifier.update(piece).unwrap());
        let segments = verifier.finish().unwrap();
        if !plaintext.is_empty() {
            assert_eq!(plaintext, segments.open(0, &ciphertext).unwrap().expose());
        }
        count.ran();
    }
    count.finish(cases.len());
}

/// Ciphertext and digest are held against each other. Key and first block come with the event that
/// carries the digest, which authenticates all three.
#[test]
fn of_every_flipped_bit_of_an_attachment_those_of_its_key_are_open() {
    assert_eq!(1, verdict::unauthenticated("Matrix, attachment").len());
    let cases = part("attachments");
    let cases = cases.as_array().unwrap();
    let (mut refused, mut accepted) = (0, 0);
    for case in cases {
        let ciphertext = hex(case, "ciphertext");
        let opens =
            |given: &Attachment, ciphertext: &[u8]| match attachment::open(given, ciphertext) {
                Ok(_) => true,
                Err(error) => {
                    assert_eq!(Error::Forged, error);
                    false
                }
            };
        for bit in 0..ciphertext.len() * 8 {
            let mut flipped = ciphertext.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!opens(&attachment_of(&case["info"]), &flipped), "bit {bit}");
            refused += 1;
        }
        for bit in 0..256 {
            let mut given = attachment_of(&case["info"]);
            given.digest[bit / 8] ^= 1 << (bit % 8);
            assert!(!opens(&given, &ciphertext), "digest bit {bit}");
            refused += 1;
            let mut key = *attachment_of(&case["info"]).key.expose();
            key[bit / 8] ^= 1 << (bit % 8);
            given = attachment_of(&case["info"]);
            given.key = AttachmentKey::new(Secret::new(key), *given.key.first_block());
            accepted += usize::from(opens(&given, &ciphertext));
        }
        for bit in 0..128 {
            let mut given = attachment_of(&case["info"]);
            let mut first = *given.key.first_block();
            first[bit / 8] ^= 1 << (bit % 8);
            given.key = AttachmentKey::new(Secret::new(*given.key.expose()), first);
            accepted += usize::from(opens(&given, &ciphertext));
        }
    }
    println!("olm/attachments flips of ciphertext and digest: {refused} tried, 0 accepted");
    println!("olm/attachments flips of key and first block: {accepted} accepted");
    assert_eq!(cases.len() * (256 + 128), accepted);
}

#[test]
fn key_exports_of_the_peer_open() {
    let cases = part("key_exports");
    let cases = cases.as_array().unwrap();
    let mut count = Count::new("olm/attachments_exports_ssss key_exports");
    for case in cases {
        let (file, passphrase) = (text(case, "file"), text(case, "passphrase"));

        let opened = key_export::open(file, passphrase).unwrap();

        assert_eq!(text(case, "plaintext").as_bytes(), opened.expose());
        let rounds = u32::try_from(number(case, "rounds")).unwrap();
        if rounds >= key_export::MIN_ROUNDS_WRITTEN {
            let lines: String = file.lines().filter(|line| !line.starts_with('-')).collect();
            let bytes = base64::decode(&lines).unwrap();
            let mut random = ScriptedRandom::new(&[&bytes.expose()[1..33]]);
            let made = key_export::seal(opened.expose(), passphrase, rounds, &mut random).unwrap();
            let ours: String = made.lines().filter(|line| !line.starts_with('-')).collect();
            assert_eq!(lines, ours);
        }
        count.ran();
    }
    count.finish(cases.len());
}

/// Bits of the round count are left to the unit tests: most of them ask for more rounds than are
/// done, and the others would take minutes.
#[test]
fn every_flipped_bit_of_a_key_export_is_refused() {
    let cases = part("key_exports");
    let case = &cases[0];
    let lines: String = text(case, "file").lines().filter(|line| !line.starts_with('-')).collect();
    let whole = base64::decode(&lines).unwrap();
    let rounds = 33..37;
    let mut tried = 0;
    for bit in (0..whole.len() * 8).filter(|bit| !rounds.contains(&(bit / 8))) {
        let mut flipped = whole.expose().to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let file = format!(
            "-----BEGIN MEGOLM SESSION DATA-----\n{}\n-----END MEGOLM SESSION DATA-----",
            base64::encode(&flipped)
        );
        let verdict = key_export::open(&file, text(case, "passphrase")).map(|_| ());
        let expected = if bit < 8 { Error::UnsupportedVersion } else { Error::Forged };
        assert_eq!(Err(expected), verdict, "bit {bit}");
        tried += 1;
    }
    println!("olm/key_exports flips: {tried} tried, 0 accepted");
}

fn storage_key(case: &Value) -> StorageKey {
    StorageKey::from_bytes(Secret::new(array(case, "key")))
}

fn sealed(secret: &Value) -> SealedSecret {
    SealedSecret {
        iv: binary(secret, "iv"),
        ciphertext: base64::decode(text(secret, "ciphertext")).unwrap().expose().to_vec(),
        mac: binary(secret, "mac"),
    }
}

#[test]
fn secrets_are_sealed_and_opened_as_by_the_peer() {
    let case = part("secret_storage");
    let key = storage_key(&case);
    let secrets = case["secrets"].as_array().unwrap();
    let mut count = Count::new("olm/attachments_exports_ssss secrets");
    for secret in secrets {
        let (name, given) = (text(secret, "name"), sealed(secret));
        let stored = base64::encode(&unhex(text(secret, "secret")));

        let mut random = ScriptedRandom::new(&[&given.iv]);
        assert_eq!(Ok(given.clone()), key.seal(name, stored.as_bytes(), &mut random));
        assert_eq!(stored.as_bytes(), key.open(name, &given).unwrap().expose());
        count.ran();
    }
    count.finish(secrets.len());
}

#[test]
fn the_key_is_known_by_its_check_its_text_and_its_passphrase() {
    let case = part("secret_storage");
    let key = storage_key(&case);
    let metadata = &case["metadata"];
    let check = KeyCheck { iv: binary(metadata, "iv"), mac: binary(metadata, "mac") };
    let mut count = Count::new("olm/attachments_exports_ssss key");

    assert!(key.matches(&check));
    assert_eq!(Ok(check), key.check(&mut ScriptedRandom::new(&[&check.iv])));
    for bit in 0..128 + 256 {
        let mut flipped = check;
        match bit {
            0..128 => flipped.iv[bit / 8] ^= 1 << (bit % 8),
            _ => flipped.mac[(bit - 128) / 8] ^= 1 << (bit % 8),
        }
        assert!(!key.matches(&flipped), "bit {bit}");
    }
    count.ran();

    let written = text(&case, "recovery_key");
    assert_eq!(written.as_bytes(), key.recovery_text().expose());
    assert_eq!(key.expose(), StorageKey::from_recovery_text(written).unwrap().expose());
    count.ran();

    let word = &case["passphrase"];
    let rounds = u32::try_from(number(word, "iterations")).unwrap();
    let made = StorageKey::from_passphrase(text(word, "passphrase"), text(word, "salt"), rounds);
    assert_eq!(hex(word, "key"), made.unwrap().expose());
    assert_eq!(256, number(word, "bits"));
    count.ran();
    count.finish(["metadata", "recovery_key", "passphrase"].len());
}

/// The MAC covers the ciphertext alone: a flipped bit of the IV gives another text. That is listed,
/// and counted.
#[test]
fn of_every_flipped_bit_of_a_secret_those_of_its_iv_are_open() {
    assert_eq!(1, verdict::unauthenticated("Matrix, secret storage").len());
    let case = part("secret_storage");
    let (key, secrets) = (storage_key(&case), case["secrets"].as_array().unwrap());
    let (mut refused, mut accepted) = (0, 0);
    for secret in secrets {
        let (name, whole) = (text(secret, "name"), sealed(secret));
        let text = key.open(name, &whole).unwrap();
        for bit in 0..whole.ciphertext.len() * 8 {
            let mut flipped = whole.clone();
            flipped.ciphertext[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Err(Error::Forged), key.open(name, &flipped).map(|_| ()), "bit {bit}");
            refused += 1;
        }
        for bit in 0..256 {
            let mut flipped = whole.clone();
            flipped.mac[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Err(Error::Forged), key.open(name, &flipped).map(|_| ()), "MAC bit {bit}");
            refused += 1;
        }
        for bit in 0..128 {
            let mut flipped = whole.clone();
            flipped.iv[bit / 8] ^= 1 << (bit % 8);
            assert!(!text.ct_eq(key.open(name, &flipped).unwrap().expose()), "IV bit {bit}");
            accepted += 1;
        }
    }
    println!("olm/secrets flips of ciphertext and MAC: {refused} tried, 0 accepted");
    println!("olm/secrets flips of the IV: {accepted} accepted");
    assert_eq!(128 * secrets.len(), accepted);
}
