// SPDX-License-Identifier: MIT OR Apache-2.0
//! Healing an account whose store was set back: no key that the lost past may have used is used
//! again (docs/storage.md, "Healing").
//!
//! Sessions receive and never send again, what waits to be posted is dropped, and one-time keys are
//! destroyed. Trust, the inbox and the ledger stay.

use e2ee_account::{Environment, Learnt, Outcome, anchoring::Begun, draft::Draft};
use e2ee_state::{Failure, Step};

use super::{DeviceId, StoredAccount};

/// What healing ended.
#[derive(Debug, Default)]
pub struct Healed {
    /// The devices to which nothing can be sent until the application connects again.
    pub peers: Vec<(String, DeviceId)>,
    /// The names of the outbox's entries that were dropped; their texts are to be queued again.
    pub dropped: Vec<String>,
}

impl StoredAccount {
    /// Ends all that may have been used in a past that the store has lost, in one step. A store with
    /// an anchor agrees with it from then on. A server must drop all keys that it has of this
    /// device, and get new ones.
    ///
    /// [`StoreError::NoAnchor`](e2ee_state::StoreError::NoAnchor) if it was not given.
    pub fn heal(
        &mut self,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Healed>>, Failure> {
        self.vault.refresh(environment.records)?;
        let generation = self.vault.begin_again(environment)?;
        self.healed(generation, environment)
    }

    /// [`StoredAccount::heal`] for a copy that becomes a store of its own, with a store id of its
    /// own: the anchor of its original is not its own, so it begins without one.
    pub fn heal_copy(
        &mut self,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Healed>>, Failure> {
        self.vault.refresh(environment.records)?;
        self.healed(None, environment)
    }

    fn healed(
        &mut self,
        generation: Option<Begun>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Healed>>, Failure> {
        let mut healing = self.vault.heal(generation, |_, _| Ok(()), environment.records)?;
        let mut keys = self.one_time_keys(environment.records)?;
        keys.renew(environment.random)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let mut index = self.put_keys(&keys, &mut draft)?;
        healing.save(&self.vault, &mut index, (&mut draft, &mut learnt))?;
        self.vault.put_index(index, &mut draft, &mut learnt)?;
        let drafted = (draft.finish(), learnt);
        let healed = Healed { peers: healing.peers(), dropped: healing.dropped() };
        healing.finish(&mut self.vault, drafted, healed, environment.random)
    }
}
