// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sending again: what the other end asks for, what we miss, what the carrier has not taken, and what
//! was deleted meanwhile (mtproto_secret_chats.md §5).

use e2ee_primitives::Random;
use e2ee_wire::Error;

use crate::{
    action::{self, Action},
    envelope,
    limits::MAX_RESEND,
    message::{Layered, Message},
};

use super::{At, Chat, Effects, Sent, drawn_id, receive::named};

impl Chat {
    /// Asks once more for all messages that are missing, for when requests or answers were lost.
    pub fn ask_again(&mut self, (now_ms, random): At<'_>) -> Result<Effects, Error> {
        let mut effects = self.effects();
        let mut expected = self.counts.received;
        for number in self.waiting.clone() {
            if number > expected {
                self.ask_for((expected, number), &mut effects, (now_ms, random))?;
            }
            expected = number.checked_add(1).ok_or(Error::Exhausted)?;
        }
        Ok(effects)
    }

    /// Asks for the messages from the first number on and before the second.
    pub(super) fn ask_for(
        &mut self,
        range: (u32, u32),
        effects: &mut Effects,
        at: At<'_>,
    ) -> Result<(), Error> {
        let (start, end) = named(range, self.role.other().out_bit());
        self.serve(&Action::Resend { start, end }, effects, at)
    }

    /// Serves a request for messages of ours.
    ///
    /// [`Error::Malformed`] for bits that are not ours, for messages that were not made or that the
    /// other end has, and for too many.
    pub(super) fn send_again(
        &mut self,
        (start, end): (u32, u32),
        effects: &mut Effects,
    ) -> Result<(), Error> {
        let bit = self.role.out_bit();
        let (first, last) = (start >> 1, end >> 1);
        let are_ours = start & 1 == bit && end & 1 == bit;
        let are_held = first >= self.counts.acknowledged && last < self.counts.sent;
        let count = last.checked_sub(first).ok_or(Error::Malformed)?;
        if !are_ours || !are_held || count >= MAX_RESEND {
            return Err(Error::Malformed);
        }
        for number in first..=last {
            effects.again.insert(number);
            if number < self.posted {
                self.again.insert(number);
            }
        }
        Ok(())
    }

    /// Takes note that the carrier has this message, and all before it that it had to take for the
    /// first time.
    ///
    /// [`Error::InvalidArgument`] for one that was not made.
    pub fn posted(&mut self, number: u32) -> Result<(), Error> {
        if number >= self.counts.sent {
            return Err(Error::InvalidArgument);
        }
        if !self.again.remove(&number) {
            self.posted = self.posted.max(number.saturating_add(1));
        }
        Ok(())
    }

    /// The numbers of all messages that the carrier may not have.
    #[must_use]
    pub fn unposted(&self) -> Vec<u32> {
        let fresh = self.posted..self.counts.sent;
        self.again.iter().copied().chain(fresh).collect()
    }

    /// The numbers of all messages that the other end may not have.
    #[must_use]
    pub const fn unacknowledged(&self) -> core::ops::Range<u32> {
        self.counts.acknowledged..self.counts.sent
    }

    /// Deletes messages of ours at the other end: those of `held`, which it may not have yet, give
    /// way to a deletion of themselves, and then all of them are deleted (§5).
    ///
    /// Unlike the specification, one that was sealed under an earlier key keeps its place: a message
    /// under the present one there could end an exchange of keys before its time. So does one that
    /// this crate has made: without it, an exchange of keys would never end.
    pub fn delete(
        &mut self,
        random_ids: &[i64],
        held: Vec<Sent>,
        (now_ms, random): At<'_>,
    ) -> Result<Effects, Error> {
        let mut effects = self.effects();
        for sent in held {
            if !random_ids.contains(&sent.random_id) {
                continue;
            }
            if let Some(layer) = self.layer_if_replaceable(&sent)? {
                self.replaced.insert(sent.number);
                effects.sent.push(self.replacement(&sent, layer, random)?);
            }
        }
        let all = Action::DeleteMessages(random_ids.to_vec());
        self.serve(&all, &mut effects, (now_ms, random))?;
        Ok(effects)
    }

    /// Whether a deletion stands in the place of this message.
    #[must_use]
    pub fn is_replaced(&self, number: u32) -> bool {
        self.replaced.contains(&number)
    }

    /// The layer that a message of ours names, if a deletion may take its place.
    fn layer_if_replaceable(&self, sent: &Sent) -> Result<Option<i32>, Error> {
        let key = self.keys.sending();
        if envelope::fingerprint_of(&sent.wire) != Ok(key.fingerprint()) {
            return Ok(None);
        }
        let body = envelope::open(key, self.role, &sent.wire).map_err(|_| Error::CorruptState)?;
        let Layered { layer, message, .. } = Layered::decode(body.expose())?;
        Ok(match Message::decode(message)? {
            Message::Service { action, .. } if action.is_ours() => None,
            _ => Some(layer),
        })
    }

    /// The deletion of a message in its own place, which names the layer that it named: messages
    /// behind it that name it too were made before, and the layer must not fall (§4).
    fn replacement(&self, sent: &Sent, layer: i32, random: &mut dyn Random) -> Result<Sent, Error> {
        let deletion = Action::DeleteMessages(vec![sent.random_id]);
        let random_id = drawn_id(random)?;
        let message = action::service(random_id, &deletion)?;
        let Sent { number, received, .. } = *sent;
        let wire = self.sealed((number, received, layer), (&message, random))?;
        Ok(Sent { number, received, random_id, is_service: true, wire })
    }

    /// Forgets what concerns messages that the other end has.
    pub(super) fn forget_acknowledged(&mut self) {
        let acknowledged = self.counts.acknowledged;
        self.posted = self.posted.max(acknowledged);
        self.again.retain(|number| *number >= acknowledged);
        self.replaced.retain(|number| *number >= acknowledged);
    }
}
