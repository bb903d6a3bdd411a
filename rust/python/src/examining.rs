// SPDX-License-Identifier: MIT OR Apache-2.0
//! A look at a store that changes nothing (docs/storage.md, "Doctor").

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use std::collections::BTreeSet;

use e2ee_account::{
    Environment,
    examination::{
        Examination, Finding, GroupState, Look, Naming, OpenedSession, PeerState, Phase,
        RecordCount, SessionState, Severity,
    },
};
use e2ee_mtproto::stored::{SeenChat, SeenCounts, examine as examine_chats, is_of_chats};
use e2ee_olm::stored::{self, KeysState};
use e2ee_signal::{
    account,
    stock::{PoolState, RotatedKey, StockState},
};
use pyo3::prelude::*;

use crate::{secret::StoreSecret, transaction};

/// Looks at all records of a store; what comes out holds no secret, and names only if asked to.
#[pyfunction]
#[pyo3(signature = (secret, transaction, *, names))]
pub fn examine_store(
    py: Python<'_>,
    secret: &StoreSecret,
    transaction: Py<PyAny>,
    names: bool,
) -> PyResult<ExaminationRow> {
    let naming = if names { Naming::Named } else { Naming::Numbered };
    let examine = |inside: &mut Environment<'_>| {
        let (records, at) = (&mut *inside.records, (inside.now_ms, naming));
        let look = Look::at(&secret.inner, records)?;
        if is_of_chats(&look, records) {
            let seen = examine_chats(look, records, at)?;
            return Ok(examination(seen, |chats| {
                (None, None, chats.into_iter().map(chat).collect())
            }));
        }
        if stored::is_of_olm(&look, records) {
            let seen = stored::examine(look, records, at)?;
            return Ok(examination(seen, |keys| (None, Some(one_time_keys(keys)), Vec::new())));
        }
        let seen = account::examine(look, records, at)?;
        Ok(examination(seen, |seen| (Some(stock(seen)), None, Vec::new())))
    };
    let seen = py.detach(|| transaction::within(transaction, examine));
    seen.map_err(|refusal| refusal.raise(py))
}

/// Records, peers, groups, prekeys of either protocol, waiting messages (how many, and seconds of the
/// oldest) and findings.
type ExaminationRow =
    (Vec<CountRow>, Vec<PeerRow>, Vec<GroupRow>, StocksRow, (usize, Option<u64>), Vec<FindingRow>);
/// Signal's prekeys, Olm's one-time keys (kept, unpublished, and fallback keys), and secret chats.
type StocksRow = (Option<StockRow>, Option<(usize, usize, usize)>, Vec<ChatRow>);
/// Label, whether both ends have the first key, and how many messages were sent, acknowledged and
/// received, and wait; none of what does not open.
type ChatRow = (String, Option<bool>, Option<(u32, u32, u32, usize)>);
/// Kind, number, bytes, median, largest, versions.
type CountRow = (&'static str, usize, usize, usize, usize, BTreeSet<u8>);
/// Label, verified, what keeps from sending (empty: nothing), sessions.
type PeerRow = (String, bool, &'static str, Vec<SessionRow>);
/// Place, and how far it has come.
type SessionRow = (&'static str, Option<OpenedRow>);
/// Phase, seconds of waiting, trusted, sent, received, skipped, and the post-quantum ratchet's
/// epoch and messages, if there is one.
type OpenedRow =
    (&'static str, Option<u64>, bool, Option<u32>, Option<u32>, usize, Option<u64>, Option<u64>);
/// Label, members, pending, sent, and of each sender label, heard and chains.
type GroupRow = (String, usize, Vec<String>, Option<u32>, Vec<(String, bool, Option<usize>)>);
/// Signed prekey and last-resort key: seconds, replaced, uses; one-time keys of both kinds:
/// reserved, offered.
type StockRow = (RotatedRow, RotatedRow, PoolRow, PoolRow);
type RotatedRow = (Option<u64>, usize, usize);
type PoolRow = (usize, usize);
/// Severity, code, subject, meaning, advice.
type FindingRow = (&'static str, &'static str, String, &'static str, &'static str);

fn examination<S>(seen: Examination<S>, stocks: impl FnOnce(S) -> StocksRow) -> ExaminationRow {
    (
        seen.records.into_iter().map(count).collect(),
        seen.peers.into_iter().map(peer).collect(),
        seen.groups.into_iter().map(group).collect(),
        seen.stock.map_or_else(StocksRow::default, stocks),
        (seen.inbox.messages, seen.inbox.oldest_seconds),
        seen.findings.into_iter().map(finding).collect(),
    )
}

fn count(seen: RecordCount) -> CountRow {
    let RecordCount { kind, number, bytes, median, largest, versions } = seen;
    (kind.text(), number, bytes, median, largest, versions)
}

fn peer(seen: PeerState) -> PeerRow {
    let sessions = seen.sessions.into_iter().map(session).collect();
    (seen.label, seen.verified, seen.sending.text(), sessions)
}

fn session(seen: SessionState) -> SessionRow {
    (seen.place.text(), seen.opened.map(opened))
}

fn opened(seen: OpenedSession) -> OpenedRow {
    let waiting = match seen.phase {
        Phase::Waiting { seconds } => seconds,
        Phase::Initiated | Phase::Accepted => None,
    };
    let OpenedSession { trusted, sent, received, skipped, pq_progress, .. } = seen;
    let (epoch, messages) = pq_progress.unzip();
    (seen.phase.text(), waiting, trusted, sent, received, skipped, epoch, messages)
}

fn group(seen: GroupState) -> GroupRow {
    let senders = seen.senders.into_iter();
    let senders = senders.map(|sender| (sender.label, sender.heard, sender.chains)).collect();
    (seen.label, seen.members, seen.pending, seen.sent, senders)
}

const fn one_time_keys(seen: KeysState) -> (usize, usize, usize) {
    (seen.one_time, seen.unpublished, seen.fallback)
}

fn chat(seen: SeenChat) -> ChatRow {
    let counts = seen.counts.map(|counts| {
        let SeenCounts { sent, acknowledged, received, waiting } = counts;
        (sent, acknowledged, received, waiting)
    });
    (seen.label, seen.is_agreed, counts)
}

const fn stock(seen: StockState) -> StockRow {
    let StockState { signed, last_resort, one_time, one_time_kyber } = seen;
    (rotated(signed), rotated(last_resort), pool(one_time), pool(one_time_kyber))
}

const fn rotated(seen: RotatedKey) -> RotatedRow {
    (seen.seconds, seen.replaced, seen.uses)
}

const fn pool(seen: PoolState) -> PoolRow {
    (seen.reserved, seen.offered)
}

fn finding(seen: Finding) -> FindingRow {
    let severity = match seen.fault.severity() {
        Severity::Damage => "damage",
        Severity::Stuck => "stuck",
        Severity::Advice => "advice",
    };
    (severity, seen.fault.code(), seen.subject, seen.fault.meaning(), seen.fault.advice())
}
