// SPDX-License-Identifier: MIT OR Apache-2.0
//! The key or passphrase of a store, where Python code cannot read it (docs/storage.md, "Stores").

use e2ee_primitives::{Secret, secret::SecretBytes};
use e2ee_state as state;
use e2ee_wire::Error;
use pyo3::{buffer::PyBuffer, exceptions::PyTypeError, prelude::*};

use crate::errors;

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

    /// A secret from a passphrase, which opening a store stretches.
    #[staticmethod]
    fn from_passphrase(passphrase: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { inner: state::StoreSecret::Passphrase(copied(passphrase)?) })
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a store's secret cannot be copied"))
    }
}

fn copied(value: &Bound<'_, PyAny>) -> PyResult<SecretBytes> {
    PyBuffer::<u8>::get(value)?.to_vec(value.py()).map(SecretBytes::new)
}
