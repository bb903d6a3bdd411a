// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a session stands in the store (docs/formats.md, "Session").

use e2ee_state::{StoreError, Stored, seal::RecordSealer};

use crate::{
    memory::{Mark, Seen},
    peer::SessionId,
};

/// A session's head as it is stored, and what its protocol knows of its other records.
pub struct Saved<T> {
    /// What names the session.
    pub id: SessionId,
    /// What seals the head, and knows its name.
    pub sealer: RecordSealer,
    /// The head's record; of revision 0 before it is there.
    pub head: Stored,
    /// The other records.
    pub parts: T,
}

impl<T: Default> Saved<T> {
    /// A session that is not in the store yet.
    #[must_use]
    pub fn none(sealer: RecordSealer, id: SessionId) -> Self {
        let head = Stored { revision: 0, sealed: Vec::new() };
        Self { id, sealer, head, parts: T::default() }
    }
}

impl<T> Saved<T> {
    /// The name of the head's record.
    #[must_use]
    pub fn name(&self) -> &str {
        self.sealer.name()
    }

    /// How the head is known again.
    pub fn seen(&self) -> Result<Seen, StoreError> {
        Ok(Seen { revision: self.head.revision, mark: Mark::of(&self.head.sealed)? })
    }
}
