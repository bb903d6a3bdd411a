# SPDX-License-Identifier: MIT OR Apache-2.0
"""End-to-end encryption for messengers: accounts, sessions and stores, post-quantum from the start.

>>> import e2ee
>>> alice = e2ee.Account.create(e2ee.MemoryStore(), "alice")
>>> bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
>>> alice.connect("bob", bob.bundle())
>>> envelope = alice.encrypt("bob", b"Meet me at noon.")
>>> with bob.receive("alice", envelope) as message:
...     print(message.sender.user, message.plaintext.decode())
alice Meet me at noon.
"""

from e2ee._core import __version__
from e2ee._heal import Healed
from e2ee.account import Account
from e2ee.attachments import (
    AttachmentPointer,
    decrypt_attachment,
    encrypt_attachment,
    open_attachment,
    stream_attachment,
)
from e2ee.errors import (
    AuthenticationError,
    BadSignatureError,
    DecryptionError,
    DuplicateMessageError,
    E2EEError,
    InvalidArgumentError,
    InvalidCertificateError,
    InvalidKeyError,
    InvitationsPendingError,
    MalformedMessageError,
    MessageTooFarAheadError,
    NoGroupError,
    NoSenderKeyError,
    NoSessionError,
    RandomnessError,
    RepairLimitError,
    SafetyNumberMismatchError,
    SafetyNumberVersionError,
    SelfSendError,
    SessionExhaustedError,
    StaleSessionError,
    StoreAnchorError,
    StoreBackupError,
    StoreBusyError,
    StoreConflictError,
    StoreCorruptionError,
    StoreError,
    StoreExistsError,
    StoreFormatError,
    StoreKeyError,
    StoreMissingError,
    StoreOutcomeUnknownError,
    StoreRollbackError,
    StoreUnavailableError,
    TransactionOpenError,
    UnknownPreKeyError,
    UnsupportedVersionError,
    UntrustedIdentityError,
)
from e2ee.group import Group
from e2ee.importing import ImportReport, ImportRow, LibsignalRecords
from e2ee.prekeys import OneTimePreKey, PreKeyUpload, SignedPreKey
from e2ee.store import MemoryStore, PostgresStore, SQLiteStore
from e2ee.values import Address, Contact, Envelope, Message, Outgoing, PreKeyBundle, SafetyNumber

__all__ = [
    "Account",
    "Address",
    "AttachmentPointer",
    "AuthenticationError",
    "BadSignatureError",
    "Contact",
    "DecryptionError",
    "DuplicateMessageError",
    "E2EEError",
    "Envelope",
    "Group",
    "Healed",
    "ImportReport",
    "ImportRow",
    "InvalidArgumentError",
    "InvalidCertificateError",
    "InvalidKeyError",
    "InvitationsPendingError",
    "LibsignalRecords",
    "MalformedMessageError",
    "MemoryStore",
    "Message",
    "MessageTooFarAheadError",
    "NoGroupError",
    "NoSenderKeyError",
    "NoSessionError",
    "OneTimePreKey",
    "Outgoing",
    "PostgresStore",
    "PreKeyBundle",
    "PreKeyUpload",
    "RandomnessError",
    "RepairLimitError",
    "SQLiteStore",
    "SafetyNumber",
    "SafetyNumberMismatchError",
    "SafetyNumberVersionError",
    "SelfSendError",
    "SessionExhaustedError",
    "SignedPreKey",
    "StaleSessionError",
    "StoreAnchorError",
    "StoreBackupError",
    "StoreBusyError",
    "StoreConflictError",
    "StoreCorruptionError",
    "StoreError",
    "StoreExistsError",
    "StoreFormatError",
    "StoreKeyError",
    "StoreMissingError",
    "StoreOutcomeUnknownError",
    "StoreRollbackError",
    "StoreUnavailableError",
    "TransactionOpenError",
    "UnknownPreKeyError",
    "UnsupportedVersionError",
    "UntrustedIdentityError",
    "__version__",
    "decrypt_attachment",
    "encrypt_attachment",
    "open_attachment",
    "stream_attachment",
]
