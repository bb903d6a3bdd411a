// SPDX-License-Identifier: MIT OR Apache-2.0
//! What time does to a store, as the doctor says it (docs/storage.md, "Doctor").

use e2ee_primitives::{Secret, random::Random, sha};
use e2ee_state::{Change, Step, Stored, Write};
use e2ee_wire::Error;

use super::*;
use crate::{
    DeviceId,
    account::{Account, Environment, Incoming, Outcome},
};

const NOW_MS: u64 = 1_800_000_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A store in memory.
#[derive(Default)]
struct Store(BTreeMap<String, (u64, Vec<u8>)>);

impl Records for Store {
    fn get(&mut self, name: &str) -> Result<Option<Stored>, StoreError> {
        let row = self.0.get(name);
        Ok(row.map(|(revision, sealed)| Stored { revision: *revision, sealed: sealed.clone() }))
    }

    fn list(&mut self, prefix: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = self.0.iter().filter(|(name, _)| name.starts_with(prefix));
        Ok(rows.map(|(name, (revision, _))| (name.clone(), *revision)).collect())
    }
}

/// Bytes that never come twice.
struct Counting(u64);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&sha::sha256(&[&self.0.to_be_bytes()])[..chunk.len()]);
        }
        Ok(())
    }
}

struct Person {
    account: Account,
    store: Store,
    random: Counting,
}

fn secret() -> StoreSecret {
    StoreSecret::Key(Secret::new([1; 32]))
}

fn device() -> DeviceId {
    DeviceId::new(1).unwrap()
}

impl Person {
    fn new(name: &str, number: u64) -> Self {
        let (mut store, mut random) = (Store::default(), Counting(number << 32));
        let mut inside = Environment { records: &mut store, random: &mut random, now_ms: NOW_MS };
        let made = Account::create(&secret(), name, device(), &mut inside).unwrap();
        apply(&mut store, made.writes);
        Self { account: made.result, store, random }
    }

    fn step<T>(
        &mut self,
        work: impl FnOnce(&mut Account, &mut Environment<'_>) -> Result<Step<Outcome<T>>, Failure>,
    ) -> T {
        let Self { account, store, random } = self;
        let mut inside = Environment { records: store, random, now_ms: NOW_MS };
        let Step { writes, result } = work(account, &mut inside).unwrap();
        apply(store, writes);
        let confirmation = result.confirm(None).unwrap();
        account.committed(result, &confirmation)
    }

    /// The codes of what the doctor finds after so many days.
    fn found(&mut self, days: u64) -> Vec<&'static str> {
        let now_ms = NOW_MS + days * DAY_MS;
        let seen = Examination::of(&secret(), &mut self.store, now_ms, Naming::Numbered).unwrap();
        seen.findings.iter().map(|finding| finding.fault.code()).collect()
    }

    fn envelope_to(&mut self, peer: &mut Self) -> Vec<u8> {
        let user = peer.account.user().0.to_owned();
        let bundle = peer.step(Account::bundle);
        self.step(|account, inside| account.connect((&user, device()), &bundle, inside));
        self.step(|account, inside| account.encrypt((&user, device()), b"text", inside))
    }
}

fn apply(store: &mut Store, writes: Vec<Write>) {
    for Write { name, change, .. } in writes {
        match change {
            Change::Put { revision, sealed } => _ = store.0.insert(name, (revision, sealed)),
            Change::Delete => _ = store.0.remove(&name),
        }
    }
}

#[test]
fn a_session_that_is_not_answered_is_stuck_after_thirty_days() {
    let (mut alice, mut bob) = (Person::new("alice", 1), Person::new("bob", 2));
    _ = alice.envelope_to(&mut bob);

    assert!(alice.found(30).is_empty());
    assert!(alice.found(31).contains(&"unanswered"));
}

#[test]
fn old_prekeys_are_found() {
    let mut alice = Person::new("alice", 1);

    assert!(alice.found(30).is_empty());
    assert_eq!(["signed-prekey-old", "last-resort-old"], *alice.found(31));
}

#[test]
fn messages_that_wait_for_long_are_found() {
    let (mut alice, mut bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let envelope = bob.envelope_to(&mut alice);
    let incoming = Incoming { user: "bob", device: device(), envelope: &envelope };
    _ = alice.step(|account, inside| account.receive(incoming, inside));

    assert!(alice.found(7).is_empty());
    assert_eq!(["inbox-waits"], *alice.found(8));
}

#[test]
fn a_lost_identity_does_not_hide_the_rest() {
    let (mut alice, mut bob) = (Person::new("alice", 1), Person::new("bob", 2));
    _ = alice.envelope_to(&mut bob);
    alice.store.0.remove("identity");

    assert_eq!(["missing"], *alice.found(0));
    let seen = Examination::of(&secret(), &mut alice.store, NOW_MS, Naming::Named).unwrap();
    assert_eq!("bob.1", seen.peers[0].label);
    assert_eq!(Sending::Ready, seen.peers[0].sending);
}

#[test]
fn labels_name_nobody_unless_asked_to() {
    let (mut alice, mut bob) = (Person::new("alice", 1), Person::new("bob", 2));
    _ = alice.envelope_to(&mut bob);
    for (_, sealed) in alice.store.0.values_mut() {
        if let Some(last) = sealed.last_mut() {
            *last ^= 1;
        }
    }
    let record = alice.store.0.get_mut("store").unwrap();
    *record.1.last_mut().unwrap() ^= 1;

    let seen = |naming, store: &mut Store| {
        let seen = Examination::of(&secret(), store, NOW_MS, naming).unwrap();
        seen.findings.into_iter().map(|finding| finding.subject).collect::<Vec<_>>().join("\n")
    };

    assert!(!seen(Naming::Numbered, &mut alice.store).contains("bob"));
    assert!(seen(Naming::Named, &mut alice.store).contains("peer/bob/1"));
}
