// SPDX-License-Identifier: MIT OR Apache-2.0
//! Seeds of messages that have not arrived (Double Ratchet §2.6; signal.md §6.6 and §7).

use std::collections::VecDeque;

use e2ee_primitives::Secret;
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

/// The most seeds that are kept for one receiving chain (signal.md §7).
pub const MAX_SKIPPED_SEEDS: usize = 2_000;

/// Index and seed of each message that a receiving chain has passed over, ascending.
#[derive(Debug)]
pub struct Skipped {
    seeds: VecDeque<(u32, Secret<32>)>,
}

impl Skipped {
    /// No seed yet.
    #[must_use]
    pub const fn none() -> Self {
        Self { seeds: VecDeque::new() }
    }

    /// Where the seed of message `index` lies, if it is kept.
    #[must_use]
    pub fn find(&self, index: u32) -> Option<(usize, &Secret<32>)> {
        let position = self.seeds.binary_search_by_key(&index, |(kept, _)| *kept).ok()?;
        self.seeds.get(position).map(|(_, seed)| (position, seed))
    }

    /// Forgets the seed at `position`, as given by [`Skipped::find`].
    pub fn remove(&mut self, position: usize) {
        self.seeds.remove(position);
    }

    /// Keeps `newer` seeds, which all lie above the kept ones; the oldest give way.
    pub fn extend(&mut self, newer: Vec<(u32, Secret<32>)>) {
        if self.seeds.is_empty() {
            self.seeds = newer.into();
        } else {
            self.seeds.extend(newer);
        }
        let excess = self.seeds.len().saturating_sub(MAX_SKIPPED_SEEDS);
        self.seeds.drain(..excess);
    }

    /// Copies of all kept, ascending by index.
    #[must_use]
    pub fn duplicate(&self) -> Vec<(u32, Secret<32>)> {
        self.seeds.iter().map(|(index, seed)| (*index, seed.duplicate())).collect()
    }

    /// How many seeds are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seeds.len()
    }

    /// Whether no seed is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seeds.is_empty()
    }

    /// Appends the stored form (docs/formats.md, "Skipped seeds").
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_length(out, self.seeds.len());
        for (index, seed) in &self.seeds {
            out.extend_from_slice(&index.to_be_bytes());
            out.extend_from_slice(seed.expose());
        }
    }

    /// Reads the stored form; all indices must ascend and lie below `next_index`.
    pub fn decode(reader: &mut RecordReader<'_>, next_index: u32) -> Result<Self, Error> {
        let length = reader.length(MAX_SKIPPED_SEEDS)?;
        let mut seeds = VecDeque::with_capacity(length);
        let mut lowest = 0;
        for _ in 0..length {
            let index = reader.u32()?;
            if index < lowest || index >= next_index {
                return Err(Error::CorruptState);
            }
            lowest = index.checked_add(1).ok_or(Error::CorruptState)?;
            seeds.push_back((index, Secret::new(*reader.array()?)));
        }
        Ok(Self { seeds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(indices: core::ops::Range<u32>) -> Vec<(u32, Secret<32>)> {
        indices.map(|index| (index, Secret::new([1; 32]))).collect()
    }

    #[test]
    fn the_window_holds_exactly_its_limit() {
        let mut skipped = Skipped::none();
        skipped.extend(seeds(0..2_000));
        assert!(skipped.find(0).is_some());

        skipped.extend(seeds(2_000..2_001));

        assert!(skipped.find(0).is_none());
        assert!(skipped.find(1).is_some());
        assert_eq!(MAX_SKIPPED_SEEDS, skipped.len());
    }

    #[test]
    fn the_stored_form_reads_back_and_must_ascend() {
        let mut skipped = Skipped::none();
        skipped.extend(seeds(3..6));
        let mut out = Vec::new();
        skipped.encode(&mut out);

        let read = Skipped::decode(&mut RecordReader::new(&out), 6).unwrap();
        assert_eq!(3, read.len());
        assert!(Skipped::decode(&mut RecordReader::new(&out), 5).is_err());

        out[7] = 9;
        assert!(Skipped::decode(&mut RecordReader::new(&out), 100).is_err());
    }
}
