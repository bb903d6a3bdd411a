# SPDX-License-Identifier: MIT OR Apache-2.0
"""The closing table of the demo."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from e2ee.demo.items import Stream
from e2ee.demo.ledger import keys_used_twice
from e2ee.demo.report import Report


def print_closing_table(report: Report, console: Console) -> None:
    """Prints all figures, and what is wrong with them if something is."""
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2))
    table.add_column(style="bold")
    for name, value in _rows(report):
        table.add_row(name, Text(value))
    console.print("\n[bold]What happened[/bold]")
    console.print(table)
    failures = report.failures()
    for sentence in failures:
        console.print(f"[bold red]failed:[/bold red] {sentence}")
    if not failures:
        console.print(
            "\n[bold green]Every message is accounted for; nothing was lost.[/bold green]"
        )


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    carrier, ledger = report.conversation.carrier, report.conversation.ledger
    for user in report.sent:
        texts = report.tally(user, Stream.TEXT)
        yield (
            f"texts of {user}",
            f"{texts.sent:,} sent = {texts.delivered:,} delivered + {texts.owed} owed",
        )
    size = report.transfer.size
    same = "equal" if report.transfer.sha256_sent == report.transfer.sha256_received else "DIFFER"
    yield "file", f"{size:,} bytes in {report.transfer.seconds} s, digests {same}"
    yield "envelopes encrypted", f"{len(carrier.posted):,}, unaccounted {report.unaccounted()}"
    done = ", ".join(f"{count:,} {what}" for what, count in carrier.done.items())
    yield "by the carrier", done
    found = {
        "opened": ledger.opened,
        "refused": ledger.refused.total(),
        "cut off by a kill": ledger.cut_off,
    }
    parts = " + ".join(f"{count:,} {what}" for what, count in found.items())
    yield "copies handed over", f"{ledger.handed_over:,} = {parts}"
    for cause, errors in report.refusals().items():
        yield f"refused: {cause}", ", ".join(f"{name} {n:,}" for name, n in errors.items())
    if ledger.opened_changed:
        yield "opened unchanged", f"{ledger.opened_changed} with an unauthenticated byte changed"
    attempts = sum(tried.tries for tried in report.attacks)
    refused = sum(tried.refused.total() for tried in report.attacks)
    yield "attacks", f"{attempts:,} tried, {refused:,} refused"
    yield "processes killed", str(len(report.conversation.kills))
    yield "state lost", str(report.state_lost())
    yield "keys used twice", str(keys_used_twice(carrier.posted))
    epochs = ", ".join(f"{user} {status.epoch}" for user, status in report.statuses.items())
    yield "post-quantum epoch", epochs
    for what, extra in report.overhead().items():
        yield f"overhead, {what}", f"{extra:,.0f} bytes (median)"
    for way, times in report.microseconds().items():
        figures = ", ".join(f"{what} {time:,.0f} µs" for what, time in times.items())
        yield f"to {way}, on the disk", f"{figures} (median)"
    yield "seed", f"{report.plan.seed} (whole demo: {report.seconds:.1f} s)"
