// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result of a step of an account, which leaves after the store's anchor knows of it
//! (docs/storage.md, "Anchor").

use e2ee_signal::account::{Confirmation, Outcome};
use e2ee_state::Failure;
use pyo3::prelude::*;

use crate::{
    account::Account,
    convert,
    errors::Refusal,
    step::{Held, Joined, Released},
    transaction::Anchor,
};

/// The result of a step of an account.
pub struct Waiting<T, C> {
    /// The account that made it.
    pub account: Py<Account>,
    /// The anchor of its store.
    pub anchor: Option<Py<PyAny>>,
    /// What the core gave.
    pub outcome: Outcome<T>,
    /// How Python sees it.
    pub convert: C,
}

impl<T: Sync, C> Waiting<T, C> {
    fn confirm(&self, inside: Option<&Bound<'_, PyAny>>) -> Result<Confirmation, Refusal> {
        if let Some(inside) = inside {
            let outcome = &self.outcome;
            return self.account.get().call(inside, false, |account, environment| {
                account.confirm_late(outcome, environment.records)
            });
        }
        let anchor = self.anchor.as_ref();
        let mut anchor = anchor.map(|found| Python::attach(|py| Anchor::new(found.clone_ref(py))));
        let told = match &mut anchor {
            Some(anchor) => self.outcome.confirm(Some(anchor)),
            None => self.outcome.confirm(None),
        };
        told.map_err(|error| match anchor {
            Some(anchor) => anchor.refusal(error),
            None => Failure::from(error).into(),
        })
    }
}

impl<T, C> Held for Waiting<T, C>
where
    T: Send + Sync + 'static,
    C: FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
{
    fn release(self: Box<Self>, py: Python<'_>, inside: Option<&Bound<'_, PyAny>>) -> Released {
        let shown = match self.confirm(inside) {
            Ok(shown) => shown,
            Err(refusal) => return Err((self, refusal)),
        };
        let Self { account, outcome, convert, .. } = *self;
        let value = account.get().lock().map(|mut account| account.committed(outcome, &shown));
        Ok(value.and_then(|value| convert(py, value)))
    }

    fn join(self: Box<Self>, py: Python<'_>) -> PyResult<Joined> {
        let Self { account, anchor, outcome, convert: converted } = *self;
        let (value, left) = outcome.part();
        let left = Waiting { account, anchor, outcome: left, convert: convert::nothing };
        Ok((converted(py, value)?, Some(Box::new(left))))
    }

    fn end(self: Box<Self>) -> PyResult<()> {
        self.account.get().lock()?.ended(&self.outcome);
        Ok(())
    }
}
