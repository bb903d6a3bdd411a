// SPDX-License-Identifier: MIT OR Apache-2.0
//! State that belongs to the process which made it (docs/storage.md, "Forks").
//!
//! After a fork there are two copies of it, and both would use the same message keys: the child
//! refuses. A thread that held the lock is not in the child, so the process is compared first.

use std::{
    num::NonZero,
    sync::{
        Mutex, MutexGuard, OnceLock, TryLockError,
        atomic::{AtomicU64, Ordering},
    },
};

use e2ee_primitives::{Random, forked::wiped_word};
use pyo3::{prelude::*, sync::MutexExt};

use crate::{errors, transaction::OsRandom};

/// State behind a lock, of one process.
pub struct Own<T> {
    /// None if it could not be told: then the state is never given out.
    process: Option<Process>,
    inner: Mutex<T>,
}

impl<T> Own<T> {
    /// State of this process.
    pub fn new(inner: T) -> Self {
        Self { process: Process::this(), inner: Mutex::new(inner) }
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
        self.process.is_some() && self.process == Process::this()
    }
}

/// What no other process has, neither a child nor a parent of this one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Process(NonZero<u64>);

impl Process {
    /// This one. Asking the kernel each time for its number costs as much as sealing a record.
    #[inline]
    pub fn this() -> Option<Self> {
        let Some(word) = *WORD.get_or_init(wiped_word) else {
            return NonZero::new(std::process::id().into()).map(Self);
        };
        NonZero::new(word.load(Ordering::Relaxed)).or_else(|| drawn(word)).map(Self)
    }
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

/// Asks the kernel for the word, once.
pub fn prepare() {
    WORD.get_or_init(wiped_word);
}

/// Draws this process's value: that of its parent is gone, and whichever thread is first counts.
fn drawn(word: &AtomicU64) -> Option<NonZero<u64>> {
    let mut bytes = [0; 8];
    OsRandom.fill(&mut bytes).ok()?;
    let value = NonZero::new(u64::from_ne_bytes(bytes))?;
    let seen = word.compare_exchange(0, value.get(), Ordering::Relaxed, Ordering::Relaxed);
    seen.map_or_else(NonZero::new, |_| Some(value))
}

/// The word that is zero in a child; none where the kernel does not promise that.
static WORD: OnceLock<Option<&'static AtomicU64>> = OnceLock::new();
