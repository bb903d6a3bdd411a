# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee add`, `e2ee contacts` and `e2ee forget`: whom one writes to."""

from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from e2ee import Contact
from e2ee.cli import options
from e2ee.cli.armour import Kind
from e2ee.cli.help import examples
from e2ee.cli.opening import Opening, opens_store
from e2ee.cli.reading import read_block
from e2ee.cli.screen import can_answer, harmless, note
from e2ee.cli.writing import write_json


@click.command(
    short_help="Add a contact from an invitation.",
    epilog=examples("e2ee add bob bob.invitation", "e2ee add bob < mail.txt"),
)
@click.argument("name")
@options.input_file
@options.binary
@opens_store
def add(opening: Opening, name: str, source: Path | None, *, binary: bool) -> None:
    """Adds NAME from an invitation in FILE, or pasted.

    NAME is the name that the other person chose at 'e2ee init': the first message is bound to it.
    """
    with opening.account() as account:
        bundle = read_block(source, Kind.BUNDLE, binary=binary)
        account.connect(name, bundle)
    click.echo(f"{harmless(name)} is a contact now.")
    note(f"Next: compare numbers over another way with: e2ee verify {harmless(name)}")


@click.command(short_help="List your contacts.", epilog=examples("e2ee contacts --json"))
@opens_store
@options.as_json
def contacts(opening: Opening, *, as_json: bool) -> None:
    """Lists your contacts, and whether you compared safety numbers with them.

    The epoch counts how often the conversation has healed against a quantum computer.
    """
    with opening.account() as account:
        known = account.contacts()
    if as_json:
        write_json([_described(contact) for contact in known])
    elif known:
        Console().print(_table(known))
    else:
        note("There are no contacts yet: add one with 'e2ee add NAME'.")


@click.command(
    short_help="Forget a contact and the keys shared with them.", epilog=examples("e2ee forget bob")
)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens_store
def forget(opening: Opening, name: str, *, yes: bool) -> None:
    """Forgets NAME: trust, session and keys. Messages on their way from NAME will not open."""
    if not (yes or can_answer()):
        raise click.UsageError("There is no terminal to ask whether you are sure: give --yes.")
    with opening.account() as account:
        if not yes:
            click.confirm(f"Forget {harmless(name)} and all shared keys?", abort=True, err=True)
        account.forget(name)
    click.echo(f"{harmless(name)} is forgotten.")


def _described(contact: Contact) -> dict[str, object]:
    return {
        "user": contact.address.user,
        "device": contact.address.device,
        "identity_key": contact.identity_key.hex(),
        "verified": contact.verified,
        "pq_epoch": contact.pq_epoch,
        "pq_messages": contact.pq_messages,
    }


def _table(known: list[Contact]) -> Table:
    table = Table("name", "verified", "identity key", "epoch", box=None, pad_edge=False)
    for contact in known:
        name = harmless(contact.address.user)
        if contact.address.device != 1:
            name = f"{name} (device {contact.address.device})"
        epoch = "-" if contact.pq_epoch is None else str(contact.pq_epoch)
        key = f"{contact.identity_key.hex()[:KEY_DIGITS]}…"
        table.add_row(Text(name), "yes" if contact.verified else "no", key, epoch)
    return table


#: Enough to tell keys apart in a list; only the safety number compares them.
KEY_DIGITS: Final = 18
