# SPDX-License-Identifier: MIT OR Apache-2.0
"""How the operator tries what works on many messages, and what waits for a carrier."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from e2ee import signal
from tests.properties import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import e2ee
    from tests.operator.attempts import Act, Operator


def queued(account: e2ee.Account, peer: str, blob: bytes) -> object:
    """Queues a blob, and takes what waits then."""
    return account.queue(peer, blob), account.outbox()


MANY: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "Account.decrypt_many": lambda o: o.account_acts(lambda a, p, b: a.decrypt_many([(p, b)])),
    "Account.encrypt_many": lambda o: o.account_acts(lambda a, p, b: a.encrypt_many([(p, b)])),
    "Account.queue": lambda o: o.account_acts(queued),
    "Account.queue_many": lambda o: o.account_acts(lambda a, p, b: a.queue_many([(p, b)])),
    "Account.receive_many": lambda o: o.account_acts(lambda a, p, b: a.receive_many([(p, b)])),
    "SenderKeys.decrypt_many": lambda o: (
        partial(lambda b: o.sender_keys(o.state_key).decrypt_many([b]).release(), blob)
        for blob in o.messages()
    ),
    "Session.decrypt_many": lambda o: (
        partial(lambda k, b: o.session().decrypt_many([(k, b)]).release(), kind, blob)
        for kind in (wire.RATCHET, wire.PREKEY)
        for blob in o.messages()
    ),
    "encrypt_many": lambda o: o.value_acts(
        lambda b: signal.encrypt_many([(o.session(), b)]).release()
    ),
}
