// SPDX-License-Identifier: MIT OR Apache-2.0
//! Comparing the store with its anchor before a step that sends, and telling the anchor of it before
//! its result leaves (docs/storage.md, "Anchor").

use e2ee_primitives::random::Random;
use e2ee_state::{Anchor, Failure, Records, Step, StoreError, Timeline, Write};
use e2ee_wire::Error;

use crate::{
    anchor_value::AnchorValue,
    draft::Draft,
    generation::{Generation, Held, Moved, Token},
    index::Index,
    memory::{Mark, Seen},
    names,
    outcome::{Environment, Learnt, Outcome},
    protocol::Protocol,
    vault::Vault,
};

/// Shows that a result may leave: the anchor, if there is one, knows of its step.
#[derive(Debug)]
pub struct Confirmation(());

impl<T> Outcome<T> {
    /// Tells the anchor of the step, which must be durable.
    ///
    /// [`StoreError::OutcomeUnknown`] if the anchor holds neither the token before nor the new one:
    /// others were quicker, or the step belongs to another past. [`Vault::confirm_late`] can tell.
    pub fn confirm(&self, anchor: Option<&mut dyn Anchor>) -> Result<Confirmation, StoreError> {
        let Some(Moved { old, new }) = &self.moved else { return Ok(Confirmation(())) };
        let anchor = anchor.ok_or(StoreError::NoAnchor)?;
        if anchor.advance(old.as_deref(), new)? || anchor.read()?.as_ref() == Some(new) {
            Ok(Confirmation(()))
        } else {
            Err(StoreError::OutcomeUnknown)
        }
    }
}

/// The generation as it is stored, and what the anchor holds.
struct Found {
    revision: u64,
    generation: Generation,
    held: Held,
}

/// A generation that is to be written where `base` is found.
#[derive(Debug)]
pub struct Begun {
    base: u64,
    generation: Generation,
    /// What the anchor holds.
    held: Option<Vec<u8>>,
    /// The timeline that it is written on.
    server: Option<Timeline>,
}

/// Where a step's writes and what it teaches are put together.
pub type Collected<'a> = (&'a mut Vec<Write>, &'a mut Learnt);

/// Refuses an anchor that holds something: it is not that of a new store.
pub fn check_empty(records: &mut dyn Records) -> Result<(), StoreError> {
    match records.anchor().map(Anchor::read).transpose()? {
        Some(Some(_)) => Err(StoreError::WrongAnchor),
        _ => Ok(()),
    }
}

impl<P: Protocol> Vault<P> {
    /// Ties a store without an anchor to the one that it was given, if that is empty. Its first
    /// value leaves with the confirmation.
    ///
    /// [`StoreError::NoAnchor`] if the store has one that was not given, and
    /// [`StoreError::WrongAnchor`] if the one that was given is another store's. Nothing is compared:
    /// a store that may not send can still receive.
    pub fn tie(&mut self, environment: &mut Environment<'_>) -> Result<Step<Outcome<()>>, Failure> {
        self.refresh(environment.records)?;
        let held = match environment.records.anchor() {
            None if self.index.anchored => return Err(StoreError::NoAnchor.into()),
            None => None,
            Some(anchor) => Some(anchor.read()?),
        };
        if let Some(Some(value)) = &held {
            AnchorValue::decode(value, self.sealer.store_id())?;
        }
        let (mut writes, mut learnt, mut moved) = (Vec::new(), Learnt::default(), None);
        if !self.index.anchored && held == Some(None) {
            let token = Token::after(0, environment.random)?;
            let generation = Generation { token, past: Vec::new() };
            let server = environment.records.timeline()?;
            let first = Begun { base: 0, generation, held: None, server };
            let index = Index { anchored: true, ..self.index };
            let mut draft = Draft::new(&self.sealer, environment.random);
            self.put_index(index, &mut draft, &mut learnt)?;
            writes = draft.finish().writes;
            moved =
                Some(self.put_generation(first, (&mut writes, &mut learnt), environment.random)?);
        }
        Ok(self.kept(writes, Outcome { value: (), learnt, moved }))
    }

    /// Refuses a store that does not agree with its anchor, for what may leave of it.
    ///
    /// [`StoreError::OffAnchor`] if the store was put back or runs twice.
    pub fn compare_anchor(&mut self, records: &mut dyn Records) -> Result<(), Failure> {
        self.generation(records).map(|_| ())
    }

    /// What a refusal means, if it is that the store was set back, and anchor and server know that
    /// there was a fail-over.
    pub fn explained(&self, failure: Failure, records: &mut dyn Records) -> Failure {
        let Failure::Store(StoreError::Rollback | StoreError::OffAnchor) = failure else {
            return failure;
        };
        let known = self.failed_over(records).unwrap_or_default();
        known.map_or(failure, Failure::Store)
    }

    fn failed_over(&self, records: &mut dyn Records) -> Result<Option<StoreError>, StoreError> {
        let Some(server) = records.timeline()? else { return Ok(None) };
        let Some(value) = records.anchor().map(Anchor::read).transpose()?.flatten() else {
            return Ok(None);
        };
        let known = AnchorValue::decode(&value, self.sealer.store_id())?.timeline;
        let known = known.filter(|known| known.system == server.system && *known != server);
        Ok(known
            .map(|known| StoreError::FailedOver { anchor: known.number, server: server.number }))
    }

    /// The generation of a store that has an anchor and agrees with it, and what the anchor holds;
    /// `None` without an anchor.
    fn generation(&mut self, records: &mut dyn Records) -> Result<Option<Found>, Failure> {
        if !self.index.anchored {
            // Rows from before the store had its anchor are of another past.
            return match records.anchor() {
                None => Ok(None),
                Some(_) => Err(StoreError::OffAnchor.into()),
            };
        }
        let stored = records.get(names::GENERATION)?.ok_or(StoreError::Corruption)?;
        let opened = self.sealer.open(names::GENERATION, stored.revision, &stored.sealed)?;
        let generation = Generation::decode(opened.expose())?;
        let found = Seen { revision: stored.revision, mark: Mark::of(&stored.sealed)? };
        self.memory.see(names::GENERATION, found)?;
        let wrote = records.wrote(names::GENERATION)?;
        let open = wrote.unwrap_or_else(|| self.memory.is_drafted(names::GENERATION, found));
        let server = records.timeline()?;
        let anchor = records.anchor().ok_or(StoreError::NoAnchor)?;
        let store_id = self.sealer.store_id();
        let held = generation.compare(store_id, anchor, server)?;
        // What is not durable yet may be undone: the anchor is not told of it.
        let held = if open && held.told.is_some() {
            held
        } else {
            generation.settle(held, store_id, anchor)?
        };
        Ok(Some(Found { revision: stored.revision, generation, held }))
    }

    /// Moves the generation for a step that spends message keys, once in a transaction, and returns
    /// what the anchor must be told of; `None` without an anchor.
    pub(crate) fn spend(
        &mut self,
        collected: Collected<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Option<Moved>, Failure> {
        let Some(found) = self.generation(environment.records)? else { return Ok(None) };
        let Found { revision, generation, held } = found;
        if environment.records.wrote(names::GENERATION)? == Some(true) {
            let told = AnchorValue { token: generation.token, timeline: held.server };
            let new = told.encode(self.sealer.store_id());
            return Ok(Some(Moved { old: held.value, new }));
        }
        let last = held.told.map_or(generation.token, |told| told.token);
        let next = generation.next(last, environment.random)?;
        let Held { value, server, .. } = held;
        let begun = Begun { base: revision, generation: next, held: value, server };
        self.put_generation(begun, collected, environment.random).map(Some)
    }

    /// A state that the anchor does not hold, behind those of the store and the anchor, for a store
    /// that is healed or is given another anchor; `None` without an anchor.
    pub fn begin_again(&self, environment: &mut Environment<'_>) -> Result<Option<Begun>, Failure> {
        let held = match environment.records.anchor() {
            None if self.index.anchored => return Err(StoreError::NoAnchor.into()),
            None => return Ok(None),
            Some(anchor) => anchor.read()?,
        };
        let last = held.as_ref().map(|value| AnchorValue::decode(value, self.sealer.store_id()));
        let last = last.transpose()?.map(|told| told.token);
        let (mut base, mut count) = (0, last.map_or(0, |last| last.count));
        if let Some(stored) = environment.records.get(names::GENERATION)? {
            let opened = self.sealer.open(names::GENERATION, stored.revision, &stored.sealed)?;
            base = stored.revision;
            count = count.max(Generation::decode(opened.expose())?.token.count);
        }
        let token = Token::after(count, environment.random)?;
        let generation = Generation { token, past: last.into_iter().collect() };
        let server = environment.records.timeline()?;
        Ok(Some(Begun { base, generation, held, server }))
    }

    /// Adds the record of the generation.
    pub fn put_generation(
        &self,
        Begun { base, generation, held, server }: Begun,
        (writes, learnt): Collected<'_>,
        random: &mut dyn Random,
    ) -> Result<Moved, Failure> {
        let mut draft = Draft::new(&self.sealer, random);
        let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
        let seen = draft.put(names::GENERATION, base, revision, &generation.encode())?;
        writes.append(&mut draft.finish().writes);
        learnt.rows.push((names::GENERATION.to_owned(), Some(seen)));
        let told = AnchorValue { token: generation.token, timeline: server };
        Ok(Moved { old: held, new: told.encode(self.sealer.store_id()) })
    }

    /// [`Outcome::confirm`], after others were quicker: whether the store, as it is now, has the
    /// step in its past, and the anchor a later state of the same past.
    pub fn confirm_late<T>(
        &self,
        outcome: &Outcome<T>,
        records: &mut dyn Records,
    ) -> Result<Confirmation, Failure> {
        let Some(Moved { new, .. }) = &outcome.moved else { return Ok(Confirmation(())) };
        let held = records.anchor().ok_or(StoreError::NoAnchor)?.read()?;
        let stored = records.get(names::GENERATION)?.ok_or(StoreError::Corruption)?;
        let opened = self.sealer.open(names::GENERATION, stored.revision, &stored.sealed)?;
        let generation = Generation::decode(opened.expose())?;
        let store_id = self.sealer.store_id();
        if held.is_some_and(|held| generation.vouches_for(new, &held, store_id)) {
            Ok(Confirmation(()))
        } else {
            Err(StoreError::OutcomeUnknown.into())
        }
    }
}
