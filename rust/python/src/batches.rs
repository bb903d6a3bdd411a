// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many messages in one call (docs/storage.md, "Batches").
//!
//! The work is done detached from the interpreter, and shared by threads where it pays.

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use std::sync::atomic::{AtomicUsize, Ordering};

use e2ee_account::{Environment, batch::Refused};
use e2ee_state::Failure;
use e2ee_wire::Error;
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBytes, PyList},
};

use crate::{
    convert::{self, Peer},
    errors::Refusal,
    exchange,
    kept::{Corresponds, DeviceOf, Kept, Stepped},
    of_protocol::OfProtocol,
    step::Step,
};

/// An address, and a plaintext to it or an envelope from it.
type Item<'py> = (Bound<'py, PyAny>, PyBackedBytes);

/// The items of a batch, whose peers are looked at once for all that come in a row.
struct Items<'py, K: Kept> {
    peers: Vec<Peer<'py, DeviceOf<K>>>,
    /// The place of the peer, and the bytes.
    all: Vec<(usize, PyBackedBytes)>,
}

impl<'py, K: Corresponds> Items<'py, K> {
    fn of(items: Vec<Item<'py>>) -> PyResult<Self> {
        let (mut peers, mut all) = (Vec::<Peer<'py, _>>::new(), Vec::with_capacity(items.len()));
        for (address, bytes) in items {
            if peers.last().is_none_or(|last| !last.address.is(&address)) {
                peers.push(address.extract()?);
            }
            all.push((peers.len().saturating_sub(1), bytes));
        }
        Ok(Self { peers, all })
    }

    fn iter(&self) -> impl Iterator<Item = (&Peer<'py, DeviceOf<K>>, &PyBackedBytes)> {
        self.all.iter().filter_map(|(peer, bytes)| Some((self.peers.get(*peer)?, bytes)))
    }

    fn peer(&self, place: usize) -> Option<&Peer<'py, DeviceOf<K>>> {
        self.peers.get(self.all.get(place)?.0)
    }

    /// Plaintexts with whom they are to.
    fn outgoing(&self) -> Vec<(K::Whom<'_>, &[u8])> {
        self.iter().map(|(peer, plaintext)| (K::whom(peer), &**plaintext)).collect()
    }
}

/// What an account does with many messages at once.
#[pyclass(frozen, module = "e2ee._core")]
pub struct Batches {
    account: OfProtocol,
}

#[pymethods]
impl Batches {
    /// The batches of this account.
    #[new]
    const fn new(account: OfProtocol) -> Self {
        Self { account }
    }

    /// Encrypts all plaintexts; the result is their envelopes.
    fn encrypt(&self, transaction: &Bound<'_, PyAny>, messages: Vec<Item<'_>>) -> PyResult<Step> {
        let py = transaction.py();
        match &self.account {
            OfProtocol::Signal(account) => encrypted(account.bind(py), transaction, messages),
            OfProtocol::Olm(account) => encrypted(account.bind(py), transaction, messages),
        }
    }

    /// Encrypts all plaintexts to one peer whose session is at rest; `None` if there are several
    /// peers, the store has to be read, or `change` has found other records.
    fn encrypt_at_rest<'py>(
        &self,
        messages: &Bound<'py, PyList>,
        change: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        match &self.account {
            OfProtocol::Signal(account) => encrypted_at_rest(account.get(), messages, change),
            OfProtocol::Olm(account) => encrypted_at_rest(account.get(), messages, change),
        }
    }

    /// Encrypts all plaintexts into the outbox; the result is the ids of the entries.
    fn queue(&self, transaction: &Bound<'_, PyAny>, messages: Vec<Item<'_>>) -> PyResult<Step> {
        let py = transaction.py();
        match &self.account {
            OfProtocol::Signal(account) => queued(account.bind(py), transaction, messages),
            OfProtocol::Olm(account) => queued(account.bind(py), transaction, messages),
        }
    }

    /// Opens all envelopes; the plaintexts are kept nowhere.
    fn decrypt(&self, transaction: &Bound<'_, PyAny>, envelopes: Vec<Item<'_>>) -> PyResult<Step> {
        let py = transaction.py();
        match &self.account {
            OfProtocol::Signal(account) => decrypted(account.bind(py), transaction, envelopes),
            OfProtocol::Olm(account) => decrypted(account.bind(py), transaction, envelopes),
        }
    }

    /// Opens all envelopes into the inbox.
    fn receive(&self, transaction: &Bound<'_, PyAny>, envelopes: Vec<Item<'_>>) -> PyResult<Step> {
        let py = transaction.py();
        match &self.account {
            OfProtocol::Signal(account) => received(account.bind(py), transaction, envelopes),
            OfProtocol::Olm(account) => received(account.bind(py), transaction, envelopes),
        }
    }
}

fn encrypted<K: Corresponds>(
    account: &Bound<'_, K>,
    transaction: &Bound<'_, PyAny>,
    messages: Vec<Item<'_>>,
) -> PyResult<Step> {
    let messages = Items::<K>::of(messages)?;
    let (outgoing, place) = (messages.outgoing(), Place::default());
    let encrypt = |account: &mut K::Core, inside: &mut Environment<'_>| {
        K::encrypt_many(account, &outgoing, inside).map_err(|refused| place.of(refused))
    };
    K::step(account, (transaction, true), encrypt, outputs)
        .map_err(|refusal| raise_at(&place, refusal, &messages))
}

fn encrypted_at_rest<'py, K: Corresponds>(
    account: &K,
    messages: &Bound<'py, PyList>,
    change: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyList>>> {
    // Most batches to several peers are told by their ends.
    let ends = messages.iter().next().zip(messages.iter().next_back());
    let Some((first, last)) = ends else { return Ok(None) };
    if !first.get_item(0)?.is(&last.get_item(0)?) {
        return Ok(None);
    }
    let Items { peers, all } = Items::<K>::of(messages.extract()?)?;
    let [peer] = &peers[..] else { return Ok(None) };
    let plaintexts: Vec<&[u8]> = all.iter().map(|(_, plaintext)| &**plaintext).collect();
    let made = exchange::encrypt_all_at_rest(account, K::whom(peer), &plaintexts, change);
    made?.map(|envelopes| listed(change.py(), &envelopes)).transpose()
}

fn queued<K: Corresponds>(
    account: &Bound<'_, K>,
    transaction: &Bound<'_, PyAny>,
    messages: Vec<Item<'_>>,
) -> PyResult<Step> {
    let messages = Items::<K>::of(messages)?;
    let (outgoing, place) = (messages.outgoing(), Place::default());
    let queue = |account: &mut K::Core, inside: &mut Environment<'_>| {
        K::queue_many(account, &outgoing, inside).map_err(|refused| place.of(refused))
    };
    let ids = |py: Python<'_>, ids: Vec<String>| ids.into_py_any(py);
    K::step(account, (transaction, true), queue, ids)
        .map_err(|refusal| raise_at(&place, refusal, &messages))
}

fn decrypted<K: Corresponds>(
    account: &Bound<'_, K>,
    transaction: &Bound<'_, PyAny>,
    envelopes: Vec<Item<'_>>,
) -> PyResult<Step> {
    opened(account, transaction, &Items::of(envelopes)?, (K::decrypt_many, K::opened))
}

fn received<K: Corresponds>(
    account: &Bound<'_, K>,
    transaction: &Bound<'_, PyAny>,
    envelopes: Vec<Item<'_>>,
) -> PyResult<Step> {
    opened(account, transaction, &Items::of(envelopes)?, (K::receive_many, convert::delivery))
}

/// How the core opens a batch, and how Python sees what was opened.
type Opening<K, T> = (
    fn(
        &mut <K as Kept>::Core,
        &[<K as Corresponds>::Incoming<'_>],
        &mut Environment<'_>,
    ) -> Stepped<Vec<Result<T, Error>>>,
    fn(Python<'_>, T) -> PyResult<Py<PyAny>>,
);

/// A step of a batch of envelopes, each place of whose result is a message or an exception.
fn opened<K: Corresponds, T: Send + Sync + 'static>(
    account: &Bound<'_, K>,
    transaction: &Bound<'_, PyAny>,
    envelopes: &Items<'_, K>,
    (open, convert): Opening<K, T>,
) -> PyResult<Step> {
    let py = transaction.py();
    let incoming: Vec<_> =
        envelopes.iter().map(|(sender, envelope)| K::incoming(sender, envelope)).collect();
    let senders: Vec<(Py<PyAny>, _)> = envelopes
        .iter()
        .map(|(sender, envelope)| (sender.address.clone().unbind(), envelope.clone_ref(py)))
        .collect();
    let placed = move |py: Python<'_>, results: Vec<Result<T, Error>>| {
        let places = results.into_iter().zip(&senders).map(|(result, (sender, envelope))| {
            result.map_or_else(
                |refusal| refused::<K>(py, refusal, sender, envelope),
                |value| convert(py, value),
            )
        });
        PyList::new(py, places.collect::<PyResult<Vec<_>>>()?)?.into_py_any(py)
    };
    let work =
        move |account: &mut K::Core, inside: &mut Environment<'_>| open(account, &incoming, inside);
    K::step(account, (transaction, true), work, placed).map_err(|refusal| refusal.raise(py))
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
fn raise_at<K: Corresponds>(place: &Place, refusal: Refusal, messages: &Items<'_, K>) -> PyErr {
    let place = place.0.load(Ordering::Relaxed);
    let Some(peer) = messages.peer(place) else {
        return Python::attach(|py| refusal.raise(py));
    };
    let raised = refusal.raise_for(peer, || None);
    let value = raised.value(peer.address.py());
    value.setattr("place", place).map_or_else(|failed| failed, |()| raised.clone_ref(value.py()))
}

/// The exception that stands at the place of a refused envelope.
fn refused<K: Corresponds>(
    py: Python<'_>,
    refusal: Error,
    sender: &Py<PyAny>,
    envelope: &PyBackedBytes,
) -> PyResult<Py<PyAny>> {
    let sender = sender.bind(py).extract::<Peer<'_, DeviceOf<K>>>()?;
    let offered = || K::key_of_envelope(envelope);
    let raised = Refusal::Core(refusal.into()).raise_for(&sender, offered);
    Ok(raised.into_value(py).into_any())
}
