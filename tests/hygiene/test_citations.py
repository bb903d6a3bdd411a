# SPDX-License-Identifier: MIT OR Apache-2.0
"""Protocol code names the document it follows, and the places that documents name exist."""

import re
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.hygiene.tree import ROOT, Source, product_rust, sources

CITING_CRATES = ("primitives", "ratchet", "files", "account", "signal", "olm", "mtproto")
CITATION = re.compile(
    r"\b[a-z_]+\.md §\d|\bFIPS \d|\bRFC \d|\bSP 800-\d|\bDouble Ratchet\b|\bX3DH\b|\bPQXDH\b"
    r"|\bXEdDSA §\d|\bdocs/[a-z-]+\.md\b"
)
DOC_COMMENT = re.compile(r"^\s*//[/!] ?(.*)$", re.MULTILINE)
CITED_PAGE = re.compile(r"\b(docs/[a-z-]+\.md)(?:,\s+\"([^\"]+)\")?")
#: A place of the tree in backquotes, and whether the text says that it does not exist yet.
NAMED_PLACE = re.compile(
    r"`((?:rust|python|tests|benches|docs|\.ci)/[\w./-]*)(?:::\w+)?`(\s+\(to\s+come\))?"
)


def uncited_files(rust: Iterable[Source]) -> Iterator[str]:
    """The files whose documentation cites no document."""
    for source in rust:
        if not CITATION.search("\n".join(DOC_COMMENT.findall(source.text))):
            yield source.path


def lost_citations(rust: Iterable[Source], pages: dict[str, str]) -> Iterator[str]:
    """The citations of pages, or of headings in them, that do not exist."""
    for source in rust:
        comments = " ".join(DOC_COMMENT.findall(source.text))
        for page, heading in CITED_PAGE.findall(comments):
            if page not in pages:
                yield f"{source.path}: {page}"
            elif heading and not re.search(rf"(?m)^#+ {re.escape(heading)}$", pages[page]):
                yield f'{source.path}: {page}, "{heading}"'


def wrong_places(pages: Iterable[Source], exists: Callable[[str], bool]) -> Iterator[str]:
    """The places that pages name wrongly: missing, or there although said to be to come."""
    for page in pages:
        for place, to_come in NAMED_PLACE.findall(page.text):
            if bool(to_come) == exists(place):
                yield f"{page.path}: {place} {'is here' if to_come else 'does not exist'}"


def in_tree(place: str) -> bool:
    """Whether the tree has this file or directory."""
    return (ROOT / place).exists()


def test_protocol_files_cite_their_document() -> None:
    assert list(uncited_files(product_rust(*CITING_CRATES))) == []


def test_cited_pages_and_headings_exist() -> None:
    pages = {page.path: page.text for page in sources(".md", under=("docs/",))}

    assert list(lost_citations(sources(".rs", ".py", under=("rust/", "python/")), pages)) == []


def test_places_named_in_documents_exist() -> None:
    assert list(wrong_places(sources(".md"), in_tree)) == []


def test_a_file_without_a_citation_is_caught() -> None:
    silent = Source("a.rs", '//! Keys.\nconst PAGE: &str = "signal.md §6"; // RFC 5869\n')

    assert list(uncited_files([silent])) == ["a.rs"]


@pytest.mark.parametrize(
    "comment",
    ["signal.md §6.1", "spqr.md §9.2", "FIPS 203", "RFC 5869 §2.2", "X3DH §3.3", "docs/formats.md"],
)
def test_a_citation_is_seen(comment: str) -> None:
    assert list(uncited_files([Source("a.rs", f"fn a() {{}}\n    /// Keys ({comment}).\n")])) == []


def test_a_lost_page_and_a_lost_heading_are_caught() -> None:
    source = Source(
        "a.rs", '//! See docs/none.md, and docs/a.md, "Work", docs/a.md,\n//! "Play".\n'
    )

    lost = list(lost_citations([source], {"docs/a.md": "# A\n\n## Work\n"}))

    assert lost == ["a.rs: docs/none.md", 'a.rs: docs/a.md, "Play"']


def test_a_wrong_place_is_caught() -> None:
    page = Source("docs/a.md", "`rust/gone/src/a.rs` `rust/here.rs` `tests/soon` (to\ncome)")

    wrong = list(wrong_places([page], "rust/here.rs".__eq__))

    assert wrong == ["docs/a.md: rust/gone/src/a.rs does not exist"]


def test_a_place_that_came_is_caught() -> None:
    page = Source("docs/a.md", "`tests/soon` (to come)")

    assert list(wrong_places([page], "tests/soon".__eq__)) == ["docs/a.md: tests/soon is here"]
