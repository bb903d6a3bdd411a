// SPDX-License-Identifier: MIT OR Apache-2.0
//! AES-256-IGE over whole blocks, for Telegram (mtproto_secret_chats.md §2).
//!
//! It authenticates nothing: what is decrypted has to be checked by a hash of it.

use core::fmt;

use aes::{
    Aes256Dec, Aes256Enc, Block,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};

use crate::secret::Secret;
use e2ee_wire::Error;

/// Bytes of a block.
pub const BLOCK_LEN: usize = 16;
/// Bytes of an IV: the ciphertext block and then the plaintext block before the first.
pub const IV_LEN: usize = 32;

/// The blocks before the next one.
struct Before {
    ciphertext: Secret<BLOCK_LEN>,
    plaintext: Secret<BLOCK_LEN>,
}

impl Before {
    fn new(iv: &Secret<IV_LEN>) -> Self {
        Self { ciphertext: iv.part::<0, BLOCK_LEN>(), plaintext: iv.part::<BLOCK_LEN, BLOCK_LEN>() }
    }
}

/// Encrypts whole blocks, one behind the other.
pub struct IgeEncryptor {
    cipher: Aes256Enc,
    before: Before,
}

impl IgeEncryptor {
    /// A cipher at its first block.
    #[must_use]
    pub fn new(key: &Secret<32>, iv: &Secret<IV_LEN>) -> Self {
        Self { cipher: Aes256Enc::new(key.expose().into()), before: Before::new(iv) }
    }

    /// Encrypts the blocks in their place: `c = E(p ⊕ c before) ⊕ p before`.
    ///
    /// [`Error::InvalidArgument`], and nothing is changed, for a length that is no multiple of 16.
    pub fn encrypt(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        let (blocks, []) = bytes.as_chunks_mut::<BLOCK_LEN>() else {
            return Err(Error::InvalidArgument);
        };
        for block in blocks {
            let plaintext = *block;
            let mut work: Block = xor(block, self.before.ciphertext.expose()).into();
            self.cipher.encrypt_block(&mut work);
            *block = xor(&work.into(), self.before.plaintext.expose());
            *self.before.ciphertext.expose_mut() = *block;
            *self.before.plaintext.expose_mut() = plaintext;
        }
        Ok(())
    }
}

/// Decrypts whole blocks, one behind the other.
pub struct IgeDecryptor {
    cipher: Aes256Dec,
    before: Before,
}

impl IgeDecryptor {
    /// A cipher at its first block.
    #[must_use]
    pub fn new(key: &Secret<32>, iv: &Secret<IV_LEN>) -> Self {
        Self { cipher: Aes256Dec::new(key.expose().into()), before: Before::new(iv) }
    }

    /// Decrypts the blocks in their place: `p = D(c ⊕ p before) ⊕ c before`.
    ///
    /// [`Error::InvalidArgument`], and nothing is changed, for a length that is no multiple of 16.
    pub fn decrypt(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        let (blocks, []) = bytes.as_chunks_mut::<BLOCK_LEN>() else {
            return Err(Error::InvalidArgument);
        };
        for block in blocks {
            let ciphertext = *block;
            let mut work: Block = xor(block, self.before.plaintext.expose()).into();
            self.cipher.decrypt_block(&mut work);
            *block = xor(&work.into(), self.before.ciphertext.expose());
            *self.before.plaintext.expose_mut() = *block;
            *self.before.ciphertext.expose_mut() = ciphertext;
        }
        Ok(())
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

fn xor(left: &[u8; BLOCK_LEN], right: &[u8; BLOCK_LEN]) -> [u8; BLOCK_LEN] {
    (u128::from_ne_bytes(*left) ^ u128::from_ne_bytes(*right)).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encrypted_decrypts_in_pieces() {
        let (key, iv) = (Secret::new([7; 32]), Secret::new([9; 32]));
        let plaintext: Vec<u8> = (0..=255).collect();
        let mut sealed = plaintext.clone();
        IgeEncryptor::new(&key, &iv).encrypt(&mut sealed).unwrap();

        let mut cipher = IgeDecryptor::new(&key, &iv);
        for piece in sealed.chunks_mut(48) {
            cipher.decrypt(piece).unwrap();
        }

        assert_eq!(plaintext, sealed);
    }

    #[test]
    fn a_part_of_a_block_changes_nothing() {
        let (key, iv) = (Secret::new([7; 32]), Secret::new([9; 32]));
        let mut bytes = [3; 17];

        assert_eq!(Err(Error::InvalidArgument), IgeEncryptor::new(&key, &iv).encrypt(&mut bytes));
        assert_eq!([3; 17], bytes);
    }
}
