// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is sealed: a message of one of four kinds, with the certificate of its sender
//! (signal.md §10.2).

use e2ee_primitives::secret::SecretBytes;
use e2ee_wire::{Error, protobuf};

use crate::{envelope, prekey_message::PreKeyMessage};

use super::certificate::SenderCertificate;

/// The kind of the message inside; the numbers are sealed sender's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentKind {
    /// A prekey message (1).
    PreKey,
    /// A ratchet message (2).
    Ratchet,
    /// A group message (7).
    Group,
    /// Content that is not encrypted again, a decryption-error message for instance (8).
    Plaintext,
}

impl ContentKind {
    /// The kind under which the message travels by itself.
    #[must_use]
    pub const fn envelope(self) -> envelope::Kind {
        match self {
            Self::PreKey => envelope::Kind::PreKey,
            Self::Ratchet => envelope::Kind::Ratchet,
            Self::Group => envelope::Kind::Group,
            Self::Plaintext => envelope::Kind::Plaintext,
        }
    }

    /// The kind of a message that travels by itself; none if it is sealed already.
    #[must_use]
    pub const fn of_envelope(kind: envelope::Kind) -> Option<Self> {
        match kind {
            envelope::Kind::PreKey => Some(Self::PreKey),
            envelope::Kind::Ratchet => Some(Self::Ratchet),
            envelope::Kind::Group => Some(Self::Group),
            envelope::Kind::Plaintext => Some(Self::Plaintext),
            envelope::Kind::Sealed => None,
        }
    }

    const fn number(self) -> u32 {
        match self {
            Self::PreKey => 1,
            Self::Ratchet => 2,
            Self::Group => 7,
            Self::Plaintext => 8,
        }
    }

    const fn of(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::PreKey),
            2 => Some(Self::Ratchet),
            7 => Some(Self::Group),
            8 => Some(Self::Plaintext),
            _ => None,
        }
    }
}

/// What the recipient may do if the message inside does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Show an error at once.
    Default,
    /// The sender can send it again.
    Resendable,
    /// Show nothing.
    Implicit,
    /// A meaning that is not known here.
    Other(u32),
}

impl Hint {
    /// The hint of this number; 0 stands for the default.
    #[must_use]
    pub const fn of(number: u32) -> Self {
        match number {
            0 => Self::Default,
            1 => Self::Resendable,
            2 => Self::Implicit,
            other => Self::Other(other),
        }
    }

    /// The number as it travels.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Default => 0,
            Self::Resendable => 1,
            Self::Implicit => 2,
            Self::Other(other) => other,
        }
    }
}

/// A content message.
#[derive(Debug)]
pub struct Content {
    /// The kind of `message`.
    pub kind: ContentKind,
    /// The sender, as a server certifies it; to be validated by whoever opens the message.
    pub certificate: SenderCertificate,
    /// The message inside.
    pub message: Vec<u8>,
    /// What to do if it does not open.
    pub hint: Hint,
    /// The group that it belongs to, empty if it belongs to none.
    pub group_id: Vec<u8>,
}

impl Content {
    /// The bytes to seal.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        let certificate = self.certificate.encode();
        let parts = [certificate.len(), self.message.len(), self.group_id.len(), HEADERS_LEN];
        let capacity = parts.into_iter().fold(0, usize::saturating_add);
        let mut out = Vec::with_capacity(capacity);
        protobuf::write_varint(&mut out, 1, u64::from(self.kind.number()));
        protobuf::write_bytes(&mut out, 2, &certificate);
        protobuf::write_bytes(&mut out, 3, &self.message);
        if self.hint.number() != 0 {
            protobuf::write_varint(&mut out, 4, u64::from(self.hint.number()));
        }
        if !self.group_id.is_empty() {
            protobuf::write_bytes(&mut out, 5, &self.group_id);
        }
        SecretBytes::new(out)
    }

    /// A prekey message says itself whose it is: [`Error::Forged`] unless the certificate says the
    /// same, and the errors of a message that is none.
    pub fn check_inner_identity(&self) -> Result<(), Error> {
        if self.kind != ContentKind::PreKey {
            return Ok(());
        }
        let inner = PreKeyMessage::decode(&self.message)?;
        let same = inner.outer.identity_key == *self.certificate.identity_key();
        if same { Ok(()) } else { Err(Error::Forged) }
    }

    /// Reads [`Content::encode`]; unknown fields are skipped, since the seal covers them.
    ///
    /// Unlike the reference client, a known field that stands twice is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let [kind, certificate, message, hint, group_id] = protobuf::singular(bytes)?;
        let kind = ContentKind::of(kind.ok_or(Error::Malformed)?.u32()?);
        let certificate = certificate.ok_or(Error::Malformed)?.bytes()?;
        let group_id = group_id.map_or(Ok(&[][..]), protobuf::Value::bytes)?;
        Ok(Self {
            kind: kind.ok_or(Error::Malformed)?,
            certificate: SenderCertificate::decode(certificate)?,
            message: message.ok_or(Error::Malformed)?.bytes()?.to_vec(),
            hint: Hint::of(hint.map_or(Ok(0), protobuf::Value::u32)?),
            group_id: group_id.to_vec(),
        })
    }
}

/// What tags, lengths and numbers take at most.
const HEADERS_LEN: usize = 64;
