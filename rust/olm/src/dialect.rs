// SPDX-License-Identifier: MIT OR Apache-2.0
//! Olm's Double Ratchet: labels, limits and the frame of a normal message (olm_megolm.md §1.2 and
//! §1.3).

use e2ee_ratchet::{Dialect, FrameHead};
use e2ee_wire::{protobuf, varint};

use crate::limits;

/// The version byte of both kinds of messages.
pub const VERSION: u8 = 0x03;
/// Bytes of the tag at the end of a normal message.
pub const TAG_LEN: usize = 8;
/// The tag of the field with the sender's ratchet key, and its length, 32.
pub(crate) const RATCHET_KEY: [u8; 2] = [0x0a, 0x20];
/// The tag of the field with the index.
pub(crate) const INDEX: u8 = 0x10;
/// The tag of the field with the body.
pub(crate) const BODY: u8 = 0x22;

/// The dialect. Its message keys have no salt, and nothing but the message is under the tag.
#[derive(Debug)]
pub enum Olm {}

impl Dialect for Olm {
    type Salt = ();
    type Framing<'a> = ();

    const ROOT_LABEL: &'static [u8] = b"OLM_RATCHET";
    const MESSAGE_LABEL: &'static [u8] = b"OLM_KEYS";
    const TAG_LEN: usize = TAG_LEN;
    const MAX_RECEIVING_CHAINS: usize = limits::MAX_RECEIVING_CHAINS;

    fn salt((): &()) -> &[u8] {
        &[]
    }

    fn associated_data((): &()) -> [&[u8]; 2] {
        [&[], &[]]
    }

    fn begin((): &(), head: &FrameHead, out: &mut Vec<u8>) {
        out.push(VERSION);
        out.extend_from_slice(&RATCHET_KEY);
        out.extend_from_slice(head.header.ratchet_key.as_bytes());
        out.push(INDEX);
        varint::write(out, u64::from(head.header.index));
        protobuf::write_bytes_header(out, 4, head.body_len);
    }

    fn end((): &(), _: &mut Vec<u8>) {}
}
