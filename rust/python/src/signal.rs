// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions that the caller stores, as `e2ee.signal` shows them (docs/storage.md, "Without a
//! store").

#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "the signatures are what the interpreter calls"
)]

use std::sync::Arc;

use e2ee_primitives::{Secret, secret::SecretBytes};
use e2ee_signal::{
    Address, Ciphertext, Device as CoreDevice, Parties, PreKeyBundle, StandaloneSession,
    keys::encode_ec, standalone::Received,
};
use e2ee_state::{Failure, Saved, Sealer};
use e2ee_wire::Error;
use pyo3::{
    buffer::PyBuffer, exceptions::PyTypeError, prelude::*, pybacked::PyBackedBytes, types::PyBytes,
};

use crate::{
    convert,
    errors::{self, Refusal},
    own::Own,
    saving::{BacklogStep, SessionStep},
    transaction::{OsRandom, now_ms},
};

/// The exception for a refusal of the core.
pub fn refused(py: Python<'_>, failure: impl Into<Failure>) -> PyErr {
    Refusal::Core(failure.into()).raise(py)
}

/// A peer as the protocol names it: nothing is mapped here.
pub fn protocol(peer: &convert::Peer<'_>) -> Result<Address, Error> {
    let (name, device) = peer.get();
    Address::new(name, device)
}

fn address(user: &Bound<'_, PyAny>, device: &Bound<'_, PyAny>) -> PyResult<Address> {
    let (name, device_id) = (convert::user(user)?, convert::device(device)?);
    Address::new(&name, device_id).map_err(|error| refused(user.py(), error))
}

/// Seals the states of devices and sessions; its bytes cannot be read back.
///
/// docs/formats.md, "Sealed records", has the form.
#[pyclass(frozen, module = "e2ee._core")]
pub struct StateKey {
    sealer: Sealer,
}

impl StateKey {
    /// What seals with it.
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }
}

#[pymethods]
impl StateKey {
    /// A key from 32 uniformly random bytes.
    ///
    /// Raises `InvalidArgumentError` for another length.
    #[new]
    fn new(key: &Bound<'_, PyAny>) -> PyResult<Self> {
        let copied = PyBuffer::<u8>::get(key)?.to_vec(key.py()).map(SecretBytes::new)?;
        let secret = Secret::from_slice(copied.expose())
            .ok_or_else(|| errors::protocol(key.py(), Error::InvalidArgument))?;
        Ok(Self { sealer: Sealer::standalone(secret) })
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a state key cannot be copied"))
    }
}

/// One device: its identity and its prekeys (signal.md §2.1 and §3).
#[pyclass(frozen, module = "e2ee._core")]
pub struct Device {
    inner: Own<CoreDevice>,
}

#[pymethods]
impl Device {
    /// A device with a fresh identity, fresh prekeys and a random registration id of 14 bits.
    ///
    /// Raises `InvalidArgumentError` if the name has no or more than 255 bytes, or the device is
    /// not 1 to 127.
    #[staticmethod]
    fn generate(user: &Bound<'_, PyAny>, device: &Bound<'_, PyAny>) -> PyResult<Self> {
        let inner = CoreDevice::generate(address(user, device)?, now_ms(), &mut OsRandom)
            .map_err(|error| refused(user.py(), error))?;
        Ok(Self { inner: Own::new(inner) })
    }

    /// The device that `seal` gave with this revision.
    ///
    /// Raises `StoreCorruptionError` for another key, revision or record.
    #[staticmethod]
    fn load(py: Python<'_>, key: &StateKey, revision: u64, record: &[u8]) -> PyResult<Self> {
        let inner = CoreDevice::open(&key.sealer, revision, record);
        Ok(Self { inner: Own::new(inner.map_err(|failure| refused(py, failure))?) })
    }

    /// The public identity key, 33 bytes: a type byte (05) and the key (signal.md §2.1).
    #[getter]
    fn identity_key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &encode_ec(self.inner.lock(py)?.identity_key())))
    }

    /// An encoded bundle (docs/formats.md, "Bundle"), about 1.8 kB.
    ///
    /// It reserves one-time keys, so the device must be saved before it is given away; a reusable
    /// one has none.
    #[pyo3(signature = (*, reusable = false))]
    fn bundle<'py>(&self, py: Python<'py>, reusable: bool) -> PyResult<Bound<'py, PyBytes>> {
        let mut device = self.inner.lock(py)?;
        let bundle =
            if reusable { Ok(device.reusable_bundle()) } else { device.bundle(&mut OsRandom) };
        Ok(PyBytes::new(py, &bundle.map_err(|error| refused(py, error))?.encode()))
    }

    /// The next revision and the sealed record to save with it; it holds the private keys.
    fn seal<'py>(&self, py: Python<'py>, key: &StateKey) -> PyResult<(u64, Bound<'py, PyBytes>)> {
        let mut device = self.inner.lock(py)?;
        let record = device.seal(&key.sealer, &mut OsRandom);
        let record = record.map_err(|failure| refused(py, failure))?;
        Ok((device.revision(), PyBytes::new(py, &record)))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a device cannot be copied"))
    }
}

/// One session with one device of a peer (signal.md §5 and §6; docs/storage.md).
#[pyclass(frozen, module = "e2ee._core")]
pub struct Session {
    inner: Arc<Own<StandaloneSession>>,
}

#[pymethods]
impl Session {
    /// Starts a session from a bundle, signatures verified (signal.md §5.4).
    ///
    /// Raises `BadSignatureError`, `InvalidKeyError` or `MalformedMessageError` if it is no bundle
    /// of its identity.
    #[staticmethod]
    fn initiate(
        py: Python<'_>,
        key: &StateKey,
        device: &Device,
        peer: convert::Peer<'_>,
        bundle: &[u8],
    ) -> PyResult<Self> {
        let device = device.inner.lock(py)?;
        let made = PreKeyBundle::decode(bundle).map_err(Failure::from).and_then(|bundle| {
            let now = now_ms() / 1_000;
            let address = protocol(&peer)?;
            let sealer = &key.sealer;
            StandaloneSession::initiate(sealer, &device, address, &bundle, (now, &mut OsRandom))
        });
        made.map(Self::of).map_err(|failure| refused(py, failure))
    }

    /// Makes the session that a prekey message (kind 3) asks for; the step's result is the plaintext.
    ///
    /// Save the device in the same transaction: its one-time keys are used up. Raises
    /// `UnknownPreKeyError` if it does not hold them, and `DecryptionError`.
    #[staticmethod]
    fn accept(
        py: Python<'_>,
        key: &StateKey,
        device: &Device,
        peer: convert::Peer<'_>,
        message: &[u8],
    ) -> PyResult<(Self, SessionStep)> {
        let mut device = device.inner.lock(py)?;
        let address = protocol(&peer).map_err(|error| refused(py, error))?;
        let (session, writes, plaintext) = StandaloneSession::accept(
            &key.sealer,
            &mut device,
            address,
            message,
            (now_ms(), &mut OsRandom),
        )
        .map_err(|failure| refused(py, failure))?;
        let session = Self::of(session);
        let step = session.step(py, writes, (None, plaintext.expose()));
        Ok((session, step))
    }

    /// The session of these records: its name, and revision and bytes of head, objects and skipped.
    ///
    /// Raises `StoreCorruptionError` if they are not those of one state. Loading one state twice
    /// uses message keys twice.
    #[staticmethod]
    fn load(
        py: Python<'_>,
        key: &StateKey,
        device: &Device,
        peer: convert::Peer<'_>,
        records: (String, [(u64, Vec<u8>); 3]),
    ) -> PyResult<Self> {
        let theirs = protocol(&peer).map_err(|error| refused(py, error))?;
        let ours = device.inner.lock(py)?.address().clone();
        let (name, parts) = &records;
        let parts = parts.each_ref().map(|(revision, bytes)| (*revision, &bytes[..]));
        let session = StandaloneSession::load(&key.sealer, Parties { ours, theirs }, name, parts);
        session.map(Self::of).map_err(|failure| refused(py, failure))
    }

    /// What names this session and binds its records: its base key, 64 hexadecimal digits.
    #[getter]
    fn name(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.inner.lock(py)?.name())
    }

    /// The peer's public identity key, 33 bytes: a type byte (05) and the key.
    #[getter]
    fn their_identity_key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.inner.lock(py)?;
        Ok(PyBytes::new(py, &encode_ec(session.session().their_identity())))
    }

    /// The epoch of the post-quantum ratchet, and the messages since it began.
    #[getter]
    fn pq_progress(&self, py: Python<'_>) -> PyResult<(u64, u64)> {
        Ok(self.inner.lock(py)?.session().pq_progress())
    }

    /// Encrypts; the step has the kind, 2 or 3, and its result is the message (signal.md §4.2, §4.3).
    ///
    /// Raises `StaleSessionError` while a step is open, and `NoSessionError` 30 days after the start
    /// of a session that was never answered.
    fn encrypt(&self, py: Python<'_>, plaintext: &[u8]) -> PyResult<SessionStep> {
        let stepped = self.inner.lock(py)?.encrypt(plaintext, now_ms() / 1_000, &mut OsRandom);
        let (writes, ciphertext) = stepped.map_err(|failure| refused(py, failure))?;
        Ok(match ciphertext {
            Ciphertext::Ratchet(message) => self.step(py, writes, (Some(2), &message)),
            Ciphertext::PreKey(message) => self.step(py, writes, (Some(3), &message)),
        })
    }

    /// Opens a message of kind 2 or, of this session, of kind 3; the step's result is the plaintext.
    ///
    /// Raises `DecryptionError`, of which the subclass says why, and changes nothing.
    fn decrypt(&self, py: Python<'_>, kind: u8, message: &[u8]) -> PyResult<SessionStep> {
        let message = received(kind, message).map_err(|error| refused(py, error))?;
        let stepped = self.inner.lock(py)?.decrypt(message, &mut OsRandom);
        let (writes, plaintext) = stepped.map_err(|failure| refused(py, failure))?;
        Ok(self.step(py, writes, (None, plaintext.expose())))
    }

    /// Opens many messages, each with its kind, in their order and as one step.
    ///
    /// The step's result has a place for each: the plaintext, or the error that `decrypt` would
    /// raise. A message that is refused changes nothing and does not hold up the others.
    fn decrypt_many(
        &self,
        py: Python<'_>,
        messages: Vec<(u8, PyBackedBytes)>,
    ) -> PyResult<BacklogStep> {
        let mut locked = self.inner.lock(py)?;
        let session = &mut *locked;
        let messages = messages.iter().map(|(kind, message)| received(*kind, message));
        let stepped = py.detach(|| session.decrypt_many(messages, &mut OsRandom));
        drop(locked);
        let stepped = stepped.map_err(|failure| refused(py, failure))?;
        BacklogStep::new(py, self.inner.clone(), stepped)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a session cannot be copied: a copy would use keys twice"))
    }
}

impl Session {
    fn of(session: StandaloneSession) -> Self {
        Self { inner: Arc::new(Own::new(session)) }
    }

    /// The session itself, for what is done with many at once.
    pub const fn inner(&self) -> &Arc<Own<StandaloneSession>> {
        &self.inner
    }

    fn step(&self, py: Python<'_>, writes: Vec<Saved>, result: (Option<u8>, &[u8])) -> SessionStep {
        SessionStep::new(py, self.inner.clone(), writes, result)
    }
}

fn received(kind: u8, message: &[u8]) -> Result<Received<'_>, Error> {
    match kind {
        2 => Ok(Received::Ratchet(message)),
        3 => Ok(Received::PreKey(message)),
        _ => Err(Error::Malformed),
    }
}
