// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which history a database server writes on (docs/storage.md, "Fail-over").

/// The history that a server writes, as `PostgreSQL` numbers it.
///
/// `PostgreSQL` manual, "Continuous Archiving", *Timelines*: a standby that takes over, and a server
/// that is recovered from a backup, begins a timeline with a greater number than the one it comes
/// from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// What a server has in common with its standbys and backups, and with no other server.
    pub system: u64,
    /// The number, which never changes while a server runs.
    pub number: u32,
}

impl Timeline {
    /// Whether a standby or a backup of `other`, or one of those, began this timeline.
    #[must_use]
    pub const fn is_later_than(self, other: Self) -> bool {
        self.system == other.system && self.number > other.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timelines_of_one_system_follow_each_other_and_those_of_two_do_not() {
        let first = Timeline { system: 7, number: 1 };
        let promoted = Timeline { number: 2, ..first };
        let other = Timeline { system: 8, number: 3 };

        assert!(promoted.is_later_than(first));
        assert!(!first.is_later_than(promoted));
        assert!(!first.is_later_than(first));
        assert!(!other.is_later_than(first));
    }
}
