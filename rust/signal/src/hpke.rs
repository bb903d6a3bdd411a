// SPDX-License-Identifier: MIT OR Apache-2.0
//! One message to the owner of a public key, without a session (signal.md §14, RFC 9180).
//!
//! `01` ‖ encapsulated key (32) ‖ ciphertext with tag. Nothing says who sent it, and whoever takes
//! the private key later opens it: sessions give more.

use e2ee_primitives::{
    Random, Secret, SecretBytes,
    hpke::{self, ENCAPSULATED_LEN, TAG_LEN},
    x25519,
};
use e2ee_state::{Failure, Sealer, StoreError};
use e2ee_wire::{Error, Reader};

pub use e2ee_primitives::hpke::Binding;

/// Base mode, X25519, HKDF-SHA-256, AES-256-GCM.
const SUITE: u8 = 1;
/// The name of a key's record.
pub const RECORD_NAME: &str = "hpke key";
const FORMAT_VERSION: u8 = 1;
/// Written once: a key never changes.
const REVISION: u64 = 1;

/// Seals `plaintext` for the owner of `their_key`.
pub fn seal(
    their_key: &x25519::PublicKey,
    binding: Binding<'_>,
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, Error> {
    let (encapsulated, ciphertext) = hpke::seal(their_key, binding, plaintext, random)?;
    Ok([&[SUITE][..], &encapsulated, &ciphertext].concat())
}

/// A private key of one's own.
#[derive(Debug)]
pub struct HpkeKey(x25519::PrivateKey);

impl HpkeKey {
    /// A key from its private half.
    #[must_use]
    pub const fn new(key: x25519::PrivateKey) -> Self {
        Self(key)
    }

    /// A fresh key.
    pub fn generate(random: &mut dyn Random) -> Result<Self, Error> {
        x25519::PrivateKey::random(random).map(Self)
    }

    /// The public half, to which others seal.
    #[must_use]
    pub const fn public(&self) -> &x25519::PublicKey {
        self.0.public()
    }

    /// Opens what [`seal`] gave.
    ///
    /// [`Error::UnsupportedVersion`] for another suite, [`Error::Malformed`] for fewer bytes than a
    /// message has, else [`Error::Forged`].
    pub fn open_message(&self, binding: Binding<'_>, sealed: &[u8]) -> Result<SecretBytes, Error> {
        let mut reader = Reader::new(sealed);
        if reader.byte()? != SUITE {
            return Err(Error::UnsupportedVersion);
        }
        let encapsulated = reader.array::<ENCAPSULATED_LEN>()?;
        let ciphertext = reader.rest();
        if ciphertext.len() < TAG_LEN {
            return Err(Error::Malformed);
        }
        hpke::open(&self.0, binding, encapsulated, ciphertext)
    }

    /// Seals the key for the caller to keep.
    pub fn seal(&self, sealer: &Sealer, random: &mut dyn Random) -> Result<Vec<u8>, Failure> {
        let mut record = Vec::with_capacity(33);
        record.push(FORMAT_VERSION);
        record.extend_from_slice(self.0.expose());
        sealer.seal(RECORD_NAME, REVISION, SecretBytes::new(record).expose(), random)
    }

    /// Opens what [`HpkeKey::seal`] gave.
    pub fn open(sealer: &Sealer, record: &[u8]) -> Result<Self, Failure> {
        let opened = sealer.open(RECORD_NAME, REVISION, record)?;
        match opened.expose().split_first() {
            Some((&FORMAT_VERSION, key)) => {
                let key: Secret<32> = Secret::from_slice(key).ok_or(StoreError::Corruption)?;
                Ok(Self(x25519::PrivateKey::from_bytes(key.expose())))
            }
            _ => Err(StoreError::Corruption.into()),
        }
    }
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

    #[test]
    fn a_message_says_its_suite_and_has_a_least_length() {
        let key = HpkeKey::generate(&mut Fixed(1)).unwrap();
        let bound = Binding::default();
        let sealed = seal(key.public(), bound, b"", &mut Fixed(2)).unwrap();
        let verdict = |bytes: &[u8]| key.open_message(bound, bytes).map(|_| ());

        assert_eq!(1 + 32 + 16, sealed.len());
        assert_eq!(Ok(()), verdict(&sealed));
        for length in 0..sealed.len() {
            assert_eq!(Err(Error::Malformed), verdict(&sealed[..length]), "{length}");
        }
        assert_eq!(Err(Error::Forged), verdict(&[&sealed[..], &[0]].concat()));
        let other = [&[2], &sealed[1..]].concat();
        assert_eq!(Err(Error::UnsupportedVersion), verdict(&other));
    }

    #[test]
    fn a_sealed_key_opens_the_same_messages() {
        let key = HpkeKey::generate(&mut Fixed(1)).unwrap();
        let sealer = Sealer::standalone(Secret::new([1; 32]));
        let record = key.seal(&sealer, &mut Fixed(3)).unwrap();
        let message = seal(key.public(), Binding::default(), b"text", &mut Fixed(2)).unwrap();

        let loaded = HpkeKey::open(&sealer, &record).unwrap();

        let opened = loaded.open_message(Binding::default(), &message).unwrap();
        assert_eq!(b"text", opened.expose());
        let other = Sealer::standalone(Secret::new([2; 32]));
        assert!(HpkeKey::open(&other, &record).is_err());
    }
}
