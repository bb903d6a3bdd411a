# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee.olm.Pickles` over the C library: the same names, arguments, results and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tests.capi import olm
from tests.capi.objects import Handle, StateKey, ffi, lib, text

if TYPE_CHECKING:
    from collections.abc import Sequence


class Pickles(Handle):
    """Reads and writes the states of libolm or vodozemac under one pickle key."""

    ctype = "e2ee_olm_pickles"

    @classmethod
    def libolm(cls, key: bytes) -> Self:
        """Those of libolm."""
        return cls.made(lambda place: lib.e2ee_olm_pickles_libolm(key, len(key), place))

    @classmethod
    def vodozemac(cls, key: bytes) -> Self:
        """Those of vodozemac."""
        return cls.made(lambda place: lib.e2ee_olm_pickles_vodozemac(key, len(key), place))

    def read_account(self, pickle: str) -> olm.Account:
        """An account."""
        given = text(pickle)
        return olm.Account.made(
            lambda place: lib.e2ee_olm_pickles_read_account(self.pointer, *given, place)
        )

    def write_account(self, account: olm.Account) -> str:
        """The pickle of an account."""
        return self._written(lib.e2ee_olm_pickles_write_account, account)

    def read_session(
        self, key: StateKey, account: olm.Account, their_identity_key: bytes, pickle: str
    ) -> olm.Session:
        """A session between our account and the owner of the other identity key."""
        given = their_identity_key, len(their_identity_key), *text(pickle)
        return olm.Session.made(
            lambda place: lib.e2ee_olm_pickles_read_session(
                self.pointer, key.pointer, account.pointer, *given, place
            )
        )

    def write_session(self, session: olm.Session) -> str:
        """The pickle of a session, which is stale from then on."""
        return self._written(lib.e2ee_olm_pickles_write_session, session)

    def read_outbound(self, key: StateKey, pickle: str) -> olm.OutboundGroupSession:
        """An outbound group session."""
        given = text(pickle)
        return olm.OutboundGroupSession.made(
            lambda place: lib.e2ee_olm_pickles_read_outbound(
                self.pointer, key.pointer, *given, place
            )
        )

    def write_outbound(self, session: olm.OutboundGroupSession) -> str:
        """The pickle of an outbound group session, which is stale from then on."""
        return self._written(lib.e2ee_olm_pickles_write_outbound, session)

    def read_inbound(
        self, key: StateKey, pickle: str, *, opened: Sequence[tuple[int, str]] = ()
    ) -> olm.InboundGroupSession:
        """An inbound group session, which knows what was opened elsewhere."""
        given, (array, _kept) = text(pickle), opened_of(opened)
        return olm.InboundGroupSession.made(
            lambda place: lib.e2ee_olm_pickles_read_inbound(
                self.pointer, key.pointer, *given, array, len(opened), place
            )
        )

    def write_inbound(self, session: olm.InboundGroupSession) -> str:
        """The pickle of an inbound group session."""
        return self._written(lib.e2ee_olm_pickles_write_inbound, session)

    def _written(self, function: Any, state: Handle) -> str:
        return self.output(function, state.pointer).decode()


def opened_of(opened: Sequence[tuple[int, str]]) -> tuple[Any, object]:
    """Opened messages as C takes them, and what they point to."""
    array, kept = ffi.new("e2ee_olm_opened[]", max(1, len(opened))), []
    for each, (index, event_id) in zip(array, opened, strict=False):
        given = text(event_id)
        each.index, (each.event_id, each.event_id_len) = index, given
        kept.append(given)
    return array, kept
