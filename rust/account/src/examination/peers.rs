// SPDX-License-Identifier: MIT OR Apache-2.0
//! Peers and their sessions in a report: what state they are in, and what would help
//! (docs/storage.md, "Doctor").

use crate::{
    names,
    peer::{Peer, SessionId, Trust},
    protocol::{Protocol, StoredSession},
    session_list::Listed,
};

use super::{
    Examiner, Fault, PeerState, Place, RecordKind, Sending, SessionState,
    rows::{self, DeviceOf, IdentityOf},
    walk::Walk,
};

type SessionOf<E> = <<E as Examiner>::Protocol as Protocol>::Session;

impl<E: Examiner> Walk<'_, E> {
    pub(super) fn peers(&mut self) -> Vec<PeerState> {
        let mut peers = Vec::new();
        for name in self.whole(RecordKind::Peer) {
            let Ok((user, device)) = names::peer_of::<DeviceOf<E>>(&name) else { continue };
            let label = self.labels.peer((user, &device));
            self.labels.name_record(&name, label.clone());
            let Some(opened) = self.open(&name) else { continue };
            let Some(peer) = rows::peer::<E>(opened.expose()) else { continue };
            peers.push(self.peer(label, (user, &device), &peer));
        }
        peers
    }

    fn peer(
        &mut self,
        label: String,
        whom: (&str, &DeviceOf<E>),
        peer: &Peer<IdentityOf<E>>,
    ) -> PeerState {
        let current = peer.current.iter().map(|id| (Place::Current, id));
        let archived = peer.archived.iter().map(|id| (Place::Archived, id));
        let mut sessions = Vec::new();
        let mut sending = Sending::Refused(Fault::NoSession);
        for (number, (place, id)) in (1_usize..).zip(current.chain(archived)) {
            let session_label = format!("session {number} of {label}");
            let session = self.session(&session_label, whom, id);
            if place == Place::Current {
                sending = session.as_ref().map_or(Sending::Refused(Fault::Mismatch), |session| {
                    self.sending(session, peer)
                });
            }
            let is_retired = session.as_ref().is_some_and(Listed::is_retired);
            let place = if is_retired { Place::Retired } else { place };
            let opened = session.map(|session| {
                let trusted =
                    *session.their_identity() == peer.identity && self.examiner.is_ours(&session);
                E::opened(&session, trusted, self.now_ms)
            });
            if let (Place::Current, Some((_, Some(fault)))) = (place, &opened) {
                self.find(*fault, &session_label);
            }
            sessions.push(SessionState { place, opened: opened.map(|(opened, _)| opened) });
        }
        match sending {
            // Said already, of the records.
            Sending::Ready | Sending::Refused(Fault::Mismatch) => {}
            Sending::Refused(fault) => self.find(fault, &label),
        }
        PeerState { label, verified: peer.trust == Trust::Verified, sending, sessions }
    }

    /// A session, if its records open and belong together.
    fn session(
        &mut self,
        label: &str,
        (user, device): (&str, &DeviceOf<E>),
        id: &SessionId,
    ) -> Option<SessionOf<E>> {
        let head = names::session(user, device, id);
        let mut is_whole = self.vouch(&head, label.to_owned());
        let content = self.open(&head);
        let parts = content.map(|content| E::parts_of(&head, content.expose()));
        for part in parts.unwrap_or_default() {
            is_whole &= self.vouch(&part, format!("a part of {label}"));
        }
        let (vault, records) = (self.examiner.vault(), &mut *self.records);
        let mut loaded = SessionOf::<E>::load(&head, id, vault, records).ok();
        // What belongs to a session that cannot be read is not known: nobody is blamed for it.
        let begin = match &loaded {
            None => Some(format!("{head}/")),
            Some((session, _)) => E::counted_parts(&head, session),
        };
        is_whole &= begin.is_none_or(|begin| self.vouch_all(&begin, label));
        let is_read = loaded.as_mut().is_some_and(|(session, saved)| {
            session.fill_from(saved, self.examiner.vault(), self.records).is_ok()
        });
        if !is_read && is_whole {
            self.find(Fault::Mismatch, label);
        }
        loaded.map(|(session, _)| session)
    }

    fn sending(&self, session: &SessionOf<E>, peer: &Peer<IdentityOf<E>>) -> Sending {
        if *session.their_identity() != peer.identity {
            Sending::Refused(Fault::OtherIdentity)
        } else if !self.examiner.is_ours(session) {
            Sending::Refused(Fault::OurIdentity)
        } else if !E::is_fresh(session, self.now_ms) {
            Sending::Refused(Fault::Unanswered)
        } else {
            Sending::Ready
        }
    }
}
