// SPDX-License-Identifier: MIT OR Apache-2.0
//! The channel of a login over HPKE, as `e2ee.matrix` shows it (olm_megolm.md §9).

use e2ee_olm::{
    ecies::QR_CODE_LOGIN,
    hpke_channel::{Channel, Initiator, Opened, Recipient, Waiting},
};
use e2ee_primitives::{SecretBytes, base64};
use e2ee_wire::Error;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use super::sas::{key_of, taken};
use crate::{errors, own::Own, signal::refused, transaction::OsRandom};

/// The side of a login channel over HPKE that shows its public key and waits (olm_megolm.md §9).
///
/// Its form is read from one implementation, and was not tried with another.
#[pyclass(frozen, module = "e2ee._core")]
pub struct HpkeLoginRecipient {
    inner: Own<Option<Recipient>>,
}

#[pymethods]
impl HpkeLoginRecipient {
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

    /// What is to be answered, and what the first message says; the key is used up, whatever comes.
    ///
    /// A message is an encapsulated key (32 bytes) and a ciphertext. Raises `MalformedMessageError`,
    /// `InvalidKeyError` or `AuthenticationError` if it is no first message for this key.
    fn accept<'py>(
        &self,
        py: Python<'py>,
        message: &[u8],
    ) -> PyResult<(HpkeLoginOpened, Bound<'py, PyBytes>)> {
        let accepted = taken(py, &self.inner)?.accept(message);
        let (opened, plaintext) = read(py, accepted)?;
        Ok((HpkeLoginOpened { inner: Own::new(Some(opened)) }, plaintext))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a channel cannot be copied"))
    }
}

/// A login channel over HPKE on which the recipient has to answer first (olm_megolm.md §9).
#[pyclass(frozen, module = "e2ee._core")]
pub struct HpkeLoginOpened {
    inner: Own<Option<Opened>>,
}

#[pymethods]
impl HpkeLoginOpened {
    /// The channel, and the first answer: a nonce (32 bytes) and a ciphertext.
    ///
    /// It says `plaintext`, and can be made once.
    fn answer<'py>(
        &self,
        py: Python<'py>,
        plaintext: &[u8],
    ) -> PyResult<(HpkeLoginChannel, Bound<'py, PyBytes>)> {
        let answered = taken(py, &self.inner)?.answer(plaintext, &mut OsRandom);
        let (channel, message) = answered.map_err(|error| refused(py, error))?;
        Ok((HpkeLoginChannel { inner: Own::new(channel) }, PyBytes::new(py, &message)))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a channel cannot be copied"))
    }
}

/// A login channel over HPKE to which the answer has not come yet (olm_megolm.md §9).
#[pyclass(frozen, module = "e2ee._core")]
pub struct HpkeLoginWaiting {
    inner: Own<Option<Waiting>>,
}

#[pymethods]
impl HpkeLoginWaiting {
    /// The start of a channel to the owner of a key that was scanned, and the first message.
    ///
    /// That one says `plaintext`: an encapsulated key (32 bytes) and a ciphertext. Raises
    /// `MalformedMessageError` or `InvalidKeyError` if it is no key.
    #[staticmethod]
    #[pyo3(signature = (their_key, plaintext, *, purpose = QR_CODE_LOGIN))]
    fn establish<'py>(
        py: Python<'py>,
        their_key: &str,
        plaintext: &[u8],
        purpose: &str,
    ) -> PyResult<(Self, Bound<'py, PyBytes>)> {
        let established = key_of(their_key)
            .and_then(|key| Initiator::establish(&key, purpose, plaintext, &mut OsRandom));
        let (waiting, message) = established.map_err(|error| refused(py, error))?;
        Ok((Self { inner: Own::new(Some(waiting)) }, PyBytes::new(py, &message)))
    }

    /// The channel, and what the first answer says; whoever made that owns the key.
    ///
    /// An answer is tried once, whatever comes of it. Raises `MalformedMessageError` or
    /// `AuthenticationError` if it is none for this channel.
    fn receive<'py>(
        &self,
        py: Python<'py>,
        answer: &[u8],
    ) -> PyResult<(HpkeLoginChannel, Bound<'py, PyBytes>)> {
        let received = taken(py, &self.inner)?.receive(answer);
        let (channel, plaintext) = read(py, received)?;
        Ok((HpkeLoginChannel { inner: Own::new(channel) }, plaintext))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a channel cannot be copied"))
    }
}

/// A channel over HPKE between a device that logs in and one that has (olm_megolm.md §9).
///
/// Messages open in their order. That nobody else has scanned the key, `check_code` says, which both
/// people compare. Its form is read from one implementation, and was not tried with another.
#[pyclass(frozen, module = "e2ee._core")]
pub struct HpkeLoginChannel {
    inner: Own<Channel>,
}

#[pymethods]
impl HpkeLoginChannel {
    /// The next message, a ciphertext (RFC 9180 §5.2).
    fn encrypt<'py>(&self, py: Python<'py>, plaintext: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let message = self.inner.lock(py)?.encrypt(plaintext);
        Ok(PyBytes::new(py, &message.map_err(|error| refused(py, error))?))
    }

    /// What their next message says.
    ///
    /// Raises `AuthenticationError` if it is not the next one; nothing has changed then.
    fn decrypt<'py>(&self, py: Python<'py>, message: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
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

/// What a message leads to, and what it says.
fn read<T>(
    py: Python<'_>,
    opened: Result<(T, SecretBytes), Error>,
) -> PyResult<(T, Bound<'_, PyBytes>)> {
    let (next, plaintext) = opened.map_err(|error| refused(py, error))?;
    Ok((next, PyBytes::new(py, plaintext.expose())))
}
