// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sender keys that their owner stores itself (docs/storage.md, "Without a store"; signal.md §9).
//!
//! As with sessions, a step is open until what it writes is durable, and a key whose step was given
//! up is stale. Loading one state twice uses keys twice.

use e2ee_primitives::{random::Random, secret::SecretBytes};
use e2ee_state::{Backlog, Failure, Saved, Sealer, Stage, StoreError, seal::RecordSealer};
use e2ee_wire::{Error, record::RecordReader};

use crate::{Address, account::Workers};

use super::{DISTRIBUTION_ID_LEN, DistributionMessage, GroupMessage, SenderKey, SenderKeys};

/// The name of a sender key's record.
pub const SENDING: &str = "sending";
/// The names of the two records of received sender keys.
pub const PARTS: [&str; 2] = ["head", "skipped"];

/// A chain of our own, its seal, and whether a step is open.
#[derive(Debug)]
pub struct StandaloneSenderKey {
    key: SenderKey,
    distribution_id: [u8; DISTRIBUTION_ID_LEN],
    sealer: RecordSealer,
    revision: u64,
    stage: Stage,
}

impl StandaloneSenderKey {
    /// A fresh chain; nothing need be saved before its first message.
    pub fn create(
        sealer: &Sealer,
        distribution_id: [u8; DISTRIBUTION_ID_LEN],
        random: &mut dyn Random,
    ) -> Result<Self, Failure> {
        let key = SenderKey::create(random)?;
        let sealer = own_sealer(sealer, &distribution_id);
        Ok(Self { key, distribution_id, sealer, revision: 0, stage: Stage::Ready })
    }

    /// The chain of a record with its revision.
    pub fn load(
        sealer: &Sealer,
        distribution_id: [u8; DISTRIBUTION_ID_LEN],
        (revision, record): (u64, &[u8]),
    ) -> Result<Self, Failure> {
        let sealer = own_sealer(sealer, &distribution_id);
        let key = SenderKey::decode(sealer.open(revision, record)?.expose())?;
        Ok(Self { key, distribution_id, sealer, revision, stage: Stage::Ready })
    }

    /// The distribution message for a new member, to be sent through a pairwise session.
    pub fn distribution(&self) -> Result<SecretBytes, Error> {
        self.stage.ready()?;
        Ok(self.key.distribution(&self.distribution_id).encode())
    }

    /// Encrypts to all who have the chain; the step is open until it is released.
    pub fn encrypt(
        &mut self,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<Saved>, Vec<u8>), Failure> {
        self.stage.ready()?;
        let base = self.revision;
        let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
        let message = self.key.encrypt(&self.distribution_id, plaintext, random)?;
        self.stage = Stage::Stale;
        let sealed = self.sealer.seal(revision, self.key.encode().expose(), random)?;
        self.revision = revision;
        self.stage = Stage::Open;
        Ok((vec![Saved { name: SENDING, base, revision, sealed }], message))
    }

    /// Ends or gives up the open step.
    pub const fn stage(&mut self) -> &mut Stage {
        &mut self.stage
    }
}

/// The chains of one sender, their seals, and whether a step is open.
#[derive(Debug)]
pub struct StandaloneSenderKeys {
    keys: SenderKeys,
    distribution_id: [u8; DISTRIBUTION_ID_LEN],
    sealers: [RecordSealer; 2],
    /// Of head and skipped; 0 before the first step.
    revisions: [u64; 2],
    saved_generation: u64,
    stage: Stage,
}

impl StandaloneSenderKeys {
    /// No chain of this sender yet.
    #[must_use]
    pub fn none(
        sealer: &Sealer,
        sender: &Address,
        distribution_id: [u8; DISTRIBUTION_ID_LEN],
    ) -> Self {
        let sealers = received_sealers(sealer, sender, &distribution_id);
        let (keys, revisions) = (SenderKeys::none(), [0; 2]);
        let stage = Stage::Ready;
        Self { keys, distribution_id, sealers, revisions, saved_generation: 0, stage }
    }

    /// The chains of two records, each with its revision.
    pub fn load(
        sealer: &Sealer,
        (sender, distribution_id): (&Address, [u8; DISTRIBUTION_ID_LEN]),
        [head, skipped]: [(u64, &[u8]); 2],
    ) -> Result<Self, Failure> {
        let mut loaded = Self::none(sealer, sender, distribution_id);
        let [head_sealer, skipped_sealer] = &loaded.sealers;
        let opened = head_sealer.open(head.0, head.1)?;
        if RecordReader::new(opened.expose()).u64()? != skipped.0 {
            return Err(StoreError::Corruption.into());
        }
        let (_, chains) = opened.expose().split_first_chunk::<8>().ok_or(Error::CorruptState)?;
        let seeds = skipped_sealer.open(skipped.0, skipped.1)?;
        loaded.keys = SenderKeys::decode(chains, seeds.expose())?;
        loaded.revisions = [head.0, skipped.0];
        loaded.saved_generation = loaded.keys.skipped_generation();
        Ok(loaded)
    }

    /// Takes in a chain that came from the sender through a pairwise session.
    ///
    /// [`Error::InvalidArgument`] if it is for another distribution.
    pub fn accept(
        &mut self,
        distribution: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<Saved>, Failure> {
        self.stage.ready()?;
        let distribution = DistributionMessage::decode(distribution)?;
        if distribution.distribution_id != self.distribution_id {
            return Err(Error::InvalidArgument.into());
        }
        self.keys.accept(&distribution);
        self.writes(random)
    }

    /// Opens a group message; the step is open until it is released.
    pub fn decrypt(
        &mut self,
        message: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<Saved>, SecretBytes), Failure> {
        self.stage.ready()?;
        let plaintext = self.keys.decrypt(&self.decoded(message)?)?;
        Ok((self.writes(random)?, plaintext))
    }

    /// Opens group messages in their order, as [`Self::decrypt`] would one by one, but as one step
    /// for all of them; each place holds the plaintext or why there is none.
    ///
    /// A message that is refused changes nothing; what the others change is written even if there
    /// is none.
    pub fn decrypt_many(
        &mut self,
        messages: &[impl AsRef<[u8]>],
        workers: &impl Workers,
        random: &mut dyn Random,
    ) -> Result<Backlog, Failure> {
        self.stage.ready()?;
        let decoded: Vec<_> = messages.iter().map(|each| self.decoded(each.as_ref())).collect();
        // From here on the keys may be ahead of their stored state, also if a worker panics.
        self.stage = Stage::Stale;
        let opened = self.keys.decrypt_many(&decoded, workers);
        Ok((self.writes(random)?, opened))
    }

    fn decoded<'a>(&self, message: &'a [u8]) -> Result<GroupMessage<'a>, Error> {
        let message = GroupMessage::decode(message)?;
        let ours = *message.distribution_id == self.distribution_id;
        if ours { Ok(message) } else { Err(Error::NoSenderKey) }
    }

    /// Ends or gives up the open step.
    pub const fn stage(&mut self) -> &mut Stage {
        &mut self.stage
    }

    /// Seals the parts that changed; from here on the keys are ahead of their stored state.
    fn writes(&mut self, random: &mut dyn Random) -> Result<Vec<Saved>, Failure> {
        self.stage = Stage::Stale;
        let [head_base, skipped_base] = self.revisions;
        let revision = head_base.checked_add(1).ok_or(Error::Exhausted)?;
        let [head_sealer, skipped_sealer] = &self.sealers;
        let [head_name, skipped_name] = PARTS;
        let mut writes = Vec::with_capacity(2);
        let mut skipped = skipped_base;
        if skipped == 0 || self.keys.skipped_generation() != self.saved_generation {
            let sealed =
                skipped_sealer.seal(revision, self.keys.encode_skipped().expose(), random)?;
            writes.push(Saved { name: skipped_name, base: skipped_base, revision, sealed });
            skipped = revision;
        }
        let head = self.keys.encode_head(&skipped.to_be_bytes());
        let sealed = head_sealer.seal(revision, head.expose(), random)?;
        writes.push(Saved { name: head_name, base: head_base, revision, sealed });
        self.revisions = [revision, skipped];
        self.saved_generation = self.keys.skipped_generation();
        self.stage = Stage::Open;
        Ok(writes)
    }
}

fn own_sealer(sealer: &Sealer, distribution_id: &[u8]) -> RecordSealer {
    sealer.record(&format!("{}/{SENDING}", crate::account::hex(distribution_id)))
}

fn received_sealers(
    sealer: &Sealer,
    sender: &Address,
    distribution_id: &[u8],
) -> [RecordSealer; 2] {
    let id = crate::account::hex(distribution_id);
    let (name, device) = (sender.name(), sender.device().get());
    PARTS.map(|part| sealer.record(&format!("{id}/from/{name}/{device}/{part}")))
}
