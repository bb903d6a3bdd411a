// SPDX-License-Identifier: MIT OR Apache-2.0
//! What became of each record of an import, in words for a person (signal.md §8.1;
//! docs/guides/import.md).

use core::fmt;

use crate::DeviceId;

use super::SessionRecord;

/// Every record, in the order of [`super::LibsignalRecords`].
pub type Report = Vec<Row>;

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the record is.
    pub kind: Kind,
    /// Under which key it stood, as text.
    pub name: String,
    /// The device that it belongs to, if it is a peer's.
    pub peer: Option<(String, DeviceId)>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Our identity key pair.
    IdentityKeyPair,
    /// A one-time prekey.
    PreKey,
    /// A signed prekey.
    SignedPreKey,
    /// A Kyber prekey.
    KyberPreKey,
    /// A peer's identity key.
    Identity,
    /// The sessions with a device.
    Session,
    /// The chains of a device for a group.
    SenderKey,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is in the account.
    Imported,
    /// Nothing of it is: it is made anew with the peer.
    Reestablish(Reestablish),
    /// It cannot be used, and nothing of it is in the account.
    Refused(Refusal),
}

/// What is made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reestablish {
    /// Sessions, and whether the current one is under the identity that is pinned.
    Session {
        /// What they were.
        record: SessionRecord,
        /// Whether no other identity is pinned.
        pinned: bool,
    },
    /// Sessions in a record that cannot be read.
    UnreadableSession,
    /// Our own sending chain of a group.
    OwnChain,
}

/// Why a record cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The bytes are no such record.
    NotARecord,
    /// A key in it is of another type or length, or not in its one form.
    InvalidKey,
    /// Its private half does not belong to its public half.
    HalvesDiffer,
    /// Its signature is not that of the identity.
    BadSignature,
    /// It is of another version.
    UnsupportedVersion,
    /// It says another number than the key under which it stood.
    OtherNumber,
    /// There is another record of this name.
    Repeated,
    /// There are more of its kind than an account keeps.
    TooMany,
    /// It holds nothing.
    Empty,
    /// No identity is pinned for the device that it belongs to.
    NoIdentity,
}

impl Kind {
    /// The kind in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::IdentityKeyPair => "identity key pair",
            Self::PreKey => "prekey",
            Self::SignedPreKey => "signed prekey",
            Self::KyberPreKey => "kyber prekey",
            Self::Identity => "identity",
            Self::Session => "session",
            Self::SenderKey => "sender key",
        }
    }
}

impl Outcome {
    /// The outcome in one word.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Reestablish(_) => "re-establish",
            Self::Refused(_) => "refused",
        }
    }

    /// Why, in words; empty for what is imported.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Imported => String::new(),
            Self::Reestablish(what) => what.to_string(),
            Self::Refused(refusal) => refusal.text().to_owned(),
        }
    }
}

impl fmt::Display for Reestablish {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (record, pinned) = match self {
            Self::Session { record, pinned } => (record, pinned),
            Self::UnreadableSession => return formatter.write_str("the record cannot be read"),
            Self::OwnChain => {
                return formatter.write_str("a chain that sends is not copied: invite again");
            }
        };
        match &record.current {
            Some(current) => write!(
                formatter,
                "current of version {}, their registration id {}",
                current.version, current.their_registration_id
            )?,
            None => formatter.write_str("no current one")?,
        }
        let unreadable = record.archived.iter().filter(|session| session.is_none()).count();
        write!(formatter, ", {} archived", record.archived.len())?;
        if unreadable > 0 {
            write!(formatter, " ({unreadable} cannot be read)")?;
        }
        let other = if *pinned { "" } else { ", under another identity than the pinned one" };
        formatter.write_str(other)
    }
}

impl Refusal {
    /// The reason in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotARecord => "the bytes are no such record",
            Self::InvalidKey => "a key in it cannot be used",
            Self::HalvesDiffer => "its private half does not belong to its public half",
            Self::BadSignature => "its signature is not that of the identity",
            Self::UnsupportedVersion => "it is of another version",
            Self::OtherNumber => "it says another number than its name",
            Self::Repeated => "another record has the same name",
            Self::TooMany => "an account keeps no more of this kind",
            Self::Empty => "it holds nothing",
            Self::NoIdentity => "no identity of this device is imported",
        }
    }
}
