// SPDX-License-Identifier: MIT OR Apache-2.0
//! Group sessions of Megolm that the caller stores (olm_megolm.md §2; docs/storage.md, "Without a
//! store").

#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "the signatures are what the interpreter calls"
)]

use std::sync::Arc;

use e2ee_olm::megolm::{
    InboundGroupSession, Provenance, StandaloneInbound, StandaloneOutbound, share,
};
use e2ee_wire::Error;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    pybacked::{PyBackedBytes, PyBackedStr},
    types::PyBytes,
};

use crate::{
    convert::Number,
    own::Own,
    parallel::Threads,
    saving::{GroupBacklogStep, GroupStep, SessionStep},
    signal::{StateKey, refused},
    transaction::OsRandom,
};

/// A session's id: an Ed25519 public key, 32 bytes.
fn session_id(py: Python<'_>, bytes: &[u8]) -> PyResult<[u8; 32]> {
    bytes.try_into().map_err(|_| refused(py, Error::InvalidArgument))
}

/// Our own ratchet for a room: what we encrypt with, and give to its members (olm_megolm.md §2).
#[pyclass(frozen, module = "e2ee._core")]
pub struct OlmOutboundGroupSession {
    inner: Arc<Own<StandaloneOutbound>>,
}

#[pymethods]
impl OlmOutboundGroupSession {
    /// A fresh ratchet with a fresh signing key.
    #[staticmethod]
    fn create(py: Python<'_>, key: &StateKey) -> PyResult<Self> {
        StandaloneOutbound::create(key.sealer(), &mut OsRandom)
            .map(Self::of)
            .map_err(|failure| refused(py, failure))
    }

    /// The session with this id, of the record `sending`: its revision and its bytes.
    ///
    /// Raises `StoreCorruptionError` for another key, session, revision or record. Loading one
    /// state twice uses message keys twice.
    #[staticmethod]
    #[pyo3(signature = (key, session_id, record))]
    fn load(
        py: Python<'_>,
        key: &StateKey,
        session_id: &[u8],
        record: (u64, Vec<u8>),
    ) -> PyResult<Self> {
        let id = self::session_id(py, session_id)?;
        StandaloneOutbound::load(key.sealer(), &id, (record.0, &record.1))
            .map(Self::of)
            .map_err(|failure| refused(py, failure))
    }

    /// The id of the session, 32 bytes: its public signing key.
    ///
    /// Matrix writes it as base64 without padding.
    #[getter]
    fn session_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.inner.lock(py)?.session().session_id()))
    }

    /// The index of the next message.
    #[getter]
    fn message_index(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(self.inner.lock(py)?.session().index())
    }

    /// The session key for a new member, 229 bytes, signed; send it encrypted with Olm.
    ///
    /// It opens what is written from now on, and whoever reads it can do so (olm_megolm.md §2).
    /// Raises `StaleSessionError` while a step is open.
    fn session_key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let key = self.inner.lock(py)?.session_key().map_err(|error| refused(py, error))?;
        Ok(PyBytes::new(py, key.expose()))
    }

    /// Encrypts to all members; the step's result is the message (olm_megolm.md §2).
    ///
    /// Raises `StaleSessionError` while a step is open.
    fn encrypt(&self, py: Python<'_>, plaintext: &[u8]) -> PyResult<SessionStep> {
        let stepped = self.inner.lock(py)?.encrypt(plaintext, &mut OsRandom);
        let (writes, message) = stepped.map_err(|failure| refused(py, failure))?;
        Ok(SessionStep::new(py, self.inner.clone(), writes, (None, &message)))
    }

    /// Saves a session that was read from elsewhere; the step's result is empty (docs/storage.md).
    ///
    /// Raises `StaleSessionError` while a step is open.
    fn save(&self, py: Python<'_>) -> PyResult<SessionStep> {
        let stepped = self.inner.lock(py)?.save(&mut OsRandom);
        let writes = stepped.map_err(|failure| refused(py, failure))?;
        Ok(SessionStep::new(py, self.inner.clone(), writes, (None, &[])))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a group session cannot be copied: a copy would use keys twice"))
    }
}

impl OlmOutboundGroupSession {
    /// A session in its lock.
    pub fn of(session: StandaloneOutbound) -> Self {
        Self { inner: Arc::new(Own::new(session)) }
    }

    /// The session itself, for its pickle.
    pub const fn inner(&self) -> &Arc<Own<StandaloneOutbound>> {
        &self.inner
    }
}

/// The ratchet of one sender of a room, from the first index that was shared (olm_megolm.md §2).
#[pyclass(frozen, module = "e2ee._core")]
pub struct OlmInboundGroupSession {
    inner: Arc<Own<StandaloneInbound>>,
}

#[pymethods]
impl OlmInboundGroupSession {
    /// The session of a session key, 229 bytes, that its sender gave us through Olm.
    ///
    /// The step saves it; its result is empty. Raises `BadSignatureError` if the key is not signed
    /// by itself, and `MalformedMessageError` or `UnsupportedVersionError` if it is none.
    #[staticmethod]
    fn accept(py: Python<'_>, key: &StateKey, session_key: &[u8]) -> PyResult<(Self, SessionStep)> {
        Self::saved(py, key, InboundGroupSession::from_session_key(session_key))
    }

    /// The session of an export, 165 bytes: of a backup or a file, or forwarded by somebody.
    ///
    /// Nothing says that the sender made it: `is_signed` is false. Raises `MalformedMessageError`,
    /// `UnsupportedVersionError` or `InvalidKeyError` if it is none.
    #[staticmethod]
    fn accept_export(
        py: Python<'_>,
        key: &StateKey,
        export: &[u8],
    ) -> PyResult<(Self, SessionStep)> {
        Self::saved(py, key, InboundGroupSession::from_export(export))
    }

    /// The session with this id, of the records `head` and `events`, each with its revision.
    ///
    /// Raises `StoreCorruptionError` if they are not those of one state.
    #[staticmethod]
    #[pyo3(signature = (key, session_id, records))]
    fn load(
        py: Python<'_>,
        key: &StateKey,
        session_id: &[u8],
        records: [(u64, Vec<u8>); 2],
    ) -> PyResult<Self> {
        let id = self::session_id(py, session_id)?;
        let parts = records.each_ref().map(|(revision, bytes)| (*revision, &bytes[..]));
        StandaloneInbound::load(key.sealer(), &id, parts)
            .map(Self::of)
            .map_err(|failure| refused(py, failure))
    }

    /// The id of the session, 32 bytes: its sender's public signing key.
    ///
    /// Matrix writes it as base64 without padding.
    #[getter]
    fn session_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.inner.lock(py)?.session().session_id()))
    }

    /// The index of the first message that opens.
    #[getter]
    fn first_known_index(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(self.inner.lock(py)?.session().first_known_index())
    }

    /// Whether the sender's signature was over what we have; it never is over an export.
    #[getter]
    fn is_signed(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.inner.lock(py)?.session().provenance() == Provenance::Signed)
    }

    /// The export from this index on, 165 bytes, for another device or a backup; it is secret.
    ///
    /// Raises `UnknownMessageIndexError` for one before `first_known_index` (olm_megolm.md §2).
    fn export_at<'py>(&self, py: Python<'py>, index: Number) -> PyResult<Bound<'py, PyBytes>> {
        let export = self.inner.lock(py)?.session().export_at(index.0);
        Ok(PyBytes::new(py, export.map_err(|error| refused(py, error))?.expose()))
    }

    /// Takes over what another session key or export of the same session knows; see `is_signed`.
    ///
    /// The earlier first index counts. The step's result is empty. Raises `InvalidKeyError` if it is
    /// of another session or does not lead to what we have, and the errors of `accept`.
    fn merge(&self, py: Python<'_>, shared: &[u8]) -> PyResult<SessionStep> {
        let other = match shared.len() {
            share::EXPORT_LEN => InboundGroupSession::from_export(shared),
            _ => InboundGroupSession::from_session_key(shared),
        };
        let other = other.map_err(|error| refused(py, error))?;
        let stepped = self.inner.lock(py)?.merge(&other, &mut OsRandom);
        let writes = stepped.map_err(|failure| refused(py, failure))?;
        Ok(SessionStep::new(py, self.inner.clone(), writes, (None, &[])))
    }

    /// Opens a message as the event with this id; the step's result is its index and the plaintext.
    ///
    /// A message opens again as the same event, and as no other one: a server that shows it twice is
    /// told by `DuplicateMessageError`. With `None` nothing is told, and the caller must keep index
    /// and event itself. The step often writes nothing. Raises `UnknownMessageIndexError` for a
    /// message before `first_known_index`, `DecryptionError`, and changes nothing.
    fn decrypt(
        &self,
        py: Python<'_>,
        message: &[u8],
        event_id: Option<&str>,
    ) -> PyResult<GroupStep> {
        let event_id = event_id.map(str::as_bytes);
        let stepped = self.inner.lock(py)?.decrypt(message, event_id, &mut OsRandom);
        GroupStep::new(py, self.inner.clone(), stepped.map_err(|failure| refused(py, failure))?)
    }

    /// Opens messages, each as an event or `None`, in order and as one step, on all cores.
    ///
    /// The step's result has a place for each: index and plaintext, or the error that `decrypt`
    /// would raise. A message that is refused changes nothing and does not hold up the others.
    fn decrypt_many(
        &self,
        py: Python<'_>,
        messages: Vec<(PyBackedBytes, Option<PyBackedStr>)>,
    ) -> PyResult<GroupBacklogStep> {
        let mut locked = self.inner.lock(py)?;
        let session = &mut *locked;
        let stepped = py.detach(|| session.decrypt_many(&messages, &Threads, &mut OsRandom));
        drop(locked);
        let stepped = stepped.map_err(|failure| refused(py, failure))?;
        GroupBacklogStep::new(py, self.inner.clone(), stepped)
    }

    /// Saves a session that was read from elsewhere; the step's result is empty (docs/storage.md).
    ///
    /// Raises `StaleSessionError` while a step is open.
    fn save(&self, py: Python<'_>) -> PyResult<SessionStep> {
        let stepped = self.inner.lock(py)?.save(&mut OsRandom);
        let writes = stepped.map_err(|failure| refused(py, failure))?;
        Ok(SessionStep::new(py, self.inner.clone(), writes, (None, &[])))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a group session cannot be copied"))
    }
}

impl OlmInboundGroupSession {
    /// A session in its lock.
    pub fn of(session: StandaloneInbound) -> Self {
        Self { inner: Arc::new(Own::new(session)) }
    }

    /// The session itself, for its pickle.
    pub const fn inner(&self) -> &Arc<Own<StandaloneInbound>> {
        &self.inner
    }

    fn saved(
        py: Python<'_>,
        key: &StateKey,
        session: Result<InboundGroupSession, Error>,
    ) -> PyResult<(Self, SessionStep)> {
        let session = session.map_err(|error| refused(py, error))?;
        let session = Self::of(StandaloneInbound::new(key.sealer(), session));
        let writes = session.inner.lock(py)?.save(&mut OsRandom);
        let writes = writes.map_err(|failure| refused(py, failure))?;
        let step = SessionStep::new(py, session.inner.clone(), writes, (None, &[]));
        Ok((session, step))
    }
}
