// SPDX-License-Identifier: MIT OR Apache-2.0
//! Agreements: both ends, what the server adds, and what each end refuses
//! (mtproto_secret_chats.md §1).

use e2ee_primitives::sha;

use super::*;
use crate::scripted::{Draws, Failing, Never, Numbered};

/// The group of today.
fn group() -> Group {
    let mut bytes = vec![3];
    bytes.extend_from_slice(&crate::group::KNOWN_PRIME);
    Group::decode(&mut RecordReader::new(&bytes)).unwrap()
}

fn bytes(number: u8) -> [u8; LEN] {
    let block = |place: usize| sha::sha256(&[&[number], &place.to_be_bytes()])[0];
    core::array::from_fn(block)
}

fn offer(server_random: &[u8], drawn: &[u8; LEN]) -> Offer {
    Offer::new(&group(), server_random, &mut Draws(vec![drawn.to_vec()])).unwrap()
}

fn stored(offer: &Offer) -> Vec<u8> {
    let mut out = Vec::new();
    offer.encode(&mut out);
    out
}

#[test]
fn both_ends_agree_and_the_fingerprint_confirms_it() {
    let ours = offer(b"", &bytes(1));

    let (public, theirs) =
        respond(&group(), ours.public().as_bytes(), &bytes(3), &mut Numbered(2)).unwrap();
    let key = ours.confirm(public.as_bytes(), theirs.fingerprint()).unwrap();

    assert_eq!(theirs.expose(), key.expose());
    assert_eq!(key.expose(), ours.agree(public.as_bytes()).unwrap().expose());
}

#[test]
fn another_fingerprint_is_refused_and_the_offer_is_left_as_it_was() {
    let ours = offer(b"", &bytes(1));
    let before = stored(&ours);
    let (public, theirs) =
        respond(&group(), ours.public().as_bytes(), b"", &mut Numbered(2)).unwrap();

    for bit in 0..64 {
        let wrong = theirs.fingerprint() ^ (1 << bit);
        assert_eq!(Error::Forged, ours.confirm(public.as_bytes(), wrong).unwrap_err());
    }

    assert_eq!(before, stored(&ours));
    assert!(ours.confirm(public.as_bytes(), theirs.fingerprint()).is_ok());
}

#[test]
fn values_out_of_range_are_refused_by_both_ends() {
    let ours = offer(b"", &bytes(1));
    let one: [u8; LEN] = core::array::from_fn(|place| u8::from(place == LEN - 1));
    let mut near = group().prime();
    near[LEN - 1] -= 1;
    let long = [0x11; LEN + 1];

    for value in [&[][..], &[0; LEN], &one, &near, &group().prime(), &[0xff; LEN], &long] {
        assert_eq!(Error::InvalidKey, ours.agree(value).unwrap_err());
        assert_eq!(Error::InvalidKey, ours.confirm(value, 0).unwrap_err());
        let verdict = respond(&group(), value, b"", &mut Never);
        assert_eq!(Error::InvalidKey, verdict.unwrap_err());
    }
}

#[test]
fn what_the_server_adds_changes_the_exponent_and_never_replaces_ours() {
    let drawn = bytes(1);
    for length in [0, 1, 2, 128, 255, LEN] {
        let added = &bytes(9)[..length];
        let exponent = offer(added, &drawn).exponent;

        let mut expected = drawn;
        expected.iter_mut().zip(added).for_each(|(ours, theirs)| *ours ^= theirs);
        assert_eq!(&expected, exponent.expose());
    }
    let too_much = Offer::new(&group(), &[7; LEN + 1], &mut Never);
    assert_eq!(Error::InvalidArgument, too_much.unwrap_err());
}

#[test]
fn up_to_256_bytes_of_the_server_are_taken_as_they_are() {
    for length in 0..=LEN {
        let mut expected = [0; LEN];
        expected[..length].copy_from_slice(&bytes(9)[..length]);
        assert_eq!(Ok(expected), padded(&bytes(9)[..length]));
    }
}

#[test]
fn an_exponent_that_the_server_cancels_is_drawn_again() {
    // What nobody can aim at: the server's bytes are fixed before ours are drawn.
    let mut random = Draws(vec![bytes(1).to_vec(), bytes(2).to_vec()]);

    let ours = Offer::new(&group(), &bytes(1), &mut random).unwrap();

    assert!(random.0.is_empty());
    assert_eq!(Secret::new(bytes(1)).xor(&bytes(2)).expose(), ours.exponent.expose());
}

#[test]
fn a_source_that_gives_unusable_exponents_is_given_up() {
    let mut zeros = Draws(vec![vec![0; LEN]; MAX_DRAWS]);

    let verdict = Offer::new(&group(), b"", &mut zeros);

    assert_eq!(Error::RandomUnavailable, verdict.unwrap_err());
    assert!(zeros.0.is_empty());
    let failed = Offer::new(&group(), b"", &mut Failing);
    assert_eq!(Error::RandomUnavailable, failed.unwrap_err());
}

#[test]
fn a_stored_offer_agrees_on_the_same_key() {
    let ours = offer(b"", &bytes(1));
    let (public, theirs) =
        respond(&group(), ours.public().as_bytes(), b"", &mut Numbered(2)).unwrap();
    let bytes = stored(&ours);
    assert_eq!(Offer::STORED_LEN, bytes.len());

    let mut reader = RecordReader::new(&bytes);
    let again = Offer::decode(&mut reader).unwrap();

    assert_eq!(Ok(()), reader.finish());
    assert_eq!((ours.public(), ours.group()), (again.public(), again.group()));
    assert!(again.confirm(public.as_bytes(), theirs.fingerprint()).is_ok());
}

#[test]
fn a_damaged_stored_offer_does_not_read_back() {
    let bytes = stored(&offer(b"", &bytes(1)));
    let mut zero = bytes.clone();
    zero[Group::STORED_LEN + LEN..].fill(0);
    let mut generator = bytes.clone();
    generator[0] = 2;

    for damaged in [&zero, &generator, &bytes[..Offer::STORED_LEN - 1], &bytes[..300], &[]] {
        let verdict = Offer::decode(&mut RecordReader::new(damaged));
        assert_eq!(Error::CorruptState, verdict.unwrap_err());
    }
}

#[test]
fn a_stored_key_has_its_fingerprint_again() {
    let ours = offer(b"", &bytes(1));
    let key = ours.agree(ours.public().as_bytes()).unwrap();
    let mut bytes = Vec::new();
    key.encode(&mut bytes);

    let again = ChatKey::decode(&mut RecordReader::new(&bytes)).unwrap();

    assert_eq!((key.expose(), key.fingerprint()), (again.expose(), again.fingerprint()));
    let cut = ChatKey::decode(&mut RecordReader::new(&bytes[1..]));
    assert_eq!(Error::CorruptState, cut.unwrap_err());
}
