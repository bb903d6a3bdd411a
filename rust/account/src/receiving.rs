// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many envelopes from many senders in one step (docs/storage.md, "Batches").
//!
//! Each place holds a message or a refusal, and a refused envelope changes nothing. Senders whose
//! envelopes all move sessions that are there are worked on side by side; all others one after the
//! other, over what those before them have changed.

use core::hash::Hash;

use e2ee_primitives::{random::Random, secret::SecretBytes};
use e2ee_state::{Failure, Overlay, Records, Step, StoreError, Workers};
use e2ee_wire::Error;

use crate::{
    Environment, Learnt, LoadedPeer, Outcome, Peer, Protocol, Vault, batch::by_peer, draft::Draft,
};

/// What a place of a batch holds.
pub type Placed<T> = Result<T, Error>;

/// A step that would give a `T`.
type Stepped<T> = Result<Step<Outcome<T>>, Failure>;

/// An account, as far as a batch of envelopes asks.
pub trait Receives: Sync {
    /// Its protocol.
    type Protocol: Protocol;
    /// A sender's device, as envelopes come with it.
    type Device<'a>: Copy + Eq + Hash;
    /// An envelope, and who is said to have sent it.
    type Incoming<'a>: Copy + Send + Sync;

    /// The records of the account.
    fn vault(&mut self) -> &mut Vault<Self::Protocol>;

    /// Who is said to have sent an envelope.
    fn sender<'a>(incoming: &Self::Incoming<'a>) -> (&'a str, Self::Device<'a>);

    /// Whether sessions that are there may open what is in an envelope.
    fn is_for_sessions(incoming: &Self::Incoming<'_>) -> bool;

    /// A peer with all its sessions, or `None` if it is not known.
    fn load(
        &mut self,
        whom: (&str, Self::Device<'_>),
        records: &mut dyn Records,
    ) -> Result<Option<Box<LoadedPeer<Self::Protocol>>>, Failure>;

    /// Opens an envelope on the sessions of its sender; `None` if it changes more than those, or
    /// needs what was not read.
    fn open_on(
        &self,
        loaded: &mut LoadedPeer<Self::Protocol>,
        incoming: &Self::Incoming<'_>,
    ) -> Option<Placed<SecretBytes>>;
}

/// What becomes of an envelope that is opened in a batch.
pub trait Opening<A: Receives>: Sized {
    /// What the account does with it alone.
    fn open(
        account: &mut A,
        incoming: A::Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Stepped<Self>;

    /// Keeps what was in it.
    fn keep(
        account: &mut A,
        incoming: A::Incoming<'_>,
        plaintext: SecretBytes,
        environment: &mut Environment<'_>,
    ) -> Stepped<Self>;

    /// What is known of one that its sessions have refused.
    fn refused(
        account: &A,
        incoming: A::Incoming<'_>,
        refusal: Error,
        environment: &mut Environment<'_>,
    ) -> Result<Self, Failure>;
}

/// The envelopes of one sender, with their places in the batch.
struct Arrived<'a, A: Receives> {
    loaded: Box<LoadedPeer<A::Protocol>>,
    envelopes: Vec<(usize, A::Incoming<'a>)>,
}

/// The sessions of a sender behind all messages that open, and what is in them.
struct Moved<P: Protocol> {
    loaded: Box<LoadedPeer<P>>,
    before: Peer<P::Identity>,
    opened: Vec<(usize, Placed<SecretBytes>)>,
}

/// A batch at work: what its steps so far have changed, learnt and resulted in.
struct Batch<'a, 'e, A: Receives, T> {
    envelopes: &'a [A::Incoming<'e>],
    overlay: Overlay<'a>,
    random: &'a mut dyn Random,
    now_ms: u64,
    learnt: Learnt,
    results: Vec<Option<Placed<T>>>,
}

impl<A: Receives, T> Batch<'_, '_, A, T> {
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

/// Opens all envelopes in one step; each place holds what [`Opening::open`] would give.
pub fn open_many<A: Receives, T: Opening<A>>(
    account: &mut A,
    envelopes: &[A::Incoming<'_>],
    workers: &impl Workers,
    environment: &mut Environment<'_>,
) -> Stepped<Vec<Placed<T>>>
where
    LoadedPeer<A::Protocol>: Send,
    Peer<<A::Protocol as Protocol>::Identity>: Send,
{
    account.vault().refresh(environment.records)?;
    let mut batch = Batch {
        envelopes,
        overlay: Overlay::new(environment.records),
        random: environment.random,
        now_ms: environment.now_ms,
        learnt: Learnt::default(),
        results: envelopes.iter().map(|_| None).collect(),
    };
    let arrived = arrived(account, &mut batch)?;
    let shared = &*account;
    let weight = |arrived: &Arrived<'_, A>| arrived.envelopes.len();
    let moved = workers.map(arrived, weight, |arrived, _| open_all(shared, arrived));
    for moved in moved.into_iter().flatten() {
        keep_moved(account, moved, &mut batch)?;
    }
    for (place, incoming) in envelopes.iter().enumerate() {
        if batch.results.get(place).is_some_and(Option::is_none) {
            let step = T::open(account, *incoming, &mut batch.environment());
            let result = step.and_then(|step| Ok(batch.add(step)?));
            batch.place(place, result)?;
        }
    }
    let Batch { overlay, learnt, results, .. } = batch;
    let value = results.into_iter().flatten().collect();
    Ok(account.vault().kept(overlay.finish(), Outcome::unspent(value, learnt)))
}

/// The senders whose envelopes may all be opened by sessions that are there.
fn arrived<'e, A: Receives, T>(
    account: &mut A,
    batch: &mut Batch<'_, 'e, A, T>,
) -> Result<Vec<Arrived<'e, A>>, Failure> {
    let envelopes = batch.envelopes;
    let mut all = Vec::new();
    for (whom, places) in by_peer(envelopes.iter().map(A::sender)) {
        let of_sender = places.into_iter().filter_map(|at| Some((at, *envelopes.get(at)?)));
        let of_sender: Vec<_> = of_sender.collect();
        if !of_sender.iter().all(|(_, incoming)| A::is_for_sessions(incoming)) {
            continue;
        }
        let mut loaded = match account.load(whom, &mut batch.overlay) {
            Ok(Some(loaded)) => loaded,
            // What is said then is said of each envelope alone.
            Ok(None) | Err(Failure::Protocol(_)) => continue,
            Err(failure @ Failure::Store(_)) => return Err(failure),
        };
        if of_sender.len() > 1 {
            // Several of them are likely to need all that is there.
            account.vault().complete(&mut batch.overlay, &mut loaded)?;
        }
        all.push(Arrived { loaded, envelopes: of_sender });
    }
    Ok(all)
}

/// Opens the envelopes of one sender; `None` if there are some among them that must be opened alone.
fn open_all<A: Receives>(account: &A, arrived: Arrived<'_, A>) -> Option<Moved<A::Protocol>> {
    let Arrived { mut loaded, envelopes } = arrived;
    let before = loaded.peer.clone();
    let mut opened = Vec::with_capacity(envelopes.len());
    for (place, incoming) in envelopes {
        opened.push((place, account.open_on(&mut loaded, &incoming)?));
    }
    Some(Moved { loaded, before, opened })
}

/// Keeps what a sender's messages held, and saves its sessions.
fn keep_moved<A: Receives, T: Opening<A>>(
    account: &mut A,
    Moved { mut loaded, before, opened }: Moved<A::Protocol>,
    batch: &mut Batch<'_, '_, A, T>,
) -> Result<(), Failure> {
    loaded.check_begun(&mut batch.overlay)?;
    let vault = account.vault();
    let mut draft = Draft::new(vault.sealer(), batch.random);
    let mut learnt = Learnt::default();
    vault.save_peer(&mut loaded, (Some(&before), vault.index()), &mut draft, &mut learnt)?;
    let saved = (draft.finish(), learnt);
    let step = vault.drafted(saved, (), &mut batch.environment())?;
    batch.add(step)?;
    account.vault().rest(loaded);
    for (place, plaintext) in opened {
        let Some(incoming) = batch.envelopes.get(place).copied() else { continue };
        let result = match plaintext {
            Ok(plaintext) => T::keep(account, incoming, plaintext, &mut batch.environment())
                .and_then(|step| Ok(batch.add(step)?)),
            Err(refusal) => T::refused(account, incoming, refusal, &mut batch.environment()),
        };
        batch.place(place, result)?;
    }
    Ok(())
}
