// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way through a store: its records, what vouches for them, then what they say together
//! (docs/storage.md, "Doctor" and "What vouches for what").

use std::collections::BTreeMap;

use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, StoreError, digest::SetDigest};

use crate::{generation::Generation, index::Index, ledger::DAY_MS, names, protocol::Protocol};

use super::{
    Examination, Examiner, Fault, Finding, InboxState, counts,
    labels::{Labels, Naming},
    rows::{RecordKind, Row},
};

/// Days after which a message has waited for long.
const WAITING_DAYS: u64 = 7;

/// What is known on the way.
pub struct Walk<'a, E: Examiner> {
    /// What the protocol knows: nothing is checked against a root record.
    pub examiner: E,
    /// The store.
    pub records: &'a mut dyn Records,
    /// The time, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// What is called how.
    pub labels: Labels,
    rows: BTreeMap<String, Row>,
    findings: Vec<Finding>,
}

impl<'a, E: Examiner> Walk<'a, E> {
    pub(super) fn new(
        examiner: E,
        records: &'a mut dyn Records,
        (now_ms, naming): (u64, Naming),
    ) -> Self {
        let (rows, labels) = (BTreeMap::new(), Labels::new(naming));
        Self { examiner, records, now_ms, labels, rows, findings: Vec::new() }
    }

    /// Looks at the records of these names.
    pub(super) fn through(
        mut self,
        listed: Vec<(String, u64)>,
    ) -> Result<Examination<E::Stock>, Failure> {
        for (name, revision) in listed {
            let sealer = self.examiner.vault().sealer();
            let row = Row::read::<E>(&name, revision, (sealer, &mut *self.records))?;
            self.rows.insert(name, row);
        }
        if self.vouch(names::IDENTITY, RecordKind::Identity.text().to_owned())
            && let Some(identity) = self.open(names::IDENTITY)
        {
            self.examiner.take_identity(identity.expose());
        }
        self.check_root()?;
        let prekeys = self.open(names::PREKEYS);
        let stock = E::stock(&mut self, prekeys.as_ref().map(SecretBytes::expose));
        let peers = self.peers();
        let groups = E::groups(&mut self);
        let inbox = self.inbox();
        self.spare_dependents();
        self.report_rows();
        self.findings.sort_by_key(|finding| finding.fault.severity());
        let records = counts(self.rows.values());
        Ok(Examination { records, peers, groups, stock, inbox, findings: self.findings })
    }

    /// Notes a fault of a record, peer or group.
    pub fn find(&mut self, fault: Fault, subject: &str) {
        self.findings.push(Finding { fault, subject: subject.to_owned() });
    }

    /// Notes that another record says that this one is there, and whether it is and is whole.
    pub fn vouch(&mut self, name: &str, label: String) -> bool {
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
    #[must_use]
    pub fn whole(&self, kind: RecordKind) -> Vec<String> {
        let rows = self.rows.iter();
        let whole = rows.filter(|(_, row)| row.kind == kind && row.fault.is_none());
        whole.map(|(name, _)| name.clone()).collect()
    }

    /// The content of a record, if it opens.
    pub fn open(&mut self, name: &str) -> Option<SecretBytes> {
        let stored = self.records.get(name).ok().flatten()?;
        self.examiner.vault().sealer().open(name, stored.revision, &stored.sealed).ok()
    }

    /// Vouches for all records whose names begin so; whether they are whole.
    pub fn vouch_all(&mut self, begin: &str, label: &str) -> bool {
        let names = self.rows.range(begin.to_owned()..).map(|(name, _)| name.clone());
        let names: Vec<String> = names.take_while(|name| name.starts_with(begin)).collect();
        let whole = names.iter().filter(|name| self.vouch(name, format!("a part of {label}")));
        whole.count() == names.len()
    }

    /// Holds the root record against the prekeys and the members.
    fn check_root(&mut self) -> Result<(), Failure> {
        let members = self.rows.iter().filter(|(name, _)| is_member::<E>(name));
        let members = members.map(|(name, row)| (name.clone(), row.revision)).collect();
        self.examiner.vault().take_members(members);
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
        let store_id = self.examiner.vault().sealer().store_id();
        match generation.compare(store_id, anchor, server) {
            Ok(_) => {}
            Err(StoreError::OffAnchor) => self.find(Fault::OffAnchor, label),
            Err(StoreError::WrongAnchor) => self.find(Fault::WrongAnchor, label),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn check_members(&mut self, index: &Index) {
        let vault = &*self.examiner.vault();
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
        let rows = self.rows.iter();
        let broken = rows.filter(|(name, row)| is_member::<E>(name) && row.fault.is_some());
        let begin = |(name, _): (&String, &Row)| match name.strip_prefix(names::PEER_PREFIX) {
            Some(peer) => Some(format!("session/{peer}/")),
            None => E::dependents_of(name),
        };
        let begins: Vec<String> = broken.filter_map(begin).collect();
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

/// Whether the root record vouches for the record of this name.
fn is_member<E: Examiner>(name: &str) -> bool {
    E::Protocol::MEMBERS.iter().any(|prefix| name.starts_with(prefix))
}
