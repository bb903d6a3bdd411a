// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files beside the messages, piece by piece, as `e2ee.mtproto` reads and writes them
//! (mtproto_secret_chats.md §7).

use std::sync::Mutex;

use e2ee_mtproto::file::{FileDecryptor, FileEncryptor, FileKey};
use e2ee_primitives::Secret;
use e2ee_wire::Error;
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    attachment::{ended, within},
    errors,
    given::Given,
    transaction::OsRandom,
};

/// The key of 64 bytes, those of the IV behind its own.
fn key_of(key: &[u8]) -> Result<FileKey, Error> {
    let key = Secret::<64>::from_slice(key).ok_or(Error::InvalidArgument)?;
    let (key, iv) = key.split();
    Ok(FileKey::new(key, iv))
}

/// The fingerprint of a file's key.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "what is extracted is given by value")]
pub fn mtproto_file_fingerprint(py: Python<'_>, key: Given) -> PyResult<i32> {
    let key = key_of(&key).map_err(|error| errors::protocol(py, error))?;
    Ok(key.fingerprint())
}

/// The bytes of the ciphertext of a file of this size.
#[pyfunction]
pub fn mtproto_ciphertext_len(size: u64) -> u64 {
    e2ee_mtproto::file::ciphertext_len(size)
}

/// Encrypts a file.
#[pyclass(frozen, module = "e2ee._core")]
pub struct MtprotoFileEncryptor {
    key: FileKey,
    inner: Mutex<Option<FileEncryptor>>,
}

#[pymethods]
impl MtprotoFileEncryptor {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let key = FileKey::generate(&mut OsRandom).map_err(|error| errors::protocol(py, error))?;
        Ok(Self { inner: Mutex::new(Some(FileEncryptor::new(&key))), key })
    }

    /// The ciphertext of the next bytes.
    fn update<'py>(&self, py: Python<'py>, plaintext: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let out = within(py, &self.inner, |encryptor| {
            let mut out = Vec::new();
            encryptor.update(plaintext, &mut out).map(|()| out)
        })?;
        Ok(PyBytes::new(py, &out))
    }

    /// The end of the ciphertext, and the size of the file.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyBytes>, u64)> {
        let (out, size) = ended(py, &self.inner, |encryptor| {
            let mut out = Vec::new();
            encryptor.finish(&mut OsRandom, &mut out).map(|size| (out, size))
        })?;
        Ok((PyBytes::new(py, &out), size))
    }

    /// Key and IV, 64 bytes.
    fn key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        PyBytes::new_with(py, 64, |out| {
            let parts = self.key.expose().iter().chain(self.key.expose_iv());
            out.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
            Ok(())
        })
    }
}

/// Decrypts a file.
#[pyclass(frozen, module = "e2ee._core")]
pub struct MtprotoFileDecryptor {
    inner: Mutex<Option<FileDecryptor>>,
}

#[pymethods]
impl MtprotoFileDecryptor {
    #[new]
    #[expect(clippy::needless_pass_by_value, reason = "what is extracted is given by value")]
    fn new(py: Python<'_>, key: Given, fingerprint: i32, size: u64) -> PyResult<Self> {
        let inner = key_of(&key)
            .and_then(|key| FileDecryptor::new(&key, fingerprint, size))
            .map_err(|error| errors::protocol(py, error))?;
        Ok(Self { inner: Mutex::new(Some(inner)) })
    }

    /// What the next bytes of the ciphertext give.
    fn update<'py>(&self, py: Python<'py>, ciphertext: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let out = within(py, &self.inner, |decryptor| {
            let mut out = Vec::new();
            decryptor.update(ciphertext, &mut out)?;
            Ok(e2ee_primitives::SecretBytes::new(out))
        })?;
        Ok(PyBytes::new(py, out.expose()))
    }

    /// Checks that all has come.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        ended(py, &self.inner, FileDecryptor::finish)
    }
}
