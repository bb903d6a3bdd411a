// SPDX-License-Identifier: MIT OR Apache-2.0
//! What peers, groups and records are called in a report that may be pasted in public
//! (docs/storage.md, "Doctor").

use std::collections::BTreeMap;

use crate::{
    DeviceId,
    account::{GroupId, names},
};

/// Whether a report shows names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Numbers stand in their place.
    Numbered,
    /// It shows them: it is for the owner alone.
    Named,
}

/// The labels of one report: the same peer has the same number everywhere in it.
#[derive(Debug)]
pub(super) struct Labels {
    naming: Naming,
    peers: BTreeMap<(String, DeviceId), usize>,
    groups: BTreeMap<GroupId, usize>,
    /// The labels of records that others vouch for.
    records: BTreeMap<String, String>,
}

impl Labels {
    pub(super) const fn new(naming: Naming) -> Self {
        Self { naming, peers: BTreeMap::new(), groups: BTreeMap::new(), records: BTreeMap::new() }
    }

    pub(super) fn peer(&mut self, (user, device): (&str, DeviceId)) -> String {
        if self.naming == Naming::Named {
            return format!("{user}.{}", device.get());
        }
        let next = self.peers.len().saturating_add(1);
        let number = self.peers.entry((user.to_owned(), device)).or_insert(next);
        format!("peer {number}")
    }

    pub(super) fn group(&mut self, id: &GroupId) -> String {
        if self.naming == Naming::Named {
            return names::hex(id);
        }
        let next = self.groups.len().saturating_add(1);
        let number = self.groups.entry(*id).or_insert(next);
        format!("group {number}")
    }

    /// Gives a record its label, unless names are shown: then it is called by its own.
    pub(super) fn name_record(&mut self, record: &str, label: String) {
        self.records.insert(record.to_owned(), label);
    }

    /// A record's label; `kind` and `number` make one where nobody gave any.
    pub(super) fn record(&self, record: &str, (kind, number): (&str, usize)) -> String {
        match (self.naming, self.records.get(record)) {
            (Naming::Named, _) => record.to_owned(),
            (Naming::Numbered, Some(label)) => label.clone(),
            (Naming::Numbered, None) => format!("{kind} {number}"),
        }
    }
}
