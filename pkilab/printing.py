"""Text that others wrote, on one line of a terminal.

Names in certificates, a server's words and names of files may hold what moves the cursor, changes
colours, turns the direction of writing or begins a line that looks like a verdict.
"""

from __future__ import annotations

_LONGEST = 2000  # characters; certificates may have names of any length


def one_line(text: str) -> str:
    """Return a text with all that is not printable written as Python does, and cut if very long.

    Printable is what ``str.isprintable`` says: no control characters, C1 among them, no line ends,
    nothing that is invisible or turns the direction.
    """
    shown = "".join(each if each.isprintable() else _escaped(each) for each in text[:_LONGEST])
    return shown if len(text) <= _LONGEST else f"{shown} ... ({len(text):,} characters)"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
