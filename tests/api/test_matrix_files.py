# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files beside the messages of Matrix (olm_megolm.md §7)."""

from __future__ import annotations

import hashlib
import io
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from e2ee import (
    AuthenticationError,
    InvalidArgumentError,
    MalformedMessageError,
    UnsupportedVersionError,
    matrix,
)

VECTORS = Path(__file__).parent.parent / "vectors" / "olm" / "attachments_exports_ssss.json"
RECORDED: Any = json.loads(VECTORS.read_text(encoding="utf-8"))["attachments"]
SEGMENT = 1 << 16
SIZES = (0, 1, 16, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT + 7)


def encrypted(content: bytes) -> tuple[dict[str, Any], bytes]:
    target = io.BytesIO()
    info = matrix.encrypt_file(io.BytesIO(content), target)
    return info, target.getvalue()


def decrypted(info: dict[str, Any], ciphertext: bytes) -> bytes:
    target = io.BytesIO()
    matrix.decrypt_file(info, io.BytesIO(ciphertext), target)
    return target.getvalue()


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda each: str(len(each["plaintext"]) // 2))
def test_a_recorded_file_opens(recorded: dict[str, Any]) -> None:
    ciphertext = bytes.fromhex(recorded["ciphertext"])

    assert decrypted(recorded["info"], ciphertext).hex() == recorded["plaintext"]
    with matrix.open_file(recorded["info"], io.BytesIO(ciphertext)) as file:
        assert file.read().hex() == recorded["plaintext"]


@pytest.mark.parametrize("size", SIZES)
def test_a_file_of_any_size_comes_back(size: int, tmp_path: Path) -> None:
    content = bytes(index % 251 for index in range(size))
    (tmp_path / "file").write_bytes(content)
    done: list[tuple[int, int]] = []

    info = matrix.encrypt_file(
        tmp_path / "file", tmp_path / "blob", progress=lambda *each: done.append(each)
    )
    matrix.decrypt_file(info, tmp_path / "blob", tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == content
    blob = (tmp_path / "blob").read_bytes()
    digest = hashlib.sha256(blob).digest()
    assert info["hashes"] == {"sha256": b64encode(digest).decode().rstrip("=")}
    assert len(blob) == size
    assert done[-1:] == ([(size, size)] if size else [])


def test_every_file_has_a_key_of_its_own() -> None:
    (one, first), (two, second) = encrypted(bytes(40)), encrypted(bytes(40))

    assert (one["key"]["k"], one["iv"], first) != (two["key"]["k"], two["iv"], second)
    assert one["iv"].endswith("AAAAAAAAAA")
    assert {name: one["key"][name] for name in ("kty", "alg", "ext", "key_ops")} == {
        "kty": "oct",
        "alg": "A256CTR",
        "ext": True,
        "key_ops": ["encrypt", "decrypt"],
    }


def test_a_changed_file_shows_nothing(tmp_path: Path) -> None:
    info, ciphertext = encrypted(bytes(2 * SEGMENT))
    (tmp_path / "copy").write_bytes(b"before")

    for wrong in (b"1" + ciphertext[1:], ciphertext[:-1], ciphertext + b"1", b""):
        with pytest.raises(AuthenticationError):
            matrix.decrypt_file(info, io.BytesIO(wrong), tmp_path / "copy")
        with pytest.raises(AuthenticationError):
            matrix.open_file(info, io.BytesIO(wrong))
        target = io.BytesIO()
        with pytest.raises(AuthenticationError):
            matrix.decrypt_file(info, io.BytesIO(wrong), target)
        assert target.getvalue() == b""
    assert (tmp_path / "copy").read_bytes() == b"before"


def test_a_file_that_changes_between_the_passes_is_found() -> None:
    info, ciphertext = encrypted(bytes(3 * SEGMENT))
    source = io.BytesIO(ciphertext)

    with matrix.open_file(info, source) as file:
        file.seek(SEGMENT + 5)
        assert file.read(3) == bytes(3)
        source.getbuffer()[2 * SEGMENT + 9] ^= 1
        file.seek(2 * SEGMENT)
        with pytest.raises(AuthenticationError):
            file.read(1)


def test_an_open_source_is_read_from_where_it_stands() -> None:
    info, ciphertext = encrypted(b"A picture.")
    source, target = io.BytesIO(b"before" + ciphertext), io.BytesIO()
    source.seek(6)

    matrix.decrypt_file(info, source, target)

    assert target.getvalue() == b"A picture."


class Once(io.BytesIO):
    """What can be read once."""

    def seekable(self) -> bool:
        """It cannot."""
        return False


def test_a_source_that_can_be_read_once_is_encrypted_and_not_decrypted() -> None:
    target, done = io.BytesIO(), []
    info = matrix.encrypt_file(
        Once(b"A picture."), target, progress=lambda *each: done.append(each)
    )

    assert decrypted(info, target.getvalue()) == b"A picture."
    assert done == [(10, 10)]
    with pytest.raises(InvalidArgumentError):
        matrix.decrypt_file(info, Once(target.getvalue()), io.BytesIO())


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"v": "v1"}, UnsupportedVersionError),
        ({"v": 2}, MalformedMessageError),
        ({"key": {"kty": "oct", "alg": "A128CTR", "k": ""}}, UnsupportedVersionError),
        ({"key": {"kty": "oct", "alg": "A256CTR", "k": "AAAA"}}, MalformedMessageError),
        ({"key": None}, MalformedMessageError),
        ({"iv": "AAAA"}, MalformedMessageError),
        ({"hashes": {}}, MalformedMessageError),
        ({"hashes": {"sha256": "AAAA"}}, MalformedMessageError),
    ],
)
def test_an_event_that_lacks_something_opens_nothing(
    changed: dict[str, object], error: type[Exception]
) -> None:
    info, ciphertext = encrypted(b"A picture.")

    with pytest.raises(error):
        decrypted(info | changed, ciphertext)
