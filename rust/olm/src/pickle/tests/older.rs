// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pickles of older versions of libolm, whose bytes are put together here: no recording has any.

use e2ee_primitives::random::Random;

use super::*;
use crate::megolm::Provenance;

/// A number, its flag, and the key pair that goes with them.
type Kept = (u32, u8, x25519::PrivateKey);

/// What stands before the fallback keys: both identities, and one one-time key with the number 7.
fn beginning(version: u32) -> (Account, Vec<u8>) {
    let account = Account::generate(&mut Counter(20)).unwrap();
    let mut out = version.to_be_bytes().to_vec();
    out.extend_from_slice(account.signing_key().as_bytes());
    out.extend_from_slice(account.signing.expanded().expose());
    out.extend_from_slice(account.identity_key().as_bytes());
    out.extend_from_slice(account.identity.expose());
    out.extend_from_slice(&1_u32.to_be_bytes());
    out.extend_from_slice(&place(&(7, 0, pair(30))));
    (account, out)
}

fn pair(seed: u64) -> x25519::PrivateKey {
    x25519::PrivateKey::random(&mut Counter(seed)).unwrap()
}

fn place((number, flag, key): &Kept) -> Vec<u8> {
    [&number.to_be_bytes(), &[*flag][..], key.public().as_bytes(), key.expose()].concat()
}

/// An account of version 3 with these two places; the last number is 9.
fn of_places(places: [&[u8]; 2]) -> Vec<u8> {
    let (_, beginning) = beginning(3);
    [&beginning, places[0], places[1], &9_u32.to_be_bytes()].concat()
}

fn numbers_of_fallback(account: &Account) -> Vec<(u64, bool)> {
    account.one_time_keys().kept_fallback().map(|key| (key.id, key.published)).collect()
}

#[test]
fn an_account_of_version_3_has_what_its_flags_say() {
    let [current, previous] = [(9, 1, pair(40)), (8, 1, pair(50))];
    let empty = [0; 69];
    // What an empty place holds is left over from whatever was there.
    let noise = [&[0xee; 4], &[0][..], &[0xee; 64]].concat();
    for (places, expected) in [
        ([&place(&current)[..], &place(&previous)], vec![(9, true), (8, true)]),
        ([&place(&current), &empty], vec![(9, true)]),
        ([&place(&current), &noise], vec![(9, true)]),
        ([&empty, &empty], vec![]),
        ([&noise, &place(&previous)], vec![]),
    ] {
        let read = libolm::account(&of_places(places)).unwrap();

        assert_eq!(expected, numbers_of_fallback(&read));
        let (written, _) = beginning(3);
        assert_eq!(written.identity_key(), read.identity_key());
        assert_eq!(written.sign(b"text"), read.sign(b"text"));
        assert_eq!(1, read.one_time_keys().len());
        assert!(read.one_time_keys().find(pair(30).public()).is_some());
        assert_eq!(10, read.one_time_keys().next_id());
    }
}

#[test]
fn what_is_no_account_of_version_3_is_malformed() {
    let [current, previous] = [place(&(9, 1, pair(40))), place(&(8, 1, pair(50)))];
    let whole = of_places([&current, &previous]);
    assert!(libolm::account(&whole).is_ok());
    let refused = |bytes: &[u8]| assert_eq!(Some(Error::Malformed), libolm::account(bytes).err());

    for length in 0..whole.len() {
        refused(&whole[..length]);
    }
    refused(&[&whole[..], &[0]].concat());
    for at in [4, 5] {
        // Another flag than 0 and 1; a public half of another key.
        let mut altered = current.clone();
        altered[at] ^= 2;
        refused(&of_places([&altered, &previous]));
        refused(&of_places([&previous, &altered]));
    }
    // A number beyond the last.
    refused(&of_places([&place(&(10, 1, pair(40))), &previous]));
}

#[test]
fn an_account_of_version_2_has_no_fallback_keys() {
    let (written, beginning) = beginning(2);

    let read = libolm::account(&[&beginning[..], &9_u32.to_be_bytes()].concat()).unwrap();

    assert_eq!(written.sign(b"text"), read.sign(b"text"));
    assert_eq!(Vec::<(u64, bool)>::new(), numbers_of_fallback(&read));
    assert_eq!(10, read.one_time_keys().next_id());
}

#[test]
fn an_account_of_version_1_is_refused_as_by_libolm() {
    let (account, _) = beginning(1);
    let mut old = 1_u32.to_be_bytes().to_vec();
    old.extend_from_slice(account.signing_key().as_bytes());
    old.extend_from_slice(&account.signing.expanded().expose()[..32]);
    old.extend_from_slice(account.identity_key().as_bytes());
    old.extend_from_slice(account.identity.expose());
    old.extend_from_slice(&[0; 8]);

    assert_eq!(Some(Error::UnsupportedVersion), libolm::account(&old).err());
}

#[test]
fn an_inbound_session_of_version_1_counts_as_signed() {
    let mut ratchet = [0; 128];
    Counter(60).fill(&mut ratchet).unwrap();
    let key = [7; 32];
    let state = |index: u32| [&ratchet[..], &index.to_be_bytes()].concat();
    let old = [&1_u32.to_be_bytes(), &state(3)[..], &state(5), &key].concat();

    let read = libolm::inbound(&old).unwrap();

    assert_eq!(Provenance::Signed, read.provenance());
    assert_eq!((&key, 3), (read.session_id(), read.first_known_index()));
    for length in 0..old.len() {
        assert_eq!(Some(Error::Malformed), libolm::inbound(&old[..length]).err(), "{length}");
    }
    for flag in [0, 1] {
        let newer = [&old[..], &[flag]].concat();
        assert_eq!(Some(Error::Malformed), libolm::inbound(&newer).err());
    }
}
