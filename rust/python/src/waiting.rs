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
    past: Past,
    value: T,
    /// How Python sees it.
    convert: C,
}

/// What a step has left to be told before its result may leave.
struct Past {
    account: Py<Account>,
    anchor: Option<Py<PyAny>>,
    outcome: Outcome<()>,
}

impl<T, C> Waiting<T, C> {
    /// What the core gave to `account`, and the anchor of its store.
    pub fn new(
        account: Py<Account>,
        anchor: Option<Py<PyAny>>,
        outcome: Outcome<T>,
        convert: C,
    ) -> Self {
        let (value, outcome) = outcome.part();
        Self { past: Past { account, anchor, outcome }, value, convert }
    }
}

impl Past {
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

    fn committed(self, shown: &Confirmation) -> PyResult<()> {
        self.account.get().lock().map(|mut account| account.committed(self.outcome, shown))
    }

    fn ended(&self) -> PyResult<()> {
        self.account.get().lock().map(|mut account| account.ended(&self.outcome))
    }
}

impl<T, C> Held for Waiting<T, C>
where
    T: Send + Sync + 'static,
    C: FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
{
    fn release(self: Box<Self>, py: Python<'_>, inside: Option<&Bound<'_, PyAny>>) -> Released {
        let shown = match self.past.confirm(inside) {
            Ok(shown) => shown,
            Err(refusal) => return Err((self, refusal)),
        };
        let Self { past, value, convert } = *self;
        Ok(past.committed(&shown).and_then(|()| convert(py, value)))
    }

    fn join(self: Box<Self>, py: Python<'_>) -> PyResult<Joined> {
        let Self { past, value, convert: converted } = *self;
        let left = Waiting { past, value: (), convert: convert::nothing };
        Ok((converted(py, value)?, Some(Box::new(left))))
    }

    fn end(self: Box<Self>) -> PyResult<()> {
        self.past.ended()
    }
}
