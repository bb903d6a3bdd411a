// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a look at a store of this protocol's knows of its records (docs/storage.md, "Doctor";
//! signal.md §6.5 and §8).

mod groups;
mod rows;

use e2ee_account::examination::{
    Examination, Examiner, Fault, GroupState, Look, Naming, OpenedSession, Phase, RecordKind, Walk,
};
use e2ee_state::{Failure, Records};
use e2ee_wire::Error;

use crate::{
    PreKeyStock, Session,
    account::{Account, identity::Identity, ledger::DAY_MS, names, vault::Vault},
    dialect::Signal,
    parts::Revisions,
    phase::{self, Origin},
    stock::{MAX_REUSES, StockState},
};

/// Days after which a prekey is old.
const OLD_DAYS: u64 = 30;
/// Messages of one epoch of the post-quantum ratchet above which it rests although both sides
/// write: an epoch takes about 88 if they take turns (spqr.md §7).
const MANY_MESSAGES: u64 = 1_000;
/// Receiving chains that show that both sides take turns.
const TURNS: usize = 2;

/// Looks at all records of a store at a time in milliseconds since the Unix epoch.
pub fn examine(
    look: Look,
    records: &mut dyn Records,
    at: (u64, Naming),
) -> Result<Examination<StockState>, Failure> {
    look.through(Examined::new, records, at)
}

/// An account whose records are taken as they are.
struct Examined {
    account: Account,
    /// Whether its identity is its own, and not a stand-in for a record that is lost.
    knows_identity: bool,
}

impl Examined {
    fn new(vault: Vault<Signal>) -> Result<Self, Error> {
        Ok(Self { account: Account::new(vault, Identity::nobody()?), knows_identity: false })
    }
}

impl Examiner for Examined {
    type Protocol = Signal;
    type Stock = StockState;

    fn vault(&mut self) -> &mut Vault<Signal> {
        &mut self.account.vault
    }

    fn kind_of(name: &str) -> Option<RecordKind> {
        rows::kind_of(name)
    }

    fn before_version(kind: RecordKind, name: &str, content: &[u8]) -> usize {
        rows::before_version(kind, name, content)
    }

    fn is_of_format(kind: RecordKind, name: &str, content: &[u8]) -> bool {
        rows::is_of_format(kind, name, content)
    }

    fn take_identity(&mut self, content: &[u8]) {
        let sealer = self.account.vault.sealer();
        if let Ok(identity) = Identity::decode(content, || sealer.hash_secret("ledger")) {
            self.account.identity = identity;
            self.knows_identity = true;
        }
    }

    fn stock(walk: &mut Walk<'_, Self>, prekeys: Option<&[u8]>) -> Option<StockState> {
        let stock = PreKeyStock::decode(prekeys?).ok()?.state(walk.now_ms);
        let old_seconds = OLD_DAYS * DAY_MS / 1_000;
        let is_old = |seconds: Option<u64>| seconds.is_none_or(|seconds| seconds > old_seconds);
        for (fault, is_so) in [
            (Fault::LastResortSpent, stock.last_resort.uses >= MAX_REUSES),
            (Fault::SignedPreKeyOld, is_old(stock.signed.seconds)),
            (Fault::LastResortOld, is_old(stock.last_resort.seconds)),
        ] {
            if is_so {
                walk.find(fault, RecordKind::PreKeys.text());
            }
        }
        Some(stock)
    }

    /// But for the chunks, which a head counts.
    fn parts_of(head: &str, content: &[u8]) -> Vec<String> {
        let (chains, skipped) = match Revisions::decode(content) {
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

    fn counted_parts(head: &str, session: &Session) -> Option<String> {
        session.incomplete().map(|object| names::chunks(head, object.epoch, object.object))
    }

    fn is_ours(&self, session: &Session) -> bool {
        !self.knows_identity || session.identities().0 == self.account.identity_key()
    }

    fn is_fresh(session: &Session, now_ms: u64) -> bool {
        session.is_fresh(now_ms / 1_000)
    }

    fn opened(session: &Session, trusted: bool, now_ms: u64) -> (OpenedSession, Option<Fault>) {
        let phase = match &session.phase {
            phase::Phase::Unacknowledged(pending) => {
                Phase::Waiting { seconds: Some((now_ms / 1_000).saturating_sub(pending.created)) }
            }
            phase::Phase::Established(Origin::Initiated)
            | phase::Phase::Retired(Origin::Initiated) => Phase::Initiated,
            phase::Phase::Established(Origin::Accepted { .. })
            | phase::Phase::Retired(Origin::Accepted { .. }) => Phase::Accepted,
        };
        let positions = session.triple.ratchet.positions();
        let (epoch, messages) = session.pq_progress();
        let opened = OpenedSession {
            phase,
            trusted,
            sent: positions.sent,
            received: positions.received,
            skipped: session.skipped_len(),
            pq_progress: Some((epoch, messages)),
        };
        // It does not turn although both sides take turns.
        let rests = messages > MANY_MESSAGES && positions.receiving_chains >= TURNS;
        (opened, rests.then_some(Fault::PqRests))
    }

    fn dependents_of(member: &str) -> Option<String> {
        member.strip_prefix(names::GROUP_PREFIX).map(|id| format!("chain/{id}/"))
    }

    fn groups(walk: &mut Walk<'_, Self>) -> Vec<GroupState> {
        groups::groups(walk)
    }
}

#[cfg(test)]
mod tests;
