// SPDX-License-Identifier: MIT OR Apache-2.0
//! A look at a store that changes nothing and does not stop at the first fault (docs/storage.md,
//! "Doctor").
//!
//! Every record is opened, every session explained. What comes out holds no secret, and unless
//! names are asked for, peers, groups and records have numbers in place of their names. What only
//! one protocol knows of its records, its [`Examiner`] says.

mod examiner;
mod fault;
mod labels;
mod peers;
mod rows;
mod state;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, Sealer, StoreError, StoreSecret, key};
use e2ee_wire::Error;

use crate::vault::Vault;

pub use examiner::Examiner;
pub use fault::{Fault, Finding, Severity};
pub use labels::{Labels, Naming};
pub use rows::RecordKind;
pub use state::{
    ChainsState, GroupState, InboxState, OpenedSession, PeerState, Phase, Place, Sending,
    SessionState,
};
pub use walk::Walk;

use rows::Row;

/// What was seen of a store, with what only its protocol has.
#[derive(Debug)]
pub struct Examination<S> {
    /// The records by kind.
    pub records: Vec<RecordCount>,
    /// The peers in the order of names.
    pub peers: Vec<PeerState>,
    /// The groups in the order of ids.
    pub groups: Vec<GroupState>,
    /// What only its protocol has: the prekeys, if their record opens.
    pub stock: Option<S>,
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

/// A store whose records are listed, and opened as far as its key does that.
#[derive(Debug)]
pub struct Look {
    listed: Vec<(String, u64)>,
    /// What opens them, or why nothing does.
    opened: Result<(Sealer, Vec<u8>), Fault>,
}

impl Look {
    /// Lists the records. A [`Failure`] means that the store gives nothing at all.
    pub fn at(secret: &StoreSecret, records: &mut dyn Records) -> Result<Self, Failure> {
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
        Ok(Self { listed, opened })
    }

    /// The content of a record, if it opens.
    pub fn content(&self, name: &str, records: &mut dyn Records) -> Option<SecretBytes> {
        let (sealer, _) = self.opened.as_ref().ok()?;
        let stored = records.get(name).ok().flatten()?;
        sealer.open(name, stored.revision, &stored.sealed).ok()
    }

    /// Whether the name of a record begins so.
    #[must_use]
    pub fn has_any(&self, begin: &str) -> bool {
        self.listed.iter().any(|(name, _)| name.starts_with(begin))
    }

    /// Looks at all records at a time in milliseconds since the Unix epoch, with the examiner that
    /// `examiner` makes of what opens them.
    ///
    /// A record that is listed and not given is a finding like others.
    pub fn through<E: Examiner>(
        self,
        examiner: impl FnOnce(Vault<E::Protocol>) -> Result<E, Error>,
        records: &mut dyn Records,
        at: (u64, Naming),
    ) -> Result<Examination<E::Stock>, Failure> {
        match self.opened {
            Ok(opened) => {
                Walk::new(examiner(Vault::new(opened))?, records, at).through(self.listed)
            }
            Err(fault) => closed::<E>(self.listed, records, fault),
        }
    }
}

/// What can be seen without the key: how many records there are, and how large.
fn closed<E: Examiner>(
    listed: Vec<(String, u64)>,
    records: &mut dyn Records,
    fault: Fault,
) -> Result<Examination<E::Stock>, Failure> {
    let mut findings = vec![Finding { fault, subject: RecordKind::Store.text().to_owned() }];
    let mut rows = Vec::new();
    for (name, revision) in listed {
        let kind = RecordKind::of::<E>(&name);
        if let Some(stored) = records.get(&name)? {
            rows.push(Row::closed(kind, revision, stored.sealed.len()));
        } else {
            findings.push(Finding { fault: Fault::Unreadable, subject: kind.text().to_owned() });
        }
    }
    Ok(Examination {
        records: counts(rows.iter()),
        peers: Vec::new(),
        groups: Vec::new(),
        stock: None,
        inbox: InboxState::default(),
        findings,
    })
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
