// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which session sends, which one opens, and which gives way (olm_megolm.md §8).

use e2ee_ratchet::skipped::MAX_SKIPPED_SEEDS;

use super::*;
use crate::{
    account::Account,
    limits::MAX_SKIPPED_SEEDS_PER_PEER,
    people::{Counter, account, bytes},
    session::envelope_budget,
};

/// A session of a peer's to us, and its first message.
fn first_to(
    ours: &mut Account,
    peer: &Account,
    text: &[u8],
    random: &mut Counter,
) -> (Session, Vec<u8>) {
    ours.one_time_keys_mut().generate(1, random).unwrap();
    let key = *ours.one_time_keys().unpublished().last().unwrap().1;
    let mut session = peer.initiate(ours.identity_key(), &key, random).unwrap();
    let first = bytes(session.encrypt(text, random).unwrap());
    (session, first)
}

fn accept(sessions: &mut Sessions, ours: &mut Account, first: &[u8]) -> Result<Vec<u8>, Error> {
    let message = PreKeyMessage::decode(first)?;
    let trusted = message.keys.identity_key;
    let keys = (&ours.identity, &ours.one_time);
    let accepted = decrypt_prekey(sessions, keys, &trusted, &message, &mut envelope_budget())?;
    if let Some(keys) = accepted.keys {
        ours.accepted(&keys);
    }
    Ok(accepted.plaintext.expose().to_vec())
}

#[test]
fn the_session_that_was_received_on_last_sends() {
    let random = &mut Counter(1);
    let ((mut ours, _), (peer, _)) = (account(random), account(random));
    let (one, first) = first_to(&mut ours, &peer, b"one", random);
    let (other, second) = first_to(&mut ours, &peer, b"other", random);
    let mut sessions = Sessions::none();
    accept(&mut sessions, &mut ours, &first).unwrap();
    accept(&mut sessions, &mut ours, &second).unwrap();

    let mut both = [one, other];
    for place in [0, 1, 1, 0] {
        let again = bytes(both[place].encrypt(b"again", random).unwrap());
        assert_eq!(b"again"[..], accept(&mut sessions, &mut ours, &again).unwrap());

        let current = sessions.current().map(Session::session_id);
        assert_eq!(Some(both[place].session_id()), current);
    }
    assert_eq!(1, sessions.archived().count());
}

#[test]
fn of_six_sessions_the_oldest_is_gone() {
    let random = &mut Counter(2);
    let ((mut ours, _), (peer, _)) = (account(random), account(random));
    let mut sessions = Sessions::none();
    let mut theirs = Vec::new();
    for _ in 0..MAX_ARCHIVED_SESSIONS + 2 {
        let (session, first) = first_to(&mut ours, &peer, b"first", random);
        accept(&mut sessions, &mut ours, &first).unwrap();
        theirs.push(session);
    }

    let mut again = theirs.iter_mut().map(|session| bytes(session.encrypt(b"x", random).unwrap()));
    let gone = again.next().unwrap();

    assert_eq!(Err(Error::UnknownPreKey), accept(&mut sessions, &mut ours, &gone));
    for kept in again {
        assert!(accept(&mut sessions, &mut ours, &kept).is_ok());
    }
    assert_eq!(MAX_ARCHIVED_SESSIONS, sessions.archived().count());
}

#[test]
fn another_identity_neither_opens_nor_is_written_to() {
    let random = &mut Counter(3);
    let ((mut ours, _), (peer, _)) = (account(random), account(random));
    let (_, first) = first_to(&mut ours, &peer, b"first", random);
    let mut sessions = Sessions::none();
    let other = *account(random).0.identity_key();
    let message = PreKeyMessage::decode(&first).unwrap();
    let keys = (&ours.identity, &ours.one_time);

    let refused =
        decrypt_prekey(&mut sessions, keys, &other, &message, &mut envelope_budget()).err();
    accept(&mut sessions, &mut ours, &first).unwrap();

    assert_eq!(Some(Error::UntrustedIdentity), refused);
    assert_eq!(Some(Error::UntrustedIdentity), encrypt(&mut sessions, &other, b"x", random).err());
    assert!(encrypt(&mut sessions, peer.identity_key(), b"x", random).is_ok());
}

/// Loses messages of `theirs`, which are kept as late when the next one arrives.
fn lose(
    (sessions, ours): (&mut Sessions, &mut Account),
    theirs: &mut Session,
    count: usize,
    random: &mut Counter,
) {
    for _ in 0..count {
        theirs.encrypt(b"late", random).unwrap();
    }
    let trusted = theirs.keys().identity_key;
    match theirs.encrypt(b"arrives", random).unwrap() {
        Ciphertext::PreKey(first) => _ = accept(sessions, ours, &first).unwrap(),
        Ciphertext::Normal(bytes) => {
            let message = NormalMessage::decode(&bytes).unwrap();
            decrypt(sessions, &trusted, &message, &mut envelope_budget()).unwrap();
        }
    }
}

/// How many late messages are kept of each session, the current one first, after so many of the
/// last chains of the fifth session were lost: before, four sessions keep two full chains each.
fn kept_after(last: &[usize]) -> Vec<usize> {
    let random = &mut Counter(4);
    let ((mut ours, _), (peer, _)) = (account(random), account(random));
    let mut sessions = Sessions::none();
    let full = [MAX_SKIPPED_SEEDS; 2];
    for lost in [&full[..], &full[..], &full[..], &full[..], last] {
        let (mut theirs, first) = first_to(&mut ours, &peer, b"first", random);
        accept(&mut sessions, &mut ours, &first).unwrap();
        for count in lost {
            lose((&mut sessions, &mut ours), &mut theirs, *count, random);
            let answer = encrypt(&mut sessions, peer.identity_key(), b"turns", random).unwrap();
            crate::people::receive(&mut theirs, &answer).unwrap();
        }
    }
    sessions.iter().map(Session::skipped_len).collect()
}

#[test]
fn late_messages_of_the_oldest_session_give_way_above_the_limit() {
    let (full, last) = (2 * MAX_SKIPPED_SEEDS, MAX_SKIPPED_SEEDS);
    assert_eq!(MAX_SKIPPED_SEEDS_PER_PEER, 5 * full);

    for (lost, expected) in [
        (&[last, last - 1][..], [full - 1, full, full, full, full]),
        (&[last, last], [full; 5]),
        (&[last, last, 1], [full + 1, full, full, full, 0]),
    ] {
        assert_eq!(expected[..], kept_after(lost), "{lost:?}");
    }
}
