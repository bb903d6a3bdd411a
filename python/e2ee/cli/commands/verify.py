# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee verify`: comparing safety numbers, the only proof that nobody stands in between."""

from pathlib import Path

import click

from e2ee import Account, PreKeyBundle, SafetyNumber
from e2ee.cli import options
from e2ee.cli.armour import Kind
from e2ee.cli.exits import CommandError, Exit
from e2ee.cli.help import examples
from e2ee.cli.opening import Opening, opens_store
from e2ee.cli.reading import read_block, read_scanned
from e2ee.cli.screen import can_answer, harmless, note
from e2ee.cli.writing import write_json


@click.command(
    short_help="Compare safety numbers with a contact.",
    epilog=examples(
        "e2ee verify bob",
        'e2ee verify bob --code "12345 67890 …"',
        "e2ee verify bob --image for_bob.png",
        "zbarimg --raw --oneshot -Sbinary photo.png | e2ee verify bob --scanned -",
        "e2ee verify bob --bundle new.invitation",
    ),
)
@click.argument("name")
@click.option("--code", metavar="DIGITS", help="The 60 digits that NAME sees; blanks do not count.")
@click.option(
    "--scanned",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The bytes that a camera read from the code that NAME shows; - is the standard input.",
)
@click.option(
    "--image",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the code for the camera of NAME as a picture: .svg, else PNG.",
)
@click.option(
    "--bundle",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A new invitation from NAME: matching digits also make its identity the trusted one.",
)
@options.binary
@opens_store
@options.as_json
def verify(  # noqa: PLR0913 (one for each option)
    opening: Opening,
    name: str,
    code: str | None,
    *,
    scanned: Path | None,
    image: Path | None,
    source: Path | None,
    binary: bool,
    as_json: bool,
) -> None:
    """Shows the safety number with NAME, as 60 digits and as a QR code, and compares it.

    Both of you see the same digits if nobody stands in between. Compare them over a way that a
    carrier does not control: in person or by voice. Type or paste what NAME sees, or scan the code
    that NAME shows, and NAME is marked as verified. Exit code 1 says that the numbers differ.
    """
    if code is not None and scanned is not None:
        raise CommandError("give the digits or what was scanned, not both", Exit.USAGE)
    given = code if scanned is None else read_scanned(scanned)
    with opening.account() as account:
        bundle = None
        if source is not None:
            bundle = PreKeyBundle.from_bytes(read_block(source, Kind.BUNDLE, binary=binary))
        number = account.safety_number(name, bundle=bundle)
        if image is not None:
            svg = image.suffix == ".svg"
            image.write_bytes(number.svg().encode() if svg else number.png())
        if given is None and not as_json:
            click.echo(_shown(name, number))
            given = _asked(name)
        if given is not None:
            account.verify(name, given, bundle=bundle)
        if as_json:
            write_json(_described(account, name, number))
        elif given is not None:
            click.echo(f"The numbers are the same: {harmless(name)} is verified.")


def _shown(name: str, number: SafetyNumber) -> str:
    groups = str(number).split()
    rows = [" ".join(groups[start : start + 4]) for start in range(0, len(groups), 4)]
    digits = "\n".join(f"  {row}" for row in rows)
    return f"The safety number with {harmless(name)}:\n\n{digits}\n\n{number.qr()}"


def _asked(name: str) -> str | None:
    """What the person types; `None` if nobody is there to type, or nothing was typed."""
    if not can_answer():
        note(f"Compare with: e2ee verify {harmless(name)} --code DIGITS")
        return None
    question = f"The digits that {harmless(name)} sees (Enter to compare later)"
    typed: str = click.prompt(question, default="", show_default=False, err=True)
    return typed if typed.strip() else None


def _described(account: Account, name: str, number: SafetyNumber) -> dict[str, object]:
    verified = [contact.verified for contact in account.contacts() if contact.address.user == name]
    shown = {"safety_number": number.digits, "scannable": (number.scannable or b"").hex()}
    return {"user": name, **shown, "verified": any(verified)}
