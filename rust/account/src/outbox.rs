// SPDX-License-Identifier: MIT OR Apache-2.0
//! The outbox: envelopes that were sealed in the application's transaction, and leave after its
//! commit (docs/storage.md, "Outbox"; docs/formats.md, "Outbox").
//!
//! A row holds the envelope, not the text: whenever it is posted again, the same bytes leave.

use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, Step, StoreError};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes},
};

use crate::{
    Device, Environment, Learnt, LoadedPeer, Outcome, Protocol, Vault,
    draft::{Draft, encoded},
    names,
};

const FORMAT_VERSION: u8 = 1;
/// Hexadecimal digits of an entry's id.
const ID_LEN: usize = 40;

/// What an entry is called.
#[derive(Clone, Copy, Debug)]
pub enum Naming<'a> {
    /// By its time, by the revision that the head of its session takes, and by its place in its
    /// batch.
    Anew(u64, usize),
    /// As the entry of an earlier step that was dropped.
    Again(&'a str),
}

/// An envelope that waits for its carrier.
#[derive(Debug)]
pub struct OutboxEntry<D> {
    /// Names the entry; entries sort by time, those of one session by their place in it.
    pub id: String,
    /// The recipient's name.
    pub user: String,
    /// The recipient's device.
    pub device: D,
    /// When it was queued, in milliseconds since the Unix epoch.
    pub queued_ms: u64,
    /// The encoded envelope.
    pub envelope: Vec<u8>,
}

impl<D: Device> OutboxEntry<D> {
    /// The entry of an envelope that was made on a session of the recipient's, added to the draft.
    ///
    /// [`Error::InvalidArgument`] if it is to be called what is no id.
    pub fn new(
        (user, device): (String, D),
        naming: Naming<'_>,
        envelope: Vec<u8>,
        (now_ms, draft): (u64, &mut Draft<'_>),
    ) -> Result<Self, Failure> {
        let id = match naming {
            Naming::Anew(revision, place) => {
                let mut suffix = [0; 4];
                draft.random().fill(&mut suffix)?;
                format!("{now_ms:012x}{revision:016x}{place:04x}{}", names::hex(&suffix))
            }
            Naming::Again(id) if is_id(id) => id.to_owned(),
            Naming::Again(_) => return Err(Error::InvalidArgument.into()),
        };
        let entry = Self { id, user, device, queued_ms: now_ms, envelope };
        draft.put(&record_name(&entry.id), 0, 1, &entry.encode())?;
        Ok(entry)
    }

    fn encode(&self) -> SecretBytes {
        encoded(|out| {
            out.push(FORMAT_VERSION);
            write_bytes(out, self.user.as_bytes());
            self.device.encode(out);
            out.extend_from_slice(&self.queued_ms.to_be_bytes());
            write_bytes(out, &self.envelope);
        })
    }

    /// Reads back the entry of this id.
    pub fn decode(id: &str, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let entry = Self {
            id: id.to_owned(),
            user: names::read_user(&mut reader)?,
            device: D::decode(&mut reader)?,
            queued_ms: reader.u64()?,
            envelope: reader.bytes()?.to_vec(),
        };
        reader.finish()?;
        Ok(entry)
    }
}

impl<P: Protocol> Vault<P> {
    /// Puts an envelope that was made on the sending session of `loaded` into the outbox, and saves
    /// what has moved, in one step; the result is the entry's id, which is `id` if an earlier step
    /// was dropped that had it.
    ///
    /// [`Error::InvalidArgument`] for what is no id.
    pub fn queue(
        &mut self,
        mut loaded: Box<LoadedPeer<P>>,
        (envelope, id): (Vec<u8>, Option<&str>),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<String>>, Failure> {
        let naming = match id {
            Some(id) => Naming::Again(id),
            None => Naming::Anew(loaded.next_sending_revision()?, 0),
        };
        let now_ms = environment.now_ms;
        let mut draft = Draft::new(self.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let whom = (loaded.user.clone(), loaded.device.clone());
        let entry = OutboxEntry::new(whom, naming, envelope, (now_ms, &mut draft))?;
        self.save_moved(&mut loaded, &mut draft, &mut learnt)?;
        let step = self.drafted((draft.finish(), learnt), entry.id, environment)?;
        self.rest(loaded);
        Ok(step)
    }

    /// The envelopes that wait, oldest first, at most `limit`; to one peer, if one is given.
    ///
    /// They may leave: the anchor, if there is one, knows of all of them.
    pub fn outbox(
        &mut self,
        peer: Option<(&str, &P::Device)>,
        limit: usize,
        records: &mut dyn Records,
    ) -> Result<Vec<OutboxEntry<P::Device>>, Failure> {
        self.refresh(records)?;
        self.compare_anchor(records)?;
        let mut entries = Vec::new();
        for (name, revision) in records.list(names::OUTBOX_PREFIX)? {
            if entries.len() >= limit {
                break;
            }
            let id = name.strip_prefix(names::OUTBOX_PREFIX).ok_or(StoreError::Corruption)?;
            let stored = records.get(&name)?.ok_or(StoreError::Corruption)?;
            let opened = self.sealer().open(&name, revision, &stored.sealed)?;
            let entry = OutboxEntry::decode(id, opened.expose())?;
            if peer.is_none_or(|(user, device)| entry.user == user && entry.device == *device) {
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
        let mut draft = Draft::new(self.sealer(), environment.random);
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
