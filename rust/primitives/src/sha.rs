// SPDX-License-Identifier: MIT OR Apache-2.0
//! SHA-256, SHA-512 and, for names only, SHA-1 (FIPS 180-4), and SHA3-256 (FIPS 202), over parts
//! that are joined unseen.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use sha3::Sha3_256;

/// SHA-256 of the concatenated parts.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    digest::<Sha256>(parts).into()
}

/// SHA-256 of bytes that come in pieces.
#[derive(Debug)]
pub struct RunningSha256(Sha256);

impl RunningSha256 {
    /// The hash of nothing yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a hash begins where its user says so")]
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// SHA-512 of the concatenated parts.
#[must_use]
pub fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    digest::<Sha512>(parts).into()
}

/// SHA3-256 of the concatenated parts, the hash of ML-KEM's public keys.
#[must_use]
pub fn sha3_256(parts: &[&[u8]]) -> [u8; 32] {
    digest::<Sha3_256>(parts).into()
}

/// SHA-1 of the concatenated parts, for name-based UUIDs (RFC 9562 §5.5), which need no collision
/// resistance.
#[must_use]
pub fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    digest::<Sha1>(parts).into()
}

fn digest<D: Digest>(parts: &[&[u8]]) -> sha2::digest::Output<D> {
    let mut state = D::new();
    for part in parts {
        state.update(part);
    }
    state.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha1_of_the_example_in_fips_180() {
        let expected = [
            0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e, 0x25, 0x71, 0x78, 0x50,
            0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d,
        ];

        assert_eq!(expected, sha1(&[b"a", b"bc"]));
    }

    #[test]
    fn pieces_give_the_digest_of_the_whole() {
        let mut running = RunningSha256::new();
        for piece in [&b"ab"[..], b"", b"c"] {
            running.update(piece);
        }

        assert_eq!(sha256(&[b"abc"]), running.finish());
    }

    #[test]
    fn sha3_256_of_the_empty_message() {
        let digest = sha3_256(&[]);

        assert_eq!([0xa7, 0xff, 0xc6, 0xf8], digest[..4]);
        assert_eq!([0x80, 0xf8, 0x43, 0x4a], digest[28..]);
    }
}
