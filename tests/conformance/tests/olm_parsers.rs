// SPDX-License-Identifier: MIT OR Apache-2.0
//! Throws damaged recordings at the parsers of Olm: none panics, what is accepted of messages is the
//! only form of what it says, and what is accepted of stored states encodes to something that is
//! accepted again (olm_megolm.md §1.3).
//!
//! This is the short form of the fuzz targets; its mutations are the same on each run.

use e2ee_conformance::{
    damage::throw,
    fields::text,
    json,
    olm::{decrypt, typed, unbase64},
    signal::Filler,
};
use e2ee_olm::{
    Account, NormalMessage, OneTimeKeys, PreKeyMessage, Session, dialect::Olm, record::Revisions,
    session::envelope_budget,
};
use e2ee_ratchet::{Dialect, FrameHead};
use e2ee_wire::record::RecordReader;
use serde_json::Value;

const SET: &str = "olm/olm_sessions";

fn recorded() -> Value {
    json(SET).expect("this set is part of the repository")
}

fn messages(kind: u64) -> Vec<Vec<u8>> {
    let vector = recorded();
    let steps = vector["transcripts"][0]["steps"].as_array().unwrap().iter();
    let sent = steps.filter(|step| text(step, "op") == "encrypt" && step["type"] == kind);
    sent.map(|step| unbase64(text(step, "ciphertext"))).collect()
}

#[test]
fn normal_messages() {
    throw("olm_message", &messages(1), |bytes| {
        let Ok(message) = NormalMessage::decode(bytes) else { return false };
        let body = message.frame.body;
        let head = FrameHead { header: message.header, previous_length: 0, body_len: body.len() };
        let mut again = Vec::new();
        Olm::begin(&(), &head, &mut again);
        again.extend([body, message.frame.tag].concat());
        assert_eq!(bytes, again);
        true
    });
}

#[test]
fn prekey_messages() {
    throw("olm_prekey_message", &messages(0), |bytes| {
        let Ok(message) = PreKeyMessage::decode(bytes) else { return false };
        let frame = message.message.frame;
        let inner = [frame.authenticated, frame.tag].concat();
        let mut again = Vec::new();
        message.keys.begin(inner.len(), &mut again);
        again.extend(inner);
        assert_eq!(bytes, again);
        true
    });
}

/// A session with older chains and skipped seeds, of our own accounts.
fn session() -> Session {
    let random = &mut Filler::numbered(1);
    let (mut responder, initiator) =
        (Account::generate(random).unwrap(), Account::generate(random).unwrap());
    responder.one_time_keys_mut().generate(1, random).unwrap();
    let key = *responder.one_time_keys().unpublished().next().unwrap().1;
    let mut one = initiator.initiate(responder.identity_key(), &key, random).unwrap();
    let (_, message) = typed(one.encrypt(b"first", random).unwrap());
    let message = PreKeyMessage::decode(&message).unwrap();
    let (mut other, _) = responder.accept(None, &message, &mut envelope_budget()).unwrap();
    for _ in 0..3 {
        one.encrypt(b"lost", random).unwrap();
        for (from, to) in [(0, 1), (1, 0)] {
            let both = [&mut one, &mut other];
            let (kind, message) = typed(both[from].encrypt(b"text", random).unwrap());
            decrypt(both[to], kind, &message).unwrap();
        }
    }
    other
}

fn parts_of(session: &Session) -> [Vec<u8>; 3] {
    let head = session.encode_head(Revisions::default());
    let parts = [head, session.encode_chains(), session.encode_skipped()];
    parts.map(|part| part.expose().to_vec())
}

#[test]
fn stored_sessions_read_what_they_write() {
    let parts = parts_of(&session());
    assert!(parts.iter().all(|part| part.len() > 5));
    for (damage, name) in ["head", "chains", "skipped"].into_iter().enumerate() {
        throw(&format!("olm_session_{name}"), &[parts[damage].clone()], |bytes| {
            let mut given = parts.each_ref().map(|part| &part[..]);
            given[damage] = bytes;
            let Ok((session, _)) = Session::decode(given[0], given[1], given[2]) else {
                return false;
            };
            let again = parts_of(&session);
            let (session, _) = Session::decode(&again[0], &again[1], &again[2]).unwrap();
            assert_eq!(again, parts_of(&session));
            true
        });
    }
}

#[test]
fn stored_one_time_keys_read_what_they_write() {
    let random = &mut Filler::numbered(1);
    let mut keys = OneTimeKeys::none();
    keys.generate(3, random).unwrap();
    for _ in 0..2 {
        keys.generate_fallback(random).unwrap();
    }
    let encoded = |keys: &OneTimeKeys| {
        let mut out = Vec::new();
        keys.encode(&mut out);
        out
    };
    throw("olm_one_time_keys", &[encoded(&keys)], |bytes| {
        let mut reader = RecordReader::new(bytes);
        let Ok(keys) = OneTimeKeys::decode(&mut reader) else { return false };
        let again = encoded(&keys);
        let read = OneTimeKeys::decode(&mut RecordReader::new(&again)).unwrap();
        assert_eq!(again, encoded(&read));
        true
    });
}
