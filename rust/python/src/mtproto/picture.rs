// SPDX-License-Identifier: MIT OR Apache-2.0
//! The cells of a key's picture (mtproto_secret_chats.md §1).

use e2ee_mtproto::picture::KeyPicture;
use pyo3::{prelude::*, types::PyBytes};

use crate::signal::refused;

/// The colours of 144 cells, a byte from 0 to 3 each, of the 36 bytes of a picture.
///
/// Raises `InvalidArgumentError` for another length.
#[pyfunction]
pub fn key_picture_cells<'py>(py: Python<'py>, picture: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let picture = KeyPicture::from_bytes(picture).map_err(|error| refused(py, error))?;
    Ok(PyBytes::new(py, &picture.cells()))
}
