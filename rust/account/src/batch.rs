// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many messages to many peers in one step: all of them, or none (docs/storage.md, "Batches").
//!
//! The sessions of a peer are read once, moved by all messages of the batch that are theirs, in
//! their order, and written once. Peers are independent of each other, so the work in between is
//! done by [`Workers`], which the binding has.

use core::hash::Hash;
use std::collections::HashMap;

use e2ee_state::{Failure, Step, Workers};
use e2ee_wire::Error;

use crate::{
    Environment, Learnt, LoadedPeer, Outcome, Protocol, Vault,
    draft::{Draft, Drafted},
    outcome::At,
};

/// Why a batch was refused, and which of its messages was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The message's place in the batch, from 0.
    pub place: usize,
    /// Why it was.
    pub failure: Failure,
}

impl Refused {
    /// A refusal of all messages.
    #[must_use]
    pub const fn whole(failure: Failure) -> Self {
        Self { place: 0, failure }
    }
}

/// A peer, and the plaintexts to it with their places in the batch.
pub struct Addressed<'a, P: Protocol> {
    loaded: Box<LoadedPeer<P>>,
    plaintexts: Vec<(usize, &'a [u8])>,
}

/// What becomes of the messages to one peer.
struct Sealed<P: Protocol, T> {
    loaded: Box<LoadedPeer<P>>,
    results: Vec<(usize, T)>,
    drafted: Drafted,
    learnt: Learnt,
}

/// The messages of a batch by peer, each of which `load` reads once.
///
/// [`Error::NoSession`] for the first message to a peer that is not known.
pub fn addressed<'a, P: Protocol, D: Copy + Eq + Hash>(
    messages: &[((&'a str, D), &'a [u8])],
    mut load: impl FnMut(&str, D) -> Result<Option<Box<LoadedPeer<P>>>, Failure>,
) -> Result<Vec<Addressed<'a, P>>, Refused> {
    let mut all = Vec::new();
    for ((user, device), places) in by_peer(messages.iter().map(|(whom, _)| *whom)) {
        let refused = |failure| Refused { place: places.first().copied().unwrap_or(0), failure };
        let loaded = load(user, device).map_err(refused)?;
        let loaded = loaded.ok_or(Failure::from(Error::NoSession)).map_err(refused)?;
        let plaintext = |place| messages.get(place).map(|(_, plaintext)| (place, *plaintext));
        let plaintexts = places.into_iter().filter_map(plaintext).collect();
        all.push(Addressed { loaded, plaintexts });
    }
    Ok(all)
}

impl<P: Protocol> Vault<P>
where
    Self: Sync,
    LoadedPeer<P>: Send,
{
    /// Encrypts all plaintexts with `encrypt`, and makes the results with `keep`, in the order of
    /// places.
    pub fn send_many<M, T: Send>(
        &mut self,
        addressed: Vec<Addressed<'_, P>>,
        workers: &impl Workers,
        environment: &mut Environment<'_>,
        (encrypt, keep): (impl Encrypt<P, M>, impl Keep<P, M, T>),
    ) -> Result<Step<Outcome<Vec<T>>>, Refused> {
        let (vault, now_ms) = (&*self, environment.now_ms);
        let sealed = workers.map(
            addressed,
            |addressed| addressed.plaintexts.len(),
            |addressed, random| vault.seal_all(addressed, (now_ms, random), (&encrypt, &keep)),
        );
        let (mut results, mut learnt) = (Vec::new(), Learnt::default());
        let (mut drafted, mut moved) = (Drafted::default(), Vec::new());
        for sealed in sealed {
            let mut sealed = sealed?;
            results.append(&mut sealed.results);
            drafted.append(sealed.drafted);
            learnt.rows.append(&mut sealed.learnt.rows);
            moved.push(sealed.loaded);
        }
        let step = self.drafted((drafted, learnt), in_order(results), environment);
        let step = step.map_err(Refused::whole)?;
        for loaded in moved {
            self.rest(loaded);
        }
        Ok(step)
    }

    /// Encrypts all messages to one peer, and saves its session once.
    fn seal_all<M, T>(
        &self,
        Addressed { mut loaded, plaintexts }: Addressed<'_, P>,
        (now_ms, random): At<'_>,
        (encrypt, keep): (&impl Encrypt<P, M>, &impl Keep<P, M, T>),
    ) -> Result<Sealed<P, T>, Refused> {
        let mut messages = Vec::with_capacity(plaintexts.len());
        for (place, plaintext) in plaintexts {
            let message = encrypt(&mut loaded, plaintext, (now_ms, &mut *random));
            let refused = |error: Error| Refused { place, failure: error.into() };
            messages.push((place, message.map_err(refused)?));
        }
        let mut draft = Draft::new(self.sealer(), random);
        let mut results = Vec::with_capacity(messages.len());
        for (place, message) in messages {
            let result = keep(&loaded, place, message, (now_ms, &mut draft));
            results.push((place, result.map_err(|failure| Refused { place, failure })?));
        }
        let mut learnt = Learnt::default();
        self.save_moved(&mut loaded, &mut draft, &mut learnt).map_err(Refused::whole)?;
        Ok(Sealed { loaded, results, drafted: draft.finish(), learnt })
    }
}

/// How a plaintext becomes a message on the sessions with a peer.
pub trait Encrypt<P: Protocol, M>:
    Fn(&mut LoadedPeer<P>, &[u8], At<'_>) -> Result<M, Error> + Sync
{
}

impl<P: Protocol, M, F> Encrypt<P, M> for F where
    F: Fn(&mut LoadedPeer<P>, &[u8], At<'_>) -> Result<M, Error> + Sync
{
}

/// What is kept of a message at its place in the batch.
pub trait Keep<P: Protocol, M, T>:
    Fn(&LoadedPeer<P>, usize, M, (u64, &mut Draft<'_>)) -> Result<T, Failure> + Sync
{
}

impl<P: Protocol, M, T, F> Keep<P, M, T> for F where
    F: Fn(&LoadedPeer<P>, usize, M, (u64, &mut Draft<'_>)) -> Result<T, Failure> + Sync
{
}

/// The places of a batch, by peer: in the order in which each came first, and of each in order.
pub fn by_peer<'a, D: Copy + Eq + Hash>(
    peers: impl Iterator<Item = (&'a str, D)>,
) -> Vec<((&'a str, D), Vec<usize>)> {
    let mut found: Vec<((&str, D), Vec<usize>)> = Vec::new();
    let mut known = HashMap::new();
    for (place, peer) in peers.enumerate() {
        let at = *known.entry(peer).or_insert_with(|| {
            found.push((peer, Vec::new()));
            found.len().saturating_sub(1)
        });
        if let Some((_, places)) = found.get_mut(at) {
            places.push(place);
        }
    }
    found
}

/// Results by place, in the order of places.
fn in_order<T>(placed: Vec<(usize, T)>) -> Vec<T> {
    let mut placed = placed;
    placed.sort_unstable_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, result)| result).collect()
}
