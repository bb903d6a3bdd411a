// SPDX-License-Identifier: MIT OR Apache-2.0
//! One call over many sessions that the caller stores (docs/storage.md, "Without a store").

use std::{collections::HashSet, sync::Mutex};

use e2ee_primitives::Random;
use e2ee_signal::{Ciphertext, StandaloneSession, account::Workers};
use e2ee_state::{Failure, Saved};
use e2ee_wire::Error;
use pyo3::{
    IntoPyObjectExt,
    exceptions::PyTypeError,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBytes, PyList},
};

use crate::{
    errors,
    own::Own,
    parallel::Threads,
    signal::{Session, locked, refused},
    transaction::now_ms,
};

/// Sessions that a thread takes at a time.
const TAKEN: usize = 32;

/// Encrypts each plaintext on its session, as one step (docs/storage.md, "Without a store").
///
/// All cores share the work where that pays.
///
/// A session that refuses is not changed and does not hold up the others. A session may come once:
/// its second place is refused.
#[pyfunction]
pub fn encrypt_many(py: Python<'_>, messages: Vec<(Py<Session>, PyBackedBytes)>) -> SpreadStep {
    let (now, mut seen) = (now_ms() / 1_000, HashSet::with_capacity(messages.len()));
    let items: Vec<_> = messages
        .iter()
        .map(|(session, plaintext)| {
            let inner = &**session.get().inner();
            (seen.insert(std::ptr::from_ref(inner)).then_some(inner), &**plaintext)
        })
        .collect();
    let stepped = py.detach(|| {
        let work = |taken: &[Item<'_>], random: &mut dyn Random| -> Vec<_> {
            taken.iter().map(|item| encrypt(item, now, random)).collect()
        };
        Threads.map(items.chunks(TAKEN).collect(), |taken| taken.len(), work)
    });
    SpreadStep::new(messages, stepped.into_iter().flatten())
}

/// A session, unless it stood in an earlier place, and a plaintext.
type Item<'a> = (Option<&'a Own<StandaloneSession>>, &'a [u8]);

type Sent = Result<(Vec<Saved>, Ciphertext), Failure>;

fn encrypt((session, plaintext): &Item<'_>, now: u64, random: &mut dyn Random) -> Sent {
    let mut session = session.and_then(Own::held).ok_or(Error::Stale)?;
    session.encrypt(plaintext, now, random)
}

/// What must be saved before the messages to many sessions may be used (docs/storage.md, "Steps").
#[pyclass(frozen, module = "e2ee._core")]
pub struct SpreadStep {
    /// Those whose step this is.
    sessions: Vec<Py<Session>>,
    /// Place and record.
    saved: Vec<(usize, Saved)>,
    results: Mutex<Option<Vec<Result<Ciphertext, Failure>>>>,
}

impl SpreadStep {
    fn new(
        messages: Vec<(Py<Session>, PyBackedBytes)>,
        stepped: impl Iterator<Item = Sent>,
    ) -> Self {
        let (mut sessions, mut saved, mut results) = (vec![], vec![], vec![]);
        for (place, ((session, _), sent)) in messages.into_iter().zip(stepped).enumerate() {
            results.push(sent.map(|(writes, ciphertext)| {
                sessions.push(session);
                saved.extend(writes.into_iter().map(|write| (place, write)));
                ciphertext
            }));
        }
        Self { sessions, saved, results: Mutex::new(Some(results)) }
    }
}

#[pymethods]
impl SpreadStep {
    /// Place of the session, record name, revision and sealed bytes, of each record.
    #[getter]
    fn writes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let rows = self.saved.iter().map(|(place, Saved { name, revision, sealed })| {
            (place, *name, revision, PyBytes::new(py, sealed))
        });
        PyList::new(py, rows.collect::<Vec<_>>())
    }

    /// Kind and message of each place or the error in its place, once, after the writes are durable.
    ///
    /// Raises `StaleSessionError` the second time.
    fn release(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let results = locked(py, &self.results)?.take().ok_or_else(|| errors::stale(py))?;
        // All of them, whatever becomes of one.
        let released = self.sessions.iter().map(|session| {
            session.get().inner().lock(py).map(|mut session| session.stage().release())
        });
        released.fold(Ok(()), Result::and)?;
        let places = results.into_iter().map(|result| match result {
            Ok(Ciphertext::Ratchet(message)) => (2, PyBytes::new(py, &message)).into_py_any(py),
            Ok(Ciphertext::PreKey(message)) => (3, PyBytes::new(py, &message)).into_py_any(py),
            Err(failure) => Ok(refused(py, failure).into_value(py).into_any()),
        });
        places.collect()
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a step cannot be copied"))
    }
}

impl Drop for SpreadStep {
    /// A step that is dropped before it is released leaves its sessions stale.
    fn drop(&mut self) {
        if self.results.get_mut().is_ok_and(|results| results.is_some()) {
            for mut session in self.sessions.iter().filter_map(|each| each.get().inner().held()) {
                session.stage().abandon();
            }
        }
    }
}
