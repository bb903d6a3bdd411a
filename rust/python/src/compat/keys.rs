// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys and signatures as `e2ee.compat.vodozemac` shows them, in bytes and in base64
//! (olm_megolm.md, "Base64").

use std::hash::{DefaultHasher, Hash, Hasher as _};

use e2ee_olm::pickle::{self, libolm};
use e2ee_primitives::{
    Secret, base64,
    ed25519::{PublicKey as SigningKey, VerifyingKey},
    x25519::{PrivateKey, PublicKey},
};
use e2ee_wire::Error;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use super::{errors::Class, pickles};
use crate::transaction::OsRandom;

/// A public key for agreements, 32 bytes.
#[pyclass(frozen, eq, module = "e2ee._core", name = "CompatCurve25519PublicKey")]
#[derive(PartialEq, Eq)]
pub struct Curve25519PublicKey(pub PublicKey);

#[pymethods]
impl Curve25519PublicKey {
    /// The key of unpadded or padded base64; raises `KeyException` for anything else.
    #[staticmethod]
    fn from_base64(py: Python<'_>, key: &str) -> PyResult<Self> {
        let bytes = base64::decode_key(key).map_err(|error| Class::Key.raise(py, error))?;
        Ok(Self(PublicKey::new(bytes)))
    }

    /// The key of these 32 bytes; raises `KeyException` for another length.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let bytes = bytes.try_into().map_err(|_| Class::Key.raise(py, Error::InvalidKey))?;
        Ok(Self(PublicKey::new(bytes)))
    }

    /// The key in unpadded base64.
    fn to_base64(&self) -> String {
        base64::encode(self.0.as_bytes())
    }

    fn __hash__(&self) -> u64 {
        hashed(&self.0)
    }

    /// The 32 bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_bytes())
    }
}

/// A secret key for agreements; whoever has its bytes is its owner.
#[pyclass(frozen, module = "e2ee._core", name = "CompatCurve25519SecretKey")]
pub struct Curve25519SecretKey(pub PrivateKey);

#[pymethods]
impl Curve25519SecretKey {
    /// A fresh key.
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        PrivateKey::random(&mut OsRandom).map(Self).map_err(|error| Class::Key.raise(py, error))
    }

    /// The key of unpadded or padded base64; raises `KeyException` for anything else.
    #[staticmethod]
    fn from_base64(py: Python<'_>, key: &str) -> PyResult<Self> {
        let bytes = base64::decode(key).map_err(|error| Class::Key.raise(py, error))?;
        Self::from_bytes(py, bytes.expose())
    }

    /// The key of these 32 bytes; raises `KeyException` for another length.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let bytes: Option<Secret<32>> = Secret::from_slice(bytes);
        let bytes = bytes.ok_or_else(|| Class::Key.raise(py, Error::InvalidKey))?;
        Ok(Self(PrivateKey::from_bytes(bytes.expose())))
    }

    /// The key in unpadded base64; Python's copy is not wiped.
    fn to_base64(&self) -> String {
        base64::encode(self.0.expose())
    }

    /// The 32 bytes; Python's copy is not wiped.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.expose())
    }

    /// The public half.
    fn public_key(&self) -> Curve25519PublicKey {
        Curve25519PublicKey(*self.0.public())
    }

    /// The key of a pickle of libolm; raises `LibolmPickleException` if it does not open.
    #[staticmethod]
    fn from_libolm_pickle(py: Python<'_>, pickle: &str, pickle_key: &[u8]) -> PyResult<Self> {
        pickles::load_libolm(py, (pickle, pickle_key), libolm::decryption).map(Self)
    }

    /// The key as libolm keeps it, under a key of any length.
    fn to_libolm_pickle(&self, pickle_key: &[u8]) -> String {
        pickle::seal(&libolm::write_decryption(&self.0), pickle_key)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a key cannot be copied"))
    }
}

/// A public key for signatures, 32 bytes.
#[pyclass(frozen, module = "e2ee._core", name = "CompatEd25519PublicKey")]
pub struct Ed25519PublicKey(VerifyingKey);

#[pymethods]
impl Ed25519PublicKey {
    /// The key of unpadded or padded base64; raises `KeyException` if it is no point of the curve.
    #[staticmethod]
    fn from_base64(py: Python<'_>, key: &str) -> PyResult<Self> {
        let bytes = base64::decode_key(key).map_err(|error| Class::Key.raise(py, error))?;
        let key = VerifyingKey::new(SigningKey::new(bytes));
        key.check().map_err(|error| Class::Key.raise(py, error))?;
        Ok(Self(key))
    }

    /// The key in unpadded base64.
    fn to_base64(&self) -> String {
        base64::encode(self.0.key().as_bytes())
    }

    /// Raises `SignatureException` unless the signature is this key's, of exactly this message.
    fn verify_signature(
        &self,
        py: Python<'_>,
        message: &[u8],
        signature: &Ed25519Signature,
    ) -> PyResult<()> {
        let verified = self.0.verify(message, &signature.0);
        verified.map_err(|error| Class::Signature.raise(py, error))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0.key() == self.0.key())
    }

    fn __hash__(&self) -> u64 {
        hashed(self.0.key())
    }
}

impl Ed25519PublicKey {
    /// A key of ours, which need not be checked.
    pub fn of(key: &SigningKey) -> Self {
        Self(VerifyingKey::new(*key))
    }
}

/// A signature, 64 bytes.
#[pyclass(frozen, module = "e2ee._core", name = "CompatEd25519Signature")]
pub struct Ed25519Signature(pub [u8; 64]);

#[pymethods]
impl Ed25519Signature {
    /// The signature of unpadded or padded base64; raises `SignatureException` for anything else.
    #[staticmethod]
    fn from_base64(py: Python<'_>, session_key: &str) -> PyResult<Self> {
        let bytes =
            base64::decode(session_key).map_err(|error| Class::Signature.raise(py, error))?;
        let bytes = bytes.expose().try_into();
        bytes.map(Self).map_err(|_| Class::Signature.raise(py, Error::BadSignature))
    }

    /// The signature in unpadded base64.
    fn to_base64(&self) -> String {
        base64::encode(&self.0)
    }
}

fn hashed(key: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
