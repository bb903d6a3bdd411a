// SPDX-License-Identifier: MIT OR Apache-2.0
//! State that belongs to the process which made it (docs/storage.md, "Forks").
//!
//! After a fork there are two copies of it, and both would use the same message keys: the child
//! refuses. A thread that held the lock is not in the child, so the process is compared first.

use std::sync::{Mutex, MutexGuard};

use pyo3::{prelude::*, sync::MutexExt};

use crate::errors;

/// State behind a lock, of one process.
pub struct Own<T> {
    process: u32,
    inner: Mutex<T>,
}

impl<T> Own<T> {
    /// State of this process.
    pub fn new(inner: T) -> Self {
        Self { process: std::process::id(), inner: Mutex::new(inner) }
    }

    /// The state; one that a panic left half changed is not used again, and neither is one that was
    /// made before a fork.
    pub fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, T>> {
        if self.process != std::process::id() {
            return Err(errors::forked(py));
        }
        self.inner.lock_py_attached(py).map_err(|_| errors::stale(py))
    }

    /// The state, for what needs no interpreter; `None` where [`Own::lock`] refuses.
    pub fn held(&self) -> Option<MutexGuard<'_, T>> {
        if self.process == std::process::id() { self.inner.lock().ok() } else { None }
    }
}
