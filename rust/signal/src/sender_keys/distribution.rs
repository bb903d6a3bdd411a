// SPDX-License-Identifier: MIT OR Apache-2.0
//! Distribution messages: a sender's chain, for those who shall read what it writes from now on
//! (signal.md §9). They travel inside pairwise messages.

use e2ee_primitives::{Secret, secret::SecretBytes, x25519};
use e2ee_wire::{
    Error,
    protobuf::{self, Fields},
};

use crate::keys::{EC_KEY_LEN, decode_ec, encode_ec};

use super::{DISTRIBUTION_ID_LEN, VERSION, message::group_fields};

/// A sender's chain at one place, and the key that its messages are signed with.
#[derive(Debug)]
pub struct DistributionMessage {
    /// Which distribution, that is which group, of the sender.
    pub distribution_id: [u8; DISTRIBUTION_ID_LEN],
    /// Which chain of the distribution.
    pub chain_id: u32,
    /// The index of the first message that can be read with it.
    pub index: u32,
    /// The chain key at that index.
    pub chain_key: Secret<32>,
    /// The key that verifies the sender's messages.
    pub signing_key: x25519::PublicKey,
}

impl DistributionMessage {
    /// The bytes to send through pairwise sessions.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        // Of one size from the start: a vector that grows leaves copies of the key behind.
        let mut out = Vec::with_capacity(MAX_LEN);
        out.push(VERSION);
        protobuf::write_bytes(&mut out, 1, &self.distribution_id);
        protobuf::write_varint(&mut out, 2, u64::from(self.chain_id));
        protobuf::write_varint(&mut out, 3, u64::from(self.index));
        protobuf::write_bytes(&mut out, 4, self.chain_key.expose());
        protobuf::write_bytes(&mut out, 5, &encode_ec(&self.signing_key));
        SecretBytes::new(out)
    }

    /// Reads [`DistributionMessage::encode`]. All fields are required, with their exact lengths;
    /// unknown ones are skipped.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (mut distribution_id, mut chain_id, mut index) = (None, None, None);
        let (mut chain_key, mut signing_key) = (None, None);
        let mut fields = Fields::new(group_fields(bytes)?);
        while let Some((number, value)) = fields.next_field()? {
            match number {
                1 => distribution_id = Some(value.bytes()?),
                2 => chain_id = Some(value.u32()?),
                3 => index = Some(value.u32()?),
                4 => chain_key = Some(value.bytes()?),
                5 => signing_key = Some(value.bytes()?),
                _ => {}
            }
        }
        let distribution_id = distribution_id.ok_or(Error::Malformed)?;
        let chain_key = Secret::from_slice(chain_key.ok_or(Error::Malformed)?);
        Ok(Self {
            distribution_id: distribution_id.try_into().map_err(|_| Error::Malformed)?,
            chain_id: chain_id.ok_or(Error::Malformed)?,
            index: index.ok_or(Error::Malformed)?,
            chain_key: chain_key.ok_or(Error::Malformed)?,
            signing_key: decode_ec(signing_key.ok_or(Error::Malformed)?)?,
        })
    }
}

/// Version, three fields of bytes with tag and length, two varints of five bytes with tag.
const MAX_LEN: usize = 1 + (2 + DISTRIBUTION_ID_LEN) + (2 + 32) + (2 + EC_KEY_LEN) + 2 * 6;
