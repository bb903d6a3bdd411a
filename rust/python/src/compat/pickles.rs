// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pickles as the packages `vodozemac` and `python-olm` write and read them (olm_megolm.md §3).

use e2ee_olm::pickle;
use e2ee_primitives::SecretBytes;
use e2ee_wire::Error;
use pyo3::prelude::*;

use super::errors::Class;

/// Bytes of the key of vodozemac's pickles; libolm takes any.
const KEY_LEN: usize = 32;

/// What a pickle of vodozemac holds; raises `PickleException` if it does not open.
pub fn load<T>(
    py: Python<'_>,
    (pickle, key): (&str, &[u8]),
    read: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> PyResult<T> {
    check(py, key)?;
    let read = pickle::open(pickle, key).and_then(|plain| read(plain.expose()));
    read.map_err(|error| Class::Pickle.raise(py, error))
}

/// The pickle of vodozemac; raises `PickleException` for a key of another length.
pub fn store(py: Python<'_>, plain: &SecretBytes, key: &[u8]) -> PyResult<String> {
    check(py, key)?;
    Ok(pickle::seal(plain, key))
}

/// What a pickle of libolm holds; raises `LibolmPickleException` if it does not open.
pub fn load_libolm<T>(
    py: Python<'_>,
    (pickle, key): (&str, &[u8]),
    read: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> PyResult<T> {
    let read = pickle::open(pickle, key).and_then(|plain| read(plain.expose()));
    read.map_err(|error| match error {
        // Programs look for these words.
        Error::UnsupportedVersion => {
            Class::LibolmPickle.say(py, "the pickle uses an unsupported version", error)
        }
        _ => Class::LibolmPickle.raise(py, error),
    })
}

fn check(py: Python<'_>, key: &[u8]) -> PyResult<()> {
    if key.len() == KEY_LEN {
        return Ok(());
    }
    Err(Class::Pickle.say(py, "the pickle key must have 32 bytes", Error::InvalidArgument))
}
