// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accounts of either protocol, where Python may give both (docs/architecture.md, "One account, many
//! protocols").

use e2ee_account::{Environment, Unlocked};
use e2ee_mtproto::stored::IDENTITY_VERSION as CHATS_VERSION;
use e2ee_olm::stored::{IDENTITY_VERSION, StoredAccount};
use e2ee_signal::account::Account as CoreAccount;
use e2ee_wire::Error;
use pyo3::{IntoPyObjectExt, prelude::*};

use crate::{account::Account, olm::OlmStoredAccount, secret::StoreSecret, transaction};

/// An account in a store, of either protocol.
#[derive(FromPyObject)]
pub enum OfProtocol {
    /// Of Signal's.
    Signal(Py<Account>),
    /// Of Matrix'.
    Olm(Py<OlmStoredAccount>),
}

/// The core's account, as it was opened.
enum Found {
    Signal(Box<CoreAccount>),
    Olm(Box<StoredAccount>),
}

/// Opens the account of a store, of whatever protocol its identity record says.
#[pyfunction]
pub fn open_account(
    py: Python<'_>,
    secret: &StoreSecret,
    transaction: Py<PyAny>,
) -> PyResult<Py<PyAny>> {
    let open = |environment: &mut Environment<'_>| {
        let store = Unlocked::open(&secret.inner, environment.records)?;
        if store.version() == Some(IDENTITY_VERSION) {
            let account = StoredAccount::open_unlocked(store, environment.records)?;
            return Ok(Found::Olm(Box::new(account)));
        }
        if store.version() == Some(CHATS_VERSION) {
            return Err(Error::InvalidArgument.into());
        }
        let account = CoreAccount::open_unlocked(store, environment.records)?;
        Ok(Found::Signal(Box::new(account)))
    };
    let found = py.detach(|| transaction::within(transaction, open));
    match found.map_err(|refusal| refusal.raise(py))? {
        Found::Signal(account) => Account::new(*account).into_py_any(py),
        Found::Olm(account) => OlmStoredAccount::new(*account).into_py_any(py),
    }
}
