// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receiving: the ratchet step, and with it the plaintext in the inbox (olm_megolm.md §1.3 and
//! §1.4; docs/storage.md, "Receiving").

use e2ee_account::{Environment, InboxEntry as Entry, Learnt, Ledger, Outcome, draft::Draft};
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

use super::{Delivery, DeviceId, LoadedPeer, Message, Peer, StoredAccount, envelope};

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
pub struct Opened(pub SecretBytes);

/// What opening a message changes in the store.
struct Effect {
    loaded: Box<LoadedPeer>,
    before: Option<Peer>,
    /// The keys after a new session: a one-time key is gone, a fallback key remembers it.
    keys: Option<OneTimeKeys>,
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
        let (plaintext, effect) = self.open_message(incoming, environment)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let loaded = self.save_effect(effect, &mut draft, &mut learnt)?;
        let drafted = (draft.finish(), learnt);
        let step = self.vault.drafted(drafted, Opened(plaintext), environment)?;
        self.vault.rest(loaded);
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
        let (plaintext, effect) = match self.open_message(incoming, environment) {
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
        let loaded = self.save_effect(effect, &mut draft, &mut learnt)?;
        let value = self.keep(incoming, plaintext, (now_ms, &mut draft))?;
        for (name, revision) in expired {
            draft.delete(&name, revision);
        }
        let drafted = (draft.finish(), learnt);
        let step = self.vault.drafted(drafted, value, environment)?;
        self.vault.rest(loaded);
        Ok(step)
    }

    /// Opens a message; nothing is written yet.
    fn open_message(
        &mut self,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<(SecretBytes, Effect), Failure> {
        let whom = (incoming.user, incoming.device);
        let mut budget = envelope_budget();
        match envelope::decode(incoming.envelope)? {
            Received::Normal(bytes) => {
                let message = NormalMessage::decode(bytes)?;
                let loaded = self.load_peer(environment.records, whom)?;
                let mut loaded = loaded.ok_or(Error::NoSession)?;
                let trusted = loaded.peer.identity;
                if incoming.identity_key.is_some_and(|key| *key != trusted) {
                    return Err(Error::UntrustedIdentity.into());
                }
                let before = Some(loaded.peer.clone());
                let plaintext =
                    sessions::decrypt(&mut loaded.sessions, &trusted, &message, &mut budget)?;
                Ok((plaintext, Effect { loaded, before, keys: None }))
            }
            Received::PreKey(bytes) => {
                let message = PreKeyMessage::decode(bytes)?;
                let trusted = incoming.identity_key.unwrap_or(&message.keys.identity_key);
                let (mut loaded, before) = self.peer_or_new(whom, trusted, environment)?;
                let mut keys = self.one_time_keys(environment.records)?;
                let ours = (&self.identity.key, &keys);
                let sessions = &mut loaded.sessions;
                let accepted =
                    sessions::decrypt_prekey(sessions, ours, trusted, &message, &mut budget)?;
                let keys = accepted.keys.map(|used| {
                    keys.accepted(&used);
                    keys
                });
                Ok((accepted.plaintext, Effect { loaded, before, keys }))
            }
        }
    }

    /// Saves what changes, and returns the sessions that have moved.
    fn save_effect(
        &self,
        Effect { mut loaded, before, keys }: Effect,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<Box<LoadedPeer>, Failure> {
        let index = match &keys {
            Some(keys) => self.put_keys(keys, draft)?,
            None => self.vault.index(),
        };
        self.vault.save_peer(&mut loaded, (before.as_ref(), index), draft, learnt)?;
        Ok(loaded)
    }

    /// Puts an opened message into the inbox, with its entry in the ledger.
    pub(super) fn keep(
        &self,
        incoming: Incoming<'_>,
        plaintext: SecretBytes,
        (now_ms, draft): (u64, &mut Draft<'_>),
    ) -> Result<Delivery, Failure> {
        let sender = (incoming.user, incoming.device.clone());
        let entry = Entry::new(sender, now_ms, (Message::Direct, plaintext), draft)?;
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

    /// The keyed hash by which a message is found again: that of the normal message in it.
    fn ledger_key(&self, incoming: Incoming<'_>) -> Result<String, Error> {
        let message = match envelope::decode(incoming.envelope)? {
            Received::Normal(bytes) => bytes,
            Received::PreKey(bytes) => PreKeyMessage::decode(bytes)?.inner,
        };
        self.ledger.key((incoming.user, incoming.device), message)
    }
}

/// Whether the ratchet refuses a message so that it has opened before: its chain or its session
/// may be forgotten by now.
const fn may_be_repeated(refusal: Error) -> bool {
    matches!(refusal, Error::Duplicate | Error::UnknownPreKey | Error::Forged | Error::NoSession)
}
