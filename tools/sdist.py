# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes the source distribution, and builds it where there is no network and no source tree.

Run as `python -m tools.sdist [--out FOLDER]`. Its crates are laid beside it (`cargo vendor`), which
needs the network once; then it is built in a network namespace that has none, if the system lets
one be made, and with cargo and pip told not to ask.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

from tools.foreign import ROOT
from tools.wheels import BIN, git, run, say, sha256

#: What runs a program without a network.
ALONE = ("unshare", "--net")
USED = (
    "import e2ee; built = e2ee.build(); "
    "print('built and loaded without a network:', built.version, built.target)"
)


def main() -> None:
    """Makes it, has it examined, and builds it."""
    parser = argparse.ArgumentParser(prog="python -m tools.sdist", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    given = parser.parse_args()
    time = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct")
    with tempfile.TemporaryDirectory() as folder:
        command = [str(BIN / "maturin"), "sdist", "--out", folder]
        run(command, {**os.environ, "SOURCE_DATE_EPOCH": time})
        (made,) = Path(folder).glob("*.tar.gz")
        given.out.mkdir(parents=True, exist_ok=True)
        place = given.out / made.name
        place.write_bytes(made.read_bytes())
    run([str(BIN / "twine"), "check", "--strict", str(place)], dict(os.environ))
    with tempfile.TemporaryDirectory() as folder:
        build(place, Path(folder))
    say(f"{place.name}: {place.stat().st_size:,} bytes, SHA-256 {sha256(place.read_bytes())}")


def build(sdist: Path, folder: Path) -> None:
    """Unpacks it, lays the crates beside it, and builds and loads it without a network."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.glob("libe2ee-*")
    (tree / ".cargo").mkdir()
    vendored = subprocess.run(
        ["cargo", "vendor", "vendor"], cwd=tree, check=False, capture_output=True, text=True
    )
    if vendored.returncode != 0:
        sys.exit(vendored.stderr)
    (tree / ".cargo/config.toml").write_text(vendored.stdout, encoding="utf-8")
    (folder / "cargo").mkdir()
    venv.create(folder / "venv", with_pip=True)
    own = {**os.environ, "CARGO_HOME": str(folder / "cargo"), "CARGO_NET_OFFLINE": "true"}
    own |= {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PIP_NO_INDEX": "1"}
    # The shims of rustup look beside cargo's home for the toolchains.
    own["RUSTUP_HOME"] = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run([*alone(), *words, "--wheel-dir", str(folder), str(tree)], own, folder)
    (wheel,) = folder.glob("*.whl")
    python = str(folder / "venv/bin/python")
    run([*alone(), python, "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], own, folder)
    run([*alone(), python, "-c", USED], own, folder)


def alone() -> tuple[str, ...]:
    """What stands before a program that must not reach the network."""
    if subprocess.run([*ALONE, "true"], check=False, capture_output=True).returncode == 0:
        return ALONE
    say("this system makes no network namespace: cargo and pip are only told to stay offline")
    return ()


if __name__ == "__main__":
    main()
