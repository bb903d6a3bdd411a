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

type Release = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

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
}

impl Step {
    /// A step with these writes, whose result `release` makes.
    pub fn new(
        py: Python<'_>,
        writes: Vec<Write>,
        release: impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Self> {
        let rows = writes.into_iter().map(|write| row(py, write));
        let writes = PyList::new(py, rows.collect::<Vec<_>>())?.unbind();
        Ok(Self { writes, release: Mutex::new(Some(Box::new(release))) })
    }
}

#[pymethods]
impl Step {
    /// The result, once, after the writes are durable.
    fn release(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let held = self.release.lock_py_attached(py).ok().and_then(|mut held| held.take());
        held.ok_or_else(|| errors::stale(py)).and_then(|release| release(py))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a step cannot be copied"))
    }
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
