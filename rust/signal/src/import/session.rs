// SPDX-License-Identifier: MIT OR Apache-2.0
//! Session records, as far as a report needs them (signal.md §8.1, "record" and "session").

use e2ee_primitives::x25519;
use e2ee_wire::{Error, protobuf::Fields};

use crate::keys::decode_ec;

/// The version of a session that does not say one.
const UNSAID_VERSION: u32 = 2;

/// What the record of one device holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// The session that sends.
    pub current: Option<SessionState>,
    /// The archived ones, newest first; `None` for one that cannot be read.
    pub archived: Vec<Option<SessionState>>,
}

/// What a session says of itself; its secrets are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// The protocol version.
    pub version: u32,
    /// The identity of the other side, if it is known yet.
    pub their_identity: Option<x25519::PublicKey>,
    /// The registration id of the other side.
    pub their_registration_id: u32,
}

impl SessionRecord {
    /// Reads {1: session, 2: repeated encoded session}; [`Error::Malformed`] if the record itself
    /// or its current session is none.
    pub fn read(record: &[u8]) -> Result<Self, Error> {
        let mut read = Self { current: None, archived: Vec::new() };
        let mut fields = Fields::new(record);
        while let Some((number, value)) = fields.next_field()? {
            match number {
                1 => read.current = Some(SessionState::read(value.bytes()?)?),
                2 => read.archived.push(SessionState::read(value.bytes()?).ok()),
                _ => {}
            }
        }
        Ok(read)
    }

    /// Whether there is any session in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.current.is_none() && self.archived.is_empty()
    }
}

impl SessionState {
    fn read(session: &[u8]) -> Result<Self, Error> {
        let (mut version, mut identity, mut their_registration_id) = (0, None, 0);
        let mut fields = Fields::new(session);
        while let Some((number, value)) = fields.next_field()? {
            match number {
                1 => version = value.u32()?,
                3 => identity = Some(value.bytes()?),
                10 => their_registration_id = value.u32()?,
                _ => {}
            }
        }
        let version = if version == 0 { UNSAID_VERSION } else { version };
        let their_identity = identity.map(decode_ec).transpose().map_err(|_| Error::Malformed)?;
        Ok(Self { version, their_identity, their_registration_id })
    }
}
