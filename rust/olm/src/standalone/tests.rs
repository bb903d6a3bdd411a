// SPDX-License-Identifier: MIT OR Apache-2.0
//! Steps, what they write, and loading it again.

use std::collections::BTreeMap;

use e2ee_primitives::Secret;

use super::*;
use crate::people::{Broken, Counter, account};

/// What an owner keeps of a session.
#[derive(Clone, Default)]
struct Rows(BTreeMap<&'static str, (u64, Vec<u8>)>);

impl Rows {
    fn save(&mut self, writes: &[Saved]) {
        for write in writes {
            let revision = self.0.get(write.name).map_or(0, |(revision, _)| *revision);
            assert!(write.revision > revision);
            self.0.insert(write.name, (write.revision, write.sealed.clone()));
        }
    }

    fn load(&self, sealer: &Sealer, name: &str) -> Result<StandaloneSession, Failure> {
        let records = PARTS.map(|part| {
            let (revision, bytes) = &self.0[part];
            (*revision, &bytes[..])
        });
        StandaloneSession::load(sealer, name, records)
    }
}

struct Two {
    sealer: Sealer,
    one: StandaloneSession,
    other: StandaloneSession,
    rows: [Rows; 2],
    account: Account,
    first: Vec<u8>,
}

fn two(random: &mut Counter) -> Two {
    let sealer = Sealer::standalone(Secret::new([1; 32]));
    let (mut account, one_time_key) = account(random);
    let initiator = Account::generate(random).unwrap();
    let their_identity = *account.identity_key();
    let mut one =
        StandaloneSession::initiate(&sealer, &initiator, &their_identity, &one_time_key, random)
            .unwrap();
    let mut rows = [Rows::default(), Rows::default()];
    let (writes, first) = one.encrypt(b"first", random).unwrap();
    rows[0].save(&writes);
    one.stage().release();
    let Ciphertext::PreKey(first) = first else { panic!("no prekey message") };
    let (mut other, writes, plaintext) = StandaloneSession::accept(
        &sealer,
        &mut account,
        Some(initiator.identity_key()),
        &first,
        random,
    )
    .unwrap();
    assert_eq!(b"first", plaintext.expose());
    rows[1].save(&writes);
    other.stage().release();
    Two { sealer, one, other, rows, account, first }
}

fn names(writes: &[Saved]) -> Vec<&str> {
    writes.iter().map(|write| write.name).collect()
}

fn received(message: &Ciphertext) -> Received<'_> {
    match message {
        Ciphertext::PreKey(bytes) => Received::PreKey(bytes),
        Ciphertext::Normal(bytes) => Received::Normal(bytes),
    }
}

#[test]
fn the_first_step_writes_all_and_a_message_in_order_the_head_alone() {
    let random = &mut Counter(0);
    let Two { mut one, mut other, rows, .. } = two(random);
    for rows in &rows {
        assert_eq!(PARTS.len(), rows.0.len());
    }

    let (writes, message) = one.encrypt(b"text", random).unwrap();
    assert_eq!(["head"], names(&writes)[..]);
    let (writes, _) = other.decrypt(received(&message), random).unwrap();
    assert_eq!(["head"], names(&writes)[..]);
}

#[test]
fn skipped_seeds_and_older_chains_are_written_when_they_change() {
    let random = &mut Counter(0);
    let Two { mut one, mut other, .. } = two(random);
    let (_, late) = one.encrypt(b"late", random).unwrap();
    one.stage().release();
    let (_, message) = one.encrypt(b"text", random).unwrap();
    one.stage().release();

    let (writes, _) = other.decrypt(received(&message), random).unwrap();
    assert_eq!(["skipped", "head"], names(&writes)[..]);
    other.stage().release();
    let (writes, _) = other.decrypt(received(&late), random).unwrap();
    assert_eq!(["skipped", "head"], names(&writes)[..]);
    other.stage().release();
    let (_, answer) = other.encrypt(b"answer", random).unwrap();
    other.stage().release();
    one.decrypt(received(&answer), random).unwrap();
    one.stage().release();
    let (_, turned) = one.encrypt(b"turned", random).unwrap();
    let (writes, _) = other.decrypt(received(&turned), random).unwrap();
    assert_eq!(["chains", "head"], names(&writes)[..]);
}

#[test]
fn a_session_goes_on_from_what_it_wrote() {
    let random = &mut Counter(0);
    let Two { sealer, mut one, mut other, mut rows, .. } = two(random);
    for round in 0..6_u8 {
        let lost = round % 2;
        for _ in 0..lost {
            let (writes, _) = one.encrypt(b"lost", random).unwrap();
            rows[0].save(&writes);
            one.stage().release();
        }
        let (writes, message) = one.encrypt(&[round], random).unwrap();
        rows[0].save(&writes);
        let (writes, plaintext) = other.decrypt(received(&message), random).unwrap();
        rows[1].save(&writes);
        assert_eq!([round], plaintext.expose());

        let name = one.name();
        one = rows[1].load(&sealer, &name).unwrap();
        other = rows[0].load(&sealer, &name).unwrap();
        rows.reverse();
    }
}

#[test]
fn rows_that_do_not_belong_together_are_damage() {
    let random = &mut Counter(0);
    let Two { sealer, mut one, rows: [rows, theirs], .. } = two(random);
    let damage = |rows: &Rows, name: &str| {
        assert_eq!(
            Some(Failure::Store(StoreError::Corruption)),
            rows.load(&sealer, name).err(),
            "{name}"
        );
    };
    let name = one.name();
    assert!(rows.load(&sealer, &name).is_ok());

    damage(&rows, "0000");
    for part in PARTS {
        let mut mixed = rows.clone();
        mixed.0.insert(part, (9, theirs.0[part].1.clone()));
        damage(&mixed, &name);
        let mut flipped = rows.clone();
        flipped.0.get_mut(part).unwrap().1[13] ^= 1;
        damage(&flipped, &name);
    }
    let mut newer = rows.clone();
    newer.save(&one.encrypt(b"text", random).unwrap().0);
    newer.0.insert("chains", rows.0["skipped"].clone());
    damage(&newer, &name);
}

#[test]
fn a_step_is_ended_before_the_next_and_given_up_for_good() {
    let random = &mut Counter(0);
    let Two { mut one, .. } = two(random);
    one.encrypt(b"text", random).unwrap();
    assert_eq!(Some(Failure::Protocol(Error::Stale)), one.encrypt(b"text", random).err());
    one.stage().release();
    one.encrypt(b"text", random).unwrap();

    one.stage().abandon();
    one.stage().release();

    assert_eq!(Some(Failure::Protocol(Error::Stale)), one.encrypt(b"text", random).err());
}

#[test]
fn a_refused_message_opens_no_step() {
    let random = &mut Counter(0);
    let Two { mut other, mut account, sealer, first, .. } = two(random);

    assert!(other.decrypt(Received::Normal(&first), random).is_err());
    let replayed = other.decrypt(Received::PreKey(&first), random);
    assert_eq!(Some(Failure::Protocol(Error::Duplicate)), replayed.err());
    let again = StandaloneSession::accept(&sealer, &mut account, None, &first, random);
    assert_eq!(Some(Failure::Protocol(Error::UnknownPreKey)), again.err());

    assert!(other.encrypt(b"text", random).is_ok());
}

#[test]
fn an_accepted_message_that_cannot_be_sealed_uses_no_key_up() {
    let random = &mut Counter(0);
    let sealer = Sealer::standalone(Secret::new([1; 32]));
    let (mut account, one_time_key) = account(random);
    let initiator = Account::generate(random).unwrap();
    let mut session = initiator.initiate(account.identity_key(), &one_time_key, random).unwrap();
    let Ok(Ciphertext::PreKey(first)) = session.encrypt(b"first", random) else {
        panic!("no prekey message")
    };

    let refused = StandaloneSession::accept(&sealer, &mut account, None, &first, &mut Broken);
    assert!(refused.is_err());

    assert!(StandaloneSession::accept(&sealer, &mut account, None, &first, random).is_ok());
}

#[test]
fn many_messages_open_as_one_step() {
    let random = &mut Counter(0);
    let Two { mut one, mut other, .. } = two(random);
    let mut sent = vec![];
    for number in 0..3_u8 {
        sent.push(one.encrypt(&[number], random).unwrap().1);
        one.stage().release();
    }
    let messages = [Ok(received(&sent[2])), Err(Error::Malformed), Ok(received(&sent[0]))];

    let (writes, opened) = other.decrypt_many(messages, random).unwrap();

    assert_eq!(["skipped", "head"], names(&writes)[..]);
    let opened: Vec<_> =
        opened.iter().map(|one| one.as_ref().map(|text| text.expose().to_vec())).collect();
    assert_eq!([Ok(vec![2]), Err(&Error::Malformed), Ok(vec![0])], opened[..]);
}
