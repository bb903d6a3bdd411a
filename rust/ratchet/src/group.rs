// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ratchet of one sender of a group, as its receivers follow it: one seed per message, derived
//! by hashing alone, which is given once (signal.md §9). A receiver that may open a message again is
//! a [`Rewinder`](crate::Rewinder).
//!
//! The engine knows how to step, what a message may cost, and which seeds were used; a
//! [`HashRatchet`] says how the hashes go. Nothing heals in it: who learns a ratchet reads all
//! that follows, until the sender makes a new one.

use e2ee_primitives::Secret;
use e2ee_wire::Error;

use crate::{
    Budget, Chain,
    chain::Advance,
    skipped::{MAX_SKIPPED_SEEDS, Skipped},
};

/// A ratchet that hashes alone turn.
pub trait HashRatchet: Sized {
    /// The index of the message whose seed comes next.
    fn index(&self) -> u32;

    /// Steps to message `index`, which must not lie behind, and at most as far as `budget` reaches.
    ///
    /// The seeds passed over are kept, at most the newest `keep` of them.
    fn advance_to(
        &self,
        index: u32,
        keep: usize,
        budget: &mut Budget,
    ) -> Result<Advance<Self>, Error>;
}

impl HashRatchet for Chain {
    fn index(&self) -> u32 {
        self.index()
    }

    fn advance_to(&self, index: u32, keep: usize, budget: &mut Budget) -> Result<Advance, Error> {
        self.advance_to(index, keep, budget)
    }
}

/// A sender's ratchet at its receiver: where it stands, and the seeds of messages not yet seen.
#[derive(Debug)]
pub struct Receiver<R> {
    ratchet: R,
    skipped: Skipped,
    skipped_generation: u64,
}

/// What the ratchet becomes if the message opens.
#[derive(Debug)]
pub struct GroupPlan<R> {
    seed: Secret<32>,
    step: Step<R>,
}

#[derive(Debug)]
enum Step<R> {
    /// A late message: its seed is taken from the skipped ones.
    Late { position: usize },
    /// A message at or ahead of the place where the ratchet stands.
    Ahead { next: R, skipped: Vec<(u32, Secret<32>)> },
}

impl<R: HashRatchet> Receiver<R> {
    /// A receiver of all messages from where `ratchet` stands.
    #[must_use]
    pub const fn new(ratchet: R) -> Self {
        Self::from_parts(ratchet, Skipped::none())
    }

    /// A receiver as it was stored.
    #[must_use]
    pub const fn from_parts(ratchet: R, skipped: Skipped) -> Self {
        Self { ratchet, skipped, skipped_generation: 0 }
    }

    /// The ratchet, for the stored record.
    #[must_use]
    pub const fn ratchet(&self) -> &R {
        &self.ratchet
    }

    /// The seeds of late messages, for the stored record.
    #[must_use]
    pub const fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// Changes whenever the stored form of the skipped seeds would.
    #[must_use]
    pub const fn skipped_generation(&self) -> u64 {
        self.skipped_generation
    }

    /// Derives the seed of message `index`, and what the ratchet would become.
    ///
    /// [`Error::Duplicate`] if the seed was used or forgotten, [`Error::TooFarAhead`] if the
    /// message lies beyond `budget`, which is thus the limit of a jump.
    pub fn plan(&self, index: u32, budget: &mut Budget) -> Result<GroupPlan<R>, Error> {
        if index < self.ratchet.index() {
            let (position, seed) = self.skipped.find(index).ok_or(Error::Duplicate)?;
            return Ok(GroupPlan { seed: seed.duplicate(), step: Step::Late { position } });
        }
        let Advance { seed, skipped, next } =
            self.ratchet.advance_to(index, MAX_SKIPPED_SEEDS, budget)?;
        Ok(GroupPlan { seed, step: Step::Ahead { next, skipped } })
    }

    /// Makes the ratchet what `plan` says; the message must have opened.
    pub fn commit(&mut self, plan: GroupPlan<R>) {
        let changed = match plan.step {
            Step::Late { position } => {
                self.skipped.remove(position);
                true
            }
            Step::Ahead { next, skipped } => {
                self.ratchet = next;
                let changed = !skipped.is_empty();
                self.skipped.extend(skipped);
                changed
            }
        };
        self.skipped_generation = self.skipped_generation.wrapping_add(u64::from(changed));
    }
}

impl<R> GroupPlan<R> {
    /// What the keys of the message are derived from.
    #[must_use]
    pub const fn seed(&self) -> &Secret<32> {
        &self.seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUMP: u32 = 25_000;

    fn receiver() -> Receiver<Chain> {
        Receiver::new(Chain::new(Secret::new([7; 32]), 0))
    }

    fn budget() -> Budget {
        Budget::new(JUMP + 1)
    }

    fn open(receiver: &mut Receiver<Chain>, index: u32) -> Result<[u8; 32], Error> {
        let plan = receiver.plan(index, &mut budget())?;
        let seed = *plan.seed().expose();
        receiver.commit(plan);
        Ok(seed)
    }

    #[test]
    fn late_messages_have_the_seeds_that_they_had_in_order() {
        let mut in_order = receiver();
        let expected: Vec<_> = (0..5).map(|index| open(&mut in_order, index).unwrap()).collect();
        let mut receiver = receiver();

        for index in [3, 0, 4, 2, 1] {
            let seed = open(&mut receiver, index).unwrap();
            assert_eq!(expected[usize::try_from(index).unwrap()], seed);
        }

        assert!(receiver.skipped().is_empty());
    }

    #[test]
    fn every_seed_is_given_once() {
        let mut receiver = receiver();
        for index in [2, 0, 1] {
            open(&mut receiver, index).unwrap();
        }

        for index in 0..3 {
            assert_eq!(Err(Error::Duplicate), open(&mut receiver, index));
        }
    }

    #[test]
    fn a_plan_that_is_dropped_has_changed_nothing() {
        let mut receiver = receiver();

        drop(receiver.plan(9, &mut budget()).unwrap());

        assert_eq!((0, 0, 0), (receiver.ratchet().index(), receiver.skipped().len(), 0));
        assert!(open(&mut receiver, 0).is_ok());
    }

    #[test]
    fn the_budget_is_the_limit_of_a_jump() {
        assert!(open(&mut receiver(), JUMP - 1).is_ok());
        assert!(open(&mut receiver(), JUMP).is_ok());
        assert_eq!(Err(Error::TooFarAhead), open(&mut receiver(), JUMP + 1));
    }

    #[test]
    fn only_the_newest_skipped_seeds_are_kept() {
        let mut receiver = receiver();
        open(&mut receiver, JUMP).unwrap();

        assert_eq!(Err(Error::Duplicate), open(&mut receiver, JUMP - 2_001));
        assert!(open(&mut receiver, JUMP - 2_000).is_ok());
        assert!(open(&mut receiver, JUMP - 1_999).is_ok());
    }

    #[test]
    fn the_generation_changes_with_the_skipped_seeds_alone() {
        let mut receiver = receiver();
        open(&mut receiver, 0).unwrap();
        assert_eq!(0, receiver.skipped_generation());

        open(&mut receiver, 2).unwrap();
        assert_eq!(1, receiver.skipped_generation());
        open(&mut receiver, 1).unwrap();
        assert_eq!(2, receiver.skipped_generation());
    }
}
