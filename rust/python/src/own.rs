// SPDX-License-Identifier: MIT OR Apache-2.0
//! State that belongs to the process which made it (docs/storage.md, "Forks").
//!
//! After a fork there are two copies of it, and both would use the same message keys: the child
//! refuses. A thread that held the lock is not in the child, so the process is compared first.

use std::sync::{Mutex, MutexGuard, TryLockError};

use e2ee_primitives::forked::Mark;
use pyo3::{prelude::*, sync::MutexExt};

use crate::{errors, transaction::OsRandom};

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
    #[inline]
    pub fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, T>> {
        if !self.is_ours() {
            return Err(errors::forked(py));
        }
        locked(py, &self.inner)
    }

    /// The state, for what needs no interpreter; `None` where [`Own::lock`] refuses.
    #[inline]
    pub fn held(&self) -> Option<MutexGuard<'_, T>> {
        if self.is_ours() { self.inner.lock().ok() } else { None }
    }

    #[inline]
    fn is_ours(&self) -> bool {
        self.process.is_some() && self.process == this_process()
    }
}

/// The mark of this process.
#[inline]
pub fn this_process() -> Option<Mark> {
    Mark::of_this_process(&mut OsRandom, std::process::id)
}

/// What a lock holds, unless a panic left it half changed.
///
/// A lock that is free is taken at once: only to wait for it lets go of the interpreter.
#[inline]
pub fn locked<'a, T>(py: Python<'_>, mutex: &'a Mutex<T>) -> PyResult<MutexGuard<'a, T>> {
    match mutex.try_lock() {
        Ok(held) => Ok(held),
        Err(TryLockError::WouldBlock) => mutex.lock_py_attached(py).map_err(|_| errors::stale(py)),
        Err(TryLockError::Poisoned(_)) => Err(errors::stale(py)),
    }
}
