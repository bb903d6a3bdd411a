// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rooms: one message for all members, under a session that only invited devices have
//! (olm_megolm.md §2 and §8; docs/formats.md, "Matrix room").
//!
//! Our session is given to each member once, through its session of two. It ends when a device goes
//! that may have it, and after as many messages and as much time as the room asks for; the next one
//! is given to those who are left.

pub mod exporting;
mod incoming;
mod inviting;
mod kept_key;
pub(super) mod names;
mod opened_runs;
mod payload;
mod record;
pub mod rotation;
mod seeing;
mod sending;
#[cfg(test)]
mod tests;

use e2ee_account::{Environment, Learnt, Outcome, draft::Draft, names::check_user};
use e2ee_state::{Failure, Records, Step, StoreError};
use e2ee_wire::Error;

use crate::limits::MAX_ROOMS;

use super::{
    DeviceId, RoomId, StoredAccount,
    envelope::{MAX_PLAINTEXT_LEN, RoomMessage, wrap_room},
};

use record::{DeviceAddress, Share};
use rotation::Rotation;

pub(super) use incoming::{Invited, brings_key};
pub use inviting::Invitation;
pub(super) use kept_key::KeptKey;
pub(super) use seeing::{SeenRoom, is_key, is_read, is_room, is_sending, see_key};
pub(super) use sending::LoadedRoom;

/// What changes in a room on our side; nobody else learns of it.
#[derive(Clone, Copy, Debug)]
pub enum RoomChange<'a> {
    /// A device comes in; it needs an invitation.
    Add(&'a str, &'a DeviceId),
    /// A device goes: what it writes is not opened any more, and our session ends, so that it reads
    /// nothing more.
    Remove(&'a str, &'a DeviceId),
    /// A member may have lost our key: it needs an invitation again.
    Reinvite(&'a str, &'a DeviceId),
    /// Our session ends; everyone needs an invitation to the next one.
    Rotate,
    /// From now on our sessions end after as much as this.
    RotateAfter(Rotation),
}

/// A member of a room.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// The name.
    pub user: String,
    /// The device.
    pub device: DeviceId,
    /// Whether it still needs an invitation to our session, or to the next one.
    pub pending: bool,
}

impl StoredAccount {
    /// Makes a room of these members.
    ///
    /// [`Error::InvalidArgument`] if it is known, or if we are among the members;
    /// [`Error::Exhausted`] if there are too many.
    pub fn create_room(
        &mut self,
        id: &RoomId,
        members: &[(&str, &DeviceId)],
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        if self.find_room(id, environment.records)?.is_some() {
            return Err(Error::InvalidArgument.into());
        }
        let mut loaded = self.new_room(id, environment)?;
        for member in members {
            self.check_member(*member)?;
            loaded.room.add(*member)?;
        }
        self.changed_room(&loaded, (), environment)
    }

    /// The ids of all rooms, in ascending order.
    pub fn rooms(&mut self, records: &mut dyn Records) -> Result<Vec<RoomId>, Failure> {
        self.vault.refresh(records)?;
        let mut ids = Vec::new();
        for name in self.room_names() {
            ids.push(self.read_room(&name, records)?.id().clone());
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// The members of a room, in the order of names; [`Error::NoGroup`] if it is not known.
    pub fn room_members(
        &mut self,
        id: &RoomId,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<Member>, Failure> {
        self.vault.refresh(environment.records)?;
        let loaded = self.load_room(id, environment.records)?;
        let own = self.load_own(&loaded, environment.records)?;
        let is_due = loaded.is_due(&own, environment.now_ms);
        let member = |((user, device), share): (&DeviceAddress, Share)| Member {
            user: user.clone(),
            device: device.clone(),
            pending: is_due || share == Share::Pending,
        };
        Ok(loaded.room.members().map(member).collect())
    }

    /// Changes a room; [`Error::NoGroup`] if it is not known.
    pub fn change_room(
        &mut self,
        id: &RoomId,
        change: RoomChange<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut loaded = self.load_room(id, environment.records)?;
        match change {
            RoomChange::Add(user, device) => {
                self.check_member((user, device))?;
                loaded.room.add((user, device))?;
            }
            RoomChange::Remove(user, device) => {
                if loaded.room.remove((user, device)) {
                    self.end_own(&mut loaded, environment)?;
                }
                loaded.room.silence((user, device));
            }
            RoomChange::Reinvite(user, device) => {
                loaded.room.share((user, device), Share::Pending)?;
            }
            RoomChange::Rotate => self.end_own(&mut loaded, environment)?,
            RoomChange::RotateAfter(rotation) => loaded.room.rotation = rotation,
        }
        self.changed_room(&loaded, (), environment)
    }

    /// Encrypts `plaintext` for all members; the result is an envelope.
    ///
    /// [`Error::InvitationsPending`] if a member does not have our session, or if that has come to
    /// its end: [`StoredAccount::room_invitations`] gives the next one. [`Error::InvalidArgument`]
    /// above [`MAX_PLAINTEXT_LEN`] bytes.
    pub fn encrypt_to_room(
        &mut self,
        id: &RoomId,
        plaintext: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<u8>>>, Failure> {
        if plaintext.len() > MAX_PLAINTEXT_LEN {
            return Err(Error::InvalidArgument.into());
        }
        self.vault.refresh(environment.records)?;
        let mut loaded = self.load_room(id, environment.records)?;
        let mut own = self.load_own(&loaded, environment.records)?;
        let is_due = loaded.is_due(&own, environment.now_ms);
        if is_due || loaded.room.pending().next().is_some() {
            return Err(Error::InvitationsPending.into());
        }
        let message = own.encrypt(plaintext)?;
        let envelope = wrap_room(&RoomMessage {
            session_id: own.session_id(),
            room: id.as_str(),
            device: self.identity.device.as_str(),
            sender_key: Some(self.identity_key().as_bytes()),
            message: &message,
        })?;
        loaded.own = Some(own);
        self.changed_room(&loaded, envelope, environment)
    }

    /// Forgets a room with all its keys; nobody else learns of it.
    pub fn leave_room(
        &mut self,
        id: &RoomId,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let loaded = self.load_room(id, environment.records)?;
        let own = self.load_own(&loaded, environment.records)?;
        let keys = self.key_rows(id, environment.records)?;
        let mut index = self.vault.index();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        self.delete_keys(&keys, &mut index, &mut draft, &mut learnt)?;
        self.delete_room((&loaded, &own), &mut index, &mut draft, &mut learnt)?;
        self.vault.put_index(index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), (), environment)
    }

    /// The rooms of a device that is forgotten, as they must become: the session that it has ends.
    pub(super) fn rooms_without(
        &mut self,
        whom: (&str, &DeviceId),
        environment: &mut Environment<'_>,
    ) -> Result<Vec<LoadedRoom>, Failure> {
        let mut rooms = Vec::new();
        for name in self.room_names() {
            let mut loaded = self.read_room(&name, environment.records)?;
            if loaded.room.is_member(whom) {
                self.end_own(&mut loaded, environment)?;
                rooms.push(loaded);
            }
        }
        Ok(rooms)
    }

    /// All rooms, each with a next session that nobody has yet.
    pub(super) fn rooms_anew(
        &mut self,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<LoadedRoom>, Failure> {
        let mut rooms = Vec::new();
        for name in self.room_names() {
            let mut loaded = self.read_room(&name, environment.records)?;
            self.end_own(&mut loaded, environment)?;
            rooms.push(loaded);
        }
        Ok(rooms)
    }

    /// A room that is not in the store yet, with a session of our own; [`Error::Exhausted`] if
    /// there are too many.
    fn new_room(
        &self,
        id: &RoomId,
        environment: &mut Environment<'_>,
    ) -> Result<LoadedRoom, Error> {
        if self.room_names().len() >= MAX_ROOMS {
            return Err(Error::Exhausted);
        }
        LoadedRoom::new(id, environment)
    }

    /// A room, or `None` if it is not known; the record must be there if the index says so.
    fn find_room(
        &self,
        id: &RoomId,
        records: &mut dyn Records,
    ) -> Result<Option<LoadedRoom>, Failure> {
        let name = names::room(id);
        if self.vault.revision_of(&name).is_none() && records.get(&name)?.is_none() {
            return Ok(None);
        }
        self.read_room(&name, records).map(Some)
    }

    /// A room; [`Error::NoGroup`] if it is not known.
    fn load_room(&self, id: &RoomId, records: &mut dyn Records) -> Result<LoadedRoom, Failure> {
        Ok(self.find_room(id, records)?.ok_or(Error::NoGroup)?)
    }

    /// The room that has this record.
    fn read_room(&self, name: &str, records: &mut dyn Records) -> Result<LoadedRoom, Failure> {
        let (revision, opened) =
            self.vault.read_member(records, name)?.ok_or(StoreError::Corruption)?;
        let loaded = LoadedRoom::decode(revision, opened.expose())?;
        if names::room(loaded.id()) == name {
            Ok(loaded)
        } else {
            Err(StoreError::Corruption.into())
        }
    }

    fn room_names(&self) -> Vec<String> {
        let members = self.vault.members().map(|(name, _)| name);
        let mut found: Vec<_> = members
            .filter(|name| name.starts_with(names::ROOM_PREFIX))
            .map(str::to_owned)
            .collect();
        found.sort_unstable();
        found
    }

    /// The step that saves what changed of a room.
    fn changed_room<T>(
        &mut self,
        loaded: &LoadedRoom,
        value: T,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<T>>, Failure> {
        let mut index = self.vault.index();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        self.save_room(loaded, &mut index, &mut draft, &mut learnt)?;
        self.vault.put_changed_index(index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), value, environment)
    }

    fn check_member(&self, (user, device): (&str, &DeviceId)) -> Result<(), Error> {
        check_user(user)?;
        if self.user() == (user, device) { Err(Error::InvalidArgument) } else { Ok(()) }
    }
}
