// SPDX-License-Identifier: MIT OR Apache-2.0
//! A session that its owner stores itself (docs/storage.md, "Without a store").
//!
//! ```text
//!   Ready ──encrypt, decrypt──► Open ──release──► Ready
//!                                └──abandon──► Stale: load it again
//! ```
//!
//! Nothing can force the owner to save what a step writes before it releases the result; the
//! states make forgetting visible. Loading one state twice uses keys twice.

use e2ee_primitives::{random::Random, secret::SecretBytes};
use e2ee_state::{Backlog, Failure, Saved, Sealer, Stage, StoreError, seal::RecordSealer};
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    Address, Ciphertext, Parties, PreKeyBundle, PreKeyMessage, RatchetMessage, Session,
    device::Device,
    session::{Generations, envelope_budget},
    stock::UsedPreKeys,
};

/// The names of a session's three records.
pub const PARTS: [&str; 3] = ["head", "objects", "skipped"];

/// Bytes before the head: the revisions of the other two parts.
const REVISIONS_LEN: usize = 2 * 8;

/// One session, its seals, and whether a step is open.
#[derive(Debug)]
pub struct StandaloneSession {
    session: Session,
    parties: Parties,
    head_sealer: RecordSealer,
    /// Of objects and skipped, which few messages write: apart, so that less lies between what all
    /// of them touch.
    other_sealers: Box<[RecordSealer; 2]>,
    /// Of head, objects and skipped; 0 before the first step.
    revisions: [u64; 3],
    saved: Generations,
    stage: Stage,
}

/// A message of a session, as it came.
#[derive(Clone, Copy, Debug)]
pub enum Received<'a> {
    /// Kind 2: a ratchet message.
    Ratchet(&'a [u8]),
    /// Kind 3: a further prekey message of the session.
    PreKey(&'a [u8]),
}

impl StandaloneSession {
    /// Starts a session with the owner of `bundle`; nothing need be saved before the first message.
    pub fn initiate(
        sealer: &Sealer,
        device: &Device,
        peer: Address,
        bundle: &PreKeyBundle,
        (now, random): (u64, &mut dyn Random),
    ) -> Result<Self, Failure> {
        let parties = Parties { ours: device.address.clone(), theirs: peer };
        let verified = bundle.verify()?;
        let session = Session::initiate(device.ours(), &parties, &verified, now, random)?;
        Ok(Self::new(sealer, session, parties))
    }

    /// Makes the session that a prekey message asks for, and opens the message.
    ///
    /// The device's one-time keys are used up: it must be saved in the same transaction as the
    /// step. An error has changed nothing. The time is in milliseconds since the Unix epoch.
    pub fn accept(
        sealer: &Sealer,
        device: &mut Device,
        peer: Address,
        message: &[u8],
        (now_ms, random): (u64, &mut dyn Random),
    ) -> Result<(Self, Vec<Saved>, SecretBytes), Failure> {
        let message = PreKeyMessage::decode(message)?;
        let parties = Parties { ours: device.address.clone(), theirs: peer };
        let keys = device.stock.at(now_ms).find(&message.outer)?;
        let mut session = Session::accept(device.ours(), &parties, &keys, &message.outer)?;
        let identities = (device.identity_key(), &message.outer.identity_key);
        let mut budget = envelope_budget(identities.0, identities.1, &parties);
        let plaintext = session.decrypt_prekey(&parties, &message, &mut budget)?;
        let mut standalone = Self::new(sealer, session, parties);
        let writes = standalone.writes(random)?;
        device.stock.consume(&UsedPreKeys::of(&message.outer));
        Ok((standalone, writes, plaintext))
    }

    /// Loads a session from its three records, each with its revision, and the name that binds
    /// them.
    pub fn load(
        sealer: &Sealer,
        parties: Parties,
        name: &str,
        records: [(u64, &[u8]); 3],
    ) -> Result<Self, Failure> {
        let [head_sealer, objects_sealer, skipped_sealer] = record_sealers(sealer, name);
        let [(head_revision, head), objects, skipped] = records;
        let head = head_sealer.open(head_revision, head)?;
        let mut reader = RecordReader::new(head.expose());
        let sealed_revisions = [reader.u64()?, reader.u64()?];
        if sealed_revisions != [objects.0, skipped.0] {
            return Err(StoreError::Corruption.into());
        }
        let (_, head) = head.expose().split_first_chunk::<16>().ok_or(Error::CorruptState)?;
        let session = Session::decode(
            head,
            objects_sealer.open(objects.0, objects.1)?.expose(),
            skipped_sealer.open(skipped.0, skipped.1)?.expose(),
        )?;
        let saved = session.generations();
        let revisions = [head_revision, objects.0, skipped.0];
        let other_sealers = Box::new([objects_sealer, skipped_sealer]);
        let stage = Stage::Ready;
        Ok(Self { session, parties, head_sealer, other_sealers, revisions, saved, stage })
    }

    fn new(sealer: &Sealer, session: Session, parties: Parties) -> Self {
        let [head_sealer, objects, skipped] = record_sealers(sealer, &name_of(&session));
        let other_sealers = Box::new([objects, skipped]);
        let (saved, stage) = (session.generations(), Stage::Ready);
        Self { session, parties, head_sealer, other_sealers, revisions: [0; 3], saved, stage }
    }

    /// The name that binds this session's records: its base key in hexadecimal.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.session)
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Encrypts at `now`, in seconds since the Unix epoch; the step is open until it is released.
    pub fn encrypt(
        &mut self,
        plaintext: &[u8],
        now: u64,
        random: &mut dyn Random,
    ) -> Result<(Vec<Saved>, Ciphertext), Failure> {
        self.stage.ready()?;
        let ciphertext = self.session.encrypt(&self.parties, plaintext, now, random)?;
        Ok((self.writes(random)?, ciphertext))
    }

    /// Opens a message; the step is open until it is released. An error has changed nothing.
    pub fn decrypt(
        &mut self,
        message: Received<'_>,
        random: &mut dyn Random,
    ) -> Result<(Vec<Saved>, SecretBytes), Failure> {
        self.stage.ready()?;
        let plaintext = self.open(message)?;
        Ok((self.writes(random)?, plaintext))
    }

    /// Opens messages in their order, as [`Self::decrypt`] would one by one, but as one step for all of them; each place holds the plaintext or why there is none.
    ///
    /// A message that came as an error keeps its place with it. One that is refused changes nothing;
    /// what the others change is written even if there is none.
    pub fn decrypt_many<'a>(
        &mut self,
        messages: impl IntoIterator<Item = Result<Received<'a>, Error>>,
        random: &mut dyn Random,
    ) -> Result<Backlog, Failure> {
        self.stage.ready()?;
        let opened = messages.into_iter().map(|message| self.open(message?)).collect();
        Ok((self.writes(random)?, opened))
    }

    fn open(&mut self, message: Received<'_>) -> Result<SecretBytes, Error> {
        let mut budget = self.budget();
        match message {
            Received::Ratchet(bytes) => {
                let message = RatchetMessage::decode(bytes)?;
                self.session.decrypt(&self.parties, &message, &mut budget)
            }
            Received::PreKey(bytes) => {
                let message = PreKeyMessage::decode(bytes)?;
                self.session.decrypt_prekey(&self.parties, &message, &mut budget)
            }
        }
    }

    /// Ends or gives up the open step.
    pub const fn stage(&mut self) -> &mut Stage {
        &mut self.stage
    }

    fn budget(&self) -> e2ee_ratchet::Budget {
        let identities = self.session.identities();
        envelope_budget(identities.0, identities.1, &self.parties)
    }

    /// Seals the parts that changed; of a session that was never saved, all.
    ///
    /// From here on the session is ahead of its stored state: an error makes it stale.
    fn writes(&mut self, random: &mut dyn Random) -> Result<Vec<Saved>, Failure> {
        self.stage = Stage::Stale;
        let now = self.session.generations();
        let [base, objects, skipped] = self.revisions;
        let fresh = base == 0;
        let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
        let mut writes = Vec::with_capacity(3);
        let [objects_sealer, skipped_sealer] = &*self.other_sealers;
        let [head_name, objects_name, skipped_name] = PARTS;
        let mut revisions = [revision, objects, skipped];
        let [_, new_objects, new_skipped] = &mut revisions;
        if fresh || now.objects != self.saved.objects {
            let plaintext = self.session.encode_objects();
            let sealed = objects_sealer.seal(revision, plaintext.expose(), random)?;
            writes.push(Saved { name: objects_name, base: objects, revision, sealed });
            *new_objects = revision;
        }
        if fresh || now.skipped != self.saved.skipped {
            let plaintext = self.session.encode_skipped();
            let sealed = skipped_sealer.seal(revision, plaintext.expose(), random)?;
            writes.push(Saved { name: skipped_name, base: skipped, revision, sealed });
            *new_skipped = revision;
        }
        let head = |out: &mut Vec<u8>| {
            out.extend_from_slice(&new_objects.to_be_bytes());
            out.extend_from_slice(&new_skipped.to_be_bytes());
            self.session.append_head(out);
        };
        let most = REVISIONS_LEN.saturating_add(self.session.head_most());
        let sealed = self.head_sealer.seal_written(revision, (most, head), random)?;
        writes.push(Saved { name: head_name, base, revision, sealed });
        self.revisions = revisions;
        self.saved = now;
        self.stage = Stage::Open;
        Ok(writes)
    }
}

fn name_of(session: &Session) -> String {
    crate::account::hex(session.base_key().as_bytes())
}

fn record_sealers(sealer: &Sealer, name: &str) -> [RecordSealer; 3] {
    PARTS.map(|part| sealer.record(&format!("{name}/{part}")))
}
