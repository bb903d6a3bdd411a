# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an import from another program's store shows to the owner of both, and its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2ee import matrix_stores, olm
from tests.api.recorded_stores import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2ee.matrix_stores import StoreImport
    from tests.operator.attempts import Act, Operator
    from tests.operator.owner import Shown

KEY = bytes(range(32))


def imported(folder: Path) -> StoreImport:
    """A recorded store, taken over."""
    folder.mkdir(exist_ok=True)
    return recorded("mautrix-0.21.1", folder).imported(olm.StateKey(KEY))


def of_moving(folder: Path) -> Shown:
    """Each attribute of what is imported; what holds keys, as it is printed."""
    found = imported(folder)
    device = found.devices[0]
    signing = device.cross_signing_keys[0]
    plain = (found.report, found.report.rows[0], device.known_devices[0], signing)
    holding = (found, device, device.received[0], device.sent[0])
    shown: Shown = {
        (type(value).__name__, name): getattr(value, name)
        for value in plain
        for name in dir(type(value))
        if not name.startswith("_")
    }
    return shown | {
        (type(value).__name__, name): repr(getattr(value, name))
        for value in holding
        for name in dir(type(value))
        if not name.startswith("_")
    }


def holding(value: bytes) -> matrix_stores.ImportedDevice:
    """A device that holds nothing, with others whose keys are a blob."""
    empty: frozenset[str] = frozenset()
    device = matrix_stores.KnownDevice("@bob", "B", value, value, "", "unset", is_deleted=False)
    return matrix_stores.ImportedDevice(
        user_id="@alice",
        device_id="A",
        account=None,
        is_published=False,
        sessions={value: ()},
        received=(),
        sent=(),
        known_devices=(device,),
        cross_signing_keys=(),
        encrypted_rooms=empty,
        tracked_users=empty,
        sync_token=None,
    )


def received(operator: Operator, value: bytes) -> matrix_stores.ReceivedRoomKey:
    """A room key of the operator's own that is said to be somebody's."""
    own = olm.OutboundGroupSession.create(operator.state_key)
    session, step = olm.InboundGroupSession.accept(operator.state_key, own.session_key())
    step.release()
    return matrix_stores.ReceivedRoomKey(session, "!room", value, value, (value,))


#: For every public callable that takes bytes, how the operator tries it: they are values.
MOVING: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "ImportedDevice": lambda o: o.value_acts(holding),
    "KnownCrossSigningKey": lambda o: o.value_acts(
        lambda b: matrix_stores.KnownCrossSigningKey("@bob", "master", b, b)
    ),
    "KnownDevice": lambda o: o.value_acts(lambda b: holding(b).known_devices[0]),
    "ReceivedRoomKey": lambda o: o.value_acts(lambda b: received(o, b)),
}
