# SPDX-License-Identifier: MIT OR Apache-2.0
"""The errors: one class for each thing that a caller can do, all under `E2EEError`.

What goes back to the sender of a message must not depend on which of them was raised.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` itself takes as long as all that is loaded at once
if TYPE_CHECKING:
    from e2ee.values import Address


class E2EEError(Exception):
    """Something was refused, and nothing has changed: see the subclass for what to do.

    `place` says which message of a batch was refused, from 0; otherwise it is `None`.
    """

    place: int | None = None


class InvalidArgumentError(E2EEError, ValueError):
    """A name, a number or a size is out of its range: correct the call."""


class MalformedMessageError(E2EEError):
    """The bytes are not of this protocol: drop them."""


class UnsupportedVersionError(MalformedMessageError):
    """The bytes are of another version of the protocol: ask the sender or yourself to update."""


class InvalidKeyError(E2EEError):
    """A key cannot be used: drop what brought it, and fetch a bundle again if it was one."""


class BadSignatureError(InvalidKeyError):
    """A bundle's signature does not verify: fetch the bundle again."""


class UntrustedIdentityError(E2EEError):
    """The peer's identity key changed: compare safety numbers, then call verify or accept_identity.

    `peer` is the address, `identity_key` the key that was offered, or `None` if none was.
    """

    peer: Address
    identity_key: bytes | None

    def __init__(self, peer: Address, identity_key: bytes | None) -> None:
        super().__init__("the peer's identity key is not the trusted one")
        self.peer = peer
        self.identity_key = identity_key

    def __reduce__(self) -> tuple[object, ...]:
        """How the error is made again in another process."""
        return type(self), (self.peer, self.identity_key)


class InvalidCertificateError(E2EEError):
    """A sender's certificate is not valid: fetch a new one to send, drop what came with it."""


class DecryptionError(E2EEError):
    """The message does not open: drop it, and see the subclass."""


class AuthenticationError(DecryptionError):
    """The message was not made by this peer for us, or was altered: drop it."""


class DuplicateMessageError(DecryptionError):
    """The message was opened before: drop it.

    `delivered` is true if exactly this message was handled, so that its receipt may be repeated.
    """

    delivered: bool

    def __init__(self, message: str, *, delivered: bool = False) -> None:
        super().__init__(message)
        self.delivered = delivered


class SelfSendError(DecryptionError):
    """A sealed message was sent by this device itself: drop it."""


class MessageTooFarAheadError(DecryptionError):
    """More messages are missing before this one than any honest loss explains: drop it."""


class UnknownMessageIndexError(DecryptionError):
    """The message is older than what was shared with us: ask for a key from further back."""


class NoSessionError(E2EEError):
    """There is no usable session with this peer: connect with a fresh bundle."""


class UnknownPreKeyError(E2EEError):
    """A first message names a prekey that is not held: ask the sender to fetch a new bundle."""


class NoGroupError(E2EEError):
    """No group of this id is known here: create it, or wait for an invitation."""


class NoSenderKeyError(E2EEError):
    """The sender gave us no key for this group message: ask the sender for an invitation."""


class InvitationsPendingError(E2EEError):
    """A member does not have our key yet: send `invitations` first; `pending` says to whom.

    A member without a session gets none: connect to it before.
    """


class SessionExhaustedError(E2EEError):
    """A counter of the session is used up: connect again."""


class RandomnessError(E2EEError):
    """The system's random source failed, and nothing was encrypted: do not go on."""


class RepairLimitError(E2EEError):
    """The peer asked too often to send messages again: ignore it, nothing has changed."""


class SafetyNumberMismatchError(E2EEError):
    """The safety numbers differ: check the digits, and else trust no message of this session."""


class SafetyNumberVersionError(E2EEError):
    """What was scanned is a safety number of another version: compare the digits, or update both.

    It says nothing about who is between you: nothing has changed.
    """


class StoreError(E2EEError):
    """A store refused or was refused, and nothing has left it: see the subclass."""


class StoreKeyError(StoreError):
    """The key or passphrase is not the one that the store was made with: ask for it again."""


class StoreConflictError(StoreError):
    """Another process changed the same record meanwhile: repeat the call."""


class StoreCorruptionError(StoreError):
    """A record is damaged, missing or not the one that was stored: make a new account.

    A backup would set the store back, which reuses message keys.
    """


class StoreRollbackError(StoreError):
    """The store was set back, or runs twice: open it again; if it still does not send, call `heal`.

    It is older than what this process or its anchor has seen. `timelines` is `None`, or says that
    the database has failed over: the timeline of the server that the anchor knows, and that of the
    present server. If the second is less, that server was taken over from: connect to the other.
    """

    timelines: tuple[int, int] | None = None


class StoreAnchorError(StoreError):
    """The store's own anchor was not given: open the store with it."""


class StoreExistsError(StoreError):
    """There is an account, or a file, already: open it, or choose another place."""


class StoreMissingError(StoreError):
    """The store holds no account: create one."""


class StoreFormatError(StoreError):
    """The file or schema is another program's, or newer: choose another one, or update."""


class StoreBackupError(StoreFormatError):
    """The file is a backup: use restore, which puts it into an empty place.

    Opened as a store, it would use message keys again.
    """


class StoreBusyError(StoreError):
    """Another process holds the store: try again."""


class StoreUnavailableError(StoreError):
    """The disk or the server is full, read-only, away or not safe: repair that, then repeat."""


class StoreOutcomeUnknownError(StoreUnavailableError):
    """It is not known whether a commit counts: nothing has left; repeat the call.

    The connection broke meanwhile, or the anchor did not take it.

    No key is used twice, whatever the server did. If it has committed, `receive` shows the message
    when it is repeated; `decrypt` says that it is a duplicate, and the message is lost.
    """


class TransactionOpenError(E2EEError):
    """A transaction or a receive block is open in this thread: repeat the call after it."""


class StaleSessionError(E2EEError):
    """What was used is out of date: open the store and the account again."""


class IgnoredMessageError(E2EEError):
    """A message is under no key of its secret chat, or came before: drop it, the chat goes on."""


class FatalChatError(E2EEError):
    """The other end of a secret chat, or somebody between, broke the protocol: close the chat.

    Tell the server by `messages.discardEncryption`, and begin another chat.
    """
