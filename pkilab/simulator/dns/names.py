r"""Domain names as Route 53 writes them, and as labels.

Text has lower-case letters, a final dot, and every octet but letters, digits, hyphens and
underscores as three octal digits: ``\052.example.com.``

Source: Route 53 Developer Guide, DNS domain name format; RFC 1035, section 2.3.4.
"""

from __future__ import annotations

import re

from pkilab.errors import MalformedError

Name = tuple[bytes, ...]  # the labels, lower case, the top-level domain last; () is the root

_PART = re.compile(r"\\([0-3][0-7]{2})|\\([^0-9])|([^\\])", re.DOTALL)
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
_LONGEST_LABEL, _LONGEST_NAME = 63, 255
_UPPER, _LOWER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz"
_FOLD = bytes.maketrans(_UPPER, _LOWER)


def parse_name(text: str) -> Name:
    r"""Read a name; case and a final dot do not matter, ``\052`` is an octet, ``.`` the root.

    Raises:
        MalformedError: a label is empty or has more than 63 octets, the name more than 255 on the
            wire, or a backslash escapes nothing.
    """
    if text == ".":
        return ()
    labels, position = [bytearray()], 0
    while found := _PART.match(text, position):
        octal, escaped, plain = found.groups()
        position = found.end()
        if plain == ".":
            labels.append(bytearray())
        elif octal:
            labels[-1].append(int(octal, 8))
        else:
            labels[-1] += (escaped or plain).encode("utf-8", "replace")
    if not labels[-1]:
        labels.pop()
    sizes = [len(label) for label in labels]
    fits = sizes and min(sizes) > 0 and max(sizes) <= _LONGEST_LABEL
    if position < len(text) or not fits or sum(sizes) + len(sizes) + 1 > _LONGEST_NAME:
        expected = "labels of 1 to 63 octets, 255 octets in all"
        raise MalformedError("domain name", found=repr(text), expected=expected)
    return fold(tuple(bytes(label) for label in labels))


def fold(labels: Name) -> Name:
    """Return labels in lower case, ASCII letters alone."""
    return tuple(label.translate(_FOLD) for label in labels)


def name_text(name: Name) -> str:
    """Write a name as Route 53 does."""
    return "".join(f"{_label_text(label)}." for label in fold(name)) or "."


def host_text(name: Name) -> str:
    """Write a name as host names are written: its octets as they are, without a final dot."""
    return ".".join(label.decode("latin-1") for label in name)


def is_within(name: Name, zone: Name) -> bool:
    """Say whether a name is a zone's apex or below it."""
    return name[len(name) - len(zone) :] == zone if len(name) >= len(zone) else False


def _label_text(label: bytes) -> str:
    return "".join(chr(octet) if octet in _PLAIN else f"\\{octet:03o}" for octet in label)
