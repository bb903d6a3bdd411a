// SPDX-License-Identifier: MIT OR Apache-2.0
//! Replays sessions between two real clients: every message of both parties byte for byte, from
//! their recorded randomness (spqr.md §15).

use e2ee_conformance::{
    Count, ScriptedRandom,
    fields::{array, hex, number, text},
    json,
    signal::{
        CREATED, Initiated, Party, RecordedPreKeys, address, initiated, private_key, public_key,
        with_recorded_key,
    },
    unhex,
};
use e2ee_primitives::Secret;
use e2ee_signal::{
    Ciphertext, Parties, PreKeyMessage, Sessions,
    sessions::{self, Outgoing},
};
use serde_json::Value;

fn prekeys<'a>(party: &Value, kyber: &'a [u8], one_time_used: bool) -> RecordedPreKeys<'a> {
    let id = |name: &str| u32::try_from(party["prekey_ids"][name].as_u64().unwrap()).unwrap();
    RecordedPreKeys {
        signed: (
            id("signed"),
            array(party, "signed_prekey_private"),
            array(party, "signed_prekey_signature"),
        ),
        kyber: (id("kyber"), kyber, array(party, "kyber_prekey_signature")),
        one_time: one_time_used.then(|| (id("one_time"), array(party, "one_time_prekey_private"))),
    }
}

fn party(own: &Value, other: &Value, one_time_used: bool) -> Party {
    let kyber = hex(own, "kyber1024_secret");
    let address_of = |party: &Value| address(text(party, "uuid"), number(party, "device"));
    Party {
        identity: private_key(own, "identity_private"),
        registration_id: u32::try_from(number(own, "registration_id")).unwrap(),
        parties: Parties { ours: address_of(own), theirs: address_of(other) },
        their_identity: public_key(other, "identity_public"),
        sessions: Sessions::none(),
        stock: prekeys(own, &kyber, one_time_used).stock(),
    }
}

struct Replay {
    alice: Party,
    bob: Party,
    /// The ratchet key that each party's client drew while receiving; we draw it when sending.
    drawn: [Option<Vec<u8>>; 2],
    sent: Vec<Vec<u8>>,
}

impl Replay {
    fn new(vector: &Value) -> Self {
        let one_time_used = vector["one_time_prekey_used"].as_bool().unwrap();
        let mut alice = party(&vector["alice"], &vector["bob"], one_time_used);
        let bob = party(&vector["bob"], &vector["alice"], one_time_used);
        let start = &vector["alice_after_pqxdh"];
        let first = hex(&vector["events"][0], "ct");
        let first = PreKeyMessage::decode(&first).unwrap();
        let recorded = Initiated {
            root: array(start, "root_key"),
            ratchet_private: array(start, "sending_ratchet_private"),
            chain: array(start, "sending_chain_key"),
            index: 0,
            pq_auth_key: Secret::new(array(start, "spqr_auth_key")),
        };
        let session = initiated(
            &recorded,
            alice.ours(),
            &first,
            (&alice.their_identity, bob.registration_id),
        );
        alice.sessions.install(session);
        Self { alice, bob, drawn: [None, None], sent: Vec::new() }
    }

    fn party(&mut self, name: &str) -> (&mut Party, &mut Option<Vec<u8>>) {
        let [alice_drawn, bob_drawn] = &mut self.drawn;
        match name {
            "A" => (&mut self.alice, alice_drawn),
            "B" => (&mut self.bob, bob_drawn),
            other => panic!("unknown party {other}"),
        }
    }

    fn send(&mut self, event: &Value) {
        let (party, drawn) = self.party(text(event, "send"));
        let inject = &event["inject"];
        let mut random = ScriptedRandom::default();
        if let Some(key) = drawn.take() {
            random.push(&key);
        }
        if let Some(message) = inject["mlkem_m"].as_str() {
            random.push(&unhex(message));
        }
        if let Some(key) = inject["mlkem_dk"].as_str() {
            let session = party.sessions.current().unwrap();
            let swapped = with_recorded_key(session, &unhex(key));
            party.sessions = Sessions::from_parts(Some(swapped), Vec::new()).unwrap();
        }
        let trusted = party.their_identity;
        let plaintext = hex(event, "pt");
        let outgoing = Outgoing { plaintext: &plaintext, now: CREATED };
        let Party { sessions, parties, .. } = &mut *party;
        let sent = sessions::encrypt(sessions, parties, &trusted, outgoing, &mut random).unwrap();
        random.finish();
        let (kind, message) = match sent {
            Ciphertext::Ratchet(message) => (2, message),
            Ciphertext::PreKey(message) => (3, message),
        };
        assert_eq!(number(event, "type"), kind);
        assert_eq!(hex(event, "ct"), message, "message {}", event["id"]);
        assert_eq!(usize::try_from(number(event, "id")).unwrap(), self.sent.len());
        self.sent.push(message);
    }

    fn receive(&mut self, event: &Value, sends: &[&Value]) {
        let id = usize::try_from(number(event, "id")).unwrap();
        let message = self.sent[id].clone();
        let (party, drawn) = self.party(text(event, "recv"));
        if let Some(key) = event["inject"]["dh"].as_str() {
            assert!(drawn.replace(unhex(key)).is_none(), "two turns without a message between");
        }
        let plaintext = party.receive(number(sends[id], "type"), &message);
        assert_eq!(Ok(hex(sends[id], "pt")), plaintext, "message {id}");
    }
}

fn replay(set: &str) {
    let Some(vector) = json(set) else { return };
    let events = vector["events"].as_array().unwrap();
    let sends: Vec<&Value> = events.iter().filter(|event| event["send"].is_string()).collect();
    let mut count = Count::new(set);
    let mut replay = Replay::new(&vector);
    for event in events {
        if event["send"].is_string() {
            replay.send(event);
        } else {
            replay.receive(event, &sends);
        }
        count.ran();
    }
    assert_eq!(number(&vector["stats"], "sent"), u64::try_from(replay.sent.len()).unwrap());
    let epochs =
        [&replay.alice, &replay.bob].map(|party| party.sessions.current().unwrap().pq_progress().0);
    let expected = ["final_epoch_a", "final_epoch_b"].map(|end| number(&vector["stats"], end));
    assert_eq!(expected, epochs);
    println!("{set}: {} messages of both parties byte for byte, epochs {epochs:?}", sends.len());
    count.finish(events.len());
}

#[test]
fn a_real_session_without_loss_is_reproduced() {
    replay("spqr/libsignal_session_clean");
}

#[test]
fn a_real_session_with_loss_and_reordering_is_reproduced() {
    replay("spqr/libsignal_session_lossy_ooo");
}

#[test]
fn a_real_session_without_one_time_prekey_is_reproduced() {
    replay("spqr/libsignal_session_no_otpk_ooo");
}
