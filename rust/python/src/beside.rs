// SPDX-License-Identifier: MIT OR Apache-2.0
//! Usernames and single messages to a public key, as `e2ee.signal` shows them (signal.md §14).

use e2ee_primitives::Secret;
use e2ee_signal::{
    hpke::{self, Binding, HpkeKey as CoreKey},
    keys::{decode_ec, encode_ec},
    username::Username as CoreUsername,
};
use e2ee_wire::Error;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use crate::{
    signal::{StateKey, refused},
    transaction::OsRandom,
};

/// A username, `nickname.discriminator` (signal.md §14.2).
#[pyclass(frozen, module = "e2ee._core")]
pub struct Username {
    inner: CoreUsername,
}

#[pymethods]
impl Username {
    /// A username from its text.
    ///
    /// Raises `InvalidArgumentError` unless the nickname has 1 to 48 characters of `a-z`, `0-9` and
    /// `_` and no digit first, and the discriminator has two digits or more, is not 0, and has a
    /// leading zero below 10 only.
    #[new]
    fn new(py: Python<'_>, text: &str) -> PyResult<Self> {
        let inner = CoreUsername::parse(text).map_err(|error| refused(py, error))?;
        Ok(Self { inner })
    }

    /// The text, with the case of its letters.
    #[getter]
    fn text(&self) -> &str {
        self.inner.text()
    }

    /// The hash under which a service knows it, 32 bytes; case does not matter to it.
    #[getter]
    fn hash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let hash = self.inner.hash().map_err(|error| refused(py, error))?;
        Ok(PyBytes::new(py, &hash))
    }

    /// A fresh link: its key, 32 bytes, which goes into the link, and the bytes for the service.
    fn link<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let (key, sealed) = self.inner.link(&mut OsRandom).map_err(|error| refused(py, error))?;
        Ok((PyBytes::new(py, key.expose()), PyBytes::new(py, &sealed)))
    }

    /// New bytes for the service, for a link whose key was given away already.
    ///
    /// Raises `InvalidArgumentError` if the key is not 32 bytes.
    fn relink<'py>(&self, py: Python<'py>, link_key: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let link_key = Secret::from_slice(link_key).ok_or(Error::InvalidArgument);
        let sealed = link_key.and_then(|key| self.inner.seal(&key, &mut OsRandom));
        Ok(PyBytes::new(py, &sealed.map_err(|error| refused(py, error))?))
    }

    /// The username in a link.
    ///
    /// Raises `InvalidArgumentError` if the key is not 32 bytes, `AuthenticationError` if the bytes
    /// were not made with it, and `MalformedMessageError` if they hold no username.
    #[staticmethod]
    fn from_link(py: Python<'_>, link_key: &[u8], sealed: &[u8]) -> PyResult<Self> {
        let link_key = Secret::from_slice(link_key).ok_or(Error::InvalidArgument);
        let inner = link_key.and_then(|key| CoreUsername::open(&key, sealed));
        Ok(Self { inner: inner.map_err(|error| refused(py, error))? })
    }

    fn __repr__(&self) -> String {
        format!("Username('{}')", self.inner.text())
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.inner == other.inner
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.inner.text().hash(&mut hasher);
        hasher.finish()
    }
}

/// A private key to which others seal single messages (signal.md §14, RFC 9180).
#[pyclass(frozen, module = "e2ee._core")]
pub struct HpkeKey {
    inner: CoreKey,
}

#[pymethods]
impl HpkeKey {
    /// A fresh key (RFC 9180 §4.1).
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Self> {
        let inner = CoreKey::generate(&mut OsRandom).map_err(|error| refused(py, error))?;
        Ok(Self { inner })
    }

    /// The key that `seal` gave.
    ///
    /// Raises `StoreCorruptionError` for another state key or record.
    #[staticmethod]
    fn load(py: Python<'_>, key: &StateKey, record: &[u8]) -> PyResult<Self> {
        let inner = CoreKey::open(key.sealer(), record).map_err(|error| refused(py, error))?;
        Ok(Self { inner })
    }

    /// The key, sealed, to be kept (docs/formats.md, "HPKE key").
    fn seal<'py>(&self, py: Python<'py>, key: &StateKey) -> PyResult<Bound<'py, PyBytes>> {
        let record = self.inner.seal(key.sealer(), &mut OsRandom);
        Ok(PyBytes::new(py, &record.map_err(|error| refused(py, error))?))
    }

    /// The public key, 33 bytes: a type byte (05) and the key (signal.md §2.1).
    #[getter]
    fn public_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &encode_ec(self.inner.public()))
    }

    /// Opens what `hpke_seal` gave for this key, the same `info` and the same `associated_data`.
    ///
    /// Raises `MalformedMessageError` if it is no such message, and `AuthenticationError` if it does
    /// not open. Nothing says who sealed it.
    #[pyo3(signature = (sealed, *, info = b"".as_slice(), associated_data = b"".as_slice()))]
    fn open<'py>(
        &self,
        py: Python<'py>,
        sealed: &[u8],
        info: &[u8],
        associated_data: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let opened = self.inner.open_message(Binding { info, associated_data }, sealed);
        Ok(PyBytes::new(py, opened.map_err(|error| refused(py, error))?.expose()))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a key cannot be copied"))
    }
}

/// Seals a single message for the owner of a public key of 33 bytes (signal.md §14, RFC 9180).
///
/// 49 bytes longer than the plaintext: a suite byte (01), an encapsulated key of 32 bytes, and a tag
/// of 16. Raises `InvalidKeyError` if the key cannot be used. Whoever takes the private key later
/// opens all that was ever sealed for it; a session does not have this weakness.
#[pyfunction]
#[pyo3(signature = (public_key, plaintext, *, info = b"".as_slice(), associated_data = b"".as_slice()))]
pub fn hpke_seal<'py>(
    py: Python<'py>,
    public_key: &[u8],
    plaintext: &[u8],
    info: &[u8],
    associated_data: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let binding = Binding { info, associated_data };
    let sealed = decode_ec(public_key)
        .and_then(|their_key| hpke::seal(&their_key, binding, plaintext, &mut OsRandom));
    Ok(PyBytes::new(py, &sealed.map_err(|error| refused(py, error))?))
}
