// SPDX-License-Identifier: MIT OR Apache-2.0
//! The authenticator: carries authenticity from the handshake through every epoch of the braid
//! (spqr.md §6).

use e2ee_primitives::{Secret, hkdf, hmac::HmacKey};
use e2ee_wire::{Error, record::RecordReader};

/// Two values that each epoch's secret renews.
#[derive(Debug)]
pub struct Authenticator {
    root: Secret<32>,
    mac: Secret<32>,
}

impl Authenticator {
    /// The authenticator of a new session.
    #[must_use]
    pub fn new(auth_key: &Secret<32>) -> Self {
        Self::derive(&[0; 32], 1, auth_key)
    }

    /// The authenticator after an epoch's secret is known (`Update`).
    #[must_use]
    pub fn updated(&self, epoch: u64, secret: &Secret<32>) -> Self {
        Self::derive(self.root.expose(), epoch, secret)
    }

    fn derive(root: &[u8; 32], epoch: u64, key: &Secret<32>) -> Self {
        let info: [&[u8]; 3] = [PROTOCOL, b":Authenticator Update", &epoch.to_be_bytes()];
        let (root, mac) = hkdf::derive::<64>(&[], &[root, key.expose()], &info).split();
        Self { root, mac }
    }

    /// The MAC of an object of this epoch.
    #[must_use]
    pub fn tag(&self, epoch: u64, object: &Authenticated<'_>) -> [u8; 32] {
        let epoch = epoch.to_be_bytes();
        HmacKey::new(self.mac.expose()).tag(&object.parts(&epoch))
    }

    /// Whether this is the MAC of an object of this epoch; compares in constant time.
    #[must_use]
    pub fn verify(&self, epoch: u64, object: &Authenticated<'_>, tag: &[u8; 32]) -> bool {
        let epoch = epoch.to_be_bytes();
        HmacKey::new(self.mac.expose()).verify(&object.parts(&epoch), tag)
    }

    /// Appends the stored form: root ‖ mac.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.root.expose());
        out.extend_from_slice(self.mac.expose());
    }

    /// Reads the stored form.
    pub fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        Ok(Self { root: Secret::new(*reader.array()?), mac: Secret::new(*reader.array()?) })
    }
}

/// What a MAC of the authenticator covers.
#[derive(Clone, Copy, Debug)]
pub enum Authenticated<'a> {
    /// The header of an encapsulation key, under the key from before its epoch's update.
    Header(&'a [u8; 64]),
    /// Both parts of a ciphertext, under the key from after its epoch's update.
    Ciphertext(&'a [u8; 960], &'a [u8; 128]),
}

impl<'a> Authenticated<'a> {
    const fn parts(&self, epoch: &'a [u8; 8]) -> [&'a [u8]; 5] {
        match self {
            Self::Header(header) => [PROTOCOL, b":ekheader", epoch, *header, &[]],
            Self::Ciphertext(ct1, ct2) => [PROTOCOL, b":ciphertext", epoch, *ct1, *ct2],
        }
    }
}

/// The output of an epoch, from the secret that the key encapsulation gave (`S_e`).
#[must_use]
pub fn epoch_secret(epoch: u64, shared: &Secret<32>) -> Secret<32> {
    hkdf::derive(&[], &[shared.expose()], &[PROTOCOL, b":SCKA Key", &epoch.to_be_bytes()])
}

const PROTOCOL: &[u8] = b"Signal_PQCKA_V1_MLKEM768";
