// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changes of recorded sealed messages: all are refused, but those of what the format leaves
//! unauthenticated (signal.md §10), which tests/vectors/deviations.json lists.

use e2ee_conformance::{
    Count,
    fields::{array, hex, text},
    json,
    sealed::{Device, recipients},
    signal::public_key,
};
use e2ee_primitives::x25519::PrivateKey;
use e2ee_signal::sealed_sender::{SenderCertificate, SentMessage, TrustAnchors};
use e2ee_wire::protobuf;
use serde_json::Value;

const SET: &str = "signal/sealed_sender";

#[test]
fn every_flipped_bit_of_the_recorded_messages_is_refused() {
    let Some(vector) = json(SET) else { return };
    let [bob, .., carol] = recipients(&vector);
    let first = (&bob, hex(&vector["v1"][1], "message"), 0xf0_u8);
    let second = (&carol, hex(&vector["v2"], "single_recipient_received"), 0xf0);
    let mut count = Count::new("signal/sealed_sender, one bit flipped");
    let mut total = 0;
    for (device, message, counts) in [first, second] {
        total += message.len() * 8;
        for bit in 0..message.len() * 8 {
            let mut altered = message.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            // signal.md §10.3 and §10.4: of the first byte only the major version counts, and
            // version 0 is read as version 1.
            let same =
                bit < 8 && (altered[0] & counts == message[0] & counts || altered[0] == 0x01);
            let ours = device.open(&vector, &altered, 0);
            assert_eq!(same, ours.is_ok(), "bit {bit}");
            count.ran();
        }
    }
    count.finish(total);
}

/// What the list says that nothing authenticates of a kind of message.
fn listed(message: &str) -> Vec<String> {
    let list = json("deviations").unwrap();
    let entries = list["unauthenticated"].as_array().unwrap().clone();
    let of_this = entries.iter().filter(|entry| text(entry, "message") == message);
    of_this.map(|entry| text(entry, "bytes").to_owned()).collect()
}

fn opens(vector: &Value, device: &Device, message: &[u8]) -> bool {
    device.open(vector, message, 0).is_ok()
}

#[test]
fn of_version_1_the_first_byte_unknown_fields_and_overlong_lengths_are_open() {
    let Some(vector) = json(SET) else { return };
    let [bob, ..] = recipients(&vector);
    let whole = hex(&vector["v1"][1], "message");
    let mut unknown = whole.clone();
    protobuf::write_varint(&mut unknown, 9, 1);
    let mut repeated = whole.clone();
    protobuf::write_bytes(&mut repeated, 3, &[1]);
    let mut overlong = whole.clone();
    overlong.splice(2..3, [whole[2] | 0x80, 0]);

    assert!(opens(&vector, &bob, &unknown));
    assert!(opens(&vector, &bob, &overlong));
    assert!(!opens(&vector, &bob, &repeated));
    assert_eq!(
        [
            "low nibble of the version byte, and whether its major version is 0 or 1",
            "unknown fields, and the form of varints, outside of the two boxes",
        ],
        listed("sealed sender, version 1")[..]
    );
}

#[test]
fn of_version_2_a_recipient_sees_the_low_nibble_open_and_a_server_the_devices() {
    let Some(vector) = json(SET) else { return };
    let [.., carol] = recipients(&vector);
    let whole = hex(&vector["v2"], "single_recipient_received");
    let mut sent = hex(&vector["v2"], "single_recipient_sent");
    // Version, count, 17 bytes of the service id, then the device.
    sent[19] = 9;
    let sent = SentMessage::decode(&sent).unwrap();

    assert!(!opens(&vector, &carol, &[&whole[..], &[0]].concat()));
    assert_eq!(9, sent.recipients()[0].devices[0].0.get());
    assert_eq!(whole, sent.recipients()[0].received(sent.tail()));
    assert_eq!(
        ["low nibble of the version byte"],
        listed("sealed sender, version 2, received form")[..]
    );
    assert_eq!(1, listed("sealed sender, version 2, sent form").len());
}

#[test]
fn of_a_certificate_unknown_fields_beside_the_body_are_open() {
    let Some(vector) = json(SET) else { return };
    let whole = hex(&vector, "sender_certificate");
    let roots = [public_key(&vector["trust_root"], "public")];
    let anchors = TrustAnchors { roots: &roots, signers: &[], revoked: &[] };
    let mut unknown = whole.clone();
    protobuf::write_varint(&mut unknown, 9, 1);

    let certificate = SenderCertificate::decode(&unknown).unwrap();

    assert_eq!(Ok(()), certificate.validate(&anchors, 0));
    assert_eq!(whole, certificate.encode());
    assert_eq!(
        ["unknown fields beside body and signature"],
        listed("sender and server certificate")[..]
    );
}

#[test]
fn the_listed_differences_are_listed() {
    for rule in [
        "sealed-sender-repeated-field",
        "sealed-sender-name-no-account",
        "sealed-sender-identity-not-reduced",
        "sealed-sender-fan-out-two-heads",
        "sealed-sender-excluded-twice",
    ] {
        assert!(e2ee_conformance::verdict::is_listed(rule), "{rule}");
    }
}

#[test]
fn the_recorded_private_keys_are_those_of_the_recorded_public_ones() {
    let Some(vector) = json(SET) else { return };
    for (key, value) in [("trust_root", "trust_root"), ("server", "server")] {
        let private = PrivateKey::from_bytes(&array(&vector[key], "private"));
        assert_eq!(&public_key(&vector[value], "public"), private.public());
    }
}
