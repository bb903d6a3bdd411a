// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which messages under a key of a room have opened, in runs of indices (olm_megolm.md §2, last
//! rule: Megolm itself opens a message as often as it is asked to).

use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::limits::MAX_OPENED_RUNS;

/// The indices of the messages that have opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenedRuns {
    /// First and last index of each run; the runs ascend, with indices between them.
    runs: Vec<(u32, u32)>,
}

impl OpenedRuns {
    /// Whether this message has opened, or was given up.
    pub(super) fn contains(&self, index: u32) -> bool {
        let place = self.runs.partition_point(|(_, last)| *last < index);
        self.runs.get(place).is_some_and(|(first, _)| *first <= index)
    }

    /// Notes that a message has opened. If too many messages are missing between others, those
    /// that are missing longest are given up.
    pub(super) fn insert(&mut self, index: u32) {
        if self.contains(index) {
            return;
        }
        let place = self.runs.partition_point(|(_, last)| *last < index);
        self.runs.insert(place, (index, index));
        self.join_behind(place);
        if let Some(before) = place.checked_sub(1) {
            self.join_behind(before);
        }
        if let [(first, _), (_, last), ..] = self.runs[..]
            && self.runs.len() > MAX_OPENED_RUNS
        {
            self.runs.splice(..2, [(first, last)]);
        }
    }

    /// Makes one run of this one and the next, if nothing lies between them.
    fn join_behind(&mut self, place: usize) {
        if let Some([(first, last), (next, end)]) = self.runs.get(place..place.saturating_add(2))
            && last.checked_add(1) == Some(*next)
        {
            let joined = (*first, *end);
            self.runs.splice(place..place.saturating_add(2), [joined]);
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        write_length(out, self.runs.len());
        for (first, last) in &self.runs {
            out.extend_from_slice(&first.to_be_bytes());
            out.extend_from_slice(&last.to_be_bytes());
        }
    }

    pub(super) fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for _ in 0..reader.length(MAX_OPENED_RUNS)? {
            let (first, last) = (reader.u32()?, reader.u32()?);
            let apart = runs.last().is_none_or(|(_, before)| *before < first.saturating_sub(1));
            if first > last || !apart {
                return Err(Error::CorruptState);
            }
            runs.push((first, last));
        }
        Ok(Self { runs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(indices: &[u32]) -> OpenedRuns {
        let mut opened = OpenedRuns::default();
        for index in indices {
            opened.insert(*index);
        }
        opened
    }

    #[test]
    fn every_order_gives_the_same_runs() {
        let expected = vec![(0, 3), (5, 5), (9, 10)];

        for indices in [[0, 1, 2, 3, 5, 9, 10], [10, 9, 5, 3, 2, 1, 0], [5, 2, 10, 0, 3, 9, 1]] {
            let opened = of(&indices);
            assert_eq!(expected, opened.runs);
            for index in 0..12 {
                assert_eq!(indices.contains(&index), opened.contains(index), "{index}");
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_are_indices_like_others() {
        let opened = of(&[u32::MAX, 0, u32::MAX - 1, u32::MAX]);

        assert_eq!(vec![(0, 0), (u32::MAX - 1, u32::MAX)], opened.runs);
    }

    #[test]
    fn what_is_missing_longest_is_given_up() {
        let indices: Vec<u32> = (0..=2_000).map(|number| number * 2).collect();
        let opened = of(&indices);

        assert_eq!(MAX_OPENED_RUNS, opened.runs.len());
        assert!(opened.contains(1));
        assert!(!opened.contains(3));
    }

    #[test]
    fn the_stored_form_reads_back_and_what_does_not_ascend_is_damage() {
        let opened = of(&[1, 2, 7]);
        let mut out = Vec::new();
        opened.encode(&mut out);

        assert_eq!(opened, OpenedRuns::decode(&mut RecordReader::new(&out)).unwrap());
        for runs in [vec![(2, 1)], vec![(0, 1), (2, 3)], vec![(5, 6), (1, 2)]] {
            let mut out = Vec::new();
            OpenedRuns { runs }.encode(&mut out);
            let decoded = OpenedRuns::decode(&mut RecordReader::new(&out));
            assert_eq!(Err(Error::CorruptState), decoded);
        }
    }
}
