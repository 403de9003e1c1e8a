"""The few lines of DER that no library hands out: cutting a value into its elements and back.

Used where ``cryptography`` refuses a whole certificate for one bad extension, and where RFC 4514
wants a value's encoding. Only the definite, one-byte-tag form of X.690 that certificates use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509

from pkilab.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable

SEQUENCE = 0x30


@dataclass(frozen=True, slots=True)
class Element:
    """One DER element: its tag byte, its contents, and the whole of it."""

    tag: int
    contents: bytes
    whole: bytes


def elements(data: bytes) -> tuple[Element, ...]:
    """Cut ``data`` into the DER elements that follow one another in it.

    Raises:
        MalformedError: a length that leads past the end, or a form this reader does not know.
    """
    found = []
    while data:
        start, length = _header(data)
        if len(data) < start + length:
            raise MalformedError("DER", found=f"{len(data) - start} bytes", expected=f"{length}")
        found.append(Element(data[0], data[start : start + length], data[: start + length]))
        data = data[start + length :]
    return tuple(found)


def encode(tag: int, parts: Iterable[bytes]) -> bytes:
    """Put ``parts`` one after another into an element with ``tag``."""
    contents = b"".join(parts)
    size = len(contents)
    if size < 0x80:  # noqa: PLR2004 - X.690 8.1.3.4, the short form
        return bytes((tag, size)) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + contents


def object_identifier(contents: bytes) -> x509.ObjectIdentifier:
    """Decode the contents of an OBJECT IDENTIFIER (X.690, 8.19).

    Raises:
        ValueError: they are none.
    """
    numbers, number = [], 0
    for byte in contents:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a number
            numbers.append(number)
            number = 0
    if not numbers:
        raise ValueError("empty object identifier")
    first = min(numbers[0] // 40, 2)
    parts = [first, numbers[0] - 40 * first, *numbers[1:]]
    return x509.ObjectIdentifier(".".join(map(str, parts)))


def _header(data: bytes) -> tuple[int, int]:
    """Return where the contents start and how long they are (X.690, 8.1.3)."""
    if len(data) < 2 or data[0] & 0x1F == 0x1F:  # noqa: PLR2004 - tag and length, at least
        raise MalformedError("DER", found="no tag and length", expected="a one-byte tag, a length")
    if data[1] < 0x80:  # noqa: PLR2004 - the short form
        return 2, data[1]
    count = data[1] & 0x7F
    if not 0 < count <= len(data) - 2:
        raise MalformedError("DER", found="an indefinite or cut length", expected="a length")
    return 2 + count, int.from_bytes(data[2 : 2 + count])
