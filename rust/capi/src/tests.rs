// SPDX-License-Identifier: MIT OR Apache-2.0
//! What no caller can bring about: panics, and what is left of the objects that they were in.

use std::{panic::resume_unwind, sync::Arc};

use crate::{
    edge::entry,
    own::Own,
    status::Status,
    step::{Outcome, Owner, Staged, Step},
};
use e2ee_state::Stage;

impl Staged for Stage {
    fn stage(&mut self) -> &mut Stage {
        self
    }
}

#[test]
fn a_panic_ends_at_the_border() {
    let status = entry(|| resume_unwind(Box::new("a fault")));

    assert_eq!(Status::Poisoned, status);
}

#[test]
fn an_object_in_which_a_panic_was_is_not_used_again() {
    let own = Own::new(Stage::Ready);
    let first = entry(|| {
        let _held = own.lock()?;
        resume_unwind(Box::new("a fault"))
    });

    let second = entry(|| own.lock().map(|_| ()));

    assert_eq!((Status::Poisoned, Status::Poisoned), (first, second));
    assert_eq!(Err(Status::Poisoned), own.release());
}

#[test]
fn a_step_that_is_dropped_leaves_its_owner_stale() {
    let own = Arc::new(Own::new(Stage::Open));

    drop(Step::of(own.clone(), Outcome::saved(Vec::new())));

    assert_eq!(Some(Stage::Stale), own.lock().ok().map(|stage| *stage));
}

#[test]
fn each_status_has_a_number_and_a_name_of_its_own() {
    let mut numbers: Vec<_> = Status::ALL.iter().map(|(status, _)| status.number()).collect();
    let mut names: Vec<_> = Status::ALL.iter().map(|(_, name)| *name).collect();
    names.sort_unstable();
    names.dedup();
    numbers.dedup();

    assert!(numbers.is_sorted());
    assert_eq!((Status::ALL.len(), Status::ALL.len()), (numbers.len(), names.len()));
}
