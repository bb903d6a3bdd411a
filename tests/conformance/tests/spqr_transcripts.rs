// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole conversations of the post-quantum ratchet, with every random byte given
//! (`spqr/spqr_transcript_*.json`; spqr.md §15).

use std::collections::BTreeMap;

use e2ee_conformance::{Count, ScriptedRandom, array, hex, json, number, text};
use e2ee_primitives::Secret;
use e2ee_ratchet::Budget;
use e2ee_signal::spqr::{MAX_SKIPPED_KEYS, Message, Role, Spqr};
use e2ee_wire::{Error, record::RecordReader};
use serde_json::Value;

/// The two sides, and the fields under way.
struct Replay {
    max_jump: u32,
    a: Spqr,
    b: Spqr,
    fields: BTreeMap<u64, Vec<u8>>,
}

impl Replay {
    fn new(transcript: &Value) -> Self {
        assert_eq!("spqr-transcript/1", text(transcript, "format"));
        assert_eq!(1, number(transcript, "min_version"));
        assert_eq!(u64::from(MAX_SKIPPED_KEYS), number(transcript, "max_ooo_keys"));
        let key = Secret::new(array(transcript, "auth_key"));
        let max_jump = u32::try_from(number(transcript, "max_jump")).unwrap();
        Self {
            max_jump,
            a: Spqr::new(&key, Role::Initiator, max_jump),
            b: Spqr::new(&key, Role::Responder, max_jump),
            fields: BTreeMap::new(),
        }
    }

    fn side(&mut self, name: &str) -> &mut Spqr {
        match name {
            "A" => &mut self.a,
            "B" => &mut self.b,
            other => panic!("no side is called {other}"),
        }
    }

    fn send(&mut self, name: &str, event: &Value) {
        let mut random = ScriptedRandom::default();
        for drawn in event["random"].as_array().into_iter().flatten() {
            random.push(&hex(drawn, "bytes"));
        }
        let (message, key) = self.side(name).send(&mut random).unwrap();
        random.finish();
        let mut field = Vec::new();
        message.encode_into(&mut field);

        assert_eq!(hex(event, "msg"), field, "{event}");
        assert_eq!(hex(event, "key"), key.expose(), "{event}");
        assert!(self.fields.insert(number(event, "id"), field).is_none());
    }

    fn receive(&mut self, name: &str, event: &Value) {
        let message = Message::decode(&self.fields[&number(event, "id")]).unwrap();
        let mut budget = Budget::new(self.max_jump);
        let side = self.side(name);
        let before = stored(side);
        let result = side.plan_receive(&message, &mut budget).and_then(|plan| {
            let key = plan.key().duplicate();
            side.commit_receive(plan, &message).map(|()| key)
        });

        match (result, event["error"].as_str()) {
            (Ok(key), None) => assert_eq!(hex(event, "key"), key.expose(), "{event}"),
            (Err(error), Some(name)) => {
                assert_eq!(error_of(name), error, "{event}");
                assert_eq!(before, stored(side), "{event}");
            }
            (result, _) => panic!("{event} gave {result:?}"),
        }
    }
}

fn error_of(name: &str) -> Error {
    match name {
        "key_already_used" => Error::Duplicate,
        "epoch_out_of_range" => Error::Malformed,
        other => panic!("no error is called {other}"),
    }
}

fn stored(side: &Spqr) -> [Vec<u8>; 3] {
    let mut parts = [vec![], vec![], vec![]];
    side.encode_head(&mut parts[0]);
    side.encode_objects(&mut parts[1]);
    side.encode_skipped(&mut parts[2]);
    parts
}

fn read_back(side: &Spqr) -> Spqr {
    let parts = stored(side);
    let mut readers = parts.each_ref().map(|part| RecordReader::new(part));
    let [head, objects, skipped] = &mut readers;
    let side = Spqr::decode(head, objects, skipped).unwrap();
    for reader in readers {
        reader.finish().unwrap();
    }
    side
}

/// Replays a transcript; if asked for, each side is stored and read back after each of its events.
fn replay(set: &str, storing: bool) {
    let Some(transcript) = json(set) else { return };
    let mut replay = Replay::new(&transcript);
    let how = if storing { " (stored after each event)" } else { "" };
    let mut count = Count::new(&format!("{set}{how}"));
    let events = transcript["events"].as_array().unwrap();
    for event in events {
        let name = if let Some(name) = event["send"].as_str() {
            replay.send(name, event);
            name
        } else {
            let name = text(event, "recv");
            replay.receive(name, event);
            name
        };
        let side = replay.side(name);
        assert_eq!(text(event, "state"), side.state_name(), "{event}");
        assert_eq!(number(event, "epoch"), side.epoch(), "{event}");
        if storing {
            *side = read_back(side);
        }
        count.ran();
    }
    count.finish(events.len());
}

#[test]
fn clean() {
    replay("spqr/spqr_transcript_clean", false);
    replay("spqr/spqr_transcript_clean", true);
}

#[test]
fn lossy_and_out_of_order() {
    replay("spqr/spqr_transcript_lossy_ooo", false);
    replay("spqr/spqr_transcript_lossy_ooo", true);
}

#[test]
fn one_sided() {
    replay("spqr/spqr_transcript_onesided", false);
    replay("spqr/spqr_transcript_onesided", true);
}
