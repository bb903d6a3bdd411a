// SPDX-License-Identifier: MIT OR Apache-2.0
//! Healing an account whose store was set back: no key that the lost past may have used is used
//! again (docs/storage.md, "Healing").
//!
//! Sessions receive and never send again, our own group keys end, what waits to be posted is
//! dropped, and one-time prekeys are destroyed. Trust, groups, the inbox and the ledger stay.

use e2ee_state::{Failure, Step};

use crate::DeviceId;

use super::{Account, Environment, GroupId, Learnt, Outcome, anchoring::Begun, draft::Draft};

/// What healing ended.
#[derive(Debug, Default)]
pub struct Healed {
    /// The peers to which nothing can be sent until the application connects again.
    pub peers: Vec<(String, DeviceId)>,
    /// The groups whose members need invitations again.
    pub groups: Vec<GroupId>,
    /// The names of the outbox's entries that were dropped; their texts are to be queued again.
    pub dropped: Vec<String>,
}

impl Account {
    /// Ends all that may have been used in a past that the store has lost, in one step. A store with
    /// an anchor agrees with it from then on.
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

    /// [`Account::heal`] for a copy that becomes a store of its own, with a store id of its own: the
    /// anchor of its original is not its own, so it begins without one.
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
        let identity = &self.identity;
        let parties = |user: &str, device: &DeviceId| identity.parties(user, *device);
        let mut healing = self.vault.heal(generation, parties, environment.records)?;
        let mut groups = Vec::new();
        let ids = self.group_ids()?;
        for id in &ids {
            groups.push(self.with_next_chain(id, environment)?);
        }
        let mut stock = self.stock(environment.records)?;
        stock.renew(self.identity.key(), environment.now_ms, environment.random)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let mut index = self.put_stock(&stock, &mut draft)?;
        healing.save(&self.vault, &mut index, (&mut draft, &mut learnt))?;
        for group in &groups {
            self.save_group(group, &mut index, &mut draft, &mut learnt)?;
        }
        self.vault.put_index(index, &mut draft, &mut learnt)?;
        let drafted = (draft.finish(), learnt);
        let healed = Healed { peers: healing.peers(), groups: ids, dropped: healing.dropped() };
        healing.finish(&mut self.vault, drafted, healed, environment.random)
    }
}
