# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a wheel says about what is inside it: a bill of materials, and the licences of others.

The bill is CycloneDX 1.6 in JSON, at `sboms/` in the wheel's own folder (PEP 770). Both follow
from `Cargo.lock` and the crates' own files alone: no time, no random number and no path of a
machine is in them, so that two builds give the same bytes.
"""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.crates import EXTENSION, ROOT, Crate, checksums, crates

SBOM = "sboms/e2ee.cyclonedx.json"
LICENCES = "licenses/THIRD-PARTY"
#: What a crate under several licences is used under here, the first that it has a text of.
CHOSEN = ("LICENSE-MIT", "LICENSE", "LICENSE-APACHE", "COPYING", "UNLICENSE")
#: Texts that hold beside the chosen one.
BESIDE = ("LICENSE-UNICODE", "NOTICE")
HEAD = """\
What others have written and is linked into this package, with its licences. Where a licence is
at choice, it is the one given here.

rust-std: the Rust Project Contributors; Apache-2.0, in LICENSE-APACHE beside this file.
"""
RULE = "\n" + "-" * 72 + "\n"


def notices(target: str) -> dict[str, bytes]:
    """The files that belong into the wheel for a target, by their places in its own folder."""
    found = crates(target)
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    bill = bill_of_materials(found, checksums(lock), compiler())
    text = json.dumps(bill, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return {SBOM: text.encode(), LICENCES: licences(found).encode()}


def compiler() -> str:
    """The version of the compiler, whose standard library is linked in."""
    told = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout
    return told.split()[1]


def bill_of_materials(
    found: Iterable[Crate], sums: dict[tuple[str, str], str], rust: str
) -> dict[str, Any]:
    """The bill as CycloneDX has it: what is linked is `required`, what only builds `excluded`."""
    several = list(found)
    (root,) = (crate for crate in several if crate.name == EXTENSION)
    library = f"pkg:generic/rust-std@{rust}"
    component: dict[str, Any] = {
        "bom-ref": library,
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "name": "rust-std",
        "purl": library,
        "scope": "required",
        "type": "library",
        "version": rust,
    }
    others = [_component(crate, sums) for crate in several if crate is not root]
    return {
        "bomFormat": "CycloneDX",
        "components": [*others, component],
        "dependencies": [_dependency(crate, root, library) for crate in several],
        "metadata": {"component": {**_component(root, sums), "scope": "required"}},
        "specVersion": "1.6",
        "version": 1,
    }


def _component(crate: Crate, sums: dict[tuple[str, str], str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "bom-ref": crate.purl,
        "licenses": [{"expression": crate.licence}],
        "name": crate.name,
        "scope": "required" if crate.linked else "excluded",
        "type": "library",
        "version": crate.version,
    }
    if not crate.ours:
        found["purl"] = crate.purl
        found["hashes"] = [{"alg": "SHA-256", "content": sums[crate.name, crate.version]}]
    return found


def _dependency(crate: Crate, root: Crate, library: str) -> dict[str, Any]:
    needs = [*crate.needs, library] if crate is root else list(crate.needs)
    return {"dependsOn": needs, "ref": crate.purl} if needs else {"ref": crate.purl}


def licences(found: Iterable[Crate]) -> str:
    """The texts under which what is linked in is used; crates under one text share it."""
    under: dict[str, list[Crate]] = {}
    for crate in found:
        if crate.linked and not crate.ours:
            under.setdefault(_text(crate.folder), []).append(crate)
    parts = [HEAD]
    for text, several in sorted(under.items(), key=lambda each: each[1][0].purl):
        heads = "".join(f"{crate.name} {crate.version}: {crate.licence}\n" for crate in several)
        beside = "Apache-2.0, in LICENSE-APACHE beside this file.\n"
        authors = sorted({author.split(" <")[0] for crate in several for author in crate.authors})
        parts.append(heads + "\n" + (text or f"{', '.join(authors)}; {beside}"))
    return RULE.join(parts)


def _text(folder: Path) -> str:
    """The chosen licence and what holds beside it, or nothing where the crate has no text."""
    names = [next((name for name in CHOSEN if (folder / name).is_file()), ""), *BESIDE]
    places = [folder / name for name in names if name]
    return "\n".join(
        place.read_text(encoding="utf-8").replace("\r\n", "\n")
        for place in places
        if place.is_file()
    )
