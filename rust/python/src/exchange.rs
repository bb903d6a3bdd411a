// SPDX-License-Identifier: MIT OR Apache-2.0
//! A step of one record in Python's hands, which a store can make without a transaction
//! (docs/storage.md, "Sessions at rest").

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use std::sync::Mutex;

use e2ee_signal::account::{Exchange as CoreExchange, Outcome};
use e2ee_state::Failure;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    sync::MutexExt,
    types::{PyByteArray, PyBytes, PyTuple},
};

use crate::{
    account::Account,
    convert::Peer,
    errors::{self, Refusal},
    transaction::{OsRandom, now_ms},
};

/// A change of one record, which must be found as it is known, and another one beside it; and what
/// may leave once it is durable.
#[pyclass(frozen, module = "e2ee._core")]
pub struct Exchange {
    /// The new revision and sealed bytes, the record's name with the revision and the sealed bytes
    /// that must be found, and the same three of the other record. The sealed bytes are arrays:
    /// Python's `sqlite3` takes a tenth of the time for them that it takes for `bytes`.
    #[pyo3(get)]
    row: Py<PyTuple>,
    account: Py<Account>,
    held: Mutex<Option<Outcome<Vec<u8>>>>,
}

impl Exchange {
    fn new(
        account: &Bound<'_, Account>,
        (exchange, outcome): (CoreExchange, Outcome<Vec<u8>>),
    ) -> PyResult<Self> {
        let py = account.py();
        let CoreExchange { name, before, after, witness_name, witness } = exchange;
        let [before_bytes, after_bytes, witness_bytes] =
            [&before, &after, &witness].map(|row| PyByteArray::new(py, &row.sealed));
        let row = (
            after.revision,
            after_bytes,
            name,
            before.revision,
            before_bytes,
            witness_name,
            witness.revision,
            witness_bytes,
        );
        let row = row.into_pyobject(py)?.unbind();
        Ok(Self { row, account: account.clone().unbind(), held: Mutex::new(Some(outcome)) })
    }

    fn take(&self, py: Python<'_>) -> PyResult<Outcome<Vec<u8>>> {
        let held = self.held.lock_py_attached(py).ok().and_then(|mut held| held.take());
        held.ok_or_else(|| errors::stale(py))
    }
}

#[pymethods]
impl Exchange {
    /// Encrypts to a peer whose session is at rest; `None` if the store has to be read.
    #[staticmethod]
    fn encrypt(
        account: &Bound<'_, Account>,
        peer: Peer<'_>,
        plaintext: &[u8],
    ) -> PyResult<Option<Self>> {
        let mut own = account.get().lock()?;
        let made = own.encrypt_at_rest(peer.get(), plaintext, (now_ms(), &mut OsRandom));
        drop(own);
        made.map(|made| Self::new(account, made)).transpose()
    }

    /// The bytes, once, after the change is durable.
    fn release<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let outcome = self.take(py)?;
        let shown = outcome.confirm(None);
        let shown = shown.map_err(|error| Refusal::from(Failure::from(error)).raise(py))?;
        let bytes = self.account.get().lock()?.committed(outcome, &shown);
        Ok(PyBytes::new(py, &bytes))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a step cannot be copied"))
    }
}
