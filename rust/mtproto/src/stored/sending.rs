// SPDX-License-Identifier: MIT OR Apache-2.0
//! What leaves a chat, and leaves it again (mtproto_secret_chats.md §5; docs/storage.md, "Sending").

use e2ee_account::{Environment, Outcome};
use e2ee_state::{Failure, Records, Step};

use crate::chat::{At, Chat, Effects, Sent};

use super::{
    ChatId, SecretChats,
    loading::{Beside, Loaded},
};

/// A message of ours, for `messages.sendEncrypted` or `messages.sendEncryptedService`.
#[derive(Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// How many messages of ours were made before it in its chat.
    pub number: u32,
    /// The number by which both ends name it.
    pub random_id: i64,
    /// Whether it is a service message.
    pub is_service: bool,
    /// The bytes that leave.
    pub wire: Vec<u8>,
}

impl SecretChats {
    /// Makes a message of a TL object; the result is what leaves, in its order.
    ///
    /// [`Error::NoSession`](e2ee_wire::Error::NoSession) if there is no such chat,
    /// [`Error::InvalidArgument`](e2ee_wire::Error::InvalidArgument) for bytes that are no TL
    /// object or too long.
    pub fn encrypt(
        &mut self,
        id: ChatId,
        message: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Outgoing>>>, Failure> {
        self.step(id, environment, |loaded, at| {
            let Loaded { chat, record, .. } = loaded;
            Ok(chat.send(message, &record.group, at)?)
        })
    }

    /// Asks for the next key now.
    ///
    /// [`Error::InvalidArgument`](e2ee_wire::Error::InvalidArgument) if an exchange is open.
    pub fn change_key(
        &mut self,
        id: ChatId,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Outgoing>>>, Failure> {
        self.step(id, environment, |loaded, at| {
            let Loaded { chat, record, .. } = loaded;
            let mut effects = chat.effects();
            chat.rekey(&record.group, &mut effects, at)?;
            Ok(effects)
        })
    }

    /// Asks once more for what is missing.
    pub fn ask_again(
        &mut self,
        id: ChatId,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Outgoing>>>, Failure> {
        self.step(id, environment, |loaded, at| Ok(loaded.chat.ask_again(at)?))
    }

    /// Deletes messages of ours at the other end.
    pub fn delete_messages(
        &mut self,
        id: ChatId,
        random_ids: &[i64],
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Outgoing>>>, Failure> {
        let loaded = self.load(id, environment.records)?;
        let mut held = Vec::new();
        for number in loaded.chat.unacknowledged() {
            held.push(self.beside(&loaded, environment.records).sent(&loaded.chat, number)?);
        }
        self.step(id, environment, |loaded, at| Ok(loaded.chat.delete(random_ids, held, at)?))
    }

    /// Takes note that the carrier has a message.
    pub fn posted(
        &mut self,
        id: ChatId,
        number: u32,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        let mut loaded = self.load(id, environment.records)?;
        loaded.chat.posted(number)?;
        let effects = loaded.chat.effects();
        self.saved((&loaded, &effects), (), environment)
    }

    /// All messages that the carrier may not have, in the order in which they leave.
    pub fn unposted(
        &mut self,
        id: ChatId,
        records: &mut dyn Records,
    ) -> Result<Vec<Outgoing>, Failure> {
        let loaded = self.load(id, records)?;
        self.of_numbers(&loaded, loaded.chat.unposted(), records)
    }

    /// Loads a chat, changes it, and saves it; the result is what leaves.
    fn step(
        &mut self,
        id: ChatId,
        environment: &mut Environment<'_>,
        work: impl FnOnce(&mut Loaded, At<'_>) -> Result<Effects, Failure>,
    ) -> Result<Step<Outcome<Vec<Outgoing>>>, Failure> {
        let mut loaded = self.load(id, environment.records)?;
        let effects = work(&mut loaded, (environment.now_ms, environment.random))?;
        let outgoing = outgoing(&effects);
        self.saved((&loaded, &effects), outgoing, environment)
    }

    pub(super) fn beside<'a>(
        &'a self,
        loaded: &'a Loaded,
        records: &'a mut dyn Records,
    ) -> Beside<'a> {
        Beside { chats: self, records, tag: &loaded.record.tag }
    }

    /// The messages of ours with these numbers, which are kept.
    pub(super) fn of_numbers(
        &self,
        loaded: &Loaded,
        numbers: impl IntoIterator<Item = u32>,
        records: &mut dyn Records,
    ) -> Result<Vec<Outgoing>, Failure> {
        let chat: &Chat = &loaded.chat;
        let mut found = Vec::new();
        for number in numbers {
            found.push(Outgoing::from(&self.beside(loaded, records).sent(chat, number)?));
        }
        Ok(found)
    }
}

impl From<&Sent> for Outgoing {
    fn from(sent: &Sent) -> Self {
        let Sent { number, random_id, is_service, ref wire, .. } = *sent;
        Self { number, random_id, is_service, wire: wire.clone() }
    }
}

/// What a step has made.
pub(super) fn outgoing(effects: &Effects) -> Vec<Outgoing> {
    effects.sent.iter().map(Outgoing::from).collect()
}
