// SPDX-License-Identifier: MIT OR Apache-2.0
//! ChaCha20-Poly1305 (RFC 8439 §2.8), for Matrix's channel between devices (olm_megolm.md §9).

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};

use crate::secret::{Secret, SecretBytes};
use e2ee_wire::Error;

/// Bytes that the tag adds.
pub const TAG_LEN: usize = 16;
/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;

/// The ciphertext and its tag; a nonce must not be used twice with one key.
///
/// [`Error::InvalidArgument`] for more than 256 GiB.
pub fn seal(
    key: &Secret<32>,
    nonce: &[u8; NONCE_LEN],
    associated_data: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    let cipher = ChaCha20Poly1305::new(key.expose().into());
    // Room for the tag first: a vector that grows later leaves plaintext in its old place.
    let mut sealed = Vec::with_capacity(plaintext.len().saturating_add(TAG_LEN));
    sealed.extend_from_slice(plaintext);
    cipher
        .encrypt_in_place(nonce.into(), associated_data, &mut sealed)
        .map_err(|_| Error::InvalidArgument)?;
    Ok(sealed)
}

/// Opens what [`seal`] made; any difference is [`Error::Forged`].
pub fn open(
    key: &Secret<32>,
    nonce: &[u8; NONCE_LEN],
    associated_data: &[u8],
    sealed: &[u8],
) -> Result<SecretBytes, Error> {
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Error::Forged)?;
    let cipher = ChaCha20Poly1305::new(key.expose().into());
    let mut opened = SecretBytes::new(ciphertext.to_vec());
    cipher
        .decrypt_inout_detached(
            nonce.into(),
            associated_data,
            opened.expose_mut().into(),
            tag.into(),
        )
        .map_err(|_| Error::Forged)?;
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; 12] = [1; 12];

    fn key() -> Secret<32> {
        Secret::new([7; 32])
    }

    #[test]
    fn the_example_of_the_standard_is_sealed_and_opened() {
        // RFC 8439 §2.8.2.
        let key = Secret::new(core::array::from_fn(|at| 0x80 + at.to_le_bytes()[0]));
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let aad = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip \
                     for the future, sunscreen would be it.";

        let sealed = seal(&key, &nonce, &aad, text).unwrap();

        assert_eq!([0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb], sealed[..8]);
        let tag = [
            0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a, 0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60,
            0x06, 0x91,
        ];
        assert_eq!(tag, sealed[114..]);
        assert_eq!(text, open(&key, &nonce, &aad, &sealed).unwrap().expose());
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_forged() {
        let sealed = seal(&key(), &NONCE, b"ad", b"text").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let verdict = open(&key(), &NONCE, b"ad", &forged).map(|_| ());
            assert_eq!(Err(Error::Forged), verdict, "bit {bit}");
        }
        for length in 0..sealed.len() {
            let verdict = open(&key(), &NONCE, b"ad", &sealed[..length]).map(|_| ());
            assert_eq!(Err(Error::Forged), verdict, "{length} bytes");
        }
    }

    #[test]
    fn another_key_nonce_or_associated_data_is_forged() {
        let sealed = seal(&key(), &NONCE, b"ad", b"text").unwrap();
        for opened in [
            open(&Secret::new([8; 32]), &NONCE, b"ad", &sealed),
            open(&key(), &[2; 12], b"ad", &sealed),
            open(&key(), &NONCE, b"", &sealed),
        ] {
            assert_eq!(Err(Error::Forged), opened.map(|_| ()));
        }
    }
}
