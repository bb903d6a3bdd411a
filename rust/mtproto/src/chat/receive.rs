// SPDX-License-Identifier: MIT OR Apache-2.0
//! What becomes of a message that came (mtproto_secret_chats.md §2, §5 and §6).
//!
//! One that is not the next waits; then all that have waited for it take their turns.

use e2ee_primitives::SecretBytes;
use e2ee_state::Failure;
use e2ee_wire::Error;

use crate::{
    action::Action,
    counts::{Numbers, on_wire},
    envelope,
    group::Group,
    keys::{Acceptance, Answer, Keys},
    message::{Layered, Message},
};

use super::{At, Change, Chat, Effects, Received};

/// Where messages stand that wait for their turn.
pub trait Shelf {
    /// The message with this number: the fingerprint of its key, and its body.
    fn waiting(&mut self, number: u32) -> Result<(i64, SecretBytes), Failure>;
}

/// A message that came, opened and parsed.
#[derive(Debug)]
struct Arrived<'a> {
    fingerprint: i64,
    numbers: Numbers,
    layer: i32,
    raw: &'a [u8],
    message: Message<'a>,
}

impl Chat {
    /// Takes in a message.
    ///
    /// [`Error::NotForChat`] if it is under no key of this chat, [`Error::Duplicate`] if it was taken
    /// in before: the chat goes on. After any other error of the protocol it cannot (§5). Whoever
    /// keeps the chat drops this one after an error: it may be half changed.
    pub fn receive(
        &mut self,
        wire: &[u8],
        group: &Group,
        kept: &mut dyn Shelf,
        (now_ms, random): At<'_>,
    ) -> Result<Effects, Failure> {
        let (fingerprint, body) = self.open(wire)?;
        let arrived = self.parse(fingerprint, body.expose())?;
        let number = arrived.numbers.out;
        let mut effects = self.effects();
        if number > self.counts.received {
            self.wait(&arrived, &mut effects, (now_ms, random))?;
            effects.kept = Some((number, fingerprint, body));
        } else {
            self.take(&arrived, group, &mut effects, (now_ms, random))?;
            self.take_waiting(group, kept, &mut effects, (now_ms, random))?;
            // A later message may say that the other end has what an earlier one has asked for.
            effects.again.retain(|number| *number >= self.counts.acknowledged);
        }
        self.rekey_if_due(group, &mut effects, (now_ms, random))?;
        Ok(effects)
    }

    /// No effects yet.
    pub(crate) const fn effects(&self) -> Effects {
        Effects::none(self.counts.acknowledged)
    }

    /// The body of a message, and the fingerprint of its key.
    fn open(&self, wire: &[u8]) -> Result<(i64, SecretBytes), Error> {
        // What is too short names no key of ours, like all that is for somebody else.
        let fingerprint = envelope::fingerprint_of(wire).map_err(|_| Error::NotForChat)?;
        let key = self.keys.opening(fingerprint).ok_or(Error::NotForChat)?;
        Ok((fingerprint, envelope::open(key, self.role.other(), wire)?))
    }

    fn parse<'a>(&self, fingerprint: i64, body: &'a [u8]) -> Result<Arrived<'a>, Error> {
        let layered = Layered::decode(body)?;
        let numbers = self.counts.place(&layered, self.role.other())?;
        if self.waiting.contains(&numbers.out) {
            return Err(Error::Duplicate);
        }
        let Layered { layer, message: raw, .. } = layered;
        Ok(Arrived { fingerprint, numbers, layer, raw, message: Message::decode(raw)? })
    }

    /// Keeps a message that is ahead, and asks for those before it that nobody has asked for.
    ///
    /// Its own request to send again is served at once: both ends may wait for each other (§5).
    fn wait(
        &mut self,
        arrived: &Arrived<'_>,
        effects: &mut Effects,
        at: At<'_>,
    ) -> Result<(), Error> {
        let number = arrived.numbers.out;
        if let Message::Service { action: Action::Resend { start, end }, .. } = arrived.message {
            self.send_again((start, end), effects)?;
            self.served.insert(number);
        }
        let expected = match self.waiting.last() {
            Some(last) => last.checked_add(1).ok_or(Error::Exhausted)?,
            None => self.counts.received,
        };
        self.waiting.insert(number);
        if number > expected { self.ask_for((expected, number), effects, at) } else { Ok(()) }
    }

    /// Lets all take their turns that have waited for nothing else.
    fn take_waiting(
        &mut self,
        group: &Group,
        kept: &mut dyn Shelf,
        effects: &mut Effects,
        (now_ms, random): At<'_>,
    ) -> Result<(), Failure> {
        while self.waiting.remove(&self.counts.received) {
            let number = self.counts.received;
            let (fingerprint, body) = kept.waiting(number)?;
            let arrived = self.parse(fingerprint, body.expose())?;
            self.take(&arrived, group, effects, (now_ms, random))?;
            self.served.remove(&number);
            effects.taken.push(number);
        }
        Ok(())
    }

    /// The turn of a message.
    fn take(
        &mut self,
        arrived: &Arrived<'_>,
        group: &Group,
        effects: &mut Effects,
        (now_ms, random): At<'_>,
    ) -> Result<(), Error> {
        effects.acknowledged.end = self.counts.take_in(arrived.numbers)?.end;
        self.forget_acknowledged();
        if arrived.layer < self.named_layer {
            return Err(Error::Malformed);
        }
        self.named_layer = arrived.layer;
        self.raise_layer(arrived.layer, effects);
        self.used.messages = self.used.messages.saturating_add(1);
        if self.keys.is_settled_by(arrived.fingerprint) {
            self.settle(effects, (now_ms, random))?;
        }
        match &arrived.message {
            Message::Service { action, .. } => {
                self.act(action, arrived, group, effects, (now_ms, random))
            }
            Message::Content { .. } | Message::Unknown => {
                effects.received.push(arrived.for_application());
                Ok(())
            }
        }
    }

    fn raise_layer(&mut self, layer: i32, effects: &mut Effects) {
        if layer > self.their_layer {
            self.their_layer = layer;
            effects.changes.push(Change::Layer(layer));
        }
    }

    /// What a service message asks for; those that concern no keys, numbers or layers are the
    /// application's.
    fn act(
        &mut self,
        action: &Action<'_>,
        arrived: &Arrived<'_>,
        group: &Group,
        effects: &mut Effects,
        at: At<'_>,
    ) -> Result<(), Error> {
        match *action {
            Action::Resend { start, end } => {
                if self.served.contains(&arrived.numbers.out) {
                    return Ok(());
                }
                return self.send_again((start, end), effects);
            }
            Action::NotifyLayer(layer) => self.raise_layer(layer, effects),
            Action::RequestKey { exchange_id, their_public } => {
                return self.accept((exchange_id, their_public), group, effects, at);
            }
            Action::AcceptKey { exchange_id, their_public, fingerprint } => {
                return self.commit((exchange_id, their_public, fingerprint), effects, at);
            }
            Action::CommitKey { exchange_id, fingerprint } => {
                self.keys.check_commit(exchange_id, fingerprint)?;
                return self.settle(effects, at);
            }
            Action::AbortKey { exchange_id } => {
                if self.keys.is_abortable(exchange_id) {
                    self.keys = self.keys.withdrawn();
                }
            }
            Action::Noop => {}
            _ => effects.received.push(arrived.for_application()),
        }
        Ok(())
    }

    /// Takes part in an exchange, or not (§6).
    fn accept(
        &mut self,
        request: (i64, &[u8]),
        group: &Group,
        effects: &mut Effects,
        (now_ms, random): At<'_>,
    ) -> Result<(), Error> {
        match self.keys.request(request, group, random)? {
            Answer::Ignore => {}
            Answer::Withdraw => self.keys = self.keys.withdrawn(),
            Answer::Accept(acceptance) => {
                let Acceptance { public, fingerprint, keys } = *acceptance;
                let accept = Action::AcceptKey {
                    exchange_id: request.0,
                    their_public: public.as_bytes(),
                    fingerprint,
                };
                self.serve(&accept, effects, (now_ms, random))?;
                self.keys = keys;
            }
        }
        Ok(())
    }

    /// Commits to the next key: the last message under the one before says so (§6).
    fn commit(
        &mut self,
        (exchange_id, their_public, fingerprint): (i64, &[u8], i64),
        effects: &mut Effects,
        (now_ms, random): At<'_>,
    ) -> Result<(), Error> {
        let next = self.keys.answered((exchange_id, their_public), fingerprint)?;
        let commit = Action::CommitKey { exchange_id, fingerprint };
        self.serve(&commit, effects, (now_ms, random))?;
        let change = self.begin_key(self.keys.committed(next), now_ms);
        effects.changes.push(change);
        Ok(())
    }

    /// Ends an exchange. The one who was asked sends under the new key, so that the other one can
    /// drop the key before (§6).
    fn settle(&mut self, effects: &mut Effects, (now_ms, random): At<'_>) -> Result<(), Error> {
        if !matches!(self.keys, Keys::Accepted { .. }) {
            self.keys = self.keys.settled();
            return Ok(());
        }
        let change = self.begin_key(self.keys.settled(), now_ms);
        effects.changes.push(change);
        self.serve(&Action::Noop, effects, (now_ms, random))
    }
}

impl Arrived<'_> {
    fn for_application(&self) -> Received {
        Received {
            number: self.numbers.out,
            layer: self.layer,
            message: SecretBytes::new(self.raw.to_vec()),
        }
    }
}

/// A range of numbers of the other end, as a request names it.
pub(super) const fn named((first, after): (u32, u32), bit: u32) -> (u32, u32) {
    (on_wire(first, bit), on_wire(after.saturating_sub(1), bit))
}
