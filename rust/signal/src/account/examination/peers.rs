// SPDX-License-Identifier: MIT OR Apache-2.0
//! Peers, sessions and groups in a report: what state they are in, and what would help
//! (docs/storage.md, "Doctor"; signal.md §6.5 and §8).

use e2ee_account::{SessionId, StoredSession, Trust};

use crate::{
    DeviceId, Session,
    account::{GroupId, Peer, groups::SeenGroup, names},
    limits::MAX_ARCHIVED_SESSIONS,
    parts::Revisions,
    phase::{self, Origin},
};

use super::{
    Fault, RecordKind,
    state::{
        ChainsState, GroupState, OpenedSession, PeerState, Phase, Place, Sending, SessionState,
    },
    walk::Walk,
};

/// Messages of one epoch of the post-quantum ratchet above which it rests although both sides
/// write: an epoch takes about 88 if they take turns (spqr.md §7).
const MANY_MESSAGES: u64 = 1_000;
/// Receiving chains that show that both sides take turns.
const TURNS: usize = 2;

impl Walk<'_> {
    pub(super) fn peers(&mut self) -> Vec<PeerState> {
        let mut peers = Vec::new();
        for name in self.whole(RecordKind::Peer) {
            let Ok((user, device)) = names::peer_of(&name) else { continue };
            let label = self.labels.peer((user, device));
            self.labels.name_record(&name, label.clone());
            let Some(opened) = self.open(&name) else { continue };
            let Ok(peer) = Peer::decode(opened.expose(), MAX_ARCHIVED_SESSIONS) else { continue };
            peers.push(self.peer(label, (user, device), &peer));
        }
        peers
    }

    fn peer(&mut self, label: String, whom: (&str, DeviceId), peer: &Peer) -> PeerState {
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
            let is_retired = session.as_ref().is_some_and(Session::is_retired);
            let place = if is_retired { Place::Retired } else { place };
            let opened = session.map(|session| self.opened(&session, peer));
            if place == Place::Current && opened.as_ref().is_some_and(rests) {
                self.find(Fault::PqRests, &session_label);
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
    fn session(&mut self, label: &str, whom: (&str, DeviceId), id: &SessionId) -> Option<Session> {
        let head = e2ee_account::names::session(whom.0, &whom.1, id);
        let mut is_whole = self.vouch(&head, label.to_owned());
        for part in self.parts_of(&head) {
            is_whole &= self.vouch(&part, format!("a part of {label}"));
        }
        let mut loaded = Session::load(&head, id, &mut self.account.vault, self.records).ok();
        // What belongs to a session that cannot be read is not known: nobody is blamed for it.
        let begin = match &loaded {
            None => Some(format!("{head}/")),
            Some((session, _)) => {
                session.incomplete().map(|object| names::chunks(&head, object.epoch, object.object))
            }
        };
        is_whole &= begin.is_none_or(|begin| self.vouch_all(&begin, label));
        let is_read = loaded.as_mut().is_some_and(|(session, saved)| {
            session.fill_from(saved, &self.account.vault, self.records).is_ok()
        });
        if !is_read && is_whole {
            self.find(Fault::Mismatch, label);
        }
        loaded.map(|(session, _)| session)
    }

    /// The parts that a session's head names, but for the chunks.
    fn parts_of(&mut self, head: &str) -> Vec<String> {
        let Some(opened) = self.open(head) else { return Vec::new() };
        let (chains, skipped) = match Revisions::decode(opened.expose()) {
            Ok(Some((revisions, _))) => (revisions.chains > 0, revisions.skipped > 0),
            _ => (false, true),
        };
        let parts = [
            (true, names::objects(head)),
            (chains, names::chains(head)),
            (skipped, names::skipped(head)),
        ];
        parts.into_iter().filter(|(is_named, _)| *is_named).map(|(_, part)| part).collect()
    }

    /// Vouches for all records whose names begin so; whether they are whole.
    fn vouch_all(&mut self, begin: &str, label: &str) -> bool {
        let names = self.rows.range(begin.to_owned()..).map(|(name, _)| name.clone());
        let names: Vec<String> = names.take_while(|name| name.starts_with(begin)).collect();
        let whole = names.iter().filter(|name| self.vouch(name, format!("a part of {label}")));
        whole.count() == names.len()
    }

    fn sending(&self, session: &Session, peer: &Peer) -> Sending {
        if *session.their_identity() != peer.identity {
            Sending::Refused(Fault::OtherIdentity)
        } else if !self.is_ours(session) {
            Sending::Refused(Fault::OurIdentity)
        } else if !session.is_fresh(self.now_ms / 1_000) {
            Sending::Refused(Fault::Unanswered)
        } else {
            Sending::Ready
        }
    }

    fn is_ours(&self, session: &Session) -> bool {
        !self.knows_identity || session.identities().0 == self.account.identity_key()
    }

    /// How far a session has come, and how many receiving chains it has.
    fn opened(&self, session: &Session, peer: &Peer) -> (OpenedSession, usize) {
        let phase = match &session.phase {
            phase::Phase::Unacknowledged(pending) => {
                let seconds = (self.now_ms / 1_000).saturating_sub(pending.created);
                Phase::Waiting { seconds }
            }
            phase::Phase::Established(Origin::Initiated)
            | phase::Phase::Retired(Origin::Initiated) => Phase::Initiated,
            phase::Phase::Established(Origin::Accepted { .. })
            | phase::Phase::Retired(Origin::Accepted { .. }) => Phase::Accepted,
        };
        let trusted = *session.their_identity() == peer.identity && self.is_ours(session);
        let positions = session.triple.ratchet.positions();
        let (pq_epoch, pq_messages) = session.pq_progress();
        let opened = OpenedSession {
            phase,
            trusted,
            sent: positions.sent,
            received: positions.received,
            skipped: session.skipped_len(),
            pq_epoch,
            pq_messages,
        };
        (opened, positions.receiving_chains)
    }

    pub(super) fn groups(&mut self) -> Vec<GroupState> {
        let mut groups = Vec::new();
        for name in self.whole(RecordKind::Group) {
            let Ok(id) = names::group_of(&name) else { continue };
            let label = self.labels.group(&id);
            self.labels.name_record(&name, label.clone());
            if let Some(seen) = self.account.see_group(&id, self.records) {
                groups.push(self.group(label, &id, seen));
            }
        }
        groups
    }

    fn group(&mut self, label: String, id: &GroupId, seen: SeenGroup) -> GroupState {
        let is_whole = self.vouch(&names::own_chain(id), format!("our key for {label}"));
        if is_whole && seen.sent.is_none() {
            self.find(Fault::Mismatch, &label);
        }
        let mut senders = Vec::new();
        for sender in seen.senders {
            let peer = self.labels.peer((&sender.device.0, sender.device.1));
            let head = names::received_chains(id, &sender.device);
            let mut is_whole = self.vouch(&head, format!("keys of {peer} for {label}"));
            let part = format!("late keys of {peer} for {label}");
            is_whole &= self.vouch(&names::skipped(&head), part);
            if is_whole && sender.chains.is_none() {
                self.find(Fault::Mismatch, &format!("keys of {peer} for {label}"));
            }
            senders.push(ChainsState { label: peer, heard: sender.heard, chains: sender.chains });
        }
        let pending = seen.pending.iter().map(|(user, device)| self.labels.peer((user, *device)));
        let pending: Vec<String> = pending.collect();
        if !pending.is_empty() {
            self.find(Fault::InvitationsPending, &label);
        }
        GroupState { label, members: seen.members, pending, sent: seen.sent, senders }
    }
}

/// Whether the post-quantum ratchet does not turn although both sides take turns.
fn rests((opened, receiving_chains): &(OpenedSession, usize)) -> bool {
    opened.pq_messages > MANY_MESSAGES && *receiving_chains >= TURNS
}
