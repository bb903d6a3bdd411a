// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the values of `e2ee.values` are checked and read with (docs/formats.md).

use e2ee_signal::{
    DeviceId, PreKeyBundle, account,
    envelope::{self, Kind},
    keys::{decode_ec, encode_ec},
    safety_number::{Party, SafetyNumber, Version},
};
use e2ee_wire::Error;
use pyo3::{prelude::*, types::PyBytes};

use crate::{convert, errors};

/// Refuses a name or a device that cannot be one.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]
pub fn check_address(
    py: Python<'_>,
    #[pyo3(from_py_with = convert::user)] user: String,
    #[pyo3(from_py_with = convert::device)] device: DeviceId,
) -> PyResult<()> {
    let _: DeviceId = device;
    account::check_user(&user).map_err(|error| errors::protocol(py, error))
}

/// What an envelope holds, in one word.
#[pyfunction]
pub fn envelope_kind(py: Python<'_>, envelope: &[u8]) -> PyResult<&'static str> {
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

/// The scannable form of a safety number: each side's id as text and its identity key.
#[pyfunction]
pub fn safety_number<'py>(
    py: Python<'py>,
    ours: (String, Vec<u8>),
    theirs: (String, Vec<u8>),
    version: u32,
) -> PyResult<Bound<'py, PyBytes>> {
    let made = || {
        let version = Version::new(version)?;
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
