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
    Account, Environment, Incoming, Learnt, Outcome,
    draft::{Draft, encoded},
    names,
};

const FORMAT_VERSION: u8 = 1;

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
    /// The message, without padding.
    pub plaintext: SecretBytes,
}

impl InboxEntry {
    pub(super) fn new(
        incoming: Incoming<'_>,
        received_ms: u64,
        plaintext: SecretBytes,
        draft: &mut Draft<'_>,
    ) -> Result<Self, Failure> {
        let mut suffix = [0; 8];
        draft.random().fill(&mut suffix)?;
        let id = format!("{received_ms:012x}{}", names::hex(&suffix));
        let entry = Self {
            id,
            user: incoming.user.to_owned(),
            device: incoming.device,
            received_ms,
            plaintext,
        };
        draft.put(&record_name(&entry.id), 0, 1, &entry.encode())?;
        Ok(entry)
    }

    fn encode(&self) -> SecretBytes {
        encoded(|out| {
            out.push(FORMAT_VERSION);
            write_bytes(out, self.user.as_bytes());
            out.push(self.device.get());
            out.extend_from_slice(&self.received_ms.to_be_bytes());
            write_bytes(out, self.plaintext.expose());
        })
    }

    fn decode(id: &str, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let entry = Self {
            id: id.to_owned(),
            user: names::read_user(&mut reader)?,
            device: names::read_device(&mut reader)?,
            received_ms: reader.u64()?,
            plaintext: SecretBytes::new(reader.bytes()?.to_vec()),
        };
        reader.finish()?;
        Ok(entry)
    }
}

impl Account {
    /// All messages that wait, oldest first.
    pub fn inbox(&self, records: &mut dyn Records) -> Result<Vec<InboxEntry>, Failure> {
        let mut entries = Vec::new();
        for (name, _) in records.list(names::INBOX_PREFIX)? {
            let id = name.strip_prefix(names::INBOX_PREFIX).ok_or(StoreError::Corruption)?;
            entries.extend(self.inbox_entry(id, records)?);
        }
        Ok(entries)
    }

    /// Takes a message that the application has handled out of the inbox; none is no error.
    pub fn handled(
        &self,
        id: &str,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        let name = record_name(id);
        let mut draft = Draft::new(&self.sealer, environment.random);
        if let Some(stored) = environment.records.get(&name)? {
            draft.delete(&name, stored.revision);
        }
        let result = Outcome { value: (), learnt: Learnt::default() };
        Ok(Step { writes: draft.finish(), result })
    }

    pub(super) fn inbox_entry(
        &self,
        id: &str,
        records: &mut dyn Records,
    ) -> Result<Option<InboxEntry>, Failure> {
        let name = record_name(id);
        let Some(stored) = records.get(&name)? else { return Ok(None) };
        let opened = self.sealer.open(&name, stored.revision, &stored.sealed)?;
        Ok(Some(InboxEntry::decode(id, opened.expose())?))
    }
}

fn record_name(id: &str) -> String {
    format!("{}{id}", names::INBOX_PREFIX)
}
