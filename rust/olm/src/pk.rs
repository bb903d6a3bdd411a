// SPDX-License-Identifier: MIT OR Apache-2.0
//! Encryption to a public key, as backups of room keys use it (olm_megolm.md §5).
//!
//! **Nothing says where a message comes from, and its ciphertext is not authenticated.** The format
//! (`m.megolm_backup.v1.curve25519-aes-sha2`) has a MAC, but through a fault of its first
//! implementation that all others had to follow, it is the MAC of nothing: it shows that a message
//! was sealed to this key, not that its ciphertext is what was sealed. Anyone who knows the public
//! key can make messages, and a server can change those of others. What opens is a claim: keys of
//! rooms that come from a backup prove nothing about who made them, and a key that came another way
//! is to be preferred.

use e2ee_primitives::{
    Random, Secret, SecretBytes,
    cbc_hmac::MessageKeys,
    hkdf,
    x25519::{PrivateKey, PublicKey},
};
use e2ee_wire::Error;

/// Bytes of the MAC.
pub const MAC_LEN: usize = 8;

/// A message as it travels, in three fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PkMessage {
    /// A key that was made for this message.
    pub ephemeral: PublicKey,
    /// The MAC of nothing.
    pub mac: [u8; MAC_LEN],
    /// AES-256-CBC with padding, which nothing authenticates.
    pub ciphertext: Vec<u8>,
}

/// Seals `plaintext` for the owner of `their_key`; draws exactly 32 bytes.
///
/// [`Error::InvalidKey`] if the key cannot be used.
pub fn encrypt(
    their_key: &PublicKey,
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<PkMessage, Error> {
    let ephemeral = PrivateKey::random(random)?;
    let keys = agreed(&ephemeral, their_key)?;
    let mut ciphertext = Vec::new();
    keys.encrypt_into(plaintext, &mut ciphertext);
    let mut mac = [0; MAC_LEN];
    for (to, from) in mac.iter_mut().zip(keys.tag(&[])) {
        *to = from;
    }
    Ok(PkMessage { ephemeral: *ephemeral.public(), mac, ciphertext })
}

/// The private key to which others seal.
#[derive(Debug)]
pub struct PkDecryption(PrivateKey);

impl PkDecryption {
    /// A fresh key; draws exactly 32 bytes.
    pub fn generate(random: &mut dyn Random) -> Result<Self, Error> {
        PrivateKey::random(random).map(Self)
    }

    /// The key of these 32 bytes, which a secret storage or a recovery text kept.
    #[must_use]
    pub fn from_bytes(bytes: &Secret<32>) -> Self {
        Self(PrivateKey::from_bytes(bytes.expose()))
    }

    /// The bytes, for a secret storage.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The key pair, for its pickle.
    #[must_use]
    pub const fn key_pair(&self) -> &PrivateKey {
        &self.0
    }

    /// The public half, to which others seal.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        self.0.public()
    }

    /// Opens a message, whoever made it.
    ///
    /// [`Error::InvalidKey`] if its key cannot be used; [`Error::Forged`] if it was sealed for
    /// another key, or if what stands in the place of its ciphertext has no padding.
    pub fn decrypt(&self, message: &PkMessage) -> Result<SecretBytes, Error> {
        let keys = agreed(&self.0, &message.ephemeral)?;
        keys.verify(&[], &message.mac)?;
        keys.decrypt(&message.ciphertext)
    }
}

impl From<PrivateKey> for PkDecryption {
    /// The key of a pair that another program kept.
    fn from(pair: PrivateKey) -> Self {
        Self(pair)
    }
}

fn agreed(our_key: &PrivateKey, their_key: &PublicKey) -> Result<MessageKeys, Error> {
    // A key that is not written in its one form comes from no honest peer.
    if !their_key.is_reduced() {
        return Err(Error::InvalidKey);
    }
    let shared = our_key.agree(their_key)?;
    Ok(MessageKeys::new(hkdf::derive(&[], &[shared.expose()], &[])))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
            out.fill(self.0);
            Ok(())
        }
    }

    fn ours() -> PkDecryption {
        PkDecryption::generate(&mut Fixed(1)).unwrap()
    }

    fn sealed(plaintext: &[u8]) -> PkMessage {
        encrypt(ours().public_key(), plaintext, &mut Fixed(2)).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_its_owner_only() {
        for length in [0, 1, 15, 16, 17, 1_000] {
            let plaintext = vec![7; length];
            assert_eq!(plaintext, ours().decrypt(&sealed(&plaintext)).unwrap().expose());
        }
        let other = PkDecryption::generate(&mut Fixed(3)).unwrap();
        assert_eq!(Err(Error::Forged), other.decrypt(&sealed(b"text")).map(|_| ()));
    }

    #[test]
    fn the_mac_is_that_of_nothing_whatever_the_ciphertext() {
        let (one, other) = (sealed(b"one"), sealed(b"another"));

        assert_eq!(one.mac, other.mac);
        let exchanged = PkMessage { ciphertext: other.ciphertext, ..one };
        assert_eq!(b"another", ours().decrypt(&exchanged).unwrap().expose());
    }

    #[test]
    fn keys_that_cannot_be_used_are_refused_on_both_sides() {
        let mut top_bit = *ours().public_key().as_bytes();
        top_bit[31] |= 0x80;
        for key in [[0; 32], [0xff; 32], top_bit].map(PublicKey::new) {
            let sealed_for = encrypt(&key, b"text", &mut Fixed(2)).map(|_| ());
            let opened = ours().decrypt(&PkMessage { ephemeral: key, ..sealed(b"text") });
            assert_eq!(Err(Error::InvalidKey), sealed_for);
            assert_eq!(Err(Error::InvalidKey), opened.map(|_| ()));
        }
    }

    #[test]
    fn a_broken_source_seals_nothing() {
        struct Broken;
        impl Random for Broken {
            fn fill(&mut self, _: &mut [u8]) -> Result<(), Error> {
                Err(Error::RandomUnavailable)
            }
        }

        let verdict = encrypt(ours().public_key(), b"text", &mut Broken).map(|_| ());

        assert_eq!(Err(Error::RandomUnavailable), verdict);
    }
}
