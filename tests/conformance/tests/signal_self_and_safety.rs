// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recorded session with oneself, and recorded safety numbers (signal.md §7, last row, and §11).

use e2ee_conformance::{
    Count,
    fields::{hex, number, text},
    json, own,
    signal::{party, public_key, recorded_prekeys},
    verdict::is_listed,
};
use e2ee_signal::{
    limits::{MAX_JUMP, MAX_JUMP_WITH_SELF},
    safety_number::{Iterations, Party, SafetyNumber, Version},
};
use e2ee_wire::Error;
use serde_json::Value;

#[test]
fn a_session_with_oneself_opens_and_jumps_further() {
    let set = "signal/session_self";
    let Some(vector) = json(set) else { return };
    let mut count = Count::new(set);
    let (kyber, numbers) = recorded_prekeys(&vector["bundle"]);
    let stock = numbers.with(&kyber).stock();
    let mut second = party(&vector["alice_device_2"], &vector["alice_device_1"], stock);
    let cases = vector["cases"].as_array().unwrap();

    let opened = second.receive(3, &hex(&vector, "first_message"));
    assert_eq!(Ok(hex(&cases[0]["outcome"], "result")), opened);
    count.ran();

    // The recording carries no bytes of the jump; two devices of our own make it.
    assert_eq!("jump of 25199 in a session with oneself", text(&cases[1], "label"));
    jump_with_self(25_199).unwrap();
    count.ran();
    count.finish(cases.len());
}

fn jump_with_self(jump: u32) -> Result<Vec<u8>, Error> {
    let [mut first, mut second] = own::devices();
    own::connect(&mut first, &own::bundle(&second), 7).unwrap();
    let (kind, message) = own::send(&mut first, b"start");
    second.receive(kind, &message).unwrap();
    for _ in 0..jump {
        own::send(&mut first, b"lost");
    }
    let (kind, message) = own::send(&mut first, b"far");
    second.receive(kind, &message)
}

#[test]
fn the_cap_of_a_session_with_oneself_is_listed() {
    assert!(is_listed("self-session-jump"));
    const { assert!(MAX_JUMP_WITH_SELF > MAX_JUMP) };
}

#[test]
fn recorded_safety_numbers_are_ours() {
    let set = "signal/fingerprints";
    let Some(vector) = json(set) else { return };
    let cases = vector["fingerprints"].as_array().unwrap();
    let mut count = Count::new(set);
    for case in cases {
        let (ours, theirs) = both_sides(case);
        assert_eq!(text(case, "displayable"), ours.digits());
        assert_eq!(text(case, "displayable_other_side"), theirs.digits());
        assert_eq!(hex(case, "scannable"), ours.encode());
        assert_eq!(hex(case, "scannable_other_side"), theirs.encode());
        assert_eq!(case["compare"], ours.compare(&theirs.encode()).unwrap());
        assert_eq!(case["compare_with_itself"], ours.compare(&ours.encode()).unwrap());
        assert_eq!(Ok(ours), SafetyNumber::decode(&hex(case, "scannable")));
        count.ran();
    }
    let refused = vector["iteration_errors"].as_array().unwrap();
    for case in refused {
        assert_eq!(false, case["outcome"]["ok"]);
        assert_eq!(Err(Error::InvalidArgument), Iterations::new(iterations(case)));
        count.ran();
    }
    // The recording names the case: theirs is version 2, ours 1, of the first two cases.
    assert_eq!(false, vector["version_mismatch"]["ok"]);
    let (ours, _) = both_sides(&cases[0]);
    let (_, theirs) = both_sides(&cases[1]);
    assert_eq!(Err(Error::SafetyNumberVersion), ours.compare(&theirs.encode()));
    count.ran();
    count.finish(cases.len() + refused.len() + 1);
}

/// The safety number of a case, as each of the two sees it.
fn both_sides(case: &Value) -> (SafetyNumber, SafetyNumber) {
    let version = match number(case, "version") {
        1 => Version::PhoneNumbers,
        _ => Version::ServiceIds,
    };
    let rounds = Iterations::new(iterations(case)).unwrap();
    let (our_id, their_id) = (hex(case, "local_id"), hex(case, "remote_id"));
    let (our_key, their_key) = (public_key(case, "local_key"), public_key(case, "remote_key"));
    let ours = Party { identity_key: &our_key, id: &our_id };
    let theirs = Party { identity_key: &their_key, id: &their_id };
    (
        SafetyNumber::iterated(rounds, version, &ours, &theirs),
        SafetyNumber::iterated(rounds, version, &theirs, &ours),
    )
}

fn iterations(case: &Value) -> u32 {
    u32::try_from(number(case, "iterations")).unwrap()
}
