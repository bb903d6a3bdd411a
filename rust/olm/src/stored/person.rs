// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accounts for the tests of this folder, each over a store in memory, at one moment
//! (docs/storage.md, "Steps").

use std::collections::BTreeMap;

use e2ee_account::{Exchange, Outcome};
use e2ee_primitives::Secret;
use e2ee_state::{Anchor, Change, StoreError, Stored};

use super::*;
use crate::people::Counter;

pub(super) const NOW_MS: u64 = 1_800_000_000_000;

/// A store in memory: revisions and sealed bytes by name; and its anchor, if it has one.
#[derive(Clone, Default)]
pub(super) struct Store(pub(super) BTreeMap<String, (u64, Vec<u8>)>, pub(super) Option<Outside>);

/// An anchor.
#[derive(Clone, Default)]
pub(super) struct Outside(Option<Vec<u8>>);

impl Anchor for Outside {
    fn read(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.clone())
    }

    fn advance(&mut self, old: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        let holds = self.0.as_deref() == old;
        if holds {
            self.0 = Some(new.to_vec());
        }
        Ok(holds)
    }
}

impl Store {
    pub(super) fn apply(&mut self, writes: Vec<Write>) {
        for Write { name, base, change } in writes {
            assert_eq!(base, self.0.get(&name).map_or(0, |(revision, _)| *revision), "{name}");
            match change {
                Change::Put { revision, sealed } => _ = self.0.insert(name, (revision, sealed)),
                Change::Delete => _ = self.0.remove(&name),
            }
        }
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

    fn anchor(&mut self) -> Option<&mut dyn Anchor> {
        match &mut self.1 {
            Some(outside) => Some(outside),
            None => None,
        }
    }
}

/// An account with its store.
pub(super) struct Person {
    pub(super) account: StoredAccount,
    pub(super) store: Store,
    pub(super) random: Counter,
}

pub(super) fn secret(byte: u8) -> StoreSecret {
    StoreSecret::Key(Secret::new([byte; 32]))
}

pub(super) fn device() -> DeviceId {
    DeviceId::new("JLAFKJWSCS").unwrap()
}

impl Person {
    pub(super) fn new(name: &str, number: u64) -> Self {
        let (mut store, mut random) = (Store::default(), Counter(number << 32));
        let mut inside = Environment { records: &mut store, random: &mut random, now_ms: NOW_MS };
        let made = StoredAccount::create(&secret(1), name, device(), &mut inside).unwrap();
        store.apply(made.writes);
        Self { account: made.result, store, random }
    }

    /// Makes a step whose commit succeeds.
    pub(super) fn step<T>(
        &mut self,
        work: impl FnOnce(&mut StoredAccount, &mut Environment<'_>) -> Result<Step<Outcome<T>>, Failure>,
    ) -> Result<T, Failure> {
        let Self { account, store, random } = self;
        let mut inside = Environment { records: store, random, now_ms: NOW_MS };
        let Step { writes, result } = work(account, &mut inside)?;
        store.apply(writes);
        let confirmation = result.confirm(store.anchor())?;
        Ok(account.vault().committed(result, &confirmation))
    }

    /// Forgets what the process knows, and opens the store again.
    pub(super) fn reopen(&mut self, key: u8) {
        self.account = StoredAccount::open(&secret(key), &mut self.store).unwrap();
    }

    pub(super) fn connect(&mut self, peer: &mut Self) {
        let keys = peer.step(|account, inside| account.generate_keys(1, false, inside)).unwrap();
        let (_, one_time_key) = *keys.one_time.last().unwrap();
        let (user, identity) = (peer.account.user().0.to_owned(), *peer.account.identity_key());
        let whom = (user.as_str(), &device());
        self.step(|account, inside| account.connect(whom, &identity, &one_time_key, inside))
            .unwrap();
    }

    pub(super) fn encrypt(&mut self, user: &str, text: &[u8]) -> Result<Vec<u8>, Failure> {
        self.step(|account, inside| account.encrypt((user, &device()), text, inside))
    }

    pub(super) fn exchange(&mut self, user: &str, text: &[u8]) -> Option<Vec<u8>> {
        let Self { account, random, store } = self;
        let made = account.encrypt_at_rest((user, &device()), text, (NOW_MS, random));
        let (Exchange { name, before, after, .. }, outcome) = made?;
        assert_eq!(Some(&(before.revision, before.sealed)), store.0.get(&name));
        store.0.insert(name, (after.revision, after.sealed));
        let confirmation = outcome.confirm(None).unwrap();
        Some(account.vault().committed(outcome, &confirmation))
    }

    pub(super) fn decrypt(&mut self, from: &Self, envelope: &[u8]) -> Result<Vec<u8>, Failure> {
        let (device, user) = (device(), from.account.user().0);
        let identity_key = Some(from.account.identity_key());
        let incoming = Incoming { user, device: &device, identity_key, envelope };
        self.step(|account, inside| account.decrypt(incoming, inside))
            .map(|opened| opened.0.expose().to_vec())
    }

    pub(super) fn receive(&mut self, from: &Self, envelope: &[u8]) -> Result<Delivery, Failure> {
        let (device, user) = (device(), from.account.user().0);
        let identity_key = Some(from.account.identity_key());
        let incoming = Incoming { user, device: &device, identity_key, envelope };
        self.step(|account, inside| account.receive(incoming, inside))
    }

    pub(super) fn handled(&mut self, id: &str) -> bool {
        self.step(|account, inside| account.vault().handled(id, inside)).unwrap()
    }
}
