// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening messages: plan, verify, commit (Double Ratchet §3.5 and §4.2; signal.md §6.6).
//!
//! A plan holds the next state as new values; a message that does not verify drops it, and the
//! ratchet has not changed.

use e2ee_primitives::{Secret, secret::SecretBytes};
use e2ee_wire::Error;

use crate::{
    Budget, Chain, Dialect, DoubleRatchet, Header,
    chain::Advance,
    double::{ReceivingChain, Turn, message_keys, turn_root},
    skipped::{MAX_SKIPPED_SEEDS, Skipped},
};

/// Hash steps that an X25519 agreement is worth in a [`Budget`]: about 25 µs against 0.25 µs.
const AGREEMENT_STEPS: u32 = 100;

/// The parts of a received frame, borrowed from the bytes as they came.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Everything under the tag that was sent: the frame without its tag.
    pub authenticated: &'a [u8],
    /// The AES-256-CBC body.
    pub body: &'a [u8],
    /// The truncated tag.
    pub tag: &'a [u8],
}

/// What the ratchet becomes if the message verifies.
#[derive(Debug)]
pub struct ReceivePlan {
    seed: Secret<32>,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// A late message: its seed is taken from the skipped ones.
    Late { chain: usize, position: usize },
    /// A message at or ahead of the place where a known chain stands.
    Ahead { chain: usize, next: Chain, skipped: Vec<(u32, Secret<32>)> },
    /// The first message under a new ratchet key of the peer.
    Turned { root: Secret<32>, previous_length: u32, chain: ReceivingChain },
}

impl<D: Dialect> DoubleRatchet<D> {
    /// Derives the seed of the message under `header`, and what the ratchet would become.
    ///
    /// [`Error::Duplicate`] if its seed was used or forgotten, [`Error::TooFarAhead`] if it lies
    /// beyond the limit of a jump or of `budget`, [`Error::Forged`] if the peer cannot have made
    /// such a header.
    pub fn plan(&self, header: &Header, budget: &mut Budget) -> Result<ReceivePlan, Error> {
        let known = self.receiving.iter().enumerate();
        let mut known = known.filter(|(_, chain)| chain.their_key == header.ratchet_key);
        match known.next() {
            Some((position, chain)) if header.index < chain.chain.index() => {
                let (seed_position, seed) =
                    chain.skipped.find(header.index).ok_or(Error::Duplicate)?;
                let step = Step::Late { chain: position, position: seed_position };
                Ok(ReceivePlan { seed: seed.duplicate(), step })
            }
            Some((position, chain)) => {
                let Advance { seed, skipped, next } =
                    self.advance(&chain.chain, header.index, budget)?;
                Ok(ReceivePlan { seed, step: Step::Ahead { chain: position, next, skipped } })
            }
            None => self.plan_turn(header, budget),
        }
    }

    /// Whether the message under `header` was opened before, or its seed forgotten: known without
    /// any work.
    #[must_use]
    pub fn is_spent(&self, header: &Header) -> bool {
        self.receiving.iter().any(|known| {
            known.their_key == header.ratchet_key
                && header.index < known.chain.index()
                && known.skipped.find(header.index).is_none()
        })
    }

    fn plan_turn(&self, header: &Header, budget: &mut Budget) -> Result<ReceivePlan, Error> {
        let Turn::Ours { root, sending } = &self.turn else {
            return Err(Error::Forged);
        };
        self.within_jump(header.index)?;
        budget.spend(AGREEMENT_STEPS)?;
        let (root, first) = turn_root::<D>(root, &sending.key, &header.ratchet_key)?;
        let Advance { seed, skipped, next } = self.advance(&first, header.index, budget)?;
        let mut kept = Skipped::none();
        kept.extend(skipped);
        let chain = ReceivingChain { their_key: header.ratchet_key, chain: next, skipped: kept };
        let previous_length = sending.chain.index();
        Ok(ReceivePlan { seed, step: Step::Turned { root, previous_length, chain } })
    }

    fn advance(&self, chain: &Chain, index: u32, budget: &mut Budget) -> Result<Advance, Error> {
        self.within_jump(index.saturating_sub(chain.index()))?;
        chain.advance_to(index, MAX_SKIPPED_SEEDS, budget)
    }

    fn within_jump(&self, jump: u32) -> Result<(), Error> {
        if jump > self.max_jump { Err(Error::TooFarAhead) } else { Ok(()) }
    }

    /// Makes the ratchet what `plan` says; the message must have verified.
    pub fn commit(&mut self, plan: ReceivePlan) {
        match plan.step {
            Step::Late { chain, position } => {
                if let Some(chain) = self.receiving.get_mut(chain) {
                    chain.skipped.remove(position);
                    self.skipped_generation = self.skipped_generation.wrapping_add(1);
                }
            }
            Step::Ahead { chain, next, skipped } => {
                if chain + 1 < self.receiving.len() {
                    self.older_generation = self.older_generation.wrapping_add(1);
                }
                if let Some(chain) = self.receiving.get_mut(chain) {
                    chain.chain = next;
                    if !skipped.is_empty() {
                        chain.skipped.extend(skipped);
                        self.skipped_generation = self.skipped_generation.wrapping_add(1);
                    }
                }
            }
            Step::Turned { root, previous_length, chain } => {
                self.turn = Turn::Theirs { root, their_key: chain.their_key, previous_length };
                self.keep(chain);
            }
        }
    }

    /// How many seeds of late messages are kept.
    #[must_use]
    pub fn skipped_len(&self) -> usize {
        self.receiving.iter().map(|chain| chain.skipped.len()).sum()
    }

    /// Forgets the seeds of late messages: those messages can no longer be opened.
    pub fn forget_skipped(&mut self) {
        for chain in &mut self.receiving {
            chain.skipped = Skipped::none();
        }
        self.skipped_generation = self.skipped_generation.wrapping_add(1);
    }

    fn keep(&mut self, chain: ReceivingChain) {
        let excess = (self.receiving.len() + 1).saturating_sub(D::MAX_RECEIVING_CHAINS);
        let dropped = self.receiving.drain(..excess).any(|old| !old.skipped.is_empty());
        if dropped || !chain.skipped.is_empty() {
            self.skipped_generation = self.skipped_generation.wrapping_add(1);
        }
        if !self.receiving.is_empty() {
            self.older_generation = self.older_generation.wrapping_add(1);
        }
        self.receiving.push(chain);
    }
}

impl ReceivePlan {
    /// Verifies the tag, then decrypts the body (signal.md §6.6 step 7).
    ///
    /// [`Error::Forged`] whatever the cause.
    pub fn open<D: Dialect>(
        &self,
        salt: &D::Salt,
        associated_data: [&[u8]; 2],
        frame: &Frame<'_>,
    ) -> Result<SecretBytes, Error> {
        let keys = message_keys::<D>(&self.seed, salt);
        let [first, second] = associated_data;
        if frame.tag.len() != D::TAG_LEN {
            return Err(Error::Forged);
        }
        keys.verify(&[first, second, frame.authenticated], frame.tag)?;
        keys.decrypt(frame.body)
    }
}
