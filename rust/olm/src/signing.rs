// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signatures of signed objects: cross-signing keys, and the word of devices and backups
//! (olm_megolm.md §5, signing, and §8).
//!
//! What is signed is canonical JSON. It is written where the objects live, in Python: they are
//! public, nothing secret passes through them, and another JSON reader would be another opinion
//! about what an object says.

use e2ee_primitives::{
    Random, Secret, base64,
    ed25519::{self, PublicKey},
};
use e2ee_wire::Error;

/// A key that signs, made from a seed of 32 bytes.
#[derive(Debug)]
pub struct SigningKey {
    seed: Secret<32>,
    key: ed25519::SigningKey,
}

impl SigningKey {
    /// A fresh key; draws exactly 32 bytes.
    pub fn generate(random: &mut dyn Random) -> Result<Self, Error> {
        Ok(Self::from_seed(Secret::random(random)?))
    }

    /// The key of a seed, which a secret storage kept.
    #[must_use]
    pub fn from_seed(seed: Secret<32>) -> Self {
        Self { key: ed25519::SigningKey::from_seed(seed.duplicate()), seed }
    }

    /// The seed, for a secret storage.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.seed.expose()
    }

    /// The public half, whose text names the key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        self.key.public()
    }

    /// The signature's text, unpadded base64.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> String {
        base64::encode(&self.key.sign(message))
    }
}

/// Verifies the text of a signature under the text of a key.
///
/// [`Error::BadSignature`] if it does not verify, if the key is none, or if either is no text of
/// such a thing.
pub fn verify(key: &str, message: &[u8], signature: &str) -> Result<(), Error> {
    let key = base64::decode_key(key).map_err(|_| Error::BadSignature)?;
    let signature = base64::decode(signature).map_err(|_| Error::BadSignature)?;
    let signature = signature.expose().try_into().map_err(|_| Error::BadSignature)?;
    ed25519::verify(&PublicKey::new(key), message, signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed(Secret::new([7; 32]))
    }

    fn text() -> String {
        base64::encode(key().public_key().as_bytes())
    }

    #[test]
    fn a_signature_verifies_for_its_key_and_message_only() {
        let signature = key().sign(b"message");
        let other = SigningKey::from_seed(Secret::new([8; 32]));

        assert_eq!(Ok(()), verify(&text(), b"message", &signature));
        assert_eq!(Ok(()), verify(&format!("{}=", text()), b"message", &format!("{signature}==")));
        for (key, message, signature) in [
            (text(), &b"messages"[..], signature.clone()),
            (base64::encode(other.public_key().as_bytes()), b"message", signature.clone()),
            (text(), b"message", other.sign(b"message")),
            (text(), b"message", signature[1..].to_owned()),
            (text(), b"message", String::new()),
            (String::new(), b"message", signature.clone()),
            ("A".repeat(43), b"message", signature.clone()),
        ] {
            assert_eq!(Err(Error::BadSignature), verify(&key, message, &signature), "{key}");
        }
    }

    #[test]
    fn every_flipped_bit_of_a_signature_is_refused() {
        let signature = base64::decode(&key().sign(b"message")).unwrap();
        for bit in 0..512 {
            let mut flipped = signature.expose().to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let verdict = verify(&text(), b"message", &base64::encode(&flipped));
            assert_eq!(Err(Error::BadSignature), verdict, "bit {bit}");
        }
    }

    #[test]
    fn the_seed_makes_the_key_again() {
        let again = SigningKey::from_seed(Secret::new(*key().expose()));

        assert_eq!(key().public_key(), again.public_key());
    }
}
