# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whom an account trusts, and how a person changes that (signal.md §11; docs/threats.md).

These functions are methods of `e2ee.Account`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2ee._given import address_of, encoded_of
from e2ee._protocols import signal_of
from e2ee.errors import SafetyNumberMismatchError
from e2ee.values import PreKeyBundle, SafetyNumber

if TYPE_CHECKING:
    from e2ee import _core
    from e2ee.account import Account
    from e2ee.store import Transaction
    from e2ee.values import Address


def safety_number(
    self: Account, peer: Address | str, *, bundle: PreKeyBundle | bytes | None = None
) -> SafetyNumber:
    """What to compare with a peer: under the trusted identity, or the bundle's.

    Raises:
        NoSessionError: The peer is not known, and no bundle is given.
    """
    whom, encoded = address_of(peer), None if bundle is None else encoded_of(bundle)
    core = signal_of(self._inner)
    return SafetyNumber.from_scannable(
        self._commits.read(lambda inside: core.safety_number(inside, whom, encoded))
    )


def verify(  # noqa: D417 (self is the account)
    self: Account,
    peer: Address | str,
    code: SafetyNumber | str | bytes,
    *,
    bundle: PreKeyBundle | bytes | None = None,
) -> None:
    """Marks a peer as verified, if the code that they gave in person is ours too.

    With a bundle, its identity is trusted from now on and a session is started with it.

    Args:
        peer: Who gave the code.
        code: The digits, of which spaces and line breaks do not matter, or the bytes that the
            camera read from the peer's QR code.
        bundle: The peer's bundle, if their identity is new.

    Raises:
        SafetyNumberMismatchError: The code is another one. Nothing has changed.
        SafetyNumberVersionError: The scanned code is of another version. Nothing has changed.
        MalformedMessageError: The scanned bytes are no safety number.
        NoSessionError: The peer is not known, and no bundle is given.
    """
    whom, encoded = address_of(peer), None if bundle is None else encoded_of(bundle)
    core = signal_of(self._inner)
    given = SafetyNumber("".join(code.split())) if isinstance(code, str) else code

    def work(inside: Transaction) -> _core.Step[None]:
        ours = SafetyNumber.from_scannable(core.safety_number(inside, whom, encoded))
        same = ours.compare(given) if isinstance(given, bytes) else given == ours
        if not same:
            raise SafetyNumberMismatchError("the safety numbers differ")
        if encoded is None:
            return core.mark_verified(inside, whom)
        return core.accept_identity(inside, whom, encoded, verified=True)

    self._commits.write(work)


def accept_identity(self: Account, peer: Address | str, bundle: PreKeyBundle | bytes) -> None:
    """Trusts the identity of a bundle instead of the one before, and starts a session with it.

    Sessions under the identity before neither send nor receive any more.
    """
    whom, encoded, core = address_of(peer), encoded_of(bundle), signal_of(self._inner)
    self._commits.write(lambda inside: core.accept_identity(inside, whom, encoded, verified=False))
