// SPDX-License-Identifier: MIT OR Apache-2.0
//! What operators issue and read for sealed sender, as `e2ee.signal` shows it (signal.md §10.1 and
//! §10.4).

#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "the signatures are what the interpreter calls"
)]

use std::sync::Mutex;

use e2ee_signal::{
    DeviceId, account,
    envelope::{self, Kind},
    keys::{decode_ec, encode_ec},
    sealed_sender::{
        self, SenderCertificate, SentMessage, ServerCertificate, ServerSigner as CoreSigner,
        Subject, TrustRoot as CoreRoot,
    },
};
use e2ee_wire::Error;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use crate::{
    convert, errors,
    own::locked,
    signal::{StateKey, refused},
    transaction::OsRandom,
};

/// A trust root of an operator.
#[pyclass(frozen, module = "e2ee._core")]
pub struct TrustRoot {
    inner: Mutex<CoreRoot>,
}

#[pymethods]
impl TrustRoot {
    /// A fresh root.
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Self> {
        let inner = CoreRoot::generate(&mut OsRandom).map_err(|error| refused(py, error))?;
        Ok(Self { inner: Mutex::new(inner) })
    }

    /// A root as it was sealed.
    #[staticmethod]
    fn load(py: Python<'_>, key: &StateKey, revision: u64, record: &[u8]) -> PyResult<Self> {
        let inner = CoreRoot::open(key.sealer(), revision, record);
        Ok(Self { inner: Mutex::new(inner.map_err(|failure| refused(py, failure))?) })
    }

    /// The public key, with its type byte.
    #[getter]
    fn public_key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &encode_ec(locked(py, &self.inner)?.public_key())))
    }

    /// A signer with a fresh key, certified under a number.
    fn server_signer(&self, py: Python<'_>, number: u32) -> PyResult<ServerSigner> {
        let signer = locked(py, &self.inner)?.server_signer(number, &mut OsRandom);
        Ok(ServerSigner { inner: Mutex::new(signer.map_err(|error| refused(py, error))?) })
    }

    /// The next revision and the sealed record.
    fn seal<'py>(&self, py: Python<'py>, key: &StateKey) -> PyResult<(u64, Bound<'py, PyBytes>)> {
        let mut root = locked(py, &self.inner)?;
        let record = root.seal(key.sealer(), &mut OsRandom);
        let record = record.map_err(|failure| refused(py, failure))?;
        Ok((root.revision(), PyBytes::new(py, &record)))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a trust root cannot be copied"))
    }
}

/// A certified key that certifies senders.
#[pyclass(frozen, module = "e2ee._core")]
pub struct ServerSigner {
    inner: Mutex<CoreSigner>,
}

#[pymethods]
impl ServerSigner {
    /// A signer as it was sealed.
    #[staticmethod]
    fn load(py: Python<'_>, key: &StateKey, revision: u64, record: &[u8]) -> PyResult<Self> {
        let inner = CoreSigner::open(key.sealer(), revision, record);
        Ok(Self { inner: Mutex::new(inner.map_err(|failure| refused(py, failure))?) })
    }

    /// The root's word for this signer.
    #[getter]
    fn certificate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &locked(py, &self.inner)?.certificate().encode()))
    }

    /// A certificate for a device, of an account that goes by any name.
    fn issue<'py>(
        &self,
        py: Python<'py>,
        sender: convert::Peer<'_>,
        identity_key: &[u8],
        expires_ms: u64,
        e164: Option<&str>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (user, device) = sender.get();
        let identity_key = &decode_ec(identity_key).map_err(|error| refused(py, error))?;
        let service_id = account::service_id(user);
        let subject = Subject { service_id, device, identity_key, e164, expires_ms };
        let issued = locked(py, &self.inner)?.issue(&subject, &mut OsRandom);
        Ok(PyBytes::new(py, &issued.map_err(|error| refused(py, error))?.encode()))
    }

    /// The next revision and the sealed record.
    fn seal<'py>(&self, py: Python<'py>, key: &StateKey) -> PyResult<(u64, Bound<'py, PyBytes>)> {
        let mut signer = locked(py, &self.inner)?;
        let record = signer.seal(key.sealer(), &mut OsRandom);
        let record = record.map_err(|failure| refused(py, failure))?;
        Ok((signer.revision(), PyBytes::new(py, &record)))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a server signer cannot be copied"))
    }
}

/// What the certificates of senders rest on, read once.
#[pyclass(frozen, module = "e2ee._core")]
pub struct TrustAnchors {
    roots: Vec<e2ee_primitives::x25519::PublicKey>,
    signers: Vec<ServerCertificate>,
    revoked: Vec<u32>,
}

#[pymethods]
impl TrustAnchors {
    /// Public keys of roots, server certificates under their numbers, and revoked numbers.
    #[new]
    fn new(
        py: Python<'_>,
        roots: Vec<Vec<u8>>,
        signers: Vec<(u32, Vec<u8>)>,
        revoked: Vec<u32>,
    ) -> PyResult<Self> {
        let signer = |(id, encoded): &(u32, Vec<u8>)| {
            let certificate = ServerCertificate::decode(encoded)?;
            if certificate.id() == *id { Ok(certificate) } else { Err(Error::InvalidArgument) }
        };
        let roots = roots.iter().map(|root| decode_ec(root)).collect::<Result<_, _>>();
        let signers = signers.iter().map(signer).collect::<Result<_, _>>();
        Ok(Self {
            roots: roots.map_err(|error| refused(py, error))?,
            signers: signers.map_err(|error| refused(py, error))?,
            revoked,
        })
    }
}

impl TrustAnchors {
    /// As the core takes them.
    pub fn get(&self) -> sealed_sender::TrustAnchors<'_> {
        let Self { roots, signers, revoked } = self;
        sealed_sender::TrustAnchors { roots, signers, revoked }
    }
}

/// User, device, last millisecond, identity key and phone number of a sender certificate.
type CertificateRow<'py> = (String, u8, u64, Bound<'py, PyBytes>, Option<String>);

/// Parses a sender certificate.
#[pyfunction]
pub fn read_sender_certificate<'py>(
    py: Python<'py>,
    certificate: &[u8],
) -> PyResult<CertificateRow<'py>> {
    let read =
        SenderCertificate::decode(certificate).map_err(|error| errors::protocol(py, error))?;
    let identity_key = PyBytes::new(py, &encode_ec(read.identity_key()));
    let e164 = read.e164().map(str::to_owned);
    Ok((read.sender().to_string(), read.device().get(), read.expires_ms(), identity_key, e164))
}

/// Service id, devices with registration ids, and the first bytes of what the recipient gets.
type RecipientRow<'py> = (String, Vec<(u8, u16)>, Bound<'py, PyBytes>);

/// Parses a message to many: the recipients, who is left out, and what all messages end with.
#[pyfunction]
pub fn read_sent<'py>(
    py: Python<'py>,
    sent: &[u8],
) -> PyResult<(Vec<RecipientRow<'py>>, Vec<String>, Bound<'py, PyBytes>)> {
    let sent = SentMessage::decode(sent).map_err(|error| errors::protocol(py, error))?;
    let device = |(device, registration_id): &(DeviceId, u16)| (device.get(), *registration_id);
    let recipients = sent.recipients().iter().map(|recipient| {
        let devices = recipient.devices.iter().map(device).collect();
        (recipient.service_id.to_string(), devices, PyBytes::new(py, &recipient.received(&[])))
    });
    let excluded = sent.excluded().iter().map(ToString::to_string).collect();
    Ok((recipients.collect(), excluded, PyBytes::new(py, sent.tail())))
}

/// The envelope around a message in its received form.
#[pyfunction]
pub fn sealed_envelope<'py>(py: Python<'py>, message: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &envelope::encode(Kind::Sealed, message))
}
