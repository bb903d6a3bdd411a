// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealing and opening (signal.md §10.3 to §10.5).

use super::*;

#[test]
fn a_sealed_message_opens_for_its_recipient_alone() {
    let world = world();
    let sealed = world.sealed();
    let stranger = World { bob: x25519::PrivateKey::from_bytes(&[1; 32]), ..self::world() };

    assert_eq!(b"message", &world.open(&sealed, &address(BOB, 1), None).unwrap().message[..]);
    let verdict = stranger.open(&sealed, &address(BOB, 1), None);
    assert_eq!(Err(Error::Forged), verdict.map(|_| ()));
}

#[test]
fn a_certificate_of_somebody_else_does_not_pass_in_either_version() {
    let world = world();
    let mallory = x25519::PrivateKey::from_bytes(&[0x6d; 32]);
    let content = World::content(world.certificate()).encode();
    let bob = address(BOB, 1);
    let to = Destination { address: &bob, identity_key: *world.bob.public(), registration_id: 1 };
    let recipients = Recipients { destinations: &[to], excluded: &[] };

    let first = v1::seal(&mallory, world.bob.public(), &content, &mut Counting(0)).unwrap();
    let second = v2::seal(&mallory, &content, &recipients, &mut Counting(0)).unwrap();
    let sent = SentMessage::decode(&second).unwrap();
    let second = sent.recipients()[0].received(sent.tail());

    assert_eq!(Err(Error::Forged), world.open(&first, &bob, None).map(|_| ()));
    assert_eq!(Err(Error::Forged), world.open(&second, &bob, None).map(|_| ()));
}

#[test]
fn a_message_of_ones_own_device_is_refused_by_account_and_by_number() {
    let world = world();
    let sealed = world.sealed();
    let refused = |name: &str, device: u32, e164: Option<&str>| {
        world.open(&sealed, &address(name, device), e164).map(|_| ()) == Err(Error::SelfSend)
    };

    assert!(refused(ALICE, 1, None));
    assert!(refused(&ALICE.to_uppercase(), 1, None));
    assert!(refused(BOB, 1, Some("+14155550100")));
    assert!(!refused(ALICE, 2, None));
    assert!(!refused(BOB, 2, Some("+14155550100")));
    assert!(!refused(BOB, 1, Some("+14155550101")));
    assert!(!refused(BOB, 1, None));
}

#[test]
fn empty_messages_and_unknown_versions_are_told_apart() {
    let world = world();
    let bob = address(BOB, 1);
    let verdict = |sealed: &[u8]| world.open(sealed, &bob, None).map(|_| ());

    assert_eq!(Err(Error::Malformed), verdict(&[]));
    for first in [0x30, 0x44, 0xff] {
        assert_eq!(Err(Error::UnsupportedVersion), verdict(&[first, 1, 2]));
    }
}

#[test]
fn every_truncation_of_both_versions_is_refused() {
    let world = world();
    let (bob, content) = (address(BOB, 1), World::content(world.certificate()).encode());
    let to = Destination { address: &bob, identity_key: *world.bob.public(), registration_id: 1 };
    let recipients = Recipients { destinations: &[to], excluded: &[] };
    let sent = v2::seal(&world.alice, &content, &recipients, &mut Counting(0)).unwrap();
    let parsed = SentMessage::decode(&sent).unwrap();

    for whole in [world.sealed(), parsed.recipients()[0].received(parsed.tail())] {
        assert!(world.open(&whole, &bob, None).is_ok());
        for length in 0..whole.len() {
            assert!(world.open(&whole[..length], &bob, None).is_err(), "{length}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(world.open(&longer, &bob, None).is_err());
    }
}

#[test]
fn what_cannot_be_addressed_is_an_invalid_argument() {
    let world = world();
    let content = World::content(world.certificate()).encode();
    let (bob, plain) = (address(BOB, 1), address("bob", 1));
    let key = *world.bob.public();
    let to = Destination { address: &bob, identity_key: key, registration_id: 0x3fff };
    let other_key = Destination { identity_key: *world.alice.public(), ..to };
    let carol = address(ALICE, 1);
    let carol = Destination { address: &carol, ..to };
    let excluded = ServiceId::parse(BOB).unwrap();
    let seal = |destinations: &[Destination<'_>], excluded: &[ServiceId]| {
        let recipients = Recipients { destinations, excluded };
        v2::seal(&world.alice, &content, &recipients, &mut Counting(0)).map(|_| ())
    };

    assert_eq!(Ok(()), seal(&[to], &[]));
    assert_eq!(Ok(()), seal(&[to, carol, to], &[]));
    let refused = Err(Error::InvalidArgument);
    assert_eq!(refused, seal(&[], &[]));
    assert_eq!(refused, seal(&[Destination { registration_id: 0x4000, ..to }], &[]));
    assert_eq!(refused, seal(&[Destination { address: &plain, ..to }], &[]));
    assert_eq!(refused, seal(&[to, other_key], &[]));
    assert_eq!(refused, seal(&[to, carol, other_key], &[]));
    assert_eq!(refused, seal(&[to], &[excluded]));
    assert_eq!(refused, seal(&[carol], &[excluded, excluded]));
}
