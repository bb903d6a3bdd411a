# SPDX-License-Identifier: MIT OR Apache-2.0
"""What was seen of a store (docs/storage.md, "Doctor"): no key, no plaintext.

Names only if they were asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, final

if TYPE_CHECKING:
    from datetime import timedelta

Severity: TypeAlias = Literal["damage", "stuck", "advice"]
Place: TypeAlias = Literal["current", "archived", "retired"]
Phase: TypeAlias = Literal["waiting", "initiated", "accepted"]

#: What the core says of a session whose records open; of a key that is replaced; of one-time keys.
OpenedRow: TypeAlias = tuple[
    Phase, int | None, bool, int | None, int | None, int, int | None, int | None
]
RotatedRow: TypeAlias = tuple[int | None, int, int]
PoolRow: TypeAlias = tuple[int, int]
StockRow: TypeAlias = tuple[RotatedRow, RotatedRow, PoolRow, PoolRow]
#: A secret chat: label, whether both ends have the first key, and numbers of messages.
ChatRow: TypeAlias = tuple[str, bool | None, tuple[int, int, int, int] | None]
#: The prekeys of an account of Signal's protocol, the one-time keys of one of Olm, secret chats.
StocksRow: TypeAlias = tuple[StockRow | None, tuple[int, int, int] | None, list[ChatRow]]
#: Records, peers, groups, prekeys, waiting messages, findings.
ExaminationRow: TypeAlias = tuple[
    list[tuple[str, int, int, int, int, set[int]]],
    list[tuple[str, bool, str, list[tuple[Place, OpenedRow | None]]]],
    list[tuple[str, int, list[str], int | None, list[tuple[str, bool, int | None]]]],
    StocksRow,
    tuple[int, int | None],
    list[tuple[Severity, str, str, str, str]],
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or that a person should know.

    - "damage": something is lost, or was put there by somebody else;
    - "stuck": something cannot go on until somebody acts;
    - "advice": all works, and something should be done.

    `code` is the word that programs go by, `subject` the record, peer or group that it concerns,
    `meaning` what it means and `advice` what to do, each in a sentence.
    """

    severity: Severity
    code: str
    subject: str
    meaning: str
    advice: str


@dataclass(frozen=True, slots=True)
class RecordCount:
    """The records of a kind: how many, their sealed bytes, and the versions of their formats.

    `median` is the size of the one in the middle, `largest` that of the largest.
    """

    kind: str
    number: int
    bytes: int
    median: int
    largest: int
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session.

    `place` is "current" (it sends), "archived" (it sends again once a message comes), or
    "retired" (it never sends again: the store was set back). All else is `None` if its records do
    not open:

    - `phase`: "waiting" for the first answer, `waiting` for so long if that is known; "initiated"
      by us; "accepted";
    - `trusted`: whether it is under the identities that count now, the peer's and our own;
    - `sent`: messages sent on its newest chain, `None` if our next one makes another chain;
    - `received`: the index behind the newest message that came on the newest chain;
    - `late`: how many keys are kept for late messages;
    - `pq_epoch`, `pq_messages`: epoch of the post-quantum ratchet, and messages since it began;
      `None` if the protocol has none.
    """

    place: Place
    phase: Phase | None = None
    waiting: timedelta | None = None
    trusted: bool | None = None
    sent: int | None = None
    received: int | None = None
    late: int | None = None
    pq_epoch: int | None = None
    pq_messages: int | None = None


@dataclass(frozen=True, slots=True)
class PeerState:
    """A peer: whether it was verified, whether a message can be sent to it now, its sessions.

    `sending` is "ready", or the code of the finding that says what keeps from it.
    """

    label: str
    verified: bool
    sending: str
    sessions: tuple[SessionState, ...]


@dataclass(frozen=True, slots=True)
class SenderState:
    """What we have of a sender in a group: whether it is heard, and how many of its keys.

    `keys` is `None` if their records do not open.
    """

    label: str
    heard: bool
    keys: int | None


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group: how many members it has, those who need an invitation, and whose keys we have.

    `sent` is the number of messages under our present key, `None` if its record does not open.
    """

    label: str
    members: int
    pending: tuple[str, ...]
    sent: int | None
    senders: tuple[SenderState, ...]


@dataclass(frozen=True, slots=True)
class PreKeyState:
    """The prekeys in numbers.

    An age is `None` if a record of an older format does not say it. `replaced` ones still open
    first messages; `reserved` ones are in bundles that this device gave away, `offered` ones at a
    server.
    """

    signed_age: timedelta | None
    signed_replaced: int
    last_resort_age: timedelta | None
    last_resort_replaced: int
    last_resort_uses: int
    one_time_reserved: int
    one_time_offered: int
    kyber_reserved: int
    kyber_offered: int


@dataclass(frozen=True, slots=True)
class OneTimeKeyState:
    """The keys in numbers that others begin sessions of Olm with.

    `one_time` keys are kept, of which `unpublished` wait for a server; `fallback` is 2 while the
    key before the one that is offered still opens first messages.
    """

    one_time: int
    unpublished: int
    fallback: int


@dataclass(frozen=True, slots=True)
class SecretChatState:
    """A secret chat: how many messages were `sent`, `acknowledged` by the other end, `received`.

    `waiting` ones came before their turn. `agreed` says whether the other end has answered, `None`
    if the chat's record does not open; the numbers are `None` before that, or if its state does not
    open.
    """

    label: str
    agreed: bool | None
    sent: int | None = None
    acknowledged: int | None = None
    received: int | None = None
    waiting: int | None = None


@final
@dataclass(frozen=True, slots=True)
class Examination:
    """What was seen of a store, the worst findings first.

    `prekeys` are those of an account of Signal's protocol, `one_time_keys` those of one of Olm;
    `None` if their record does not open. `chats` are those of a store of secret chats. `inbox`
    counts the messages that wait, the oldest of them for `inbox_age`; `backup` says that the file
    is a backup; `file` holds what SQLite found wrong with its file.
    """

    findings: tuple[Finding, ...]
    records: tuple[RecordCount, ...] = ()
    peers: tuple[PeerState, ...] = ()
    groups: tuple[GroupState, ...] = ()
    prekeys: PreKeyState | None = None
    one_time_keys: OneTimeKeyState | None = None
    inbox: int = 0
    inbox_age: timedelta | None = None
    chats: tuple[SecretChatState, ...] = ()
    backup: bool = False
    file: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged and nothing stuck."""
        return all(finding.severity == "advice" for finding in self.findings)
