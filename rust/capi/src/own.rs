// SPDX-License-Identifier: MIT OR Apache-2.0
//! State that belongs to the process which made it, behind a lock (docs/storage.md, "Forks").
//!
//! After a fork there are two copies of it, and both would use the same message keys: the child
//! refuses. A thread that held the lock is not in the child, so the process is compared first.

use std::sync::{Mutex, MutexGuard};

use e2ee_primitives::forked::Mark;

use crate::{status::Status, world::OsRandom};

/// State behind a lock, of one process.
pub struct Own<T> {
    /// None if it could not be told: then the state is never given out.
    process: Option<Mark>,
    inner: Mutex<T>,
}

impl<T> Own<T> {
    /// State of this process.
    pub fn new(inner: T) -> Self {
        Self { process: this_process(), inner: Mutex::new(inner) }
    }

    /// The state; one that a panic left half changed is not used again, and neither is one that was
    /// made before a fork.
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, Status> {
        if self.process.is_none() || self.process != this_process() {
            return Err(Status::StaleSession);
        }
        self.inner.lock().map_err(|_| Status::Poisoned)
    }
}

/// The mark of this process.
fn this_process() -> Option<Mark> {
    Mark::of_this_process(&mut OsRandom, std::process::id)
}
