// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one envelope may cost before it has authenticated (docs/threats.md, "Work").
//!
//! An attacker chooses the indices of a forged message; each step up to them is a hash. One
//! budget serves a whole envelope, over every session that is tried for it.

use e2ee_wire::Error;

/// Hash-ratchet steps that are left for the envelope at hand.
#[derive(Debug)]
pub struct Budget {
    steps: u32,
}

impl Budget {
    /// A budget of `steps` hash-ratchet steps.
    #[must_use]
    pub const fn new(steps: u32) -> Self {
        Self { steps }
    }

    /// Takes `steps` from what is left; [`Error::TooFarAhead`] if that is less.
    pub fn spend(&mut self, steps: u32) -> Result<(), Error> {
        self.steps = self.steps.checked_sub(steps).ok_or(Error::TooFarAhead)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_ends_exactly_at_its_size() {
        let mut budget = Budget::new(3);

        assert_eq!(Ok(()), budget.spend(2));
        assert_eq!(Err(Error::TooFarAhead), budget.spend(2));
        assert_eq!(Ok(()), budget.spend(1));
    }
}
