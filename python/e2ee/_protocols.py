# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which protocol an account speaks, and what only one of them has (docs/architecture.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from e2ee import _core
from e2ee.errors import InvalidArgumentError

if TYPE_CHECKING:
    from e2ee.store import Transaction
    from e2ee.values import Address

#: The core's account, of either protocol.
Core: TypeAlias = "_core.Account | _core.OlmStoredAccount"
ProtocolName: TypeAlias = Literal["signal", "olm"]


def created(
    protocol: str, secret: _core.StoreSecret, transaction: Transaction, owner: Address
) -> _core.Step[Any]:
    """The step that makes an account."""
    if protocol == "signal":
        return _core.Account.create(secret, transaction, owner)
    if protocol == "olm":
        return _core.OlmStoredAccount.create(secret, transaction, owner)
    raise InvalidArgumentError("the protocol is signal or olm")


def name_of(core: Core) -> ProtocolName:
    """The protocol of an account."""
    return "signal" if isinstance(core, _core.Account) else "olm"


def signal_of(core: Core) -> _core.Account:
    """The account, for what only Signal's protocol has."""
    if not isinstance(core, _core.Account):
        raise InvalidArgumentError(
            "an account of Olm has no prekey uploads of Signal's, no sealed senders, "
            "safety numbers, repairs or resets"
        )
    return core


def olm_of(core: Core) -> _core.OlmStoredAccount:
    """The account, for what only Matrix has."""
    if not isinstance(core, _core.OlmStoredAccount):
        raise InvalidArgumentError("only an account of Olm has keys to publish for Matrix")
    return core
