"""Cutting BER into its elements: what PKCS#12 files are written in, where `_der` reads DER alone.

NSS writes lengths that are not known beforehand (X.690, 8.1.3.6) and strings in pieces (8.7.3), as
BER allows. Elements are cut and never put together anew, so nothing that a MAC covers is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pkilab.errors import MalformedError
from pkilab.pki import _der

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECT_IDENTIFIER, INTEGER, OCTET_STRING = 0x06, 0x02, 0x04
_CONSTRUCTED, _INDEFINITE, _LONG_TAG = 0x20, 0x80, 0x1F
_DEEPEST, _MOST_ELEMENTS = 24, 20_000  # a PFX has a depth of ten, and an element for each bag
_LONGEST_INTEGER = 8


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag byte, its contents without end-of-contents, and the whole of it."""

    tag: int
    contents: bytes
    whole: bytes

    def children(self, *, least: int = 0) -> tuple[Element, ...]:
        """Cut the contents into elements.

        Raises:
            MalformedError: they are not ``least`` elements or more.
        """
        found = elements(self.contents) if self.tag & _CONSTRUCTED else ()
        if len(found) < least:
            raise MalformedError("BER", found=f"{len(found)} elements", expected=f"{least}")
        return found

    def octets(self) -> bytes:
        """Return the value of an octet string, in one piece or in several.

        Raises:
            MalformedError: the pieces cannot be cut apart, or are in pieces themselves.
        """
        if not self.tag & _CONSTRUCTED:
            return self.contents
        pieces = self.children()
        if any(piece.tag != OCTET_STRING for piece in pieces):
            raise MalformedError("BER", found="other pieces", expected="OCTET STRINGs")
        return b"".join(piece.contents for piece in pieces)

    def number(self) -> int:
        """Return the value of an INTEGER.

        Raises:
            MalformedError: it is none, or longer than eight bytes.
        """
        if self.tag != INTEGER or not 0 < len(self.contents) <= _LONGEST_INTEGER:
            raise MalformedError("BER", found=f"tag {self.tag:#x}", expected="an INTEGER")
        return int.from_bytes(self.contents, signed=True)

    def oid(self) -> str:
        """Return the value of an OBJECT IDENTIFIER, dotted.

        Raises:
            MalformedError: it is none.
        """
        try:
            if self.tag == OBJECT_IDENTIFIER:
                return _der.object_identifier(self.contents).dotted_string
        except ValueError:
            pass
        raise MalformedError("BER", found=f"tag {self.tag:#x}", expected="an OBJECT IDENTIFIER")


class CutError(MalformedError):
    """The data ends before the element does."""

    def __init__(self) -> None:
        super().__init__("BER", found="its end", expected="the rest of an element")


def first(data: bytes) -> Element:
    """Return the element that ``data`` begins with.

    Raises:
        CutError: it is longer than the data.
        MalformedError: it is no element.
    """
    return next(_each(data))


def elements(data: bytes) -> tuple[Element, ...]:
    """Cut ``data`` into the elements that follow one another in it.

    Raises:
        CutError: one is longer than the data.
        MalformedError: what is there is no element, or there are more than a file needs.
    """
    found = []
    for element in _each(data):
        found.append(element)
        if len(found) > _MOST_ELEMENTS:
            raise MalformedError("BER", found="more", expected=f"{_MOST_ELEMENTS} elements")
    return tuple(found)


def _each(data: bytes) -> Iterator[Element]:
    at = 0
    while at < len(data):
        start, end, after = _bounds(data, at, 0)
        yield Element(data[at], data[start:end], data[at:after])
        at = after


def _bounds(data: bytes, at: int, depth: int) -> tuple[int, int, int]:
    """Return where the contents of the element at ``at`` begin and end, and where the next is."""
    if depth > _DEEPEST:
        raise MalformedError("BER", found="a deeper one", expected=f"a depth of {_DEEPEST}")
    if len(data) < at + 2:
        raise CutError
    if data[at] & _LONG_TAG == _LONG_TAG:
        raise MalformedError("BER", found="a tag of several bytes", expected="a one-byte tag")
    start, size = at + 2, data[at + 1]
    if size == _INDEFINITE:
        return _indefinite(data, at, depth)
    if size > _INDEFINITE:
        start += size - _INDEFINITE
        if len(data) < start:
            raise CutError
        size = int.from_bytes(data[at + 2 : start])
    if len(data) < start + size:
        raise CutError
    return start, start + size, start + size


def _indefinite(data: bytes, at: int, depth: int) -> tuple[int, int, int]:
    if not data[at] & _CONSTRUCTED:
        raise MalformedError("BER", found="a primitive without a length", expected="a length")
    end = at + 2
    for _ in range(_MOST_ELEMENTS):
        if data[end : end + 2] == b"\0\0":
            return at + 2, end, end + 2
        end = _bounds(data, end, depth + 1)[2]
    raise MalformedError("BER", found="more", expected=f"{_MOST_ELEMENTS} elements")
