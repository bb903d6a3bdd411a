// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an account accepts, and its sealed record.

use super::*;
use crate::{
    people::{Broken, Counter, account, bytes, send},
    session::envelope_budget,
};

fn sealer(byte: u8) -> Sealer {
    Sealer::standalone(Secret::new([byte; 32]))
}

#[test]
fn a_one_time_key_serves_once_and_only_when_a_message_opened() {
    let random = &mut Counter(0);
    let (mut ours, one_time_key) = account(random);
    let (theirs, _) = account(random);
    let mut session = theirs.initiate(ours.identity_key(), &one_time_key, random).unwrap();
    let first = bytes(send(&mut session, b"text", random));
    let mut forged = first.clone();
    *forged.last_mut().unwrap() ^= 1;
    let mut accept = |bytes: &[u8]| {
        let message = PreKeyMessage::decode(bytes).unwrap();
        ours.accept(None, &message, &mut envelope_budget()).map(|_| ())
    };

    assert_eq!(Err(Error::Forged), accept(&forged));
    assert_eq!(Ok(()), accept(&first));
    assert_eq!(Err(Error::UnknownPreKey), accept(&first));
}

#[test]
fn a_fallback_key_serves_again_also_as_the_previous_one() {
    let random = &mut Counter(0);
    let (mut ours, _) = account(random);
    ours.one_time_keys_mut().generate_fallback(random).unwrap();
    let fallback = *ours.one_time_keys().unpublished_fallback().unwrap().1;
    let (theirs, _) = account(random);
    for _ in 0..2 {
        let mut session = theirs.initiate(ours.identity_key(), &fallback, random).unwrap();
        let first = bytes(send(&mut session, b"text", random));
        let message = PreKeyMessage::decode(&first).unwrap();

        assert!(ours.accept(None, &message, &mut envelope_budget()).is_ok());

        ours.one_time_keys_mut().generate_fallback(random).unwrap();
    }
    let mut session = theirs.initiate(ours.identity_key(), &fallback, random).unwrap();
    let first = bytes(send(&mut session, b"text", random));
    let message = PreKeyMessage::decode(&first).unwrap();
    let refused = ours.accept(None, &message, &mut envelope_budget());
    assert_eq!(Some(Error::UnknownPreKey), refused.err());
}

/// An account with a fallback key, and a session that somebody starts under it.
fn under_fallback(random: &mut Counter) -> (Account, Account, Session) {
    let (mut ours, _) = account(random);
    ours.one_time_keys_mut().generate_fallback(random).unwrap();
    let fallback = *ours.one_time_keys().unpublished_fallback().unwrap().1;
    let (theirs, _) = account(random);
    let session = theirs.initiate(ours.identity_key(), &fallback, random).unwrap();
    (ours, theirs, session)
}

fn accepted(ours: &mut Account, first: &[u8]) -> Result<(), Error> {
    let message = PreKeyMessage::decode(first).unwrap();
    ours.accept(None, &message, &mut envelope_budget()).map(|_| ())
}

#[test]
fn a_session_under_a_fallback_key_is_accepted_once() {
    let random = &mut Counter(0);
    let (mut ours, _, mut session) = under_fallback(random);
    let [first, second] = [b"one", b"two"].map(|text| bytes(send(&mut session, text, random)));
    let mut forged = first.clone();
    *forged.last_mut().unwrap() ^= 1;

    assert_eq!(Err(Error::Forged), accepted(&mut ours, &forged));
    assert_eq!(Ok(()), accepted(&mut ours, &first));
    for repeated in [&first, &second, &forged] {
        assert_eq!(Err(Error::Duplicate), accepted(&mut ours, repeated));
    }

    let record = ours.seal(&sealer(1), random).unwrap();
    let mut loaded = Account::open(&sealer(1), 1, &record).unwrap();
    assert_eq!(Err(Error::Duplicate), accepted(&mut loaded, &first));
    loaded.one_time_keys_mut().generate_fallback(random).unwrap();
    assert_eq!(Err(Error::Duplicate), accepted(&mut loaded, &first));
    assert!(loaded.one_time_keys_mut().forget_fallback());
    assert_eq!(Err(Error::UnknownPreKey), accepted(&mut loaded, &first));
}

#[test]
fn a_repeated_session_of_another_sender_is_forged() {
    let random = &mut Counter(0);
    let (mut ours, theirs, mut session) = under_fallback(random);
    let first = bytes(send(&mut session, b"text", random));
    assert_eq!(Ok(()), accepted(&mut ours, &first));
    let message = PreKeyMessage::decode(&first).unwrap();
    let mut refused = |sender: &Account| {
        ours.accept(Some(sender.identity_key()), &message, &mut Budget::new(0)).err()
    };

    assert_eq!(Some(Error::Forged), refused(&account(random).0));
    assert_eq!(Some(Error::Duplicate), refused(&theirs));
}

#[test]
fn without_a_memory_a_session_under_a_fallback_key_is_accepted_again() {
    let random = &mut Counter(0);
    let (mut ours, _, mut session) = under_fallback(random);
    let first = bytes(send(&mut session, b"text", random));
    let message = PreKeyMessage::decode(&first).unwrap();

    for _ in 0..2 {
        let opened = ours.accept_without_memory(None, &message, &mut envelope_budget());
        assert_eq!(b"text", opened.unwrap().1.expose());
    }
    assert_eq!(Ok(()), accepted(&mut ours, &first));
}

#[test]
fn a_record_of_version_1_is_read_without_a_memory() {
    let random = &mut Counter(0);
    let (mut ours, _, mut session) = under_fallback(random);
    let first = bytes(send(&mut session, b"text", random));
    let current = ours.encode();
    // The memory of the one fallback key, which is empty, ends the record.
    let (old, length) = current.expose().split_last_chunk::<4>().unwrap();
    assert_eq!([0; 4], *length);
    let old = [&[FORMAT_WITHOUT_MEMORY], &old[1..]].concat();
    let record = sealer(1).seal(RECORD_NAME, 1, &old, random).unwrap();

    let mut loaded = Account::open(&sealer(1), 1, &record).unwrap();

    assert_eq!(current.expose(), loaded.encode().expose());
    assert_eq!(Ok(()), accepted(&mut loaded, &first));
    assert_eq!(Err(Error::Duplicate), accepted(&mut loaded, &first));
    assert_eq!(Ok(()), accepted(&mut ours, &first));
}

#[test]
fn another_identity_key_than_the_expected_one_is_refused_before_any_work() {
    let random = &mut Counter(0);
    let (mut ours, one_time_key) = account(random);
    let (theirs, _) = account(random);
    let (stranger, _) = account(random);
    let mut session = theirs.initiate(ours.identity_key(), &one_time_key, random).unwrap();
    let first = bytes(send(&mut session, b"text", random));
    let message = PreKeyMessage::decode(&first).unwrap();

    let refused =
        ours.accept(Some(stranger.identity_key()), &message, &mut Budget::new(0)).map(|_| ());
    assert_eq!(Err(Error::Forged), refused);

    let budget = &mut envelope_budget();
    assert!(ours.accept(Some(theirs.identity_key()), &message, budget).is_ok());
}

#[test]
fn a_signature_verifies_under_the_signing_key() {
    let (account, _) = account(&mut Counter(0));

    let signature = account.sign(b"device keys");

    assert_eq!(Ok(()), ed25519::verify(account.signing_key(), b"device keys", &signature));
    assert!(ed25519::verify(account.signing_key(), b"other keys", &signature).is_err());
}

#[test]
fn a_sealed_account_opens_with_its_key_and_revision_only() {
    let random = &mut Counter(0);
    let (mut ours, one_time_key) = account(random);
    assert_eq!(0, ours.revision());
    let record = ours.seal(&sealer(1), random).unwrap();
    assert_eq!(1, ours.revision());

    let opened = Account::open(&sealer(1), 1, &record).unwrap();

    assert_eq!(ours.identity_key(), opened.identity_key());
    assert_eq!(ours.sign(b"text"), opened.sign(b"text"));
    assert!(opened.one_time_keys().find(&one_time_key).is_some());
    assert_eq!(ours.encode().expose(), opened.encode().expose());
    assert!(Account::open(&sealer(1), 2, &record).is_err());
    assert!(Account::open(&sealer(2), 1, &record).is_err());
    assert!(Account::open(&sealer(1), 1, &record[..record.len() - 1]).is_err());
}

#[test]
fn an_expanded_signing_key_is_stored_too() {
    let (mut account, _) = account(&mut Counter(0));
    let expanded = account.signing.expanded();
    let signature = account.sign(b"text");
    account.signing = ed25519::SigningKey::from_expanded(expanded).unwrap();

    let record = account.seal(&sealer(1), &mut Counter(9)).unwrap();
    let opened = Account::open(&sealer(1), 1, &record).unwrap();

    assert_eq!(signature, opened.sign(b"text"));
}

#[test]
fn what_is_no_account_is_damage() {
    let random = &mut Counter(0);
    let (account, _) = account(random);
    let whole = account.encode();
    let open = |plaintext: &[u8]| {
        let record = sealer(1).seal(RECORD_NAME, 1, plaintext, &mut Counter(9)).unwrap();
        Account::open(&sealer(1), 1, &record).err()
    };
    assert_eq!(None, open(whole.expose()));

    let damage = Some(Failure::Store(StoreError::Corruption));
    for length in 0..whole.len() {
        assert_eq!(damage, open(&whole.expose()[..length]), "{length}");
    }
    assert_eq!(damage, open(&[whole.expose(), &[0]].concat()));
    // Another version, and another form of the signing key.
    for first in [[0, 1], [3, 1], [FORMAT_VERSION, 0], [FORMAT_VERSION, 3]] {
        assert_eq!(damage, open(&[&first, &whole.expose()[2..]].concat()));
    }
}

#[test]
fn no_randomness_makes_no_account() {
    assert_eq!(Some(Error::RandomUnavailable), Account::generate(&mut Broken).err());
}
