// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is given to others so that they can open a sender's messages (olm_megolm.md §2): the
//! session key, which the sender signed, and the export, which anybody who has it can make.

use e2ee_primitives::{Secret, ed25519, secret::SecretBytes};
use e2ee_ratchet::JumpRatchet;
use e2ee_wire::{Error, Reader};

use super::ratchet::{RATCHET_LEN, Ratchet};
use crate::strict::versioned;

/// The version byte of an export.
const EXPORT_VERSION: u8 = 0x01;
/// The version byte of a session key.
const SESSION_KEY_VERSION: u8 = 0x02;
/// Bytes of an export: version, index, ratchet, public key.
pub const EXPORT_LEN: usize = 1 + 4 + RATCHET_LEN + 32;
/// Bytes of a session key: an export, of another version, and its signature.
pub const SESSION_KEY_LEN: usize = EXPORT_LEN + 64;

/// A sender's ratchet at an index, and the key that its messages are signed with.
#[derive(Debug)]
pub struct SharedRatchet {
    /// The ratchet.
    pub ratchet: Ratchet,
    /// The key; it is the session's id.
    pub signing_key: ed25519::PublicKey,
}

impl SharedRatchet {
    /// Reads a session key, 229 bytes, and verifies its signature.
    ///
    /// [`Error::Malformed`] for another length, [`Error::UnsupportedVersion`] for another version
    /// byte than 2, [`Error::BadSignature`].
    pub fn decode_session_key(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = versioned(bytes, SESSION_KEY_VERSION)?;
        let shared = Self::read(&mut reader)?;
        let signature = reader.array()?;
        reader.finish()?;
        let (signed, _) = bytes.split_at_checked(EXPORT_LEN).ok_or(Error::Malformed)?;
        ed25519::verify(&shared.signing_key, signed, signature)?;
        Ok(shared)
    }

    /// Reads an export, 165 bytes; nothing in it says who made it.
    ///
    /// [`Error::Malformed`] for another length, [`Error::UnsupportedVersion`] for another version
    /// byte than 1, [`Error::InvalidKey`] if no signature verifies under its key.
    pub fn decode_export(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = versioned(bytes, EXPORT_VERSION)?;
        let shared = Self::read(&mut reader)?;
        reader.finish()?;
        ed25519::VerifyingKey::new(shared.signing_key).check()?;
        Ok(shared)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let index = u32::from_be_bytes(*reader.array()?);
        let ratchet = Ratchet::new(&Secret::new(*reader.array()?), index);
        Ok(Self { ratchet, signing_key: ed25519::PublicKey::new(*reader.array()?) })
    }
}

/// The session key: `ratchet` as from here on, signed by the session's own key, 229 bytes.
#[must_use]
pub fn session_key(ratchet: &Ratchet, signing: &ed25519::SigningKey) -> SecretBytes {
    let mut out = written(SESSION_KEY_VERSION, ratchet, signing.public());
    let signature = signing.sign(&out);
    out.extend_from_slice(&signature);
    SecretBytes::new(out)
}

/// The export of `ratchet`, 165 bytes.
#[must_use]
pub fn export(ratchet: &Ratchet, signing_key: &ed25519::PublicKey) -> SecretBytes {
    SecretBytes::new(written(EXPORT_VERSION, ratchet, signing_key))
}

fn written(version: u8, ratchet: &Ratchet, signing_key: &ed25519::PublicKey) -> Vec<u8> {
    // Of one size from the start: a vector that grows leaves copies of the ratchet behind.
    let mut out = Vec::with_capacity(SESSION_KEY_LEN);
    out.push(version);
    out.extend_from_slice(&ratchet.index().to_be_bytes());
    ratchet.encode(&mut out);
    out.extend_from_slice(signing_key.as_bytes());
    out
}
