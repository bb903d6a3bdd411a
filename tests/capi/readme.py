# SPDX-License-Identifier: MIT OR Apache-2.0
"""The README's commands for C, run as they are written, with a build as it is released."""

from __future__ import annotations

import re
from typing import Final

from tests.capi import example
from tests.capi.building import ROOT, run

_BLOCK: Final = re.compile(r"^```bash\n(.*?)^```", re.DOTALL | re.MULTILINE)


def followed() -> str:
    """What the commands say at last, which is what the example says."""
    (commands,) = _BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    said = run("bash", "-eu", "-c", commands)
    assert said.endswith(example.SAID)
    return example.SAID
