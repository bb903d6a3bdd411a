# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee heal`: a store that was put back goes on, and uses no key again."""

import click

from e2ee import Healed
from e2ee.cli import options
from e2ee.cli.help import examples
from e2ee.cli.opening import Opening, opens_store
from e2ee.cli.screen import harmless, note
from e2ee.cli.writing import write_json


@click.command(
    short_help="Let a store that was put back send again.",
    epilog=examples("e2ee heal --anchor /elsewhere/alice.anchor"),
)
@opens_store
@options.as_json
def heal(opening: Opening, *, as_json: bool) -> None:
    """Ends all that a newer copy of the store may have used, so that this one can go on.

    Use it when the store's anchor says that the store is an older copy or runs twice, and the
    newest copy is lost. Stop all other copies before. Messages on their way still open, but to
    write, you need a new invitation of each contact. Secret chats are closed.
    """
    with opening.holding() as held:
        ended = held.heal()
    healed = ended if isinstance(ended, Healed) else Healed((), (), (), tuple(ended))
    say_healed(healed, f"The account in {opening.path} goes on", as_json=as_json)


def say_healed(healed: Healed, sentence: str, *, as_json: bool) -> None:
    """What was ended, and what a person has to do now."""
    if as_json:
        ended: dict[str, object] = {
            "peers": [{"user": peer.user, "device": peer.device} for peer in healed.peers],
            "groups": [str(group) for group in healed.groups],
            "dropped": list(healed.dropped),
        }
        if healed.chats:
            ended["chats"] = list(healed.chats)
        write_json(ended)
        return
    click.echo(sentence)
    for peer in healed.peers:
        name = harmless(peer.user)
        note(f"Ask {name} for a new invitation, then: e2ee add {name}")
    if healed.chats:
        numbers = ", ".join(map(str, healed.chats))
        note(f"Secret chats were closed: have your client discard them, and begin anew: {numbers}")
        return
    note("Invitations of yours that served one person are used up: send new ones ('e2ee invite').")
