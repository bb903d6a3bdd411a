// SPDX-License-Identifier: MIT OR Apache-2.0
//! The group of an agreement, as `e2ee.mtproto` shows it (mtproto_secret_chats.md §1).

use e2ee_mtproto::group::Group;
use pyo3::{prelude::*, types::PyBytes};

use crate::{signal::refused, transaction::OsRandom};

/// The group that a server named for its chats and calls, checked (mtproto_secret_chats.md §1).
///
/// Keep it beside the version that the server gave with it; it is public.
#[pyclass(frozen, module = "e2ee._core")]
pub struct DhGroup {
    pub inner: Group,
}

#[pymethods]
impl DhGroup {
    /// The group of `messages.dhConfig`: its `g`, and its `p`, 256 bytes, big-endian.
    ///
    /// Raises `InvalidKeyError` unless `p` has exactly 2,048 bits, `p` and `(p - 1) / 2` are primes,
    /// and `g` is one of 2 to 7 and a square modulo `p`: then the server is not to be trusted with
    /// a chat. A `p` other than today's takes some tenths of a second.
    #[staticmethod]
    fn from_server(py: Python<'_>, g: i32, p: &[u8]) -> PyResult<Self> {
        let inner = py.detach(|| Group::new(g, p, &mut OsRandom));
        Ok(Self { inner: inner.map_err(|error| refused(py, error))? })
    }

    /// The generator, 2 to 7.
    #[getter]
    fn g(&self) -> u8 {
        self.inner.generator()
    }

    /// The prime, 256 bytes, big-endian.
    #[getter]
    fn p<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.prime())
    }

    fn __repr__(&self) -> String {
        format!("DhGroup(g={})", self.inner.generator())
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.inner == other.inner
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        (self.inner.generator(), self.inner.prime()).hash(&mut hasher);
        hasher.finish()
    }
}
