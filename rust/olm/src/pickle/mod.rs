// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pickles: how libolm and vodozemac keep their states (olm_megolm.md §3).
//!
//! They are for coming from those libraries and for going back, not for keeping anything: one key
//! gives each pickle the same IV, and the tag has 8 bytes. Whatever is read here must not be used
//! by the other program any more, and the other way round: both would use the same message keys.

pub mod libolm;
mod pickles;
mod session;
pub mod vodozemac;

use e2ee_primitives::{base64, cbc_hmac::MessageKeys, hkdf, secret::SecretBytes, x25519};
use e2ee_wire::Error;

pub use pickles::{Leaving, Pickles};
pub use session::Identities;

const TAG_LEN: usize = 8;

/// Opens a pickle: base64 of AES-256-CBC and 8 bytes of HMAC-SHA-256, with the keys of
/// [`seal`].
///
/// [`Error::Malformed`] if it is not that, [`Error::Forged`] under another key, or if it was
/// altered.
pub fn open(pickle: &str, key: &[u8]) -> Result<SecretBytes, Error> {
    let sealed = base64::decode(pickle)?;
    let (body, tag) = sealed.expose().split_last_chunk::<TAG_LEN>().ok_or(Error::Malformed)?;
    let keys = pickle_keys(key);
    keys.verify(&[body], tag)?;
    keys.decrypt(body)
}

/// Seals a pickle under a key of any length: cipher key, MAC key and IV are HKDF-SHA-256 of it
/// without salt, with the label of pickles, 80 bytes (olm_megolm.md §3).
#[must_use]
pub fn seal(plain: &SecretBytes, key: &[u8]) -> String {
    let keys = pickle_keys(key);
    let body_len = MessageKeys::ciphertext_len(plain.len());
    let mut sealed = Vec::with_capacity(body_len.saturating_add(TAG_LEN));
    keys.encrypt_into(plain.expose(), &mut sealed);
    let tag = keys.tag(&[&sealed]);
    sealed.extend(tag.into_iter().take(TAG_LEN));
    base64::encode(&sealed)
}

fn pickle_keys(key: &[u8]) -> MessageKeys {
    MessageKeys::new(hkdf::derive(&[], &[key], &[b"Pickle"]))
}

/// The key pair of a private half; [`Error::Malformed`] if that belongs to another public half.
fn key_pair(private: &[u8; 32], public: &x25519::PublicKey) -> Result<x25519::PrivateKey, Error> {
    let key = x25519::PrivateKey::from_bytes(private);
    if key.public() == public { Ok(key) } else { Err(Error::Malformed) }
}

/// Sets what may stand once.
fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), Error> {
    if slot.replace(value).is_none() { Ok(()) } else { Err(Error::Malformed) }
}

#[cfg(test)]
mod tests;
