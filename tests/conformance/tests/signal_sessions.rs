// SPDX-License-Identifier: MIT OR Apache-2.0
//! Replays recorded sessions of the real client: what was received is opened by whole sessions,
//! what was sent is made again byte for byte at the engine (signal.md §15).

use std::collections::HashMap;

use e2ee_conformance::{
    Count,
    fields::{hex, number, text},
    json,
    libsignal::Current,
    signal::{
        CREATED, Filler, Initiated, Party, RecordedNumbers, initiated, party, ratchets,
        recorded_prekeys,
    },
    unhex,
};
use e2ee_signal::{
    PreKeyMessage, PreKeyStock, RatchetMessage,
    address::address_block,
    dialect::Framing,
    keys::encode_ec,
    sessions::{self, Outgoing},
    spqr,
};
use e2ee_wire::Error;
use serde_json::Value;

struct Transcript<'a> {
    parties: HashMap<String, (Party, Option<Vec<u8>>)>,
    prekeys: HashMap<String, (Vec<u8>, RecordedNumbers)>,
    messages: HashMap<&'a str, &'a Value>,
}

fn own_address(party: &Value) -> String {
    format!("{}.{}", text(party, "name"), number(party, "device_id"))
}

impl<'a> Transcript<'a> {
    fn new(vector: &'a Value) -> Self {
        let (alice, bob) = (&vector["alice"], &vector["bob"]);
        let mut transcript =
            Self { parties: HashMap::new(), prekeys: HashMap::new(), messages: HashMap::new() };
        for (own, other, bundle) in [(alice, bob, "alice_bundle"), (bob, alice, "bob_bundle")] {
            let name = own_address(own);
            // A party without a bundle of its own never opens a prekey message here.
            let bundle = if vector[bundle].is_object() { bundle } else { "bob_bundle" };
            let (kyber, numbers) = recorded_prekeys(&vector[bundle]);
            let stock: PreKeyStock = numbers.with(&kyber).stock();
            transcript.parties.insert(name.clone(), (party(own, other, stock), None));
            transcript.prekeys.insert(name, (kyber, numbers));
        }
        transcript
    }

    /// Enters the session that the sender of a first prekey message has initiated.
    fn install(&mut self, step: &Value, first: &PreKeyMessage<'_>) {
        let start = Current::read(&hex(step, "sender_record_before"));
        assert_eq!(0, start.index);
        let (recipient, _) = &self.parties[text(step, "to")];
        let (kyber, numbers) = &self.prekeys[text(step, "to")];
        let secrets = numbers.with(kyber).secrets(&recipient.identity, first);
        let recorded = Initiated {
            root: start.root,
            ratchet_private: start.ratchet_private,
            chain: start.chain,
            index: start.index,
            pq_auth_key: secrets.pq_auth_key,
        };
        let their_registration_id = recipient.registration_id;
        let (sender, _) = self.parties.get_mut(text(step, "from")).unwrap();
        let their = (&sender.their_identity, their_registration_id);
        let session = initiated(&recorded, sender.ours(), first, their);
        sender.sessions.install(session);
    }

    fn send(&mut self, step: &'a Value) {
        self.messages.insert(text(step, "id"), step);
        let message = hex(step, "message");
        let prekey = (number(step, "type") == 3).then(|| PreKeyMessage::decode(&message).unwrap());
        if let Some(first) = &prekey {
            let (sender, _) = &self.parties[text(step, "from")];
            let known = sender.sessions.current().map(|session| *session.base_key());
            if known != Some(first.outer.base_key) {
                self.install(step, first);
            }
        }
        let (sender, drawn) = self.parties.get_mut(text(step, "from")).unwrap();
        let plaintext = hex(step, "plaintext");
        let (ratchet, _) = ratchets(sender.sessions.current().unwrap());
        let key = if ratchet.our_key().is_none() { drawn.take().unwrap() } else { Vec::new() };
        let inner = prekey.as_ref().map_or(&message[..], |first| first.inner);
        assert_eq!(inner, again(sender, inner, &plaintext, &key), "message {}", step["id"]);
        if let Some(first) = &prekey {
            assert_eq!(message, first.outer.wrap(inner), "message {}", step["id"]);
        }
        let trusted = sender.their_identity;
        let outgoing = Outgoing { plaintext: &plaintext, now: CREATED };
        let mut random = Filler::after(&key);
        let Party { sessions, parties, .. } = sender;
        sessions::encrypt(sessions, parties, &trusted, outgoing, &mut random).unwrap();
    }

    fn receive(&mut self, step: &Value) {
        let sent = self.messages[text(step, "id")];
        let (recipient, drawn) = self.parties.get_mut(text(step, "by")).unwrap();
        let opened = recipient.receive(number(sent, "type"), &hex(sent, "message"));
        let outcome = &step["outcome"];
        let expected = match outcome["plaintext"].as_str() {
            Some(plaintext) => Ok(unhex(plaintext)),
            None => match text(outcome, "error") {
                "DuplicatedMessage" => Err(Error::Duplicate),
                other => panic!("unknown outcome {other}"),
            },
        };
        assert_eq!(expected, opened, "message {}", step["id"]);
        if let Some(key) = step["ratchet_key_after"]["private"].as_str() {
            *drawn = Some(unhex(key));
        }
    }
}

/// The sender's next ratchet message, with the recorded field 5 and its key.
fn again(sender: &Party, recorded: &[u8], plaintext: &[u8], ratchet_key: &[u8]) -> Vec<u8> {
    let (mut ratchet, mut pq) = ratchets(sender.sessions.current().unwrap());
    let recorded = RatchetMessage::decode(recorded).unwrap();
    let field = spqr::Message::decode(recorded.pq).unwrap();
    let prepared = ratchet.prepare(&mut Filler::after(ratchet_key)).unwrap();
    let (ours, salt) = pq.send(&mut Filler::after(&[])).unwrap();
    assert_eq!((field.epoch(), field.index()), (ours.epoch(), ours.index()));
    let block = address_block(&sender.parties.ours, &sender.parties.theirs);
    let framing = Framing {
        sender_identity: encode_ec(sender.identity.public()),
        recipient_identity: encode_ec(&sender.their_identity),
        pq: &field,
        addresses: recorded.addresses.and(block.as_ref()),
    };
    let mut out = Vec::new();
    ratchet.seal(prepared, &salt, &framing, plaintext, &mut out);
    out
}

fn replay(name: &str) {
    let set = format!("signal/{name}");
    let Some(vector) = json(&set) else { return };
    let steps = vector["steps"].as_array().unwrap();
    let mut count = Count::new(&set);
    let mut transcript = Transcript::new(&vector);
    for step in steps {
        match text(step, "op") {
            "send" => transcript.send(step),
            "recv" => transcript.receive(step),
            other => panic!("unknown step {other}"),
        }
        count.ran();
    }
    if let Some(removed) = vector["bob_one_time_prekeys_removed"].as_array() {
        let (bob, _) = &transcript.parties[&own_address(&vector["bob"])];
        let one_time = usize::from(vector["bob_bundle"]["one_time_prekey"].is_object());
        assert_eq!(one_time - removed.len(), bob.stock.reserved_len());
    }
    count.finish(steps.len());
}

#[test]
fn a_session_in_order_is_reproduced() {
    replay("session_basic");
}

#[test]
fn a_session_without_one_time_prekey_is_reproduced() {
    replay("session_no_one_time");
}

#[test]
fn a_session_between_names_that_are_no_service_ids_is_reproduced() {
    replay("session_plain_names");
}

#[test]
fn a_session_with_a_phone_number_identity_is_reproduced() {
    replay("session_pni");
}

#[test]
fn a_session_out_of_order_is_reproduced() {
    replay("session_out_of_order");
}

#[test]
fn sessions_started_by_both_sides_at_once_converge() {
    replay("session_simultaneous");
}
