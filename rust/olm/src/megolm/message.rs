// SPDX-License-Identifier: MIT OR Apache-2.0
//! Megolm messages on the wire (olm_megolm.md §2).
//!
//! Only the bytes that an encoder writes are read, and they are authenticated as they came. Unlike
//! vodozemac, which authenticates what it read: there, who has no key can alter a message.

use e2ee_primitives::cbc_hmac::MessageKeys;
use e2ee_wire::{Error, protobuf};

use crate::strict::{bytes_field, index_field, versioned};

/// The version byte.
pub const VERSION: u8 = 0x03;
/// Bytes of the tag behind the body.
pub const TAG_LEN: usize = 8;
/// Bytes of the signature at the end.
pub const SIGNATURE_LEN: usize = 64;
const INDEX: u8 = 0x08;
const BODY: u8 = 0x12;

/// A message, borrowed from the bytes as they came; nothing of it is trusted yet.
#[derive(Clone, Copy, Debug)]
pub struct GroupMessage<'a> {
    /// Which message of its sender it is.
    pub index: u32,
    /// The encrypted text.
    pub body: &'a [u8],
    /// What the tag is over: version, index and body.
    pub authenticated: &'a [u8],
    /// The tag, 8 bytes.
    pub tag: &'a [u8; TAG_LEN],
    /// What the signature is over: all before it.
    pub signed: &'a [u8],
    /// The signature by the session's key.
    pub signature: &'a [u8; SIGNATURE_LEN],
}

impl<'a> GroupMessage<'a> {
    /// Parses `bytes`.
    ///
    /// [`Error::UnsupportedVersion`] for another version byte than 3, [`Error::Malformed`] for what
    /// no encoder writes: other fields, another order, varints that are longer than they need be.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = versioned(bytes, VERSION)?;
        let index = index_field(&mut reader, INDEX)?;
        let body = bytes_field(&mut reader, BODY)?;
        let (authenticated, _) = before(bytes, reader.rest())?;
        let tag = reader.array()?;
        let (signed, _) = before(bytes, reader.rest())?;
        let signature = reader.array()?;
        reader.finish()?;
        Ok(Self { index, body, authenticated, tag, signed, signature })
    }
}

/// Writes a message up to its signature, in a vector that has room for that too.
#[must_use]
pub fn encode_unsigned(index: u32, keys: &MessageKeys, plaintext: &[u8]) -> Vec<u8> {
    let body_len = MessageKeys::ciphertext_len(plaintext.len());
    let mut out = Vec::with_capacity(body_len.saturating_add(MAX_OVERHEAD));
    out.push(VERSION);
    protobuf::write_varint(&mut out, 1, u64::from(index));
    protobuf::write_bytes_header(&mut out, 2, body_len);
    keys.encrypt_into(plaintext, &mut out);
    let tag = keys.tag(&[&out]);
    out.extend(tag.into_iter().take(TAG_LEN));
    out
}

/// What lies before `rest`, which is the end of `bytes`.
fn before<'a>(bytes: &'a [u8], rest: &[u8]) -> Result<(&'a [u8], &'a [u8]), Error> {
    bytes.split_at_checked(bytes.len().saturating_sub(rest.len())).ok_or(Error::Malformed)
}

/// Version, index of five bytes with its tag, head of the body, tag, signature.
const MAX_OVERHEAD: usize = 1 + 6 + 11 + TAG_LEN + SIGNATURE_LEN;
