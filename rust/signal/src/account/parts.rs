// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records of one session (docs/formats.md, "Session").
//!
//! The head seals the revisions of the other parts, and how many chunks there are since when: none
//! of them can be exchanged, taken away or put back alone.

use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_state::{Failure, Records, StoreError, Stored, seal::RecordSealer};
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    DeviceId, Session,
    parts::{Parts, Revisions, decode_chunk, encode_chunk},
    session::Generations,
    spqr::Incomplete,
};

use super::{
    Account, Learnt,
    draft::Draft,
    memory::{Mark, Seen},
    names,
};

/// How a session stands in the store.
pub(super) struct Saved {
    pub(super) base_key: x25519::PublicKey,
    /// What seals the head, and knows its name.
    sealer: RecordSealer,
    /// The head's record; of revision 0 before it is there.
    pub(super) head: Stored,
    revisions: Revisions,
    chunks: SavedChunks,
    form: Form,
    /// How far the session had come then.
    generations: Generations,
    spent: u64,
}

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

impl Account {
    pub(super) fn load_session(
        &mut self,
        records: &mut dyn Records,
        (user, device): (&str, DeviceId),
        base_key: &x25519::PublicKey,
    ) -> Result<(Session, Saved), Failure> {
        let name = names::session(user, device, base_key);
        let (head, bytes) = self.vault.read_head(records, &name)?;
        let (session, revisions, form) =
            if let Some((revisions, bytes)) = Revisions::decode(bytes.expose())? {
                let session = self.read_parts(records, &name, (&revisions, bytes))?;
                (session, revisions, Form::Parts)
            } else {
                let (session, revisions) = self.read_three_parts(records, &name, bytes.expose())?;
                (session, revisions, Form::Three)
            };
        if session.base_key() != base_key {
            return Err(StoreError::Corruption.into());
        }
        let chunks = match session.incomplete() {
            Some(object) if form == Form::Parts && object.kept.count > 0 => {
                let prefix = names::chunks(&name, object.epoch, object.object);
                SavedChunks::Left { count: object.kept.count, prefix }
            }
            _ => SavedChunks::Read(Vec::new()),
        };
        let (generations, spent) = (session.generations(), session.spent);
        let base_key = *base_key;
        let sealer = self.vault.sealer().record(&name);
        let saved = Saved { base_key, sealer, head, revisions, chunks, form, generations, spent };
        Ok((session, saved))
    }

    fn read_parts(
        &self,
        records: &mut dyn Records,
        name: &str,
        (revisions, head): (&Revisions, &[u8]),
    ) -> Result<Session, Failure> {
        let mut read = |name: &str, revision| match revision {
            0 => Ok(None),
            _ => self.vault.read_part(records, name, revision).map(Some),
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
    fn read_three_parts(
        &self,
        records: &mut dyn Records,
        name: &str,
        head: &[u8],
    ) -> Result<(Session, Revisions), Failure> {
        let mut reader = RecordReader::new(head);
        let (objects, skipped) = (reader.u64()?, reader.u64()?);
        let revisions = Revisions { objects, skipped, ..Revisions::default() };
        let (_, head) = head.split_first_chunk::<16>().ok_or(Error::CorruptState)?;
        let objects = self.vault.read_part(records, &names::objects(name), objects)?;
        let skipped = self.vault.read_part(records, &names::skipped(name), skipped)?;
        Ok((Session::decode(head, objects.expose(), skipped.expose())?, revisions))
    }

    /// Reads the chunks that a session has left in the store.
    ///
    /// Each was written once since the revision that the head names, so it is enough that there are
    /// as many as the head counts.
    pub(super) fn fill_session(
        &self,
        records: &mut dyn Records,
        (session, saved): (&mut Session, &mut Saved),
    ) -> Result<(), Failure> {
        let SavedChunks::Left { count, prefix } = &saved.chunks else { return Ok(()) };
        let rows = records.list(prefix)?;
        if rows.len() != *count {
            return Err(StoreError::Corruption.into());
        }
        let (mut read, mut chunks) = (Vec::with_capacity(*count), Vec::with_capacity(*count));
        for (name, revision) in rows {
            if revision < saved.revisions.chunks || revision > saved.head.revision {
                return Err(StoreError::Corruption.into());
            }
            let index = names::chunk_index(&name, prefix)?;
            let record = self.vault.read_part(records, &name, revision)?;
            chunks.push(decode_chunk(index, record.expose())?);
            read.push(ChunkRow { name, revision });
        }
        session.fill(&chunks)?;
        saved.chunks = SavedChunks::Read(read);
        Ok(())
    }
}

/// [`StoreError::Corruption`] if a part that `session` has now, and had not when it was loaded,
/// is in the store all the same: an older copy that was put back.
pub(super) fn check_absent(
    records: &mut dyn Records,
    (session, saved): (&Session, &Saved),
) -> Result<(), Failure> {
    let Revisions { chains, skipped, .. } = saved.revisions;
    let mut absent = Vec::new();
    if chains == 0 && session.has_chains_part() {
        absent.push(names::chains(saved.name()));
    }
    if skipped == 0 && session.has_skipped_part() {
        absent.push(names::skipped(saved.name()));
    }
    for part in absent {
        if records.get(&part)?.is_some() {
            return Err(StoreError::Corruption.into());
        }
    }
    Ok(())
}

/// Writes the parts that changed; all of a new session, and of one in an older form. Returns how
/// the session stands in the store then.
pub(super) fn save_session(
    session: &Session,
    saved: Saved,
    draft: &mut Draft<'_>,
    learnt: &mut Learnt,
) -> Result<Saved, Failure> {
    let (now, before) = (session.generations(), saved.generations);
    let is_new = saved.head.revision == 0;
    if !is_new && now == before {
        return Ok(saved);
    }
    let all = is_new || saved.form == Form::Three;
    let (name, base) = (saved.name(), saved.head.revision);
    let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
    let Revisions { mut objects, mut chains, mut skipped, .. } = saved.revisions;
    if all || now.state != before.state {
        draft.put(&names::objects(name), objects, revision, &session.objects_part())?;
        objects = revision;
    }
    if all || now.chains != before.chains {
        let part = session.chains_part();
        chains = put_or_delete((&names::chains(name), part), (chains, revision), draft)?;
    }
    if all || now.skipped != before.skipped {
        let part = session.skipped_part();
        skipped = put_or_delete((&names::skipped(name), part), (skipped, revision), draft)?;
    }
    let anew = all || now.replaced != before.replaced;
    let (chunks, since) = save_chunks(session, &saved, (anew, revision), draft)?;
    let revisions = Revisions { objects, chains, skipped, chunks: since };
    let seen = draft.put_sealed(&saved.sealer, base, revision, &session.head_part(&revisions))?;
    draft.spend(session.spent.wrapping_sub(saved.spent));
    learnt.rows.push((name.to_owned(), Some(seen)));
    let head = Stored { revision, sealed: draft.last_sealed() };
    let (generations, spent) = (now, session.spent);
    Ok(Saved { head, revisions, chunks, form: Form::Parts, generations, spent, ..saved })
}

/// Deletes all records of a session; [`Error::PartMissing`] if its chunks were not read.
pub(super) fn delete_session(
    saved: &Saved,
    draft: &mut Draft<'_>,
    learnt: &mut Learnt,
) -> Result<(), Failure> {
    let SavedChunks::Read(rows) = &saved.chunks else { return Err(Error::PartMissing.into()) };
    let Revisions { objects, chains, skipped, .. } = saved.revisions;
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
    let rows = match &saved.chunks {
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
    let chunks = match &saved.chunks {
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
    Ok((chunks, if stays { saved.revisions.chunks } else { revision }))
}

impl Saved {
    /// A session that is not in the store yet.
    pub(super) fn none(sealer: RecordSealer, base_key: x25519::PublicKey) -> Self {
        Self {
            base_key,
            sealer,
            head: Stored { revision: 0, sealed: Vec::new() },
            revisions: Revisions::default(),
            chunks: SavedChunks::Read(Vec::new()),
            form: Form::Parts,
            generations: Generations::default(),
            spent: 0,
        }
    }

    /// The name of the head's record.
    pub(super) fn name(&self) -> &str {
        self.sealer.name()
    }

    /// Whether the session can go on from here without being read again.
    pub(super) const fn is_whole(&self) -> bool {
        !matches!(self.chunks, SavedChunks::Partly)
    }

    /// How the head is known again.
    pub(super) fn seen(&self) -> Result<Seen, StoreError> {
        Ok(Seen { revision: self.head.revision, mark: Mark::of(&self.head.sealed)? })
    }
}
