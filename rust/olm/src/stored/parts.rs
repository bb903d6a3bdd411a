// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records of one session (docs/formats.md, "Olm session"): the head seals the revisions of the
//! other two, which are always there.

use e2ee_account::{Learnt, Protocol, Saved, SessionId, StoredSession, Vault, draft::Draft};
use e2ee_state::{Failure, Records, StoreError, Stored};
use e2ee_wire::Error;

use crate::{
    record::Revisions,
    session::{Generations, Session},
};

/// The records of a session beside its head, as they stand in the store.
#[derive(Debug, Default)]
pub struct SavedParts {
    revisions: Revisions,
    /// How far the session had come then.
    generations: Generations,
    spent: u64,
}

impl StoredSession for Session {
    type Parts = SavedParts;

    fn id(&self) -> SessionId {
        self.session_id()
    }

    fn sends_in_place(&self) -> bool {
        self.sends_in_place()
    }

    fn load<P: Protocol>(
        name: &str,
        id: &SessionId,
        vault: &mut Vault<P>,
        records: &mut dyn Records,
    ) -> Result<(Self, Saved<SavedParts>), Failure> {
        let (head, bytes) = vault.read_head(records, name)?;
        let revisions = Revisions::of(bytes.expose())?;
        let chains = vault.read_part(records, &chains_of(name), revisions.chains)?;
        let skipped = vault.read_part(records, &skipped_of(name), revisions.skipped)?;
        let (session, revisions) = Self::decode(bytes.expose(), chains.expose(), skipped.expose())?;
        if session.id() != *id {
            return Err(StoreError::Corruption.into());
        }
        let (generations, spent) = (session.generations(), session.moves.spent);
        let parts = SavedParts { revisions, generations, spent };
        let sealer = vault.sealer().record(name);
        Ok((session, Saved { id: *id, sealer, head, parts }))
    }

    /// Nothing is left.
    fn fill_from<P: Protocol>(
        &mut self,
        _: &mut Saved<SavedParts>,
        _: &Vault<P>,
        _: &mut dyn Records,
    ) -> Result<(), Failure> {
        Ok(())
    }

    /// All parts are always there.
    fn check_absent(&self, _: &Saved<SavedParts>, _: &mut dyn Records) -> Result<(), Failure> {
        Ok(())
    }

    fn save(
        &self,
        saved: Saved<SavedParts>,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<Saved<SavedParts>, Failure> {
        let (now, before) = (self.generations(), saved.parts.generations);
        let is_new = saved.head.revision == 0;
        if !is_new && now == before {
            return Ok(saved);
        }
        let (name, base) = (saved.name(), saved.head.revision);
        let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
        let mut revisions = saved.parts.revisions;
        if is_new || now.chains != before.chains {
            draft.put(&chains_of(name), revisions.chains, revision, &self.encode_chains())?;
            revisions.chains = revision;
        }
        if is_new || now.skipped != before.skipped {
            draft.put(&skipped_of(name), revisions.skipped, revision, &self.encode_skipped())?;
            revisions.skipped = revision;
        }
        let seen = draft.put_sealed(&saved.sealer, base, revision, &self.encode_head(revisions))?;
        draft.spend(self.moves.spent.wrapping_sub(saved.parts.spent));
        learnt.rows.push((name.to_owned(), Some(seen)));
        let head = Stored { revision, sealed: draft.last_sealed() };
        let parts = SavedParts { revisions, generations: now, spent: self.moves.spent };
        Ok(Saved { head, parts, ..saved })
    }

    fn delete(
        saved: &Saved<SavedParts>,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let (name, revisions) = (saved.name(), saved.parts.revisions);
        draft.delete(&chains_of(name), revisions.chains);
        draft.delete(&skipped_of(name), revisions.skipped);
        draft.delete(name, saved.head.revision);
        learnt.rows.push((name.to_owned(), None));
        Ok(())
    }

    fn is_whole(_: &SavedParts) -> bool {
        true
    }
}

/// The record of the older receiving chains.
pub(super) fn chains_of(head: &str) -> String {
    format!("{head}/chains")
}

/// The record of the skipped seeds.
pub(super) fn skipped_of(head: &str) -> String {
    format!("{head}/skipped")
}
