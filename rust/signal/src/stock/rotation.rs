// SPDX-License-Identifier: MIT OR Apache-2.0
//! A key that serves many sessions and is replaced from time to time: the signed prekey and the
//! last-resort Kyber prekey (signal.md §3; X3DH §4.8, "Key compromise"; PQXDH §4.11).

use std::collections::VecDeque;

/// Age at which a key is replaced: two days, as the applications do.
pub const ROTATION_MS: u64 = 2 * DAY_MS;
/// How long a replaced key still opens first messages: as long as an initiator may send them
/// (signal.md §6.5).
pub const KEPT_MS: u64 = 30 * DAY_MS;
/// Replaced keys that are kept at most: twice what the two times above ask for.
pub const MAX_RETIRED: usize = 32;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// The key that is offered, and those before it.
#[derive(Debug)]
pub(super) struct Rotation<K> {
    pub(super) current: K,
    /// Since when it is offered, in milliseconds since the Unix epoch.
    pub(super) since_ms: u64,
    /// Newest first.
    pub(super) retired: VecDeque<Retired<K>>,
}

/// A key that was replaced.
#[derive(Debug)]
pub(super) struct Retired<K> {
    pub(super) key: K,
    /// When, in milliseconds since the Unix epoch.
    pub(super) retired_ms: u64,
}

impl<K> Rotation<K> {
    pub(super) const fn new(current: K, since_ms: u64) -> Self {
        Self { current, since_ms, retired: VecDeque::new() }
    }

    /// Whether the key is to be replaced; also if it seems to come from the future by as much, lest
    /// a clock that was wrong once stops the rotation.
    pub(super) const fn is_due(&self, now_ms: u64) -> bool {
        now_ms.abs_diff(self.since_ms) >= ROTATION_MS
    }

    /// Replaces the key.
    pub(super) fn rotate(&mut self, next: K, now_ms: u64) {
        let key = core::mem::replace(&mut self.current, next);
        self.retired.push_front(Retired { key, retired_ms: now_ms });
        self.since_ms = now_ms;
    }

    /// Deletes the keys that were replaced too long ago, and gives each to `gone`.
    pub(super) fn forget_expired(&mut self, now_ms: u64, mut gone: impl FnMut(&K)) {
        let mut position = 0_usize;
        self.retired.retain(|retired| {
            position = position.saturating_add(1);
            let kept = retired.opens(now_ms) && position <= MAX_RETIRED;
            if !kept {
                gone(&retired.key);
            }
            kept
        });
    }

    /// The keys that open first messages at this time.
    pub(super) fn open(&self, now_ms: u64) -> impl Iterator<Item = &K> {
        let retired = self.retired.iter().filter(move |retired| retired.opens(now_ms));
        core::iter::once(&self.current).chain(retired.map(|retired| &retired.key))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut K> {
        let retired = self.retired.iter_mut().map(|retired| &mut retired.key);
        core::iter::once(&mut self.current).chain(retired)
    }
}

impl<K> Retired<K> {
    const fn opens(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.retired_ms) <= KEPT_MS
    }
}
