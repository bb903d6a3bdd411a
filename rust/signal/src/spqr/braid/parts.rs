// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of the braid in version 2 (docs/formats.md, "Post-quantum ratchet"): the objects
//! change only with the state, and each received chunk is a record of its own.

use e2ee_wire::{Error, record::RecordReader};

use super::{
    super::{
        Role,
        erasure::{Chunk, Kept},
    },
    Braid, State,
    record::{Chunks, Start},
};

/// An object that lacks chunks; those that came are records of their own, each named by epoch,
/// object and index.
#[derive(Clone, Copy, Debug)]
pub struct Incomplete<'a> {
    /// The epoch of the braid.
    pub epoch: u64,
    /// Which of the objects that one side receives in an epoch.
    pub object: &'static str,
    /// The chunks that came, without reading them.
    pub kept: Kept,
    /// Those in memory, ascending by index.
    pub chunks: &'a [Chunk],
}

impl Braid {
    /// Appends the counters of encoder and decoder, in states that have one.
    pub(in super::super) fn encode_counters(&self, out: &mut Vec<u8>) {
        if let Some(next) = self.state.next_index() {
            out.extend_from_slice(&next.to_be_bytes());
        }
        if let Some(Incomplete { kept, .. }) = self.incomplete() {
            // No object needs more than 36; a saturated count would not read back.
            out.push(u8::try_from(kept.count).unwrap_or(u8::MAX));
            out.extend_from_slice(&kept.newest.to_be_bytes());
        }
    }

    /// Appends epoch, authenticator, the state's tag, keys and objects.
    pub(in super::super) fn encode_state(&self, out: &mut Vec<u8>) {
        Start::encode(self, out);
        self.state.encode(Chunks::Apart, out);
    }

    /// Reads both parts back; the chunks are left where they are.
    pub(in super::super) fn decode_state(
        head: &mut RecordReader<'_>,
        state: &mut RecordReader<'_>,
        role: Role,
    ) -> Result<Self, Error> {
        Start::decode(state)?.with_state(head, state, (role, Chunks::Apart))
    }

    /// The incomplete object, in states that have one.
    pub(in super::super) fn incomplete(&self) -> Option<Incomplete<'_>> {
        let (object, kept, chunks) = match &self.state {
            State::HeaderSent { ct1, .. } => ("ct1", ct1.kept(), ct1.chunks()),
            State::EkSentCt1Received { ct2, .. } => ("ct2", ct2.kept(), ct2.chunks()),
            State::NoHeaderReceived { header } => ("header", header.kept(), header.chunks()),
            State::Ct1Sampled { vector, .. } | State::Ct1Acknowledged { vector, .. } => {
                ("vector", vector.kept(), vector.chunks())
            }
            State::KeysUnsampled
            | State::KeysSampled { .. }
            | State::Ct1Received { .. }
            | State::HeaderReceived { .. }
            | State::EkReceivedCt1Sampled { .. }
            | State::Ct2Sampled { .. } => return None,
        };
        Some(Incomplete { epoch: self.epoch, object, kept, chunks })
    }

    /// Takes in the chunks that were left in the store.
    pub(in super::super) fn fill(&mut self, stored: &[Chunk]) -> Result<(), Error> {
        match &mut self.state {
            State::HeaderSent { ct1, .. } => ct1.fill(stored),
            State::EkSentCt1Received { ct2, .. } => ct2.fill(stored),
            State::NoHeaderReceived { header } => header.fill(stored),
            State::Ct1Sampled { vector, .. } | State::Ct1Acknowledged { vector, .. } => {
                vector.fill(stored)
            }
            _ => Err(Error::CorruptState),
        }
    }
}
