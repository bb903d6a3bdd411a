// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files, piece by piece, as `e2ee.attachments` reads and writes them (signal.md §13).
//!
//! A piece is `bytes`, which no other thread can change: it is worked on with the interpreter
//! released.

use std::sync::Mutex;

use e2ee_primitives::{Secret, SecretBytes};
use e2ee_signal::attachment::{
    self, AttachmentKey, AttachmentPointer, Encryptor, Incremental, Segments, StreamOpener,
    Verifier,
};
use e2ee_wire::Error;
use pyo3::{prelude::*, types::PyBytes};

use crate::{errors, own::locked, transaction::OsRandom};

/// A pointer's key, digest and size, and chunk size and values of its incremental MAC if it has one.
type Fields<'py> =
    (Bound<'py, PyBytes>, Bound<'py, PyBytes>, u32, Option<(u32, Bound<'py, PyBytes>)>);

/// The fields of an encoded pointer.
#[pyfunction]
pub fn read_pointer<'py>(py: Python<'py>, encoded: &[u8]) -> PyResult<Fields<'py>> {
    let pointer = decoded(py, encoded)?;
    let incremental =
        pointer.incremental.map(|each| (each.chunk.get(), PyBytes::new(py, &each.values)));
    let (key, digest) = (pointer.key.expose(), &pointer.digest);
    Ok((PyBytes::new(py, key), PyBytes::new(py, digest), pointer.size, incremental))
}

/// The encoded pointer of these fields.
#[pyfunction]
#[pyo3(signature = (key, digest, size, incremental))]
pub fn write_pointer<'py>(
    py: Python<'py>,
    key: &[u8],
    digest: &[u8],
    size: u64,
    incremental: Option<(u64, Vec<u8>)>,
) -> PyResult<Bound<'py, PyBytes>> {
    let incremental = incremental.map_or(Ok(None), |(chunk_size, values)| {
        let chunk_size = u32::try_from(chunk_size).map_err(|_| Error::Malformed)?;
        Incremental::new(chunk_size, &values)?.map(Some).ok_or(Error::Malformed)
    });
    let pointer = || {
        Some(AttachmentPointer {
            key: AttachmentKey::new(Secret::from_slice(key)?),
            digest: digest.try_into().ok()?,
            size: u32::try_from(size).ok()?,
            incremental: incremental.ok()?,
        })
    };
    let pointer = pointer().ok_or_else(|| errors::protocol(py, Error::InvalidArgument))?;
    Ok(PyBytes::new(py, pointer.encode().expose()))
}

/// The bytes of the blob of a file of `size` bytes.
#[pyfunction]
pub fn blob_len(size: u32) -> u64 {
    attachment::blob_len(size)
}

fn decoded(py: Python<'_>, pointer: &[u8]) -> PyResult<AttachmentPointer> {
    AttachmentPointer::decode(pointer).map_err(|error| errors::protocol(py, error))
}

/// Works on what a mutex holds, with the interpreter released; nothing is held after the end.
pub fn within<T: Send, R: Send>(
    py: Python<'_>,
    mutex: &Mutex<Option<T>>,
    work: impl FnOnce(&mut T) -> Result<R, Error> + Send,
) -> PyResult<R> {
    let mut guard = locked(py, mutex)?;
    let held = guard.as_mut().ok_or_else(|| errors::stale(py))?;
    py.detach(|| work(held)).map_err(|error| errors::protocol(py, error))
}

/// Ends what a mutex holds.
pub fn ended<T: Send, R: Send>(
    py: Python<'_>,
    mutex: &Mutex<Option<T>>,
    work: impl FnOnce(T) -> Result<R, Error> + Send,
) -> PyResult<R> {
    let held = locked(py, mutex)?.take().ok_or_else(|| errors::stale(py))?;
    py.detach(|| work(held)).map_err(|error| errors::protocol(py, error))
}

fn output<'py>(py: Python<'py>, bytes: &SecretBytes) -> Bound<'py, PyBytes> {
    PyBytes::new(py, bytes.expose())
}

/// Makes a blob of a file of a known size.
#[pyclass(frozen, module = "e2ee._core")]
pub struct AttachmentEncryptor {
    inner: Mutex<Option<Encryptor>>,
}

#[pymethods]
impl AttachmentEncryptor {
    /// An encryptor, and the first bytes of the blob.
    #[staticmethod]
    fn begin(py: Python<'_>, size: u64) -> PyResult<(Self, Bound<'_, PyBytes>)> {
        let mut out = Vec::new();
        let inner = u32::try_from(size)
            .map_err(|_| Error::InvalidArgument)
            .and_then(|size| Encryptor::begin(size, &mut OsRandom, &mut out))
            .map_err(|error| errors::protocol(py, error))?;
        Ok((Self { inner: Mutex::new(Some(inner)) }, PyBytes::new(py, &out)))
    }

    /// The next bytes of the file, as far as they are ready.
    fn update<'py>(&self, py: Python<'py>, plaintext: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let out = within(py, &self.inner, |encryptor| {
            let mut out = Vec::new();
            encryptor.update(plaintext, &mut out).map(|()| out)
        })?;
        Ok(PyBytes::new(py, &out))
    }

    /// Some of the padding; empty when there is no more.
    fn pad<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let out = within(py, &self.inner, |encryptor| {
            let mut out = Vec::new();
            // A piece that completes no block gives nothing: that must not look like the end.
            while encryptor.pad(&mut out)? && out.is_empty() {}
            Ok(out)
        })?;
        Ok(PyBytes::new(py, &out))
    }

    /// The last bytes of the blob, and its pointer.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let (out, pointer) = ended(py, &self.inner, |encryptor| {
            let mut out = Vec::new();
            encryptor.finish(&mut out).map(|pointer| (out, pointer))
        })?;
        Ok((PyBytes::new(py, &out), output(py, &pointer.encode())))
    }
}

/// The first pass over a blob.
#[pyclass(frozen, module = "e2ee._core")]
pub struct AttachmentVerifier {
    inner: Mutex<Option<Verifier>>,
}

#[pymethods]
impl AttachmentVerifier {
    #[new]
    fn new(py: Python<'_>, pointer: &[u8]) -> PyResult<Self> {
        let inner = Verifier::new(decoded(py, pointer)?, &mut OsRandom);
        let inner = inner.map_err(|error| errors::protocol(py, error))?;
        Ok(Self { inner: Mutex::new(Some(inner)) })
    }

    /// Takes the next bytes of the blob.
    fn update(&self, py: Python<'_>, blob: &[u8]) -> PyResult<()> {
        within(py, &self.inner, |verifier| verifier.update(blob))
    }

    /// Verifies the whole.
    fn finish(&self, py: Python<'_>) -> PyResult<AttachmentSegments> {
        let inner = ended(py, &self.inner, Verifier::finish)?;
        Ok(AttachmentSegments { inner })
    }
}

/// The parts of a blob that was verified.
#[pyclass(frozen, module = "e2ee._core")]
pub struct AttachmentSegments {
    inner: Segments,
}

#[pymethods]
impl AttachmentSegments {
    /// The bytes of the file.
    #[getter]
    fn size(&self) -> u32 {
        self.inner.size()
    }

    /// Where segment `index` begins in the blob, and its length.
    fn range(&self, py: Python<'_>, index: u32) -> PyResult<(u64, usize)> {
        self.inner.range(index).map_err(|error| errors::protocol(py, error))
    }

    /// The part of the file in segment `index`.
    fn open<'py>(
        &self,
        py: Python<'py>,
        index: u32,
        segment: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let opened = py.detach(|| self.inner.open(index, segment));
        Ok(output(py, &opened.map_err(|error| errors::protocol(py, error))?))
    }
}

/// Opens a blob chunk by chunk.
#[pyclass(frozen, module = "e2ee._core")]
pub struct AttachmentOpener {
    inner: Mutex<Option<StreamOpener>>,
}

#[pymethods]
impl AttachmentOpener {
    #[new]
    fn new(py: Python<'_>, pointer: &[u8]) -> PyResult<Self> {
        let inner = StreamOpener::new(&decoded(py, pointer)?);
        let inner = inner.map_err(|error| errors::protocol(py, error))?;
        Ok(Self { inner: Mutex::new(Some(inner)) })
    }

    /// The bytes of every chunk but the last.
    #[getter]
    fn chunk_size(&self, py: Python<'_>) -> PyResult<u32> {
        within(py, &self.inner, |opener| Ok(opener.chunk().get()))
    }

    /// What a full chunk opens to, once it is verified.
    fn open_chunk<'py>(&self, py: Python<'py>, chunk: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let opened = within(py, &self.inner, |opener| opener.open_chunk(chunk))?;
        Ok(output(py, &opened))
    }

    /// The rest of the file, once the whole is verified.
    fn finish<'py>(&self, py: Python<'py>, rest: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        Ok(output(py, &ended(py, &self.inner, |opener| opener.finish(rest))?))
    }
}
