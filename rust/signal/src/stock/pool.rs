// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys that serve one session each (signal.md §5.4, "Prekey rules").

use std::collections::VecDeque;

/// One-time keys of a kind that wait in bundles which this device gave away itself; the oldest
/// gives way.
pub const MAX_RESERVED: usize = 1_000;
/// One-time keys of a kind that wait at a server, or were fetched there and never used; the oldest
/// gives way.
pub const MAX_OFFERED: usize = 1_000;

/// The one-time keys of a kind, oldest first.
///
/// Those at a server stand apart: whoever fetches them all cannot drive out the others.
#[derive(Debug)]
pub(super) struct Pool<K> {
    pub(super) reserved: VecDeque<Numbered<K>>,
    pub(super) offered: VecDeque<Numbered<K>>,
}

/// A private key with its number.
#[derive(Debug)]
pub struct Numbered<K> {
    /// The number, unique on this device.
    pub id: u32,
    /// The key.
    pub key: K,
}

impl<K> Pool<K> {
    pub(super) const fn empty() -> Self {
        Self { reserved: VecDeque::new(), offered: VecDeque::new() }
    }

    pub(super) fn find(&self, id: u32) -> Option<&K> {
        let mut all = self.reserved.iter().chain(&self.offered);
        all.find(|numbered| numbered.id == id).map(|numbered| &numbered.key)
    }

    /// Deletes a key that was used.
    pub(super) fn remove(&mut self, id: u32) {
        self.reserved.retain(|numbered| numbered.id != id);
        self.offered.retain(|numbered| numbered.id != id);
    }

    /// Keeps a key of a bundle that is given away now.
    pub(super) fn reserve(&mut self, key: Numbered<K>) {
        self.reserved.push_back(key);
        let excess = self.reserved.len().saturating_sub(MAX_RESERVED);
        self.reserved.drain(..excess);
    }

    /// The key that has just ceased to be one of the `newest`, if it has.
    pub(super) fn behind(&mut self, newest: usize) -> Option<&mut K> {
        let place = self.reserved.len().checked_sub(newest.saturating_add(1))?;
        self.reserved.get_mut(place).map(|numbered| &mut numbered.key)
    }

    /// Keeps keys that go to a server now; the numbers of those that give way go to `gone`.
    pub(super) fn offer(&mut self, keys: Vec<Numbered<K>>, gone: &mut Vec<u32>) {
        self.offered.extend(keys);
        let excess = self.offered.len().saturating_sub(MAX_OFFERED);
        gone.extend(self.offered.drain(..excess).map(|numbered| numbered.id));
    }
}
