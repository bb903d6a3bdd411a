# SPDX-License-Identifier: MIT OR Apache-2.0
"""The books of the demo: every copy that was handed over, and what became of it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, final

from e2ee.demo.carrier import Copy, Harm, Posted
from e2ee.demo.frames import Frame


@final
@dataclass(slots=True)
class Ledger:
    """What was handed over, opened and refused, and what should not have happened."""

    handed_over: int = 0
    opened: int = 0
    #: Copies whose recipient was killed before it could answer.
    cut_off: int = 0
    #: Errors by what the carrier had done: `"bits flipped"`, `"repeated"` or `"as sent"`.
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Opened although the carrier had changed a byte that no tag covers (signal.md §4.3).
    opened_changed: int = 0
    faults: list[str] = field(default_factory=list)
    encrypt_ns: dict[str, list[int]] = field(default_factory=dict)
    decrypt_ns: dict[str, list[int]] = field(default_factory=dict)
    _opened_envelopes: set[bytes] = field(default_factory=set)
    #: Envelopes that may be refused: their recipient was killed over them and may have opened them.
    _excused_envelopes: set[bytes] = field(default_factory=set)

    def sent(self, what: str, nanoseconds: int) -> None:
        """A party made an envelope."""
        self.encrypt_ns.setdefault(what, []).append(nanoseconds)

    def answered(self, copy: Copy, answer: Frame) -> None:
        """A party said what became of a copy."""
        self.handed_over += 1
        if answer.verb == "opened":
            self._opened(copy, answer)
        else:
            self._refused(copy, answer.text("error"))

    def unanswered(self, copy: Copy) -> None:
        """A party was killed over a copy: nobody knows what became of it."""
        self.handed_over += 1
        self.cut_off += 1
        if copy.harm is Harm.NONE:
            self._excused_envelopes.add(copy.posted.envelope)

    def was_opened(self, posted: Posted) -> bool:
        """Whether a copy of it was opened for sure."""
        return posted.envelope in self._opened_envelopes

    def seen(self) -> int:
        """Envelopes that were opened, or may have been."""
        return len(self._opened_envelopes | self._excused_envelopes)

    def balance(self) -> int:
        """Copies without a known fate; it must be zero."""
        return self.handed_over - self.opened - self.refused.total() - self.cut_off

    def clean_first_refusals(self) -> int:
        """Envelopes that came first and unchanged, and were refused: the state would be lost."""
        first = Harm.NONE.value
        return sum(count for (cause, _), count in self.refused.items() if cause == first)

    def _opened(self, copy: Copy, answer: Frame) -> None:
        self.opened += 1
        self.decrypt_ns.setdefault(copy.posted.what, []).append(answer.number("nanoseconds"))
        if answer.text("digest") != copy.posted.digest:
            self.faults.append("an envelope opened to something else than was encrypted")
        if copy.harm is not Harm.NONE:
            self.opened_changed += 1
            if copy.posted.sighting.kind != "prekey":
                self.faults.append(f"an envelope opened although it was {copy.harm.value}")
        if self.was_opened(copy.posted):
            self.faults.append("an envelope opened twice")
        self._opened_envelopes.add(copy.posted.envelope)

    def _refused(self, copy: Copy, error: str) -> None:
        cause, prekey = copy.harm.value, copy.posted.sighting.kind == "prekey"
        came_before = (
            self.was_opened(copy.posted) or copy.posted.envelope in self._excused_envelopes
        )
        if copy.harm is Harm.NONE and came_before:
            cause = REPEATED
        elif copy.harm is Harm.NONE and prekey and self.opened_changed:
            # A first message must repeat those before it exactly, also where no tag covers it. The
            # sender goes on with ratchet messages as soon as an answer arrives.
            cause = AFTER_A_CHANGE
            self._excused_envelopes.add(copy.posted.envelope)
        self.refused[cause, error] += 1


def keys_used_twice(posted: list[Posted]) -> int:
    """Envelopes that share ratchet key and index with another one of the same sender."""
    keys = {(p.sender, p.sighting.ratchet_key, p.sighting.index) for p in posted}
    return len(posted) - len(keys)


REPEATED: Final = "repeated"
AFTER_A_CHANGE: Final = "a first message that differs from a changed one"
