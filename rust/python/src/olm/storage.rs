// SPDX-License-Identifier: MIT OR Apache-2.0
//! Secrets that a server keeps, as `e2ee.matrix` shows them (olm_megolm.md §6).

use e2ee_olm::{
    kept::Kept,
    secret_storage::{KeyCheck, SealedSecret, StorageKey as CoreKey},
};
use e2ee_primitives::base64;
use e2ee_wire::Error;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::{
    convert::Number,
    errors,
    signal::{StateKey, refused},
    transaction::OsRandom,
};

/// Texts of IV, ciphertext and MAC.
pub type Fields = (String, String, String);

/// The fields of a sealed secret.
pub fn fields(sealed: &SealedSecret) -> Fields {
    let SealedSecret { iv, ciphertext, mac } = sealed;
    (base64::encode(iv), base64::encode(ciphertext), base64::encode(mac))
}

/// The sealed secret of these fields.
pub fn sealed_of((iv, ciphertext, mac): &Fields) -> Result<SealedSecret, Error> {
    Ok(SealedSecret {
        iv: array(iv)?,
        ciphertext: base64::decode(ciphertext)?.expose().to_vec(),
        mac: array(mac)?,
    })
}

/// The bytes of a text of a fixed length.
pub fn array<const N: usize>(text: &str) -> Result<[u8; N], Error> {
    base64::decode(text)?.expose().try_into().map_err(|_| Error::Malformed)
}

/// The key of a secret storage (`m.secret_storage.v1.aes-hmac-sha2`, olm_megolm.md §6).
#[pyclass(frozen, module = "e2ee._core")]
pub struct StorageKey {
    /// The core's own.
    pub inner: CoreKey,
}

#[pymethods]
impl StorageKey {
    /// A fresh random key.
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Self> {
        let inner = CoreKey::generate(&mut OsRandom).map_err(|error| refused(py, error))?;
        Ok(Self { inner })
    }

    /// The key that a passphrase gives with the text and the rounds of its description.
    ///
    /// It takes some tenths of a second. Raises `InvalidArgumentError` for no rounds, and for more
    /// than five million.
    #[staticmethod]
    fn from_passphrase(
        py: Python<'_>,
        passphrase: &str,
        binding: &str,
        rounds: Number,
    ) -> PyResult<Self> {
        let inner = py.detach(|| CoreKey::from_passphrase(passphrase, binding, rounds.0));
        Ok(Self { inner: inner.map_err(|error| errors::protocol(py, error))? })
    }

    /// The key that its owner wrote down: 48 characters, with white space anywhere.
    ///
    /// Raises `MalformedMessageError` if a character is missing, foreign or wrong.
    #[staticmethod]
    fn from_written(py: Python<'_>, text: &str) -> PyResult<Self> {
        let inner = CoreKey::from_recovery_text(text).map_err(|error| refused(py, error))?;
        Ok(Self { inner })
    }

    /// The key for its owner to write down: twelve groups of four characters.
    ///
    /// Whoever reads it opens all secrets.
    fn written<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        PyString::from_bytes(py, self.inner.recovery_text().expose())
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
        let record = Kept::seal_record(&self.inner, key.sealer(), &mut OsRandom);
        Ok(PyBytes::new(py, &record.map_err(|error| refused(py, error))?))
    }

    /// `iv` and `mac` of a fresh description of this key.
    fn check(&self, py: Python<'_>) -> PyResult<(String, String)> {
        let check = self.inner.check(&mut OsRandom).map_err(|error| refused(py, error))?;
        Ok((base64::encode(&check.iv), base64::encode(&check.mac)))
    }

    /// Whether this is the key of a description with this `iv` and `mac`.
    ///
    /// Raises `MalformedMessageError` if they are no such texts.
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn matches(&self, py: Python<'_>, check: (String, String)) -> PyResult<bool> {
        let read = || Ok(KeyCheck { iv: array(&check.0)?, mac: array(&check.1)? });
        let check: Result<_, Error> = read();
        Ok(self.inner.matches(&check.map_err(|error| refused(py, error))?))
    }

    /// `iv`, `ciphertext` and `mac` of the text of a secret.
    fn seal_text(&self, py: Python<'_>, name: &str, text: &str) -> PyResult<Fields> {
        let sealed = self.inner.seal(name, text.as_bytes(), &mut OsRandom);
        Ok(fields(&sealed.map_err(|error| refused(py, error))?))
    }

    /// The text of the secret of this `iv`, `ciphertext` and `mac`.
    ///
    /// Raises `AuthenticationError` if it was sealed with another key or name or was altered, and
    /// `MalformedMessageError` if it is no text. The IV is not authenticated.
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn open_text<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        fields: Fields,
    ) -> PyResult<Bound<'py, PyString>> {
        let opened = sealed_of(&fields).and_then(|sealed| self.inner.open(name, &sealed));
        let opened = opened.map_err(|error| refused(py, error))?;
        let text = core::str::from_utf8(opened.expose());
        Ok(PyString::new(py, text.map_err(|_| refused(py, Error::Malformed))?))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a key cannot be copied"))
    }
}
