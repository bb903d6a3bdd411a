// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ratchet of one sender of a group at a receiver that may go back: what was opened before can
//! be opened again, and shared with others from any index on.
//!
//! Here the state at an index is itself what the keys of its message come from, and the earliest
//! state leads to all later ones. So no seed is kept for late messages, as a [`Receiver`] keeps
//! them, and nothing here knows which messages were opened: whoever must tell a replay keeps that
//! (docs/architecture.md, "One ratchet, many dialects").
//!
//! [`Receiver`]: crate::Receiver

use e2ee_wire::Error;

/// A ratchet that hashes alone turn, whose state at an index is the seed of that message.
pub trait JumpRatchet: Sized {
    /// The index of the message whose keys come from this state.
    fn index(&self) -> u32;

    /// The state at `index`, which must not lie behind. What it costs must be bounded whatever the
    /// distance is.
    #[must_use]
    fn jump_to(&self, index: u32) -> Self;
}

/// A sender's ratchet at its receiver: the earliest state that is known, and the latest in use.
#[derive(Debug)]
pub struct Rewinder<R> {
    earliest: R,
    latest: R,
}

impl<R: JumpRatchet> Rewinder<R> {
    /// A receiver of all messages from `earliest` on.
    #[must_use]
    pub fn new(earliest: R) -> Self {
        let latest = earliest.jump_to(earliest.index());
        Self { earliest, latest }
    }

    /// A receiver as it was stored; [`Error::CorruptState`] if the latest lies before the earliest.
    ///
    /// That one leads to the other is not looked at: a state that was sealed by us.
    pub fn from_parts(earliest: R, latest: R) -> Result<Self, Error> {
        let ordered = earliest.index() <= latest.index();
        if ordered { Ok(Self { earliest, latest }) } else { Err(Error::CorruptState) }
    }

    /// The earliest state that is known.
    #[must_use]
    pub const fn earliest(&self) -> &R {
        &self.earliest
    }

    /// The latest state that a message came from: most messages are a step away from it.
    #[must_use]
    pub const fn latest(&self) -> &R {
        &self.latest
    }

    /// The state at `index`; [`Error::UnknownIndex`] if it lies before the earliest.
    pub fn at(&self, index: u32) -> Result<R, Error> {
        [&self.latest, &self.earliest]
            .into_iter()
            .find(|state| state.index() <= index)
            .map(|state| state.jump_to(index))
            .ok_or(Error::UnknownIndex)
    }

    /// Goes on from `state`, as [`Rewinder::at`] gave it, once its message has opened.
    pub fn reached(&mut self, state: R) {
        if state.index() > self.latest.index() {
            self.latest = state;
        }
    }

    /// Takes over an earlier state, which must lead to the earliest one.
    pub fn extend(&mut self, earlier: R) {
        if earlier.index() < self.earliest.index() {
            self.earliest = earlier;
        }
    }
}

#[cfg(test)]
mod tests {
    use e2ee_primitives::{Secret, hmac::HmacKey};

    use super::*;

    /// The simplest one: a hash for each index.
    struct Hashes(Secret<32>, u32);

    impl JumpRatchet for Hashes {
        fn index(&self) -> u32 {
            self.1
        }

        fn jump_to(&self, index: u32) -> Self {
            let key = (self.1..index)
                .fold(self.0.duplicate(), |key, _| HmacKey::new(key.expose()).derive(&[b"step"]));
            Self(key, index)
        }
    }

    fn start() -> Hashes {
        Hashes(Secret::new([7; 32]), 3)
    }

    fn open(rewinder: &mut Rewinder<Hashes>, index: u32) -> Result<[u8; 32], Error> {
        let state = rewinder.at(index)?;
        let seed = *state.0.expose();
        rewinder.reached(state);
        Ok(seed)
    }

    #[test]
    fn every_order_gives_the_states_of_the_sender_and_gives_them_again() {
        let mut rewinder = Rewinder::new(start());

        for index in [5, 3, 9, 4, 9, 9, 3] {
            assert_eq!(Ok(*start().jump_to(index).0.expose()), open(&mut rewinder, index));
        }

        assert_eq!((3, 9), (rewinder.earliest().index(), rewinder.latest().index()));
    }

    #[test]
    fn what_lies_before_the_earliest_is_unknown() {
        let mut rewinder = Rewinder::new(start());

        assert_eq!(Err(Error::UnknownIndex), open(&mut rewinder, 2));
        assert!(open(&mut rewinder, 3).is_ok());
    }

    #[test]
    fn a_state_that_is_dropped_has_changed_nothing() {
        let rewinder = Rewinder::new(start());

        drop(rewinder.at(40));

        assert_eq!(3, rewinder.latest().index());
    }

    #[test]
    fn only_an_earlier_state_extends() {
        let mut rewinder = Rewinder::new(start().jump_to(8));
        rewinder.extend(start().jump_to(9));
        assert_eq!(8, rewinder.earliest().index());

        rewinder.extend(start());

        assert_eq!(Ok(*start().jump_to(5).0.expose()), open(&mut rewinder, 5));
        assert_eq!((3, 8), (rewinder.earliest().index(), rewinder.latest().index()));
    }

    #[test]
    fn a_stored_latest_before_the_earliest_is_damage() {
        let refused = Rewinder::from_parts(start().jump_to(4), start());

        assert_eq!(Some(Error::CorruptState), refused.err());
        assert!(Rewinder::from_parts(start(), start()).is_ok());
    }
}
