// SPDX-License-Identifier: MIT OR Apache-2.0
//! A store whose secret fits, before it is known which protocol its account is of
//! (docs/storage.md, "Keys"): a passphrase is stretched once.

use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, Sealer, StoreError, StoreSecret, key};

use crate::{names, protocol::Protocol, vault::Vault};

/// What seals the records of a store, and who the account in it is.
#[derive(Debug)]
pub struct Unlocked {
    sealer: Sealer,
    store_record: Vec<u8>,
    identity: SecretBytes,
}

impl Unlocked {
    /// Opens the identity record of a store.
    ///
    /// [`StoreError::Missing`] if the store holds no account.
    pub fn open(secret: &StoreSecret, records: &mut dyn Records) -> Result<Self, Failure> {
        let record = records.get(key::RECORD_NAME)?.ok_or(StoreError::Missing)?;
        let sealer = secret.open(&record.sealed)?;
        let stored = records.get(names::IDENTITY)?.ok_or(StoreError::Corruption)?;
        let identity = sealer.open(names::IDENTITY, stored.revision, &stored.sealed)?;
        Ok(Self { sealer, store_record: record.sealed, identity })
    }

    /// What seals the records.
    #[must_use]
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The content of the identity record.
    #[must_use]
    pub fn identity(&self) -> &[u8] {
        self.identity.expose()
    }

    /// The version of the identity record, which says of what protocol it is.
    #[must_use]
    pub fn version(&self) -> Option<u8> {
        self.identity.expose().first().copied()
    }

    /// The records, of which no other is known yet.
    #[must_use]
    pub fn into_vault<P: Protocol>(self) -> Vault<P> {
        Vault::new((self.sealer, self.store_record))
    }
}
