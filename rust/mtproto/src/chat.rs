// SPDX-License-Identifier: MIT OR Apache-2.0
//! A chat, without what it keeps beside its state: who sends what under which key, and what becomes
//! of a message that came (mtproto_secret_chats.md §4 to §6).
//!
//! A message that is not the next one waits; only in its turn does it change anything but that it
//! waits. What a step has to do beside the state is collected in [`Effects`].

mod receive;
mod record;
mod resend;

use std::collections::BTreeSet;

use e2ee_primitives::{Random, SecretBytes};
use e2ee_wire::Error;

use crate::{
    action::{self, Action},
    counts::Counts,
    envelope,
    exchange::Offer,
    group::Group,
    key::ChatKey,
    keys::Keys,
    limits::{FIRST_LAYER, LEAST_LAYER, REKEY_MESSAGES, REKEY_MS},
    message::{Layered, Message},
    role::Role,
};

pub use receive::Shelf;

/// The state of a chat.
#[derive(Debug)]
pub struct Chat {
    /// Whether we have created it.
    pub role: Role,
    /// The newest layer that we say to speak.
    our_layer: i32,
    /// The highest layer that the other end has said to speak.
    their_layer: i32,
    /// The layer of its last message, which never falls.
    named_layer: i32,
    counts: Counts,
    keys: Keys,
    used: Used,
    /// Numbers of messages that came before their turn.
    waiting: BTreeSet<u32>,
    /// Those of them whose request to send again was served already.
    served: BTreeSet<u32>,
    /// Numbers of messages of ours in whose place a deletion stands.
    replaced: BTreeSet<u32>,
    /// Messages of ours below this number were given to the carrier.
    posted: u32,
    /// Those of them that have to be given to it again.
    again: BTreeSet<u32>,
}

/// How much a key was used.
#[derive(Clone, Copy, Debug)]
struct Used {
    /// Messages in both directions.
    messages: u32,
    /// Since when it is, in milliseconds since the Unix epoch.
    since_ms: u64,
}

/// A message of ours, as it is kept until the other end has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Sent {
    /// How many messages of ours were made before it.
    pub number: u32,
    /// How many of the other end were taken in before it.
    pub received: u32,
    /// The number by which both ends name it.
    pub random_id: i64,
    /// Whether it is a service message, for which Telegram has a method of its own.
    pub is_service: bool,
    /// The bytes that leave.
    pub wire: Vec<u8>,
}

/// A message in its turn, for the application.
#[derive(Debug)]
pub struct Received {
    /// How many messages its sender had made before it.
    pub number: u32,
    /// The layer that its sender named.
    pub layer: i32,
    /// The message as TL object, constructor first.
    pub message: SecretBytes,
}

/// What a chat has become by what came, for the application to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The other end speaks this layer from now on.
    Layer(i32),
    /// The key with this fingerprint is in use from now on.
    Key(i64),
}

/// What a step has to do beside the state.
#[derive(Debug)]
pub struct Effects {
    /// Messages of ours that are new, or stand in the place of a message before.
    pub sent: Vec<Sent>,
    /// Numbers of ours that are not needed any more.
    pub acknowledged: core::ops::Range<u32>,
    /// Messages of ours to give to the carrier again.
    pub again: BTreeSet<u32>,
    /// A message that waits for its turn: its number, the fingerprint of its key and its body.
    pub kept: Option<(u32, i64, SecretBytes)>,
    /// Numbers of messages that have waited.
    pub taken: Vec<u32>,
    /// For the application, in their order.
    pub received: Vec<Received>,
    /// For the application to know.
    pub changes: Vec<Change>,
}

impl Effects {
    /// Of a step that leaves all beside the state as it is, of a chat of which so many messages are
    /// acknowledged.
    #[must_use]
    pub const fn none(acknowledged: u32) -> Self {
        Self {
            sent: Vec::new(),
            acknowledged: acknowledged..acknowledged,
            again: BTreeSet::new(),
            kept: None,
            taken: Vec::new(),
            received: Vec::new(),
            changes: Vec::new(),
        }
    }
}

/// The time in milliseconds since the Unix epoch, and randomness.
pub type At<'a> = (u64, &'a mut dyn Random);

impl Chat {
    /// A chat whose first key was agreed on now.
    #[must_use]
    pub fn new(role: Role, our_layer: i32, key: ChatKey, now_ms: u64) -> Self {
        Self {
            role,
            our_layer,
            their_layer: LEAST_LAYER,
            named_layer: LEAST_LAYER,
            counts: Counts::default(),
            keys: Keys::Settled { key },
            used: Used { messages: 0, since_ms: now_ms },
            waiting: BTreeSet::new(),
            served: BTreeSet::new(),
            replaced: BTreeSet::new(),
            posted: 0,
            again: BTreeSet::new(),
        }
    }

    /// The layer of messages that leave: what both ends speak (§4).
    #[must_use]
    pub fn layer(&self) -> i32 {
        self.our_layer.min(self.their_layer).max(FIRST_LAYER)
    }

    /// The layer that the other end speaks, as far as is known.
    #[must_use]
    pub const fn their_layer(&self) -> i32 {
        self.their_layer
    }

    /// The fingerprint of the key under which we send.
    #[must_use]
    pub const fn fingerprint(&self) -> i64 {
        self.keys.sending().fingerprint()
    }

    /// How many messages went in each direction.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether a message waits for one before it.
    #[must_use]
    pub fn is_missing_any(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The numbers of messages that came before their turn, in ascending order.
    pub fn waiting(&self) -> impl Iterator<Item = u32> + use<'_> {
        self.waiting.iter().copied()
    }

    /// Says which layer we speak, which is the first message of each end (§4).
    pub fn notify_layer(&mut self, effects: &mut Effects, at: At<'_>) -> Result<(), Error> {
        self.serve(&Action::NotifyLayer(self.our_layer), effects, at)
    }

    /// Makes a message of this TL object, and asks for the next key if the time has come (§6).
    ///
    /// [`Error::InvalidArgument`] for bytes that are no TL object or too long, and for a service
    /// message about numbers, keys or layers, which only this crate makes.
    pub fn send(
        &mut self,
        message: &[u8],
        group: &Group,
        (now_ms, random): At<'_>,
    ) -> Result<Effects, Error> {
        let mut effects = self.effects();
        let (random_id, is_service) = match Message::decode(message) {
            Ok(Message::Service { action, .. }) if action.is_ours() => {
                return Err(Error::InvalidArgument);
            }
            Ok(Message::Service { random_id, .. }) => (random_id, true),
            Ok(Message::Content { random_id }) => (random_id, false),
            Ok(Message::Unknown) => (drawn_id(random)?, false),
            Err(_) => return Err(Error::InvalidArgument),
        };
        self.make((message, random_id, is_service), &mut effects, random)?;
        self.rekey_if_due(group, &mut effects, (now_ms, random))?;
        Ok(effects)
    }

    /// Asks for the next key; [`Error::InvalidArgument`] if an exchange is open, or a key before the
    /// present one is still needed.
    pub fn rekey(
        &mut self,
        group: &Group,
        effects: &mut Effects,
        (now_ms, random): At<'_>,
    ) -> Result<(), Error> {
        if !self.keys.may_ask() {
            return Err(Error::InvalidArgument);
        }
        let offer = Offer::new(group, &[], random)?;
        let exchange_id = drawn_id(random)?;
        let their_public = *offer.public().as_bytes();
        let request = Action::RequestKey { exchange_id, their_public: &their_public };
        self.serve(&request, effects, (now_ms, random))?;
        self.keys = self.keys.asked(exchange_id, offer)?;
        Ok(())
    }

    fn rekey_if_due(
        &mut self,
        group: &Group,
        effects: &mut Effects,
        at: At<'_>,
    ) -> Result<(), Error> {
        let Used { messages, since_ms } = self.used;
        let is_old = at.0.saturating_sub(since_ms) >= REKEY_MS && messages > 0;
        if self.keys.may_ask() && (messages > REKEY_MESSAGES || is_old) {
            self.rekey(group, effects, at)?;
        }
        Ok(())
    }

    /// Makes a service message.
    fn serve(
        &mut self,
        action: &Action<'_>,
        effects: &mut Effects,
        (_, random): At<'_>,
    ) -> Result<(), Error> {
        let random_id = drawn_id(random)?;
        let message = action::service(random_id, action)?;
        self.make((&message, random_id, true), effects, random)
    }

    fn make(
        &mut self,
        (message, random_id, is_service): (&[u8], i64, bool),
        effects: &mut Effects,
        random: &mut dyn Random,
    ) -> Result<(), Error> {
        let Counts { sent: number, received, .. } = self.counts;
        let wire = self.sealed((number, received, self.layer()), (message, random))?;
        effects.sent.push(Sent { number, received, random_id, is_service, wire });
        self.counts.sent = number.checked_add(1).ok_or(Error::Exhausted)?;
        self.used.messages = self.used.messages.saturating_add(1);
        Ok(())
    }

    /// The bytes of the message with these numbers and of this layer.
    fn sealed(
        &self,
        (number, received, layer): (u32, u32, i32),
        (message, random): (&[u8], &mut dyn Random),
    ) -> Result<Vec<u8>, Error> {
        let place = Counts { sent: number, received, acknowledged: 0 };
        let (in_seq_no, out_seq_no) = place.next(self.role)?;
        let layered = Layered { layer, in_seq_no, out_seq_no, message };
        let body = layered.encode(random)?;
        envelope::seal(self.keys.sending(), self.role, body.expose(), random)
    }

    /// A key that counts as unused.
    fn begin_key(&mut self, keys: Keys, now_ms: u64) -> Change {
        self.keys = keys;
        self.used = Used { messages: 0, since_ms: now_ms };
        Change::Key(self.fingerprint())
    }
}

/// A number for a message or an exchange.
fn drawn_id(random: &mut dyn Random) -> Result<i64, Error> {
    let mut bytes = [0; 8];
    random.fill(&mut bytes)?;
    Ok(i64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests;
