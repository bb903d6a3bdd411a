// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stores hold: accounts of either protocol, where Python may give both (docs/architecture.md,
//! "One account, many protocols"), or secret chats.

use e2ee_account::{Environment, Unlocked};
use e2ee_mtproto::stored::{IDENTITY_VERSION as CHATS_VERSION, SecretChats as CoreChats};
use e2ee_olm::stored::{IDENTITY_VERSION, StoredAccount};
use e2ee_signal::account::Account as CoreAccount;
use pyo3::{IntoPyObjectExt, prelude::*};

use crate::{
    account::Account, errors, mtproto::chats::SecretChats, olm::OlmStoredAccount,
    secret::StoreSecret, transaction,
};

/// An account in a store, of either protocol.
#[derive(FromPyObject)]
pub enum OfProtocol {
    /// Of Signal's.
    Signal(Py<Account>),
    /// Of Matrix'.
    Olm(Py<OlmStoredAccount>),
}

/// What a store can hold.
#[derive(FromPyObject)]
pub enum Holding {
    /// An account of Signal's protocol.
    Signal(Py<Account>),
    /// An account of Matrix'.
    Olm(Py<OlmStoredAccount>),
    /// Secret chats.
    Chats(Py<SecretChats>),
}

/// What a store holds, as it was opened.
enum Found {
    Signal(Box<CoreAccount>),
    Olm(Box<StoredAccount>),
    Chats(Box<CoreChats>),
}

impl Found {
    /// Opens what a store holds, of whatever protocol its identity record says.
    fn of(py: Python<'_>, secret: &StoreSecret, transaction: Py<PyAny>) -> PyResult<Self> {
        let open = |environment: &mut Environment<'_>| {
            let store = Unlocked::open(&secret.inner, environment.records)?;
            let records = &mut *environment.records;
            match store.version() {
                Some(IDENTITY_VERSION) => {
                    let account = StoredAccount::open_unlocked(store, records)?;
                    Ok(Self::Olm(Box::new(account)))
                }
                Some(CHATS_VERSION) => {
                    let chats = CoreChats::open_unlocked(store, records)?;
                    Ok(Self::Chats(Box::new(chats)))
                }
                _ => {
                    let account = CoreAccount::open_unlocked(store, records)?;
                    Ok(Self::Signal(Box::new(account)))
                }
            }
        };
        let found = py.detach(|| transaction::within(transaction, open));
        found.map_err(|refusal| refusal.raise(py))
    }

    fn into_py(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            Self::Signal(account) => Account::new(*account).into_py_any(py),
            Self::Olm(account) => OlmStoredAccount::new(*account).into_py_any(py),
            Self::Chats(chats) => SecretChats::new(*chats).into_py_any(py),
        }
    }
}

/// Opens what a store holds, whatever it is.
#[pyfunction]
pub fn open_any(
    py: Python<'_>,
    secret: &StoreSecret,
    transaction: Py<PyAny>,
) -> PyResult<Py<PyAny>> {
    Found::of(py, secret, transaction)?.into_py(py)
}

/// Opens the account of a store.
#[pyfunction]
pub fn open_account(
    py: Python<'_>,
    secret: &StoreSecret,
    transaction: Py<PyAny>,
) -> PyResult<Py<PyAny>> {
    match Found::of(py, secret, transaction)? {
        Found::Chats(_) => Err(errors::holds_chats(py)),
        account => account.into_py(py),
    }
}

/// Opens the secret chats of a store.
pub fn open_chats(
    py: Python<'_>,
    secret: &StoreSecret,
    transaction: Py<PyAny>,
) -> PyResult<CoreChats> {
    match Found::of(py, secret, transaction)? {
        Found::Chats(chats) => Ok(*chats),
        Found::Signal(_) | Found::Olm(_) => Err(errors::holds_account(py)),
    }
}
