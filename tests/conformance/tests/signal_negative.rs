// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the real client refused is refused here, and what it opened is opened (signal.md §0, row 7).
//!
//! Cases that carry no bytes are acted again between two parties of our own.

use e2ee_conformance::{
    Count,
    fields::{hex, text},
    json,
    libsignal::Current,
    own,
    signal::{CREATED, Initiated, Party, address, initiated, party, recorded_prekeys},
    verdict::{Verdict, kinds},
};
use e2ee_signal::{PreKeyMessage, limits::MAX_UNACKNOWLEDGED_SECONDS};
use e2ee_wire::Error;
use serde_json::Value;

const SET: &str = "signal/negative";

fn fresh_bob(vector: &Value) -> Party {
    let (kyber, numbers) = recorded_prekeys(&vector["bob_bundle"]);
    party(&vector["bob"], &vector["alice"], numbers.with(&kyber).stock())
}

fn alice_before_the_ratchet_cases(vector: &Value) -> Party {
    let (kyber, numbers) = recorded_prekeys(&vector["bob_bundle"]);
    let mut alice = party(&vector["alice"], &vector["bob"], numbers.with(&kyber).stock());
    let bob = fresh_bob(vector);
    let first = hex(vector, "original_prekey_message");
    let first = PreKeyMessage::decode(&first).unwrap();
    let record = Current::read(&hex(vector, "alice_record_before_signal_cases"));
    let start = Initiated {
        root: record.root,
        ratchet_private: record.ratchet_private,
        chain: record.chain,
        index: record.index,
        pq_auth_key: numbers.with(&kyber).secrets(&bob.identity, &first).pq_auth_key,
    };
    let their = (&alice.their_identity, bob.registration_id);
    let session = initiated(&start, alice.ours(), &first, their);
    alice.sessions.install(session);
    alice
}

/// Opens a case's message with an empty identity store, as the recording did.
fn open(party: &mut Party, case: &Value) -> Result<Vec<u8>, Error> {
    if let Some(claimed) = case["claimed_sender"].as_str() {
        let (name, device) = claimed.rsplit_once('.').unwrap();
        party.parties.theirs = address(name, device.parse().unwrap());
    }
    let kind = case["type"].as_u64().unwrap();
    let message = hex(case, "message");
    if let Ok(message) = PreKeyMessage::decode(&message)
        && kind == 3
    {
        party.their_identity = message.outer.identity_key;
    }
    party.receive(kind, &message)
}

/// Whether prekeys and sessions are as the recording says.
fn check_store(bob: &Party, case: &Value) {
    let removed = case["one_time_prekeys_removed"].as_array().unwrap().len();
    assert_eq!(1 - removed, bob.stock.reserved_len());
    let stored = case["session_stored"].as_bool().unwrap();
    assert_eq!(stored, bob.sessions.current().is_some());
}

#[test]
fn every_recorded_verdict_is_ours() {
    let Some(vector) = json(SET) else { return };
    let cases = vector["cases"].as_array().unwrap();
    let mut count = Count::new(SET);
    let mut alice = alice_before_the_ratchet_cases(&vector);
    let mut live_bob = fresh_bob(&vector);
    for case in cases {
        let label = text(case, "label");
        if case["message"].is_string() {
            let ours = if label.starts_with("signal:") {
                open(&mut alice, case)
            } else if case["session_stored"].is_boolean() {
                let mut bob = fresh_bob(&vector);
                let ours = open(&mut bob, case);
                check_store(&bob, case);
                ours
            } else {
                open(&mut live_bob, case)
            };
            let theirs = Verdict::read(&case["outcome"]);
            assert!(theirs.agrees(&ours), "{label}: {theirs:?} against {ours:?}");
        } else {
            act_again(label, case);
        }
        count.ran();
    }
    count.finish(cases.len());
}

fn act_again(label: &str, case: &Value) {
    if label.starts_with("prekey: stored identity differs") {
        stored_identity_differs(case);
    } else if label.starts_with("receiver chains kept") {
        receiver_chains(case);
    } else if label.starts_with("archived sessions kept") {
        archived_sessions(case);
    } else if label.starts_with("bundle:") {
        bundles(label, case);
    } else {
        ages(label, case);
    }
}

fn refused(case: &Value, ours: Result<(), Error>) {
    let kinds = kinds(text(&case["outcome"], "message"));
    assert!(kinds.contains(&ours.unwrap_err()), "{}", case["label"]);
}

fn stored_identity_differs(case: &Value) {
    let [mut alice, mut bob] = own::pair();
    own::connect(&mut alice, &own::bundle(&bob), 7).unwrap();
    let (kind, message) = own::send(&mut alice, b"hello");
    bob.their_identity = *bob.identity.public();

    refused(case, bob.receive(kind, &message).map(drop));
}

fn receiver_chains(case: &Value) {
    let [mut alice, mut bob] = own::pair();
    own::connect(&mut alice, &own::bundle(&bob), 7).unwrap();
    let (kind, message) = own::send(&mut alice, b"start");
    bob.receive(kind, &message).unwrap();
    let outcomes = case["outcomes"].as_array().unwrap();
    let mut held_back = Vec::new();
    for _ in outcomes {
        held_back.push(own::send(&mut bob, b"held back"));
        let (kind, message) = own::send(&mut bob, b"delivered");
        alice.receive(kind, &message).unwrap();
        let (kind, message) = own::send(&mut alice, b"turn");
        bob.receive(kind, &message).unwrap();
    }
    for (outcome, (kind, message)) in outcomes.iter().zip(held_back) {
        let ours = alice.receive(kind, &message).map(drop);
        if outcome["ok"] == true {
            assert_eq!(Ok(()), ours, "{outcome}");
        } else {
            assert!(kinds(text(outcome, "message")).contains(&ours.unwrap_err()), "{outcome}");
        }
    }
}

fn archived_sessions(case: &Value) {
    let [mut alice, mut bob] = own::pair();
    let bundle = own::bundle(&bob);
    let counts = case["counts"].as_array().unwrap();
    for (seed, expected) in (0_u8..).zip(counts) {
        own::connect(&mut alice, &bundle, seed).unwrap();
        let (kind, message) = own::send(&mut alice, b"again");
        bob.receive(kind, &message).unwrap();
        let archived = u64::try_from(bob.sessions.archived().count()).unwrap();
        assert_eq!(expected.as_u64().unwrap(), archived);
    }
}

fn bundles(label: &str, case: &Value) {
    let [mut alice, bob] = own::pair();
    let mut bundle = own::bundle(&bob);
    match label {
        "bundle: bad signed prekey signature" => bundle.signed_signature[9] ^= 1,
        "bundle: bad kyber prekey signature" => bundle.kyber_signature[9] ^= 1,
        "bundle: identity differs from the stored one" => {
            alice.their_identity = *alice.identity.public();
        }
        other => panic!("unknown case {other}"),
    }

    refused(case, own::connect(&mut alice, &bundle, 7));
    assert!(alice.sessions.current().is_none());
}

fn ages(label: &str, case: &Value) {
    let [mut alice, bob] = own::pair();
    own::connect(&mut alice, &own::bundle(&bob), 7).unwrap();
    let limit = CREATED + MAX_UNACKNOWLEDGED_SECONDS;
    match label {
        "encrypt 30 days + 1 s after creation" => {
            refused(case, own::send_at(&mut alice, b"late", limit + 1).map(drop));
        }
        "encrypt exactly 30 days after creation" => {
            assert!(own::send_at(&mut alice, b"in time", limit).is_ok());
        }
        "hasCurrentState" => {
            let session = alice.sessions.current().unwrap();
            assert_eq!(case["at_plus_30d"], session.is_fresh(limit));
            assert_eq!(case["at_plus_30d_1s"], session.is_fresh(limit + 1));
        }
        other => panic!("unknown case {other}"),
    }
}
