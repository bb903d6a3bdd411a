// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which bytes are a message, a session key or an export.

use super::*;
use crate::megolm::{Provenance, SharedRatchet, message, share};

#[test]
fn every_flipped_bit_and_every_truncation_is_refused_and_changes_nothing() {
    let mut alice = sender(1);
    let mut bob = receiver(&alice);
    let message = alice.encrypt(b"text").unwrap();
    let before = bob.encode(&[]);

    for bit in 0..8 * message.len() {
        let mut altered = message.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let refused = open(&mut bob, &altered).unwrap_err();
        assert!(
            matches!(refused, Error::Forged | Error::Malformed | Error::UnsupportedVersion),
            "bit {bit}: {refused:?}"
        );
    }
    for length in 0..message.len() {
        assert_eq!(Err(Error::Malformed), open(&mut bob, &message[..length]), "{length}");
    }
    assert_eq!(Err(Error::Malformed), open(&mut bob, &[&message[..], &[0]].concat()));
    assert_eq!(before.expose(), bob.encode(&[]).expose());
    assert!(open(&mut bob, &message).is_ok());
}

/// A body under the right signature, with everything between as the caller wants it.
fn signed(alice: &OutboundGroupSession, start: &[u8]) -> Vec<u8> {
    let tag = alice.ratchet.message_keys().tag(&[start]);
    let mut out = [start, &tag[..message::TAG_LEN]].concat();
    let signature = alice.signing.sign(&out);
    out.extend_from_slice(&signature);
    out
}

/// Even what the sender itself signed is read in its one form only.
#[test]
fn other_forms_of_a_message_are_malformed() {
    let alice = sender(1);
    let mut bob = receiver(&alice);
    let whole = message::encode_unsigned(0, &alice.ratchet.message_keys(), b"text");
    let (start, _) = whole.split_at(whole.len() - message::TAG_LEN);
    let [version, index @ .., _] = [start[0], start[1], start[2], 0];
    let body = &start[3..];

    assert!(open(&mut bob, &signed(&alice, start)).is_ok());
    let forms: [(&str, Vec<u8>); 8] = [
        ("body first", [&[version], body, &index[..]].concat()),
        ("index twice", [&[version], &index[..], &index, body].concat()),
        ("unknown field before", [&[version, 0x18, 1], &index[..], body].concat()),
        ("unknown field behind", [start, &[0x18, 1]].concat()),
        ("long varint", [&[version, 0x08, 0x80, 0], body].concat()),
        ("long length", [&[version], &index[..], &[0x12, 0x90, 0], &body[2..]].concat()),
        ("no index", [&[version], body].concat()),
        ("no body", start[..3].to_vec()),
    ];
    for (form, start) in forms {
        assert_eq!(Err(Error::Malformed), open(&mut bob, &signed(&alice, &start)), "{form}");
    }
}

#[test]
fn an_index_above_32_bits_and_another_version_are_refused() {
    let alice = sender(1);
    let beyond = [&[3, 0x08, 0x80, 0x80, 0x80, 0x80, 0x10, 0x12, 0][..], &[0; 72]].concat();
    let mut later = sender(1).encrypt(b"text").unwrap();
    later[0] = 4;

    assert_eq!(Err(Error::Malformed), open(&mut receiver(&alice), &beyond));
    assert_eq!(Err(Error::UnsupportedVersion), open(&mut receiver(&alice), &later));
    assert_eq!(Err(Error::UnsupportedVersion), GroupMessage::decode(&[4]).map(|_| ()));
}

/// A signed message whose body is no ciphertext: only its sender can make one.
#[test]
fn a_body_that_does_not_decrypt_is_forged() {
    let alice = sender(1);
    let mut bob = receiver(&alice);
    for length in [0, 1, 15, 16, 17] {
        let body = vec![0; length];
        let start = [&[3, 0x08, 0, 0x12, u8::try_from(length).unwrap()][..], &body].concat();

        assert_eq!(Err(Error::Forged), open(&mut bob, &signed(&alice, &start)), "{length}");
    }
}

#[test]
fn a_session_key_reads_back_and_every_flipped_bit_is_refused() {
    let alice = sender(1);
    let key = alice.session_key();
    let bytes = key.expose();
    let read = |bytes: &[u8]| SharedRatchet::decode_session_key(bytes).map(|_| ());
    assert_eq!(share::SESSION_KEY_LEN, bytes.len());
    assert_eq!(Ok(()), read(bytes));

    for bit in 0..8 * bytes.len() {
        let mut altered = bytes.to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 8 { Error::UnsupportedVersion } else { Error::BadSignature };
        assert_eq!(Err(expected), read(&altered), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert_eq!(Err(Error::Malformed), read(&bytes[..length]), "{length}");
    }
    assert_eq!(Err(Error::Malformed), read(&[bytes, &[0]].concat()));
    assert_eq!(Provenance::Signed, receiver(&alice).provenance());
}

#[test]
fn an_export_reads_back_and_is_no_session_key() {
    let bob = receiver(&sender(1));
    let export = bob.export_at(3).unwrap();
    let bytes = export.expose();
    let read = |bytes: &[u8]| InboundGroupSession::from_export(bytes);
    assert_eq!(share::EXPORT_LEN, bytes.len());

    assert_eq!(bytes, read(bytes).unwrap().export_at(3).unwrap().expose());
    for length in 0..bytes.len() {
        assert_eq!(Some(Error::Malformed), read(&bytes[..length]).err(), "{length}");
    }
    assert_eq!(Some(Error::Malformed), read(&[bytes, &[0]].concat()).err());
    let session_key = sender(1).session_key();
    assert_eq!(Some(Error::UnsupportedVersion), read(session_key.expose()).err());
    let refused = InboundGroupSession::from_session_key(bytes).err();
    assert_eq!(Some(Error::UnsupportedVersion), refused);
    let mut small_order = bytes.to_vec();
    small_order[133..].fill(0);
    assert_eq!(Some(Error::InvalidKey), read(&small_order).err());
}
