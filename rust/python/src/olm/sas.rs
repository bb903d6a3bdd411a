// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verification by short strings, as `e2ee.matrix` shows it (olm_megolm.md §4).

use std::collections::BTreeMap;

use e2ee_olm::sas::{
    self, Acceptor, Between, Established, KeyAgreement, KeyMacs, NamedKey, Starter,
};
use e2ee_primitives::{base64, x25519::PublicKey};
use e2ee_wire::Error;
use pyo3::{exceptions::PyTypeError, prelude::*};

use crate::{errors, own::Own, signal::refused, transaction::OsRandom};

/// User and device.
type Side = (String, String);

fn between(ours: Side, theirs: Side, transaction: String) -> Between {
    let ((our_user, our_device), (their_user, their_device)) = (ours, theirs);
    Between { our_user, our_device, their_user, their_device, transaction }
}

/// The public key of a text.
pub fn key_of(text: &str) -> Result<PublicKey, Error> {
    base64::decode_key(text).map(PublicKey::new)
}

/// Ends what a lock holds.
pub fn taken<T>(py: Python<'_>, inner: &Own<Option<T>>) -> PyResult<T> {
    inner.lock(py)?.take().ok_or_else(|| errors::stale(py))
}

/// The text of a public key behind a lock.
fn shown<T>(
    py: Python<'_>,
    inner: &Own<Option<T>>,
    key: impl FnOnce(&T) -> &PublicKey,
) -> PyResult<String> {
    let held = inner.lock(py)?;
    let held = held.as_ref().ok_or_else(|| errors::stale(py))?;
    Ok(base64::encode(key(held).as_bytes()))
}

/// The side of a verification that sent the start (olm_megolm.md §4).
#[pyclass(frozen, module = "e2ee._core")]
pub struct SasStarter {
    inner: Own<Option<Starter>>,
}

#[pymethods]
impl SasStarter {
    /// A fresh key; `commitment` is the text that the acceptance carries.
    ///
    /// Raises `MalformedMessageError` if it is no text of 32 bytes.
    #[new]
    fn new(py: Python<'_>, commitment: &str) -> PyResult<Self> {
        let commitment = base64::decode_key(commitment);
        let inner = commitment.and_then(|commitment| Starter::new(commitment, &mut OsRandom));
        Ok(Self { inner: Own::new(Some(inner.map_err(|error| refused(py, error))?)) })
    }

    /// The key's text for `m.key.verification.key`.
    #[getter]
    fn public_key(&self, py: Python<'_>) -> PyResult<String> {
        shown(py, &self.inner, Starter::public_key)
    }

    /// Ends this side with their key: what people compare follows.
    ///
    /// `start` is the canonical JSON of the content of the start that was sent; `ours` and `theirs`
    /// are user and device. Raises `AuthenticationError` if their key is not the one of the
    /// commitment, and `InvalidKeyError` or `MalformedMessageError` if it is none: cancel then.
    #[pyo3(signature = (their_key, start, *, ours, theirs, transaction))]
    fn agree(
        &self,
        py: Python<'_>,
        their_key: &str,
        start: &[u8],
        ours: Side,
        theirs: Side,
        transaction: String,
    ) -> PyResult<Sas> {
        let starter = taken(py, &self.inner)?;
        let key = key_of(their_key).map_err(|error| refused(py, error))?;
        Sas::of(py, starter.agree(&key, start, between(ours, theirs, transaction)))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a verification cannot be copied"))
    }
}

/// The side of a verification that accepted the start (olm_megolm.md §4).
#[pyclass(frozen, module = "e2ee._core")]
pub struct SasAcceptor {
    inner: Own<Option<Acceptor>>,
}

#[pymethods]
impl SasAcceptor {
    /// A fresh key.
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let inner = Acceptor::new(&mut OsRandom).map_err(|error| refused(py, error))?;
        Ok(Self { inner: Own::new(Some(inner)) })
    }

    /// The commitment's text for the acceptance.
    ///
    /// `start` is the canonical JSON of the content of the start that came.
    fn commitment(&self, py: Python<'_>, start: &[u8]) -> PyResult<String> {
        let held = self.inner.lock(py)?;
        let held = held.as_ref().ok_or_else(|| errors::stale(py))?;
        Ok(base64::encode(&held.commitment(start)))
    }

    /// The key's text for `m.key.verification.key`, to be sent once the starter's has come.
    #[getter]
    fn public_key(&self, py: Python<'_>) -> PyResult<String> {
        shown(py, &self.inner, Acceptor::public_key)
    }

    /// Ends this side with their key: what people compare follows.
    ///
    /// `ours` and `theirs` are user and device. Raises `InvalidKeyError` or `MalformedMessageError`
    /// if their key is none: cancel then.
    #[pyo3(signature = (their_key, *, ours, theirs, transaction))]
    fn agree(
        &self,
        py: Python<'_>,
        their_key: &str,
        ours: Side,
        theirs: Side,
        transaction: String,
    ) -> PyResult<Sas> {
        let acceptor = taken(py, &self.inner)?;
        let key = key_of(their_key).map_err(|error| refused(py, error))?;
        Sas::of(py, acceptor.agree(&key, between(ours, theirs, transaction)))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a verification cannot be copied"))
    }
}

/// A verification in which both keys are known (olm_megolm.md §4).
#[pyclass(frozen, module = "e2ee._core")]
pub struct Sas {
    inner: Established,
}

impl Sas {
    fn of(py: Python<'_>, inner: Result<Established, Error>) -> PyResult<Self> {
        Ok(Self { inner: inner.map_err(|error| refused(py, error))? })
    }
}

#[pymethods]
impl Sas {
    /// Seven emoji that both people must see alike.
    ///
    /// Each is its number in Matrix's table and its name in English. Raises `InvalidArgumentError` for an agreement that is not known.
    #[pyo3(signature = (*, agreement = "curve25519-hkdf-sha256"))]
    fn emoji(&self, py: Python<'_>, agreement: &str) -> PyResult<Vec<(u8, &'static str)>> {
        let string = self.inner.short_string(agreement_of(py, agreement)?);
        let named = |place: u8| Some((place, *sas::EMOJI_NAMES.get(usize::from(place))?));
        Ok(string.emoji().into_iter().filter_map(named).collect())
    }

    /// Three numbers from 1000 to 9191 that both people must see alike.
    ///
    /// Raises `InvalidArgumentError` for an agreement that is not known.
    #[pyo3(signature = (*, agreement = "curve25519-hkdf-sha256"))]
    fn decimal(&self, py: Python<'_>, agreement: &str) -> PyResult<(u16, u16, u16)> {
        let [first, second, third] =
            self.inner.short_string(agreement_of(py, agreement)?).decimal();
        Ok((first, second, third))
    }

    /// `mac` and `keys` of `m.key.verification.mac`: vouches for our keys, texts under their ids.
    ///
    /// Call it once both people have said that they see the same. Raises `InvalidArgumentError` for
    /// a method that is not known.
    #[pyo3(signature = (keys, *, method = "hkdf-hmac-sha256.v2"))]
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn mac_keys(
        &self,
        py: Python<'_>,
        keys: BTreeMap<String, String>,
        method: &str,
    ) -> PyResult<(BTreeMap<String, String>, String)> {
        let macs = self.inner.mac_keys(method_of(py, method)?, &named(&keys));
        Ok((macs.keys.into_iter().collect(), macs.ids))
    }

    /// The ids of those `known` keys of theirs that `mac` and `keys` of their message vouch for.
    ///
    /// `known` are the keys that the server says are theirs. A device whose id is the text of a
    /// cross-signing key must not be among them. Raises `AuthenticationError` if anything is wrong
    /// or no key is known, and nothing is verified then: cancel.
    #[pyo3(signature = (mac, keys, known, *, method = "hkdf-hmac-sha256.v2"))]
    #[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
    fn verify_keys(
        &self,
        py: Python<'_>,
        mac: BTreeMap<String, String>,
        keys: String,
        known: BTreeMap<String, String>,
        method: &str,
    ) -> PyResult<Vec<String>> {
        let macs = KeyMacs { keys: mac.into_iter().collect(), ids: keys };
        let verified = self.inner.verify_keys(method_of(py, method)?, &macs, &named(&known));
        let verified = verified.map_err(|error| refused(py, error))?;
        Ok(verified.into_iter().map(str::to_owned).collect())
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a verification cannot be copied"))
    }
}

fn named(keys: &BTreeMap<String, String>) -> Vec<NamedKey<'_>> {
    keys.iter().map(|(id, text)| NamedKey { id, text }).collect()
}

fn agreement_of(py: Python<'_>, name: &str) -> PyResult<KeyAgreement> {
    match name {
        "curve25519-hkdf-sha256" => Ok(KeyAgreement::Curve25519HkdfSha256),
        "curve25519" => Ok(KeyAgreement::Curve25519),
        _ => Err(errors::protocol(py, Error::InvalidArgument)),
    }
}

fn method_of(py: Python<'_>, name: &str) -> PyResult<sas::MacMethod> {
    match name {
        "hkdf-hmac-sha256.v2" => Ok(sas::MacMethod::HkdfHmacSha256V2),
        "hkdf-hmac-sha256" => Ok(sas::MacMethod::HkdfHmacSha256),
        _ => Err(errors::protocol(py, Error::InvalidArgument)),
    }
}
