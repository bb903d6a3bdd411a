// SPDX-License-Identifier: MIT OR Apache-2.0
//! An account of Olm over a store in Python's hands (olm_megolm.md §1 and §8; docs/storage.md,
//! "Steps"): the methods of `Account` that both protocols have, under the same names.

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use e2ee_account::{Environment, Vault, rekey::Rekeying};
use e2ee_olm::{
    dialect::Olm,
    stored::{Contact, DeviceId, Healed, Numbered, StoredAccount, Unpublished},
};
use e2ee_state::{Failure, Step as CoreStep, Write};
use pyo3::{IntoPyObjectExt, exceptions::PyTypeError, prelude::*, types::PyBytes};

use crate::{
    convert::{self, Entry, Number, Peer},
    kept::{Corresponds, Kept, LONG},
    own::Own,
    secret::StoreSecret,
    step::{Step, Unspent},
    transaction,
};

use super::public_key;

/// An account of Olm, as one process knows it.
#[pyclass(frozen, module = "e2ee._core")]
pub struct OlmStoredAccount {
    /// The name.
    #[pyo3(get)]
    user: String,
    /// The device.
    #[pyo3(get)]
    device: String,
    identity_key: [u8; 32],
    signing_key: [u8; 32],
    inner: Own<StoredAccount>,
}

impl OlmStoredAccount {
    /// An account that was opened.
    pub fn new(inner: StoredAccount) -> Self {
        let (user, device) = inner.user();
        Self {
            user: user.to_owned(),
            device: device.as_str().to_owned(),
            identity_key: *inner.identity_key().as_bytes(),
            signing_key: *inner.signing_key().as_bytes(),
            inner: Own::new(inner),
        }
    }
}

impl Kept for OlmStoredAccount {
    type Core = StoredAccount;
    type Protocol = Olm;

    fn own(&self) -> &Own<StoredAccount> {
        &self.inner
    }

    fn vault(core: &mut StoredAccount) -> &mut Vault<Olm> {
        core.vault()
    }

    fn rekey_next(
        core: &mut StoredAccount,
        change: &mut Rekeying,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<Write>, Failure> {
        core.rekey_next(change, environment)
    }
}

#[pymethods]
impl OlmStoredAccount {
    /// Makes an account in an empty store.
    #[staticmethod]
    fn create(
        py: Python<'_>,
        secret: &StoreSecret,
        transaction: Py<PyAny>,
        owner: Peer<'_, DeviceId>,
    ) -> PyResult<Step> {
        let (user, device) = owner.named();
        let create = |environment: &mut Environment<'_>| {
            StoredAccount::create(&secret.inner, user, device.clone(), environment)
        };
        let step = py.detach(|| transaction::within(transaction, create));
        let CoreStep { writes, result } = step.map_err(|refusal| refusal.raise(py))?;
        let release = |py: Python<'_>| Self::new(result).into_py_any(py);
        Step::new(py, writes, Unspent(release))
    }

    /// Ties a store without an anchor to the one that it was given.
    fn tie(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        Self::tied(slf, transaction)
    }

    /// The public Curve25519 key, 32 bytes.
    #[getter]
    fn identity_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.identity_key)
    }

    /// The public Ed25519 key, 32 bytes, under which the device signs what it publishes.
    #[getter]
    fn signing_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.signing_key)
    }

    /// The Ed25519 signature of these bytes, 64 bytes (RFC 8032 §5.1.6).
    fn sign<'py>(&self, py: Python<'py>, message: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.lock()?.sign(message)))
    }

    /// A one-time key that counts as published: its number, and 32 bytes.
    fn bundle(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        let step = Self::step(slf, (transaction, false), StoredAccount::reserve_key, numbered);
        step.map_err(|refusal| refusal.raise(slf.py()))
    }

    /// The fallback key in the same form, which is made if there is none.
    fn reusable_bundle(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        let step = Self::step(slf, (transaction, false), StoredAccount::reusable_key, numbered);
        step.map_err(|refusal| refusal.raise(slf.py()))
    }

    /// Makes so many one-time keys, and a fallback key if asked for; the result is all keys of both
    /// kinds that wait to be published.
    #[pyo3(signature = (transaction, count, *, fallback))]
    fn generate_keys(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        count: Number,
        fallback: bool,
    ) -> PyResult<Step> {
        // A number that does not fit is above every limit.
        let count = usize::try_from(count.0).unwrap_or(usize::MAX);
        let generate = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.generate_keys(count, fallback, inside)
        };
        Self::step(slf, (transaction, true), generate, unpublished)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    /// Says that the server has all keys that waited.
    fn mark_keys_as_published(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
    ) -> PyResult<Step> {
        let mark = StoredAccount::mark_keys_as_published;
        let step = Self::step(slf, (transaction, false), mark, convert::nothing);
        step.map_err(|refusal| refusal.raise(slf.py()))
    }

    /// Starts a session with a peer, whose signature over both keys of 32 bytes was verified.
    fn connect(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_, DeviceId>,
        identity_key: &[u8],
        one_time_key: &[u8],
    ) -> PyResult<Step> {
        let whom = peer.named();
        let connect = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            let (identity, one_time) = (public_key(identity_key)?, public_key(one_time_key)?);
            account.connect(whom, &identity, &one_time, inside)
        };
        Self::step(slf, (transaction, true), connect, convert::nothing)
            .map_err(|refusal| refusal.raise_for(&peer, || Some(identity_key.to_vec())))
    }

    /// Encrypts to a peer.
    fn encrypt(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_, DeviceId>,
        plaintext: &[u8],
    ) -> PyResult<Step> {
        let whom = peer.named();
        let encrypt = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.encrypt(whom, plaintext, inside)
        };
        Self::step(slf, (transaction, plaintext.len() > LONG), encrypt, convert::output)
            .map_err(|refusal| refusal.raise_for(&peer, || None))
    }

    /// Opens an envelope; the plaintext is kept nowhere.
    fn decrypt(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        sender: Peer<'_, DeviceId>,
        envelope: &[u8],
    ) -> PyResult<Step> {
        let incoming = Self::incoming(&sender, envelope);
        let decrypt = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.decrypt(incoming, inside)
        };
        Self::step(slf, (transaction, envelope.len() > LONG), decrypt, Self::opened)
            .map_err(|refusal| refusal.raise_for(&sender, || Self::key_of_envelope(envelope)))
    }

    /// Opens an envelope into the inbox.
    fn receive(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        sender: Peer<'_, DeviceId>,
        envelope: &[u8],
    ) -> PyResult<Step> {
        let incoming = Self::incoming(&sender, envelope);
        let receive = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.receive(incoming, inside)
        };
        Self::step(slf, (transaction, envelope.len() > LONG), receive, convert::delivery)
            .map_err(|refusal| refusal.raise_for(&sender, || Self::key_of_envelope(envelope)))
    }

    /// Ends all that a store may have used in a past that it has lost.
    fn heal(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        let step = Self::step(slf, (transaction, true), StoredAccount::heal, healed);
        step.map_err(|refusal| refusal.raise(slf.py()))
    }

    /// The same for a copy that becomes a store of its own.
    fn heal_copy(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        let step = Self::step(slf, (transaction, true), StoredAccount::heal_copy, healed);
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

    /// Every peer, in the order of names, in the form that `Account` has.
    fn contacts<'py>(&self, transaction: &Bound<'py, PyAny>) -> PyResult<Vec<ContactRow<'py>>> {
        let py = transaction.py();
        let contacts =
            self.call(transaction, false, |account, inside| account.contacts(inside.records));
        let contacts = contacts.map_err(|refusal| refusal.raise(py))?;
        Ok(contacts.into_iter().map(|each| contact(py, each)).collect())
    }

    /// Marks a peer's identity key of 32 bytes, which must be the trusted one, as verified.
    fn mark_verified(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_, DeviceId>,
        identity_key: &[u8],
    ) -> PyResult<Step> {
        let whom = peer.named();
        let mark = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.mark_verified(whom, &public_key(identity_key)?, inside)
        };
        Self::step(slf, (transaction, false), mark, convert::nothing)
            .map_err(|refusal| refusal.raise_for(&peer, || Some(identity_key.to_vec())))
    }

    /// Forgets a peer with all its sessions.
    fn forget(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        peer: Peer<'_, DeviceId>,
    ) -> PyResult<Step> {
        let whom = peer.named();
        let forget = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.forget(whom, inside)
        };
        Self::step(slf, (transaction, false), forget, convert::nothing)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("an account cannot be copied: open it again"))
    }
}

/// User, device, identity key, whether it was verified, and what other protocols have.
type ContactRow<'py> = (String, String, Bound<'py, PyBytes>, bool, Option<(u64, u64)>);

fn contact(py: Python<'_>, contact: Contact) -> ContactRow<'_> {
    let key = PyBytes::new(py, contact.identity_key.as_bytes());
    (contact.user, contact.device.as_str().to_owned(), key, contact.verified, None)
}

/// A key with its number.
fn numbered(py: Python<'_>, (id, key): Numbered) -> PyResult<Py<PyAny>> {
    (id, PyBytes::new(py, key.as_bytes())).into_py_any(py)
}

fn unpublished(py: Python<'_>, keys: Unpublished) -> PyResult<Py<PyAny>> {
    let row = |(id, key): Numbered| (id, PyBytes::new(py, key.as_bytes()));
    let one_time: Vec<_> = keys.one_time.into_iter().map(row).collect();
    (one_time, keys.fallback.map(row)).into_py_any(py)
}

/// What healing ended, in the form that `Account` has: no groups.
fn healed(py: Python<'_>, healed: Healed) -> PyResult<Py<PyAny>> {
    let peers = healed.peers.into_iter().map(|(user, device)| (user, device.as_str().to_owned()));
    (peers.collect::<Vec<_>>(), Vec::<[u8; 16]>::new(), healed.dropped).into_py_any(py)
}
