# SPDX-License-Identifier: MIT OR Apache-2.0
"""A copy of our extension without wiping and without comparisons in constant time.

It is made for one measurement and never installed: `benches/hardening.py` runs it beside the real
one. The patch is textual, and each place must be there exactly as often as it says, so that a copy
which is still hardened is not taken for one that is not. Wiping inside C code (AWS-LC) stays.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Ignored by git; kept, so that a second run builds little.
FOLDER = ROOT / ".benchmarks" / "unhardened"
COPIED = ("rust", "tests/conformance", "python", "Cargo.toml", "Cargo.lock")
#: Crates whose copies are patched: all wiping, and the barriers of comparisons, go through them.
CRATES = ("zeroize", "subtle")


@dataclass(frozen=True, slots=True)
class Change:
    """A text in a file, and what stands there instead."""

    path: str
    old: str
    new: str
    count: int = 1


CHANGES = (
    Change(
        "zeroize/src/bulk.rs",
        "fn fill_slice<T: Copy>(dst: &mut [T], src: T) {\n",
        "fn fill_slice<T: Copy>(dst: &mut [T], src: T) {\n    if true { return; }\n",
    ),
    Change(
        "zeroize/src/bulk.rs",
        "fn zeroize_byte_ptr(dst: *mut u8, len: usize) {\n",
        "fn zeroize_byte_ptr(dst: *mut u8, len: usize) {\n    if true { return; }\n",
    ),
    Change("zeroize/src/lib.rs", "ptr::write_volatile(dst, src)", "let _ = (dst, src);"),
    Change("zeroize/src/lib.rs", "ptr::write_volatile(self, MaybeUninit::zeroed())", ""),
    Change("subtle/src/lib.rs", "core::ptr::read_volatile(&input)", "input"),
    Change(
        "subtle/src/lib.rs",
        "#[inline(never)]\nfn black_box<T",
        "#[inline(always)]\nfn black_box<T",
    ),
    Change("rust/primitives/src/secret.rs", "self.0.ct_eq(&other.0).into()", "self.0 == other.0"),
    Change("rust/primitives/src/hmac.rs", "start.ct_eq(tag).into()", "start == tag"),
    Change(
        "rust/primitives/src/hmac.rs", "self.value().ct_eq(tag).into()", "self.value()[..] == *tag"
    ),
    Change(
        "rust/primitives/src/xeddsa.rs",
        "bool::from(expected.ct_eq(commitment))",
        "expected == *commitment",
    ),
)


def build() -> Path:
    """Copies, patches and builds; gives the folder to import `e2ee` from."""
    _copy()
    _patch()
    environment = os.environ | {
        "CARGO_TARGET_DIR": str(FOLDER / "target"),
        "PYO3_PYTHON": sys.executable,
        "PYO3_BUILD_EXTENSION_MODULE": "1",
        # What the patch leaves unused is no fault.
        "RUSTFLAGS": "--cap-lints=allow",
    }
    command = ["cargo", "build", "--quiet", "--release", "-p", "e2ee-extension", "--lib"]
    subprocess.run(command, cwd=FOLDER / "tree", env=environment, check=True)  # noqa: S603
    package = FOLDER / "tree" / "python" / "e2ee"
    shutil.copyfile(FOLDER / "target/release/lib_core.so", package / "_core.abi3.so")
    return package.parent


def _copy() -> None:
    tree = FOLDER / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for name in COPIED:
        source, target = ROOT / name, tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("*.so", "__pycache__")
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copyfile(source, target)
    for name, source in _crate_folders().items():
        shutil.copytree(source, tree / name)
    patches = "\n".join(f'{name} = {{ path = "{name}" }}' for name in CRATES)
    with (tree / "Cargo.toml").open("a", encoding="utf-8") as manifest:
        manifest.write(f"\n[patch.crates-io]\n{patches}\n")


def _crate_folders() -> dict[str, Path]:
    """Where cargo keeps the sources of the crates to patch, in the versions of the lock file."""
    command = ["cargo", "metadata", "--format-version=1", "--locked"]
    answer = subprocess.run(  # noqa: S603 - cargo
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    packages = json.loads(answer.stdout)["packages"]
    found = {
        package["name"]: Path(package["manifest_path"]).parent
        for package in packages
        if package["name"] in CRATES
    }
    assert found.keys() == {*CRATES}, "a crate to patch is no dependency any more"
    return found


def _patch() -> None:
    for change in CHANGES:
        path = FOLDER / "tree" / change.path
        text = path.read_text(encoding="utf-8")
        if text.count(change.old) != change.count:
            sys.exit(f"{change.path} has changed: the patch does not fit: {change.old}")
        path.write_text(text.replace(change.old, change.new), encoding="utf-8")
