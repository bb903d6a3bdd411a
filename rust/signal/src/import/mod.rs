// SPDX-License-Identifier: MIT OR Apache-2.0
//! What libsignal's stores hold, read for the move to an account of ours (signal.md §8.1; §3,
//! "Stored records"; §2.1, identity key pairs).
//!
//! Each record counts by itself: it is imported whole or not at all, and the report says what
//! became of it. Sessions are not imported: a copy of a sending state beside the original would
//! use message keys twice. They are started anew.

mod identity;
mod plan;
mod pools;
mod prekeys;
mod report;
mod session;

use e2ee_primitives::x25519;
use e2ee_wire::{Error, protobuf::Fields};

use crate::{DeviceId, account::GroupId, keys::decode_ec};

pub use identity::identity_key_pair;
pub use plan::{FormerChains, Pin, Plan};
pub use prekeys::{Dated, kyber_prekey, one_time_prekey, signed_prekey};
pub use report::{Kind, Outcome, Reestablish, Refusal, Report, Row};
pub use session::{SessionRecord, SessionState};

/// Everything that one device's stores hold, each record under the key of its store.
#[derive(Debug, Default)]
pub struct LibsignalRecords<'a> {
    /// The identity key pair.
    pub identity_key_pair: &'a [u8],
    /// The registration id.
    pub registration_id: u32,
    /// One-time prekeys by number.
    pub prekeys: Vec<(u32, &'a [u8])>,
    /// Signed prekeys by number.
    pub signed_prekeys: Vec<(u32, &'a [u8])>,
    /// Kyber prekeys by number, and whether each is one of last resort.
    pub kyber_prekeys: Vec<(u32, &'a [u8], bool)>,
    /// Public identity keys, of one device or of all devices of a user.
    pub identities: Vec<(&'a str, Option<DeviceId>, &'a [u8])>,
    /// Session records by device.
    pub sessions: Vec<((&'a str, DeviceId), &'a [u8])>,
    /// Sender-key records by sending device and group.
    pub sender_keys: Vec<(ChainName<'a>, &'a [u8])>,
}

/// A device that sends, and the id of the distribution, which is that of the group.
pub type ChainName<'a> = ((&'a str, DeviceId), GroupId);

/// The fields that all records of keys have in some order of theirs; absent numbers are 0.
#[derive(Default)]
struct RecordedKey<'a> {
    id: u32,
    public: &'a [u8],
    private: &'a [u8],
    signature: &'a [u8],
    created_ms: u64,
}

impl<'a> RecordedKey<'a> {
    /// {1: id, 2: public, 3: private, 4: signature, 5: fixed64 time}.
    fn read(record: &'a [u8]) -> Result<Self, Refusal> {
        let mut read = Self::default();
        let mut fields = Fields::new(record);
        while let Some((number, value)) = fields.next_field()? {
            match number {
                1 => read.id = value.u32()?,
                2 => read.public = value.bytes()?,
                3 => read.private = value.bytes()?,
                4 => read.signature = value.bytes()?,
                5 => read.created_ms = value.fixed64()?,
                _ => {}
            }
        }
        Ok(read)
    }
}

/// The key pair of an encoded public and a private half, which must belong together.
///
/// A private key is clamped when it is read (signal.md §2.1): bits that clamping sets do not count.
fn key_pair(public: &[u8], private: &[u8]) -> Result<x25519::PrivateKey, Refusal> {
    let public = decode_ec(public)?;
    let private = private.try_into().map_err(|_| Refusal::InvalidKey)?;
    let key = x25519::PrivateKey::from_bytes(private);
    if *key.public() == public { Ok(key) } else { Err(Refusal::HalvesDiffer) }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidKey => Self::InvalidKey,
            Error::BadSignature => Self::BadSignature,
            Error::UnsupportedVersion => Self::UnsupportedVersion,
            _ => Self::NotARecord,
        }
    }
}

#[cfg(test)]
mod tests;
