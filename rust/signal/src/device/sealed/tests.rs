// SPDX-License-Identifier: MIT OR Apache-2.0
//! One device seals, another opens.

use e2ee_primitives::sha;

use super::*;
use crate::{
    Address, DeviceId,
    sealed_sender::{ContentKind, Hint, SentMessage, Subject, TrustRoot, v2::Destination},
};

const NOW_MS: u64 = 1_000;

struct Counting(u64);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&sha::sha256(&[&self.0.to_be_bytes()])[..chunk.len()]);
        }
        Ok(())
    }
}

struct World {
    random: Counting,
    root: TrustRoot,
    alice: Device,
    bob: Device,
}

impl World {
    fn new() -> Self {
        let mut random = Counting(0);
        let root = TrustRoot::generate(&mut random).unwrap();
        let [alice, bob] = ["alice", "bob"].map(|name| {
            let address = Address::new(name, DeviceId::new(1).unwrap()).unwrap();
            Device::generate(address, NOW_MS, &mut random).unwrap()
        });
        Self { random, root, alice, bob }
    }

    fn content(&mut self, kind: ContentKind, expires_ms: u64) -> Content {
        let signer = self.root.server_signer(1, &mut self.random).unwrap();
        let subject = Subject {
            service_id: service_id("alice"),
            device: DeviceId::new(1).unwrap(),
            identity_key: self.alice.identity_key(),
            e164: Some("+14155550100"),
            expires_ms,
        };
        let certificate = signer.issue(&subject, &mut self.random).unwrap();
        Content { kind, certificate, message: b"m".to_vec(), hint: Hint::Default, group_id: vec![] }
    }

    fn open(&self, device: &Device, sealed: &[u8], e164: Option<&str>) -> Result<Content, Error> {
        let roots = [*self.root.public_key()];
        let anchors = TrustAnchors { roots: &roots, signers: &[], revoked: &[] };
        device.open_sealed(sealed, &anchors, e164, NOW_MS)
    }
}

#[test]
fn what_is_sealed_for_one_opens_there_alone() {
    let mut world = World::new();
    let content = world.content(ContentKind::Ratchet, NOW_MS);
    let theirs = *world.bob.identity_key();

    let sealed = world.alice.seal_content(&content, &theirs, NOW_MS, &mut world.random).unwrap();

    let opened = world.open(&world.bob, &sealed, None).unwrap();
    assert_eq!((b"m".to_vec(), content.certificate), (opened.message, opened.certificate));
    assert_eq!(Some(Error::Forged), world.open(&world.alice, &sealed, None).err());
}

#[test]
fn what_is_sealed_for_many_opens_in_the_received_form() {
    let mut world = World::new();
    let content = world.content(ContentKind::Group, NOW_MS);
    let address = protocol_address("bob", DeviceId::new(1).unwrap()).unwrap();
    let identity_key = *world.bob.identity_key();
    let destinations = [Destination { address: &address, identity_key, registration_id: 5 }];
    let recipients = Recipients { destinations: &destinations, excluded: &[] };

    let sent = world
        .alice
        .seal_content_for_many(&content, &recipients, NOW_MS, &mut world.random)
        .unwrap();

    let sent = SentMessage::decode(&sent).unwrap();
    let received = sent.recipients()[0].received(sent.tail());
    let opened = world.open(&world.bob, &received, None).unwrap();
    assert_eq!((ContentKind::Group, b"m".to_vec()), (opened.kind, opened.message));
}

#[test]
fn a_certificate_that_is_not_ours_or_expired_seals_nothing() {
    let mut world = World::new();
    let content = world.content(ContentKind::Ratchet, NOW_MS);
    let theirs = *world.bob.identity_key();
    let mut random = Counting(9);

    let by_another = world.bob.seal_content(&content, &theirs, NOW_MS, &mut random);
    let too_late = world.alice.seal_content(&content, &theirs, NOW_MS + 1, &mut random);

    let refused = [by_another.err(), too_late.err()];
    assert_eq!([Some(Error::InvalidCertificate); 2], refused);
}

#[test]
fn a_prekey_message_must_be_one() {
    let mut world = World::new();
    let content = world.content(ContentKind::PreKey, NOW_MS);
    let theirs = *world.bob.identity_key();

    let sealed = world.alice.seal_content(&content, &theirs, NOW_MS, &mut world.random).unwrap();

    assert!(world.open(&world.bob, &sealed, None).is_err());
}

#[test]
fn a_device_with_the_number_of_the_sender_refuses_its_own() {
    let mut world = World::new();
    let content = world.content(ContentKind::Ratchet, NOW_MS);
    let theirs = *world.bob.identity_key();

    let sealed = world.alice.seal_content(&content, &theirs, NOW_MS, &mut world.random).unwrap();

    let own = world.open(&world.bob, &sealed, Some("+14155550100"));
    assert_eq!(Some(Error::SelfSend), own.err());
}

#[test]
fn a_message_that_no_envelope_holds_is_refused() {
    let mut world = World::new();
    let mut content = world.content(ContentKind::Ratchet, NOW_MS);
    content.message = vec![0; MAX_ENVELOPE_LEN];
    let theirs = *world.bob.identity_key();

    let refused = world.alice.seal_content(&content, &theirs, NOW_MS, &mut world.random);

    assert_eq!(Some(Error::InvalidArgument), refused.err());
    let too_long = vec![0x11; MAX_ENVELOPE_LEN + 1];
    assert_eq!(Some(Error::Malformed), world.open(&world.bob, &too_long, None).err());
}
