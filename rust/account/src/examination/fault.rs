// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be wrong with a store, each with what it means and what helps (docs/storage.md,
//! "Doctor").

/// Something that is wrong, or that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub fault: Fault,
    /// The record, peer or group that it concerns.
    pub subject: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something is lost, or was put there by somebody else.
    Damage,
    /// Something cannot go on until somebody acts.
    Stuck,
    /// All works; something should be done.
    Advice,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no record at all.
    NoAccount,
    /// The one record that is not sealed is missing or damaged.
    StoreRecord,
    /// The store record is whole, and the key or passphrase is not its own.
    WrongKey,
    /// The store failed to give a record that it lists.
    Unreadable,
    /// A record is not what was sealed under its name and revision.
    DoesNotOpen,
    /// A record opens, and its content is of no known format.
    Malformed,
    /// A record is not there, and another one says that it is.
    Missing,
    /// Records open, and do not belong together.
    Mismatch,
    /// The peers and groups are not those that the root record vouches for.
    Members,
    /// No record says that this one is there.
    Orphan,
    /// No record has such a name.
    UnknownName,
    /// The anchor holds another state than the store.
    OffAnchor,
    /// The anchor that was given is not this store's.
    WrongAnchor,
    /// There is no session that sends to a peer.
    NoSession,
    /// The peer has not answered for too long.
    Unanswered,
    /// The session that sends is under an identity that is not the peer's trusted one.
    OtherIdentity,
    /// A session is under an identity that is not this account's.
    OurIdentity,
    /// Members of a group do not have our key.
    InvitationsPending,
    /// The last-resort key has served as many sessions as it may.
    LastResortSpent,
    /// The post-quantum ratchet has not turned for long.
    PqRests,
    /// The signed prekey was not replaced for long.
    SignedPreKeyOld,
    /// The last-resort key was not replaced for long.
    LastResortOld,
    /// Messages wait in the inbox for long.
    InboxWaits,
}

impl Fault {
    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::NoAccount
            | Self::StoreRecord
            | Self::WrongKey
            | Self::Unreadable
            | Self::DoesNotOpen
            | Self::Malformed
            | Self::Missing
            | Self::Mismatch
            | Self::Members
            | Self::Orphan
            | Self::UnknownName => Severity::Damage,
            Self::OffAnchor
            | Self::WrongAnchor
            | Self::NoSession
            | Self::Unanswered
            | Self::OtherIdentity
            | Self::OurIdentity
            | Self::InvitationsPending
            | Self::LastResortSpent => Severity::Stuck,
            Self::PqRests | Self::SignedPreKeyOld | Self::LastResortOld | Self::InboxWaits => {
                Severity::Advice
            }
        }
    }

    /// The word that programs go by.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.said().0
    }

    /// What it means, in one sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.said().1
    }

    /// What to do, in one sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::NoAccount => "create an account, or restore a backup",
            Self::WrongKey => "give the right one: nothing of the store is damaged by a wrong one",
            Self::Malformed => {
                "update, if a newer version of this program wrote it; or else restore a backup"
            }
            Self::StoreRecord
            | Self::Unreadable
            | Self::DoesNotOpen
            | Self::Missing
            | Self::Mismatch
            | Self::Members => {
                "restore a backup; without one, make a new account and connect again"
            }
            Self::Orphan => {
                "ask who else writes to the store: this program leaves no such record behind"
            }
            Self::UnknownName => {
                "update, if a newer version of this program wrote it; or else ask who did"
            }
            Self::OffAnchor => {
                "use the newest copy; if this is the one that goes on, heal it, and connect again"
            }
            Self::WrongAnchor => "give this store's own; if it is lost, heal with an empty one",
            Self::NoSession | Self::Unanswered | Self::OurIdentity => "connect with a fresh bundle",
            Self::OtherIdentity => {
                "compare safety numbers, then accept_identity; or connect with a fresh bundle"
            }
            Self::InvitationsPending => {
                "send them the group's invitations; connect first to those without a session"
            }
            Self::LastResortSpent | Self::SignedPreKeyOld | Self::LastResortOld => {
                "call refresh_prekeys, and give the server what it returns"
            }
            Self::PqRests => "have both sides write; or connect with a fresh bundle",
            Self::InboxWaits => "handle them: they lie there opened",
        }
    }

    /// The code and what it means.
    const fn said(self) -> (&'static str, &'static str) {
        match self {
            Self::NoAccount => ("no-account", "the store holds no account"),
            Self::StoreRecord => (
                "store-record",
                "the record that names the store is missing or damaged, and nothing opens without it",
            ),
            Self::WrongKey => ("wrong-key", "the key or passphrase is not the one of this store"),
            Self::Unreadable => ("unreadable", "the store cannot give the record"),
            Self::DoesNotOpen => ("does-not-open", "the record was damaged, exchanged or set back"),
            Self::Malformed => {
                ("malformed", "the content of the record is of no format that is known here")
            }
            Self::Missing => ("missing", "the record was taken away"),
            Self::Mismatch => ("mismatch", "the records do not belong together"),
            Self::Members => {
                ("members", "the peers and groups are not those that the root record vouches for")
            }
            Self::Orphan => {
                ("orphan", "no other record says that this one is there; it is not used")
            }
            Self::UnknownName => ("unknown-name", "no record has such a name; it is not used"),
            Self::OffAnchor => (
                "off-anchor",
                "the store was put back or runs twice, its anchor says: it cannot send",
            ),
            Self::WrongAnchor => ("wrong-anchor", "the anchor that was given is not this store's"),
            Self::NoSession => ("no-session", "no session sends to the peer"),
            Self::Unanswered => {
                ("unanswered", "the peer has not answered the session for more than 30 days")
            }
            Self::OtherIdentity => {
                ("other-identity", "the session that sends is not under the trusted identity")
            }
            Self::OurIdentity => {
                ("our-identity", "the session is under an identity that is not this account's")
            }
            Self::InvitationsPending => (
                "invitations-pending",
                "members of the group do not have our key, so that nothing can be sent to it",
            ),
            Self::LastResortSpent => (
                "last-resort-spent",
                "the last-resort key has started all the sessions that it may",
            ),
            Self::PqRests => (
                "pq-rests",
                "the post-quantum ratchet has not turned for more than a thousand messages",
            ),
            Self::SignedPreKeyOld => {
                ("signed-prekey-old", "the signed prekey has been offered for more than 30 days")
            }
            Self::LastResortOld => {
                ("last-resort-old", "the last-resort key has been offered for more than 30 days")
            }
            Self::InboxWaits => ("inbox-waits", "messages wait in the inbox for more than a week"),
        }
    }
}
