// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a message is that was opened (docs/formats.md, "Inbox").

use e2ee_wire::{Error, record::RecordReader};

/// A group's UUID.
pub type GroupId = [u8; 16];

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The application's, to this device alone.
    Direct,
    /// The application's, to a group.
    Group(GroupId),
    /// The sender's key for its messages to a group, already kept; there is no plaintext.
    Invitation(GroupId),
    /// The sender could not open what was sent to it at this time, in milliseconds since the Unix
    /// epoch; there is no plaintext.
    Resend {
        /// The time, as the sender of the message gave it to its carrier.
        sent_ms: u64,
    },
}

impl e2ee_account::Content for Content {
    const DIRECT: Self = Self::Direct;

    fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Direct => out.push(1),
            Self::Group(id) => {
                out.push(2);
                out.extend_from_slice(&id);
            }
            Self::Invitation(id) => {
                out.push(3);
                out.extend_from_slice(&id);
            }
            Self::Resend { sent_ms } => {
                out.push(4);
                out.extend_from_slice(&sent_ms.to_be_bytes());
            }
        }
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        match reader.u8()? {
            1 => Ok(Self::Direct),
            2 => Ok(Self::Group(*reader.array()?)),
            3 => Ok(Self::Invitation(*reader.array()?)),
            4 => Ok(Self::Resend { sent_ms: reader.u64()? }),
            _ => Err(Error::CorruptState),
        }
    }
}
