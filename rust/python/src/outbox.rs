// SPDX-License-Identifier: MIT OR Apache-2.0
//! The outbox of an account in Python's hands (docs/storage.md, "Outbox").

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use e2ee_account::{Environment, OutboxEntry};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyList},
};

use crate::{
    convert::{self, Peer, PyDevice},
    kept::{Corresponds, DeviceOf, Kept, LONG},
    of_protocol::OfProtocol,
    step::Step,
};

/// An entry's id, recipient, time of queueing in milliseconds since 1970, and envelope.
type Row<'py, D> = (String, (String, D), u64, Bound<'py, PyBytes>);

/// What an account does with envelopes that wait for their carrier.
#[pyclass(frozen, module = "e2ee._core")]
pub struct Outbox {
    account: OfProtocol,
}

#[pymethods]
impl Outbox {
    /// The outbox of this account.
    #[new]
    const fn new(account: OfProtocol) -> Self {
        Self { account }
    }

    /// Encrypts to a peer into the outbox; the result is the entry's id, which may be given.
    #[pyo3(signature = (transaction, peer, plaintext, outbox_id=None))]
    fn queue(
        &self,
        transaction: &Bound<'_, PyAny>,
        peer: &Bound<'_, PyAny>,
        plaintext: &[u8],
        outbox_id: Option<&str>,
    ) -> PyResult<Step> {
        let (py, text) = (transaction.py(), (plaintext, outbox_id));
        match &self.account {
            OfProtocol::Signal(account) => queued(account.bind(py), transaction, peer, text),
            OfProtocol::Olm(account) => queued(account.bind(py), transaction, peer, text),
        }
    }

    /// The entries, oldest first; those to one peer, if one is given.
    fn entries<'py>(
        &self,
        transaction: &Bound<'py, PyAny>,
        peer: Option<Bound<'py, PyAny>>,
        limit: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        match &self.account {
            OfProtocol::Signal(account) => listed(account.get(), transaction, peer.as_ref(), limit),
            OfProtocol::Olm(account) => listed(account.get(), transaction, peer.as_ref(), limit),
        }
    }

    /// Takes an entry out of the outbox.
    fn sent(&self, transaction: &Bound<'_, PyAny>, outbox_id: &str) -> PyResult<Step> {
        let py = transaction.py();
        match &self.account {
            OfProtocol::Signal(account) => taken(account.bind(py), transaction, outbox_id),
            OfProtocol::Olm(account) => taken(account.bind(py), transaction, outbox_id),
        }
    }
}

fn queued<K: Corresponds>(
    account: &Bound<'_, K>,
    transaction: &Bound<'_, PyAny>,
    peer: &Bound<'_, PyAny>,
    text: (&[u8], Option<&str>),
) -> PyResult<Step> {
    let peer = peer.extract::<Peer<'_, DeviceOf<K>>>()?;
    let whom = K::whom(&peer);
    let queue =
        |account: &mut K::Core, inside: &mut Environment<'_>| K::queue(account, whom, text, inside);
    K::step(account, (transaction, text.0.len() > LONG), queue, convert::text)
        .map_err(|refusal| refusal.raise_for(&peer, || None))
}

fn listed<'py, K: Kept>(
    account: &K,
    transaction: &Bound<'py, PyAny>,
    peer: Option<&Bound<'py, PyAny>>,
    limit: usize,
) -> PyResult<Bound<'py, PyList>> {
    let py = transaction.py();
    let peer = peer.map(PyAnyMethods::extract::<Peer<'_, DeviceOf<K>>>).transpose()?;
    let whom = peer.as_ref().map(Peer::named);
    let entries = account.call(transaction, false, |account, inside| {
        K::vault(account).outbox(whom, limit, inside.records)
    });
    let entries = entries.map_err(|refusal| refusal.raise(py))?;
    PyList::new(py, entries.into_iter().map(|entry| row(py, entry)).collect::<Vec<_>>())
}

fn taken<K: Kept>(
    account: &Bound<'_, K>,
    transaction: &Bound<'_, PyAny>,
    outbox_id: &str,
) -> PyResult<Step> {
    let sent = |account: &mut K::Core, inside: &mut Environment<'_>| {
        K::vault(account).sent(outbox_id, inside)
    };
    K::step(account, (transaction, false), sent, convert::nothing)
        .map_err(|refusal| refusal.raise(transaction.py()))
}

fn row<D: PyDevice>(py: Python<'_>, entry: OutboxEntry<D>) -> Row<'_, D::Shown> {
    let recipient = (entry.user, entry.device.shown());
    (entry.id, recipient, entry.queued_ms, PyBytes::new(py, &entry.envelope))
}
