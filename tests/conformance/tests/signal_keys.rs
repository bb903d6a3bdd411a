// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recorded encodings of keys and identifiers (signal.md §2.1, §2.2 and §2.4). The arithmetic of
//! the same file runs with the primitives.

use e2ee_conformance::{
    Count,
    fields::{hex, text, unhex},
    json,
    signal::public_key,
    verdict::is_listed,
};
use e2ee_primitives::xeddsa;
use e2ee_signal::{DeviceId, ServiceId, keys};
use e2ee_wire::Error;
use serde_json::Value;

const SET: &str = "signal/keys";

fn cases<'a>(vector: &'a Value, name: &str) -> (&'a Vec<Value>, Count) {
    (vector[name].as_array().unwrap(), Count::new(&format!("{SET} {name}")))
}

#[test]
fn public_keys_are_read_as_recorded_but_for_a_tail() {
    let Some(vector) = json(SET) else { return };
    let (cases, mut count) = cases(&vector, "public_key_parsing");
    for case in cases {
        let ours = keys::decode_ec(&hex(case, "input"));
        let outcome = &case["outcome"];
        match (outcome["ok"] == true, ours) {
            (true, Ok(key)) => assert_eq!(hex(outcome, "result"), keys::encode_ec(&key)),
            (true, Err(error)) => {
                assert_eq!(("trailing byte", Error::InvalidKey), (text(case, "label"), error));
                assert!(is_listed("ec-key-trailing-bytes"));
            }
            (false, ours) => assert_eq!(Err(Error::InvalidKey), ours),
        }
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn only_the_recorded_kem_type_is_read() {
    let Some(vector) = json(SET) else { return };
    let (cases, mut count) = cases(&vector, "kem_type_byte_acceptance");
    let key = hex(&vector["kem_keys"][0], "public");
    for case in cases {
        let mut key = key.clone();
        key[0] = unhex(text(case, "type_byte"))[0];
        assert_eq!(case["outcome"]["ok"] == true, keys::decode_kyber(&key).is_ok());
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn service_ids_have_the_recorded_forms() {
    let Some(vector) = json(SET) else { return };
    let (cases, mut count) = cases(&vector, "service_ids");
    for case in cases {
        let id = ServiceId::parse(text(case, "string")).unwrap();
        assert_eq!(hex(case, "binary"), id.binary());
        assert_eq!(hex(case, "fixed_width"), id.fixed_width());
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn device_ids_have_the_recorded_range() {
    let Some(vector) = json(SET) else { return };
    let (cases, mut count) = cases(&vector, "device_ids");
    for case in cases {
        let device = u32::try_from(case["device_id"].as_u64().unwrap()).unwrap();
        assert_eq!(case["outcome"]["ok"] == true, DeviceId::new(device).is_ok());
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn the_recorded_signature_of_an_alternate_identity_verifies() {
    let Some(vector) = json(SET) else { return };
    let case = &vector["alternate_identity"];
    let mut count = Count::new("signal/keys alternate_identity");
    let signer = public_key(case, "signer_public");
    let signature = hex(case, "signature").try_into().unwrap();
    let other = hex(case, "other_public");
    let message: [&[u8]; 3] = [&[0xff; 32], b"Signal_PNI_Signature", &other];
    assert_eq!(case["verifies"] == true, xeddsa::verify(&signer, &message, &signature).is_ok());
    assert!(xeddsa::verify(&signer, &message[1..], &signature).is_err());
    count.ran();
    count.finish(1);
}
