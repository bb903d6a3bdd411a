// SPDX-License-Identifier: MIT OR Apache-2.0
//! What peers, groups and records are called in a report that may be pasted in public
//! (docs/storage.md, "Doctor").

use std::collections::BTreeMap;

use crate::{names, protocol::Device};

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
pub struct Labels {
    naming: Naming,
    /// By the names of their records.
    peers: BTreeMap<String, usize>,
    groups: BTreeMap<String, usize>,
    /// The labels of records that others vouch for.
    records: BTreeMap<String, String>,
}

impl Labels {
    pub(super) const fn new(naming: Naming) -> Self {
        Self { naming, peers: BTreeMap::new(), groups: BTreeMap::new(), records: BTreeMap::new() }
    }

    /// What a peer is called.
    pub fn peer<D: Device>(&mut self, (user, device): (&str, &D)) -> String {
        if self.naming == Naming::Named {
            let mut name = format!("{user}.");
            device.push_name(&mut name);
            return name;
        }
        let next = self.peers.len().saturating_add(1);
        let number = self.peers.entry(names::peer(user, device)).or_insert(next);
        format!("peer {number}")
    }

    /// What the group of this name is called.
    pub fn group(&mut self, name: &str) -> String {
        if self.naming == Naming::Named {
            return name.to_owned();
        }
        let next = self.groups.len().saturating_add(1);
        let number = self.groups.entry(name.to_owned()).or_insert(next);
        format!("group {number}")
    }

    /// Whether names are shown.
    #[must_use]
    pub fn are_names(&self) -> bool {
        self.naming == Naming::Named
    }

    /// Gives a record its label, unless names are shown: then it is called by its own.
    pub fn name_record(&mut self, record: &str, label: String) {
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
