// SPDX-License-Identifier: MIT OR Apache-2.0
//! A key of a room as it is kept: the session from its first known message on, where it came from,
//! and what has opened under it (docs/formats.md, "Matrix room key").
//!
//! The root record vouches for the first part, which hardly ever changes. The second one is
//! rewritten with each message.

use e2ee_account::{Learnt, draft, draft::Draft, index::Index};
use e2ee_primitives::{Secret, ed25519, secret::SecretBytes, x25519};
use e2ee_ratchet::JumpRatchet;
use e2ee_state::{Failure, Records, StoreError};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes, write_length},
};

use crate::{
    limits::{MAX_FORWARDERS, MAX_ROOM_KEYS, MAX_SENDER_ROOM_KEYS},
    megolm::{GroupMessage, InboundGroupSession, Ratchet},
};

use super::{
    super::{RoomId, StoredAccount},
    names,
    opened_runs::OpenedRuns,
};

const FORMAT_VERSION: u8 = 1;
const READ_VERSION: u8 = 1;

/// Where a key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From its sender, through a session of two.
    Sender,
    /// From a file, a backup or another device: nothing says whose it is.
    Import,
}

/// What belongs to a session of a room.
#[derive(Debug)]
pub(super) struct KeyFacts {
    pub(super) room: RoomId,
    /// The Curve25519 key of the device that has it, or is said to.
    pub(super) sender: x25519::PublicKey,
    /// The Ed25519 key that the device has said it has, or is said to have.
    pub(super) signing_key: Option<ed25519::PublicKey>,
    pub(super) origin: Origin,
    /// The Curve25519 keys of the devices that gave it on.
    pub(super) forwarders: Vec<x25519::PublicKey>,
}

/// A key of a room, and how it stands in the store.
#[derive(Debug)]
pub(in super::super) struct KeptKey {
    pub(super) facts: KeyFacts,
    pub(super) session: InboundGroupSession,
    opened: OpenedRuns,
    /// The revisions of both records, 0 if they are new.
    revision: u64,
    read_revision: u64,
    /// Whether the first record is to be written.
    changed: bool,
}

impl KeptKey {
    /// A key that is not in the store yet.
    pub(super) fn new(facts: KeyFacts, session: InboundGroupSession) -> Self {
        let opened = OpenedRuns::default();
        Self { facts, session, opened, revision: 0, read_revision: 0, changed: true }
    }

    pub(super) fn name(&self) -> String {
        names::key(&self.facts.room, self.session.session_id(), &self.facts.sender)
    }

    /// Takes over what came anew of the same session of the same sender, and whether it was of use:
    /// earlier messages open, or it came from its sender now.
    ///
    /// What an import has made up gives way to what comes from the sender. [`Error::InvalidKey`] if
    /// both are not connected in another way.
    pub(super) fn learn(&mut self, other: Self) -> Result<bool, Error> {
        let before = (self.session.first_known_index(), self.facts.origin);
        match self.session.merge(&other.session) {
            Ok(()) => {}
            Err(Error::InvalidKey) if before.1 == Origin::Import => {
                if other.facts.origin == Origin::Import {
                    return Err(Error::InvalidKey);
                }
                self.session = other.session;
                self.changed = true;
            }
            refused => return refused.map(|()| false),
        }
        if other.facts.origin == Origin::Sender {
            self.facts = other.facts;
        }
        let improved = before != (self.session.first_known_index(), self.facts.origin);
        self.changed |= improved;
        Ok(self.changed)
    }

    /// Opens a message once.
    ///
    /// [`Error::Forged`] and [`Error::UnknownIndex`] as [`InboundGroupSession::decrypt`];
    /// [`Error::Duplicate`] if it has opened before.
    pub(super) fn decrypt(&mut self, message: &GroupMessage<'_>) -> Result<SecretBytes, Error> {
        let plaintext = self.session.decrypt(message)?;
        if self.opened.contains(message.index) {
            return Err(Error::Duplicate);
        }
        self.opened.insert(message.index);
        Ok(plaintext)
    }

    fn encode(&self) -> SecretBytes {
        let prefix = draft::encoded(|out| {
            out.push(FORMAT_VERSION);
            self.facts.room.encode(out);
            out.extend_from_slice(self.facts.sender.as_bytes());
            write_length(out, usize::from(self.facts.signing_key.is_some()));
            if let Some(key) = &self.facts.signing_key {
                out.extend_from_slice(key.as_bytes());
            }
            out.push(match self.facts.origin {
                Origin::Sender => 1,
                Origin::Import => 2,
            });
            write_length(out, self.facts.forwarders.len());
            for key in &self.facts.forwarders {
                out.extend_from_slice(key.as_bytes());
            }
        });
        let mut out = Vec::with_capacity(prefix.len().saturating_add(ROOM_FOR_SESSION));
        out.extend_from_slice(prefix.expose());
        write_bytes(&mut out, self.session.encode(&[]).expose());
        SecretBytes::new(out)
    }

    fn encode_read(&self) -> SecretBytes {
        draft::encoded(|out| {
            out.push(READ_VERSION);
            let latest = self.session.rewinder().latest();
            out.extend_from_slice(&latest.index().to_be_bytes());
            latest.encode(out);
            self.opened.encode(out);
        })
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let room = RoomId::decode(&mut reader)?;
        let sender = x25519::PublicKey::new(*reader.array()?);
        let signing_key = match reader.length(1)? {
            0 => None,
            _ => Some(ed25519::PublicKey::new(*reader.array()?)),
        };
        let origin = match reader.u8()? {
            1 => Origin::Sender,
            2 => Origin::Import,
            _ => return Err(Error::CorruptState),
        };
        let mut forwarders = Vec::new();
        for _ in 0..reader.length(MAX_FORWARDERS)? {
            forwarders.push(x25519::PublicKey::new(*reader.array()?));
        }
        let session = InboundGroupSession::decode(reader.bytes()?)?;
        reader.finish()?;
        let facts = KeyFacts { room, sender, signing_key, origin, forwarders };
        Ok(Self { changed: false, ..Self::new(facts, session) })
    }

    pub(super) fn go_on(&mut self, read: &[u8]) -> Result<(), Error> {
        let mut reader = RecordReader::new(read);
        if reader.u8()? != READ_VERSION {
            return Err(Error::CorruptState);
        }
        let index = reader.u32()?;
        self.session.go_on_from(Ratchet::new(&Secret::new(*reader.array()?), index));
        self.opened = OpenedRuns::decode(&mut reader)?;
        reader.finish()
    }
}

/// Bytes of the stored form of a session behind its length; a little more.
const ROOM_FOR_SESSION: usize = 512;

impl StoredAccount {
    /// The key that has the record `name`, or `None` if it is not known.
    pub(super) fn load_key(
        &mut self,
        name: &str,
        records: &mut dyn Records,
    ) -> Result<Option<KeptKey>, Failure> {
        let Some((revision, opened)) = self.vault.read_member(records, name)? else {
            return Ok(None);
        };
        let mut kept = KeptKey::decode(opened.expose())?;
        if kept.name() != name {
            return Err(StoreError::Corruption.into());
        }
        let (head, read) = self.vault.read_head(records, &names::read(name))?;
        kept.go_on(read.expose())?;
        (kept.revision, kept.read_revision) = (revision, head.revision);
        Ok(Some(kept))
    }

    /// The key as it is to be kept from now on: what came, or what was known with what is new in
    /// it; and whether something is.
    ///
    /// [`Error::Exhausted`] if the room or its sender has too many, [`Error::InvalidKey`] if the
    /// sender gave another one under the same id.
    pub(super) fn taken_in(
        &mut self,
        key: KeptKey,
        records: &mut dyn Records,
    ) -> Result<(KeptKey, bool), Failure> {
        if let Some(mut known) = self.load_key(&key.name(), records)? {
            let is_new = known.learn(key)?;
            return Ok((known, is_new));
        }
        let (prefix, suffix) =
            (names::keys_of(&key.facts.room), names::of_sender(&key.facts.sender));
        let (mut all, mut of_sender) = (0_usize, 0_usize);
        for (name, _) in self.vault.members().filter(|(name, _)| name.starts_with(&prefix)) {
            all = all.saturating_add(1);
            of_sender = of_sender.saturating_add(usize::from(name.ends_with(&suffix)));
        }
        if all >= MAX_ROOM_KEYS || of_sender >= MAX_SENDER_ROOM_KEYS {
            return Err(Error::Exhausted.into());
        }
        Ok((key, true))
    }

    /// Saves what changed of a key, and takes it into `index`.
    pub(in super::super) fn save_key(
        &self,
        kept: &KeptKey,
        index: &mut Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let name = kept.name();
        let read = names::read(&name);
        let revision = match kept.read_revision {
            0 => self.vault.next_index_revision()?,
            before => before.checked_add(1).ok_or(Error::Exhausted)?,
        };
        let seen = draft.put(&read, kept.read_revision, revision, &kept.encode_read())?;
        learnt.rows.push((read, Some(seen)));
        if kept.changed {
            let content = kept.encode();
            self.vault.put_member((name, kept.revision), &content, index, (draft, learnt))?;
        }
        Ok(())
    }

    /// Deletes the keys whose records have these names, and takes them out of `index`.
    pub(super) fn delete_keys(
        &self,
        gone: &[(String, u64, u64)],
        index: &mut Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        for (name, revision, read_revision) in gone {
            let read = names::read(name);
            draft.delete(&read, *read_revision);
            learnt.rows.push((read, None));
            self.vault.delete_member((name.clone(), *revision), index, (draft, learnt))?;
        }
        Ok(())
    }

    /// The keys of a room as they stand in the store: names, and the revisions of both records.
    pub(super) fn key_rows(
        &mut self,
        room: &RoomId,
        records: &mut dyn Records,
    ) -> Result<Vec<(String, u64, u64)>, Failure> {
        let mut rows = Vec::new();
        for (name, revision) in self.key_names(Some(room)) {
            let (head, _) = self.vault.read_head(records, &names::read(&name))?;
            rows.push((name, revision, head.revision));
        }
        Ok(rows)
    }

    /// The names of the records of all keys, or of those of one room, in their order.
    pub(super) fn key_names(&self, room: Option<&RoomId>) -> Vec<(String, u64)> {
        let prefix = room.map_or_else(|| names::ROOM_KEY_PREFIX.to_owned(), names::keys_of);
        let members = self.vault.members().filter(|(name, _)| name.starts_with(&prefix));
        let mut found: Vec<_> =
            members.map(|(name, revision)| (name.to_owned(), revision)).collect();
        found.sort_unstable();
        found
    }
}
