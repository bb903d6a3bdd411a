// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who this account is: name, device, registration id and identity key pair (signal.md §2.1 and
//! §2.4; docs/formats.md, "Identity"); with them the key of the ledger's names.

use e2ee_primitives::{Secret, hmac::HmacKey, random::Random, secret::SecretBytes, x25519};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes},
};

use crate::{Address, DeviceId, Parties, device, session::OurIdentity};

use super::{draft, names};

const FORMAT_VERSION: u8 = 2;
/// Without the key of the ledger: it followed from the store's key.
const FORMAT_VERSION_1: u8 = 1;

/// The account's long-term secrets and names.
#[derive(Debug)]
pub(super) struct Identity {
    user: String,
    device: DeviceId,
    registration_id: u32,
    key: x25519::PrivateKey,
    /// The key of the ledger's names, which outlives the key of the store.
    ledger_key: Secret<32>,
}

impl Identity {
    pub(super) fn generate(
        user: &str,
        device: DeviceId,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let registration_id = device::registration_id(random)?;
        let key = x25519::PrivateKey::random(random)?;
        Self::of((user, device), registration_id, key, random)
    }

    /// The identity of a device that used another program before.
    pub(super) fn of(
        (user, device): (&str, DeviceId),
        registration_id: u32,
        key: x25519::PrivateKey,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let ledger_key = Secret::random(random)?;
        Ok(Self { user: user.to_owned(), device, registration_id, key, ledger_key })
    }

    /// Nobody's identity, in place of one whose record is lost: it opens nothing, and nothing is
    /// sealed with it.
    pub(super) fn nobody() -> Result<Self, Error> {
        let (zero, device) = (x25519::PublicKey::new([0; 32]), DeviceId::new(1)?);
        let key = x25519::PrivateKey::from_parts(Secret::new([0; 32]), zero);
        let (user, ledger_key) = ("nobody".to_owned(), Secret::new([0; 32]));
        Ok(Self { user, device, registration_id: 0, key, ledger_key })
    }

    pub(super) fn user(&self) -> (&str, DeviceId) {
        (&self.user, self.device)
    }

    pub(super) const fn key(&self) -> &x25519::PrivateKey {
        &self.key
    }

    /// This device, as the protocol names it.
    pub(super) fn address(&self) -> Result<Address, Error> {
        names::protocol_address(&self.user, self.device)
    }

    /// This device and that of a peer.
    pub(super) fn parties(&self, user: &str, device: DeviceId) -> Result<Parties, Error> {
        Ok(Parties { ours: self.address()?, theirs: names::protocol_address(user, device)? })
    }

    /// The key by which the ledger names messages.
    pub(super) fn ledger_hash(&self) -> HmacKey {
        HmacKey::new(self.ledger_key.expose())
    }

    pub(super) const fn ours(&self) -> OurIdentity<'_> {
        OurIdentity { key: &self.key, registration_id: self.registration_id }
    }

    pub(super) fn encode(&self) -> SecretBytes {
        draft::encoded(|out| {
            out.push(FORMAT_VERSION);
            write_bytes(out, self.user.as_bytes());
            out.push(self.device.get());
            out.extend_from_slice(&self.registration_id.to_be_bytes());
            out.extend_from_slice(self.key.expose());
            out.extend_from_slice(self.key.public().as_bytes());
            out.extend_from_slice(self.ledger_key.expose());
        })
    }

    /// The identity in a record; `derived` is the ledger's key of those that do not hold one.
    pub(super) fn decode(
        bytes: &[u8],
        derived: impl FnOnce() -> Secret<32>,
    ) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        let version = reader.u8()?;
        let user = names::read_user(&mut reader)?;
        let device = names::read_device(&mut reader)?;
        let registration_id = reader.u32()?;
        let secret = Secret::new(*reader.array()?);
        let key = x25519::PrivateKey::from_parts(secret, x25519::PublicKey::new(*reader.array()?));
        let ledger_key = match version {
            FORMAT_VERSION => Secret::new(*reader.array()?),
            FORMAT_VERSION_1 => derived(),
            _ => return Err(Error::CorruptState),
        };
        reader.finish()?;
        Ok(Self { user, device, registration_id, key, ledger_key })
    }
}
