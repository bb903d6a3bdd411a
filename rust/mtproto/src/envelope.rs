// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a message is sealed into, MTProto 2.0 (mtproto_secret_chats.md §2).
//!
//! ```text
//! data = length of the body (4) ‖ body ‖ padding
//! wire = fingerprint of the key (8) ‖ message key (16) ‖ AES-256-IGE of data
//! ```
//!
//! The message key is a hash of the data under the chat's key, and stands for a MAC: it is compared
//! after decryption, and before anything is done with what was decrypted. Messages of MTProto 1.0
//! have another hash, and are refused like any that were altered.

use e2ee_primitives::{
    Random, Secret, SecretBytes,
    ige::{BLOCK_LEN, IgeDecryptor, IgeEncryptor},
};
use e2ee_wire::{Error, Reader};

use crate::{
    key::{ChatKey, MESSAGE_KEY_LEN},
    role::Role,
};

/// The most bytes of a body, 1 MiB.
///
/// Unlike the specification, which names no limit: a body holds a text of some kilobytes and small
/// pictures at most, and all of a message has to be decrypted before it can be refused.
pub const MAX_BODY_LEN: usize = 1 << 20;
/// The fewest bytes of padding.
pub const MIN_PADDING_LEN: usize = 12;
/// The most bytes of padding.
pub const MAX_PADDING_LEN: usize = 1024;

/// Bytes before the encrypted data.
const HEADER_LEN: usize = FINGERPRINT_LEN + MESSAGE_KEY_LEN;
const FINGERPRINT_LEN: usize = 8;
/// Bytes of the length before the body.
const LENGTH_LEN: usize = 4;
/// Bodies are whole words of TL.
const WORD_LEN: usize = 4;
const MAX_DATA_LEN: usize = LENGTH_LEN + MAX_BODY_LEN + MAX_PADDING_LEN;
/// The lengths of data that `TDLib` fills messages up to; from the last one on, all of [`STEP`].
const BUCKETS: [usize; 9] = [64, 128, 192, 256, 384, 512, 768, 1024, 1280];
const STEP: usize = 448;

/// Seals a body that `sender` sends, with random padding up to one of the lengths that `TDLib`
/// uses, so that those hide the length (§2).
///
/// [`Error::InvalidArgument`] for a body that is empty, no multiple of 4 bytes, or longer than
/// [`MAX_BODY_LEN`].
pub fn seal(
    key: &ChatKey,
    sender: Role,
    body: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, Error> {
    check(body)?;
    let mut padding = vec![0; padding_len(body.len())];
    random.fill(&mut padding)?;
    seal_padded(key, sender, body, &padding)
}

/// Seals a body with this padding, 12 to 1024 bytes that nobody can guess and that fill the data up
/// to whole blocks; [`seal`] chooses them (§2).
///
/// [`Error::InvalidArgument`] for any other padding, and for a body that [`seal`] refuses.
pub fn seal_padded(
    key: &ChatKey,
    sender: Role,
    body: &[u8],
    padding: &[u8],
) -> Result<Vec<u8>, Error> {
    check(body)?;
    let data_len = LENGTH_LEN + body.len() + padding.len();
    if !is_padding_len(padding.len()) || !data_len.is_multiple_of(BLOCK_LEN) {
        return Err(Error::InvalidArgument);
    }
    let length = u32::try_from(body.len()).map_err(|_| Error::InvalidArgument)?;
    let mut wire = Vec::with_capacity(HEADER_LEN + data_len);
    wire.extend_from_slice(&key.fingerprint().to_le_bytes());
    wire.extend_from_slice(&[0; MESSAGE_KEY_LEN]);
    wire.extend_from_slice(&length.to_le_bytes());
    wire.extend_from_slice(body);
    wire.extend_from_slice(padding);
    let (header, data) = wire.split_at_mut_checked(HEADER_LEN).ok_or(Error::InvalidArgument)?;
    let message_key = key.message_key(sender, data);
    let (cipher_key, iv) = key.cipher_keys(sender, &message_key);
    IgeEncryptor::new(&cipher_key, &iv).encrypt(data)?;
    if let Some(place) = header.last_chunk_mut() {
        *place = message_key;
    }
    Ok(wire)
}

/// The fingerprint of the key that a message names, by which to find the key (§2, step 1).
///
/// It is not authenticated. [`Error::Malformed`] for what is shorter than any message.
pub fn fingerprint_of(wire: &[u8]) -> Result<i64, Error> {
    if wire.len() < HEADER_LEN + BLOCK_LEN {
        return Err(Error::Malformed);
    }
    Reader::new(wire).array().map(|bytes| i64::from_le_bytes(*bytes))
}

/// Opens a message that `sender` sent, and returns its body (§2, steps 1 to 4).
///
/// [`Error::Malformed`] for what is shorter than any message; whatever else is refused is
/// [`Error::Forged`], a message under another key or of MTProto 1.0 included.
///
/// Unlike `TDLib`, which ignores them, bytes behind the last whole block are refused: they would be
/// the part of a message that nothing authenticates.
pub fn open(key: &ChatKey, sender: Role, wire: &[u8]) -> Result<SecretBytes, Error> {
    let fingerprint = fingerprint_of(wire)?;
    opened(key, sender, wire).filter(|_| fingerprint == key.fingerprint()).ok_or(Error::Forged)
}

/// The body, if all of the message is as `sender` made it.
fn opened(key: &ChatKey, sender: Role, wire: &[u8]) -> Option<SecretBytes> {
    let mut reader = Reader::new(wire);
    reader.take(FINGERPRINT_LEN).ok()?;
    let message_key: &[u8; MESSAGE_KEY_LEN] = reader.array().ok()?;
    if reader.rest().len() > MAX_DATA_LEN {
        return None;
    }
    let data = decrypted(key, sender, message_key, reader.rest())?;
    let computed = Secret::new(key.message_key(sender, data.expose()));
    computed.ct_eq(&Secret::new(*message_key)).then_some(())?;
    body(&data).map(|body| SecretBytes::new(body.to_vec()))
}

/// The data, of which nothing is authenticated yet.
fn decrypted(
    key: &ChatKey,
    sender: Role,
    message_key: &[u8; MESSAGE_KEY_LEN],
    ciphertext: &[u8],
) -> Option<SecretBytes> {
    let (cipher_key, iv) = key.cipher_keys(sender, message_key);
    let mut data = ciphertext.to_vec();
    IgeDecryptor::new(&cipher_key, &iv).decrypt(&mut data).ok()?;
    Some(SecretBytes::new(data))
}

/// The body in data that was authenticated.
fn body(data: &SecretBytes) -> Option<&[u8]> {
    let (length, rest) = data.expose().split_first_chunk::<LENGTH_LEN>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (body, padding) = rest.split_at_checked(length)?;
    (check(body).is_ok() && is_padding_len(padding.len())).then_some(body)
}

fn check(body: &[u8]) -> Result<(), Error> {
    let right = !body.is_empty() && body.len().is_multiple_of(WORD_LEN);
    if right && body.len() <= MAX_BODY_LEN { Ok(()) } else { Err(Error::InvalidArgument) }
}

const fn is_padding_len(length: usize) -> bool {
    MIN_PADDING_LEN <= length && length <= MAX_PADDING_LEN
}

/// The bytes that fill up a body of so many, as `TDLib` chooses them (§2).
///
/// The least data, with 12 bytes of padding, ends in a block that the data up to the next bucket
/// has too: so there are never fewer than 12. A bucket is at most 448 bytes above the one before,
/// and both are whole blocks: there are never more than 448 - 16 bytes from the end of that block
/// to the next bucket, 15 to the end of the block, and the 12, 459 in all (1024 are allowed).
fn padding_len(body_len: usize) -> usize {
    let used = LENGTH_LEN + body_len;
    let least = used + MIN_PADDING_LEN;
    let highest = BUCKETS.last().map_or(0, |bucket| *bucket);
    let filled = BUCKETS
        .into_iter()
        .find(|&bucket| least <= bucket)
        .unwrap_or_else(|| highest + (least - highest).next_multiple_of(STEP));
    filled - used
}

#[cfg(test)]
mod tests;
