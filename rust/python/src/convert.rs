// SPDX-License-Identifier: MIT OR Apache-2.0
//! Python values as the core takes them, and back (docs/architecture.md, "Layers").

use e2ee_account::{Delivery, InboxEntry};
use e2ee_olm::stored;
use e2ee_signal::{
    DeviceId, PreKeyBundle, PreKeyMessage,
    account::{Contact, Content, GroupId, Healed, Incoming, Opened},
    bundle::NumberedKey,
    envelope::{self, Kind},
    keys::{encode_ec, encode_kyber},
    stock::{PreKeyUpload, PublicKyberKey},
};
use e2ee_wire::Error;
use pyo3::{
    IntoPyObjectExt,
    exceptions::{PyOverflowError, PyUnicodeEncodeError},
    intern,
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::errors;

/// An `e2ee.Address`, and what it holds; a device of another protocol is an
/// `InvalidArgumentError`.
pub struct Peer<'py, D = DeviceId> {
    /// The object itself, for errors that name the peer.
    pub address: Bound<'py, PyAny>,
    user: String,
    device: D,
}

impl Peer<'_> {
    /// Name and device, as the core takes them.
    pub fn get(&self) -> (&str, DeviceId) {
        (&self.user, self.device)
    }
}

impl<D> Peer<'_, D> {
    /// Name and device, of whatever kind that is.
    pub fn named(&self) -> (&str, &D) {
        (&self.user, &self.device)
    }
}

impl<'py, D: PyDevice> FromPyObject<'_, 'py> for Peer<'py, D> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            user: user(&object.getattr(intern!(object.py(), "user"))?)?,
            device: D::read(&object.getattr(intern!(object.py(), "device"))?)?,
            address: object.to_owned(),
        })
    }
}

/// A device, as Python names it.
pub trait PyDevice: Sized {
    /// What Python has for it.
    type Shown: for<'py> IntoPyObject<'py>;

    /// The device of this name or number.
    fn read(value: &Bound<'_, PyAny>) -> PyResult<Self>;

    /// Its name or number.
    fn shown(self) -> Self::Shown;
}

impl PyDevice for DeviceId {
    type Shown = u8;

    fn read(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        device(value)
    }

    fn shown(self) -> u8 {
        self.get()
    }
}

impl PyDevice for stored::DeviceId {
    type Shown = String;

    fn read(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = value.py();
        let Ok(text) = value.cast::<PyString>() else {
            return Err(errors::protocol(py, Error::InvalidArgument));
        };
        let text =
            text.to_str().map_err(|error| out_of_range::<PyUnicodeEncodeError>(py, error))?;
        Self::new(text).map_err(|error| errors::protocol(py, error))
    }

    fn shown(self) -> String {
        self.as_str().to_owned()
    }
}

/// A name; one that is no Unicode text is an `InvalidArgumentError`.
pub fn user(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let text = value.cast::<PyString>()?.to_str();
    let text = text.map_err(|error| out_of_range::<PyUnicodeEncodeError>(value.py(), error))?;
    Ok(text.to_owned())
}

/// A device number; any other number, and a name, is an `InvalidArgumentError`.
pub fn device(value: &Bound<'_, PyAny>) -> PyResult<DeviceId> {
    let py = value.py();
    if value.is_instance_of::<PyString>() {
        return Err(errors::protocol(py, Error::InvalidArgument));
    }
    let number = value.extract().map_err(|error| out_of_range::<PyOverflowError>(py, error))?;
    DeviceId::new(number).map_err(|error| errors::protocol(py, error))
}

/// A number of 32 bits; any other number is an `InvalidArgumentError`.
#[derive(Clone, Copy)]
pub struct Number(pub u32);

impl<'py> FromPyObject<'_, 'py> for Number {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let number = object.extract();
        number.map(Self).map_err(|error| out_of_range::<PyOverflowError>(object.py(), error))
    }
}

fn out_of_range<E: pyo3::PyTypeInfo>(py: Python<'_>, error: PyErr) -> PyErr {
    if error.is_instance_of::<E>(py) { errors::protocol(py, Error::InvalidArgument) } else { error }
}

/// What names a group.
#[derive(IntoPyObject)]
pub enum GroupName {
    /// The bytes of a UUID.
    Uuid(GroupId),
    /// The text that names a room.
    Room(String),
}

/// What a message is, in one word, with its group and the time that a resend asks for.
pub type ContentRow = (&'static str, Option<GroupName>, Option<u64>);

/// What a message is, as Python sees it.
pub trait PyContent {
    /// In one word, with what belongs to it.
    fn row(self) -> ContentRow;
}

impl PyContent for Content {
    fn row(self) -> ContentRow {
        match self {
            Self::Direct => ("message", None, None),
            Self::Group(id) => ("group", Some(GroupName::Uuid(id)), None),
            Self::Invitation(id) => ("invitation", Some(GroupName::Uuid(id)), None),
            Self::Resend { sent_ms } => ("resend", None, Some(sent_ms)),
        }
    }
}

impl PyContent for stored::Message {
    fn row(self) -> ContentRow {
        let (word, room) = match self {
            Self::Direct => return ("message", None, None),
            Self::Room(room) => ("group", room),
            Self::Invitation(room) => ("invitation", room),
            Self::Forwarded(room) => ("forwarded", room),
        };
        (word, Some(GroupName::Room(room.as_str().to_owned())), None)
    }
}

/// What an opened message looks like in Python. Python's copy of the plaintext is not wiped.
pub type OpenedRow<'py> = (ContentRow, Bound<'py, PyBytes>);

/// An opened message.
#[expect(clippy::needless_pass_by_value, reason = "the core's copy is wiped here")]
pub fn opened(py: Python<'_>, opened: Opened) -> PyResult<Py<PyAny>> {
    let row = (opened.content.row(), PyBytes::new(py, opened.plaintext.expose()));
    row.into_py_any(py)
}

/// What a message from the inbox looks like in Python: id, user, device, time, and the message.
pub type Entry<'py, D> = (String, String, <D as PyDevice>::Shown, u64, OpenedRow<'py>);

/// An entry of the inbox.
pub fn entry<D: PyDevice, C: PyContent>(py: Python<'_>, entry: InboxEntry<D, C>) -> Entry<'_, D> {
    let message = (entry.content.row(), PyBytes::new(py, entry.plaintext.expose()));
    (entry.id, entry.user, entry.device.shown(), entry.received_ms, message)
}

/// The message that a delivery brought, or `None` if it was handled before.
pub fn delivery<D: PyDevice, C: PyContent>(
    py: Python<'_>,
    delivery: Delivery<D, C>,
) -> PyResult<Py<PyAny>> {
    let message = match delivery {
        Delivery::New(message) | Delivery::Waiting(message) => Some(entry(py, message)),
        Delivery::Handled => None,
    };
    message.into_py_any(py)
}

/// Bytes that may leave.
pub fn output(py: Python<'_>, bytes: Vec<u8>) -> PyResult<Py<PyAny>> {
    bytes.into_py_any(py)
}

/// A name that may leave.
pub fn text(py: Python<'_>, text: String) -> PyResult<Py<PyAny>> {
    text.into_py_any(py)
}

/// Whether something was there.
pub fn flag(py: Python<'_>, flag: bool) -> PyResult<Py<PyAny>> {
    flag.into_py_any(py)
}

/// A one-time prekey: number and key.
type PreKeyRow<'py> = (u32, Bound<'py, PyBytes>);
/// A signed prekey of either kind: number, key and signature.
type SignedRow<'py> = (u32, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// What to upload: whose, signed and last-resort key, new one-time keys of both kinds, and the
/// numbers that are gone.
pub fn upload(py: Python<'_>, upload: PreKeyUpload) -> PyResult<Py<PyAny>> {
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    let one_time =
        |each: &NumberedKey| -> PreKeyRow<'_> { (each.id, bytes(&encode_ec(&each.key))) };
    let kyber = |each: &PublicKyberKey| -> SignedRow<'_> {
        (each.id, bytes(&encode_kyber(&each.key)), bytes(&each.signature))
    };
    let (id, signed) = one_time(&upload.signed);
    let row = (
        (upload.registration_id, upload.device.get(), bytes(&encode_ec(&upload.identity_key))),
        (id, signed, bytes(&upload.signed_signature)),
        kyber(&upload.last_resort),
        upload.one_time.iter().map(one_time).collect::<Vec<_>>(),
        upload.one_time_kyber.iter().map(kyber).collect::<Vec<_>>(),
        upload.gone,
    );
    row.into_py_any(py)
}

/// [`upload`], or `None` if there was nothing to do.
pub fn refreshed(py: Python<'_>, refreshed: Option<PreKeyUpload>) -> PyResult<Py<PyAny>> {
    refreshed.map_or_else(|| Ok(py.None()), |made| upload(py, made))
}

/// What healing ended: peers (user and device), groups, and entries of the outbox.
pub fn healed(py: Python<'_>, healed: Healed) -> PyResult<Py<PyAny>> {
    let peers = healed.peers.into_iter().map(|(user, device)| (user, device.get()));
    (peers.collect::<Vec<_>>(), healed.groups, healed.dropped).into_py_any(py)
}

/// The result of a step that only writes.
#[expect(clippy::unnecessary_wraps, reason = "it stands beside conversions that can fail")]
pub fn nothing(py: Python<'_>, (): ()) -> PyResult<Py<PyAny>> {
    Ok(py.None())
}

/// User, device, identity key, whether it was verified, the post-quantum epoch and messages, and a
/// field that other protocols have.
pub type ContactRow<'py> =
    (String, u8, Bound<'py, PyBytes>, bool, Option<(u64, u64)>, Option<Bound<'py, PyBytes>>);

/// A row of the list of contacts.
pub fn contact(py: Python<'_>, contact: Contact) -> ContactRow<'_> {
    let key = PyBytes::new(py, &encode_ec(&contact.identity_key));
    (contact.user, contact.device.get(), key, contact.verified, contact.pq_progress, None)
}

/// An envelope, and who is said to have sent it.
pub fn incoming<'a>(sender: &'a Peer<'_>, envelope: &'a [u8]) -> Incoming<'a> {
    Incoming { user: &sender.user, device: sender.device, envelope }
}

/// The identity key that a bundle offers.
pub fn key_of_bundle(bundle: &[u8]) -> Option<Vec<u8>> {
    PreKeyBundle::decode(bundle).ok().map(|bundle| encode_ec(&bundle.identity_key).to_vec())
}

/// The identity key that an envelope carries, if it is that of a first message.
pub fn key_of_envelope(envelope: &[u8]) -> Option<Vec<u8>> {
    let Ok((Kind::PreKey, message)) = envelope::decode(envelope) else { return None };
    let message = PreKeyMessage::decode(message).ok()?;
    Some(encode_ec(&message.outer.identity_key).to_vec())
}
