# SPDX-License-Identifier: MIT OR Apache-2.0
"""The table of a run as text, made of the document that is kept of it and of nothing else."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from benches.operations import OURS, OURS_OLM

#: What `Table.document` gives.
Document: TypeAlias = dict[str, Any]
#: The rows of a document: by operation, then by library.
Figures: TypeAlias = dict[str, dict[str, dict[str, float]]]

NOTES = (
    "Times are medians in µs for one operation, beside the middle half of the rounds.",
    "limit: the sum of the primitives below, measured before and after the rows of this run.",
    "The rows of single primitives are our Rust without Python, and the others through Python.",
)


def as_text(document: Document) -> str:
    """All of it, as a person reads it."""
    lines = [
        ", ".join(f"{name} {value}" for name, value in document["machine"].items()),
        ", ".join(f"{name} {value}" for name, value in document["versions"].items()),
        *(f"left out: {name}: {why}" for name, why in document["absent"].items()),
        "",
        *_operations(document),
        "",
        *_others(document),
        "",
        *_bars(document),
        "",
        *_lost(document),
        "",
        *NOTES,
        *(f"{name}: {note}" for name, note in document["notes"].items()),
        "The machine's load was {before:.1f} before and {after:.1f} after.".format(
            **document["load"]
        ),
        f"Between the two measurements a primitive moved by {document['drift']:.0%} at most.",
        f"A post-quantum epoch took {document['observed']['messages_per_epoch']:.0f} messages.",
        "",
        *_explained(document),
    ]
    return "\n".join(lines)


def figures(document: Document) -> Figures:
    """The rows by operation and library, in the order of the limits and then as measured."""
    found: Figures = {name: {} for name in document["limits"]}
    for row in document["rows"]:
        quarters = {quarter: row[quarter] for quarter in ("least", "low", "median", "high")}
        found.setdefault(row["operation"], {})[row["library"]] = quarters
    return {operation: rows for operation, rows in found.items() if rows}


def peers(document: Document, operations: list[str]) -> list[str]:
    """The other libraries with a row among these operations, in the order of their columns."""
    found = figures(document)
    there = {library for operation in operations for library in found[operation]}
    return [name for name in document["notes"] if name in there]


def amount(value: float) -> str:
    """A figure with three or four digits that count."""
    if value >= 100:
        return f"{value:,.0f}" if value >= 1_000 else f"{value:.1f}"
    return f"{value:.2f}"


def _operations(document: Document) -> Iterator[str]:
    found = figures(document)
    chosen = [name for name in found if name in document["limits"]]
    others = peers(document, chosen)
    yield _line("operation", [OURS, "middle half", "limit", "above", "ratio", *others])
    for name in chosen:
        rows, least = found[name], document["limits"][name]["median"]
        ours = rows.get(OURS)
        if ours is None:
            cells = ["-", "-", amount(least), "-", "-"]
        else:
            cells = [
                amount(ours["median"]),
                f"{amount(ours['low'])}-{amount(ours['high'])}",
                amount(least),
                f"{ours['median'] - least:+.2f}",
                f"{ours['median'] / least:.2f}",
            ]
        yield _line(name, cells + [_median(rows, other) for other in others])


def _others(document: Document) -> Iterator[str]:
    found = figures(document)
    chosen = [name for name in found if name not in document["limits"]]
    others = peers(document, chosen)
    yield _line("beside it", ["unit", OURS, *others])
    for name in chosen:
        rows = found[name]
        unit = document["units"].get(name, "µs")
        yield _line(name, [unit, _median(rows, OURS), *(_median(rows, each) for each in others)])


def _bars(document: Document) -> Iterator[str]:
    yield _line("bar", ["measured", "allowed"])
    for bar in document["bars"]:
        cells = [amount(bar["measured"]), amount(bar["allowed"])]
        yield _line(bar["operation"], cells) + f"   {verdict(bar):<18}{bar['formula']}"


def verdict(bar: dict[str, Any]) -> str:
    """Whether a bar is met, in words."""
    return "met" if bar["met"] else f"missed by {bar['measured'] / bar['allowed'] - 1:.0%}"


def losses(document: Document) -> Iterator[tuple[str, str, float, str, float]]:
    """Where another library needs less: operation, library, its figure, our row, our figure."""
    for operation, rows in figures(document).items():
        mine = {name: rows[name]["median"] for name in (OURS, OURS_OLM) if name in rows}
        others = {name: row["median"] for name, row in rows.items() if name not in mine}
        for name, ours in mine.items():
            for library, theirs in others.items():
                if theirs < ours:
                    yield operation, library, theirs, name, ours


def _lost(document: Document) -> Iterator[str]:
    lost = list(losses(document))
    yield "what we lose: another library needs less" if lost else "no other library needs less"
    for operation, library, theirs, name, ours in lost:
        yield f"  {operation}: {library} {amount(theirs)}, {name} {amount(ours)}"


def _explained(document: Document) -> Iterator[str]:
    for name, least in document["limits"].items():
        yield f"{name}: limit {least['median']:.2f} µs"
        for part in least["parts"]:
            count, each = f"{part['count']:.4g}", part["each"] / 1_000
            yield f"  {count:>8} x {each:6.2f} µs  {part['primitive']:<48} {part['reason']}"


def _median(rows: dict[str, dict[str, float]], library: str) -> str:
    return amount(rows[library]["median"]) if library in rows else "-"


def _line(first: str, cells: list[str]) -> str:
    return f"{first:<34}" + "".join(
        f" {cell:>{15 if at == 1 else 12}}" for at, cell in enumerate(cells)
    )
