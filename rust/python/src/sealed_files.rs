// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keys of sealed files, and files piece by piece, as `e2ee.files` reads and writes them
//! (docs/formats.md, "Sealed file").

use e2ee_files::{Contents, FileKey as CoreKey, FileSecret, Opener, Sealer, SegmentSize};
use e2ee_primitives::{Secret, SecretBytes};
use e2ee_wire::Error;
use pyo3::{
    exceptions::{PyTypeError, PyUnicodeEncodeError},
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::{
    convert::Number,
    errors,
    given::{Given, copied},
    own::Own,
    transaction::OsRandom,
};

/// A key of any number of files, each under one of its own that follows from it.
///
/// The format is in docs/formats.md, "Sealed file".
#[pyclass(frozen, module = "e2ee._core")]
pub struct FileKey {
    inner: FileSecret,
}

#[pymethods]
impl FileKey {
    /// A fresh random key.
    ///
    /// `segment_size` is 1,048,576, or 4,096 for files of which small parts are read; it belongs to
    /// the key.
    #[staticmethod]
    #[pyo3(signature = (*, segment_size = Number(1 << 20)))]
    fn generate(py: Python<'_>, segment_size: Number) -> PyResult<Self> {
        let inner = SegmentSize::new(segment_size.0)
            .and_then(|size| CoreKey::random(size, &mut OsRandom))
            .map_err(|error| errors::protocol(py, error))?;
        Ok(Self { inner: FileSecret::Key(inner) })
    }

    /// The key that `to_bytes` gave, or any 32 uniformly random bytes, with the same segment size.
    ///
    /// Raises `InvalidArgumentError` for another length or size.
    #[staticmethod]
    #[pyo3(signature = (key, *, segment_size = Number(1 << 20)))]
    fn from_bytes(key: &Bound<'_, PyAny>, segment_size: Number) -> PyResult<Self> {
        let raise = |error| errors::protocol(key.py(), error);
        let size = SegmentSize::new(segment_size.0).map_err(raise)?;
        let secret = Secret::from_slice(copied(key)?.expose());
        let secret = secret.ok_or_else(|| raise(Error::InvalidArgument))?;
        Ok(Self { inner: FileSecret::Key(CoreKey::new(secret, size)) })
    }

    /// The 32 bytes, to be kept, or sent inside an encrypted message; whoever has them opens all.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.key(py)?.expose()))
    }

    /// The bytes of a sealed segment.
    #[getter]
    fn segment_size(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(self.key(py)?.segment_size().get())
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a key cannot be copied"))
    }
}

impl FileKey {
    fn key(&self, py: Python<'_>) -> PyResult<&CoreKey> {
        match &self.inner {
            FileSecret::Key(key) => Ok(key),
            FileSecret::Passphrase(_) => Err(errors::stale(py)),
        }
    }
}

/// What a person remembers, to seal files under (docs/formats.md, "Sealed file").
///
/// Each file takes the time and the memory of Argon2id, 64 MiB, to seal and to open.
#[pyclass(frozen, module = "e2ee._core")]
pub struct FilePassphrase {
    inner: FileSecret,
}

#[pymethods]
impl FilePassphrase {
    /// A passphrase; text is normalized (NFC), so that keyboards agree.
    ///
    /// Raises `InvalidArgumentError` if it is empty or no Unicode text.
    #[new]
    fn new(passphrase: &Bound<'_, PyAny>) -> PyResult<Self> {
        let refused = |_| errors::protocol(passphrase.py(), Error::InvalidArgument);
        let bytes = match passphrase.cast::<PyString>() {
            Ok(text) => copied(&normalized(text).map_err(|raised| {
                if raised.is_instance_of::<PyUnicodeEncodeError>(text.py()) {
                    refused(raised)
                } else {
                    raised
                }
            })?)?,
            Err(_) => copied(passphrase)?,
        };
        if bytes.is_empty() {
            return Err(errors::protocol(passphrase.py(), Error::InvalidArgument));
        }
        Ok(Self { inner: FileSecret::Passphrase(bytes) })
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a passphrase cannot be copied"))
    }
}

fn normalized<'py>(text: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    let forms = text.py().import("unicodedata")?;
    forms.call_method1("normalize", ("NFC", text))?.call_method0("encode")
}

/// Either of the two.
#[derive(FromPyObject)]
pub enum Under<'py> {
    /// A key.
    Key(Bound<'py, FileKey>),
    /// A passphrase.
    Passphrase(Bound<'py, FilePassphrase>),
}

impl Under<'_> {
    /// The core's own.
    pub fn get(&self) -> &FileSecret {
        match self {
            Self::Key(key) => &key.get().inner,
            Self::Passphrase(passphrase) => &passphrase.get().inner,
        }
    }
}

/// The bytes before the first segment of a file under `key`.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
pub fn preamble_len(key: Under<'_>) -> usize {
    key.get().preamble_len()
}

/// Moves a stream on, with the interpreter released; one that fails is not used again.
fn moved<T: Send, R: Send>(
    py: Python<'_>,
    stream: &Own<Option<T>>,
    work: impl FnOnce(T) -> Result<(Option<T>, R), Error> + Send,
) -> PyResult<R> {
    let mut guard = stream.lock(py)?;
    let held = guard.take().ok_or_else(|| errors::stale(py))?;
    let (next, result) = py.detach(|| work(held)).map_err(|error| errors::protocol(py, error))?;
    *guard = next;
    Ok(result)
}

/// Seals a stream; a copy of it after a fork would use its nonces twice.
#[pyclass(frozen, module = "e2ee._core")]
pub struct FileSealer {
    inner: Own<Option<Sealer>>,
}

#[pymethods]
impl FileSealer {
    /// A sealer, and what the file begins with.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn begin<'py>(
        py: Python<'py>,
        key: Under<'py>,
        associated_data: Given,
    ) -> PyResult<(Self, Bound<'py, PyBytes>)> {
        let secret = key.get();
        let begun = py.detach(|| Sealer::begin(secret, &associated_data, &mut OsRandom));
        let (sealer, preamble) = begun.map_err(|error| errors::protocol(py, error))?;
        Ok((Self { inner: Own::new(Some(sealer)) }, PyBytes::new(py, &preamble)))
    }

    /// Takes the next bytes, and gives the segments that are ready.
    fn update<'py>(&self, py: Python<'py>, plaintext: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let sealed = moved(py, &self.inner, |sealer| {
            let mut out = Vec::new();
            let sealer = sealer.update(plaintext, &mut out)?;
            Ok((Some(sealer), out))
        })?;
        Ok(PyBytes::new(py, &sealed))
    }

    /// The last segment.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let sealed = moved(py, &self.inner, |sealer| {
            let mut out = Vec::new();
            sealer.finish(&mut out).map(|()| (None, out))
        })?;
        Ok(PyBytes::new(py, &sealed))
    }
}

/// Opens a stream.
#[pyclass(frozen, module = "e2ee._core")]
pub struct FileOpener {
    inner: Own<Option<Opener>>,
}

#[pymethods]
impl FileOpener {
    /// An opener of the file that begins with `preamble`.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn begin(
        py: Python<'_>,
        key: Under<'_>,
        associated_data: Given,
        preamble: &[u8],
    ) -> PyResult<Self> {
        let secret = key.get();
        let opener = py.detach(|| Opener::begin(secret, &associated_data, preamble));
        let opener = opener.map_err(|error| errors::protocol(py, error))?;
        Ok(Self { inner: Own::new(Some(opener)) })
    }

    /// Takes the next bytes behind the preamble, and gives what was verified.
    fn update<'py>(&self, py: Python<'py>, sealed: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let opened = moved(py, &self.inner, |opener| {
            let mut out = SecretBytes::new(Vec::new());
            let room = out.prepare(opener.room(sealed));
            let (opener, written) = opener.update(sealed, room)?;
            out.truncate(written);
            Ok((Some(opener), out))
        })?;
        Ok(PyBytes::new(py, opened.expose()))
    }

    /// The rest, once it is known that the stream is complete.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let opened = moved(py, &self.inner, |opener| opener.finish().map(|rest| (None, rest)))?;
        Ok(PyBytes::new(py, opened.expose()))
    }
}

/// A sealed file of known length, any part of it.
#[pyclass(frozen, module = "e2ee._core")]
pub struct FileContents {
    inner: Contents,
}

#[pymethods]
impl FileContents {
    /// The file of `sealed_len` bytes that begins with `preamble`.
    #[new]
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn new(
        py: Python<'_>,
        key: Under<'_>,
        associated_data: Given,
        preamble: &[u8],
        sealed_len: u64,
    ) -> PyResult<Self> {
        let secret = key.get();
        let inner = py.detach(|| Contents::new(secret, &associated_data, preamble, sealed_len));
        Ok(Self { inner: inner.map_err(|error| errors::protocol(py, error))? })
    }

    /// The bytes of the plaintext.
    #[getter]
    fn size(&self) -> u64 {
        self.inner.plain_len()
    }

    /// Where the segment with the byte at `position` begins: in the plaintext, and in the file,
    /// where it has so many bytes.
    fn segment(&self, position: u64) -> (u64, u64, usize) {
        let run = self.inner.at(position);
        (run.plain().start, run.sealed().start, run.sealed().len)
    }

    /// The plaintext of that segment.
    fn open<'py>(
        &self,
        py: Python<'py>,
        position: u64,
        sealed: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let run = self.inner.at(position);
        PyBytes::new_with(py, run.plain().len, |out| {
            py.detach(|| self.inner.open_into(&run, sealed, out))
                .map_err(|error| errors::protocol(py, error))
        })
    }
}
