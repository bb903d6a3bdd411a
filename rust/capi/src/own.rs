// SPDX-License-Identifier: MIT OR Apache-2.0
//! State that belongs to the process which made it, behind a lock (docs/storage.md, "Forks").
//!
//! After a fork there are two copies of it, and both would use the same message keys: the child
//! refuses. A thread that held the lock is not in the child, so the process is compared first.

use std::{
    num::NonZero,
    sync::{
        Mutex, MutexGuard, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use e2ee_primitives::{Random, forked::wiped_word};

use crate::{status::Status, world::OsRandom};

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
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, Status> {
        if self.process.is_none() || self.process != Process::this() {
            return Err(Status::StaleSession);
        }
        self.inner.lock().map_err(|_| Status::Poisoned)
    }
}

/// What no other process has, neither a child nor a parent of this one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Process(NonZero<u64>);

impl Process {
    /// This one. Asking the kernel each time for its number costs as much as sealing a record.
    fn this() -> Option<Self> {
        let Some(word) = *WORD.get_or_init(wiped_word) else {
            return NonZero::new(std::process::id().into()).map(Self);
        };
        NonZero::new(word.load(Ordering::Relaxed)).or_else(|| drawn(word)).map(Self)
    }
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
