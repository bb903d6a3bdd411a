// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verification by a QR code, as `e2ee.matrix` shows it (olm_megolm.md §4).

use e2ee_olm::qr::{Mode, QrCode};
use e2ee_primitives::base64;
use e2ee_wire::Error;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::{errors, signal::refused, transaction::OsRandom};

const MODES: [(&str, Mode); 3] = [
    ("other-user", Mode::OtherUser),
    ("self-trusting", Mode::SelfTrusting),
    ("self-untrusted", Mode::SelfUntrusted),
];

/// What a QR code for verification holds (olm_megolm.md §4).
///
/// Of two users, or of two devices of one, one shows and one scans. Compare the two keys with what
/// the server says, then send `secret` back inside the start.
#[pyclass(frozen, module = "e2ee._core")]
pub struct VerificationCode {
    inner: QrCode,
}

#[pymethods]
impl VerificationCode {
    /// A code to show, with a fresh secret.
    ///
    /// `mode` is `other-user` (our master key, theirs), `self-trusting` (our master key, the key of
    /// the other device) or `self-untrusted` (our device's key, the master key); keys are texts.
    /// Raises `InvalidArgumentError` for another mode or an id of 2¹⁶ bytes or more, and
    /// `MalformedMessageError` for what is no key.
    #[new]
    #[pyo3(signature = (mode, *, transaction, shown_key, expected_key))]
    fn new(
        py: Python<'_>,
        mode: &str,
        transaction: &str,
        shown_key: &str,
        expected_key: &str,
    ) -> PyResult<Self> {
        let mode = MODES.iter().find(|(name, _)| *name == mode).map(|(_, mode)| *mode);
        let mode = mode.ok_or_else(|| errors::protocol(py, Error::InvalidArgument))?;
        let inner = base64::decode_key(shown_key)
            .and_then(|shown| Ok([shown, base64::decode_key(expected_key)?]))
            .and_then(|keys| QrCode::new(mode, transaction, keys, &mut OsRandom));
        Ok(Self { inner: inner.map_err(|error| refused(py, error))? })
    }

    /// The code that these bytes are, which were scanned.
    ///
    /// Raises `UnsupportedVersionError` for another version, and `MalformedMessageError` if it is
    /// no such code.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, code: &[u8]) -> PyResult<Self> {
        Ok(Self { inner: QrCode::decode(code).map_err(|error| refused(py, error))? })
    }

    /// The bytes for the picture, in binary mode.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.encode())
    }

    /// Who shows it: `other-user`, `self-trusting` or `self-untrusted`.
    #[getter]
    fn mode(&self) -> &'static str {
        MODES.iter().find(|(_, mode)| *mode == self.inner.mode).map_or("", |(name, _)| name)
    }

    /// The id of the transaction, or of the event that asked for it in a room.
    #[getter]
    fn transaction(&self) -> &str {
        &self.inner.transaction
    }

    /// The text of the shower's key.
    #[getter]
    fn shown_key(&self) -> String {
        base64::encode(&self.inner.shown_key)
    }

    /// The text of the key that the shower holds to be the scanner's.
    #[getter]
    fn expected_key(&self) -> String {
        base64::encode(&self.inner.expected_key)
    }

    /// The secret's text, which whoever scanned sends back inside `m.key.verification.start`.
    #[getter]
    fn secret<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, &base64::encode(self.inner.secret().expose()))
    }

    /// Whether `secret`, which came back, is ours: they have scanned us, and their person is asked.
    fn was_scanned(&self, secret: &str) -> bool {
        base64::decode(secret).is_ok_and(|secret| self.inner.was_scanned(secret.expose()))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a code is kept by its bytes"))
    }
}
