// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a body holds: a message with its layer and its numbers, and of the message what the
//! protocol itself has to know (mtproto_secret_chats.md §3).

use core::fmt;

use e2ee_primitives::{Random, SecretBytes};
use e2ee_wire::{
    Error,
    tl::{self, TlReader},
};

use crate::action::Action;

/// The random bytes that we write before a message, as `TDLib` does.
const RANDOM_LEN: usize = 31;
/// The fewest random bytes that we take.
const MIN_RANDOM_LEN: usize = 15;

/// `decryptedMessageLayer`: a message with the layer of its sender and its numbers (§3, §5).
pub struct Layered<'a> {
    /// The layer that the sender speaks.
    pub layer: i32,
    /// The number of messages that the sender had received, twice, and the bit of its role.
    pub in_seq_no: u32,
    /// The number of messages that the sender had sent, twice, and the bit of its role.
    pub out_seq_no: u32,
    /// A boxed `DecryptedMessage`, whole.
    pub message: &'a [u8],
}

impl<'a> Layered<'a> {
    const ID: u32 = 0x1be3_1789;

    /// What a body holds.
    ///
    /// [`Error::Malformed`] for another constructor, fewer than 15 random bytes, or a number below
    /// zero. Of the message nothing is read.
    pub fn decode(body: &'a [u8]) -> Result<Self, Error> {
        let mut reader = TlReader::new(body);
        if reader.id()? != Self::ID || reader.bytes()?.len() < MIN_RANDOM_LEN {
            return Err(Error::Malformed);
        }
        Ok(Self {
            layer: reader.int()?,
            in_seq_no: unsigned(reader.int()?)?,
            out_seq_no: unsigned(reader.int()?)?,
            message: reader.rest(),
        })
    }

    /// The body, with 31 fresh random bytes.
    ///
    /// [`Error::InvalidArgument`] for numbers from 2³¹ on.
    pub fn encode(&self, random: &mut dyn Random) -> Result<SecretBytes, Error> {
        let mut bytes = [0; RANDOM_LEN];
        random.fill(&mut bytes)?;
        self.encode_behind(&bytes)
    }

    /// The body with these random bytes, at least 15; [`Self::encode`] draws them.
    ///
    /// [`Error::InvalidArgument`] for fewer or for 2²⁴ and more, and for numbers from 2³¹ on.
    pub fn encode_behind(&self, random_bytes: &[u8]) -> Result<SecretBytes, Error> {
        let (in_seq_no, out_seq_no) = (signed(self.in_seq_no)?, signed(self.out_seq_no)?);
        if random_bytes.len() < MIN_RANDOM_LEN {
            return Err(Error::InvalidArgument);
        }
        let random_len = tl::bytes_len(random_bytes.len()).ok_or(Error::InvalidArgument)?;
        // Never more than it has room for: what moves leaves a copy of the message behind.
        let mut body = Vec::with_capacity(4 + random_len + 3 * 4 + self.message.len());
        tl::write_id(&mut body, Self::ID);
        tl::write_bytes(&mut body, random_bytes)?;
        tl::write_int(&mut body, self.layer);
        tl::write_int(&mut body, in_seq_no);
        tl::write_int(&mut body, out_seq_no);
        body.extend_from_slice(self.message);
        Ok(SecretBytes::new(body))
    }
}

impl fmt::Debug for Layered<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Layered")
            .field("layer", &self.layer)
            .field("in_seq_no", &self.in_seq_no)
            .field("out_seq_no", &self.out_seq_no)
            .finish_non_exhaustive()
    }
}

/// A `DecryptedMessage`, as far as the protocol itself has to know it (§3).
#[derive(Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// `decryptedMessageService`, of layer 17 and later or of layer 8.
    Service {
        /// What the sender calls the message.
        random_id: i64,
        /// What it says.
        action: Action<'a>,
    },
    /// `decryptedMessage` of layer 73, 46, 23 or 8, whose fields are the application's.
    Content {
        /// What the sender calls the message.
        random_id: i64,
    },
    /// Any other constructor.
    Unknown,
}

impl<'a> Message<'a> {
    pub(crate) const CONTENT: u32 = 0x91cc_4674;
    pub(crate) const CONTENT_46: u32 = 0x36b0_91de;
    const CONTENT_23: u32 = 0x204d_3878;
    const CONTENT_8: u32 = 0x1f81_4f1f;
    pub(crate) const SERVICE: u32 = 0x7316_4160;
    const SERVICE_8: u32 = 0xaa48_327d;

    /// What a message is.
    ///
    /// [`Error::Malformed`] for one that ends early, and for bytes behind an action that is known.
    pub fn decode(message: &'a [u8]) -> Result<Self, Error> {
        let mut reader = TlReader::new(message);
        match reader.id()? {
            Self::SERVICE => {
                let random_id = reader.long()?;
                Ok(Self::Service { random_id, action: Action::decode(reader.rest())? })
            }
            Self::SERVICE_8 => {
                let random_id = reader.long()?;
                reader.bytes()?;
                Ok(Self::Service { random_id, action: Action::decode(reader.rest())? })
            }
            Self::CONTENT | Self::CONTENT_46 => {
                reader.id()?; // flags
                Ok(Self::Content { random_id: reader.long()? })
            }
            Self::CONTENT_23 | Self::CONTENT_8 => Ok(Self::Content { random_id: reader.long()? }),
            _ => Ok(Self::Unknown),
        }
    }
}

/// A number that an `int` carries and that is never below zero.
pub(crate) fn unsigned(number: i32) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::Malformed)
}

/// An `int` for a number.
pub(crate) fn signed(number: u32) -> Result<i32, Error> {
    i32::try_from(number).map_err(|_| Error::InvalidArgument)
}

#[cfg(test)]
mod tests;
