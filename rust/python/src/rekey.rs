// SPDX-License-Identifier: MIT OR Apache-2.0
//! A change of a store's key in Python's hands, a few records at a time (docs/storage.md, "Keys").

use std::sync::Mutex;

use e2ee_account::{Environment, rekey::Rekeying as CoreRekeying};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyList};

use crate::{
    errors::{self, Refusal},
    kept::Kept,
    of_protocol::Holding,
    secret::StoreSecret,
    step,
};

/// A change of the key, under way inside one transaction.
///
/// One that is dropped has changed nothing, unless the transaction was committed.
#[pyclass(frozen, module = "e2ee._core")]
pub struct Rekeying {
    account: Holding,
    inner: Mutex<CoreRekeying>,
}

#[pymethods]
impl Rekeying {
    /// Begins; `next` says what to write.
    #[new]
    fn new(
        account: Holding,
        transaction: &Bound<'_, PyAny>,
        secret: &StoreSecret,
    ) -> PyResult<Self> {
        Self::begun(account, (transaction, secret), false)
    }

    /// Begins to make the store another one.
    #[staticmethod]
    fn moving(
        account: Holding,
        transaction: &Bound<'_, PyAny>,
        secret: &StoreSecret,
    ) -> PyResult<Self> {
        Self::begun(account, (transaction, secret), true)
    }

    /// The next writes of the transaction; none when all is written.
    fn next<'py>(&self, transaction: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        match &self.account {
            Holding::Signal(account) => self.next_of(account.get(), transaction),
            Holding::Olm(account) => self.next_of(account.get(), transaction),
            Holding::Chats(account) => self.next_of(account.get(), transaction),
        }
    }

    /// Takes note that the transaction is committed.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        let change = self.inner.try_lock().map_err(|_| errors::stale(py))?;
        match &self.account {
            Holding::Signal(account) => rekeyed(account.get(), &change),
            Holding::Olm(account) => rekeyed(account.get(), &change),
            Holding::Chats(account) => rekeyed(account.get(), &change),
        }
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a change of the key cannot be copied"))
    }
}

impl Rekeying {
    fn begun(
        account: Holding,
        (transaction, secret): (&Bound<'_, PyAny>, &StoreSecret),
        moves: bool,
    ) -> PyResult<Self> {
        let change = match &account {
            Holding::Signal(account) => begin(account.get(), (transaction, secret), moves),
            Holding::Olm(account) => begin(account.get(), (transaction, secret), moves),
            Holding::Chats(account) => begin(account.get(), (transaction, secret), moves),
        };
        let inner = Mutex::new(change.map_err(|refusal| refusal.raise(transaction.py()))?);
        Ok(Self { account, inner })
    }

    fn next_of<'py, K: Kept>(
        &self,
        account: &K,
        transaction: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = transaction.py();
        let next = |account: &mut K::Core, inside: &mut Environment<'_>| {
            // Whoever else asks meanwhile, or after a panic, has not this transaction.
            let held = self.inner.try_lock();
            let mut change = held.map_err(|_| e2ee_wire::Error::Stale)?;
            K::rekey_next(account, &mut change, inside)
        };
        let writes: Result<_, Refusal> = account.call(transaction, true, next);
        step::rows(py, writes.map_err(|refusal| refusal.raise(py))?)
    }
}

fn begin<K: Kept>(
    account: &K,
    (transaction, secret): (&Bound<'_, PyAny>, &StoreSecret),
    moves: bool,
) -> Result<CoreRekeying, Refusal> {
    account.call(transaction, true, |account, inside| {
        let vault = K::vault(account);
        if moves {
            vault.move_to(&secret.inner, inside)
        } else {
            vault.rekey(&secret.inner, inside)
        }
    })
}

fn rekeyed<K: Kept>(account: &K, change: &CoreRekeying) -> PyResult<()> {
    K::vault(&mut *account.lock()?).rekeyed(change);
    Ok(())
}
