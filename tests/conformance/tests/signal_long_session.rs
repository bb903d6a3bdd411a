// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opens all 260 messages of a recorded session over three post-quantum epochs, with decapsulation
//! keys read from the client's records and no chain or root key taken from them (signal.md §0,
//! "Not proved here").
//!
//! An observer collects the ciphertext parts from the chunks of the messages, decapsulates, checks
//! the ciphertext's MAC and so derives each epoch's chains from the handshake on.

use std::collections::HashMap;

use e2ee_conformance::{
    Count,
    fields::{hex, number, text},
    json,
    libsignal::{Current, parts_of_length},
    signal::{Filler, RecordedPreKeys, private_key, public_key, recorded_prekeys},
    unhex,
};
use e2ee_primitives::{Secret, mlkem768, x25519};
use e2ee_ratchet::{Budget, Chain, DoubleRatchet};
use e2ee_signal::{
    PreKeyMessage, RatchetMessage,
    dialect::{Framing, Signal},
    keys::encode_ec,
    limits,
    pqxdh::SessionSecrets,
    spqr::{
        self, Role,
        authenticator::{Authenticated, Authenticator, epoch_secret},
        chain,
        erasure::Decoder,
        message::Payload,
    },
};
use serde_json::Value;

const SET: &str = "signal/session_long_spqr";
const ALICE: usize = 0;

/// What the messages on the wire and the recorded decapsulation keys reveal of the post-quantum
/// ratchet.
struct Observer {
    auth_key: Secret<32>,
    secrets: Vec<Secret<32>>,
}

impl Observer {
    fn new(auth_key: Secret<32>, fields: &[spqr::Message], keys: &[Vec<u8>]) -> Self {
        let mut authenticator = Authenticator::new(&auth_key);
        let mut secrets = Vec::new();
        for epoch in 1.. {
            let in_epoch = || fields.iter().filter(move |field| field.epoch() == epoch);
            let ct1 = collect::<960>(in_epoch(), |payload| matches!(payload, Payload::Ct1(_)));
            let ct2 = collect::<160>(in_epoch(), |payload| matches!(payload, Payload::Ct2(_)));
            let (Some(ct1), Some(ct2)) = (ct1, ct2) else { break };
            let (ct2, mac) = ct2.split_first_chunk::<128>().unwrap();
            let header = collect::<96>(in_epoch(), |payload| matches!(payload, Payload::Header(_)));
            let key = find_key(&header.unwrap()[..64], keys);
            let secret = epoch_secret(epoch, &key.decapsulate(&ct1, ct2));
            authenticator = authenticator.updated(epoch, &secret);
            let object = Authenticated::Ciphertext(&ct1, ct2);
            assert!(authenticator.verify(epoch, &object, mac.try_into().unwrap()));
            secrets.push(secret);
        }
        Self { auth_key, secrets }
    }

    /// The key of a message, from chains that go forward from the handshake.
    fn key(&self, receiver: Role, field: &spqr::Message) -> Secret<32> {
        let mut chain = chain::Chain::new(&self.auth_key, receiver, limits::MAX_JUMP);
        let epoch = field.epoch() - 1;
        for (added, secret) in (1..=epoch).zip(&self.secrets) {
            chain.add(secret);
            let plan = chain.plan_send(added).unwrap();
            chain.commit_send(plan);
        }
        let mut budget = Budget::new(limits::ENVELOPE_STEPS);
        chain.plan_receive(epoch, field.index(), &mut budget).unwrap().key().duplicate()
    }
}

/// The object whose chunks the chosen payloads carry, if enough of them came.
fn collect<'a, const LEN: usize>(
    fields: impl Iterator<Item = &'a spqr::Message>,
    chosen: impl Fn(&Payload) -> bool,
) -> Option<Box<[u8; LEN]>> {
    let mut decoder = Decoder::<LEN>::new();
    for field in fields.filter(|field| chosen(field.payload())) {
        let chunk = field.payload().chunk().unwrap();
        if let Some(object) = decoder.completed_by(chunk).unwrap() {
            return Some(object);
        }
        decoder.add(chunk);
    }
    None
}

/// The recorded decapsulation key of an announced header.
fn find_key(header: &[u8], keys: &[Vec<u8>]) -> mlkem768::DecapsulationKey {
    keys.iter()
        .filter_map(|key| {
            mlkem768::DecapsulationKey::from_expanded(key[..].try_into().unwrap()).ok()
        })
        .find(|key| key.header() == header)
        .expect("no record holds the decapsulation key of this header")
}

struct End {
    identity: x25519::PrivateKey,
    ratchet: DoubleRatchet<Signal>,
    drawn: Option<Vec<u8>>,
}

fn ends(vector: &Value, first: &PreKeyMessage<'_>, secrets: &SessionSecrets) -> [End; 2] {
    // Of the initiator only its first private ratchet key is read: the handshake gives the rest.
    let record = Current::read(&hex(&vector["steps"][0], "sender_record_before"));
    let bob = private_key(&vector["bob_bundle"]["signed_prekey"], "private");
    let alice_ratchet = DoubleRatchet::initiate(
        &secrets.root,
        x25519::PrivateKey::from_bytes(&record.ratchet_private),
        bob.public(),
        limits::MAX_JUMP,
    );
    let chain = Chain::new(secrets.chain.key().duplicate(), 0);
    let bob_ratchet = DoubleRatchet::ours(secrets.root.duplicate(), bob, chain, limits::MAX_JUMP);
    let alice_identity = private_key(&vector["alice"], "identity_private");
    assert_eq!(first.outer.identity_key, *alice_identity.public());
    let bob_identity = private_key(&vector["bob"], "identity_private");
    [
        End { identity: alice_identity, ratchet: alice_ratchet.unwrap(), drawn: None },
        End { identity: bob_identity, ratchet: bob_ratchet, drawn: None },
    ]
}

fn prekeys<'a>(bundle: &Value, kyber: &'a mut Vec<u8>) -> RecordedPreKeys<'a> {
    let (secret, numbers) = recorded_prekeys(bundle);
    *kyber = secret;
    numbers.with(kyber)
}

fn recorded_keys(steps: &[Value]) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let records = ["sender_record_before", "sender_record_after", "record_before", "record_after"];
    for record in steps.iter().flat_map(|step| records.map(|name| step[name].as_str())).flatten() {
        let state = Current::read(&unhex(record)).pq_state;
        let mut found = Vec::new();
        parts_of_length(&state, 2_400, &mut found);
        keys.extend(found.into_iter().map(<[u8]>::to_vec));
    }
    keys
}

#[test]
fn every_message_of_a_long_recorded_session_opens() {
    let Some(vector) = json(SET) else { return };
    let steps = vector["steps"].as_array().unwrap();
    let sends: HashMap<&str, &Value> = steps
        .iter()
        .filter(|step| text(step, "op") == "send")
        .map(|step| (text(step, "id"), step))
        .collect();
    let fields: Vec<spqr::Message> = steps
        .iter()
        .filter(|step| text(step, "op") == "send")
        .map(|step| field_of(&inner(step)))
        .collect();

    let first = hex(&steps[0], "message");
    let first = PreKeyMessage::decode(&first).unwrap();
    let mut kyber = Vec::new();
    let bob_identity = private_key(&vector["bob"], "identity_private");
    let secrets = prekeys(&vector["bob_bundle"], &mut kyber).secrets(&bob_identity, &first);
    let observer = Observer::new(secrets.pq_auth_key.duplicate(), &fields, &recorded_keys(steps));
    let mut ends = ends(&vector, &first, &secrets);

    let mut count = Count::new(SET);
    for step in steps {
        let sent = sends[text(step, "id")];
        let sender = usize::from(text(sent, "from").starts_with(text(&vector["bob"], "name")));
        if text(step, "op") == "send" {
            send_again(&mut ends, sender, sent, &observer);
        } else {
            receive(&mut ends, sender, (sent, step), &observer);
        }
        count.ran();
    }
    println!("{SET}: {} messages opened, {} epoch secrets", sends.len(), observer.secrets.len());
    count.finish(steps.len());
}

fn inner(sent: &Value) -> Vec<u8> {
    let message = hex(sent, "message");
    match number(sent, "type") {
        3 => PreKeyMessage::decode(&message).unwrap().inner.to_vec(),
        _ => message,
    }
}

fn field_of(message: &[u8]) -> spqr::Message {
    spqr::Message::decode(RatchetMessage::decode(message).unwrap().pq).unwrap()
}

/// Makes the recorded message again, byte for byte; so the sender's ratchet moves.
fn send_again(ends: &mut [End; 2], sender: usize, sent: &Value, observer: &Observer) {
    let recorded = inner(sent);
    let message = RatchetMessage::decode(&recorded).unwrap();
    let field = field_of(&recorded);
    let recipient_identity = encode_ec(ends[1 - sender].identity.public());
    let end = &mut ends[sender];
    let key = if end.ratchet.our_key().is_none() { end.drawn.take().unwrap() } else { vec![] };
    let prepared = end.ratchet.prepare(&mut Filler::after(&key)).unwrap();
    let receiver = if sender == ALICE { Role::Responder } else { Role::Initiator };
    let salt = observer.key(receiver, &field);
    let block = message.addresses.map(|block| block.try_into().unwrap());
    let framing = Framing {
        sender_identity: encode_ec(end.identity.public()),
        recipient_identity,
        pq: &field,
        addresses: block,
    };
    let mut out = Vec::new();
    end.ratchet.seal(prepared, &salt, &framing, &hex(sent, "plaintext"), &mut out);
    assert_eq!(recorded, out, "message {}", sent["id"]);
}

fn receive(
    ends: &mut [End; 2],
    sender: usize,
    (sent, step): (&Value, &Value),
    observer: &Observer,
) {
    let recorded = inner(sent);
    let message = RatchetMessage::decode(&recorded).unwrap();
    let field = field_of(&recorded);
    let identities = [sender, 1 - sender].map(|end| encode_ec(ends[end].identity.public()));
    let end = &mut ends[1 - sender];
    let mut budget = Budget::new(limits::ENVELOPE_STEPS);
    let plan = end.ratchet.plan(&message.header, &mut budget).unwrap();
    let receiver = if sender == ALICE { Role::Responder } else { Role::Initiator };
    let salt = observer.key(receiver, &field);
    let associated = [&identities[0][..], &identities[1][..]];
    let plaintext = plan.open::<Signal>(&salt, associated, &message.frame).unwrap();
    assert_eq!(hex(sent, "plaintext"), plaintext.expose(), "message {}", sent["id"]);
    end.ratchet.commit(plan);
    end.drawn = Some(hex(&step["ratchet_key_after"], "private"));
    let public = public_key(&step["ratchet_key_after"], "public");
    assert_eq!(public, *private_key(&step["ratchet_key_after"], "private").public());
}
