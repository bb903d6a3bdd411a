# SPDX-License-Identifier: MIT OR Apache-2.0
"""The C library under the machines of the Python package, alone and with Python at one end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import settings

import e2ee
from e2ee import olm as python_olm
from e2ee import signal as python_signal
from tests.capi import olm, signal
from tests.properties.standalone import StandaloneMachine
from tests.properties.test_olm import OlmMachine

if TYPE_CHECKING:
    from collections.abc import Mapping

FEWER = settings(max_examples=settings().max_examples // 5)
GROUP = UUID(int=0xD1 << 96)
KEY = bytes(range(32))
CORNERS = pytest.mark.parametrize(
    ("writer", "reader"), [("python", "c"), ("c", "python"), ("c", "c")]
)
SIGNAL: Mapping[str, Any] = {"python": python_signal, "c": signal}
OLM: Mapping[str, Any] = {"python": python_olm, "c": olm}


class SignalInC(StandaloneMachine):
    """Both ends are C's."""

    apis: ClassVar[dict[str, Any]] = {"alice": signal, "bob": signal}


class SignalFromPython(StandaloneMachine):
    """Python starts, C answers."""

    apis: ClassVar[dict[str, Any]] = {"alice": python_signal, "bob": signal}


class SignalFromC(StandaloneMachine):
    """C starts, Python answers."""

    apis: ClassVar[dict[str, Any]] = {"alice": signal, "bob": python_signal}


class OlmInC(OlmMachine):
    """Both ends are C's."""

    apis: ClassVar[dict[str, Any]] = {"alice": olm, "bob": olm}


class OlmFromPython(OlmMachine):
    """Python starts, C answers."""

    apis: ClassVar[dict[str, Any]] = {"alice": python_olm, "bob": olm}


class OlmFromC(OlmMachine):
    """C starts, Python answers."""

    apis: ClassVar[dict[str, Any]] = {"alice": olm, "bob": python_olm}


MACHINES = (SignalInC, SignalFromPython, SignalFromC, OlmInC, OlmFromPython, OlmFromC)
TestSignalInC = SignalInC.TestCase
TestSignalFromPython = SignalFromPython.TestCase
TestSignalFromC = SignalFromC.TestCase
TestOlmInC = OlmInC.TestCase
TestOlmFromPython = OlmFromPython.TestCase
TestOlmFromC = OlmFromC.TestCase
for machine in MACHINES:
    machine.TestCase.settings = FEWER


@CORNERS
def test_a_group_of_signal_reads_its_writer(writer: str, reader: str) -> None:
    own = SIGNAL[writer].SenderKey.create(SIGNAL[writer].StateKey(KEY), GROUP)
    key, sender = SIGNAL[reader].StateKey(KEY), e2ee.Address("alice")
    others = SIGNAL[reader].SenderKeys(key, sender, GROUP)
    saved = others.accept(own.distribution()).writes
    loaded = SIGNAL[reader].SenderKeys.load(
        key, sender, GROUP, [saved[part] for part in ("head", "skipped")]
    )
    messages = [own.encrypt(b"message %d" % number).release() for number in range(20)]

    opened = [loaded.decrypt(message).release() for message in reversed(messages)]

    assert [b"message %d" % number for number in reversed(range(20))] == opened
    with pytest.raises(e2ee.DuplicateMessageError):
        loaded.decrypt(messages[3])


@CORNERS
def test_a_room_of_megolm_reads_its_writer(writer: str, reader: str) -> None:
    own = OLM[writer].OutboundGroupSession.create(OLM[writer].StateKey(KEY))
    key = OLM[reader].StateKey(KEY)
    others, step = OLM[reader].InboundGroupSession.accept(key, own.session_key())
    saved = step.writes
    step.release()
    others = OLM[reader].InboundGroupSession.load(
        key, own.session_id, [saved[part] for part in ("head", "events")]
    )
    messages = [own.encrypt(b"message %d" % number).release() for number in range(20)]

    opened = [
        others.decrypt(message, f"$event{place}").release()
        for place, message in enumerate(messages)
    ]

    assert [(number, b"message %d" % number) for number in range(20)] == opened
    with pytest.raises(e2ee.DuplicateMessageError):
        others.decrypt(messages[3], "$other")
    assert own.session_id == others.session_id


@CORNERS
def test_a_state_is_the_same_in_both(writer: str, reader: str) -> None:
    there, here = SIGNAL[writer], SIGNAL[reader]
    device = there.Device.generate("alice", 1)
    revision, record = device.seal(there.StateKey(KEY))

    loaded = here.Device.load(here.StateKey(KEY), revision, record)

    assert device.identity_key == loaded.identity_key
