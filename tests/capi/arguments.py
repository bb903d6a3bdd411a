# SPDX-License-Identifier: MIT OR Apache-2.0
"""Calls every function of the C library with arguments at random, and counts what comes of it.

Null pointers, misaligned ones, short buffers, lengths that no memory has, handles of other kinds,
stale ones, other objects' bytes, altered ones. What nobody can find is left out: handles that were
freed, and lengths beyond the memory that a pointer leads to.

Run it in a process of its own: python -m tests.capi.arguments --sets 10000
"""

from __future__ import annotations

import argparse
import random
import secrets
from collections import Counter
from typing import Any, Final

from tests.capi.declared import Function, Parameter, documented
from tests.capi.objects import ffi, lib
from tests.capi.supplies import Supplies

#: More than any memory has, for elements of every size.
HUGE: Final = ((1 << 63), (1 << 64) - 1, (1 << 64) - 8)
#: Calls after which the objects are made anew, as many are stale by then.
LIFETIME: Final = 100
#: What numbers of these names are, when they are right.
USUAL: Final = {
    "kind": (0, 1, 2, 3),
    "version": (1, 2, 2),
    "place": (0, 1),
    "which": tuple(range(7)),
}
#: Structs of which there is one, and such of which there are many.
SINGLE: Final = {"e2ee_signal_address", "e2ee_signal_person", "e2ee_signal_content"}
ARRAYS: Final = {
    *("e2ee_record", "e2ee_message", "e2ee_olm_event", "e2ee_olm_opened"),
    "e2ee_signal_destination",
}
#: Functions that take long, when all is right: that is rarely so.
SLOW: Final = {
    "e2ee_signal_device_generate": 0.01,
    "e2ee_signal_hash_pin": 0.05,
    "e2ee_signal_safety_number": 0.4,
}
#: From so many sets on, each function must have been done and refused at least once.
ENOUGH: Final = 10_000


class Arguments:
    """Makes arguments, and keeps the memory that they lead to."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.supplies = Supplies(chance)
        self.kept: list[Any] = []
        self.made: list[tuple[str, Any]] = []
        self.rightly = 1.0

    def of(self, function: Function) -> list[Any]:
        """One set for this function."""
        self.kept.clear()
        self.made.clear()
        self.rightly = SLOW.get(function.name, 0.6)
        parameters, arguments = list(function.parameters), []
        while parameters:
            arguments += self._next(parameters)
        return arguments

    def wrong(self) -> bool:
        """Whether this part shall not be right; most sets have no such part, or one."""
        return bool(self.chance.random() > self.rightly**0.3)

    def _next(self, parameters: list[Parameter]) -> list[Any]:
        """The next argument, or those that belong together."""
        first = parameters.pop(0)
        base = first.ctype.removeprefix("const ").removesuffix("*").removesuffix("*").strip()
        if first.ctype == "void *":
            return [self._any_handle()]
        if base.startswith("e2ee_") and base in self.supplies.kinds:
            return [self._place(base) if "**" in first.ctype else self._handle(base)]
        if first.ctype.startswith("const") or not first.ctype.endswith("*"):
            return self._input(first, base, parameters)
        if parameters and parameters[0].name == "capacity":
            del parameters[:2]
            return self._buffer(base)
        return [self._out(f"{base} *")]

    def _input(self, first: Parameter, base: str, parameters: list[Parameter]) -> list[Any]:
        if not first.ctype.endswith("*"):
            usual = USUAL.get(first.name)
            return [
                self.chance.choice(usual)
                if usual and not self.wrong()
                else self._number(first.ctype)
            ]
        if base in SINGLE and first.name != "excluded":
            return [ffi.NULL if self.wrong() else self._struct(base)]
        if first.name in {"aci", "distribution_id", "session_id"}:
            return [ffi.NULL if self.wrong() else self._memory(self.supplies.id_of(first.name))]
        del parameters[0]
        if base in ARRAYS or first.name == "excluded":
            return self._array(base)
        return self._span(self.supplies.bytes_for(first.name))

    def _memory(self, content: bytes) -> Any:
        memory = ffi.new("uint8_t[]", content or b"\0")
        self.kept.append(memory)
        return memory

    def _span(self, content: bytes) -> list[Any]:
        """Pointer and length of what is read."""
        memory = self._memory(content)
        if not self.wrong():
            return [ffi.cast("void *", memory), len(content)]
        shorter = self.chance.randrange(len(content) + 1)
        return self.chance.choice(
            [
                [ffi.NULL, len(content)],
                [ffi.NULL, 0],
                [ffi.cast("void *", memory), shorter],
                [ffi.cast("void *", memory), self.chance.choice(HUGE)],
                [ffi.NULL, self.chance.choice(HUGE)],
            ]
        )

    def _array(self, base: str) -> list[Any]:
        """Structs to read, and how many."""
        elements = [self._struct(base) for _ in range(self.chance.randrange(5))]
        if base == "e2ee_record" and not self.wrong():
            elements = [self._record(*row) for row in self.supplies.rows()]
        if base == "e2ee_signal_destination" and not self.wrong():
            elements = [self._to_bob()]
        if base == "e2ee_signal_address" and not self.wrong():
            elements = []
        array = ffi.new(f"{base}[]", max(1, len(elements)))
        self.kept.append(array)
        for place, element in enumerate(elements):
            array[place] = element[0]
        count = self.chance.choice(HUGE) if self.wrong() else len(elements)
        return [ffi.NULL if self.wrong() else array, count]

    def _struct(self, base: str) -> Any:
        if base == "e2ee_record":
            return self._record(*self.supplies.row())
        made, bytes_for = ffi.new(f"{base} *"), self.supplies.bytes_for
        self.kept.append(made)
        match base:
            case "e2ee_message":
                made.bytes, made.len = self._span(bytes_for("message"))
                made.kind = self._number("uint8_t")
            case "e2ee_olm_event":
                made.event_id, made.event_id_len = self._span(bytes_for("event_id"))
                made.message, made.message_len = self._span(bytes_for("message"))
            case "e2ee_olm_opened":
                made.event_id, made.event_id_len = self._span(bytes_for("event_id"))
                made.index = self._number("uint32_t")
            case "e2ee_signal_content":
                made.message, made.message_len = self._span(bytes_for("message"))
                made.group_id, made.group_id_len = self._span(bytes_for("group_id"))
                made.hint, made.kind = self._number("uint32_t"), self._number("uint8_t")
            case "e2ee_signal_destination":
                made.address = self._struct("e2ee_signal_address")[0]
                key = self._span(bytes_for("their_identity_key"))
                made.identity_key, made.identity_key_len = key
                made.registration_id = self._number("uint32_t")
            case "e2ee_signal_address":
                made.name, made.name_len = self._span(self.supplies.name())
                made.device = 1 if not self.wrong() else self._number("uint32_t")
            case _:
                made.id, made.id_len = self._span(self.supplies.person())
                made.identity_key, made.identity_key_len = self._span(self.supplies.identity_key())
        return made

    def _to_bob(self) -> Any:
        """A destination that is right."""
        made, key = ffi.new("e2ee_signal_destination *"), self.supplies.devices[1].identity_key
        self.kept.append(made)
        made.address.name, made.address.name_len = self._memory(b"bob"), 3
        made.address.device, made.registration_id = 1, 5
        made.identity_key, made.identity_key_len = self._memory(key), len(key)
        return made

    def _record(self, name: str, revision: int, sealed: bytes) -> Any:
        made = ffi.new("e2ee_record *")
        self.kept.append(made)
        made.name = (
            ffi.NULL if self.wrong() else ffi.cast("char *", self._memory(name.encode() + b"\0"))
        )
        made.revision = self._number("uint64_t") if self.wrong() else revision
        made.sealed, made.sealed_len = self._span(sealed)
        return made

    def _buffer(self, base: str) -> list[Any]:
        """A buffer to fill, its capacity, and where the length goes."""
        room = self.chance.choice([0, 1, 16, 31, 32, 33, 64, 74, 165, 229, 1_835, 1_836, 4_096])
        room = room if base == "uint8_t" else room % 5
        memory = ffi.new(f"{base}[]", max(1, room))
        self.kept.append(memory)
        pointer = ffi.NULL if self.wrong() else memory
        capacity = self.chance.choice(HUGE) if self.wrong() else room
        return [pointer, capacity, self._out("size_t *")]

    def _out(self, ctype: str) -> Any:
        if self.wrong():
            return self.chance.choice([ffi.NULL, self._misaligned(ctype)])
        place = ffi.new(ctype)
        self.kept.append(place)
        return place

    def _misaligned(self, ctype: str) -> Any:
        memory = ffi.new("uint64_t[4]")
        self.kept.append(memory)
        one_byte = ctype in {"uint8_t *", "bool *"}
        return ffi.cast(ctype, int(ffi.cast("uintptr_t", memory)) + (0 if one_byte else 1))

    def _place(self, kind: str) -> Any:
        place = self._out(f"{kind} **")
        if place and int(ffi.cast("uintptr_t", place)) % 8 == 0:
            self.made.append((kind, place))
        return place

    def _handle(self, kind: str) -> Any:
        if self.wrong():
            memory = ffi.new("uint64_t[8]")
            self.kept.append(memory)
            none = [ffi.NULL, self._misaligned("uint64_t *"), memory]
            others = [self.supplies.handle(each) for each in self.supplies.kinds]
            return ffi.cast("void *", self.chance.choice(none + others))
        return ffi.cast("void *", self.supplies.handle(kind))

    def _any_handle(self) -> Any:
        if self.wrong():
            memory = ffi.new("uint64_t[8]")
            self.kept.append(memory)
            return self.chance.choice([ffi.NULL, memory, self._misaligned("uint64_t *")])
        return self.supplies.taken()

    def _number(self, ctype: str) -> int:
        bits = {"uint8_t": 8, "int32_t": 31, "e2ee_status": 31, "uint32_t": 32}.get(ctype, 64)
        few = self.chance.choice([0, 1, 2, 3, 7, 50, 51, (1 << bits) - 1])
        return few if self.chance.random() < 0.9 else self.chance.getrandbits(bits)

    def take(self) -> None:
        """Takes the handles that a call has made."""
        for kind, place in self.made:
            if place[0]:
                self.supplies.keep(kind, place[0])


def exercise(function: Function, sets: int, chance: random.Random) -> Counter[int]:
    """Calls a function with so many sets, and counts the statuses."""
    call, outcomes = getattr(lib, function.name), Counter[int]()
    arguments = Arguments(chance)
    for number in range(sets):
        if number % LIFETIME == 0:
            arguments.supplies.renew()
        made = arguments.of(function)
        status = call(*made)
        outcomes[status if function.result == "e2ee_status" else lib.E2EE_OK] += 1
        arguments.take()
    arguments.supplies.free()
    return outcomes


def main() -> None:
    """Calls all of them, or some, and prints the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("functions", nargs="*")
    options = parser.parse_args()
    all_of_them = documented()
    total, idle = Counter[int](), []
    for name in options.functions or sorted(all_of_them):
        outcomes = exercise(all_of_them[name], options.sets, random.Random(f"{options.seed}{name}"))
        total += outcomes
        refused = outcomes.total() - outcomes[lib.E2EE_OK]
        can_refuse = all_of_them[name].result == "e2ee_status"
        idle += [] if outcomes[lib.E2EE_OK] and bool(refused) == can_refuse else [name]
    panics, right = total[lib.E2EE_POISONED], total[lib.E2EE_OK]
    count = len(options.functions or all_of_them)
    print(
        f"arguments: {count} functions, {options.sets} sets each, {total.total()} calls:"
        f" {right} done, {total.total() - right} refused, {panics} panics (seed {options.seed})"
    )
    if idle and options.sets >= ENOUGH:
        print(f"never done or never refused, so hardly tested: {', '.join(idle)}")
    if panics or (idle and options.sets >= ENOUGH):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
