# SPDX-License-Identifier: MIT OR Apache-2.0
"""Processes that die: children of this one, which has all modules, with strace beside them.

A child waits until it is let go, so that strace is there from its first call on. A signal that
strace injects is delivered at the entry of a call, before the call has done anything; the state
after a call is that before the next one.
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, final

import e2ee

#: The calls that change what a file system holds; one that an architecture lacks is left out.
CALLS: Final = (
    *("write", "writev", "pwrite64", "pwritev", "fsync", "fdatasync", "sync_file_range"),
    *("ftruncate", "truncate", "fallocate", "rename", "renameat", "renameat2", "link", "linkat"),
    *("unlink", "unlinkat", "open", "openat", "creat", "mkdir", "mkdirat", "rmdir", "msync"),
)
#: Those that change something only if the flags say so.
OPENING: Final = ("open", "openat")
LINE: Final = re.compile(r"^(\w+)\((.*)$")
#: What begins a part of the work, in the log.
NO_FILE: Final = -1
PART: Final = re.compile(r"^ftruncate\(-1, (\d+)\)")
#: Work that says when each of its parts begins, from 0 on.
Parted: TypeAlias = Callable[[Callable[[int], None]], None]
PATIENCE: Final = 60
#: The status of a child that met one of our errors; what that means, the parent finds out.
REFUSED: Final = 3
_PR_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1)


class Call(NamedTuple):
    """One call: its name, the file that it is about, and where it comes.

    `number` says which of this name it is (from 1) in its part of the work.
    """

    name: str
    number: int
    file: str
    part: int


@final
class Child:
    """A process that waits, works, and ends."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._gate = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._live(work)
        os.close(self._gate[0])
        self._strace: subprocess.Popen[bytes] | None = None

    def _live(self, work: Callable[[], None]) -> None:
        """What the child does; it never comes back."""
        status = 1
        try:
            with suppress(OSError, AttributeError):
                ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
            os.close(self._gate[1])
            os.read(self._gate[0], 1)
            work()
            status = 0
        except e2ee.E2EEError:
            status = REFUSED
        except BaseException:  # noqa: BLE001 - the parent sees the status
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(status)

    def trace(self, *options: str) -> None:
        """Puts strace beside the child, and returns when it is there."""
        command = ["strace", "-p", str(self.pid), *options]
        self._strace = subprocess.Popen(command, stderr=subprocess.PIPE)
        assert self._strace.stderr is not None
        said = self._strace.stderr.readline()
        if b"attached" not in said:
            raise OSError(said.decode(errors="replace"))

    def untrace(self) -> None:
        """Takes strace away; the child goes on."""
        if self._strace is not None:
            self._strace.send_signal(signal.SIGINT)
            self._strace.communicate(timeout=PATIENCE)
            self._strace = None

    def go(self) -> None:
        """Lets the child work."""
        os.write(self._gate[1], b".")
        os.close(self._gate[1])

    def kill(self) -> None:
        """The end without a warning."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def has_ended(self) -> bool:
        """Whether the child has ended; then there is nothing more to wait for."""
        return os.waitpid(self.pid, os.WNOHANG)[0] != 0

    def wait(self) -> int:
        """How the child ended: 0, its status, or the signal with a minus sign."""
        _, status = os.waitpid(self.pid, 0)
        if self._strace is not None:
            self._strace.communicate(timeout=PATIENCE)
        return os.waitstatus_to_exitcode(status)


def calls_of(work: Parted, scratch: Path) -> tuple[int, list[Call]]:
    """How a child ended, and its calls that change files, in their order."""
    child, log = Child(lambda: work(noted)), scratch / "calls"
    # Written by strace itself, which is not traced.
    child.trace("-y", "-s", "0", "-o", str(log), "-e", f"trace={','.join('?' + c for c in CALLS)}")
    child.go()
    status = child.wait()
    return status, list(parsed(log.read_text(errors="replace")))


def noted(part: int) -> None:
    """Leaves a trace in the log of strace: a call that changes nothing, as it fails."""
    with suppress(OSError):
        os.ftruncate(NO_FILE, part)


def parsed(log: str) -> Iterator[Call]:
    """The calls in a log of strace; openings that make nothing are counted, but left out."""
    seen: dict[str, int] = {}
    part = 0
    for line in log.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        name, rest = match.groups()
        if (begun := PART.match(line)) is not None:
            part, seen = int(begun.group(1)), {}
            continue
        seen[name] = seen.get(name, 0) + 1
        if name not in OPENING or "O_CREAT" in rest or "O_TRUNC" in rest:
            yield Call(name, seen[name], file_of(rest), part)


def file_of(arguments: str) -> str:
    """The file of a call: its name without what tells accounts apart."""
    paths = re.findall(r"^\d+<([^>]*)>" if arguments[0].isdigit() else r'"([^"]*)"', arguments)
    name = Path(paths[-1]).name if paths else "?"
    ending = re.search(r"\.db(-\w+)?$", name)
    if ending:
        return "*" + ending.group(0)
    return name if name in {"sent", "handled", "bundles", "queued"} else "directory"


def killed_at(work: Parted, call: Call) -> int:
    """Lets a child die as it enters this call; how it ended, 0 if it did not come so far.

    Strace comes when the part of the call begins, since it makes every call several times slower.
    """
    (reached, says), (waits, lets_go) = os.pipe(), os.pipe()

    def begins(part: int) -> None:
        if part == call.part:
            os.write(says, b".")
            os.read(waits, 1)

    child = Child(lambda: work(begins))
    os.close(says)
    os.close(waits)
    child.go()
    if os.read(reached, 1):
        inject = f"inject={call.name}:signal=KILL:when={call.number}"
        child.trace("-o", os.devnull, "-e", f"trace={call.name}", "-e", inject)
        os.write(lets_go, b".")
    os.close(reached)
    os.close(lets_go)
    return child.wait()


def missing() -> str | None:
    """Why strace cannot be used here."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    child = Child(lambda: None)
    try:
        child.trace("-o", os.devnull, "-e", "trace=write")
    except OSError as error:
        return f"strace may not trace: {error}"
    finally:
        child.go()
        child.wait()
    return None


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder that goes with what is in it; in memory, if there is such a place."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - made safely
    with tempfile.TemporaryDirectory(prefix="e2ee-assurance-", dir=place) as folder:
        yield Path(folder)
