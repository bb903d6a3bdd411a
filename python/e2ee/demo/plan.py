# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the demo sets out to do, with its limits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from e2ee.demo.carrier import Rates


class DemoError(Exception):
    """The demo could not go on: a process ended, or nothing arrives any more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of the demo."""

    #: Texts in each direction.
    messages: int
    #: The file to send; a made one of `file_size` bytes if there is none.
    file: Path | None
    file_size: int
    #: Decides what the carrier does, and when a process is killed.
    seed: int
    rates: Rates


#: Bytes of the file in a message.
CHUNK_LEN: Final = 48 << 10
#: Chunks that may be under way without an acknowledgement.
WINDOW: Final = 48
#: The most texts that one side says before it listens again.
MAX_BURST: Final = 8
#: Epochs of the post-quantum ratchet that both sides must have reached.
LEAST_EPOCH: Final = 3
#: Rounds without any progress after which the carrier is too bad.
MAX_IDLE_ROUNDS: Final = 400
