// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sealed messages of an account in Python's hands (signal.md §10; docs/storage.md, "Sealed
//! messages").

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use e2ee_signal::{
    account::{Account as CoreAccount, Environment, OpenedFrom, SealedIncoming, Unsealed},
    keys::encode_ec,
};
use pyo3::{IntoPyObjectExt, exceptions::PyTypeError, prelude::*};

use crate::{
    account::Account,
    certificates::TrustAnchors,
    convert::{self, Peer},
    errors::Claimed,
    kept::{Kept, LONG, Stepped},
    step::Step,
};

/// What an account does with sealed messages; it keeps nothing of them in memory.
#[pyclass(frozen, module = "e2ee._core")]
pub struct SealedSender {
    account: Py<Account>,
}

impl SealedSender {
    /// Takes a message out of its seal, and opens it as one of the sender whom it names.
    fn open<T: Send + Sync + 'static>(
        &self,
        (transaction, envelope): (&Bound<'_, PyAny>, &[u8]),
        anchors: &TrustAnchors,
        open: impl FnOnce(&mut CoreAccount, &Unsealed, &mut Environment<'_>) -> Stepped<T> + Send,
        convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Step> {
        let py = transaction.py();
        let mut claimed: Option<Claimed> = None;
        let incoming = SealedIncoming { envelope, anchors: anchors.get() };
        let work = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            let unsealed = account.unseal(&incoming, inside)?;
            let (user, device) = unsealed.sender();
            let key = encode_ec(unsealed.identity_key());
            claimed = Some((user.to_owned(), device.get(), key));
            open(account, &unsealed, inside)
        };
        let step = Account::step(self.account.bind(py), (transaction, true), work, convert);
        step.map_err(|refusal| refusal.raise_of(py, claimed))
    }
}

#[pymethods]
impl SealedSender {
    /// The sealed messages of this account.
    #[new]
    const fn new(account: Py<Account>) -> Self {
        Self { account }
    }

    /// Encrypts to a peer, and seals with a certificate.
    fn encrypt(
        &self,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_>,
        plaintext: &[u8],
        certificate: &[u8],
    ) -> PyResult<Step> {
        let (py, whom) = (transaction.py(), peer.get());
        let encrypt = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.encrypt_sealed(whom, plaintext, certificate, inside)
        };
        let long = plaintext.len() > LONG;
        Account::step(self.account.bind(py), (transaction, long), encrypt, convert::output)
            .map_err(|refusal| refusal.raise_for(&peer, || None))
    }

    /// Opens an envelope; the plaintext is kept nowhere.
    fn decrypt(
        &self,
        transaction: &Bound<'_, PyAny>,
        envelope: &[u8],
        anchors: &TrustAnchors,
    ) -> PyResult<Step> {
        self.open((transaction, envelope), anchors, CoreAccount::decrypt_unsealed, opened_from)
    }

    /// Opens an envelope into the inbox.
    fn receive(
        &self,
        transaction: &Bound<'_, PyAny>,
        envelope: &[u8],
        anchors: &TrustAnchors,
    ) -> PyResult<Step> {
        let receive = CoreAccount::receive_unsealed;
        self.open((transaction, envelope), anchors, receive, convert::delivery)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("an account cannot be copied: open it again"))
    }
}

fn opened_from(py: Python<'_>, (user, device, opened): OpenedFrom) -> PyResult<Py<PyAny>> {
    (user, device.get(), convert::opened(py, opened)?).into_py_any(py)
}
