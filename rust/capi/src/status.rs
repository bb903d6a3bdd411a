// SPDX-License-Identifier: MIT OR Apache-2.0
//! Status codes: one for each class of `e2ee.errors` in Python, and three of C's own.

use std::ffi::CStr;

use e2ee_state::{Failure, StoreError};
use e2ee_wire::Error;

/// How a call ended; the header gives each its number and says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    Ok = 0,
    Error = 1,
    InvalidArgument = 2,
    MalformedMessage = 3,
    UnsupportedVersion = 4,
    InvalidKey = 5,
    BadSignature = 6,
    UntrustedIdentity = 7,
    InvalidCertificate = 8,
    Decryption = 9,
    Authentication = 10,
    DuplicateMessage = 11,
    SelfSend = 12,
    MessageTooFarAhead = 13,
    UnknownMessageIndex = 14,
    NoSession = 15,
    UnknownPreKey = 16,
    NoGroup = 17,
    NoSenderKey = 18,
    InvitationsPending = 19,
    SessionExhausted = 20,
    Randomness = 21,
    RepairLimit = 22,
    SafetyNumberMismatch = 23,
    SafetyNumberVersion = 24,
    Store = 25,
    StoreKey = 26,
    StoreConflict = 27,
    StoreCorruption = 28,
    StoreRollback = 29,
    StoreAnchor = 30,
    StoreExists = 31,
    StoreMissing = 32,
    StoreFormat = 33,
    StoreBackup = 34,
    StoreBusy = 35,
    StoreUnavailable = 36,
    StoreOutcomeUnknown = 37,
    TransactionOpen = 38,
    StaleSession = 39,
    IgnoredMessage = 40,
    FatalChat = 41,
    BufferTooSmall = 1_000,
    Poisoned = 1_001,
}

impl Status {
    /// All, in the order of their numbers.
    pub const ALL: [(Self, &'static CStr); 44] = [
        (Self::Ok, c"OK"),
        (Self::Error, c"E2EEError"),
        (Self::InvalidArgument, c"InvalidArgumentError"),
        (Self::MalformedMessage, c"MalformedMessageError"),
        (Self::UnsupportedVersion, c"UnsupportedVersionError"),
        (Self::InvalidKey, c"InvalidKeyError"),
        (Self::BadSignature, c"BadSignatureError"),
        (Self::UntrustedIdentity, c"UntrustedIdentityError"),
        (Self::InvalidCertificate, c"InvalidCertificateError"),
        (Self::Decryption, c"DecryptionError"),
        (Self::Authentication, c"AuthenticationError"),
        (Self::DuplicateMessage, c"DuplicateMessageError"),
        (Self::SelfSend, c"SelfSendError"),
        (Self::MessageTooFarAhead, c"MessageTooFarAheadError"),
        (Self::UnknownMessageIndex, c"UnknownMessageIndexError"),
        (Self::NoSession, c"NoSessionError"),
        (Self::UnknownPreKey, c"UnknownPreKeyError"),
        (Self::NoGroup, c"NoGroupError"),
        (Self::NoSenderKey, c"NoSenderKeyError"),
        (Self::InvitationsPending, c"InvitationsPendingError"),
        (Self::SessionExhausted, c"SessionExhaustedError"),
        (Self::Randomness, c"RandomnessError"),
        (Self::RepairLimit, c"RepairLimitError"),
        (Self::SafetyNumberMismatch, c"SafetyNumberMismatchError"),
        (Self::SafetyNumberVersion, c"SafetyNumberVersionError"),
        (Self::Store, c"StoreError"),
        (Self::StoreKey, c"StoreKeyError"),
        (Self::StoreConflict, c"StoreConflictError"),
        (Self::StoreCorruption, c"StoreCorruptionError"),
        (Self::StoreRollback, c"StoreRollbackError"),
        (Self::StoreAnchor, c"StoreAnchorError"),
        (Self::StoreExists, c"StoreExistsError"),
        (Self::StoreMissing, c"StoreMissingError"),
        (Self::StoreFormat, c"StoreFormatError"),
        (Self::StoreBackup, c"StoreBackupError"),
        (Self::StoreBusy, c"StoreBusyError"),
        (Self::StoreUnavailable, c"StoreUnavailableError"),
        (Self::StoreOutcomeUnknown, c"StoreOutcomeUnknownError"),
        (Self::TransactionOpen, c"TransactionOpenError"),
        (Self::StaleSession, c"StaleSessionError"),
        (Self::IgnoredMessage, c"IgnoredMessageError"),
        (Self::FatalChat, c"FatalChatError"),
        (Self::BufferTooSmall, c"BUFFER_TOO_SMALL"),
        (Self::Poisoned, c"POISONED"),
    ];

    /// The number, as C has it.
    #[expect(clippy::as_conversions, reason = "only a cast reads a discriminant")]
    pub const fn number(self) -> i32 {
        self as i32
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Malformed => Self::MalformedMessage,
            Error::UnsupportedVersion => Self::UnsupportedVersion,
            Error::InvalidKey => Self::InvalidKey,
            Error::BadSignature => Self::BadSignature,
            Error::InvalidCertificate => Self::InvalidCertificate,
            Error::SelfSend => Self::SelfSend,
            Error::UntrustedIdentity => Self::UntrustedIdentity,
            Error::UnknownPreKey => Self::UnknownPreKey,
            Error::NotForChat => Self::IgnoredMessage,
            Error::NoSession => Self::NoSession,
            Error::NoSenderKey => Self::NoSenderKey,
            Error::NoGroup => Self::NoGroup,
            Error::InvitationsPending => Self::InvitationsPending,
            Error::Forged => Self::Authentication,
            Error::Duplicate => Self::DuplicateMessage,
            Error::TooFarAhead => Self::MessageTooFarAhead,
            Error::UnknownIndex => Self::UnknownMessageIndex,
            Error::Exhausted => Self::SessionExhausted,
            Error::RepairLimit => Self::RepairLimit,
            Error::SafetyNumberVersion => Self::SafetyNumberVersion,
            Error::Stale => Self::StaleSession,
            Error::CorruptState => Self::StoreCorruption,
            Error::InvalidArgument => Self::InvalidArgument,
            Error::RandomUnavailable => Self::Randomness,
            _ => Self::Error,
        }
    }
}

impl From<StoreError> for Status {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::WrongKey => Self::StoreKey,
            StoreError::KeyChanged => Self::StaleSession,
            StoreError::Conflict => Self::StoreConflict,
            StoreError::Corruption => Self::StoreCorruption,
            StoreError::Rollback | StoreError::OffAnchor | StoreError::FailedOver { .. } => {
                Self::StoreRollback
            }
            StoreError::NoAnchor | StoreError::WrongAnchor => Self::StoreAnchor,
            StoreError::OutcomeUnknown => Self::StoreOutcomeUnknown,
            StoreError::AlreadyExists => Self::StoreExists,
            StoreError::Missing => Self::StoreMissing,
            _ => Self::Store,
        }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Protocol(error) => error.into(),
            Failure::Store(error) => error.into(),
        }
    }
}
