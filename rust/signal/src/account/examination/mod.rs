// SPDX-License-Identifier: MIT OR Apache-2.0
//! A look at a store that changes nothing and does not stop at the first fault (docs/storage.md,
//! "Doctor").
//!
//! Every record is opened, every session explained. What comes out holds no secret, and unless
//! names are asked for, peers, groups and records have numbers in place of their names.

mod fault;
mod labels;
mod peers;
mod rows;
mod state;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use e2ee_state::{Failure, Records, StoreError, StoreSecret, key};

pub use fault::{Fault, Finding, Severity};
pub use labels::Naming;
pub use rows::RecordKind;
pub use state::{
    ChainsState, GroupState, InboxState, OpenedSession, PeerState, Phase, Place, Sending,
    SessionState,
};

use crate::stock::StockState;

use rows::Row;
use walk::Walk;

/// What was seen of a store.
#[derive(Debug, Default)]
pub struct Examination {
    /// The records by kind.
    pub records: Vec<RecordCount>,
    /// The peers in the order of names.
    pub peers: Vec<PeerState>,
    /// The groups in the order of ids.
    pub groups: Vec<GroupState>,
    /// The prekeys, if their record opens.
    pub stock: Option<StockState>,
    /// The messages that wait.
    pub inbox: InboxState,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
}

/// The records of a kind.
#[derive(Debug)]
pub struct RecordCount {
    /// The kind.
    pub kind: RecordKind,
    /// How many there are.
    pub number: usize,
    /// Their sealed bytes together.
    pub bytes: usize,
    /// The sealed bytes of the one in the middle, by size.
    pub median: usize,
    /// The sealed bytes of the largest one.
    pub largest: usize,
    /// The versions of their formats, of those that open.
    pub versions: BTreeSet<u8>,
}

impl Examination {
    /// Looks at all records at `now_ms`, in milliseconds since the Unix epoch.
    ///
    /// A record that is listed and not given is a finding like others; a [`Failure`] means that the
    /// store gives nothing at all.
    pub fn of(
        secret: &StoreSecret,
        records: &mut dyn Records,
        now_ms: u64,
        naming: Naming,
    ) -> Result<Self, Failure> {
        let listed = records.list("")?;
        let opened = match records.get(key::RECORD_NAME)? {
            Some(stored) => match secret.open(&stored.sealed) {
                Ok(sealer) => Ok((sealer, stored.sealed)),
                Err(StoreError::WrongKey) => Err(Fault::WrongKey),
                Err(_) => Err(Fault::StoreRecord),
            },
            None if listed.is_empty() => Err(Fault::NoAccount),
            None => Err(Fault::StoreRecord),
        };
        match opened {
            Ok(opened) => Walk::new(opened, records, (now_ms, naming))?.through(listed),
            Err(fault) => Self::closed(listed, records, fault),
        }
    }

    /// What can be seen without the key: how many records there are, and how large.
    fn closed(
        listed: Vec<(String, u64)>,
        records: &mut dyn Records,
        fault: Fault,
    ) -> Result<Self, Failure> {
        let mut findings = vec![Finding { fault, subject: RecordKind::Store.text().to_owned() }];
        let mut rows = Vec::new();
        for (name, revision) in listed {
            if let Some(stored) = records.get(&name)? {
                rows.push(Row::closed(&name, revision, stored.sealed.len()));
            } else {
                let subject = RecordKind::of(&name).text().to_owned();
                findings.push(Finding { fault: Fault::Unreadable, subject });
            }
        }
        Ok(Self { records: counts(rows.iter()), findings, ..Self::default() })
    }
}

/// The records by kind, in the order of kinds.
fn counts<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<RecordCount> {
    let mut kinds: BTreeMap<RecordKind, (Vec<usize>, BTreeSet<u8>)> = BTreeMap::new();
    for row in rows {
        let (sizes, versions) = kinds.entry(row.kind).or_default();
        sizes.push(row.sealed_len);
        versions.extend(row.version);
    }
    let count = |(kind, (mut sizes, versions)): (RecordKind, (Vec<usize>, BTreeSet<u8>))| {
        sizes.sort_unstable();
        let middle = sizes.len().saturating_sub(1) / 2;
        RecordCount {
            kind,
            number: sizes.len(),
            bytes: sizes.iter().sum(),
            median: sizes.get(middle).copied().unwrap_or(0),
            largest: sizes.last().copied().unwrap_or(0),
            versions,
        }
    };
    kinds.into_iter().map(count).collect()
}

#[cfg(test)]
mod tests;
