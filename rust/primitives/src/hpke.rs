// SPDX-License-Identifier: MIT OR Apache-2.0
//! HPKE, base mode, with DHKEM(X25519, HKDF-SHA-256), HKDF-SHA-256 and AES-256-GCM
//! (RFC 9180 §5.1.1, §6.1): one message to the owner of a public key (signal.md §14).

use core::convert::Infallible;

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256,
    kem::X25519HkdfSha256, rand_core, single_shot_open, single_shot_seal_with_rng,
};

use crate::random::Random;
use crate::secret::{Secret, SecretBytes};
use crate::x25519::{PrivateKey, PublicKey};
use e2ee_wire::Error;

/// Bytes of an encapsulated key.
pub const ENCAPSULATED_LEN: usize = 32;
/// Bytes that the tag adds to a plaintext.
pub const TAG_LEN: usize = 16;

/// What a message is bound to; both sides must name the same bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Binding<'a> {
    /// What the keys are derived for (RFC 9180 §5.1, `info`).
    pub info: &'a [u8],
    /// What is authenticated beside the plaintext (RFC 9180 §5.2, `aad`).
    pub associated_data: &'a [u8],
}

/// The encapsulated key, and the ciphertext with its tag; draws exactly 32 bytes.
///
/// [`Error::InvalidKey`] if the agreement with their key is zero (RFC 9180 §7.1.4).
pub fn seal(
    their_key: &PublicKey,
    binding: Binding<'_>,
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<([u8; ENCAPSULATED_LEN], Vec<u8>), Error> {
    let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(their_key.as_bytes())
        .map_err(|_| Error::InvalidKey)?;
    let mut once = Once::draw(random)?;
    let sealed = single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        binding.info,
        plaintext,
        binding.associated_data,
        &mut once,
    );
    once.asked_rightly()?;
    let (encapsulated, ciphertext) = sealed.map_err(|_| Error::InvalidKey)?;
    Ok((encapsulated.to_bytes().into(), ciphertext))
}

/// Opens what [`seal`] made for the owner of `our_key`; every failure is [`Error::Forged`].
pub fn open(
    our_key: &PrivateKey,
    binding: Binding<'_>,
    encapsulated: &[u8; ENCAPSULATED_LEN],
    ciphertext: &[u8],
) -> Result<SecretBytes, Error> {
    let recipient = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(our_key.expose())
        .map_err(|_| Error::Forged)?;
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated)
        .map_err(|_| Error::Forged)?;
    let opened = single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &recipient,
        &encapsulated,
        binding.info,
        ciphertext,
        binding.associated_data,
    );
    opened.map(SecretBytes::new).map_err(|_| Error::Forged)
}

/// Hands 32 bytes that were drawn before to a library that knows only sources that never fail.
pub(crate) struct Once {
    bytes: Secret<32>,
    asked: Asked,
}

impl Once {
    /// Draws exactly 32 bytes.
    pub(crate) fn draw(random: &mut dyn Random) -> Result<Self, Error> {
        Ok(Self { bytes: Secret::random(random)?, asked: Asked::NotYet })
    }

    /// Whether they were taken as they are meant to be; else what was made with them is not used.
    pub(crate) fn asked_rightly(&self) -> Result<(), Error> {
        if self.asked == Asked::Rightly { Ok(()) } else { Err(Error::RandomUnavailable) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    NotYet,
    /// Once, for all 32 bytes.
    Rightly,
    /// Another number of bytes, or again: what was sealed with them is not used.
    Wrongly,
}

impl rand_core::TryRng for Once {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.asked = Asked::Wrongly;
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.asked = Asked::Wrongly;
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        if self.asked == Asked::NotYet && out.len() == self.bytes.expose().len() {
            out.copy_from_slice(self.bytes.expose());
            self.asked = Asked::Rightly;
        } else {
            self.asked = Asked::Wrongly;
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Once {}

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

    struct Broken;

    impl Random for Broken {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), Error> {
            Err(Error::RandomUnavailable)
        }
    }

    const BOUND: Binding<'static> = Binding { info: b"info", associated_data: b"ad" };

    fn ours() -> PrivateKey {
        PrivateKey::from_bytes(&[5; 32])
    }

    #[test]
    fn a_message_opens_for_its_owner_and_binding_only() {
        let (encapsulated, ciphertext) =
            seal(ours().public(), BOUND, b"text", &mut Fixed(1)).unwrap();
        let opened = |key: &PrivateKey, binding| {
            open(key, binding, &encapsulated, &ciphertext).map(|bytes| bytes.expose().to_vec())
        };

        assert_eq!(Ok(b"text".to_vec()), opened(&ours(), BOUND));
        assert_eq!(4 + TAG_LEN, ciphertext.len());
        let other = PrivateKey::from_bytes(&[6; 32]);
        for (key, binding) in [
            (&other, BOUND),
            (&ours(), Binding { info: b"inf", ..BOUND }),
            (&ours(), Binding { associated_data: b"", ..BOUND }),
        ] {
            assert_eq!(Err(Error::Forged), opened(key, binding));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_forged() {
        let (encapsulated, ciphertext) =
            seal(ours().public(), BOUND, b"text", &mut Fixed(1)).unwrap();

        for bit in 0..256 {
            let mut forged = encapsulated;
            forged[bit / 8] ^= 1 << (bit % 8);
            let verdict = open(&ours(), BOUND, &forged, &ciphertext).map(|_| ());
            assert_eq!(Err(Error::Forged), verdict, "key bit {bit}");
        }
        for bit in 0..ciphertext.len() * 8 {
            let mut forged = ciphertext.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let verdict = open(&ours(), BOUND, &encapsulated, &forged).map(|_| ());
            assert_eq!(Err(Error::Forged), verdict, "bit {bit}");
        }
        for length in 0..ciphertext.len() {
            let verdict = open(&ours(), BOUND, &encapsulated, &ciphertext[..length]).map(|_| ());
            assert_eq!(Err(Error::Forged), verdict, "{length} bytes");
        }
    }

    #[test]
    fn a_key_of_low_order_and_a_broken_source_are_refused() {
        let zero = PublicKey::new([0; 32]);

        let low = seal(&zero, BOUND, b"", &mut Fixed(1)).map(|_| ());
        let broken = seal(ours().public(), BOUND, b"", &mut Broken).map(|_| ());

        assert_eq!((Err(Error::InvalidKey), Err(Error::RandomUnavailable)), (low, broken));
    }
}
