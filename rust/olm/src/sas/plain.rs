// SPDX-License-Identifier: MIT OR Apache-2.0
//! Short strings for programs that make the texts around them themselves, as programs for vodozemac
//! and libolm do (olm_megolm.md §4).
//!
//! Nothing here knows who verifies whom, or whether the other side had committed to its key: the
//! program must see to both. [`super::Starter`] and [`super::Acceptor`] leave no such choice.

use core::fmt;

use e2ee_primitives::{
    Random, Secret, hkdf,
    hmac::HmacKey,
    x25519::{PrivateKey, PublicKey},
};
use e2ee_wire::Error;

use super::{
    MacMethod, ShortString,
    mac::{same, written},
};

/// Bytes that HKDF can give (RFC 5869 §2.3).
pub const MAX_BYTES: usize = 8_160;

/// One side, before it knows the other's key.
#[derive(Debug)]
pub struct PlainSas(PrivateKey);

impl PlainSas {
    /// A fresh key; draws exactly 32 bytes.
    pub fn new(random: &mut dyn Random) -> Result<Self, Error> {
        PrivateKey::random(random).map(Self)
    }

    /// The key for the other side.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        self.0.public()
    }

    /// Both keys are known; [`Error::InvalidKey`] if theirs cannot be used.
    pub fn agree(self, their_key: &PublicKey) -> Result<PlainEstablished, Error> {
        if !their_key.is_reduced() || their_key == self.public_key() {
            return Err(Error::InvalidKey);
        }
        self.0.agree(their_key).map(PlainEstablished)
    }
}

/// Both sides share a secret.
pub struct PlainEstablished(Secret<32>);

impl PlainEstablished {
    /// What both people must see alike, under a text that both programs make.
    #[must_use]
    pub fn short_string(&self, info: &str) -> ShortString {
        ShortString::new(hkdf::derive(&[], &[self.0.expose()], &[info.as_bytes()]))
    }

    /// So many bytes under a text; [`Error::InvalidArgument`] for more than [`MAX_BYTES`].
    pub fn bytes(&self, info: &str, length: usize) -> Result<Vec<u8>, Error> {
        let all: Secret<MAX_BYTES> = hkdf::derive(&[], &[self.0.expose()], &[info.as_bytes()]);
        all.expose().get(..length).map(<[u8]>::to_vec).ok_or(Error::InvalidArgument)
    }

    /// The MAC of `input` under a text.
    #[must_use]
    pub fn mac(&self, method: MacMethod, input: &str, info: &str) -> String {
        written(method, &self.key(info).tag(&[input.as_bytes()]))
    }

    /// The MAC of `input` as programs before 2019 made it: under 256 bytes of key, and spoilt while
    /// it is written. A method of its own (`hmac-sha256`), which nobody should choose.
    #[must_use]
    pub fn long_mac(&self, input: &str, info: &str) -> String {
        let key: Secret<256> = hkdf::derive(&[], &[self.0.expose()], &[info.as_bytes()]);
        let tag = HmacKey::new(key.expose()).tag(&[input.as_bytes()]);
        written(MacMethod::HkdfHmacSha256, &tag)
    }

    /// Compares a MAC in constant time; [`Error::Forged`] if it is another.
    pub fn verify_mac(
        &self,
        method: MacMethod,
        input: &str,
        info: &str,
        mac: &str,
    ) -> Result<(), Error> {
        same(method, &self.key(info), input, mac)
    }

    fn key(&self, info: &str) -> HmacKey {
        let key: Secret<32> = hkdf::derive(&[], &[self.0.expose()], &[info.as_bytes()]);
        HmacKey::new(key.expose())
    }
}

impl fmt::Debug for PlainEstablished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PlainEstablished(..)")
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

    const METHODS: [MacMethod; 2] = [MacMethod::HkdfHmacSha256V2, MacMethod::HkdfHmacSha256];

    fn both() -> [PlainEstablished; 2] {
        let [one, other] = [1, 2].map(|byte| PlainSas::new(&mut Fixed(byte)).unwrap());
        let keys = [*one.public_key(), *other.public_key()];
        [one.agree(&keys[1]).unwrap(), other.agree(&keys[0]).unwrap()]
    }

    #[test]
    fn both_sides_have_the_same_bytes_under_the_same_text() {
        let [one, other] = both();

        assert_eq!(one.short_string("a").bytes(), other.short_string("a").bytes());
        assert_ne!(one.short_string("a").bytes(), other.short_string("b").bytes());
        assert_eq!(&one.short_string("a").bytes()[..], one.bytes("a", 6).unwrap());
        assert_eq!(MAX_BYTES, one.bytes("a", MAX_BYTES).unwrap().len());
        assert_eq!(Err(Error::InvalidArgument), one.bytes("a", MAX_BYTES + 1));
    }

    #[test]
    fn a_mac_holds_for_its_text_and_its_method_only() {
        let [one, other] = both();
        for method in METHODS {
            let mac = one.mac(method, "input", "info");

            assert_eq!(Ok(()), other.verify_mac(method, "input", "info", &mac));
            for (input, info, mac) in
                [("other", "info", &mac[..]), ("input", "other", &mac), ("input", "info", "AAAA")]
            {
                assert_eq!(Err(Error::Forged), other.verify_mac(method, input, info, mac));
            }
        }
    }

    #[test]
    fn the_old_mac_is_one_of_its_own() {
        let [one, other] = both();

        assert_eq!(one.long_mac("input", "info"), other.long_mac("input", "info"));
        for method in METHODS {
            assert_ne!(one.mac(method, "input", "info"), one.long_mac("input", "info"));
        }
    }

    #[test]
    fn a_key_that_cannot_be_used_is_refused() {
        let own = *PlainSas::new(&mut Fixed(1)).unwrap().public_key();
        for key in [PublicKey::new([0; 32]), PublicKey::new([0xff; 32]), own] {
            let agreed = PlainSas::new(&mut Fixed(1)).unwrap().agree(&key);
            assert_eq!(Err(Error::InvalidKey), agreed.map(|_| ()));
        }
    }
}
