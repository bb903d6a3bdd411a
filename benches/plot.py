# SPDX-License-Identifier: MIT OR Apache-2.0
"""The picture of a run for the README, as PNG and SVG, made of the kept document alone.

Run as `python -m benches.plot [TABLE] [FOLDER]` after `make bench`; the folder is
`docs/images`. It can be read on a light and on a dark page: nothing is painted behind.
"""

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

from benches.operations import LIMIT, OURS
from benches.readme import KEPT, caption
from benches.report import Document, amount, figures, peers

FOLDER = Path(__file__).parents[1] / "docs" / "images"
#: In the middle between black and white: as far from the one page as from the other.
INK, FAINT = "#7d7d7d", "#7d7d7d55"
#: Of the limit, of ours (Signal, then Olm) and of the others in their order; apart for those who
#: see no red or green.
COLOURS = ("#9a9a9a", "#2f81f7", "#79b8ff", "#d98a00", "#c2589b", "#1f9e89", "#b5651d")
LEGEND = {LIMIT: "limit: the primitives alone", "libsignal": "libsignal, with its bridge to Node"}
BAR, GAP = 0.8, 1.2
RCPARAMS = {
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.edgecolor": FAINT,
    # The same document gives the same file.
    "svg.hashsalt": "e2ee",
    "svg.fonttype": "path",
}


def bars(document: Document) -> tuple[list[str], list[tuple[str, dict[str, float]]]]:
    """The names of all bars in their order, and for each operation the µs of those it has."""
    found = figures(document)
    # Messages; ciphers have the table alone.
    named = [name for name in document["limits"] if not name.startswith("AES-")]
    chosen = [name for name in named if OURS in found.get(name, {})]
    order = [LIMIT, OURS, *peers(document, chosen)]
    groups = []
    for operation in chosen:
        medians = {library: row["median"] for library, row in found[operation].items()}
        medians[LIMIT] = document["limits"][operation]["median"]
        groups.append((operation, {name: medians[name] for name in order if name in medians}))
    return order, groups


def draw(document: Document) -> Any:  # noqa: ANN401 - a figure of a library that may not be there
    """The picture."""
    import matplotlib as mpl  # noqa: PLC0415 - not needed for the other uses of this module

    mpl.use("Agg")
    mpl.rcParams.update(RCPARAMS)
    from matplotlib import pyplot as plt  # noqa: PLC0415

    order, groups = bars(document)
    count = sum(len(medians) + GAP for _, medians in groups)
    figure, axes = plt.subplots(figsize=(9, 0.16 * count + 1.6), layout="constrained")
    top, ticks = 0.0, []
    for operation, medians in groups:
        ticks.append((top + (len(medians) - 1) / 2, operation))
        for place, (name, value) in enumerate(medians.items()):
            _bar(axes, top + place, value, name, order)
        top += len(medians) + GAP
    _frame(axes, ticks, top)
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[at]) for at in range(len(order))]
    names = [LEGEND.get(name, name) for name in order]
    axes.legend(handles, names, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, frameon=False)
    figure.supxlabel(textwrap.fill(caption(document), 130), fontsize=7, color=INK)
    return figure


def _bar(axes: Any, place: float, value: float, name: str, order: list[str]) -> None:  # noqa: ANN401
    axes.barh(place, value, height=BAR, color=COLOURS[order.index(name)], log=True)
    weight = "bold" if name == OURS else "normal"
    axes.text(value * 1.06, place, amount(value), va="center", fontsize=7, weight=weight, color=INK)


def _frame(axes: Any, ticks: list[tuple[float, str]], bottom: float) -> None:  # noqa: ANN401
    axes.set_yticks([place for place, _ in ticks], [name for _, name in ticks])
    axes.set_ylim(bottom - GAP / 2, -1)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.set_xlabel("µs, logarithmic: less is better")
    axes.tick_params(length=0)
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.margins(x=0.12)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def main() -> None:
    """Writes both files."""
    given = [Path(argument) for argument in sys.argv[1:]]
    table, folder = (*given, *(KEPT, FOLDER)[len(given) :])
    figure = draw(json.loads(table.read_text(encoding="utf-8")))
    folder.mkdir(parents=True, exist_ok=True)
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        path = folder / f"speed.{kind}"
        figure.savefig(path, dpi=160, transparent=True, metadata=metadata)
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
