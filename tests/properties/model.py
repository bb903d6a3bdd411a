# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tiny model of a conversation: what was sent, what became of it, and what must still open.

It is told what leaves an account and what was opened; the rest it derives from the bytes that
travel and from two limits of the protocol (signal.md §7, spqr.md §9.4).
"""

from dataclasses import dataclass, field
from enum import Enum

from tests.properties import wire

#: Receiving chains that a session keeps (signal.md §7, olm_megolm.md §1.4).
MAX_CHAINS = 5


class Fate(Enum):
    """What became of a letter at its recipient."""

    NEW = "never opened"
    WAITING = "opened, and in the inbox"
    HANDLED = "opened and handled, and in the ledger"
    READ = "opened by the short form, which keeps no record"


class Expected(Enum):
    """What must happen to a letter that was never opened."""

    OPENS = "it is within the limits"
    REFUSED = "its session or its key is gone"
    OPEN = "both may be: how far a lost message brought the session is not to be seen"


@dataclass(slots=True, eq=False)
class Letter:
    """An envelope and all that the model knows of it."""

    sender: str
    plaintext: bytes
    envelope: bytes
    #: The base key of its session, in hexadecimal.
    session: str
    #: What its session uses up at the recipient; `None` if its own bytes cannot start one.
    ticket: bytes | None
    header: wire.Header
    fate: Fate = Fate.NEW

    def key_use(self) -> tuple[str, bytes, int]:
        """What may never come twice from one sender."""
        return self.session, self.header.ratchet_key, self.header.index


@dataclass(slots=True)
class Session:
    """What one side has of a session."""

    #: Ratchet keys of the peer, in the order of their first messages.
    chains: list[bytes] = field(default_factory=list)
    #: The post-quantum epoch of the last message sent, and by how much it may be more.
    pq_sent: int = 0
    pq_unseen: int = 0


class Side:
    """What the model knows of one person."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        #: Bundles, or base keys for reusable ones, that no further session can start with.
        self.used: set[bytes] = set()
        #: What a session that this side started will use up at the other.
        self.tickets: dict[str, bytes] = {}
        self.keys_used: set[tuple[str, bytes, int]] = set()

    def started(self, session: str, ticket: bytes) -> None:
        """This side has started a session."""
        self.sessions[session] = Session()
        self.tickets[session] = ticket

    def sent(self, letter: Letter) -> None:
        """An envelope has left."""
        assert letter.key_use() not in self.keys_used, "a message key was used twice"
        self.keys_used.add(letter.key_use())
        self.sessions[letter.session].pq_sent = letter.header.pq_epoch
        self.sessions[letter.session].pq_unseen = 0

    def lost_one(self) -> None:
        """A message was made, and lost before it left: on which session is not to be seen."""
        for session in self.sessions.values():
            session.pq_unseen += 1

    def expects(self, letter: Letter) -> Expected:
        """What must happen if this letter comes for the first time."""
        session = self.sessions.get(letter.session)
        if session is None:
            starts = letter.ticket is not None and letter.ticket not in self.used
            return Expected.OPENS if starts else Expected.REFUSED
        if letter.header.ratchet_key in session.chains[:-MAX_CHAINS]:
            return Expected.REFUSED
        if letter.envelope[0] == wire.OLM:
            return Expected.OPENS
        # Keys of the epoch before that of the last message sent are the oldest that are kept.
        oldest = session.pq_sent - 1
        if letter.header.pq_epoch < oldest:
            return Expected.REFUSED
        if letter.header.pq_epoch < oldest + session.pq_unseen:
            return Expected.OPEN
        return Expected.OPENS

    def opened(self, letter: Letter) -> None:
        """A letter was opened for the first time."""
        if letter.session not in self.sessions:
            assert letter.ticket is not None
            self.sessions[letter.session] = Session()
            self.used.add(letter.ticket)
        chains = self.sessions[letter.session].chains
        if letter.header.ratchet_key not in chains:
            chains.append(letter.header.ratchet_key)

    def forgot(self) -> None:
        """This side has forgotten the other with all sessions."""
        self.sessions.clear()
