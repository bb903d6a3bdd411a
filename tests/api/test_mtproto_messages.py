# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an application says in a secret chat (mtproto_secret_chats.md §3)."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2ee import InvalidArgumentError, MalformedMessageError, mtproto

if TYPE_CHECKING:
    from e2ee._mtproto_messages import Action

VECTORS = Path(__file__).parent.parent / "vectors" / "mtproto" / "secret_chat.json"
RECORDED: Any = json.loads(VECTORS.read_text(encoding="utf-8"))["messages"]
LARGEST = (1 << 63) - 1
TEXTS = [
    mtproto.Text(text=""),
    mtproto.Text(text="Grüße 👋", message_id=-1, ttl=60, reply_to=-LARGEST - 1, silent=True),
    mtproto.Text(text="x" * 70_000, reply_to=0),
]
ACTIONS: list[Action] = [
    mtproto.SetMessageTtl(60),
    mtproto.ReadMessages((1, -1)),
    mtproto.DeleteMessages(()),
    mtproto.ScreenshotMessages((LARGEST,)),
    mtproto.FlushHistory(),
    mtproto.Typing(),
    mtproto.Typing(bytes.fromhex("fd5ec8f5")[::-1]),
    mtproto.OtherAction(bytes.fromhex("a82fdd63")[::-1]),
    mtproto.OtherAction(b"12345678"),
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda each: str(len(each.text)))
def test_a_text_is_read_back(text: mtproto.Text) -> None:
    assert mtproto.decode(text.to_bytes()) == text


@pytest.mark.parametrize("action", ACTIONS, ids=repr)
def test_a_service_message_is_read_back(action: Action) -> None:
    message = mtproto.Service(action=action, message_id=7)

    assert mtproto.decode(message.to_bytes()) == message


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda each: each["label"])
def test_a_recorded_message_is_written_as_it_was(recorded: dict[str, str]) -> None:
    message = bytes.fromhex(recorded["tl_message"])

    decoded = mtproto.decode(message)

    assert not isinstance(decoded, mtproto.OtherMessage)
    assert decoded.to_bytes() == message


def test_every_new_message_has_another_id() -> None:
    drawn = {mtproto.Text(text="").message_id for _ in range(20)}
    drawn |= {mtproto.Service(action=mtproto.Typing()).message_id for _ in range(20)}

    assert len(drawn) == 40
    assert all(-LARGEST - 1 <= each <= LARGEST for each in drawn)
    assert any(each < 0 for each in drawn)


def test_what_is_more_than_a_text_is_shown_unread() -> None:
    media = bytes.fromhex("c44a9f08") + struct.pack("<q", 9)
    flags = 1 << 9 | 1 << 5 | 1 << 3
    head = bytes.fromhex("7446cc91") + struct.pack("<IqI", flags, 7, 60)

    decoded = mtproto.decode(head + b"\x02hi\0" + media)

    assert decoded == mtproto.Text(text="hi", message_id=7, ttl=60, silent=True, unread=media)
    with pytest.raises(InvalidArgumentError):
        decoded.to_bytes()


@pytest.mark.parametrize("layer", ["78384d20", "1f4f811f"])
def test_a_message_of_an_old_layer_keeps_its_bytes(layer: str) -> None:
    message = bytes.fromhex(layer) + struct.pack("<q", -7) + bytes(12)

    assert mtproto.decode(message) == mtproto.OtherMessage(message, -7)


def test_an_unknown_message_keeps_its_bytes() -> None:
    assert mtproto.decode(b"12345678") == mtproto.OtherMessage(b"12345678", None)


@pytest.mark.parametrize(
    "message",
    [text.to_bytes() for text in TEXTS[:2]]
    + [mtproto.Service(action=action).to_bytes() for action in ACTIONS[:5]],
    ids=lambda each: each.hex()[:8],
)
def test_a_message_that_was_cut_or_extended_is_refused(message: bytes) -> None:
    for end in range(len(message)):
        with pytest.raises(MalformedMessageError):
            mtproto.decode(message[:end])
    with pytest.raises(MalformedMessageError):
        mtproto.decode(message + bytes(4))


@pytest.mark.parametrize(
    "message",
    [
        mtproto.Text(text="", message_id=LARGEST + 1),
        mtproto.Text(text="", ttl=1 << 31),
        mtproto.Text(text="", reply_to=-LARGEST - 2),
        mtproto.Text(text="\ud800"),
        mtproto.Text(text="x" * (1 << 24)),
        mtproto.Service(action=mtproto.FlushHistory(), message_id=LARGEST + 1),
        mtproto.Service(action=mtproto.SetMessageTtl(1 << 31)),
        mtproto.Service(action=mtproto.SetMessageTtl(1 << 63)),
        mtproto.Service(action=mtproto.ReadMessages((LARGEST + 1,))),
        mtproto.Service(action=mtproto.Typing(b"")),
        mtproto.Service(action=mtproto.Typing(b"12345")),
        mtproto.Service(action=mtproto.OtherAction(b"123")),
    ],
    ids=[
        "text-id",
        "ttl",
        "reply-to",
        "surrogate",
        "long-text",
        "service-id",
        "32-bits",
        "64-bits",
        "read-id",
        "empty-typing",
        "ragged-typing",
        "ragged-action",
    ],
)
def test_what_can_not_be_said_is_refused(message: mtproto.Text | mtproto.Service) -> None:
    with pytest.raises(InvalidArgumentError):
        message.to_bytes()


def test_a_repr_shows_no_text() -> None:
    message = mtproto.Text(text="Meet me at noon.", message_id=7)

    assert "noon" not in repr(message)
    assert "noon" not in repr(mtproto.OtherMessage(b"noon"))
