# SPDX-License-Identifier: MIT OR Apache-2.0
"""What clients of Telegram agree on: shown to its owner, and tried by the operator."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from e2ee import mtproto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.operator.attempts import Act, Operator
    from tests.operator.owner import Shown

#: A safe prime, which is proved anew each time.
PRIME = (2**2048 - 1942289).to_bytes(256)


def ends(group: mtproto.DhGroup) -> tuple[mtproto.Call, mtproto.Call]:
    """The two ends of a call."""
    calling = mtproto.CallOffer(group)
    called = mtproto.CallAnswer(group, calling.commitment)
    ours = calling.confirm(called.public_value)
    return ours, called.confirm(ours.caller_public_value, ours.fingerprint)


def of_mtproto() -> Shown:
    """Each attribute and method, with what it returns."""
    group = mtproto.DhGroup.from_server(2, PRIME)
    shown = {"DhGroup": {"g": group.g, "p": group.p, "from_server": repr(group)}}
    shown |= of_calls(group) | of_pictures()
    return {(kind, name): value for kind, all_of in shown.items() for name, value in all_of.items()}


def of_calls(group: mtproto.DhGroup) -> dict[str, dict[str, object]]:
    """What the ends of a call say and show."""
    offer, (ours, theirs) = mtproto.CallOffer(group), ends(group)
    answer = mtproto.CallAnswer(group, offer.commitment)
    packet = ours.seal(b"text")
    return {
        "CallOffer": {"commitment": offer.commitment, "confirm": repr(ours)},
        "CallAnswer": {"public_value": answer.public_value, "confirm": repr(theirs)},
        "Call": {
            "emoji": list(ours.emoji),
            "caller_public_value": ours.caller_public_value,
            "fingerprint": ours.fingerprint,
            "seal": packet,
            "open": theirs.open(packet),
        },
    }


def of_pictures() -> dict[str, dict[str, object]]:
    """The forms of a picture."""
    picture = mtproto.KeyPicture(bytes(range(36)))
    return {
        "KeyPicture": {
            "picture": picture.picture,
            "to_bytes": picture.to_bytes(),
            "from_bytes": repr(mtproto.KeyPicture.from_bytes(picture.to_bytes())),
            "hex_pairs": picture.hex_pairs(),
            "cells": list(picture.cells()),
            "png": picture.png(),
            "svg": picture.svg(),
            "terminal": picture.terminal(),
        }
    }


def of_a_call(act: Callable[[mtproto.Call, bytes], object]) -> Callable[[Operator], Iterator[Act]]:
    """Tries something with a call of the operator's own and every blob."""

    def tried(operator: Operator) -> Iterator[Act]:
        call, _ = ends(mtproto.DhGroup.from_server(2, PRIME))
        return operator.value_acts(lambda blob: act(call, blob))

    return tried


def answered(group: mtproto.DhGroup, blob: bytes) -> object:
    """What a callee says to a blob as commitment."""
    return mtproto.CallAnswer(group, blob).public_value


def offered(group: mtproto.DhGroup, blob: bytes) -> object:
    """What a caller says to a blob as public value."""
    return mtproto.CallOffer(group).confirm(blob).emoji


def confirmed(group: mtproto.DhGroup, blob: bytes) -> object:
    """What a callee says to a blob as public value that was committed to."""
    return mtproto.CallAnswer(group, hashlib.sha256(blob).digest()).confirm(blob, 0).emoji


def in_a_group(
    act: Callable[[mtproto.DhGroup, bytes], object],
) -> Callable[[Operator], Iterator[Act]]:
    """Tries something in a group and with every blob."""

    def tried(operator: Operator) -> Iterator[Act]:
        group = mtproto.DhGroup.from_server(2, PRIME)
        return operator.value_acts(lambda blob: act(group, blob))

    return tried


#: For every public callable that takes bytes, how the operator tries it.
MTPROTO: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "Call.open": of_a_call(lambda call, blob: call.open(blob)),
    "Call.seal": of_a_call(lambda call, blob: call.seal(blob)),
    "CallAnswer.__new__": in_a_group(answered),
    "CallAnswer.confirm": in_a_group(confirmed),
    "CallOffer.confirm": in_a_group(offered),
    "DhGroup.from_server": lambda o: o.value_acts(lambda b: mtproto.DhGroup.from_server(3, b).p),
    "KeyPicture": lambda o: o.value_acts(lambda b: mtproto.KeyPicture(b).svg()),
    "KeyPicture.from_bytes": lambda o: o.value_acts(
        lambda b: mtproto.KeyPicture.from_bytes(b).png()
    ),
}
