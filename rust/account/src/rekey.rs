// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changing the key of the store (docs/storage.md, "Keys").
//!
//! Every record is opened under the key before and sealed anew under the new one, all in one
//! transaction of the store, whose last writes are the root record and the store record. Each
//! revision grows by one, those that stand inside of records too; so whoever read a row before
//! cannot write over it afterwards.

use std::vec;

use e2ee_primitives::{hmac::HmacKey, secret::SecretBytes};
use e2ee_state::{
    Failure, Records, Sealer, StoreError, StoreSecret, Stored, Write, digest::SetDigest, key,
};
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    draft::{self, Draft},
    index::Index,
    memory::{Mark, Seen},
    names,
    outcome::Environment,
    protocol::Protocol,
    resting::Resting,
    vault::Vault,
};

/// Bytes of records that are held at a time, but for a record that is larger alone.
const BATCH_LEN: usize = 1 << 20;
/// What a record counts for besides its bytes.
const RECORD_COST: usize = 256;

/// A change of the key, under way inside one transaction.
#[derive(Debug)]
pub struct Rekeying {
    /// The new store record, by which the change is known.
    store_record: Vec<u8>,
    /// The revision of the store record before.
    store_revision: u64,
    /// The records that are not sealed anew yet, with their revisions before.
    left: vec::IntoIter<(String, u64)>,
    is_finished: bool,
}

/// What an account works with once a change of the key is durable.
#[derive(Debug)]
pub(crate) struct Successor {
    sealer: Sealer,
    digest_key: HmacKey,
    store_record: Vec<u8>,
    index: Index,
    /// The revision of the root record, and of all peers and groups.
    index_revision: u64,
    /// The root record, once it is written.
    index_row: Option<(Seen, Stored)>,
}

impl<P: Protocol> Vault<P> {
    /// Begins to change the key of the store to `secret`; [`Vault::rekey_next`] does it.
    ///
    /// [`Error::InvalidArgument`] if that is the key which the store has.
    pub fn rekey(
        &mut self,
        secret: &StoreSecret,
        environment: &mut Environment<'_>,
    ) -> Result<Rekeying, Failure> {
        self.refresh(environment.records)?;
        let next = secret.replace(&self.sealer, environment.random)?;
        self.seal_anew(next, environment.records)
    }

    /// Begins to make the store another one under `secret`, whose key may be the one that it has:
    /// nothing that was sealed before opens in it. [`Vault::rekey_next`] does it.
    pub fn move_to(
        &mut self,
        secret: &StoreSecret,
        environment: &mut Environment<'_>,
    ) -> Result<Rekeying, Failure> {
        let next = secret.create(environment.random)?;
        self.seal_anew(next, environment.records)
    }

    fn seal_anew(
        &mut self,
        (sealer, store_record): (Sealer, Vec<u8>),
        records: &mut dyn Records,
    ) -> Result<Rekeying, Failure> {
        self.refresh(records)?;
        // Asked again, because the new digest must not hide what the one before would show.
        let members = self.members_of(&self.index, records)?;
        let stored = records.get(key::RECORD_NAME)?.ok_or(StoreError::Corruption)?;
        if stored.sealed != self.store_record {
            return Err(StoreError::Corruption.into());
        }
        let mut left = records.list("")?;
        left.retain(|(name, _)| name != key::RECORD_NAME && name != names::INDEX);
        let digest_key = sealer.hash_key("index");
        let index_revision = self.next_index_revision()?;
        let mut digest = SetDigest::default();
        for name in members.keys() {
            digest.toggle(&digest_key, name, index_revision);
        }
        let prekeys_revision = after(self.index.prekeys_revision)?;
        let index = Index { prekeys_revision, digest, ..self.index };
        let change = Rekeying {
            store_record: store_record.clone(),
            store_revision: stored.revision,
            left: left.into_iter(),
            is_finished: false,
        };
        self.successor = Some(Successor {
            sealer,
            digest_key,
            store_record,
            index,
            index_revision,
            index_row: None,
        });
        Ok(change)
    }

    /// The next writes of a change of the key, which belong to the transaction that it began in;
    /// none at its end. Then the transaction is committed, and [`Vault::rekeyed`] told. `identity`
    /// gives the content of the account's identity record.
    ///
    /// [`Error::Stale`] if another change has begun since.
    pub fn rekey_next(
        &mut self,
        change: &mut Rekeying,
        identity: impl Fn() -> SecretBytes,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<Write>, Failure> {
        let next = self.successor_of(change).ok_or(Error::Stale)?;
        let mut draft = Draft::new(&next.sealer, environment.random);
        let mut cost = 0_usize;
        while cost < BATCH_LEN {
            let Some((name, revision)) = change.left.next() else { break };
            let is_member = self.members.contains_key(&name);
            let new_revision = if is_member { next.index_revision } else { after(revision)? };
            let content = self.content_anew((&name, revision), &identity, environment.records)?;
            cost = cost.saturating_add(content.len()).saturating_add(RECORD_COST);
            draft.put(&name, revision, new_revision, &content)?;
        }
        if change.left.len() == 0 && !change.is_finished {
            let index = next.index.encode();
            let seen =
                draft.put(names::INDEX, self.index_row.revision, next.index_revision, &index)?;
            let revision = next.index_revision;
            let row = Stored { revision, sealed: draft.last_sealed() };
            let store_record = next.store_record.clone();
            draft.plain(key::RECORD_NAME, change.store_revision, store_record)?;
            let writes = draft.finish().writes;
            change.is_finished = true;
            if let Some(next) = &mut self.successor {
                next.index_row = Some((seen, row));
            }
            return Ok(writes);
        }
        Ok(draft.finish().writes)
    }

    /// Takes note that a change of the key is durable.
    pub fn rekeyed(&mut self, change: &Rekeying) {
        if self.successor_of(change).is_some() {
            self.succeed();
        }
    }

    /// Looks why the root record does not open: somebody may have changed the key. If this account
    /// has, without knowing yet that it is durable, it goes on with the new one.
    ///
    /// [`StoreError::KeyChanged`] if another one has.
    pub(crate) fn follow_key(&mut self, records: &mut dyn Records) -> Result<(), Failure> {
        let stored = records.get(key::RECORD_NAME)?.ok_or(StoreError::Corruption)?;
        if stored.sealed == self.store_record {
            return Err(StoreError::Corruption.into());
        }
        key::whole(&stored.sealed)?;
        if self.successor.as_ref().is_some_and(|next| next.store_record == stored.sealed) {
            self.succeed();
            return Ok(());
        }
        Err(StoreError::KeyChanged.into())
    }

    fn successor_of(&self, change: &Rekeying) -> Option<&Successor> {
        self.successor.as_ref().filter(|next| next.store_record == change.store_record)
    }

    fn succeed(&mut self) {
        let Some(next) = self.successor.take() else { return };
        // They have sealers of the key before.
        self.resting = Resting::none();
        self.sealer = next.sealer;
        self.digest_key = next.digest_key;
        self.store_record = next.store_record;
        for revision in self.members.values_mut() {
            *revision = next.index_revision;
        }
        let Some((seen, row)) = next.index_row else { return };
        self.index = next.index;
        self.index_row = row;
        // All other rows have grown too: what was seen of them precedes what they are now.
        self.memory.commit(vec![(names::INDEX.to_owned(), Some(seen))]);
    }

    /// The content of a record as the new key seals it.
    fn content_anew(
        &self,
        (name, revision): (&str, u64),
        identity: impl Fn() -> SecretBytes,
        records: &mut dyn Records,
    ) -> Result<SecretBytes, Failure> {
        let stored = records.get(name)?.ok_or(StoreError::Corruption)?;
        self.memory.check(name, Seen { revision, mark: Mark::of(&stored.sealed)? })?;
        let content = self.sealer.open(name, revision, &stored.sealed)?;
        if name == names::IDENTITY {
            return Ok(identity());
        }
        Ok(P::advanced(name, &content)?.unwrap_or(content))
    }
}

/// A content whose first `parts` revisions have grown like those of the records they stand for.
pub fn advanced(content: &SecretBytes, parts: usize) -> Result<SecretBytes, Error> {
    let mut reader = RecordReader::new(content.expose());
    let mut revisions = Vec::with_capacity(parts);
    for _ in 0..parts {
        revisions.push(after(reader.u64()?)?);
    }
    let rest = content.expose().get(8 * parts..).ok_or(Error::CorruptState)?;
    Ok(draft::encoded(|out| {
        out.reserve_exact(content.len());
        for revision in &revisions {
            out.extend_from_slice(&revision.to_be_bytes());
        }
        out.extend_from_slice(rest);
    }))
}

fn after(revision: u64) -> Result<u64, Error> {
    revision.checked_add(1).ok_or(Error::Exhausted)
}
