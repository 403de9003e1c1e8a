"""TLS's presentation language (RFC 5246, section 4), as far as RFC 6962 uses it.

Integers are big-endian; a vector of variable length has its length before it, in as many bytes as
its greatest length needs.
"""

from __future__ import annotations

from pkilab.errors import MalformedError


def integer(what: str, value: int, size: int) -> bytes:
    """Encode an unsigned integer in ``size`` bytes.

    Raises:
        MalformedError: it is negative or does not fit.
    """
    if not 0 <= value < 1 << 8 * size:
        raise MalformedError(what, found=f"{value}", expected=f"0 <= n < 2**{8 * size}")
    return value.to_bytes(size)


def vector(what: str, data: bytes, prefix: int, least: int = 0) -> bytes:
    """Encode a vector: its length in ``prefix`` bytes, then ``data``.

    Raises:
        MalformedError: fewer than ``least`` bytes, or more than the length can say.
    """
    most = (1 << 8 * prefix) - 1
    if not least <= len(data) <= most:
        raise MalformedError(what, found=f"{len(data)} bytes", expected=f"{least} to {most}")
    return len(data).to_bytes(prefix) + data


def fixed(what: str, data: bytes, size: int) -> bytes:
    """Return ``data``, which has that size.

    Raises:
        MalformedError: it has another.
    """
    if len(data) != size:
        raise MalformedError(what, found=f"{len(data)} bytes", expected=f"{size}")
    return data


class Reader:
    """Reads one structure from its beginning to its end, and nothing beyond."""

    def __init__(self, what: str, data: bytes) -> None:
        self.what, self._data, self._at = what, data, 0

    def __bool__(self) -> bool:
        """Whether there is more to read."""
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        """Read ``size`` bytes.

        Raises:
            MalformedError: there are fewer.
        """
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            found = f"{len(taken)} bytes at offset {self._at}"
            raise MalformedError(self.what, found=found, expected=f"{size}")
        self._at += size
        return taken

    def integer(self, size: int) -> int:
        """Read an unsigned integer of ``size`` bytes."""
        return int.from_bytes(self.take(size))

    def vector(self, prefix: int, least: int = 0) -> bytes:
        """Read a vector whose length is in ``prefix`` bytes.

        Raises:
            MalformedError: it is shorter than ``least``, or longer than what is there.
        """
        length = self.integer(prefix)
        if length < least:
            found = f"a vector of {length} bytes"
            raise MalformedError(self.what, found=found, expected=f"at least {least}")
        return self.take(length)

    def end(self) -> None:
        """Make sure that nothing is left.

        Raises:
            MalformedError: something is.
        """
        if self:
            found = f"{len(self._data) - self._at} bytes after its end"
            raise MalformedError(self.what, found=found, expected="none")
