// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our own ratchet for a room: what we encrypt with, and give to its members (olm_megolm.md §2;
//! stored as docs/formats.md, "Outbound group session", says).

use e2ee_primitives::{Secret, ed25519::SigningKey, random::Random, secret::SecretBytes};
use e2ee_ratchet::JumpRatchet;
use e2ee_wire::{Error, record::RecordReader};

use super::{message, ratchet::Ratchet, share};
use crate::stored_key;

const FORMAT_VERSION: u8 = 1;
/// Version, index, ratchet, signing key.
const STORED_CAPACITY: usize = 1 + 4 + 128 + stored_key::STORED_CAPACITY;

/// A ratchet of our own. It cannot be copied: a copy would use its message keys again.
#[derive(Debug)]
pub struct OutboundGroupSession {
    pub(crate) ratchet: Ratchet,
    pub(crate) signing: SigningKey,
}

impl OutboundGroupSession {
    /// A fresh ratchet with a fresh signing key.
    pub fn create(random: &mut dyn Random) -> Result<Self, Error> {
        let ratchet = Ratchet::random(random)?;
        Ok(Self { ratchet, signing: SigningKey::random(random)? })
    }

    /// The session's id, which is its public signing key, 32 bytes; Matrix writes it in base64.
    #[must_use]
    pub const fn session_id(&self) -> &[u8; 32] {
        self.signing.public().as_bytes()
    }

    /// The index of the next message.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.ratchet.index()
    }

    /// The session key, 229 bytes, for a member: it opens nothing that was sent before.
    #[must_use]
    pub fn session_key(&self) -> SecretBytes {
        share::session_key(&self.ratchet, &self.signing)
    }

    /// Encrypts and signs; the ratchet moves on. [`Error::Exhausted`] after index 2³² − 2.
    pub fn encrypt(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let next = self.ratchet.next()?;
        let keys = self.ratchet.message_keys();
        let mut out = message::encode_unsigned(self.ratchet.index(), &keys, plaintext);
        let signature = self.signing.sign(&out);
        out.extend_from_slice(&signature);
        self.ratchet = next;
        Ok(out)
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        // Of one size from the start: a vector that grows leaves copies of the keys behind.
        let mut out = Vec::with_capacity(STORED_CAPACITY);
        out.push(FORMAT_VERSION);
        out.extend_from_slice(&self.ratchet.index().to_be_bytes());
        self.ratchet.encode(&mut out);
        stored_key::encode(&self.signing, &mut out);
        SecretBytes::new(out)
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let index = reader.u32()?;
        let ratchet = Ratchet::new(&Secret::new(*reader.array()?), index);
        let signing = stored_key::decode(&mut reader)?;
        reader.finish()?;
        Ok(Self { ratchet, signing })
    }
}
