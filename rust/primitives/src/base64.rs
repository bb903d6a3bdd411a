// SPDX-License-Identifier: MIT OR Apache-2.0
//! Base64: the standard alphabet (RFC 4648 §4) without padding, read with or
//! without it. In constant time, because keys pass through it.

use base64ct::{Base64Unpadded, Encoding};
use e2ee_wire::Error;

use crate::SecretBytes;

/// The text of `bytes`, without padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    Base64Unpadded::encode_string(bytes)
}

/// The bytes of a text; they may be a key, and are wiped.
///
/// [`Error::Malformed`] if the text is not the one form of its bytes, or its padding is wrong.
pub fn decode(text: &str) -> Result<SecretBytes, Error> {
    let unpadded = text.trim_end_matches('=');
    let padding = text.len() - unpadded.len();
    if padding > 0 && (padding > 2 || !text.len().is_multiple_of(4)) {
        return Err(Error::Malformed);
    }
    Base64Unpadded::decode_vec(unpadded).map(SecretBytes::new).map_err(|_| Error::Malformed)
}

/// The 32 bytes of a key's text.
///
/// [`Error::Malformed`] as for [`decode`], and for another length.
pub fn decode_key(text: &str) -> Result<[u8; 32], Error> {
    decode(text)?.expose().try_into().map_err(|_| Error::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_with_and_without_padding() {
        for (text, bytes) in [("", &b""[..]), ("Zg", b"f"), ("Zm8", b"fo"), ("Zm9v", b"foo")] {
            assert_eq!(bytes, decode(text).unwrap().expose());
            assert_eq!(text, encode(bytes));
        }
        assert_eq!(b"f", decode("Zg==").unwrap().expose());
        assert_eq!(b"fo", decode("Zm8=").unwrap().expose());
    }

    #[test]
    fn other_forms_of_the_same_bytes_are_refused() {
        for text in ["Zh", "Zg=", "Zg===", "Zm9v====", "Zm 8", "Zm8\n", "_-8", "Z", "=", "===="] {
            assert_eq!(Err(Error::Malformed), decode(text).map(|_| ()));
        }
    }

    #[test]
    fn a_key_has_32_bytes() {
        assert_eq!(Ok([7; 32]), decode_key(&encode(&[7; 32])));
        assert_eq!(Err(Error::Malformed), decode_key(&encode(&[7; 31])));
        assert_eq!(Err(Error::Malformed), decode_key(&encode(&[7; 33])));
    }
}
