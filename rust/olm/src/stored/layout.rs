// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the records of an account hang together (docs/storage.md, "What vouches for what"): the root
//! record vouches for peers, and heads of sessions for the revisions of their parts.

use e2ee_account::{Content, Device, Protocol, names};
use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes},
};

use crate::{dialect::Olm, record::Revisions, session::Session};

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

/// What a message is that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The application's, to this device alone.
    Direct,
}

impl Content for Message {
    const DIRECT: Self = Self::Direct;

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Direct => out.push(1),
        }
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        match reader.u8()? {
            1 => Ok(Self::Direct),
            _ => Err(Error::CorruptState),
        }
    }
}

impl Protocol for Olm {
    type Device = DeviceId;
    type Content = Message;
    type Identity = x25519::PublicKey;
    type Parties = ();
    type Session = Session;

    const MEMBERS: &'static [&'static str] = &[names::PEER_PREFIX];

    fn member_of(_: &str) -> Option<String> {
        None
    }

    fn advanced(name: &str, content: &SecretBytes) -> Result<Option<SecretBytes>, Error> {
        if names::is_session_head(name) {
            Revisions::advanced(content.expose()).map(Some)
        } else {
            Ok(None)
        }
    }
}
