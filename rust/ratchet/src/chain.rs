// SPDX-License-Identifier: MIT OR Apache-2.0
//! A symmetric-key ratchet: one seed per message (Double Ratchet §2.2 and §5.2; signal.md §6.1).

use e2ee_primitives::{Secret, hmac::HmacKey};
use e2ee_wire::Error;

use crate::Budget;

/// The key of a chain and the index of the message whose seed comes next.
#[derive(Debug)]
pub struct Chain {
    key: Secret<32>,
    index: u32,
}

impl Chain {
    /// A chain whose next seed is for message `index`.
    #[must_use]
    pub const fn new(key: Secret<32>, index: u32) -> Self {
        Self { key, index }
    }

    /// The index of the message whose seed comes next.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// The chain key, for the stored record.
    #[must_use]
    pub const fn key(&self) -> &Secret<32> {
        &self.key
    }

    /// One symmetric step: the seed of this message and the chain of the next.
    ///
    /// Double Ratchet §5.2, `KDF_CK`: HMAC-SHA-256 keyed by the chain key, of 0x01 for the seed
    /// and of 0x02 for the next chain key. [`Error::Exhausted`] after index 2³² − 2.
    pub fn step(&self) -> Result<(Secret<32>, Self), Error> {
        let index = self.index.checked_add(1).ok_or(Error::Exhausted)?;
        let key = HmacKey::new(self.key.expose());
        Ok((key.derive(&[&[0x01]]), Self { key: key.derive(&[&[0x02]]), index }))
    }

    /// Steps to message `index`, which must not lie behind.
    ///
    /// The seeds passed over are kept, at most the newest `keep` of them.
    pub fn advance_to(
        &self,
        index: u32,
        keep: usize,
        budget: &mut Budget,
    ) -> Result<Advance, Error> {
        let jump = index.checked_sub(self.index).ok_or(Error::Duplicate)?;
        budget.spend(jump.saturating_add(1))?;
        let forgotten = jump.saturating_sub(u32::try_from(keep).unwrap_or(u32::MAX));
        // Of one size from the start: a list that grows leaves copies of its seeds behind.
        let kept = usize::try_from(jump.saturating_sub(forgotten)).unwrap_or(keep);
        let mut skipped = Vec::with_capacity(kept);
        let (mut seed, mut next) = self.step()?;
        for passed in 0..jump {
            if passed >= forgotten {
                skipped.push((next.index.saturating_sub(1), seed));
            }
            (seed, next) = next.step()?;
        }
        Ok(Advance { seed, skipped, next })
    }
}

/// What [`Chain::advance_to`] derived, or another ratchet of hashes.
#[derive(Debug)]
pub struct Advance<R = Chain> {
    /// The seed of the message that was asked for.
    pub seed: Secret<32>,
    /// Index and seed of messages passed over, ascending.
    pub skipped: Vec<(u32, Secret<32>)>,
    /// The ratchet behind the message.
    pub next: R,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(index: u32) -> Chain {
        Chain::new(Secret::new([7; 32]), index)
    }

    #[test]
    fn advancing_equals_stepping_one_by_one() {
        let (first, next) = chain(0).step().unwrap();
        let (second, next) = next.step().unwrap();
        let (third, _) = next.step().unwrap();

        let advance = chain(0).advance_to(2, 2_000, &mut Budget::new(3)).unwrap();

        assert!(advance.seed.ct_eq(&third));
        assert_eq!(vec![0, 1], advance.skipped.iter().map(|(index, _)| *index).collect::<Vec<_>>());
        assert!(advance.skipped[0].1.ct_eq(&first));
        assert!(advance.skipped[1].1.ct_eq(&second));
        assert_eq!(3, advance.next.index());
    }

    #[test]
    fn only_the_newest_passed_seeds_are_kept() {
        let advance = chain(0).advance_to(5, 2, &mut Budget::new(6)).unwrap();

        assert_eq!(vec![3, 4], advance.skipped.iter().map(|(index, _)| *index).collect::<Vec<_>>());
    }

    #[test]
    fn a_spent_budget_ends_the_work_before_it_begins() {
        assert_eq!(Some(Error::TooFarAhead), chain(0).advance_to(5, 2, &mut Budget::new(5)).err());
    }

    #[test]
    fn the_last_index_is_not_used() {
        assert!(chain(u32::MAX - 1).step().is_ok());
        assert_eq!(Some(Error::Exhausted), chain(u32::MAX).step().err());
    }
}
