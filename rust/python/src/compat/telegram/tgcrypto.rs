// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions of `tgcrypto`, from one buffer into new `bytes` (mtproto_secret_chats.md §9).

use e2ee_primitives::{
    cbc_blocks::{CbcBlocksDecryptor, CbcBlocksEncryptor},
    ctr_stream::CtrStream,
    ige::{IgeDecryptor, IgeEncryptor, Stream},
};
use e2ee_wire::Error;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyTuple},
};

use super::arguments::{self, SERIAL, Told, exactly, given};
use crate::{
    errors,
    given::{Given, released},
};

/// Encrypts whole blocks with AES-256-IGE; the IV is 32 bytes.
///
/// Raises `ValueError` for no data, a part of a block, and another length of key or IV
/// (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (*all), text_signature = "(data, key, iv, /)")]
pub fn compat_ige256_encrypt<'py>(all: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyBytes>> {
    let [data, key, iv] = &exactly(all)?;
    ige::<IgeEncryptor>(data, key, iv)
}

/// Decrypts whole blocks with AES-256-IGE; the IV is 32 bytes.
///
/// Nothing says whether they were altered. Raises `ValueError` for no data, a part of a block, and
/// another length of key or IV (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (*all), text_signature = "(data, key, iv, /)")]
pub fn compat_ige256_decrypt<'py>(all: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyBytes>> {
    let [data, key, iv] = &exactly(all)?;
    ige::<IgeDecryptor>(data, key, iv)
}

/// Encrypts or decrypts any number of bytes with AES-256-CTR, which is the same.
///
/// The IV is the counter, 16 bytes, big-endian, which wraps around; the state is one byte, how many
/// bytes of its block are used. Both are updated if they can be written. Raises `ValueError` for no
/// data, and another length or value of an argument (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (*all), text_signature = "(data, key, iv, state, /)")]
pub fn compat_ctr256<'py>(all: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyBytes>> {
    let [data, key, iv, state] = &exactly(all)?;
    let py = data.py();
    let (data, key) = (given(data)?, given(key)?);
    let (iv, state) = (Told::read(iv)?, Told::read(state)?);
    arguments::check_some(data.len())?;
    let mut stream = ctr(&key, &iv, &state)?;
    let out = output(py, &data, 1, |from, to| stream.apply_into(from, to))?;
    tell_ctr(py, &stream, (&iv, &state))?;
    Ok(out)
}

/// Encrypts whole blocks with AES-256-CBC, without padding; the IV is 16 bytes.
///
/// It becomes the last ciphertext block, if it can be written. Raises `ValueError` for no data, a part
/// of a block, and another length of key or IV (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (*all), text_signature = "(data, key, iv, /)")]
pub fn compat_cbc256_encrypt<'py>(all: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyBytes>> {
    let [data, key, iv] = &exactly(all)?;
    let py = data.py();
    let (data, key, iv) = (given(data)?, given(key)?, Told::read(iv)?);
    arguments::check_blocks(data.len())?;
    let key = arguments::key(&key)?;
    let mut cipher = CbcBlocksEncryptor::new(&key, &arguments::block_iv(iv.bytes())?);
    let out = output(py, &data, SERIAL, |from, to| cipher.encrypt_into(from, to))?;
    iv.tell(py, &cipher.place())?;
    Ok(out)
}

/// Decrypts whole blocks with AES-256-CBC, without padding; the IV is 16 bytes.
///
/// It becomes the last ciphertext block, if it can be written. Nothing says whether the blocks were
/// altered. Raises `ValueError` for no data, a part of a block, and another length of key or IV
/// (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (*all), text_signature = "(data, key, iv, /)")]
pub fn compat_cbc256_decrypt<'py>(all: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyBytes>> {
    let [data, key, iv] = &exactly(all)?;
    let py = data.py();
    let (data, key, iv) = (given(data)?, given(key)?, Told::read(iv)?);
    arguments::check_blocks(data.len())?;
    let key = arguments::key(&key)?;
    let mut cipher = CbcBlocksDecryptor::new(&key, &arguments::block_iv(iv.bytes())?);
    let out = output(py, &data, 1, |from, to| cipher.decrypt_into(from, to))?;
    iv.tell(py, &cipher.place())?;
    Ok(out)
}

fn ige<'py, C: Stream>(
    data: &Bound<'py, PyAny>,
    key: &Bound<'py, PyAny>,
    iv: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let py = data.py();
    let (data, key, iv) = (given(data)?, given(key)?, given(iv)?);
    arguments::check_blocks(data.len())?;
    let mut cipher = C::start(&arguments::key(&key)?, &arguments::ige_iv(&iv)?);
    output(py, &data, SERIAL, |from, to| cipher.apply_into(from, to))
}

/// The stream that goes on where these arguments say.
pub(super) fn ctr(key: &[u8], iv: &Told, state: &Told) -> PyResult<CtrStream> {
    let (key, block) = (arguments::key(key)?, arguments::block_iv(iv.bytes())?);
    let used = arguments::state(state.bytes())?;
    CtrStream::resume(&key, &block, used).map_err(refused)
}

/// Tells IV and state where it goes on.
pub(super) fn tell_ctr(
    py: Python<'_>,
    stream: &CtrStream,
    (iv, state): (&Told, &Told),
) -> PyResult<()> {
    let (block, used) = stream.place();
    iv.tell(py, &block)?;
    state.tell(py, &[used])
}

/// New `bytes`, as long as the data, made with the interpreter released if that takes long.
pub(super) fn output<'py>(
    py: Python<'py>,
    data: &Given,
    slowness: usize,
    work: impl FnOnce(&[u8], &mut [u8]) -> Result<(), Error> + Send,
) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, data.len(), |out| {
        let cost = data.len().saturating_mul(slowness);
        released(py, cost, || work(data, out)).map_err(refused)
    })
}

/// What the core refuses although it was judged here.
pub(super) fn refused(error: Error) -> PyErr {
    Python::attach(|py| errors::protocol(py, error))
}
