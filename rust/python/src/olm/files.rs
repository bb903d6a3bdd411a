// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files beside the messages, piece by piece, as `e2ee.matrix` reads and writes them
//! (olm_megolm.md §7).

use std::sync::Mutex;

use e2ee_olm::attachment::{Attachment, Encryptor, Segments, Verifier};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::{
    attachment::{ended, within},
    errors,
    transaction::OsRandom,
};

/// Texts of key, first block and digest.
type Texts<'py> = (Bound<'py, PyString>, String, String);

/// Makes the ciphertext of a file.
#[pyclass(frozen, module = "e2ee._core")]
pub struct MatrixFileEncryptor {
    inner: Mutex<Option<Encryptor>>,
}

#[pymethods]
impl MatrixFileEncryptor {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let inner = Encryptor::begin(&mut OsRandom).map_err(|error| errors::protocol(py, error))?;
        Ok(Self { inner: Mutex::new(Some(inner)) })
    }

    /// The ciphertext of the next bytes.
    fn update<'py>(&self, py: Python<'py>, plaintext: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let out = within(py, &self.inner, |encryptor| {
            let mut out = Vec::new();
            encryptor.update(plaintext, &mut out).map(|()| out)
        })?;
        Ok(PyBytes::new(py, &out))
    }

    /// Texts of key, first block and digest.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Texts<'py>> {
        let made = ended(py, &self.inner, |encryptor| Ok(encryptor.finish()))?;
        let (key, first_block, digest) = made.texts();
        Ok((PyString::from_bytes(py, key.expose())?, first_block, digest))
    }
}

/// The first pass over a ciphertext.
#[pyclass(frozen, module = "e2ee._core")]
pub struct MatrixFileVerifier {
    inner: Mutex<Option<Verifier>>,
}

#[pymethods]
impl MatrixFileVerifier {
    #[new]
    fn new(py: Python<'_>, texts: (String, String, String)) -> PyResult<Self> {
        let (key, first_block, digest) = texts;
        let inner = Attachment::from_texts(&key, &first_block, &digest)
            .and_then(|attachment| Verifier::new(attachment, &mut OsRandom));
        let inner = inner.map_err(|error| errors::protocol(py, error))?;
        Ok(Self { inner: Mutex::new(Some(inner)) })
    }

    /// Takes the next bytes of the ciphertext.
    fn update(&self, py: Python<'_>, ciphertext: &[u8]) -> PyResult<()> {
        within(py, &self.inner, |verifier| verifier.update(ciphertext))
    }

    /// Verifies the whole.
    fn finish(&self, py: Python<'_>) -> PyResult<MatrixFileSegments> {
        Ok(MatrixFileSegments { inner: ended(py, &self.inner, Verifier::finish)? })
    }
}

/// The parts of a ciphertext that was verified.
#[pyclass(frozen, module = "e2ee._core")]
pub struct MatrixFileSegments {
    inner: Segments,
}

#[pymethods]
impl MatrixFileSegments {
    /// The bytes of the file.
    #[getter]
    fn size(&self) -> u64 {
        self.inner.size()
    }

    /// Where segment `index` begins, and its length.
    fn range(&self, py: Python<'_>, index: u64) -> PyResult<(u64, usize)> {
        self.inner.range(index).map_err(|error| errors::protocol(py, error))
    }

    /// The part of the file in segment `index`.
    fn open<'py>(
        &self,
        py: Python<'py>,
        index: u64,
        segment: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let opened = py.detach(|| self.inner.open(index, segment));
        Ok(PyBytes::new(py, opened.map_err(|error| errors::protocol(py, error))?.expose()))
    }
}
