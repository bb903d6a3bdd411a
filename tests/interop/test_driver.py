# SPDX-License-Identifier: MIT OR Apache-2.0
"""The program that talks with the reference client, as far as it can be tested without it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.interop import bundle, install, padding, protobuf, run
from tests.interop.figures import Figures
from tests.interop.parties import Ours, Who
from tests.interop.scenarios import SCENARIOS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("reusable", [False, True])
def test_a_bundle_survives_as_fields(*, reusable: bool) -> None:
    made = Ours(Who.of_name("alice", 3)).bundle(reusable=reusable)

    fields = bundle.to_fields(made)

    assert bundle.from_fields(fields) == made
    assert fields["device"] == 3
    assert (fields["oneTime"] is None) is reusable


@pytest.mark.parametrize("length", [0, 1, 78, 79, 80, 159, 160, 161])
@pytest.mark.parametrize("block", padding.BLOCKS)
def test_padding_is_that_of_applications(length: int, block: int) -> None:
    content = bytes([1]) * length

    padded = padding.pad(content, block=block)

    assert len(padded) % block == block - 1
    assert len(padded) - length <= block
    assert padding.unpad(padded) == (padding.DIRECT, content)


def test_only_zeros_are_no_padding() -> None:
    with pytest.raises(ValueError, match="no boundary"):
        padding.unpad(bytes(79))


def test_a_message_says_where_its_fields_stand() -> None:
    message = protobuf.write([(1, 300), (2, b"key"), (16, 0)])

    assert [(each.number, message[each.start : each.end]) for each in protobuf.read(message)] == [
        (1, b"\xac\x02"),
        (2, b"key"),
        (16, b"\0"),
    ]


@pytest.mark.parametrize("message", [b"\x08", b"\x08\x80", b"\x12\x02a", b"\x0b", b"\x09abc"])
def test_a_broken_message_is_no_message(message: bytes) -> None:
    with pytest.raises(ValueError, match="a "):
        protobuf.read(message)


def test_plain_names_stand_on_the_wire_as_our_accounts_map_them() -> None:
    alice, bob = Ours(Who.of_name("alice")), Ours(Who.of_name("bob"))
    bundle_of_alice = alice.account.bundle()

    by_name = bob.account.safety_number(alice.who.name, bundle=bundle_of_alice)
    by_service = bob.account.safety_number(alice.who.service, bundle=bundle_of_alice)

    assert by_name == by_service


def test_a_kind_that_was_not_counted_is_missing() -> None:
    figures = Figures()
    figures.opened["ratchet", "ours to theirs"] = 1
    figures.checked["resets"] = 1

    missing = figures.missing(["ratchet"], ["resets", "new identities"])

    assert missing == ["ratchet, theirs to ours", "new identities"]


def test_every_kind_of_conversation_says_what_it_must_count() -> None:
    nothing = run.Run(1, list(SCENARIOS), 20).missing()

    for scenario in SCENARIOS.values():
        assert {f"{kind}, ours to theirs" for kind in scenario.messages} <= set(nothing)
        assert set(scenario.checks) <= set(nothing)


def test_an_archive_that_was_exchanged_is_found() -> None:
    empty = (
        "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
    )
    package = install.Package("empty", "1.0.0", empty)

    assert install.matches(b"", package)
    assert not install.matches(b"", replace(package, sha512=empty.replace("z4", "z5")))


def test_packages_are_pinned_to_one_archive() -> None:
    for package in install.PACKAGES:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package.version)
        assert len(package.sha512) == 88


def test_without_node_the_program_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert run.main(["--optional"]) == 0
    assert run.main([]) == 1
    assert capsys.readouterr().out == "interop: left out: node is not installed\n" * 2
