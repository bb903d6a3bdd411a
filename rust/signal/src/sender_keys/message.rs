// SPDX-License-Identifier: MIT OR Apache-2.0
//! Group messages as they come from the wire (signal.md §9).

use e2ee_wire::{Error, protobuf::Fields};

use super::{DISTRIBUTION_ID_LEN, MAJOR_VERSION, SIGNATURE_LEN};

/// A group message (kind 7), borrowed from the bytes as they came.
#[derive(Clone, Copy, Debug)]
pub struct GroupMessage<'a> {
    /// Which distribution, that is which group, of the sender.
    pub distribution_id: &'a [u8; DISTRIBUTION_ID_LEN],
    /// Which chain of the distribution.
    pub chain_id: u32,
    /// The message's position in the chain.
    pub index: u32,
    /// The AES-256-CBC body.
    pub body: &'a [u8],
    /// Everything under the signature: all that precedes it.
    pub signed: &'a [u8],
    /// The signature.
    pub signature: &'a [u8; SIGNATURE_LEN],
}

impl<'a> GroupMessage<'a> {
    /// Parses `bytes`; nothing of them is trusted yet.
    ///
    /// Unknown fields are skipped: the signature covers them.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        let (signed, signature) = bytes.split_last_chunk().ok_or(Error::Malformed)?;
        let (mut distribution_id, mut chain_id, mut index, mut body) = (None, None, None, None);
        let mut fields = Fields::new(group_fields(signed)?);
        while let Some((number, value)) = fields.next_field()? {
            match number {
                1 => distribution_id = Some(value.bytes()?),
                2 => chain_id = Some(value.u32()?),
                3 => index = Some(value.u32()?),
                4 => body = Some(value.bytes()?),
                _ => {}
            }
        }
        let distribution_id = distribution_id.ok_or(Error::Malformed)?;
        Ok(Self {
            distribution_id: distribution_id.try_into().map_err(|_| Error::Malformed)?,
            chain_id: chain_id.ok_or(Error::Malformed)?,
            index: index.ok_or(Error::Malformed)?,
            body: body.ok_or(Error::Malformed)?,
            signed,
            signature,
        })
    }
}

/// What follows the version byte, of which only the high nibble counts (signal.md §4.1).
pub(super) fn group_fields(bytes: &[u8]) -> Result<&[u8], Error> {
    match bytes.split_first() {
        Some((version, fields)) if version >> 4 == MAJOR_VERSION => Ok(fields),
        Some(_) => Err(Error::UnsupportedVersion),
        None => Err(Error::Malformed),
    }
}
