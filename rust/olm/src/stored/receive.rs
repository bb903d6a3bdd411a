// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receiving: the ratchet step, and with it the plaintext in the inbox (olm_megolm.md §1.3 and
//! §1.4; docs/storage.md, "Receiving").

use e2ee_account::{
    Environment, InboxEntry as Entry, Learnt, Ledger, Outcome, draft::Draft, names,
};
use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_state::{Failure, Step};
use e2ee_wire::Error;

use crate::{
    message::{NormalMessage, PreKeyMessage},
    one_time_keys::OneTimeKeys,
    session::envelope_budget,
    sessions,
    standalone::Received,
};

use super::{
    Delivery, DeviceId, DeviceKeys, LoadedPeer, Message, Peer, StoredAccount,
    envelope::{self, Contents, RoomMessage},
    rooms::{Invited, KeptKey},
};

/// An envelope and who is said to have sent it.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The sender's name.
    pub user: &'a str,
    /// The sender's device.
    pub device: &'a DeviceId,
    /// The device's identity key, as its signed keys have it. Without it, that of a device which is
    /// not known is the one that its first message shows: whose it is, the application compares
    /// then (olm_megolm.md §8).
    pub identity_key: Option<&'a x25519::PublicKey>,
    /// The envelope.
    pub envelope: &'a [u8],
}

/// An opened message.
#[derive(Debug)]
pub struct Opened {
    /// What it is.
    pub content: Message,
    /// The plaintext; empty if it is an invitation.
    pub plaintext: SecretBytes,
}

/// What opening a message changes in the store.
enum Effect {
    /// A session moved, or came with its first message.
    Session {
        loaded: Box<LoadedPeer>,
        before: Option<Peer>,
        /// The keys after a new session: a one-time key is gone, a fallback key remembers it.
        keys: Option<Box<OneTimeKeys>>,
        /// The key of a room that the message brought.
        invited: Option<Box<Invited>>,
    },
    /// A message of a room opened under its key.
    Room(Box<KeptKey>),
}

impl StoredAccount {
    /// Opens a message; the ratchet moves, and the plaintext is the result.
    ///
    /// [`Error::UntrustedIdentity`] if another identity key is trusted of the device. A message
    /// that was opened before is [`Error::Duplicate`], or what is said where its session is not
    /// kept any more.
    pub fn decrypt(
        &mut self,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Opened>>, Failure> {
        self.vault.refresh(environment.records)?;
        let (opened, effect) = self.open_message(incoming, environment)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let moved = self.save_effect(effect, &mut draft, &mut learnt)?;
        let step = self.vault.drafted((draft.finish(), learnt), opened, environment)?;
        if let Some(loaded) = moved {
            self.vault.rest(loaded);
        }
        Ok(step)
    }

    /// Opens a message and puts it into the inbox, in the same step.
    ///
    /// A message that was opened before is no error if it is the same to the last byte: then the
    /// result says whether it still waits. Any other message with a used key is
    /// [`Error::Duplicate`].
    pub fn receive(
        &mut self,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Delivery>>, Failure> {
        self.vault.refresh(environment.records)?;
        let (opened, effect) = match self.open_message(incoming, environment) {
            Err(Failure::Protocol(refusal)) => {
                let value = self.refused(incoming, refusal, environment)?;
                let outcome = Outcome::unspent(value, Learnt::default());
                return Ok(self.vault.kept(Vec::new(), outcome));
            }
            opened => opened?,
        };
        let now_ms = environment.now_ms;
        let expired = self.ledger.expired(environment)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let moved = self.save_effect(effect, &mut draft, &mut learnt)?;
        let value = self.keep(incoming, opened, (now_ms, &mut draft))?;
        for (name, revision) in expired {
            draft.delete(&name, revision);
        }
        let drafted = (draft.finish(), learnt);
        let step = self.vault.drafted(drafted, value, environment)?;
        if let Some(loaded) = moved {
            self.vault.rest(loaded);
        }
        Ok(step)
    }

    /// Opens a message; nothing is written yet.
    fn open_message(
        &mut self,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<(Opened, Effect), Failure> {
        match envelope::decode(incoming.envelope)? {
            Contents::Pairwise(Received::Normal(bytes)) => {
                self.open_normal(incoming, &NormalMessage::decode(bytes)?, environment)
            }
            Contents::Pairwise(Received::PreKey(bytes)) => {
                self.open_prekey(incoming, &PreKeyMessage::decode(bytes)?, environment)
            }
            Contents::Room(message) => self.open_to_room(incoming, &message, environment),
        }
    }

    fn open_normal(
        &mut self,
        incoming: Incoming<'_>,
        message: &NormalMessage<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<(Opened, Effect), Failure> {
        let whom = (incoming.user, incoming.device);
        let mut loaded = self.load_peer(environment.records, whom)?.ok_or(Error::NoSession)?;
        let trusted = loaded.peer.identity.identity_key;
        if incoming.identity_key.is_some_and(|key| *key != trusted) {
            return Err(Error::UntrustedIdentity.into());
        }
        let before = Some(loaded.peer.clone());
        let (sessions, budget) = (&mut loaded.sessions, &mut envelope_budget());
        let plaintext = sessions::decrypt(sessions, &trusted, message, budget)?;
        let keys = &mut loaded.peer.identity;
        let (opened, invited) = self.opened(whom, keys, plaintext, environment)?;
        Ok((opened, Effect::Session { loaded, before, keys: None, invited }))
    }

    fn open_prekey(
        &mut self,
        incoming: Incoming<'_>,
        message: &PreKeyMessage<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<(Opened, Effect), Failure> {
        let whom = (incoming.user, incoming.device);
        let trusted = incoming.identity_key.unwrap_or(&message.keys.identity_key);
        let known = DeviceKeys::unsigned(*trusted);
        let (mut loaded, before) = self.peer_or_new(whom, known, environment)?;
        let mut keys = self.one_time_keys(environment.records)?;
        let (ours, budget) = ((&self.identity.key, &keys), &mut envelope_budget());
        let sessions = &mut loaded.sessions;
        let accepted = sessions::decrypt_prekey(sessions, ours, trusted, message, budget)?;
        let keys = accepted.keys.map(|used| {
            keys.accepted(&used);
            Box::new(keys)
        });
        let device = &mut loaded.peer.identity;
        let (opened, invited) = self.opened(whom, device, accepted.plaintext, environment)?;
        Ok((opened, Effect::Session { loaded, before, keys, invited }))
    }

    fn open_to_room(
        &mut self,
        incoming: Incoming<'_>,
        message: &RoomMessage<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<(Opened, Effect), Failure> {
        let whom = (incoming.user, incoming.device);
        let peer = self.vault.read_peer(environment.records, &names::peer(whom.0, whom.1))?;
        let trusted = peer.map(|(_, peer)| peer.identity.identity_key);
        if incoming.identity_key.is_some_and(|key| trusted.is_some_and(|known| known != *key)) {
            return Err(Error::UntrustedIdentity.into());
        }
        let (opened, key) = self.open_room(whom, trusted, message, environment.records)?;
        Ok((opened, Effect::Room(Box::new(key))))
    }

    /// Saves what changes, and returns the sessions that have moved.
    fn save_effect(
        &self,
        effect: Effect,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<Option<Box<LoadedPeer>>, Failure> {
        match effect {
            Effect::Session { mut loaded, before, keys, invited } => {
                let mut index = match &keys {
                    Some(keys) => self.put_keys(keys, draft)?,
                    None => self.vault.index(),
                };
                if let Some(invited) = invited {
                    self.save_invited(&invited, &mut index, draft, learnt)?;
                }
                self.vault.save_peer(&mut loaded, (before.as_ref(), index), draft, learnt)?;
                Ok(Some(loaded))
            }
            Effect::Room(key) => {
                let mut index = self.vault.index();
                self.save_key(&key, &mut index, draft, learnt)?;
                self.vault.put_changed_index(index, draft, learnt)?;
                Ok(None)
            }
        }
    }

    /// Puts an opened message into the inbox, with its entry in the ledger.
    pub(super) fn keep(
        &self,
        incoming: Incoming<'_>,
        opened: Opened,
        (now_ms, draft): (u64, &mut Draft<'_>),
    ) -> Result<Delivery, Failure> {
        let sender = (incoming.user, incoming.device.clone());
        let opened = (opened.content, opened.plaintext);
        let entry = Entry::new(sender, now_ms, opened, draft)?;
        Ledger::put(&self.ledger_key(incoming)?, now_ms, &entry.id, draft)?;
        Ok(Delivery::New(entry))
    }

    /// What is known of a message that was refused: the refusal, unless it was opened before.
    pub(super) fn refused(
        &self,
        incoming: Incoming<'_>,
        refusal: Error,
        environment: &mut Environment<'_>,
    ) -> Result<Delivery, Failure> {
        if !may_be_repeated(refusal) {
            return Err(refusal.into());
        }
        let key = self.ledger_key(incoming)?;
        Ledger::delivered_before(&self.vault, &key, refusal, environment)
    }

    /// The keyed hash by which a message is found again: that of the message in it, without what
    /// stands beside it or begins a session.
    fn ledger_key(&self, incoming: Incoming<'_>) -> Result<String, Error> {
        let message = match envelope::decode(incoming.envelope)? {
            Contents::Pairwise(Received::Normal(bytes)) => bytes,
            Contents::Pairwise(Received::PreKey(bytes)) => PreKeyMessage::decode(bytes)?.inner,
            Contents::Room(message) => message.message,
        };
        self.ledger.key((incoming.user, incoming.device), message)
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
