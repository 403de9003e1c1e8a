"""What others wrote, printed so that it stays what it is."""

import pytest

from pkilab.printing import one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CN=Zoë, O=東京", "CN=Zoë, O=東京"),
        ("a\nTrusted: signed by b", "a\\nTrusted: signed by b"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),  # CSI in one character (ECMA-48, C1)
        ("exe.\u202etxt", "exe.\\u202etxt"),
        ("a\u2028b\U000e0001", "a\\u2028b\\U000e0001"),
        ("\udcff", "\\udcff"),  # of a file name that is no UTF-8
    ],
)
def test_what_moves_the_cursor_or_is_not_seen_is_escaped(text, shown):
    """The rest stays."""
    assert one_line(text) == shown
    assert one_line(text).isprintable()


def test_a_text_without_end_is_cut():
    """A name may have megabytes."""
    assert one_line("a" * 2000) == "a" * 2000
    assert one_line("a" * 9_000_000) == "a" * 2000 + " ... (9,000,000 characters)"
