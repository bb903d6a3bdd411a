// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a look at a store of secret chats knows of its records (docs/storage.md, "Doctor").

use e2ee_account::{
    Device, Vault,
    examination::{
        Examination, Examiner, Fault, GroupState, Look, Naming, OpenedSession, RecordKind, Walk,
    },
    names,
};
use e2ee_state::{Failure, Records};

use crate::chat::Chat;

use super::{
    ChatId, IDENTITY_VERSION, Mtproto, Phase,
    layout::{self, NoSession},
    record::{self, Owner, Record},
};

/// A chat, as far as its records open.
#[derive(Debug)]
pub struct SeenChat {
    /// What it is called.
    pub label: String,
    /// Whether both ends have the first key; none if the record does not open.
    pub is_agreed: Option<bool>,
    /// How far it has come; none before both have the first key, or if its state does not open.
    pub counts: Option<SeenCounts>,
}

/// How far a chat has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenCounts {
    /// Messages that we have made.
    pub sent: u32,
    /// Messages of ours that the other end has said to have.
    pub acknowledged: u32,
    /// Messages of the other end that came, in order.
    pub received: u32,
    /// Messages that came before their turn.
    pub waiting: usize,
}

/// Whether a store is one of secret chats: its identity record says so or, where that is lost, the
/// names of its records.
pub fn is_of_chats(look: &Look, records: &mut dyn Records) -> bool {
    if let Some(identity) = look.content(names::IDENTITY, records) {
        return identity.expose().first() == Some(&IDENTITY_VERSION);
    }
    look.has_any(layout::CHAT_PREFIX)
}

/// Looks at all records of a store at a time in milliseconds since the Unix epoch.
pub fn examine(
    look: Look,
    records: &mut dyn Records,
    at: (u64, Naming),
) -> Result<Examination<Vec<SeenChat>>, Failure> {
    look.through(|vault| Ok(Examined { vault }), records, at)
}

/// Chats whose records are taken as they are.
struct Examined {
    vault: Vault<Mtproto>,
}

impl Examiner for Examined {
    type Protocol = Mtproto;
    type Stock = Vec<SeenChat>;

    fn vault(&mut self) -> &mut Vault<Mtproto> {
        &mut self.vault
    }

    fn kind_of(name: &str) -> Option<RecordKind> {
        let begins = |begin: &str| name.starts_with(begin);
        match () {
            () if begins(layout::CHAT_PREFIX) => Some(RecordKind::Chat),
            () if begins(layout::STATE_PREFIX) => Some(RecordKind::ChatState),
            () if begins(layout::SENT_PREFIX) => Some(RecordKind::ChatSent),
            () if begins(layout::WAITING_PREFIX) => Some(RecordKind::ChatWaiting),
            () => None,
        }
    }

    /// All records begin with it.
    fn before_version(_: RecordKind, _: &str, _: &[u8]) -> usize {
        0
    }

    fn is_of_format(kind: RecordKind, name: &str, content: &[u8]) -> bool {
        match kind {
            RecordKind::Identity => Owner::decode(content).is_ok(),
            RecordKind::PreKeys => record::no_prekeys().expose() == content,
            RecordKind::Chat => layout::id_of(name).is_ok() && Record::decode(content).is_ok(),
            RecordKind::ChatState => Chat::decode(content).is_ok(),
            RecordKind::ChatSent => record::decode_sent(content).is_ok(),
            RecordKind::ChatWaiting => record::decode_waiting(content).is_ok(),
            _ => false,
        }
    }

    /// The owner's name stands in no other record.
    fn take_identity(&mut self, _: &[u8]) {}

    fn stock(walk: &mut Walk<'_, Self>, _: Option<&[u8]>) -> Option<Vec<SeenChat>> {
        Some(chats(walk))
    }

    fn parts_of(_: &str, _: &[u8]) -> Vec<String> {
        Vec::new()
    }

    fn counted_parts(_: &str, session: &NoSession) -> Option<String> {
        match *session {}
    }

    fn is_ours(&self, session: &NoSession) -> bool {
        match *session {}
    }

    fn is_fresh(session: &NoSession, _: u64) -> bool {
        match *session {}
    }

    fn opened(session: &NoSession, _: bool, _: u64) -> (OpenedSession, Option<Fault>) {
        match *session {}
    }

    /// What is kept beside its state has names that only its record tells.
    fn dependents_of(_: &str) -> Option<String> {
        None
    }

    fn groups(_: &mut Walk<'_, Self>) -> Vec<GroupState> {
        Vec::new()
    }
}

/// All chats; of what nothing vouches for, nobody is blamed while a chat does not open.
fn chats(walk: &mut Walk<'_, Examined>) -> Vec<SeenChat> {
    let members = walk.examiner.vault.members().map(|(name, _)| name.to_owned());
    let mut members: Vec<(Option<ChatId>, String)> =
        members.map(|name| (layout::id_of(&name).ok(), name)).collect();
    members.sort_unstable();
    let mut seen = Vec::new();
    for (number, (id, name)) in (1_usize..).zip(members) {
        seen.push(chat(walk, number, (id, &name)));
    }
    if seen.iter().any(|chat| chat.is_agreed.is_none()) {
        for begin in [layout::STATE_PREFIX, layout::SENT_PREFIX, layout::WAITING_PREFIX] {
            spare(walk, begin);
        }
    }
    seen
}

fn chat(
    walk: &mut Walk<'_, Examined>,
    number: usize,
    (id, name): (Option<ChatId>, &str),
) -> SeenChat {
    let opened = walk.open(name).and_then(|opened| Record::decode(opened.expose()).ok());
    let (Some(id), Some(record)) = (id, opened) else {
        let label = if walk.labels.are_names() { name.to_owned() } else { numbered(number) };
        walk.labels.name_record(name, label.clone());
        return SeenChat { label, is_agreed: None, counts: None };
    };
    let label = label(walk, number, (id, &record.peer));
    walk.labels.name_record(name, label.clone());
    let Phase::Ready(_) = record.phase else {
        return SeenChat { label, is_agreed: Some(false), counts: None };
    };
    let state = layout::state(id);
    let is_whole = walk.vouch(&state, format!("state of {label}"));
    let opened = if is_whole { walk.open(&state) } else { None };
    let chat = opened.and_then(|opened| Chat::decode(opened.expose()).ok());
    if let Some(chat) = &chat {
        beside(walk, &label, (&record, chat));
    } else {
        // Which messages belong to it only its state says.
        spare(walk, &layout::all_sent(&record.tag));
        spare(walk, &layout::all_waiting(&record.tag));
    }
    let counts = chat.as_ref().map(counts);
    SeenChat { label, is_agreed: Some(true), counts }
}

/// Vouches for the messages of which a chat's state says that they are kept.
fn beside(walk: &mut Walk<'_, Examined>, label: &str, (record, chat): (&Record, &Chat)) {
    for number in chat.unacknowledged() {
        let name = layout::sent(&record.tag, number);
        let message = format!("sent message {number} of {label}");
        if !walk.vouch(&name, message.clone()) {
            continue;
        }
        let opened = walk.open(&name);
        let sent = opened.and_then(|opened| record::decode_sent(opened.expose()).ok());
        let fits = sent.is_some_and(|(sent, is_replaced)| {
            sent.number == number && is_replaced == chat.is_replaced(number)
        });
        if !fits {
            walk.find(Fault::Mismatch, &message);
        }
    }
    for number in chat.waiting() {
        let name = layout::waiting(&record.tag, number);
        _ = walk.vouch(&name, format!("early message {number} of {label}"));
    }
}

/// Whether records belong to one that does not open cannot be known: nobody is blamed for them.
fn spare(walk: &mut Walk<'_, Examined>, begin: &str) {
    _ = walk.vouch_all(begin, "a chat that does not open");
}

fn counts(chat: &Chat) -> SeenCounts {
    let counts = chat.counts();
    SeenCounts {
        sent: counts.sent,
        acknowledged: counts.acknowledged,
        received: counts.received,
        waiting: chat.waiting().count(),
    }
}

/// What a chat is called.
fn label(walk: &Walk<'_, Examined>, number: usize, (id, peer): (ChatId, &str)) -> String {
    if !walk.labels.are_names() {
        return numbered(number);
    }
    let mut label = "chat ".to_owned();
    id.push_name(&mut label);
    label.push_str(" with ");
    label.push_str(peer);
    label
}

fn numbered(number: usize) -> String {
    format!("chat {number}")
}
