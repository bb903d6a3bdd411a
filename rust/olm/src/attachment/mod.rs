// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files beside the messages (`EncryptedFile`, version 2; olm_megolm.md §7).
//!
//! A file is encrypted with AES-256-CTR under a key of its own. Key, first block of the counter and
//! the SHA-256 of the ciphertext travel inside an encrypted event, which authenticates them; the
//! digest then authenticates the ciphertext. Nothing is released before the digest of the whole was
//! compared: [`open`] takes all at once, and [`Verifier`] goes through a file of any size once, so
//! that [`Segments`] opens any part of it, and checks that the part has not changed in between.

mod encrypt;
mod segments;

pub use encrypt::Encryptor;
pub use segments::{SEGMENT_LEN, Segments, Verifier};

use e2ee_primitives::{Random, Secret, SecretBytes, ctr_stream::CtrStream, sha};
use e2ee_wire::Error;

/// Bytes of the first block.
pub const FIRST_BLOCK_LEN: usize = 16;
/// Bytes of the digest.
pub const DIGEST_LEN: usize = 32;

/// The key of one file, with the first block of its counter.
#[derive(Debug)]
pub struct AttachmentKey {
    key: Secret<32>,
    first_block: [u8; FIRST_BLOCK_LEN],
}

impl AttachmentKey {
    /// A key and a first block as an event gives them (`key.k`, `iv`).
    #[must_use]
    pub const fn new(key: Secret<32>, first_block: [u8; FIRST_BLOCK_LEN]) -> Self {
        Self { key, first_block }
    }

    /// A fresh key, and eight random bytes before a counter of 64 bits; draws exactly 40 bytes.
    pub fn random(random: &mut dyn Random) -> Result<Self, Error> {
        let key = Secret::random(random)?;
        let mut first_block = [0; FIRST_BLOCK_LEN];
        let (drawn, _counter) = first_block.split_at_mut(8);
        random.fill(drawn)?;
        Ok(Self { key, first_block })
    }

    /// The key, for the event.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.key.expose()
    }

    /// The first block, for the event.
    #[must_use]
    pub const fn first_block(&self) -> &[u8; FIRST_BLOCK_LEN] {
        &self.first_block
    }

    fn stream(&self) -> CtrStream {
        CtrStream::new(&self.key, &self.first_block)
    }
}

/// What an event says of a file.
#[derive(Debug)]
pub struct Attachment {
    /// Its key and first block.
    pub key: AttachmentKey,
    /// The SHA-256 of its ciphertext.
    pub digest: [u8; DIGEST_LEN],
}

/// Opens a whole ciphertext; [`Error::Forged`] if it is not the one of this digest.
pub fn open(attachment: &Attachment, ciphertext: &[u8]) -> Result<SecretBytes, Error> {
    if sha::sha256(&[ciphertext]) != attachment.digest {
        return Err(Error::Forged);
    }
    attachment.key.stream().open_at(0, ciphertext)
}

#[cfg(test)]
mod tests;
