# SPDX-License-Identifier: MIT OR Apache-2.0
"""A large file through the attachments, in a process of its own whose memory is measured.

    python benches/attachment.py [BYTES] [FOLDER]

Without BYTES it is the largest file that a pointer can name, one byte less than 4 GiB. The times
stand beside those of the machine's own `openssl`, which makes two passes over the same file in the
same run: AES-256-CBC, and HMAC-SHA-256. Ours makes a third, the digest, in the same pass.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import e2ee

LARGEST = (1 << 32) - 1
#: What the whole process may take, interpreter and all.
MEMORY_LIMIT = 64 << 20
PATTERN = bytes(range(251)) * 4_178
KEY = "00" * 32
Times = dict[str, float]


def measure(folder: Path, size: int) -> dict[str, object]:
    """Runs our part in a child, and theirs, over one file; returns times, memory and calls."""
    write_file(folder / "file", size)
    ours = json.loads(
        subprocess.run(  # noqa: S603 - this file
            [sys.executable, __file__, "--child", str(size), str(folder)],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    )
    return {**ours, "openssl": openssl(folder)}


def child(folder: Path, size: int) -> dict[str, object]:
    """Encrypts, decrypts and streams; the peak of this process's memory."""
    calls: list[int] = [0]

    def progress(done: int, total: int) -> None:
        assert 0 <= done <= total
        calls[0] += 1

    times: Times = {}
    before = memory()
    file, blob, out = folder / "file", folder / "blob", folder / "out"
    with timed(times, "encrypt"):
        pointer = e2ee.encrypt_attachment(file, blob, progress=progress)
    with timed(times, "decrypt"):
        e2ee.decrypt_attachment(pointer, blob, out, progress=progress)
    same_file(file, out)
    out.unlink()
    with timed(times, "stream"):
        given = sum(map(len, e2ee.stream_attachment(pointer, blob, progress=progress)))
    with timed(times, "verify and seek"), e2ee.open_attachment(pointer, blob) as opened:
        place = opened.seek(size * 3 // 4)
        assert opened.read(100) == pattern_at(place, min(100, size - place))
    blob.unlink()
    assert given == size
    return {"times": times, "before": before, "memory": memory(), "calls": calls[0]}


@contextmanager
def timed(times: Times, name: str) -> Iterator[None]:
    """Keeps how long a block took, in seconds of the clock and of the processor."""
    start, spent = time.perf_counter(), time.process_time()
    yield
    times[name] = time.perf_counter() - start
    times[f"{name}, processor"] = time.process_time() - spent


def openssl(folder: Path) -> Times:
    """The two passes of the machine's own program."""
    program = shutil.which("openssl")
    if program is None:
        return {}
    file, blob = str(folder / "file"), str(folder / "openssl")
    times: Times = {}
    passes = {
        "encrypt": ["enc", "-aes-256-cbc", "-K", KEY, "-iv", KEY[:32], "-in", file, "-out", blob],
        "mac": ["dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{KEY}", blob],
        "digest": ["dgst", "-sha256", blob],
    }
    for name, arguments in passes.items():
        start, spent = time.perf_counter(), children()
        subprocess.run([program, *arguments], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        times[name] = time.perf_counter() - start
        times[f"{name}, processor"] = children() - spent
    Path(blob).unlink()
    return times


def children() -> float:
    """Seconds of the processor that children took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def memory() -> int:
    """The peak of this process's resident memory, in bytes.

    Linux's `ru_maxrss` also counts what the process was before it became this program: the copy of
    a large parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text("ascii").splitlines())
        return int(fields["VmHWM"].split()[0]) * 1_024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1_024


def write_file(path: Path, size: int) -> None:
    """A pattern whose period fits no block and no chunk."""
    with path.open("wb") as file:
        for place in range(0, size, len(PATTERN)):
            file.write(PATTERN[: size - place])


def pattern_at(place: int, length: int) -> bytes:
    """The bytes of the pattern from a place on."""
    return bytes((place + index) % 251 for index in range(length))


def same_file(one: Path, other: Path) -> None:
    """Compares in constant memory."""
    with one.open("rb") as first, other.open("rb") as second:
        while piece := first.read(1 << 20):
            assert piece == second.read(1 << 20)
        assert second.read(1) == b""


def lines(measured: dict[str, object], size: int) -> list[str]:
    """What was measured, for people."""
    shown = [f"{size} bytes; seconds of the clock, and of the processor"]
    ours, theirs = measured["times"], measured["openssl"]
    assert isinstance(ours, dict)
    assert isinstance(theirs, dict)
    for owner, times in (("e2ee", ours), ("openssl", theirs)):
        shown += [
            f"  {owner} {name}: {times[name]:.2f}, {times[f'{name}, processor']:.2f}"
            for name in times
            if not name.endswith("processor")
        ]
    memory_used, before = measured["memory"], measured["before"]
    assert isinstance(memory_used, int)
    assert isinstance(before, int)
    shown.append(
        f"  memory: {memory_used / (1 << 20):.1f} MiB at most, {before / (1 << 20):.1f} before"
    )
    return shown


def main(arguments: list[str]) -> None:
    """Measures, or is the child."""
    if arguments[:1] == ["--child"]:
        sys.stdout.write(json.dumps(child(Path(arguments[2]), int(arguments[1]))))
        return
    size = int(arguments[0]) if arguments else LARGEST
    with tempfile.TemporaryDirectory(dir=arguments[1] if len(arguments) > 1 else None) as folder:
        measured = measure(Path(folder), size)
    sys.stdout.write("\n".join(lines(measured, size)) + os.linesep)
    if not isinstance(used := measured["memory"], int) or used >= MEMORY_LIMIT:
        sys.exit("the memory limit is passed")


if __name__ == "__main__":
    main(sys.argv[1:])
