// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which event each message of a session came in: Megolm itself opens a message as often as it is
//! asked to, under whatever event a server shows it (olm_megolm.md §2, last rule; stored as
//! docs/formats.md, "Events of a group session", says).

use std::collections::BTreeMap;

use e2ee_primitives::{secret::SecretBytes, sha};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

const FORMAT_VERSION: u8 = 1;
/// Bytes that are kept of an event's id, which may be long: its SHA-256.
const DIGEST_LEN: usize = 32;
/// The most messages that are kept; a session of so many should have been replaced long ago.
pub const MAX_EVENTS: usize = 65_536;

/// For each index that was opened as an event, the event.
#[derive(Debug, Default)]
pub struct Events {
    seen: BTreeMap<u32, [u8; DIGEST_LEN]>,
}

/// The event of a message that may be opened as it.
#[derive(Debug)]
pub struct Event {
    index: u32,
    digest: [u8; DIGEST_LEN],
}

impl Events {
    /// No message yet.
    #[must_use]
    pub const fn none() -> Self {
        Self { seen: BTreeMap::new() }
    }

    /// Whether message `index` may be opened as this event, which an application names by its id.
    ///
    /// [`Error::Duplicate`] if it was opened as another one: it is a replay. [`Error::Exhausted`]
    /// if [`MAX_EVENTS`] others were opened.
    pub fn check(&self, index: u32, event_id: &[u8]) -> Result<Event, Error> {
        let digest = sha::sha256(&[event_id]);
        match self.seen.get(&index) {
            Some(seen) if *seen != digest => Err(Error::Duplicate),
            None if self.seen.len() >= MAX_EVENTS => Err(Error::Exhausted),
            _ => Ok(Event { index, digest }),
        }
    }

    /// Keeps the event of a message that has opened.
    pub fn opened(&mut self, event: &Event) {
        self.seen.insert(event.index, event.digest);
    }

    /// How many messages are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether no message is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        let entries = self.seen.len().saturating_mul(DIGEST_LEN + 4);
        let mut out = Vec::with_capacity(entries.saturating_add(1 + 4));
        out.push(FORMAT_VERSION);
        write_length(&mut out, self.seen.len());
        for (index, digest) in &self.seen {
            out.extend_from_slice(&index.to_be_bytes());
            out.extend_from_slice(digest);
        }
        SecretBytes::new(out)
    }

    /// Reads the stored form; the indices must ascend.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let mut seen = BTreeMap::new();
        for _ in 0..reader.length(MAX_EVENTS)? {
            let index = reader.u32()?;
            if seen.last_key_value().is_some_and(|(last, _)| *last >= index) {
                return Err(Error::CorruptState);
            }
            seen.insert(index, *reader.array()?);
        }
        reader.finish()?;
        Ok(Self { seen })
    }
}
