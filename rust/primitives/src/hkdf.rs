// SPDX-License-Identifier: MIT OR Apache-2.0
//! HKDF-SHA-256 (RFC 5869) without allocation, over the keyed states of `hmac`.

use std::sync::LazyLock;

use crate::hmac::HmacKey;
use crate::secret::Secret;

/// Derives `N` bytes from the concatenated input key material.
///
/// RFC 5869 §2.2 and §2.3. An empty salt equals 32 zero bytes. More than 8160 bytes, which is all
/// that RFC 5869 can give, does not compile.
#[must_use]
pub fn derive<const N: usize>(salt: &[u8], ikm: &[&[u8]], info: &[&[u8]]) -> Secret<N> {
    PseudorandomKey::extract(salt, ikm).expand(info)
}

/// What was extracted from input key material, for several outputs.
#[derive(Debug)]
pub struct PseudorandomKey(HmacKey);

impl PseudorandomKey {
    /// RFC 5869 §2.2, of the concatenated input key material. An empty salt equals 32 zero bytes.
    #[must_use]
    pub fn extract(salt: &[u8], ikm: &[&[u8]]) -> Self {
        let key =
            if salt.is_empty() { NO_SALT.derive(ikm) } else { HmacKey::new(salt).derive(ikm) };
        Self(HmacKey::new(key.expose()))
    }

    /// RFC 5869 §2.3: block i is the HMAC of block i − 1, the info and the byte i.
    #[must_use]
    pub fn expand<const N: usize>(&self, info: &[&[u8]]) -> Secret<N> {
        const { assert!(N <= 255 * 32) };
        let mut output = Secret::zero();
        let mut previous: Option<Secret<32>> = None;
        for (chunk, counter) in output.expose_mut().chunks_mut(32).zip(1..=u8::MAX) {
            let block = match &previous {
                None => self.0.derive_chained(&[], info, counter),
                Some(previous) => self.0.derive_chained(previous.expose(), info, counter),
            };
            for (to, from) in chunk.iter_mut().zip(block.expose()) {
                *to = *from;
            }
            previous = Some(block);
        }
        output
    }
}

/// The keyed state of the absent salt: a constant, so it is computed once.
static NO_SALT: LazyLock<HmacKey> = LazyLock::new(|| HmacKey::new(&[]));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_salt_equals_32_zero_bytes() {
        let absent = derive::<80>(&[], &[b"ikm"], &[b"info"]);
        let zeros = derive::<80>(&[0; 32], &[b"ikm"], &[b"info"]);

        assert!(absent.ct_eq(&zeros));
    }

    #[test]
    fn parts_are_joined() {
        let parts = derive::<64>(b"salt", &[b"i", b"km"], &[b"in", b"", b"fo"]);
        let whole = derive::<64>(b"salt", &[b"ikm"], &[b"info"]);

        assert!(parts.ct_eq(&whole));
    }

    #[test]
    fn shorter_outputs_are_prefixes() {
        let long = derive::<8160>(b"salt", &[b"ikm"], &[]);
        let short = derive::<33>(b"salt", &[b"ikm"], &[]);

        assert_eq!(short.expose(), long.expose().first_chunk().unwrap());
    }
}
