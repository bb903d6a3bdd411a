// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our own chain for a group: what we encrypt with and give to its members (signal.md §9; stored
//! as docs/formats.md, "Sender key", says).

use e2ee_primitives::{
    Secret,
    cbc_hmac::{MessageKeys, cbc_encrypt},
    random::Random,
    secret::SecretBytes,
    x25519,
    xeddsa::SigningKey,
};
use e2ee_ratchet::Chain;
use e2ee_wire::{Error, protobuf, record::RecordReader};

use super::{DISTRIBUTION_ID_LEN, DistributionMessage, SIGNATURE_LEN, VERSION, message_keys};

const FORMAT_VERSION: u8 = 1;
/// Chain ids are random numbers of 31 bits.
const CHAIN_ID_MASK: u32 = 0x7fff_ffff;

/// A chain of our own. It cannot be copied: a copy would use its message keys again.
#[derive(Debug)]
pub struct SenderKey {
    pub(super) chain_id: u32,
    pub(super) chain: Chain,
    signing: SigningKey,
    /// Message keys that have encrypted since the chain was made or loaded.
    spent: u64,
}

impl SenderKey {
    /// A fresh chain with a fresh signing key.
    pub fn create(random: &mut dyn Random) -> Result<Self, Error> {
        let mut chain_id = [0; 4];
        random.fill(&mut chain_id)?;
        let chain_id = u32::from_be_bytes(chain_id) & CHAIN_ID_MASK;
        let chain = Chain::new(Secret::random(random)?, 0);
        Ok(Self::from_parts(chain_id, chain, x25519::PrivateKey::random(random)?))
    }

    pub(super) fn from_parts(chain_id: u32, chain: Chain, signing: x25519::PrivateKey) -> Self {
        Self { chain_id, chain, signing: SigningKey::new(signing), spent: 0 }
    }

    /// Which chain it is.
    #[must_use]
    pub const fn chain_id(&self) -> u32 {
        self.chain_id
    }

    /// The index of the next message.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.chain.index()
    }

    /// The chain from here on, for a member: it opens nothing that was sent before.
    #[must_use]
    pub const fn distribution(
        &self,
        distribution_id: &[u8; DISTRIBUTION_ID_LEN],
    ) -> DistributionMessage {
        DistributionMessage {
            distribution_id: *distribution_id,
            chain_id: self.chain_id,
            index: self.chain.index(),
            chain_key: self.chain.key().duplicate(),
            signing_key: *self.signing.key().public(),
        }
    }

    /// Encrypts and signs; the chain moves on. [`Error::Exhausted`] after index 2³² − 2.
    pub fn encrypt(
        &mut self,
        distribution_id: &[u8; DISTRIBUTION_ID_LEN],
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, Error> {
        let (seed, next) = self.chain.step()?;
        let (iv, key) = message_keys(&seed);
        let body_len = MessageKeys::ciphertext_len(plaintext.len());
        let mut out = Vec::with_capacity(body_len.saturating_add(MAX_OVERHEAD));
        out.push(VERSION);
        protobuf::write_bytes(&mut out, 1, distribution_id);
        protobuf::write_varint(&mut out, 2, u64::from(self.chain_id));
        protobuf::write_varint(&mut out, 3, u64::from(self.chain.index()));
        protobuf::write_bytes(&mut out, 4, &cbc_encrypt(&key, iv.expose(), plaintext));
        let signature = self.signing.sign(&[&out], random)?;
        out.extend_from_slice(&signature);
        self.chain = next;
        self.spent = self.spent.wrapping_add(1);
        Ok(out)
    }

    /// How many message keys have encrypted since the chain was made or loaded.
    #[must_use]
    pub const fn spent(&self) -> u64 {
        self.spent
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        // Of one size from the start: a vector that grows leaves copies of the keys behind.
        let mut out = Vec::with_capacity(STORED_LEN);
        out.push(FORMAT_VERSION);
        out.extend_from_slice(&self.chain_id.to_be_bytes());
        out.extend_from_slice(self.chain.key().expose());
        out.extend_from_slice(&self.chain.index().to_be_bytes());
        out.extend_from_slice(self.signing.key().expose());
        out.extend_from_slice(self.signing.key().public().as_bytes());
        out.extend_from_slice(self.signing.edwards_public());
        SecretBytes::new(out)
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let chain_id = reader.u32()?;
        let chain_key = Secret::new(*reader.array()?);
        let chain = Chain::new(chain_key, reader.u32()?);
        let secret = Secret::new(*reader.array()?);
        let key = x25519::PrivateKey::from_parts(secret, x25519::PublicKey::new(*reader.array()?));
        let signing = SigningKey::from_parts(key, *reader.array()?);
        reader.finish()?;
        Ok(Self { chain_id, chain, signing, spent: 0 })
    }
}

/// Version, field of the id, two varints of five bytes with tag, head of the body, signature.
const MAX_OVERHEAD: usize = 1 + (2 + DISTRIBUTION_ID_LEN) + 2 * 6 + 11 + SIGNATURE_LEN;
const STORED_LEN: usize = 1 + 4 + 32 + 4 + 3 * 32;
