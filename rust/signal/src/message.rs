// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ratchet messages as they come from the wire (signal.md §4.1 and §4.2).

use e2ee_ratchet::{Frame, Header};
use e2ee_wire::{Error, protobuf::Fields};

use crate::{
    dialect::{MAJOR_VERSION, TAG_LEN},
    keys::decode_ec,
};

/// The oldest version whose messages parse; no session speaks it (signal.md §4.1).
const OLDEST_MAJOR_VERSION: u8 = 3;

/// A ratchet message (kind 2), borrowed from the bytes as they came.
#[derive(Clone, Copy, Debug)]
pub struct RatchetMessage<'a> {
    /// The high nibble of the version byte.
    pub major_version: u8,
    /// Ratchet key and index.
    pub header: Header,
    /// The message of the post-quantum ratchet, empty if there is none.
    pub pq: &'a [u8],
    /// The address block, if there is one.
    pub addresses: Option<&'a [u8]>,
    /// What is authenticated and what is encrypted.
    pub frame: Frame<'a>,
}

impl<'a> RatchetMessage<'a> {
    /// Parses `bytes`; nothing of them is trusted yet.
    ///
    /// Unknown fields are skipped: the tag covers them (signal.md §4.2).
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        let major_version = major_version(bytes)?;
        let body_end = bytes.len().checked_sub(TAG_LEN).ok_or(Error::Malformed)?;
        let (authenticated, tag) = bytes.split_at_checked(body_end).ok_or(Error::Malformed)?;
        let (_, protobuf) = authenticated.split_first().ok_or(Error::Malformed)?;

        let mut ratchet_key = None;
        let mut index = None;
        let mut body = None;
        let mut pq = &[][..];
        let mut addresses = None;
        let mut fields = Fields::new(protobuf);
        while let Some((number, value)) = fields.next_field()? {
            match number {
                1 => ratchet_key = Some(value.bytes()?),
                2 => index = Some(value.u32()?),
                3 => _ = value.u32()?,
                4 => body = Some(value.bytes()?),
                5 => pq = value.bytes()?,
                6 => addresses = Some(value.bytes()?),
                _ => {}
            }
        }
        let ratchet_key = decode_ec(ratchet_key.ok_or(Error::Malformed)?)?;
        let header = Header { ratchet_key, index: index.ok_or(Error::Malformed)? };
        let frame = Frame { authenticated, body: body.ok_or(Error::Malformed)?, tag };
        Ok(Self { major_version, header, pq, addresses, frame })
    }
}

/// The version that a pairwise message needs; only the high nibble counts (signal.md §4.1).
pub(crate) fn major_version(bytes: &[u8]) -> Result<u8, Error> {
    match bytes.first().map(|first| first >> 4) {
        Some(major @ OLDEST_MAJOR_VERSION..=MAJOR_VERSION) => Ok(major),
        Some(_) => Err(Error::UnsupportedVersion),
        None => Err(Error::Malformed),
    }
}
