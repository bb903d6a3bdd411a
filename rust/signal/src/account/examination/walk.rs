// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way through a store: its records, what vouches for them, then what they say together
//! (docs/storage.md, "Doctor" and "What vouches for what").

use std::collections::BTreeMap;

use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, Sealer, StoreError, digest::SetDigest};

use crate::{
    PreKeyStock,
    account::{
        Account, generation::Generation, identity::Identity, index::Index, ledger::DAY_MS, names,
        vault::Vault,
    },
    stock::{MAX_REUSES, StockState},
};

use super::{
    Examination, Fault, Finding, InboxState, counts,
    labels::{Labels, Naming},
    rows::{RecordKind, Row},
};

/// Days after which a prekey is old, and those after which a message has waited for long.
const OLD_DAYS: u64 = 30;
const WAITING_DAYS: u64 = 7;

/// What is known on the way.
pub(super) struct Walk<'a> {
    /// An account that takes the records as they are: nothing is checked against a root record.
    pub(super) account: Account,
    pub(super) records: &'a mut dyn Records,
    pub(super) now_ms: u64,
    pub(super) rows: BTreeMap<String, Row>,
    pub(super) labels: Labels,
    /// Whether the account's identity is its own, and not a stand-in for a record that is lost.
    pub(super) knows_identity: bool,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        opened: (Sealer, Vec<u8>),
        records: &'a mut dyn Records,
        (now_ms, naming): (u64, Naming),
    ) -> Result<Self, Failure> {
        Ok(Self {
            account: Account::new(Vault::new(opened), Identity::nobody()?),
            records,
            now_ms,
            rows: BTreeMap::new(),
            labels: Labels::new(naming),
            knows_identity: false,
            findings: Vec::new(),
        })
    }

    /// Looks at the records of these names.
    pub(super) fn through(mut self, listed: Vec<(String, u64)>) -> Result<Examination, Failure> {
        for (name, revision) in listed {
            let row =
                Row::read(&name, revision, (self.account.vault.sealer(), &mut *self.records))?;
            self.rows.insert(name, row);
        }
        self.take_identity();
        self.check_root()?;
        let stock = self.stock();
        let peers = self.peers();
        let groups = self.groups();
        let inbox = self.inbox();
        self.spare_dependents();
        self.report_rows();
        self.findings.sort_by_key(|finding| finding.fault.severity());
        let records = counts(self.rows.values());
        Ok(Examination { records, peers, groups, stock, inbox, findings: self.findings })
    }

    pub(super) fn find(&mut self, fault: Fault, subject: &str) {
        self.findings.push(Finding { fault, subject: subject.to_owned() });
    }

    /// Notes that another record says that this one is there, and whether it is and is whole.
    pub(super) fn vouch(&mut self, name: &str, label: String) -> bool {
        if let Some(row) = self.rows.get_mut(name) {
            row.is_vouched_for = true;
            self.labels.name_record(name, label);
            return row.fault.is_none();
        }
        self.labels.name_record(name, label);
        let label = self.labels.record(name, ("record", 0));
        self.find(Fault::Missing, &label);
        false
    }

    /// Names of the records of a kind that are whole.
    pub(super) fn whole(&self, kind: RecordKind) -> Vec<String> {
        let rows = self.rows.iter();
        let whole = rows.filter(|(_, row)| row.kind == kind && row.fault.is_none());
        whole.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn open(&mut self, name: &str) -> Option<SecretBytes> {
        let stored = self.records.get(name).ok().flatten()?;
        self.account.vault.sealer().open(name, stored.revision, &stored.sealed).ok()
    }

    fn take_identity(&mut self) {
        if !self.vouch(names::IDENTITY, RecordKind::Identity.text().to_owned()) {
            return;
        }
        let identity = self.open(names::IDENTITY);
        let derived = || self.account.vault.sealer().hash_secret("ledger");
        let identity = identity.map(|opened| Identity::decode(opened.expose(), derived));
        if let Some(Ok(identity)) = identity {
            self.account.identity = identity;
            self.knows_identity = true;
        }
    }

    /// Holds the root record against the prekeys, the peers and the groups.
    fn check_root(&mut self) -> Result<(), Failure> {
        let members = self.rows.iter().filter(|(_, row)| is_member(row.kind));
        let members = members.map(|(name, row)| (name.clone(), row.revision)).collect();
        self.account.vault.take_members(members);
        let is_whole = self.vouch(names::INDEX, RecordKind::Index.text().to_owned());
        _ = self.vouch(names::PREKEYS, RecordKind::PreKeys.text().to_owned());
        let opened = if is_whole { self.open(names::INDEX) } else { None };
        let Some(Ok(index)) = opened.map(|opened| Index::decode(opened.expose())) else {
            return Ok(());
        };
        let prekeys = self.rows.get(names::PREKEYS).map(|row| row.revision);
        if prekeys.is_some_and(|revision| revision != index.prekeys_revision) {
            self.find(Fault::Mismatch, "prekeys and root record");
        }
        self.check_members(&index);
        if index.anchored { self.check_generation() } else { Ok(()) }
    }

    /// Looks for the generation, which a store with an anchor has, and holds it against the anchor,
    /// if that was given.
    fn check_generation(&mut self) -> Result<(), Failure> {
        let label = RecordKind::Generation.text();
        if !self.vouch(names::GENERATION, label.to_owned()) {
            return Ok(());
        }
        let opened = self.open(names::GENERATION);
        let decoded = opened.map(|opened| Generation::decode(opened.expose()));
        let Some(Ok(generation)) = decoded else { return Ok(()) };
        let server = self.records.timeline()?;
        let Some(anchor) = self.records.anchor() else { return Ok(()) };
        match generation.compare(self.account.vault.sealer().store_id(), anchor, server) {
            Ok(_) => {}
            Err(StoreError::OffAnchor) => self.find(Fault::OffAnchor, label),
            Err(StoreError::WrongAnchor) => self.find(Fault::WrongAnchor, label),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn check_members(&mut self, index: &Index) {
        let vault = &self.account.vault;
        let mut digest = SetDigest::default();
        for (name, revision) in vault.members() {
            digest.toggle(vault.digest_key(), name, revision);
        }
        let number = u32::try_from(vault.members().count()).unwrap_or(u32::MAX);
        if digest == index.digest && number == index.members {
            return;
        }
        // If one is too many, which?
        let extra = vault.members().find(|(name, revision)| {
            let mut without = digest;
            without.toggle(vault.digest_key(), name, *revision);
            without == index.digest && number.checked_sub(1) == Some(index.members)
        });
        match extra.map(|(name, _)| name.to_owned()) {
            Some(name) => {
                if let Some(row) = self.rows.get_mut(&name) {
                    row.is_vouched_for = false;
                }
            }
            None => self.find(Fault::Members, RecordKind::Index.text()),
        }
    }

    fn stock(&mut self) -> Option<StockState> {
        let opened = self.open(names::PREKEYS)?;
        let stock = PreKeyStock::decode(opened.expose()).ok()?.state(self.now_ms);
        let old_seconds = OLD_DAYS * DAY_MS / 1_000;
        if stock.last_resort.uses >= MAX_REUSES {
            self.find(Fault::LastResortSpent, RecordKind::PreKeys.text());
        }
        if stock.signed.seconds.is_none_or(|seconds| seconds > old_seconds) {
            self.find(Fault::SignedPreKeyOld, RecordKind::PreKeys.text());
        }
        if stock.last_resort.seconds.is_none_or(|seconds| seconds > old_seconds) {
            self.find(Fault::LastResortOld, RecordKind::PreKeys.text());
        }
        Some(stock)
    }

    fn inbox(&mut self) -> InboxState {
        let times: Vec<u64> = self.rows.values().filter_map(|row| row.received_ms).collect();
        let oldest_seconds =
            times.iter().min().map(|oldest| self.now_ms.saturating_sub(*oldest) / 1_000);
        if oldest_seconds.is_some_and(|seconds| seconds > WAITING_DAYS * DAY_MS / 1_000) {
            self.find(Fault::InboxWaits, "inbox");
        }
        InboxState { messages: times.len(), oldest_seconds }
    }

    /// Whether records belong to those that do not open cannot be known: nobody is blamed for them.
    fn spare_dependents(&mut self) {
        let broken = self.rows.iter().filter(|(_, row)| is_member(row.kind) && row.fault.is_some());
        let begin = |name: &String| match names::peer_of(name) {
            Ok((user, device)) => format!("session/{user}/{}/", device.get()),
            Err(_) => name.replacen(names::GROUP_PREFIX, "chain/", 1) + "/",
        };
        let begins: Vec<String> = broken.map(|(name, _)| begin(name)).collect();
        for (name, row) in &mut self.rows {
            row.is_vouched_for |= begins.iter().any(|begin| name.starts_with(begin));
        }
    }

    /// What is wrong with records by themselves, and those for which nothing vouches.
    fn report_rows(&mut self) {
        let mut numbers: BTreeMap<RecordKind, usize> = BTreeMap::new();
        let mut found = Vec::new();
        for (name, row) in &self.rows {
            let number = numbers.entry(row.kind).or_default();
            *number = number.saturating_add(1);
            let fault = if row.is_vouched_for { row.fault } else { Some(Fault::Orphan) };
            if let Some(fault) = fault {
                let subject = self.labels.record(name, (row.kind.text(), *number));
                found.push(Finding { fault, subject });
            }
        }
        self.findings.extend(found);
    }
}

const fn is_member(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Peer | RecordKind::Group)
}
