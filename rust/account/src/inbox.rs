// SPDX-License-Identifier: MIT OR Apache-2.0
//! The inbox: opened messages that the application has not handled yet (docs/storage.md,
//! "Receiving"; docs/formats.md, "Inbox").

use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, Step, StoreError};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes},
};

use crate::{
    Content, Device, Environment, Learnt, Outcome, Protocol, Vault,
    draft::{Draft, encoded},
    names,
};

const FORMAT_VERSION: u8 = 2;
/// Without a content: all were direct.
const FORMAT_VERSION_1: u8 = 1;

/// A message in the inbox of a protocol's account.
pub type Entry<P> = InboxEntry<<P as Protocol>::Device, <P as Protocol>::Content>;

/// A message in the inbox.
#[derive(Debug)]
pub struct InboxEntry<D, C> {
    /// Names the entry; entries sort by time.
    pub id: String,
    /// The sender's name.
    pub user: String,
    /// The sender's device.
    pub device: D,
    /// When it was opened, in milliseconds since the Unix epoch.
    pub received_ms: u64,
    /// What it is.
    pub content: C,
    /// The message, without padding.
    pub plaintext: SecretBytes,
}

impl<D: Device, C: Content> InboxEntry<D, C> {
    /// A message that was opened at `received_ms`, added to the draft.
    pub fn new(
        (user, device): (&str, D),
        received_ms: u64,
        (content, plaintext): (C, SecretBytes),
        draft: &mut Draft<'_>,
    ) -> Result<Self, Failure> {
        let mut suffix = [0; 8];
        draft.random().fill(&mut suffix)?;
        let id = format!("{received_ms:012x}{}", names::hex(&suffix));
        Self::named(id, (user, device), received_ms, (content, plaintext), draft)
    }

    /// The same of a message with a number in its conversation, by which entries of one time sort.
    pub fn numbered(
        whom: (&str, D),
        (received_ms, number): (u64, u32),
        message: (C, SecretBytes),
        draft: &mut Draft<'_>,
    ) -> Result<Self, Failure> {
        let mut suffix = [0; 4];
        draft.random().fill(&mut suffix)?;
        let id = format!("{received_ms:012x}{number:08x}{}", names::hex(&suffix));
        Self::named(id, whom, received_ms, message, draft)
    }

    fn named(
        id: String,
        (user, device): (&str, D),
        received_ms: u64,
        (content, plaintext): (C, SecretBytes),
        draft: &mut Draft<'_>,
    ) -> Result<Self, Failure> {
        let user = user.to_owned();
        let entry = Self { id, user, device, received_ms, content, plaintext };
        draft.put(&record_name(&entry.id), 0, 1, &entry.encode())?;
        Ok(entry)
    }

    fn encode(&self) -> SecretBytes {
        encoded(|out| {
            out.push(FORMAT_VERSION);
            write_bytes(out, self.user.as_bytes());
            self.device.encode(out);
            out.extend_from_slice(&self.received_ms.to_be_bytes());
            self.content.encode(out);
            write_bytes(out, self.plaintext.expose());
        })
    }

    /// Reads back the entry of this id.
    pub fn decode(id: &str, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        let version = reader.u8()?;
        let entry = Self {
            id: id.to_owned(),
            user: names::read_user(&mut reader)?,
            device: D::decode(&mut reader)?,
            received_ms: reader.u64()?,
            content: match version {
                FORMAT_VERSION => C::decode(&mut reader)?,
                FORMAT_VERSION_1 => C::DIRECT,
                _ => return Err(Error::CorruptState),
            },
            plaintext: SecretBytes::new(reader.bytes()?.to_vec()),
        };
        reader.finish()?;
        Ok(entry)
    }
}

/// What became of an envelope.
#[derive(Debug)]
pub enum Delivery<D, C> {
    /// It was opened now; the message is in the inbox until it is handled.
    New(InboxEntry<D, C>),
    /// Exactly this message was opened before, and is still in the inbox.
    Waiting(InboxEntry<D, C>),
    /// Exactly this message was opened and handled before.
    Handled,
}

impl<P: Protocol> Vault<P> {
    /// All messages that wait, oldest first.
    pub fn inbox(&mut self, records: &mut dyn Records) -> Result<Vec<Entry<P>>, Failure> {
        self.refresh(records)?;
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
        let mut draft = Draft::new(self.sealer(), environment.random);
        let stored = environment.records.get(&name)?;
        if let Some(stored) = &stored {
            draft.delete(&name, stored.revision);
        }
        let result = Outcome::unspent(stored.is_some(), Learnt::default());
        Ok(Step { writes: draft.finish().writes, result })
    }

    /// The message of this id, if it waits.
    pub fn inbox_entry(
        &self,
        id: &str,
        records: &mut dyn Records,
    ) -> Result<Option<Entry<P>>, Failure> {
        let name = record_name(id);
        let Some(stored) = records.get(&name)? else { return Ok(None) };
        let opened = self.sealer().open(&name, stored.revision, &stored.sealed)?;
        Ok(Some(InboxEntry::decode(id, opened.expose())?))
    }
}

fn record_name(id: &str) -> String {
    format!("{}{id}", names::INBOX_PREFIX)
}
