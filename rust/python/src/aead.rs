// SPDX-License-Identifier: MIT OR Apache-2.0
//! Single messages that an application seals itself, as `e2ee.aead` shows them
//! (docs/formats.md, "Sealed message").

use e2ee_files::message::{self, AeadKey as CoreKey};
use e2ee_primitives::Secret;
use e2ee_wire::Error;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use crate::{
    errors,
    given::{Given, copied, released},
    transaction::OsRandom,
};

/// A key of single messages: AES-256-GCM under random nonces (docs/formats.md, "Sealed message").
///
/// It seals at most 2³² messages, whatever is in them; more need another key. For files there is
/// `e2ee.files`. Any number of threads may use it.
#[pyclass(frozen, module = "e2ee._core")]
pub struct AeadKey {
    inner: CoreKey,
}

#[pymethods]
impl AeadKey {
    /// A fresh random key.
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Self> {
        let inner = CoreKey::random(&mut OsRandom).map_err(|error| errors::protocol(py, error))?;
        Ok(Self { inner })
    }

    /// The key that `to_bytes` gave, or any 32 uniformly random bytes.
    ///
    /// Raises `InvalidArgumentError` for another length.
    #[staticmethod]
    fn from_bytes(key: &Bound<'_, PyAny>) -> PyResult<Self> {
        let inner = Secret::from_slice(copied(key)?.expose())
            .ok_or(Error::InvalidArgument)
            .and_then(CoreKey::new)
            .map_err(|error| errors::protocol(key.py(), error))?;
        Ok(Self { inner })
    }

    /// The 32 bytes, to be kept, or sent inside an encrypted message; whoever has them opens all.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.inner.expose())
    }

    /// The message, sealed: 28 bytes longer.
    ///
    /// `associated_data` is authenticated, and has to be given again to open.
    #[pyo3(signature = (plaintext, associated_data = Given::none()))]
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn seal<'py>(
        &self,
        py: Python<'py>,
        plaintext: Given,
        associated_data: Given,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let length = plaintext.len().saturating_add(message::OVERHEAD);
        PyBytes::new_with(py, length, |out| {
            let work = || self.inner.seal(&plaintext, &associated_data, &mut OsRandom, out);
            released(py, length, work).map_err(|error| errors::protocol(py, error))
        })
    }

    /// What `seal` was given.
    ///
    /// Raises `AuthenticationError` if the key or the associated data is another, or the bytes were
    /// altered.
    #[pyo3(signature = (sealed, associated_data = Given::none()))]
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn open<'py>(
        &self,
        py: Python<'py>,
        sealed: Given,
        associated_data: Given,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let raise = |error| errors::protocol(py, error);
        let length = message::plain_len(&sealed).map_err(raise)?;
        PyBytes::new_with(py, length, |out| {
            let work = || self.inner.open(&sealed, &associated_data, out);
            released(py, length, work).map_err(raise)
        })
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a key cannot be copied"))
    }
}
