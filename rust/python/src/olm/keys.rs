// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signing keys and the key of a backup, as `e2ee.matrix` shows them (olm_megolm.md §5, §8).

use e2ee_olm::{
    kept::Kept,
    pk::{self, PkDecryption, PkMessage},
    signing::{self, SigningKey as CoreSigningKey},
};
use e2ee_primitives::base64;
use e2ee_wire::Error;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use super::{
    sas::key_of,
    storage::{Fields, StorageKey, array, fields, sealed_of},
};
use crate::{
    signal::{StateKey, refused},
    transaction::OsRandom,
};

fn kept<'py>(key: &impl Kept, py: Python<'py>, state: &StateKey) -> PyResult<Bound<'py, PyBytes>> {
    let record = key.seal_record(state.sealer(), &mut OsRandom);
    Ok(PyBytes::new(py, &record.map_err(|error| refused(py, error))?))
}

fn stored(key: &impl Kept, py: Python<'_>, storage: &StorageKey, name: &str) -> PyResult<Fields> {
    let sealed = key.store(&storage.inner, name, &mut OsRandom);
    Ok(fields(&sealed.map_err(|error| refused(py, error))?))
}

fn restored<K: Kept>(
    py: Python<'_>,
    storage: &StorageKey,
    name: &str,
    fields: &Fields,
) -> PyResult<K> {
    let key = sealed_of(fields).and_then(|sealed| K::restore(&storage.inner, name, &sealed));
    key.map_err(|error| refused(py, error))
}

/// A key that signs: of cross-signing, or whatever else is a signed object (olm_megolm.md §8).
#[pyclass(frozen, module = "e2ee._core")]
pub struct SigningKey {
    inner: CoreSigningKey,
}

#[pymethods]
impl SigningKey {
    /// A fresh key (RFC 8032 §5.1.5).
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Self> {
        let inner = CoreSigningKey::generate(&mut OsRandom).map_err(|error| refused(py, error))?;
        Ok(Self { inner })
    }

    /// The key that `seal` gave.
    ///
    /// Raises `StoreCorruptionError` for another state key or record.
    #[staticmethod]
    fn load(py: Python<'_>, key: &StateKey, record: &[u8]) -> PyResult<Self> {
        let inner = Kept::open_record(key.sealer(), record).map_err(|error| refused(py, error))?;
        Ok(Self { inner })
    }

    /// The key, sealed, to be kept (docs/formats.md, "Matrix keys").
    fn seal<'py>(&self, py: Python<'py>, key: &StateKey) -> PyResult<Bound<'py, PyBytes>> {
        kept(&self.inner, py, key)
    }

    /// `iv`, `ciphertext` and `mac` of this key as the secret `name` of a storage.
    fn store(&self, py: Python<'_>, storage: &StorageKey, name: &str) -> PyResult<Fields> {
        stored(&self.inner, py, storage, name)
    }

    /// The key that is the secret `name` of a storage, from its `iv`, `ciphertext` and `mac`.
    ///
    /// Compare its public key with the one that is known: the IV is not authenticated. Raises
    /// `AuthenticationError` if it does not open, and `MalformedMessageError` if it is no key.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn restore(py: Python<'_>, storage: &StorageKey, name: &str, fields: Fields) -> PyResult<Self> {
        Ok(Self { inner: restored(py, storage, name, &fields)? })
    }

    /// The text of the public key, unpadded base64, by which a cross-signing key is named.
    #[getter]
    fn public_key(&self) -> String {
        base64::encode(self.inner.public_key().as_bytes())
    }

    /// The text of a signature (Ed25519, RFC 8032 §5.1.6).
    fn sign(&self, message: &[u8]) -> String {
        self.inner.sign(message)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a key cannot be copied"))
    }
}

/// Verifies the text of a signature under the text of a key.
#[pyfunction]
pub fn verify_signature(
    py: Python<'_>,
    public_key: &str,
    message: &[u8],
    signature: &str,
) -> PyResult<()> {
    signing::verify(public_key, message, signature).map_err(|error| refused(py, error))
}

/// The private key of a backup of room keys (olm_megolm.md §5).
///
/// Nothing says who made what it opens: everyone who knows the public key can, and the server can
/// alter it.
#[pyclass(frozen, module = "e2ee._core")]
pub struct BackupKey {
    inner: PkDecryption,
}

#[pymethods]
impl BackupKey {
    /// A fresh key (olm_megolm.md §5).
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Self> {
        let inner = PkDecryption::generate(&mut OsRandom).map_err(|error| refused(py, error))?;
        Ok(Self { inner })
    }

    /// The key that `seal` gave.
    ///
    /// Raises `StoreCorruptionError` for another state key or record.
    #[staticmethod]
    fn load(py: Python<'_>, key: &StateKey, record: &[u8]) -> PyResult<Self> {
        let inner = Kept::open_record(key.sealer(), record).map_err(|error| refused(py, error))?;
        Ok(Self { inner })
    }

    /// The key, sealed, to be kept (docs/formats.md, "Matrix keys").
    fn seal<'py>(&self, py: Python<'py>, key: &StateKey) -> PyResult<Bound<'py, PyBytes>> {
        kept(&self.inner, py, key)
    }

    /// `iv`, `ciphertext` and `mac` of this key as the secret `name` of a storage.
    fn store(&self, py: Python<'_>, storage: &StorageKey, name: &str) -> PyResult<Fields> {
        stored(&self.inner, py, storage, name)
    }

    /// The key that is the secret `name` of a storage, from its `iv`, `ciphertext` and `mac`.
    ///
    /// Compare its public key with that of the backup: the IV is not authenticated. Raises
    /// `AuthenticationError` if it does not open, and `MalformedMessageError` if it is no key.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn restore(py: Python<'_>, storage: &StorageKey, name: &str, fields: Fields) -> PyResult<Self> {
        Ok(Self { inner: restored(py, storage, name, &fields)? })
    }

    /// The text of the public key, unpadded base64, to which devices seal.
    #[getter]
    fn public_key(&self) -> String {
        base64::encode(self.inner.public_key().as_bytes())
    }

    /// Opens `ephemeral`, `ciphertext` and `mac` of a message, whoever made it.
    ///
    /// Raises `InvalidKeyError`, `MalformedMessageError` or `AuthenticationError` if it was not
    /// made for this key. That it opens proves nothing about its origin.
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn open<'py>(&self, py: Python<'py>, fields: Fields) -> PyResult<Bound<'py, PyBytes>> {
        let opened = message(&fields).and_then(|message| self.inner.decrypt(&message));
        Ok(PyBytes::new(py, opened.map_err(|error| refused(py, error))?.expose()))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a key cannot be copied"))
    }
}

impl BackupKey {
    /// A key from elsewhere.
    pub const fn of(inner: PkDecryption) -> Self {
        Self { inner }
    }

    /// The key itself, for its pickle.
    pub const fn inner(&self) -> &PkDecryption {
        &self.inner
    }
}

/// `ephemeral`, `ciphertext` and `mac` of a message to the owner of a backup's public key.
#[pyfunction]
pub fn seal_for_backup(py: Python<'_>, public_key: &str, plaintext: &[u8]) -> PyResult<Fields> {
    let sealed = key_of(public_key).and_then(|key| pk::encrypt(&key, plaintext, &mut OsRandom));
    let PkMessage { ephemeral, mac, ciphertext } = sealed.map_err(|error| refused(py, error))?;
    Ok((base64::encode(ephemeral.as_bytes()), base64::encode(&ciphertext), base64::encode(&mac)))
}

fn message((ephemeral, ciphertext, mac): &Fields) -> Result<PkMessage, Error> {
    Ok(PkMessage {
        ephemeral: key_of(ephemeral)?,
        mac: array(mac)?,
        ciphertext: base64::decode(ciphertext)?.expose().to_vec(),
    })
}
