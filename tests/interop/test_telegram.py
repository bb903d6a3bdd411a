# SPDX-License-Identifier: MIT OR Apache-2.0
"""The program that talks with Telethon's plugin, as far as it can be tested without it."""

from __future__ import annotations

from typing import NoReturn

import pytest

from tests.api.secret_chat_pair import begin
from tests.interop import telegram_talk
from tests.interop.matrix_tests import AbsentError
from tests.interop.telegram import defects, objects


def absent(*, optional: bool) -> NoReturn:
    raise AbsentError("it cannot be installed" if optional else "it cannot be had")


def test_a_document_reads_back() -> None:
    document = objects.Document(1_000, bytes(range(32)), bytes(range(32, 64)))

    assert document == objects.Document.read(document.message(-5))


@pytest.mark.parametrize("length", [0, 1, 3, 253, 254, 255, 5_000])
def test_a_string_of_any_length_reads_back(length: int) -> None:
    data = bytes(length)

    encoded = objects.string(data)

    assert len(encoded) % 4 == 0
    assert data == objects.Reader(encoded).string()


@pytest.mark.parametrize("action", [*objects.ACTIONS])
def test_a_service_message_is_one_that_a_chat_takes(action: str) -> None:
    value: objects.Value = {"ttl": 5, "flush": None, "typing": None}.get(action, [1, -1])
    pair = begin()
    message = objects.service(7, action, value)

    (leaving,) = pair.alice.encrypt(message)

    assert (leaving.message_id, leaving.service) == (7, True)
    assert pair.settle([leaving]) == ([], [message])


def test_all_that_is_altered_is_another_message() -> None:
    pair = begin()
    (message,) = pair.alice.encrypt(objects.text(1, "text"))

    altered = telegram_talk.altered(message.data)

    assert len({*altered, message.data}) == len(message.data) * 8 + 10 + 1


def test_every_defect_says_what_is_seen() -> None:
    said = {(check.__doc__ or "").split("\n")[0] for check in defects.CHECKS}

    assert len(said) == len(defects.CHECKS)
    assert all(each.endswith(".") for each in said)


def test_without_the_plugin_the_program_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(telegram_talk, "prepare", absent)

    assert telegram_talk.main(["--optional"]) == 0
    assert telegram_talk.main([]) == 1
    left_out = "secret chats with Telethon's plugin: left out: it cannot be "
    assert capsys.readouterr().out == f"{left_out}installed\n{left_out}had\n"
