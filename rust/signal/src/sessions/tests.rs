// SPDX-License-Identifier: MIT OR Apache-2.0
//! Retired sessions: they open what comes, and never send (docs/storage.md, "Retired sessions"); and
//! how long the heads of sessions are.

use std::collections::HashSet;

use e2ee_primitives::sha;

use super::*;
use crate::{DeviceId, PreKeyStock, ServiceId, address::Address, session::Generations};

const NOW_MS: u64 = 1_800_000_000_000;

/// Bytes that never come twice.
struct Counter(u64);

impl Random for Counter {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&sha::sha256(&[&self.0.to_be_bytes()])[..chunk.len()]);
        }
        Ok(())
    }
}

struct Side {
    identity: x25519::PrivateKey,
    address: Address,
    stock: PreKeyStock,
    sessions: Sessions,
}

impl Side {
    fn new(number: u8, random: &mut Counter) -> Self {
        let identity = x25519::PrivateKey::random(random).unwrap();
        let stock = PreKeyStock::generate(&identity, NOW_MS, random).unwrap();
        let name = format!("00000000-0000-4000-8000-0000000000{number:02}");
        assert!(ServiceId::parse(&name).is_some());
        let address = Address::new(&name, DeviceId::new(1).unwrap()).unwrap();
        Self { identity, address, stock, sessions: Sessions::none() }
    }

    fn ours(&self) -> OurIdentity<'_> {
        OurIdentity { key: &self.identity, registration_id: 1 }
    }

    fn with(&self, other: &Self) -> Parties {
        Parties { ours: self.address.clone(), theirs: other.address.clone() }
    }

    fn connect(&mut self, other: &mut Self, random: &mut Counter) {
        let session = self.session(other, random);
        self.sessions.install(session);
    }

    fn session(&self, other: &mut Self, random: &mut Counter) -> Session {
        let theirs = OurIdentity { key: &other.identity, registration_id: 1 };
        let bundle = other.stock.reserve(theirs, other.address.device(), random).unwrap();
        let (bundle, parties) = (bundle.verify().unwrap(), self.with(other));
        let now = NOW_MS / 1_000;
        Session::initiate(self.ours(), &parties, &bundle, now, random).unwrap()
    }

    fn send(&mut self, other: &Self, random: &mut Counter) -> Result<Ciphertext, Error> {
        let parties = self.with(other);
        let outgoing = Outgoing { plaintext: b"text", now: NOW_MS / 1_000 };
        encrypt(&mut self.sessions, &parties, other.identity.public(), outgoing, random)
    }

    fn open(&mut self, other: &Self, ciphertext: &Ciphertext) -> Result<(), Error> {
        let (parties, theirs) = (self.with(other), other.identity.public());
        match ciphertext {
            Ciphertext::Ratchet(bytes) => {
                let message = RatchetMessage::decode(bytes)?;
                let mut budget = envelope_budget(self.identity.public(), theirs, &parties);
                decrypt(&mut self.sessions, &parties, theirs, &message, &mut budget).map(drop)
            }
            Ciphertext::PreKey(bytes) => {
                let message = PreKeyMessage::decode(bytes)?;
                let ours = OurIdentity { key: &self.identity, registration_id: 1 };
                let stock = self.stock.at(NOW_MS);
                decrypt_prekey(&mut self.sessions, ours, &parties, &message, stock).map(drop)
            }
        }
    }

    /// What a store would give back.
    fn restarted(&mut self) {
        let again = |session: &Session| {
            let parts = [session.encode_head(), session.encode_objects(), session.encode_skipped()];
            let [head, objects, skipped] = parts.each_ref().map(SecretBytes::expose);
            Session::decode(head, objects, skipped).unwrap()
        };
        let current = self.sessions.current().map(again);
        let archived = self.sessions.archived().map(again).collect();
        self.sessions = Sessions::from_parts(current, archived).unwrap();
    }
}

/// Two sides, of whom the first has connected, and randomness.
fn pair() -> (Side, Side, Counter) {
    let mut random = Counter(0);
    let (mut alice, mut bob) = (Side::new(1, &mut random), Side::new(2, &mut random));
    alice.connect(&mut bob, &mut random);
    (alice, bob, random)
}

/// Messages both ways, so that nothing of the start is repeated any more.
fn talk(alice: &mut Side, bob: &mut Side, random: &mut Counter) {
    let first = alice.send(bob, random).unwrap();
    bob.open(alice, &first).unwrap();
    let answer = bob.send(alice, random).unwrap();
    alice.open(bob, &answer).unwrap();
}

#[test]
fn a_retired_session_opens_and_never_sends() {
    for initiator_retires in [true, false] {
        let (mut alice, mut bob, mut random) = pair();
        talk(&mut alice, &mut bob, &mut random);
        let (side, other) =
            if initiator_retires { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };

        side.sessions.retire_all();
        side.restarted();

        for _ in 0..3 {
            let message = other.send(side, &mut random).unwrap();
            assert_eq!(Ok(()), side.open(other, &message));
            assert_eq!(Err(Error::Duplicate), side.open(other, &message));
            assert!(side.sessions.current().is_none());
            assert_eq!(Err(Error::NoSession), side.send(other, &mut random));
            side.restarted();
        }
        assert!(side.sessions.archived().all(Session::is_retired));
    }
}

/// Through the states of the post-quantum ratchet, at both ends and before the first answer.
#[test]
fn the_length_of_a_head_is_known_before_it_is_written() {
    let (mut alice, mut bob, mut random) = pair();
    let mut lengths = HashSet::new();
    for turn in 0..400 {
        let (from, to) =
            if turn % 2 == 0 { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        let message = from.send(to, &mut random).unwrap();
        to.open(from, &message).unwrap();
        for session in [&alice, &bob].into_iter().filter_map(|side| side.sessions.current()) {
            let written = session.encode_head().len();
            assert!(written <= session.head_most() && session.head_most() <= written + 2);
            lengths.insert(written);
        }
    }
    assert!(lengths.len() > 4, "{lengths:?}");
}

#[test]
fn the_session_itself_refuses_to_encrypt() {
    let (alice, mut bob, mut random) = pair();
    let mut session = alice.session(&mut bob, &mut random);
    let before = session.encode_head();

    session.retire();
    let refused = session.encrypt(&alice.with(&bob), b"text", NOW_MS / 1_000, &mut random);

    assert_eq!(Err(Error::NoSession), refused);
    assert_ne!(before.expose(), session.encode_head().expose());
    let changed = Generations { head: 2, objects: 2, state: 2, ..Generations::default() };
    assert_eq!(changed, session.generations());
    session.retire();
    assert_eq!(changed, session.generations());
}

#[test]
fn prekey_messages_that_repeat_the_start_of_a_retired_session_open() {
    let (mut alice, mut bob, mut random) = pair();
    let first = alice.send(&bob, &mut random).unwrap();
    let second = alice.send(&bob, &mut random).unwrap();
    bob.open(&alice, &first).unwrap();

    bob.sessions.retire_all();
    bob.restarted();

    assert!(matches!(second, Ciphertext::PreKey(_)));
    assert_eq!(Ok(()), bob.open(&alice, &second));
    assert!(bob.sessions.current().is_none());
    assert_eq!(1, bob.sessions.archived().count());
}

#[test]
fn a_new_session_sends_beside_retired_ones() {
    let (mut alice, mut bob, mut random) = pair();
    talk(&mut alice, &mut bob, &mut random);
    let late = alice.send(&bob, &mut random).unwrap();
    bob.sessions.retire_all();

    bob.connect(&mut alice, &mut random);
    let current = *bob.sessions.current().unwrap().base_key();
    bob.open(&alice, &late).unwrap();
    let first = bob.send(&alice, &mut random).unwrap();

    assert_eq!(Some(&current), bob.sessions.current().map(Session::base_key));
    assert_eq!(Ok(()), alice.open(&bob, &first));
    let answer = alice.send(&bob, &mut random).unwrap();
    assert_eq!(Ok(()), bob.open(&alice, &answer));
}

#[test]
fn a_retired_session_that_would_send_is_damage() {
    let (alice, mut bob, mut random) = pair();
    let mut retired = alice.session(&mut bob, &mut random);
    retired.retire();

    assert!(Sessions::from_parts(Some(retired), Vec::new()).is_err());
}
