// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions of rooms that change in place, as `e2ee.compat` shows them (olm_megolm.md §2).

use e2ee_olm::{
    megolm::{
        GroupMessage, InboundGroupSession as CoreInbound, OutboundGroupSession as CoreOutbound,
        SharedRatchet,
    },
    pickle::{self, libolm, vodozemac},
};
use e2ee_primitives::{SecretBytes, base64};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use super::{errors::Class, keys::Ed25519Signature, pickles};
use crate::{errors, transaction::OsRandom};

/// What we write to a room, in memory; what was not pickled is lost with the object.
#[pyclass(module = "e2ee._core", name = "CompatGroupSession")]
pub struct GroupSession(pub CoreOutbound);

#[pymethods]
impl GroupSession {
    /// A session with fresh keys.
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let made = CoreOutbound::create(&mut OsRandom);
        made.map(Self).map_err(|error| errors::protocol(py, error))
    }

    /// The id of the session, in base64.
    #[getter]
    fn session_id(&self) -> String {
        base64::encode(self.0.session_id())
    }

    /// The index of the next message.
    #[getter]
    fn message_index(&self) -> u32 {
        self.0.index()
    }

    /// What members need from the next message on; it goes through sessions of two.
    #[getter]
    fn session_key(&self) -> SessionKey {
        SessionKey(self.0.session_key())
    }

    /// Encrypts; the session has moved on, and must be pickled before the message is sent.
    fn encrypt(&mut self, py: Python<'_>, plaintext: &[u8]) -> PyResult<MegolmMessage> {
        let message = self.0.encrypt(plaintext).map_err(|error| errors::protocol(py, error))?;
        Ok(MegolmMessage { bytes: PyBytes::new(py, &message).unbind() })
    }

    /// The session of a pickle under a key of 32 bytes; raises `PickleException` if it does not open.
    #[staticmethod]
    fn from_pickle(py: Python<'_>, pickle: &str, pickle_key: &[u8]) -> PyResult<Self> {
        pickles::load(py, (pickle, pickle_key), vodozemac::outbound).map(Self)
    }

    /// The session of a pickle of libolm; raises `LibolmPickleException` if it does not open.
    #[staticmethod]
    fn from_libolm_pickle(py: Python<'_>, pickle: &str, pickle_key: &[u8]) -> PyResult<Self> {
        pickles::load_libolm(py, (pickle, pickle_key), libolm::outbound).map(Self)
    }

    /// The session as vodozemac keeps it, under a key of 32 bytes.
    fn pickle(&self, py: Python<'_>, pickle_key: &[u8]) -> PyResult<String> {
        pickles::store(py, &vodozemac::write_outbound(&self.0), pickle_key)
    }

    /// The session as libolm keeps it, under a key of any length.
    fn to_libolm_pickle(&self, pickle_key: &[u8]) -> String {
        pickle::seal(&libolm::write_outbound(&self.0), pickle_key)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a session cannot be copied: a copy would use keys twice"))
    }
}

/// What somebody writes to a room, from some message on.
#[pyclass(module = "e2ee._core", name = "CompatInboundGroupSession")]
pub struct InboundGroupSession(pub CoreInbound);

#[pymethods]
impl InboundGroupSession {
    /// From the key that the session's owner shares.
    #[new]
    fn new(py: Python<'_>, session_key: &SessionKey) -> PyResult<Self> {
        let made = CoreInbound::from_session_key(session_key.0.expose());
        made.map(Self).map_err(|error| Class::SessionKeyDecode.raise(py, error))
    }

    /// From an exported key, whose owner nothing proves.
    #[staticmethod]
    fn import_session(py: Python<'_>, session_key: &ExportedSessionKey) -> PyResult<Self> {
        let made = CoreInbound::from_export(session_key.0.expose());
        made.map(Self).map_err(|error| Class::SessionKeyDecode.raise(py, error))
    }

    /// The id of the session, in base64.
    #[getter]
    fn session_id(&self) -> String {
        base64::encode(self.0.session_id())
    }

    /// The index of the first message that opens.
    #[getter]
    fn first_known_index(&self) -> u32 {
        self.0.first_known_index()
    }

    /// The key from this index on, unsigned, or `None` if the session does not reach back so far.
    fn export_at(&self, index: u32) -> Option<ExportedSessionKey> {
        self.0.export_at(index).ok().map(ExportedSessionKey)
    }

    /// Opens a message, as often as it comes: keep the pairs of session and index.
    ///
    /// Raises `MegolmDecryptionException`, whose cause says why, and changes nothing.
    fn decrypt(&mut self, py: Python<'_>, message: &MegolmMessage) -> PyResult<DecryptedMessage> {
        let message = message.read(py)?;
        let opened = self.0.decrypt(&message);
        let plaintext = opened.map_err(|error| Class::MegolmDecryption.raise(py, error))?;
        let plaintext = PyBytes::new(py, plaintext.expose()).unbind();
        Ok(DecryptedMessage { plaintext, message_index: message.index })
    }

    /// The session of a pickle under a key of 32 bytes; raises `PickleException` if it does not open.
    #[staticmethod]
    fn from_pickle(py: Python<'_>, pickle: &str, pickle_key: &[u8]) -> PyResult<Self> {
        pickles::load(py, (pickle, pickle_key), vodozemac::inbound).map(Self)
    }

    /// The session of a pickle of libolm; raises `LibolmPickleException` if it does not open.
    #[staticmethod]
    fn from_libolm_pickle(py: Python<'_>, pickle: &str, pickle_key: &[u8]) -> PyResult<Self> {
        pickles::load_libolm(py, (pickle, pickle_key), libolm::inbound).map(Self)
    }

    /// The session as vodozemac keeps it, under a key of 32 bytes.
    fn pickle(&self, py: Python<'_>, pickle_key: &[u8]) -> PyResult<String> {
        pickles::store(py, &vodozemac::write_inbound(&self.0), pickle_key)
    }

    /// The session as libolm keeps it, under a key of any length.
    fn to_libolm_pickle(&self, pickle_key: &[u8]) -> String {
        pickle::seal(&libolm::write_inbound(&self.0), pickle_key)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a session cannot be copied"))
    }
}

/// What a message of a room held, and its index.
#[pyclass(frozen, module = "e2ee._core", name = "CompatDecryptedMessage")]
pub struct DecryptedMessage {
    plaintext: Py<PyBytes>,
    message_index: u32,
}

#[pymethods]
impl DecryptedMessage {
    /// What was encrypted.
    #[getter]
    fn plaintext(&self, py: Python<'_>) -> Py<PyBytes> {
        self.plaintext.clone_ref(py)
    }

    /// Which message of its session it was.
    #[getter]
    const fn message_index(&self) -> u32 {
        self.message_index
    }
}

/// A message of a room, whose form was looked at and nothing else.
#[pyclass(frozen, module = "e2ee._core", name = "CompatMegolmMessage")]
pub struct MegolmMessage {
    bytes: Py<PyBytes>,
}

#[pymethods]
impl MegolmMessage {
    /// The message of unpadded or padded base64; raises `DecodeException` if it is none.
    #[staticmethod]
    fn from_base64(py: Python<'_>, message: &str) -> PyResult<Self> {
        let bytes = base64::decode(message).map_err(|error| Class::Decode.raise(py, error))?;
        Self::from_bytes(PyBytes::new(py, bytes.expose()))
    }

    /// The message of these bytes; raises `DecodeException` if it is none.
    #[staticmethod]
    fn from_bytes(message: Bound<'_, PyBytes>) -> PyResult<Self> {
        let checked = GroupMessage::decode(message.as_bytes());
        checked.map_err(|error| Class::Decode.raise(message.py(), error))?;
        Ok(Self { bytes: message.unbind() })
    }

    /// The message in unpadded base64.
    fn to_base64(&self, py: Python<'_>) -> String {
        base64::encode(self.bytes.as_bytes(py))
    }

    /// The message in bytes.
    fn to_bytes(&self, py: Python<'_>) -> Py<PyBytes> {
        self.bytes.clone_ref(py)
    }

    /// Which message of its session it says to be.
    fn message_index(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(self.read(py)?.index)
    }

    /// The signature that it carries.
    fn signature(&self, py: Python<'_>) -> PyResult<Ed25519Signature> {
        Ok(Ed25519Signature(*self.read(py)?.signature))
    }
}

impl MegolmMessage {
    fn read<'a>(&'a self, py: Python<'a>) -> PyResult<GroupMessage<'a>> {
        let read = GroupMessage::decode(self.bytes.as_bytes(py));
        read.map_err(|error| Class::Decode.raise(py, error))
    }
}

/// The key of a session from one message on, signed by its owner.
#[pyclass(frozen, module = "e2ee._core", name = "CompatSessionKey")]
pub struct SessionKey(SecretBytes);

#[pymethods]
impl SessionKey {
    /// The key of unpadded or padded base64; raises `SessionKeyDecodeException` if it is none.
    #[new]
    fn new(py: Python<'_>, session_key: &str) -> PyResult<Self> {
        let raise = |error| Class::SessionKeyDecode.raise(py, error);
        let bytes = base64::decode(session_key).map_err(raise)?;
        SharedRatchet::decode_session_key(bytes.expose()).map_err(raise)?;
        Ok(Self(bytes))
    }

    /// The key in unpadded base64.
    fn to_base64(&self) -> String {
        base64::encode(self.0.expose())
    }
}

/// The key of a session from one message on, which nobody signed.
#[pyclass(frozen, module = "e2ee._core", name = "CompatExportedSessionKey")]
pub struct ExportedSessionKey(SecretBytes);

#[pymethods]
impl ExportedSessionKey {
    /// The key of unpadded or padded base64; raises `SessionKeyDecodeException` if it is none.
    #[new]
    fn new(py: Python<'_>, session_key: &str) -> PyResult<Self> {
        let raise = |error| Class::SessionKeyDecode.raise(py, error);
        let bytes = base64::decode(session_key).map_err(raise)?;
        SharedRatchet::decode_export(bytes.expose()).map_err(raise)?;
        Ok(Self(bytes))
    }

    /// The key in unpadded base64.
    fn to_base64(&self) -> String {
        base64::encode(self.0.expose())
    }
}
