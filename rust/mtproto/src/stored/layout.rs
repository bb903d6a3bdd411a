// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the records of secret chats hang together (docs/storage.md, "What vouches for what"): the root
//! record vouches for the chats, and a chat's state for the numbers of the messages beside it.

use core::fmt::Write;

use e2ee_account::{
    Content, Device, Learnt, Protocol, Saved, StoredSession, Vault, draft::Draft, peer::SessionId,
    session_list::Listed,
};
use e2ee_primitives::{SecretBytes, x25519};
use e2ee_state::{Failure, Records};
use e2ee_wire::{Error, record::RecordReader};

/// The number of a chat, as the server knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChatId(pub i32);

impl Device for ChatId {
    /// Ten digits and a sign.
    const MAX_NAME_LEN: usize = 11;

    fn push_name(&self, text: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}", self.0);
    }

    fn of_name(name: &str) -> Result<Self, Error> {
        name.parse().map(Self).map_err(|_| Error::CorruptState)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        Ok(Self(i32::from_be_bytes(*reader.array()?)))
    }
}

/// What is known of a message in the inbox beside its TL object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfLayer(pub i32);

impl Content for OfLayer {
    /// No entry of these stores has that version.
    const DIRECT: Self = Self(0);

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        Ok(Self(i32::from_be_bytes(*reader.array()?)))
    }
}

/// Secret chats, as what keeps the records asks of them.
#[derive(Debug)]
pub enum Mtproto {}

impl Protocol for Mtproto {
    type Device = ChatId;
    type Content = OfLayer;
    type Identity = x25519::PublicKey;
    type Parties = ();
    type Session = NoSession;

    const MEMBERS: &'static [&'static str] = &[CHAT_PREFIX];

    fn member_of(name: &str) -> Option<String> {
        name.strip_prefix(STATE_PREFIX).map(|rest| format!("{CHAT_PREFIX}{rest}"))
    }

    fn advanced(_: &str, _: &SecretBytes) -> Result<Option<SecretBytes>, Error> {
        Ok(None)
    }
}

/// What the names of the records begin with for which the root record vouches.
pub const CHAT_PREFIX: &str = "chat/";
/// What the names of chats' states begin with.
pub const STATE_PREFIX: &str = "chat-state/";
/// What the names of kept messages of ours begin with.
pub const SENT_PREFIX: &str = "chat-sent/";
/// What the names of messages begin with that came before their turn.
pub const WAITING_PREFIX: &str = "chat-waiting/";

/// Bytes by which two chats of one number are told from each other.
pub const TAG_LEN: usize = 16;

/// The record of a chat.
pub fn chat(id: ChatId) -> String {
    named(CHAT_PREFIX, id)
}

/// The chat of a record for which the root record vouches.
pub fn id_of(name: &str) -> Result<ChatId, Error> {
    ChatId::of_name(name.strip_prefix(CHAT_PREFIX).ok_or(Error::CorruptState)?)
}

/// The record of a chat's state.
pub fn state(id: ChatId) -> String {
    named(STATE_PREFIX, id)
}

/// The record of a message of ours that the other end may not have.
pub fn sent(tag: &[u8; TAG_LEN], number: u32) -> String {
    format!("{}{number:08x}", all_sent(tag))
}

/// What the names of all those records begin with.
pub fn all_sent(tag: &[u8; TAG_LEN]) -> String {
    format!("{SENT_PREFIX}{}/", e2ee_account::names::hex(tag))
}

/// The record of a message that waits for its turn.
pub fn waiting(tag: &[u8; TAG_LEN], number: u32) -> String {
    format!("{}{number:08x}", all_waiting(tag))
}

/// What the names of all those records begin with.
pub fn all_waiting(tag: &[u8; TAG_LEN]) -> String {
    format!("{WAITING_PREFIX}{}/", e2ee_account::names::hex(tag))
}

fn named(prefix: &str, id: ChatId) -> String {
    let mut name = prefix.to_owned();
    id.push_name(&mut name);
    name
}

/// A chat is no session of several records with a peer: there is none.
#[derive(Debug)]
pub enum NoSession {}

impl Listed for NoSession {
    const MAX_ARCHIVED: usize = 0;
    const MAX_SKIPPED: usize = 0;

    fn their_identity(&self) -> &x25519::PublicKey {
        match *self {}
    }

    fn archive(&mut self) {
        match *self {}
    }

    fn retire(&mut self) {
        match *self {}
    }

    fn is_retired(&self) -> bool {
        match *self {}
    }

    fn skipped_len(&self) -> usize {
        match *self {}
    }

    fn forget_skipped(&mut self) {
        match *self {}
    }
}

impl StoredSession for NoSession {
    type Parts = ();

    fn id(&self) -> SessionId {
        match *self {}
    }

    fn sends_in_place(&self) -> bool {
        match *self {}
    }

    fn load<P: Protocol>(
        _: &str,
        _: &SessionId,
        _: &mut Vault<P>,
        _: &mut dyn Records,
    ) -> Result<(Self, Saved<()>), Failure> {
        Err(Error::CorruptState.into())
    }

    fn fill_from<P: Protocol>(
        &mut self,
        _: &mut Saved<()>,
        _: &Vault<P>,
        _: &mut dyn Records,
    ) -> Result<(), Failure> {
        match *self {}
    }

    fn check_absent(&self, _: &Saved<()>, _: &mut dyn Records) -> Result<(), Failure> {
        match *self {}
    }

    fn save(&self, _: Saved<()>, _: &mut Draft<'_>, _: &mut Learnt) -> Result<Saved<()>, Failure> {
        match *self {}
    }

    fn delete(_: &Saved<()>, _: &mut Draft<'_>, _: &mut Learnt) -> Result<(), Failure> {
        Ok(())
    }

    fn is_whole((): &()) -> bool {
        true
    }
}
