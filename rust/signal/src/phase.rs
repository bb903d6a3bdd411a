// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far the start of a session has come, and whether it still sends (signal.md §5 and §8).
//!
//! ```text
//!   initiate ──► Unacknowledged ──first message opened, or archived──► Established
//!   accept   ──────────────────────────────────────────────────────────────┤
//!                                     the store was set back: opens only   ▼
//!                                                                       Retired
//! ```

use e2ee_primitives::kyber1024;
use e2ee_wire::{Error, record::RecordReader};

/// How far the start of a session has come.
#[derive(Debug)]
pub(crate) enum Phase {
    /// We initiated and have heard nothing: each message carries the start again.
    Unacknowledged(Pending),
    /// It sends and opens.
    Established(Origin),
    /// It opens and never sends again: its keys may have been used in a past that the store has
    /// forgotten.
    Retired(Origin),
}

/// Who started a session whose start needs not be sent any more.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// We did, and the peer has answered, or the session was archived.
    Initiated,
    /// The peer did; its prekey messages must all repeat the same outer fields.
    Accepted { outer_digest: [u8; 32] },
}

/// What a prekey message repeats.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) one_time_id: Option<u32>,
    pub(crate) signed_id: u32,
    pub(crate) kyber_id: u32,
    pub(crate) kyber_ciphertext: Box<[u8; kyber1024::CIPHERTEXT_LEN]>,
    /// Seconds since the Unix epoch.
    pub(crate) created: u64,
}

impl Phase {
    /// Appends the stored form, all but the Kyber ciphertext of a pending start.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Unacknowledged(pending) => {
                out.push(UNACKNOWLEDGED);
                out.push(u8::from(pending.one_time_id.is_some()));
                out.extend_from_slice(&pending.one_time_id.unwrap_or(0).to_be_bytes());
                out.extend_from_slice(&pending.signed_id.to_be_bytes());
                out.extend_from_slice(&pending.kyber_id.to_be_bytes());
                out.extend_from_slice(&pending.created.to_be_bytes());
            }
            Self::Established(origin) => origin.encode([INITIATED, ACCEPTED], out),
            Self::Retired(origin) => origin.encode([RETIRED_INITIATED, RETIRED_ACCEPTED], out),
        }
    }

    /// Bytes of that.
    pub(crate) const fn head_len(&self) -> usize {
        match self {
            Self::Unacknowledged(_) => 1 + 1 + 4 + 4 + 4 + 8,
            Self::Established(Origin::Initiated) | Self::Retired(Origin::Initiated) => 1,
            Self::Established(Origin::Accepted { .. }) | Self::Retired(Origin::Accepted { .. }) => {
                1 + 32
            }
        }
    }

    /// Reads it back; the Kyber ciphertext of a pending start from `objects`, or if there is none
    /// from what follows.
    pub(crate) fn decode(
        head: &mut RecordReader<'_>,
        objects: Option<&mut RecordReader<'_>>,
    ) -> Result<Self, Error> {
        match head.u8()? {
            UNACKNOWLEDGED => {
                let one_time_id = match (head.u8()?, head.u32()?) {
                    (0, 0) => None,
                    (1, id) => Some(id),
                    _ => return Err(Error::CorruptState),
                };
                Ok(Self::Unacknowledged(Pending {
                    one_time_id,
                    signed_id: head.u32()?,
                    kyber_id: head.u32()?,
                    created: head.u64()?,
                    kyber_ciphertext: Box::new(match objects {
                        Some(objects) => *objects.array()?,
                        None => *head.array()?,
                    }),
                }))
            }
            INITIATED => Ok(Self::Established(Origin::Initiated)),
            ACCEPTED => Ok(Self::Established(Origin::accepted(head)?)),
            RETIRED_INITIATED => Ok(Self::Retired(Origin::Initiated)),
            RETIRED_ACCEPTED => Ok(Self::Retired(Origin::accepted(head)?)),
            _ => Err(Error::CorruptState),
        }
    }
}

impl Origin {
    /// Appends the tag of who started the session, and the digest that stands behind the second.
    fn encode(&self, [initiated, accepted]: [u8; 2], out: &mut Vec<u8>) {
        match self {
            Self::Initiated => out.push(initiated),
            Self::Accepted { outer_digest } => {
                out.push(accepted);
                out.extend_from_slice(outer_digest);
            }
        }
    }

    fn accepted(head: &mut RecordReader<'_>) -> Result<Self, Error> {
        Ok(Self::Accepted { outer_digest: *head.array()? })
    }
}

const UNACKNOWLEDGED: u8 = 1;
const INITIATED: u8 = 2;
const ACCEPTED: u8 = 3;
const RETIRED_INITIATED: u8 = 4;
const RETIRED_ACCEPTED: u8 = 5;
