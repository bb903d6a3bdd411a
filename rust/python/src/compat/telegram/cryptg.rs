// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions of `cryptg` (mtproto_secret_chats.md §9).

use e2ee_mtproto::factor::factors;
use e2ee_primitives::{
    Random as _, Secret,
    ige::{IgeDecryptor, IgeEncryptor},
};
use e2ee_wire::Error;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::PyBytes,
};

use super::{
    arguments::{BLOCK_LEN, SERIAL},
    tgcrypto::refused,
};
use crate::{given::released, transaction::OsRandom};

/// Encrypts with AES-256-IGE; what is no whole block at the end is filled up with random bytes.
///
/// Raises `ValueError` for another length of key or IV than 32, `TypeError` for anything but `bytes`
/// (mtproto_secret_chats.md §9).
#[pyfunction]
pub fn compat_encrypt_ige<'py>(
    plain: &Bound<'py, PyAny>,
    key: &Bound<'py, PyAny>,
    iv: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (py, plain) = (plain.py(), bytes(plain, "plain")?);
    let (key, iv) = secrets(bytes(key, "key")?, bytes(iv, "iv")?)?;
    let padded = plain.len().next_multiple_of(BLOCK_LEN);
    PyBytes::new_with(py, padded, |out| {
        let cost = padded.saturating_mul(SERIAL);
        released(py, cost, || encrypt(&mut IgeEncryptor::new(&key, &iv), plain, out))
            .map_err(refused)
    })
}

/// Decrypts whole blocks with AES-256-IGE.
///
/// Nothing says whether they were altered. Raises `ValueError` for a part of a block and for another
/// length of key or IV than 32, `TypeError` for anything but `bytes` (mtproto_secret_chats.md §9).
#[pyfunction]
pub fn compat_decrypt_ige<'py>(
    cipher: &Bound<'py, PyAny>,
    key: &Bound<'py, PyAny>,
    iv: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (py, cipher) = (cipher.py(), bytes(cipher, "cipher")?);
    let (key, iv) = secrets(bytes(key, "key")?, bytes(iv, "iv")?)?;
    if !cipher.len().is_multiple_of(BLOCK_LEN) {
        return Err(PyValueError::new_err("len(cipher) % 16 != 0"));
    }
    PyBytes::new_with(py, cipher.len(), |out| {
        let cost = cipher.len().saturating_mul(SERIAL);
        released(py, cost, || IgeDecryptor::new(&key, &iv).decrypt_into(cipher, out))
            .map_err(refused)
    })
}

/// The two factors of a number of 64 bits, the smaller one first.
///
/// Raises `ValueError` for 0, 1 and primes (mtproto_secret_chats.md §9).
#[pyfunction]
pub fn compat_factorize_pq_pair(py: Python<'_>, pq: u64) -> PyResult<(u64, u64)> {
    let found = py.detach(|| factors(pq));
    found.map_err(|_| PyValueError::new_err("pq has no two factors"))
}

/// What a `bytes` object holds; the text for another one is that of the package.
fn bytes<'a>(object: &'a Bound<'_, PyAny>, name: &str) -> PyResult<&'a [u8]> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(bytes.as_bytes());
    }
    let kind = object.get_type().name()?;
    let text = format!("argument '{name}': '{kind}' object is not an instance of 'bytes'");
    Err(PyTypeError::new_err(text))
}

fn secrets(key: &[u8], iv: &[u8]) -> PyResult<(Secret<32>, Secret<32>)> {
    let key = Secret::from_slice(key).ok_or_else(|| PyValueError::new_err("len(key) != 32"))?;
    let iv = Secret::from_slice(iv).ok_or_else(|| PyValueError::new_err("len(iv) != 32"))?;
    Ok((key, iv))
}

fn encrypt(cipher: &mut IgeEncryptor, from: &[u8], out: &mut [u8]) -> Result<(), Error> {
    let (blocks, rest) = from.as_chunks::<BLOCK_LEN>();
    let blocks = blocks.as_flattened();
    let (whole, last) = out.split_at_mut(blocks.len());
    if let Some((start, padding)) = last.split_at_mut_checked(rest.len()) {
        start.copy_from_slice(rest);
        OsRandom.fill(padding)?;
    }
    cipher.encrypt_into(blocks, whole)?;
    cipher.encrypt(last)
}
