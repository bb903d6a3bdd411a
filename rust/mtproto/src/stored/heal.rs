// SPDX-License-Identifier: MIT OR Apache-2.0
//! Healing chats whose store was set back: no number of a message that the lost past may have used
//! is used again (docs/storage.md, "Healing").
//!
//! All chats are closed: the other end drops a number that comes twice, and ends a chat in which we
//! have received less than before (mtproto_secret_chats.md §5). What waits in the inbox stays.

use e2ee_account::{Environment, Learnt, Outcome, anchoring::Begun, draft::Draft};
use e2ee_state::{Failure, Step};

use super::{ChatId, SecretChats};

impl SecretChats {
    /// Closes all chats in one step, and returns their numbers. A store with an anchor agrees with
    /// it from then on.
    ///
    /// [`StoreError::NoAnchor`](e2ee_state::StoreError::NoAnchor) if it was not given.
    pub fn heal(
        &mut self,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<ChatId>>>, Failure> {
        self.vault.refresh(environment.records)?;
        let generation = self.vault.begin_again(environment)?;
        self.healed(generation, environment)
    }

    /// [`SecretChats::heal`] for a copy that becomes a store of its own, with a store id of its
    /// own: the anchor of its original is not its own, so it begins without one.
    pub fn heal_copy(
        &mut self,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<ChatId>>>, Failure> {
        self.vault.refresh(environment.records)?;
        self.healed(None, environment)
    }

    fn healed(
        &mut self,
        generation: Option<Begun>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<ChatId>>>, Failure> {
        let mut healing = self.vault.heal(generation, |_, _| Ok(()), environment.records)?;
        let ids = self.ids()?;
        let (mut index, mut learnt) = (self.vault.index(), Learnt::default());
        let mut all = Vec::new();
        for id in &ids {
            all.push(self.kept_of(*id, environment.records)?);
        }
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        healing.save(&self.vault, &mut index, (&mut draft, &mut learnt))?;
        for kept in &all {
            self.delete(kept, &mut index, (&mut draft, &mut learnt))?;
        }
        self.vault.put_index(index, &mut draft, &mut learnt)?;
        let drafted = (draft.finish(), learnt);
        healing.finish(&mut self.vault, drafted, ids, environment.random)
    }
}
