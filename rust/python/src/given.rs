// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes that callers give, whatever holds them (docs/guides/files.md).
//!
//! `bytes` are used where they are, since nobody can change them. Anything else that gives its
//! memory away, such as `bytearray`, `memoryview` and `mmap`, may be written by another thread: it
//! is copied before it is looked at.

use std::ops::Deref;

use e2ee_primitives::SecretBytes;
use pyo3::{buffer::PyBuffer, prelude::*, pybacked::PyBackedBytes, types::PyBytes};

/// Bytes that do not change while the interpreter is released.
pub enum Given {
    /// A `bytes` object.
    Shared(PyBackedBytes),
    /// What another object held.
    Copied(SecretBytes),
}

impl Given {
    /// No bytes: the default of associated data.
    pub const fn none() -> Self {
        Self::Copied(SecretBytes::new(Vec::new()))
    }
}

impl Deref for Given {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Copied(bytes) => bytes.expose(),
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for Given {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Self::Shared(bytes.to_owned().into()));
        }
        copied(&object).map(Self::Copied)
    }
}

/// A copy of what an object holds.
pub fn copied(object: &Bound<'_, PyAny>) -> PyResult<SecretBytes> {
    PyBuffer::<u8>::get(object)?.to_vec(object.py()).map(SecretBytes::new)
}

/// From so many bytes on, work is worth releasing the interpreter for: some ten microseconds.
const WORTH_RELEASING: usize = 64 * 1_024;

/// Does work over so many bytes, with the interpreter released if it takes long.
pub fn released<T: Send>(py: Python<'_>, bytes: usize, work: impl FnOnce() -> T + Send) -> T {
    if bytes < WORTH_RELEASING { work() } else { py.detach(work) }
}
