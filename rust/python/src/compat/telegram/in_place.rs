// SPDX-License-Identifier: MIT OR Apache-2.0
//! The same modes over a buffer in its place, for files that would not fit into memory twice
//! (mtproto_secret_chats.md §9).
//!
//! Such a buffer can be written by other threads. While the interpreter is held they are Python's
//! own and stand still; what is worked on while it is released is therefore a copy, a piece at a time.
//! Whoever writes into the buffer meanwhile spoils what is in it and nothing else. It cannot be resized,
//! since it is exported.

use e2ee_primitives::{
    SecretBytes,
    cbc_blocks::{CbcBlocksDecryptor, CbcBlocksEncryptor},
    ige::{IgeDecryptor, IgeEncryptor, Stream},
};
use e2ee_wire::Error;
use pyo3::{
    buffer::PyBuffer,
    exceptions::PyTypeError,
    intern,
    prelude::*,
    types::{PyMemoryView, PySlice},
};

use super::{
    arguments::{self, SERIAL, Told, buffer, given},
    tgcrypto::{ctr, refused, tell_ctr},
};
use crate::given::released;

/// Encrypts whole blocks with AES-256-IGE in a writable buffer, in their place.
///
/// Raises `ValueError` as `compat_ige256_encrypt` does, `TypeError` if the buffer cannot be written,
/// `BufferError` if it is not in one piece (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (buffer, key, iv, /))]
pub fn compat_ige256_encrypt_in_place(
    buffer: &Bound<'_, PyAny>,
    key: &Bound<'_, PyAny>,
    iv: &Bound<'_, PyAny>,
) -> PyResult<()> {
    ige::<IgeEncryptor>(buffer, key, iv)
}

/// Decrypts whole blocks with AES-256-IGE in a writable buffer, in their place.
///
/// Raises `ValueError` as `compat_ige256_decrypt` does, `TypeError` if the buffer cannot be written,
/// `BufferError` if it is not in one piece (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (buffer, key, iv, /))]
pub fn compat_ige256_decrypt_in_place(
    buffer: &Bound<'_, PyAny>,
    key: &Bound<'_, PyAny>,
    iv: &Bound<'_, PyAny>,
) -> PyResult<()> {
    ige::<IgeDecryptor>(buffer, key, iv)
}

/// Encrypts or decrypts a writable buffer with AES-256-CTR, in its place; IV and state are updated.
///
/// Raises `ValueError` as `compat_ctr256` does, `TypeError` if the buffer cannot be written,
/// `BufferError` if it is not in one piece (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (buffer, key, iv, state, /))]
pub fn compat_ctr256_in_place(
    buffer: &Bound<'_, PyAny>,
    key: &Bound<'_, PyAny>,
    iv: &Bound<'_, PyAny>,
    state: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let py = buffer.py();
    let (buffer, key) = (Writable::of(buffer)?, given(key)?);
    let (iv, state) = (Told::read(iv)?, Told::read(state)?);
    arguments::check_some(buffer.len())?;
    let mut stream = ctr(&key, &iv, &state)?;
    buffer.change(1, |piece| stream.apply(piece))?;
    tell_ctr(py, &stream, (&iv, &state))
}

/// Encrypts whole blocks with AES-256-CBC in a writable buffer, in their place; the IV is updated.
///
/// Raises `ValueError` as `compat_cbc256_encrypt` does, `TypeError` if the buffer cannot be written,
/// `BufferError` if it is not in one piece (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (buffer, key, iv, /))]
pub fn compat_cbc256_encrypt_in_place(
    buffer: &Bound<'_, PyAny>,
    key: &Bound<'_, PyAny>,
    iv: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let py = buffer.py();
    let (buffer, key, iv) = (Writable::of(buffer)?, given(key)?, Told::read(iv)?);
    arguments::check_blocks(buffer.len())?;
    let key = arguments::key(&key)?;
    let mut cipher = CbcBlocksEncryptor::new(&key, &arguments::block_iv(iv.bytes())?);
    buffer.change(SERIAL, |piece| cipher.encrypt(piece))?;
    iv.tell(py, &cipher.place())
}

/// Decrypts whole blocks with AES-256-CBC in a writable buffer, in their place; the IV is updated.
///
/// Raises `ValueError` as `compat_cbc256_decrypt` does, `TypeError` if the buffer cannot be written,
/// `BufferError` if it is not in one piece (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (buffer, key, iv, /))]
pub fn compat_cbc256_decrypt_in_place(
    buffer: &Bound<'_, PyAny>,
    key: &Bound<'_, PyAny>,
    iv: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let py = buffer.py();
    let (buffer, key, iv) = (Writable::of(buffer)?, given(key)?, Told::read(iv)?);
    arguments::check_blocks(buffer.len())?;
    let key = arguments::key(&key)?;
    let mut cipher = CbcBlocksDecryptor::new(&key, &arguments::block_iv(iv.bytes())?);
    buffer.change(1, |piece| cipher.decrypt(piece))?;
    iv.tell(py, &cipher.place())
}

fn ige<C: Stream>(
    buffer: &Bound<'_, PyAny>,
    key: &Bound<'_, PyAny>,
    iv: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let (buffer, key, iv) = (Writable::of(buffer)?, given(key)?, given(iv)?);
    arguments::check_blocks(buffer.len())?;
    let mut cipher = C::start(&arguments::key(&key)?, &arguments::ige_iv(&iv)?);
    buffer.change(SERIAL, |piece| cipher.apply(piece))
}

/// A buffer that can be written, in one piece.
pub(super) struct Writable<'py> {
    object: Bound<'py, PyAny>,
    /// While it is held, the object cannot be resized.
    whole: PyBuffer<u8>,
}

impl<'py> Writable<'py> {
    pub(super) fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let whole = buffer(object)?;
        if whole.readonly() {
            let name = object.get_type().name()?;
            let text = format!("a read-write bytes-like object is required, not '{name}'");
            return Err(PyTypeError::new_err(text));
        }
        Ok(Self { object: object.clone(), whole })
    }

    pub(super) fn len(&self) -> usize {
        self.whole.len_bytes()
    }

    /// Where it begins in memory, and where it ends.
    pub(super) fn place(&self) -> (usize, usize) {
        let start = self.whole.buf_ptr().addr();
        (start, start.saturating_add(self.len()))
    }

    /// So many bytes of it from a place on, or what is there of them.
    pub(super) fn piece(&self, start: usize, length: usize) -> PyResult<PyBuffer<u8>> {
        if self.len() <= length && start == 0 {
            return buffer(&self.object);
        }
        let py = self.object.py();
        let view = PyMemoryView::from(&self.object)?.call_method1(intern!(py, "cast"), ("B",))?;
        let end = start.saturating_add(length).min(self.len());
        let place = PySlice::new(py, start.try_into()?, end.try_into()?, 1);
        PyBuffer::get(&view.get_item(place)?)
    }

    /// Changes what is in it piece by piece, in copies that nobody else knows.
    fn change(
        &self,
        slowness: usize,
        mut work: impl FnMut(&mut [u8]) -> Result<(), Error> + Send,
    ) -> PyResult<()> {
        let (py, mut copy) = (self.object.py(), SecretBytes::new(Vec::new()));
        for start in (0..self.len()).step_by(PIECE_LEN) {
            let piece = self.piece(start, PIECE_LEN)?;
            let bytes = copy.prepare(piece.len_bytes());
            piece.copy_to_slice(py, bytes)?;
            let cost = bytes.len().saturating_mul(slowness);
            released(py, cost, || work(bytes)).map_err(refused)?;
            piece.copy_from_slice(py, bytes)?;
        }
        Ok(())
    }
}

/// Bytes that are copied at once: whole blocks, which stay near the processor.
const PIECE_LEN: usize = 256 * 1_024;
