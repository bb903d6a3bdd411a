// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions at rest are what would be read; and never used where something else would be.

use e2ee_primitives::random::Random as _;
use e2ee_state::{Failure, Step, StoreError};
use e2ee_wire::Error;

use crate::{
    account::{
        Account, Environment, Exchange, Incoming, Opened, Outcome,
        person::{Counting, NOW_MS, Person, device, secret},
    },
    parts::Revisions,
};

type Sent = Vec<Vec<u8>>;

fn pair() -> (Person, Person) {
    let (mut alice, mut bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let first = alice.envelope_to(&mut bob);
    bob.open_from("alice", &first).unwrap();
    (alice, bob)
}

impl Person {
    fn encrypt_to(&mut self, user: &str) -> Result<Vec<u8>, Failure> {
        self.step(|account, inside| account.encrypt((user, device()), b"text", inside))
    }

    fn open_from(&mut self, user: &str, envelope: &[u8]) -> Result<Opened, Failure> {
        let incoming = Incoming { user, device: device(), envelope };
        self.step(|account, inside| account.decrypt(incoming, inside))
    }

    /// Encrypts without reading, and makes the exchange if both rows are as they must be.
    fn exchange_to(&mut self, user: &str) -> Option<Vec<u8>> {
        let Self { account, random, .. } = self;
        let made = account.encrypt_at_rest((user, device()), b"text", (NOW_MS, random))?;
        self.exchanged(made)
    }

    /// The same for so many texts.
    fn exchange_all_to(&mut self, user: &str, count: usize) -> Option<Vec<Vec<u8>>> {
        let texts = vec![&b"text"[..]; count];
        let Self { account, random, .. } = self;
        let made = account.encrypt_all_at_rest((user, device()), &texts, (NOW_MS, random))?;
        self.exchanged(made)
    }

    fn exchanged<T>(&mut self, (exchange, outcome): (Exchange, Outcome<T>)) -> Option<T> {
        let Self { account, store, .. } = self;
        let row = |name: &str| store.0.get(name).cloned();
        let head = (exchange.before.revision, exchange.before.sealed);
        let witness = (exchange.witness.revision, exchange.witness.sealed);
        if row(&exchange.name) != Some(head) || row(exchange.witness_name) != Some(witness) {
            return None;
        }
        store.0.insert(exchange.name, (exchange.after.revision, exchange.after.sealed));
        let confirmation = outcome.confirm(None).unwrap();
        Some(account.committed(outcome, &confirmation))
    }

    /// The parts of the sessions with a peer, at rest and read anew: all but the chunks, which are counted.
    fn parts_with(&mut self, user: &str) -> Option<[Vec<Vec<u8>>; 2]> {
        if !self.rests() {
            return None;
        }
        let rested = self.account.load_peer(&mut self.store, user, device()).unwrap().unwrap();
        let mut other = self.reopened(0);
        let fresh = other.account.load_peer(&mut other.store, user, device()).unwrap().unwrap();
        let parts = [&rested, &fresh].map(|loaded| {
            let sessions = loaded.sessions.iter().flat_map(|session| {
                let parts = [
                    Some(session.head_part(&Revisions::default())),
                    Some(session.objects_part()),
                    session.chains_part(),
                    session.skipped_part(),
                ];
                parts.map(|part| part.map_or_else(Vec::new, |part| part.expose().to_vec()))
            });
            sessions.collect()
        });
        self.account.vault.rest(rested);
        Some(parts)
    }

    /// Whether the sessions with the only peer are at rest.
    fn rests(&self) -> bool {
        format!("{:?}", self.account.vault).contains("Resting(1 peers)")
    }

    /// Another process that works on a copy of the store as it is now.
    fn reopened(&mut self, number: u64) -> Self {
        let mut store = self.store.clone();
        let account = Account::open(&secret(), &mut store).unwrap();
        Self { account, store, random: Counting(number << 32) }
    }
}

#[test]
fn sessions_at_rest_are_what_would_be_read() {
    let (mut alice, mut bob) = pair();
    let mut dice = Counting(7 << 40);
    let (mut on_the_way, mut compared, mut exchanged): ([Sent; 2], u32, u32) =
        (Default::default(), 0, 0);
    for _ in 0..1_500 {
        let mut roll = [0; 2];
        dice.fill(&mut roll).unwrap();
        let side = usize::from(roll[0] & 1);
        let (us, them) = if side == 0 { (&mut alice, "bob") } else { (&mut bob, "alice") };
        match roll[0] >> 1 & 3 {
            0 => on_the_way[1 - side].push(us.encrypt_to(them).unwrap()),
            1 => {
                let made = match roll[1] & 3 {
                    0 => us.exchange_all_to(them, 1 + usize::from(roll[1] >> 6)),
                    _ => us.exchange_to(them).map(|envelope| vec![envelope]),
                };
                exchanged += u32::from(made.is_some());
                on_the_way[1 - side].extend(made.into_iter().flatten());
            }
            // One in eight is lost, and others come before those that were sent before them.
            _ if !on_the_way[side].is_empty() => {
                let place = usize::from(roll[1]) % on_the_way[side].len().min(3);
                let envelope = on_the_way[side].remove(place);
                if roll[1] >> 5 != 0 {
                    us.open_from(them, &envelope).unwrap();
                }
            }
            _ => {}
        }
        if let Some([rested, fresh]) = us.parts_with(them) {
            assert_eq!(fresh, rested);
            compared += 1;
        }
    }
    assert!(compared > 700, "{compared}");
    assert!(exchanged > 50, "{exchanged}");
}

#[test]
fn what_is_sent_together_at_rest_stays_in_place_or_is_not_sent_so() {
    let (mut alice, mut bob) = pair();
    let answer = bob.encrypt_to("alice").unwrap();
    alice.open_from("bob", &answer).unwrap();

    assert_eq!(None, alice.exchange_all_to("bob", 2));
    let first = alice.encrypt_to("bob").unwrap();
    let others = alice.exchange_all_to("bob", 40).unwrap();
    assert_eq!(None, alice.exchange_all_to("bob", 0));

    for envelope in others.iter().rev().chain([&first]) {
        assert_eq!(b"text", bob.open_from("alice", envelope).unwrap().plaintext.expose());
    }
    let [rested, fresh] = alice.parts_with("bob").unwrap();
    assert_eq!(fresh, rested);
}

#[test]
fn a_session_that_another_process_moved_is_read_again() {
    let (mut alice, mut bob) = pair();
    let first = bob.encrypt_to("alice").unwrap();
    alice.open_from("bob", &first).unwrap();
    _ = alice.encrypt_to("bob").unwrap();
    let mut other = alice.reopened(3);
    let theirs = other.encrypt_to("bob").unwrap();
    alice.store = other.store.clone();

    assert_eq!(None, alice.exchange_to("bob"));
    let ours = alice.encrypt_to("bob").unwrap();

    for envelope in [theirs, ours] {
        assert!(bob.open_from("alice", &envelope).is_ok());
    }
}

#[test]
fn a_step_that_was_undone_leaves_nothing_that_is_used() {
    let (mut alice, mut bob) = pair();
    let inside =
        &mut Environment { records: &mut alice.store, random: &mut alice.random, now_ms: NOW_MS };
    let Step { result, .. } = alice.account.encrypt(("bob", device()), b"lost", inside).unwrap();
    alice.account.ended(&result);

    assert_eq!(None, alice.exchange_to("bob"));
    let envelope = alice.encrypt_to("bob").unwrap();
    assert_eq!(b"text", bob.open_from("alice", &envelope).unwrap().plaintext.expose());
}

#[test]
fn a_session_that_was_set_back_is_found() {
    let (mut alice, _) = pair();
    let older = alice.store.clone();
    _ = alice.encrypt_to("bob").unwrap();
    assert!(alice.exchange_to("bob").is_some());
    alice.store = older;

    assert_eq!(None, alice.exchange_to("bob"));
    let refused = alice.encrypt_to("bob").err();
    assert_eq!(Some(Failure::Store(StoreError::Rollback)), refused);
}

#[test]
fn a_session_at_rest_that_is_older_than_what_was_seen_is_not_used() {
    let (mut alice, _) = pair();
    _ = alice.encrypt_to("bob").unwrap();
    let mut older = alice.reopened(3);
    let sessions = older.account.load_peer(&mut older.store, "bob", device()).unwrap().unwrap();
    assert!(alice.exchange_to("bob").is_some());
    alice.store = older.store;
    alice.account.vault.rest(sessions);

    assert_eq!(None, alice.exchange_to("bob"));
}

#[test]
fn a_peer_whose_record_changed_is_read_again() {
    let (mut alice, _) = pair();
    _ = alice.encrypt_to("bob").unwrap();
    let mut other = alice.reopened(3);
    other.step(|account, inside| account.forget(("bob", device()), inside)).unwrap();
    alice.store = other.store.clone();

    assert_eq!(None, alice.exchange_to("bob"));
    let refused = alice.encrypt_to("bob").err();
    assert_eq!(Some(Failure::Protocol(Error::NoSession)), refused);
    assert!(!alice.rests());
}

#[test]
fn what_turns_a_ratchet_is_left_to_a_transaction() {
    let (mut alice, mut bob) = pair();
    assert_eq!(None, bob.exchange_to("alice"), "the first answer makes a ratchet key");
    let answer = bob.encrypt_to("alice").unwrap();
    alice.open_from("bob", &answer).unwrap();

    assert_eq!(None, alice.exchange_to("bob"));
    assert!(alice.encrypt_to("bob").is_ok());
    assert!(alice.exchange_to("bob").is_some());
}
