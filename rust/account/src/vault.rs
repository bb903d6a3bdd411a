// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sealed records of an account, as one process knows them: the root record and all that it
//! vouches for (docs/storage.md, "Steps" and "What vouches for what").

use std::collections::HashMap;

use e2ee_primitives::{hmac::HmacKey, random::Random, secret::SecretBytes};
use e2ee_state::{
    Failure, Records, Sealer, Step, StoreError, StoreSecret, Stored, Write, digest::SetDigest, key,
    seal::RecordSealer,
};
use e2ee_wire::Error;

use crate::{
    anchoring::{self, Confirmation},
    draft::{Draft, Drafted},
    index::Index,
    memory::{Mark, Memory, Seen},
    names,
    outcome::{Environment, Learnt, Outcome},
    protocol::Protocol,
    rekey::Successor,
    resting::Resting,
    sessions::LoadedPeer,
};

/// The records of an account: what seals them, and what is known of them.
pub struct Vault<P: Protocol> {
    pub(crate) sealer: Sealer,
    /// The store record that the sealer was made of.
    pub(crate) store_record: Vec<u8>,
    pub(crate) digest_key: HmacKey,
    pub(crate) index: Index,
    /// The row that `index` and `members` are from, which need not be durable: of any other one,
    /// both are read anew. Of revision 0 before one was read.
    pub(crate) index_row: Stored,
    /// The members of the index's digest, with their revisions.
    pub(crate) members: HashMap<String, u64>,
    /// The durable rows that this process has seen.
    pub(crate) memory: Memory,
    /// Sessions that need not be read again.
    pub(crate) resting: Resting<Box<LoadedPeer<P>>>,
    /// What follows if a change of the store's key that this process has made is durable.
    pub(crate) successor: Option<Successor>,
}

impl<P: Protocol> Vault<P> {
    /// Of a store of which no row is known yet: what seals its records, and the store record that
    /// this was made of.
    #[must_use]
    pub fn new((sealer, store_record): (Sealer, Vec<u8>)) -> Self {
        Self {
            digest_key: sealer.hash_key("index"),
            sealer,
            store_record,
            index: Index::default(),
            index_row: Stored { revision: 0, sealed: Vec::new() },
            members: HashMap::new(),
            memory: Memory::default(),
            resting: Resting::none(),
            successor: None,
        }
    }

    /// The first records of an account of `user` in an empty store, and what else `first` makes:
    /// before that, the contents of the identity record and of the prekeys.
    ///
    /// [`StoreError::AlreadyExists`] if the store holds one, [`StoreError::WrongAnchor`] if its
    /// anchor holds anything.
    pub fn create<T>(
        secret: &StoreSecret,
        user: &str,
        environment: &mut Environment<'_>,
        first: impl FnOnce(&mut dyn Random) -> Result<([SecretBytes; 2], T), Error>,
    ) -> Result<Step<(Self, T)>, Failure> {
        if environment.records.get(key::RECORD_NAME)?.is_some() {
            return Err(StoreError::AlreadyExists.into());
        }
        anchoring::check_empty(environment.records)?;
        names::check_user(user)?;
        let (sealer, store_record) = secret.create(environment.random)?;
        let ([identity, prekeys], made) = first(environment.random)?;
        let index = Index { prekeys_revision: 1, ..Index::default() };
        let mut draft = Draft::new(&sealer, environment.random);
        draft.plain(key::RECORD_NAME, 0, store_record.clone())?;
        draft.put(names::IDENTITY, 0, 1, &identity)?;
        let seen = draft.put(names::INDEX, 0, 1, &index.encode())?;
        let row = Stored { revision: 1, sealed: draft.last_sealed() };
        draft.put(names::PREKEYS, 0, 1, &prekeys)?;
        let writes = draft.finish().writes;
        let mut vault = Self::new((sealer, store_record));
        (vault.index, vault.index_row) = (index, row);
        vault.memory.commit(vec![(names::INDEX.to_owned(), Some(seen))]);
        Ok(Step { writes, result: (vault, made) })
    }

    /// What seals the records.
    #[must_use]
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The root record.
    #[must_use]
    pub const fn index(&self) -> Index {
        self.index
    }

    /// The row that the root record is from.
    #[must_use]
    pub const fn index_row(&self) -> &Stored {
        &self.index_row
    }

    /// The key of the digest in the root record.
    #[must_use]
    pub const fn digest_key(&self) -> &HmacKey {
        &self.digest_key
    }

    /// The revision of a member, if there is one of this name.
    #[must_use]
    pub fn revision_of(&self, name: &str) -> Option<u64> {
        self.members.get(name).copied()
    }

    /// The records for which the root record vouches, with their revisions.
    pub fn members(&self) -> impl Iterator<Item = (&str, u64)> {
        self.members.iter().map(|(name, revision)| (name.as_str(), *revision))
    }

    /// Takes records for vouched for, whatever the root record says: nothing is to be saved.
    pub fn take_members(&mut self, members: HashMap<String, u64>) {
        self.members = members;
    }

    /// The step with these writes, which the next call in the same transaction finds. If they spend
    /// message keys, it moves the generation.
    pub fn drafted<T>(
        &mut self,
        (drafted, mut learnt): (Drafted, Learnt),
        value: T,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<T>>, Failure> {
        let Drafted { mut writes, spends } = drafted;
        let mut moved = None;
        if spends {
            moved = self.spend((&mut writes, &mut learnt), environment)?;
        }
        Ok(self.kept(writes, Outcome { value, learnt, moved }))
    }

    /// The step with these writes, after the account has taken note of them.
    pub fn kept<T>(&mut self, writes: Vec<Write>, mut outcome: Outcome<T>) -> Step<Outcome<T>> {
        let learnt = &mut outcome.learnt;
        if let Some((index, row)) = learnt.index.take() {
            self.index = index;
            self.index_row = row;
            for (name, revision) in learnt.members.drain(..) {
                match revision {
                    Some(revision) => _ = self.members.insert(name, revision),
                    None => _ = self.members.remove(&name),
                }
            }
        }
        self.memory.draft(&learnt.rows);
        Step { writes, result: outcome }
    }

    /// Takes note that a step is durable, and returns its result, which may leave.
    pub fn committed<T>(&mut self, outcome: Outcome<T>, _: &Confirmation) -> T {
        self.memory.commit(outcome.learnt.rows);
        outcome.value
    }

    /// Takes note that the transaction of `outcome`'s step has ended, and that it was undone or
    /// nobody knows: whoever finds its rows from now on finds them durable.
    pub fn ended<T>(&mut self, outcome: &Outcome<T>) {
        self.memory.end(&outcome.learnt.rows);
    }

    /// Begins a call: reads the index and, if it is not the row that is known, checks everything
    /// against it again.
    pub fn refresh(&mut self, records: &mut dyn Records) -> Result<(), Failure> {
        let stored = records.get(names::INDEX)?.ok_or(StoreError::Corruption)?;
        let found = Seen { revision: stored.revision, mark: Mark::of(&stored.sealed)? };
        self.memory.check(names::INDEX, found)?;
        if self.index_row == stored {
            return Ok(self.memory.see(names::INDEX, found)?);
        }
        let opened = match self.sealer.open(names::INDEX, stored.revision, &stored.sealed) {
            Err(StoreError::Corruption) => {
                self.follow_key(records)?;
                self.sealer.open(names::INDEX, stored.revision, &stored.sealed)?
            }
            opened => opened?,
        };
        let index = Index::decode(opened.expose())?;
        let members = self.members_of(&index, records)?;
        // Only now is it known to be a row of ours, which others must not precede.
        self.memory.see(names::INDEX, found)?;
        // Rows of a member that another process changed may have gone and begun anew.
        let unchanged = |member: &String| self.members.get(member) == members.get(member);
        self.memory.retain(|name| P::member_of(name).is_none_or(|member| unchanged(&member)));
        self.resting.retain(|name, revision| members.get(name) == Some(&revision));
        self.index = index;
        self.index_row = stored;
        self.members = members;
        Ok(())
    }

    /// The members in the store, which must be those for which `index` vouches.
    pub(crate) fn members_of(
        &self,
        index: &Index,
        records: &mut dyn Records,
    ) -> Result<HashMap<String, u64>, Failure> {
        let mut digest = SetDigest::default();
        let mut members = HashMap::new();
        for prefix in P::MEMBERS {
            for (name, revision) in records.list(prefix)? {
                digest.toggle(&self.digest_key, &name, revision);
                members.insert(name, revision);
            }
        }
        if digest != index.digest || u32::try_from(members.len()) != Ok(index.members) {
            return Err(StoreError::Corruption.into());
        }
        Ok(members)
    }

    /// The record of a member, which must be there if the index says so.
    pub fn read_member(
        &self,
        records: &mut dyn Records,
        name: &str,
    ) -> Result<Option<(u64, SecretBytes)>, Failure> {
        let stored = match (records.get(name)?, self.members.get(name)) {
            (None, None) => return Ok(None),
            (Some(stored), Some(revision)) if stored.revision == *revision => stored,
            _ => return Err(StoreError::Corruption.into()),
        };
        let opened = self.sealer.open(name, stored.revision, &stored.sealed)?;
        Ok(Some((stored.revision, opened)))
    }

    /// A row whose revisions only grow: an older one than this process has seen is a rollback, and
    /// so is another one of the same revision.
    pub fn read_head(
        &mut self,
        records: &mut dyn Records,
        name: &str,
    ) -> Result<(Stored, SecretBytes), Failure> {
        let record = self.sealer.record(name);
        self.read_head_of(records, &record)
    }

    /// [`Vault::read_head`] of a record whose sealer is at hand.
    pub fn read_head_of(
        &mut self,
        records: &mut dyn Records,
        record: &RecordSealer,
    ) -> Result<(Stored, SecretBytes), Failure> {
        let stored = records.get(record.name())?.ok_or(StoreError::Corruption)?;
        let head = record.open(stored.revision, &stored.sealed)?;
        let found = Seen { revision: stored.revision, mark: Mark::of(&stored.sealed)? };
        self.memory.see(record.name(), found)?;
        Ok((stored, head))
    }

    /// A row that stands under the revision that another one vouches for.
    pub fn read_part(
        &self,
        records: &mut dyn Records,
        name: &str,
        revision: u64,
    ) -> Result<SecretBytes, Failure> {
        match records.get(name)? {
            Some(stored) if stored.revision == revision => {
                Ok(self.sealer.open(name, revision, &stored.sealed)?)
            }
            _ => Err(StoreError::Corruption.into()),
        }
    }

    /// Adds the root record.
    pub fn put_index(
        &self,
        index: Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let revision = self.next_index_revision()?;
        let seen = draft.put(names::INDEX, self.index_row.revision, revision, &index.encode())?;
        learnt.rows.push((names::INDEX.to_owned(), Some(seen)));
        learnt.index = Some((index, Stored { revision, sealed: draft.last_sealed() }));
        Ok(())
    }

    /// Adds `index` if it is another one than now.
    pub fn put_changed_index(
        &self,
        index: Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        if index == self.index { Ok(()) } else { self.put_index(index, draft, learnt) }
    }

    /// The revision that the next change of the index takes; members take it as theirs, so that no
    /// name ever has the same revision twice.
    pub fn next_index_revision(&self) -> Result<u64, Error> {
        self.index_row.revision.checked_add(1).ok_or(Error::Exhausted)
    }

    /// Adds the record of a member, which stands under revision `base`, 0 if it is new, and takes
    /// it into `index`; the caller saves that. Returns the revision that the record takes.
    pub fn put_member(
        &self,
        (name, base): (String, u64),
        content: &SecretBytes,
        index: &mut Index,
        (draft, learnt): (&mut Draft<'_>, &mut Learnt),
    ) -> Result<u64, Failure> {
        let revision = self.next_index_revision()?;
        draft.put(&name, base, revision, content)?;
        if base == 0 {
            index.members = index.members.checked_add(1).ok_or(Error::Exhausted)?;
        } else {
            index.digest.toggle(&self.digest_key, &name, base);
        }
        index.digest.toggle(&self.digest_key, &name, revision);
        learnt.members.push((name, Some(revision)));
        Ok(revision)
    }

    /// Deletes the record of a member, and takes it out of `index`; the caller saves that.
    pub fn delete_member(
        &self,
        (name, base): (String, u64),
        index: &mut Index,
        (draft, learnt): (&mut Draft<'_>, &mut Learnt),
    ) -> Result<(), Failure> {
        draft.delete(&name, base);
        index.members = index.members.checked_sub(1).ok_or(Error::CorruptState)?;
        index.digest.toggle(&self.digest_key, &name, base);
        learnt.members.push((name, None));
        Ok(())
    }
}

impl<P: Protocol> core::fmt::Debug for Vault<P> {
    /// How many members there are, and how many peers are at rest.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Vault({} members, {:?})", self.members.len(), self.resting)
    }
}
