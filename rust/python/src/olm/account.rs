// SPDX-License-Identifier: MIT OR Apache-2.0
//! Devices of Matrix that the caller stores (olm_megolm.md §1.4 and §8).

#![expect(clippy::unused_self, reason = "the signatures are what the interpreter calls")]

use e2ee_olm::{Account, limits::MAX_UNPUBLISHED_KEYS};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBytes, PyDict},
};

use crate::{
    convert::Number,
    own::Own,
    signal::{StateKey, refused},
    transaction::OsRandom,
};

/// One device: its identity keys, and the keys that others start sessions with.
///
/// olm_megolm.md §1.4 has the rules of the second.
#[pyclass(frozen, module = "e2ee._core")]
pub struct OlmAccount {
    inner: Own<Account>,
}

impl OlmAccount {
    /// An account in its lock.
    pub fn of(account: Account) -> Self {
        Self { inner: Own::new(account) }
    }

    /// The account itself, for what sessions do with it.
    pub const fn inner(&self) -> &Own<Account> {
        &self.inner
    }
}

#[pymethods]
impl OlmAccount {
    /// A device with fresh identity keys, and no one-time key yet.
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Self> {
        let inner = Account::generate(&mut OsRandom).map_err(|error| refused(py, error))?;
        Ok(Self { inner: Own::new(inner) })
    }

    /// The account that `seal` gave with this revision.
    ///
    /// Raises `StoreCorruptionError` for another key, revision or record.
    #[staticmethod]
    fn load(py: Python<'_>, key: &StateKey, revision: u64, record: &[u8]) -> PyResult<Self> {
        let inner = Account::open(key.sealer(), revision, record);
        Ok(Self { inner: Own::new(inner.map_err(|failure| refused(py, failure))?) })
    }

    /// The next revision and the sealed record to save with it; it holds the private keys.
    fn seal<'py>(&self, py: Python<'py>, key: &StateKey) -> PyResult<(u64, Bound<'py, PyBytes>)> {
        let mut account = self.inner.lock(py)?;
        let record = account.seal(key.sealer(), &mut OsRandom);
        let record = record.map_err(|failure| refused(py, failure))?;
        Ok((account.revision(), PyBytes::new(py, &record)))
    }

    /// The public Curve25519 key, 32 bytes, which agrees in sessions.
    #[getter]
    fn identity_key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.inner.lock(py)?.identity_key().as_bytes()))
    }

    /// The public Ed25519 key, 32 bytes, under which the device signs what it publishes.
    #[getter]
    fn signing_key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.inner.lock(py)?.signing_key().as_bytes()))
    }

    /// The Ed25519 signature of these bytes, 64 bytes (RFC 8032 §5.1.6).
    fn sign<'py>(&self, py: Python<'py>, message: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.inner.lock(py)?.sign(message)))
    }

    /// Makes so many one-time keys; at most 100 are kept, of which the oldest go.
    ///
    /// Raises `InvalidArgumentError` if more than `max_one_time_keys` would wait to be published.
    fn generate_one_time_keys(&self, py: Python<'_>, count: Number) -> PyResult<()> {
        // A number that does not fit is above every limit.
        let count = usize::try_from(count.0).unwrap_or(usize::MAX);
        let made = self.inner.lock(py)?.one_time_keys_mut().generate(count, &mut OsRandom);
        made.map_err(|error| refused(py, error))
    }

    /// The one-time keys that wait to be published: number, and public key of 32 bytes.
    ///
    /// Save the account before they are given away.
    #[getter]
    fn one_time_keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let keys = PyDict::new(py);
        for (id, key) in self.inner.lock(py)?.one_time_keys().unpublished() {
            keys.set_item(id, PyBytes::new(py, key.as_bytes()))?;
        }
        Ok(keys)
    }

    /// Makes a fallback key; the one before it is kept until the next, or until it is forgotten.
    fn generate_fallback_key(&self, py: Python<'_>) -> PyResult<()> {
        let made = self.inner.lock(py)?.one_time_keys_mut().generate_fallback(&mut OsRandom);
        made.map_err(|error| refused(py, error))
    }

    /// Number and public key, 32 bytes, of the fallback key; `None` unless it waits to be published.
    ///
    /// Save the account before it is given away.
    #[getter]
    fn fallback_key<'py>(&self, py: Python<'py>) -> PyResult<Option<(u64, Bound<'py, PyBytes>)>> {
        let account = self.inner.lock(py)?;
        let waiting = account.one_time_keys().unpublished_fallback();
        Ok(waiting.map(|(id, key)| (id, PyBytes::new(py, key.as_bytes()))))
    }

    /// Says that the server has all keys that waited; their private halves stay.
    fn mark_keys_as_published(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.lock(py)?.one_time_keys_mut().mark_as_published();
        Ok(())
    }

    /// Forgets the fallback key before the current one; `False` if there is none.
    fn forget_fallback_key(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.inner.lock(py)?.one_time_keys_mut().forget_fallback())
    }

    /// How many one-time keys may wait to be published, and are best kept on the server.
    #[getter]
    fn max_one_time_keys(&self) -> usize {
        MAX_UNPUBLISHED_KEYS
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("an account cannot be copied: a copy would give keys twice"))
    }
}
