// SPDX-License-Identifier: MIT OR Apache-2.0
//! PBKDF2 with HMAC-SHA-512 (RFC 8018 §5.2), which Matrix clients stretch passphrases with
//! (olm_megolm.md §6, §7).
//!
//! It needs no memory, so that guessing is cheap on special hardware: formats of our own use
//! `argon2id`.

use core::num::NonZeroU32;

use sha2::Sha512;

use crate::secret::Secret;

/// `N` bytes from a passphrase, after so many rounds for each 64 bytes begun.
#[must_use]
pub fn derive<const N: usize>(passphrase: &[u8], salt: &[u8], rounds: NonZeroU32) -> Secret<N> {
    let mut key = Secret::zero();
    pbkdf2::pbkdf2_hmac::<Sha512>(passphrase, salt, rounds.get(), key.expose_mut());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn the_keys_are_those_that_python_computes() {
        // hashlib.pbkdf2_hmac("sha512", b"password", b"salt", rounds, 64).
        let one = derive::<64>(b"password", b"salt", rounds(1));
        let many = derive::<64>(b"password", b"salt", rounds(4096));

        assert_eq!([0x86, 0x7f, 0x70, 0xcf, 0x1a, 0xde, 0x02, 0xcf], one.expose()[..8]);
        assert_eq!([0xd1, 0x97, 0xb1, 0xb3, 0x3d, 0xb0, 0x14, 0x3e], many.expose()[..8]);
    }

    #[test]
    fn shorter_keys_are_prefixes_and_every_input_counts() {
        let key = derive::<64>(b"password", b"salt", rounds(2));

        assert_eq!(derive::<32>(b"password", b"salt", rounds(2)).expose(), &key.expose()[..32]);
        for other in [
            derive::<64>(b"passwore", b"salt", rounds(2)),
            derive::<64>(b"password", b"salu", rounds(2)),
            derive::<64>(b"password", b"salt", rounds(3)),
        ] {
            assert!(!other.ct_eq(&key));
        }
    }
}
