// SPDX-License-Identifier: MIT OR Apache-2.0
//! A step in Python's hands: what to save, and after the commit the result, once
//! (docs/storage.md, "Steps").

use std::sync::Mutex;

use e2ee_state::{Change, Write};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    sync::MutexExt,
    types::{PyBytes, PyList},
};

use crate::errors::{self, Refusal};

/// A result that waits until its step is durable, and until the store's anchor knows of it.
pub trait Held: Send {
    /// The result, after the anchor was told; a refusal of the anchor gives it back.
    ///
    /// `inside` a transaction it is also seen whether others have told the anchor of a later state
    /// of the same past.
    fn release(self: Box<Self>, py: Python<'_>, inside: Option<&Bound<'_, PyAny>>) -> Released;

    /// The result of a step that is part of a longer transaction, and what to do when that is
    /// durable.
    fn join(self: Box<Self>, py: Python<'_>) -> PyResult<Joined>;

    /// The transaction has ended, and the step was undone, or nobody knows: there is no result.
    fn end(self: Box<Self>) -> PyResult<()>;
}

/// A result, and what waits on for the end of the transaction.
pub type Joined = (Py<PyAny>, Option<Box<dyn Held>>);

/// The result, or what waits on, and why.
pub type Released = Result<PyResult<Py<PyAny>>, (Box<dyn Held>, Refusal)>;

/// The result of a step that no anchor needs to know of.
pub struct Unspent<F>(pub F);

impl<F: FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send> Held for Unspent<F> {
    fn release(self: Box<Self>, py: Python<'_>, _: Option<&Bound<'_, PyAny>>) -> Released {
        Ok((self.0)(py))
    }

    fn join(self: Box<Self>, py: Python<'_>) -> PyResult<Joined> {
        Ok(((self.0)(py)?, None))
    }

    fn end(self: Box<Self>) -> PyResult<()> {
        Ok(())
    }
}

/// What a store must write before the result may leave.
///
/// A step that is dropped has changed nothing: the account reads its records anew each time.
#[pyclass(frozen, generic, module = "e2ee._core")]
pub struct Step {
    /// Tuples of record name, base revision, new revision and sealed bytes; a deletion has neither
    /// of the last two.
    #[pyo3(get)]
    writes: Py<PyList>,
    held: Place,
    /// What is left of a step that was joined: what the account remembers of it.
    lesson: Place,
}

impl Step {
    /// A step with these writes.
    pub fn new(py: Python<'_>, writes: Vec<Write>, held: impl Held + 'static) -> PyResult<Self> {
        let writes = rows(py, writes)?.unbind();
        Ok(Self { writes, held: Mutex::new(Some(Box::new(held))), lesson: Mutex::default() })
    }

    fn lesson(&self, py: Python<'_>) -> Option<Box<dyn Held>> {
        self.lesson.lock_py_attached(py).ok().and_then(|mut held| held.take())
    }

    fn take(&self, py: Python<'_>) -> PyResult<Box<dyn Held>> {
        let held = self.held.lock_py_attached(py).ok().and_then(|mut held| held.take());
        held.ok_or_else(|| errors::stale(py))
    }
}

/// Where something waits.
type Place = Mutex<Option<Box<dyn Held>>>;

/// What was held, unless the anchor refuses: then it is put back into its place.
fn released(
    py: Python<'_>,
    (held, place): (Box<dyn Held>, &Place),
    inside: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<PyAny>> {
    held.release(py, inside).unwrap_or_else(|(held, refusal)| {
        if let Ok(mut place) = place.lock_py_attached(py) {
            *place = Some(held);
        }
        Err(refusal.raise(py))
    })
}

#[pymethods]
impl Step {
    /// The result, once, after the writes are durable.
    ///
    /// `StoreOutcomeUnknownError` if the anchor did not take the step; then it may be tried again,
    /// inside a transaction, which can tell whether others were quicker.
    #[pyo3(signature = (inside = None))]
    fn release(&self, py: Python<'_>, inside: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        released(py, (self.take(py)?, &self.held), inside)
    }

    /// The result, once, of a step that is part of a transaction which goes on.
    ///
    /// What may be sent must wait for `settle`, which is called when the step is durable.
    fn join(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (result, lesson) = self.take(py)?.join(py)?;
        *self.lesson.lock_py_attached(py).map_err(|_| errors::stale(py))? = lesson;
        Ok(result)
    }

    /// Takes note that a step that was joined is durable, and tells the anchor.
    ///
    /// As `release`, if the anchor did not take the step.
    #[pyo3(signature = (inside = None))]
    fn settle(&self, py: Python<'_>, inside: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let Some(held) = self.lesson(py) else { return Ok(()) };
        released(py, (held, &self.lesson), inside).map(|_| ())
    }

    /// Takes note that the transaction has ended without being known to be durable: from now on,
    /// its rows are durable if they are seen. There is no result any more.
    fn end(&self, py: Python<'_>) -> PyResult<()> {
        let held = [self.take(py).ok(), self.lesson(py)];
        held.into_iter().flatten().try_for_each(Held::end)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a step cannot be copied"))
    }
}

/// Writes as a store's transaction takes them.
pub fn rows(py: Python<'_>, writes: Vec<Write>) -> PyResult<Bound<'_, PyList>> {
    let rows = writes.into_iter().map(|write| row(py, write));
    PyList::new(py, rows.collect::<Vec<_>>())
}

type Row<'py> = (String, u64, Option<u64>, Option<Bound<'py, PyBytes>>);

fn row(py: Python<'_>, write: Write) -> Row<'_> {
    match write.change {
        Change::Put { revision, sealed } => {
            (write.name, write.base, Some(revision), Some(PyBytes::new(py, &sealed)))
        }
        Change::Delete => (write.name, write.base, None, None),
    }
}
