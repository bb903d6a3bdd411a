// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one error type of the protocols: one variant per thing that a caller can do about it.

/// Why a protocol operation was refused; nothing has changed when one is returned.
///
/// The kinds are for the local program. What goes back to a sender must not depend on them
/// (signal.md §12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a message of this protocol: drop them.
    Malformed,
    /// The message speaks a protocol version that is not supported: ask the sender to update.
    UnsupportedVersion,
    /// A key cannot be used: it is of another type or length, or an agreement with it is zero.
    InvalidKey,
    /// A bundle's signature does not verify: fetch the bundle again.
    BadSignature,
    /// A sender's certificate is expired, revoked, or from no trusted server: fetch a new one if
    /// it is ours, drop the message if it came with one.
    InvalidCertificate,
    /// A sealed message comes from this very device: drop it.
    SelfSend,
    /// The peer's identity key is not the trusted one: compare safety numbers.
    UntrustedIdentity,
    /// A first message names a prekey that we do not hold: the sender needs a new bundle.
    UnknownPreKey,
    /// A message is under no key of its chat, or for somebody else: drop it.
    NotForChat,
    /// There is no usable session with the peer: connect with a fresh bundle.
    NoSession,
    /// A group message is under a chain that was not given to us: ask the sender for an invitation.
    NoSenderKey,
    /// No group of this id is known: create it, or wait for an invitation.
    NoGroup,
    /// A member of the group does not have our chain: send invitations first.
    InvitationsPending,
    /// The message was not made by the peer for us, or was altered (signal.md §12: all alike).
    Forged,
    /// A message with this key was already opened.
    Duplicate,
    /// The message claims to be further ahead than any honest loss explains.
    TooFarAhead,
    /// The message lies before the first one that was shared with us: ask for an earlier key.
    UnknownIndex,
    /// A counter of the session is used up: connect again.
    Exhausted,
    /// A scanned safety number is of another version than ours: it says nothing.
    SafetyNumberVersion,
    /// A peer has asked too often to send something again: ignore it for a while.
    RepairLimit,
    /// An open step must be released or abandoned first, or the session must be loaded again.
    Stale,
    /// A stored state does not decode: it was not written by this program, or it is damaged.
    CorruptState,
    /// A part of a stored state that was not read is needed: read it, and do the same again.
    PartMissing,
    /// A device number, a name or a size is out of the range that its type allows.
    InvalidArgument,
    /// The system's random source failed: nothing was encrypted.
    RandomUnavailable,
}

impl core::fmt::Display for Error {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::Malformed => "the bytes are not a message of this protocol",
            Self::UnsupportedVersion => "the message's protocol version is not supported",
            Self::InvalidKey => "a key cannot be used",
            Self::BadSignature => "a signature does not verify",
            Self::InvalidCertificate => "the sender's certificate is not valid",
            Self::SelfSend => "the message comes from this device itself",
            Self::UntrustedIdentity => "the peer's identity key is not the trusted one",
            Self::UnknownPreKey => "the message names a prekey that is not held here",
            Self::NotForChat => "the message is under no key of this chat",
            Self::NoSession => "there is no usable session with this peer",
            Self::NoSenderKey => "the chain of this group message is not held here",
            Self::NoGroup => "no group of this id is known here",
            Self::InvitationsPending => "a member of the group has no invitation yet",
            Self::Forged => "the message does not authenticate",
            Self::Duplicate => "a message with this key was already opened",
            Self::TooFarAhead => "the message is too far ahead of its session",
            Self::UnknownIndex => "the message lies before the first one that was shared",
            Self::Exhausted => "a counter of the session is used up",
            Self::SafetyNumberVersion => "the safety number is of another version",
            Self::RepairLimit => "too many requests to send again",
            Self::Stale => "the session must be loaded again",
            Self::CorruptState => "the stored state is damaged",
            Self::PartMissing => "a part of the stored state was not read",
            Self::InvalidArgument => "an argument is out of range",
            Self::RandomUnavailable => "the system's random source failed",
        })
    }
}

impl core::error::Error for Error {}
