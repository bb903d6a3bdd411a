// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records of one session (docs/formats.md, "Session").
//!
//! The head seals the revisions of the other parts, and how many chunks there are since when: none
//! of them can be exchanged, taken away or put back alone.

use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_state::{Failure, Records, StoreError};
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    DeviceId, Session,
    parts::{Parts, Revisions, decode_chunk, encode_chunk},
    session::Generations,
    spqr::Incomplete,
};

use super::{Account, Learnt, draft::Draft, names};

/// How a session stands in the store.
pub(super) struct Saved {
    pub(super) base_key: x25519::PublicKey,
    /// The revision of the head.
    pub(super) head: u64,
    revisions: Revisions,
    chunks: SavedChunks,
    form: Form,
}

/// The chunks of an incomplete object, as they stand in the store.
enum SavedChunks {
    /// Records that were not read: so many, under names that begin like this.
    Left { count: usize, prefix: String },
    /// Records that were read.
    Read(Vec<ChunkRow>),
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
        let (head, bytes) = self.read_head(records, &name)?;
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
        Ok((session, Saved { base_key: *base_key, head, revisions, chunks, form }))
    }

    fn read_parts(
        &self,
        records: &mut dyn Records,
        name: &str,
        (revisions, head): (&Revisions, &[u8]),
    ) -> Result<Session, Failure> {
        let mut read = |name: &str, revision| match revision {
            0 => Ok(None),
            _ => self.read_part(records, name, revision).map(Some),
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
        let objects = self.read_part(records, &names::objects(name), objects)?;
        let skipped = self.read_part(records, &names::skipped(name), skipped)?;
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
            if revision < saved.revisions.chunks || revision > saved.head {
                return Err(StoreError::Corruption.into());
            }
            let index = names::chunk_index(&name, prefix)?;
            let record = self.read_part(records, &name, revision)?;
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
    name: &str,
    (session, saved): (&Session, &Saved),
) -> Result<(), Failure> {
    let Revisions { chains, skipped, .. } = saved.revisions;
    let absent = [
        (chains == 0 && session.has_chains_part(), names::chains(name)),
        (skipped == 0 && session.has_skipped_part(), names::skipped(name)),
    ];
    for (begins, part) in absent {
        if begins && records.get(&part)?.is_some() {
            return Err(StoreError::Corruption.into());
        }
    }
    Ok(())
}

/// Writes the parts that changed; all of a new session, and of one in an older form.
pub(super) fn save_session(
    session: &Session,
    (name, saved): (&str, Option<&Saved>),
    draft: &mut Draft<'_>,
    learnt: &mut Learnt,
) -> Result<(), Failure> {
    let changed = session.generations();
    if saved.is_some() && changed == Generations::default() {
        return Ok(());
    }
    let new = Saved::none(*session.base_key());
    let (saved, all) = saved.map_or((&new, true), |saved| (saved, saved.form == Form::Three));
    let revision = saved.head.checked_add(1).ok_or(Error::Exhausted)?;
    let Revisions { mut objects, mut chains, mut skipped, .. } = saved.revisions;
    if all || changed.state > 0 {
        draft.put(&names::objects(name), objects, revision, &session.objects_part())?;
        objects = revision;
    }
    if all || changed.chains > 0 {
        let part = session.chains_part();
        chains = put_or_delete((&names::chains(name), part), (chains, revision), draft)?;
    }
    if all || changed.skipped > 0 {
        let part = session.skipped_part();
        skipped = put_or_delete((&names::skipped(name), part), (skipped, revision), draft)?;
    }
    let anew = all || changed.replaced > 0;
    let chunks = save_chunks(session, (name, saved), (anew, revision), draft)?;
    let revisions = Revisions { objects, chains, skipped, chunks };
    let seen = draft.put(name, saved.head, revision, &session.head_part(&revisions))?;
    draft.spend(session.spent);
    learnt.rows.push((name.to_owned(), Some(seen)));
    Ok(())
}

/// Deletes all records of a session; [`Error::PartMissing`] if its chunks were not read.
pub(super) fn delete_session(
    name: &str,
    saved: &Saved,
    draft: &mut Draft<'_>,
    learnt: &mut Learnt,
) -> Result<(), Failure> {
    let SavedChunks::Read(rows) = &saved.chunks else { return Err(Error::PartMissing.into()) };
    let Revisions { objects, chains, skipped, .. } = saved.revisions;
    draft.delete(&names::objects(name), objects);
    put_or_delete((&names::chains(name), None), (chains, 0), draft)?;
    put_or_delete((&names::skipped(name), None), (skipped, 0), draft)?;
    for row in rows {
        draft.delete(&row.name, row.revision);
    }
    draft.delete(name, saved.head);
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
/// object that is complete. Returns since when each chunk was written once.
fn save_chunks(
    session: &Session,
    (name, saved): (&str, &Saved),
    (anew, revision): (bool, u64),
    draft: &mut Draft<'_>,
) -> Result<u64, Failure> {
    let (prefix, chunks) = match session.incomplete() {
        Some(Incomplete { epoch, object, chunks, .. }) => {
            (names::chunks(name, epoch, object), chunks)
        }
        None => (String::new(), &[][..]),
    };
    let rows = match &saved.chunks {
        // What is in memory has come since, and none of it took the place of what is not.
        SavedChunks::Left { prefix: left, .. } if *left == prefix => &[][..],
        SavedChunks::Left { .. } => return Err(Error::PartMissing.into()),
        SavedChunks::Read(rows) => rows,
    };
    let mut stays = matches!(saved.chunks, SavedChunks::Left { .. });
    for chunk in chunks {
        let name = names::chunk(&prefix, chunk.index);
        let row = rows.iter().find(|row| row.name == name);
        if row.is_some() && !anew {
            stays = true;
            continue;
        }
        draft.put(&name, row.map_or(0, |row| row.revision), revision, &encode_chunk(chunk))?;
    }
    let kept =
        |row: &ChunkRow| chunks.iter().any(|chunk| names::chunk(&prefix, chunk.index) == row.name);
    for gone in rows.iter().filter(|row| !kept(row)) {
        draft.delete(&gone.name, gone.revision);
    }
    Ok(if stays { saved.revisions.chunks } else { revision })
}

impl Saved {
    /// A session that is not in the store yet.
    const fn none(base_key: x25519::PublicKey) -> Self {
        let revisions = Revisions { objects: 0, chains: 0, skipped: 0, chunks: 0 };
        let chunks = SavedChunks::Read(Vec::new());
        Self { base_key, head: 0, revisions, chunks, form: Form::Parts }
    }
}
