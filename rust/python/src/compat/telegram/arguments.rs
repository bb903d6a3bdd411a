// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arguments as `tgcrypto` checks them, in its order and with its texts (mtproto_secret_chats.md §9).
//!
//! All of them are read before any is judged, and all are judged before anything changes.

use e2ee_primitives::{Secret, SecretBytes};
use pyo3::{
    buffer::PyBuffer,
    exceptions::{PyBufferError, PyTypeError, PyValueError},
    prelude::*,
    types::{PyBytes, PyMemoryView, PyTuple},
};

use crate::given::Given;

/// Bytes of a block.
pub const BLOCK_LEN: usize = 16;
/// Modes whose blocks wait for each other are this many times as slow as those that files are sealed
/// with, and worth releasing the interpreter for at a fraction of the length: from 16 KiB on.
pub const SERIAL: usize = 4;

/// The memory of any object that gives it away in one piece, as bytes.
pub fn buffer(object: &Bound<'_, PyAny>) -> PyResult<PyBuffer<u8>> {
    let buffer = PyBuffer::<u8>::get(object).or_else(|error| {
        if !error.is_instance_of::<PyBufferError>(object.py()) {
            return Err(error);
        }
        // Elements of another kind.
        PyBuffer::get(&PyMemoryView::from(object)?.call_method1("cast", ("B",))?)
    })?;
    if buffer.is_c_contiguous() {
        Ok(buffer)
    } else {
        Err(PyBufferError::new_err("memoryview: underlying buffer is not C-contiguous"))
    }
}

/// What an object holds: `bytes` where they are, anything else copied.
pub fn given(object: &Bound<'_, PyAny>) -> PyResult<Given> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Given::Shared(bytes.clone().into()));
    }
    let bytes = buffer(object)?.to_vec(object.py())?;
    Ok(Given::Copied(SecretBytes::new(bytes)))
}

/// An argument that is told where the next call has to go on, if it can be written.
///
/// Unlike the package, `bytes` are left as they are: nothing may change them.
pub struct Told {
    bytes: SecretBytes,
    /// While it is held, the object cannot be resized.
    writable: Option<PyBuffer<u8>>,
}

impl Told {
    /// What an object holds now.
    pub fn read(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            let bytes = SecretBytes::new(bytes.as_bytes().to_vec());
            return Ok(Self { bytes, writable: None });
        }
        let buffer = buffer(object)?;
        let bytes = SecretBytes::new(buffer.to_vec(object.py())?);
        Ok(Self { bytes, writable: Some(buffer).filter(|buffer| !buffer.readonly()) })
    }

    /// What it held when it was read.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// Says where the next call goes on.
    pub fn tell(&self, py: Python<'_>, next: &[u8]) -> PyResult<()> {
        self.writable.as_ref().map_or(Ok(()), |buffer| buffer.copy_from_slice(py, next))
    }
}

/// As many arguments as a function has; the text for another number is that of the package.
pub fn exactly<'py, const N: usize>(all: &Bound<'py, PyTuple>) -> PyResult<[Bound<'py, PyAny>; N]> {
    all.iter().collect::<Vec<_>>().try_into().map_err(|all: Vec<_>| {
        let text = format!("function takes exactly {N} arguments ({} given)", all.len());
        PyTypeError::new_err(text)
    })
}

/// Raises unless there is something to work on.
pub fn check_some(length: usize) -> PyResult<()> {
    if length == 0 { Err(PyValueError::new_err("Data must not be empty")) } else { Ok(()) }
}

/// Raises unless there is something to work on, and it is made of whole blocks.
pub fn check_blocks(length: usize) -> PyResult<()> {
    check_some(length)?;
    if length.is_multiple_of(BLOCK_LEN) {
        Ok(())
    } else {
        Err(PyValueError::new_err("Data size must match a multiple of 16 bytes"))
    }
}

/// A key of 32 bytes.
pub fn key(bytes: &[u8]) -> PyResult<Secret<32>> {
    let key = Secret::from_slice(bytes);
    key.ok_or_else(|| PyValueError::new_err("Key size must be exactly 32 bytes"))
}

/// The IV of IGE: the ciphertext block and then the plaintext block before the first.
pub fn ige_iv(bytes: &[u8]) -> PyResult<Secret<32>> {
    let iv = Secret::from_slice(bytes);
    iv.ok_or_else(|| PyValueError::new_err("IV size must be exactly 32 bytes"))
}

/// The IV of another mode: one block.
pub fn block_iv(bytes: &[u8]) -> PyResult<[u8; BLOCK_LEN]> {
    bytes.try_into().map_err(|_| PyValueError::new_err("IV size must be exactly 16 bytes"))
}

/// How many bytes of a block are used.
pub fn state(bytes: &[u8]) -> PyResult<u8> {
    match bytes {
        [used] if usize::from(*used) < BLOCK_LEN => Ok(*used),
        [_] => Err(PyValueError::new_err("State value must be in the range [0, 15]")),
        _ => Err(PyValueError::new_err("State size must be exactly 1 byte")),
    }
}
