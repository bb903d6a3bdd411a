# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the demo found: the figures, and the promises that they must keep."""

from collections import Counter
from dataclasses import asdict, dataclass
from statistics import median
from typing import final

from e2ee.demo.actor import Status
from e2ee.demo.attacks import Attack
from e2ee.demo.conversation import Conversation, Kill
from e2ee.demo.items import Item, Stream
from e2ee.demo.ledger import keys_used_twice
from e2ee.demo.plan import LEAST_EPOCH, Plan


@dataclass(frozen=True, slots=True)
class Transfer:
    """The file, at both ends."""

    size: int
    chunks: int
    sha256_sent: str
    sha256_received: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Tally:
    """The items of one sender."""

    sent: int
    delivered: int
    owed: int


@final
@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a run."""

    plan: Plan
    conversation: Conversation
    attacks: list[Attack]
    transfer: Transfer
    statuses: dict[str, Status]
    #: Items that each party was to send.
    sent: dict[str, frozenset[Item]]
    seconds: float

    def tally(self, user: str, stream: Stream) -> Tally:
        """What became of a sender's items."""
        peer = self.conversation.actors[user].peer
        sent = {item for item in self.sent[user] if item.stream is stream}
        delivered = sent & self.statuses[peer].arrived
        return Tally(len(sent), len(delivered), len(sent - self.statuses[user].acknowledged))

    def state_lost(self) -> int:
        """Acknowledged items that a kill took away, and first copies that did not open."""
        missing = sum(kill.missing for kill in self.conversation.kills)
        return missing + self.conversation.ledger.clean_first_refusals()

    def unaccounted(self) -> int:
        """Envelopes that were neither lost nor damaged, and of which nothing else is known."""
        carrier, ledger = self.conversation.carrier, self.conversation.ledger
        stopped = carrier.done["lost"] + carrier.done["damaged"] - ledger.opened_changed
        return len(carrier.posted) - stopped - ledger.seen()

    def failures(self) -> list[str]:
        """The promises that were not kept; none is what should be."""
        ledger = self.conversation.ledger
        found = [*dict.fromkeys(ledger.faults)]
        for user in self.conversation.actors:
            for stream in Stream:
                tally = self.tally(user, stream)
                if tally.owed or tally.delivered != tally.sent:
                    found.append(f"{user} sent {tally.sent} and {tally.delivered} were delivered")
            if self.statuses[user].epoch < LEAST_EPOCH:
                found.append(f"the post-quantum ratchet of {user} did not get far enough")
            if self.statuses[user].waiting:
                found.append(f"messages still wait in the inbox of {user}")
        promises = [
            (self.state_lost() == 0, "state was lost"),
            (ledger.balance() == 0, "some copies are unaccounted for"),
            (self.unaccounted() == 0, "some envelopes are unaccounted for"),
            (keys_used_twice(self.conversation.carrier.posted) == 0, "a key was used twice"),
            (self.transfer.sha256_sent == self.transfer.sha256_received, "the file was changed"),
            (all(attempt.failed for attempt in self.attacks), "an attack was not refused"),
            (len(self.conversation.kills) > 0, "no process was killed"),
        ]
        return found + [sentence for kept, sentence in promises if not kept]

    def overhead(self) -> dict[str, float]:
        """Bytes around a plaintext, in the middle, for each kind of message."""
        sizes: dict[str, list[int]] = {}
        for posted in self.conversation.carrier.posted:
            prekey = posted.sighting.kind == "prekey"
            what = f"{posted.what} (first messages)" if prekey else posted.what
            sizes.setdefault(what, []).append(len(posted.envelope) - posted.plaintext_len)
        return {what: median(found) for what, found in sorted(sizes.items())}

    def microseconds(self) -> dict[str, dict[str, float]]:
        """Time in the middle for one message on the disk, for each kind."""
        ledger = self.conversation.ledger
        return {"encrypt": _medians(ledger.encrypt_ns), "decrypt": _medians(ledger.decrypt_ns)}

    def refusals(self) -> dict[str, dict[str, int]]:
        """Errors by what the carrier had done to the copy."""
        found: dict[str, dict[str, int]] = {}
        for (cause, error), count in sorted(self.conversation.ledger.refused.items()):
            found.setdefault(cause, {})[error] = count
        return found

    def to_json(self) -> dict[str, object]:
        """The same for a script."""
        carrier, ledger = self.conversation.carrier, self.conversation.ledger
        kinds = Counter(posted.what for posted in carrier.posted)
        return {
            "seed": self.plan.seed,
            "messages": {user: asdict(self.tally(user, Stream.TEXT)) for user in self.sent},
            "chunks": {user: asdict(self.tally(user, Stream.CHUNK)) for user in self.sent},
            "file": asdict(self.transfer),
            "envelopes": {
                "encrypted": dict(kinds),
                "bytes": sum(len(posted.envelope) for posted in carrier.posted),
                "carrier": carrier.done,
                "unaccounted": self.unaccounted(),
            },
            "copies": {
                "handed_over": ledger.handed_over,
                "opened": ledger.opened,
                "opened_with_unauthenticated_bytes_changed": ledger.opened_changed,
                "refused": self.refusals(),
                "cut_off_by_a_kill": ledger.cut_off,
                "unaccounted": ledger.balance(),
            },
            "attacks": [
                {"name": tried.name, "tries": tried.tries, "refused": dict(tried.refused)}
                for tried in self.attacks
            ],
            "kills": [_kill(kill) for kill in self.conversation.kills],
            "state_lost": self.state_lost(),
            "keys_used_twice": keys_used_twice(carrier.posted),
            "pq_epoch": {user: status.epoch for user, status in self.statuses.items()},
            "overhead_bytes": self.overhead(),
            "microseconds": self.microseconds(),
            "seconds": round(self.seconds, 1),
            "failures": self.failures(),
        }


def _kill(kill: Kill) -> dict[str, object]:
    return asdict(kill)


def _medians(nanoseconds: dict[str, list[int]]) -> dict[str, float]:
    return {what: round(median(all_of) / 1000, 1) for what, all_of in sorted(nanoseconds.items())}
