// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a method works with, and what comes of it once its step is durable (docs/storage.md,
//! "Steps").

use e2ee_primitives::random::Random;
use e2ee_state::{Records, Stored};

use crate::{generation::Moved, index::Index, memory::Rows};

/// What a method works with: the store's transaction, randomness, and the time in milliseconds
/// since the Unix epoch.
pub struct Environment<'a> {
    /// The open transaction.
    pub records: &'a mut dyn Records,
    /// The source of randomness.
    pub random: &'a mut dyn Random,
    /// The time.
    pub now_ms: u64,
}

/// The time, in milliseconds since the Unix epoch, and randomness.
pub type At<'a> = (u64, &'a mut dyn Random);

/// A result, and what the account knows once the step is durable.
#[derive(Debug)]
pub struct Outcome<T> {
    pub(crate) value: T,
    pub(crate) learnt: Learnt,
    /// What the anchor must hold before the value may leave.
    pub(crate) moved: Option<Moved>,
}

impl<T> Outcome<T> {
    /// Of a step that moves the generation, if it does.
    pub const fn new(value: T, learnt: Learnt, moved: Option<Moved>) -> Self {
        Self { value, learnt, moved }
    }

    /// Of a step that spends no message key.
    pub const fn unspent(value: T, learnt: Learnt) -> Self {
        Self::new(value, learnt, None)
    }

    /// The result of a step that is part of a longer transaction, and what is to be committed when
    /// that is durable, and before anything of it is sent.
    pub fn part(self) -> (T, Outcome<()>) {
        (self.value, Outcome { value: (), learnt: self.learnt, moved: self.moved })
    }

    /// The result of a step that becomes part of another one, and what is learnt by it; that one
    /// tells the anchor.
    pub fn apart(self) -> (T, Learnt) {
        (self.value, self.learnt)
    }

    /// The same outcome with another result.
    pub fn map<U>(self, result: impl FnOnce(T) -> U) -> Outcome<U> {
        Outcome { value: result(self.value), learnt: self.learnt, moved: self.moved }
    }
}

/// What changes in the account's own memory by a commit.
#[derive(Debug, Default)]
pub struct Learnt {
    pub(crate) index: Option<(Index, Stored)>,
    pub(crate) members: Vec<(String, Option<u64>)>,
    /// The rows that the step holds.
    pub rows: Rows,
}
