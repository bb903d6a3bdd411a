// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls between two ends, and what each end refuses (mtproto_secret_chats.md §8).

use super::*;
use crate::scripted::{Draws, Never, Numbered};

fn group() -> Group {
    Group::new(3, &crate::group::KNOWN_PRIME, &mut Never).unwrap()
}

fn offer() -> CallOffer {
    CallOffer::new(&group(), b"", &mut Numbered(1)).unwrap()
}

fn answer(offer: &CallOffer) -> CallAnswer {
    CallAnswer::new(&group(), &offer.commitment(), b"theirs", &mut Numbered(2)).unwrap()
}

/// Caller and callee of one call.
pub fn both() -> (Call, Call) {
    let offer = offer();
    let answer = answer(&offer);
    let calling = offer.confirm(answer.public().as_sent()).unwrap();
    let called = answer.confirm(calling.caller_public().as_sent(), calling.fingerprint()).unwrap();
    (calling, called)
}

#[test]
fn both_ends_see_the_same_four_emoji() {
    let (calling, called) = both();

    assert_eq!(calling.emoji(), called.emoji());
    assert!(calling.emoji().iter().all(|emoji| !emoji.is_empty()));
    assert_eq!(calling.caller_public(), called.caller_public());
}

#[test]
fn a_public_value_that_was_not_committed_to_is_refused() {
    let offer = offer();
    let answer = answer(&offer);
    let calling = offer.confirm(answer.public().as_bytes()).unwrap();
    let other = Offer::new(&group(), b"", &mut Numbered(5)).unwrap();

    let verdict = answer.confirm(other.public().as_sent(), calling.fingerprint());

    assert_eq!(Error::Forged, verdict.unwrap_err());
}

#[test]
fn a_public_value_out_of_range_is_refused_although_it_was_committed_to() {
    let commitment = sha::sha256(&[&[1]]);
    let answer = CallAnswer::new(&group(), &commitment, b"", &mut Numbered(2)).unwrap();

    assert_eq!(Error::InvalidKey, answer.confirm(&[1], 0).unwrap_err());
    assert_eq!(Error::InvalidKey, offer().confirm(&[1]).unwrap_err());
}

#[test]
fn another_fingerprint_is_refused() {
    let offer = offer();
    let answer = answer(&offer);
    let calling = offer.confirm(answer.public().as_sent()).unwrap();

    let verdict = answer.confirm(calling.caller_public().as_sent(), calling.fingerprint() ^ 1);

    assert_eq!(Error::Forged, verdict.unwrap_err());
}

#[test]
fn zeros_at_the_front_are_in_neither_commitment_nor_emoji() {
    let short = (0_u16..).find_map(|number| {
        let mut drawn = vec![0; 256];
        drawn[252..254].copy_from_slice(&number.to_be_bytes());
        drawn[0] = 1;
        let offer = CallOffer::new(&group(), b"", &mut Draws(vec![drawn])).unwrap();
        (offer.0.public().as_bytes()[0] == 0).then_some(offer)
    });
    let offer = short.unwrap();
    let sent = offer.0.public().as_sent().to_vec();
    assert!(sent.len() < 256 && sent[0] != 0);
    assert_eq!(sha::sha256(&[&sent]), offer.commitment());

    let answer = answer(&offer);
    let calling = offer.confirm(answer.public().as_sent()).unwrap();
    let called = answer.confirm(&sent, calling.fingerprint()).unwrap();

    assert_eq!(calling.emoji(), called.emoji());
    let digest = sha::sha256(&[called.key.expose(), &sent]);
    let first = u64::from_be_bytes(digest[..8].try_into().unwrap()) & (u64::MAX >> 1);
    assert_eq!(emoji::numbered(first), called.emoji()[0]);
}

#[test]
fn numbers_of_emoji_wrap_around() {
    assert_eq!(emoji::numbered(0), emoji::numbered(333));
    assert_eq!(emoji::numbered(332), emoji::numbered(665));
    assert!((0..333).all(|number| !emoji::numbered(number).is_empty()));
}
