// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with a store: one variant per thing that a caller can do about it
//! (docs/storage.md, "Errors").

use e2ee_wire::Error;

/// Why a store refused, or was refused; nothing has been released when one is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The key or the passphrase is not the one that the store was made with.
    WrongKey,
    /// Somebody gave the store another key since it was opened: open it again, with that one.
    KeyChanged,
    /// Another process changed the same record: load again and repeat.
    Conflict,
    /// A record is damaged, missing, or was put in the place of another one: make a new account.
    Corruption,
    /// The store is older than what this process has seen: another copy of it was put back.
    Rollback,
    /// The store is not the one that its anchor knows: it was put back, or runs twice. Heal it.
    OffAnchor,
    /// The same, and the store's server writes on another timeline than the one that the anchor
    /// knows: after a fail-over, it is the one that was behind, or the one from before.
    FailedOver {
        /// The timeline that the anchor was told from last.
        anchor: u32,
        /// The one that the server writes on.
        server: u32,
    },
    /// The store has an anchor, and was opened without it: give it.
    NoAnchor,
    /// The anchor is another store's, or holds something else: give this store's own.
    WrongAnchor,
    /// Whether the step counts is not known: nothing may leave; repeat the call.
    OutcomeUnknown,
    /// The store already holds an account: open it.
    AlreadyExists,
    /// The store holds no account: create one.
    Missing,
    /// The store itself failed; the binding knows why.
    Backend,
}

impl core::fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::WrongKey => "the key does not open this store",
            Self::KeyChanged => "the store's key was changed: open it again",
            Self::Conflict => "another process changed the record",
            Self::Corruption => "a record is damaged, missing or not the one that was stored",
            Self::Rollback => "the store is older than what this process has seen",
            Self::OffAnchor => {
                "the store was put back or runs twice, its anchor says: heal the one that goes on"
            }
            Self::FailedOver { anchor, server } if server < anchor => {
                "the database is the one from before a fail-over: connect to the one that took over"
            }
            Self::FailedOver { .. } => {
                "the database failed over to a server that lacks what was sent: heal, or go back"
            }
            Self::NoAnchor => "the store has an anchor, which was not given",
            Self::WrongAnchor => "the anchor is not that of this store",
            Self::OutcomeUnknown => "the anchor did not take the step: nothing has left",
            Self::AlreadyExists => "the store already holds an account",
            Self::Missing => "the store holds no account",
            Self::Backend => "the store failed",
        })
    }
}

impl core::error::Error for StoreError {}

/// Either kind of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The protocol refused.
    Protocol(Error),
    /// The store refused.
    Store(StoreError),
}

impl From<Error> for Failure {
    /// A state that does not decode after its seal opened is damage like any other.
    fn from(error: Error) -> Self {
        match error {
            Error::CorruptState => Self::Store(StoreError::Corruption),
            error => Self::Protocol(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
