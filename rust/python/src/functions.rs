// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the values of `e2ee.values` are checked and read with (docs/formats.md).

use e2ee_signal::{
    DeviceId, PreKeyBundle, account,
    envelope::{self, Kind},
    keys::encode_ec,
};
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
