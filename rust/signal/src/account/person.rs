// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accounts for the tests of this folder, each over a store in memory, at one moment
//! (docs/storage.md, "Steps").

use std::collections::BTreeMap;

use e2ee_primitives::{Secret, random::Random, sha};
use e2ee_state::{Change, Failure, Records, Step, StoreError, StoreSecret, Stored, Write};
use e2ee_wire::Error;

use crate::DeviceId;

use super::{Account, Environment, Outcome};

pub(super) const NOW_MS: u64 = 1_800_000_000_000;

/// A store in memory: revisions and sealed bytes by name.
#[derive(Clone, Default)]
pub(super) struct Store(pub(super) BTreeMap<String, (u64, Vec<u8>)>);

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
}

/// Bytes that never come twice.
pub(super) struct Counting(pub(super) u64);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&sha::sha256(&[&self.0.to_be_bytes()])[..chunk.len()]);
        }
        Ok(())
    }
}

/// An account with its store.
pub(super) struct Person {
    pub(super) account: Account,
    pub(super) store: Store,
    pub(super) random: Counting,
}

pub(super) fn secret() -> StoreSecret {
    StoreSecret::Key(Secret::new([1; 32]))
}

pub(super) fn device() -> DeviceId {
    DeviceId::new(1).unwrap()
}

impl Person {
    pub(super) fn new(name: &str, number: u64) -> Self {
        let (mut store, mut random) = (Store::default(), Counting(number << 32));
        let mut inside = Environment { records: &mut store, random: &mut random, now_ms: NOW_MS };
        let made = Account::create(&secret(), name, device(), &mut inside).unwrap();
        store.apply(made.writes);
        Self { account: made.result, store, random }
    }

    /// Makes a step whose commit succeeds.
    pub(super) fn step<T>(
        &mut self,
        work: impl FnOnce(&mut Account, &mut Environment<'_>) -> Result<Step<Outcome<T>>, Failure>,
    ) -> Result<T, Failure> {
        let Self { account, store, random } = self;
        let mut inside = Environment { records: store, random, now_ms: NOW_MS };
        let Step { writes, result } = work(account, &mut inside)?;
        store.apply(writes);
        let confirmation = result.confirm(None)?;
        Ok(account.committed(result, &confirmation))
    }

    /// Starts a session with a peer, and encrypts a first message.
    pub(super) fn envelope_to(&mut self, peer: &mut Self) -> Vec<u8> {
        let user = peer.account.user().0.to_owned();
        let bundle = peer.step(Account::bundle).unwrap();
        self.step(|account, inside| account.connect((&user, device()), &bundle, inside)).unwrap();
        self.step(|account, inside| account.encrypt((&user, device()), b"text", inside)).unwrap()
    }
}
