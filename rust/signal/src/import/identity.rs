// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record of an identity key pair (signal.md §2.1, "Record form").

use e2ee_primitives::x25519;
use e2ee_wire::protobuf::Fields;

use super::{Refusal, key_pair};

/// Reads {1: public, 2: private}.
pub fn identity_key_pair(record: &[u8]) -> Result<x25519::PrivateKey, Refusal> {
    let (mut public, mut private) = (&[][..], &[][..]);
    let mut fields = Fields::new(record);
    while let Some((number, value)) = fields.next_field()? {
        match number {
            1 => public = value.bytes()?,
            2 => private = value.bytes()?,
            _ => {}
        }
    }
    key_pair(public, private)
}
