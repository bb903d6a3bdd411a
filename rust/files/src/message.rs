// SPDX-License-Identifier: MIT OR Apache-2.0
//! One message in memory: a random nonce, AES-256-GCM ciphertext and tag, as Tink's AEAD writes it
//! without a prefix (docs/formats.md, "Sealed message").

use e2ee_primitives::gcm::{GcmKey, NONCE_LEN, TAG_LEN};
use e2ee_primitives::{Random, Secret};
use e2ee_wire::Error;

/// Bytes that sealing adds to a plaintext.
pub const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// A key of single messages.
///
/// Its nonces are random: with 2³² messages under one key the chance that two are alike is 2⁻³³,
/// which is as far as NIST SP 800-38D §8.3 allows to go.
#[derive(Debug)]
pub struct AeadKey {
    secret: Secret<32>,
    key: GcmKey,
}

impl AeadKey {
    /// A key from 32 uniformly random bytes.
    pub fn new(secret: Secret<32>) -> Result<Self, Error> {
        Ok(Self { key: GcmKey::new(&secret)?, secret })
    }

    /// A fresh key; draws exactly 32 bytes.
    pub fn random(random: &mut dyn Random) -> Result<Self, Error> {
        Self::new(Secret::random(random)?)
    }

    /// The bytes, for whoever keeps the key or sends it inside an encrypted message.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }

    /// Seals into `out`, which has room for the plaintext and [`OVERHEAD`]; draws 12 bytes.
    pub fn seal(
        &self,
        plaintext: &[u8],
        associated_data: &[u8],
        random: &mut dyn Random,
        out: &mut [u8],
    ) -> Result<(), Error> {
        let (nonce, rest) = out.split_first_chunk_mut().ok_or(Error::InvalidArgument)?;
        random.fill(nonce)?;
        self.key.seal(nonce, associated_data, plaintext, rest)
    }

    /// Opens into `out`, which is as long as [`plain_len`] says.
    ///
    /// Any difference is [`Error::Forged`]; `out` is then zero.
    pub fn open(&self, sealed: &[u8], associated_data: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let (nonce, rest) = sealed.split_first_chunk().ok_or(Error::Forged)?;
        self.key.open(nonce, associated_data, rest, out)
    }
}

/// Bytes of the plaintext of a sealed message; [`Error::Forged`] if none is so short.
pub fn plain_len(sealed: &[u8]) -> Result<usize, Error> {
    sealed.len().checked_sub(OVERHEAD).ok_or(Error::Forged)
}
