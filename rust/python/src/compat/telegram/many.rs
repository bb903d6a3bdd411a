// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several messages at once, each under a key of its own (mtproto_secret_chats.md §2 and §9).

use e2ee_primitives::ige::{IgeDecryptor, IgeEncryptor, Lane, Stream, WIDTH};
use pyo3::{prelude::*, types::PyBytes};

use super::{
    arguments::{self, given},
    tgcrypto::refused,
};
use crate::given::{Given, released};

/// Data, key and IV.
pub(super) type Row<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Encrypts messages with AES-256-IGE, each of which is a tuple of data, key and IV, in their order.
///
/// Their blocks go through the processor side by side. Raises `ValueError` as `compat_ige256_encrypt`
/// does, before any is encrypted (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (messages, /))]
pub fn compat_ige256_encrypt_many<'py>(
    py: Python<'py>,
    messages: Vec<Row<'py>>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    many::<IgeEncryptor>(py, messages)
}

/// Decrypts messages with AES-256-IGE, each of which is a tuple of data, key and IV, in their order.
///
/// Their blocks go through the processor side by side. Raises `ValueError` as `compat_ige256_decrypt`
/// does, before any is decrypted (mtproto_secret_chats.md §9).
#[pyfunction]
#[pyo3(signature = (messages, /))]
pub fn compat_ige256_decrypt_many<'py>(
    py: Python<'py>,
    messages: Vec<Row<'py>>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    many::<IgeDecryptor>(py, messages)
}

/// A message, and its place among the others.
struct Message<C> {
    place: usize,
    data: Given,
    cipher: C,
}

/// What was made of messages, with their places.
struct Made<'py> {
    all: Vec<(usize, Bound<'py, PyBytes>)>,
    /// Bytes that are worked on together.
    cost: usize,
}

fn many<'py, C: Stream>(
    py: Python<'py>,
    rows: Vec<Row<'py>>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let messages = rows.into_iter().enumerate().map(|(place, (data, key, iv))| {
        let (data, key, iv) = (given(&data)?, given(&key)?, given(&iv)?);
        arguments::check_blocks(data.len())?;
        let cipher = C::start(&arguments::key(&key)?, &arguments::ige_iv(&iv)?);
        Ok(Message { place, data, cipher })
    });
    let mut messages = messages.collect::<PyResult<Vec<Message<C>>>>()?;
    // Those of like length side by side.
    messages.sort_by_key(|message| message.data.len());
    let mut made = Made { all: Vec::with_capacity(messages.len()), cost: 0 };
    for messages in messages.chunks_mut(WIDTH) {
        made.cost = messages.iter().map(|message| message.data.len()).sum();
        side_by_side(py, messages, Vec::with_capacity(WIDTH), &mut made)?;
    }
    made.all.sort_by_key(|(place, _)| *place);
    Ok(made.all.into_iter().map(|(_, bytes)| bytes).collect())
}

/// Makes room for one result within that of another, and at last all of them at once.
fn side_by_side<'py, C: Stream>(
    py: Python<'py>,
    messages: &mut [Message<C>],
    lanes: Vec<Lane<'_, C::Cipher>>,
    made: &mut Made<'py>,
) -> PyResult<()> {
    let Some((message, others)) = messages.split_first_mut() else {
        released(py, made.cost, || C::many(lanes));
        return Ok(());
    };
    let bytes = PyBytes::new_with(py, message.data.len(), |out| {
        let mut lanes = lanes;
        lanes.push(message.cipher.lane(&message.data, out).map_err(refused)?);
        side_by_side(py, others, lanes, made)
    })?;
    made.all.push((message.place, bytes));
    Ok(())
}
