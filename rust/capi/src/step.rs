// SPDX-License-Identifier: MIT OR Apache-2.0
//! Steps: what to save, and after that the result, once (docs/storage.md, "Without a store").

use std::{
    ffi::{CStr, CString},
    sync::Arc,
};

use e2ee_olm::megolm::standalone::{GroupBacklog, Opened};
use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Backlog, Saved, Stage};
use e2ee_wire::Error;

use crate::{
    edge::{Handle, HandleOut, In, Kind, Name, Out, Output, entry},
    own::Own,
    status::Status,
};

/// What a step belongs to, and where its stored state stands.
pub trait Staged: Send {
    /// Where it stands.
    fn stage(&mut self) -> &mut Stage;
}

/// A lock around something staged, of whatever type it is.
pub trait Owner: Send + Sync {
    /// Ends the open step.
    fn release(&self) -> Result<(), Status>;

    /// Gives the open step up.
    fn abandon(&self);
}

impl<T: Staged> Owner for Own<T> {
    fn release(&self) -> Result<(), Status> {
        self.lock()?.stage().release();
        Ok(())
    }

    fn abandon(&self) {
        if let Ok(mut owner) = self.lock() {
            owner.stage().abandon();
        }
    }
}

/// Writes that must be durable before the results may be used.
///
/// What is to be written never changes, so that a caller may look at it for as long as it has the
/// step.
pub struct Step {
    writes: Vec<(CString, Saved)>,
    kind: Option<u8>,
    indices: Indices,
    open: Own<Open>,
}

impl Kind for Step {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeStep");
}

impl Step {
    /// The step of `owner` that its work came to.
    pub fn of(owner: Arc<dyn Owner>, outcome: Outcome) -> Result<Self, Status> {
        Self::new(Some(owner), outcome)
    }

    /// What is to be saved of something that no open step makes stale.
    pub fn sealed(write: Saved) -> Result<Self, Status> {
        Self::new(None, Outcome::saved(vec![write]))
    }

    fn new(owner: Option<Arc<dyn Owner>>, outcome: Outcome) -> Result<Self, Status> {
        let Outcome { writes, kind, indices, results } = outcome;
        // An error drops it, which leaves its owner stale.
        let open = Own::new(Open { owner, state: State::Waiting, results });
        let named = |write: Saved| CString::new(write.name).map(|name| (name, write));
        let writes = writes.into_iter().map(named).collect::<Result<_, _>>();
        let writes = writes.map_err(|_| Status::Error)?;
        Ok(Self { writes, kind, indices, open })
    }

    fn records(&self) -> Vec<Record<'_>> {
        self.writes.iter().map(|(name, saved)| Record::of(name, saved)).collect()
    }
}

/// Does the work of a C function that makes a step of what `owner` leads to, which is locked for it.
pub fn stepped<T: Staged + 'static>(
    owner: &Handle<'_, Own<T>>,
    step: &HandleOut<'_, Step>,
    work: impl FnOnce(&mut T) -> Result<Outcome, Status>,
) -> Status
where
    Own<T>: Kind,
{
    entry(|| {
        let (place, owner) = (step.place()?, owner.get()?);
        // The lock is given back before the step is made: one that cannot be takes it again.
        let outcome = work(&mut *owner.lock()?)?;
        place.put(Step::of(owner.clone(), outcome)?);
        Ok(())
    })
}

/// What work on something staged came to: what is to be saved, and what is given after that.
pub struct Outcome {
    writes: Vec<Saved>,
    kind: Option<u8>,
    indices: Indices,
    results: Results,
}

/// Which messages of a Megolm session were opened.
enum Indices {
    None,
    One(u32),
    /// Of many messages; none of one that was refused.
    Many(Vec<Option<u32>>),
}

impl Outcome {
    /// One result.
    pub const fn one(writes: Vec<Saved>, result: SecretBytes) -> Self {
        Self { writes, kind: None, indices: Indices::None, results: Results::One(Some(result)) }
    }

    /// An encrypted message and its kind.
    pub fn encrypted(writes: Vec<Saved>, (kind, message): (u8, Vec<u8>)) -> Self {
        Self { kind: Some(kind), ..Self::one(writes, SecretBytes::new(message)) }
    }

    /// An opened group message and its index.
    pub fn opened(writes: Vec<Saved>, (index, plaintext): (u32, SecretBytes)) -> Self {
        Self { indices: Indices::One(index), ..Self::one(writes, plaintext) }
    }

    /// A result for each of many messages.
    pub fn many((writes, results): Backlog) -> Self {
        let results = Results::Many(results.into_iter().map(Some).collect());
        Self { results, ..Self::saved(writes) }
    }

    /// A result and an index for each of many group messages.
    pub fn many_opened((writes, results): GroupBacklog) -> Self {
        let index = |opened: &Result<Opened, Error>| opened.as_ref().ok().map(|each| each.index);
        let indices = Indices::Many(results.iter().map(index).collect());
        let plaintexts = results.into_iter().map(|opened| Ok(opened?.plaintext)).collect();
        Self { indices, ..Self::many((writes, plaintexts)) }
    }

    /// Nothing but what is to be saved.
    pub fn saved(writes: Vec<Saved>) -> Self {
        Self::one(writes, SecretBytes::new(Vec::new()))
    }
}

/// How far a step has come, and what of its results is left.
struct Open {
    /// None if nothing is stale without the step.
    owner: Option<Arc<dyn Owner>>,
    state: State,
    results: Results,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Released,
    Abandoned,
}

enum Results {
    One(Option<SecretBytes>),
    /// Of many messages, each once.
    Many(Vec<Option<Result<SecretBytes, Error>>>),
}

impl Open {
    /// Ends the step for its owner, if that has not been done.
    fn release(&mut self) -> Result<(), Status> {
        if self.state == State::Waiting {
            if let Some(owner) = &self.owner {
                owner.release()?;
            }
            self.state = State::Released;
        }
        Ok(())
    }

    fn abandon(&mut self) -> Result<(), Status> {
        if self.state != State::Waiting {
            return Err(Status::StaleSession);
        }
        self.state = State::Abandoned;
        if let Some(owner) = &self.owner {
            owner.abandon();
        }
        Ok(())
    }

    fn not_abandoned(&self) -> Result<(), Status> {
        if self.state == State::Abandoned { Err(Status::StaleSession) } else { Ok(()) }
    }

    /// Gives the result, and forgets it.
    fn give(&mut self, output: &Output<'_, u8>) -> Result<(), Status> {
        self.not_abandoned()?;
        let Results::One(result) = &self.results else { return Err(Status::InvalidArgument) };
        output.fits(result.as_ref().ok_or(Status::StaleSession)?.len())?;
        self.release()?;
        let Results::One(result) = &mut self.results else { return Err(Status::Error) };
        output.give(result.take().ok_or(Status::Error)?.expose())
    }

    /// Gives one of many results, and forgets it.
    fn give_at(&mut self, place: usize, output: &Output<'_, u8>) -> Result<Status, Status> {
        self.not_abandoned()?;
        let Results::Many(results) = &self.results else { return Err(Status::InvalidArgument) };
        let result = results.get(place).ok_or(Status::InvalidArgument)?;
        let opened = result.as_ref().ok_or(Status::StaleSession)?;
        output.fits(opened.as_ref().map_or(0, SecretBytes::len))?;
        self.release()?;
        let Results::Many(results) = &mut self.results else { return Err(Status::Error) };
        match results.get_mut(place).and_then(Option::take).ok_or(Status::Error)? {
            Ok(plaintext) => output.give(plaintext.expose()).map(|()| Status::Ok),
            Err(error) => output.give(&[]).map(|()| error.into()),
        }
    }
}

impl Drop for Open {
    /// A step that is dropped before it is released leaves its owner stale.
    fn drop(&mut self) {
        let _ = self.abandon();
    }
}

/// `e2ee_record`: a record as a step writes it, or as it was saved.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Record<'a> {
    name: Name<'a>,
    base_revision: u64,
    revision: u64,
    sealed: In<'a, u8>,
    sealed_len: usize,
}

impl<'a> Record<'a> {
    const fn of(name: &'a CStr, saved: &'a Saved) -> Self {
        Self {
            name: Name::new(name),
            base_revision: saved.base,
            revision: saved.revision,
            sealed: In::new(saved.sealed.as_slice()),
            sealed_len: saved.sealed.len(),
        }
    }
}

/// `e2ee_message`: a message of many, with its kind.
#[repr(C)]
pub struct Message<'a> {
    bytes: In<'a, u8>,
    len: usize,
    kind: u8,
}

impl<'a> Message<'a> {
    /// All messages, each with its kind.
    pub fn all(messages: In<'a, Self>, count: usize) -> Result<Vec<(u8, &'a [u8])>, Status> {
        let messages = messages.slice(count)?.iter();
        messages.map(|message| Ok((message.kind, message.bytes.slice(message.len)?))).collect()
    }
}

/// A revision, and the sealed bytes that stand under it.
pub type Part<'a> = (u64, &'a [u8]);

/// The records of these names, each of which must be there once.
pub fn parts<'a, const N: usize>(
    records: In<'a, Record<'a>>,
    count: usize,
    names: [&str; N],
) -> Result<[Part<'a>; N], Status> {
    let mut found = [None; N];
    if count > N {
        return Err(Status::InvalidArgument);
    }
    for record in records.slice(count)? {
        let name = record.name.get()?;
        let at = names.iter().position(|each| each.as_bytes() == name.to_bytes());
        let slot = at.and_then(|at| found.get_mut(at)).ok_or(Status::InvalidArgument)?;
        let part = (record.revision, record.sealed.slice(record.sealed_len)?);
        if slot.replace(part).is_some() {
            return Err(Status::InvalidArgument);
        }
    }
    let mut parts: [Part<'a>; N] = [(0, &[]); N];
    for (part, found) in parts.iter_mut().zip(found) {
        *part = found.ok_or(Status::StoreCorruption)?;
    }
    Ok(parts)
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_step_writes<'a>(
    step: Handle<'a, Step>,
    writes: Out<'a, Record<'a>>,
    capacity: usize,
    count: Out<'a, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&writes, capacity, &count)?;
        output.give(&step.get()?.records())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_step_kind(step: Handle<'_, Step>, kind: Out<'_, u8>) -> Status {
    entry(|| {
        let place = kind.place()?;
        place.set(step.get()?.kind.ok_or(Status::InvalidArgument)?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_step_message_index(step: Handle<'_, Step>, index: Out<'_, u32>) -> Status {
    entry(|| {
        let place = index.place()?;
        let Indices::One(index) = step.get()?.indices else { return Err(Status::InvalidArgument) };
        place.set(index);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_step_message_index_at(
    step: Handle<'_, Step>,
    place: usize,
    index: Out<'_, u32>,
) -> Status {
    entry(|| {
        let out = index.place()?;
        let Indices::Many(indices) = &step.get()?.indices else {
            return Err(Status::InvalidArgument);
        };
        out.set(indices.get(place).copied().flatten().ok_or(Status::InvalidArgument)?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_step_release(
    step: Handle<'_, Step>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        step.get()?.open.lock()?.give(&output)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_step_release_at(
    step: Handle<'_, Step>,
    place: usize,
    outcome: Out<'_, Status>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (outcome, output) = (outcome.place()?, Output::new(&out, capacity, &len)?);
        outcome.set(step.get()?.open.lock()?.give_at(place, &output)?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_step_abandon(step: Handle<'_, Step>) -> Status {
    entry(|| step.get()?.open.lock()?.abandon())
}
