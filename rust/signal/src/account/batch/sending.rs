// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many messages to many peers in one step: all of them, or none (docs/storage.md, "Batches").

use e2ee_account::outcome::At;
use e2ee_state::{Failure, Step};
use e2ee_wire::Error;

use crate::{
    DeviceId,
    account::{
        Account, Environment, Learnt, LoadedPeer, OutboxEntry, Outcome,
        draft::{Draft, Drafted},
        outbox::Naming,
        send,
    },
    envelope::MAX_PLAINTEXT_LEN,
};

use super::{Workers, by_peer, in_order};

/// A message to a peer.
pub type Outgoing<'a> = ((&'a str, DeviceId), &'a [u8]);

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
    const fn whole(failure: Failure) -> Self {
        Self { place: 0, failure }
    }
}

/// A peer, and the plaintexts to it with their places in the batch.
struct Addressed<'a> {
    loaded: Box<LoadedPeer>,
    plaintexts: Vec<(usize, &'a [u8])>,
}

/// What becomes of the messages to one peer.
struct Sealed<T> {
    loaded: Box<LoadedPeer>,
    results: Vec<(usize, T)>,
    drafted: Drafted,
    learnt: Learnt,
}

impl Account {
    /// Pads and encrypts all plaintexts; the results are encoded envelopes, in their order.
    ///
    /// As [`Account::encrypt`]: if one is refused, all are, with that refusal.
    pub fn encrypt_many(
        &mut self,
        messages: &[Outgoing<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Vec<u8>>>>, Refused> {
        self.send_many(messages, workers, environment, |_, _, envelope, _| Ok(envelope))
    }

    /// Pads and encrypts all plaintexts, and puts the envelopes into the outbox; the results are
    /// the ids of the entries, in their order.
    ///
    /// As [`Account::queue`]: if one is refused, all are, with that refusal.
    pub fn queue_many(
        &mut self,
        messages: &[Outgoing<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<String>>>, Refused> {
        self.send_many(messages, workers, environment, |loaded, place, envelope, at| {
            let naming = Naming::Anew(loaded.next_sending_revision()?, place);
            let whom = (loaded.user.clone(), loaded.device);
            Ok(OutboxEntry::new(whom, naming, envelope, at)?.id)
        })
    }

    /// Encrypts all plaintexts, and makes the results with `keep`.
    fn send_many<T: Send>(
        &mut self,
        messages: &[Outgoing<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
        keep: impl Keep<T>,
    ) -> Result<Step<Outcome<Vec<T>>>, Refused> {
        let too_long = |(_, plaintext): &Outgoing<'_>| plaintext.len() > MAX_PLAINTEXT_LEN;
        if let Some(place) = messages.iter().position(too_long) {
            return Err(Refused { place, failure: Error::InvalidArgument.into() });
        }
        self.vault.refresh(environment.records).map_err(Refused::whole)?;
        let addressed = self.load_addressed(messages, environment)?;
        let (account, now_ms) = (&*self, environment.now_ms);
        let sealed = workers.map(
            addressed,
            |addressed| addressed.plaintexts.len(),
            |addressed, random| account.seal_all(addressed, (now_ms, random), &keep),
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
        let step = self.vault.drafted((drafted, learnt), in_order(results), environment);
        let step = step.map_err(Refused::whole)?;
        for loaded in moved {
            self.vault.rest(loaded);
        }
        Ok(step)
    }

    fn load_addressed<'a>(
        &mut self,
        messages: &[Outgoing<'a>],
        environment: &mut Environment<'_>,
    ) -> Result<Vec<Addressed<'a>>, Refused> {
        let mut all = Vec::new();
        for ((user, device), places) in by_peer(messages.iter().map(|(whom, _)| *whom)) {
            let refused =
                |failure| Refused { place: places.first().copied().unwrap_or(0), failure };
            let loaded = self.load_peer(environment.records, user, device).map_err(refused)?;
            let loaded = loaded.ok_or(Failure::from(Error::NoSession)).map_err(refused)?;
            let plaintext = |place| messages.get(place).map(|(_, plaintext)| (place, *plaintext));
            let plaintexts = places.into_iter().filter_map(plaintext).collect();
            all.push(Addressed { loaded, plaintexts });
        }
        Ok(all)
    }

    /// Encrypts all messages to one peer, and saves its session once.
    fn seal_all<T>(
        &self,
        Addressed { mut loaded, plaintexts }: Addressed<'_>,
        (now_ms, random): At<'_>,
        keep: &impl Keep<T>,
    ) -> Result<Sealed<T>, Refused> {
        let mut envelopes = Vec::with_capacity(plaintexts.len());
        for (place, plaintext) in plaintexts {
            let envelope = send::encrypt(&mut loaded, plaintext, (now_ms, &mut *random));
            let refused = |error: Error| Refused { place, failure: error.into() };
            envelopes.push((place, envelope.map_err(refused)?));
        }
        let mut draft = Draft::new(self.vault.sealer(), random);
        let mut results = Vec::with_capacity(envelopes.len());
        for (place, envelope) in envelopes {
            let result = keep(&loaded, place, envelope, (now_ms, &mut draft));
            results.push((place, result.map_err(|failure| Refused { place, failure })?));
        }
        let mut learnt = Learnt::default();
        self.vault.save_moved(&mut loaded, &mut draft, &mut learnt).map_err(Refused::whole)?;
        Ok(Sealed { loaded, results, drafted: draft.finish(), learnt })
    }
}

/// What is kept of an envelope at its place in the batch.
trait Keep<T>:
    Fn(&LoadedPeer, usize, Vec<u8>, (u64, &mut Draft<'_>)) -> Result<T, Failure> + Sync
{
}

impl<T, F> Keep<T> for F where
    F: Fn(&LoadedPeer, usize, Vec<u8>, (u64, &mut Draft<'_>)) -> Result<T, Failure> + Sync
{
}
