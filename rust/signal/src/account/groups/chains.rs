// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading a group with its chains, and saving what changed (docs/formats.md, "Group").
//!
//! The index vouches for the group's record; that record names our own chain and the devices whose
//! chains we have. The head of a received chain seals the revision of its skipped seeds and the
//! identity that the chain came under.

use e2ee_primitives::{random::Random, x25519};
use e2ee_state::{Failure, Records, StoreError};
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    DeviceId,
    account::{Account, Environment, GroupId, Learnt, draft::Draft, index::Index, names},
    sender_keys::{SenderKey, SenderKeys},
};

use super::record::{DeviceAddress, Group};

/// A group, as its record says, and those of its chains that change.
pub(in crate::account) struct LoadedGroup {
    pub(super) id: GroupId,
    /// The revision of the record, 0 if there is none.
    revision: u64,
    before: Option<Group>,
    pub(super) group: Group,
    /// Our own chain, if it changes.
    pub(super) own: Option<OwnChain>,
    /// The chains of senders that change.
    pub(super) received: Vec<(DeviceAddress, ReceivedChains)>,
    /// The chains of senders that go.
    pub(super) gone: Vec<(DeviceAddress, ReceivedChains)>,
}

impl LoadedGroup {
    /// A group that is not in the store yet, with a chain of our own.
    pub(super) fn new(id: &GroupId, random: &mut dyn Random) -> Result<Self, Error> {
        let own = OwnChain { key: SenderKey::create(random)?, revision: 0 };
        let mut loaded = Self::stored(id, 0, Group::new(own.key.chain_id()));
        loaded.before = None;
        loaded.own = Some(own);
        Ok(loaded)
    }

    fn stored(id: &GroupId, revision: u64, group: Group) -> Self {
        let before = Some(group.clone());
        let (received, gone) = (Vec::new(), Vec::new());
        Self { id: *id, revision, before, group, own: None, received, gone }
    }

    fn delete_gone(&self, draft: &mut Draft<'_>, learnt: &mut Learnt) {
        for (sender, chains) in &self.gone {
            let name = names::received_chains(&self.id, sender);
            draft.delete(&names::skipped(&name), chains.skipped);
            draft.delete(&name, chains.head);
            learnt.rows.push((name, None));
        }
    }
}

/// Our own chain, and the revision under which it stands, 0 if it is new.
pub(super) struct OwnChain {
    pub(super) key: SenderKey,
    revision: u64,
}

/// The chains of a sender, and the revisions of head and skipped seeds; 0 if they are new.
pub(super) struct ReceivedChains {
    pub(super) keys: SenderKeys,
    /// The identity of the sender from whom they came.
    pub(super) identity_key: x25519::PublicKey,
    head: u64,
    skipped: u64,
    saved_generation: u64,
}

impl ReceivedChains {
    /// Of a sender from whom there is no chain yet.
    pub(super) const fn none(identity_key: x25519::PublicKey) -> Self {
        let keys = SenderKeys::none();
        Self { keys, identity_key, head: 0, skipped: 0, saved_generation: 0 }
    }
}

impl Account {
    /// A group, or `None` if it is not known; the record must be there if the index says so.
    pub(super) fn find_group(
        &self,
        records: &mut dyn Records,
        id: &GroupId,
    ) -> Result<Option<LoadedGroup>, Failure> {
        let name = names::group(id);
        let Some((revision, opened)) = self.vault.read_member(records, &name)? else {
            return Ok(None);
        };
        let group = Group::decode(opened.expose())?;
        Ok(Some(LoadedGroup::stored(id, revision, group)))
    }

    /// A group; [`Error::NoGroup`] if it is not known.
    pub(super) fn load_group(
        &self,
        records: &mut dyn Records,
        id: &GroupId,
    ) -> Result<LoadedGroup, Failure> {
        Ok(self.find_group(records, id)?.ok_or(Error::NoGroup)?)
    }

    /// Our own chain, which must be the one that the group's record names.
    pub(super) fn load_own_chain(
        &mut self,
        records: &mut dyn Records,
        loaded: &LoadedGroup,
    ) -> Result<OwnChain, Failure> {
        let name = names::own_chain(&loaded.id);
        let (head, opened) = self.vault.read_head(records, &name)?;
        let key = SenderKey::decode(opened.expose())?;
        if key.chain_id() != loaded.group.chain_id {
            return Err(StoreError::Corruption.into());
        }
        Ok(OwnChain { key, revision: head.revision })
    }

    /// The chains of a sender, which must be there if the group's record says so.
    pub(super) fn load_received(
        &mut self,
        records: &mut dyn Records,
        id: &GroupId,
        (user, device): (&str, DeviceId),
    ) -> Result<ReceivedChains, Failure> {
        let name = names::received_chains(id, &(user.to_owned(), device));
        let (head, opened) = self.vault.read_head(records, &name)?;
        let mut reader = RecordReader::new(opened.expose());
        let skipped = reader.u64()?;
        let identity_key = x25519::PublicKey::new(*reader.array()?);
        let (_, keys) = opened.expose().split_first_chunk::<40>().ok_or(Error::CorruptState)?;
        let seeds = self.vault.read_part(records, &names::skipped(&name), skipped)?;
        let keys = SenderKeys::decode(keys, seeds.expose())?;
        let saved_generation = keys.skipped_generation();
        let head = head.revision;
        Ok(ReceivedChains { keys, identity_key, head, skipped, saved_generation })
    }

    /// Makes the next chain of our own, which nobody has yet.
    pub(super) fn end_own_chain(
        &mut self,
        loaded: &mut LoadedGroup,
        environment: &mut Environment<'_>,
    ) -> Result<(), Failure> {
        let mut own = self.load_own_chain(environment.records, loaded)?;
        own.key = SenderKey::create(environment.random)?;
        loaded.group.rotate(own.key.chain_id());
        loaded.own = Some(own);
        Ok(())
    }

    /// Ends what we have of a sender.
    pub(super) fn drop_sender(
        &mut self,
        loaded: &mut LoadedGroup,
        (user, device): (&str, DeviceId),
        records: &mut dyn Records,
    ) -> Result<(), Failure> {
        if loaded.group.remove_sender((user, device)) {
            let chains = self.load_received(records, &loaded.id, (user, device))?;
            loaded.gone.push(((user.to_owned(), device), chains));
        }
        Ok(())
    }

    /// Saves what changed of a group, and adds its record to `index`.
    pub(in crate::account) fn save_group(
        &self,
        loaded: &LoadedGroup,
        index: &mut Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        if let Some(own) = &loaded.own {
            self.save_own_chain(&loaded.id, own, draft, learnt)?;
        }
        for (sender, chains) in &loaded.received {
            let name = names::received_chains(&loaded.id, sender);
            self.save_received(name, chains, draft, learnt)?;
        }
        loaded.delete_gone(draft, learnt);
        if loaded.before.as_ref() == Some(&loaded.group) {
            return Ok(());
        }
        let name = names::group(&loaded.id);
        let (content, base) = (loaded.group.encode(), loaded.revision);
        self.vault.put_member((name, base), &content, index, (draft, learnt))?;
        Ok(())
    }

    /// Deletes a group, all of whose senders are gone, and takes it out of `index`.
    pub(super) fn delete_group(
        &self,
        (loaded, own): (&LoadedGroup, &OwnChain),
        index: &mut Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        loaded.delete_gone(draft, learnt);
        let name = names::own_chain(&loaded.id);
        draft.delete(&name, own.revision);
        learnt.rows.push((name, None));
        let name = names::group(&loaded.id);
        self.vault.delete_member((name, loaded.revision), index, (draft, learnt))
    }

    fn save_own_chain(
        &self,
        id: &GroupId,
        own: &OwnChain,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let name = names::own_chain(id);
        let revision = self.next_chain_revision(own.revision)?;
        let seen = draft.put(&name, own.revision, revision, &own.key.encode())?;
        draft.spend(own.key.spent());
        learnt.rows.push((name, Some(seen)));
        Ok(())
    }

    fn save_received(
        &self,
        name: String,
        chains: &ReceivedChains,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let revision = self.next_chain_revision(chains.head)?;
        let mut skipped = chains.skipped;
        if skipped == 0 || chains.keys.skipped_generation() != chains.saved_generation {
            draft.put(&names::skipped(&name), skipped, revision, &chains.keys.encode_skipped())?;
            skipped = revision;
        }
        let prefix = [&skipped.to_be_bytes()[..], chains.identity_key.as_bytes()].concat();
        let seen = draft.put(&name, chains.head, revision, &chains.keys.encode_head(&prefix))?;
        learnt.rows.push((name, Some(seen)));
        Ok(())
    }

    /// The revision of a chain's row behind `before`, which is 0 for a new row.
    fn next_chain_revision(&self, before: u64) -> Result<u64, Error> {
        match before {
            0 => self.vault.next_index_revision(),
            before => before.checked_add(1).ok_or(Error::Exhausted),
        }
    }
}
