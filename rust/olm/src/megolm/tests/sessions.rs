// SPDX-License-Identifier: MIT OR Apache-2.0
//! What opens, what may be shared, and what is stored.

use super::*;
use crate::megolm::{Events, Provenance, events::MAX_EVENTS};

#[test]
fn messages_open_in_every_order_and_again() {
    let mut alice = sender(1);
    let mut bob = receiver(&alice);
    let messages: Vec<_> = (0..300_u32).map(|n| alice.encrypt(&n.to_be_bytes()).unwrap()).collect();

    for index in [0, 1, 2, 299, 5, 299, 0, 256, 255] {
        let expected = u32::try_from(index).unwrap().to_be_bytes().to_vec();
        assert_eq!(Ok(expected), open(&mut bob, &messages[index]));
    }

    assert_eq!((0, 299), (bob.first_known_index(), bob.latest_index()));
}

#[test]
fn a_joiner_opens_nothing_from_before() {
    let mut alice = sender(1);
    let before = alice.encrypt(b"before").unwrap();
    let mut carol = receiver(&alice);

    assert_eq!(Err(Error::UnknownIndex), open(&mut carol, &before));
    assert_eq!(Ok(b"after".to_vec()), open(&mut carol, &alice.encrypt(b"after").unwrap()));
}

#[test]
fn an_export_opens_from_its_index_on() {
    let mut alice = sender(1);
    let bob = receiver(&alice);
    let messages: Vec<_> = (0..4).map(|_| alice.encrypt(b"text").unwrap()).collect();

    let mut carol = export(&bob, 2);

    assert_eq!((2, Provenance::Exported), (carol.first_known_index(), carol.provenance()));
    assert_eq!(Err(Error::UnknownIndex), open(&mut carol, &messages[1]));
    assert!(open(&mut carol, &messages[2]).is_ok());
    assert!(open(&mut carol, &messages[3]).is_ok());
    assert_eq!(Some(Error::UnknownIndex), carol.export_at(1).err());
    assert!(carol.export_at(u32::MAX).is_ok());
}

#[test]
fn a_member_cannot_speak_for_the_sender() {
    let mut alice = sender(1);
    let mut bob = receiver(&alice);
    let mut carol = sender(2);
    carol.ratchet = alice.ratchet.jump_to(0);

    assert_eq!(Err(Error::Forged), open(&mut bob, &carol.encrypt(b"text").unwrap()));
    assert_eq!(0, bob.latest_index());
    assert!(open(&mut bob, &alice.encrypt(b"text").unwrap()).is_ok());
}

#[test]
fn merging_keeps_the_earlier_index_and_the_signature() {
    let mut alice = sender(1);
    let first = alice.encrypt(b"first").unwrap();
    let bob = receiver(&alice);
    let earlier = InboundGroupSession::from_export(&{
        let mut key =
            *receiver(&sender(1)).export_at(0).unwrap().expose().first_chunk::<165>().unwrap();
        key[133..].copy_from_slice(alice.session_id());
        key
    })
    .unwrap();

    let mut merged = export(&bob, 3);
    merged.merge(&bob).unwrap();
    assert_eq!((1, Provenance::Signed), (merged.first_known_index(), merged.provenance()));
    merged.merge(&earlier).unwrap();

    assert_eq!((0, Provenance::Signed), (merged.first_known_index(), merged.provenance()));
    assert_eq!(Ok(b"first".to_vec()), open(&mut merged, &first));
    let mut unsigned = export(&earlier, 5);
    unsigned.merge(&earlier).unwrap();
    assert_eq!((0, Provenance::Exported), (unsigned.first_known_index(), unsigned.provenance()));
}

#[test]
fn merging_refuses_what_is_not_connected() {
    let (alice, mallory) = (sender(1), sender(2));
    let mut bob = receiver(&alice);
    let other_session = receiver(&mallory);
    let mut same_key = *bob.export_at(4).unwrap().expose().first_chunk::<165>().unwrap();
    let mut same_ratchet = same_key;
    same_key[5] ^= 1;
    same_ratchet[133..].copy_from_slice(mallory.session_id());

    for other in [same_key, same_ratchet] {
        let other = InboundGroupSession::from_export(&other).unwrap();
        assert_eq!(Err(Error::InvalidKey), bob.merge(&other));
    }
    assert_eq!(Err(Error::InvalidKey), bob.merge(&other_session));
    assert_eq!((0, Provenance::Signed), (bob.first_known_index(), bob.provenance()));
}

#[test]
fn a_replay_as_another_event_is_told() {
    let mut events = Events::none();
    let event = events.check(7, b"$first").unwrap();
    assert!(events.check(7, b"$other").is_ok(), "it was not opened yet");

    events.opened(&event);

    assert!(events.check(7, b"$first").is_ok());
    assert_eq!(Some(Error::Duplicate), events.check(7, b"$other").err());
    assert!(events.check(8, b"$other").is_ok());
}

#[test]
fn the_limit_of_kept_events_is_exact() {
    let mut events = Events::none();
    for index in 0..u32::try_from(MAX_EVENTS).unwrap() {
        let event = events.check(index, b"event").unwrap();
        events.opened(&event);
    }

    assert_eq!(Some(Error::Exhausted), events.check(u32::MAX, b"event").err());
    assert!(events.check(5, b"event").is_ok());
    let read = Events::decode(events.encode().expose()).unwrap();
    assert_eq!(MAX_EVENTS, read.len());
}

#[test]
fn stored_forms_read_back_and_every_truncation_is_damage() {
    let mut alice = sender(1);
    let mut bob = receiver(&alice);
    alice.encrypt(b"lost").unwrap();
    open(&mut bob, &alice.encrypt(b"text").unwrap()).unwrap();
    let mut events = Events::none();
    for index in [1, 5] {
        let event = events.check(index, b"$id").unwrap();
        events.opened(&event);
    }
    let stored = [alice.encode(), bob.encode(&[]), export(&bob, 1).encode(&[]), events.encode()];
    let read = |place: usize, bytes: &[u8]| match place {
        0 => OutboundGroupSession::decode(bytes).map(|read| read.encode()),
        1 | 2 => InboundGroupSession::decode(bytes).map(|read| read.encode(&[])),
        _ => Events::decode(bytes).map(|read| read.encode()),
    };

    for (place, stored) in stored.iter().enumerate() {
        let bytes = stored.expose();
        assert_eq!(bytes, read(place, bytes).unwrap().expose());
        for length in 0..bytes.len() {
            assert_eq!(Some(Error::CorruptState), read(place, &bytes[..length]).err(), "{length}");
        }
        let longer = [bytes, &[0]].concat();
        assert_eq!(Some(Error::CorruptState), read(place, &longer).err());
        let other_version = [&[2], &bytes[1..]].concat();
        assert_eq!(Some(Error::CorruptState), read(place, &other_version).err());
    }
}

#[test]
fn stored_events_ascend() {
    let mut stored = vec![1, 0, 0, 0, 2];
    for index in [6_u32, 5] {
        stored.extend_from_slice(&index.to_be_bytes());
        stored.extend_from_slice(&[0; 32]);
    }

    assert_eq!(Some(Error::CorruptState), Events::decode(&stored).err());
}
