// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages that a responder must refuse (`spqr/negative.json`; spqr.md §10 and §11).

use e2ee_conformance::{Count, array, hex, json, number, text, unhex};
use e2ee_primitives::Secret;
use e2ee_ratchet::Budget;
use e2ee_signal::spqr::{MAX_SKIPPED_KEYS, Message, Role, Spqr};
use e2ee_wire::Error;
use serde_json::Value;

const SET: &str = "spqr/negative";

fn open(side: &mut Spqr, field: &[u8]) -> Result<[u8; 32], Error> {
    let message = Message::decode(field)?;
    let plan = side.plan_receive(&message, &mut Budget::new(u32::MAX))?;
    let key = *plan.key().expose();
    side.commit_receive(plan, &message).map(|()| key)
}

fn stored(side: &Spqr) -> Vec<u8> {
    let mut out = Vec::new();
    side.encode_head(&mut out);
    side.encode_objects(&mut out);
    side.encode_skipped(&mut out);
    out
}

/// What a case expects; a refusal by a rule that is stricter than the reference client's has that
/// rule's name.
fn expected(case: &Value) -> Result<[u8; 32], (Error, Option<&'static str>)> {
    let Some(error) = case["expect"]["error"].as_str() else {
        return Ok(array(&case["expect"], "key"));
    };
    Err(match error {
        "key_already_used" => (Error::Duplicate, None),
        "minimum_version" | "version_mismatch" => (Error::UnsupportedVersion, None),
        "unknown_version" => (Error::UnsupportedVersion, Some("spqr-unknown-version")),
        "unkeyed_message" => (Error::Malformed, Some("spqr-unkeyed-index-0")),
        "epoch_out_of_range" => (Error::Malformed, None),
        "key_jump" => (Error::TooFarAhead, None),
        other => panic!("no error is called {other}"),
    })
}

#[test]
fn negative() {
    let Some(set) = json(SET) else { return };
    assert_eq!("spqr-negative/1", text(&set, "format"));
    assert_eq!(u64::from(MAX_SKIPPED_KEYS), number(&set, "max_ooo_keys"));
    let key = Secret::new(array(&set, "auth_key"));
    let max_jump = u32::try_from(number(&set, "max_jump")).unwrap();
    let mut count = Count::new(SET);
    let cases = set["cases"].as_array().unwrap();
    for case in cases {
        if number(case, "min_version") == 0 {
            count.not_applicable("minimum version 0");
            continue;
        }
        assert_eq!("B2A", text(case, "role"));
        let mut side = Spqr::new(&key, Role::Responder, max_jump);
        for field in case["delivered_before"].as_array().unwrap() {
            open(&mut side, &unhex(field.as_str().unwrap())).unwrap();
        }
        let before = stored(&side);

        let result = open(&mut side, &hex(case, "message"));

        match expected(case) {
            Ok(key) => assert_eq!(Ok(key), result, "{case}"),
            Err((error, rule)) => {
                assert_eq!(Err(error), result, "{case}");
                assert_eq!(before, stored(&side), "{case}");
                if let Some(rule) = rule {
                    println!("{SET}: refused by rule {rule}: {}", text(case, "name"));
                }
            }
        }
        count.ran();
    }
    count.finish(cases.len());
}
