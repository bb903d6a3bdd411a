// SPDX-License-Identifier: MIT OR Apache-2.0
//! Encryption to a public key against libolm and vodozemac, and what its MAC leaves open
//! (olm_megolm.md §5).

use e2ee_conformance::{Count, ScriptedRandom, array, hex, json, text, verdict};
use e2ee_olm::pk::{PkDecryption, PkMessage, encrypt};
use e2ee_primitives::{Secret, base64, x25519::PublicKey};
use e2ee_wire::Error;
use serde_json::Value;

fn set(name: &str) -> Value {
    json(name).expect("the repository has its own copy")
}

fn message(fields: &Value) -> PkMessage {
    PkMessage {
        ephemeral: PublicKey::new(base64::decode_key(text(fields, "ephemeral")).unwrap()),
        mac: base64::decode(text(fields, "mac")).unwrap().expose().try_into().unwrap(),
        ciphertext: base64::decode(text(fields, "ciphertext")).unwrap().expose().to_vec(),
    }
}

fn key(bytes: [u8; 32]) -> PkDecryption {
    PkDecryption::from_bytes(&Secret::new(bytes))
}

#[test]
fn messages_are_made_and_opened_as_by_libolm() {
    let set = set("olm/pk_backup_signing");
    let cases = set["pk"].as_array().unwrap();
    let mut count = Count::new("olm/pk_backup_signing pk");
    for case in cases {
        let (key, plaintext) = (key(array(case, "private")), text(case, "plaintext").as_bytes());
        let mut random = ScriptedRandom::new(&[&hex(case, "ephemeral_private")]);

        let sealed = encrypt(key.public_key(), plaintext, &mut random).unwrap();

        assert_eq!(text(case, "public"), base64::encode(key.public_key().as_bytes()));
        assert_eq!(message(case), sealed);
        assert_eq!(plaintext, key.decrypt(&sealed).unwrap().expose());
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn messages_of_libolm_and_vodozemac_open() {
    let set = set("olm/pk-encryption");
    let cases = set["tests"].as_array().unwrap();
    let mut count = Count::new("olm/pk-encryption");
    for case in cases {
        let key = key(base64::decode_key(text(case, "private_key")).unwrap());
        assert_eq!(text(case, "public_key"), base64::encode(key.public_key().as_bytes()));
        for peer in ["vodozemac", "libolm"] {
            let opened = key.decrypt(&message(&case[peer])).unwrap();
            assert_eq!(text(case, "plaintext").as_bytes(), opened.expose(), "{peer}");
            count.ran();
        }
    }
    count.finish(2 * cases.len());
}

#[test]
fn a_backed_up_session_opens() {
    let set = set("olm/pk_backup_signing");
    let case = &set["backup"];
    let key = key(array(case, "private"));

    let opened = key.decrypt(&message(&case["session_data"])).unwrap();

    let mut count = Count::new("olm/pk_backup_signing backup");
    assert_eq!(text(&case["auth_data"], "public_key"), base64::encode(key.public_key().as_bytes()));
    assert_eq!(text(case, "plaintext").as_bytes(), opened.expose());
    count.ran();
    count.finish(1);
}

/// Every flipped bit of key and MAC is refused. A flipped bit of the ciphertext is not: the format
/// authenticates nothing of it, and its padding alone can be wrong. That is listed, and counted.
#[test]
fn of_every_flipped_bit_those_of_the_ciphertext_are_open() {
    assert_eq!(1, verdict::unauthenticated("Matrix, encryption to a public key").len());
    let set = set("olm/pk_backup_signing");
    let cases = set["pk"].as_array().unwrap();
    let (mut refused, mut accepted, mut padding) = (0, 0, 0);
    for case in cases {
        let (key, whole) = (key(array(case, "private")), message(case));
        for bit in 0..256 {
            let mut bytes = *whole.ephemeral.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let flipped = PkMessage { ephemeral: PublicKey::new(bytes), ..whole.clone() };
            let verdict = key.decrypt(&flipped).map(|_| ());
            assert!(matches!(verdict, Err(Error::Forged | Error::InvalidKey)), "key bit {bit}");
            refused += 1;
        }
        for bit in 0..64 {
            let mut flipped = whole.clone();
            flipped.mac[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Err(Error::Forged), key.decrypt(&flipped).map(|_| ()), "MAC bit {bit}");
            refused += 1;
        }
        // The last two blocks decide about the padding; a change before them shows in the text.
        let free = whole.ciphertext.len().saturating_sub(32) * 8;
        for bit in 0..whole.ciphertext.len() * 8 {
            let mut flipped = whole.clone();
            flipped.ciphertext[bit / 8] ^= 1 << (bit % 8);
            match key.decrypt(&flipped) {
                Ok(opened) => {
                    assert_ne!(text(case, "plaintext").as_bytes(), opened.expose());
                    accepted += 1;
                }
                Err(error) => {
                    assert!(error == Error::Forged && bit >= free, "bit {bit}");
                    padding += 1;
                }
            }
        }
    }
    println!("olm/pk flips of key and MAC: {refused} tried, 0 accepted");
    println!("olm/pk flips of the ciphertext: {accepted} accepted, {padding} without padding");
    assert!(accepted > 0, "the list says that these are open");
}
