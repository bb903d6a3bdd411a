// SPDX-License-Identifier: MIT OR Apache-2.0
//! Steps of a state that its owner stores itself (docs/storage.md, "Without a store").

use e2ee_primitives::secret::SecretBytes;
use e2ee_wire::Error;

/// A record that a step writes: its name, its revisions and its sealed bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Saved {
    /// One of the names of its owner's records.
    pub name: &'static str,
    /// The revision that the record had, 0 if there was none: a store must still find it.
    pub base: u64,
    /// Above the base.
    pub revision: u64,
    /// What stands under it.
    pub sealed: Vec<u8>,
}

/// What opening many messages as one step writes, and for each the plaintext or why there is none.
pub type Backlog = (Vec<Saved>, Vec<Result<SecretBytes, Error>>);

/// Where what is stored stands against what memory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// They agree: the next step may begin.
    Ready,
    /// A step is open.
    Open,
    /// Memory is ahead for good: load the state again.
    Stale,
}

impl Stage {
    /// [`Error::Stale`] unless a step may begin.
    pub fn ready(self) -> Result<(), Error> {
        if self == Self::Ready { Ok(()) } else { Err(Error::Stale) }
    }

    /// Ends the open step: what it writes is durable.
    pub fn release(&mut self) {
        if *self == Self::Open {
            *self = Self::Ready;
        }
    }

    /// Gives the open step up: what memory holds is ahead of what is stored.
    pub fn abandon(&mut self) {
        if *self == Self::Open {
            *self = Self::Stale;
        }
    }
}
