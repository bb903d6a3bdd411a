// SPDX-License-Identifier: MIT OR Apache-2.0
//! A device that its owner stores itself: identity, registration id and prekeys in one sealed
//! record (signal.md §2.4 and §3; docs/formats.md, "Device").

use e2ee_primitives::{Secret, random::Random, secret::SecretBytes, x25519};
use e2ee_state::{Failure, Sealer, StoreError};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes},
};

use crate::{Address, DeviceId, PreKeyBundle, PreKeyStock, session::OurIdentity};

mod sealed;

const FORMAT_VERSION: u8 = 1;
/// Registration ids fit 14 bits, so that sealed sender can address them (signal.md §2.4).
const REGISTRATION_ID_MASK: u32 = 0x3fff;
/// The name of a device's record.
pub const RECORD_NAME: &str = "device";

/// One device of an account. It cannot be copied: a copy would hand out the same prekeys.
#[derive(Debug)]
pub struct Device {
    pub(crate) address: Address,
    pub(crate) registration_id: u32,
    pub(crate) identity: x25519::PrivateKey,
    pub(crate) stock: PreKeyStock,
    pub(crate) revision: u64,
}

/// A random registration id, 1 to 16 383.
pub(crate) fn registration_id(random: &mut dyn Random) -> Result<u32, Error> {
    let mut id = [0; 4];
    random.fill(&mut id)?;
    Ok((u32::from_be_bytes(id) & REGISTRATION_ID_MASK).max(1))
}

impl Device {
    /// A device with a fresh identity and fresh prekeys, made at this time in milliseconds since
    /// the Unix epoch.
    pub fn generate(address: Address, now_ms: u64, random: &mut dyn Random) -> Result<Self, Error> {
        let registration_id = registration_id(random)?;
        let identity = x25519::PrivateKey::random(random)?;
        let stock = PreKeyStock::generate(&identity, now_ms, random)?;
        Ok(Self { address, registration_id, identity, stock, revision: 0 })
    }

    /// The device's address.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The public identity key.
    #[must_use]
    pub const fn identity_key(&self) -> &x25519::PublicKey {
        self.identity.public()
    }

    /// The revision under which the device was sealed last, 0 if never.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// A bundle with one-time keys; the device must be saved before it is given away.
    pub fn bundle(&mut self, random: &mut dyn Random) -> Result<PreKeyBundle, Error> {
        let ours = OurIdentity { key: &self.identity, registration_id: self.registration_id };
        self.stock.reserve(ours, self.address.device(), random)
    }

    /// A bundle without one-time keys.
    #[must_use]
    pub fn reusable_bundle(&self) -> PreKeyBundle {
        self.stock.reusable(self.ours(), self.address.device())
    }

    pub(crate) const fn ours(&self) -> OurIdentity<'_> {
        OurIdentity { key: &self.identity, registration_id: self.registration_id }
    }

    /// Seals the device under its next revision.
    pub fn seal(&mut self, sealer: &Sealer, random: &mut dyn Random) -> Result<Vec<u8>, Failure> {
        let revision = self.revision.checked_add(1).ok_or(Error::Exhausted)?;
        let record = sealer.seal(RECORD_NAME, revision, self.encode().expose(), random)?;
        self.revision = revision;
        Ok(record)
    }

    /// Opens a sealed device.
    pub fn open(sealer: &Sealer, revision: u64, record: &[u8]) -> Result<Self, Failure> {
        let opened = sealer.open(RECORD_NAME, revision, record)?;
        let mut reader = RecordReader::new(opened.expose());
        if reader.u8()? != FORMAT_VERSION {
            return Err(StoreError::Corruption.into());
        }
        let name = core::str::from_utf8(reader.bytes()?).map_err(|_| StoreError::Corruption)?;
        let device = DeviceId::new(u32::from(reader.u8()?)).map_err(|_| StoreError::Corruption)?;
        let address = Address::new(name, device).map_err(|_| StoreError::Corruption)?;
        let registration_id = reader.u32()?;
        let secret = Secret::new(*reader.array()?);
        let public = x25519::PublicKey::new(*reader.array()?);
        let identity = x25519::PrivateKey::from_parts(secret, public);
        let stock = PreKeyStock::decode(reader.bytes()?)?;
        reader.finish()?;
        Ok(Self { address, registration_id, identity, stock, revision })
    }

    fn encode(&self) -> SecretBytes {
        let mut stock = Vec::new();
        self.stock.encode(&mut stock);
        let stock = SecretBytes::new(stock);
        let mut out = Vec::with_capacity(stock.expose().len().saturating_add(512));
        out.push(FORMAT_VERSION);
        write_bytes(&mut out, self.address.name().as_bytes());
        out.push(self.address.device().get());
        out.extend_from_slice(&self.registration_id.to_be_bytes());
        out.extend_from_slice(self.identity.expose());
        out.extend_from_slice(self.identity.public().as_bytes());
        write_bytes(&mut out, stock.expose());
        SecretBytes::new(out)
    }
}
