// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prekeys: what a device publishes so that others can start sessions while it is away
//! (signal.md §3).

use e2ee_primitives::{kyber1024, random::Random, x25519, xeddsa};
use e2ee_wire::Error;

use crate::keys::{encode_ec, encode_kyber};

/// Bytes of an `XEdDSA` signature.
pub const SIGNATURE_LEN: usize = 64;

/// An elliptic-curve prekey under the identity's signature.
#[derive(Debug)]
pub struct SignedPreKey {
    /// Its number, unique on this device.
    pub id: u32,
    /// The key pair.
    pub key: x25519::PrivateKey,
    /// The identity's signature over the 33 encoded bytes.
    pub signature: [u8; SIGNATURE_LEN],
}

impl SignedPreKey {
    /// A fresh prekey, signed by `identity`.
    pub fn generate(
        id: u32,
        identity: &x25519::PrivateKey,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let key = x25519::PrivateKey::random(random)?;
        let signature = xeddsa::sign(identity, &[&encode_ec(key.public())], random)?;
        Ok(Self { id, key, signature })
    }
}

/// A Kyber-1024 prekey under the identity's signature.
#[derive(Debug)]
pub struct KyberPreKey {
    /// Its number, unique on this device.
    pub id: u32,
    /// The decapsulation key.
    pub key: kyber1024::DecapsulationKey,
    /// The identity's signature over the 1569 encoded bytes.
    pub signature: [u8; SIGNATURE_LEN],
}

impl KyberPreKey {
    /// A fresh prekey, signed by `identity`.
    pub fn generate(
        id: u32,
        identity: &x25519::PrivateKey,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let key = kyber1024::DecapsulationKey::generate(random)?;
        let signature = xeddsa::sign(identity, &[&encode_kyber(&key.public())], random)?;
        Ok(Self { id, key, signature })
    }
}
