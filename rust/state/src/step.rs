// SPDX-License-Identifier: MIT OR Apache-2.0
//! A step: what must be saved before its result may leave (docs/storage.md, "Steps").

/// One change to one record.
#[derive(Debug, PartialEq, Eq)]
pub struct Write {
    /// The record.
    pub name: String,
    /// The revision that the store must find, 0 if the record must not exist.
    pub base: u64,
    /// What becomes of it.
    pub change: Change,
}

/// What becomes of a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// These bytes, under this revision.
    Put {
        /// The new revision, above the base.
        revision: u64,
        /// The sealed bytes.
        sealed: Vec<u8>,
    },
    /// The record goes.
    Delete,
}

/// Changes that belong together, and what may leave once all of them are durable.
#[derive(Debug)]
pub struct Step<T> {
    /// What the store must write, in one transaction.
    pub writes: Vec<Write>,
    /// What may leave then.
    pub result: T,
}
