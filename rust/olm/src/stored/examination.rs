// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a look at a store of Olm's knows of its records (docs/storage.md, "Doctor").

mod rooms;

use e2ee_account::{
    Vault,
    examination::{
        Examination, Examiner, Fault, GroupState, Look, Naming, OpenedSession, Phase, RecordKind,
        Walk,
    },
    names,
};
use e2ee_primitives::x25519;
use e2ee_state::{Failure, Records};

use crate::{
    dialect::Olm,
    record::Revisions,
    session::{self, Origin, Session},
};

use super::{
    IDENTITY_VERSION,
    identity::Identity,
    keys,
    parts::{chains_of, skipped_of},
};

/// The keys that others begin sessions with, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysState {
    /// One-time keys whose private halves are kept.
    pub one_time: usize,
    /// Those of them that wait to be published.
    pub unpublished: usize,
    /// Fallback keys: the one that is offered, and the one before.
    pub fallback: usize,
}

/// Whether the account of a store is of Olm: its identity record says so or, where that is lost, the
/// form of its keys.
pub fn is_of_olm(look: &Look, records: &mut dyn Records) -> bool {
    if let Some(identity) = look.content(names::IDENTITY, records) {
        return identity.expose().first() == Some(&IDENTITY_VERSION);
    }
    let prekeys = look.content(names::PREKEYS, records);
    prekeys.is_some_and(|prekeys| keys::decode(prekeys.expose()).is_ok())
}

/// Looks at all records of a store at a time in milliseconds since the Unix epoch.
pub fn examine(
    look: Look,
    records: &mut dyn Records,
    at: (u64, Naming),
) -> Result<Examination<KeysState>, Failure> {
    look.through(|vault| Ok(Examined { vault, identity_key: None }), records, at)
}

/// An account whose records are taken as they are.
struct Examined {
    vault: Vault<Olm>,
    /// The account's own, unless its record is lost.
    identity_key: Option<x25519::PublicKey>,
}

impl Examiner for Examined {
    type Protocol = Olm;
    type Stock = KeysState;

    fn vault(&mut self) -> &mut Vault<Olm> {
        &mut self.vault
    }

    fn kind_of(name: &str) -> Option<RecordKind> {
        rooms::kind_of(name)
    }

    /// All records begin with it.
    fn before_version(_: RecordKind, _: &str, _: &[u8]) -> usize {
        0
    }

    fn is_of_format(kind: RecordKind, _: &str, content: &[u8]) -> bool {
        match kind {
            RecordKind::Identity => Identity::decode(content).is_ok(),
            RecordKind::PreKeys => keys::decode(content).is_ok(),
            kind => rooms::is_of_format(kind, content),
        }
    }

    fn take_identity(&mut self, content: &[u8]) {
        let identity = Identity::decode(content).ok();
        self.identity_key = identity.map(|identity| *identity.key.public());
    }

    fn stock(_: &mut Walk<'_, Self>, prekeys: Option<&[u8]>) -> Option<KeysState> {
        let keys = keys::decode(prekeys?).ok()?;
        Some(KeysState {
            one_time: keys.kept().len(),
            unpublished: keys.unpublished().count(),
            fallback: keys.kept_fallback().count(),
        })
    }

    fn parts_of(head: &str, content: &[u8]) -> Vec<String> {
        let named = Revisions::of(content).map(|_| vec![chains_of(head), skipped_of(head)]);
        named.unwrap_or_default()
    }

    /// A head names all parts.
    fn counted_parts(_: &str, _: &Session) -> Option<String> {
        None
    }

    /// A session that the peer began does not say under which identity of ours.
    fn is_ours(&self, session: &Session) -> bool {
        let began = match session.phase {
            session::Phase::Unacknowledged
            | session::Phase::Initiated
            | session::Phase::Retired(Origin::Ours) => true,
            session::Phase::Accepted | session::Phase::Retired(Origin::Theirs) => false,
        };
        let ours = &session.keys().identity_key;
        !began || self.identity_key.is_none_or(|identity_key| identity_key == *ours)
    }

    /// A device may be away for as long as it likes.
    fn is_fresh(_: &Session, _: u64) -> bool {
        true
    }

    fn opened(session: &Session, trusted: bool, _: u64) -> (OpenedSession, Option<Fault>) {
        let phase = match session.phase {
            session::Phase::Unacknowledged => Phase::Waiting { seconds: None },
            session::Phase::Initiated | session::Phase::Retired(Origin::Ours) => Phase::Initiated,
            session::Phase::Accepted | session::Phase::Retired(Origin::Theirs) => Phase::Accepted,
        };
        let positions = session.positions();
        let opened = OpenedSession {
            phase,
            trusted,
            sent: positions.sent,
            received: positions.received,
            skipped: session.skipped_len(),
            pq_progress: None,
        };
        (opened, None)
    }

    fn dependents_of(member: &str) -> Option<String> {
        rooms::dependents_of(member)
    }

    fn groups(walk: &mut Walk<'_, Self>) -> Vec<GroupState> {
        rooms::groups(walk)
    }
}

#[cfg(test)]
mod tests;
