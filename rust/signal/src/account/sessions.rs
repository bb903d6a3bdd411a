// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading a peer with its sessions, and saving what changed of them: the peer's record names the
//! heads of its sessions (docs/formats.md, "Peer").

use e2ee_primitives::x25519;
use e2ee_state::{Failure, Records, Stored};
use e2ee_wire::Error;

use crate::{DeviceId, Parties, Session, Sessions, limits::MAX_ARCHIVED_SESSIONS};

use super::{
    Account, Learnt,
    draft::Draft,
    index::Index,
    names,
    parts::{Saved, check_absent, delete_session, save_session},
    peer::Peer,
};

/// A peer, as its records say.
pub struct LoadedPeer {
    pub(super) user: String,
    pub(super) device: DeviceId,
    /// The revision of the peer's record, 0 if there is none.
    pub(super) revision: u64,
    pub(super) peer: Peer,
    pub(super) sessions: Sessions,
    /// The addresses of both ends.
    pub(super) parties: Parties,
    saved: Vec<Saved>,
}

impl Account {
    /// The record of a peer, which must be there if the index says so.
    pub(super) fn read_peer(
        &self,
        records: &mut dyn Records,
        name: &str,
    ) -> Result<Option<(u64, Peer)>, Failure> {
        let Some((revision, opened)) = self.vault.read_member(records, name)? else {
            return Ok(None);
        };
        Ok(Some((revision, Peer::decode(opened.expose())?)))
    }

    /// A peer with all its sessions, or `None` if it is not known.
    pub(super) fn load_peer(
        &mut self,
        records: &mut dyn Records,
        user: &str,
        device: DeviceId,
    ) -> Result<Option<Box<LoadedPeer>>, Failure> {
        let name = names::peer(user, device);
        if let Some(mut loaded) = self.vault.resting.take(&name)
            && self.is_current(records, &name, &loaded)?
        {
            self.make_room(records, &mut loaded)?;
            return Ok(Some(loaded));
        }
        let Some((revision, peer)) = self.read_peer(records, &name)? else {
            return Ok(None);
        };
        let mut saved = Vec::new();
        let mut load = |base_key: &x25519::PublicKey| -> Result<Session, Failure> {
            let (session, at) = self.load_session(records, (user, device), base_key)?;
            saved.push(at);
            Ok(session)
        };
        let current = peer.current.as_ref().map(&mut load).transpose()?;
        let archived = peer.archived.iter().map(load).collect::<Result<_, _>>()?;
        let sessions = Sessions::from_parts(current, archived)?;
        let parties = self.parties(user, device)?;
        let user = user.to_owned();
        let mut loaded =
            Box::new(LoadedPeer { user, device, revision, peer, sessions, parties, saved });
        self.make_room(records, &mut loaded)?;
        Ok(Some(loaded))
    }

    /// Reads the chunks of all sessions, if any call may archive one more: then the oldest goes,
    /// with its chunks.
    fn make_room(&self, records: &mut dyn Records, loaded: &mut LoadedPeer) -> Result<(), Failure> {
        if loaded.peer.archived.len() < MAX_ARCHIVED_SESSIONS {
            return Ok(());
        }
        self.read_chunks(records, loaded)
    }

    /// Whether the sessions that are in memory are those that are stored: the index, which was just
    /// read, vouches for the peer's record, and each head is the row that it was.
    fn is_current(
        &mut self,
        records: &mut dyn Records,
        name: &str,
        loaded: &LoadedPeer,
    ) -> Result<bool, Failure> {
        if self.vault.revision_of(name) != Some(loaded.revision) {
            return Ok(false);
        }
        for saved in &loaded.saved {
            if records.get(saved.name())?.as_ref() != Some(&saved.head) {
                return Ok(false);
            }
            self.vault.memory.see(saved.name(), saved.seen()?)?;
        }
        Ok(true)
    }

    /// Keeps the sessions of a peer in memory, after a step has saved them.
    pub(super) fn rest(&mut self, loaded: Box<LoadedPeer>) {
        if loaded.saved.iter().all(Saved::is_whole) {
            self.vault.resting.put(
                names::peer(&loaded.user, loaded.device),
                loaded.revision,
                loaded,
            );
        }
    }

    /// Reads the chunks that the sessions of `loaded` have left in the store.
    pub(super) fn read_chunks(
        &self,
        records: &mut dyn Records,
        loaded: &mut LoadedPeer,
    ) -> Result<(), Failure> {
        for session in loaded.sessions.iter_mut() {
            let mut saved = loaded.saved.iter_mut();
            if let Some(saved) = saved.find(|saved| saved.base_key == *session.base_key()) {
                self.fill_session(records, (session, saved))?;
            }
        }
        Ok(())
    }

    /// Opens a message with the sessions of `loaded`; chunks are read only if it needs them.
    pub(super) fn open_loaded<T>(
        &self,
        records: &mut dyn Records,
        loaded: &mut LoadedPeer,
        open: impl Fn(&mut Sessions) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let opened = match open(&mut loaded.sessions) {
            Err(Error::PartMissing) => {
                self.read_chunks(records, loaded)?;
                open(&mut loaded.sessions)?
            }
            opened => opened?,
        };
        check_begun(records, loaded)?;
        Ok(opened)
    }

    /// Saves what changed of `loaded`: sessions, then, if a session or the trusted identity came or
    /// went since `before`, the peer's record; and `index`, if it changed.
    pub(super) fn save_peer(
        &self,
        loaded: &mut LoadedPeer,
        (before, mut index): (Option<&Peer>, Index),
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        self.save_sessions(loaded, (before, &mut index), draft, learnt)?;
        self.vault.put_changed_index(index, draft, learnt)
    }

    /// [`Account::save_peer`] for a step that changes more; the caller saves the index.
    pub(super) fn save_sessions(
        &self,
        loaded: &mut LoadedPeer,
        (before, index): (Option<&Peer>, &mut Index),
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let mut before_now = core::mem::take(&mut loaded.saved);
        for session in loaded.sessions.iter() {
            let base_key = session.base_key();
            let place = before_now.iter().position(|saved| saved.base_key == *base_key);
            let saved = place.map_or_else(
                || {
                    let name = names::session(&loaded.user, loaded.device, base_key);
                    Saved::none(self.vault.sealer().record(&name), *base_key)
                },
                |place| before_now.swap_remove(place),
            );
            loaded.saved.push(save_session(session, saved, draft, learnt)?);
        }
        for gone in &before_now {
            delete_session(gone, draft, learnt)?;
        }
        loaded.peer.current = loaded.sessions.current().map(|current| *current.base_key());
        loaded.peer.archived.clear();
        loaded.peer.archived.extend(loaded.sessions.archived().map(|old| *old.base_key()));
        if before == Some(&loaded.peer) {
            return Ok(());
        }
        let name = names::peer(&loaded.user, loaded.device);
        let content = loaded.peer.encode();
        loaded.revision =
            self.vault.put_member((name, loaded.revision), &content, index, (draft, learnt))?;
        Ok(())
    }

    /// Saves sessions that have moved, while none came or went: the index stays as it is.
    pub(super) fn save_moved(
        &self,
        loaded: &mut LoadedPeer,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let before = loaded.peer.clone();
        self.save_peer(loaded, (Some(&before), self.vault.index()), draft, learnt)
    }

    /// Deletes a peer with all its sessions, whose chunks must have been read.
    pub(super) fn delete_peer(
        &self,
        loaded: &LoadedPeer,
        mut index: Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        for saved in &loaded.saved {
            delete_session(saved, draft, learnt)?;
        }
        let name = names::peer(&loaded.user, loaded.device);
        let base = loaded.revision;
        self.vault.delete_member((name, base), &mut index, (&mut *draft, &mut *learnt))?;
        self.vault.put_index(index, draft, learnt)
    }
}

impl LoadedPeer {
    /// A peer that is not in the store yet.
    pub(super) fn new((user, device): (&str, DeviceId), parties: Parties, peer: Peer) -> Self {
        Self {
            user: user.to_owned(),
            device,
            revision: 0,
            peer,
            sessions: Sessions::none(),
            parties,
            saved: Vec::new(),
        }
    }

    /// How the sending session stands in the store.
    pub(super) fn sending(&self) -> Option<&Saved> {
        let base_key = self.sessions.current().map(Session::base_key)?;
        self.saved.iter().find(|saved| saved.base_key == *base_key)
    }

    /// The head of the sending session as it stands in the store, to be replaced: without a later
    /// save the session cannot be told from others any more, and must not rest.
    pub(super) fn take_sending_head(&mut self) -> Option<Stored> {
        let base_key = self.sessions.current().map(Session::base_key)?;
        let saved = self.saved.iter_mut().find(|saved| saved.base_key == *base_key)?;
        let sealed = core::mem::take(&mut saved.head.sealed);
        Some(Stored { revision: saved.head.revision, sealed })
    }

    /// The revision that the head of the sending session takes when it is saved.
    pub(super) fn next_sending_revision(&self) -> Result<u64, Error> {
        let revision = self.sending().map_or(0, |saved| saved.head.revision);
        revision.checked_add(1).ok_or(Error::Exhausted)
    }
}

/// [`StoreError::Corruption`](e2ee_state::StoreError::Corruption) if a part that a session has
/// only now is in the store all the same.
pub(super) fn check_begun(records: &mut dyn Records, loaded: &LoadedPeer) -> Result<(), Failure> {
    for session in loaded.sessions.iter() {
        let mut saved = loaded.saved.iter();
        if let Some(saved) = saved.find(|saved| saved.base_key == *session.base_key()) {
            check_absent(records, (session, saved))?;
        }
    }
    Ok(())
}
