// SPDX-License-Identifier: MIT OR Apache-2.0
//! A store's transaction as the core reads it, with the randomness and the time that only a binding
//! has (docs/storage.md, "Stores").

use std::time::{SystemTime, UNIX_EPOCH};

use e2ee_primitives::Random;
use e2ee_signal::account::Environment;
use e2ee_state::{Failure, Records, StoreError, Stored, Timeline};
use e2ee_wire::Error;
use pyo3::{prelude::*, pybacked::PyBackedBytes, types::PyBytes};

use crate::{errors::Refusal, nonces};

/// Calls the core inside `transaction`.
///
/// An exception that the transaction or its anchor raises meanwhile comes out unchanged.
pub fn within<T>(
    transaction: Py<PyAny>,
    work: impl FnOnce(&mut Environment<'_>) -> Result<T, Failure>,
) -> Result<T, Refusal> {
    let mut records = Transaction { object: transaction, anchor: None, raised: None };
    let mut environment =
        Environment { records: &mut records, random: &mut OsRandom, now_ms: now_ms() };
    work(&mut environment).map_err(|failure| refusal(failure, records.raised()))
}

/// The anchor of the store that a transaction is of, if it has one.
pub fn anchor_of(transaction: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
    let anchor = transaction.getattr_opt("anchor")?;
    Ok(anchor.filter(|anchor| !anchor.is_none()).map(Bound::unbind))
}

/// What came out of the core, unless that is what Python code has raised that it asked.
fn refusal(failure: Failure, raised: Option<PyErr>) -> Refusal {
    match raised {
        Some(raised) if failure == Failure::Store(StoreError::Backend) => Refusal::Raised(raised),
        _ => failure.into(),
    }
}

/// A Python object with the methods `get` and `list`; if its store has an anchor, that and the
/// method `wrote`; and if it has a server too, the `timeline` of that.
///
/// It attaches to the interpreter for each call, so that the core may work detached in between.
struct Transaction {
    object: Py<PyAny>,
    anchor: Option<Anchor>,
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

    fn raised(self) -> Option<PyErr> {
        self.raised.or_else(|| self.anchor.and_then(|anchor| anchor.raised))
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

    fn anchor(&mut self) -> Option<&mut dyn e2ee_state::Anchor> {
        if self.anchor.is_none() {
            let found = Python::attach(|py| anchor_of(self.object.bind(py)));
            self.anchor = match found {
                Ok(object) => object.map(Anchor::new),
                Err(raised) => Some(Anchor { object: None, raised: Some(raised) }),
            };
        }
        let anchor = self.anchor.as_mut()?;
        Some(anchor)
    }

    fn timeline(&mut self) -> Result<Option<Timeline>, StoreError> {
        let found = Python::attach(|py| {
            let found = self.object.bind(py).getattr_opt("timeline")?;
            found.map_or(Ok(None), |found| found.extract::<Option<(u64, u32)>>())
        });
        let known = found.map_err(|raised| {
            self.raised = Some(raised);
            StoreError::Backend
        })?;
        Ok(known.map(|(system, number)| Timeline { system, number }))
    }

    fn wrote(&mut self, name: &str) -> Result<Option<bool>, StoreError> {
        self.ask(("wrote", name), |answer| answer.extract())
    }
}

/// A Python object with the methods `read` and `advance`; none if looking for it has raised.
pub struct Anchor {
    object: Option<Py<PyAny>>,
    raised: Option<PyErr>,
}

impl Anchor {
    /// The core's view of an `e2ee.store.Anchor`.
    pub const fn new(object: Py<PyAny>) -> Self {
        Self { object: Some(object), raised: None }
    }

    /// What a refusal of the core becomes that asked this anchor.
    pub fn refusal(self, error: StoreError) -> Refusal {
        refusal(error.into(), self.raised)
    }

    fn ask<T>(
        &mut self,
        call: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>,
    ) -> Result<T, StoreError> {
        let object = self.object.as_ref().ok_or(StoreError::Backend)?;
        Python::attach(|py| call(object.bind(py))).map_err(|raised| {
            self.raised = Some(raised);
            StoreError::Backend
        })
    }
}

impl e2ee_state::Anchor for Anchor {
    fn read(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(|anchor| {
            let value: Option<PyBackedBytes> = anchor.call_method0("read")?.extract()?;
            Ok(value.map(|value| value.to_vec()))
        })
    }

    fn advance(&mut self, old: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        self.ask(|anchor| {
            let py = anchor.py();
            let old = old.map(|old| PyBytes::new(py, old));
            anchor.call_method1("advance", (old, PyBytes::new(py, new)))?.extract()
        })
    }
}

/// The system's random source.
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(out).map_err(|_| Error::RandomUnavailable)
    }

    #[inline]
    fn nonce(&mut self) -> Result<[u8; 12], Error> {
        nonces::next(self)
    }
}

/// Milliseconds since the Unix epoch; a clock before it counts as the epoch.
#[inline]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
