# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee.build()`, and `e2ee verify-install` with lists that agree with what is loaded or do not."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import e2ee
from e2ee._build import Verdict, verify
from tests.cli.people import run

RELEASE = "libe2ee-0.1.0-cp311-abi3-manylinux_2_28_x86_64"
PACKAGE = Path(e2ee.__file__).parent
EXTENSION = f"{RELEASE}/e2ee/{e2ee.build().extension.name}"


def listed(release: str = RELEASE) -> dict[str, str]:
    """The hashes of a release that has just what is installed here, by the names in the list."""
    files = (each for each in PACKAGE.rglob("*") if each.is_file())
    return {
        f"{release}/e2ee/{each.relative_to(PACKAGE).as_posix()}": sha256(each)
        for each in files
        if "__pycache__" not in each.parts
    }


def sha256(place: Path) -> str:
    """The hash of a file, in hexadecimal."""
    return hashlib.sha256(place.read_bytes()).hexdigest()


def written(files: dict[str, str]) -> str:
    """A list as `sha256sum` prints it."""
    return "".join(f"{digest}  {name}\n" for name, digest in files.items())


def test_a_build_names_the_loaded_file_and_its_hash() -> None:
    built = e2ee.build()

    assert built.sha256 == sha256(built.extension)
    assert built.version == e2ee.__version__


def test_a_build_says_what_it_was_compiled_by_and_for() -> None:
    built = e2ee.build()

    assert re.fullmatch(r"\w+-\w+-\w+(-\w+)?", built.target)
    assert built.compiler.startswith("rustc ")


def test_what_is_installed_is_found_among_releases() -> None:
    other = dict.fromkeys(listed(RELEASE.replace("x86_64", "aarch64")), "0" * 64)

    assert verify(written(other | listed())) == Verdict(RELEASE, ())


def test_an_extension_that_nobody_published_is_found() -> None:
    verdict = verify(written(listed() | {EXTENSION: "0" * 64}))

    assert verdict == Verdict(None, ())
    assert not verdict.is_published


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.update({f"{RELEASE}/e2ee/account.py": "0" * 64}),
        lambda files: files.pop(f"{RELEASE}/e2ee/account.py"),
    ],
    ids=["changed", "too many"],
)
def test_a_file_that_is_not_the_release_s_is_named(
    change: Callable[[dict[str, str]], object],
) -> None:
    files = listed()
    change(files)

    assert verify(written(files)) == Verdict(RELEASE, ("e2ee/account.py",))


def test_a_file_that_is_missing_is_named() -> None:
    files = listed() | {f"{RELEASE}/e2ee/gone.py": "0" * 64}

    assert verify(written(files)) == Verdict(RELEASE, ("e2ee/gone.py",))


@pytest.mark.parametrize(
    "text", ["", "nothing\n", f"{'0' * 63}  a/e2ee/b\n", f"{'0' * 64}  a.whl\n"]
)
def test_a_text_that_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        verify(text)


def test_the_command_accepts_what_was_published(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(written(listed()))

    shown = run("verify-install", str(tmp_path / "list"), "--json")

    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["release"] == RELEASE


def test_the_command_refuses_an_unknown_extension(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(written(listed() | {EXTENSION: "0" * 64}))

    shown = run("verify-install", str(tmp_path / "list"))

    assert shown.exit_code == 1
    assert "of no listed release" in shown.stderr


def test_the_command_names_a_changed_file(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(written(listed() | {f"{RELEASE}/e2ee/group.py": "0" * 64}))

    shown = run("verify-install", str(tmp_path / "list"))

    assert shown.exit_code == 1
    assert "e2ee/group.py" in shown.stdout
