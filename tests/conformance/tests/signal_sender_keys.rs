// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recorded group conversation of the reference client (signal.md §9, §7 and §8.1): what was
//! sent is made again byte for byte, what was received opens, and the stored records agree.

use e2ee_conformance::{
    Count,
    fields::{array, hex, number, text},
    json,
    signal::Filler,
};
use e2ee_primitives::secret::SecretBytes;
use e2ee_signal::sender_keys::{
    DistributionMessage, GroupMessage, SIGNATURE_LEN, SenderKey, SenderKeyRecord, SenderKeys,
};
use e2ee_wire::Error;
use serde_json::Value;

const SET: &str = "signal/sender_key";

fn own(vector: &Value) -> SenderKey {
    let record = SenderKeyRecord::from_libsignal(&hex(vector, "sender_record_initial")).unwrap();
    record.own.expect("the sender's record holds its private key")
}

fn received(record: &[u8]) -> SenderKeys {
    let record = SenderKeyRecord::from_libsignal(record).unwrap();
    assert!(record.own.is_none(), "a receiver's record holds no private key");
    record.received
}

fn fresh(distribution: &[u8]) -> SenderKeys {
    let mut keys = SenderKeys::none();
    keys.accept(&DistributionMessage::decode(distribution).unwrap());
    keys
}

fn stored(keys: &SenderKeys) -> [Vec<u8>; 2] {
    [keys.encode_head(&[]), keys.encode_skipped()].map(|part| part.expose().to_vec())
}

fn open(keys: &mut SenderKeys, message: &[u8]) -> Result<Vec<u8>, Error> {
    let plaintext = keys.decrypt(&GroupMessage::decode(message)?)?;
    Ok(SecretBytes::expose(&plaintext).to_vec())
}

fn message(vector: &Value, id: u64) -> &Value {
    let messages = vector["messages"].as_array().unwrap();
    messages.iter().find(|message| number(message, "id") == id).unwrap()
}

fn expected(outcome: &Value) -> Result<Vec<u8>, Error> {
    if outcome.get("plaintext").is_some() {
        return Ok(hex(outcome, "plaintext"));
    }
    Err(kind(text(outcome, "message")))
}

/// Our kind for a refusal's text.
fn kind(message: &str) -> Error {
    const TABLE: [(&str, Error); 5] = [
        ("message with old counter", Error::Duplicate),
        ("invalid signature detected", Error::Forged),
        ("ciphertext version was", Error::UnsupportedVersion),
        ("missing sender key state", Error::NoSenderKey),
        ("message from too far into the future", Error::TooFarAhead),
    ];
    let placed = TABLE.iter().find(|(part, _)| message.contains(part));
    placed.unwrap_or_else(|| panic!("a refusal without a place: {message}")).1
}

#[test]
fn the_recorded_distribution_messages_are_made_and_read() {
    let Some(vector) = json(SET) else { return };
    let mut count = Count::new("signal/sender_key distribution");
    let fields = &vector["distribution_fields"];
    let recorded = hex(&vector, "distribution_message");

    let read = DistributionMessage::decode(&recorded).unwrap();

    assert_eq!(array::<16>(fields, "distribution_uuid"), read.distribution_id);
    assert_eq!(number(fields, "chain_id"), u64::from(read.chain_id));
    assert_eq!(number(fields, "iteration"), u64::from(read.index));
    assert_eq!(&array::<32>(fields, "chain_key"), read.chain_key.expose());
    assert_eq!(hex(fields, "signing_key"), e2ee_signal::keys::encode_ec(&read.signing_key));
    let made = own(&vector).distribution(&read.distribution_id).encode();
    assert_eq!(recorded, made.expose());
    count.ran();
    let late = hex(&vector, "late_distribution_message");
    assert_eq!(late, DistributionMessage::decode(&late).unwrap().encode().expose());
    count.ran();
    count.finish(2);
}

#[test]
fn the_recorded_messages_are_made_again_but_for_the_random_signature() {
    let Some(vector) = json(SET) else { return };
    let mut count = Count::new("signal/sender_key messages");
    let messages = vector["messages"].as_array().unwrap();
    let distribution_id = array(&vector["distribution_fields"], "distribution_uuid");
    let mut sender = own(&vector);
    for (sent, message) in messages.iter().enumerate() {
        if sent == 3 {
            let late = sender.distribution(&distribution_id).encode();
            assert_eq!(hex(&vector, "late_distribution_message"), late.expose());
        }
        let mut random = Filler::after(&[]);
        let plaintext = hex(message, "plaintext");
        let made = sender.encrypt(&distribution_id, &plaintext, &mut random).unwrap();

        let recorded = hex(message, "message");
        let signed = recorded.len() - SIGNATURE_LEN;
        assert_eq!(recorded[..signed], made[..signed]);
        let parsed = GroupMessage::decode(&recorded).unwrap();
        assert_eq!(hex(&message["fields"], "ciphertext"), parsed.body);
        assert_eq!(hex(&message["fields"], "signature"), parsed.signature);
        assert_eq!(Ok(plaintext), open(&mut fresh_at_start(&vector), &made));
        count.ran();
    }
    count.finish(messages.len());
}

fn fresh_at_start(vector: &Value) -> SenderKeys {
    fresh(&hex(vector, "distribution_message"))
}

#[test]
fn the_recorded_conversation_opens_and_leaves_the_recorded_records() {
    let Some(vector) = json(SET) else { return };
    let mut count = Count::new("signal/sender_key steps");
    let steps = vector["steps"].as_array().unwrap();
    let mut bob = fresh_at_start(&vector);
    assert_eq!(stored(&received(&hex(&vector, "receiver_record_initial"))), stored(&bob));
    let mut carol = fresh(&hex(&vector, "late_distribution_message"));
    for step in steps {
        let keys = if text(step, "by") == "bob" { &mut bob } else { &mut carol };
        let recorded = |name: &str| step.get(name).map(|_| stored(&received(&hex(step, name))));
        if let Some(before) = recorded("record_before") {
            assert_eq!(before, stored(keys));
        }
        let message = hex(message(&vector, number(step, "id")), "message");

        assert_eq!(expected(&step["outcome"]), open(keys, &message));

        if let Some(after) = recorded("record_after") {
            assert_eq!(after, stored(keys));
        }
        count.ran();
    }
    count.finish(steps.len());
}

#[test]
fn the_recorded_refusals_are_ours() {
    let Some(vector) = json(SET) else { return };
    let mut count = Count::new("signal/sender_key negative");
    let cases = vector["negative"].as_array().unwrap();
    for case in cases {
        let mut bob = fresh_at_start(&vector);
        let mut message = hex(message(&vector, 0), "message");
        match text(case, "label") {
            "signature flipped" => *message.last_mut().unwrap() ^= 0x01,
            "version 0x44" => message[0] = 0x44,
            "unknown sender" => bob = SenderKeys::none(),
            label => panic!("a case without a runner: {label}"),
        }
        assert_eq!(expected(&case["outcome"]), open(&mut bob, &message));
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn the_recorded_limits_of_jump_and_cache_are_ours() {
    let Some(vector) = json(SET) else { return };
    let mut count = Count::new("signal/sender_key limits");
    let cases = vector["limits_from_fresh_state"].as_array().unwrap();
    let distribution_id = array(&vector["distribution_fields"], "distribution_uuid");
    let mut sender = own(&vector);
    let mut bob = fresh_at_start(&vector);
    let messages: Vec<Vec<u8>> = (0..=25_002)
        .map(|_| sender.encrypt(&distribution_id, b"text", &mut Filler::after(&[])).unwrap())
        .collect();
    for case in cases {
        let index = if case.get("processed").is_some() {
            bob.accept(
                &DistributionMessage::decode(&hex(&vector, "distribution_message")).unwrap(),
            );
            25_002
        } else {
            usize::try_from(number(case, "iteration")).unwrap()
        };
        let outcome = if case["ok"] == true {
            Ok(b"text".to_vec())
        } else {
            Err(kind(text(case, "message")))
        };
        assert_eq!(outcome, open(&mut bob, &messages[index]), "{index}");
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn as_many_chains_are_kept_as_were_recorded() {
    let Some(vector) = json(SET) else { return };
    let mut count = Count::new("signal/sender_key states");
    let cases = vector["states_kept_after_each_new_chain"].as_array().unwrap();
    let mut bob = SenderKeys::none();
    for (number, kept) in (0..).zip(cases) {
        let chain = SenderKey::create(&mut Filler::numbered(number)).unwrap();
        bob.accept(&chain.distribution(&[0xd1; 16]));
        assert_eq!(kept.as_u64(), u64::try_from(bob.len()).ok());
        count.ran();
    }
    count.finish(cases.len());
}
