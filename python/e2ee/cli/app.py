# SPDX-License-Identifier: MIT OR Apache-2.0
"""The program `e2ee`: its commands, its help, and how errors become sentences and exit codes."""

from typing import Final

import click

from e2ee import E2EEError
from e2ee.cli.commands.account import init, invite
from e2ee.cli.commands.backup import backup, restore
from e2ee.cli.commands.contacts import add, contacts, forget
from e2ee.cli.commands.demo import demo
from e2ee.cli.commands.doctor import doctor
from e2ee.cli.commands.files import seal, unseal
from e2ee.cli.commands.heal import heal
from e2ee.cli.commands.matrix_store import matrix_store
from e2ee.cli.commands.messages import decrypt, encrypt, inbox
from e2ee.cli.commands.rekey import rekey
from e2ee.cli.commands.verify import verify
from e2ee.cli.commands.verify_install import verify_install
from e2ee.cli.commands.version import version
from e2ee.cli.exits import CommandError, Exit, explained, explained_os
from e2ee.cli.help import block


class Program(click.Group):
    """A group of commands in the order in which a person needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, not sorted by letters."""
        del ctx
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> object:
        """Runs a command; what goes wrong ends as one sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except CommandError as error:
            end = error
        except E2EEError as error:
            end = explained(error)
        except OSError as error:
            end = explained_os(error)
        except (KeyboardInterrupt, click.Abort):
            end = CommandError("interrupted", Exit.INTERRUPTED)
        click.echo(f"e2ee: {end}", err=True)
        raise click.exceptions.Exit(end.code)


FIRST_STEPS: Final = block(
    "First steps:",
    (
        "e2ee init --user alice            make an account",
        "e2ee invite                       print what others need to write to you",
        "e2ee add bob bob.invitation       add someone from their invitation",
        "e2ee encrypt bob letter.txt       print a message that only bob can read",
        "e2ee decrypt bob mail.txt         read a message from bob",
        "e2ee verify bob                   make sure that nobody stands in between",
    ),
)
HELP: Final = f"""Encrypted messages over any carrier: mail, chat, a USB stick.

{FIRST_STEPS}

'e2ee COMMAND --help' shows an example of each. The store is closed by a passphrase, which is
asked for, or read with --passphrase-file or --passphrase-fd.
"""
EXIT_CODES: Final = block("Exit codes:", tuple(f"{code:>3}  {code.meaning}" for code in Exit))

main: Final = Program(
    "e2ee",
    help=HELP,
    epilog=EXIT_CODES,
    commands=[
        init,
        invite,
        add,
        contacts,
        encrypt,
        decrypt,
        inbox,
        verify,
        forget,
        rekey,
        doctor,
        backup,
        restore,
        heal,
        seal,
        unseal,
        matrix_store,
        demo,
        version,
        verify_install,
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
