// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of the ratchet in version 2 (docs/formats.md, "Post-quantum ratchet"): a head
//! with the chains and counters, a state that is written once, and chunks that stand apart.

use e2ee_wire::{Error, record::RecordReader};

use super::{
    Spqr,
    braid::{Braid, Incomplete},
    erasure::Chunk,
    record::Start,
};

impl Spqr {
    /// Appends counters and chains.
    pub fn encode_chains(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.messages_since_epoch.to_be_bytes());
        self.chain.encode_epochs(out);
        self.braid.encode_counters(out);
    }

    /// Appends what changes only with the state: root, authenticator, keys and objects.
    pub fn encode_state(&self, out: &mut Vec<u8>) {
        self.chain.encode_start(out);
        self.braid.encode_state(out);
    }

    /// Whether keys passed over are kept.
    #[must_use]
    pub fn has_skipped(&self) -> bool {
        self.chain.has_skipped()
    }

    /// Whether the next message that is sent makes an object.
    #[must_use]
    pub const fn begins_object(&self) -> bool {
        self.braid.begins_object()
    }

    /// The object that lacks chunks, if the state has one.
    #[must_use]
    pub fn incomplete(&self) -> Option<Incomplete<'_>> {
        self.braid.incomplete()
    }

    /// Takes in the chunks that were left in the store, ascending by index.
    ///
    /// [`Error::CorruptState`] if they are not those that the head counts.
    pub fn fill(&mut self, stored: &[Chunk]) -> Result<(), Error> {
        self.braid.fill(stored)
    }

    /// Reads the parts back, but for the chunks; no key was passed over if their part is absent.
    pub fn decode_parts(
        head: &mut RecordReader<'_>,
        state: &mut RecordReader<'_>,
        skipped: Option<&mut RecordReader<'_>>,
    ) -> Result<Self, Error> {
        let messages_since_epoch = head.u64()?;
        let chain = Start::decode(state)?.with_epochs(head, skipped)?;
        let braid = Braid::decode_state(head, state, chain.role)?;
        Self { braid, chain, messages_since_epoch }.checked()
    }
}
