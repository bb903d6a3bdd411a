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
from e2ee._later import later
from e2ee.errors import (
    AuthenticationError,
    BadSignatureError,
    DecryptionError,
    DuplicateMessageError,
    E2EEError,
    FatalChatError,
    IgnoredMessageError,
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
    UnknownMessageIndexError,
    UnknownPreKeyError,
    UnsupportedVersionError,
    UntrustedIdentityError,
)

TYPE_CHECKING = False  # `typing` itself takes as long as all that is loaded at once
if TYPE_CHECKING:
    from e2ee._build import Build, build
    from e2ee._heal import Healed
    from e2ee.account import Account
    from e2ee.attachments import (
        AttachmentPointer,
        decrypt_attachment,
        encrypt_attachment,
        open_attachment,
        stream_attachment,
    )
    from e2ee.group import Group
    from e2ee.importing import ImportReport, ImportRow, LibsignalRecords
    from e2ee.prekeys import OneTimePreKey, PreKeyUpload, SignedPreKey
    from e2ee.store import MemoryStore, PostgresStore, SQLiteStore
    from e2ee.values import (
        Address,
        Contact,
        Envelope,
        Message,
        Outgoing,
        PreKeyBundle,
        SafetyNumber,
    )

__all__ = [
    "Account",
    "Address",
    "AttachmentPointer",
    "AuthenticationError",
    "BadSignatureError",
    "Build",
    "Contact",
    "DecryptionError",
    "DuplicateMessageError",
    "E2EEError",
    "Envelope",
    "FatalChatError",
    "Group",
    "Healed",
    "IgnoredMessageError",
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
    "UnknownMessageIndexError",
    "UnknownPreKeyError",
    "UnsupportedVersionError",
    "UntrustedIdentityError",
    "__version__",
    "build",
    "decrypt_attachment",
    "encrypt_attachment",
    "open_attachment",
    "stream_attachment",
]

__getattr__ = later(
    __name__,
    {
        "Account": "e2ee.account",
        "Address": "e2ee.values",
        "AttachmentPointer": "e2ee.attachments",
        "Build": "e2ee._build",
        "Contact": "e2ee.values",
        "Envelope": "e2ee.values",
        "Group": "e2ee.group",
        "Healed": "e2ee._heal",
        "ImportReport": "e2ee.importing",
        "ImportRow": "e2ee.importing",
        "LibsignalRecords": "e2ee.importing",
        "MemoryStore": "e2ee.store",
        "Message": "e2ee.values",
        "OneTimePreKey": "e2ee.prekeys",
        "Outgoing": "e2ee.values",
        "PostgresStore": "e2ee.store",
        "PreKeyBundle": "e2ee.values",
        "PreKeyUpload": "e2ee.prekeys",
        "SQLiteStore": "e2ee.store",
        "SafetyNumber": "e2ee.values",
        "SignedPreKey": "e2ee.prekeys",
        "build": "e2ee._build",
        "decrypt_attachment": "e2ee.attachments",
        "encrypt_attachment": "e2ee.attachments",
        "open_attachment": "e2ee.attachments",
        "stream_attachment": "e2ee.attachments",
    },
)


def __dir__() -> list[str]:
    """All public names, also those whose modules are not loaded yet."""
    return __all__
