# SPDX-License-Identifier: MIT OR Apache-2.0
"""The processors that are emulated: what each can do says QEMU, by its own names for them."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Level:
    """A processor: QEMU's name for it, and whether a library hides that it knows AES and SHA."""

    cpu: str
    masked: bool = False
    #: Whether tests of the extension run there too, beside the vectors of the core.
    python: bool = False

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return f"{self.cpu}, AES and SHA hidden" if self.masked else self.cpu


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of processors: Rust's, Debian's and QEMU's names of it, and its levels."""

    target: str
    architecture: str
    emulator: str
    levels: tuple[Level, ...]


ARM: Final = Machine(
    "aarch64-unknown-linux-gnu",
    "arm64",
    "qemu-aarch64",
    (
        Level("cortex-a72", python=True),
        Level("max,pauth-impdef=on", python=True),
        # QEMU knows no Cortex-A72 without AES and SHA; that of a Raspberry Pi 4 is one.
        Level("cortex-a72", masked=True, python=True),
    ),
)
X86: Final = Machine(
    "x86_64-unknown-linux-gnu",
    "amd64",
    "qemu-x86_64",
    (
        # QEMU emulates no AVX-512, so that each of these is without it.
        Level("max", python=True),
        Level("max,vaes=off,vpclmulqdq=off"),
        Level("max,sha-ni=off"),
        Level("max,avx2=off"),
        Level("Haswell-noTSX"),
        Level("Westmere"),
        Level("Nehalem", python=True),
    ),
)
MACHINES: Final = {"arm": ARM, "x86": X86}
