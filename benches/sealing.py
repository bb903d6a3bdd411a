# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an application seals itself: messages of 1 MiB, and a large file with one and more threads.

    python -m benches.sealing [MIB] [FOLDER]

Messages stand beside those of the package `cryptography`, which calls OpenSSL; the file, of 1 GiB
unless said otherwise, in a folder that should lie in memory, beside the rate of the machine's own
`openssl speed`. Each way through the file is a process of its own, whose memory is measured, and
which goes it several times: the first time the system may have to find the memory for the target.
The rounds are interleaved, and the least time stands beside the median, as others may use the
machine.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benches.attachment import memory, write_file
from e2ee.aead import AeadKey
from e2ee.files import FileKey, seal_file, unseal_file

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20
CALLS, ROUNDS, PASSES = 200, 3, 4
WORKERS = (1, 2)
KEY = bytes(range(32))
DIRECTIONS = ("seal", "unseal")
Case = tuple[str, int]


def say(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def messages() -> None:
    """Prints what a message of 1 MiB takes here and there."""
    content, nonce = os.urandom(MIB), os.urandom(12)
    ours, theirs = AeadKey.from_bytes(KEY), AESGCM(KEY)
    sealed, encrypted = ours.seal(content), theirs.encrypt(nonce, content, None)
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "seal": (lambda: ours.seal(content), lambda: theirs.encrypt(nonce, content, None)),
        "open": (lambda: ours.open(sealed), lambda: theirs.decrypt(nonce, encrypted, None)),
    }
    say("AES-256-GCM, 1 MiB, one core: microseconds, median (quarter)")
    for name, (one, other) in pairs.items():
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(CALLS):
            for kept, call in zip(times, (one, other), strict=True):
                start = time.perf_counter()
                call()
                kept.append((time.perf_counter() - start) * 1e6)
        medians = [statistics.median(each) for each in times]
        quarters = [statistics.quantiles(each, n=4)[0] for each in times]
        say(
            f"  {name:6} e2ee {medians[0]:6.1f} ({quarters[0]:6.1f})"
            f"  cryptography {medians[1]:6.1f} ({quarters[1]:6.1f})"
            f"  rate beside it {medians[1] / medians[0]:.2f} ({quarters[1] / quarters[0]:.2f})"
        )


def openssl() -> str:
    """The rate of the machine's own program, in its words."""
    program = shutil.which("openssl")
    if program is None:
        return "openssl is not installed"
    arguments = ["speed", "-evp", "aes-256-gcm", "-bytes", str(MIB), "-seconds", "1"]
    done = subprocess.run([program, *arguments], check=True, capture_output=True, text=True)  # noqa: S603
    return f"openssl speed, kilobytes a second: {done.stdout.split()[-1]}"


def file(size: int, folder: Path) -> None:
    """Prints what a file takes."""
    write_file(folder / "file", size)
    seal_file(folder / "file", folder / "sealed", FileKey.from_bytes(KEY))
    found: dict[Case, list[dict[str, float]]] = {}
    for _ in range(ROUNDS):
        for workers in WORKERS:
            for direction in DIRECTIONS:
                found.setdefault((direction, workers), []).extend(child(direction, workers, folder))
    say(f"a file of {size // MIB} MiB: seconds, median (least); processor; peak memory")
    for (direction, workers), runs in sorted(found.items()):
        walls = [run["wall"] for run in runs]
        say(
            f"  {direction:6} {workers} thread(s)"
            f"  {statistics.median(walls):.2f} ({min(walls):.2f})"
            f"  {statistics.median(run['processor'] for run in runs):.2f}"
            f"  {max(run['memory'] for run in runs) / MIB:.0f} MiB,"
            f" {max(run['memory'] - run['before'] for run in runs) / MIB:.0f} of it for this"
        )
    for direction in DIRECTIONS:
        one, two = ([run["wall"] for run in found[direction, count]] for count in WORKERS)
        ratio = statistics.median(one) / statistics.median(two)
        say(f"  {direction:6} two threads beside one: {ratio:.2f} ({min(one) / min(two):.2f})")


def child(direction: str, workers: int, folder: Path) -> list[dict[str, float]]:
    """Some ways through the file, in a process of its own."""
    command = [sys.executable, "-m", "benches.sealing", "--child", direction, str(workers)]
    done = subprocess.run([*command, str(folder)], check=True, stdout=subprocess.PIPE)  # noqa: S603
    result: list[dict[str, float]] = json.loads(done.stdout)
    return result


def work(direction: str, workers: int, folder: Path) -> list[dict[str, float]]:
    """What the child does; the first time does not count."""
    key, before, target, runs = FileKey.from_bytes(KEY), memory(), folder / "target", []
    for _ in range(PASSES):
        start, spent = time.perf_counter(), time.process_time()
        if direction == "seal":
            seal_file(folder / "file", target, key, workers=workers)
        else:
            unseal_file(folder / "sealed", target, key, workers=workers)
        took = {"wall": time.perf_counter() - start, "processor": time.process_time() - spent}
        runs.append(took | {"before": before, "memory": memory()})
        target.unlink()
    return runs[1:]


def main(arguments: list[str]) -> None:
    """Runs the program."""
    if arguments[:1] == ["--child"]:
        say(json.dumps(work(arguments[1], int(arguments[2]), Path(arguments[3]))))
        return
    say(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores; {openssl()}")
    messages()
    memory_folder = Path("/dev/shm")  # noqa: S108 - a file system in memory
    parent = (
        arguments[1] if len(arguments) > 1 else memory_folder if memory_folder.is_dir() else None
    )
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        file((int(arguments[0]) if arguments else 1_024) * MIB, Path(folder))
    say(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
