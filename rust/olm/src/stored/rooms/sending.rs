// SPDX-License-Identifier: MIT OR Apache-2.0
//! A room with our own session, and saving what changed of them (docs/formats.md, "Matrix room").
//!
//! The root record vouches for the room's record, and that names our session.

use e2ee_account::{Environment, Learnt, draft::Draft, index::Index};
use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, StoreError};
use e2ee_wire::Error;

use crate::megolm::OutboundGroupSession;

use super::{
    super::{RoomId, StoredAccount},
    names,
    record::Room,
};

/// A room, as its record says, and our session, if it changes.
pub(in super::super) struct LoadedRoom {
    /// The revision of the record, 0 if there is none.
    revision: u64,
    before: Option<Room>,
    pub(super) room: Room,
    pub(super) own: Option<OwnSession>,
}

/// Our own session, and the revision under which it stands, 0 if it is new.
pub(super) struct OwnSession {
    session: OutboundGroupSession,
    revision: u64,
    /// How many message keys it has spent since it was loaded.
    spent: u64,
}

impl OwnSession {
    pub(super) const fn session_id(&self) -> &[u8; 32] {
        self.session.session_id()
    }

    /// The session key, 229 bytes, for messages from the next one on.
    pub(super) fn session_key(&self) -> SecretBytes {
        self.session.session_key()
    }

    pub(super) fn encrypt(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        self.spent = self.spent.saturating_add(1);
        self.session.encrypt(plaintext)
    }
}

impl LoadedRoom {
    /// A room that is not in the store yet.
    pub(super) fn new(id: &RoomId, environment: &mut Environment<'_>) -> Result<Self, Error> {
        let session = OutboundGroupSession::create(environment.random)?;
        let room = Room::new(id.clone(), *session.session_id(), environment.now_ms);
        let own = Some(OwnSession { session, revision: 0, spent: 0 });
        Ok(Self { revision: 0, before: None, room, own })
    }

    /// A room whose record stands under `revision`.
    pub(super) fn decode(revision: u64, bytes: &[u8]) -> Result<Self, Error> {
        let room = Room::decode(bytes)?;
        Ok(Self { revision, before: Some(room.clone()), room, own: None })
    }

    pub(in super::super) const fn id(&self) -> &RoomId {
        &self.room.id
    }

    /// Whether our session is to give way to the next one.
    pub(super) fn is_due(&self, own: &OwnSession, now_ms: u64) -> bool {
        self.room.rotation.is_due(own.session.index(), (self.room.began_ms, now_ms))
    }
}

impl StoredAccount {
    /// Our own session of a room, which must be the one that the room's record names.
    pub(super) fn load_own(
        &mut self,
        loaded: &LoadedRoom,
        records: &mut dyn Records,
    ) -> Result<OwnSession, Failure> {
        let name = names::sending(loaded.id());
        let (head, opened) = self.vault.read_head(records, &name)?;
        let session = OutboundGroupSession::decode(opened.expose())?;
        if *session.session_id() != loaded.room.session_id {
            return Err(StoreError::Corruption.into());
        }
        Ok(OwnSession { session, revision: head.revision, spent: 0 })
    }

    /// Makes the next session of our own, which nobody has yet.
    pub(super) fn end_own(
        &mut self,
        loaded: &mut LoadedRoom,
        environment: &mut Environment<'_>,
    ) -> Result<(), Failure> {
        let mut own = self.load_own(loaded, environment.records)?;
        own.session = OutboundGroupSession::create(environment.random)?;
        loaded.room.rotate(*own.session_id(), environment.now_ms);
        loaded.own = Some(own);
        Ok(())
    }

    /// Saves what changed of a room, and adds its record to `index`.
    pub(in super::super) fn save_room(
        &self,
        loaded: &LoadedRoom,
        index: &mut Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        if let Some(OwnSession { session, revision: base, spent }) = &loaded.own {
            let name = names::sending(loaded.id());
            let revision = match base {
                0 => self.vault.next_index_revision()?,
                before => before.checked_add(1).ok_or(Error::Exhausted)?,
            };
            let seen = draft.put(&name, *base, revision, &session.encode())?;
            draft.spend(*spent);
            learnt.rows.push((name, Some(seen)));
        }
        if loaded.before.as_ref() == Some(&loaded.room) {
            return Ok(());
        }
        let (name, content) = (names::room(loaded.id()), loaded.room.encode());
        self.vault.put_member((name, loaded.revision), &content, index, (draft, learnt))?;
        Ok(())
    }

    /// Deletes a room, whose keys are deleted apart, and takes it out of `index`.
    pub(super) fn delete_room(
        &self,
        (loaded, own): (&LoadedRoom, &OwnSession),
        index: &mut Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let name = names::sending(loaded.id());
        draft.delete(&name, own.revision);
        learnt.rows.push((name, None));
        let name = names::room(loaded.id());
        self.vault.delete_member((name, loaded.revision), index, (draft, learnt))
    }
}
