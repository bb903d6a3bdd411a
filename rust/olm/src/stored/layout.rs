// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the records of an account hang together (docs/storage.md, "What vouches for what"): the root
//! record vouches for peers, rooms and room keys, and heads of sessions for the revisions of their
//! parts.

use e2ee_account::{Content, Device, Protocol, names};
use e2ee_primitives::secret::SecretBytes;
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes},
};

use crate::{dialect::Olm, record::Revisions, session::Session};

use super::{
    device_keys::DeviceKeys,
    rooms::names::{self as room_names, ROOM_KEY_PREFIX, ROOM_PREFIX},
};

/// The id of a device, as its server knows it: at most 255 bytes, without `/` and control
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(String);

impl DeviceId {
    /// [`Error::InvalidArgument`] if `id` is empty, too long, or holds what it must not.
    pub fn new(id: &str) -> Result<Self, Error> {
        names::check_user(id)?;
        if id.contains('/') { Err(Error::InvalidArgument) } else { Ok(Self(id.to_owned())) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Device for DeviceId {
    const MAX_NAME_LEN: usize = names::MAX_NAME_LEN;

    fn push_name(&self, text: &mut String) {
        text.push_str(&self.0);
    }

    fn of_name(name: &str) -> Result<Self, Error> {
        Self::new(name).map_err(|_| Error::CorruptState)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        write_bytes(out, self.0.as_bytes());
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let id = core::str::from_utf8(reader.bytes()?).map_err(|_| Error::CorruptState)?;
        Self::of_name(id)
    }
}

/// The id of a room: 1 to 255 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoomId(String);

impl RoomId {
    /// [`Error::InvalidArgument`] if `id` is empty, too long, or holds what it must not.
    pub fn new(id: &str) -> Result<Self, Error> {
        names::check_user(id)?;
        Ok(Self(id.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        write_bytes(out, self.0.as_bytes());
    }

    pub(super) fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let id = core::str::from_utf8(reader.bytes()?).map_err(|_| Error::CorruptState)?;
        Self::new(id).map_err(|_| Error::CorruptState)
    }
}

/// What a message is that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The application's, to this device alone.
    Direct,
    /// The application's, to a room.
    Room(RoomId),
    /// The sender's key for its messages to a room, already kept; there is no plaintext.
    Invitation(RoomId),
    /// The application's, to a room, under a key that was imported: nothing says who has written it.
    Forwarded(RoomId),
}

impl Content for Message {
    const DIRECT: Self = Self::Direct;

    fn encode(&self, out: &mut Vec<u8>) {
        let (tag, room) = match self {
            Self::Direct => return out.push(1),
            Self::Room(room) => (2, room),
            Self::Invitation(room) => (3, room),
            Self::Forwarded(room) => (4, room),
        };
        out.push(tag);
        room.encode(out);
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        match reader.u8()? {
            1 => Ok(Self::Direct),
            2 => Ok(Self::Room(RoomId::decode(reader)?)),
            3 => Ok(Self::Invitation(RoomId::decode(reader)?)),
            4 => Ok(Self::Forwarded(RoomId::decode(reader)?)),
            _ => Err(Error::CorruptState),
        }
    }
}

impl Protocol for Olm {
    type Device = DeviceId;
    type Content = Message;
    type Identity = DeviceKeys;
    type Parties = ();
    type Session = Session;

    const MEMBERS: &'static [&'static str] = &[names::PEER_PREFIX, ROOM_PREFIX, ROOM_KEY_PREFIX];

    fn member_of(name: &str) -> Option<String> {
        room_names::member_of(name)
    }

    fn advanced(name: &str, content: &SecretBytes) -> Result<Option<SecretBytes>, Error> {
        if names::is_session_head(name) {
            Revisions::advanced(content.expose()).map(Some)
        } else {
            Ok(None)
        }
    }
}
