// SPDX-License-Identifier: MIT OR Apache-2.0
//! The steps of `e2ee.signal` and `e2ee.olm`: what to save, and after that the result, once
//! (docs/storage.md, "Without a store").

use std::sync::{Arc, Mutex};

use e2ee_olm::megolm::{
    StandaloneInbound, StandaloneOutbound,
    standalone::{GroupBacklog, Opened},
};
use e2ee_signal::{
    StandaloneSession,
    sender_keys::standalone::{StandaloneSenderKey, StandaloneSenderKeys},
};
use e2ee_state::{Backlog, Saved, Stage};
use pyo3::{
    exceptions::PyTypeError,
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyBytes, PyDict, PyList, PyString, PyTuple},
};

use crate::{
    errors,
    own::{Own, locked},
};

/// What a step belongs to, and where its stored state stands.
pub trait Staged: Send {
    /// Where it stands.
    fn stage(&mut self) -> &mut Stage;
}

impl Staged for StandaloneSession {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

impl Staged for e2ee_olm::StandaloneSession {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

impl Staged for StandaloneSenderKey {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

impl Staged for StandaloneSenderKeys {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

impl Staged for StandaloneOutbound {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

impl Staged for StandaloneInbound {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

/// A lock around something staged, of whatever type it is.
pub trait Owner: Send + Sync {
    /// Ends the open step.
    fn release(&self, py: Python<'_>) -> PyResult<()>;

    /// Gives the open step up.
    fn abandon(&self);
}

impl<T: Staged> Owner for Own<T> {
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.lock(py)?.stage().release();
        Ok(())
    }

    fn abandon(&self) {
        if let Some(mut owner) = self.held() {
            owner.stage().abandon();
        }
    }
}

/// A result that waits until the writes of its step are durable.
struct Waiting<T> {
    saved: Vec<Saved>,
    /// The same as Python has it, once it is asked for.
    writes: PyOnceLock<Py<PyDict>>,
    owner: Arc<dyn Owner>,
    result: Mutex<Option<Py<T>>>,
}

impl<T> Waiting<T> {
    #[inline]
    const fn new(owner: Arc<dyn Owner>, saved: Vec<Saved>, result: Py<T>) -> Self {
        Self { saved, writes: PyOnceLock::new(), owner, result: Mutex::new(Some(result)) }
    }

    fn writes(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        let writes = self.writes.get_or_try_init(py, || {
            let rows = PyDict::new(py);
            for Saved { name, revision, sealed, .. } in &self.saved {
                rows.set_item(interned(py, name), (revision, PyBytes::new(py, sealed)))?;
            }
            Ok::<_, PyErr>(rows.unbind())
        });
        writes.map(|writes| writes.clone_ref(py))
    }

    fn release(&self, py: Python<'_>) -> PyResult<Py<T>> {
        let result = locked(py, &self.result)?.take().ok_or_else(|| errors::stale(py))?;
        self.owner.release(py)?;
        Ok(result)
    }
}

impl<T> Drop for Waiting<T> {
    /// A step that is dropped before it is released leaves its owner stale.
    fn drop(&mut self) {
        let open = self.result.get_mut().is_ok_and(|result| result.is_some());
        if open {
            self.owner.abandon();
        }
    }
}

/// The name of a record as Python has it: those of each message are made once.
fn interned<'py>(py: Python<'py>, name: &str) -> Bound<'py, PyString> {
    match name {
        "head" => intern!(py, "head").clone(),
        "sending" => intern!(py, "sending").clone(),
        _ => PyString::new(py, name),
    }
}

/// What must be saved before the result may be used (docs/storage.md, "Steps").
#[pyclass(frozen, module = "e2ee._core")]
pub struct SessionStep {
    waiting: Waiting<PyBytes>,
    /// The kind of an encrypted message: 2 ratchet message, 3 prekey message, 7 group message.
    ///
    /// Of Olm it is the message's type: 0 prekey message, 1 normal message.
    #[pyo3(get)]
    kind: Option<u8>,
}

impl SessionStep {
    /// A step of `owner` with these writes; the result waits for its release.
    #[inline]
    pub fn new(
        py: Python<'_>,
        owner: Arc<dyn Owner>,
        writes: Vec<Saved>,
        (kind, result): (Option<u8>, &[u8]),
    ) -> Self {
        let result = PyBytes::new(py, result).unbind();
        Self { waiting: Waiting::new(owner, writes, result), kind }
    }
}

#[pymethods]
impl SessionStep {
    /// Record name to revision and sealed bytes.
    #[getter]
    fn writes(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        self.waiting.writes(py)
    }

    /// The result, once, after the writes are durable.
    ///
    /// Raises `StaleSessionError` the second time.
    fn release(&self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        self.waiting.release(py)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a step cannot be copied"))
    }
}

/// What must be saved before the results of many messages may be used (docs/storage.md, "Steps").
#[pyclass(frozen, module = "e2ee._core")]
pub struct BacklogStep {
    waiting: Waiting<PyList>,
}

impl BacklogStep {
    /// A step of `owner` with these writes; the results wait for its release.
    pub fn new(
        py: Python<'_>,
        owner: Arc<dyn Owner>,
        (writes, results): Backlog,
    ) -> PyResult<Self> {
        let places = results.into_iter().map(|result| match result {
            Ok(plaintext) => PyBytes::new(py, plaintext.expose()).into_any(),
            Err(error) => errors::protocol(py, error).into_value(py).into_bound(py).into_any(),
        });
        let results = PyList::new(py, places.collect::<Vec<_>>())?.unbind();
        Ok(Self { waiting: Waiting::new(owner, writes, results) })
    }
}

#[pymethods]
impl BacklogStep {
    /// Record name to revision and sealed bytes.
    #[getter]
    fn writes(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        self.waiting.writes(py)
    }

    /// The plaintext of each message or the error in its place, once, after the writes are durable.
    ///
    /// Raises `StaleSessionError` the second time.
    fn release(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        self.waiting.release(py)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a step cannot be copied"))
    }
}

/// What must be saved before a group message may be used (docs/storage.md, "Steps").
#[pyclass(frozen, module = "e2ee._core")]
pub struct GroupStep {
    waiting: Waiting<PyTuple>,
}

impl GroupStep {
    /// A step of `owner` with these writes; the message waits for its release.
    pub fn new(
        py: Python<'_>,
        owner: Arc<dyn Owner>,
        (writes, opened): (Vec<Saved>, Opened),
    ) -> PyResult<Self> {
        let result = indexed(py, &opened)?.unbind();
        Ok(Self { waiting: Waiting::new(owner, writes, result) })
    }
}

#[pymethods]
impl GroupStep {
    /// Record name to revision and sealed bytes; often none.
    #[getter]
    fn writes(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        self.waiting.writes(py)
    }

    /// Index and plaintext, once, after the writes are durable.
    ///
    /// Raises `StaleSessionError` the second time.
    fn release(&self, py: Python<'_>) -> PyResult<Py<PyTuple>> {
        self.waiting.release(py)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a step cannot be copied"))
    }
}

/// What must be saved before many group messages may be used (docs/storage.md, "Steps").
#[pyclass(frozen, module = "e2ee._core")]
pub struct GroupBacklogStep {
    waiting: Waiting<PyList>,
}

impl GroupBacklogStep {
    /// A step of `owner` with these writes; the messages wait for its release.
    pub fn new(
        py: Python<'_>,
        owner: Arc<dyn Owner>,
        (writes, results): GroupBacklog,
    ) -> PyResult<Self> {
        let places = results.into_iter().map(|result| match result {
            Ok(opened) => indexed(py, &opened).map(Bound::into_any),
            Err(error) => Ok(errors::protocol(py, error).into_value(py).into_bound(py).into_any()),
        });
        let results = PyList::new(py, places.collect::<PyResult<Vec<_>>>()?)?.unbind();
        Ok(Self { waiting: Waiting::new(owner, writes, results) })
    }
}

#[pymethods]
impl GroupBacklogStep {
    /// Record name to revision and sealed bytes; often none.
    #[getter]
    fn writes(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        self.waiting.writes(py)
    }

    /// Index and plaintext of each message or the error in its place, once, after the writes.
    ///
    /// Raises `StaleSessionError` the second time.
    fn release(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        self.waiting.release(py)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a step cannot be copied"))
    }
}

fn indexed<'py>(py: Python<'py>, opened: &Opened) -> PyResult<Bound<'py, PyTuple>> {
    (opened.index, PyBytes::new(py, opened.plaintext.expose())).into_pyobject(py)
}
