// SPDX-License-Identifier: MIT OR Apache-2.0
//! The outbox: envelopes that were sealed in the application's transaction, and leave after its
//! commit (docs/storage.md, "Outbox"; docs/formats.md, "Outbox").
//!
//! A row holds the envelope, not the text: whenever it is posted again, the same bytes leave.

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
    sessions::LoadedPeer,
};

const FORMAT_VERSION: u8 = 1;
/// Hexadecimal digits of an entry's id.
const ID_LEN: usize = 40;

/// What an entry is called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Naming<'a> {
    /// By its time, and by its place in its batch.
    Anew(usize),
    /// As the entry of an earlier step that was dropped.
    Again(&'a str),
}

/// An envelope that waits for its carrier.
#[derive(Debug)]
pub struct OutboxEntry {
    /// Names the entry; entries sort by time, those of one session by their place in it.
    pub id: String,
    /// The recipient's name.
    pub user: String,
    /// The recipient's device.
    pub device: DeviceId,
    /// When it was queued, in milliseconds since the Unix epoch.
    pub queued_ms: u64,
    /// The encoded envelope.
    pub envelope: Vec<u8>,
}

impl OutboxEntry {
    /// The entry of an envelope that was made on the peer's current session.
    pub(super) fn new(
        loaded: &LoadedPeer,
        naming: Naming<'_>,
        envelope: Vec<u8>,
        (now_ms, draft): (u64, &mut Draft<'_>),
    ) -> Result<Self, Failure> {
        let id = match naming {
            Naming::Anew(place) => {
                let mut suffix = [0; 4];
                draft.random().fill(&mut suffix)?;
                let (revision, suffix) = (loaded.next_sending_revision()?, names::hex(&suffix));
                format!("{now_ms:012x}{revision:016x}{place:04x}{suffix}")
            }
            Naming::Again(id) if is_id(id) => id.to_owned(),
            Naming::Again(_) => return Err(Error::InvalidArgument.into()),
        };
        let (user, device) = (loaded.user.clone(), loaded.device);
        let entry = Self { id, user, device, queued_ms: now_ms, envelope };
        draft.put(&record_name(&entry.id), 0, 1, &entry.encode())?;
        Ok(entry)
    }

    fn encode(&self) -> e2ee_primitives::secret::SecretBytes {
        encoded(|out| {
            out.push(FORMAT_VERSION);
            write_bytes(out, self.user.as_bytes());
            out.push(self.device.get());
            out.extend_from_slice(&self.queued_ms.to_be_bytes());
            write_bytes(out, &self.envelope);
        })
    }

    pub(super) fn decode(id: &str, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let entry = Self {
            id: id.to_owned(),
            user: names::read_user(&mut reader)?,
            device: names::read_device(&mut reader)?,
            queued_ms: reader.u64()?,
            envelope: reader.bytes()?.to_vec(),
        };
        reader.finish()?;
        Ok(entry)
    }
}

impl Account {
    /// Pads and encrypts `plaintext`, and puts the envelope into the outbox, in the same step; the
    /// result is the entry's id, which may be that of an earlier step that was dropped.
    ///
    /// As [`Account::encrypt`]; [`Error::InvalidArgument`] also for what is no id.
    pub fn queue(
        &mut self,
        whom: (&str, DeviceId),
        (plaintext, id): (&[u8], Option<&str>),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<String>>, Failure> {
        let (mut loaded, envelope) = self.encrypt_for(whom, plaintext, environment)?;
        let now_ms = environment.now_ms;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let naming = id.map_or(Naming::Anew(0), Naming::Again);
        let entry = OutboxEntry::new(&loaded, naming, envelope, (now_ms, &mut draft))?;
        self.save_moved(&mut loaded, &mut draft, &mut learnt)?;
        let step = self.vault.drafted((draft.finish(), learnt), entry.id, environment)?;
        self.rest(loaded);
        Ok(step)
    }

    /// The envelopes that wait, oldest first, at most `limit`; to one peer, if one is given.
    ///
    /// They may leave: the anchor, if there is one, knows of all of them.
    pub fn outbox(
        &mut self,
        peer: Option<(&str, DeviceId)>,
        limit: usize,
        records: &mut dyn Records,
    ) -> Result<Vec<OutboxEntry>, Failure> {
        self.vault.refresh(records)?;
        self.vault.compare_anchor(records)?;
        let mut entries = Vec::new();
        for (name, revision) in records.list(names::OUTBOX_PREFIX)? {
            if entries.len() >= limit {
                break;
            }
            let id = name.strip_prefix(names::OUTBOX_PREFIX).ok_or(StoreError::Corruption)?;
            let stored = records.get(&name)?.ok_or(StoreError::Corruption)?;
            let opened = self.vault.sealer().open(&name, revision, &stored.sealed)?;
            let entry = OutboxEntry::decode(id, opened.expose())?;
            if peer.is_none_or(|(user, device)| entry.user == user && entry.device == device) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// Takes an envelope that its carrier has taken out of the outbox; none is no error.
    pub fn sent(
        &self,
        id: &str,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        let name = record_name(id);
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        if let Some(stored) = environment.records.get(&name)? {
            draft.delete(&name, stored.revision);
        }
        let result = Outcome::unspent((), Learnt::default());
        Ok(Step { writes: draft.finish().writes, result })
    }
}

fn is_id(id: &str) -> bool {
    id.len() == ID_LEN && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

fn record_name(id: &str) -> String {
    format!("{}{id}", names::OUTBOX_PREFIX)
}
