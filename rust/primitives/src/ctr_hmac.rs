// SPDX-License-Identifier: MIT OR Apache-2.0
//! AES-256-CTR beside HMAC-SHA-256 cut to ten bytes: sealed sender's first version
//! (signal.md §1 and §10.3).

use aes::Aes256;
use ctr::Ctr32BE;
use ctr::cipher::{KeyIvInit, StreamCipher};

use crate::hmac::HmacKey;
use crate::secret::{Secret, SecretBytes};
use e2ee_wire::Error;

/// Bytes of the tag behind each ciphertext.
pub const TAG_LEN: usize = 10;

/// The two keys of one box. They seal or open it and are gone: the counter begins at zero.
pub struct BoxKeys {
    cipher_key: Secret<32>,
    mac_key: Secret<32>,
}

impl BoxKeys {
    /// The keys of the cipher and of the tag.
    #[must_use]
    pub const fn new(cipher_key: Secret<32>, mac_key: Secret<32>) -> Self {
        Self { cipher_key, mac_key }
    }

    /// Ciphertext, then the tag of it; [`Error::InvalidArgument`] above 64 GiB.
    pub fn seal(self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        // Room for the tag first: a vector that grows later leaves plaintext in its old place.
        let mut sealed = Vec::with_capacity(plaintext.len().saturating_add(TAG_LEN));
        sealed.extend_from_slice(plaintext);
        apply(&self.cipher_key, &[0; 16], &mut sealed)?;
        let tag = HmacKey::new(self.mac_key.expose()).tag(&[&sealed]);
        sealed.extend(tag.iter().take(TAG_LEN));
        Ok(sealed)
    }

    /// Opens what [`BoxKeys::seal`] made; any difference is `Forged`.
    pub fn open(self, sealed: &[u8]) -> Result<SecretBytes, Error> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Error::Forged)?;
        if !HmacKey::new(self.mac_key.expose()).verify(&[ciphertext], tag) {
            return Err(Error::Forged);
        }
        let mut plaintext = SecretBytes::new(ciphertext.to_vec());
        apply(&self.cipher_key, &[0; 16], plaintext.expose_mut())?;
        Ok(plaintext)
    }
}

/// NIST SP 800-38A §6.5, the counter being the last four bytes of the block.
fn apply(key: &Secret<32>, first_block: &[u8; 16], buffer: &mut [u8]) -> Result<(), Error> {
    let mut cipher = Ctr32BE::<Aes256>::new(key.expose().into(), first_block.into());
    cipher.try_apply_keystream(buffer).map_err(|_| Error::InvalidArgument)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(cipher: u8, mac: u8) -> BoxKeys {
        BoxKeys::new(Secret::new([cipher; 32]), Secret::new([mac; 32]))
    }

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn the_cipher_is_that_of_the_standard() {
        // NIST SP 800-38A, F.5.5.
        let key = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
        let plaintext = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                         30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
        let ciphertext = "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5\
                          2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6";
        let key = Secret::from_slice(&unhex(key)).unwrap();
        let mut buffer = unhex(plaintext);

        let first = core::array::from_fn(|at| 0xf0 + at.to_le_bytes()[0]);
        apply(&key, &first, &mut buffer).unwrap();

        assert_eq!(unhex(ciphertext), buffer);
    }

    #[test]
    fn the_counter_carries_within_its_four_bytes() {
        let key = Secret::new([7; 32]);
        let mut across = vec![0; 16 * 257];
        apply(&key, &[0; 16], &mut across).unwrap();
        let mut last = vec![0; 16];
        let mut block = [0; 16];
        block[14] = 1;
        apply(&key, &block, &mut last).unwrap();

        assert_eq!(last, across[16 * 256..]);
    }

    #[test]
    fn what_is_sealed_opens_and_every_flipped_bit_is_forged() {
        let sealed = keys(1, 2).seal(b"content").unwrap();
        assert_eq!(7 + TAG_LEN, sealed.len());
        assert_eq!(b"content", keys(1, 2).open(&sealed).unwrap().expose());

        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Err(Error::Forged), keys(1, 2).open(&forged).map(|_| ()), "bit {bit}");
        }
    }

    #[test]
    fn truncations_and_another_key_are_forged() {
        let sealed = keys(1, 2).seal(b"content").unwrap();

        for len in 0..sealed.len() {
            assert_eq!(Err(Error::Forged), keys(1, 2).open(&sealed[..len]).map(|_| ()), "{len}");
        }
        assert_eq!(Err(Error::Forged), keys(1, 3).open(&sealed).map(|_| ()));
    }
}
