// SPDX-License-Identifier: MIT OR Apache-2.0
//! The symmetric part of the ratchet: a key for every message, from the secrets of the epochs
//! (spqr.md §9).
//!
//! A message of braid epoch m takes its key from chain epoch m − 1, so the key never depends on
//! what that message carries, and can be derived before the message is authenticated.

use e2ee_primitives::{Secret, hkdf};
use e2ee_ratchet::Budget;
use e2ee_wire::Error;

use super::{
    Role,
    receiving::{Advance, Receiving},
};

/// The chains of every epoch that can still send or receive.
///
/// At most three epochs are alive: the one before that of the latest message sent, that one, and
/// the next once the braid has given its secret. The braid gives the secret after the next only
/// when messages of the next have been sent.
#[derive(Debug)]
pub struct Chain {
    pub(super) role: Role,
    /// The most keys that one received message may pass over.
    pub(super) max_jump: u32,
    /// Renewed by every epoch's secret.
    pub(super) root: Secret<32>,
    /// The chain epoch of the latest message sent: that of `current`.
    pub(super) sending_epoch: u64,
    /// Late messages of the epoch before; none before epoch 0. Its sending chain is erased.
    pub(super) previous: Option<Receiving>,
    pub(super) current: Epoch,
    /// The epoch that the braid has reached and that no message was sent in yet.
    pub(super) next: Option<Epoch>,
    pub(super) skipped_generation: u64,
}

impl Chain {
    /// The chain of a new session, at epoch 0.
    #[must_use]
    pub fn new(auth_key: &Secret<32>, role: Role, max_jump: u32) -> Self {
        let start = b"Signal PQ Ratchet V1 Chain  Start";
        let keys = hkdf::derive(&[], &[auth_key.expose()], &[start]);
        let (root, current) = Epoch::from_keys(keys, role);
        Self {
            role,
            max_jump,
            root,
            sending_epoch: 0,
            previous: None,
            current,
            next: None,
            skipped_generation: 0,
        }
    }

    /// Adds the epoch after the newest, from the secret that the braid gave.
    pub fn add(&mut self, secret: &Secret<32>) {
        let label = b"Signal PQ Ratchet V1 Chain Add Epoch";
        let keys = hkdf::derive(self.root.expose(), &[secret.expose()], &[label]);
        let (root, next) = Epoch::from_keys(keys, self.role);
        self.root = root;
        self.next = Some(next);
        self.skipped_generation += 1;
    }

    /// Derives the key of the next message sent in a chain epoch, which never goes down
    /// (spqr.md §9.3).
    pub fn plan_send(&self, epoch: u64) -> Result<SendPlan, Error> {
        let chain = &self.epoch(epoch).ok_or(Error::CorruptState)?.sending;
        let index = chain.index.checked_add(1).ok_or(Error::Exhausted)?;
        let (next, key) = step(&chain.key, index);
        Ok(SendPlan { epoch, chain: SendingChain { key: next, index }, key })
    }

    /// Takes the step; in a new epoch, older sending chains and all but one older receiving
    /// chain are forgotten. Returns the message's index and key.
    pub fn commit_send(&mut self, plan: SendPlan) -> (u32, Secret<32>) {
        if plan.epoch > self.sending_epoch
            && let Some(next) = self.next.take()
        {
            let current = core::mem::replace(&mut self.current, next);
            let forgotten = self.previous.replace(current.receiving);
            self.sending_epoch = plan.epoch;
            self.skipped_generation += u64::from(forgotten.is_some());
        }
        self.current.sending = plan.chain;
        (self.current.sending.index, plan.key)
    }

    /// Derives the key of a received message; nothing changes (spqr.md §9.4).
    ///
    /// Steps are paid from the budget before they are taken: the message is not authenticated.
    pub fn plan_receive(
        &self,
        epoch: u64,
        index: u32,
        budget: &mut Budget,
    ) -> Result<ReceivePlan, Error> {
        let chain = self.receiving(epoch).ok_or(Error::Malformed)?;
        Ok(ReceivePlan { epoch, advance: chain.plan(index, self.max_jump, budget)? })
    }

    /// Whether a plan still fits, so that [`Chain::commit_receive`] will take it.
    pub fn check_receive(&self, plan: &ReceivePlan) -> Result<(), Error> {
        self.receiving(plan.epoch).ok_or(Error::Malformed)?.check(&plan.advance)
    }

    /// Takes the steps of a plan that [`Chain::check_receive`] allowed.
    pub fn commit_receive(&mut self, plan: ReceivePlan) {
        if let Some(chain) = self.receiving_mut(plan.epoch)
            && chain.commit(plan.advance)
        {
            self.skipped_generation += 1;
        }
    }

    /// Forgets the keys passed over.
    pub fn forget_skipped(&mut self) {
        let epochs = [Some(&mut self.current), self.next.as_mut()];
        let epochs = epochs.into_iter().flatten().map(|epoch| &mut epoch.receiving);
        self.previous.iter_mut().chain(epochs).for_each(Receiving::forget_all);
        self.skipped_generation += 1;
    }

    /// Whether keys passed over are kept.
    #[must_use]
    pub fn has_skipped(&self) -> bool {
        let epochs = [Some(&self.current), self.next.as_ref()];
        let epochs = epochs.into_iter().flatten().map(|epoch| &epoch.receiving);
        self.previous.iter().chain(epochs).any(Receiving::has_skipped)
    }

    /// The newest epoch.
    #[must_use]
    pub fn newest_epoch(&self) -> u64 {
        self.sending_epoch.saturating_add(u64::from(self.next.is_some()))
    }

    fn epoch(&self, epoch: u64) -> Option<&Epoch> {
        match epoch.checked_sub(self.sending_epoch)? {
            0 => Some(&self.current),
            1 => self.next.as_ref(),
            _ => None,
        }
    }

    fn receiving(&self, epoch: u64) -> Option<&Receiving> {
        if epoch.checked_add(1) == Some(self.sending_epoch) {
            self.previous.as_ref()
        } else {
            self.epoch(epoch).map(|epoch| &epoch.receiving)
        }
    }

    fn receiving_mut(&mut self, epoch: u64) -> Option<&mut Receiving> {
        match epoch.checked_add(1)?.checked_sub(self.sending_epoch)? {
            0 => self.previous.as_mut(),
            1 => Some(&mut self.current.receiving),
            2 => self.next.as_mut().map(|next| &mut next.receiving),
            _ => None,
        }
    }
}

/// The two chains of one epoch.
#[derive(Debug)]
pub(super) struct Epoch {
    pub(super) sending: SendingChain,
    pub(super) receiving: Receiving,
}

impl Epoch {
    /// Divides next root ‖ chain key A→B ‖ chain key B→A (spqr.md §9.1).
    fn from_keys(keys: Secret<96>, role: Role) -> (Secret<32>, Self) {
        let (root, from_initiator, from_responder) = keys.split();
        let (ours, theirs) = match role {
            Role::Initiator => (from_initiator, from_responder),
            Role::Responder => (from_responder, from_initiator),
        };
        let sending = SendingChain { key: ours, index: 0 };
        (root, Self { sending, receiving: Receiving::new(theirs) })
    }
}

/// A sending chain: its key, and the index of the latest message sent with it.
#[derive(Debug)]
pub(super) struct SendingChain {
    pub(super) key: Secret<32>,
    pub(super) index: u32,
}

/// A sending step that is not taken yet.
#[derive(Debug)]
pub struct SendPlan {
    epoch: u64,
    chain: SendingChain,
    key: Secret<32>,
}

impl SendPlan {
    /// The key of the message.
    #[must_use]
    pub const fn key(&self) -> &Secret<32> {
        &self.key
    }
}

/// The steps to a received message's key, not taken yet.
#[derive(Debug)]
pub struct ReceivePlan {
    epoch: u64,
    advance: Advance,
}

impl ReceivePlan {
    /// The key of the message.
    #[must_use]
    pub const fn key(&self) -> &Secret<32> {
        self.advance.key()
    }
}

/// One step to the key number `index`: the next chain key and the message's key (spqr.md §9.1).
pub(super) fn step(key: &Secret<32>, index: u32) -> (Secret<32>, Secret<32>) {
    let info: [&[u8]; 2] = [&index.to_be_bytes(), b"Signal PQ Ratchet V1 Chain Next"];
    hkdf::derive::<64>(&[], &[key.expose()], &info).split()
}
