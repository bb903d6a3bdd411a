# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an application says in a secret chat, without a TL of its own (mtproto_secret_chats.md §3).

A message is named by 64 bits that its sender drew: `random_id` in TL, `message_id` here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from e2ee import _core
from e2ee.errors import InvalidArgumentError


def new_message_id() -> int:
    """A name for a new message: a signed number of 64 random bits (mtproto_secret_chats.md §3)."""
    return int.from_bytes(secrets.token_bytes(8), "little", signed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A message that is a text (`decryptedMessage`, mtproto_secret_chats.md §3).

    Its `repr` does not show the text.

    - `text`: what it says;
    - `message_id`: what its sender calls it (`random_id` in TL); a fresh one if none is given;
    - `ttl`: after so many seconds since it was read it destroys itself; 0: never;
    - `reply_to`: the `message_id` of the message that it answers;
    - `silent`: whether it comes without a sound;
    - `unread`: the encoded fields behind the text of a message that is more than this: it has media
      or entities for instance. What it answers is in there. Such a message can not be encoded.
    """

    text: str = field(repr=False)
    message_id: int = field(default_factory=new_message_id)
    ttl: int = 0
    reply_to: int | None = None
    silent: bool = False
    unread: bytes = field(default=b"", repr=False)

    def to_bytes(self) -> bytes:
        """The message, as of layer 73 (mtproto_secret_chats.md §3).

        Raises:
            InvalidArgumentError: A number is out of its range, the text is no Unicode or has 16 MiB
                and more, or there are unread fields.
        """
        if self.unread:
            raise InvalidArgumentError("a message with unread fields can not be encoded")
        row = (self.ttl, self.text, self.reply_to, self.silent)
        try:
            return _core.mtproto_write_text(self.message_id, row)
        except (OverflowError, UnicodeEncodeError):
            raise InvalidArgumentError("a field of a text is out of its range") from None


@dataclass(frozen=True, slots=True)
class SetMessageTtl:
    """Messages from now on destroy themselves after they were read (mtproto_secret_chats.md §3).

    - `seconds`: after how long; 0: never.
    """

    seconds: int


@dataclass(frozen=True, slots=True)
class ReadMessages:
    """Messages were read (mtproto_secret_chats.md §3).

    - `message_ids`: which ones.
    """

    message_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DeleteMessages:
    """Messages are to be deleted (mtproto_secret_chats.md §3).

    - `message_ids`: which ones.
    """

    message_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ScreenshotMessages:
    """A picture of the screen shows messages (mtproto_secret_chats.md §3).

    - `message_ids`: which ones.
    """

    message_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FlushHistory:
    """All messages are to be deleted (mtproto_secret_chats.md §3)."""


@dataclass(frozen=True, slots=True)
class Typing:
    """What the sender does just now (mtproto_secret_chats.md §3).

    - `doing`: an encoded `SendMessageAction`; by itself it is that of a person who types.
    """

    doing: bytes = bytes.fromhex("4e74bf16")


@dataclass(frozen=True, slots=True)
class OtherAction:
    """An action that is none of the others (mtproto_secret_chats.md §3).

    - `encoded`: all of it.
    """

    encoded: bytes


#: What a service message can say.
Action: TypeAlias = (
    SetMessageTtl
    | ReadMessages
    | DeleteMessages
    | ScreenshotMessages
    | FlushHistory
    | Typing
    | OtherAction
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A message about messages (`decryptedMessageService`, mtproto_secret_chats.md §3).

    - `action`: what it says;
    - `message_id`: what its sender calls it (`random_id` in TL); a fresh one if none is given.
    """

    action: Action
    message_id: int = field(default_factory=new_message_id)

    def to_bytes(self) -> bytes:
        """The message, as of layer 17 and later (mtproto_secret_chats.md §3).

        Raises:
            InvalidArgumentError: A number is out of its range, or encoded bytes can not be an
                action.
        """
        try:
            return _core.mtproto_write_service(self.message_id, _row(self.action))
        except OverflowError:
            raise InvalidArgumentError("a number of an action is out of its range") from None


@dataclass(frozen=True, slots=True)
class OtherMessage:
    """A message of another constructor (mtproto_secret_chats.md §3); its `repr` does not show it.

    - `encoded`: all of it;
    - `message_id`: what its sender calls it, or `None` if the constructor is unknown.
    """

    encoded: bytes = field(repr=False)
    message_id: int | None = None


def decode(message: bytes) -> Text | Service | OtherMessage:
    """What a message says that was opened (mtproto_secret_chats.md §3).

    Args:
        message: An encoded `DecryptedMessage`.

    Raises:
        MalformedMessageError: It ends early, or has bytes behind its end.
    """
    message_id, text, action = _core.mtproto_read_message(message)
    if message_id is not None and text is not None:
        (ttl, content, reply_to, silent), unread = text
        return Text(
            text=content,
            message_id=message_id,
            ttl=ttl,
            reply_to=reply_to,
            silent=silent,
            unread=unread,
        )
    if message_id is not None and action is not None:
        return Service(action=_action(*action), message_id=message_id)
    return OtherMessage(message, message_id)


#: In one word, as the core has them.
_LISTS: Final[dict[str, type[ReadMessages | DeleteMessages | ScreenshotMessages]]] = {
    "read": ReadMessages,
    "delete": DeleteMessages,
    "screenshot": ScreenshotMessages,
}
_WORDS: Final = {kind: word for word, kind in _LISTS.items()}


def _row(action: Action) -> tuple[str, list[int], bytes]:
    match action:
        case SetMessageTtl(seconds):
            return "ttl", [seconds], b""
        case ReadMessages(ids) | DeleteMessages(ids) | ScreenshotMessages(ids):
            return _WORDS[type(action)], list(ids), b""
        case FlushHistory():
            return "flush", [], b""
        case Typing(doing):
            return "typing", [], doing
        case OtherAction(encoded):
            return "other", [], encoded


def _action(word: str, numbers: list[int], encoded: bytes) -> Action:
    match word:
        case "ttl":
            return SetMessageTtl(*numbers)
        case "flush":
            return FlushHistory()
        case "typing":
            return Typing(encoded)
        case "other":
            return OtherAction(encoded)
        case _:
            return _LISTS[word](tuple(numbers))
