// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions of Olm that the caller stores (olm_megolm.md §1; docs/storage.md, "Without a store").

#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "the signatures are what the interpreter calls"
)]

use std::sync::Arc;

use e2ee_olm::{Ciphertext, PreKeyMessage, StandaloneSession, standalone::Received};
use e2ee_state::Saved;
use e2ee_wire::Error;
use pyo3::{exceptions::PyTypeError, prelude::*, pybacked::PyBackedBytes, types::PyBytes};

use super::{account::OlmAccount, public_key};
use crate::{
    own::Own,
    saving::{BacklogStep, SessionStep},
    signal::{StateKey, refused},
    transaction::OsRandom,
};

/// One session with one device of a peer (olm_megolm.md §1; docs/storage.md).
#[pyclass(frozen, module = "e2ee._core")]
pub struct OlmSession {
    inner: Arc<Own<StandaloneSession>>,
}

#[pymethods]
impl OlmSession {
    /// Starts a session with the owner of these two keys, 32 bytes each.
    ///
    /// Both must have come under the device's signature: nothing here says whose they are. Raises
    /// `InvalidKeyError` if one of them cannot be used.
    #[staticmethod]
    #[pyo3(signature = (key, account, *, identity_key, one_time_key))]
    fn initiate(
        py: Python<'_>,
        key: &StateKey,
        account: &OlmAccount,
        identity_key: &[u8],
        one_time_key: &[u8],
    ) -> PyResult<Self> {
        let account = account.inner().lock(py)?;
        let keys = public_key(identity_key)
            .and_then(|identity| public_key(one_time_key).map(|one_time| (identity, one_time)));
        let (theirs, one_time) = keys.map_err(|error| refused(py, error))?;
        StandaloneSession::initiate(key.sealer(), &account, &theirs, &one_time, &mut OsRandom)
            .map(Self::of)
            .map_err(|failure| refused(py, failure))
    }

    /// Makes the session that a prekey message (type 0) asks for; the step's result is the plaintext.
    ///
    /// Save the account in the same transaction: its one-time key is used up, and a fallback key
    /// remembers the latest 1,000 sessions. Look first whether a session that is there `matches` the
    /// message. Raises `UnknownPreKeyError` if the account does not hold the key,
    /// `DuplicateMessageError` if a session under a fallback key was accepted before, and
    /// `AuthenticationError` if the message names another identity key than the sender's, or does
    /// not authenticate.
    #[staticmethod]
    fn accept(
        py: Python<'_>,
        key: &StateKey,
        account: &OlmAccount,
        sender_identity_key: Option<&[u8]>,
        message: &[u8],
    ) -> PyResult<(Self, SessionStep)> {
        let mut account = account.inner().lock(py)?;
        let expected = sender_identity_key.map(public_key).transpose();
        let expected = expected.map_err(|error| refused(py, error))?;
        let sealer = key.sealer();
        let (session, writes, plaintext) = StandaloneSession::accept(
            sealer,
            &mut account,
            expected.as_ref(),
            message,
            &mut OsRandom,
        )
        .map_err(|failure| refused(py, failure))?;
        let session = Self::of(session);
        let step = session.step(py, writes, (None, plaintext.expose()));
        Ok((session, step))
    }

    /// The session of these records: its name, and revision and bytes of head, chains and skipped.
    ///
    /// Raises `StoreCorruptionError` if they are not those of one state. Loading one state twice
    /// uses message keys twice.
    #[staticmethod]
    fn load(
        py: Python<'_>,
        key: &StateKey,
        records: (String, [(u64, Vec<u8>); 3]),
    ) -> PyResult<Self> {
        let (name, parts) = &records;
        let parts = parts.each_ref().map(|(revision, bytes)| (*revision, &bytes[..]));
        let session = StandaloneSession::load(key.sealer(), name, parts);
        session.map(Self::of).map_err(|failure| refused(py, failure))
    }

    /// What names this session and binds its records: its id, 64 hexadecimal digits.
    #[getter]
    fn name(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.inner.lock(py)?.name())
    }

    /// The id of the session, 32 bytes, the same at both ends (olm_megolm.md §1.1).
    ///
    /// Other programs show it as base64 without padding.
    #[getter]
    fn session_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.inner.lock(py)?.session().session_id()))
    }

    /// The peer's public identity key, 32 bytes.
    #[getter]
    fn their_identity_key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.inner.lock(py)?;
        Ok(PyBytes::new(py, session.session().their_identity().as_bytes()))
    }

    /// Whether a message of the peer has opened; before that, what is encrypted is of type 0.
    #[getter]
    fn has_received(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.inner.lock(py)?.session().has_received())
    }

    /// Whether a prekey message (type 0) belongs to this session: it names the same three keys.
    ///
    /// Raises `MalformedMessageError`, `InvalidKeyError` or `UnsupportedVersionError` if it is none.
    fn matches(&self, py: Python<'_>, message: &[u8]) -> PyResult<bool> {
        let message = PreKeyMessage::decode(message).map_err(|error| refused(py, error))?;
        Ok(self.inner.lock(py)?.session().matches(&message))
    }

    /// Encrypts; the step's kind is the type, 0 or 1, its result the message (olm_megolm.md §1.3).
    ///
    /// Raises `StaleSessionError` while a step is open.
    fn encrypt(&self, py: Python<'_>, plaintext: &[u8]) -> PyResult<SessionStep> {
        let stepped = self.inner.lock(py)?.encrypt(plaintext, &mut OsRandom);
        let (writes, ciphertext) = stepped.map_err(|failure| refused(py, failure))?;
        Ok(match ciphertext {
            Ciphertext::PreKey(message) => self.step(py, writes, (Some(0), &message)),
            Ciphertext::Normal(message) => self.step(py, writes, (Some(1), &message)),
        })
    }

    /// Opens a message of type 1 or, of this session, of type 0; the step's result is the plaintext.
    ///
    /// Raises `DecryptionError`, of which the subclass says why, and changes nothing.
    fn decrypt(&self, py: Python<'_>, kind: u8, message: &[u8]) -> PyResult<SessionStep> {
        let message = received(kind, message).map_err(|error| refused(py, error))?;
        let stepped = self.inner.lock(py)?.decrypt(message, &mut OsRandom);
        let (writes, plaintext) = stepped.map_err(|failure| refused(py, failure))?;
        Ok(self.step(py, writes, (None, plaintext.expose())))
    }

    /// Opens many messages, each with its type, in their order and as one step.
    ///
    /// The step's result has a place for each: the plaintext, or the error that `decrypt` would
    /// raise. A message that is refused changes nothing and does not hold up the others.
    fn decrypt_many(
        &self,
        py: Python<'_>,
        messages: Vec<(u8, PyBackedBytes)>,
    ) -> PyResult<BacklogStep> {
        let mut locked = self.inner.lock(py)?;
        let session = &mut *locked;
        let messages = messages.iter().map(|(kind, message)| received(*kind, message));
        let stepped = py.detach(|| session.decrypt_many(messages, &mut OsRandom));
        drop(locked);
        let stepped = stepped.map_err(|failure| refused(py, failure))?;
        BacklogStep::new(py, self.inner.clone(), stepped)
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
        Err(PyTypeError::new_err("a session cannot be copied: a copy would use keys twice"))
    }
}

impl OlmSession {
    /// A session in its lock.
    pub fn of(session: StandaloneSession) -> Self {
        Self { inner: Arc::new(Own::new(session)) }
    }

    /// The session itself, for its pickle.
    pub const fn inner(&self) -> &Arc<Own<StandaloneSession>> {
        &self.inner
    }

    fn step(&self, py: Python<'_>, writes: Vec<Saved>, result: (Option<u8>, &[u8])) -> SessionStep {
        SessionStep::new(py, self.inner.clone(), writes, result)
    }
}

fn received(kind: u8, message: &[u8]) -> Result<Received<'_>, Error> {
    match kind {
        0 => Ok(Received::PreKey(message)),
        1 => Ok(Received::Normal(message)),
        _ => Err(Error::Malformed),
    }
}
