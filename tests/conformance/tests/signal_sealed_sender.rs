// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealed sender against the real client (signal.md §10): its messages open here, and what it made
//! of known randomness is made again byte for byte.
//!
//! The client draws one seed for each message of version 2; a recipient's key brings it to light,
//! so that the message can be sealed again. Cases that carry no bytes are acted again.

use e2ee_conformance::{
    Count, ScriptedRandom,
    fields::{hex, number, text},
    json,
    libsignal::Current,
    sealed::{Device, recipients, signer},
    signal::{CREATED, Filler, Party, party, public_key, recorded_prekeys},
};
use e2ee_primitives::{
    Secret, ctr_hmac::BoxKeys, hkdf, secret::SecretBytes, x25519, x25519::PrivateKey,
};
use e2ee_signal::{
    ServiceId,
    keys::encode_ec,
    sealed_sender::{
        self, Content, ContentKind, Hint, Receiver, SenderCertificate, SentMessage,
        ServerCertificate, Subject, TrustAnchors, v1,
        v2::{self, Destination, Recipients},
    },
    sessions::{self, Outgoing},
};
use e2ee_wire::{Error, protobuf};
use serde_json::Value;

const SET: &str = "signal/sealed_sender";
/// Who was left out of the message to many, in order: an account, and another's phone number.
const EXCLUDED: [&str; 2] =
    ["e80f7bbe-5b94-471e-bd8c-2173654ea3d1", "PNI:38381c3b-2606-4ca7-9310-7cb927f2ab4a"];

fn kind(number: u64) -> ContentKind {
    match number {
        2 => ContentKind::Ratchet,
        3 => ContentKind::PreKey,
        _ => panic!("a kind that no case has"),
    }
}

#[test]
fn every_recorded_case_runs() {
    let Some(vector) = json(SET) else { return };
    let mut count = Count::new(SET);
    for name in ["sender_certificate", "sender_certificate_no_e164"] {
        certificate(&vector, name);
        count.ran();
    }
    let first_versions = vector["v1"].as_array().unwrap();
    let mut bob = SessionOfBob::new(&vector);
    for case in first_versions {
        first_version(&vector, case, &mut bob);
        count.ran();
    }
    let received = vector["v2"]["received"].as_array().unwrap();
    for (position, case) in received.iter().enumerate() {
        second_version(&vector, position, case);
        count.ran();
    }
    sealed_again_to_many(&vector);
    count.ran();
    sealed_again_to_one(&vector);
    count.ran();
    let negative = vector["negative"].as_array().unwrap();
    for case in negative {
        act_again(&vector, case);
        count.ran();
    }
    count.finish(2 + first_versions.len() + received.len() + 2 + negative.len());
}

fn certificate(vector: &Value, name: &str) {
    let recorded = hex(vector, name);
    let certificate = SenderCertificate::decode(&recorded).unwrap();
    let server = ServerCertificate::decode(&hex(&vector["server"], "certificate")).unwrap();
    let sender = Device::read(&vector["sender"]);
    let expires_ms = number(vector, "expiration");

    assert_eq!(recorded, certificate.encode());
    assert_eq!(hex(&vector["server"], "certificate"), server.encode());
    assert_eq!(&public_key(&vector["server"], "public"), server.key());
    assert_eq!(sender.address.service_id(), Some(certificate.sender()));
    assert_eq!(sender.address.device(), certificate.device());
    assert_eq!(sender.identity.public(), certificate.identity_key());
    assert_eq!(expires_ms, certificate.expires_ms());

    let subject = Subject {
        service_id: certificate.sender(),
        device: certificate.device(),
        identity_key: certificate.identity_key(),
        e164: certificate.e164(),
        expires_ms,
    };
    let issued = signer(vector).issue(&subject, &mut Filler::numbered(2)).unwrap();
    let unsigned = recorded.len() - 64;
    assert_eq!(recorded[..unsigned], issued.encode()[..unsigned]);
    let roots = [public_key(&vector["trust_root"], "public")];
    let anchors = TrustAnchors { roots: &roots, signers: &[], revoked: &[] };
    assert_eq!(Ok(()), issued.validate(&anchors, expires_ms));
}

/// Bob's session with the sender, which begins with the first case.
struct SessionOfBob(Party);

impl SessionOfBob {
    fn new(vector: &Value) -> Self {
        let (kyber, numbers) = recorded_prekeys(&vector["bundles"][0]["bundle"]);
        let stock = numbers.with(&kyber).stock();
        Self(party(&vector["recipients"][0], &vector["sender"], stock))
    }

    /// Opens the message inside, after the answer that the recording leaves out.
    fn receive(&mut self, case: &Value, kind: u64, message: &[u8]) -> Vec<u8> {
        let record = &case["outcome"]["record_before"];
        if record.is_string() && text(case, "label") == "whisper inside" {
            let recorded = Current::read(&hex(&case["outcome"], "record_before"));
            let mut random = Filler::after(&recorded.ratchet_private);
            let trusted = self.0.their_identity;
            let outgoing = Outgoing { plaintext: b"answer", now: CREATED };
            let Party { sessions, parties, .. } = &mut self.0;
            sessions::encrypt(sessions, parties, &trusted, outgoing, &mut random).unwrap();
        }
        self.0.receive(kind, message).unwrap()
    }
}

fn first_version(vector: &Value, case: &Value, bob: &mut SessionOfBob) {
    let [device, ..] = recipients(vector);
    let sealed = hex(case, "message");
    let content = device.open(vector, &sealed, number(vector, "expiration")).unwrap();
    let encoded = content.encode();

    assert_eq!(hex(case, "usmc"), encoded.expose(), "{}", case["label"]);
    if case["inner_type"].is_u64() {
        assert_eq!(kind(number(case, "inner_type")), content.kind);
        assert_eq!(hex(case, "inner_content"), content.message);
        assert_eq!(number(case, "content_hint"), u64::from(content.hint.number()));
        assert!(content.group_id.is_empty());
        let plaintext = bob.receive(case, number(case, "inner_type"), &content.message);
        assert_eq!(hex(case, "plaintext"), plaintext);
    } else if content.kind == ContentKind::Group {
        assert_eq!(hex(vector, "group_message"), content.message);
        assert_eq!((Hint::Implicit, &[0x2a][..]), (content.hint, &content.group_id[..]));
    } else {
        assert_eq!(ContentKind::Plaintext, content.kind);
    }
    assert_eq!(sealed, seal_first_version(vector, &sealed, &encoded), "{}", case["label"]);

    let sender = Device::read(&vector["sender"]);
    let recipient = device.identity.public();
    let again = v1::seal(&sender.identity, recipient, &encoded, &mut Filler::numbered(3)).unwrap();
    assert_eq!(sealed.len(), again.len());
    let opened = device.open(vector, &again, 0).unwrap();
    assert_eq!(encoded.expose(), opened.encode().expose());
}

/// Version 1 once more, from primitives: the ephemeral secret is not recorded, but the recipient's
/// key gives the same agreement.
fn seal_first_version(vector: &Value, recorded: &[u8], content: &SecretBytes) -> Vec<u8> {
    let [recipient, ..] = recipients(vector);
    let sender = Device::read(&vector["sender"]).identity;
    let [ephemeral] = protobuf::singular(&recorded[1..]).unwrap();
    let ephemeral = ephemeral.unwrap().bytes().unwrap();
    let key = x25519::PublicKey::new(ephemeral[1..].try_into().unwrap());
    let keys =
        |salt: &[u8], shared: Secret<32>| hkdf::derive::<96>(salt, &[shared.expose()], &[]).split();

    let ours = encode_ec(recipient.identity.public());
    let salt = [&b"UnidentifiedDelivery"[..], &ours, ephemeral].concat();
    let (chain, cipher, mac) = keys(&salt, recipient.identity.agree(&key).unwrap());
    let identity = BoxKeys::new(cipher, mac).seal(&encode_ec(sender.public())).unwrap();
    let shared = sender.agree(recipient.identity.public()).unwrap();
    let (_, cipher, mac) = keys(&[&chain.expose()[..], &identity].concat(), shared);
    let content = BoxKeys::new(cipher, mac).seal(content.expose()).unwrap();

    let mut out = vec![0x11];
    for (number, part) in (1..).zip([ephemeral, &identity, &content]) {
        protobuf::write_bytes(&mut out, number, part);
    }
    out
}

fn second_version(vector: &Value, position: usize, case: &Value) {
    let sent = hex(&vector["v2"], "sent_message");
    let sent = SentMessage::decode(&sent).unwrap();
    let recipient = &sent.recipients()[position];
    let received = recipient.received(sent.tail());
    let (ids, numbers): (Vec<u64>, Vec<u64>) = recipient
        .devices
        .iter()
        .map(|(device, number)| (u64::from(device.get()), u64::from(*number)))
        .unzip();

    assert_eq!(hex(case, "received_message"), received);
    assert_eq!(text(case, "service_id"), recipient.service_id.to_string());
    assert_eq!(case["device_ids"], serde_json::json!(ids));
    assert_eq!(case["registration_ids"], serde_json::json!(numbers));
    let named = recipients(vector);
    let devices =
        named.iter().filter(|device| device.address.service_id() == Some(recipient.service_id));
    let mut opened = 0;
    for device in devices {
        let content = device.open(vector, &received, 0).unwrap();
        assert_eq!(hex(case, "usmc"), content.encode().expose());
        opened += 1;
    }
    assert_eq!(ids.len(), opened);
}

/// The seed of a message of version 2, as a recipient computes it.
fn seed(recipient: &PrivateKey, received: &[u8]) -> [u8; 32] {
    let ephemeral = x25519::PublicKey::new(received[49..81].try_into().unwrap());
    let shared = recipient.agree(&ephemeral).unwrap();
    let parts: [&[u8]; 3] =
        [shared.expose(), &encode_ec(&ephemeral), &encode_ec(recipient.public())];
    let mask = hkdf::derive::<32>(&[], &parts, &[b"Sealed Sender v2: DH"]);
    std::array::from_fn(|at| received[1 + at] ^ mask.expose()[at])
}

fn seal_again(vector: &Value, received: &[u8], to: (&PrivateKey, &Recipients<'_>)) -> Vec<u8> {
    let sender = Device::read(&vector["sender"]);
    let content = SecretBytes::new(hex(&vector["v2"]["received"][0], "usmc"));
    let mut random = ScriptedRandom::new(&[&seed(to.0, received)]);
    let sealed = v2::seal(&sender.identity, &content, to.1, &mut random).unwrap();
    random.finish();
    sealed
}

fn sealed_again_to_many(vector: &Value) {
    let devices = recipients(vector);
    let destinations = devices.each_ref().map(Device::destination);
    let excluded = EXCLUDED.map(|text| ServiceId::parse(text).unwrap());
    let to = Recipients { destinations: &destinations, excluded: &excluded };
    let received = hex(&vector["v2"]["received"][0], "received_message");

    let sealed = seal_again(vector, &received, (&devices[0].identity, &to));

    assert_eq!(hex(&vector["v2"], "sent_message"), sealed);
    assert_eq!(excluded, SentMessage::decode(&sealed).unwrap().excluded());
}

fn sealed_again_to_one(vector: &Value) {
    let [.., carol] = recipients(vector);
    let received = hex(&vector["v2"], "single_recipient_received");
    let to = Recipients { destinations: &[carol.destination()], excluded: &[] };

    let sealed = seal_again(vector, &received, (&carol.identity, &to));

    assert_eq!(hex(&vector["v2"], "single_recipient_sent"), sealed);
    let sent = SentMessage::decode(&sealed).unwrap();
    assert_eq!(received, sent.recipients()[0].received(sent.tail()));
    assert!(carol.open(vector, &received, 0).is_ok());
}

/// A negative case: what was done, and the kinds that its refusal may have here.
fn act_again(vector: &Value, case: &Value) {
    let [bob, .., carol] = recipients(vector);
    let expires_ms = number(vector, "expiration");
    let first = hex(&vector["v1"][1], "message");
    let second = hex(&vector["v2"], "single_recipient_received");
    let changed = |message: &[u8], at: usize, with: u8| {
        let mut message = message.to_vec();
        message[at] = with;
        message
    };
    let flipped = |message: &[u8], at: usize| changed(message, at, message[at] ^ 1);
    let (ours, expected) = match text(case, "label") {
        "wrong trust root" => (wrong_root(vector, &bob, &first), Error::InvalidCertificate),
        "expired certificate" => {
            (bob.open(vector, &first, expires_ms + 1), Error::InvalidCertificate)
        }
        "exactly at expiration" => (bob.open(vector, &first, expires_ms), Error::Malformed),
        "version 0x31" => {
            (bob.open(vector, &changed(&first, 0, 0x31), 0), Error::UnsupportedVersion)
        }
        "version byte 0x01 (major 0)" => {
            (bob.open(vector, &changed(&first, 0, 0x01), 0), Error::Malformed)
        }
        // Version, tag, length and 33 bytes of the ephemeral key, tag and length before it.
        "encrypted static corrupted" => (bob.open(vector, &flipped(&first, 40), 0), Error::Forged),
        "v2 authentication tag corrupted" => {
            (carol.open(vector, &flipped(&second, 33), 0), Error::Forged)
        }
        "v2 encrypted message key corrupted" => {
            (carol.open(vector, &flipped(&second, 1), 0), Error::Forged)
        }
        "v2 received message with version byte 0x23" => {
            (carol.open(vector, &changed(&second, 0, 0x23), 0), Error::Malformed)
        }
        "v2 recipient registration id 0x4000" => {
            (registration_id(vector, &carol, 0x4000), Error::InvalidArgument)
        }
        "self send" => (self_send(vector), Error::SelfSend),
        other => panic!("a case without a place: {other}"),
    };
    if case["outcome"]["ok"] == true {
        assert!(ours.is_ok(), "{}: {ours:?}", case["label"]);
    } else {
        assert_eq!(expected, ours.unwrap_err(), "{}", case["label"]);
    }
}

fn wrong_root(vector: &Value, bob: &Device, sealed: &[u8]) -> Result<Content, Error> {
    let receiver = Receiver { identity: &bob.identity, address: &bob.address, e164: None };
    let roots =
        [*PrivateKey::from_bytes(&[9; 32]).public(), public_key(&vector["server"], "public")];
    let anchors = TrustAnchors { roots: &roots, signers: &[], revoked: &[] };
    sealed_sender::open(sealed, &receiver, &anchors, 0)
}

fn registration_id(vector: &Value, carol: &Device, id: u32) -> Result<Content, Error> {
    let destination = Destination { registration_id: id, ..carol.destination() };
    let to = Recipients { destinations: &[destination], excluded: &[] };
    let sender = Device::read(&vector["sender"]);
    let content = SecretBytes::new(hex(&vector["v2"]["received"][0], "usmc"));
    let sealed = v2::seal(&sender.identity, &content, &to, &mut Filler::numbered(4))?;
    let sent = SentMessage::decode(&sealed)?;
    carol.open(vector, &sent.recipients()[0].received(sent.tail()), 0)
}

fn self_send(vector: &Value) -> Result<Content, Error> {
    let sender = Device::read(&vector["sender"]);
    let content = SecretBytes::new(hex(&vector["v1"][1], "usmc"));
    let mut random = Filler::numbered(5);
    let public = *sender.identity.public();
    let sealed = v1::seal(&sender.identity, &public, &content, &mut random)?;
    sender.open(vector, &sealed, 0)
}

#[test]
fn the_largest_registration_id_is_addressed() {
    let Some(vector) = json(SET) else { return };
    let [.., carol] = recipients(&vector);

    assert!(registration_id(&vector, &carol, 0x3fff).is_ok());
    assert_eq!(Err(Error::InvalidArgument), registration_id(&vector, &carol, 0x4000).map(|_| ()));
}
