// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the core asks of a store while it works: reading, inside the caller's transaction
//! (docs/storage.md, "Stores").

use crate::StoreError;

/// A record as a store keeps it.
#[derive(Debug, PartialEq, Eq)]
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
}
