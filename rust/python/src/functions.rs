// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the values of `e2ee.values` are checked and read with (docs/formats.md).

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use e2ee_olm::{
    standalone::Received,
    stored::{self, envelope::Contents},
};
use e2ee_signal::{
    DeviceId, PreKeyBundle, account,
    bundle::NumberedKey,
    envelope::{self, Kind},
    keys::{decode_ec, decode_kyber, encode_ec},
    safety_number::{Party, SafetyNumber, Version},
};
use e2ee_state::log;
use e2ee_wire::Error;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::{
    convert::{self, Number, PyDevice},
    errors,
};

/// Refuses a name or a device that cannot be one; devices of Matrix have names.
#[pyfunction]
pub fn check_address(
    py: Python<'_>,
    #[pyo3(from_py_with = convert::user)] user: String,
    device: &Bound<'_, PyAny>,
) -> PyResult<()> {
    if device.is_instance_of::<PyString>() {
        stored::DeviceId::read(device)?;
    } else {
        DeviceId::read(device)?;
    }
    account::check_user(&user).map_err(|error| errors::protocol(py, error))
}

/// What an envelope holds, in one word.
#[pyfunction]
pub fn envelope_kind(py: Python<'_>, envelope: &[u8]) -> PyResult<&'static str> {
    if envelope.first() == Some(&stored::envelope::FORMAT_VERSION) {
        let message = stored::envelope::decode(envelope);
        return match message.map_err(|error| errors::protocol(py, error))? {
            Contents::Pairwise(Received::PreKey(_)) => Ok("prekey"),
            Contents::Pairwise(Received::Normal(_)) => Ok("message"),
            Contents::Room(_) => Ok("group"),
        };
    }
    let (kind, _) = envelope::decode(envelope).map_err(|error| errors::protocol(py, error))?;
    Ok(match kind {
        Kind::Ratchet => "message",
        Kind::PreKey => "prekey",
        Kind::Sealed => "sealed",
        Kind::Group => "group",
        Kind::Plaintext => "repair",
    })
}

/// Parses a bundle: its identity key, its device, and whether it may be used more than once.
#[pyfunction]
pub fn read_bundle<'py>(
    py: Python<'py>,
    bundle: &[u8],
) -> PyResult<(Bound<'py, PyBytes>, u8, bool)> {
    let bundle = PreKeyBundle::decode(bundle).map_err(|error| errors::protocol(py, error))?;
    let identity_key = PyBytes::new(py, &encode_ec(&bundle.identity_key));
    Ok((identity_key, bundle.device.get(), bundle.one_time.is_none()))
}

/// A bundle of public keys, as a server assembles it: who offers it (registration id, device and
/// identity key), signed prekey, Kyber prekey, and a one-time prekey or none.
#[pyfunction]
pub fn assemble_bundle(
    py: Python<'_>,
    owner: (Number, Number, Vec<u8>),
    signed: (Number, Vec<u8>, Vec<u8>),
    kyber: (Number, Vec<u8>, Vec<u8>),
    one_time: Option<(Number, Vec<u8>)>,
) -> PyResult<Bound<'_, PyBytes>> {
    let signature = |bytes: &[u8]| bytes.try_into().map_err(|_| Error::BadSignature);
    let numbered = |id: Number, key: &[u8]| decode_ec(key).map(|key| NumberedKey { id: id.0, key });
    let assembled = || {
        let bundle = PreKeyBundle {
            registration_id: owner.0.0,
            device: DeviceId::new(owner.1.0)?,
            identity_key: decode_ec(&owner.2)?,
            one_time: one_time.as_ref().map(|(id, key)| numbered(*id, key)).transpose()?,
            signed: numbered(signed.0, &signed.1)?,
            signed_signature: signature(&signed.2)?,
            kyber_id: kyber.0.0,
            kyber_key: decode_kyber(&kyber.1)?,
            kyber_signature: signature(&kyber.2)?,
        };
        bundle.verify()?;
        Ok::<_, Error>(bundle.encode())
    };
    assembled().map(|bytes| PyBytes::new(py, &bytes)).map_err(|error| errors::protocol(py, error))
}

/// The scannable form of a safety number: each side's id as text and its identity key.
#[pyfunction]
pub fn safety_number(
    py: Python<'_>,
    ours: (String, Vec<u8>),
    theirs: (String, Vec<u8>),
    version: Number,
) -> PyResult<Bound<'_, PyBytes>> {
    let made = || {
        let version = Version::new(version.0)?;
        let (our_id, their_id) = (version.id(&ours.0)?, version.id(&theirs.0)?);
        let (our_key, their_key) = (decode_ec(&ours.1)?, decode_ec(&theirs.1)?);
        let ours = Party { identity_key: &our_key, id: &our_id };
        let theirs = Party { identity_key: &their_key, id: &their_id };
        Ok::<_, Error>(SafetyNumber::new(version, &ours, &theirs).encode())
    };
    made().map(|bytes| PyBytes::new(py, &bytes)).map_err(|error| errors::protocol(py, error))
}

/// The 60 digits that belong to a scannable form.
#[pyfunction]
pub fn safety_number_digits(py: Python<'_>, scannable: &[u8]) -> PyResult<String> {
    let number = SafetyNumber::decode(scannable).map_err(|error| errors::protocol(py, error))?;
    Ok(number.digits())
}

/// Whether what was scanned is the mirror image of our scannable form.
#[pyfunction]
pub fn safety_number_matches(py: Python<'_>, scannable: &[u8], scanned: &[u8]) -> PyResult<bool> {
    SafetyNumber::decode(scannable)
        .and_then(|number| number.compare(scanned))
        .map_err(|error| errors::protocol(py, error))
}

/// Whether `SQLite` would leave out transactions of a write-ahead log that were durable.
#[pyfunction]
pub fn log_is_damaged(py: Python<'_>, log: &[u8]) -> bool {
    py.detach(|| log::is_damaged(log))
}
