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

use crate::errors;

type Release = Box<dyn FnOnce(Python<'_>, Settles) -> PyResult<Py<PyAny>> + Send>;
/// What an account remembers once a step is durable.
pub type Lesson = Box<dyn FnOnce(Python<'_>) -> PyResult<()> + Send>;
/// Where a step that is part of a longer transaction leaves its lesson; `None` if it is durable.
pub type Settles<'a> = Option<&'a mut Option<Lesson>>;

/// What a store must write before the result may leave.
///
/// A step that is dropped has changed nothing: the account reads its records anew each time.
#[pyclass(frozen, generic, module = "e2ee._core")]
pub struct Step {
    /// Tuples of record name, base revision, new revision and sealed bytes; a deletion has neither
    /// of the last two.
    #[pyo3(get)]
    writes: Py<PyList>,
    release: Mutex<Option<Release>>,
    lesson: Mutex<Option<Lesson>>,
}

impl Step {
    /// A step with these writes, whose result `release` makes.
    pub fn new(
        py: Python<'_>,
        writes: Vec<Write>,
        release: impl FnOnce(Python<'_>, Settles) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Self> {
        let writes = rows(py, writes)?.unbind();
        Ok(Self { writes, release: Mutex::new(Some(Box::new(release))), lesson: Mutex::default() })
    }

    fn take(&self, py: Python<'_>) -> PyResult<Release> {
        let held = self.release.lock_py_attached(py).ok().and_then(|mut held| held.take());
        held.ok_or_else(|| errors::stale(py))
    }
}

#[pymethods]
impl Step {
    /// The result, once, after the writes are durable.
    fn release(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.take(py)?(py, None)
    }

    /// The result, once, of a step that is part of a transaction which goes on.
    ///
    /// Nothing that may be sent is the result of such a step. Call `settle` when it is durable.
    fn join(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let mut lesson = None;
        let result = self.take(py)?(py, Some(&mut lesson))?;
        *self.lesson.lock_py_attached(py).map_err(|_| errors::stale(py))? = lesson;
        Ok(result)
    }

    /// Takes note that a step that was joined is durable.
    fn settle(&self, py: Python<'_>) -> PyResult<()> {
        let held = self.lesson.lock_py_attached(py).ok().and_then(|mut held| held.take());
        held.map_or(Ok(()), |lesson| lesson(py))
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
