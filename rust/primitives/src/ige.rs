// SPDX-License-Identifier: MIT OR Apache-2.0
//! AES-256-IGE over whole blocks, for Telegram (mtproto_secret_chats.md §2).
//!
//! It authenticates nothing: what is decrypted has to be checked by a hash of it. Where the
//! processor has no instructions for AES, the `aes` crate computes it without tables, in time that
//! depends on no secret.

use core::fmt;

use aes::{
    Aes256Dec, Aes256Enc, Block,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, inout::InOutBuf},
};

use crate::secret::Secret;
use chain::{Chain, DecryptBlocks, EncryptBlocks};
use e2ee_wire::Error;

mod chain;
mod lanes;
mod stream;

pub(crate) use chain::xor;
pub use lanes::{Lane, WIDTH};
use lanes::{decrypt_many, encrypt_many};
pub use stream::Stream;

/// Bytes of a block.
pub const BLOCK_LEN: usize = 16;
/// Bytes of an IV: the ciphertext block and then the plaintext block before the first.
pub const IV_LEN: usize = 32;

/// Encrypts whole blocks, one behind the other: `c = E(p ⊕ c before) ⊕ p before`.
pub struct IgeEncryptor {
    cipher: Aes256Enc,
    chain: Chain,
}

impl IgeEncryptor {
    /// A cipher at its first block.
    #[must_use]
    pub fn new(key: &Secret<32>, iv: &Secret<IV_LEN>) -> Self {
        let chain = Chain::new(iv.part::<0, 16>(), &iv.part::<16, 16>());
        Self { cipher: Aes256Enc::new(key.expose().into()), chain }
    }

    /// Encrypts the blocks in their place.
    ///
    /// [`Error::InvalidArgument`], and nothing is changed, for a length that is no multiple of 16.
    pub fn encrypt(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        blocks(bytes.into()).map(|blocks| self.run(blocks))
    }

    /// The same from one buffer into another of its length.
    ///
    /// [`Error::InvalidArgument`] for another length, too.
    pub fn encrypt_into(&mut self, plaintext: &[u8], out: &mut [u8]) -> Result<(), Error> {
        blocks(pair(plaintext, out)?).map(|blocks| self.run(blocks))
    }

    fn run(&mut self, blocks: InOutBuf<'_, '_, Block>) {
        self.cipher.encrypt_with_backend(EncryptBlocks { chain: &mut self.chain, blocks });
    }
}

/// Decrypts whole blocks, one behind the other: `p = D(c ⊕ p before) ⊕ c before`.
pub struct IgeDecryptor {
    cipher: Aes256Dec,
    chain: Chain,
}

impl IgeDecryptor {
    /// A cipher at its first block.
    #[must_use]
    pub fn new(key: &Secret<32>, iv: &Secret<IV_LEN>) -> Self {
        let chain = Chain::new(iv.part::<16, 16>(), &iv.part::<0, 16>());
        Self { cipher: Aes256Dec::new(key.expose().into()), chain }
    }

    /// Decrypts the blocks in their place.
    ///
    /// [`Error::InvalidArgument`], and nothing is changed, for a length that is no multiple of 16.
    pub fn decrypt(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        blocks(bytes.into()).map(|blocks| self.run(blocks))
    }

    /// The same from one buffer into another of its length.
    ///
    /// [`Error::InvalidArgument`] for another length, too.
    pub fn decrypt_into(&mut self, ciphertext: &[u8], out: &mut [u8]) -> Result<(), Error> {
        blocks(pair(ciphertext, out)?).map(|blocks| self.run(blocks))
    }

    fn run(&mut self, blocks: InOutBuf<'_, '_, Block>) {
        self.cipher.decrypt_with_backend(DecryptBlocks { chain: &mut self.chain, blocks });
    }
}

impl fmt::Debug for IgeEncryptor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IgeEncryptor(..)")
    }
}

impl fmt::Debug for IgeDecryptor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IgeDecryptor(..)")
    }
}

/// What is read and what is written, of one length.
pub(crate) fn pair<'i, 'o>(
    from: &'i [u8],
    to: &'o mut [u8],
) -> Result<InOutBuf<'i, 'o, u8>, Error> {
    InOutBuf::new(from, to).map_err(|_| Error::InvalidArgument)
}

/// The blocks of bytes that are made of whole ones.
pub(crate) fn blocks<'i, 'o>(
    bytes: InOutBuf<'i, 'o, u8>,
) -> Result<InOutBuf<'i, 'o, Block>, Error> {
    let (blocks, rest) = bytes.into_chunks();
    if rest.is_empty() { Ok(blocks) } else { Err(Error::InvalidArgument) }
}

#[cfg(test)]
mod tests;
