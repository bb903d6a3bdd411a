// SPDX-License-Identifier: MIT OR Apache-2.0
//! Public keys as they travel: a type byte, then the key (signal.md §2.1 and §2.2).

use e2ee_primitives::{kyber1024, x25519};
use e2ee_wire::Error;

/// Bytes of an encoded elliptic-curve public key.
pub const EC_KEY_LEN: usize = 33;
/// Bytes of an encoded Kyber-1024 public key.
pub const KYBER_KEY_LEN: usize = 1 + kyber1024::PUBLIC_KEY_LEN;
/// Bytes of an encoded Kyber-1024 ciphertext.
pub const KYBER_CIPHERTEXT_LEN: usize = 1 + kyber1024::CIPHERTEXT_LEN;

const EC_TYPE: u8 = 0x05;
const KYBER_TYPE: u8 = 0x08;

/// `05` and the 32 bytes of the key.
#[must_use]
pub fn encode_ec(key: &x25519::PublicKey) -> [u8; EC_KEY_LEN] {
    typed(EC_TYPE, key.as_bytes())
}

/// Reads [`encode_ec`]; [`Error::InvalidKey`] for another type or length.
///
/// Unlike the reference client, which ignores a tail, exactly 33 bytes are required: a tail on
/// the sender's identity key would be bytes that nothing authenticates.
pub fn decode_ec(bytes: &[u8]) -> Result<x25519::PublicKey, Error> {
    untyped(EC_TYPE, bytes).map(|key| x25519::PublicKey::new(*key))
}

/// `08` and the 1568 bytes of the key.
#[must_use]
pub fn encode_kyber(key: &kyber1024::PublicKey) -> [u8; KYBER_KEY_LEN] {
    typed(KYBER_TYPE, key.as_bytes())
}

/// Reads [`encode_kyber`]; [`Error::InvalidKey`] for another type or length.
pub fn decode_kyber(bytes: &[u8]) -> Result<kyber1024::PublicKey, Error> {
    untyped(KYBER_TYPE, bytes).map(kyber1024::PublicKey::new)
}

/// The 3168 bytes of a recorded secret key behind its `08`; [`Error::InvalidKey`] for another type
/// or length.
pub fn decode_kyber_secret(bytes: &[u8]) -> Result<&[u8; kyber1024::EXPANDED_LEN], Error> {
    untyped(KYBER_TYPE, bytes)
}

/// `08` and the 1568 bytes of the ciphertext.
#[must_use]
pub fn encode_kyber_ciphertext(
    ciphertext: &[u8; kyber1024::CIPHERTEXT_LEN],
) -> [u8; KYBER_CIPHERTEXT_LEN] {
    typed(KYBER_TYPE, ciphertext)
}

/// Reads [`encode_kyber_ciphertext`]; [`Error::InvalidKey`] for another type or length.
pub fn decode_kyber_ciphertext(bytes: &[u8]) -> Result<&[u8; kyber1024::CIPHERTEXT_LEN], Error> {
    untyped(KYBER_TYPE, bytes)
}

/// `N` is one more than the length of `key`: the callers' types say so.
fn typed<const N: usize>(key_type: u8, key: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    if let Some((first, rest)) = out.split_first_mut() {
        *first = key_type;
        for (to, from) in rest.iter_mut().zip(key) {
            *to = *from;
        }
    }
    out
}

fn untyped<const N: usize>(key_type: u8, bytes: &[u8]) -> Result<&[u8; N], Error> {
    match bytes.split_first() {
        Some((first, key)) if *first == key_type => key.try_into().map_err(|_| Error::InvalidKey),
        _ => Err(Error::InvalidKey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_type_and_the_exact_length_are_read() {
        let key = x25519::PublicKey::new([9; 32]);
        let encoded = encode_ec(&key);

        assert_eq!(Ok(key), decode_ec(&encoded));
        assert_eq!(Err(Error::InvalidKey), decode_ec(&encoded[..32]));
        assert_eq!(Err(Error::InvalidKey), decode_ec(&[&encoded[..], &[0]].concat()));
        assert_eq!(Err(Error::InvalidKey), decode_ec(&[]));
        assert_eq!(Err(Error::InvalidKey), decode_ec(&[&[4], &encoded[1..]].concat()));
    }
}
