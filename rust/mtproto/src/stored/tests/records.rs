// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records of chats: the longest, and those that are none (docs/formats.md, "Secret chat").

use super::*;
use crate::chat::Sent;
use record::{Record, decode_sent, decode_waiting, encode_sent, encode_waiting};

/// Bytes of a body before its message: constructor, random bytes, layer and numbers.
const BEFORE_MESSAGE: usize = 4 + 32 + 3 * 4;

/// A message of this length, of a constructor that nobody knows.
fn long(length: usize) -> Vec<u8> {
    [&text(1)[..], &vec![9; length - 8]].concat()
}

/// Each form that ends early is refused, and each that goes on.
fn refuses_other_lengths<T>(encoded: &[u8], decode: impl Fn(&[u8]) -> Result<T, Error>) {
    assert!(decode(encoded).is_ok());
    for length in 0..encoded.len() {
        let cut = decode(&encoded[..length]).err();
        assert_eq!(Some(Error::CorruptState), cut, "{length} of {}", encoded.len());
    }
    let longer = [encoded, &[0]].concat();
    assert_eq!(Some(Error::CorruptState), decode(&longer).err());
}

/// So is each with another version.
fn refuses_other_versions<T>(encoded: &[u8], decode: impl Fn(&[u8]) -> Result<T, Error>) {
    for version in (0..=u8::MAX).filter(|version| *version != encoded[0]) {
        let other = [&[version], &encoded[1..]].concat();
        assert_eq!(Some(Error::CorruptState), decode(&other).err());
    }
}

fn sent(wire: Vec<u8>) -> Sent {
    Sent { number: 7, received: 5, random_id: -3, is_service: true, wire }
}

#[test]
fn the_longest_message_is_kept_on_both_sides_and_opened_in_its_turn() {
    let [mut ours, mut theirs] = pair();
    let longest = long(MAX_BODY_LEN - BEFORE_MESSAGE);
    let first = ours.say(1);
    let [message] = ours.encrypt(&longest).unwrap().try_into().unwrap();
    theirs.receive(&message).unwrap();
    ours.reopen();
    theirs.reopen();

    theirs.receive(&first).unwrap();

    let unposted = ours.chats.unposted(ours.id, &mut ours.store).unwrap();
    assert_eq!(message, *unposted.last().unwrap());
    assert_eq!(vec![text(1), longest], theirs.opened());
}

#[test]
fn a_message_that_is_longer_changes_nothing() {
    let [mut ours, _] = pair();
    let before = ours.store.clone();

    let refused = ours.encrypt(&long(MAX_BODY_LEN - BEFORE_MESSAGE + 4)).err();

    assert_eq!(Some(Failure::from(Error::InvalidArgument)), refused);
    assert_eq!(before, ours.store);
}

#[test]
fn only_a_whole_record_of_whose_chats_they_are_is_read() {
    let encoded = Owner { user: "alice".to_owned(), layer: 144 }.encode();

    refuses_other_lengths(encoded.expose(), Owner::decode);
    refuses_other_versions(encoded.expose(), Owner::decode);
}

#[test]
fn only_a_whole_record_of_a_chat_is_read() {
    let random = &mut crate::scripted::Numbered(3);
    let offer = Box::new(Offer::new(&group(), &[], random).unwrap());
    let picture = KeyPicture::from_bytes(&[1; 36]).unwrap();
    for phase in [Phase::Offered(offer), Phase::Ready(picture)] {
        let record = Record { peer: "b".repeat(255), tag: [2; 16], group: group(), phase };
        let encoded = record.encode();

        refuses_other_lengths(encoded.expose(), Record::decode);
        refuses_other_versions(encoded.expose(), Record::decode);
    }
}

#[test]
fn only_a_whole_record_of_a_message_of_ours_is_read() {
    let encoded = encode_sent(&sent(vec![1, 2, 3]), true);

    assert_eq!(Ok((sent(vec![1, 2, 3]), true)), decode_sent(encoded.expose()));
    refuses_other_lengths(encoded.expose(), decode_sent);
    refuses_other_versions(encoded.expose(), decode_sent);
    for place in [17, 18] {
        let mut other = encoded.expose().to_vec();
        other[place] = 2;
        assert_eq!(Err(Error::CorruptState), decode_sent(&other));
    }
}

#[test]
fn only_a_whole_record_of_a_message_that_waits_is_read() {
    let encoded = encode_waiting(-9, &e2ee_primitives::SecretBytes::new(vec![1, 2, 3, 4]));

    let (fingerprint, body) = decode_waiting(encoded.expose()).unwrap();
    assert_eq!((-9, &[1, 2, 3, 4][..]), (fingerprint, body.expose()));
    refuses_other_lengths(encoded.expose(), decode_waiting);
    refuses_other_versions(encoded.expose(), decode_waiting);
}

#[test]
fn only_a_whole_state_is_read_from_each_state_of_the_keys() {
    let [mut ours, mut theirs] = pair();
    let id = ours.id;
    let [request] =
        ours.step(|chats, inside| chats.change_key(id, inside)).unwrap().try_into().unwrap();
    let asked = ours.chats.state(&ours.chats.state_sealer(id), &mut ours.store).unwrap().1;
    let accept = theirs.receive(&request).unwrap().outgoing;
    let accepted = theirs.chats.state(&theirs.chats.state_sealer(id), &mut theirs.store).unwrap().1;
    ours.receive(&accept[0]).unwrap();
    let committed = ours.chats.state(&ours.chats.state_sealer(id), &mut ours.store).unwrap().1;

    for chat in [asked, accepted, committed] {
        let encoded = chat.encode();
        refuses_other_lengths(encoded.expose(), Chat::decode);
        refuses_other_versions(encoded.expose(), Chat::decode);
    }
}
