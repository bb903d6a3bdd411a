// SPDX-License-Identifier: MIT OR Apache-2.0
//! HPKE for several messages against RFC 9180, and the channel over it against a conversation that
//! was computed apart from this code (olm_megolm.md §9).

use e2ee_conformance::{Count, ScriptedRandom, array, hex, json, number, text};
use e2ee_olm::hpke_channel::{Initiator, Recipient};
use e2ee_primitives::{
    hpke_messages::{Receiver, Sender},
    x25519::PrivateKey,
};

#[test]
fn rfc_9180_vectors() {
    let Some(vectors) = json("hpke/rfc9180-test-vectors") else { return };
    let vectors = vectors.as_array().unwrap();
    let mut count = Count::new("hpke/rfc9180-test-vectors ChaCha20-Poly1305");
    let (mut messages, mut exports) = (0, 0);
    for vector in vectors {
        let suite = ["mode", "kem_id", "kdf_id", "aead_id"].map(|name| number(vector, name));
        if suite != [0, 32, 1, 3] {
            count.not_applicable("another mode or suite");
            continue;
        }
        let key = PrivateKey::from_bytes(&array(vector, "skRm"));
        let info = hex(vector, "info");
        let mut random = ScriptedRandom::new(&[&hex(vector, "ikmE")]);
        let (mut sender, encapsulated) = Sender::begin(key.public(), &info, &mut random).unwrap();
        assert_eq!(hex(vector, "enc"), encapsulated);
        let mut receiver = Receiver::begin(&key, &encapsulated, &info).unwrap();

        for case in vector["encryptions"].as_array().unwrap() {
            let (aad, plaintext) = (hex(case, "aad"), hex(case, "pt"));
            let sealed = sender.seal(&aad, &plaintext).unwrap();
            assert_eq!(hex(case, "ct"), sealed);
            assert_eq!(plaintext, receiver.open(&aad, &sealed).unwrap().expose());
            messages += 1;
        }
        for case in vector["exports"].as_array().unwrap() {
            let label = hex(case, "exporter_context");
            assert_eq!(&array::<32>(case, "exported_value"), sender.export(&label).expose());
            assert_eq!(&array::<32>(case, "exported_value"), receiver.export(&label).expose());
            exports += 1;
        }
        count.ran();
    }
    println!("hpke/rfc9180-test-vectors: {messages} messages, {exports} exports");
    count.finish(vectors.len());
}

#[test]
fn a_conversation_that_was_computed_apart_is_the_same() {
    let case = json("olm/hpke_channel").expect("the repository has its own copy");
    let purpose = text(&case, "purpose");
    let [ours, theirs] = ["from_initiator", "from_recipient"].map(|name| {
        let steps = case[name].as_array().unwrap();
        steps.iter().map(|step| (hex(step, "plaintext"), hex(step, "message"))).collect::<Vec<_>>()
    });
    let mut random = ScriptedRandom::new(&[&hex(&case, "recipient_private")]);
    let recipient = Recipient::new(purpose, &mut random).unwrap();
    let mut random = ScriptedRandom::new(&[&hex(&case, "initiator_drawn")]);
    let key = *recipient.public_key();

    let (waiting, first) = Initiator::establish(&key, purpose, &ours[0].0, &mut random).unwrap();
    assert_eq!(ours[0].1, first);
    let (opened, plaintext) = recipient.accept(&first).unwrap();
    assert_eq!(ours[0].0, plaintext.expose());
    let mut random = ScriptedRandom::new(&[&hex(&case, "response_drawn")]);
    let (mut recipient, answer) = opened.answer(&theirs[0].0, &mut random).unwrap();
    assert_eq!(theirs[0].1, answer);
    let (mut initiator, plaintext) = waiting.receive(&answer).unwrap();
    assert_eq!(theirs[0].0, plaintext.expose());

    let mut count = Count::new("olm/hpke_channel");
    for (plaintext, message) in &ours[1..] {
        assert_eq!(message, &initiator.encrypt(plaintext).unwrap());
        assert_eq!(plaintext, recipient.decrypt(message).unwrap().expose());
        count.ran();
    }
    for (plaintext, message) in &theirs[1..] {
        assert_eq!(message, &recipient.encrypt(plaintext).unwrap());
        assert_eq!(plaintext, initiator.decrypt(message).unwrap().expose());
        count.ran();
    }
    for channel in [&initiator, &recipient] {
        let code: String = channel.check_code().map(|digit| digit.to_string()).concat();
        assert_eq!(text(&case, "check_code"), code);
    }
    count.finish(ours.len() + theirs.len() - 2);
}
