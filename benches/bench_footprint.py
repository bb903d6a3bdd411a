# SPDX-License-Identifier: MIT OR Apache-2.0
"""What we take of disk and memory, and how long the import takes; each in fresh processes."""

import os
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import pytest

import e2ee
from benches.conftest import ROOT, Measure
from benches.operations import (
    IMPORT,
    IMPORT_USED,
    IN_MEMORY,
    INSTALLED,
    OURS,
    STORED,
    STORED_PQ,
    WHEEL,
)
from benches.peers import CRYPTOGRAPHY, NACL, OLM, OMEMO, VODOZEMAC, Peer
from tests.properties.world import read_rows

MESSAGES, TEXT = 200, bytes(64)
#: Bytes of the record `objects` that are no state of the post-quantum ratchet: a seal, version, two
#: identities, two registration ids, base key, phase, digest and jump (docs/formats.md, "Session").
OBJECTS_FIXED_LEN = 29 + 1 + 2 * 32 + 2 * 4 + 32 + 1 + 32 + 4
CHUNK_FIXED_LEN = 29 + 1
LIBRARIES = {VODOZEMAC: ["vodozemac"], OLM: ["libolm"]}
MODULES = {
    VODOZEMAC: "vodozemac",
    OLM: "olm",
    OMEMO: "twomemo",
    NACL: "nacl.bindings",
    CRYPTOGRAPHY: "cryptography.hazmat.primitives.ciphers.aead",
}
IMPORTS = 20
TIMED = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"
#: Our modules are loaded when they are first used.
USED = "e2ee; e2ee.Account, e2ee.SQLiteStore"


def test_bytes_in_a_store(measure: Measure) -> None:
    store = e2ee.MemoryStore()
    alice, bob = e2ee.Account.create(store, "alice"), e2ee.Account.create(e2ee.MemoryStore(), "bob")
    alice.connect("bob", bob.bundle())
    for number in range(MESSAGES):
        sender, receiver = (alice, bob) if number % 2 == 0 else (bob, alice)
        receiver.decrypt(sender.user, sender.encrypt(receiver.user, TEXT))

    sizes = {name: len(row) for name, (_, row) in read_rows(store).items() if "session/" in name}

    objects = [size - OBJECTS_FIXED_LEN for name, size in sizes.items() if "/objects" in name]
    chunks = [size - CHUNK_FIXED_LEN for name, size in sizes.items() if "/chunk/" in name]
    assert objects, "the session has no such record"
    measure.found(STORED, [sum(sizes.values())])
    measure.found(STORED_PQ, [sum(objects + chunks)])


@pytest.mark.parametrize("peer", [None, VODOZEMAC, OLM], ids=lambda p: p.name if p else OURS)
def test_bytes_in_memory(measure: Measure, peer: Peer | None) -> None:
    command = [sys.executable, "-m", "benches.memory", *LIBRARIES.get(peer, ())]
    try:
        size = float(_output(command))
    except subprocess.CalledProcessError as error:
        pytest.skip(error.stderr.splitlines()[-1])

    measure.found(IN_MEMORY, [size], library=peer.name if peer else OURS)


@pytest.mark.parametrize("module", ["e2ee", *MODULES.values()])
def test_import(measure: Measure, module: str) -> None:
    names = {module: peer.name for peer, module in MODULES.items()}

    times = _import_times(module, measure.rounds(IMPORTS))

    measure.found(IMPORT, times, library=names.get(module, OURS))


def test_import_and_use(measure: Measure) -> None:
    measure.found(IMPORT_USED, _import_times(USED, measure.rounds(IMPORTS)))


def test_wheel(measure: Measure) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = ["make", "wheel", f"DIST={folder}"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603
        (wheel,) = Path(folder).glob("*.whl")
        size = wheel.stat().st_size / 1e6

    measure.found(WHEEL, [size])


@pytest.mark.parametrize("peer", [VODOZEMAC, OLM, OMEMO, NACL, CRYPTOGRAPHY], ids=lambda p: p.name)
def test_installed(measure: Measure, peer: Peer) -> None:
    try:
        files = distribution(str(peer.distribution)).files
    except PackageNotFoundError:
        pytest.skip(f"{peer.name} is not installed")
    places = [Path(str(file.locate())) for file in files or ()]

    size = sum(place.stat().st_size for place in places if place.suffix != ".pyc") / 1e6

    measure.found(INSTALLED, [size], library=peer.name)


def test_installed_of_ours(measure: Measure) -> None:
    package = Path(str(e2ee.__file__)).parent
    kinds = (".py", ".pyi", ".so", ".pyd", ".typed")
    assert version("libe2ee")

    size = sum(each.stat().st_size for each in package.rglob("*") if each.suffix in kinds) / 1e6

    measure.found(INSTALLED, [size])


def _import_times(what: str, rounds: int) -> list[float]:
    """Milliseconds in fresh processes, with compiled modules, as when they are installed."""
    command = [sys.executable, "-c", TIMED.format(what)]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        try:
            times = [float(_output(command, environment)) * 1_000 for _ in range(rounds + 1)]
        except subprocess.CalledProcessError:
            pytest.skip(f"{what} cannot be imported")
    # The first one compiles them.
    return times[1:]


def _output(command: list[str], environment: dict[str, str] | None = None) -> str:
    answer = subprocess.run(  # noqa: S603 - this interpreter
        command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment
    )
    return answer.stdout
