// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions at rest: those of the peers that this process has written to or heard of last, as they
//! were saved (docs/storage.md, "Sessions at rest").
//!
//! They are a copy of rows, never more: one is used only if the store has the same rows at that
//! moment, to the last byte. So it does not matter whether the step that left it here was undone.

use std::collections::HashMap;

use super::sessions::LoadedPeer;

/// The peers whose sessions are kept; a session takes 1 to 10 kB.
const MAX_PEERS: usize = 1_024;

/// The sessions of some peers, by the names of the peers' records.
pub(super) struct Resting {
    peers: HashMap<String, (u64, Box<LoadedPeer>)>,
    /// How often something was put here.
    clock: u64,
}

impl Resting {
    /// No sessions.
    pub(super) fn none() -> Self {
        Self { peers: HashMap::new(), clock: 0 }
    }

    /// The sessions of a peer, which are not at rest from now on.
    pub(super) fn take(&mut self, name: &str) -> Option<Box<LoadedPeer>> {
        self.peers.remove(name).map(|(_, loaded)| loaded)
    }

    /// Keeps the sessions of a peer; those that were put here first of all give way.
    pub(super) fn put(&mut self, name: String, loaded: Box<LoadedPeer>) {
        if self.peers.len() >= MAX_PEERS {
            let times = self.peers.iter().map(|(name, (time, _))| (*time, name));
            if let Some(oldest) = times.min().map(|(_, name)| name.clone()) {
                self.peers.remove(&oldest);
            }
        }
        self.clock = self.clock.wrapping_add(1);
        self.peers.insert(name, (self.clock, loaded));
    }

    /// Forgets the peers whose records are others than `is_kept` says, by name and revision.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&str, u64) -> bool) {
        self.peers.retain(|name, (_, loaded)| is_kept(name, loaded.revision));
    }
}

impl core::fmt::Debug for Resting {
    /// How many there are.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Resting({} peers)", self.peers.len())
    }
}

#[cfg(test)]
mod tests;
