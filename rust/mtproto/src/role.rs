// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who of the two created a chat, and what follows from it for a message
//! (mtproto_secret_chats.md §2 and §5).

use e2ee_wire::Error;

/// The one who created a chat, or the one who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Created the chat.
    Originator,
    /// Was asked.
    Responder,
}

impl Role {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Originator => Self::Responder,
            Self::Responder => Self::Originator,
        }
    }

    /// The lowest bit of `in_seq_no` in messages of this sender (§5).
    #[must_use]
    pub const fn in_bit(self) -> u32 {
        match self {
            Self::Originator => 0,
            Self::Responder => 1,
        }
    }

    /// The lowest bit of `out_seq_no` in messages of this sender (§5).
    #[must_use]
    pub const fn out_bit(self) -> u32 {
        match self {
            Self::Originator => 1,
            Self::Responder => 0,
        }
    }

    /// How records write it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Originator => 1,
            Self::Responder => 2,
        }
    }

    /// Reads it back.
    pub const fn of_code(code: u8) -> Result<Self, Error> {
        match code {
            1 => Ok(Self::Originator),
            2 => Ok(Self::Responder),
            _ => Err(Error::CorruptState),
        }
    }
}
