// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions at rest: those of the peers that this process has written to or heard of last, as they
//! were saved (docs/storage.md, "Sessions at rest").
//!
//! They are a copy of rows, never more: one is used only if the store has the same rows at that
//! moment, to the last byte. So it does not matter whether the step that left it here was undone.

use std::collections::HashMap;

/// The peers whose sessions are kept; a session takes 1 to 10 kB.
const MAX_PEERS: usize = 1_024;

/// The sessions of some peers, by the names of the peers' records.
pub struct Resting<T> {
    peers: HashMap<String, Rested<T>>,
    /// How often something was put here.
    clock: u64,
}

/// The sessions of a peer.
struct Rested<T> {
    /// When they were put here.
    time: u64,
    /// The revision of the peer's record.
    revision: u64,
    sessions: T,
}

impl<T> Resting<T> {
    /// No sessions.
    #[must_use]
    pub fn none() -> Self {
        Self { peers: HashMap::new(), clock: 0 }
    }

    /// The sessions of a peer, which are not at rest from now on.
    pub fn take(&mut self, name: &str) -> Option<T> {
        self.peers.remove(name).map(|rested| rested.sessions)
    }

    /// Keeps the sessions of a peer, whose record stands under `revision`; those that were put here
    /// first of all give way.
    pub fn put(&mut self, name: String, revision: u64, sessions: T) {
        if self.peers.len() >= MAX_PEERS {
            let times = self.peers.iter().map(|(name, rested)| (rested.time, name));
            if let Some(oldest) = times.min().map(|(_, name)| name.clone()) {
                self.peers.remove(&oldest);
            }
        }
        self.clock = self.clock.wrapping_add(1);
        self.peers.insert(name, Rested { time: self.clock, revision, sessions });
    }

    /// Forgets the peers whose records are others than `is_kept` says, by name and revision.
    pub fn retain(&mut self, is_kept: impl Fn(&str, u64) -> bool) {
        self.peers.retain(|name, rested| is_kept(name, rested.revision));
    }
}

impl<T> core::fmt::Debug for Resting<T> {
    /// How many there are.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Resting({} peers)", self.peers.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_peers_rest_as_there_is_room_for() {
        let mut resting = Resting::none();
        for number in 0..MAX_PEERS + 6 {
            resting.put(format!("peer/{number}/1"), 1, number);
        }

        assert_eq!(format!("Resting({MAX_PEERS} peers)"), format!("{resting:?}"));
        assert_eq!(None, resting.take("peer/5/1"));
        assert_eq!(Some(6), resting.take("peer/6/1"));
    }
}
