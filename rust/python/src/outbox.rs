// SPDX-License-Identifier: MIT OR Apache-2.0
//! The outbox of an account in Python's hands (docs/storage.md, "Outbox").

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use e2ee_signal::account::{Account as CoreAccount, Environment, OutboxEntry};
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    account::{Account, LONG},
    convert::{self, Peer},
    step::Step,
};

/// An entry's id, recipient, time of queueing in milliseconds since 1970, and envelope.
type Row<'py> = (String, (String, u8), u64, Bound<'py, PyBytes>);

/// What an account does with envelopes that wait for their carrier.
#[pyclass(frozen, module = "e2ee._core")]
pub struct Outbox {
    account: Py<Account>,
}

#[pymethods]
impl Outbox {
    /// The outbox of this account.
    #[new]
    const fn new(account: Py<Account>) -> Self {
        Self { account }
    }

    /// Encrypts to a peer into the outbox; the result is the entry's id, which may be given.
    #[pyo3(signature = (transaction, peer, plaintext, outbox_id=None))]
    fn queue(
        &self,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_>,
        plaintext: &[u8],
        outbox_id: Option<&str>,
    ) -> PyResult<Step> {
        let (whom, account) = (peer.get(), self.account.bind(transaction.py()));
        let queue = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.queue(whom, (plaintext, outbox_id), inside)
        };
        Account::step(account, (transaction, plaintext.len() > LONG), queue, convert::text)
            .map_err(|refusal| refusal.raise_for(&peer, || None))
    }

    /// The entries, oldest first; those to one peer, if one is given.
    fn entries<'py>(
        &self,
        transaction: &Bound<'py, PyAny>,
        peer: Option<Peer<'_>>,
        limit: usize,
    ) -> PyResult<Vec<Row<'py>>> {
        let (py, whom) = (transaction.py(), peer.as_ref().map(Peer::get));
        let entries = self.account.get().call(transaction, false, |account, inside| {
            account.outbox(whom, limit, inside.records)
        });
        let entries = entries.map_err(|refusal| refusal.raise(py))?;
        Ok(entries.into_iter().map(|entry| row(py, entry)).collect())
    }

    /// Takes an entry out of the outbox.
    fn sent(&self, transaction: &Bound<'_, PyAny>, outbox_id: &str) -> PyResult<Step> {
        let py = transaction.py();
        let sent = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.sent(outbox_id, inside)
        };
        Account::step(self.account.bind(py), (transaction, false), sent, convert::nothing)
            .map_err(|refusal| refusal.raise(py))
    }
}

fn row(py: Python<'_>, entry: OutboxEntry) -> Row<'_> {
    let recipient = (entry.user, entry.device.get());
    (entry.id, recipient, entry.queued_ms, PyBytes::new(py, &entry.envelope))
}
