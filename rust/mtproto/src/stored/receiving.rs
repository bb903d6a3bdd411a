// SPDX-License-Identifier: MIT OR Apache-2.0
//! What comes into a chat: into the inbox, in its turn, in the step that takes it in
//! (mtproto_secret_chats.md §5; docs/storage.md, "Receiving").

use e2ee_account::{Environment, Learnt, Outcome, draft::Draft};
use e2ee_state::{Failure, Step};

use crate::chat::{Change, Effects};

use super::{
    ChatId, OfLayer, Outgoing, SecretChats,
    loading::{Beside, Loaded},
    sending::outgoing,
};

/// A message in the inbox.
pub type InboxEntry = e2ee_account::InboxEntry<ChatId, OfLayer>;

/// What came of a message.
#[derive(Debug)]
pub struct Reception {
    /// Messages in their turn; each is in the inbox until it is handled.
    pub messages: Vec<InboxEntry>,
    /// What the chat has become.
    pub changes: Vec<Change>,
    /// What leaves, in its order: first what the other end has asked for again.
    pub outgoing: Vec<Outgoing>,
}

impl SecretChats {
    /// Takes in a message of a chat.
    ///
    /// [`Error::NotForChat`](e2ee_wire::Error::NotForChat) if it is under no key of it, and
    /// [`Error::Duplicate`](e2ee_wire::Error::Duplicate) if it came before: nothing is to be done.
    /// After another error of the protocol the chat is to be closed. No error has changed anything.
    pub fn receive(
        &mut self,
        id: ChatId,
        wire: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Reception>>, Failure> {
        let mut loaded = self.load(id, environment.records)?;
        let Loaded { record, chat, .. } = &mut loaded;
        let mut beside = Beside { chats: self, records: environment.records, tag: &record.tag };
        let Environment { random, now_ms, .. } = environment;
        let effects = chat.receive(wire, &record.group, &mut beside, (*now_ms, *random))?;
        let again = effects.again.iter().copied();
        let mut leaving = self.of_numbers(&loaded, again, environment.records)?;
        leaving.extend(outgoing(&effects));
        self.received(&loaded, effects, leaving, environment)
    }

    fn received(
        &mut self,
        loaded: &Loaded,
        effects: Effects,
        outgoing: Vec<Outgoing>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Reception>>, Failure> {
        let mut learnt = Learnt::default();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        self.put(loaded, &effects, environment.records, (&mut draft, &mut learnt))?;
        let whom = (loaded.record.peer.as_str(), loaded.id);
        let mut messages = Vec::new();
        for received in effects.received {
            let content = (OfLayer(received.layer), received.message);
            let at = (environment.now_ms, received.number);
            messages.push(InboxEntry::numbered(whom, at, content, &mut draft)?);
        }
        let reception = Reception { messages, changes: effects.changes, outgoing };
        let drafted = draft.finish();
        self.vault.drafted((drafted, learnt), reception, environment)
    }
}
