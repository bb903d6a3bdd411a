// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result of a step of an account, which leaves after the store's anchor knows of it
//! (docs/storage.md, "Anchor").

use e2ee_account::{Confirmation, Outcome};
use e2ee_state::Failure;
use pyo3::prelude::*;

use crate::{
    convert,
    errors::Refusal,
    kept::Kept,
    step::{Held, Joined, Released},
    transaction::Anchor,
};

/// The result of a step of an account.
pub struct Waiting<K, T, C> {
    past: Past<K>,
    value: T,
    /// How Python sees it.
    convert: C,
}

/// What a step has left to be told before its result may leave.
struct Past<K> {
    account: Py<K>,
    anchor: Option<Py<PyAny>>,
    outcome: Outcome<()>,
}

impl<K: Kept, T, C> Waiting<K, T, C> {
    /// What the core gave to `account`, and the anchor of its store.
    pub fn new(account: Py<K>, anchor: Option<Py<PyAny>>, outcome: Outcome<T>, convert: C) -> Self {
        let (value, outcome) = outcome.part();
        Self { past: Past { account, anchor, outcome }, value, convert }
    }
}

impl<K: Kept> Past<K> {
    fn confirm(&self, inside: Option<&Bound<'_, PyAny>>) -> Result<Confirmation, Refusal> {
        if let Some(inside) = inside {
            let outcome = &self.outcome;
            return self.account.get().call(inside, false, |account, environment| {
                K::vault(account).confirm_late(outcome, environment.records)
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
        let mut account = self.account.get().lock()?;
        K::vault(&mut account).committed(self.outcome, shown);
        Ok(())
    }

    fn ended(&self) -> PyResult<()> {
        let mut account = self.account.get().lock()?;
        K::vault(&mut account).ended(&self.outcome);
        Ok(())
    }
}

impl<K, T, C> Held for Waiting<K, T, C>
where
    K: Kept,
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
