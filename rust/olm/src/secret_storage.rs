// SPDX-License-Identifier: MIT OR Apache-2.0
//! Secrets that a server keeps for its user, under one key (`m.secret_storage.v1.aes-hmac-sha2`,
//! olm_megolm.md §6).
//!
//! Each secret has keys of its own, derived with its name: one that was put in the place of another
//! does not open. Two things the format leaves open. The MAC covers the ciphertext alone, so that a
//! changed IV gives another secret of the same length: what a secret is for has to show whether it
//! is the right one, as its public half does. And a server can give back an older secret of the
//! same name.

use core::num::NonZeroU32;

use e2ee_primitives::{
    Random, Secret, SecretBytes, ctr_stream::CtrStream, hkdf, hmac::HmacKey, pbkdf2,
};
use e2ee_wire::Error;

use crate::recovery;

/// Bytes of an IV.
pub const IV_LEN: usize = 16;
/// Bytes of a MAC.
pub const MAC_LEN: usize = 32;
/// The most rounds that a description of a passphrase may ask for: some seconds.
pub const MAX_ROUNDS: u32 = 5_000_000;

/// A secret as the server keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// The first block of the counter.
    pub iv: [u8; IV_LEN],
    /// AES-256-CTR of the secret's text.
    pub ciphertext: Vec<u8>,
    /// HMAC-SHA-256 of the ciphertext.
    pub mac: [u8; MAC_LEN],
}

/// What shows whether a key is the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCheck {
    /// The first block of the counter.
    pub iv: [u8; IV_LEN],
    /// The MAC of 32 zero bytes, encrypted.
    pub mac: [u8; MAC_LEN],
}

/// The key of a secret storage.
#[derive(Debug)]
pub struct StorageKey(Secret<32>);

impl StorageKey {
    /// A fresh key; draws exactly 32 bytes.
    pub fn generate(random: &mut dyn Random) -> Result<Self, Error> {
        Secret::random(random).map(Self)
    }

    /// The key of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// The key that a passphrase gives (`m.pbkdf2`, 256 bits).
    ///
    /// [`Error::InvalidArgument`] if the number of rounds is 0 or more than [`MAX_ROUNDS`]: it comes
    /// from the server, which could keep us busy for long. It also decides how slow guessing is.
    pub fn from_passphrase(passphrase: &str, salt: &str, rounds: u32) -> Result<Self, Error> {
        let rounds = NonZeroU32::new(rounds).filter(|rounds| rounds.get() <= MAX_ROUNDS);
        let rounds = rounds.ok_or(Error::InvalidArgument)?;
        Ok(Self(pbkdf2::derive(passphrase.as_bytes(), salt.as_bytes(), rounds)))
    }

    /// The key that its owner wrote down: see [`recovery::decode`].
    pub fn from_recovery_text(text: &str) -> Result<Self, Error> {
        recovery::decode(text).map(Self)
    }

    /// The key for its owner to write down: see [`recovery::encode`].
    #[must_use]
    pub fn recovery_text(&self) -> SecretBytes {
        recovery::encode(&self.0)
    }

    /// The bytes, for a state that is sealed.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// Seals the text of the secret `name`; draws exactly 16 bytes.
    pub fn seal(
        &self,
        name: &str,
        text: &[u8],
        random: &mut dyn Random,
    ) -> Result<SealedSecret, Error> {
        let mut iv = [0; IV_LEN];
        random.fill(&mut iv)?;
        self.seal_from(name, text, without_bit_63(iv))
    }

    /// Opens the secret `name`; [`Error::Forged`] if it was sealed with another key or name, or if
    /// its ciphertext was altered. Its IV is not authenticated.
    pub fn open(&self, name: &str, sealed: &SealedSecret) -> Result<SecretBytes, Error> {
        let (cipher_key, mac_key) = self.keys(name);
        if !mac_key.verify(&[&sealed.ciphertext], &sealed.mac) {
            return Err(Error::Forged);
        }
        CtrStream::new(&cipher_key, &sealed.iv).open_at(0, &sealed.ciphertext)
    }

    /// What the description of this key carries; draws exactly 16 bytes.
    pub fn check(&self, random: &mut dyn Random) -> Result<KeyCheck, Error> {
        let SealedSecret { iv, mac, .. } = self.seal("", &[0; 32], random)?;
        Ok(KeyCheck { iv, mac })
    }

    /// Whether this is the key of a description, in constant time.
    #[must_use]
    pub fn matches(&self, check: &KeyCheck) -> bool {
        self.seal_from("", &[0; 32], check.iv)
            .is_ok_and(|sealed| Secret::new(sealed.mac).ct_eq(&Secret::new(check.mac)))
    }

    fn seal_from(&self, name: &str, text: &[u8], iv: [u8; IV_LEN]) -> Result<SealedSecret, Error> {
        let (cipher_key, mac_key) = self.keys(name);
        let mut ciphertext = Vec::new();
        CtrStream::new(&cipher_key, &iv).append(text, &mut ciphertext)?;
        let mac = mac_key.tag(&[&ciphertext]);
        Ok(SealedSecret { iv, ciphertext, mac })
    }

    fn keys(&self, name: &str) -> (Secret<32>, HmacKey) {
        let keys: Secret<64> = hkdf::derive(&[], &[self.0.expose()], &[name.as_bytes()]);
        let (cipher_key, mac_key) = keys.split();
        (cipher_key, HmacKey::new(mac_key.expose()))
    }
}

/// Bit 63 is left clear, for peers whose counter has 64 bits.
pub(crate) const fn without_bit_63(mut iv: [u8; IV_LEN]) -> [u8; IV_LEN] {
    iv[8] &= 0x7f;
    iv
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

    fn key() -> StorageKey {
        StorageKey::generate(&mut Fixed(1)).unwrap()
    }

    #[test]
    fn a_secret_opens_under_its_name_and_key_only() {
        let sealed = key().seal("m.megolm_backup.v1", b"text", &mut Fixed(0xff)).unwrap();

        assert_eq!(b"text", key().open("m.megolm_backup.v1", &sealed).unwrap().expose());
        assert_eq!(0x7f, sealed.iv[8]);
        let other = StorageKey::generate(&mut Fixed(2)).unwrap();
        for (key, name) in
            [(&key(), "m.megolm_backup"), (&key(), ""), (&other, "m.megolm_backup.v1")]
        {
            assert_eq!(Err(Error::Forged), key.open(name, &sealed).map(|_| ()), "{name}");
        }
    }

    #[test]
    fn a_check_knows_its_key_only() {
        let check = key().check(&mut Fixed(9)).unwrap();

        assert!(key().matches(&check));
        assert!(!StorageKey::generate(&mut Fixed(2)).unwrap().matches(&check));
    }

    #[test]
    fn rounds_are_at_least_one_and_bounded() {
        let made = |rounds| StorageKey::from_passphrase("word", "salt", rounds).map(|_| ());

        assert_eq!(Ok(()), made(1));
        assert_eq!(Err(Error::InvalidArgument), made(0));
        assert_eq!(Err(Error::InvalidArgument), made(MAX_ROUNDS + 1));
    }

    #[test]
    fn a_written_key_is_read_again() {
        let text = key().recovery_text();
        let text = core::str::from_utf8(text.expose()).unwrap();

        assert_eq!(key().expose(), StorageKey::from_recovery_text(text).unwrap().expose());
    }
}
