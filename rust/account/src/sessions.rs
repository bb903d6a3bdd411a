// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading a peer with its sessions, and saving what changed of them: the peer's record names the
//! heads of its sessions (docs/formats.md, "Peer").

use e2ee_state::{Failure, Records, Step, Stored};
use e2ee_wire::Error;

use crate::{
    Environment, Learnt, Outcome, Protocol, Vault,
    draft::Draft,
    index::Index,
    names,
    peer::{Peer, SessionId},
    protocol::StoredSession,
    saved::Saved,
    session_list::{Listed, SessionList},
};

/// The record of a peer.
type PeerOf<P> = Peer<<P as Protocol>::Identity>;
type SavedOf<P> = Saved<<<P as Protocol>::Session as StoredSession>::Parts>;

/// A peer, as its records say.
pub struct LoadedPeer<P: Protocol> {
    /// Its name.
    pub user: String,
    /// Its device.
    pub device: P::Device,
    /// The revision of the peer's record, 0 if there is none.
    pub revision: u64,
    /// The record.
    pub peer: PeerOf<P>,
    /// The sessions.
    pub sessions: SessionList<P::Session>,
    /// What both ends are called.
    pub parties: P::Parties,
    saved: Vec<SavedOf<P>>,
}

impl<P: Protocol> Vault<P> {
    /// The record of a peer, which must be there if the index says so.
    pub fn read_peer(
        &self,
        records: &mut dyn Records,
        name: &str,
    ) -> Result<Option<(u64, PeerOf<P>)>, Failure> {
        let Some((revision, opened)) = self.read_member(records, name)? else {
            return Ok(None);
        };
        Ok(Some((revision, Peer::decode(opened.expose(), P::Session::MAX_ARCHIVED)?)))
    }

    /// A peer with all its sessions, or `None` if it is not known; `parties` says what both ends
    /// are called.
    pub fn load_peer(
        &mut self,
        records: &mut dyn Records,
        (user, device): (&str, &P::Device),
        parties: impl FnOnce() -> Result<P::Parties, Error>,
    ) -> Result<Option<Box<LoadedPeer<P>>>, Failure> {
        let name = names::peer(user, device);
        if let Some(mut loaded) = self.resting.take(&name)
            && self.is_current(records, &name, &loaded)?
        {
            self.make_room(records, &mut loaded)?;
            return Ok(Some(loaded));
        }
        let Some((revision, peer)) = self.read_peer(records, &name)? else {
            return Ok(None);
        };
        let mut saved = Vec::new();
        let mut load = |id: &SessionId| -> Result<P::Session, Failure> {
            let name = names::session(user, device, id);
            let (session, at) = StoredSession::load(&name, id, self, records)?;
            saved.push(at);
            Ok(session)
        };
        let current = peer.current.as_ref().map(&mut load).transpose()?;
        let archived = peer.archived.iter().map(load).collect::<Result<_, _>>()?;
        let sessions = SessionList::from_parts(current, archived)?;
        let parties = parties()?;
        let (user, device) = (user.to_owned(), device.clone());
        let mut loaded =
            Box::new(LoadedPeer { user, device, revision, peer, sessions, parties, saved });
        self.make_room(records, &mut loaded)?;
        Ok(Some(loaded))
    }

    /// Reads what all sessions have left in the store, if any call may archive one more: then the
    /// oldest goes, with all of its records.
    fn make_room(
        &self,
        records: &mut dyn Records,
        loaded: &mut LoadedPeer<P>,
    ) -> Result<(), Failure> {
        if loaded.peer.archived.len() < P::Session::MAX_ARCHIVED {
            return Ok(());
        }
        self.complete(records, loaded)
    }

    /// Whether the sessions that are in memory are those that are stored: the index, which was just
    /// read, vouches for the peer's record, and each head is the row that it was.
    fn is_current(
        &mut self,
        records: &mut dyn Records,
        name: &str,
        loaded: &LoadedPeer<P>,
    ) -> Result<bool, Failure> {
        if self.revision_of(name) != Some(loaded.revision) {
            return Ok(false);
        }
        for saved in &loaded.saved {
            if records.get(saved.name())?.as_ref() != Some(&saved.head) {
                return Ok(false);
            }
            self.memory.see(saved.name(), saved.seen()?)?;
        }
        Ok(true)
    }

    /// Keeps the sessions of a peer in memory, after a step has saved them.
    pub fn rest(&mut self, loaded: Box<LoadedPeer<P>>) {
        if loaded.saved.iter().all(|saved| P::Session::is_whole(&saved.parts)) {
            self.resting.put(names::peer(&loaded.user, &loaded.device), loaded.revision, loaded);
        }
    }

    /// Reads what the sessions of `loaded` have left in the store.
    pub fn complete(
        &self,
        records: &mut dyn Records,
        loaded: &mut LoadedPeer<P>,
    ) -> Result<(), Failure> {
        for session in loaded.sessions.iter_mut() {
            let mut saved = loaded.saved.iter_mut();
            if let Some(saved) = saved.find(|saved| saved.id == session.id()) {
                session.fill_from(saved, self, records)?;
            }
        }
        Ok(())
    }

    /// Opens a message with the sessions of `loaded`; what they have left in the store is read
    /// only if it needs that.
    pub fn open_loaded<T>(
        &self,
        records: &mut dyn Records,
        loaded: &mut LoadedPeer<P>,
        open: impl Fn(&mut SessionList<P::Session>) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let opened = match open(&mut loaded.sessions) {
            Err(Error::PartMissing) => {
                self.complete(records, loaded)?;
                open(&mut loaded.sessions)?
            }
            opened => opened?,
        };
        loaded.check_begun(records)?;
        Ok(opened)
    }

    /// Saves what changed of `loaded`: sessions, then, if a session or the trusted identity came or
    /// went since `before`, the peer's record; and `index`, if it changed.
    pub fn save_peer(
        &self,
        loaded: &mut LoadedPeer<P>,
        (before, mut index): (Option<&PeerOf<P>>, Index),
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        self.save_sessions(loaded, (before, &mut index), draft, learnt)?;
        self.put_changed_index(index, draft, learnt)
    }

    /// [`Vault::save_peer`] for a step that changes more; the caller saves the index.
    pub fn save_sessions(
        &self,
        loaded: &mut LoadedPeer<P>,
        (before, index): (Option<&PeerOf<P>>, &mut Index),
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let mut before_now = core::mem::take(&mut loaded.saved);
        for session in loaded.sessions.iter() {
            let id = session.id();
            let place = before_now.iter().position(|saved| saved.id == id);
            let saved = place.map_or_else(
                || {
                    let name = names::session(&loaded.user, &loaded.device, &id);
                    Saved::none(self.sealer.record(&name), id)
                },
                |place| before_now.swap_remove(place),
            );
            loaded.saved.push(session.save(saved, draft, learnt)?);
        }
        for gone in &before_now {
            P::Session::delete(gone, draft, learnt)?;
        }
        loaded.peer.current = loaded.sessions.current().map(StoredSession::id);
        loaded.peer.archived.clear();
        loaded.peer.archived.extend(loaded.sessions.archived().map(StoredSession::id));
        if before == Some(&loaded.peer) {
            return Ok(());
        }
        let name = names::peer(&loaded.user, &loaded.device);
        let content = loaded.peer.encode();
        loaded.revision =
            self.put_member((name, loaded.revision), &content, index, (draft, learnt))?;
        Ok(())
    }

    /// Saves sessions that have moved, while none came or went: the index stays as it is.
    pub fn save_moved(
        &self,
        loaded: &mut LoadedPeer<P>,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let before = loaded.peer.clone();
        self.save_peer(loaded, (Some(&before), self.index()), draft, learnt)
    }

    /// The step that saves a peer whose sessions came or moved since `before`, and rests them.
    pub fn saved<T>(
        &mut self,
        (mut loaded, before): (Box<LoadedPeer<P>>, Option<PeerOf<P>>),
        value: T,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<T>>, Failure> {
        let mut draft = Draft::new(self.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let before = (before.as_ref(), self.index());
        self.save_peer(&mut loaded, before, &mut draft, &mut learnt)?;
        let step = self.drafted((draft.finish(), learnt), value, environment)?;
        self.rest(loaded);
        Ok(step)
    }

    /// Deletes a peer with all its sessions, of which nothing must be left unread.
    pub fn delete_peer(
        &self,
        loaded: &LoadedPeer<P>,
        mut index: Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        for saved in &loaded.saved {
            P::Session::delete(saved, draft, learnt)?;
        }
        let name = names::peer(&loaded.user, &loaded.device);
        let base = loaded.revision;
        self.delete_member((name, base), &mut index, (&mut *draft, &mut *learnt))?;
        self.put_index(index, draft, learnt)
    }
}

impl<P: Protocol> LoadedPeer<P> {
    /// A peer that is not in the store yet.
    pub fn new((user, device): (&str, P::Device), parties: P::Parties, peer: PeerOf<P>) -> Self {
        Self {
            user: user.to_owned(),
            device,
            revision: 0,
            peer,
            sessions: SessionList::none(),
            parties,
            saved: Vec::new(),
        }
    }

    /// How the sending session stands in the store.
    pub(crate) fn sending(&self) -> Option<&SavedOf<P>> {
        let id = self.sessions.current()?.id();
        self.saved.iter().find(|saved| saved.id == id)
    }

    /// The head of the sending session as it stands in the store, to be replaced: without a later
    /// save the session cannot be told from others any more, and must not rest.
    pub(crate) fn take_sending_head(&mut self) -> Option<Stored> {
        let id = self.sessions.current()?.id();
        let saved = self.saved.iter_mut().find(|saved| saved.id == id)?;
        let sealed = core::mem::take(&mut saved.head.sealed);
        Some(Stored { revision: saved.head.revision, sealed })
    }

    /// The revision that the head of the sending session takes when it is saved.
    pub fn next_sending_revision(&self) -> Result<u64, Error> {
        let revision = self.sending().map_or(0, |saved| saved.head.revision);
        revision.checked_add(1).ok_or(Error::Exhausted)
    }

    /// [`StoreError::Corruption`](e2ee_state::StoreError::Corruption) if a part that a session has
    /// only now is in the store all the same.
    pub fn check_begun(&self, records: &mut dyn Records) -> Result<(), Failure> {
        for session in self.sessions.iter() {
            let id = session.id();
            if let Some(saved) = self.saved.iter().find(|saved| saved.id == id) {
                session.check_absent(saved, records)?;
            }
        }
        Ok(())
    }
}
