// SPDX-License-Identifier: MIT OR Apache-2.0
//! One receiving chain and the keys of messages that have not arrived (spqr.md §9.4).

use e2ee_primitives::Secret;
use e2ee_ratchet::{
    Budget,
    skipped::{MAX_SKIPPED_SEEDS, Skipped},
};
use e2ee_wire::{Error, record::RecordReader};

use super::{MAX_SKIPPED_KEYS, chain::step};

/// A chain key, the index of the newest key taken from it, and the keys passed over.
#[derive(Debug)]
pub(super) struct Receiving {
    key: Secret<32>,
    index: u32,
    /// Only keys within the window, so never more than [`MAX_SKIPPED_KEYS`].
    skipped: Skipped,
}

impl Receiving {
    /// A chain from which no key has been taken.
    pub(super) const fn new(key: Secret<32>) -> Self {
        Self { key, index: 0, skipped: Skipped::none() }
    }

    /// Finds or derives the key number `index`; nothing changes.
    pub(super) fn plan(
        &self,
        index: u32,
        max_jump: u32,
        budget: &mut Budget,
    ) -> Result<Advance, Error> {
        let Some(jump) = index.checked_sub(self.index).filter(|&jump| jump > 0) else {
            return self.plan_late(index);
        };
        if jump > max_jump {
            return Err(Error::TooFarAhead);
        }
        budget.spend(jump)?;
        // Of one size from the start: a list that grows leaves copies of its keys behind.
        let mut skipped = Vec::with_capacity(
            MAX_SKIPPED_SEEDS.min(usize::try_from(jump - 1).unwrap_or(MAX_SKIPPED_SEEDS)),
        );
        let (mut chain, mut key) = step(&self.key, self.index.saturating_add(1));
        for passed in self.index.saturating_add(1)..index {
            if passed >= window_start(index) {
                skipped.push((passed, key));
            }
            (chain, key) = step(&chain, passed.saturating_add(1));
        }
        Ok(Advance::Ahead { base: self.index, index, chain, skipped, key })
    }

    fn plan_late(&self, index: u32) -> Result<Advance, Error> {
        if index < window_start(self.index) {
            return Err(Error::Malformed);
        }
        let (_, key) = self.skipped.find(index).ok_or(Error::Duplicate)?;
        Ok(Advance::Late { index, key: key.duplicate() })
    }

    /// Whether nothing has happened to the chain that a plan did not know.
    pub(super) fn check(&self, plan: &Advance) -> Result<(), Error> {
        let fits = match plan {
            Advance::Ahead { base, .. } => *base == self.index,
            Advance::Late { index, .. } => self.skipped.find(*index).is_some(),
        };
        if fits { Ok(()) } else { Err(Error::Duplicate) }
    }

    /// Carries out a plan; returns whether the keys passed over have changed.
    pub(super) fn commit(&mut self, plan: Advance) -> bool {
        match plan {
            Advance::Ahead { index, chain, skipped, .. } => {
                let forgotten = self.forget(window_start(self.index)..window_start(index));
                let changed = forgotten || !skipped.is_empty();
                self.skipped.extend(skipped);
                self.key = chain;
                self.index = index;
                changed
            }
            Advance::Late { index, .. } => self.forget(index..index.saturating_add(1)),
        }
    }

    /// Wipes all keys passed over.
    pub(super) fn forget_all(&mut self) {
        self.skipped = Skipped::none();
    }

    /// Wipes the keys with these indices; returns whether there were any.
    fn forget(&mut self, indices: core::ops::Range<u32>) -> bool {
        let before = self.skipped.len();
        // No key has an index above that of the newest key taken.
        for index in indices.start..indices.end.min(self.index) {
            if self.skipped.is_empty() {
                break;
            }
            if let Some((position, _)) = self.skipped.find(index) {
                self.skipped.remove(position);
            }
        }
        self.skipped.len() != before
    }

    /// Appends chain key and index.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.key.expose());
        out.extend_from_slice(&self.index.to_be_bytes());
    }

    /// Appends the keys passed over.
    pub(super) fn encode_skipped(&self, out: &mut Vec<u8>) {
        self.skipped.encode(out);
    }

    /// Whether keys passed over are kept.
    pub(super) fn has_skipped(&self) -> bool {
        !self.skipped.is_empty()
    }

    /// Reads both parts; no key was passed over if theirs is absent.
    pub(super) fn decode(
        head: &mut RecordReader<'_>,
        skipped: Option<&mut RecordReader<'_>>,
    ) -> Result<Self, Error> {
        let key = Secret::new(*head.array()?);
        let index = head.u32()?;
        let skipped =
            skipped.map_or(Ok(Skipped::none()), |skipped| Skipped::decode(skipped, index))?;
        let kept = (window_start(index)..index).rev().filter(|&i| skipped.find(i).is_some());
        if kept.take(skipped.len()).count() != skipped.len() {
            return Err(Error::CorruptState);
        }
        Ok(Self { key, index, skipped })
    }
}

/// The steps to one message's key.
#[derive(Debug)]
pub(super) enum Advance {
    /// Ahead of the chain: its state behind the message, and the keys passed over.
    Ahead {
        base: u32,
        index: u32,
        chain: Secret<32>,
        skipped: Vec<(u32, Secret<32>)>,
        key: Secret<32>,
    },
    /// Passed over before: a copy of the kept key, which the commit wipes.
    Late { index: u32, key: Secret<32> },
}

impl Advance {
    pub(super) const fn key(&self) -> &Secret<32> {
        match self {
            Self::Ahead { key, .. } | Self::Late { key, .. } => key,
        }
    }
}

/// The lowest index whose key is kept once the newest key taken has this index; never 0.
fn window_start(newest: u32) -> u32 {
    newest.saturating_sub(MAX_SKIPPED_KEYS).max(1)
}

const _: () = assert!(MAX_SKIPPED_SEEDS == 2_000 && MAX_SKIPPED_KEYS == 2_000, "one window");
