# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the plugin cannot do, each shown once: a chat with it is one that avoids all of this.

If one of these changes, the plugin has changed, and the chats here can ask more of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import e2ee
from tests.interop.matrix.process import RefusalError
from tests.interop.matrix_talk import DifferenceError
from tests.interop.telegram import files
from tests.interop.telegram.talk import Talk, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2ee.mtproto import OutgoingMessage


def show(world: World) -> list[str]:
    """Shows all, and prints what was seen; those that were not."""
    unshown = []
    for check in CHECKS:
        what = (check.__doc__ or "").split("\n")[0]
        try:
            check(world)
        except AssertionError as error:
            unshown.append(f"not seen any more: {what} ({error})")
        else:
            print(f"  seen: {what}")
    return unshown


def refusal(work: Callable[[], Any]) -> str:
    """What the plugin has raised."""
    try:
        work()
    except RefusalError as error:
        return str(error)
    msg = "it was not refused"
    raise AssertionError(msg)


def expect_no_service(talk: Talk, request: OutgoingMessage) -> None:
    """Our request to send again comes to the plugin, which breaks off."""
    work = _receive(talk, request)
    talk.world.expect("TypeError", refusal(work).split(":")[0], "request for more not served")
    talk.chat.posted(request)


def old_protocol(world: World) -> None:
    """The plugin begins each chat with MTProto 1.0, which we refuse."""
    world.peer.new(mtproto=1)
    talk = Talk.begin(world, originator=True)
    _expect_fatal(talk)


def lower_layer(world: World) -> None:
    """The plugin takes the layer of our first message for its own, and names a lower one."""
    world.peer.new(old=True)
    talk = Talk.begin(world, originator=True)
    talk.to_peer()
    talk.to_ours()
    _expect_fatal(talk)


def other_layer(world: World) -> None:
    """The plugin names whichever layer we have named last, a lower one included."""
    world.peer.new()
    talk = Talk.begin(world, originator=True, layer=73)
    talk.to_peer()
    talk.to_ours()
    talk.hear()
    _expect_fatal(talk)


def no_rekey(world: World) -> None:
    """The plugin, as it is published, breaks off over any change of keys, in both roles."""
    talk = _begun(world, rekeys=False)
    assert refusal(world.peer.rekey).startswith("AttributeError")
    (request,) = talk.chat.change_key()
    assert refusal(_receive(talk, request)).startswith("AttributeError")
    talk.say()
    talk.hear()
    talk.settle()
    talk.agree()


def no_new_key(world: World) -> None:
    """The plugin, with what is missing, never takes a key that we commit to, and opens no more."""
    talk = _begun(world)
    before, _ = world.peer.state()
    talk.leave(talk.chat.change_key())
    talk.settle()
    assert talk.state().key_fingerprint != before
    assert world.peer.state()[0] == before
    talk.say()
    _expect_unopened(talk)


def endless(world: World) -> None:
    """The plugin counts its first hundred messages for ever, and changes the key without an end."""
    talk = _begun(world, counts=False)
    try:
        for _ in range(110):
            talk.hear("a text")
            talk.settle()
    except DifferenceError:
        return
    msg = "all of it came to an end"
    raise AssertionError(msg)


def no_old_key(world: World) -> None:
    """The plugin forgets the key before at once, and opens nothing that was under way."""
    talk = _begun(world)
    talk.arrive(world.peer.rekey())
    talk.to_ours()
    talk.say()
    talk.to_peer()
    _expect_unopened(talk)


def replay(world: World) -> None:
    """The plugin opens a message as often as it comes, and counts it, so that we end the chat."""
    talk = _begun(world)
    talk.say()
    message, said = talk.to_them[0], talk.from_us[0].hex()
    talk.to_peer()
    opened, _ = _receive(talk, message)()
    assert opened == [said], opened
    talk.hear()
    _expect_fatal(talk)


def gap(world: World) -> None:
    """The plugin opens a message after one that is missing, and asks for nothing."""
    talk = _begun(world)
    talk.say()
    talk.say()
    opened, leaving = _receive(talk, talk.to_them[1])()
    assert (opened, leaving) == ([talk.from_us[1].hex()], [])


def long_file(world: World) -> None:
    """Telethon begins each part of a file with the same IV, and garbles all but the first."""
    talk = _begun(world)
    for way, part in ((files.to_them, files.DOWNLOADED), (files.to_us, files.UPLOADED)):
        wanted, got = way(talk, part + 1_000)
        assert len(wanted) == len(got)
        assert wanted[:part] == got[:part]
        assert wanted[part : part + 16] != got[part : part + 16]


CHECKS = (
    old_protocol,
    lower_layer,
    other_layer,
    no_rekey,
    no_new_key,
    endless,
    no_old_key,
    replay,
    gap,
    long_file,
)


def _begun(world: World, **options: bool) -> Talk:
    world.peer.new(**options)
    talk = Talk.begin(world, originator=world.random.random() < 0.5)
    talk.settle()
    return talk


def _receive(talk: Talk, message: OutgoingMessage) -> Callable[[], Any]:
    data, service = message.data.hex(), message.service
    return lambda: talk.world.peer.receive(data, service=service)


def _expect_unopened(talk: Talk) -> None:
    """The plugin has no key for our message; it breaks off over closing the chat."""
    why = refusal(_receive(talk, talk.to_them[0]))
    assert why == "AttributeError: 'int' object has no attribute 'id'", why
    assert not talk.world.peer.closed()


def _expect_fatal(talk: Talk) -> None:
    """What comes to us next ends the chat."""
    data = bytes.fromhex(talk.to_us.popleft())
    try:
        talk.chat.receive(data)
    except e2ee.FatalChatError:
        return
    msg = "it was accepted"
    raise AssertionError(msg)
