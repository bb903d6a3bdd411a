// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several buffers at once, each changed in its place under a key of its own
//! (mtproto_secret_chats.md §2 and §9).
//!
//! As for a single one, a copy is worked on, a piece of each buffer at a time.

use e2ee_primitives::{
    SecretBytes,
    ige::{IgeDecryptor, IgeEncryptor, Stream, WIDTH},
};
use e2ee_wire::Error;
use pyo3::{exceptions::PyValueError, prelude::*};

use super::{
    arguments::{self, given},
    in_place::Writable,
    many::Row,
    tgcrypto::refused,
};
use crate::given::released;

/// Encrypts writable buffers with AES-256-IGE in their places: tuples of buffer, key and IV.
///
/// Their blocks go through the processor side by side. Raises what `compat_ige256_encrypt_in_place`
/// does, and `ValueError` for buffers that overlap, before any is changed (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (messages, /))]
pub fn compat_ige256_encrypt_many_in_place(py: Python<'_>, messages: Vec<Row<'_>>) -> PyResult<()> {
    many::<IgeEncryptor>(py, messages)
}

/// Decrypts writable buffers with AES-256-IGE in their places: tuples of buffer, key and IV.
///
/// Their blocks go through the processor side by side. Raises what `compat_ige256_decrypt_in_place`
/// does, and `ValueError` for buffers that overlap, before any is changed (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (messages, /))]
pub fn compat_ige256_decrypt_many_in_place(py: Python<'_>, messages: Vec<Row<'_>>) -> PyResult<()> {
    many::<IgeDecryptor>(py, messages)
}

/// A buffer, and what changes it.
struct Message<'py, C> {
    buffer: Writable<'py>,
    stream: Copied<C>,
}

/// A stream, and the copy of what it works on.
struct Copied<C> {
    cipher: C,
    copy: SecretBytes,
}

fn many<C: Stream>(py: Python<'_>, rows: Vec<Row<'_>>) -> PyResult<()> {
    let messages = rows.into_iter().map(|(buffer, key, iv)| {
        let (buffer, key, iv) = (Writable::of(&buffer)?, given(&key)?, given(&iv)?);
        arguments::check_blocks(buffer.len())?;
        let cipher = C::start(&arguments::key(&key)?, &arguments::ige_iv(&iv)?);
        Ok(Message { buffer, stream: Copied { cipher, copy: SecretBytes::new(Vec::new()) } })
    });
    let mut messages = messages.collect::<PyResult<Vec<Message<'_, C>>>>()?;
    check_apart(&mut messages)?;
    // Those of like length side by side.
    messages.sort_by_key(|message| message.buffer.len());
    messages.chunks_mut(WIDTH).try_for_each(|messages| side_by_side(py, messages))
}

/// Raises if a byte is in two of the buffers: it cannot be changed twice at once.
fn check_apart<C>(messages: &mut [Message<'_, C>]) -> PyResult<()> {
    messages.sort_by_key(|message| message.buffer.place());
    let mut pairs = messages.iter().zip(messages.iter().skip(1));
    if pairs.any(|(one, next)| next.buffer.place().0 < one.buffer.place().1) {
        return Err(PyValueError::new_err("Buffers must not overlap"));
    }
    Ok(())
}

fn side_by_side<C: Stream>(py: Python<'_>, messages: &mut [Message<'_, C>]) -> PyResult<()> {
    let (buffers, mut streams): (Vec<_>, Vec<_>) =
        messages.iter_mut().map(|message| (&message.buffer, &mut message.stream)).unzip();
    let longest = buffers.iter().map(|buffer| buffer.len()).max().unwrap_or_default();
    for start in (0..longest).step_by(PIECE_LEN) {
        let pieces = buffers.iter().map(|buffer| buffer.piece(start, PIECE_LEN));
        let pieces = pieces.collect::<PyResult<Vec<_>>>()?;
        for (piece, stream) in pieces.iter().zip(&mut streams) {
            piece.copy_to_slice(py, stream.copy.prepare(piece.len_bytes()))?;
        }
        let cost = pieces.iter().map(|piece| piece.len_bytes()).sum();
        released(py, cost, || work(&mut streams)).map_err(refused)?;
        for (piece, stream) in pieces.iter().zip(&streams) {
            piece.copy_from_slice(py, stream.copy.expose())?;
        }
    }
    Ok(())
}

fn work<C: Stream>(streams: &mut [&mut Copied<C>]) -> Result<(), Error> {
    let lanes = streams.iter_mut().map(|stream| stream.cipher.lane_in_place(&mut stream.copy));
    C::many(lanes.collect::<Result<_, _>>()?);
    Ok(())
}

/// Bytes of each buffer that are copied at once: all of them together stay near the processor.
const PIECE_LEN: usize = 32 * 1_024;
