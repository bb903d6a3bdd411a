// SPDX-License-Identifier: MIT OR Apache-2.0
//! The second version, for any number of recipients: the content is encrypted once, and its seed
//! once for each account (signal.md §10.4).
//!
//! ```text
//! received form   22 | C 32 | AT 16 | E 32 | ciphertext
//! sent form       23 | varint count | entry * count | E 32 | ciphertext
//! entry           service id 17 | (device 1 | flags and registration id 2) * n | C 32 | AT 16
//! excluded        service id 17 | 00
//! ```

use std::collections::BTreeMap;

use e2ee_primitives::{Secret, aead, hkdf, random::Random, secret::SecretBytes, x25519};
use e2ee_wire::{Error, Reader, varint};

use crate::{
    address::{Address, DeviceId, ServiceId},
    keys::encode_ec,
};

use super::content::Content;

/// The first byte of the received form.
pub(super) const RECEIVED_VERSION: u8 = 0x22;
/// The first byte of the sent form with service ids.
pub(super) const SENT_VERSION: u8 = 0x23;
/// Bytes of an encrypted seed and of the tag that names the sender.
pub(super) const SEED_LEN: usize = 32;
pub(super) const SENDER_TAG_LEN: usize = 16;
/// Above the registration id: whether another device follows.
pub(super) const MORE_FOLLOW: u16 = 1 << 15;
/// The most that a registration id may be.
pub const MAX_REGISTRATION_ID: u32 = 0x3fff;

/// One device of a recipient.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// Its address; the name must be a service id.
    pub address: &'a Address,
    /// The identity key of the account.
    pub identity_key: x25519::PublicKey,
    /// The registration id, by which the server knows a device that was set up anew.
    pub registration_id: u32,
}

/// Whom a message goes to, and whom the server shall know to be left out.
#[derive(Clone, Copy, Debug)]
pub struct Recipients<'a> {
    /// The devices; those of one account stand together.
    pub destinations: &'a [Destination<'a>],
    /// The accounts without this message.
    pub excluded: &'a [ServiceId],
}

/// Seals an encoded content message; the result is the sent form. Draws exactly 32 bytes.
///
/// [`Error::InvalidArgument`] without destinations, for a name that is no service id, a
/// registration id above [`MAX_REGISTRATION_ID`], two identity keys of one account, or an account
/// that is excluded twice or though it is a destination.
pub fn seal(
    sender: &x25519::PrivateKey,
    content: &SecretBytes,
    recipients: &Recipients<'_>,
    random: &mut dyn Random,
) -> Result<Vec<u8>, Error> {
    let entries = entries(recipients)?;
    let seed = Seed::new(Secret::random(random)?);
    let ephemeral = seed.ephemeral();
    let count = entries.len().saturating_add(recipients.excluded.len());

    let mut out = vec![SENT_VERSION];
    varint::write(&mut out, u64::try_from(count).map_err(|_| Error::InvalidArgument)?);
    for entry in &entries {
        entry.write(&mut out);
        let encrypted = seed.encrypt(&ephemeral, &entry.identity_key)?;
        let parties = (sender.public(), &entry.identity_key);
        let shared = sender.agree(&entry.identity_key)?;
        out.extend_from_slice(&encrypted);
        out.extend_from_slice(
            sender_tag(&shared, ephemeral.public(), &encrypted, parties).expose(),
        );
    }
    for excluded in recipients.excluded {
        out.extend_from_slice(&excluded.fixed_width());
        out.push(0);
    }
    out.extend_from_slice(ephemeral.public().as_bytes());
    out.extend(aead::seal_once(seed.content_key(), content.expose()));
    Ok(out)
}

/// Opens the received form; the certificate inside is still to be validated.
///
/// The first byte is not looked at: whoever chose this version has read it.
pub fn open(recipient: &x25519::PrivateKey, received: &[u8]) -> Result<Content, Error> {
    let mut reader = Reader::new(received);
    reader.byte()?;
    let encrypted: &[u8; SEED_LEN] = reader.array()?;
    let tag: &[u8; SENDER_TAG_LEN] = reader.array()?;
    let ephemeral = x25519::PublicKey::new(*reader.array()?);

    let shared = recipient.agree(&ephemeral).or(Err(Error::Forged))?;
    let seed = Seed::new(xor(encrypted, &mask(&shared, &ephemeral, recipient.public())));
    let made = Secret::new(*seed.ephemeral().public().as_bytes());
    if !made.ct_eq(&Secret::new(*ephemeral.as_bytes())) {
        return Err(Error::Forged);
    }
    let content = aead::open_once(seed.content_key(), reader.rest())?;

    let content = Content::decode(content.expose())?;
    let sender = content.certificate.identity_key();
    let shared = recipient.agree(sender).or(Err(Error::Forged))?;
    let parties = (sender, recipient.public());
    if sender_tag(&shared, &ephemeral, encrypted, parties).ct_eq(&Secret::new(*tag)) {
        Ok(content)
    } else {
        Err(Error::Forged)
    }
}

/// The random value that everything of one message derives from (M in signal.md §10.4).
struct Seed(Secret<SEED_LEN>);

impl Seed {
    const fn new(seed: Secret<SEED_LEN>) -> Self {
        Self(seed)
    }

    fn ephemeral(&self) -> x25519::PrivateKey {
        let scalar: Secret<32> = derive(b"Sealed Sender v2: r (2023-08)", &[self.0.expose()]);
        x25519::PrivateKey::from_bytes(scalar.expose())
    }

    fn content_key(&self) -> Secret<32> {
        derive(b"Sealed Sender v2: K", &[self.0.expose()])
    }

    fn encrypt(
        &self,
        ephemeral: &x25519::PrivateKey,
        recipient: &x25519::PublicKey,
    ) -> Result<[u8; SEED_LEN], Error> {
        let shared = ephemeral.agree(recipient)?;
        Ok(*xor(self.0.expose(), &mask(&shared, ephemeral.public(), recipient)).expose())
    }
}

/// What hides the seed from everyone but the recipient.
fn mask(
    shared: &Secret<32>,
    ephemeral: &x25519::PublicKey,
    recipient: &x25519::PublicKey,
) -> Secret<SEED_LEN> {
    let parts: [&[u8]; 3] = [shared.expose(), &encode_ec(ephemeral), &encode_ec(recipient)];
    derive(b"Sealed Sender v2: DH", &parts)
}

/// What only the sender and this recipient can compute: it proves who sent the message.
fn sender_tag(
    shared: &Secret<32>,
    ephemeral: &x25519::PublicKey,
    encrypted: &[u8; SEED_LEN],
    (sender, recipient): (&x25519::PublicKey, &x25519::PublicKey),
) -> Secret<SENDER_TAG_LEN> {
    let [ephemeral, sender, recipient] = [ephemeral, sender, recipient].map(encode_ec);
    let parts: [&[u8]; 5] = [shared.expose(), &ephemeral, encrypted, &sender, &recipient];
    derive(b"Sealed Sender v2: DH-sender", &parts)
}

fn derive<const N: usize>(label: &[u8], parts: &[&[u8]]) -> Secret<N> {
    hkdf::derive(&[], parts, &[label])
}

fn xor(bytes: &[u8; SEED_LEN], mask: &Secret<SEED_LEN>) -> Secret<SEED_LEN> {
    let mut joined = bytes.iter().zip(mask.expose()).map(|(byte, mask)| byte ^ mask);
    Secret::new(core::array::from_fn(|_| joined.next().unwrap_or_default()))
}

/// The devices of one account.
struct Entry {
    service_id: ServiceId,
    identity_key: x25519::PublicKey,
    devices: Vec<(DeviceId, u16)>,
}

impl Entry {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.service_id.fixed_width());
        let mut devices = self.devices.iter().peekable();
        while let Some((device, registration_id)) = devices.next() {
            let flag = if devices.peek().is_some() { MORE_FOLLOW } else { 0 };
            out.push(device.get());
            out.extend_from_slice(&(registration_id | flag).to_be_bytes());
        }
    }
}

fn entries(recipients: &Recipients<'_>) -> Result<Vec<Entry>, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    for destination in recipients.destinations {
        let service_id = destination.address.service_id().ok_or(Error::InvalidArgument)?;
        let registration_id = Some(destination.registration_id)
            .filter(|id| *id <= MAX_REGISTRATION_ID)
            .and_then(|id| u16::try_from(id).ok())
            .ok_or(Error::InvalidArgument)?;
        let device = (destination.address.device(), registration_id);
        let identity_key = destination.identity_key;
        match entries.last_mut() {
            Some(last) if last.service_id == service_id => {
                if last.identity_key != identity_key {
                    return Err(Error::InvalidArgument);
                }
                last.devices.push(device);
            }
            _ => entries.push(Entry { service_id, identity_key, devices: vec![device] }),
        }
    }
    let mut keys = BTreeMap::new();
    for entry in &entries {
        let known = keys.insert(entry.service_id.fixed_width(), Some(entry.identity_key));
        if known.is_some_and(|known| known != Some(entry.identity_key)) {
            return Err(Error::InvalidArgument);
        }
    }
    let mut excluded = recipients.excluded.iter().map(ServiceId::fixed_width);
    if entries.is_empty() || excluded.any(|excluded| keys.insert(excluded, None).is_some()) {
        return Err(Error::InvalidArgument);
    }
    Ok(entries)
}
