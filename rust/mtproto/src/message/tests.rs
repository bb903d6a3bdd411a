// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the vectors do not reach: other layers, unknown constructors, cuts and limits.

use super::*;
use crate::action::service;

struct Sevens;

impl Random for Sevens {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(7);
        Ok(())
    }
}

fn layered(message: &[u8]) -> Layered<'_> {
    Layered { layer: 144, in_seq_no: 2, out_seq_no: 5, message }
}

/// A constructor, and words behind it.
fn words(id: u32, words: &[u32]) -> Vec<u8> {
    let mut out = Vec::new();
    tl::write_id(&mut out, id);
    for word in words {
        tl::write_id(&mut out, *word);
    }
    out
}

#[test]
fn a_message_keeps_its_layer_and_its_numbers() {
    let body = layered(b"text").encode(&mut Sevens).unwrap();

    let decoded = Layered::decode(body.expose()).unwrap();

    assert_eq!(4 + 32 + 12 + 4, body.len());
    assert_eq!((144, 2, 5), (decoded.layer, decoded.in_seq_no, decoded.out_seq_no));
    assert_eq!(b"text", decoded.message);
}

#[test]
fn debug_does_not_show_the_message() {
    assert_eq!(
        "Layered { layer: 144, in_seq_no: 2, out_seq_no: 5, .. }",
        format!("{:?}", layered(b"text"))
    );
}

#[test]
fn fewer_than_15_random_bytes_are_refused() {
    let mut body = words(Layered::ID, &[]);
    tl::write_bytes(&mut body, &[7; 14]).unwrap();
    body.extend_from_slice(&[0; 12]);

    assert_eq!(Some(Error::Malformed), Layered::decode(&body).err());
    assert_eq!(Some(Error::InvalidArgument), layered(b"text").encode_behind(&[7; 14]).err());
    assert!(Layered::decode(layered(b"").encode_behind(&[7; 15]).unwrap().expose()).is_ok());
}

#[test]
fn numbers_out_of_range_are_refused() {
    let body = layered(b"").encode(&mut Sevens).unwrap();
    for place in [body.len() - 1, body.len() - 5] {
        let mut negative = body.expose().to_vec();
        negative[place] |= 0x80;

        assert_eq!(Some(Error::Malformed), Layered::decode(&negative).err());
    }

    let too_large = Layered { out_seq_no: 1 << 31, ..layered(b"") };
    assert_eq!(Some(Error::InvalidArgument), too_large.encode(&mut Sevens).err());
}

#[test]
fn what_was_cut_before_the_message_is_refused() {
    let body = layered(b"").encode(&mut Sevens).unwrap();
    for cut in 0..body.len() {
        assert_eq!(Some(Error::Malformed), Layered::decode(&body.expose()[..cut]).err());
    }
}

#[test]
fn messages_of_all_layers_show_their_random_id() {
    let messages = [
        words(Message::CONTENT, &[1 << 9, 3, 0, 99]),
        words(Message::CONTENT_46, &[0, 3, 0]),
        words(Message::CONTENT_23, &[3, 0, 99]),
        words(Message::CONTENT_8, &[3, 0]),
    ];
    for message in messages {
        assert_eq!(Ok(Message::Content { random_id: 3 }), Message::decode(&message));
    }
}

#[test]
fn service_messages_of_both_layers_are_read() {
    let mut early = words(Message::SERVICE_8, &[3, 0]);
    tl::write_bytes(&mut early, &[7; 15]).unwrap();
    tl::write_id(&mut early, 0x6719_e45c);
    let expected = Message::Service { random_id: 3, action: Action::FlushHistory };

    assert_eq!(expected, Message::decode(&early).unwrap());
    assert_eq!(expected, Message::decode(&service(3, &Action::FlushHistory).unwrap()).unwrap());
}

#[test]
fn an_unknown_constructor_is_no_error() {
    assert_eq!(Ok(Message::Unknown), Message::decode(&words(0x1234_5678, &[9])));
}

#[test]
fn messages_that_were_cut_are_refused() {
    for (message, least) in [
        (words(Message::CONTENT, &[0, 3, 0]), 16),
        (words(Message::CONTENT_23, &[3, 0]), 12),
        (service(3, &Action::FlushHistory).unwrap(), 16),
    ] {
        for cut in 0..least {
            assert_eq!(Err(Error::Malformed), Message::decode(&message[..cut]));
        }
    }
}
