// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sender keys that the caller stores, as `e2ee.signal` shows them (signal.md §9;
//! docs/storage.md, "Without a store").

#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "the signatures are what the interpreter calls"
)]

use std::sync::Arc;

use e2ee_signal::sender_keys::{
    DISTRIBUTION_ID_LEN,
    standalone::{StandaloneSenderKey, StandaloneSenderKeys},
};
use pyo3::{exceptions::PyTypeError, prelude::*, pybacked::PyBackedBytes, types::PyBytes};

use crate::{
    convert,
    own::Own,
    parallel::Threads,
    saving::{BacklogStep, SessionStep},
    signal::{StateKey, protocol, refused},
    transaction::OsRandom,
};

/// The bytes of a `uuid.UUID`.
fn uuid(value: &Bound<'_, PyAny>) -> PyResult<[u8; DISTRIBUTION_ID_LEN]> {
    value.getattr("bytes")?.extract()
}

/// Our own chain for one group: what we encrypt with, and give to its members (signal.md §9).
#[pyclass(frozen, module = "e2ee._core")]
pub struct SenderKey {
    inner: Arc<Own<StandaloneSenderKey>>,
}

#[pymethods]
impl SenderKey {
    /// A fresh chain with a fresh signing key, for a group's UUID.
    #[staticmethod]
    fn create(
        py: Python<'_>,
        key: &StateKey,
        #[pyo3(from_py_with = uuid)] distribution_id: [u8; DISTRIBUTION_ID_LEN],
    ) -> PyResult<Self> {
        StandaloneSenderKey::create(key.sealer(), distribution_id, &mut OsRandom)
            .map(Self::of)
            .map_err(|failure| refused(py, failure))
    }

    /// The chain of the record `sending`: its revision and its bytes.
    ///
    /// Raises `StoreCorruptionError` for another key, group, revision or record. Loading one state
    /// twice uses message keys twice.
    #[staticmethod]
    fn load(
        py: Python<'_>,
        key: &StateKey,
        #[pyo3(from_py_with = uuid)] distribution_id: [u8; DISTRIBUTION_ID_LEN],
        record: (u64, Vec<u8>),
    ) -> PyResult<Self> {
        StandaloneSenderKey::load(key.sealer(), distribution_id, (record.0, &record.1))
            .map(Self::of)
            .map_err(|failure| refused(py, failure))
    }

    /// The distribution message for a new member, about 120 bytes; send it encrypted (signal.md §9).
    ///
    /// It opens what is written from now on. Whoever reads it can do so: it belongs inside a message
    /// of a session of two. Raises `StaleSessionError` while a step is open.
    fn distribution<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let encoded = self.inner.lock(py)?.distribution();
        let encoded = encoded.map_err(|error| refused(py, error))?;
        Ok(PyBytes::new(py, encoded.expose()))
    }

    /// Encrypts to all members; the step's result is a group message, kind 7 (signal.md §9).
    ///
    /// Raises `StaleSessionError` while a step is open.
    fn encrypt(&self, py: Python<'_>, plaintext: &[u8]) -> PyResult<SessionStep> {
        let stepped = self.inner.lock(py)?.encrypt(plaintext, &mut OsRandom);
        let (writes, message) = stepped.map_err(|failure| refused(py, failure))?;
        Ok(SessionStep::new(py, self.inner.clone(), writes, (Some(7), &message)))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a sender key cannot be copied: a copy would use keys twice"))
    }
}

impl SenderKey {
    fn of(key: StandaloneSenderKey) -> Self {
        Self { inner: Arc::new(Own::new(key)) }
    }
}

/// The chains of one sender for one group, at most five (signal.md §9).
#[pyclass(frozen, module = "e2ee._core")]
pub struct SenderKeys {
    inner: Arc<Own<StandaloneSenderKeys>>,
}

#[pymethods]
impl SenderKeys {
    /// No chain of this sender for this group's UUID yet.
    #[new]
    fn new(
        py: Python<'_>,
        key: &StateKey,
        sender: convert::Peer<'_>,
        #[pyo3(from_py_with = uuid)] distribution_id: [u8; DISTRIBUTION_ID_LEN],
    ) -> PyResult<Self> {
        let sender = protocol(&sender).map_err(|error| refused(py, error))?;
        Ok(Self::of(StandaloneSenderKeys::none(key.sealer(), &sender, distribution_id)))
    }

    /// The chains of the records `head` and `skipped`, each with its revision.
    ///
    /// Raises `StoreCorruptionError` if they are not those of one state.
    #[staticmethod]
    fn load(
        py: Python<'_>,
        key: &StateKey,
        sender: convert::Peer<'_>,
        #[pyo3(from_py_with = uuid)] distribution_id: [u8; DISTRIBUTION_ID_LEN],
        records: [(u64, Vec<u8>); 2],
    ) -> PyResult<Self> {
        let sender = protocol(&sender).map_err(|error| refused(py, error))?;
        let parts = records.each_ref().map(|(revision, bytes)| (*revision, &bytes[..]));
        StandaloneSenderKeys::load(key.sealer(), (&sender, distribution_id), parts)
            .map(Self::of)
            .map_err(|failure| refused(py, failure))
    }

    /// Takes in a distribution message that came from the sender through a session of two.
    ///
    /// The step's result is empty. Raises `InvalidArgumentError` if it is for another group, and
    /// `MalformedMessageError` or `InvalidKeyError` if it is none.
    fn accept(&self, py: Python<'_>, distribution: &[u8]) -> PyResult<SessionStep> {
        let stepped = self.inner.lock(py)?.accept(distribution, &mut OsRandom);
        let writes = stepped.map_err(|failure| refused(py, failure))?;
        Ok(SessionStep::new(py, self.inner.clone(), writes, (None, &[])))
    }

    /// Opens a group message, kind 7; the step's result is the plaintext (signal.md §9).
    ///
    /// Raises `NoSenderKeyError` if its chain is not known, `DecryptionError`, of which the subclass
    /// says why, and changes nothing.
    fn decrypt(&self, py: Python<'_>, message: &[u8]) -> PyResult<SessionStep> {
        let stepped = self.inner.lock(py)?.decrypt(message, &mut OsRandom);
        let (writes, plaintext) = stepped.map_err(|failure| refused(py, failure))?;
        Ok(SessionStep::new(py, self.inner.clone(), writes, (None, plaintext.expose())))
    }

    /// Opens many group messages in their order and as one step, on all cores where that pays.
    ///
    /// The step's result has a place for each: the plaintext, or the error that `decrypt` would
    /// raise. A message that is refused changes nothing and does not hold up the others.
    fn decrypt_many(&self, py: Python<'_>, messages: Vec<PyBackedBytes>) -> PyResult<BacklogStep> {
        let mut locked = self.inner.lock(py)?;
        let keys = &mut *locked;
        let stepped = py.detach(|| keys.decrypt_many(&messages, &Threads, &mut OsRandom));
        drop(locked);
        let stepped = stepped.map_err(|failure| refused(py, failure))?;
        BacklogStep::new(py, self.inner.clone(), stepped)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("sender keys cannot be copied: a copy would use keys twice"))
    }
}

impl SenderKeys {
    fn of(keys: StandaloneSenderKeys) -> Self {
        Self { inner: Arc::new(Own::new(keys)) }
    }
}
