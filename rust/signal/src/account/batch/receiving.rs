// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many envelopes from many senders in one step (docs/storage.md, "Batches").
//!
//! Each place holds a message or a refusal, and a refused envelope changes nothing. Senders whose
//! envelopes all move a session that is there are worked on side by side; all others one after the
//! other, over what those before them have changed.

use e2ee_account::batch::by_peer;
use e2ee_primitives::{random::Random, secret::SecretBytes};
use e2ee_state::{Failure, Overlay, Step, StoreError};
use e2ee_wire::Error;

use crate::{
    Parties, RatchetMessage,
    account::{
        Account, Content, Delivery, Environment, Incoming, Learnt, LoadedPeer, Opened, Outcome,
        Peer, draft::Draft,
    },
    envelope::{self, Kind},
    padding::{self, Boundary},
    session::envelope_budget,
    sessions,
};

use super::Workers;

/// What a place of a batch holds.
pub type Placed<T> = Result<T, Error>;

/// The ratchet messages of one sender, with their places in the batch.
struct Arrived<'a> {
    loaded: Box<LoadedPeer>,
    parties: Parties,
    messages: Vec<(usize, &'a [u8])>,
}

/// The sessions of a sender behind all messages that open, and what is in them.
struct Moved {
    loaded: Box<LoadedPeer>,
    before: Peer,
    opened: Vec<(usize, Placed<SecretBytes>)>,
}

/// A batch at work: what its steps so far have changed, learnt and resulted in.
struct Batch<'a, T> {
    envelopes: &'a [Incoming<'a>],
    overlay: Overlay<'a>,
    random: &'a mut dyn Random,
    now_ms: u64,
    learnt: Learnt,
    results: Vec<Option<Placed<T>>>,
}

impl<T> Batch<'_, T> {
    /// What a step works with that follows those so far.
    fn environment(&mut self) -> Environment<'_> {
        Environment { records: &mut self.overlay, random: self.random, now_ms: self.now_ms }
    }

    /// Adds a step.
    fn add<R>(&mut self, step: Step<Outcome<R>>) -> Result<R, StoreError> {
        let Step { writes, result } = step;
        let (value, mut learnt) = result.apart();
        self.overlay.apply(writes)?;
        self.learnt.rows.append(&mut learnt.rows);
        Ok(value)
    }

    /// Puts a result, or the refusal, into its place; a store that fails ends the batch.
    fn place(&mut self, place: usize, result: Result<T, Failure>) -> Result<(), Failure> {
        let result = match result {
            Ok(result) => Ok(result),
            Err(Failure::Protocol(refusal)) => Err(refusal),
            Err(failure @ Failure::Store(_)) => return Err(failure),
        };
        if let Some(slot) = self.results.get_mut(place) {
            *slot = Some(result);
        }
        Ok(())
    }
}

impl Account {
    /// Opens all envelopes; each place holds what [`Account::decrypt`] would give.
    pub fn decrypt_many(
        &mut self,
        envelopes: &[Incoming<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Placed<Opened>>>>, Failure> {
        self.open_many(envelopes, workers, environment)
    }

    /// Opens all envelopes and puts the messages into the inbox; each place holds what
    /// [`Account::receive`] would give.
    pub fn receive_many(
        &mut self,
        envelopes: &[Incoming<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Placed<Delivery>>>>, Failure> {
        self.open_many(envelopes, workers, environment)
    }

    fn open_many<T: Opening>(
        &mut self,
        envelopes: &[Incoming<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Placed<T>>>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut batch = Batch {
            envelopes,
            overlay: Overlay::new(environment.records),
            random: environment.random,
            now_ms: environment.now_ms,
            learnt: Learnt::default(),
            results: envelopes.iter().map(|_| None).collect(),
        };
        let arrived = self.arrived(&mut batch)?;
        let account = &*self;
        let weight = |arrived: &Arrived<'_>| arrived.messages.len();
        let moved = workers.map(arrived, weight, |arrived, _| account.open_all(arrived));
        for moved in moved.into_iter().flatten() {
            self.keep_moved(moved, &mut batch)?;
        }
        for (place, incoming) in envelopes.iter().enumerate() {
            if batch.results.get(place).is_some_and(Option::is_none) {
                let step = T::open(self, *incoming, &mut batch.environment());
                let result = step.and_then(|step| Ok(batch.add(step)?));
                batch.place(place, result)?;
            }
        }
        let Batch { overlay, learnt, results, .. } = batch;
        let value = results.into_iter().flatten().collect();
        Ok(self.vault.kept(overlay.finish(), Outcome::unspent(value, learnt)))
    }

    /// The senders whose envelopes all hold ratchet messages for sessions that are there.
    fn arrived<'a, T>(&mut self, batch: &mut Batch<'a, T>) -> Result<Vec<Arrived<'a>>, Failure> {
        let envelopes = batch.envelopes;
        let mut all = Vec::new();
        for ((user, device), places) in
            by_peer(envelopes.iter().map(|each| (each.user, each.device)))
        {
            let ratchet = |place: &usize| {
                let incoming = envelopes.get(*place)?;
                match envelope::decode(incoming.envelope) {
                    Ok((Kind::Ratchet, message)) => Some((*place, message)),
                    _ => None,
                }
            };
            let messages: Option<Vec<_>> = places.iter().map(ratchet).collect();
            let Some(messages) = messages else { continue };
            let Ok(parties) = self.parties(user, device) else { continue };
            if let Some(mut loaded) = self.load_peer(&mut batch.overlay, user, device)? {
                if messages.len() > 1 {
                    // Several of them are likely to need the chunks.
                    self.vault.complete(&mut batch.overlay, &mut loaded)?;
                }
                all.push(Arrived { loaded, parties, messages });
            }
        }
        Ok(all)
    }

    /// Opens the messages of one sender; `None` if there are others among them than the
    /// application's, which change more than its sessions, or if a part was not read.
    fn open_all(&self, arrived: Arrived<'_>) -> Option<Moved> {
        let Arrived { mut loaded, parties, messages } = arrived;
        let (before, trusted) = (loaded.peer.clone(), loaded.peer.identity);
        let mut opened = Vec::with_capacity(messages.len());
        for (place, message) in messages {
            let mut budget = envelope_budget(self.identity_key(), &trusted, &parties);
            let padded = RatchetMessage::decode(message).and_then(|message| {
                sessions::decrypt(&mut loaded.sessions, &parties, &trusted, &message, &mut budget)
            });
            let plaintext = match padded.and_then(|padded| padding::unpad(padded.expose())) {
                Ok((Boundary::Application, plaintext)) => Ok(plaintext),
                Ok((Boundary::Distribution, _)) | Err(Error::PartMissing) => return None,
                Err(refusal) => Err(refusal),
            };
            opened.push((place, plaintext));
        }
        Some(Moved { loaded, before, opened })
    }

    /// Keeps what a sender's messages held, and saves its sessions.
    fn keep_moved<T: Opening>(
        &mut self,
        Moved { mut loaded, before, opened }: Moved,
        batch: &mut Batch<'_, T>,
    ) -> Result<(), Failure> {
        loaded.check_begun(&mut batch.overlay)?;
        let mut draft = Draft::new(self.vault.sealer(), batch.random);
        let mut learnt = Learnt::default();
        self.vault.save_peer(
            &mut loaded,
            (Some(&before), self.vault.index()),
            &mut draft,
            &mut learnt,
        )?;
        let saved = (draft.finish(), learnt);
        let step = self.vault.drafted(saved, (), &mut batch.environment())?;
        batch.add(step)?;
        self.vault.rest(loaded);
        for (place, plaintext) in opened {
            let Some(incoming) = batch.envelopes.get(place).copied() else { continue };
            let result = match plaintext {
                Ok(plaintext) => {
                    let opened = Opened { content: Content::Direct, plaintext };
                    T::keep(self, incoming, opened, &mut batch.environment())
                        .and_then(|step| Ok(batch.add(step)?))
                }
                Err(refusal) => T::refused(self, incoming, refusal, &mut batch.environment()),
            };
            batch.place(place, result)?;
        }
        Ok(())
    }
}

/// What becomes of an envelope that is opened in a batch.
trait Opening: Sized {
    /// What [`Account`] does with it alone.
    fn open(
        account: &mut Account,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure>;

    /// Keeps what was in it.
    fn keep(
        account: &mut Account,
        incoming: Incoming<'_>,
        opened: Opened,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure>;

    /// What is known of one that its session has refused.
    fn refused(
        account: &Account,
        incoming: Incoming<'_>,
        refusal: Error,
        environment: &mut Environment<'_>,
    ) -> Result<Self, Failure>;
}

impl Opening for Opened {
    fn open(
        account: &mut Account,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        account.decrypt(incoming, environment)
    }

    fn keep(
        account: &mut Account,
        _: Incoming<'_>,
        opened: Opened,
        _: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        Ok(account.vault.kept(Vec::new(), Outcome::unspent(opened, Learnt::default())))
    }

    fn refused(
        _: &Account,
        _: Incoming<'_>,
        refusal: Error,
        _: &mut Environment<'_>,
    ) -> Result<Self, Failure> {
        Err(refusal.into())
    }
}

impl Opening for Delivery {
    fn open(
        account: &mut Account,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        account.receive(incoming, environment)
    }

    fn keep(
        account: &mut Account,
        incoming: Incoming<'_>,
        opened: Opened,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        let message = envelope::decode(incoming.envelope)?;
        let sender = (incoming.user, incoming.device);
        let expired = account.ledger.expired(environment)?;
        let mut draft = Draft::new(account.vault.sealer(), environment.random);
        let value = account.keep(sender, message, opened, (environment.now_ms, &mut draft))?;
        for (name, revision) in expired {
            draft.delete(&name, revision);
        }
        account.vault.drafted((draft.finish(), Learnt::default()), value, environment)
    }

    fn refused(
        account: &Account,
        incoming: Incoming<'_>,
        refusal: Error,
        environment: &mut Environment<'_>,
    ) -> Result<Self, Failure> {
        let message = envelope::decode(incoming.envelope)?;
        account.refused((incoming.user, incoming.device), message, refusal, environment)
    }
}
