// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records of one session (docs/formats.md, "Session").
//!
//! The head seals the revisions of the other parts, and how many chunks there are since when: none
//! of them can be exchanged, taken away or put back alone.

use e2ee_account::{
    Learnt, Protocol, Vault, draft::Draft, peer::SessionId, protocol::StoredSession,
};
use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, StoreError, Stored};
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    Session,
    parts::{Parts, Revisions, decode_chunk, encode_chunk},
    session::Generations,
    spqr::Incomplete,
};

use super::names;

/// The records of a session beside its head, as they stand in the store.
pub struct SavedParts {
    revisions: Revisions,
    chunks: SavedChunks,
    form: Form,
    /// How far the session had come then.
    generations: Generations,
    spent: u64,
}

type Saved = e2ee_account::Saved<SavedParts>;

/// The chunks of an incomplete object, as they stand in the store.
enum SavedChunks {
    /// Records that were not read: so many, under names that begin like this.
    Left { count: usize, prefix: String },
    /// Records that were read, and those that were written since.
    Read(Vec<ChunkRow>),
    /// Some were left and others were written since: the session is to be read again.
    Partly,
}

struct ChunkRow {
    name: String,
    revision: u64,
}

/// In which form a session stands in the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Three parts, as in version 1: all is written anew by the next change.
    Three,
    /// As [`crate::parts`] writes it.
    Parts,
}

impl StoredSession for Session {
    type Parts = SavedParts;

    fn id(&self) -> SessionId {
        *self.base_key().as_bytes()
    }

    fn sends_in_place(&self) -> bool {
        self.sends_in_place()
    }

    fn load<P: Protocol>(
        name: &str,
        id: &SessionId,
        vault: &mut Vault<P>,
        records: &mut dyn Records,
    ) -> Result<(Self, Saved), Failure> {
        let (head, bytes) = vault.read_head(records, name)?;
        let (session, revisions, form) =
            if let Some((revisions, bytes)) = Revisions::decode(bytes.expose())? {
                let session = read_parts(vault, records, name, (&revisions, bytes))?;
                (session, revisions, Form::Parts)
            } else {
                let (session, revisions) = read_three_parts(vault, records, name, bytes.expose())?;
                (session, revisions, Form::Three)
            };
        if session.id() != *id {
            return Err(StoreError::Corruption.into());
        }
        let chunks = match session.incomplete() {
            Some(object) if form == Form::Parts && object.kept.count > 0 => {
                let prefix = names::chunks(name, object.epoch, object.object);
                SavedChunks::Left { count: object.kept.count, prefix }
            }
            _ => SavedChunks::Read(Vec::new()),
        };
        let (generations, spent) = (session.generations(), session.spent);
        let sealer = vault.sealer().record(name);
        let parts = SavedParts { revisions, chunks, form, generations, spent };
        Ok((session, Saved { id: *id, sealer, head, parts }))
    }

    /// Each chunk was written once since the revision that the head names, so it is enough that
    /// there are as many as the head counts.
    fn fill_from<P: Protocol>(
        &mut self,
        saved: &mut Saved,
        vault: &Vault<P>,
        records: &mut dyn Records,
    ) -> Result<(), Failure> {
        let SavedChunks::Left { count, prefix } = &saved.parts.chunks else { return Ok(()) };
        let rows = records.list(prefix)?;
        if rows.len() != *count {
            return Err(StoreError::Corruption.into());
        }
        let (mut read, mut chunks) = (Vec::with_capacity(*count), Vec::with_capacity(*count));
        for (name, revision) in rows {
            if revision < saved.parts.revisions.chunks || revision > saved.head.revision {
                return Err(StoreError::Corruption.into());
            }
            let index = names::chunk_index(&name, prefix)?;
            let record = vault.read_part(records, &name, revision)?;
            chunks.push(decode_chunk(index, record.expose())?);
            read.push(ChunkRow { name, revision });
        }
        self.fill(&chunks)?;
        saved.parts.chunks = SavedChunks::Read(read);
        Ok(())
    }

    fn check_absent(&self, saved: &Saved, records: &mut dyn Records) -> Result<(), Failure> {
        let Revisions { chains, skipped, .. } = saved.parts.revisions;
        let mut absent = Vec::new();
        if chains == 0 && self.has_chains_part() {
            absent.push(names::chains(saved.name()));
        }
        if skipped == 0 && self.has_skipped_part() {
            absent.push(names::skipped(saved.name()));
        }
        for part in absent {
            if records.get(&part)?.is_some() {
                return Err(StoreError::Corruption.into());
            }
        }
        Ok(())
    }

    /// A session in an older form is written anew as a whole too.
    fn save(
        &self,
        saved: Saved,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<Saved, Failure> {
        let (now, before) = (self.generations(), saved.parts.generations);
        let is_new = saved.head.revision == 0;
        if !is_new && now == before {
            return Ok(saved);
        }
        let all = is_new || saved.parts.form == Form::Three;
        let (name, base) = (saved.name(), saved.head.revision);
        let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
        let Revisions { mut objects, mut chains, mut skipped, .. } = saved.parts.revisions;
        if all || now.state != before.state {
            draft.put(&names::objects(name), objects, revision, &self.objects_part())?;
            objects = revision;
        }
        if all || now.chains != before.chains {
            let part = self.chains_part();
            chains = put_or_delete((&names::chains(name), part), (chains, revision), draft)?;
        }
        if all || now.skipped != before.skipped {
            let part = self.skipped_part();
            skipped = put_or_delete((&names::skipped(name), part), (skipped, revision), draft)?;
        }
        let anew = all || now.replaced != before.replaced;
        let (chunks, since) = save_chunks(self, &saved, (anew, revision), draft)?;
        let revisions = Revisions { objects, chains, skipped, chunks: since };
        let seen = draft.put_sealed(&saved.sealer, base, revision, &self.head_part(&revisions))?;
        draft.spend(self.spent.wrapping_sub(saved.parts.spent));
        learnt.rows.push((name.to_owned(), Some(seen)));
        let head = Stored { revision, sealed: draft.last_sealed() };
        let (form, generations, spent) = (Form::Parts, now, self.spent);
        let parts = SavedParts { revisions, chunks, form, generations, spent };
        Ok(Saved { head, parts, ..saved })
    }

    /// [`Error::PartMissing`] if its chunks were not read.
    fn delete(saved: &Saved, draft: &mut Draft<'_>, learnt: &mut Learnt) -> Result<(), Failure> {
        let SavedChunks::Read(rows) = &saved.parts.chunks else {
            return Err(Error::PartMissing.into());
        };
        let Revisions { objects, chains, skipped, .. } = saved.parts.revisions;
        let name = saved.name();
        draft.delete(&names::objects(name), objects);
        put_or_delete((&names::chains(name), None), (chains, 0), draft)?;
        put_or_delete((&names::skipped(name), None), (skipped, 0), draft)?;
        for row in rows {
            draft.delete(&row.name, row.revision);
        }
        draft.delete(name, saved.head.revision);
        learnt.rows.push((name.to_owned(), None));
        Ok(())
    }

    fn is_whole(parts: &SavedParts) -> bool {
        !matches!(parts.chunks, SavedChunks::Partly)
    }
}

fn read_parts<P: Protocol>(
    vault: &Vault<P>,
    records: &mut dyn Records,
    name: &str,
    (revisions, head): (&Revisions, &[u8]),
) -> Result<Session, Failure> {
    let mut read = |name: &str, revision| match revision {
        0 => Ok(None),
        _ => vault.read_part(records, name, revision).map(Some),
    };
    let objects = read(&names::objects(name), revisions.objects)?;
    let chains = read(&names::chains(name), revisions.chains)?;
    let skipped = read(&names::skipped(name), revisions.skipped)?;
    let objects = objects.ok_or(Error::CorruptState)?;
    let parts = Parts {
        head,
        objects: objects.expose(),
        chains: chains.as_ref().map(SecretBytes::expose),
        skipped: skipped.as_ref().map(SecretBytes::expose),
    };
    Ok(Session::from_parts(&parts)?)
}

/// Version 1: the revisions of two parts, and all else as in a session without a store.
fn read_three_parts<P: Protocol>(
    vault: &Vault<P>,
    records: &mut dyn Records,
    name: &str,
    head: &[u8],
) -> Result<(Session, Revisions), Failure> {
    let mut reader = RecordReader::new(head);
    let (objects, skipped) = (reader.u64()?, reader.u64()?);
    let revisions = Revisions { objects, skipped, ..Revisions::default() };
    let (_, head) = head.split_first_chunk::<16>().ok_or(Error::CorruptState)?;
    let objects = vault.read_part(records, &names::objects(name), objects)?;
    let skipped = vault.read_part(records, &names::skipped(name), skipped)?;
    Ok((Session::decode(head, objects.expose(), skipped.expose())?, revisions))
}

/// Saves a part that need not be there; returns its revision, 0 if it is not.
fn put_or_delete(
    (name, part): (&str, Option<SecretBytes>),
    (base, revision): (u64, u64),
    draft: &mut Draft<'_>,
) -> Result<u64, Failure> {
    match part {
        Some(part) => {
            draft.put(name, base, revision, &part)?;
            Ok(revision)
        }
        None if base == 0 => Ok(0),
        None => {
            draft.delete(name, base);
            Ok(0)
        }
    }
}

/// Writes the chunks that came, all of them `anew` if one was replaced, and deletes those of an
/// object that is complete. Returns how they stand then, and since when each was written once.
fn save_chunks(
    session: &Session,
    saved: &Saved,
    (anew, revision): (bool, u64),
    draft: &mut Draft<'_>,
) -> Result<(SavedChunks, u64), Failure> {
    let (prefix, chunks) = match session.incomplete() {
        Some(Incomplete { epoch, object, chunks, .. }) => {
            (names::chunks(saved.name(), epoch, object), chunks)
        }
        None => (String::new(), &[][..]),
    };
    let rows = match &saved.parts.chunks {
        // What is in memory has come since, and none of it took the place of what is not.
        SavedChunks::Left { prefix: left, .. } if *left == prefix => &[][..],
        SavedChunks::Left { .. } | SavedChunks::Partly => return Err(Error::PartMissing.into()),
        SavedChunks::Read(rows) => rows,
    };
    let (mut written, mut stays) = (Vec::with_capacity(chunks.len()), false);
    for chunk in chunks {
        let name = names::chunk(&prefix, chunk.index);
        let base = rows.iter().find(|row| row.name == name).map(|row| row.revision);
        if let Some(revision) = base.filter(|_| !anew) {
            stays = true;
            written.push(ChunkRow { name, revision });
            continue;
        }
        draft.put(&name, base.unwrap_or(0), revision, &encode_chunk(chunk))?;
        written.push(ChunkRow { name, revision });
    }
    for gone in rows.iter().filter(|row| !written.iter().any(|kept| kept.name == row.name)) {
        draft.delete(&gone.name, gone.revision);
    }
    let chunks = match &saved.parts.chunks {
        SavedChunks::Left { count, prefix } => {
            stays = true;
            if written.is_empty() {
                SavedChunks::Left { count: *count, prefix: prefix.clone() }
            } else {
                SavedChunks::Partly
            }
        }
        _ => SavedChunks::Read(written),
    };
    Ok((chunks, if stays { saved.parts.revisions.chunks } else { revision }))
}

impl Default for SavedParts {
    fn default() -> Self {
        Self {
            revisions: Revisions::default(),
            chunks: SavedChunks::Read(Vec::new()),
            form: Form::Parts,
            generations: Generations::default(),
            spent: 0,
        }
    }
}
