// SPDX-License-Identifier: MIT OR Apache-2.0
//! The key or passphrase of a store, where Python code cannot read it (docs/storage.md, "Stores").

use e2ee_primitives::{Secret, secret::SecretBytes};
use e2ee_state as state;
use e2ee_wire::Error;
use pyo3::{
    buffer::PyBuffer,
    exceptions::PyTypeError,
    prelude::*,
    types::{IntoPyDict, PyByteArray},
};

use crate::{convert::Number, errors, given::copied};

/// One more than a key has, so that a longer one is found.
const READ_LEN: usize = 33;

/// The key or passphrase of a store; its bytes cannot be read back.
#[pyclass(frozen, module = "e2ee._core")]
pub struct StoreSecret {
    /// The core's own.
    pub inner: state::StoreSecret,
}

#[pymethods]
impl StoreSecret {
    /// A secret from 32 uniformly random bytes.
    #[staticmethod]
    fn from_key(key: &Bound<'_, PyAny>) -> PyResult<Self> {
        let key = Secret::from_slice(copied(key)?.expose())
            .ok_or_else(|| errors::protocol(key.py(), Error::InvalidArgument))?;
        Ok(Self { inner: state::StoreSecret::Key(key) })
    }

    /// A secret from the 32 bytes that can be read from a file descriptor, up to its end.
    ///
    /// They pass through one buffer of Python's, which is wiped.
    #[staticmethod]
    fn from_fd(py: Python<'_>, descriptor: Number) -> PyResult<Self> {
        let key = Secret::from_slice(read(py, descriptor)?.expose())
            .ok_or_else(|| errors::protocol(py, Error::InvalidArgument))?;
        Ok(Self { inner: state::StoreSecret::Key(key) })
    }

    /// A secret from a passphrase, which opening a store stretches.
    #[staticmethod]
    fn from_passphrase(passphrase: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { inner: state::StoreSecret::Passphrase(copied(passphrase)?) })
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a store's secret cannot be copied"))
    }
}

/// What a file descriptor has to give, up to its end or until it is too much.
fn read(py: Python<'_>, descriptor: Number) -> PyResult<SecretBytes> {
    let descriptor =
        i32::try_from(descriptor.0).map_err(|_| errors::protocol(py, Error::InvalidArgument))?;
    let stays_open = [("closefd", false)].into_py_dict(py)?;
    let file = py.import("io")?.getattr("FileIO")?.call((descriptor,), Some(&stays_open))?;
    // Never more than it has room for: what moves leaves a copy behind.
    let mut key = Vec::with_capacity(2 * READ_LEN);
    let outcome = read_into(&mut key, &file);
    let key = SecretBytes::new(key);
    outcome.map(|()| key)
}

fn read_into(key: &mut Vec<u8>, file: &Bound<'_, PyAny>) -> PyResult<()> {
    let buffer = PyByteArray::new(file.py(), &[0; READ_LEN]);
    let bytes = PyBuffer::<u8>::get(&buffer)?;
    while key.len() < READ_LEN {
        let number: Option<usize> = file.call_method1("readinto", (&buffer,))?.extract()?;
        let given = copied(&buffer);
        bytes.copy_from_slice(file.py(), &[0; READ_LEN])?;
        match number {
            None | Some(0) => break,
            Some(number) => key.extend(given?.expose().iter().take(number)),
        }
    }
    Ok(())
}
