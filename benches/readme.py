# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tables of a run as Markdown for the README, made of the kept document alone.

Run as `python -m benches.readme [TABLE]` after `make bench`.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benches.operations import OURS, OURS_OLM
from benches.report import Document, amount, figures, losses, peers, verdict

DASH, TIMES = "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"
KEPT = Path(__file__).parents[1] / ".benchmarks" / "table.json"


def markdown(document: Document) -> str:
    """All that the README shows."""
    return "\n".join(
        [
            caption(document),
            "",
            *_operations(document),
            "",
            *_others(document),
            "",
            *_bars(document),
            "",
            *_remarks(document),
        ]
    )


def caption(document: Document) -> str:
    """Where it was measured, and with which versions."""
    machine = document["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    return (
        f"Medians of one run of `make bench`: bytes in, bytes out, {machine['CPU']}"
        f" ({machine['features']}), {machine['cores']} cores, Python {machine['Python']}, a load of"
        f" {document['load']['before']:.1f} before it. e2ee {machine['e2ee']}; {versions}."
    )


def _operations(document: Document) -> Iterator[str]:
    found = figures(document)
    chosen = [name for name in found if name in document["limits"] and OURS in found[name]]
    others = peers(document, chosen)
    yield from _head(["µs", OURS, "middle half", "limit", "ratio", *others])
    for name in chosen:
        rows, least = found[name], document["limits"][name]["median"]
        ours = rows[OURS]
        yield _row(
            [
                name,
                f"**{amount(ours['median'])}**",
                f"{amount(ours['low'])}{DASH}{amount(ours['high'])}",
                amount(least),
                f"{ours['median'] / least:.2f}",
                *(_median(rows, other) for other in others),
            ]
        )


def _others(document: Document) -> Iterator[str]:
    found = figures(document)
    chosen = [name for name in found if name not in document["limits"]]
    others = peers(document, chosen)
    yield from _head(["beside it", "unit", OURS, *others])
    for name in chosen:
        cells = [_median(found[name], library) for library in (OURS, *others)]
        yield _row([name, document["units"].get(name, "µs"), *cells])


def _bars(document: Document) -> Iterator[str]:
    yield from _head(["bar", "measured", "allowed", "", "formula"])
    for bar in document["bars"]:
        cells = [bar["operation"], amount(bar["measured"]), amount(bar["allowed"]), verdict(bar)]
        yield _row([*cells, bar["formula"].replace(" x ", f" {TIMES} ")])


def _remarks(document: Document) -> Iterator[str]:
    yield "- Single primitives are our Rust without Python, and the others' through Python."
    yield from (f"- {name}: {note}" for name, note in document["notes"].items())
    yield from (f"- {name} is left out: {why}." for name, why in document["absent"].items())
    for ours in (OURS, OURS_OLM):
        lost = [each[:2] for each in losses(document) if each[3] == ours]
        if lost:
            named = "; ".join(f"{operation} ({library})" for operation, library in lost)
            yield f"- Where another library needs less than {ours}: {named}."


def _head(cells: Sequence[str]) -> Iterator[str]:
    yield _row(cells)
    yield "|" + "---|" * len(cells)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _median(rows: dict[str, dict[str, float]], library: str) -> str:
    return amount(rows[library]["median"]) if library in rows else DASH


if __name__ == "__main__":
    path = Path(sys.argv[1]) if sys.argv[1:] else KEPT
    sys.stdout.write(markdown(json.loads(path.read_text(encoding="utf-8"))) + "\n")
