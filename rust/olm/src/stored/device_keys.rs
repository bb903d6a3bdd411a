// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two public keys by which a device is known (olm_megolm.md §8; docs/formats.md, "Peer").

use e2ee_account::Identity;
use e2ee_primitives::{ed25519, x25519};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

/// The keys of a device. Neither ever changes: a device with others is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceKeys {
    /// The Curve25519 key, which agrees in sessions.
    pub identity_key: x25519::PublicKey,
    /// The Ed25519 key, once it is known: from signed keys, or from what the device itself has said
    /// through a session.
    pub signing_key: Option<ed25519::PublicKey>,
}

impl DeviceKeys {
    /// A device of which only the key is known that agrees.
    #[must_use]
    pub const fn unsigned(identity_key: x25519::PublicKey) -> Self {
        Self { identity_key, signing_key: None }
    }

    /// Whether both can be those of one device: what is not known contradicts nothing.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let signing = self.signing_key.zip(other.signing_key);
        self.identity_key == other.identity_key && signing.is_none_or(|(one, two)| one == two)
    }
}

impl Identity for DeviceKeys {
    const VERSION: u8 = 2;

    fn agreement_key(&self) -> &x25519::PublicKey {
        &self.identity_key
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.identity_key.as_bytes());
        write_length(out, usize::from(self.signing_key.is_some()));
        if let Some(key) = &self.signing_key {
            out.extend_from_slice(key.as_bytes());
        }
    }

    /// Version 1 has the first key alone.
    fn decode(version: u8, reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let mut keys = Self::unsigned(x25519::PublicKey::new(*reader.array()?));
        if version > 1 && reader.length(1)? == 1 {
            keys.signing_key = Some(ed25519::PublicKey::new(*reader.array()?));
        }
        Ok(keys)
    }
}
