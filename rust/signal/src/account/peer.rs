// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is kept of a peer: the identity key that is trusted, and which sessions there are
//! (signal.md §8, "Identity trust"; docs/formats.md, "Peer").

use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::limits::MAX_ARCHIVED_SESSIONS;

use super::draft;

const FORMAT_VERSION: u8 = 1;

/// Why an identity key is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It was the first one seen, or the application accepted it.
    FirstUse,
    /// A person compared the safety number.
    Verified,
}

/// A peer's record; nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) identity_key: x25519::PublicKey,
    pub(super) trust: Trust,
    /// The base key of the session that sends.
    pub(super) current: Option<x25519::PublicKey>,
    /// The base keys of sessions that only receive, newest first.
    pub(super) archived: Vec<x25519::PublicKey>,
}

impl Peer {
    pub(super) const fn first_seen(identity_key: x25519::PublicKey) -> Self {
        Self { identity_key, trust: Trust::FirstUse, current: None, archived: Vec::new() }
    }

    pub(super) fn encode(&self) -> SecretBytes {
        draft::encoded(|out| {
            out.push(FORMAT_VERSION);
            out.extend_from_slice(self.identity_key.as_bytes());
            out.push(match self.trust {
                Trust::FirstUse => 1,
                Trust::Verified => 2,
            });
            write_length(out, usize::from(self.current.is_some()));
            if let Some(current) = &self.current {
                out.extend_from_slice(current.as_bytes());
            }
            write_length(out, self.archived.len());
            for base_key in &self.archived {
                out.extend_from_slice(base_key.as_bytes());
            }
        })
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let identity_key = x25519::PublicKey::new(*reader.array()?);
        let trust = match reader.u8()? {
            1 => Trust::FirstUse,
            2 => Trust::Verified,
            _ => return Err(Error::CorruptState),
        };
        let current = match reader.length(1)? {
            0 => None,
            _ => Some(x25519::PublicKey::new(*reader.array()?)),
        };
        let mut archived = Vec::new();
        for _ in 0..reader.length(MAX_ARCHIVED_SESSIONS)? {
            archived.push(x25519::PublicKey::new(*reader.array()?));
        }
        reader.finish()?;
        Ok(Self { identity_key, trust, current, archived })
    }
}
