# SPDX-License-Identifier: MIT OR Apache-2.0
"""The books of the demo: each broken promise is found, and no kept one is called broken."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from e2ee import Account, MemoryStore
from e2ee.demo.actor import Actor, Status
from e2ee.demo.attacks import Attack
from e2ee.demo.carrier import Carrier, Copy, Harm, Posted, Rates, damaged, flipped
from e2ee.demo.conversation import Conversation, Kill
from e2ee.demo.frames import Frame
from e2ee.demo.items import Acknowledgement, Content, Item, Stream, decode
from e2ee.demo.ledger import Ledger, keys_used_twice
from e2ee.demo.plan import LEAST_EPOCH, Plan
from e2ee.demo.report import Report, Transfer
from e2ee.demo.sighting import Sighting, look_at, without_post_quantum_part

RATES = Rates(loss=0, duplicate=0, corrupt=0, reorder=0)
ITEM = Item(Stream.TEXT, 0)
NAMES = ("alice", "bob")


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 (the carrier's moods are no secret)


def envelope(index: int, sender: str = "alice", kind: str = "message") -> Posted:
    recipient = "bob" if sender == "alice" else "alice"
    content = f"{sender} {index}".encode()
    return Posted(sender, recipient, "text", "digest", 1, content, Sighting(kind, b"key", index))


def opened(digest: str = "digest") -> Frame:
    return Frame("opened", {"nanoseconds": 1, "digest": digest, "again": 0})


def refused(error: str) -> Frame:
    return Frame("refused", {"error": error})


def copy(posted: Posted, harm: Harm = Harm.NONE) -> Copy:
    return Copy(1, posted, harm, posted.envelope)


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """A run in which each side sent one text, and all went well."""
    actors = (Actor("alice", "bob", tmp_path), Actor("bob", "alice", tmp_path))
    rng = seeded(1)
    conversation = Conversation(actors, Carrier(RATES, rng), Ledger(), rng)
    for sender in NAMES:
        posted = envelope(0, sender)
        conversation.carrier.take(posted)
        conversation.ledger.answered(copy(posted), opened())
    conversation.kills.append(Kill("bob", "opening", 1, 0, 0))
    status = Status(LEAST_EPOCH, 0, 0, frozenset({ITEM}), frozenset({ITEM}))
    return Report(
        plan=Plan(1, None, 0, 1, RATES),
        conversation=conversation,
        attacks=[Attack("a flip", 1, Counter({"AuthenticationError": 1}))],
        transfer=Transfer(1, 1, "same", "same", 0.1),
        statuses=dict.fromkeys(NAMES, status),
        sent=dict.fromkeys(NAMES, frozenset({ITEM})),
        seconds=1.0,
    )


def with_status(report: Report, **changes: object) -> Report:
    changed = replace(report.statuses["bob"], **changes)  # type: ignore[arg-type]
    return replace(report, statuses={**report.statuses, "bob": changed})


def with_answer(report: Report, harm: Harm, answer: Frame, index: int = 1) -> Report:
    posted = envelope(index)
    report.conversation.carrier.take(posted)
    report.conversation.ledger.answered(copy(posted, harm), answer)
    if harm is not Harm.NONE:
        report.conversation.carrier.done["damaged"] += 1
    return report


def with_kill(report: Report, missing: int) -> Report:
    report.conversation.kills.append(Kill("alice", "opening", 5, missing, 0))
    return report


def with_unopened(report: Report) -> Report:
    report.conversation.carrier.take(envelope(9))
    return report


def with_reused_key(report: Report) -> Report:
    posted = replace(envelope(0), envelope=b"another")
    report.conversation.carrier.take(posted)
    report.conversation.ledger.answered(copy(posted), opened())
    return report


def with_unbooked_copy(report: Report) -> Report:
    report.conversation.ledger.handed_over += 1
    return report


def without_kills(report: Report) -> Report:
    report.conversation.kills.clear()
    return report


BROKEN: dict[str, tuple[Callable[[Report], Report], str]] = {
    "undelivered": (lambda r: with_status(r, arrived=frozenset()), "0 were delivered"),
    "owed": (lambda r: with_status(r, acknowledged=frozenset()), "bob sent 1"),
    "epoch": (lambda r: with_status(r, epoch=LEAST_EPOCH - 1), "did not get far enough"),
    "waiting": (lambda r: with_status(r, waiting=1), "still wait in the inbox"),
    "missing": (lambda r: with_kill(r, 1), "state was lost"),
    "refused": (
        lambda r: with_answer(r, Harm.NONE, refused("AuthenticationError")),
        "state was lost",
    ),
    "damaged opens": (
        lambda r: with_answer(r, Harm.FLIPPED, opened()),
        "opened although it was bits flipped",
    ),
    "other text": (lambda r: with_answer(r, Harm.NONE, opened("other")), "something else"),
    "opened twice": (lambda r: with_answer(r, Harm.NONE, opened(), 0), "opened twice"),
    "unopened": (with_unopened, "envelopes are unaccounted"),
    "unbooked": (with_unbooked_copy, "copies are unaccounted"),
    "reused key": (with_reused_key, "a key was used twice"),
    "file": (
        lambda r: replace(r, transfer=replace(r.transfer, sha256_received="other")),
        "the file was changed",
    ),
    "attack": (
        lambda r: replace(r, attacks=[Attack("a flip", 2, Counter({"AuthenticationError": 1}))]),
        "an attack was not refused",
    ),
    "attack not made": (
        lambda r: replace(r, attacks=[Attack("a flip", 0, Counter())]),
        "an attack was not refused",
    ),
    "no kill": (without_kills, "no process was killed"),
}


def test_kept_promises_are_no_failures(report: Report) -> None:
    assert report.failures() == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_found(report: Report, name: str) -> None:
    spoil, sentence = BROKEN[name]

    failures = spoil(report).failures()

    assert any(sentence in failure for failure in failures), failures


@pytest.mark.parametrize(
    ("harm", "answer"),
    [(Harm.FLIPPED, "AuthenticationError"), (Harm.TRUNCATED, "MalformedMessageError")],
)
def test_a_refused_damaged_copy_is_no_failure(report: Report, harm: Harm, answer: str) -> None:
    assert with_answer(report, harm, refused(answer)).failures() == []


def test_a_first_message_may_open_with_an_unauthenticated_byte_changed(report: Report) -> None:
    posted = envelope(1, kind="prekey")
    report.conversation.carrier.take(posted)
    report.conversation.carrier.done["damaged"] += 1

    report.conversation.ledger.answered(copy(posted, Harm.FLIPPED), opened())

    assert report.failures() == []
    assert report.conversation.ledger.opened_changed == 1


def test_first_messages_after_a_changed_one_may_be_refused(report: Report) -> None:
    changed, later = envelope(1, kind="prekey"), envelope(2, kind="prekey")
    for posted in (changed, later):
        report.conversation.carrier.take(posted)
    report.conversation.carrier.done["damaged"] += 1
    report.conversation.ledger.answered(copy(changed, Harm.FLIPPED), opened())

    report.conversation.ledger.answered(copy(later), refused("AuthenticationError"))

    assert report.failures() == []


def test_first_messages_without_a_changed_one_may_not_be_refused(report: Report) -> None:
    posted = envelope(1, kind="prekey")
    report.conversation.carrier.take(posted)

    report.conversation.ledger.answered(copy(posted), refused("AuthenticationError"))

    assert "state was lost" in report.failures()


def test_a_copy_over_which_a_party_was_killed_may_be_refused_later(report: Report) -> None:
    posted = envelope(1)
    report.conversation.carrier.take(posted)
    report.conversation.ledger.unanswered(copy(posted))

    report.conversation.ledger.answered(copy(posted), refused("DuplicateMessageError"))

    assert report.failures() == []
    assert report.refusals() == {"repeated": {"DuplicateMessageError": 1}}


def test_the_outside_of_real_envelopes_is_read() -> None:
    alice = Account.create(MemoryStore(), "alice")
    bob = Account.create(MemoryStore(), "bob")
    alice.connect("bob", bob.bundle())

    first = [alice.encrypt("bob", b"text").to_bytes() for _ in range(3)]
    bob.decrypt("alice", first[0])
    answer = bob.encrypt("alice", b"text").to_bytes()

    seen = [look_at(one) for one in first]
    assert [(s.kind, s.index) for s in seen] == [("prekey", 0), ("prekey", 1), ("prekey", 2)]
    assert len({sighting.ratchet_key for sighting in seen}) == 1
    assert (look_at(answer).kind, look_at(answer).index) == ("message", 0)
    assert look_at(answer).ratchet_key != seen[0].ratchet_key
    assert look_at(without_post_quantum_part(answer)) == look_at(answer)
    assert len(without_post_quantum_part(answer)) < len(answer)


def test_a_key_of_another_sender_is_another_key() -> None:
    assert keys_used_twice([envelope(0, "alice"), envelope(0, "bob")]) == 0


@pytest.mark.parametrize("rate", ["loss", "duplicate", "corrupt", "reorder"])
def test_a_carrier_does_what_its_rates_say(rate: str) -> None:
    done = {"loss": "lost", "duplicate": "repeated", "corrupt": "damaged", "reorder": "delayed"}
    carrier = Carrier(replace(RATES, **{rate: 0.5}), seeded(1))

    for index in range(200):
        carrier.take(envelope(index))

    assert 60 < carrier.done[done[rate]] < 140
    others = {name: count for name, count in carrier.done.items() if name != done[rate]}
    assert set(others.values()) == {0}


def test_a_perfect_carrier_keeps_the_order() -> None:
    carrier = Carrier(RATES, seeded(1))
    sent = [envelope(index) for index in range(20)]
    for posted in sent:
        carrier.take(posted)
    early = carrier.hand_over("bob")
    carrier.next_round()

    assert early == carrier.hand_over("alice") == []
    assert sent == [copy.posted for copy in carrier.hand_over("bob")]
    assert carrier.is_empty()


@pytest.mark.parametrize("seed", range(30))
def test_damage_always_changes_something(seed: int) -> None:
    content = b"an envelope"

    harm, changed = damaged(content, seeded(seed))

    assert changed != content
    assert harm is not Harm.NONE


def test_a_flip_changes_one_bit() -> None:
    flips = {flipped(bytes(4), bit) for bit in range(32)}

    assert {1} == {int.from_bytes(changed).bit_count() for changed in flips}
    assert len(flips) == 32


@pytest.mark.parametrize(
    "said",
    [
        Content(Item(Stream.TEXT, 7), b"text"),
        Content(Item(Stream.CHUNK, 1 << 31), bytes(100)),
        Acknowledgement(frozenset()),
        Acknowledgement(frozenset({Item(Stream.TEXT, 1), Item(Stream.CHUNK, 2)})),
    ],
)
def test_what_is_said_is_understood(said: Content | Acknowledgement) -> None:
    assert said == decode(said.encode())
