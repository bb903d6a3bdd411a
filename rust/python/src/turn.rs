// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whose turn it is to use a store (docs/storage.md, "Stores").
//!
//! It is taken and given back with each message, which is why it stands here: in Python it took
//! half a microsecond more of the 25 of a durable message.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::Duration,
};

use e2ee_primitives::forked::Mark;
use pyo3::prelude::*;

use crate::{errors, own::this_process};

/// How long a thread waits before it looks whether a signal came, such as a keyboard interrupt.
const PATIENCE: Duration = Duration::from_millis(50);

/// A lock that tells a thread that it holds it already, and a forked process that it may not.
///
/// A forked copy of a store would use the same message keys as its original; a database connection
/// cannot be used in both.
#[pyclass(frozen, module = "e2ee._core")]
pub struct Turn {
    process: Option<Mark>,
    state: Mutex<State>,
    given_back: Condvar,
}

/// Who has the turn, and whether nobody will have it any more.
struct State {
    holder: Option<ThreadId>,
    closed: bool,
}

impl Turn {
    /// The state, which no panic can have left half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the turn if nobody has it.
    fn take(state: &mut State, thread: ThreadId) -> bool {
        let is_free = state.holder.is_none();
        if is_free {
            state.holder = Some(thread);
        }
        is_free
    }

    /// Waits for a while for the turn, without the interpreter; whether it was taken.
    fn wait(&self, thread: ThreadId) -> bool {
        let wait =
            self.given_back.wait_timeout_while(self.state(), PATIENCE, |it| it.holder.is_some());
        let (mut state, _) = wait.unwrap_or_else(PoisonError::into_inner);
        Self::take(&mut state, thread)
    }

    fn give_back(&self) {
        self.state().holder = None;
        self.given_back.notify_one();
    }
}

#[pymethods]
impl Turn {
    /// A turn that nobody has.
    #[new]
    fn new() -> Self {
        let state = Mutex::new(State { holder: None, closed: false });
        Self { process: this_process(), state, given_back: Condvar::new() }
    }

    /// Waits for the turn.
    ///
    /// Raises `TransactionOpenError` if this thread has it, `StaleSessionError` if the store is
    /// closed, or another process opened it.
    fn __enter__(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_foreign() {
            return Err(errors::stale_store(py, "the process was forked: open the store again"));
        }
        let thread = thread::current().id();
        let mut state = self.state();
        if state.holder == Some(thread) {
            return Err(errors::transaction_open(py));
        }
        let mut taken = Self::take(&mut state, thread);
        drop(state);
        while !taken {
            taken = py.detach(|| self.wait(thread));
            if let Err(interrupt) = py.check_signals() {
                if taken {
                    self.give_back();
                }
                return Err(interrupt);
            }
        }
        if self.is_closed() {
            self.give_back();
            return Err(errors::stale_store(py, "the store is closed: open it again"));
        }
        Ok(())
    }

    /// Gives the turn to the next.
    fn __exit__(
        &self,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.give_back();
    }

    /// Whether another process opened the store.
    fn is_foreign(&self) -> bool {
        self.process.is_none() || self.process != this_process()
    }

    /// Whether this was the last turn; not to be asked in a forked process, whose copy of the lock
    /// may be held by a thread that is not there.
    fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Makes the present turn the last one.
    fn close(&self) {
        self.state().closed = true;
    }
}
