// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a process remembers of rows, to find a store that was set back (docs/storage.md, "What
//! vouches for what").
//!
//! A row is remembered by its revision and by its *mark*, since after a fail-over another past may
//! have counted up to the same revision. What a transaction has written itself, and reads again, is
//! remembered only when it is known to be durable: it may be undone with the transaction.

use std::collections::HashMap;

use e2ee_state::StoreError;

/// Bytes of the nonce, which follow the version byte, and of the tag at the end of a sealed row.
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// A sealed row among all that were ever sealed: its random nonce and its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    nonce: [u8; NONCE_LEN],
    tag: [u8; TAG_LEN],
}

impl Mark {
    /// The mark of sealed bytes; [`StoreError::Corruption`] if they are too short to be any.
    pub fn of(sealed: &[u8]) -> Result<Self, StoreError> {
        let nonce = sealed.get(1..).and_then(|rest| rest.first_chunk());
        match (nonce, sealed.last_chunk()) {
            (Some(nonce), Some(tag)) => Ok(Self { nonce: *nonce, tag: *tag }),
            _ => Err(StoreError::Corruption),
        }
    }
}

/// A row at one revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The revision.
    pub revision: u64,
    /// What tells it from others of that revision.
    pub mark: Mark,
}

impl Seen {
    /// Whether `found` may follow what was seen before: later, or the very same.
    fn precedes(self, found: Self) -> Result<(), StoreError> {
        if found.revision > self.revision || found == self {
            Ok(())
        } else {
            Err(StoreError::Rollback)
        }
    }
}

/// The newest durable rows that this process has seen, of those whose revisions only grow.
#[derive(Debug, Default)]
pub struct Memory {
    rows: HashMap<String, Seen>,
    /// Rows that steps of ours hold, which are not known to be durable.
    drafted: HashMap<String, Seen>,
}

/// The rows of a step: `None` for one that is deleted.
pub type Rows = Vec<(String, Option<Seen>)>;

impl Memory {
    /// Takes note of a row that was read: [`StoreError::Rollback`] if it is older than what was
    /// seen, or of another past.
    pub fn see(&mut self, name: &str, found: Seen) -> Result<(), StoreError> {
        match self.rows.get_mut(name) {
            Some(seen) => {
                seen.precedes(found)?;
                if self.drafted.get(name) != Some(&found) {
                    *seen = found;
                }
            }
            None if self.drafted.get(name) != Some(&found) => {
                self.rows.insert(name.to_owned(), found);
            }
            None => {}
        }
        Ok(())
    }

    /// [`StoreError::Rollback`] if a row is older than what was seen, or of another past; nothing is
    /// noted.
    pub fn check(&self, name: &str, found: Seen) -> Result<(), StoreError> {
        self.rows.get(name).map_or(Ok(()), |seen| seen.precedes(found))
    }

    /// Takes note of what a step holds, which the transaction that it is made in may read again.
    pub fn draft(&mut self, rows: &Rows) {
        for (name, row) in rows {
            if let Some(row) = row {
                self.drafted.insert(name.clone(), *row);
            }
        }
    }

    /// Whether this is what a step of ours holds, which is not known to be durable.
    #[must_use]
    pub fn is_drafted(&self, name: &str, found: Seen) -> bool {
        self.drafted.get(name) == Some(&found)
    }

    /// Takes note that the transaction of a step has ended: its rows are durable, or gone.
    pub fn end(&mut self, rows: &Rows) {
        for (name, row) in rows {
            if self.drafted.get(name) == row.as_ref() {
                self.drafted.remove(name);
            }
        }
    }

    /// Takes note that a step is durable.
    pub fn commit(&mut self, rows: Rows) {
        for (name, row) in rows {
            let Some(row) = row else {
                // A peer may choose the same base key again; that session's revisions begin anew.
                self.rows.remove(&name);
                self.drafted.remove(&name);
                continue;
            };
            if self.drafted.get(&name) == Some(&row) {
                self.drafted.remove(&name);
            }
            let seen = self.rows.entry(name).or_insert(row);
            if seen.revision < row.revision {
                *seen = row;
            }
        }
    }

    /// Forgets the rows that `kept` does not name.
    pub fn retain(&mut self, kept: impl Fn(&str) -> bool) {
        self.rows.retain(|name, _| kept(name));
    }
}
