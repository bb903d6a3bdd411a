// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is read, and what is not.

use super::*;
use crate::people::{Counter, bytes, connected, initiated, send, turn};

fn normal() -> Vec<u8> {
    let random = &mut Counter(0);
    let (mut one, mut other) = connected(random);
    turn(&mut one, &mut other, random);
    bytes(send(&mut one, &[1; 64], random))
}

fn prekey() -> Vec<u8> {
    let random = &mut Counter(0);
    let (mut one, _) = initiated(random);
    bytes(send(&mut one, &[1; 64], random))
}

fn normal_error(bytes: &[u8]) -> Option<Error> {
    NormalMessage::decode(bytes).err()
}

fn prekey_error(bytes: &[u8]) -> Option<Error> {
    PreKeyMessage::decode(bytes).err()
}

/// The varint of `value` with a group of zeros behind it.
fn lengthened(value: u8) -> [u8; 2] {
    [value | 0x80, 0]
}

#[test]
fn lengths_are_known_before_they_are_written() {
    let random = &mut Counter(0);
    let (mut one, _) = initiated(random);
    for length in [0, 1, 15, 16, 95, 111, 112, 127, 128, 2_000, 16_384] {
        let written = bytes(send(&mut one, &vec![0; length], random));
        let index = PreKeyMessage::decode(&written).unwrap().message.header.index;

        assert_eq!(written.len(), SessionKeys::prekey_len(normal_len(index, length)), "{length}");
        assert_eq!(written.len(), written.capacity(), "{length}");
    }
}

#[test]
fn every_truncation_and_every_tail_is_malformed() {
    let (normal, prekey) = (normal(), prekey());

    for length in 0..normal.len() {
        assert_eq!(Some(Error::Malformed), normal_error(&normal[..length]), "{length}");
    }
    for length in 0..prekey.len() {
        assert_eq!(Some(Error::Malformed), prekey_error(&prekey[..length]), "{length}");
    }
    assert_eq!(Some(Error::Malformed), normal_error(&[&normal[..], &[0]].concat()));
    assert_eq!(Some(Error::Malformed), prekey_error(&[&prekey[..], &[0]].concat()));
}

#[test]
fn another_version_is_seen_before_anything_else() {
    for version in (0..=255_u8).filter(|version| *version != VERSION) {
        assert_eq!(Some(Error::UnsupportedVersion), normal_error(&[version]), "{version}");
        assert_eq!(Some(Error::UnsupportedVersion), prekey_error(&[version]), "{version}");
    }
    assert_eq!(Some(Error::Malformed), normal_error(&[]));
    assert_eq!(Some(Error::Malformed), normal_error(&[VERSION]));
}

#[test]
fn the_version_inside_a_prekey_message_counts_too() {
    let mut message = prekey();
    let inner = message.len() - normal_len(0, 64);
    assert_eq!(VERSION, message[inner]);

    message[inner] = 4;

    assert_eq!(Some(Error::UnsupportedVersion), prekey_error(&message));
}

#[test]
fn keys_in_another_form_are_refused() {
    let p = [&[0xed][..], &[0xff; 30], &[0x7f]].concat();
    let largest = [&[0xec][..], &[0xff; 30], &[0x7f]].concat();
    for at in [3, 3 + KEY_FIELD_LEN, 3 + 2 * KEY_FIELD_LEN] {
        let mut message = prekey();
        message[at + 31] |= 0x80;
        assert_eq!(Some(Error::InvalidKey), prekey_error(&message), "{at}");

        message[at..at + 32].copy_from_slice(&p);
        assert_eq!(Some(Error::InvalidKey), prekey_error(&message), "{at}");

        message[at..at + 32].copy_from_slice(&largest);
        assert_eq!(None, prekey_error(&message), "{at}");
    }
    let mut message = normal();
    message[34] |= 0x80;
    assert_eq!(Some(Error::InvalidKey), normal_error(&message));
}

#[test]
fn longer_varints_are_refused() {
    let message = normal();
    let (head, index, body_len) = (&message[..36], message[36], message[38]);

    let long_index = [head, &lengthened(index), &message[37..]].concat();
    let long_length = [&message[..38], &lengthened(body_len), &message[39..]].concat();

    assert_eq!(None, normal_error(&message));
    assert_eq!(Some(Error::Malformed), normal_error(&long_index));
    assert_eq!(Some(Error::Malformed), normal_error(&long_length));
}

#[test]
fn an_index_above_32_bits_is_refused() {
    let message = normal();
    let with_index = |index: &[u8]| [&message[..36], index, &message[37..]].concat();

    assert_eq!(None, normal_error(&with_index(&[0xff, 0xff, 0xff, 0xff, 0x0f])));
    assert_eq!(Some(Error::Malformed), normal_error(&with_index(&[0x80, 0x80, 0x80, 0x80, 0x10])));
}

#[test]
fn fields_stand_once_in_their_order_and_with_no_other() {
    let message = normal();
    let (version, key, index) = (&message[..1], &message[1..35], &message[35..37]);
    let (body, tag) = message[37..].split_at(message.len() - 37 - TAG_LEN);
    let unknown = [0x28, 1];

    let join = |parts: &[&[u8]]| parts.concat();
    assert_eq!(None, normal_error(&join(&[version, key, index, body, tag])));
    for altered in [
        join(&[version, index, key, body, tag]),
        join(&[version, key, body, index, tag]),
        join(&[version, key, index, body, &unknown, tag]),
        join(&[version, &unknown, key, index, body, tag]),
        join(&[version, key, index, index, body, tag]),
        join(&[version, key, body, tag]),
        join(&[version, index, body, tag]),
        join(&[version, key, index, tag]),
    ] {
        assert_eq!(Some(Error::Malformed), normal_error(&altered));
    }
}
