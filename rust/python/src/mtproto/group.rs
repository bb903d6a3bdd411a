// SPDX-License-Identifier: MIT OR Apache-2.0
//! The group that a server has chosen, checked (mtproto_secret_chats.md §1).

use e2ee_mtproto::group::Group;
use pyo3::{prelude::*, types::PyBytes};

use crate::{errors, transaction::OsRandom};

/// A group in which keys can be agreed on.
#[pyclass(frozen, module = "e2ee._core")]
pub struct DhGroup {
    pub(super) inner: Group,
}

#[pymethods]
impl DhGroup {
    /// The group of the generator `g` and the prime `p`, 256 bytes, big-endian.
    #[new]
    fn new(py: Python<'_>, g: i32, p: &[u8]) -> PyResult<Self> {
        let group = py.detach(|| Group::new(g, p, &mut OsRandom));
        group.map(|inner| Self { inner }).map_err(|error| errors::protocol(py, error))
    }

    /// The generator.
    #[getter]
    fn g(&self) -> u8 {
        self.inner.generator()
    }

    /// The prime, 256 bytes, big-endian.
    #[getter]
    fn p<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.prime())
    }
}
