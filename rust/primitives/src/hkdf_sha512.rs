// SPDX-License-Identifier: MIT OR Apache-2.0
//! HKDF-SHA-512 (RFC 5869) without a salt, for Matrix's older channel between devices
//! (olm_megolm.md §9).

use hkdf::Hkdf;
use sha2::Sha512;

use crate::secret::Secret;

/// Derives `N` bytes from input key material; the salt is absent, which equals 64 zero bytes.
///
/// RFC 5869 §2.2 and §2.3. More than 16,320 bytes, which is all that there are, do not compile.
#[must_use]
pub fn derive<const N: usize>(ikm: &[u8], info: &[&[u8]]) -> Secret<N> {
    const { assert!(N <= 255 * 64) };
    let mut output = Secret::zero();
    // The one failure is a length that does not compile.
    _ = Hkdf::<Sha512>::new(None, ikm).expand_multi_info(info, output.expose_mut());
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_an_independent_computation() {
        // By hmac and hashlib of Python, after RFC 5869.
        let derived = derive::<100>(b"ikm", &[b"in", b"", b"fo"]);

        assert_eq!(HEAD, derived.expose()[..8]);
        assert_eq!(TAIL, derived.expose()[92..]);
        assert_eq!(derive::<32>(b"ikm", &[b"info"]).expose(), &derived.expose()[..32]);
    }

    const HEAD: [u8; 8] = [0x3a, 0x60, 0x2e, 0xe5, 0x25, 0x93, 0xd4, 0xf9];
    const TAIL: [u8; 8] = [0x86, 0x60, 0x1c, 0xcf, 0xa0, 0x48, 0x40, 0x29];
}
