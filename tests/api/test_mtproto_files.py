# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files beside the messages of a secret chat (mtproto_secret_chats.md §7)."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest

from e2ee import AuthenticationError, InvalidArgumentError, mtproto

VECTORS = Path(__file__).parent.parent / "vectors" / "mtproto" / "misc.json"
RECORDED: Any = json.loads(VECTORS.read_text(encoding="utf-8"))["files"]
PIECE = 1 << 17
SIZES = (0, 1, 15, 16, 17, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7)


def encrypted(content: bytes) -> tuple[mtproto.EncryptedFile, bytes]:
    target = io.BytesIO()
    file = mtproto.encrypt_file(io.BytesIO(content), target)
    return file, target.getvalue()


def decrypted(file: mtproto.EncryptedFile, ciphertext: bytes) -> bytes:
    target = io.BytesIO()
    mtproto.decrypt_file(file, io.BytesIO(ciphertext), target)
    return target.getvalue()


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda each: str(len(each["data"]) // 2))
def test_a_recorded_file_opens(recorded: dict[str, Any]) -> None:
    file = mtproto.EncryptedFile(
        bytes.fromhex(recorded["key"] + recorded["iv"]),
        len(recorded["data"]) // 2,
        recorded["key_fingerprint"],
    )

    assert decrypted(file, bytes.fromhex(recorded["ciphertext"])).hex() == recorded["data"]


@pytest.mark.parametrize("size", SIZES)
def test_a_file_of_any_size_comes_back(size: int, tmp_path: Path) -> None:
    content = bytes(index % 251 for index in range(size))
    (tmp_path / "file").write_bytes(content)
    done: list[tuple[int, int]] = []

    file = mtproto.encrypt_file(
        tmp_path / "file", tmp_path / "blob", progress=lambda *each: done.append(each)
    )
    read: list[tuple[int, int]] = []
    mtproto.decrypt_file(
        file, tmp_path / "blob", tmp_path / "copy", progress=lambda *each: read.append(each)
    )

    assert (tmp_path / "copy").read_bytes() == content
    length = (tmp_path / "blob").stat().st_size
    assert (file.size, file.ciphertext_size) == (size, length)
    assert length == -(-size // 16) * 16
    assert done[-1:] == ([(size, size)] if size else [])
    assert read[-1:] == ([(length, length)] if size else [])


def test_every_file_has_a_key_of_its_own() -> None:
    (one, first), (two, second) = encrypted(bytes(40)), encrypted(bytes(40))

    assert one.key[:32] != two.key[:32]
    assert one.key[32:] != two.key[32:]
    assert first != second


def test_the_end_of_a_block_is_filled_at_random() -> None:
    file, ciphertext = encrypted(b"A")

    whole = decrypted(dataclasses.replace(file, size=16), ciphertext)

    assert whole[:1] == b"A"
    assert whole[1:] != bytes(15)


def test_a_key_of_another_fingerprint_reads_and_writes_nothing(tmp_path: Path) -> None:
    file, ciphertext = encrypted(b"A picture.")
    other = dataclasses.replace(file, fingerprint=file.fingerprint ^ 1)
    source = io.BytesIO(ciphertext)

    with pytest.raises(AuthenticationError):
        mtproto.decrypt_file(other, source, tmp_path / "copy")

    assert source.tell() == 0
    assert not (tmp_path / "copy").exists()


def test_a_file_of_another_length_takes_no_place(tmp_path: Path) -> None:
    file, ciphertext = encrypted(bytes(2 * PIECE))
    (tmp_path / "copy").write_bytes(b"before")

    for wrong in (
        ciphertext[:-1],
        ciphertext[:-16],
        ciphertext + b"1",
        ciphertext + bytes(16),
        b"",
    ):
        with pytest.raises(AuthenticationError):
            mtproto.decrypt_file(file, io.BytesIO(wrong), tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == b"before"


def test_a_changed_file_is_garbled_from_there_on_and_not_found() -> None:
    content = bytes(range(64))
    file, ciphertext = encrypted(content)

    changed = decrypted(file, ciphertext[:20] + bytes([ciphertext[20] ^ 1]) + ciphertext[21:])

    assert changed[:16] == content[:16]
    assert changed[16:32] != content[16:32]
    assert changed[48:] != content[48:]


class Once(io.BytesIO):
    """What can be read once."""

    def seekable(self) -> bool:
        """It cannot."""
        return False


def test_a_source_may_be_read_once() -> None:
    target, done = io.BytesIO(), []
    file = mtproto.encrypt_file(
        Once(b"A picture."), target, progress=lambda *each: done.append(each)
    )
    copy = io.BytesIO()

    mtproto.decrypt_file(file, Once(target.getvalue()), copy)

    assert copy.getvalue() == b"A picture."
    assert done == [(10, 10)]


def test_an_open_source_is_read_from_where_it_stands() -> None:
    file, ciphertext = encrypted(b"A picture.")
    source, target = io.BytesIO(b"before" + ciphertext), io.BytesIO()
    source.seek(6)

    mtproto.decrypt_file(file, source, target)

    assert target.getvalue() == b"A picture."


@pytest.mark.parametrize(
    "changed",
    [
        {"key": bytes(63)},
        {"key": bytes(65)},
        {"key": b""},
        {"size": -1},
        {"size": 1 << 63},
        {"fingerprint": 1 << 31},
        {"fingerprint": -(1 << 31) - 1},
    ],
    ids=str,
)
def test_what_no_message_can_say_is_refused(changed: dict[str, Any]) -> None:
    file, _ = encrypted(b"A picture.")

    with pytest.raises(InvalidArgumentError):
        dataclasses.replace(file, **changed)


def test_the_limits_of_a_message_are_accepted() -> None:
    file, _ = encrypted(b"A picture.")

    largest = dataclasses.replace(file, size=(1 << 63) - 1, fingerprint=-(1 << 31))

    assert largest.ciphertext_size == 1 << 63


def test_a_repr_has_no_key() -> None:
    file, _ = encrypted(b"A picture.")

    assert repr(file) == f"EncryptedFile(size=10, fingerprint={file.fingerprint})"
