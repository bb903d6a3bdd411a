// SPDX-License-Identifier: MIT OR Apache-2.0
//! What Python does with an account that is kept in a store, of whatever protocol
//! (docs/storage.md, "Steps"; docs/architecture.md, "One account, many protocols").
//!
//! Locks: the account's mutex is taken inside an open transaction of a store, whose own lock is thus
//! always held first, or alone by [`Step`]'s release, which calls no Python code under it. While a
//! thread waits for the mutex it is detached from the interpreter (`lock_py_attached`), so the
//! thread that holds it can attach to ask the store. Therefore no two threads wait for each other.

use std::sync::MutexGuard;

use e2ee_account::{
    Delivery, Environment, Exchange, Outcome, Protocol, Vault, batch::Refused, outcome::At,
    rekey::Rekeying,
};
use e2ee_state::{Failure, Step as CoreStep, Write};
use e2ee_wire::Error;
use pyo3::{PyClass, prelude::*, pyclass::boolean_struct::True};

use crate::{
    convert::{self, Entry, Peer, PyContent, PyDevice},
    errors::Refusal,
    own::Own,
    step::Step,
    transaction,
    waiting::Waiting,
};

/// Bytes of input above which a call lets other Python threads run: about 15 µs of work.
pub const LONG: usize = 16 * 1_024;

/// A step of the core.
pub type Stepped<T> = Result<CoreStep<Outcome<T>>, Failure>;
/// What names a device.
pub type DeviceOf<K> = <<K as Kept>::Protocol as Protocol>::Device;
/// What a message is.
pub type ContentOf<K> = <<K as Kept>::Protocol as Protocol>::Content;
/// What became of each envelope of a batch.
pub type Delivered<K> = Vec<Result<Delivery<DeviceOf<K>, ContentOf<K>>, Error>>;
/// An exchange of one record, and what may leave then.
pub type AtRest<T> = Option<(Exchange, Outcome<T>)>;

/// What is done with an account inside a transaction.
type Work<'a, C> = dyn FnMut(&mut C, &mut Environment<'_>) -> Result<(), Failure> + Send + 'a;

/// A class of Python's around the core's account of one protocol.
pub trait Kept: PyClass<Frozen = True> + Send + Sync {
    /// The core's account.
    type Core: Send + 'static;
    /// Its protocol.
    type Protocol: Protocol<
            Device: PyDevice + Send + Sync + 'static,
            Content: PyContent + Send + Sync + 'static,
        > + 'static;

    /// The core's account behind its lock.
    fn own(&self) -> &Own<Self::Core>;

    /// The records of the account.
    fn vault(core: &mut Self::Core) -> &mut Vault<Self::Protocol>;

    /// The next writes of a change of the key; see [`Vault::rekey_next`].
    fn rekey_next(
        core: &mut Self::Core,
        change: &mut Rekeying,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<Write>, Failure>;

    /// The core's account, unless a panic left it half changed, or another process opened it.
    fn lock(&self) -> PyResult<MutexGuard<'_, Self::Core>> {
        Python::attach(|py| self.own().lock(py))
    }

    /// Calls the core inside `transaction`; detached, if the work is `long`.
    fn call<T: Send>(
        &self,
        transaction: &Bound<'_, PyAny>,
        long: bool,
        work: impl FnOnce(&mut Self::Core, &mut Environment<'_>) -> Result<T, Failure> + Send,
    ) -> Result<T, Refusal> {
        let (mut work, mut done) = (Some(work), None);
        within(self, transaction, long, &mut |account, environment| {
            let work = work.take().ok_or(Error::Stale)?;
            done = Some(work(account, environment)?);
            Ok(())
        })?;
        done.ok_or_else(|| Failure::from(Error::Stale).into())
    }

    /// Like [`Kept::call`], for what must be saved before `convert` may see it.
    fn step<T: Send + Sync + 'static>(
        slf: &Bound<'_, Self>,
        (transaction, long): (&Bound<'_, PyAny>, bool),
        work: impl FnOnce(&mut Self::Core, &mut Environment<'_>) -> Stepped<T> + Send,
        convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Result<Step, Refusal> {
        let CoreStep { writes, result } = slf.get().call(transaction, long, work)?;
        let anchor = transaction::anchor_of(transaction)?;
        let account = slf.clone().unbind();
        Ok(Step::new(slf.py(), writes, Waiting::new(account, anchor, result, convert))?)
    }

    /// Ties a store without an anchor to the one that it was given.
    fn tied(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        let tie = |account: &mut Self::Core, inside: &mut Environment<'_>| {
            Self::vault(account).tie(inside)
        };
        let step = Self::step(slf, (transaction, false), tie, convert::nothing);
        step.map_err(|refusal| refusal.raise(slf.py()))
    }

    /// The messages that wait, oldest first.
    fn waiting<'py>(
        &self,
        transaction: &Bound<'py, PyAny>,
    ) -> PyResult<Vec<Entry<'py, DeviceOf<Self>>>> {
        let py = transaction.py();
        let entries = self
            .call(transaction, false, |account, inside| Self::vault(account).inbox(inside.records));
        let entries = entries.map_err(|refusal| refusal.raise(py))?;
        Ok(entries.into_iter().map(|entry| convert::entry(py, entry)).collect())
    }

    /// Takes a message out of the inbox; the result says whether it was there.
    fn handles(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        inbox_id: &str,
    ) -> PyResult<Step> {
        let handled = |account: &mut Self::Core, inside: &mut Environment<'_>| {
            Self::vault(account).handled(inbox_id, inside)
        };
        Self::step(slf, (transaction, false), handled, convert::flag)
            .map_err(|refusal| refusal.raise(slf.py()))
    }
}

/// An account that sends and receives.
pub trait Corresponds: Kept {
    /// Name and device, as the core takes them.
    type Whom<'a>: Copy + Send + Sync;
    /// An envelope, and who is said to have sent it.
    type Incoming<'a>: Send + Sync;
    /// An opened message.
    type Opened: Send + Sync + 'static;

    /// A peer, as the core takes it.
    fn whom<'a>(peer: &'a Peer<'_, DeviceOf<Self>>) -> Self::Whom<'a>;

    /// An envelope of a peer's, as the core takes it.
    fn incoming<'a>(sender: &'a Peer<'_, DeviceOf<Self>>, envelope: &'a [u8])
    -> Self::Incoming<'a>;

    /// An opened message in Python.
    fn opened(py: Python<'_>, opened: Self::Opened) -> PyResult<Py<PyAny>>;

    /// The identity key that an envelope shows, if it is that of a first message.
    fn key_of_envelope(envelope: &[u8]) -> Option<Vec<u8>>;

    /// Who a bare name is, if it is anybody.
    fn named(user: &str) -> Option<Self::Whom<'_>>;

    /// Encrypts into the outbox.
    fn queue(
        core: &mut Self::Core,
        whom: Self::Whom<'_>,
        text: (&[u8], Option<&str>),
        inside: &mut Environment<'_>,
    ) -> Stepped<String>;

    /// Encrypts without reading.
    fn encrypt_at_rest(
        core: &mut Self::Core,
        whom: Self::Whom<'_>,
        plaintext: &[u8],
        at: At<'_>,
    ) -> AtRest<Vec<u8>>;

    /// Encrypts many plaintexts to one peer without reading.
    fn encrypt_all_at_rest(
        core: &mut Self::Core,
        whom: Self::Whom<'_>,
        plaintexts: &[&[u8]],
        at: At<'_>,
    ) -> AtRest<Vec<Vec<u8>>>;

    /// Encrypts all plaintexts.
    fn encrypt_many(
        core: &mut Self::Core,
        messages: &[(Self::Whom<'_>, &[u8])],
        inside: &mut Environment<'_>,
    ) -> Result<CoreStep<Outcome<Vec<Vec<u8>>>>, Refused>;

    /// Encrypts all plaintexts into the outbox.
    fn queue_many(
        core: &mut Self::Core,
        messages: &[(Self::Whom<'_>, &[u8])],
        inside: &mut Environment<'_>,
    ) -> Result<CoreStep<Outcome<Vec<String>>>, Refused>;

    /// Opens all envelopes.
    fn decrypt_many(
        core: &mut Self::Core,
        envelopes: &[Self::Incoming<'_>],
        inside: &mut Environment<'_>,
    ) -> Stepped<Vec<Result<Self::Opened, Error>>>;

    /// Opens all envelopes into the inbox.
    fn receive_many(
        core: &mut Self::Core,
        envelopes: &[Self::Incoming<'_>],
        inside: &mut Environment<'_>,
    ) -> Stepped<Delivered<Self>>;
}

/// [`Kept::call`] of what keeps its result to itself: it is compiled only once.
fn within<K: Kept>(
    kept: &K,
    transaction: &Bound<'_, PyAny>,
    long: bool,
    work: &mut Work<'_, K::Core>,
) -> Result<(), Refusal> {
    let (py, transaction) = (transaction.py(), transaction.clone().unbind());
    let call = move || {
        let mut account = kept.lock()?;
        transaction::within(transaction, |environment| {
            work(&mut account, environment)
                .map_err(|failure| K::vault(&mut account).explained(failure, environment.records))
        })
    };
    if long { py.detach(call) } else { call() }
}
