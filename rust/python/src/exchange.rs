// SPDX-License-Identifier: MIT OR Apache-2.0
//! A step of one record, which a store can make without a transaction (docs/storage.md, "Sessions
//! at rest").

use e2ee_account::{Exchange, Outcome};
use e2ee_state::Failure;
use pyo3::{
    prelude::*,
    types::{PyByteArray, PyBytes, PyString, PyTuple},
};

use crate::{
    account::Account,
    convert::Peer,
    errors::Refusal,
    kept::{AtRest, Corresponds, DeviceOf, Kept},
    olm::OlmStoredAccount,
    transaction::{OsRandom, now_ms},
};

/// Makes the change of a record durable, or sees that it cannot be made; the result may leave then.
///
/// `change` is given the new revision and sealed bytes, the record's name with the revision and the
/// sealed bytes that must be found, and the same three of another record; it returns, once the
/// change is durable, whether there was one to make.
fn changed<K: Kept, T>(
    account: &K,
    (exchange, outcome): (Exchange, Outcome<T>),
    change: &Bound<'_, PyAny>,
) -> PyResult<Option<T>> {
    let py = change.py();
    if !change.call1((row(py, exchange)?,))?.is_truthy()? {
        return Ok(None);
    }
    let shown = outcome.confirm(None);
    let shown = shown.map_err(|error| Refusal::from(Failure::from(error)).raise(py))?;
    let mut account = account.lock()?;
    Ok(Some(K::vault(&mut account).committed(outcome, &shown)))
}

/// Encrypts to a peer whose session is at rest, has `change` make the change of its record, and
/// returns the envelope; `None` if the store has to be read, or `change` has found other records.
///
/// The peer may be a name, which means device 1 where devices have numbers.
#[pyfunction]
pub fn encrypt_at_rest<'py>(
    account: &Bound<'py, PyAny>,
    peer: &Bound<'py, PyAny>,
    plaintext: &[u8],
    change: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let message = (peer, plaintext);
    if let Ok(account) = account.cast::<Account>() {
        return encrypt_of(account.get(), message, change);
    }
    encrypt_of(account.cast::<OlmStoredAccount>()?.get(), message, change)
}

fn encrypt_of<'py, K: Corresponds>(
    account: &K,
    (peer, plaintext): (&Bound<'py, PyAny>, &[u8]),
    change: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let mut own = account.lock()?;
    let (now_ms, mut random) = (now_ms(), OsRandom);
    let made = if let Ok(name) = peer.cast::<PyString>() {
        // What is no Unicode text is nobody's name; who reads the store says so.
        let Some(whom) = name.to_str().ok().and_then(K::named) else { return Ok(None) };
        K::encrypt_at_rest(&mut own, whom, plaintext, (now_ms, &mut random))
    } else {
        let peer = peer.extract::<Peer<'_, DeviceOf<K>>>()?;
        K::encrypt_at_rest(&mut own, K::whom(&peer), plaintext, (now_ms, &mut random))
    };
    drop(own);
    let Some(made) = made else { return Ok(None) };
    let envelope = changed(account, made, change)?;
    Ok(envelope.map(|envelope| PyBytes::new(change.py(), &envelope)))
}

/// Like [`encrypt_at_rest`], of many plaintexts to one peer; without the interpreter.
pub fn encrypt_all_at_rest<K: Corresponds>(
    account: &K,
    peer: K::Whom<'_>,
    plaintexts: &[&[u8]],
    change: &Bound<'_, PyAny>,
) -> PyResult<Option<Vec<Vec<u8>>>> {
    let made: PyResult<AtRest<_>> = change.py().detach(|| {
        let mut own = account.lock()?;
        Ok(K::encrypt_all_at_rest(&mut own, peer, plaintexts, (now_ms(), &mut OsRandom)))
    });
    made?.map_or(Ok(None), |made| changed(account, made, change))
}

/// The sealed bytes are arrays: Python's `sqlite3` takes a tenth of the time for them that it takes
/// for `bytes`.
fn row(py: Python<'_>, exchange: Exchange) -> PyResult<Bound<'_, PyTuple>> {
    let Exchange { name, before, after, witness_name, witness } = exchange;
    let [before_bytes, after_bytes, witness_bytes] =
        [&before, &after, &witness].map(|row| PyByteArray::new(py, &row.sealed));
    let row = (
        after.revision,
        after_bytes,
        name,
        before.revision,
        before_bytes,
        witness_name,
        witness.revision,
        witness_bytes,
    );
    row.into_pyobject(py)
}
