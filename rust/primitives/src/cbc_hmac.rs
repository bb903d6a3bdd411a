// SPDX-License-Identifier: MIT OR Apache-2.0
//! AES-256-CBC with PKCS#7 padding beside HMAC-SHA-256: message bodies (signal.md §1, §6.3).

use aes::{Aes256Dec, Aes256Enc};
use cbc::cipher::array::Array;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use subtle::ConstantTimeEq;

use crate::hmac::HmacKey;
use crate::secret::{Secret, SecretBytes};
use e2ee_wire::Error;

/// The three keys of one message: they open or seal it and are gone.
pub struct MessageKeys {
    cipher_key: Secret<32>,
    mac_key: Secret<32>,
    iv: Secret<16>,
}

impl MessageKeys {
    /// Takes a derivation apart: cipher key, MAC key, IV (signal.md §6.3).
    #[must_use]
    pub fn new(derived: Secret<80>) -> Self {
        let keys = Self {
            cipher_key: derived.part::<0, 32>(),
            mac_key: derived.part::<32, 32>(),
            iv: derived.part::<64, 16>(),
        };
        drop(derived);
        keys
    }

    /// How many bytes `encrypt_into` appends: PKCS#7 always adds between 1 and 16.
    #[must_use]
    pub const fn ciphertext_len(plaintext_len: usize) -> usize {
        (plaintext_len - plaintext_len % BLOCK_LEN).saturating_add(BLOCK_LEN)
    }

    /// Appends the ciphertext to a frame that is being written.
    pub fn encrypt_into(&self, plaintext: &[u8], out: &mut Vec<u8>) {
        append_encrypted(&self.cipher_key, self.iv.expose(), plaintext, out);
    }

    /// The full tag of the concatenated parts; the dialect decides how many bytes travel.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        HmacKey::new(self.mac_key.expose()).tag(parts)
    }

    /// Checks a possibly truncated tag in constant time.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), Error> {
        if HmacKey::new(self.mac_key.expose()).verify(parts, tag) {
            Ok(())
        } else {
            Err(Error::Forged)
        }
    }

    /// Opens the body and consumes the keys; call `verify` first.
    ///
    /// A wrong length and wrong padding are the same error (signal.md §1).
    pub fn decrypt(self, ciphertext: &[u8]) -> Result<SecretBytes, Error> {
        cbc_decrypt(&self.cipher_key, self.iv.expose(), ciphertext)
    }
}

/// AES-256-CBC with PKCS#7 padding (NIST SP 800-38A §6.2, RFC 5652 §6.3).
#[must_use]
pub fn cbc_encrypt(key: &Secret<32>, iv: &[u8; 16], plaintext: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    append_encrypted(key, iv, plaintext, &mut out);
    out
}

/// The inverse of [`cbc_encrypt`]; the padding is checked in constant time.
///
/// Empty input, a length that is no multiple of 16 and bad padding are all `Forged`.
pub fn cbc_decrypt(
    key: &Secret<32>,
    iv: &[u8; 16],
    ciphertext: &[u8],
) -> Result<SecretBytes, Error> {
    let mut buffer = SecretBytes::new(ciphertext.to_vec());
    let (blocks, rest) = buffer.expose_mut().as_chunks_mut::<BLOCK_LEN>();
    if !rest.is_empty() {
        return Err(Error::Forged);
    }
    Decryptor::<Aes256Dec>::new(key.expose().into(), iv.into())
        .decrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    let padding = blocks.last().and_then(padding_len).ok_or(Error::Forged)?;
    buffer.truncate(buffer.len().saturating_sub(padding));
    Ok(buffer)
}

/// Encrypts in the caller's buffer: the plaintext is copied once, to where its ciphertext will be.
fn append_encrypted(key: &Secret<32>, iv: &[u8; 16], plaintext: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let padded_len = MessageKeys::ciphertext_len(plaintext.len());
    // Room for all of it first: a vector that grows later leaves plaintext in its old place.
    out.reserve(padded_len);
    out.extend_from_slice(plaintext);
    let [pad, ..] = padded_len.saturating_sub(plaintext.len()).to_le_bytes();
    out.resize(start.saturating_add(padded_len), pad);
    let (_, body) = out.split_at_mut(start);
    let (blocks, _) = body.as_chunks_mut::<BLOCK_LEN>();
    Encryptor::<Aes256Enc>::new(key.expose().into(), iv.into())
        .encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
}

/// The length of correct PKCS#7 padding in the last block; only the verdict is branched on.
pub(crate) fn padding_len(block: &[u8; BLOCK_LEN]) -> Option<usize> {
    let [.., pad] = *block;
    // Neither 0 nor above 16; then all bytes that are padding are alike. What is wrong is collected
    // and looked at once, since each choice of `subtle` costs as much as all of this.
    let mut wrong = pad.wrapping_sub(1) & !15;
    for (byte, from_end) in block.iter().rev().zip(0_u8..) {
        let is_padding = (from_end.wrapping_sub(pad) >> 7).wrapping_neg();
        wrong |= (byte ^ pad) & is_padding;
    }
    bool::from(wrong.ct_eq(&0)).then(|| usize::from(pad))
}

const BLOCK_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> MessageKeys {
        MessageKeys::new(Secret::new(core::array::from_fn(|i| i.to_le_bytes()[0])))
    }

    /// Encrypts whole blocks without padding, to place any last block under the padding check.
    fn encrypt_raw(blocks: &[[u8; 16]]) -> Vec<u8> {
        let keys = keys();
        let mut out = cbc_encrypt(&keys.cipher_key, keys.iv.expose(), blocks.as_flattened());
        out.truncate(blocks.len() * 16);
        out
    }

    #[test]
    fn every_length_around_a_block_comes_back() {
        for len in 0..50 {
            let plaintext = vec![0xa5; len];
            let mut frame = b"head".to_vec();

            keys().encrypt_into(&plaintext, &mut frame);

            assert_eq!(MessageKeys::ciphertext_len(len), frame.len() - 4);
            assert_eq!(b"head", &frame[..4]);
            assert_eq!(plaintext, keys().decrypt(&frame[4..]).unwrap().expose());
        }
    }

    #[test]
    fn the_parts_of_the_derivation_are_in_order() {
        let keys = keys();

        assert_eq!(
            (0, 32, 64),
            (keys.cipher_key.expose()[0], keys.mac_key.expose()[0], keys.iv.expose()[0])
        );
    }

    #[test]
    fn empty_and_partial_blocks_are_forged() {
        for len in [0, 1, 15, 17, 31] {
            assert_eq!(Err(Error::Forged), keys().decrypt(&vec![0; len]).map(|_| ()), "{len}");
        }
    }

    #[test]
    fn each_wrong_padding_is_forged_and_each_right_one_opens() {
        for pad in 0..=255_u8 {
            for wrong_at in 0..16 {
                let mut last = [pad; 16];
                last[15 - wrong_at] ^= u8::from(wrong_at > 0);
                let in_padding = wrong_at > 0 && wrong_at < usize::from(pad);
                let good = (1..=16).contains(&pad) && !in_padding;

                let opened = keys().decrypt(&encrypt_raw(&[[9; 16], last]));

                let expected = good.then(|| 32 - usize::from(pad)).ok_or(Error::Forged);
                assert_eq!(expected, opened.map(|bytes| bytes.len()), "{pad} {wrong_at}");
            }
        }
    }

    #[test]
    fn a_wrong_tag_is_forged() {
        let tag = keys().tag(&[b"frame"]);

        assert_eq!(Ok(()), keys().verify(&[b"fra", b"me"], &tag[..8]));
        assert_eq!(Err(Error::Forged), keys().verify(&[b"frame"], &tag[..7]));
        assert_eq!(Err(Error::Forged), keys().verify(&[b"frames"], &tag[..8]));
    }
}
