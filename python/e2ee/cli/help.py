# SPDX-License-Identifier: MIT OR Apache-2.0
"""What stands at the end of a help text, with its line breaks kept."""

from typing import Final


def examples(*commands: str) -> str:
    """One command on each line."""
    return block("Example:" if len(commands) == 1 else "Examples:", commands)


def block(title: str, lines: tuple[str, ...]) -> str:
    """A title, and lines that are not wrapped."""
    return "\n".join([KEEP_LINES, title, *(f"  {line}" for line in lines)])


#: The mark before a paragraph that click does not wrap.
KEEP_LINES: Final = "\b"
