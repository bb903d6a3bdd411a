// SPDX-License-Identifier: MIT OR Apache-2.0
//! Short strings to compare, as `e2ee.compat.vodozemac` shows them (olm_megolm.md §4).

use core::mem;

use e2ee_olm::sas::{
    MacMethod, ShortString,
    plain::{PlainEstablished, PlainSas},
};
use e2ee_primitives::x25519::PublicKey;
use e2ee_wire::Error;
use pyo3::{prelude::*, types::PyBytes};

use super::{errors::Class, keys::Curve25519PublicKey};
use crate::transaction::OsRandom;

/// One side of a verification, until it knows the other's key.
#[pyclass(module = "e2ee._core", name = "CompatSas")]
pub struct Sas {
    public: PublicKey,
    own: Own,
}

enum Own {
    Fresh(PlainSas),
    Used,
}

#[pymethods]
impl Sas {
    /// A side with a fresh key.
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let own = PlainSas::new(&mut OsRandom).map_err(|error| Class::Sas.raise(py, error))?;
        Ok(Self { public: *own.public_key(), own: Own::Fresh(own) })
    }

    /// The key for the other side.
    #[getter]
    fn public_key(&self) -> Curve25519PublicKey {
        Curve25519PublicKey(self.public)
    }

    /// What both sides share, once; raises `KeyException` if their key cannot be used, and
    /// `SasException` the second time.
    fn diffie_hellman(
        &mut self,
        py: Python<'_>,
        key: &Curve25519PublicKey,
    ) -> PyResult<EstablishedSas> {
        let Own::Fresh(own) = mem::replace(&mut self.own, Own::Used) else {
            return Err(Class::Sas.raise(py, Error::InvalidArgument));
        };
        own.agree(&key.0).map(EstablishedSas).map_err(|error| Class::Key.raise(py, error))
    }
}

/// Both sides share a secret; whether nobody stands between them, only the comparison says.
#[pyclass(frozen, module = "e2ee._core", name = "CompatEstablishedSas")]
pub struct EstablishedSas(PlainEstablished);

#[pymethods]
impl EstablishedSas {
    /// What both people must see alike, under a text that both programs make.
    fn bytes(&self, info: &str) -> SasBytes {
        SasBytes(self.0.short_string(info))
    }

    /// So many bytes under a text, at most 8160.
    fn raw_bytes<'py>(
        &self,
        py: Python<'py>,
        info: &str,
        length: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.0.bytes(info, length).map_err(|error| Class::Sas.raise(py, error))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The MAC of a text, in base64.
    fn calculate_mac(&self, input: &str, info: &str) -> String {
        self.0.mac(MacMethod::HkdfHmacSha256V2, input, info)
    }

    /// The MAC of a text in the broken base64 of libolm, for old peers.
    fn calculate_mac_invalid_base64(&self, input: &str, info: &str) -> String {
        self.0.mac(MacMethod::HkdfHmacSha256, input, info)
    }

    /// The MAC of a text as programs before 2019 made it.
    fn calculate_mac_long_kdf(&self, input: &str, info: &str) -> String {
        self.0.long_mac(input, info)
    }

    /// Raises `SasException` unless the MAC is that of the text; compared in constant time.
    fn verify_mac(&self, py: Python<'_>, input: &str, info: &str, tag: &str) -> PyResult<()> {
        let verified = self.0.verify_mac(MacMethod::HkdfHmacSha256V2, input, info, tag);
        verified.map_err(|error| Class::Sas.raise(py, error))
    }
}

/// What two people compare, in two forms.
#[pyclass(frozen, module = "e2ee._core", name = "CompatSasBytes")]
pub struct SasBytes(ShortString);

#[pymethods]
impl SasBytes {
    /// Seven places in the list of emoji, a byte each.
    #[getter]
    fn emoji_indices<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.emoji())
    }

    /// Three numbers from 1000 to 9191.
    #[getter]
    fn decimals(&self) -> (u16, u16, u16) {
        let [first, second, third] = self.0.decimal();
        (first, second, third)
    }
}
