// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sparse post-quantum ratchet: a key for every message, renewed by ML-KEM-768 in small
//! chunks beside the messages (spqr.md, version 1 alone).
//!
//! In each epoch one side has an ML-KEM key (E) and the other makes the ciphertext (C); then they
//! exchange roles (spqr.md §7). `↑` is a message sent, `↓` one received.
//!
//! ```text
//! E: KeysUnsampled ─↑Hdr─► KeysSampled ─↓Ct1─► HeaderSent ─↓Ct1 complete─► Ct1Received
//!    Ct1Received ─↓Ct2─► EkSentCt1Received ─↓Ct2 complete─► NoHeaderReceived of epoch + 1
//!
//! C: NoHeaderReceived ─↓Hdr complete─► HeaderReceived ─↑Ct1─► Ct1Sampled
//!    Ct1Sampled ─┬─↓Ek complete─► EkReceivedCt1Sampled ─↓Ct1Ack─┬─► Ct2Sampled
//!                ├─↓EkCt1Ack────► Ct1Acknowledged ─↓Ek complete─┤
//!                └─↓EkCt1Ack that completes Ek ─────────────────┘
//!    Ct2Sampled ─↓epoch + 1─► KeysUnsampled of epoch + 1
//! ```

pub mod authenticator;
mod braid;
pub mod chain;
pub mod erasure;
pub mod field;
pub mod message;
mod parts;
mod receiving;
mod record;

use e2ee_primitives::{Random, Secret};
use e2ee_ratchet::Budget;
use e2ee_wire::Error;

pub use braid::{Generations, Incomplete};
pub use chain::ReceivePlan;
pub use message::Message;

use self::{braid::Braid, chain::Chain};

/// One side of the ratchet; there is none without its post-quantum key.
#[derive(Debug)]
pub struct Spqr {
    braid: Braid,
    chain: Chain,
    messages_since_epoch: u64,
}

impl Spqr {
    /// The ratchet of a new session; received indices may jump by at most `max_jump`.
    #[must_use]
    pub fn new(auth_key: &Secret<32>, role: Role, max_jump: u32) -> Self {
        Self {
            braid: Braid::new(auth_key, role),
            chain: Chain::new(auth_key, role, max_jump),
            messages_since_epoch: 0,
        }
    }

    /// The field of the next message, and its key (spqr.md §10.2).
    ///
    /// The new state must be durable before the message leaves: a state rolled back uses a key
    /// twice.
    pub fn send(&mut self, random: &mut dyn Random) -> Result<(Message, Secret<32>), Error> {
        let epoch = self.braid.epoch();
        let plan = self.chain.plan_send(chain_epoch(epoch))?;
        let (payload, emitted) = self.braid.send(random)?;
        // The old epochs first: the chain has room for one that was not sent in.
        let (index, key) = self.chain.commit_send(plan);
        if let Some(secret) = emitted {
            self.chain.add(&secret);
        }
        self.messages_since_epoch = self.messages_since_epoch.saturating_add(1);
        Ok((Message::new(epoch, index, payload), key))
    }

    /// Derives a received message's key; nothing changes.
    ///
    /// Unlike the specification's peers, no braid work happens before the message has
    /// authenticated under this key (spqr.md §9.2).
    pub fn plan_receive(
        &self,
        message: &Message,
        budget: &mut Budget,
    ) -> Result<ReceivePlan, Error> {
        self.braid.check_epoch(message.epoch())?;
        self.chain.plan_receive(chain_epoch(message.epoch()), message.index(), budget)
    }

    /// Takes in the message, authenticated under the plan's key, for which the plan was made.
    ///
    /// [`Error::Forged`] if it completes an object that is wrong: the message is refused, and if
    /// wrong chunks came before it every later one will be (spqr.md §8).
    pub fn commit_receive(&mut self, plan: ReceivePlan, message: &Message) -> Result<(), Error> {
        self.chain.check_receive(&plan)?;
        let epoch = self.braid.epoch();
        let emitted = self.braid.receive(message)?;
        self.chain.commit_receive(plan);
        if let Some(secret) = emitted {
            self.chain.add(&secret);
        }
        self.messages_since_epoch = if self.braid.epoch() == epoch {
            self.messages_since_epoch.saturating_add(1)
        } else {
            0
        };
        Ok(())
    }

    /// Forgets the keys passed over: those messages can no longer be opened.
    pub fn forget_skipped(&mut self) {
        self.chain.forget_skipped();
    }

    /// The epoch at work, from 1.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.braid.epoch()
    }

    /// The messages sent and received since the epoch began. A conversation without replies never
    /// heals; a caller may answer with an empty message (spqr.md §11).
    #[must_use]
    pub const fn messages_since_epoch(&self) -> u64 {
        self.messages_since_epoch
    }

    /// The state of the braid, by the specification's long name.
    #[must_use]
    pub const fn state_name(&self) -> &'static str {
        self.braid.state_name()
    }
}

/// Who began the session: fixed for its life and never sent (spqr.md §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sent the first message; sends with the chains A→B.
    Initiator,
    /// Received it; sends with the chains B→A.
    Responder,
}

/// The chain epoch of a message's key; braid epochs begin at 1 (spqr.md §9.2).
const fn chain_epoch(epoch: u64) -> u64 {
    epoch.saturating_sub(1)
}

/// The keys passed over that are kept, counted back from the newest key taken (spqr.md §1).
pub const MAX_SKIPPED_KEYS: u32 = 2_000;

#[cfg(test)]
mod tests;
