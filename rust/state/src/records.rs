// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the core asks of a store while it works: reading, inside the caller's transaction
//! (docs/storage.md, "Stores").

use crate::{Anchor, StoreError, Timeline};

/// A record as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The revision that compare-and-set goes by, at least 1.
    pub revision: u64,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
}

/// A store's transaction, open for reading; writes follow as a [`crate::Step`].
pub trait Records {
    /// The record under `name`, if there is one.
    fn get(&mut self, name: &str) -> Result<Option<Stored>, StoreError>;

    /// Names and revisions of all records whose names begin with `prefix`, in the order of names.
    fn list(&mut self, prefix: &str) -> Result<Vec<(String, u64)>, StoreError>;

    /// The store's anchor, if it was given one.
    fn anchor(&mut self) -> Option<&mut dyn Anchor> {
        None
    }

    /// The timeline that the store's server writes on; `None` if it has no server, or does not know.
    fn timeline(&mut self) -> Result<Option<Timeline>, StoreError> {
        Ok(None)
    }

    /// Whether this transaction, which may hold several steps, has written the record itself, so
    /// that it is not durable yet; `None` if that is not known, because the transaction is part of
    /// another one.
    fn wrote(&mut self, _name: &str) -> Result<Option<bool>, StoreError> {
        Ok(None)
    }
}
