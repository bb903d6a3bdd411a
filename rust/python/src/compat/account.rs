// SPDX-License-Identifier: MIT OR Apache-2.0
//! An account that changes in place, as `e2ee.compat` shows it (olm_megolm.md §1.4).

#![expect(clippy::unused_self, reason = "the signatures are what the interpreter calls")]

use std::collections::BTreeMap;

use e2ee_olm::{
    Account as CoreAccount,
    limits::MAX_UNPUBLISHED_KEYS,
    pickle::{self, libolm, vodozemac},
    session::envelope_budget,
};
use e2ee_primitives::{base64, x25519::PublicKey};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use super::{
    errors::Class,
    keys::{Curve25519PublicKey, Ed25519PublicKey, Ed25519Signature},
    messages::PreKeyMessage,
    pickles,
    session::Session,
};
use crate::{errors, transaction::OsRandom};

/// Keys by their ids.
type Keys = BTreeMap<String, Curve25519PublicKey>;

/// A device of Matrix, in memory; what was not pickled is lost with the object.
#[pyclass(module = "e2ee._core", name = "CompatAccount")]
pub struct Account(pub CoreAccount);

#[pymethods]
impl Account {
    /// A device with fresh identity keys.
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let made = CoreAccount::generate(&mut OsRandom);
        made.map(Self).map_err(|error| errors::protocol(py, error))
    }

    /// The public key under which everything that the device publishes is signed.
    #[getter]
    fn ed25519_key(&self) -> Ed25519PublicKey {
        Ed25519PublicKey::of(self.0.signing_key())
    }

    /// The public key that agrees in sessions.
    #[getter]
    fn curve25519_key(&self) -> Curve25519PublicKey {
        Curve25519PublicKey(*self.0.identity_key())
    }

    /// The one-time keys that wait to be published, by their ids.
    #[getter]
    fn one_time_keys(&self) -> Keys {
        self.0.one_time_keys().unpublished().map(named).collect()
    }

    /// The fallback key by its id, if it waits to be published.
    #[getter]
    fn fallback_key(&self) -> Keys {
        self.0.one_time_keys().unpublished_fallback().map(named).into_iter().collect()
    }

    /// How many one-time keys belong on a server at most.
    #[getter]
    const fn max_number_of_one_time_keys(&self) -> usize {
        MAX_UNPUBLISHED_KEYS
    }

    /// Signs a message with the Ed25519 key.
    fn sign(&self, message: &[u8]) -> Ed25519Signature {
        Ed25519Signature(self.0.sign(message))
    }

    /// Makes one-time keys, at most a hundred; the oldest go where more would be kept.
    fn generate_one_time_keys(&mut self, py: Python<'_>, count: usize) -> PyResult<()> {
        let made = self.0.one_time_keys_mut().generate_more(count, &mut OsRandom);
        made.map_err(|error| errors::protocol(py, error))
    }

    /// Makes a fallback key; the one before the current one goes.
    fn generate_fallback_key(&mut self, py: Python<'_>) -> PyResult<()> {
        let made = self.0.one_time_keys_mut().generate_fallback(&mut OsRandom);
        made.map_err(|error| errors::protocol(py, error))
    }

    /// Forgets the fallback key before the current one; false if there is none.
    fn forget_fallback_key(&mut self) -> bool {
        self.0.one_time_keys_mut().forget_fallback()
    }

    /// Says that the server has all keys that waited.
    fn mark_keys_as_published(&mut self) {
        self.0.one_time_keys_mut().mark_as_published();
    }

    /// Starts a session; raises `SessionCreationException` if one of the keys cannot be used.
    ///
    /// Nothing here says whose keys they are: both must have come under a signature.
    fn create_outbound_session(
        &self,
        py: Python<'_>,
        identity_key: &Curve25519PublicKey,
        one_time_key: &Curve25519PublicKey,
    ) -> PyResult<Session> {
        let made = self.0.initiate(&identity_key.0, &one_time_key.0, &mut OsRandom);
        made.map(Session).map_err(|error| Class::SessionCreation.raise(py, error))
    }

    /// The session that a message asks for, and the message, opened; its one-time key is gone.
    ///
    /// Raises `SessionCreationException` if the message is of another sender, names an unknown key
    /// or does not open, and changes nothing.
    fn create_inbound_session<'py>(
        &mut self,
        py: Python<'py>,
        identity_key: &Curve25519PublicKey,
        message: &PreKeyMessage,
    ) -> PyResult<(Session, Bound<'py, PyBytes>)> {
        let (sender, message) = (Some(&identity_key.0), message.read(py)?);
        let made = self.0.accept_without_memory(sender, &message, &mut envelope_budget());
        let (session, plaintext) = made.map_err(|error| Class::SessionCreation.raise(py, error))?;
        Ok((Session(session), PyBytes::new(py, plaintext.expose())))
    }

    /// The session that a message asks for, which still has to open it; its one-time key stays.
    ///
    /// Raises `SessionCreationException` if the message is of another sender, or names a key that
    /// is not held. Then call `forget_one_time_key`: nothing is authenticated before.
    fn start_inbound_session(
        &self,
        py: Python<'_>,
        identity_key: Option<&Curve25519PublicKey>,
        message: &PreKeyMessage,
    ) -> PyResult<Session> {
        let made = self.0.accept_unopened(identity_key.map(|key| &key.0), &message.read(py)?);
        made.map(Session).map_err(|error| Class::SessionCreation.raise(py, error))
    }

    /// Forgets the one-time key of a session that somebody else started; false if it is not held.
    fn forget_one_time_key(&mut self, session: &Session) -> bool {
        let used = session.0.keys().one_time_key;
        let held = self.0.one_time_keys().find(&used).is_some();
        self.0.one_time_keys_mut().consume(&used);
        held
    }

    /// The account of a pickle under a key of 32 bytes; raises `PickleException` if it does not open.
    #[staticmethod]
    fn from_pickle(py: Python<'_>, pickle: &str, pickle_key: &[u8]) -> PyResult<Self> {
        pickles::load(py, (pickle, pickle_key), vodozemac::account).map(Self)
    }

    /// The account of a pickle of libolm; raises `LibolmPickleException` if it does not open.
    #[staticmethod]
    fn from_libolm_pickle(py: Python<'_>, pickle: &str, pickle_key: &[u8]) -> PyResult<Self> {
        pickles::load_libolm(py, (pickle, pickle_key), libolm::account).map(Self)
    }

    /// The account as vodozemac keeps it, under a key of 32 bytes.
    fn pickle(&self, py: Python<'_>, pickle_key: &[u8]) -> PyResult<String> {
        pickles::store(py, &vodozemac::write_account(&self.0), pickle_key)
    }

    /// The account as libolm keeps it, under a key of any length.
    fn to_libolm_pickle(&self, py: Python<'_>, pickle_key: &[u8]) -> PyResult<String> {
        let plain = libolm::write_account(&self.0).map_err(|error| errors::protocol(py, error))?;
        Ok(pickle::seal(&plain, pickle_key))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("an account cannot be copied: a copy would use keys twice"))
    }
}

/// A key under its id, as vodozemac writes it: the number in big-endian bytes, in base64.
fn named((id, key): (u64, &PublicKey)) -> (String, Curve25519PublicKey) {
    (base64::encode(&id.to_be_bytes()), Curve25519PublicKey(*key))
}
