// SPDX-License-Identifier: MIT OR Apache-2.0
//! Account keys and PIN hashes, as `e2ee.signal` shows them (signal.md §14.1).

use e2ee_primitives::Secret;
use e2ee_signal::{
    account_keys::{AccountKeys as CoreKeys, BackupKey, pin_hash},
    keys::encode_ec,
};
use e2ee_wire::Error;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::{
    errors,
    signal::{StateKey, refused},
    transaction::OsRandom,
};

fn output<'py, const N: usize>(py: Python<'py>, secret: &Secret<N>) -> Bound<'py, PyBytes> {
    PyBytes::new(py, secret.expose())
}

/// The 16 bytes of a `uuid.UUID`.
struct Aci([u8; 16]);

impl FromPyObject<'_, '_> for Aci {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        object.getattr("bytes")?.extract().map(Self)
    }
}

/// The keys that an account's entropy pool gives (signal.md §14.1).
///
/// They protect what an account keeps at services, and are handed to those or used with them; none
/// is a key of messages.
#[pyclass(frozen, module = "e2ee._core")]
pub struct AccountKeys {
    inner: CoreKeys,
}

#[pymethods]
impl AccountKeys {
    /// The keys of a pool of 64 characters, `0-9` and `a-z`.
    ///
    /// Raises `InvalidArgumentError` for anything else.
    #[new]
    fn new(py: Python<'_>, pool: &str) -> PyResult<Self> {
        let inner = CoreKeys::from_pool(pool.as_bytes());
        Ok(Self { inner: inner.map_err(|error| refused(py, error))? })
    }

    /// The keys of a fresh random pool (signal.md §14.1).
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Self> {
        let inner = CoreKeys::generate(&mut OsRandom).map_err(|error| refused(py, error))?;
        Ok(Self { inner })
    }

    /// The keys that `seal` gave.
    ///
    /// Raises `StoreCorruptionError` for another key or record.
    #[staticmethod]
    fn load(py: Python<'_>, key: &StateKey, record: &[u8]) -> PyResult<Self> {
        let inner = CoreKeys::open(key.sealer(), record).map_err(|error| refused(py, error))?;
        Ok(Self { inner })
    }

    /// The pool, sealed, to be kept (docs/formats.md, "Account keys").
    fn seal<'py>(&self, py: Python<'py>, key: &StateKey) -> PyResult<Bound<'py, PyBytes>> {
        let record = self.inner.seal(key.sealer(), &mut OsRandom);
        Ok(PyBytes::new(py, &record.map_err(|error| refused(py, error))?))
    }

    /// The pool itself, 64 characters, for the owner of the account to write down.
    ///
    /// All the other keys follow from it.
    fn pool<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        PyString::from_bytes(py, self.inner.pool().expose())
    }

    /// The key that secure value recovery keeps under a PIN, 32 bytes (signal.md §14.1).
    #[getter]
    fn svr_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        output(py, &self.inner.svr_key())
    }

    /// What proves that the number may be registered again, 32 bytes (signal.md §14.1).
    #[getter]
    fn registration_lock<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        output(py, &self.inner.registration_lock())
    }

    /// What registers again without a code by SMS, 32 bytes (signal.md §14.1).
    #[getter]
    fn registration_recovery_password<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        output(py, &self.inner.registration_recovery_password())
    }

    /// The key of the storage service, 32 bytes (signal.md §14.1).
    #[getter]
    fn storage_service_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        output(py, &self.inner.storage_service_key())
    }

    /// The key of log files, 32 bytes (signal.md §14.1).
    #[getter]
    fn logging_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        output(py, &self.inner.logging_key())
    }

    /// The keys of backups (signal.md §14.1).
    #[getter]
    fn backup(&self) -> BackupKeys {
        BackupKeys { inner: self.inner.backup() }
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("account keys cannot be copied"))
    }
}

/// The keys of an account's backups (signal.md §14.1).
#[pyclass(frozen, module = "e2ee._core")]
pub struct BackupKeys {
    inner: BackupKey,
}

#[pymethods]
impl BackupKeys {
    /// The backup key, 32 bytes, from which the others follow.
    #[getter]
    fn key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        output(py, self.inner.key())
    }

    /// The key of a backup's metadata on the device, 32 bytes.
    #[getter]
    fn local_metadata_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        output(py, &self.inner.local_metadata_key())
    }

    /// Under which id the service keeps the backups of the account `aci`, 16 bytes.
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn id<'py>(&self, py: Python<'py>, aci: Aci) -> Bound<'py, PyBytes> {
        output(py, &self.inner.id(&aci.0))
    }

    /// The public key that goes with that id, 33 bytes: a type byte (05) and the key.
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn public_key<'py>(&self, py: Python<'py>, aci: Aci) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &encode_ec(self.inner.signing_key(&aci.0).public()))
    }

    /// A signature with its private key, 64 bytes (`XEdDSA`, signal.md §2.3).
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn sign<'py>(
        &self,
        py: Python<'py>,
        aci: Aci,
        message: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let signature = self.inner.sign(&aci.0, message, &mut OsRandom);
        Ok(PyBytes::new(py, &signature.map_err(|error| refused(py, error))?))
    }

    /// Under which id the service keeps the media file `name`, 15 bytes.
    fn media_id<'py>(&self, py: Python<'py>, name: &str) -> Bound<'py, PyBytes> {
        output(py, &self.inner.media_id(name.as_bytes()))
    }

    /// The key of a media file, 64 bytes: AES, then HMAC.
    ///
    /// Raises `InvalidArgumentError` if the id is not 15 bytes.
    fn media_key<'py>(&self, py: Python<'py>, media_id: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        Ok(output(py, &self.inner.media_key(sized(py, media_id)?)))
    }

    /// The key of its thumbnail, 64 bytes: AES, then HMAC.
    ///
    /// Raises `InvalidArgumentError` if the id is not 15 bytes.
    fn thumbnail_key<'py>(
        &self,
        py: Python<'py>,
        media_id: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        Ok(output(py, &self.inner.thumbnail_key(sized(py, media_id)?)))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("backup keys cannot be copied"))
    }
}

/// The encryption key and the access key of a PIN, 32 bytes each (signal.md §14.1).
///
/// `binding` is 32 bytes that the service gives for the account. This is slow on purpose: Argon2id
/// with 16 MiB and 32 passes. Raises `InvalidArgumentError` if `binding` has another length.
#[pyfunction]
pub fn hash_pin<'py>(
    py: Python<'py>,
    pin: &[u8],
    binding: &[u8],
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    let binding = sized(py, binding)?;
    let hash = py.detach(|| pin_hash(pin, binding)).map_err(|error| refused(py, error))?;
    Ok((output(py, &hash.0), output(py, &hash.1)))
}

fn sized<'a, const N: usize>(py: Python<'_>, bytes: &'a [u8]) -> PyResult<&'a [u8; N]> {
    bytes.try_into().map_err(|_| errors::protocol(py, Error::InvalidArgument))
}
