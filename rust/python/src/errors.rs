// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the core's errors to the classes of `e2ee.errors`: one class for each thing that a caller
//! can do (docs/storage.md, "Errors").
//!
//! The classes are looked up when one is raised, not before.

use e2ee_signal::keys::EC_KEY_LEN;
use e2ee_state::{Failure, StoreError};
use e2ee_wire::Error;
use pyo3::{prelude::*, types::PyBytes};

use crate::convert::Peer;

/// Why a call ended without a result.
pub enum Refusal {
    /// The core refused.
    Core(Failure),
    /// Python code, of a store for instance, raised: the exception goes on as it is.
    Raised(PyErr),
}

impl Refusal {
    /// The exception for a call that concerned no peer.
    pub fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Core(Failure::Protocol(error)) => protocol(py, error),
            Self::Core(Failure::Store(error)) => store(py, error),
            Self::Raised(raised) => raised,
        }
    }

    /// The exception for a call about `peer`, who offered an identity key or did not.
    pub fn raise_for<D>(
        self,
        peer: &Peer<'_, D>,
        offered: impl FnOnce() -> Option<Vec<u8>>,
    ) -> PyErr {
        let py = peer.address.py();
        match self {
            Self::Core(Failure::Protocol(Error::UntrustedIdentity)) => {
                let key = offered().map(|key| PyBytes::new(py, &key));
                new(py, "UntrustedIdentityError", (&peer.address, key))
            }
            other => other.raise(py),
        }
    }

    /// The exception for a call that learnt from a certificate whom it concerned, or did not.
    pub fn raise_of(self, py: Python<'_>, sender: Option<Claimed>) -> PyErr {
        match (self, sender) {
            (
                Self::Core(Failure::Protocol(Error::UntrustedIdentity)),
                Some((user, device, key)),
            ) => {
                let values = py.import("e2ee.values");
                let address = values.and_then(|values| values.getattr("Address"));
                match address.and_then(|address| address.call1((user, device))) {
                    Ok(peer) => new(py, "UntrustedIdentityError", (peer, PyBytes::new(py, &key))),
                    Err(raised) => raised,
                }
            }
            (other, _) => other.raise(py),
        }
    }
}

/// Name, device and identity key that a sender is certified to have.
pub type Claimed = (String, u8, [u8; EC_KEY_LEN]);

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Core(failure)
    }
}

impl From<PyErr> for Refusal {
    fn from(raised: PyErr) -> Self {
        Self::Raised(raised)
    }
}

/// The exception of a protocol error.
pub fn protocol(py: Python<'_>, error: Error) -> PyErr {
    let class = match error {
        Error::Malformed => "MalformedMessageError",
        Error::UnsupportedVersion => "UnsupportedVersionError",
        Error::InvalidKey => "InvalidKeyError",
        Error::BadSignature => "BadSignatureError",
        Error::InvalidCertificate => "InvalidCertificateError",
        Error::SelfSend => "SelfSendError",
        Error::UnknownPreKey => "UnknownPreKeyError",
        Error::NotForChat => "IgnoredMessageError",
        Error::NoSession => "NoSessionError",
        Error::NoSenderKey => "NoSenderKeyError",
        Error::NoGroup => "NoGroupError",
        Error::InvitationsPending => "InvitationsPendingError",
        Error::Forged => "AuthenticationError",
        Error::Duplicate => "DuplicateMessageError",
        Error::TooFarAhead => "MessageTooFarAheadError",
        Error::UnknownIndex => "UnknownMessageIndexError",
        Error::Exhausted => "SessionExhaustedError",
        Error::RepairLimit => "RepairLimitError",
        Error::SafetyNumberVersion => "SafetyNumberVersionError",
        Error::Stale => "StaleSessionError",
        Error::CorruptState => "StoreCorruptionError",
        Error::InvalidArgument => "InvalidArgumentError",
        Error::RandomUnavailable => "RandomnessError",
        _ => "E2EEError",
    };
    new(py, class, (error.to_string(),))
}

fn store(py: Python<'_>, error: StoreError) -> PyErr {
    let class = match error {
        StoreError::WrongKey => "StoreKeyError",
        StoreError::KeyChanged => "StaleSessionError",
        StoreError::Conflict => "StoreConflictError",
        StoreError::Corruption => "StoreCorruptionError",
        StoreError::Rollback | StoreError::OffAnchor | StoreError::FailedOver { .. } => {
            "StoreRollbackError"
        }
        StoreError::NoAnchor | StoreError::WrongAnchor => "StoreAnchorError",
        StoreError::OutcomeUnknown => "StoreOutcomeUnknownError",
        StoreError::AlreadyExists => "StoreExistsError",
        StoreError::Missing => "StoreMissingError",
        _ => "StoreError",
    };
    let made = new(py, class, (error.to_string(),));
    if let StoreError::FailedOver { anchor, server } = error
        && let Err(raised) = made.value(py).setattr("timelines", (anchor, server))
    {
        return raised;
    }
    made
}

/// The exception for a message of a secret chat: the chat goes on, or it cannot
/// (mtproto_secret_chats.md §5).
pub fn in_chat(py: Python<'_>, refusal: Refusal) -> PyErr {
    let Refusal::Core(Failure::Protocol(error)) = refusal else { return refusal.raise(py) };
    let class = match error {
        Error::Duplicate | Error::NotForChat => "IgnoredMessageError",
        Error::NoSession | Error::Stale | Error::CorruptState | Error::RandomUnavailable => {
            return protocol(py, error);
        }
        _ => "FatalChatError",
    };
    new(py, class, (error.to_string(),))
}

/// A step that was released already, or an account that a panic left half changed.
pub fn stale(py: Python<'_>) -> PyErr {
    protocol(py, Error::Stale)
}

/// A store that is closed, or another process's.
pub fn stale_store(py: Python<'_>, sentence: &str) -> PyErr {
    new(py, "StaleSessionError", (sentence,))
}

/// A store of secret chats that was opened as one of an account.
pub fn holds_chats(py: Python<'_>) -> PyErr {
    let sentence = "the store holds secret chats: e2ee.mtproto.SecretChats.open opens it";
    new(py, "InvalidArgumentError", (sentence,))
}

/// A store of an account that was opened as one of secret chats.
pub fn holds_account(py: Python<'_>) -> PyErr {
    let sentence = "the store holds an account: e2ee.Account.open opens it";
    new(py, "InvalidArgumentError", (sentence,))
}

/// A second use of a store by the thread that uses it.
pub fn transaction_open(py: Python<'_>) -> PyErr {
    new(py, "TransactionOpenError", ("a transaction is open in this thread",))
}

/// State that a process has from its parent.
pub fn forked(py: Python<'_>) -> PyErr {
    let sentence = "the process was forked: what it opened before belongs to its parent";
    new(py, "StaleSessionError", (sentence,))
}

/// A file that is not what it was when the work on it began.
pub fn changed(py: Python<'_>) -> PyErr {
    new(py, "InvalidArgumentError", ("the source changed while it was read",))
}

fn new<'py>(py: Python<'py>, class: &str, arguments: impl pyo3::call::PyCallArgs<'py>) -> PyErr {
    let made = py
        .import("e2ee.errors")
        .and_then(|errors| errors.getattr(class))
        .and_then(|class| class.call1(arguments));
    made.map_or_else(|failed| failed, PyErr::from_value)
}
