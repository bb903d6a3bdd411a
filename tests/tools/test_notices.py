# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a wheel says of its inside: what is linked, and its licences, with no machine in it."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools.crates import Crate, crates, duplicates, read
from tools.notices import LICENCES, SBOM, bill_of_materials, licences, notices
from tools.wheels import hashes, sha256

TARGET = "x86_64-unknown-linux-gnu"


def package(name: str, kind: str = "lib") -> dict[str, Any]:
    """A made-up package, as `cargo metadata` lists it."""
    return {
        "id": name,
        "name": name,
        "version": "1.0.0",
        "license": "MIT/Apache-2.0",
        "description": None,
        "authors": [],
        "repository": None,
        "manifest_path": f"/{name}/Cargo.toml",
        "source": None if name == "e2ee-extension" else "registry",
        "targets": [{"kind": [kind]}],
    }


def node(name: str, **kinds: str | None) -> dict[str, Any]:
    """What a made-up package depends on, and as what."""
    deps = [
        {"pkg": other, "dep_kinds": [{"kind": None if kind == "normal" else kind}]}
        for other, kind in kinds.items()
    ]
    return {"id": name, "deps": deps}


def metadata() -> dict[str, Any]:
    """An extension that links `cipher`, built by `cc` and `derive`, tested by `check`."""
    packages = [package(name) for name in ("e2ee-extension", "cipher", "cc", "quote", "check")]
    nodes = [
        node("e2ee-extension", cipher="normal", derive="normal", cc="build", check="dev"),
        node("derive", quote="normal"),
        *(node(name) for name in ("cipher", "cc", "quote", "check")),
    ]
    return {
        "packages": [*packages, package("derive", "proc-macro")],
        "resolve": {"nodes": nodes},
    }


def crate(name: str, folder: Path) -> Crate:
    """A made-up crate that is linked."""
    return Crate(name, "1.0.0", "MIT", "", ("Ada <a@b>",), "", folder, False, True, ())  # noqa: FBT003 (fields in their order)


def test_what_only_builds_is_not_linked() -> None:
    found = {each.name: each.linked for each in read(metadata())}

    assert found == {
        "cc": False,
        "cipher": True,
        "derive": False,
        "e2ee-extension": True,
        "quote": False,
    }


def test_an_old_way_to_write_a_choice_is_read() -> None:
    assert {each.licence for each in read(metadata())} == {"MIT OR Apache-2.0"}


def test_the_bill_lists_every_crate_with_its_hash() -> None:
    found = read(metadata())
    sums = {(each.name, each.version): "0" * 64 for each in found}

    bill = bill_of_materials(found, sums, "1.95.0")

    scopes = {each["name"]: each["scope"] for each in bill["components"]}
    assert scopes == {
        "cc": "excluded",
        "cipher": "required",
        "derive": "excluded",
        "quote": "excluded",
        "rust-std": "required",
    }
    (cipher,) = (each for each in bill["components"] if each["name"] == "cipher")
    assert cipher["hashes"] == [{"alg": "SHA-256", "content": "0" * 64}]


def test_every_reference_of_the_bill_leads_somewhere() -> None:
    bill = json.loads(notices(TARGET)[SBOM])

    places = {each["bom-ref"] for each in [*bill["components"], bill["metadata"]["component"]]}
    named = {
        each for one in bill["dependencies"] for each in [one["ref"], *one.get("dependsOn", [])]
    }
    assert named <= places


def test_every_linked_crate_has_its_licence() -> None:
    text = notices(TARGET)[LICENCES].decode()

    linked = [each for each in crates(TARGET) if each.linked and not each.ours]
    assert any(each.name == "aws-lc-sys" for each in linked)
    assert [each.name for each in linked if f"\n{each.name} {each.version}: " not in text] == []


def test_crates_under_one_text_share_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "LICENSE-MIT").write_text("Copyright Ada\n")

    text = licences([crate("one", tmp_path / "one"), crate("two", tmp_path / "two")])

    assert text.count("Copyright Ada") == 1
    assert "one 1.0.0: MIT\ntwo 1.0.0: MIT\n" in text


def test_a_crate_without_a_text_is_named_with_its_authors(tmp_path: Path) -> None:
    assert "\nbare 1.0.0: MIT\n\nAda; Apache-2.0, in" in licences([crate("bare", tmp_path)])


@pytest.mark.parametrize("name", [SBOM, LICENCES])
def test_a_notice_names_no_machine_and_is_always_the_same(name: str) -> None:
    told = notices(TARGET)[name]

    assert str(Path.home()).encode() not in told
    assert told == notices(TARGET)[name]


def test_two_versions_in_a_lock_are_seen() -> None:
    entry = '[[package]]\nname = "twin"\nversion = "{}"\n'

    assert duplicates(entry.format("1.0.0") + entry.format("2.0.0")) == {"twin": ("1.0.0", "2.0.0")}


def test_the_list_of_hashes_is_that_of_sha256sum(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as content:
        content.writestr("e2ee/a.py", b"1")
        content.writestr("a-1.dist-info/RECORD", b"")

    listed = hashes([wheel])

    whole = f"{sha256(wheel.read_bytes())}  {wheel.name}\n"
    assert listed == f"{whole}{sha256(b'1')}  a-1-py3-none-any/e2ee/a.py\n"
