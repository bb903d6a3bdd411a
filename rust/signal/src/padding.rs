// SPDX-License-Identifier: MIT OR Apache-2.0
//! Padding of contents before encryption, so that ciphertexts show sizes only in steps of 80 bytes
//! (signal.md §14).

use e2ee_primitives::secret::SecretBytes;
use e2ee_wire::Error;

const STEP: usize = 80;
const BOUNDARY: u8 = 0x80;

/// `content`, the byte `80`, and zeros up to one byte less than a multiple of 80.
///
/// The missing byte is the one that PKCS#7 always adds.
#[must_use]
pub fn pad(content: &[u8]) -> SecretBytes {
    let least = content.len().saturating_add(2);
    let padded_len = least.div_ceil(STEP).saturating_mul(STEP).saturating_sub(1);
    let mut padded = Vec::with_capacity(padded_len);
    padded.extend_from_slice(content);
    padded.push(BOUNDARY);
    padded.resize(padded_len, 0);
    SecretBytes::new(padded)
}

/// Removes the zeros and the one byte `80` before them; [`Error::Malformed`] if there is none.
pub fn unpad(padded: &[u8]) -> Result<SecretBytes, Error> {
    let boundary = padded.iter().rposition(|&byte| byte != 0).ok_or(Error::Malformed)?;
    let (content, rest) = padded.split_at(boundary);
    match rest.first() {
        Some(&BOUNDARY) => Ok(SecretBytes::new(content.to_vec())),
        _ => Err(Error::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_pads_to_a_step_and_back() {
        for length in 0..=400 {
            let content = vec![0x80; length];

            let padded = pad(&content);

            assert_eq!(79, padded.expose().len() % 80);
            assert!(padded.expose().len() - length <= 80);
            assert_eq!(content, unpad(padded.expose()).unwrap().expose());
        }
    }

    #[test]
    fn contents_without_a_boundary_are_refused() {
        assert!(unpad(&[]).is_err());
        assert!(unpad(&[0, 0]).is_err());
        assert!(unpad(b"text").is_err());
    }
}
