// SPDX-License-Identifier: MIT OR Apache-2.0
//! What only a certified sender with a program of its own could send.

use crate::{
    account::person::{Counting, NOW_MS, Person},
    sealed_sender::{SentMessage, Subject, TrustRoot, v2},
};

use super::*;

impl Person {
    fn open(&mut self, sealed: &[u8], root: &TrustRoot) -> Result<Vec<u8>, Failure> {
        let envelope = envelope::encode(Kind::Sealed, sealed);
        let roots = [*root.public_key()];
        let anchors = TrustAnchors { roots: &roots, signers: &[], revoked: &[] };
        let opened = self.step(|account, environment| {
            let incoming = SealedIncoming { envelope: &envelope, anchors };
            let unsealed = account.unseal(&incoming, environment)?;
            account.decrypt_unsealed(&unsealed, environment)
        });
        opened.map(|(.., opened)| opened.plaintext.expose().to_vec())
    }
}

/// Seals any content for Bob, certified for the sender's key under Alice's name.
fn sealed(
    sender: &x25519::PrivateKey,
    bob: &Person,
    root: &TrustRoot,
    (kind, message): (ContentKind, &[u8]),
) -> Vec<u8> {
    let mut random = Counting(9 << 40);
    let signer = root.server_signer(1, &mut random).unwrap();
    let subject = Subject {
        service_id: names::service_id("alice"),
        device: DeviceId::new(1).unwrap(),
        identity_key: sender.public(),
        e164: None,
        expires_ms: NOW_MS,
    };
    let certificate = signer.issue(&subject, &mut random).unwrap();
    let message = message.to_vec();
    let content =
        Content { kind, certificate, message, hint: Hint::Resendable, group_id: vec![7] }.encode();
    v1::seal(sender, bob.account.identity_key(), &content, &mut random).unwrap()
}

fn world() -> (TrustRoot, x25519::PrivateKey, Person, Person) {
    let root = TrustRoot::generate(&mut Counting(3 << 48)).unwrap();
    let certified = x25519::PrivateKey::from_bytes(&[0x6d; 32]);
    (root, certified, Person::new("alice", 1), Person::new("bob", 2))
}

#[test]
fn a_first_message_under_another_key_than_the_certified_one_is_forged() {
    let (root, certified, mut alice, mut bob) = world();
    let envelope = alice.envelope_to(&mut bob);
    let own = alice.account.identity.key().duplicate();

    let refused = sealed(&certified, &bob, &root, (ContentKind::PreKey, &envelope[2..]));
    let honest = sealed(&own, &bob, &root, (ContentKind::PreKey, &envelope[2..]));

    assert_eq!(Err(Failure::Protocol(Error::Forged)), bob.open(&refused, &root));
    assert_eq!(Ok(b"text".to_vec()), bob.open(&honest, &root));
}

#[test]
fn a_certificate_of_another_key_gives_no_way_into_a_session() {
    let (root, certified, mut alice, mut bob) = world();
    let first = alice.envelope_to(&mut bob);
    let own = alice.account.identity.key().duplicate();
    let first = sealed(&own, &bob, &root, (ContentKind::PreKey, &first[2..]));
    // Alice is known under the text of her id, since nobody told Bob a name.
    assert_eq!(Ok(b"text".to_vec()), bob.open(&first, &root));
    let id = names::service_id("alice").to_string();
    let answer = bob.step(|account, environment| {
        account.encrypt((&id, DeviceId::new(1).unwrap()), b"answer", environment)
    });
    let whom = ("bob", DeviceId::new(1).unwrap());
    let answer = answer.unwrap();
    let incoming = super::super::Incoming { user: "bob", device: whom.1, envelope: &answer };
    alice.step(|account, environment| account.decrypt(incoming, environment)).unwrap();
    let later =
        alice.step(|account, environment| account.encrypt(whom, b"later", environment)).unwrap();

    let refused = sealed(&certified, &bob, &root, (ContentKind::Ratchet, &later[2..]));
    let honest = sealed(&own, &bob, &root, (ContentKind::Ratchet, &later[2..]));

    let untrusted = Err(Failure::Protocol(Error::UntrustedIdentity));
    assert_eq!(untrusted, bob.open(&refused, &root));
    assert_eq!(Ok(b"later".to_vec()), bob.open(&honest, &root));
}

#[test]
fn a_message_named_as_another_kind_does_not_open() {
    let (root, _, mut alice, mut bob) = world();
    let envelope = alice.envelope_to(&mut bob);
    let own = alice.account.identity.key().duplicate();

    for kind in [ContentKind::Ratchet, ContentKind::Group, ContentKind::Plaintext] {
        let other = sealed(&own, &bob, &root, (kind, &envelope[2..]));
        assert!(bob.open(&other, &root).is_err(), "{kind:?}");
    }
}

#[test]
fn a_message_to_many_opens_like_one_to_us_alone() {
    let (root, _, mut alice, mut bob) = world();
    let envelope = alice.envelope_to(&mut bob);
    let own = alice.account.identity.key().duplicate();
    let mut random = Counting(7 << 40);
    let subject = Subject {
        service_id: names::service_id("alice"),
        device: DeviceId::new(1).unwrap(),
        identity_key: own.public(),
        e164: None,
        expires_ms: NOW_MS,
    };
    let signer = root.server_signer(1, &mut random).unwrap();
    let content = Content {
        kind: ContentKind::PreKey,
        certificate: signer.issue(&subject, &mut random).unwrap(),
        message: envelope[2..].to_vec(),
        hint: Hint::Default,
        group_id: vec![1],
    };
    let address = bob.account.our_address().unwrap();
    let identity_key = *bob.account.identity_key();
    let destination = v2::Destination { address: &address, identity_key, registration_id: 1 };
    let recipients = v2::Recipients { destinations: &[destination], excluded: &[] };
    let sent = v2::seal(&own, &content.encode(), &recipients, &mut random).unwrap();
    let sent = SentMessage::decode(&sent).unwrap();

    let opened = bob.open(&sent.recipients()[0].received(sent.tail()), &root);

    assert_eq!(Ok(b"text".to_vec()), opened);
}
