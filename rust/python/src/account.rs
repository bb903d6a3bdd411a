// SPDX-License-Identifier: MIT OR Apache-2.0
//! An account in Python's hands (docs/storage.md, "Steps").

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use e2ee_account::Vault;
use e2ee_signal::{
    DeviceId,
    account::{Account as CoreAccount, Environment, Rekeying},
    dialect::Signal,
    keys::{EC_KEY_LEN, encode_ec},
    stock::Remaining,
};
use e2ee_state::{Failure, Step as CoreStep, Write};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use crate::{
    convert::{self, ContactRow, Entry, Number, Peer},
    kept::{Kept, LONG},
    own::Own,
    secret::StoreSecret,
    step::{Step, Unspent},
    transaction,
};

/// An account, as one process knows it.
#[pyclass(frozen, module = "e2ee._core")]
pub struct Account {
    /// The name.
    #[pyo3(get)]
    user: String,
    /// The device.
    #[pyo3(get)]
    device: u8,
    identity_key: [u8; EC_KEY_LEN],
    inner: Own<CoreAccount>,
}

impl Account {
    /// An account that was opened.
    pub fn new(inner: CoreAccount) -> Self {
        let (user, device) = inner.user();
        Self {
            user: user.to_owned(),
            device: device.get(),
            identity_key: encode_ec(inner.identity_key()),
            inner: Own::new(inner),
        }
    }
}

impl Kept for Account {
    type Core = CoreAccount;
    type Protocol = Signal;

    fn own(&self) -> &Own<CoreAccount> {
        &self.inner
    }

    fn vault(core: &mut CoreAccount) -> &mut Vault<Signal> {
        core.vault()
    }

    fn rekey_next(
        core: &mut CoreAccount,
        change: &mut Rekeying,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<Write>, Failure> {
        core.rekey_next(change, environment)
    }
}

#[pymethods]
impl Account {
    /// Makes an account in an empty store.
    #[staticmethod]
    fn create(
        py: Python<'_>,
        secret: &StoreSecret,
        transaction: Py<PyAny>,
        owner: Peer<'_>,
    ) -> PyResult<Step> {
        let (user, device) = owner.get();
        let create = |environment: &mut Environment<'_>| {
            CoreAccount::create(&secret.inner, user, device, environment)
        };
        let step = py.detach(|| transaction::within(transaction, create));
        let CoreStep { writes, result } = step.map_err(|refusal| refusal.raise(py))?;
        let release = |py: Python<'_>| Ok(Bound::new(py, Self::new(result))?.into_any().unbind());
        Step::new(py, writes, Unspent(release))
    }

    /// Opens the account of a store.
    #[staticmethod]
    fn open(py: Python<'_>, secret: &StoreSecret, transaction: Py<PyAny>) -> PyResult<Self> {
        let open = |environment: &mut Environment<'_>| {
            CoreAccount::open(&secret.inner, environment.records)
        };
        let account = py.detach(|| transaction::within(transaction, open));
        account.map(Self::new).map_err(|refusal| refusal.raise(py))
    }

    /// Ties a store without an anchor to the one that it was given.
    fn tie(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        Self::tied(slf, transaction)
    }

    /// The public identity key, with its type byte.
    #[getter]
    fn identity_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.identity_key)
    }

    /// A bundle that reserves one-time keys.
    fn bundle(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        let step = Self::step(slf, (transaction, false), CoreAccount::bundle, convert::output);
        step.map_err(|refusal| refusal.raise(slf.py()))
    }

    /// A bundle without one-time keys.
    fn reusable_bundle<'py>(
        &self,
        transaction: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let py = transaction.py();
        let bundle = self
            .call(transaction, false, |account, inside| account.reusable_bundle(inside.records));
        bundle.map(|bundle| PyBytes::new(py, &bundle)).map_err(|refusal| refusal.raise(py))
    }

    /// What a server needs which has nothing of this device.
    fn prekeys(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        let step = Self::step(slf, (transaction, true), CoreAccount::prekeys, convert::upload);
        step.map_err(|refusal| refusal.raise(slf.py()))
    }

    /// Replaces old prekeys, and makes one-time keys if the server has few.
    fn refresh_prekeys(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        one_time: Option<Number>,
        kyber: Option<Number>,
    ) -> PyResult<Step> {
        let count = |number: Number| usize::try_from(number.0).unwrap_or(usize::MAX);
        let remaining = Remaining { one_time: one_time.map(count), kyber: kyber.map(count) };
        let refresh = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.refresh_prekeys(remaining, inside)
        };
        Self::step(slf, (transaction, true), refresh, convert::refreshed)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    /// Starts a session with a peer.
    fn connect(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_>,
        bundle: &[u8],
    ) -> PyResult<Step> {
        let whom = peer.get();
        let connect = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.connect(whom, bundle, inside)
        };
        Self::step(slf, (transaction, true), connect, convert::nothing)
            .map_err(|refusal| refusal.raise_for(&peer, || convert::key_of_bundle(bundle)))
    }

    /// Encrypts to a peer.
    fn encrypt(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_>,
        plaintext: &[u8],
    ) -> PyResult<Step> {
        let whom = peer.get();
        let encrypt = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.encrypt(whom, plaintext, inside)
        };
        Self::step(slf, (transaction, plaintext.len() > LONG), encrypt, convert::output)
            .map_err(|refusal| refusal.raise_for(&peer, || None))
    }

    /// Opens an envelope; the plaintext is kept nowhere.
    fn decrypt(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        sender: Peer<'_>,
        envelope: &[u8],
    ) -> PyResult<Step> {
        let incoming = convert::incoming(&sender, envelope);
        let decrypt = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.decrypt(incoming, inside)
        };
        Self::step(slf, (transaction, envelope.len() > LONG), decrypt, convert::opened)
            .map_err(|refusal| refusal.raise_for(&sender, || convert::key_of_envelope(envelope)))
    }

    /// Opens an envelope into the inbox.
    fn receive(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        sender: Peer<'_>,
        envelope: &[u8],
    ) -> PyResult<Step> {
        let incoming = convert::incoming(&sender, envelope);
        let receive = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.receive(incoming, inside)
        };
        Self::step(slf, (transaction, envelope.len() > LONG), receive, convert::delivery)
            .map_err(|refusal| refusal.raise_for(&sender, || convert::key_of_envelope(envelope)))
    }

    /// The envelope that asks for another one again.
    fn repair<'py>(
        &self,
        transaction: &Bound<'py, PyAny>,
        sender: Peer<'_>,
        envelope: &[u8],
        sent_ms: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (py, incoming) = (transaction.py(), convert::incoming(&sender, envelope));
        let request = self
            .call(transaction, false, |account, inside| account.repair(incoming, sent_ms, inside));
        request.map(|request| PyBytes::new(py, &request)).map_err(|refusal| refusal.raise(py))
    }

    /// Archives the session that sends to a peer.
    fn reset(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_>,
    ) -> PyResult<Step> {
        let whom = peer.get();
        let reset =
            |account: &mut CoreAccount, inside: &mut Environment<'_>| account.reset(whom, inside);
        Self::step(slf, (transaction, false), reset, convert::nothing)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    /// Ends all that a store may have used in a past that it has lost.
    fn heal(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        let step = Self::step(slf, (transaction, true), CoreAccount::heal, convert::healed);
        step.map_err(|refusal| refusal.raise(slf.py()))
    }

    /// The same for a copy that becomes a store of its own.
    fn heal_copy(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        let step = Self::step(slf, (transaction, true), CoreAccount::heal_copy, convert::healed);
        step.map_err(|refusal| refusal.raise(slf.py()))
    }

    /// The messages that wait, oldest first.
    fn inbox<'py>(&self, transaction: &Bound<'py, PyAny>) -> PyResult<Vec<Entry<'py, DeviceId>>> {
        self.waiting(transaction)
    }

    /// Takes a message out of the inbox; the result says whether it was there.
    fn handled(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        inbox_id: &str,
    ) -> PyResult<Step> {
        Self::handles(slf, transaction, inbox_id)
    }

    /// Every peer, in the order of names.
    fn contacts<'py>(&self, transaction: &Bound<'py, PyAny>) -> PyResult<Vec<ContactRow<'py>>> {
        let py = transaction.py();
        let contacts =
            self.call(transaction, false, |account, inside| account.contacts(inside.records));
        let contacts = contacts.map_err(|refusal| refusal.raise(py))?;
        Ok(contacts.into_iter().map(|contact| convert::contact(py, contact)).collect())
    }

    /// The scannable form of the safety number with a peer.
    fn safety_number<'py>(
        &self,
        transaction: &Bound<'py, PyAny>,
        peer: Peer<'_>,
        bundle: Option<&[u8]>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let whom = peer.get();
        let number = self.call(transaction, true, |account, inside| {
            account.safety_number(whom, bundle, inside.records)
        });
        let number = number.map_err(|refusal| refusal.raise(transaction.py()))?;
        Ok(PyBytes::new(transaction.py(), &number.encode()))
    }

    /// Marks the trusted identity of a peer as compared by a person.
    fn mark_verified(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_>,
    ) -> PyResult<Step> {
        let whom = peer.get();
        let mark = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.mark_verified(whom, inside)
        };
        Self::step(slf, (transaction, false), mark, convert::nothing)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    /// Trusts the identity of a bundle, and starts a session with it.
    #[pyo3(signature = (transaction, peer, bundle, *, verified))]
    fn accept_identity(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_>,
        bundle: &[u8],
        verified: bool,
    ) -> PyResult<Step> {
        let whom = peer.get();
        let accept = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.accept_identity(whom, bundle, verified, inside)
        };
        Self::step(slf, (transaction, true), accept, convert::nothing)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    /// Forgets a peer with all its sessions.
    fn forget(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_>,
    ) -> PyResult<Step> {
        let whom = peer.get();
        let forget =
            |account: &mut CoreAccount, inside: &mut Environment<'_>| account.forget(whom, inside);
        Self::step(slf, (transaction, false), forget, convert::nothing)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("an account cannot be copied: open it again"))
    }
}
