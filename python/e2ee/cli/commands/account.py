# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee init` and `e2ee invite`: an account of one's own, and what others need to write to it."""

import base64
from pathlib import Path

import click

from e2ee.cli import armour, options
from e2ee.cli.help import examples
from e2ee.cli.opening import Opening, opens_store
from e2ee.cli.screen import can_answer, harmless, note
from e2ee.cli.writing import write_binary, write_json, write_text


@click.command(
    short_help="Make an account on this machine.", epilog=examples("e2ee init --user alice")
)
@click.option("--user", metavar="NAME", help="Your name, as your contacts will type it.")
@opens_store
@options.as_json
def init(opening: Opening, user: str | None, *, as_json: bool) -> None:
    """Makes an account: your name and your keys, in a store that a passphrase closes.

    Your contacts add you under exactly this name. There is no way back to a lost passphrase.
    """
    if user is None and not can_answer():
        raise click.UsageError("There is no terminal to ask for your name: give --user.")
    with opening.new_account(user or click.prompt("Your name", err=True)) as account:
        if as_json:
            write_json(
                {
                    "user": account.user,
                    "device": account.device,
                    "identity_key": account.identity_key.hex(),
                    "store": str(opening.path),
                }
            )
            return
        click.echo(f"{harmless(account.user)} lives in {opening.path}")
        note("Next: send someone what 'e2ee invite' prints.")


@click.command(
    short_help="Print an invitation for others to add you with.",
    epilog=examples(
        "e2ee invite > alice.invitation", "e2ee invite --one-time --output for-bob.invitation"
    ),
)
@click.option("--one-time", is_flag=True, help="For one person only, and a little safer for it.")
@options.output_file
@options.binary
@opens_store
@options.as_json
def invite(
    opening: Opening, *, one_time: bool, output: Path | None, binary: bool, as_json: bool
) -> None:
    """Prints an invitation: public keys that let others write to you while you are away.

    It holds no secret: send it by mail or chat, or put it on a page. Whoever adds you with it
    should compare safety numbers with you ('e2ee verify'), because a carrier could exchange it.
    """
    with opening.account() as account:
        bundle = account.bundle(reusable=not one_time).to_bytes()
        user, identity_key = account.user, account.identity_key
    text = armour.wrap(armour.Kind.BUNDLE, bundle)
    if as_json:
        write_json(
            {
                "user": user,
                "identity_key": identity_key.hex(),
                "reusable": not one_time,
                "bundle": base64.b64encode(bundle).decode("ascii"),
                "text": text,
            }
        )
    elif binary:
        write_binary(output, bundle)
    else:
        write_text(output, text)
        note(f"Whoever gets this adds you with: e2ee add {harmless(user)}")
