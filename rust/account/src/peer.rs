// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is kept of a peer: the identity that is trusted, and which sessions there are
//! (docs/formats.md, "Peer").

use e2ee_primitives::secret::SecretBytes;
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::{draft, protocol::Identity};

/// Why an identity key is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It was the first one seen, or the application accepted it.
    FirstUse,
    /// A person compared the safety number.
    Verified,
}

/// What names a session among those with its peer.
pub type SessionId = [u8; 32];

/// A peer's record; nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer<I> {
    /// The identity that is trusted.
    pub identity: I,
    /// Why it is.
    pub trust: Trust,
    /// The session that sends.
    pub current: Option<SessionId>,
    /// Sessions that only receive, newest first.
    pub archived: Vec<SessionId>,
}

impl<I: Identity> Peer<I> {
    /// A peer without sessions, whose identity is the first one seen.
    pub const fn first_seen(identity: I) -> Self {
        Self { identity, trust: Trust::FirstUse, current: None, archived: Vec::new() }
    }

    /// The content of the record.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        draft::encoded(|out| {
            out.push(I::VERSION);
            self.identity.encode(out);
            out.push(match self.trust {
                Trust::FirstUse => 1,
                Trust::Verified => 2,
            });
            write_length(out, usize::from(self.current.is_some()));
            if let Some(current) = &self.current {
                out.extend_from_slice(current);
            }
            write_length(out, self.archived.len());
            for id in &self.archived {
                out.extend_from_slice(id);
            }
        })
    }

    /// Reads it back, with at most so many sessions that only receive.
    pub fn decode(bytes: &[u8], max_archived: usize) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        let version = reader.u8()?;
        if !(1..=I::VERSION).contains(&version) {
            return Err(Error::CorruptState);
        }
        let identity = I::decode(version, &mut reader)?;
        let trust = match reader.u8()? {
            1 => Trust::FirstUse,
            2 => Trust::Verified,
            _ => return Err(Error::CorruptState),
        };
        let current = match reader.length(1)? {
            0 => None,
            _ => Some(*reader.array()?),
        };
        let mut archived = Vec::new();
        for _ in 0..reader.length(max_archived)? {
            archived.push(*reader.array()?);
        }
        reader.finish()?;
        Ok(Self { identity, trust, current, archived })
    }
}
