// SPDX-License-Identifier: MIT OR Apache-2.0
//! A store's transaction as the core reads it, with the randomness and the time that only a binding
//! has (docs/storage.md, "Stores").

use std::time::{SystemTime, UNIX_EPOCH};

use e2ee_primitives::Random;
use e2ee_signal::account::Environment;
use e2ee_state::{Failure, Records, StoreError, Stored};
use e2ee_wire::Error;
use pyo3::{prelude::*, pybacked::PyBackedBytes};

use crate::errors::Refusal;

/// Calls the core inside `transaction`.
///
/// An exception that the transaction raises meanwhile comes out unchanged.
pub fn within<T>(
    transaction: Py<PyAny>,
    work: impl FnOnce(&mut Environment<'_>) -> Result<T, Failure>,
) -> Result<T, Refusal> {
    let mut records = Transaction { object: transaction, raised: None };
    let mut environment =
        Environment { records: &mut records, random: &mut OsRandom, now_ms: now_ms() };
    work(&mut environment).map_err(|failure| match records.raised {
        Some(raised) => Refusal::Raised(raised),
        None => failure.into(),
    })
}

/// A Python object with the methods `get` and `list`.
///
/// It attaches to the interpreter for each call, so that the core may work detached in between.
struct Transaction {
    object: Py<PyAny>,
    raised: Option<PyErr>,
}

impl Transaction {
    fn ask<T>(
        &mut self,
        (method, argument): (&str, &str),
        convert: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>,
    ) -> Result<T, StoreError> {
        let answer =
            Python::attach(|py| convert(&self.object.bind(py).call_method1(method, (argument,))?));
        answer.map_err(|raised| {
            self.raised = Some(raised);
            StoreError::Backend
        })
    }
}

impl Records for Transaction {
    fn get(&mut self, name: &str) -> Result<Option<Stored>, StoreError> {
        self.ask(("get", name), |answer| {
            let row: Option<(u64, PyBackedBytes)> = answer.extract()?;
            Ok(row.map(|(revision, sealed)| Stored { revision, sealed: sealed.to_vec() }))
        })
    }

    fn list(&mut self, prefix: &str) -> Result<Vec<(String, u64)>, StoreError> {
        self.ask(("list", prefix), |answer| answer.extract())
    }
}

/// The system's random source.
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(out).map_err(|_| Error::RandomUnavailable)
    }
}

/// Milliseconds since the Unix epoch; a clock before it counts as the epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
