// SPDX-License-Identifier: MIT OR Apache-2.0
//! AES-256-GCM-SIV (RFC 8452): records in a store, and sealed sender's second version.

use core::fmt;

use aes::Aes256Enc;
use aes_gcm_siv::{AeadInOut, AesGcmSiv, KeyInit};

use crate::secret::{Secret, SecretBytes};
use e2ee_wire::Error;

/// A key that seals or opens more than once: its schedule is computed once, and wiped on drop.
pub struct Key(AesGcmSiv<Aes256Enc>);

impl Key {
    /// Computes the schedule.
    #[must_use]
    pub fn new(key: &Secret<32>) -> Self {
        Self(AesGcmSiv::new(key.expose().into()))
    }

    /// Appends a ciphertext and its tag of 16 bytes to a record that is being written.
    ///
    /// # Panics
    ///
    /// If plaintext or associated data are longer than the 64 GiB of RFC 8452 §6.
    pub fn seal_into(
        &self,
        nonce: &[u8; 12],
        associated_data: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        // Room for the tag first: a vector that grows later leaves plaintext in its old place.
        out.reserve(plaintext.len().saturating_add(TAG_LEN));
        out.extend_from_slice(plaintext);
        self.seal_in_place(nonce, associated_data, start, out);
    }

    /// Seals what stands in a record from `start` on, where it stands, and appends the tag of 16
    /// bytes; the caller has left room for it.
    ///
    /// # Panics
    ///
    /// As [`Key::seal_into`], and if `start` lies behind the end.
    #[expect(
        clippy::expect_used,
        reason = "no record comes near 64 GiB, the only cause of an error"
    )]
    pub fn seal_in_place(
        &self,
        nonce: &[u8; 12],
        associated_data: &[u8],
        start: usize,
        out: &mut Vec<u8>,
    ) {
        let (_, body) = out.split_at_mut(start);
        let sealed = self.0.encrypt_inout_detached(nonce.into(), associated_data, body.into());
        out.extend_from_slice(&sealed.expect("a record is shorter than 64 GiB"));
    }

    /// Opens what [`Key::seal_into`] made; any difference in key, nonce, associated data or bytes is
    /// `Forged`.
    pub fn open(
        &self,
        nonce: &[u8; 12],
        associated_data: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, Error> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Error::Forged)?;
        let mut plaintext = SecretBytes::new(ciphertext.to_vec());
        let text = plaintext.expose_mut().into();
        let verdict =
            self.0.decrypt_inout_detached(nonce.into(), associated_data, text, tag.into());
        verdict.map(|()| plaintext).map_err(|_| Error::Forged)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(..)")
    }
}

/// Seals a plaintext: ciphertext, then a tag of 16 bytes.
///
/// # Panics
///
/// As [`Key::seal_into`].
#[must_use]
pub fn seal(
    key: &Secret<32>,
    nonce: &[u8; 12],
    associated_data: &[u8],
    plaintext: &[u8],
) -> Vec<u8> {
    let mut sealed = Vec::new();
    Key::new(key).seal_into(nonce, associated_data, plaintext, &mut sealed);
    sealed
}

/// Opens what [`seal`] made; any difference in key, nonce, associated data or bytes is `Forged`.
pub fn open(
    key: &Secret<32>,
    nonce: &[u8; 12],
    associated_data: &[u8],
    sealed: &[u8],
) -> Result<SecretBytes, Error> {
    Key::new(key).open(nonce, associated_data, sealed)
}

/// Seals under a key that seals this one plaintext and is gone: the nonce is zero.
///
/// # Panics
///
/// As [`Key::seal_into`].
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "a key whose nonce is zero serves once")]
pub fn seal_once(key: Secret<32>, plaintext: &[u8]) -> Vec<u8> {
    seal(&key, &[0; 12], &[], plaintext)
}

/// Opens what [`seal_once`] made; any difference is `Forged`.
#[expect(clippy::needless_pass_by_value, reason = "a key whose nonce is zero serves once")]
pub fn open_once(key: Secret<32>, sealed: &[u8]) -> Result<SecretBytes, Error> {
    open(&key, &[0; 12], &[], sealed)
}

/// Bytes of the tag behind each ciphertext.
pub const TAG_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        seal(&Secret::new([1; 32]), &[2; 12], b"name", b"record")
    }

    fn open_with(key: u8, nonce: u8, name: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        open(&Secret::new([key; 32]), &[nonce; 12], name, sealed).map(|p| p.expose().to_vec())
    }

    #[test]
    fn a_sealed_record_opens() {
        assert_eq!(6 + TAG_LEN, sealed().len());
        assert_eq!(Ok(b"record".to_vec()), open_with(1, 2, b"name", &sealed()));
    }

    #[test]
    fn every_flipped_bit_is_forged() {
        for bit in 0..sealed().len() * 8 {
            let mut forged = sealed();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Err(Error::Forged), open_with(1, 2, b"name", &forged), "bit {bit}");
        }
    }

    #[test]
    fn every_truncation_is_forged() {
        for len in 0..sealed().len() {
            let verdict = open_with(1, 2, b"name", &sealed()[..len]);
            assert_eq!(Err(Error::Forged), verdict, "{len} bytes");
        }
    }

    #[test]
    fn a_kept_key_seals_as_a_fresh_one_and_opens_both() {
        let key = Key::new(&Secret::new([1; 32]));

        for plaintext in [&b"record"[..], b"", &[7; 300]] {
            let mut sealed = vec![9];
            key.seal_into(&[2; 12], b"name", plaintext, &mut sealed);
            let expected = seal(&Secret::new([1; 32]), &[2; 12], b"name", plaintext);
            assert_eq!(expected, sealed[1..]);
            let mut in_place = [&[9][..], plaintext].concat();
            key.seal_in_place(&[2; 12], b"name", 1, &mut in_place);
            assert_eq!(sealed, in_place);
            assert_eq!(plaintext, key.open(&[2; 12], b"name", &expected).unwrap().expose());
        }
        assert_eq!("Key(..)", format!("{key:?}"));
    }

    #[test]
    fn a_key_that_serves_once_seals_under_the_zero_nonce() {
        let sealed = seal_once(Secret::new([1; 32]), b"content");

        assert_eq!(seal(&Secret::new([1; 32]), &[0; 12], &[], b"content"), sealed);
        let opened = open_once(Secret::new([1; 32]), &sealed).unwrap();
        assert_eq!(b"content", opened.expose());
        assert!(open_once(Secret::new([2; 32]), &sealed).is_err());
    }

    #[test]
    fn another_key_nonce_or_name_is_forged() {
        assert_eq!(Err(Error::Forged), open_with(0, 2, b"name", &sealed()));
        assert_eq!(Err(Error::Forged), open_with(1, 0, b"name", &sealed()));
        assert_eq!(Err(Error::Forged), open_with(1, 2, b"nam", &sealed()));
    }
}
