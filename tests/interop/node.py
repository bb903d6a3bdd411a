# SPDX-License-Identifier: MIT OR Apache-2.0
"""The process with the reference client: requests go in as JSON lines, replies come in order."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from types import TracebackType

PEER = Path(__file__).with_name("peer.mjs")
TIMEOUT_SECONDS = 120.0
_PIPE_BYTES = 1 << 16


class PeerError(Exception):
    """The peer refused a request: the name, number and text of its error."""

    def __init__(self, name: str, code: int, text: str) -> None:
        super().__init__(f"{name} ({code}): {text}")
        self.name = name
        self.code = code


class PeerLostError(Exception):
    """The process ended, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Request:
    """An operation of the peer and its arguments."""

    op: str
    arguments: dict[str, Any]


@final
class Node:
    """A running peer. It runs until the block ends."""

    def __init__(self, node: str, folder: Path, program: Path = PEER) -> None:
        self._process = subprocess.Popen(
            [node, str(program), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._received = b""

    def __enter__(self) -> Node:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def call(self, op: str, **arguments: Any) -> Any:  # noqa: ANN401 (JSON has any shape)
        """The value of one operation.

        Raises:
            PeerError: The peer refused it.
        """
        self._send(json.dumps({"op": op, **arguments}).encode() + b"\n")
        return result_of(json.loads(self._line()))

    def _send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise PeerLostError("the peer ended") from error

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        parts, deadline = [self._received], time.monotonic() + TIMEOUT_SECONDS
        while b"\n" not in parts[-1]:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise PeerLostError("the peer did not answer in time")
            part = os.read(pipe, _PIPE_BYTES)
            if not part:
                raise PeerLostError("the peer ended")
            parts.append(part)
        line, _, self._received = b"".join(parts).partition(b"\n")
        return line


def result_of(reply: dict[str, Any]) -> Any:  # noqa: ANN401 (JSON has any shape)
    """The value in a reply, or its error raised."""
    if "error" in reply:
        raise PeerError(reply["error"], reply["code"], reply["message"])
    return reply["ok"]


def to_text(data: bytes) -> str:
    """Bytes as the peer writes them in JSON: base64."""
    return base64.b64encode(data).decode()


def to_bytes(text: str) -> bytes:
    """The bytes that the peer wrote."""
    return base64.b64decode(text, validate=True)
