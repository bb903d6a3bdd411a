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

/// Whether an envelope holds a "prekey" message or a later "message".
#[pyfunction]
pub fn envelope_kind(py: Python<'_>, envelope: &[u8]) -> PyResult<&'static str> {
    match envelope::decode(envelope) {
        Ok((Kind::PreKey, _)) => Ok("prekey"),
        Ok((Kind::Ratchet, _)) => Ok("message"),
        Err(error) => Err(errors::protocol(py, error)),
    }
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
