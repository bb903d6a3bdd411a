# SPDX-License-Identifier: MIT OR Apache-2.0
"""The scenarios that are explored, the faults that must be found, and the limits that must show."""

from dataclasses import dataclass, replace

from tests.model.scenario import Fault, Property, Scenario
from tests.model.state import Budget

#: What an asynchronous replica or a backup has not heard of is lost, whoever looks.
LOSES = frozenset({Property.NONE_LOST})
#: Two copies that both live cannot both go on.
ONE_STOPS = frozenset({Property.NO_WEDGE})

SENDING = Scenario(
    "sending",
    Budget(crash=1, unknown=1, rollback=1, lose=1),
    encrypts=(("a",), ("b", "c")),
)
GROUPED = Scenario(
    "calls that share a commit",
    Budget(unknown=1, cancel=1),
    encrypts=(("a",),),
    queues=("q",),
    receives=("m",),
    group=True,
)
OUTBOX = Scenario(
    "outbox",
    Budget(crash=2, unknown=1, rollback=1, lose=1, duplicate=1),
    encrypts=(("a",),),
    queues=("q",),
)
RECEIVING = Scenario(
    "receiving",
    Budget(crash=2, unknown=1, rollback=1, duplicate=1, cancel=1),
    receives=("m",),
    decrypts=("d",),
    replies=(("m", "r"),),
)
WRITERS = Scenario(
    "two workers that send",
    Budget(crash=1),
    workers=2,
    encrypts=(("a",), ("b",)),
    queues=("q",),
    caching=True,
)
READERS = Scenario(
    "two workers that receive",
    Budget(crash=1, unknown=1, rollback=1, duplicate=1),
    workers=2,
    receives=("m",),
)
REPLIERS = replace(READERS, name="two workers that reply", replies=(("m", "r"),))
FAIL_OVER = Scenario(
    "fail-over to a stale replica",
    Budget(copy=1, fail_over=1, heal=2),
    workers=2,
    encrypts=(("a",), ("b",)),
    caching=True,
    anchor=True,
    waived=LOSES,
)
FAIL_OVER_OUTBOX = replace(
    FAIL_OVER,
    name="fail-over with an outbox",
    encrypts=(("a",),),
    queues=("q",),
    caching=False,
)
RESTORE = Scenario(
    "restored backup",
    Budget(crash=1, copy=1, restore=1, heal=2),
    encrypts=(("a",),),
    queues=("q",),
    receives=("m",),
    anchor=True,
    waived=LOSES,
)
CLONE = Scenario(
    "two clones",
    Budget(copy=1, clone=1, heal=2),
    encrypts=(("a",),),
    queues=("q",),
    anchor=True,
    waived=ONE_STOPS,
)
FORK = Scenario("fork", Budget(crash=1, fork=1), encrypts=(("a",), ("b",)), decrypts=("d",))

CLONED_OUTBOXES = replace(
    CLONE,
    name="two clones with outboxes",
    budget=Budget(copy=1, clone=1),
    encrypts=(),
    queues=("q", "r"),
)

#: What is replayed over the library, with a store of its own.
TODAY_SENDING = Scenario(
    "sending, as it is built",
    Budget(crash=1, unknown=1, rollback=1),
    workers=2,
    encrypts=(("a",), ("b",)),
    locked=True,
)
TODAY_RECEIVING = Scenario(
    "receiving, as it is built",
    Budget(crash=1, unknown=1, rollback=1, duplicate=1),
    workers=2,
    receives=("m",),
    locked=True,
)
TODAY_BOTH = Scenario(
    "both, as they are built",
    Budget(crash=1, unknown=1, cancel=1),
    encrypts=(("a",),),
    receives=("m",),
    decrypts=("d",),
    locked=True,
)
REPLAYED = (TODAY_SENDING, TODAY_RECEIVING, TODAY_BOTH)
#: And beside an application's rows, on its connection.
BESIDE_OUTBOX = Scenario(
    "outbox beside an application, as it is built",
    Budget(crash=1, unknown=1, rollback=1, lose=1, duplicate=1),
    workers=2,
    queues=("q",),
    locked=True,
)
BESIDE_REPLYING = Scenario(
    "replying beside an application, as it is built",
    Budget(crash=1, unknown=1, rollback=1),
    workers=2,
    receives=("m",),
    replies=(("m", "r"),),
    locked=True,
)
BESIDE = (BESIDE_OUTBOX, BESIDE_REPLYING)

#: And with an anchor; two rows of one store that live side by side are two stores.
ANCHORED_FAIL_OVER = Scenario(
    "fail-over with an anchor, as it is built",
    Budget(copy=1, fail_over=1, heal=2),
    workers=2,
    encrypts=(("a",), ("b",)),
    locked=True,
    anchor=True,
    waived=LOSES,
)
ANCHORED_RESTORE = Scenario(
    "restored backup with an anchor, as it is built",
    Budget(crash=1, copy=1, restore=1, heal=2),
    encrypts=(("a",), ("b",)),
    receives=("m",),
    locked=True,
    anchor=True,
    waived=LOSES,
)
ANCHORED_CLONE = Scenario(
    "two clones with an anchor, as it is built",
    Budget(copy=1, clone=1, heal=2),
    encrypts=(("a",), ("b",)),
    locked=True,
    anchor=True,
    waived=ONE_STOPS,
)
ANCHORED = (ANCHORED_FAIL_OVER, ANCHORED_RESTORE, ANCHORED_CLONE)

SMALL = (
    SENDING,
    GROUPED,
    OUTBOX,
    RECEIVING,
    WRITERS,
    READERS,
    REPLIERS,
    FAIL_OVER,
    FAIL_OVER_OUTBOX,
    RESTORE,
    CLONE,
    CLONED_OUTBOXES,
    FORK,
    *REPLAYED,
    *BESIDE,
    *ANCHORED,
)


def larger(scenario: Scenario) -> Scenario:
    """The same with one more crash and one more commit of unknown outcome."""
    budget = scenario.budget
    more = budget._replace(crash=budget.crash + 1, unknown=budget.unknown + 1)
    return replace(scenario, budget=more)


LARGE = tuple(map(larger, SMALL))


@dataclass(frozen=True, slots=True)
class Control:
    """A scenario that must break a property, with a fault or without the anchor."""

    scenario: Scenario
    broken: Property

    @property
    def name(self) -> str:
        """What is wrong in it."""
        fault = self.scenario.fault
        return f"{self.scenario.name} without an anchor" if fault is None else fault.value


def planted(scenario: Scenario, fault: Fault, broken: Property) -> Control:
    """A scenario with a fault."""
    return Control(replace(scenario, fault=fault), broken)


CONTROLS = (
    planted(SENDING, Fault.RELEASES_BEFORE_COMMIT, Property.DURABLE_FIRST),
    planted(SENDING, Fault.RELEASES_BEFORE_COMMIT, Property.KEY_ONCE),
    planted(RECEIVING, Fault.RELEASES_BEFORE_COMMIT, Property.NONE_LOST),
    planted(FORK, Fault.RELEASES_BEFORE_COMMIT, Property.AT_MOST_ONCE),
    planted(WRITERS, Fault.IGNORES_REVISIONS, Property.KEY_ONCE),
    planted(READERS, Fault.IGNORES_REVISIONS, Property.EXACTLY_ONCE),
    planted(WRITERS, Fault.RETRIES_THE_OLD_STEP, Property.NO_STALE_WRITE),
    planted(WRITERS, Fault.RETRIES_THE_OLD_STEP, Property.KEY_ONCE),
    planted(RECEIVING, Fault.LEDGER_FIRST, Property.NONE_LOST),
    planted(RECEIVING, Fault.LEDGER_LAST, Property.NO_WEDGE),
    planted(RECEIVING, Fault.NO_INBOX, Property.NONE_LOST),
    planted(GROUPED, Fault.NO_INBOX, Property.NO_WEDGE),
    planted(RECEIVING, Fault.HANDLED_BEFORE_THE_ROW, Property.NONE_LOST),
    planted(RECEIVING, Fault.HANDLED_AFTER_THE_ROW, Property.EXACTLY_ONCE),
    planted(READERS, Fault.HANDLED_TWICE, Property.EXACTLY_ONCE),
    planted(OUTBOX, Fault.OUTBOX_WITHOUT_BYTES, Property.SAME_BYTES),
    planted(OUTBOX, Fault.SENT_BEFORE_TAKEN, Property.NO_WEDGE),
    planted(OUTBOX, Fault.QUEUE_RELEASES, Property.DURABLE_FIRST),
    planted(OUTBOX, Fault.QUEUE_RELEASES, Property.KEY_ONCE),
    planted(OUTBOX, Fault.ROLLBACK_RELEASES, Property.UNDONE_IS_UNDONE),
    planted(SENDING, Fault.ROLLBACK_RELEASES, Property.KEY_ONCE),
    planted(GROUPED, Fault.RELEASES_ON_UNKNOWN, Property.UNKNOWN_IS_SILENT),
    planted(GROUPED, Fault.RELEASES_ON_UNKNOWN, Property.KEY_ONCE),
    planted(WRITERS, Fault.CACHE_UNREAD, Property.KEY_ONCE),
    planted(WRITERS, Fault.CACHE_UNREAD, Property.NO_STALE_WRITE),
    planted(FAIL_OVER, Fault.CACHE_BY_REVISION, Property.NO_STALE_WRITE),
    planted(GROUPED, Fault.CANCEL_REWINDS, Property.KEY_ONCE),
    planted(CLONED_OUTBOXES, Fault.ANCHOR_NOT_COMPARED, Property.KEY_ONCE),
    planted(FAIL_OVER, Fault.ANCHOR_LATE, Property.KEY_ONCE),
    planted(CLONE, Fault.ANCHOR_OVERWRITTEN, Property.KEY_ONCE),
    planted(FAIL_OVER, Fault.HEAL_KEEPS_SESSION, Property.KEY_ONCE),
    planted(CLONE, Fault.HEAL_KEEPS_OUTBOX, Property.KEY_ONCE),
    planted(FORK, Fault.FORK_GOES_ON, Property.KEY_ONCE),
)

#: What nothing inside a store can see (docs/threats.md, N3).
LIMITS = tuple(
    Control(replace(scenario, anchor=False), Property.KEY_ONCE)
    for scenario in (FAIL_OVER, RESTORE, CLONE)
)
