// SPDX-License-Identifier: MIT OR Apache-2.0
//! Envelopes: what an application carries from sender to recipient (docs/formats.md, "Envelope").
//!
//! ```text
//! version 1 | kind 1 | message
//! ```
//!
//! The kinds are those of signal.md §2.4 and, for sealed messages, §14.

use e2ee_wire::Error;

/// The first byte of an envelope.
pub const FORMAT_VERSION: u8 = 1;
/// The most bytes of a plaintext: 16 MiB. Larger contents belong into encrypted files.
pub const MAX_PLAINTEXT_LEN: usize = 16 << 20;
/// The most bytes of an envelope: a padded plaintext with all that can stand around it.
pub const MAX_ENVELOPE_LEN: usize = MAX_PLAINTEXT_LEN + 4_096;

/// What an envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A ratchet message.
    Ratchet,
    /// A prekey message.
    PreKey,
    /// A message whose sender is encrypted too.
    Sealed,
    /// A message to a group.
    Group,
    /// Plaintext content: a decryption error, nothing else.
    Plaintext,
}

impl Kind {
    /// The number of the kind, which travels before the message.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Ratchet => 2,
            Self::PreKey => 3,
            Self::Sealed => 6,
            Self::Group => 7,
            Self::Plaintext => 8,
        }
    }

    /// The kind of this number.
    #[must_use]
    pub const fn of(number: u8) -> Option<Self> {
        match number {
            2 => Some(Self::Ratchet),
            3 => Some(Self::PreKey),
            6 => Some(Self::Sealed),
            7 => Some(Self::Group),
            8 => Some(Self::Plaintext),
            _ => None,
        }
    }
}

/// An envelope around `message`.
#[must_use]
pub fn encode(kind: Kind, message: &[u8]) -> Vec<u8> {
    [&[FORMAT_VERSION, kind.number()][..], message].concat()
}

/// An envelope around `message`, in the message's own buffer.
#[must_use]
pub fn wrap(kind: Kind, mut message: Vec<u8>) -> Vec<u8> {
    message.insert(0, kind.number());
    message.insert(0, FORMAT_VERSION);
    message
}

/// Kind and message of an envelope.
pub fn decode(envelope: &[u8]) -> Result<(Kind, &[u8]), Error> {
    if envelope.len() > MAX_ENVELOPE_LEN {
        return Err(Error::Malformed);
    }
    match envelope {
        [FORMAT_VERSION, number, message @ ..] => {
            Kind::of(*number).map(|kind| (kind, message)).ok_or(Error::Malformed)
        }
        [FORMAT_VERSION] | [] => Err(Error::Malformed),
        _ => Err(Error::UnsupportedVersion),
    }
}
