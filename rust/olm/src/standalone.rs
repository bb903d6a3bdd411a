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

use e2ee_primitives::{random::Random, secret::SecretBytes, x25519};
use e2ee_state::{Backlog, Failure, Saved, Sealer, Stage, StoreError, seal::RecordSealer};
use e2ee_wire::Error;

use crate::{
    account::Account,
    message::{NormalMessage, PreKeyMessage},
    record::Revisions,
    session::{Ciphertext, Generations, Session, envelope_budget},
};

/// The names of a session's three records.
pub const PARTS: [&str; 3] = ["head", "chains", "skipped"];

/// One session, its seals, and whether a step is open.
#[derive(Debug)]
pub struct StandaloneSession {
    session: Session,
    sealers: [RecordSealer; 3],
    /// Of the head; 0 before the first step.
    revision: u64,
    others: Revisions,
    saved: Generations,
    stage: Stage,
}

/// A message of a session, as it came.
#[derive(Clone, Copy, Debug)]
pub enum Received<'a> {
    /// Type 0: a prekey message of the session.
    PreKey(&'a [u8]),
    /// Type 1: a normal message.
    Normal(&'a [u8]),
}

impl StandaloneSession {
    /// Starts a session with the owner of `their_identity`, under one of their one-time or
    /// fallback keys; nothing need be saved before the first message.
    pub fn initiate(
        sealer: &Sealer,
        account: &Account,
        their_identity: &x25519::PublicKey,
        one_time_key: &x25519::PublicKey,
        random: &mut dyn Random,
    ) -> Result<Self, Failure> {
        let session = account.initiate(their_identity, one_time_key, random)?;
        Ok(Self::new(sealer, session))
    }

    /// Makes the session that a prekey message asks for, and opens the message.
    ///
    /// The account's one-time key is used up, or its fallback key remembers the session: it must be
    /// saved in the same transaction as the step. An error has changed nothing. The errors are those of [`Account::accept`].
    pub fn accept(
        sealer: &Sealer,
        account: &mut Account,
        their_identity: Option<&x25519::PublicKey>,
        message: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Self, Vec<Saved>, SecretBytes), Failure> {
        let message = PreKeyMessage::decode(message)?;
        let (session, plaintext) =
            account.open_first(their_identity, &message, &mut envelope_budget())?;
        let mut standalone = Self::new(sealer, session);
        let writes = standalone.writes(random)?;
        account.accepted(&message.keys);
        Ok((standalone, writes, plaintext))
    }

    /// Loads a session from its three records, each with its revision, and the name that binds
    /// them.
    pub fn load(sealer: &Sealer, name: &str, records: [(u64, &[u8]); 3]) -> Result<Self, Failure> {
        let sealers = record_sealers(sealer, name);
        let [(revision, head), (chains_revision, chains), (skipped_revision, skipped)] = records;
        let [head_sealer, chains_sealer, skipped_sealer] = &sealers;
        let (session, others) = Session::decode(
            head_sealer.open(revision, head)?.expose(),
            chains_sealer.open(chains_revision, chains)?.expose(),
            skipped_sealer.open(skipped_revision, skipped)?.expose(),
        )?;
        if others != (Revisions { chains: chains_revision, skipped: skipped_revision })
            || name != name_of(&session)
        {
            return Err(StoreError::Corruption.into());
        }
        let saved = session.generations();
        Ok(Self { session, sealers, revision, others, saved, stage: Stage::Ready })
    }

    /// A session from elsewhere, which was never saved here.
    #[must_use]
    pub fn new(sealer: &Sealer, session: Session) -> Self {
        let sealers = record_sealers(sealer, &name_of(&session));
        let saved = session.generations();
        let others = Revisions::default();
        Self { session, sealers, revision: 0, others, saved, stage: Stage::Ready }
    }

    /// The name that binds this session's records: its id in hexadecimal.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.session)
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Encrypts; the step is open until it is released. An error has changed nothing.
    pub fn encrypt(
        &mut self,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<Saved>, Ciphertext), Failure> {
        self.stage.ready()?;
        let ciphertext = self.session.encrypt(plaintext, random)?;
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

    /// Opens messages in their order, as [`Self::decrypt`] would one by one, but as one step for
    /// all of them; each place holds the plaintext or why there is none.
    ///
    /// A message that came as an error keeps its place with it. One that is refused changes
    /// nothing; what the others change is written even if there is none.
    pub fn decrypt_many<'a>(
        &mut self,
        messages: impl IntoIterator<Item = Result<Received<'a>, Error>>,
        random: &mut dyn Random,
    ) -> Result<Backlog, Failure> {
        self.stage.ready()?;
        let opened = messages.into_iter().map(|message| self.open(message?)).collect();
        Ok((self.writes(random)?, opened))
    }

    /// What must be saved of a session that is new here; the step is open until it is released.
    pub fn save(&mut self, random: &mut dyn Random) -> Result<Vec<Saved>, Failure> {
        self.stage.ready()?;
        self.writes(random)
    }

    fn open(&mut self, message: Received<'_>) -> Result<SecretBytes, Error> {
        let mut budget = envelope_budget();
        match message {
            Received::PreKey(bytes) => {
                self.session.decrypt_prekey(&PreKeyMessage::decode(bytes)?, &mut budget)
            }
            Received::Normal(bytes) => {
                self.session.decrypt(&NormalMessage::decode(bytes)?, &mut budget)
            }
        }
    }

    /// Ends or gives up the open step.
    pub const fn stage(&mut self) -> &mut Stage {
        &mut self.stage
    }

    /// Seals the parts that changed; of a session that was never saved, all.
    ///
    /// From here on the session is ahead of its stored state: an error makes it stale.
    fn writes(&mut self, random: &mut dyn Random) -> Result<Vec<Saved>, Failure> {
        self.stage = Stage::Stale;
        let now = self.session.generations();
        let base = self.revision;
        let fresh = base == 0;
        let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
        let [head_sealer, chains_sealer, skipped_sealer] = &self.sealers;
        let [head_name, chains_name, skipped_name] = PARTS;
        let mut writes = Vec::with_capacity(PARTS.len());
        let mut others = self.others;
        if fresh || now.chains != self.saved.chains {
            let sealed =
                chains_sealer.seal(revision, self.session.encode_chains().expose(), random)?;
            writes.push(Saved { name: chains_name, base: others.chains, revision, sealed });
            others.chains = revision;
        }
        if fresh || now.skipped != self.saved.skipped {
            let sealed =
                skipped_sealer.seal(revision, self.session.encode_skipped().expose(), random)?;
            writes.push(Saved { name: skipped_name, base: others.skipped, revision, sealed });
            others.skipped = revision;
        }
        let head = self.session.encode_head(others);
        let sealed = head_sealer.seal(revision, head.expose(), random)?;
        writes.push(Saved { name: head_name, base, revision, sealed });
        self.revision = revision;
        self.others = others;
        self.saved = now;
        self.stage = Stage::Open;
        Ok(writes)
    }
}

fn name_of(session: &Session) -> String {
    use core::fmt::Write;

    let mut name = String::with_capacity(64);
    for byte in session.session_id() {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

fn record_sealers(sealer: &Sealer, name: &str) -> [RecordSealer; 3] {
    PARTS.map(|part| sealer.record(&format!("olm/{name}/{part}")))
}

#[cfg(test)]
mod tests;
