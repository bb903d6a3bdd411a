# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee encrypt`, `e2ee decrypt` and `e2ee inbox`: messages out and in."""

from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from e2ee import Account, DuplicateMessageError, Message
from e2ee.cli import armour, options
from e2ee.cli.exits import CommandError, Exit, forget_output
from e2ee.cli.help import examples
from e2ee.cli.opening import Opening, opens_store
from e2ee.cli.reading import read_block, read_plaintext
from e2ee.cli.screen import harmless, note
from e2ee.cli.writing import write_binary, write_json, write_plaintext, write_text


@click.command(
    short_help="Encrypt a message to a contact.",
    epilog=examples(
        'echo "Meet me at noon." | e2ee encrypt bob',
        "e2ee encrypt bob photo.jpg --binary --output photo.e2ee",
    ),
)
@click.argument("name")
@options.input_file
@options.output_file
@options.binary
@opens_store
def encrypt(
    opening: Opening, name: str, source: Path | None, *, output: Path | None, binary: bool
) -> None:
    """Encrypts FILE, or what you type, to NAME. At most 16 MiB.

    The result is text that any mail or chat carries; with --binary it is a quarter smaller.
    """
    with opening.account() as account:
        envelope = account.encrypt(name, read_plaintext(source)).to_bytes()
    if binary:
        write_binary(output, envelope)
    else:
        write_text(output, armour.wrap(armour.Kind.MESSAGE, envelope))


@click.command(
    short_help="Decrypt a message from a contact.",
    epilog=examples(
        "e2ee decrypt alice < mail.txt", "e2ee decrypt alice photo.e2ee --binary --output photo.jpg"
    ),
)
@click.argument("name")
@options.input_file
@options.output_file
@options.binary
@opens_store
def decrypt(
    opening: Opening, name: str, source: Path | None, *, output: Path | None, binary: bool
) -> None:
    """Decrypts the message from NAME in FILE, or pasted. Text around it is ignored.

    Each message opens once. If the plaintext cannot be written, it waits in 'e2ee inbox'.
    """
    with opening.account() as account:
        envelope = read_block(source, armour.Kind.MESSAGE, binary=binary)
        try:
            _deliver(account, name, envelope, output)
        except DuplicateMessageError as error:
            raise _duplicate(error) from None


@click.command(
    short_help="List messages that wait, or print one.",
    epilog=examples("e2ee inbox", "e2ee inbox 01a2 --output note.txt"),
)
@click.argument("message", required=False)
@options.output_file
@opens_store
@options.as_json
def inbox(opening: Opening, message: str | None, *, output: Path | None, as_json: bool) -> None:
    """Lists the messages that were opened and not yet written anywhere; prints MESSAGE.

    A message waits here if 'e2ee decrypt' could not write it: a full disk, a closed pipe, a
    crash. MESSAGE is its id, or the beginning of it.
    """
    with opening.account() as account:
        waiting = account.inbox()
        if message is not None:
            chosen = _chosen(waiting, message)
            _write_or_keep(chosen, output)
            account.handled(chosen)
            return
    if as_json:
        write_json([_described(entry) for entry in waiting])
    elif waiting:
        Console().print(_table(waiting))
    else:
        note("No message waits.")


def _deliver(account: Account, name: str, envelope: bytes, output: Path | None) -> None:
    with account.receive(name, envelope) as message:
        _write_or_keep(message, output)


def _write_or_keep(message: Message, output: Path | None) -> None:
    """Writes a message; if that fails, it stays in the inbox, and the person reads so."""
    if message.content != "message":
        note(_said(message))
    if message.content not in WITH_PLAINTEXT:
        return
    try:
        write_plaintext(output, message.plaintext)
    except OSError as error:
        forget_output()
        sentence = f"the message could not be written ({error.strerror}): it waits in 'e2ee inbox'"
        raise CommandError(sentence, Exit.STORAGE) from error


def _said(message: Message) -> str:
    """What a message is that is not simply a text to this device."""
    sender = harmless(message.sender.user)
    match message.content:
        case "group":
            return f"This is for the group {message.group}."
        case "forwarded":
            return f"This is for the group {message.group}. Nothing says that {sender} wrote it."
        case "invitation":
            return f"From now on you can read what {sender} writes to the group {message.group}."
        case _:
            sent = "" if message.sent is None else f" of {message.sent:%Y-%m-%d %H:%M:%S} UTC"
            return f"{sender} could not read your message{sent}: send it again."


def _duplicate(error: DuplicateMessageError) -> CommandError:
    if error.delivered:
        return CommandError("this message was decrypted before: nothing to do", Exit.HANDLED)
    return CommandError(
        "the message does not open: its key was used before, for another copy of it", Exit.REFUSED
    )


def _chosen(waiting: list[Message], wanted: str) -> Message:
    found = [message for message in waiting if (message.inbox_id or "").startswith(wanted)]
    match found:
        case [only]:
            return only
        case []:
            raise CommandError("no such message waits: 'e2ee inbox' lists them", Exit.REFUSED)
        case _:
            raise CommandError("more than one message begins so: type more of it", Exit.USAGE)


def _described(message: Message) -> dict[str, object]:
    return {
        "id": message.inbox_id,
        "user": message.sender.user,
        "device": message.sender.device,
        "received": None if message.received is None else message.received.isoformat(),
        "content": message.content,
        "group": None if message.group is None else str(message.group),
        "bytes": len(message.plaintext),
    }


def _table(waiting: list[Message]) -> Table:
    table = Table("message", "from", "opened at (UTC)", "what", "bytes", box=None, pad_edge=False)
    for message in waiting:
        received = "" if message.received is None else f"{message.received:%Y-%m-%d %H:%M:%S}"
        sender = Text(harmless(message.sender.user))
        size = f"{len(message.plaintext):,}"
        table.add_row(message.inbox_id, sender, received, message.content, size)
    return table


#: The contents that have something to write; the others only say something.
WITH_PLAINTEXT: Final = frozenset({"message", "group", "forwarded"})
