// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kyber-1024 of round 3, which is not FIPS 203: the KEM of Signal's handshake (signal.md §2.2).
//!
//! The arithmetic is libcrux's, which picks the CPU's path at run time.

use core::fmt;

use libcrux_ml_kem::kyber1024;
use libcrux_ml_kem::mlkem1024::{MlKem1024Ciphertext, MlKem1024PrivateKey, MlKem1024PublicKey};
use zeroize::Zeroize;

use crate::random::Random;
use crate::secret::Secret;
use crate::sha;
use e2ee_wire::Error;

/// Length of a ciphertext, without Signal's type byte.
pub const CIPHERTEXT_LEN: usize = 1568;
/// Length of a public key, without Signal's type byte.
pub const PUBLIC_KEY_LEN: usize = 1568;
/// Length of a stored secret key: K-PKE secret ‖ public key ‖ its hash ‖ z.
pub const EXPANDED_LEN: usize = 3168;

/// A public key as it travels, without Signal's type byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey(Box<[u8; PUBLIC_KEY_LEN]>);

impl PublicKey {
    /// Takes the bytes as they are: round 3 reduces coefficients and refuses none.
    #[must_use]
    pub fn new(bytes: &[u8; PUBLIC_KEY_LEN]) -> Self {
        Self(Box::new(*bytes))
    }

    /// The bytes as they travel.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.0
    }
}

/// A decapsulation key: our own as its seed, an imported one as its 3168 bytes.
pub enum DecapsulationKey {
    /// d ‖ z, alone as it is stored, or beside what it expands to.
    Seed {
        /// What is stored.
        seed: Secret<64>,
        /// The form that computes; if it is not at hand, it is made for each use.
        expanded: Option<Box<Secret<EXPANDED_LEN>>>,
    },
    /// The stored form of a peer program, whose hash was checked.
    Expanded(Box<Secret<EXPANDED_LEN>>),
}

impl DecapsulationKey {
    /// Draws a new seed of exactly 64 bytes, and expands it.
    pub fn generate(random: &mut dyn Random) -> Result<Self, Error> {
        let seed = Secret::random(random)?;
        let mut expanded = Box::new(Secret::zero());
        expand(&seed, &mut expanded);
        Ok(Self::Seed { seed, expanded: Some(expanded) })
    }

    /// The key of a stored seed, which is expanded each time that it is needed.
    #[must_use]
    pub const fn from_seed(seed: Secret<64>) -> Self {
        Self::Seed { seed, expanded: None }
    }

    /// Wipes what the seed expanded to: the key takes less room, and more time when it is needed.
    pub fn forget_expanded(&mut self) {
        if let Self::Seed { expanded, .. } = self {
            *expanded = None;
        }
    }

    /// Takes a recorded key; its hash must be that of the public key inside (signal.md §2.2).
    pub fn from_expanded(bytes: &[u8; EXPANDED_LEN]) -> Result<Self, Error> {
        let mut key = Box::new(Secret::zero());
        key.expose_mut().copy_from_slice(bytes);
        let (public, hash) = public_and_hash(&key);
        if sha::sha3_256(&[public]).as_slice() == hash {
            Ok(Self::Expanded(key))
        } else {
            Err(Error::InvalidKey)
        }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.with_expanded(|key| {
            let mut public = Box::new([0; PUBLIC_KEY_LEN]);
            public.copy_from_slice(public_and_hash(key).0);
            PublicKey(public)
        })
    }

    /// The shared secret of a ciphertext.
    ///
    /// signal.md §2.2 with its implicit rejection: a forged ciphertext gives a secret that no one
    /// knows, and surfaces as a failed MAC. Unlike the specification, libcrux derives that secret
    /// from SHAKE256(z ‖ ciphertext) instead of z; no peer can tell, since none knows either.
    #[must_use]
    pub fn decapsulate(&self, ciphertext: &[u8; CIPHERTEXT_LEN]) -> Secret<32> {
        let ciphertext = MlKem1024Ciphertext::from(ciphertext);
        self.with_expanded(|key| {
            let mut private = MlKem1024PrivateKey::from(key.expose());
            let secret = wiped(kyber1024::decapsulate(&private, &ciphertext));
            private[0..].zeroize();
            secret
        })
    }

    fn with_expanded<T>(&self, read: impl FnOnce(&Secret<EXPANDED_LEN>) -> T) -> T {
        match self {
            Self::Seed { expanded: Some(key), .. } | Self::Expanded(key) => read(key),
            Self::Seed { seed, expanded: None } => {
                let mut key = Secret::zero();
                expand(seed, &mut key);
                read(&key)
            }
        }
    }
}

impl fmt::Debug for DecapsulationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DecapsulationKey(..)")
    }
}

/// A ciphertext for a public key, and the secret inside; draws exactly 32 bytes.
pub fn encapsulate(
    key: &PublicKey,
    random: &mut dyn Random,
) -> Result<(Box<[u8; CIPHERTEXT_LEN]>, Secret<32>), Error> {
    let message = Secret::<32>::random(random)?;
    let public = MlKem1024PublicKey::from(key.as_bytes());
    let (ciphertext, shared) = kyber1024::encapsulate(&public, *message.expose());
    Ok((Box::new(ciphertext.into()), wiped(shared)))
}

/// Key generation from d ‖ z (signal.md §2.2), written to where it will stay.
fn expand(seed: &Secret<64>, key: &mut Secret<EXPANDED_LEN>) {
    let (mut private, _) = kyber1024::generate_key_pair(*seed.expose()).into_parts();
    key.expose_mut().copy_from_slice(private.as_slice());
    private[0..].zeroize();
}

/// Moves a secret of the library into ours and wipes what it was in.
fn wiped(mut bytes: [u8; 32]) -> Secret<32> {
    let secret = Secret::new(bytes);
    bytes.zeroize();
    secret
}

/// The public key inside a stored secret key, and the hash beside it.
fn public_and_hash(key: &Secret<EXPANDED_LEN>) -> (&[u8], &[u8]) {
    let (_, rest) = key.expose().split_at(PKE_SECRET_LEN);
    let (public, rest) = rest.split_at(PUBLIC_KEY_LEN);
    (public, rest.split_at(32).0)
}

const PKE_SECRET_LEN: usize = 1536;

#[cfg(test)]
mod tests;
