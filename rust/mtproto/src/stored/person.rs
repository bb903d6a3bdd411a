// SPDX-License-Identifier: MIT OR Apache-2.0
//! Two people with a secret chat, each over a store in memory, for the tests of this folder
//! (docs/storage.md, "Steps").

use std::collections::BTreeMap;

use e2ee_primitives::Secret;
use e2ee_state::{Change, StoreError, Stored};

use super::*;
use crate::{
    group::{Group, KNOWN_PRIME},
    scripted::{Never, Numbered},
};

/// A store in memory: revisions and sealed bytes by name.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub(super) struct Store(pub(super) BTreeMap<String, (u64, Vec<u8>)>);

impl Store {
    fn apply(&mut self, writes: Vec<Write>) {
        for Write { name, base, change } in writes {
            assert_eq!(base, self.0.get(&name).map_or(0, |(revision, _)| *revision), "{name}");
            match change {
                Change::Put { revision, sealed } => _ = self.0.insert(name, (revision, sealed)),
                Change::Delete => _ = self.0.remove(&name),
            }
        }
    }

    /// The names of all records that begin so.
    pub(super) fn names(&self, prefix: &str) -> Vec<String> {
        self.0.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
    }
}

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

/// Somebody's chats with their store.
pub(super) struct Person {
    /// The number of the one chat.
    pub(super) id: ChatId,
    pub(super) chats: SecretChats,
    pub(super) store: Store,
    pub(super) random: Numbered,
    pub(super) now_ms: u64,
}

/// What a step has made, or why there is none.
pub(super) type Made<T> = Result<Step<Outcome<T>>, Failure>;

fn secret() -> StoreSecret {
    StoreSecret::Key(Secret::new([1; 32]))
}

pub(super) fn group() -> Group {
    Group::new(3, &KNOWN_PRIME, &mut Never).unwrap()
}

/// A message with this number, of a constructor that nobody knows.
pub(super) fn text(number: u32) -> Vec<u8> {
    [0x0bad_cafe_u32.to_le_bytes(), number.to_le_bytes()].concat()
}

impl Person {
    pub(super) fn new(name: &str, seed: u32) -> Self {
        let (mut store, mut random) = (Store::default(), Numbered(seed << 24));
        let now_ms = 1_800_000_000_000;
        let mut inside = Environment { records: &mut store, random: &mut random, now_ms };
        let made = SecretChats::create(&secret(), (name, NEWEST_LAYER), &mut inside).unwrap();
        store.apply(made.writes);
        Self { id: ChatId(0), chats: made.result, store, random, now_ms }
    }

    /// Makes a step whose commit succeeds.
    pub(super) fn step<T>(
        &mut self,
        work: impl FnOnce(&mut SecretChats, &mut Environment<'_>) -> Made<T>,
    ) -> Result<T, Failure> {
        let Self { chats, store, random, now_ms, .. } = self;
        let mut inside = Environment { records: store, random, now_ms: *now_ms };
        let Step { writes, result } = work(chats, &mut inside)?;
        store.apply(writes);
        let confirmation = result.confirm(None)?;
        Ok(chats.vault().committed(result, &confirmation))
    }

    /// Forgets what the process knows, and opens the store again.
    pub(super) fn reopen(&mut self) {
        self.chats = SecretChats::open(&secret(), &mut self.store).unwrap();
    }

    /// A message of the application; what leaves.
    pub(super) fn encrypt(&mut self, message: &[u8]) -> Result<Vec<Outgoing>, Failure> {
        let id = self.id;
        self.step(|chats, inside| chats.encrypt(id, message, inside))
    }

    /// The same of one that nothing follows.
    pub(super) fn say(&mut self, number: u32) -> Outgoing {
        let [message] = self.encrypt(&text(number)).unwrap().try_into().unwrap();
        message
    }

    pub(super) fn receive(&mut self, message: &Outgoing) -> Result<Reception, Failure> {
        let id = self.id;
        self.step(|chats, inside| chats.receive(id, &message.wire, inside))
    }

    /// What receiving is refused with, after which the store is as before.
    pub(super) fn refuses(&mut self, wire: &[u8]) -> Failure {
        let (id, before) = (self.id, self.store.clone());
        let refused = self.step(|chats, inside| chats.receive(id, wire, inside)).err().unwrap();
        assert_eq!(before, self.store);
        refused
    }

    pub(super) fn agreed(&mut self) -> Agreed {
        self.chats.chat(self.id, &mut self.store).unwrap().agreed.unwrap()
    }

    /// The bodies in the inbox, oldest first.
    pub(super) fn opened(&mut self) -> Vec<Vec<u8>> {
        let waiting = self.chats.vault().inbox(&mut self.store).unwrap();
        waiting.iter().map(|entry| entry.plaintext.expose().to_vec()).collect()
    }
}

/// Delivers all, and what follows, until nothing is left; to each of the two.
pub(super) fn settle(people: &mut [Person; 2], mut leaving: [Vec<Outgoing>; 2]) {
    while !leaving.iter().all(Vec::is_empty) {
        for to in [0, 1] {
            for message in core::mem::take(&mut leaving[to]) {
                let reception = people[to].receive(&message).unwrap();
                leaving[1 - to].extend(reception.outgoing);
            }
        }
    }
}

/// Two ends of a chat that speak the newest layer; the first one has created it.
pub(super) fn pair() -> [Person; 2] {
    let [mut ours, mut theirs] = [Person::new("alice", 1), Person::new("bob", 2)];
    let offered = ours.step(|chats, inside| chats.offer("bob", (group(), &[]), inside)).unwrap();
    (ours.id, theirs.id) = (offered.id, offered.id);
    let accept = |chats: &mut SecretChats, inside: &mut Environment<'_>| {
        chats.accept((offered.id, "alice"), &offered.public, (group(), &[]), inside)
    };
    let accepted = theirs.step(accept).unwrap();
    let answer = (&accepted.public[..], accepted.fingerprint);
    let leaving = ours.step(|chats, inside| chats.confirm(offered.id, answer, inside)).unwrap();
    let mut people = [ours, theirs];
    settle(&mut people, [accepted.outgoing, leaving]);
    people
}
