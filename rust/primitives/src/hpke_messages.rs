// SPDX-License-Identifier: MIT OR Apache-2.0
//! HPKE for several messages, base mode, with DHKEM(X25519, HKDF-SHA-256), HKDF-SHA-256 and
//! ChaCha20-Poly1305 (RFC 9180 §5.1.1, §5.2, §5.3), for Matrix's channel between devices
//! (olm_megolm.md §9).

use core::fmt;

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable,
    aead::{AeadCtxR, AeadCtxS, ChaCha20Poly1305},
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    setup_receiver, setup_sender_with_rng,
};

use crate::hpke::{ENCAPSULATED_LEN, Once};
use crate::random::Random;
use crate::secret::{Secret, SecretBytes};
use crate::x25519::{PrivateKey, PublicKey};
use e2ee_wire::Error;

/// The side that encapsulates and seals.
pub struct Sender(AeadCtxS<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>);

impl Sender {
    /// A context to the owner of a key, and the encapsulated key; draws exactly 32 bytes.
    ///
    /// [`Error::InvalidKey`] if the agreement with their key is zero (RFC 9180 §7.1.4).
    pub fn begin(
        their_key: &PublicKey,
        info: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Self, [u8; ENCAPSULATED_LEN]), Error> {
        let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(their_key.as_bytes())
            .map_err(|_| Error::InvalidKey)?;
        let mut once = Once::draw(random)?;
        let begun = setup_sender_with_rng(&OpModeS::Base, &recipient, info, &mut once);
        once.asked_rightly()?;
        let (encapsulated, context) = begun.map_err(|_| Error::InvalidKey)?;
        Ok((Self(context), encapsulated.to_bytes().into()))
    }

    /// Seals the next message.
    pub fn seal(&mut self, associated_data: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.seal(plaintext, associated_data).map_err(|_| Error::Exhausted)
    }

    /// A secret that both sides can export (RFC 9180 §5.3).
    #[must_use]
    pub fn export<const N: usize>(&self, label: &[u8]) -> Secret<N> {
        const { assert!(N <= 255 * 32) };
        let mut secret = Secret::zero();
        // The one failure is a length that does not compile.
        _ = self.0.export(label, secret.expose_mut());
        secret
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sender(..)")
    }
}

/// The side that owns the key and opens.
pub struct Receiver(AeadCtxR<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>);

impl Receiver {
    /// The context of an encapsulated key; [`Error::InvalidKey`] if it cannot be used.
    pub fn begin(
        our_key: &PrivateKey,
        encapsulated: &[u8; ENCAPSULATED_LEN],
        info: &[u8],
    ) -> Result<Self, Error> {
        let recipient = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(our_key.expose())
            .map_err(|_| Error::InvalidKey)?;
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated)
            .map_err(|_| Error::InvalidKey)?;
        setup_receiver(&OpModeR::Base, &recipient, &encapsulated, info)
            .map(Self)
            .map_err(|_| Error::InvalidKey)
    }

    /// Opens the next message; [`Error::Forged`], which changes nothing, if it is another.
    pub fn open(&mut self, associated_data: &[u8], sealed: &[u8]) -> Result<SecretBytes, Error> {
        let opened = self.0.open(sealed, associated_data);
        opened.map(SecretBytes::new).map_err(|_| Error::Forged)
    }

    /// A secret that both sides can export (RFC 9180 §5.3).
    #[must_use]
    pub fn export<const N: usize>(&self, label: &[u8]) -> Secret<N> {
        const { assert!(N <= 255 * 32) };
        let mut secret = Secret::zero();
        // The one failure is a length that does not compile.
        _ = self.0.export(label, secret.expose_mut());
        secret
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Receiver(..)")
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

    fn both(info: &[u8]) -> (Sender, Receiver) {
        let ours = PrivateKey::from_bytes(&[5; 32]);
        let (sender, encapsulated) = Sender::begin(ours.public(), b"info", &mut Fixed(1)).unwrap();
        (sender, Receiver::begin(&ours, &encapsulated, info).unwrap())
    }

    #[test]
    fn messages_open_in_their_order_and_secrets_are_alike() {
        let (mut sender, mut receiver) = both(b"info");
        let messages = [b"1", b"2"].map(|text| sender.seal(b"", text).unwrap());

        assert_eq!(Err(Error::Forged), receiver.open(b"", &messages[1]).map(|_| ()));
        assert_eq!(b"1", receiver.open(b"", &messages[0]).unwrap().expose());
        assert_eq!(Err(Error::Forged), receiver.open(b"", &messages[0]).map(|_| ()));
        assert_eq!(b"2", receiver.open(b"", &messages[1]).unwrap().expose());
        assert!(sender.export::<32>(b"label").ct_eq(&receiver.export(b"label")));
        assert!(!sender.export::<32>(b"label").ct_eq(&receiver.export(b"other")));
    }

    #[test]
    fn another_info_opens_nothing() {
        let (mut sender, mut receiver) = both(b"other");

        let sealed = sender.seal(b"", b"text").unwrap();

        assert_eq!(Err(Error::Forged), receiver.open(b"", &sealed).map(|_| ()));
    }

    #[test]
    fn a_key_of_low_order_is_refused() {
        let zero = PublicKey::new([0; 32]);
        let ours = PrivateKey::from_bytes(&[5; 32]);

        assert_eq!(Err(Error::InvalidKey), Sender::begin(&zero, b"", &mut Fixed(1)).map(|_| ()));
        assert_eq!(Err(Error::InvalidKey), Receiver::begin(&ours, &[0; 32], b"").map(|_| ()));
    }
}
