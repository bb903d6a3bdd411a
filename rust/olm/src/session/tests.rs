// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions between two of ours: their start, their order, their limits.

use super::*;
use crate::{
    limits::MAX_RECEIVING_CHAINS,
    people::{Broken, Counter, account, bytes, connected, initiated, receive, send, turn},
};

/// The private key of 32 times 7 agrees alike as these two: its own public key, and the same point
/// with a part of order two.
const SEVENS: [u8; 32] = [7; 32];
const SEVENS_ALIAS: [u8; 32] = [
    0x90, 0xc3, 0x4a, 0x83, 0x1c, 0x10, 0x70, 0x0b, 0x35, 0x25, 0xc6, 0x6a, 0x2f, 0xae, 0x1e, 0xc2,
    0x05, 0x1e, 0x06, 0xba, 0x68, 0x86, 0x49, 0xd2, 0x1f, 0x1f, 0x7e, 0x99, 0x6c, 0xa6, 0x47, 0x5b,
];

#[test]
fn both_ends_have_one_id_and_talk_both_ways() {
    let random = &mut Counter(0);
    let (mut one, mut other) = connected(random);

    assert_eq!(one.session_id(), other.session_id());
    for _ in 0..3 {
        turn(&mut one, &mut other, random);
    }
}

#[test]
fn the_start_is_sent_until_the_first_answer_opened() {
    let random = &mut Counter(0);
    let (mut one, mut other) = connected(random);
    assert!(!one.has_received());
    let again = send(&mut one, b"again", random);
    assert!(matches!(again, Ciphertext::PreKey(_)));
    assert_eq!(Ok(b"again".to_vec()), receive(&mut other, &again));

    let answer = send(&mut other, b"answer", random);
    assert!(matches!(answer, Ciphertext::Normal(_)));
    assert_eq!(Ok(b"answer".to_vec()), receive(&mut one, &answer));

    assert!(one.has_received());
    assert!(matches!(send(&mut one, b"normal", random), Ciphertext::Normal(_)));
}

#[test]
fn a_session_starts_from_any_of_its_prekey_messages() {
    let random = &mut Counter(0);
    let (mut one, mut account) = initiated(random);
    let sent: Vec<_> = (0..4_u8).map(|number| send(&mut one, &[number], random)).collect();
    let Ciphertext::PreKey(third) = &sent[2] else { panic!("no prekey message") };
    let message = PreKeyMessage::decode(third).unwrap();

    let (mut other, plaintext) = account.accept(None, &message, &mut envelope_budget()).unwrap();

    assert_eq!([2], plaintext.expose());
    for number in [3, 0, 1] {
        let Ciphertext::PreKey(bytes) = &sent[usize::from(number)] else { panic!("no start") };
        assert!(other.matches(&PreKeyMessage::decode(bytes).unwrap()));
        assert_eq!(Ok(vec![number]), receive(&mut other, &sent[usize::from(number)]));
    }
    assert_eq!(Err(Error::Duplicate), receive(&mut other, &sent[2]));
}

#[test]
fn a_message_opens_once() {
    let random = &mut Counter(0);
    let (mut one, mut other) = connected(random);
    let sent: Vec<_> = (0..3).map(|_| send(&mut one, b"text", random)).collect();

    for message in sent.iter().rev() {
        assert!(receive(&mut other, message).is_ok());
    }

    for message in &sent {
        assert_eq!(Err(Error::Duplicate), receive(&mut other, message));
    }
    assert_eq!(0, other.skipped_len());
}

#[test]
fn a_forged_message_changes_nothing() {
    let random = &mut Counter(0);
    let (mut one, mut other) = connected(random);
    turn(&mut one, &mut other, random);
    _ = send(&mut one, b"lost", random);
    let genuine = bytes(send(&mut one, b"text", random));
    let mut forged = genuine.clone();
    *forged.last_mut().unwrap() ^= 1;
    let before = other.encode_head(crate::record::Revisions::default());

    assert_eq!(Err(Error::Forged), receive(&mut other, &Ciphertext::Normal(forged)));

    let after = other.encode_head(crate::record::Revisions::default());
    assert_eq!(before.expose(), after.expose());
    assert_eq!(0, other.skipped_len());
    assert_eq!(Ok(b"text".to_vec()), receive(&mut other, &Ciphertext::Normal(genuine)));
}

#[test]
fn no_randomness_is_an_error_that_changes_nothing() {
    let random = &mut Counter(0);
    let (mut one, mut other) = connected(random);

    assert_eq!(Err(Error::RandomUnavailable), other.encrypt(b"text", &mut Broken));

    let message = send(&mut other, b"text", random);
    assert_eq!(Ok(b"text".to_vec()), receive(&mut one, &message));
    assert!(one.encrypt(b"text", &mut Broken).is_err());
}

#[test]
fn a_jump_may_be_as_large_as_its_limit() {
    for (ahead, expected) in [
        (MAX_JUMP - 1, Ok(b"far".to_vec())),
        (MAX_JUMP, Ok(b"far".to_vec())),
        (MAX_JUMP + 1, Err(Error::TooFarAhead)),
    ] {
        let random = &mut Counter(0);
        let (mut one, mut other) = connected(random);
        for _ in 0..ahead {
            _ = send(&mut one, b"lost", random);
        }

        let far = send(&mut one, b"far", random);

        assert_eq!(expected, receive(&mut other, &far), "{ahead}");
    }
}

#[test]
fn as_many_late_messages_open_as_the_limit_says() {
    let random = &mut Counter(0);
    let (mut one, mut other) = connected(random);
    let limit = e2ee_ratchet::skipped::MAX_SKIPPED_SEEDS;
    let late: Vec<_> = (0..=limit).map(|_| send(&mut one, b"late", random)).collect();
    let (jump, rest) = late.split_at(limit);
    let seeds_of = |other: &mut Session| other.skipped_len();

    receive(&mut other, &rest[0]).unwrap();
    assert_eq!(limit, seeds_of(&mut other));
    _ = send(&mut one, b"lost", random);
    let next = send(&mut one, b"next", random);
    receive(&mut other, &next).unwrap();

    assert_eq!(limit, seeds_of(&mut other));
    assert_eq!(Err(Error::Duplicate), receive(&mut other, &jump[0]));
    assert_eq!(Ok(b"late".to_vec()), receive(&mut other, &jump[1]));
}

#[test]
fn the_oldest_receiving_chain_gives_way() {
    let random = &mut Counter(0);
    let (mut one, mut other) = connected(random);
    let mut late = vec![];
    for _ in 0..=MAX_RECEIVING_CHAINS {
        late.push(send(&mut one, b"late", random));
        turn(&mut one, &mut other, random);
    }
    assert_eq!(MAX_RECEIVING_CHAINS, other.positions().receiving_chains);

    let outcomes: Vec<_> = late.iter().map(|message| receive(&mut other, message)).collect();

    assert_eq!(Err(Error::Forged), outcomes[0]);
    assert!(outcomes[1..].iter().all(Result::is_ok));
}

#[test]
fn a_start_that_was_altered_or_is_ours_does_not_open() {
    let random = &mut Counter(0);
    let (mut one, mut other) = connected(random);
    let (mut third, _) = initiated(random);
    let stranger = send(&mut third, b"text", random);
    let ours = send(&mut one, b"text", random);

    assert_eq!(Err(Error::Forged), receive(&mut other, &stranger));
    assert_eq!(Err(Error::Forged), receive(&mut one, &ours));
    assert!(receive(&mut other, &ours).is_ok());
}

#[test]
fn an_identity_key_that_agrees_like_another_is_refused() {
    let random = &mut Counter(0);
    let (mut account, one_time_key) = account(random);
    let sevens = x25519::PrivateKey::from_bytes(&SEVENS);
    let mut session =
        Session::initiate(&sevens, account.identity_key(), &one_time_key, random).unwrap();
    let genuine = bytes(send(&mut session, b"text", random));
    let public = sevens.public().as_bytes();
    let at = genuine.windows(32).position(|part| part == public).unwrap();
    let mut altered = genuine.clone();
    altered[at..at + 32].copy_from_slice(&SEVENS_ALIAS);
    let mut accept = |bytes: &[u8]| {
        let message = PreKeyMessage::decode(bytes).unwrap();
        account.accept(None, &message, &mut envelope_budget()).map(|_| ())
    };

    assert_eq!(Err(Error::InvalidKey), accept(&altered));
    assert_eq!(Ok(()), accept(&genuine));
}

#[test]
fn keys_in_another_form_start_no_session() {
    let random = &mut Counter(0);
    let (ours, _) = account(random);
    let (theirs, one_time_key) = account(random);
    let mut other_form = *one_time_key.as_bytes();
    other_form[31] |= 0x80;
    let bad = [other_form, [0; 32], [0xff; 32]].map(x25519::PublicKey::new);

    for key in bad {
        let with_key = ours.initiate(theirs.identity_key(), &key, random).err();
        let with_identity = ours.initiate(&key, &one_time_key, random).err();

        assert_eq!([Some(Error::InvalidKey); 2], [with_key, with_identity]);
    }
}

#[test]
fn one_budget_serves_the_sessions_that_an_envelope_is_tried_on() {
    let random = &mut Counter(0);
    let (mut one, mut other) = connected(random);
    for _ in 0..MAX_JUMP {
        _ = send(&mut one, b"lost", random);
    }
    let far = bytes(send(&mut one, b"far", random));
    let mut forged = far.clone();
    *forged.last_mut().unwrap() ^= 1;
    let (far, forged) = (PreKeyMessage::decode(&far).unwrap(), PreKeyMessage::decode(&forged));
    let forged = forged.unwrap();

    let mut budget = envelope_budget();
    let mut tries = 0;
    while other.decrypt_prekey(&forged, &mut budget).err() == Some(Error::Forged) {
        tries += 1;
    }

    assert_eq!(ENVELOPE_STEPS / (MAX_JUMP + 1), tries);
    assert_eq!(
        Some(Error::TooFarAhead),
        other.decrypt_prekey(&far, &mut Budget::new(MAX_JUMP)).err()
    );
    assert!(other.decrypt_prekey(&far, &mut Budget::new(MAX_JUMP + 1)).is_ok());
}

#[test]
fn the_stored_form_reads_back_and_only_itself() {
    let random = &mut Counter(0);
    let (mut one, mut other) = connected(random);
    turn(&mut one, &mut other, random);
    let late = send(&mut one, b"late", random);
    let next = send(&mut one, b"next", random);
    receive(&mut other, &next).unwrap();
    for _ in 0..2 {
        turn(&mut one, &mut other, random);
    }
    let revisions = crate::record::Revisions { chains: 3, skipped: 4 };
    let parts = [other.encode_head(revisions), other.encode_chains(), other.encode_skipped()];
    let [head, chains, skipped] = parts.each_ref().map(SecretBytes::expose);

    let (mut read, read_revisions) = Session::decode(head, chains, skipped).unwrap();

    assert_eq!(revisions, read_revisions);
    assert_eq!(head, read.encode_head(revisions).expose());
    assert_eq!(Ok(b"late".to_vec()), receive(&mut read, &late));
    for part in 0..3 {
        for length in 0..parts[part].len() {
            let mut cut = parts.each_ref().map(SecretBytes::expose);
            cut[part] = &cut[part][..length];
            // Without the older chains, the late seed has no place.
            assert!(Session::decode(cut[0], cut[1], cut[2]).is_err(), "{part} {length}");
        }
        let longer = [parts[part].expose(), &[0]].concat();
        let mut long = parts.each_ref().map(SecretBytes::expose);
        long[part] = &longer;
        assert!(Session::decode(long[0], long[1], long[2]).is_err());
    }
}
