// SPDX-License-Identifier: MIT OR Apache-2.0
//! One call over many sessions that the caller stores (docs/storage.md, "Without a store").

use std::{
    collections::HashSet,
    iter::zip,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use e2ee_primitives::{Random, prefetch::prefetch};
use e2ee_signal::{Ciphertext, StandaloneSession};
use e2ee_state::Failure;
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
    parallel::gather,
    signal::{Session, refused},
    transaction::now_ms,
};

/// Sessions that a thread takes at a time.
const TAKEN: usize = 16;
/// Bytes of a head and of what surrounds a text; more only in the first messages of a session.
const USUAL_LEN: usize = 640;
/// Bytes that a thread asks for at the start at most; what is more is copied once or twice.
const MOST_ROOM: usize = 1 << 20;

/// Encrypts each plaintext on its session, as one step (docs/storage.md, "Without a store").
///
/// All cores share the work where that pays.
///
/// A session that refuses is not changed and does not hold up the others. A session may come once:
/// its second place is refused.
#[pyfunction]
pub fn encrypt_many(py: Python<'_>, messages: Vec<(Py<Session>, PyBackedBytes)>) -> SpreadStep {
    let (now, mut seen) = (now_ms() / 1_000, HashSet::with_capacity(messages.len()));
    let items: Vec<Item<'_>> = messages
        .iter()
        .map(|(session, plaintext)| {
            let inner = &**session.get().inner();
            (seen.insert(std::ptr::from_ref(inner)).then_some(inner), &**plaintext)
        })
        .collect();
    let encrypted = py.detach(|| {
        let usual = items.iter().map(|(_, plaintext)| plaintext.len().saturating_add(USUAL_LEN));
        let room = usual.fold(0, usize::saturating_add).min(MOST_ROOM);
        let start = || Encrypted::with_capacity(room);
        gather(&items, TAKEN, start, |encrypted, first, taken, random| {
            taken.first().into_iter().for_each(come);
            for (offset, item) in taken.iter().enumerate() {
                // The next session comes near while this one encrypts.
                taken.get(offset.saturating_add(1)).into_iter().for_each(come);
                encrypted.encrypt(first.saturating_add(offset), *item, now, random);
            }
        })
    });
    let sessions = messages.into_iter().map(|(session, _)| session).collect();
    SpreadStep { sessions, encrypted, open: AtomicBool::new(true) }
}

/// A session, unless it stood in an earlier place, and a plaintext.
type Item<'a> = (Option<&'a Own<StandaloneSession>>, &'a [u8]);

/// Brings a session near that is about to encrypt.
#[inline]
fn come((session, _): &Item<'_>) {
    session.iter().copied().for_each(prefetch);
}

/// What one thread has encrypted: sealed records and messages behind each other, so that little
/// memory is asked for, and all of it by whom it is used.
struct Encrypted {
    bytes: Vec<u8>,
    /// Place, name and revision of each record, and where it lies.
    saved: Vec<(usize, &'static str, u64, Range<usize>)>,
    /// What came of each place.
    results: Vec<(usize, Sent)>,
}

/// The kind of a message and where it lies, or why there is none.
type Sent = Result<(u8, Range<usize>), Failure>;

impl Encrypted {
    fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), saved: vec![], results: vec![] }
    }

    #[inline]
    fn encrypt(
        &mut self,
        place: usize,
        (session, plaintext): Item<'_>,
        now: u64,
        random: &mut dyn Random,
    ) {
        let session = session.and_then(Own::held).ok_or(Failure::from(Error::Stale));
        let sent = session.and_then(|mut session| session.encrypt(plaintext, now, random));
        let result = sent.map(|(writes, ciphertext)| {
            for write in writes {
                let sealed = self.keep(&write.sealed);
                self.saved.push((place, write.name, write.revision, sealed));
            }
            match ciphertext {
                Ciphertext::Ratchet(message) => (2, self.keep(&message)),
                Ciphertext::PreKey(message) => (3, self.keep(&message)),
            }
        });
        self.results.push((place, result));
    }

    #[inline]
    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    #[inline]
    fn bytes<'py>(&self, py: Python<'py>, range: &Range<usize>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.bytes.get(range.clone()).unwrap_or_default())
    }
}

/// What must be saved before the messages to many sessions may be used (docs/storage.md, "Steps").
#[pyclass(frozen, module = "e2ee._core")]
pub struct SpreadStep {
    /// Of each place.
    sessions: Vec<Py<Session>>,
    encrypted: Vec<Encrypted>,
    /// Whether it is neither released nor given up.
    open: AtomicBool,
}

#[pymethods]
impl SpreadStep {
    /// Place of the session, record name, revision and sealed bytes, of each record.
    #[getter]
    fn writes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let saved =
            self.encrypted.iter().flat_map(|part| zip(&part.saved, std::iter::repeat(part)));
        let mut saved: Vec<_> = saved.collect();
        saved.sort_by_key(|((place, ..), _)| *place);
        let rows = saved.into_iter().map(|((place, name, revision, sealed), part)| {
            (place, *name, revision, part.bytes(py, sealed))
        });
        PyList::new(py, rows.collect::<Vec<_>>())
    }

    /// Kind and message of each place or the error in its place, once, after the writes are durable.
    ///
    /// Raises `StaleSessionError` the second time.
    fn release(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        if !self.open.swap(false, Ordering::Relaxed) {
            return Err(errors::stale(py));
        }
        // All of them, whatever becomes of one.
        let released = self.stepped().map(|session| {
            session.get().inner().lock(py).map(|mut session| session.stage().release())
        });
        released.fold(Ok(()), Result::and)?;
        let mut places: Vec<_> = self.sessions.iter().map(|_| None).collect();
        for part in &self.encrypted {
            for (place, result) in &part.results {
                if let Some(found) = places.get_mut(*place) {
                    *found = Some((part, result));
                }
            }
        }
        let results = places.into_iter().flatten().map(|(part, result)| match result {
            Ok((kind, message)) => (*kind, part.bytes(py, message)).into_py_any(py),
            Err(failure) => Ok(refused(py, *failure).into_value(py).into_any()),
        });
        results.collect()
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a step cannot be copied"))
    }
}

impl SpreadStep {
    /// Those whose step this is.
    fn stepped(&self) -> impl Iterator<Item = &Py<Session>> {
        let results = self.encrypted.iter().flat_map(|part| &part.results);
        let stepped = results.filter(|(_, result)| result.is_ok());
        stepped.filter_map(|(place, _)| self.sessions.get(*place))
    }
}

impl Drop for SpreadStep {
    /// A step that is dropped before it is released leaves its sessions stale.
    fn drop(&mut self) {
        if *self.open.get_mut() {
            for mut session in self.stepped().filter_map(|each| each.get().inner().held()) {
                session.stage().abandon();
            }
        }
    }
}
