// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages of two as `e2ee.compat.vodozemac` shows them (olm_megolm.md §1.3).

use e2ee_olm::{Ciphertext, NormalMessage, PreKeyMessage as CorePreKeyMessage};
use e2ee_primitives::base64;
use e2ee_wire::Error;
use pyo3::{prelude::*, types::PyBytes};

use super::{errors::Class, keys::Curve25519PublicKey};

/// An Olm message of either type, whose form was looked at and nothing else.
#[pyclass(frozen, module = "e2ee._core", name = "CompatAnyOlmMessage")]
pub struct AnyOlmMessage {
    kind: Kind,
    bytes: Py<PyBytes>,
}

/// The number of a message's type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Type 0.
    PreKey,
    /// Type 1.
    Normal,
}

impl Kind {
    const fn number(self) -> u8 {
        match self {
            Self::PreKey => 0,
            Self::Normal => 1,
        }
    }

    fn check(self, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Self::PreKey => CorePreKeyMessage::decode(bytes).map(drop),
            Self::Normal => NormalMessage::decode(bytes).map(drop),
        }
    }
}

#[pymethods]
impl AnyOlmMessage {
    /// A message of type 0; raises `DecodeException` if it is none.
    #[staticmethod]
    fn pre_key(message: Bound<'_, PyBytes>) -> PyResult<Self> {
        Self::read(Kind::PreKey, message)
    }

    /// A message of type 1; raises `DecodeException` if it is none.
    #[staticmethod]
    fn normal(message: Bound<'_, PyBytes>) -> PyResult<Self> {
        Self::read(Kind::Normal, message)
    }

    /// A message of the type with this number; raises `DecodeException` if it is none.
    #[staticmethod]
    fn from_parts(message_type: usize, ciphertext: Bound<'_, PyBytes>) -> PyResult<Self> {
        match message_type {
            0 => Self::read(Kind::PreKey, ciphertext),
            1 => Self::read(Kind::Normal, ciphertext),
            _ => Err(Class::Decode.raise(ciphertext.py(), Error::Malformed)),
        }
    }

    /// The message as one of type 0, or `None` if it is of type 1.
    fn to_pre_key(&self, py: Python<'_>) -> Option<PreKeyMessage> {
        (self.kind == Kind::PreKey).then(|| PreKeyMessage { bytes: self.bytes.clone_ref(py) })
    }

    /// The number of its type, and its bytes.
    fn to_parts(&self, py: Python<'_>) -> (u8, Py<PyBytes>) {
        (self.kind.number(), self.bytes.clone_ref(py))
    }
}

impl AnyOlmMessage {
    fn read(kind: Kind, bytes: Bound<'_, PyBytes>) -> PyResult<Self> {
        let checked = kind.check(bytes.as_bytes());
        checked.map_err(|error| Class::Decode.raise(bytes.py(), error))?;
        Ok(Self { kind, bytes: bytes.unbind() })
    }

    /// What a session encrypted.
    pub fn of(py: Python<'_>, ciphertext: &Ciphertext) -> Self {
        let (kind, bytes) = match ciphertext {
            Ciphertext::PreKey(bytes) => (Kind::PreKey, bytes),
            Ciphertext::Normal(bytes) => (Kind::Normal, bytes),
        };
        Self { kind, bytes: PyBytes::new(py, bytes).unbind() }
    }

    /// Its type, and its bytes.
    pub fn parts<'a>(&'a self, py: Python<'a>) -> (Kind, &'a [u8]) {
        (self.kind, self.bytes.as_bytes(py))
    }
}

/// An Olm message of type 0, which can start a session.
#[pyclass(frozen, module = "e2ee._core", name = "CompatPreKeyMessage")]
pub struct PreKeyMessage {
    bytes: Py<PyBytes>,
}

#[pymethods]
impl PreKeyMessage {
    /// The message of unpadded or padded base64; raises `DecodeException` if it is none.
    #[staticmethod]
    fn from_base64(py: Python<'_>, message: &str) -> PyResult<Self> {
        let raise = |error| Class::Decode.raise(py, error);
        let bytes = base64::decode(message).map_err(raise)?;
        CorePreKeyMessage::decode(bytes.expose()).map_err(raise)?;
        Ok(Self { bytes: PyBytes::new(py, bytes.expose()).unbind() })
    }

    /// The id of the session that it starts, in base64.
    fn session_id(&self, py: Python<'_>) -> PyResult<String> {
        Ok(base64::encode(&self.read(py)?.keys.session_id()))
    }

    /// The identity key that it names.
    fn identity_key(&self, py: Python<'_>) -> PyResult<Curve25519PublicKey> {
        Ok(Curve25519PublicKey(self.read(py)?.keys.identity_key))
    }

    /// The same message, as one of either type.
    fn to_any(&self, py: Python<'_>) -> AnyOlmMessage {
        AnyOlmMessage { kind: Kind::PreKey, bytes: self.bytes.clone_ref(py) }
    }
}

impl PreKeyMessage {
    /// As the core reads it.
    pub fn read<'a>(&'a self, py: Python<'a>) -> PyResult<CorePreKeyMessage<'a>> {
        let read = CorePreKeyMessage::decode(self.bytes.as_bytes(py));
        read.map_err(|error| Class::Decode.raise(py, error))
    }
}
