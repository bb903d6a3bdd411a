# SPDX-License-Identifier: MIT OR Apache-2.0
"""A line between two devices that loses, delays, reorders and repeats what it carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from tests.interop.parties import Party
    from tests.interop.world import Parcel, World

#: Turns that a message is delayed at the most. A session keeps five receiving chains
#: (signal.md §7), and each turn makes one at the most.
MAX_DELAY: Final = 3


@dataclass(frozen=True, slots=True)
class Weather:
    """How probable it is that a message is lost, delayed or repeated."""

    loss: float
    delay: float
    repeat: float


CALM: Final = Weather(0.0, 0.0, 0.0)
BREEZE: Final = Weather(0.02, 0.03, 0.02)
STORM: Final = Weather(0.12, 0.15, 0.1)


@dataclass(slots=True)
class _Delayed:
    sender: Party
    receiver: Party
    parcel: Parcel
    turns: int


@final
class Line:
    """Carries bursts of messages between two devices."""

    def __init__(self, world: World, weather: Weather) -> None:
        self._world = world
        self._weather = weather
        self._delayed: list[_Delayed] = []
        self._past: list[tuple[Party, Parcel]] = []

    def burst(self, sender: Party, receiver: Party, count: int) -> bool:
        """Sends so many; whether at least one arrived."""
        arriving = []
        for parcel in self._world.send(sender, receiver, count):
            fate = self._world.random.random()
            if fate < self._weather.loss:
                continue
            if fate < self._weather.loss + self._weather.delay:
                turns = self._world.random.randint(1, MAX_DELAY)
                self._delayed.append(_Delayed(sender, receiver, parcel, turns))
                continue
            arriving.append(parcel)
            if self._world.random.random() < self._weather.repeat:
                arriving.append(parcel)
        if self._world.random.random() < self._weather.delay * 2:
            self._world.random.shuffle(arriving)
        self._world.deliver(sender, receiver, arriving)
        self._pass_time()
        return bool(arriving)

    def settle(self) -> None:
        """Delivers what is still on its way."""
        late, self._delayed = self._delayed, []
        for each in late:
            self._world.deliver(each.sender, each.receiver, [each.parcel])

    def _pass_time(self) -> None:
        for each in self._delayed:
            each.turns -= 1
        due = [each for each in self._delayed if each.turns < 0]
        self._delayed = [each for each in self._delayed if each.turns >= 0]
        for each in due:
            self._world.deliver(each.sender, each.receiver, [each.parcel])
