// SPDX-License-Identifier: MIT OR Apache-2.0
//! Olm messages on the wire: normal messages, and prekey messages around them (olm_megolm.md §1.3).
//!
//! Only the bytes that an encoder writes are read: the fields in their order, each once and no
//! other, varints in their shortest form, keys in their one form. Unlike vodozemac, which
//! authenticates what it read and not what came, nobody can alter a message and have it open.

use e2ee_primitives::{cbc_hmac::MessageKeys, x25519};
use e2ee_ratchet::{Frame, Header};
use e2ee_wire::{Error, Reader, protobuf, varint};

use crate::{
    dialect::{BODY, INDEX, RATCHET_KEY, TAG_LEN, VERSION},
    keys::SessionKeys,
    strict::{bytes_field, index_field, tag, versioned},
};

/// A normal message (type 1), borrowed from the bytes as they came.
#[derive(Clone, Copy, Debug)]
pub struct NormalMessage<'a> {
    /// Ratchet key and index.
    pub header: Header,
    /// What is authenticated and what is encrypted.
    pub frame: Frame<'a>,
}

/// A prekey message (type 0), borrowed from the bytes as they came.
///
/// Nothing authenticates its keys but the agreement: with other ones the message inside does not
/// open.
#[derive(Clone, Copy, Debug)]
pub struct PreKeyMessage<'a> {
    /// The keys that name the session.
    pub keys: SessionKeys,
    /// The normal message inside.
    pub message: NormalMessage<'a>,
    /// The same as it came.
    pub inner: &'a [u8],
}

impl<'a> NormalMessage<'a> {
    /// Parses `bytes`; nothing of them is trusted yet.
    ///
    /// [`Error::UnsupportedVersion`] for another version byte than 3, [`Error::InvalidKey`] for a
    /// ratchet key of 2²⁵⁵ − 19 or more, [`Error::Malformed`] for what no encoder writes.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = versioned(bytes, VERSION)?;
        let ratchet_key = key_field(&mut reader, RATCHET_KEY)?;
        let index = index_field(&mut reader, INDEX)?;
        let body = bytes_field(&mut reader, BODY)?;
        let tag_start = bytes.len().saturating_sub(reader.rest().len());
        let (authenticated, tag) = bytes.split_at_checked(tag_start).ok_or(Error::Malformed)?;
        if tag.len() != TAG_LEN {
            return Err(Error::Malformed);
        }
        let frame = Frame { authenticated, body, tag };
        Ok(Self { header: Header { ratchet_key, index }, frame })
    }
}

/// Bytes of the normal message with this index and so long a plaintext.
#[must_use]
pub fn normal_len(index: u32, plaintext_len: usize) -> usize {
    let body_len = MessageKeys::ciphertext_len(plaintext_len);
    let index_len = varint::encoded_len(u64::from(index));
    [1, KEY_FIELD_LEN, 1, index_len, 1, length_len(body_len), body_len, TAG_LEN]
        .into_iter()
        .fold(0, usize::saturating_add)
}

impl<'a> PreKeyMessage<'a> {
    /// Parses `bytes`; nothing of them is trusted yet. The errors are those of
    /// [`NormalMessage::decode`], for the message inside too.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = versioned(bytes, VERSION)?;
        let one_time_key = key_field(&mut reader, ONE_TIME_KEY)?;
        let base_key = key_field(&mut reader, BASE_KEY)?;
        let identity_key = key_field(&mut reader, IDENTITY_KEY)?;
        let inner = bytes_field(&mut reader, MESSAGE)?;
        reader.finish()?;
        let keys = SessionKeys { identity_key, base_key, one_time_key };
        Ok(Self { keys, message: NormalMessage::decode(inner)?, inner })
    }
}

impl SessionKeys {
    /// Bytes of the prekey message around a normal message of `inner_len` bytes.
    #[must_use]
    pub fn prekey_len(inner_len: usize) -> usize {
        [1, KEY_FIELD_LEN, KEY_FIELD_LEN, KEY_FIELD_LEN, 1, length_len(inner_len), inner_len]
            .into_iter()
            .fold(0, usize::saturating_add)
    }

    /// Appends what stands before the `inner_len` bytes of the normal message.
    pub fn begin(&self, inner_len: usize, out: &mut Vec<u8>) {
        out.push(VERSION);
        for (tag, key) in [
            (ONE_TIME_KEY, &self.one_time_key),
            (BASE_KEY, &self.base_key),
            (IDENTITY_KEY, &self.identity_key),
        ] {
            out.extend_from_slice(&tag);
            out.extend_from_slice(key.as_bytes());
        }
        protobuf::write_bytes_header(out, 4, inner_len);
    }
}

const ONE_TIME_KEY: [u8; 2] = [0x0a, 0x20];
const BASE_KEY: [u8; 2] = [0x12, 0x20];
const IDENTITY_KEY: [u8; 2] = [0x1a, 0x20];
const MESSAGE: u8 = 0x22;
/// Tag, length and key.
const KEY_FIELD_LEN: usize = 34;

fn length_len(length: usize) -> usize {
    varint::encoded_len(u64::try_from(length).unwrap_or(u64::MAX))
}

fn key_field(reader: &mut Reader<'_>, expected: [u8; 2]) -> Result<x25519::PublicKey, Error> {
    tag(reader, expected)?;
    let key = x25519::PublicKey::new(*reader.array()?);
    if key.is_reduced() { Ok(key) } else { Err(Error::InvalidKey) }
}

#[cfg(test)]
mod tests;
