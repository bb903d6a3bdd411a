// SPDX-License-Identifier: MIT OR Apache-2.0
//! Group sessions that their owner stores itself (docs/storage.md, "Without a store";
//! olm_megolm.md §2).
//!
//! A step is open until what it writes is durable, and a session whose step was given up is stale.
//! Loading one state of an outbound session twice uses message keys twice.

use e2ee_primitives::{base64, random::Random, secret::SecretBytes};
use e2ee_state::{Failure, Saved, Sealer, Stage, StoreError, Workers, seal::RecordSealer};
use e2ee_wire::{Error, record::RecordReader};

use super::{Events, GroupMessage, InboundGroupSession, OutboundGroupSession, inbound::Verified};

/// The name of an outbound session's record.
pub const SENDING: &str = "sending";
/// The names of the two records of an inbound session.
pub const PARTS: [&str; 2] = ["head", "events"];
/// So far may the state in memory be ahead of the stored one before that is written again: nothing
/// depends on it but the time that the first message takes after the session is loaded.
const WORTH_A_WRITE: u32 = 64;

/// An outbound session, its seal, and whether a step is open.
#[derive(Debug)]
pub struct StandaloneOutbound {
    session: OutboundGroupSession,
    sealer: RecordSealer,
    revision: u64,
    stage: Stage,
}

impl StandaloneOutbound {
    /// A fresh session; nothing need be saved before its first message.
    pub fn create(sealer: &Sealer, random: &mut dyn Random) -> Result<Self, Failure> {
        Ok(Self::new(sealer, OutboundGroupSession::create(random)?))
    }

    /// A session from elsewhere, which was never saved here.
    #[must_use]
    pub fn new(sealer: &Sealer, session: OutboundGroupSession) -> Self {
        let sealer = record(sealer, session.session_id(), SENDING);
        Self { session, sealer, revision: 0, stage: Stage::Ready }
    }

    /// The session with this id, of a record with its revision.
    pub fn load(
        sealer: &Sealer,
        session_id: &[u8; 32],
        (revision, bytes): (u64, &[u8]),
    ) -> Result<Self, Failure> {
        let sealer = record(sealer, session_id, SENDING);
        let session = OutboundGroupSession::decode(sealer.open(revision, bytes)?.expose())?;
        if session.session_id() != session_id {
            return Err(StoreError::Corruption.into());
        }
        Ok(Self { session, sealer, revision, stage: Stage::Ready })
    }

    /// The session; what it says holds also while a step is open.
    #[must_use]
    pub const fn session(&self) -> &OutboundGroupSession {
        &self.session
    }

    /// The session key for a new member, to be sent through Olm.
    pub fn session_key(&self) -> Result<SecretBytes, Error> {
        self.stage.ready()?;
        Ok(self.session.session_key())
    }

    /// Encrypts to all who have the session; the step is open until it is released.
    pub fn encrypt(
        &mut self,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<Saved>, Vec<u8>), Failure> {
        self.stage.ready()?;
        let revision = self.next_revision()?;
        let message = self.session.encrypt(plaintext)?;
        Ok((self.writes(revision, random)?, message))
    }

    /// What must be saved of a session that is new here; the step is open until it is released.
    pub fn save(&mut self, random: &mut dyn Random) -> Result<Vec<Saved>, Failure> {
        self.stage.ready()?;
        let revision = self.next_revision()?;
        self.writes(revision, random)
    }

    /// Ends or gives up the open step.
    pub const fn stage(&mut self) -> &mut Stage {
        &mut self.stage
    }

    fn next_revision(&self) -> Result<u64, Error> {
        self.revision.checked_add(1).ok_or(Error::Exhausted)
    }

    /// Seals the record; an error makes the session stale.
    fn writes(&mut self, revision: u64, random: &mut dyn Random) -> Result<Vec<Saved>, Failure> {
        self.stage = Stage::Stale;
        let sealed = self.sealer.seal(revision, self.session.encode().expose(), random)?;
        let base = core::mem::replace(&mut self.revision, revision);
        self.stage = Stage::Open;
        Ok(vec![Saved { name: SENDING, base, revision, sealed }])
    }
}

/// An opened message.
#[derive(Debug)]
pub struct Opened {
    /// Which message of its sender it is.
    pub index: u32,
    /// What it says.
    pub plaintext: SecretBytes,
}

/// What opening many messages as one step writes, and for each what it says or why nothing.
pub type GroupBacklog = (Vec<Saved>, Vec<Result<Opened, Error>>);

/// An inbound session, which event each of its messages came in, and whether a step is open.
#[derive(Debug)]
pub struct StandaloneInbound {
    session: InboundGroupSession,
    events: Events,
    sealers: [RecordSealer; 2],
    /// Of head and events; 0 before the first step.
    revisions: [u64; 2],
    saved: Written,
    stage: Stage,
}

/// What the stored records hold of that which changes.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    latest_index: u32,
    events: usize,
}

impl StandaloneInbound {
    /// A session that was shared with us, which was never saved here.
    #[must_use]
    pub fn new(sealer: &Sealer, session: InboundGroupSession) -> Self {
        let sealers = PARTS.map(|part| record(sealer, session.session_id(), part));
        let saved = Written { latest_index: session.latest_index(), events: 0 };
        let (events, stage) = (Events::none(), Stage::Ready);
        Self { session, events, sealers, revisions: [0; 2], saved, stage }
    }

    /// A session from elsewhere, of which messages were opened there, each as an event.
    ///
    /// [`Error::Duplicate`] if one was opened as two, [`Error::Exhausted`] if there are too many.
    pub fn with_events<'a>(
        sealer: &Sealer,
        session: InboundGroupSession,
        opened: impl IntoIterator<Item = (u32, &'a [u8])>,
    ) -> Result<Self, Error> {
        let mut standalone = Self::new(sealer, session);
        for (index, event_id) in opened {
            let event = standalone.events.check(index, event_id)?;
            standalone.events.opened(&event);
        }
        Ok(standalone)
    }

    /// The session with this id, of two records, each with its revision.
    pub fn load(
        sealer: &Sealer,
        session_id: &[u8; 32],
        [head, events]: [(u64, &[u8]); 2],
    ) -> Result<Self, Failure> {
        let sealers = PARTS.map(|part| record(sealer, session_id, part));
        let [head_sealer, events_sealer] = &sealers;
        let opened = head_sealer.open(head.0, head.1)?;
        if RecordReader::new(opened.expose()).u64()? != events.0 {
            return Err(StoreError::Corruption.into());
        }
        let (_, stored) = opened.expose().split_first_chunk::<8>().ok_or(Error::CorruptState)?;
        let session = InboundGroupSession::decode(stored)?;
        if session.session_id() != session_id {
            return Err(StoreError::Corruption.into());
        }
        let revisions = [head.0, events.0];
        let events = Events::decode(events_sealer.open(events.0, events.1)?.expose())?;
        let saved = Written { latest_index: session.latest_index(), events: events.len() };
        Ok(Self { session, events, sealers, revisions, saved, stage: Stage::Ready })
    }

    /// The session; what it says holds also while a step is open.
    #[must_use]
    pub const fn session(&self) -> &InboundGroupSession {
        &self.session
    }

    /// What must be saved of a session that is new here.
    pub fn save(&mut self, random: &mut dyn Random) -> Result<Vec<Saved>, Failure> {
        self.stage.ready()?;
        self.writes(Head::Changed, random)
    }

    /// Takes over what another share of the session knows; see [`InboundGroupSession::merge`].
    pub fn merge(
        &mut self,
        other: &InboundGroupSession,
        random: &mut dyn Random,
    ) -> Result<Vec<Saved>, Failure> {
        self.stage.ready()?;
        self.session.merge(other)?;
        self.writes(Head::Changed, random)
    }

    /// Opens a message, as the event with this id if one is given; the step is open until it is
    /// released, and often writes nothing.
    ///
    /// [`Error::Duplicate`] if the message was opened as another event. An error has changed
    /// nothing.
    pub fn decrypt(
        &mut self,
        message: &[u8],
        event_id: Option<&[u8]>,
        random: &mut dyn Random,
    ) -> Result<(Vec<Saved>, Opened), Failure> {
        self.stage.ready()?;
        let message = GroupMessage::decode(message)?;
        let verified = self.session.verify(&message)?;
        let opened = self.open(&verified, event_id)?;
        Ok((self.writes(Head::AsFarAsNeeded, random)?, opened))
    }

    /// Opens messages in their order, as [`Self::decrypt`] would one by one, but as one step for
    /// all of them; each place holds the message or why there is none.
    ///
    /// A message that is refused changes nothing; what the others change is written even if there
    /// is none.
    pub fn decrypt_many<M: AsRef<[u8]>, E: AsRef<[u8]>>(
        &mut self,
        messages: &[(M, Option<E>)],
        workers: &impl Workers,
        random: &mut dyn Random,
    ) -> Result<GroupBacklog, Failure> {
        self.stage.ready()?;
        let decoded: Vec<_> =
            messages.iter().map(|(message, _)| GroupMessage::decode(message.as_ref())).collect();
        // From here on the session may be ahead of its stored state, also if a worker panics.
        self.stage = Stage::Stale;
        let verified = self.session.verify_many(&decoded, workers);
        let opened = verified.into_iter().zip(messages).map(|(verified, (_, event_id))| {
            self.open(&verified?, event_id.as_ref().map(AsRef::as_ref))
        });
        let opened = opened.collect();
        Ok((self.writes(Head::AsFarAsNeeded, random)?, opened))
    }

    fn open(&mut self, verified: &Verified<'_>, event_id: Option<&[u8]>) -> Result<Opened, Error> {
        let index = verified.index();
        let event = event_id.map(|id| self.events.check(index, id)).transpose()?;
        let plaintext = self.session.open(verified)?;
        if let Some(event) = &event {
            self.events.opened(event);
        }
        Ok(Opened { index, plaintext })
    }

    /// Ends or gives up the open step.
    pub const fn stage(&mut self) -> &mut Stage {
        &mut self.stage
    }

    /// Seals the parts that changed; from here on the session is ahead of its stored state.
    fn writes(&mut self, head: Head, random: &mut dyn Random) -> Result<Vec<Saved>, Failure> {
        self.stage = Stage::Stale;
        let now = Written { latest_index: self.session.latest_index(), events: self.events.len() };
        let [head_base, events_base] = self.revisions;
        let moved = now.latest_index.saturating_sub(self.saved.latest_index) >= WORTH_A_WRITE;
        let kept = now.events == self.saved.events && head_base > 0;
        if kept && !moved && head == Head::AsFarAsNeeded {
            self.stage = Stage::Open;
            return Ok(Vec::new());
        }
        let revision = head_base.checked_add(1).ok_or(Error::Exhausted)?;
        let [head_sealer, events_sealer] = &self.sealers;
        let [head_name, events_name] = PARTS;
        let mut writes = Vec::with_capacity(PARTS.len());
        let mut events = events_base;
        if !kept {
            let sealed = events_sealer.seal(revision, self.events.encode().expose(), random)?;
            writes.push(Saved { name: events_name, base: events_base, revision, sealed });
            events = revision;
        }
        let stored = self.session.encode(&events.to_be_bytes());
        let sealed = head_sealer.seal(revision, stored.expose(), random)?;
        writes.push(Saved { name: head_name, base: head_base, revision, sealed });
        self.revisions = [revision, events];
        self.saved = now;
        self.stage = Stage::Open;
        Ok(writes)
    }
}

/// Whether the head must be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    /// It must: something changed that no message brings back.
    Changed,
    /// If the events changed, or the ratchet is far ahead.
    AsFarAsNeeded,
}

fn record(sealer: &Sealer, session_id: &[u8; 32], part: &str) -> RecordSealer {
    sealer.record(&format!("megolm/{}/{part}", base64::encode(session_id)))
}
