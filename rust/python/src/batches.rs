// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many messages in one call (docs/storage.md, "Batches").
//!
//! The work is done detached from the interpreter, and shared by threads where it pays.

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use std::sync::atomic::{AtomicUsize, Ordering};

use e2ee_signal::{
    DeviceId,
    account::{Account as CoreAccount, Environment, Incoming, Placed, Refused},
};
use e2ee_state::Failure;
use e2ee_wire::Error;
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBytes, PyList},
};

use crate::{
    account::{Account, Stepped},
    convert::{self, Peer},
    errors::Refusal,
    exchange,
    parallel::Threads,
    step::Step,
};

/// An address, and a plaintext to it or an envelope from it.
type Item<'py> = (Bound<'py, PyAny>, PyBackedBytes);

/// The items of a batch, whose peers are looked at once for all that come in a row.
struct Items<'py> {
    peers: Vec<Peer<'py>>,
    /// The place of the peer, and the bytes.
    all: Vec<(usize, PyBackedBytes)>,
}

impl<'py> Items<'py> {
    fn of(items: Vec<Item<'py>>) -> PyResult<Self> {
        let (mut peers, mut all) = (Vec::<Peer<'py>>::new(), Vec::with_capacity(items.len()));
        for (address, bytes) in items {
            if peers.last().is_none_or(|last| !last.address.is(&address)) {
                peers.push(address.extract()?);
            }
            all.push((peers.len().saturating_sub(1), bytes));
        }
        Ok(Self { peers, all })
    }

    fn iter(&self) -> impl Iterator<Item = (&Peer<'py>, &PyBackedBytes)> {
        self.all.iter().filter_map(|(peer, bytes)| Some((self.peers.get(*peer)?, bytes)))
    }

    fn peer(&self, place: usize) -> Option<&Peer<'py>> {
        self.peers.get(self.all.get(place)?.0)
    }

    /// Plaintexts with whom they are to.
    fn outgoing(&self) -> Vec<((&str, DeviceId), &[u8])> {
        self.iter().map(|(peer, plaintext)| (peer.get(), &**plaintext)).collect()
    }
}

/// What an account does with many messages at once.
#[pyclass(frozen, module = "e2ee._core")]
pub struct Batches {
    account: Py<Account>,
}

impl Batches {
    /// A step of a batch of envelopes, each place of whose result is a message or an exception.
    fn opened<T: Send + Sync + 'static>(
        &self,
        transaction: &Bound<'_, PyAny>,
        envelopes: &Items<'_>,
        open: impl FnOnce(
            &mut CoreAccount,
            &[Incoming<'_>],
            &mut Environment<'_>,
        ) -> Stepped<Vec<Placed<T>>>
        + Send,
        convert: fn(Python<'_>, T) -> PyResult<Py<PyAny>>,
    ) -> PyResult<Step> {
        let py = transaction.py();
        let incoming: Vec<_> = envelopes
            .iter()
            .map(|(sender, envelope)| convert::incoming(sender, envelope))
            .collect();
        let senders: Vec<(Py<PyAny>, _)> = envelopes
            .iter()
            .map(|(sender, envelope)| (sender.address.clone().unbind(), envelope.clone_ref(py)))
            .collect();
        let placed = move |py: Python<'_>, results: Vec<Placed<T>>| {
            let places = results.into_iter().zip(&senders).map(|(result, (sender, envelope))| {
                result.map_or_else(
                    |refusal| refused(py, refusal, sender, envelope),
                    |value| convert(py, value),
                )
            });
            PyList::new(py, places.collect::<PyResult<Vec<_>>>()?)?.into_py_any(py)
        };
        let work = move |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            open(account, &incoming, inside)
        };
        Account::step(self.account.bind(py), (transaction, true), work, placed)
            .map_err(|refusal| refusal.raise(py))
    }
}

#[pymethods]
impl Batches {
    /// The batches of this account.
    #[new]
    const fn new(account: Py<Account>) -> Self {
        Self { account }
    }

    /// Encrypts all plaintexts; the result is their envelopes.
    fn encrypt(&self, transaction: &Bound<'_, PyAny>, messages: Vec<Item<'_>>) -> PyResult<Step> {
        let messages = Items::of(messages)?;
        let (outgoing, place) = (messages.outgoing(), Place::default());
        let encrypt = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.encrypt_many(&outgoing, &Threads, inside).map_err(|refused| place.of(refused))
        };
        let account = self.account.bind(transaction.py());
        Account::step(account, (transaction, true), encrypt, outputs)
            .map_err(|refusal| raise_at(&place, refusal, &messages))
    }

    /// Encrypts all plaintexts to one peer whose session is at rest; `None` if there are several
    /// peers, the store has to be read, or `change` has found other records.
    fn encrypt_at_rest<'py>(
        &self,
        messages: &Bound<'py, PyList>,
        change: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        // Most batches to several peers are told by their ends.
        let ends = messages.iter().next().zip(messages.iter().next_back());
        let Some((first, last)) = ends else { return Ok(None) };
        if !first.get_item(0)?.is(&last.get_item(0)?) {
            return Ok(None);
        }
        let Items { peers, all } = Items::of(messages.extract()?)?;
        let [peer] = &peers[..] else { return Ok(None) };
        let plaintexts: Vec<&[u8]> = all.iter().map(|(_, plaintext)| &**plaintext).collect();
        let made =
            exchange::encrypt_all_at_rest(self.account.get(), peer.get(), &plaintexts, change);
        made?.map(|envelopes| listed(change.py(), &envelopes)).transpose()
    }

    /// Encrypts all plaintexts into the outbox; the result is the ids of the entries.
    fn queue(&self, transaction: &Bound<'_, PyAny>, messages: Vec<Item<'_>>) -> PyResult<Step> {
        let messages = Items::of(messages)?;
        let (outgoing, place) = (messages.outgoing(), Place::default());
        let queue = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.queue_many(&outgoing, &Threads, inside).map_err(|refused| place.of(refused))
        };
        let account = self.account.bind(transaction.py());
        let ids = |py: Python<'_>, ids: Vec<String>| ids.into_py_any(py);
        Account::step(account, (transaction, true), queue, ids)
            .map_err(|refusal| raise_at(&place, refusal, &messages))
    }

    /// Opens all envelopes; the plaintexts are kept nowhere.
    fn decrypt(&self, transaction: &Bound<'_, PyAny>, envelopes: Vec<Item<'_>>) -> PyResult<Step> {
        let open =
            |account: &mut CoreAccount, incoming: &[Incoming<'_>], inside: &mut Environment<'_>| {
                account.decrypt_many(incoming, &Threads, inside)
            };
        self.opened(transaction, &Items::of(envelopes)?, open, convert::opened)
    }

    /// Opens all envelopes into the inbox.
    fn receive(&self, transaction: &Bound<'_, PyAny>, envelopes: Vec<Item<'_>>) -> PyResult<Step> {
        let open =
            |account: &mut CoreAccount, incoming: &[Incoming<'_>], inside: &mut Environment<'_>| {
                account.receive_many(incoming, &Threads, inside)
            };
        self.opened(transaction, &Items::of(envelopes)?, open, convert::delivery)
    }
}

fn outputs(py: Python<'_>, envelopes: Vec<Vec<u8>>) -> PyResult<Py<PyAny>> {
    listed(py, &envelopes)?.into_py_any(py)
}

fn listed<'py>(py: Python<'py>, envelopes: &[Vec<u8>]) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, envelopes.iter().map(|envelope| PyBytes::new(py, envelope)))
}

/// Which message of a batch was refused.
#[derive(Default)]
struct Place(AtomicUsize);

impl Place {
    /// Notes the place of a refusal, and goes on with the reason.
    fn of(&self, refused: Refused) -> Failure {
        self.0.store(refused.place, Ordering::Relaxed);
        refused.failure
    }
}

/// The exception of a batch that was refused: its `place` says which message was.
fn raise_at(place: &Place, refusal: Refusal, messages: &Items<'_>) -> PyErr {
    let place = place.0.load(Ordering::Relaxed);
    let Some(peer) = messages.peer(place) else {
        return Python::attach(|py| refusal.raise(py));
    };
    let raised = refusal.raise_for(peer, || None);
    let value = raised.value(peer.address.py());
    value.setattr("place", place).map_or_else(|failed| failed, |()| raised.clone_ref(value.py()))
}

/// The exception that stands at the place of a refused envelope.
fn refused(
    py: Python<'_>,
    refusal: Error,
    sender: &Py<PyAny>,
    envelope: &PyBackedBytes,
) -> PyResult<Py<PyAny>> {
    let sender = sender.bind(py).extract::<Peer<'_>>()?;
    let offered = || convert::key_of_envelope(envelope);
    let raised = Refusal::Core(refusal.into()).raise_for(&sender, offered);
    Ok(raised.into_value(py).into_any())
}
