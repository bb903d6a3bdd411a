# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sealed files and messages both ways between us and the package `tink`, which runs as a peer.

    python -m tests.interop.streams [--rounds N] [--seed N] [--optional] [--record FOLDER]

The package (Apache-2.0) is fetched into an ignored folder. `--optional` prints why if it cannot be
had, instead of failing; `--record` writes the vectors that `make test` checks without the peer.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import e2ee
from e2ee import aead, files

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION: Final = "1.16.1"
FOLDER: Final = Path(__file__).resolve().parents[2] / ".tink"
PEER: Final = Path(__file__).with_name("streams_peer.py")
SMALL, LARGE = 4_096, 1 << 20
#: Of a segment: the tag, and of the first one the header too.
TAG, HEADER = 16, 40


class AbsentError(Exception):
    """The peer cannot be had here: the text says why."""


def installed() -> Path:
    """The folder with the package, which is fetched once."""
    stamp = FOLDER / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == VERSION:
        return FOLDER
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    try:
        subprocess.run(
            [*command, "--target", str(FOLDER), f"tink=={VERSION}"],
            check=True,
            timeout=300,
            capture_output=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        msg = f"tink {VERSION} cannot be installed for {sys.implementation.cache_tag}"
        raise AbsentError(msg) from error
    stamp.write_text(VERSION, encoding="utf-8")
    return FOLDER


@final
class Peer:
    """The running peer."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PEER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(installed())},
        )

    def call(self, op: str, key: bytes, data: bytes, given: bytes, size: int = 0) -> bytes | None:
        """The result of an operation, or `None` if the peer refuses it."""
        texts = [base64.b64encode(each).decode() for each in (key, data, given)]
        request = dict(zip(("key", "data", "bytes"), texts, strict=True))
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"op": op, "segment_size": size, **request}) + "\n"
        self._process.stdin.write(line)
        self._process.stdin.flush()
        reply = json.loads(self._process.stdout.readline())
        return None if reply is None else base64.b64decode(reply)

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()


@dataclass(frozen=True, slots=True)
class Case:
    """What is sealed in one round."""

    key: bytes
    size: int
    data: bytes
    plaintext: bytes

    @property
    def file_key(self) -> files.FileKey:
        """Our form of the key."""
        return files.FileKey.from_bytes(self.key, segment_size=self.size)


def pattern(length: int) -> bytes:
    """The plaintext of the recorded streams."""
    return (bytes(range(251)) * (length // 251 + 1))[:length]


def lengths(size: int, choose: random.Random) -> int:
    """A length near a boundary, or any."""
    first, full = size - HEADER - TAG, size - TAG
    edge = choose.choice([0, first, first + full, first + 2 * full])
    return max(0, choose.choice([edge + choose.randint(-2, 2), choose.randint(0, 3 * size)]))


def drawn(choose: random.Random) -> Case:
    """A case of one round; large segments are rarer."""
    size = choose.choice([SMALL] * 5 + [LARGE])
    data = choose.randbytes(choose.choice([0, 1, 40]))
    return Case(choose.randbytes(32), size, data, choose.randbytes(lengths(size, choose)))


def our_seal(case: Case) -> bytes:
    """The sealed file as we write it."""
    out = io.BytesIO()
    files.seal_file(io.BytesIO(case.plaintext), out, case.file_key, associated_data=case.data)
    return out.getvalue()


def our_open(case: Case, sealed: bytes) -> bytes | None:
    """What a sealed file opens to with us, or `None` if we refuse it; two ways must agree."""
    out = io.BytesIO()

    def whole() -> bytes:
        files.unseal_file(io.BytesIO(sealed), out, case.file_key, associated_data=case.data)
        return out.getvalue()

    def sought() -> bytes:
        source = io.BytesIO(sealed)
        with files.open_sealed(source, case.file_key, associated_data=case.data) as file:
            return file.read()

    one, other = accepted(whole), accepted(sought)
    assert one == other
    return one


def accepted(work: Callable[[], bytes]) -> bytes | None:
    """The result, or `None` if it was refused."""
    try:
        return work()
    except (e2ee.AuthenticationError, e2ee.MalformedMessageError):
        return None


def damaged(sealed: bytes, size: int, choose: random.Random) -> bytes:
    """The file with a bit flipped, cut, extended, or with two segments exchanged."""
    place = choose.randrange(len(sealed))
    parts = [sealed[start : start + size] for start in range(0, len(sealed), size)]
    if len(parts) > 3:
        parts[1], parts[2] = parts[2], parts[1]
    return choose.choice(
        [
            sealed[:place]
            + bytes([sealed[place] ^ 1 << choose.randrange(8)])
            + sealed[place + 1 :],
            sealed[:place],
            sealed[: place // size * size],
            sealed + bytes(choose.randint(1, 20)),
            b"".join(parts) if len(parts) > 3 else sealed[:-1],
        ]
    )


def talk(peer: Peer, rounds: int, choose: random.Random) -> dict[str, int]:
    """Seals and opens both ways; every difference is an error."""
    counts = dict.fromkeys(["ours read by tink", "theirs read by us", "damaged refused"], 0)
    for _ in range(rounds):
        case = drawn(choose)
        ours = our_seal(case)
        theirs = peer.call("seal_stream", case.key, case.data, case.plaintext, case.size)
        assert theirs is not None
        assert peer.call("open_stream", case.key, case.data, ours, case.size) == case.plaintext
        assert our_open(case, theirs) == case.plaintext
        bad = damaged(theirs, case.size, choose)
        # The peer takes no notice of bytes behind a last segment that is full.
        if len(bad) <= len(theirs):
            assert peer.call("open_stream", case.key, case.data, bad, case.size) is None
        assert our_open(case, bad) is None
        single = aead.AeadKey.from_bytes(case.key)
        message = single.seal(case.plaintext, case.data)
        assert peer.call("open", case.key, case.data, message) == case.plaintext
        theirs = peer.call("seal", case.key, case.data, case.plaintext)
        assert theirs is not None
        assert single.open(theirs, case.data) == case.plaintext
        for name in counts:
            counts[name] += 1 if name == "damaged refused" else 2
    return counts


def main() -> int:
    """Runs the program."""
    parser = argparse.ArgumentParser(description="sealed files, both ways with tink")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--optional", action="store_true")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    try:
        peer = Peer()
    except AbsentError as error:
        print(f"sealed files with tink: left out: {error}")
        return 0 if options.optional else 1
    try:
        if options.record is not None:
            record(peer, options.record)
            return 0
        print(f"sealed files with tink {VERSION}, seed {seed}")
        for name, count in talk(peer, options.rounds, random.Random(seed)).items():
            print(f"  {name}: {count}")
    finally:
        peer.close()
    return 0


def record(peer: Peer, folder: Path) -> None:
    """Writes vectors: a long stream as its header and the SHA-256 of all of it."""
    choose = random.Random(1)
    source = f"recorded from the package tink {VERSION} (Apache-2.0), which ran as a peer"
    streams, messages = [], []
    for size, length in STREAMS:
        key, data = choose.randbytes(32), choose.randbytes(choose.choice([0, 5, 40]))
        sealed = peer.call("seal_stream", key, data, pattern(length), size)
        assert sealed is not None
        digest = hashlib.sha256(sealed).hexdigest()
        streams.append(
            {
                "expect": "ok",
                "segment_size": size,
                "key": key.hex(),
                "associated_data": data.hex(),
                "plaintext_len": length,
                "header": sealed[:HEADER].hex(),
                "sealed_sha256": digest,
            }
        )
    for length in (0, 1, 16, 100, 1_000):
        key, data, plaintext = choose.randbytes(32), choose.randbytes(7), choose.randbytes(length)
        message = peer.call("seal", key, data, plaintext)
        assert message is not None
        texts = {"key": key, "associated_data": data, "plaintext": plaintext, "sealed": message}
        messages.append({"expect": "ok", **{name: each.hex() for name, each in texts.items()}})
    for name, spec, cases in (
        ("streams", "docs/formats.md, Sealed file", streams),
        ("messages", "docs/formats.md, Sealed message", messages),
    ):
        content = {"source": source, "spec": spec, "cases": cases}
        text = json.dumps(content, indent=1) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


#: Sizes of segments and of plaintexts: around each boundary.
STREAMS: Final = [
    (size, start + difference)
    for size, starts in (
        (SMALL, [1, SMALL - 56, 2 * SMALL - 72, 40 * SMALL]),
        (LARGE, [1, LARGE - 56, 2 * LARGE - 72]),
    )
    for start in starts
    for difference in (-1, 0, 1)
]


if __name__ == "__main__":
    sys.exit(main())
