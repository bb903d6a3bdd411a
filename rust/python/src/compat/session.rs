// SPDX-License-Identifier: MIT OR Apache-2.0
//! A session that changes in place, as `e2ee.compat` shows it (olm_megolm.md §1).

use e2ee_olm::{
    NormalMessage, PreKeyMessage as CorePreKeyMessage, Session as CoreSession,
    pickle::{self, libolm, vodozemac},
    session::envelope_budget,
};
use e2ee_primitives::base64;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use super::{
    errors::Class,
    messages::{AnyOlmMessage, Kind, PreKeyMessage},
    pickles,
};
use crate::transaction::OsRandom;

/// A session with one device, in memory; what was not pickled is lost with the object.
///
/// Whoever sends what was encrypted before the session was pickled, and then loads an older pickle,
/// uses message keys twice.
#[pyclass(module = "e2ee._core", name = "CompatSession")]
pub struct Session(pub CoreSession);

#[pymethods]
impl Session {
    /// The id of the session in base64, the same at both ends.
    #[getter]
    fn session_id(&self) -> String {
        base64::encode(&self.0.session_id())
    }

    /// Whether a message of the peer has opened.
    fn has_received_message(&self) -> bool {
        self.0.has_received()
    }

    /// How far the chains have come, for a person who looks for a fault.
    fn describe(&self) -> String {
        let positions = self.0.positions();
        let number = |index: Option<u32>| index.map_or_else(String::new, |index| index.to_string());
        format!(
            "sender chain index: {} receiver chain index: {} skipped message keys: {}",
            number(positions.sent),
            number(positions.received),
            self.0.skipped_len()
        )
    }

    /// Whether a message of type 0 names this session.
    fn session_matches(&self, py: Python<'_>, message: &PreKeyMessage) -> PyResult<bool> {
        Ok(self.0.matches(&message.read(py)?))
    }

    /// Encrypts; the session has moved on, and must be pickled before the message is sent.
    fn encrypt(&mut self, py: Python<'_>, plaintext: &[u8]) -> PyResult<AnyOlmMessage> {
        let ciphertext = self.0.encrypt(plaintext, &mut OsRandom);
        let ciphertext = ciphertext.map_err(|error| Class::OlmEncryption.raise(py, error))?;
        Ok(AnyOlmMessage::of(py, &ciphertext))
    }

    /// Opens a message of either type.
    ///
    /// Raises `OlmDecryptionException`, whose cause says why, and changes nothing.
    fn decrypt<'py>(
        &mut self,
        py: Python<'py>,
        message: &AnyOlmMessage,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut budget = envelope_budget();
        let opened = match message.parts(py) {
            (Kind::PreKey, bytes) => CorePreKeyMessage::decode(bytes)
                .and_then(|message| self.0.decrypt_prekey(&message, &mut budget)),
            (Kind::Normal, bytes) => NormalMessage::decode(bytes)
                .and_then(|message| self.0.decrypt(&message, &mut budget)),
        };
        let plaintext = opened.map_err(|error| Class::OlmDecryption.raise(py, error))?;
        Ok(PyBytes::new(py, plaintext.expose()))
    }

    /// The session of a pickle under a key of 32 bytes; raises `PickleException` if it does not open.
    #[staticmethod]
    fn from_pickle(py: Python<'_>, pickle: &str, pickle_key: &[u8]) -> PyResult<Self> {
        pickles::load(py, (pickle, pickle_key), |plain| vodozemac::session(plain, None)).map(Self)
    }

    /// The session of a pickle of libolm; raises `LibolmPickleException` if it does not open.
    #[staticmethod]
    fn from_libolm_pickle(py: Python<'_>, pickle: &str, pickle_key: &[u8]) -> PyResult<Self> {
        pickles::load_libolm(py, (pickle, pickle_key), |plain| libolm::session(plain, None))
            .map(Self)
    }

    /// The session as vodozemac keeps it, under a key of 32 bytes.
    fn pickle(&self, py: Python<'_>, pickle_key: &[u8]) -> PyResult<String> {
        pickles::store(py, &vodozemac::write_session(&self.0), pickle_key)
    }

    /// The session as libolm keeps it, under a key of any length.
    fn to_libolm_pickle(&self, pickle_key: &[u8]) -> String {
        pickle::seal(&libolm::write_session(&self.0), pickle_key)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a session cannot be copied: a copy would use keys twice"))
    }
}
