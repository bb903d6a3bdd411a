// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records under changes that were not written yet (docs/storage.md, "Batches").
//!
//! Several steps that belong together read what those before them have written, and become one:
//! each record is written once, however many of them changed it.

use std::collections::BTreeMap;

use crate::{Anchor, Change, Records, StoreError, Stored, Timeline, Write};

/// A transaction with changes over it.
pub struct Overlay<'a> {
    records: &'a mut dyn Records,
    changed: BTreeMap<String, Row>,
}

/// A record that was changed.
struct Row {
    /// The revision in the store, 0 if it is not there.
    base: u64,
    /// What became of it: the revision and the sealed bytes, or nothing if it is deleted.
    now: Option<(u64, Vec<u8>)>,
}

impl<'a> Overlay<'a> {
    /// `records` without a change.
    pub fn new(records: &'a mut dyn Records) -> Self {
        Self { records, changed: BTreeMap::new() }
    }

    /// Adds the writes of a step; [`StoreError::Conflict`] if one does not find the revision that
    /// it names.
    pub fn apply(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        for Write { name, base, change } in writes {
            let now = match change {
                Change::Put { revision, sealed } => Some((revision, sealed)),
                Change::Delete => None,
            };
            match self.changed.get_mut(&name) {
                Some(row) if row.revision() == base => row.now = now,
                Some(_) => return Err(StoreError::Conflict),
                None => _ = self.changed.insert(name, Row { base, now }),
            }
        }
        Ok(())
    }

    /// All changes as those of one step.
    #[must_use]
    pub fn finish(self) -> Vec<Write> {
        let writes = self.changed.into_iter().filter(|(_, row)| row.base != 0 || row.now.is_some());
        let write = |(name, Row { base, now }): (String, Row)| {
            let change =
                now.map_or(Change::Delete, |(revision, sealed)| Change::Put { revision, sealed });
            Write { name, base, change }
        };
        writes.map(write).collect()
    }
}

impl Row {
    fn revision(&self) -> u64 {
        self.now.as_ref().map_or(0, |(revision, _)| *revision)
    }
}

impl Records for Overlay<'_> {
    fn get(&mut self, name: &str) -> Result<Option<Stored>, StoreError> {
        match self.changed.get(name) {
            Some(row) => Ok(row
                .now
                .as_ref()
                .map(|(revision, sealed)| Stored { revision: *revision, sealed: sealed.clone() })),
            None => self.records.get(name),
        }
    }

    fn list(&mut self, prefix: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let mut found: BTreeMap<String, u64> = self.records.list(prefix)?.into_iter().collect();
        let changed = self.changed.range(prefix.to_owned()..);
        for (name, row) in changed.take_while(|(name, _)| name.starts_with(prefix)) {
            match &row.now {
                Some((revision, _)) => _ = found.insert(name.clone(), *revision),
                None => _ = found.remove(name),
            }
        }
        Ok(found.into_iter().collect())
    }

    fn anchor(&mut self) -> Option<&mut dyn Anchor> {
        self.records.anchor()
    }

    fn timeline(&mut self) -> Result<Option<Timeline>, StoreError> {
        self.records.timeline()
    }

    fn wrote(&mut self, name: &str) -> Result<Option<bool>, StoreError> {
        if self.changed.contains_key(name) { Ok(Some(true)) } else { self.records.wrote(name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One record, `a/1`, at revision 3.
    struct One;

    impl Records for One {
        fn get(&mut self, name: &str) -> Result<Option<Stored>, StoreError> {
            Ok((name == "a/1").then(|| Stored { revision: 3, sealed: vec![1] }))
        }

        fn list(&mut self, prefix: &str) -> Result<Vec<(String, u64)>, StoreError> {
            Ok(if "a/1".starts_with(prefix) { vec![("a/1".to_owned(), 3)] } else { Vec::new() })
        }
    }

    fn put(name: &str, base: u64, revision: u64) -> Write {
        Write { name: name.to_owned(), base, change: Change::Put { revision, sealed: vec![9] } }
    }

    fn delete(name: &str, base: u64) -> Write {
        Write { name: name.to_owned(), base, change: Change::Delete }
    }

    #[test]
    fn later_steps_read_earlier_ones_and_each_record_is_written_once() -> Result<(), StoreError> {
        let mut one = One;
        let mut overlay = Overlay::new(&mut one);
        overlay.apply(vec![put("a/1", 3, 4), put("a/2", 0, 1), put("b/1", 0, 1)])?;
        assert_eq!(overlay.get("a/1")?, Some(Stored { revision: 4, sealed: vec![9] }));
        assert_eq!(overlay.list("a/")?, [("a/1".to_owned(), 4), ("a/2".to_owned(), 1)]);

        overlay.apply(vec![put("a/1", 4, 5), delete("a/2", 1)])?;
        assert_eq!(overlay.list("a/")?, [("a/1".to_owned(), 5)]);
        assert_eq!(overlay.finish(), [put("a/1", 3, 5), put("b/1", 0, 1)]);
        Ok(())
    }

    #[test]
    fn a_record_that_goes_and_comes_again_is_replaced() -> Result<(), StoreError> {
        let mut one = One;
        let mut overlay = Overlay::new(&mut one);
        overlay.apply(vec![delete("a/1", 3)])?;
        assert_eq!(overlay.list("")?, []);
        overlay.apply(vec![put("a/1", 0, 7)])?;
        assert_eq!(overlay.finish(), [put("a/1", 3, 7)]);
        Ok(())
    }

    #[test]
    fn a_step_over_another_revision_is_a_conflict() -> Result<(), StoreError> {
        let mut one = One;
        let mut overlay = Overlay::new(&mut one);
        overlay.apply(vec![put("a/1", 3, 4)])?;
        assert_eq!(overlay.apply(vec![put("a/1", 3, 4)]), Err(StoreError::Conflict));
        Ok(())
    }
}
