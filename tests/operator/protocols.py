# SPDX-License-Identifier: MIT OR Apache-2.0
"""The other protocols, joined: what their owner is shown, and how the operator tries them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.operator.matrix import MATRIX, of_all_of_matrix
from tests.operator.megolm import MEGOLM
from tests.operator.mtproto import MTPROTO, of_mtproto
from tests.operator.olm import OLM
from tests.operator.secret_chats import SECRET_CHATS, of_secret_chats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.operator.attempts import Act, Operator
    from tests.operator.owner import Shown

#: For every public callable that takes bytes, how the operator tries it.
PROTOCOLS: dict[str, Callable[[Operator], Iterator[Act]]] = (
    MATRIX | MEGOLM | MTPROTO | OLM | SECRET_CHATS
)


def of_protocols() -> Shown:
    """Each attribute and method, with what it returns."""
    return of_all_of_matrix() | of_mtproto() | of_secret_chats()
