// SPDX-License-Identifier: MIT OR Apache-2.0
//! ML-KEM-768 in halves against NIST's ACVP sets, known answers and CCTV (FIPS 203).

use std::collections::BTreeSet;

use e2ee_conformance::mlkem::{encapsulate, halves_of_ciphertext, halves_of_key, whole_key};
use e2ee_conformance::response::Response;
use e2ee_conformance::{Count, array, hex, json, text, text_file, unhex};
use e2ee_primitives::Secret;
use e2ee_primitives::mlkem768::{self, DecapsulationKey};

fn key_from_seed(d: &[u8], z: &[u8]) -> DecapsulationKey {
    DecapsulationKey::Seed(Secret::from_slice(&[d, z].concat()).unwrap())
}

fn decapsulate(key: &DecapsulationKey, ciphertext: &[u8]) -> [u8; 32] {
    let (ct1, ct2) = halves_of_ciphertext(ciphertext).unwrap();
    *key.decapsulate(&ct1, &ct2).expose()
}

#[test]
fn acvp_key_generation() {
    let Some(set) = json("mlkem/acvp-fips203-key-gen") else { return };
    let mut count = Count::new("mlkem/acvp-fips203-key-gen");
    let mut total = 0;
    for group in set["testGroups"].as_array().unwrap() {
        let cases = group["tests"].as_array().unwrap();
        total += cases.len();
        for case in cases {
            if text(group, "parameterSet") != "ML-KEM-768" {
                count.not_applicable("not ML-KEM-768");
                continue;
            }
            let key = key_from_seed(&hex(case, "d"), &hex(case, "z"));
            let imported = DecapsulationKey::from_expanded(&array(case, "dk")).unwrap();
            let (ciphertext, secret) = encapsulate(&hex(case, "ek"), [7; 32]).unwrap();

            assert_eq!(hex(case, "ek"), whole_key(&key));
            assert_eq!(hex(case, "ek"), whole_key(&imported));
            assert_eq!(
                (secret, secret),
                (decapsulate(&key, &ciphertext), decapsulate(&imported, &ciphertext))
            );
            count.ran();
        }
    }
    count.finish(total);
}

#[test]
fn acvp_encapsulation_and_decapsulation() {
    let Some(set) = json("mlkem/acvp-fips203-encap-decap") else { return };
    let mut count = Count::new("mlkem/acvp-fips203-encap-decap");
    let mut total = 0;
    for group in set["testGroups"].as_array().unwrap() {
        let cases = group["tests"].as_array().unwrap();
        total += cases.len();
        for case in cases {
            if text(group, "parameterSet") != "ML-KEM-768" {
                count.not_applicable("not ML-KEM-768");
                continue;
            }
            let secret: [u8; 32] = array(case, "k");
            if text(group, "function") == "encapsulation" {
                let expected = (hex(case, "c"), secret);
                assert_eq!(Some(expected), encapsulate(&hex(case, "ek"), array(case, "m")));
            }
            let owner = if group["dk"].is_string() { group } else { case };
            let key = DecapsulationKey::from_expanded(&array(owner, "dk")).unwrap();
            assert_eq!(secret, decapsulate(&key, &hex(case, "c")), "{}", case["reason"]);
            count.ran();
        }
    }
    count.finish(total);
}

#[test]
fn known_answers() {
    let Some(content) = text_file("mlkem/kat_MLKEM_768_0-99.rsp") else { return };
    let mut count = Count::new("mlkem/kat_MLKEM_768_0-99.rsp");
    let records = Response::all(&content);
    for record in &records {
        let seed = key_from_seed(&record.hex("d"), &record.hex("z"));
        let imported = DecapsulationKey::from_expanded(&record.array("sk")).unwrap();
        let encapsulated = encapsulate(&record.hex("pk"), record.array("msg"));

        assert_eq!(Some((record.hex("ct"), record.array("ss"))), encapsulated);
        for key in [seed, imported] {
            assert_eq!(record.hex("pk"), whole_key(&key));
            assert_eq!(record.array("ss"), decapsulate(&key, &record.hex("ct")));
            assert_eq!(record.array("ss_n"), decapsulate(&key, &record.hex("ct_n")));
        }
        count.ran();
    }
    count.finish(records.len());
}

/// Each line is a key with one coefficient that is not reduced; every position occurs.
#[test]
fn cctv_modulus() {
    let Some(content) = text_file("mlkem/cctv/modulus-ML-KEM-768.txt") else { return };
    let mut count = Count::new("mlkem/cctv/modulus-ML-KEM-768.txt");
    let mut positions = BTreeSet::new();
    for line in content.lines() {
        let (header, vector) = halves_of_key(&unhex(line)).unwrap();
        let large = (0..768).filter(|index| {
            let at = index / 2 * 3 + index % 2;
            let pair = u16::from_le_bytes([vector[at], vector[at + 1]]);
            (if index % 2 == 0 { pair & 0xfff } else { pair >> 4 }) >= 3329
        });
        positions.extend(large);

        assert!(!mlkem768::check(&header, &vector), "{line}");
        count.ran();
    }
    assert_eq!(768, positions.len());
    count.finish(content.lines().count());
}

#[test]
fn cctv_strcmp() {
    let Some(content) = text_file("mlkem/cctv/strcmp-ML-KEM-768.txt") else { return };
    let mut count = Count::new("mlkem/cctv/strcmp-ML-KEM-768.txt");
    let records = Response::all(&content);
    for record in &records {
        let key = DecapsulationKey::from_expanded(&record.array("dk")).unwrap();

        assert_eq!(record.array("k"), decapsulate(&key, &record.hex("c")));
        count.ran();
    }
    count.finish(records.len());
}

/// This file is older than FIPS 203: its key comes from G(d) without the dimension byte.
///
/// So generation from the seed is not compared; all that follows from the expanded key is.
#[test]
fn cctv_unlucky_sample() {
    let Some(content) = text_file("mlkem/cctv/unluckysample-ML-KEM-768.txt") else { return };
    let mut count = Count::new("mlkem/cctv/unluckysample-ML-KEM-768.txt");
    let records = Response::all(&content);
    for record in &records {
        let key = DecapsulationKey::from_expanded(&record.array("dk")).unwrap();
        let encapsulated = encapsulate(&record.hex("ek"), record.array("m"));

        assert_eq!(Some((record.hex("c"), record.array("k"))), encapsulated);
        assert_eq!(record.hex("ek"), whole_key(&key));
        assert_eq!(record.array("k"), decapsulate(&key, &record.hex("c")));
        count.ran();
    }
    count.finish(records.len());
}
