// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receiving: the ratchet step, and with it the plaintext in the inbox (signal.md §5.4 and §6.6;
//! docs/storage.md, "Receiving").

use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_state::{Failure, Step};
use e2ee_wire::Error;

use crate::{
    DeviceId, PreKeyMessage, PreKeyStock, RatchetMessage,
    envelope::{self, Kind},
    padding::{self, Boundary},
    sender_keys::{DistributionMessage, GroupMessage},
    session::envelope_budget,
    sessions,
};

use super::{
    Account, Content, Delivery, Environment, InboxEntry, Learnt, LoadedPeer, Outcome, Peer,
    draft::Draft, groups::LoadedGroup, ledger::Ledger, repair::Repaired,
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

/// An opened message: what it is, and its plaintext without padding.
#[derive(Debug)]
pub struct Opened {
    /// What it is.
    pub content: Content,
    /// The plaintext; empty unless it is the application's.
    pub plaintext: SecretBytes,
}

/// What opening a message changes in the store.
pub(super) enum Effect {
    /// A session moved, or came with its first message.
    Session {
        loaded: Box<LoadedPeer>,
        before: Option<Peer>,
        /// The prekeys without those that a new session used up.
        stock: Option<Box<PreKeyStock>>,
        /// The group to which the message invites, with the sender's chain.
        invited: Option<Box<LoadedGroup>>,
    },
    /// A chain of the sender's moved.
    Group(Box<LoadedGroup>),
    /// The peer asks for a message again; the session that it named is archived.
    Repair(Box<Repaired>),
}

impl Account {
    /// Opens an envelope; the ratchet moves, and the plaintext is the result.
    ///
    /// A message that was opened before is [`Error::Duplicate`].
    pub fn decrypt(
        &mut self,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Opened>>, Failure> {
        let message = envelope::decode(incoming.envelope)?;
        self.decrypt_from((incoming.user, incoming.device), message, environment)
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
        let message = envelope::decode(incoming.envelope)?;
        self.receive_from((incoming.user, incoming.device), message, environment)
    }

    /// [`Account::decrypt`], of a message that is not in an envelope.
    pub(super) fn decrypt_from(
        &mut self,
        sender: (&str, DeviceId),
        message: (Kind, &[u8]),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Opened>>, Failure> {
        self.vault.refresh(environment.records)?;
        let (value, effect) = self.open_message(sender, message, environment)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let moved = self.save_effect(effect, &mut draft, &mut learnt)?;
        let step = self.vault.drafted((draft.finish(), learnt), value, environment)?;
        if let Some(loaded) = moved {
            self.vault.rest(loaded);
        }
        Ok(step)
    }

    /// [`Account::receive`], of a message that is not in an envelope.
    pub(super) fn receive_from(
        &mut self,
        sender: (&str, DeviceId),
        message: (Kind, &[u8]),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Delivery>>, Failure> {
        self.vault.refresh(environment.records)?;
        if message.0 == Kind::Plaintext {
            // No ratchet knows whether it has come before.
            match self.refused(sender, message, Error::Duplicate, environment) {
                Err(Failure::Protocol(Error::Duplicate)) => {}
                known => {
                    return Ok(self
                        .vault
                        .kept(Vec::new(), Outcome::unspent(known?, Learnt::default())));
                }
            }
        }
        let (opened, effect) = match self.open_message(sender, message, environment) {
            Err(Failure::Protocol(refusal)) => {
                let value = self.refused(sender, message, refusal, environment)?;
                return Ok(self.vault.kept(Vec::new(), Outcome::unspent(value, Learnt::default())));
            }
            opened => opened?,
        };
        let now_ms = environment.now_ms;
        let expired = self.ledger.expired(environment)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let moved = self.save_effect(effect, &mut draft, &mut learnt)?;
        let value = self.keep(sender, message, opened, (now_ms, &mut draft))?;
        for (name, revision) in expired {
            draft.delete(&name, revision);
        }
        let step = self.vault.drafted((draft.finish(), learnt), value, environment)?;
        if let Some(loaded) = moved {
            self.vault.rest(loaded);
        }
        Ok(step)
    }

    /// Puts an opened message into the inbox, with its entry in the ledger.
    pub(super) fn keep(
        &self,
        sender: (&str, DeviceId),
        message: (Kind, &[u8]),
        opened: Opened,
        (now_ms, draft): (u64, &mut Draft<'_>),
    ) -> Result<Delivery, Failure> {
        let opened = (opened.content, opened.plaintext);
        let entry = InboxEntry::new(sender, now_ms, opened, draft)?;
        let name = self.ledger_key(sender, message)?;
        Ledger::put(&name, now_ms, &entry.id, draft)?;
        Ok(Delivery::New(entry))
    }

    /// What is known of a message that was refused: the refusal, unless it was opened before.
    pub(super) fn refused(
        &self,
        sender: (&str, DeviceId),
        message: (Kind, &[u8]),
        refusal: Error,
        environment: &mut Environment<'_>,
    ) -> Result<Delivery, Failure> {
        if !may_be_repeated(refusal) {
            return Err(refusal.into());
        }
        let name = self.ledger_key(sender, message)?;
        Ledger::delivered_before(&self.vault, &name, refusal, environment)
    }

    /// The keyed hash by which a message is found again.
    pub(super) fn ledger_key(
        &self,
        (user, device): (&str, DeviceId),
        (kind, message): (Kind, &[u8]),
    ) -> Result<String, Error> {
        let message = match kind {
            Kind::PreKey => PreKeyMessage::decode(message)?.inner,
            _ => message,
        };
        self.ledger.key((user, &device), message)
    }

    /// Opens a message of any kind; nothing is written yet.
    fn open_message(
        &mut self,
        sender: (&str, DeviceId),
        (kind, message): (Kind, &[u8]),
        environment: &mut Environment<'_>,
    ) -> Result<(Opened, Effect), Failure> {
        match kind {
            Kind::Ratchet => {
                self.open_ratchet(sender, &RatchetMessage::decode(message)?, environment)
            }
            Kind::PreKey => self.open_prekey(sender, &PreKeyMessage::decode(message)?, environment),
            // A seal hides who sent it: it does not come with a sender.
            Kind::Sealed => Err(Error::Malformed.into()),
            Kind::Group => {
                let message = GroupMessage::decode(message)?;
                let (opened, group) = self.open_group(sender, &message, environment.records)?;
                Ok((opened, Effect::Group(Box::new(group))))
            }
            Kind::Plaintext => self.open_repair(sender, message, environment),
        }
    }

    fn open_ratchet(
        &mut self,
        (user, device): (&str, DeviceId),
        message: &RatchetMessage<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<(Opened, Effect), Failure> {
        let loaded = self.load_peer(environment.records, user, device)?;
        let mut loaded = loaded.ok_or(Error::NoSession)?;
        let before = Some(loaded.peer.clone());
        let (parties, trusted) = (loaded.parties.clone(), loaded.peer.identity);
        let padded = self.vault.open_loaded(environment.records, &mut loaded, |sessions| {
            let mut budget = envelope_budget(self.identity_key(), &trusted, &parties);
            sessions::decrypt(sessions, &parties, &trusted, message, &mut budget)
        })?;
        let sender = (user, device, &trusted);
        let (opened, invited) = self.opened(sender, &padded, environment)?;
        Ok((opened, Effect::Session { loaded, before, stock: None, invited }))
    }

    fn open_prekey(
        &mut self,
        (user, device): (&str, DeviceId),
        message: &PreKeyMessage<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<(Opened, Effect), Failure> {
        let parties = self.parties(user, device)?;
        let identity_key = message.outer.identity_key;
        let (mut loaded, before) = self.peer_or_new((user, device), &identity_key, environment)?;
        if loaded.peer.identity != identity_key {
            return Err(Error::UntrustedIdentity.into());
        }
        let mut stock = self.stock(environment.records)?;
        let accepted = self.vault.open_loaded(environment.records, &mut loaded, |sessions| {
            let stock = stock.at(environment.now_ms);
            sessions::decrypt_prekey(sessions, self.ours(), &parties, message, stock)
        })?;
        let sender = (user, device, &identity_key);
        let (opened, invited) = self.opened(sender, &accepted.plaintext, environment)?;
        let stock = accepted.used.map(|used| {
            stock.consume(&used);
            _ = stock.forget_expired(environment.now_ms);
            Box::new(stock)
        });
        Ok((opened, Effect::Session { loaded, before, stock, invited }))
    }

    /// Saves what changes, and returns the sessions that have moved.
    fn save_effect(
        &self,
        effect: Effect,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<Option<Box<LoadedPeer>>, Failure> {
        match effect {
            Effect::Session { mut loaded, before, stock, invited } => {
                // A new session changes the peer's record, and with it the index, which must then
                // also vouch for the new prekeys.
                let mut index = match &stock {
                    Some(stock) => self.put_stock(stock, draft)?,
                    None => self.vault.index(),
                };
                if let Some(group) = invited {
                    self.save_group(&group, &mut index, draft, learnt)?;
                }
                self.vault.save_peer(&mut loaded, (before.as_ref(), index), draft, learnt)?;
                return Ok(Some(loaded));
            }
            Effect::Group(group) => {
                let mut index = self.vault.index();
                self.save_group(&group, &mut index, draft, learnt)?;
                self.vault.put_changed_index(index, draft, learnt)?;
            }
            Effect::Repair(repaired) => self.save_repaired(*repaired, draft, learnt)?,
        }
        Ok(None)
    }

    /// What a decrypted pairwise message is, and the group to which it invites.
    fn opened(
        &mut self,
        (user, device, identity_key): (&str, DeviceId, &x25519::PublicKey),
        padded: &SecretBytes,
        environment: &mut Environment<'_>,
    ) -> Result<(Opened, Option<Box<LoadedGroup>>), Failure> {
        let (boundary, plaintext) = padding::unpad(padded.expose())?;
        match boundary {
            Boundary::Application => Ok((Opened { content: Content::Direct, plaintext }, None)),
            Boundary::Distribution => {
                let distribution = DistributionMessage::decode(plaintext.expose())?;
                let content = Content::Invitation(distribution.distribution_id);
                let sender = (user, device);
                let group =
                    self.accept_invitation(sender, identity_key, &distribution, environment)?;
                let plaintext = SecretBytes::new(Vec::new());
                Ok((Opened { content, plaintext }, Some(Box::new(group))))
            }
        }
    }
}

/// Whether the ratchet refuses a message so that it has opened before: its chain or its session
/// may be forgotten by now.
const fn may_be_repeated(refusal: Error) -> bool {
    matches!(
        refusal,
        Error::Duplicate
            | Error::UnknownPreKey
            | Error::Forged
            | Error::NoSession
            | Error::NoSenderKey
    )
}
