// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many keys there are, and which.

use super::*;
use crate::people::{Broken, Counter};

fn ids(keys: &OneTimeKeys) -> Vec<u64> {
    keys.unpublished().map(|(id, _)| id).collect()
}

fn public(keys: &OneTimeKeys, id: u64) -> x25519::PublicKey {
    *keys.unpublished().find(|(known, _)| *known == id).unwrap().1
}

fn generated(count: usize) -> OneTimeKeys {
    let mut keys = OneTimeKeys::none();
    keys.generate(count, &mut Counter(0)).unwrap();
    keys
}

#[test]
fn no_more_keys_wait_than_the_limit_says() {
    let random = &mut Counter(0);
    for count in [MAX_UNPUBLISHED_KEYS - 1, MAX_UNPUBLISHED_KEYS] {
        assert_eq!(count, ids(&generated(count)).len());
    }
    let mut keys = generated(MAX_UNPUBLISHED_KEYS);

    assert_eq!(Err(Error::InvalidArgument), keys.generate(1, random));
    assert_eq!(
        Err(Error::InvalidArgument),
        OneTimeKeys::none().generate(MAX_UNPUBLISHED_KEYS + 1, random)
    );
    assert_eq!(Err(Error::InvalidArgument), keys.generate(usize::MAX, random));

    keys.mark_as_published();
    assert_eq!(Ok(()), keys.generate(MAX_UNPUBLISHED_KEYS, random));
    assert_eq!(MAX_ONE_TIME_KEYS, keys.len());
}

#[test]
fn the_oldest_published_keys_give_way() {
    let random = &mut Counter(1_000);
    let mut keys = generated(MAX_UNPUBLISHED_KEYS);
    let (first, second) = (public(&keys, 1), public(&keys, 2));
    keys.mark_as_published();
    keys.generate(MAX_UNPUBLISHED_KEYS, random).unwrap();
    keys.mark_as_published();
    assert!(keys.find(&first).is_some());

    keys.generate(1, random).unwrap();

    assert_eq!(MAX_ONE_TIME_KEYS, keys.len());
    assert!(keys.find(&first).is_none());
    assert!(keys.find(&second).is_some());
}

#[test]
fn published_keys_keep_their_private_halves() {
    let mut keys = generated(2);
    keys.generate_fallback(&mut Counter(9)).unwrap();
    let (first, fallback) = (public(&keys, 1), *keys.unpublished_fallback().unwrap().1);

    keys.mark_as_published();

    assert!(ids(&keys).is_empty());
    assert_eq!(None, keys.unpublished_fallback());
    assert_eq!(Some(&first), keys.find(&first).map(x25519::PrivateKey::public));
    assert_eq!(Some(&fallback), keys.find(&fallback).map(x25519::PrivateKey::public));
}

#[test]
fn a_used_one_time_key_goes_and_a_fallback_key_stays() {
    let mut keys = generated(2);
    keys.generate_fallback(&mut Counter(9)).unwrap();
    let (first, fallback) = (public(&keys, 1), *keys.unpublished_fallback().unwrap().1);

    keys.consume(&first);
    keys.consume(&fallback);

    assert_eq!(vec![2], ids(&keys));
    assert!(keys.find(&first).is_none());
    assert!(keys.find(&fallback).is_some());
}

#[test]
fn the_fallback_key_before_the_current_one_is_kept_until_it_is_forgotten() {
    let random = &mut Counter(0);
    let mut keys = OneTimeKeys::none();
    assert!(!keys.forget_fallback());
    let made: Vec<_> = (0..3)
        .map(|_| {
            keys.generate_fallback(random).unwrap();
            *keys.unpublished_fallback().unwrap().1
        })
        .collect();
    let held =
        |keys: &OneTimeKeys| made.iter().map(|key| keys.find(key).is_some()).collect::<Vec<_>>();
    assert_eq!(vec![false, true, true], held(&keys));

    assert!(keys.forget_fallback());

    assert_eq!(vec![false, false, true], held(&keys));
    assert!(!keys.forget_fallback());
}

#[test]
fn numbers_are_never_given_twice() {
    let random = &mut Counter(0);
    let mut keys = generated(2);
    keys.generate_fallback(random).unwrap();
    assert_eq!(Some(3), keys.unpublished_fallback().map(|(id, _)| id));
    keys.consume(&public(&keys, 2));

    keys.generate(1, random).unwrap();

    assert_eq!(vec![1, 4], ids(&keys));
}

#[test]
fn no_randomness_is_an_error_that_changes_nothing() {
    let mut keys = generated(2);
    keys.generate_fallback(&mut Counter(9)).unwrap();
    let fallback = keys.unpublished_fallback().map(|(id, key)| (id, *key));

    assert_eq!(Err(Error::RandomUnavailable), keys.generate(1, &mut Broken));
    assert_eq!(Err(Error::RandomUnavailable), keys.generate_fallback(&mut Broken));

    assert_eq!(vec![1, 2], ids(&keys));
    assert_eq!(fallback, keys.unpublished_fallback().map(|(id, key)| (id, *key)));
    assert_eq!(4, keys.next_id);
}

#[test]
fn the_stored_form_reads_back_and_only_itself() {
    let random = &mut Counter(0);
    let mut keys = generated(2);
    for _ in 0..3 {
        let mut out = Vec::new();
        keys.encode(&mut out);
        assert!(out.len() <= keys.encoded_capacity());
        let mut reader = RecordReader::new(&out);
        let read = OneTimeKeys::decode(&mut reader).unwrap();
        reader.finish().unwrap();
        let mut again = Vec::new();
        read.encode(&mut again);
        assert_eq!(out, again);
        for length in 0..out.len() {
            let short = OneTimeKeys::decode(&mut RecordReader::new(&out[..length]));
            assert_eq!(Some(Error::CorruptState), short.err(), "{length}");
        }
        keys.mark_as_published();
        keys.generate_fallback(random).unwrap();
    }
}

#[test]
fn stored_numbers_ascend_below_the_next_one() {
    let mut keys = generated(2);
    let stored = |keys: &OneTimeKeys| {
        let mut out = Vec::new();
        keys.encode(&mut out);
        OneTimeKeys::decode(&mut RecordReader::new(&out)).err()
    };
    assert_eq!(None, stored(&keys));

    keys.next_id = 2;
    assert_eq!(Some(Error::CorruptState), stored(&keys));

    keys.next_id = 3;
    keys.keys.reverse();
    assert_eq!(Some(Error::CorruptState), stored(&keys));
}

#[test]
fn more_keys_than_may_wait_push_the_oldest_out() {
    let mut keys = OneTimeKeys::none();
    let random = &mut Counter(1);
    for _ in 0..5 {
        keys.generate_more(MAX_UNPUBLISHED_KEYS, random).unwrap();
    }

    assert_eq!(MAX_ONE_TIME_KEYS, keys.len());
    assert_eq!(MAX_ONE_TIME_KEYS, keys.unpublished().count());
    assert_eq!(Err(Error::InvalidArgument), keys.generate(1, random));
    assert_eq!(Err(Error::InvalidArgument), keys.generate_more(MAX_ONE_TIME_KEYS + 1, random));
}
