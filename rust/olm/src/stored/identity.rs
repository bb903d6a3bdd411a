// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who an account is: user, device and both identity key pairs (olm_megolm.md §8;
//! docs/formats.md, "Matrix identity"); with them the key of the ledger's names.

use e2ee_account::{Device, draft, names};
use e2ee_primitives::{
    Secret, ed25519, hmac::HmacKey, random::Random, secret::SecretBytes, x25519,
};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes},
};

use crate::stored_key;

use super::DeviceId;

/// The first version of a Matrix device's: lower ones are other protocols' identities.
pub const FORMAT_VERSION: u8 = 32;

/// The account's long-term secrets and names.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) user: String,
    pub(super) device: DeviceId,
    pub(super) signing: ed25519::SigningKey,
    pub(super) key: x25519::PrivateKey,
    ledger_key: Secret<32>,
}

impl Identity {
    pub(super) fn generate(
        user: &str,
        device: DeviceId,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let signing = ed25519::SigningKey::random(random)?;
        let key = x25519::PrivateKey::random(random)?;
        let ledger_key = Secret::random(random)?;
        Ok(Self { user: user.to_owned(), device, signing, key, ledger_key })
    }

    /// The key by which the ledger names messages.
    pub(super) fn ledger_hash(&self) -> HmacKey {
        HmacKey::new(self.ledger_key.expose())
    }

    pub(super) fn encode(&self) -> SecretBytes {
        draft::encoded(|out| {
            out.push(FORMAT_VERSION);
            write_bytes(out, self.user.as_bytes());
            self.device.encode(out);
            stored_key::encode(&self.signing, out);
            out.extend_from_slice(self.key.expose());
            out.extend_from_slice(self.key.public().as_bytes());
            out.extend_from_slice(self.ledger_key.expose());
        })
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let user = names::read_user(&mut reader)?;
        let device = DeviceId::decode(&mut reader)?;
        let signing = stored_key::decode(&mut reader)?;
        let secret = Secret::new(*reader.array()?);
        let key = x25519::PrivateKey::from_parts(secret, x25519::PublicKey::new(*reader.array()?));
        let ledger_key = Secret::new(*reader.array()?);
        reader.finish()?;
        Ok(Self { user, device, signing, key, ledger_key })
    }
}
