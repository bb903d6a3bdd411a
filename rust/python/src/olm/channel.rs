// SPDX-License-Identifier: MIT OR Apache-2.0
//! The older channel of a login, as `e2ee.matrix` shows it (olm_megolm.md §9).

use e2ee_olm::ecies::{Channel, Initiator, QR_CODE_LOGIN, Recipient};
use e2ee_primitives::base64;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use super::sas::{key_of, taken};
use crate::{errors, own::Own, signal::refused, transaction::OsRandom};

/// The side of a login channel that shows its public key and waits (olm_megolm.md §9).
///
/// Its form is read from one implementation, and was not tried with another.
#[pyclass(frozen, module = "e2ee._core")]
pub struct LoginRecipient {
    inner: Own<Option<Recipient>>,
}

#[pymethods]
impl LoginRecipient {
    /// A fresh key; both sides name the same `purpose`.
    #[new]
    #[pyo3(signature = (*, purpose = QR_CODE_LOGIN))]
    fn new(py: Python<'_>, purpose: &str) -> PyResult<Self> {
        let inner = Recipient::new(purpose, &mut OsRandom).map_err(|error| refused(py, error))?;
        Ok(Self { inner: Own::new(Some(inner)) })
    }

    /// The key's text, to be shown.
    #[getter]
    fn public_key(&self, py: Python<'_>) -> PyResult<String> {
        let held = self.inner.lock(py)?;
        let held = held.as_ref().ok_or_else(|| errors::stale(py))?;
        Ok(base64::encode(held.public_key().as_bytes()))
    }

    /// The channel, and what the first message says; the key is used up, whatever comes of it.
    ///
    /// Raises `MalformedMessageError`, `InvalidKeyError` or `AuthenticationError` if it is no first
    /// message for this key.
    fn accept<'py>(
        &self,
        py: Python<'py>,
        message: &str,
    ) -> PyResult<(LoginChannel, Bound<'py, PyBytes>)> {
        let accepted = taken(py, &self.inner)?.accept(message);
        let (channel, opened) = accepted.map_err(|error| refused(py, error))?;
        Ok((LoginChannel { inner: Own::new(channel) }, PyBytes::new(py, opened.expose())))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a channel cannot be copied"))
    }
}

/// A channel between a device that logs in and one that has (olm_megolm.md §9).
///
/// Messages open in their order. That nobody else has scanned the key, `check_code` says, which both
/// people compare. Its form is read from one implementation, and was not tried with another.
#[pyclass(frozen, module = "e2ee._core")]
pub struct LoginChannel {
    inner: Own<Channel>,
}

#[pymethods]
impl LoginChannel {
    /// The channel to the owner of a key that was scanned, and the first message.
    ///
    /// That one says `plaintext`. Raises `MalformedMessageError` or `InvalidKeyError` if it is no key.
    #[staticmethod]
    #[pyo3(signature = (their_key, plaintext, *, purpose = QR_CODE_LOGIN))]
    fn establish(
        py: Python<'_>,
        their_key: &str,
        plaintext: &[u8],
        purpose: &str,
    ) -> PyResult<(Self, String)> {
        let established = key_of(their_key)
            .and_then(|key| Initiator::establish(&key, purpose, plaintext, &mut OsRandom));
        let (channel, message) = established.map_err(|error| refused(py, error))?;
        Ok((Self { inner: Own::new(channel) }, message))
    }

    /// The next message, as text.
    fn encrypt(&self, py: Python<'_>, plaintext: &[u8]) -> PyResult<String> {
        let message = self.inner.lock(py)?.encrypt(plaintext);
        message.map_err(|error| refused(py, error))
    }

    /// What their next message says.
    ///
    /// Raises `MalformedMessageError` or `AuthenticationError` if it is not the next one; nothing
    /// has changed then.
    fn decrypt<'py>(&self, py: Python<'py>, message: &str) -> PyResult<Bound<'py, PyBytes>> {
        let opened = self.inner.lock(py)?.decrypt(message);
        Ok(PyBytes::new(py, opened.map_err(|error| refused(py, error))?.expose()))
    }

    /// Two digits that both people must see alike.
    #[getter]
    fn check_code(&self, py: Python<'_>) -> PyResult<String> {
        let [first, second] = self.inner.lock(py)?.check_code();
        Ok(format!("{first}{second}"))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a channel cannot be copied"))
    }
}
