// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys of rooms that come from elsewhere: who may give them, and what is made of them
//! (olm_megolm.md §5 and §8).

use super::*;
use crate::{limits::MAX_SENDER_ROOM_KEYS, megolm::OutboundGroupSession};

#[test]
fn a_key_that_was_not_meant_for_us_is_refused() {
    let (mut alice, mut bob, mut carol) = people();
    let between = payload::Between {
        sender: ALICE,
        sender_key: alice.keys().signing_key.unwrap(),
        recipient: BOB,
        recipient_key: bob.keys().signing_key.unwrap(),
    };
    let key = OutboundGroupSession::create(&mut alice.random).unwrap();
    let written = payload::write(&between, &id(), (key.session_id(), &key.session_key()));
    let text = String::from_utf8(written.expose().to_vec()).unwrap();
    let forgeries = [
        (text.replace(BOB, CAROL), Error::Forged),
        (text.replace(ALICE, CAROL), Error::Forged),
        (text.replacen("\"ed25519\":\"", "\"ed25519\":\"A", 1), Error::Malformed),
        (text.replace("\"session_id\":\"", "\"session_id\":\"A"), Error::Malformed),
        (text.replace("megolm.v1", "megolm.v2"), Error::UnsupportedVersion),
    ];

    for (forgery, expected) in forgeries {
        let sent = alice.encrypt(BOB, forgery.as_bytes()).unwrap();
        assert_eq!(Some(expected), refusal(bob.open(&alice, &sent)), "{forgery}");
    }
    assert_eq!(0, bob.rows("room"));
    // The same words from somebody else, whose session it truly is.
    carol.connect(&mut bob);
    let sent = carol.encrypt(BOB, text.as_bytes()).unwrap();
    assert_eq!(Some(Error::Forged), refusal(bob.open(&carol, &sent)));
    let sent = alice.encrypt(BOB, text.as_bytes()).unwrap();
    assert_eq!(Message::Invitation(id()), bob.open(&alice, &sent).unwrap().0);
}

#[test]
fn a_device_has_one_signing_key() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    let between = payload::Between {
        sender: ALICE,
        sender_key: carol.keys().signing_key.unwrap(),
        recipient: BOB,
        recipient_key: bob.keys().signing_key.unwrap(),
    };
    let key = OutboundGroupSession::create(&mut alice.random).unwrap();
    let written = payload::write(&between, &id(), (key.session_id(), &key.session_key()));
    let sent = alice.encrypt(BOB, written.expose()).unwrap();

    assert_eq!(Some(Error::UntrustedIdentity), refusal(bob.open(&alice, &sent)));
}

#[test]
fn an_imported_key_opens_messages_of_which_nothing_says_whose_they_are() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    let texts = [alice.write(b"1").unwrap(), alice.write(b"2").unwrap()];
    let mut dora = Person::new("@dora:d.org", 4);
    let exported = bob.keys_of_rooms();
    let [key] = &exported[..] else { panic!() };
    assert_eq!((id(), alice.keys().identity_key), (key.room.clone(), key.sender));
    assert_eq!((alice.keys().signing_key, true), (key.signing_key, key.is_authenticated));

    assert_eq!([Ok(Taken::New)][..], dora.import(exported));

    assert_eq!([Ok(Taken::Known)][..], dora.import(bob.keys_of_rooms()));
    let forwarded = (Message::Forwarded(id()), b"1".to_vec());
    assert_eq!(forwarded, dora.open(&alice, &texts[0]).unwrap());
    assert_eq!(Some(Error::Duplicate), refusal(dora.open(&alice, &texts[0])));
    let again = dora.keys_of_rooms();
    assert!(!again[0].is_authenticated);
    assert_eq!(bob.keys_of_rooms()[0].session_key.expose(), again[0].session_key.expose());
    // The key comes from Alice herself: now it is hers.
    alice.connect(&mut dora);
    alice.change(RoomChange::Add("@dora:d.org", &device())).unwrap();
    alice.invite(&mut [&mut dora]);
    assert_eq!(room_text(b"2"), dora.open(&alice, &texts[1]).unwrap());
    assert!(dora.keys_of_rooms()[0].is_authenticated);
}

#[test]
fn a_made_up_import_keeps_nobody_from_reading() {
    let (mut alice, mut bob, mut carol) = people();
    let session = OutboundGroupSession::create(&mut bob.random).unwrap();
    alice.invite(&mut [&mut carol]);
    let mut fake = carol.keys_of_rooms().swap_remove(0);
    let true_key = fake.session_key.expose().to_vec();
    // The id of Alice's session, with a ratchet of somebody else's.
    let ratchet = &session.session_key();
    let made_up = [&true_key[..5], &ratchet.expose()[5..133], &true_key[133..]].concat();
    fake.session_key = e2ee_primitives::SecretBytes::new(made_up);
    assert_eq!([Ok(Taken::New)][..], bob.import(vec![fake]));

    alice.change(RoomChange::Reinvite(BOB, &device())).unwrap();
    alice.invite(&mut [&mut bob]);
    let text = alice.write(b"text").unwrap();

    assert_eq!(room_text(b"text"), bob.open(&alice, &text).unwrap());
    let mut again = carol.keys_of_rooms();
    again[0].session_id = [0; 32];
    assert_eq!([Err(Error::Malformed)][..], bob.import(again));
}

#[test]
fn one_sender_has_so_many_keys_in_a_room_and_no_more() {
    let mut bob = Person::new(BOB, 2);
    let sender = bob.keys().identity_key;
    let mut keys = Vec::new();
    for _ in 0..=MAX_SENDER_ROOM_KEYS {
        let session = OutboundGroupSession::create(&mut bob.random).unwrap();
        let shared = session.session_key();
        let export = [&[1], &shared.expose()[1..165]].concat();
        keys.push(ForeignKey {
            room: id(),
            sender,
            signing_key: None,
            forwarders: Vec::new(),
            session_id: *session.session_id(),
            session_key: e2ee_primitives::SecretBytes::new(export),
            is_authenticated: false,
        });
    }

    let results = bob.import(keys);

    assert_eq!(Some(&Err(Error::Exhausted)), results.last());
    let taken = results.iter().filter(|result| **result == Ok(Taken::New));
    assert_eq!(MAX_SENDER_ROOM_KEYS, taken.count());
}
