// SPDX-License-Identifier: MIT OR Apache-2.0
//! Padding of contents before encryption, so that ciphertexts show sizes only in steps of 80 bytes
//! (signal.md §14).

use e2ee_primitives::secret::SecretBytes;
use e2ee_wire::Error;

const STEP: usize = 80;
const APPLICATION: u8 = 0x80;
const DISTRIBUTION: u8 = 0x81;

/// The byte between a content and the zeros behind it, which says whose the content is.
///
/// It is encrypted and authenticated together with the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// `80`: the application's, as every client of the protocol pads.
    Application,
    /// `81`: a sender-key distribution message of a group (signal.md §9).
    ///
    /// Unlike the reference client's application, which names it inside a content format of its
    /// own: here the application's content is any bytes.
    Distribution,
}

/// `content`, the boundary, and zeros up to one byte less than a multiple of 80.
///
/// The missing byte is the one that PKCS#7 always adds.
#[must_use]
pub fn pad(boundary: Boundary, content: &[u8]) -> SecretBytes {
    let least = content.len().saturating_add(2);
    let padded_len = least.div_ceil(STEP).saturating_mul(STEP).saturating_sub(1);
    let mut padded = Vec::with_capacity(padded_len);
    padded.extend_from_slice(content);
    padded.push(match boundary {
        Boundary::Application => APPLICATION,
        Boundary::Distribution => DISTRIBUTION,
    });
    padded.resize(padded_len, 0);
    SecretBytes::new(padded)
}

/// Removes the zeros and the boundary before them; [`Error::Malformed`] if there is none.
pub fn unpad(padded: &[u8]) -> Result<(Boundary, SecretBytes), Error> {
    let position = padded.iter().rposition(|&byte| byte != 0).ok_or(Error::Malformed)?;
    let (content, rest) = padded.split_at(position);
    let boundary = match rest.first() {
        Some(&APPLICATION) => Boundary::Application,
        Some(&DISTRIBUTION) => Boundary::Distribution,
        _ => return Err(Error::Malformed),
    };
    Ok((boundary, SecretBytes::new(content.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_pads_to_a_step_and_back() {
        for length in 0..=400 {
            let content = vec![0x80; length];

            let padded = pad(Boundary::Application, &content);

            assert_eq!(79, padded.expose().len() % 80);
            assert!(padded.expose().len() - length <= 80);
            let (boundary, unpadded) = unpad(padded.expose()).unwrap();
            assert_eq!(Boundary::Application, boundary);
            assert_eq!(content, unpadded.expose());
        }
    }

    #[test]
    fn the_boundary_says_whose_the_content_is() {
        let padded = pad(Boundary::Distribution, &[0x80]);

        assert_eq!([0x80, 0x81, 0], padded.expose()[..3]);
        assert_eq!(Boundary::Distribution, unpad(padded.expose()).unwrap().0);
    }

    #[test]
    fn contents_without_a_boundary_are_refused() {
        assert!(unpad(&[]).is_err());
        assert!(unpad(&[0, 0]).is_err());
        assert!(unpad(b"text").is_err());
        assert!(unpad(&[1, 0x82, 0]).is_err());
    }
}
