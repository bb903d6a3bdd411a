// SPDX-License-Identifier: MIT OR Apache-2.0
//! A change of a store's key in Python's hands, a few records at a time (docs/storage.md, "Keys").

use std::sync::Mutex;

use e2ee_signal::account::{Account as CoreAccount, Environment, Rekeying as CoreRekeying};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyList};

use crate::{
    account::Account,
    errors::{self, Refusal},
    secret::StoreSecret,
    step,
};

/// A change of the key, under way inside one transaction.
///
/// One that is dropped has changed nothing, unless the transaction was committed.
#[pyclass(frozen, module = "e2ee._core")]
pub struct Rekeying {
    account: Py<Account>,
    inner: Mutex<CoreRekeying>,
}

impl Rekeying {
    fn begun(
        account: &Bound<'_, Account>,
        change: Result<CoreRekeying, Refusal>,
    ) -> PyResult<Self> {
        let inner = Mutex::new(change.map_err(|refusal| refusal.raise(account.py()))?);
        Ok(Self { account: account.clone().unbind(), inner })
    }
}

#[pymethods]
impl Rekeying {
    /// Begins; `next` says what to write.
    #[new]
    fn new(
        account: &Bound<'_, Account>,
        transaction: &Bound<'_, PyAny>,
        secret: &StoreSecret,
    ) -> PyResult<Self> {
        let begin = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.rekey(&secret.inner, inside)
        };
        Self::begun(account, account.get().call(transaction, true, begin))
    }

    /// Begins to make the store another one.
    #[staticmethod]
    fn moving(
        account: &Bound<'_, Account>,
        transaction: &Bound<'_, PyAny>,
        secret: &StoreSecret,
    ) -> PyResult<Self> {
        let begin = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.move_to(&secret.inner, inside)
        };
        Self::begun(account, account.get().call(transaction, true, begin))
    }

    /// The next writes of the transaction; none when all is written.
    fn next<'py>(&self, transaction: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let py = transaction.py();
        let next = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            // Whoever else asks meanwhile, or after a panic, has not this transaction.
            let held = self.inner.try_lock();
            let mut change = held.map_err(|_| e2ee_wire::Error::Stale)?;
            account.rekey_next(&mut change, inside)
        };
        let writes: Result<_, Refusal> = self.account.get().call(transaction, true, next);
        step::rows(py, writes.map_err(|refusal| refusal.raise(py))?)
    }

    /// Takes note that the transaction is committed.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        let change = self.inner.try_lock().map_err(|_| errors::stale(py))?;
        self.account.get().lock()?.rekeyed(&change);
        Ok(())
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a change of the key cannot be copied"))
    }
}
