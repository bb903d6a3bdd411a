// SPDX-License-Identifier: MIT OR Apache-2.0
//! The inbox: opened messages that the application has not handled yet (docs/storage.md,
//! "Receiving"; docs/formats.md, "Inbox").

use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, Step, StoreError};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes},
};

use crate::DeviceId;

use super::{
    Account, Environment, Learnt, Outcome,
    draft::{Draft, encoded},
    names,
};

const FORMAT_VERSION: u8 = 2;
/// Without a content: all were direct.
const FORMAT_VERSION_1: u8 = 1;

/// A group's UUID.
pub type GroupId = [u8; 16];

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The application's, to this device alone.
    Direct,
    /// The application's, to a group.
    Group(GroupId),
    /// The sender's key for its messages to a group, already kept; there is no plaintext.
    Invitation(GroupId),
    /// The sender could not open what was sent to it at this time, in milliseconds since the Unix
    /// epoch; there is no plaintext.
    Resend {
        /// The time, as the sender of the message gave it to its carrier.
        sent_ms: u64,
    },
}

/// A message in the inbox.
#[derive(Debug)]
pub struct InboxEntry {
    /// Names the entry; entries sort by time.
    pub id: String,
    /// The sender's name.
    pub user: String,
    /// The sender's device.
    pub device: DeviceId,
    /// When it was opened, in milliseconds since the Unix epoch.
    pub received_ms: u64,
    /// What it is.
    pub content: Content,
    /// The message, without padding.
    pub plaintext: SecretBytes,
}

impl InboxEntry {
    pub(super) fn new(
        (user, device): (&str, DeviceId),
        received_ms: u64,
        (content, plaintext): (Content, SecretBytes),
        draft: &mut Draft<'_>,
    ) -> Result<Self, Failure> {
        let mut suffix = [0; 8];
        draft.random().fill(&mut suffix)?;
        let id = format!("{received_ms:012x}{}", names::hex(&suffix));
        let user = user.to_owned();
        let entry = Self { id, user, device, received_ms, content, plaintext };
        draft.put(&record_name(&entry.id), 0, 1, &entry.encode())?;
        Ok(entry)
    }

    fn encode(&self) -> SecretBytes {
        encoded(|out| {
            out.push(FORMAT_VERSION);
            write_bytes(out, self.user.as_bytes());
            out.push(self.device.get());
            out.extend_from_slice(&self.received_ms.to_be_bytes());
            self.content.encode(out);
            write_bytes(out, self.plaintext.expose());
        })
    }

    pub(super) fn decode(id: &str, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        let version = reader.u8()?;
        let entry = Self {
            id: id.to_owned(),
            user: names::read_user(&mut reader)?,
            device: names::read_device(&mut reader)?,
            received_ms: reader.u64()?,
            content: match version {
                FORMAT_VERSION => Content::decode(&mut reader)?,
                FORMAT_VERSION_1 => Content::Direct,
                _ => return Err(Error::CorruptState),
            },
            plaintext: SecretBytes::new(reader.bytes()?.to_vec()),
        };
        reader.finish()?;
        Ok(entry)
    }
}

impl Content {
    fn encode(self, out: &mut Vec<u8>) {
        match self {
            Self::Direct => out.push(1),
            Self::Group(id) => {
                out.push(2);
                out.extend_from_slice(&id);
            }
            Self::Invitation(id) => {
                out.push(3);
                out.extend_from_slice(&id);
            }
            Self::Resend { sent_ms } => {
                out.push(4);
                out.extend_from_slice(&sent_ms.to_be_bytes());
            }
        }
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        match reader.u8()? {
            1 => Ok(Self::Direct),
            2 => Ok(Self::Group(*reader.array()?)),
            3 => Ok(Self::Invitation(*reader.array()?)),
            4 => Ok(Self::Resend { sent_ms: reader.u64()? }),
            _ => Err(Error::CorruptState),
        }
    }
}

impl Account {
    /// All messages that wait, oldest first.
    pub fn inbox(&mut self, records: &mut dyn Records) -> Result<Vec<InboxEntry>, Failure> {
        self.vault.refresh(records)?;
        let mut entries = Vec::new();
        for (name, _) in records.list(names::INBOX_PREFIX)? {
            let id = name.strip_prefix(names::INBOX_PREFIX).ok_or(StoreError::Corruption)?;
            entries.extend(self.inbox_entry(id, records)?);
        }
        Ok(entries)
    }

    /// Takes a message that the application has handled out of the inbox; whether it was there.
    ///
    /// It opens and seals nothing: whoever still holds a key that was changed may do it too.
    pub fn handled(
        &self,
        id: &str,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<bool>>, Failure> {
        let name = record_name(id);
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let stored = environment.records.get(&name)?;
        if let Some(stored) = &stored {
            draft.delete(&name, stored.revision);
        }
        let result = Outcome::unspent(stored.is_some(), Learnt::default());
        Ok(Step { writes: draft.finish().writes, result })
    }

    pub(super) fn inbox_entry(
        &self,
        id: &str,
        records: &mut dyn Records,
    ) -> Result<Option<InboxEntry>, Failure> {
        let name = record_name(id);
        let Some(stored) = records.get(&name)? else { return Ok(None) };
        let opened = self.vault.sealer().open(&name, stored.revision, &stored.sealed)?;
        Ok(Some(InboxEntry::decode(id, opened.expose())?))
    }
}

fn record_name(id: &str) -> String {
    format!("{}{id}", names::INBOX_PREFIX)
}
