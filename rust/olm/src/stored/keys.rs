// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keys that others begin sessions with, in a record of their own (olm_megolm.md §1.4 and §8;
//! docs/formats.md, "Matrix one-time keys").

use e2ee_account::{Environment, Learnt, Outcome, draft::Draft, index::Index, names};
use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_state::{Failure, Records, Step, StoreError};
use e2ee_wire::{Error, record::RecordReader};

use crate::one_time_keys::OneTimeKeys;

use super::StoredAccount;

const FORMAT_VERSION: u8 = 1;

/// A public key with its number.
pub type Numbered = (u64, x25519::PublicKey);

/// What a device is to publish, under its signature.
#[derive(Debug, PartialEq, Eq)]
pub struct Unpublished {
    /// The one-time keys, the oldest first.
    pub one_time: Vec<Numbered>,
    /// The fallback key.
    pub fallback: Option<Numbered>,
}

impl StoredAccount {
    /// Makes so many one-time keys, and a fallback key if asked for; the result is all that waits
    /// to be published.
    ///
    /// [`Error::InvalidArgument`] if too many would wait.
    pub fn generate_keys(
        &mut self,
        count: usize,
        fallback: bool,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Unpublished>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut keys = self.one_time_keys(environment.records)?;
        keys.generate(count, environment.random)?;
        if fallback {
            keys.generate_fallback(environment.random)?;
        }
        let unpublished = Unpublished {
            one_time: keys.unpublished().map(|(id, key)| (id, *key)).collect(),
            fallback: keys.unpublished_fallback().map(|(id, key)| (id, *key)),
        };
        self.changed_keys(&keys, unpublished, environment)
    }

    /// Says that the server has all keys that waited; their private halves stay.
    pub fn mark_keys_as_published(
        &mut self,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut keys = self.one_time_keys(environment.records)?;
        keys.mark_as_published();
        self.changed_keys(&keys, (), environment)
    }

    /// A one-time key for one session, given away by hand: it counts as published.
    pub fn reserve_key(
        &mut self,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Numbered>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut keys = self.one_time_keys(environment.records)?;
        let reserved = keys.reserve(environment.random)?;
        self.changed_keys(&keys, reserved, environment)
    }

    /// The fallback key, which serves any number of sessions; a new one if there is none.
    pub fn reusable_key(
        &mut self,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Numbered>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut keys = self.one_time_keys(environment.records)?;
        if let Some(current) = keys.current_fallback() {
            return Ok(self.vault.kept(Vec::new(), Outcome::unspent(current, Learnt::default())));
        }
        keys.generate_fallback(environment.random)?;
        let current = keys.current_fallback().ok_or(Error::CorruptState)?;
        self.changed_keys(&keys, current, environment)
    }

    fn changed_keys<T>(
        &mut self,
        keys: &OneTimeKeys,
        value: T,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<T>>, Failure> {
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let index = self.put_keys(keys, &mut draft)?;
        self.vault.put_index(index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), value, environment)
    }

    pub(super) fn one_time_keys(&self, records: &mut dyn Records) -> Result<OneTimeKeys, Failure> {
        let stored = records.get(names::PREKEYS)?.ok_or(StoreError::Corruption)?;
        if stored.revision != self.vault.index().prekeys_revision {
            return Err(StoreError::Corruption.into());
        }
        let opened = self.vault.sealer().open(names::PREKEYS, stored.revision, &stored.sealed)?;
        Ok(decode(opened.expose())?)
    }

    /// Saves the keys, and returns the index that vouches for them.
    pub(super) fn put_keys(
        &self,
        keys: &OneTimeKeys,
        draft: &mut Draft<'_>,
    ) -> Result<Index, Failure> {
        let base = self.vault.index().prekeys_revision;
        let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
        draft.put(names::PREKEYS, base, revision, &encode(keys))?;
        Ok(Index { prekeys_revision: revision, ..self.vault.index() })
    }
}

/// The content of the record.
pub(super) fn encode(keys: &OneTimeKeys) -> SecretBytes {
    let mut out = Vec::with_capacity(keys.encoded_capacity().saturating_add(1));
    out.push(FORMAT_VERSION);
    keys.encode(&mut out);
    SecretBytes::new(out)
}

/// Reads the record back.
pub(super) fn decode(bytes: &[u8]) -> Result<OneTimeKeys, Error> {
    let mut reader = RecordReader::new(bytes);
    if reader.u8()? != FORMAT_VERSION {
        return Err(Error::CorruptState);
    }
    let keys = OneTimeKeys::decode(&mut reader)?;
    reader.finish()?;
    Ok(keys)
}
