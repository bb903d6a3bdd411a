# SPDX-License-Identifier: MIT OR Apache-2.0
"""The program that measures single primitives: `rust/primitives/benches/limit`."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NAMED = ("-p", "e2ee-primitives", "--bench", "limit")
BUILD = ("cargo", "bench", "--quiet", "--locked", *NAMED, "--no-run", "--message-format=json")


def program() -> Path:
    """Builds it where that was not done, and says where it is."""
    answer = subprocess.run(  # noqa: S603 - cargo
        BUILD, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    messages = [json.loads(line) for line in answer.stdout.splitlines()]
    (found,) = (message["executable"] for message in messages if message.get("executable"))
    return Path(found)


def measure(program: Path, arguments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The least and the quarters of each primitive, in nanoseconds."""
    answer = subprocess.run(  # noqa: S603 - our own program and lengths
        [program, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    measured: dict[str, dict[str, Any]] = json.loads(answer.stdout)
    return measured
