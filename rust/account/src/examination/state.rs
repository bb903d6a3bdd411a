// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a report says of peers, sessions and groups (docs/storage.md, "Doctor").

use super::Fault;

/// A peer.
#[derive(Debug)]
pub struct PeerState {
    /// What it is called.
    pub label: String,
    /// Whether a person compared the safety number.
    pub verified: bool,
    /// Whether a message can be sent to it now.
    pub sending: Sending,
    /// The sessions, the current one first.
    pub sessions: Vec<SessionState>,
}

/// Whether a message can be sent to a peer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It can.
    Ready,
    /// It cannot, for this reason.
    Refused(Fault),
}

impl Sending {
    /// One word for it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Refused(fault) => fault.code(),
        }
    }
}

/// A session.
#[derive(Debug)]
pub struct SessionState {
    /// Whether it sends.
    pub place: Place,
    /// How far it has come; none if its records do not open.
    pub opened: Option<OpenedSession>,
}

/// A session whose records open.
#[derive(Debug)]
pub struct OpenedSession {
    /// How far its start has come.
    pub phase: Phase,
    /// Whether it is under the identities that count now: the peer's trusted one, and our own.
    pub trusted: bool,
    /// Messages sent on the sending chain; none if our next message makes a new one.
    pub sent: Option<u32>,
    /// The index behind the newest message of the newest receiving chain; none before the first.
    pub received: Option<u32>,
    /// Seeds that are kept for late messages.
    pub skipped: usize,
    /// The epoch of the post-quantum ratchet, from 1, and messages sent and received since it began;
    /// none if the protocol has no such ratchet.
    pub pq_progress: Option<(u64, u64)>,
}

/// Which of a peer's sessions it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It sends and receives.
    Current,
    /// It receives, and sends again once a message comes on it.
    Archived,
    /// It receives and never sends again: the store was set back.
    Retired,
}

impl Place {
    /// One word for it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Archived => "archived",
            Self::Retired => "retired",
        }
    }
}

/// How far the start of a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// We began it and wait for the first answer.
    Waiting {
        /// Seconds since the start, if it is known.
        seconds: Option<u64>,
    },
    /// We began it, and it was answered or archived.
    Initiated,
    /// The peer began it.
    Accepted,
}

impl Phase {
    /// One word for it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Initiated => "initiated",
            Self::Accepted => "accepted",
        }
    }
}

/// A group.
#[derive(Debug)]
pub struct GroupState {
    /// What it is called.
    pub label: String,
    /// How many members there are.
    pub members: usize,
    /// Those of them that do not have our key.
    pub pending: Vec<String>,
    /// Messages sent under our present key; none if its record does not open.
    pub sent: Option<u32>,
    /// The devices whose keys we have.
    pub senders: Vec<ChainsState>,
}

/// What we have of a sender in a group.
#[derive(Debug)]
pub struct ChainsState {
    /// What the sender is called.
    pub label: String,
    /// Whether what it writes is opened.
    pub heard: bool,
    /// How many of its chains we have; none if the records do not open.
    pub chains: Option<usize>,
}

/// The messages that wait to be handled.
#[derive(Debug, Default)]
pub struct InboxState {
    /// How many there are, of those whose records open.
    pub messages: usize,
    /// For how many seconds the oldest has waited.
    pub oldest_seconds: Option<u64>,
}
