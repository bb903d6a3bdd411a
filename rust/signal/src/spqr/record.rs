// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of the ratchet in three parts (docs/formats.md, "Post-quantum ratchet"), so that
//! a message in order rewrites the small head alone.

use e2ee_primitives::Secret;
use e2ee_wire::{Error, record::RecordReader};

use super::{
    Role, Spqr,
    braid::{Braid, Generations},
    chain::{Chain, Epoch, SendingChain},
    chain_epoch,
    receiving::Receiving,
};

/// Bytes of a chain: its key and index.
const CHAIN_LEN: usize = 32 + 4;
/// Bytes of the head without chains: messages since the epoch; role, limit, root, epoch and whether
/// there is a next one; epoch, authenticator, tag and counter of the braid.
const HEAD_FIXED: usize = 8 + (1 + 4 + 32 + 8 + 1) + (8 + 64 + 1 + 2);

impl Spqr {
    /// Appends the head: chains, counters, authenticator and the state's tag.
    pub fn encode_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.messages_since_epoch.to_be_bytes());
        self.chain.encode_head(out);
        self.braid.encode_head(out);
    }

    /// The most bytes of the head; a counter of two bytes that not all states have is counted.
    #[must_use]
    pub fn head_most(&self) -> usize {
        let Chain { previous, next, .. } = &self.chain;
        let receiving = usize::from(previous.is_some()) + 1 + usize::from(next.is_some());
        let sending = 1 + usize::from(next.is_some());
        HEAD_FIXED + (receiving + sending) * CHAIN_LEN
    }

    /// Appends the objects: keys, ciphertext parts and received chunks of the epoch at work.
    pub fn encode_objects(&self, out: &mut Vec<u8>) {
        self.braid.encode_objects(out);
    }

    /// Appends the keys passed over.
    pub fn encode_skipped(&self, out: &mut Vec<u8>) {
        self.chain.encode_skipped(out);
    }

    /// Increases whenever [`Spqr::encode_objects`] would write something else; from 0 in memory.
    #[must_use]
    pub const fn objects_generation(&self) -> u64 {
        let Generations { turns, added, replaced } = self.generations();
        turns.wrapping_add(added).wrapping_add(replaced)
    }

    /// What has changed of the braid since the ratchet was made or read.
    #[must_use]
    pub const fn generations(&self) -> Generations {
        self.braid.generations()
    }

    /// Increases whenever [`Spqr::encode_skipped`] would write something else; from 0 in memory.
    #[must_use]
    pub const fn skipped_generation(&self) -> u64 {
        self.chain.skipped_generation
    }

    /// Reads the three parts back; [`Error::CorruptState`] if they are not of one ratchet.
    pub fn decode(
        head: &mut RecordReader<'_>,
        objects: &mut RecordReader<'_>,
        skipped: &mut RecordReader<'_>,
    ) -> Result<Self, Error> {
        let messages_since_epoch = head.u64()?;
        let start = Start::decode(head)?;
        let chain = start.with_epochs(head, Some(skipped))?;
        let braid = Braid::decode(head, objects, chain.role)?;
        Self { braid, chain, messages_since_epoch }.checked()
    }

    /// The same if braid and chain stand in epochs that belong together.
    pub(super) fn checked(self) -> Result<Self, Error> {
        let Self { braid, chain, .. } = &self;
        let newest = chain_epoch(braid.epoch()).checked_add(u64::from(braid.has_emitted()));
        let behind = chain.sending_epoch != chain_epoch(braid.epoch());
        if newest != Some(chain.newest_epoch()) || behind && braid.has_sent() {
            return Err(Error::CorruptState);
        }
        Ok(self)
    }
}

impl Chain {
    /// Appends everything but the keys passed over.
    pub fn encode_head(&self, out: &mut Vec<u8>) {
        self.encode_start(out);
        self.encode_epochs(out);
    }

    /// Appends what changes only with the epoch's secret.
    pub(super) fn encode_start(&self, out: &mut Vec<u8>) {
        out.push(match self.role {
            Role::Initiator => INITIATOR,
            Role::Responder => RESPONDER,
        });
        out.extend_from_slice(&self.max_jump.to_be_bytes());
        out.extend_from_slice(self.root.expose());
    }

    /// Appends the chains of the epochs that are alive.
    pub(super) fn encode_epochs(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sending_epoch.to_be_bytes());
        if let Some(previous) = &self.previous {
            previous.encode(out);
        }
        self.current.encode(out);
        out.push(u8::from(self.next.is_some()));
        if let Some(next) = &self.next {
            next.encode(out);
        }
    }

    /// Appends the keys passed over, epoch by epoch.
    pub fn encode_skipped(&self, out: &mut Vec<u8>) {
        let epochs = [Some(&self.current), self.next.as_ref()];
        let epochs = epochs.into_iter().flatten().map(|epoch| &epoch.receiving);
        self.previous.iter().chain(epochs).for_each(|receiving| receiving.encode_skipped(out));
    }
}

/// What stands before the chains.
pub(super) struct Start {
    role: Role,
    max_jump: u32,
    root: Secret<32>,
}

impl Start {
    pub(super) fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let role = match reader.u8()? {
            INITIATOR => Role::Initiator,
            RESPONDER => Role::Responder,
            _ => return Err(Error::CorruptState),
        };
        Ok(Self { role, max_jump: reader.u32()?, root: Secret::new(*reader.array()?) })
    }

    /// Reads the chains, and the keys passed over; there are none if their part is absent.
    pub(super) fn with_epochs(
        self,
        head: &mut RecordReader<'_>,
        mut skipped: Option<&mut RecordReader<'_>>,
    ) -> Result<Chain, Error> {
        let Self { role, max_jump, root } = self;
        let sending_epoch = head.u64()?;
        let previous = match sending_epoch {
            0 => None,
            _ => Some(Receiving::decode(head, skipped.as_deref_mut())?),
        };
        let current = Epoch::decode(head, skipped.as_deref_mut())?;
        let next = match head.u8()? {
            0 => None,
            1 => Some(Epoch::decode(head, skipped)?),
            _ => return Err(Error::CorruptState),
        };
        // An epoch becomes the current one by the first message sent in it.
        let sent = current.sending.index > 0 || sending_epoch == 0;
        if !sent || next.as_ref().is_some_and(|next| next.sending.index > 0) {
            return Err(Error::CorruptState);
        }
        let skipped_generation = 0;
        Ok(Chain {
            role,
            max_jump,
            root,
            sending_epoch,
            previous,
            current,
            next,
            skipped_generation,
        })
    }
}

impl Epoch {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.sending.key.expose());
        out.extend_from_slice(&self.sending.index.to_be_bytes());
        self.receiving.encode(out);
    }

    fn decode(
        head: &mut RecordReader<'_>,
        skipped: Option<&mut RecordReader<'_>>,
    ) -> Result<Self, Error> {
        let key = Secret::new(*head.array()?);
        let sending = SendingChain { key, index: head.u32()? };
        Ok(Self { sending, receiving: Receiving::decode(head, skipped)? })
    }
}

const INITIATOR: u8 = 1;
const RESPONDER: u8 = 2;
