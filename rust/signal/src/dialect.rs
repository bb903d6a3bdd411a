// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signal's Double Ratchet: labels, limits and the frame of a ratchet message (signal.md §4.2,
//! §6.1 and §6.3).

use e2ee_primitives::Secret;
use e2ee_ratchet::{Dialect, FrameHead};
use e2ee_wire::protobuf;

use crate::{
    address::ADDRESS_BLOCK_LEN,
    keys::{EC_KEY_LEN, encode_ec},
    limits, spqr,
};

/// The version byte of pairwise messages: needs version 4, speaks version 4 (signal.md §4.1).
pub const VERSION: u8 = 0x44;
/// The version that sessions speak.
pub const MAJOR_VERSION: u8 = VERSION >> 4;
/// Bytes of the tag at the end of a ratchet message.
pub const TAG_LEN: usize = 8;

/// The dialect. A message key without its post-quantum salt cannot be written with it.
#[derive(Debug)]
pub enum Signal {}

/// What a ratchet message carries beside header and body, and the identities under its tag.
#[derive(Debug)]
pub struct Framing<'a> {
    /// The sender's identity key, encoded.
    pub sender_identity: [u8; EC_KEY_LEN],
    /// The recipient's identity key, encoded.
    pub recipient_identity: [u8; EC_KEY_LEN],
    /// The message of the post-quantum ratchet.
    pub pq: &'a spqr::Message,
    /// The address block, inside prekey messages only.
    pub addresses: Option<&'a [u8; ADDRESS_BLOCK_LEN]>,
}

impl Dialect for Signal {
    type Salt = Secret<32>;
    type Framing<'a> = Framing<'a>;

    const ROOT_LABEL: &'static [u8] = b"WhisperRatchet";
    const MESSAGE_LABEL: &'static [u8] = b"WhisperMessageKeys";
    const TAG_LEN: usize = TAG_LEN;
    const MAX_RECEIVING_CHAINS: usize = limits::MAX_RECEIVING_CHAINS;

    fn salt(salt: &Secret<32>) -> &[u8] {
        salt.expose()
    }

    fn associated_data<'a>(framing: &'a Framing<'_>) -> [&'a [u8]; 2] {
        [&framing.sender_identity, &framing.recipient_identity]
    }

    fn begin(_: &Framing<'_>, head: &FrameHead, out: &mut Vec<u8>) {
        out.push(VERSION);
        protobuf::write_bytes(out, 1, &encode_ec(&head.header.ratchet_key));
        protobuf::write_varint(out, 2, u64::from(head.header.index));
        // One less than the length of the previous chain, 0 for none (signal.md §6.2).
        protobuf::write_varint(out, 3, u64::from(head.previous_length.saturating_sub(1)));
        protobuf::write_bytes_header(out, 4, head.body_len);
    }

    fn end(framing: &Framing<'_>, out: &mut Vec<u8>) {
        protobuf::write_bytes_header(out, 5, framing.pq.encoded_len());
        framing.pq.encode_into(out);
        if let Some(addresses) = framing.addresses {
            protobuf::write_bytes(out, 6, addresses);
        }
    }
}
