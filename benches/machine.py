# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where something was measured, and with what."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

#: What decides how fast the primitives are, by the names that Linux gives them.
FEATURES = ("aes", "sha_ni", "avx2", "avx512f", "vaes", "adx", "sve2", "sha2")


def machine() -> dict[str, str]:
    """Processor, system and our own version."""
    fields = _cpu_fields()
    offered = {*fields.get("flags", "").split(), *fields.get("Features", "").split()}
    return {
        "CPU": fields.get("model name", platform.processor() or platform.machine()),
        "features": " ".join(name for name in FEATURES if name in offered),
        "cores": str(os.cpu_count()),
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
        "e2ee": version("libe2ee"),
    }


def _cpu_fields() -> dict[str, str]:
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    pairs = (line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}
