// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts the cases of one set, so that none is skipped silently.

use std::collections::BTreeMap;

/// The account of one set: every case either ran or has a printed reason why it does not apply.
#[must_use = "a set that is not finished has not been accounted for"]
pub struct Count {
    set: String,
    ran: usize,
    not_applicable: BTreeMap<String, usize>,
    finished: bool,
}

impl Count {
    /// Opens the account of a set, named like its file.
    pub fn new(set: &str) -> Self {
        Self { set: set.to_owned(), ran: 0, not_applicable: BTreeMap::new(), finished: false }
    }

    /// One case ran and every expectation of it held.
    pub fn ran(&mut self) {
        self.ran += 1;
    }

    /// One case asks for something that this project does not have.
    pub fn not_applicable(&mut self, reason: &str) {
        *self.not_applicable.entry(reason.to_owned()).or_default() += 1;
    }

    /// Prints the account of a set of `total` cases.
    ///
    /// # Panics
    ///
    /// If no case ran, or if the cases do not add up to `total`.
    pub fn finish(mut self, total: usize) {
        self.finished = true;
        let excluded: usize = self.not_applicable.values().sum();
        println!("{}: {} cases", self.set, self.ran);
        for (reason, cases) in &self.not_applicable {
            println!("{}: {cases} not applicable ({reason})", self.set);
        }
        assert!(self.ran > 0, "{}: no case ran", self.set);
        assert_eq!(total, self.ran + excluded, "{}: cases unaccounted for", self.set);
    }

    /// Prints that a whole set does not apply.
    pub fn none_applicable(set: &str, total: usize, reason: &str) {
        println!("{set}: 0 cases");
        println!("{set}: {total} not applicable ({reason})");
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        assert!(
            self.finished || std::thread::panicking(),
            "{}: the account was not finished",
            self.set
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "no case ran")]
    fn a_set_that_ran_nothing_fails() {
        let mut count = Count::new("set");
        count.not_applicable("reason");
        count.finish(1);
    }

    #[test]
    #[should_panic(expected = "unaccounted")]
    fn a_set_with_a_lost_case_fails() {
        let mut count = Count::new("set");
        count.ran();
        count.finish(2);
    }

    #[test]
    #[should_panic(expected = "not finished")]
    fn a_forgotten_account_fails() {
        let mut count = Count::new("set");
        count.ran();
    }
}
