// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receiving: the ratchet step, and with it the plaintext in the inbox (signal.md §5.4 and §6.6;
//! docs/storage.md, "Receiving").

use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Step};
use e2ee_wire::Error;

use crate::{
    DeviceId, PreKeyMessage, PreKeyStock, RatchetMessage,
    envelope::{self, Kind},
    padding,
    session::envelope_budget,
};

use super::{
    Account, Environment, Learnt, Outcome, draft::Draft, inbox::InboxEntry, peer::Peer,
    sessions::LoadedPeer,
};

/// An envelope and who is said to have sent it.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The sender's name.
    pub user: &'a str,
    /// The sender's device.
    pub device: DeviceId,
    /// The encoded envelope.
    pub envelope: &'a [u8],
}

/// What became of an envelope.
#[derive(Debug)]
pub enum Delivery {
    /// It was opened now; the message is in the inbox until it is handled.
    New(InboxEntry),
    /// Exactly this message was opened before, and is still in the inbox.
    Waiting(InboxEntry),
    /// Exactly this message was opened and handled before.
    Handled,
}

/// An opened message, before anything is written.
struct Opened {
    loaded: LoadedPeer,
    before: Option<Peer>,
    plaintext: SecretBytes,
    /// The prekeys without those that a new session used up.
    stock: Option<PreKeyStock>,
}

impl Account {
    /// Opens an envelope; the ratchet moves, and the plaintext is the result.
    ///
    /// A message that was opened before is [`Error::Duplicate`].
    pub fn decrypt(
        &mut self,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<SecretBytes>>, Failure> {
        self.refresh(environment.records)?;
        let mut opened = self.open_envelope(incoming, environment)?;
        let mut draft = Draft::new(&self.sealer, environment.random);
        let mut learnt = Learnt::default();
        self.save_opened(&mut opened, &mut draft, &mut learnt)?;
        let value = opened.plaintext;
        Ok(Step { writes: draft.finish(), result: Outcome { value, learnt } })
    }

    /// Opens an envelope and puts the message into the inbox, in the same step.
    ///
    /// A message that was opened before is no error if it is the same to the last byte: then the
    /// result says whether it still waits. Any other message with a used key is
    /// [`Error::Duplicate`].
    pub fn receive(
        &mut self,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Delivery>>, Failure> {
        self.refresh(environment.records)?;
        let entry_name = self.ledger_key(&incoming)?;
        let mut opened = match self.open_envelope(incoming, environment) {
            Err(Failure::Protocol(refusal)) if may_be_repeated(refusal) => {
                return self.delivered_before(&entry_name, refusal, environment);
            }
            opened => opened?,
        };
        let now_ms = environment.now_ms;
        let expired = self.expired_ledger_entries(environment)?;
        let mut draft = Draft::new(&self.sealer, environment.random);
        let mut learnt = Learnt::default();
        self.save_opened(&mut opened, &mut draft, &mut learnt)?;
        let entry = InboxEntry::new(incoming, now_ms, opened.plaintext, &mut draft)?;
        Self::put_ledger_entry(&entry_name, now_ms, &entry.id, &mut draft)?;
        for (name, revision) in expired {
            draft.delete(&name, revision);
        }
        learnt.pruned_day = Some(super::ledger::day(now_ms));
        let value = Delivery::New(entry);
        Ok(Step { writes: draft.finish(), result: Outcome { value, learnt } })
    }

    fn open_envelope(
        &mut self,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Opened, Failure> {
        match envelope::decode(incoming.envelope)? {
            (Kind::Ratchet, message) => {
                self.open_ratchet(incoming, &RatchetMessage::decode(message)?, environment)
            }
            (Kind::PreKey, message) => {
                self.open_prekey(incoming, &PreKeyMessage::decode(message)?, environment)
            }
        }
    }

    fn open_ratchet(
        &mut self,
        incoming: Incoming<'_>,
        message: &RatchetMessage<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Opened, Failure> {
        let Incoming { user, device, .. } = incoming;
        let parties = self.parties(user, device)?;
        let loaded = self.load_peer(environment.records, user, device)?;
        let mut loaded = loaded.ok_or(Error::NoSession)?;
        let before = Some(loaded.peer.clone());
        let trusted = loaded.peer.identity_key;
        let mut budget = envelope_budget(self.identity_key(), &trusted, &parties);
        let padded = loaded.sessions.decrypt(&parties, &trusted, message, &mut budget)?;
        let plaintext = padding::unpad(padded.expose())?;
        Ok(Opened { loaded, before, plaintext, stock: None })
    }

    fn open_prekey(
        &mut self,
        incoming: Incoming<'_>,
        message: &PreKeyMessage<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Opened, Failure> {
        let Incoming { user, device, .. } = incoming;
        let parties = self.parties(user, device)?;
        let identity_key = message.outer.identity_key;
        let (mut loaded, before) = self.peer_or_new((user, device), &identity_key, environment)?;
        if loaded.peer.identity_key != identity_key {
            return Err(Error::UntrustedIdentity.into());
        }
        let mut stock = self.stock(environment.records)?;
        let accepted = loaded.sessions.decrypt_prekey(self.ours(), &parties, message, &stock)?;
        let plaintext = padding::unpad(accepted.plaintext.expose())?;
        let stock = accepted.used.map(|used| {
            stock.consume(&used);
            stock
        });
        Ok(Opened { loaded, before, plaintext, stock })
    }

    fn save_opened(
        &self,
        opened: &mut Opened,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        // A new session changes the peer's record, and with it the index, which must then also
        // vouch for the new prekeys.
        let index = match &opened.stock {
            Some(stock) => self.put_stock(stock, draft)?,
            None => self.index,
        };
        self.save_peer(&mut opened.loaded, (opened.before.as_ref(), index), draft, learnt)
    }
}

/// Whether the ratchet refuses a message so that it has opened before: its chain or its session
/// may be forgotten by now.
const fn may_be_repeated(refusal: Error) -> bool {
    matches!(refusal, Error::Duplicate | Error::UnknownPreKey | Error::Forged | Error::NoSession)
}
