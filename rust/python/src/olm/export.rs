// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of room keys, as `e2ee.matrix` reads and writes them (olm_megolm.md §7).

use e2ee_olm::key_export;
use pyo3::{prelude::*, types::PyBytes};

use crate::{convert::Number, errors};

/// The file of a JSON array of sessions.
#[pyfunction]
pub fn seal_key_export(
    py: Python<'_>,
    sessions: &[u8],
    passphrase: &str,
    rounds: Number,
) -> PyResult<String> {
    let sealed = py.detach(|| {
        key_export::seal(sessions, passphrase, rounds.0, &mut crate::transaction::OsRandom)
    });
    sealed.map_err(|error| errors::protocol(py, error))
}

/// The JSON array of sessions in a file.
#[pyfunction]
pub fn open_key_export<'py>(
    py: Python<'py>,
    file: &str,
    passphrase: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let opened = py.detach(|| key_export::open(file, passphrase));
    Ok(PyBytes::new(py, opened.map_err(|error| errors::protocol(py, error))?.expose()))
}
