// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a server does with one message to many: it gives each recipient its part
//! (signal.md §10.4, "Server fan-out").
//!
//! It needs no key and learns none; the parts of all recipients share one ciphertext.

use std::collections::BTreeMap;

use e2ee_wire::{Error, Reader, varint};

use crate::address::{DeviceId, ServiceId, ServiceIdKind};

use super::v2::{MORE_FOLLOW, RECEIVED_VERSION, SEED_LEN, SENDER_TAG_LEN, SENT_VERSION};

/// The older sent form, which has the UUIDs of accounts instead of service ids.
const OLDER_SENT_VERSION: u8 = 0x22;
const MAJOR_VERSION: u8 = 2;
const REGISTRATION_ID_MASK: u16 = 0x3fff;
const HEAD_LEN: usize = SEED_LEN + SENDER_TAG_LEN;
const EPHEMERAL_KEY_LEN: usize = 32;

/// One account that a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRecipient {
    /// The account.
    pub service_id: ServiceId,
    /// Its devices, each with its registration id.
    pub devices: Vec<(DeviceId, u16)>,
    head: [u8; HEAD_LEN],
}

/// A message in its sent form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage<'a> {
    recipients: Vec<SealedRecipient>,
    excluded: Vec<ServiceId>,
    tail: &'a [u8],
}

impl<'a> SentMessage<'a> {
    /// Parses the sent form. An account that stands twice has the devices of both entries.
    ///
    /// Unlike the reference client, both must have the same encrypted seed and tag: one of the
    /// two would be lost.
    pub fn decode(sent: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(sent);
        let version = reader.byte()?;
        if version != SENT_VERSION && version != OLDER_SENT_VERSION {
            let known = version >> 4 == MAJOR_VERSION;
            return Err(if known { Error::Malformed } else { Error::UnsupportedVersion });
        }
        let count = varint::read(&mut reader)?;
        let mut entries = Entries::default();
        for _ in 0..count {
            let service_id = if version == SENT_VERSION {
                ServiceId::from_fixed_width(reader.array()?).ok_or(Error::Malformed)?
            } else {
                ServiceId::new(ServiceIdKind::Account, *reader.array()?)
            };
            entries.add(service_id, &mut reader)?;
        }
        let tail = reader.rest();
        if tail.len() < EPHEMERAL_KEY_LEN {
            return Err(Error::Malformed);
        }
        let Entries { recipients, excluded, .. } = entries;
        Ok(Self { recipients, excluded, tail })
    }

    /// The accounts that the message is for, in its order.
    #[must_use]
    pub fn recipients(&self) -> &[SealedRecipient] {
        &self.recipients
    }

    /// The accounts that the sender left out.
    #[must_use]
    pub fn excluded(&self) -> &[ServiceId] {
        &self.excluded
    }

    /// What all received forms end with.
    #[must_use]
    pub const fn tail(&self) -> &'a [u8] {
        self.tail
    }
}

impl SealedRecipient {
    /// The received form, which every device of this account gets; `tail` is that of the message.
    #[must_use]
    pub fn received(&self, tail: &[u8]) -> Vec<u8> {
        [&[RECEIVED_VERSION][..], &self.head, tail].concat()
    }
}

/// The entries so far.
#[derive(Default)]
struct Entries {
    recipients: Vec<SealedRecipient>,
    excluded: Vec<ServiceId>,
    /// Where an account stands among the recipients; nowhere if it is excluded.
    seen: BTreeMap<[u8; 17], Option<usize>>,
}

impl Entries {
    fn add(&mut self, service_id: ServiceId, reader: &mut Reader<'_>) -> Result<(), Error> {
        let devices = read_devices(reader)?;
        let seen = self.seen.get(&service_id.fixed_width()).copied();
        let position = if devices.is_empty() {
            if seen.is_some() {
                return Err(Error::Malformed);
            }
            self.excluded.push(service_id);
            None
        } else {
            let head = *reader.array()?;
            match seen {
                None => {
                    self.recipients.push(SealedRecipient { service_id, devices, head });
                    self.recipients.len().checked_sub(1)
                }
                Some(position) => {
                    let first = position.and_then(|position| self.recipients.get_mut(position));
                    let first = first.filter(|first| first.head == head).ok_or(Error::Malformed)?;
                    first.devices.extend(devices);
                    position
                }
            }
        };
        self.seen.insert(service_id.fixed_width(), position);
        Ok(())
    }
}

/// The devices of an entry; none if the account is excluded.
fn read_devices(reader: &mut Reader<'_>) -> Result<Vec<(DeviceId, u16)>, Error> {
    let mut devices = Vec::new();
    loop {
        let device = reader.byte()?;
        if device == 0 && devices.is_empty() {
            return Ok(devices);
        }
        let device = DeviceId::new(u32::from(device)).map_err(|_| Error::Malformed)?;
        let field = u16::from_be_bytes(*reader.array()?);
        devices.push((device, field & REGISTRATION_ID_MASK));
        if field & MORE_FOLLOW == 0 {
            return Ok(devices);
        }
    }
}
