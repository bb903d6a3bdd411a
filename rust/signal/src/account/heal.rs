// SPDX-License-Identifier: MIT OR Apache-2.0
//! Healing an account whose store was set back: no key that the lost past may have used is used
//! again (docs/storage.md, "Healing").
//!
//! Sessions receive and never send again, our own group keys end, what waits to be posted is
//! dropped, and one-time prekeys are destroyed. Trust, groups, the inbox and the ledger stay.

use e2ee_state::{Failure, Step};

use crate::DeviceId;

use super::{
    Account, Environment, GroupId, Learnt, Outcome, anchoring::Begun, draft::Draft, names,
};

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
        let untied = environment.records.get(names::GENERATION)?.filter(|_| generation.is_none());
        let mut healed = Healed::default();
        let (mut peers, mut groups) = (Vec::new(), Vec::new());
        for (name, _) in environment.records.list(names::PEER_PREFIX)? {
            let (user, device) = names::peer_of(&name)?;
            let Some(mut loaded) = self.load_peer(environment.records, user, device)? else {
                continue;
            };
            let before = loaded.peer.clone();
            loaded.sessions.retire_all();
            healed.peers.push((user.to_owned(), device));
            peers.push((loaded, before));
        }
        for id in self.group_ids()? {
            groups.push(self.with_next_chain(&id, environment)?);
            healed.groups.push(id);
        }
        let mut stock = self.stock(environment.records)?;
        stock.renew(self.identity.key(), environment.now_ms, environment.random)?;
        let outbox = environment.records.list(names::OUTBOX_PREFIX)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let mut index = self.put_stock(&stock, &mut draft)?;
        index.anchored = generation.is_some();
        for (loaded, before) in &mut peers {
            self.vault.save_sessions(
                loaded,
                (Some(before), &mut index),
                &mut draft,
                &mut learnt,
            )?;
        }
        for group in &groups {
            self.save_group(group, &mut index, &mut draft, &mut learnt)?;
        }
        if let Some(stored) = untied {
            draft.delete(names::GENERATION, stored.revision);
            learnt.rows.push((names::GENERATION.to_owned(), None));
        }
        for (name, revision) in outbox {
            draft.delete(&name, revision);
            healed.dropped.extend(name.strip_prefix(names::OUTBOX_PREFIX).map(str::to_owned));
        }
        self.vault.put_index(index, &mut draft, &mut learnt)?;
        let mut writes = draft.finish().writes;
        let moved = match generation {
            Some(begun) => Some(self.vault.put_generation(
                begun,
                (&mut writes, &mut learnt),
                environment.random,
            )?),
            None => None,
        };
        Ok(self.vault.kept(writes, Outcome::new(healed, learnt, moved)))
    }
}
