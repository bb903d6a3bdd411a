// SPDX-License-Identifier: MIT OR Apache-2.0
//! Encryption to a public key, and signatures from a seed, as `e2ee.compat` shows them
//! (olm_megolm.md §5).

use e2ee_olm::pk::{PkDecryption, PkMessage, encrypt};
use e2ee_primitives::{Secret, ed25519::SigningKey, x25519::PublicKey};
use e2ee_wire::Error;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use super::{
    errors::Class,
    keys::{Curve25519PublicKey, Curve25519SecretKey, Ed25519PublicKey, Ed25519Signature},
};
use crate::transaction::OsRandom;

/// Ephemeral key, MAC and ciphertext.
type Parts<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// Encrypts to a public key; raises `KeyException` if it cannot be used.
///
/// Gives the key that was made for the message, its MAC, which is not one of the ciphertext, and
/// the ciphertext.
#[pyfunction]
#[pyo3(signature = (key, plaintext, /))]
pub fn compat_pk_encrypt<'py>(
    py: Python<'py>,
    key: &Curve25519PublicKey,
    plaintext: &[u8],
) -> PyResult<Parts<'py>> {
    let sealed = encrypt(&key.0, plaintext, &mut OsRandom);
    let PkMessage { ephemeral, mac, ciphertext } =
        sealed.map_err(|error| Class::Key.raise(py, error))?;
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    Ok((bytes(ephemeral.as_bytes()), bytes(&mac), bytes(&ciphertext)))
}

/// Opens a message to a public key, whoever made it; raises `PkDecodeException` if it was made to
/// another.
#[pyfunction]
#[pyo3(signature = (key, message_key, mac, ciphertext, /))]
pub fn compat_pk_decrypt<'py>(
    py: Python<'py>,
    key: &Curve25519SecretKey,
    message_key: &[u8],
    mac: &[u8],
    ciphertext: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let opened = read(message_key, mac, ciphertext).and_then(|message| {
        PkDecryption::from_bytes(&Secret::new(*key.0.expose())).decrypt(&message)
    });
    let plaintext = opened.map_err(|error| Class::PkDecode.raise(py, error))?;
    Ok(PyBytes::new(py, plaintext.expose()))
}

fn read(message_key: &[u8], mac: &[u8], ciphertext: &[u8]) -> Result<PkMessage, Error> {
    let ephemeral = message_key.try_into().map_err(|_| Error::Malformed)?;
    let mac = mac.try_into().map_err(|_| Error::Malformed)?;
    Ok(PkMessage { ephemeral: PublicKey::new(ephemeral), mac, ciphertext: ciphertext.to_vec() })
}

/// A key that signs, from 32 bytes which a secret storage keeps.
#[pyclass(frozen, module = "e2ee._core", name = "CompatSigningKey")]
pub struct PkSigning(SigningKey);

#[pymethods]
impl PkSigning {
    /// The key of 32 bytes; raises `KeyException` for another length.
    #[new]
    #[pyo3(signature = (key, /))]
    fn new(py: Python<'_>, key: &[u8]) -> PyResult<Self> {
        let seed = Secret::from_slice(key);
        let seed = seed.ok_or_else(|| Class::Key.raise(py, Error::InvalidKey))?;
        Ok(Self(SigningKey::from_seed(seed)))
    }

    /// The public half.
    #[getter]
    fn public_key(&self) -> Ed25519PublicKey {
        Ed25519PublicKey::of(self.0.public())
    }

    /// The signature of a message.
    fn sign(&self, message: &[u8]) -> Ed25519Signature {
        Ed25519Signature(self.0.sign(message))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("a key cannot be copied"))
    }
}
