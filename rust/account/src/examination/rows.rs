// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records one by one: what their names say that they are, and whether their contents open
//! (docs/formats.md, "Record names").

use e2ee_state::{Records, Sealer, StoreError};

use crate::{
    generation::Generation, inbox::InboxEntry, index::Index, ledger, names, outbox::OutboxEntry,
    peer::Peer, protocol::Protocol, session_list::Listed,
};

use super::{Examiner, Fault};

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKind {
    /// The one that is not sealed.
    Store,
    /// Who the account is.
    Identity,
    /// The root record.
    Index,
    /// The private halves of prekeys.
    PreKeys,
    /// Which state of the store may send.
    Generation,
    /// A peer.
    Peer,
    /// The head of a session.
    Session,
    /// Another part of a session.
    SessionPart,
    /// A group.
    Group,
    /// Our own key for a group.
    OwnChain,
    /// The head of a sender's keys for a group.
    Chains,
    /// Another part of them.
    ChainsPart,
    /// A sender's key for a group, for which the root record vouches.
    ReceivedKey,
    /// A chat that stands for itself, for which the root record vouches.
    Chat,
    /// The state of a chat.
    ChatState,
    /// A message of ours in a chat that the other end may not have.
    ChatSent,
    /// A message in a chat that came before its turn.
    ChatWaiting,
    /// A peer's requests to send again.
    Repair,
    /// A message that waits.
    Inbox,
    /// That a message was opened.
    Ledger,
    /// A message to be posted.
    Outbox,
    /// No record of ours has such a name.
    Unknown,
}

impl RecordKind {
    /// What the name of a record says.
    pub(super) fn of<E: Examiner>(name: &str) -> Self {
        match (name.split_once('/').map(|(first, _)| first), name) {
            (None, e2ee_state::key::RECORD_NAME) => Self::Store,
            (None, names::IDENTITY) => Self::Identity,
            (None, names::INDEX) => Self::Index,
            (None, names::PREKEYS) => Self::PreKeys,
            (None, names::GENERATION) => Self::Generation,
            (Some("peer"), _) => Self::Peer,
            (Some("session"), _) if is_session_head(name) => Self::Session,
            (Some("session"), _) => Self::SessionPart,
            (Some("inbox"), _) => Self::Inbox,
            (Some("ledger"), _) => Self::Ledger,
            (Some("outbox"), _) => Self::Outbox,
            _ => E::kind_of(name).unwrap_or(Self::Unknown),
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Store => "store record",
            Self::Identity => "identity",
            Self::Index => "root record",
            Self::PreKeys => "prekeys",
            Self::Generation => "generation",
            Self::Peer => "peer",
            Self::Session => "session head",
            Self::SessionPart => "session part",
            Self::Group => "group",
            Self::OwnChain => "own group key",
            Self::Chains => "group keys of a sender",
            Self::ChainsPart => "late group keys",
            Self::ReceivedKey => "received group key",
            Self::Chat => "chat",
            Self::ChatState => "state of a chat",
            Self::ChatSent => "sent message of a chat",
            Self::ChatWaiting => "early message of a chat",
            Self::Repair => "requests to send again",
            Self::Inbox => "waiting message",
            Self::Ledger => "ledger entry",
            Self::Outbox => "queued message",
            Self::Unknown => "unknown record",
        }
    }
}

/// A record as it was read.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) kind: RecordKind,
    pub(super) revision: u64,
    pub(super) sealed_len: usize,
    /// The version of its content.
    pub(super) version: Option<u8>,
    /// What is wrong with it by itself.
    pub(super) fault: Option<Fault>,
    /// Whether another record says that it is there, or none has to.
    pub(super) is_vouched_for: bool,
    /// When a waiting message was opened.
    pub(super) received_ms: Option<u64>,
}

impl Row {
    /// A record that is not looked into.
    pub(super) const fn closed(kind: RecordKind, revision: u64, sealed_len: usize) -> Self {
        let is_vouched_for = !matches!(
            kind,
            RecordKind::Generation
                | RecordKind::Session
                | RecordKind::SessionPart
                | RecordKind::OwnChain
                | RecordKind::Chains
                | RecordKind::ChainsPart
                | RecordKind::ChatState
                | RecordKind::ChatSent
                | RecordKind::ChatWaiting
        );
        Self {
            kind,
            revision,
            sealed_len,
            version: None,
            fault: None,
            is_vouched_for,
            received_ms: None,
        }
    }

    /// Reads a record and opens it.
    pub(super) fn read<E: Examiner>(
        name: &str,
        revision: u64,
        (sealer, records): (&Sealer, &mut dyn Records),
    ) -> Result<Self, StoreError> {
        let kind = RecordKind::of::<E>(name);
        let Some(stored) = records.get(name)? else {
            let fault = Some(Fault::Unreadable);
            return Ok(Self { fault, ..Self::closed(kind, revision, 0) });
        };
        let mut row = Self::closed(kind, stored.revision, stored.sealed.len());
        match kind {
            RecordKind::Store => return Ok(row),
            RecordKind::Unknown => {
                row.fault = Some(Fault::UnknownName);
                return Ok(row);
            }
            _ => {}
        }
        let Ok(opened) = sealer.open(name, stored.revision, &stored.sealed) else {
            row.fault = Some(Fault::DoesNotOpen);
            return Ok(row);
        };
        let content = opened.expose();
        if kind != RecordKind::Ledger {
            row.version = content.get(E::before_version(kind, name, content)).copied();
        }
        if !row.look_into::<E>(name, content) {
            row.fault = Some(Fault::Malformed);
        }
        Ok(row)
    }

    /// Whether the content is of its format, as far as it can be told from this record alone.
    fn look_into<E: Examiner>(&mut self, name: &str, content: &[u8]) -> bool {
        match self.kind {
            RecordKind::Index => Index::decode(content).is_ok(),
            RecordKind::Generation => Generation::decode(content).is_ok(),
            RecordKind::Peer => {
                names::peer_of::<DeviceOf<E>>(name).is_ok() && peer::<E>(content).is_some()
            }
            RecordKind::Ledger => ledger::is_entry(name, content),
            RecordKind::Outbox => OutboxEntry::<DeviceOf<E>>::decode("", content).is_ok(),
            RecordKind::Inbox => {
                let id = name.strip_prefix(names::INBOX_PREFIX).unwrap_or_default();
                let entry = InboxEntry::<DeviceOf<E>, ContentOf<E>>::decode(id, content);
                self.received_ms = entry.as_ref().ok().map(|entry| entry.received_ms);
                entry.is_ok()
            }
            // These are read together with the records that they belong to.
            RecordKind::Session
            | RecordKind::SessionPart
            | RecordKind::Store
            | RecordKind::Unknown => true,
            kind => E::is_of_format(kind, name, content),
        }
    }
}

/// A peer's record.
pub(super) fn peer<E: Examiner>(content: &[u8]) -> Option<Peer<IdentityOf<E>>> {
    Peer::decode(content, <E::Protocol as Protocol>::Session::MAX_ARCHIVED).ok()
}

pub(super) type DeviceOf<E> = <<E as Examiner>::Protocol as Protocol>::Device;
pub(super) type IdentityOf<E> = <<E as Examiner>::Protocol as Protocol>::Identity;
type ContentOf<E> = <<E as Examiner>::Protocol as Protocol>::Content;

/// Whether the name ends with an id of a session in hexadecimal digits.
fn is_session_head(name: &str) -> bool {
    let id = name.rsplit('/').next().unwrap_or_default();
    names::is_session_head(name) && id.bytes().all(|digit| digit.is_ascii_hexdigit())
}
