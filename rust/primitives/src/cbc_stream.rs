// SPDX-License-Identifier: MIT OR Apache-2.0
//! AES-256-CBC over bytes that come in pieces (NIST SP 800-38A §6.2), for files (signal.md §13).

use core::fmt;

use aes::Aes256;
use cbc::cipher::array::Array;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use zeroize::Zeroize;

use crate::cbc_hmac::padding_len;
use crate::secret::{Secret, SecretBytes};
use e2ee_wire::Error;

/// Bytes of a block.
pub const BLOCK_LEN: usize = 16;

/// Encrypts pieces of any length; PKCS#7 padding ends them (RFC 5652 §6.3).
pub struct CbcEncryptor {
    mode: Encryptor<Aes256>,
    /// The start of a block whose rest has not come yet.
    partial: SecretBytes,
}

impl CbcEncryptor {
    /// A cipher at its first block.
    #[must_use]
    pub fn new(key: &Secret<32>, iv: &[u8; BLOCK_LEN]) -> Self {
        Self {
            mode: Encryptor::new(key.expose().into(), iv.into()),
            partial: SecretBytes::new(Vec::with_capacity(BLOCK_LEN)),
        }
    }

    /// Appends the ciphertext of all blocks that are whole by now.
    pub fn update(&mut self, plaintext: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        // Room for all of it first: a vector that grows later leaves plaintext in its old place.
        out.reserve(plaintext.len().saturating_add(BLOCK_LEN));
        out.extend_from_slice(self.partial.expose());
        out.extend_from_slice(plaintext);
        let (_, body) = out.split_at_mut(start);
        let (blocks, rest) = body.as_chunks_mut::<BLOCK_LEN>();
        self.mode.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
        self.partial.prepare(rest.len()).copy_from_slice(rest);
        let rest_len = rest.len();
        rest.zeroize();
        out.truncate(out.len().saturating_sub(rest_len));
    }

    /// Appends the last block, which always holds padding.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let pad_len = BLOCK_LEN.saturating_sub(self.partial.len());
        let [pad, ..] = pad_len.to_le_bytes();
        let padding = [pad; BLOCK_LEN];
        self.update(padding.get(..pad_len).unwrap_or(&padding), out);
    }
}

impl fmt::Debug for CbcEncryptor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CbcEncryptor(..)")
    }
}

/// Decrypts whole blocks, several at once.
///
/// The bytes must have been authenticated before.
pub struct CbcDecryptor(Decryptor<Aes256>);

impl CbcDecryptor {
    /// A cipher at its first block, or behind the block `iv`.
    #[must_use]
    pub fn new(key: &Secret<32>, iv: &[u8; BLOCK_LEN]) -> Self {
        Self(Decryptor::new(key.expose().into(), iv.into()))
    }

    /// Puts the plaintext of these blocks in the place of what `out` held.
    ///
    /// A length that is no multiple of 16 is `Forged` and changes nothing.
    pub fn decrypt_into(&mut self, ciphertext: &[u8], out: &mut SecretBytes) -> Result<(), Error> {
        let (blocks, rest) = ciphertext.as_chunks::<BLOCK_LEN>();
        if !rest.is_empty() {
            return Err(Error::Forged);
        }
        let (plain, _) = out.prepare(ciphertext.len()).as_chunks_mut::<BLOCK_LEN>();
        self.0
            .decrypt_blocks_b2b(
                Array::cast_slice_from_core(blocks),
                Array::cast_slice_from_core_mut(plain),
            )
            .map_err(|_| Error::Forged)
    }

    /// The same for the last blocks: their PKCS#7 padding is checked and taken off.
    ///
    /// No block at all, or wrong padding, is `Forged`.
    pub fn finish_into(mut self, ciphertext: &[u8], out: &mut SecretBytes) -> Result<(), Error> {
        self.decrypt_into(ciphertext, out)?;
        let padding = out.expose().last_chunk().and_then(padding_len).ok_or(Error::Forged)?;
        out.truncate(out.len().saturating_sub(padding));
        Ok(())
    }
}

impl fmt::Debug for CbcDecryptor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CbcDecryptor(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbc_hmac::{cbc_decrypt, cbc_encrypt};

    const IV: [u8; 16] = [3; 16];

    fn key() -> Secret<32> {
        Secret::new([7; 32])
    }

    #[test]
    fn pieces_of_every_length_give_the_same_as_the_whole() {
        let plaintext: Vec<u8> = (0..=255).collect();
        let whole = cbc_encrypt(&key(), &IV, &plaintext);

        for length in 1..=plaintext.len() {
            let (mut cipher, mut out) = (CbcEncryptor::new(&key(), &IV), Vec::new());
            for piece in plaintext.chunks(length) {
                cipher.update(piece, &mut out);
            }
            cipher.finish(&mut out);

            assert_eq!(whole, out, "pieces of {length}");
        }
    }

    #[test]
    fn every_length_is_padded() {
        for length in 0..50 {
            let plaintext = vec![9; length];
            let (mut cipher, mut out) = (CbcEncryptor::new(&key(), &IV), b"head".to_vec());
            cipher.update(&plaintext, &mut out);
            cipher.finish(&mut out);

            assert_eq!(plaintext, cbc_decrypt(&key(), &IV, &out[4..]).unwrap().expose());
        }
    }

    #[test]
    fn decryption_goes_on_and_can_begin_behind_any_block() {
        let plaintext: Vec<u8> = (0..=255).collect();
        let sealed = cbc_encrypt(&key(), &IV, &plaintext);
        let mut out = SecretBytes::new(Vec::new());

        let mut cipher = CbcDecryptor::new(&key(), &IV);
        for (place, piece) in sealed[..256].chunks(48).enumerate() {
            cipher.decrypt_into(piece, &mut out).unwrap();
            assert_eq!(&plaintext[place * 48..(place * 48 + 48).min(256)], out.expose());
        }
        let mut cipher = CbcDecryptor::new(&key(), sealed[32..48].try_into().unwrap());
        cipher.decrypt_into(&sealed[48..64], &mut out).unwrap();
        assert_eq!(&plaintext[48..64], out.expose());
    }

    #[test]
    fn the_end_gives_up_its_padding_or_is_forged() {
        let sealed = cbc_encrypt(&key(), &IV, &[32; 20]);
        let mut out = SecretBytes::new(Vec::new());

        CbcDecryptor::new(&key(), &IV).finish_into(&sealed, &mut out).unwrap();

        assert_eq!(&[32; 20], out.expose());
        for bad in [&sealed[..16], &[]] {
            let verdict = CbcDecryptor::new(&key(), &IV).finish_into(bad, &mut out);
            assert_eq!(Err(Error::Forged), verdict);
        }
    }

    #[test]
    fn a_part_of_a_block_is_forged_and_changes_nothing() {
        let mut out = SecretBytes::new(vec![5; 3]);

        let verdict = CbcDecryptor::new(&key(), &IV).decrypt_into(&[0; 17], &mut out);

        assert_eq!((Err(Error::Forged), &[5; 3][..]), (verdict, out.expose()));
    }
}
