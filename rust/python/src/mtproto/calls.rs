// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls, as `e2ee.mtproto` shows them (mtproto_secret_chats.md §8).

use e2ee_mtproto::{
    call::{Call as CoreCall, CallAnswer as CoreAnswer, CallOffer as CoreOffer},
    packets::Channel,
};
use e2ee_primitives::SecretBytes;
use e2ee_wire::Error;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use super::group::DhGroup;
use crate::{errors, olm::sas::taken, own::Own, signal::refused, transaction::OsRandom};

/// The caller's half of a call (mtproto_secret_chats.md §8), for one agreement.
///
/// It gives the callee a commitment; the public value itself follows from `confirm`, since nobody
/// may see it before the callee has answered.
#[pyclass(frozen, module = "e2ee._core")]
pub struct CallOffer {
    inner: Own<Option<CoreOffer>>,
    commitment: [u8; 32],
}

#[pymethods]
impl CallOffer {
    /// A fresh half.
    ///
    /// The random bytes that a server sends beside its group are not needed: the system's are good.
    #[new]
    fn new(py: Python<'_>, group: &DhGroup) -> PyResult<Self> {
        let made = py.detach(|| CoreOffer::new(&group.inner, &[], &mut OsRandom));
        let offer = made.map_err(|error| refused(py, error))?;
        let commitment = offer.commitment();
        Ok(Self { inner: Own::new(Some(offer)), commitment })
    }

    /// The hash of our public value, 32 bytes: `g_a_hash` of `phone.requestCall`.
    #[getter]
    fn commitment<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.commitment)
    }

    /// Ends this half with the callee's `g_b`, up to 256 bytes: the call.
    ///
    /// Its `caller_public_value` and `fingerprint` are for `phone.confirmCall`. Raises `InvalidKeyError` for a value out of range: discard the call then.
    fn confirm(&self, py: Python<'_>, their_public: &[u8]) -> PyResult<Call> {
        let offer = taken(py, &self.inner)?;
        Call::of(py, py.detach(|| offer.confirm(their_public)))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a call cannot be copied"))
    }
}

/// The callee's half of a call (mtproto_secret_chats.md §8), for one agreement.
#[pyclass(frozen, module = "e2ee._core")]
pub struct CallAnswer {
    inner: Own<Option<CoreAnswer>>,
    public: Vec<u8>,
}

#[pymethods]
impl CallAnswer {
    /// A fresh half for the caller's commitment, 32 bytes: `g_a_hash` of `phoneCallRequested`.
    ///
    /// Raises `InvalidArgumentError` for another length.
    #[new]
    fn new(py: Python<'_>, group: &DhGroup, commitment: &[u8]) -> PyResult<Self> {
        let commitment = commitment.try_into().map_err(|_| refused(py, Error::InvalidArgument))?;
        let made = py.detach(|| CoreAnswer::new(&group.inner, commitment, &[], &mut OsRandom));
        let answer = made.map_err(|error| refused(py, error))?;
        let public = answer.public().as_sent().to_vec();
        Ok(Self { inner: Own::new(Some(answer)), public })
    }

    /// Our public value, up to 256 bytes: `g_b` of `phone.acceptCall`.
    #[getter]
    fn public_value<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.public)
    }

    /// Ends this half with the caller's `g_a` as it came and its fingerprint: the call.
    ///
    /// Both are in `phoneCall`. Raises `AuthenticationError` if the value is not the one of the commitment, or the key not
    /// the one of the fingerprint, and `InvalidKeyError` for a value out of range: discard the call
    /// then.
    fn confirm(&self, py: Python<'_>, their_public: &[u8], fingerprint: i64) -> PyResult<Call> {
        let answer = taken(py, &self.inner)?;
        Call::of(py, py.detach(|| answer.confirm(their_public, fingerprint)))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a call cannot be copied"))
    }
}

/// A call on whose key both ends agree, if both people see the same emoji.
///
/// mtproto_secret_chats.md §8. No other client was compared with: emoji and packets follow the formulas.
#[pyclass(frozen, module = "e2ee._core")]
pub struct Call {
    inner: Own<CoreCall>,
}

impl Call {
    fn of(py: Python<'_>, inner: Result<CoreCall, Error>) -> PyResult<Self> {
        Ok(Self { inner: Own::new(inner.map_err(|error| refused(py, error))?) })
    }
}

#[pymethods]
impl Call {
    /// Four emoji that both people must see alike, before they speak of anything.
    #[getter]
    fn emoji(&self, py: Python<'_>) -> PyResult<(&str, &str, &str, &str)> {
        let [first, second, third, fourth] = self.inner.lock(py)?.emoji();
        Ok((first, second, third, fourth))
    }

    /// The caller's public value, up to 256 bytes: `g_a` of `phone.confirmCall`.
    #[getter]
    fn caller_public_value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.inner.lock(py)?.caller_public().as_sent()))
    }

    /// The fingerprint of the key, a signed number of 64 bits.
    #[getter]
    fn fingerprint(&self, py: Python<'_>) -> PyResult<i64> {
        Ok(self.inner.lock(py)?.fingerprint())
    }

    /// The packet of a body, 16 bytes longer.
    ///
    /// The body is a sequence number of four bytes, big-endian, and what it numbers. `channel` is "transport" between the two ends, "signaling" through the server; the same body
    /// gives the same packet, so no number comes twice. Raises `InvalidArgumentError` for another
    /// channel.
    #[pyo3(signature = (body, *, channel = "transport"))]
    fn seal<'py>(
        &self,
        py: Python<'py>,
        body: &[u8],
        channel: &str,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (channel, mut packet) = (channel_of(py, channel)?, Vec::new());
        let sealed = self.inner.lock(py)?.seal(channel, body, &mut packet);
        sealed.map_err(|error| refused(py, error))?;
        Ok(PyBytes::new(py, &packet))
    }

    /// The body of a packet of the other end.
    ///
    /// A packet that came before opens again: keep the sequence numbers that came. Raises
    /// `AuthenticationError` for everything that the other end did not seal on this channel, and
    /// `InvalidArgumentError` for another channel.
    #[pyo3(signature = (packet, *, channel = "transport"))]
    fn open<'py>(
        &self,
        py: Python<'py>,
        packet: &[u8],
        channel: &str,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let opened = self.inner.lock(py)?.open(channel_of(py, channel)?, packet);
        let body: SecretBytes = opened.map_err(|error| refused(py, error))?;
        Ok(PyBytes::new(py, body.expose()))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a call cannot be copied"))
    }
}

fn channel_of(py: Python<'_>, name: &str) -> PyResult<Channel> {
    match name {
        "transport" => Ok(Channel::Transport),
        "signaling" => Ok(Channel::Signaling),
        _ => Err(errors::protocol(py, Error::InvalidArgument)),
    }
}
