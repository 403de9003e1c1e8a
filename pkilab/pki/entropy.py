"""Where random bytes come from: a seed, for a repeatable world, or the operating system.

A seeded source is a tree. ``Entropy("lab").child("acm-pca", "key", "7")`` depends on the seed and
the path alone, never on what was asked before, so adding a call in one place changes nothing in
another. Bytes are SHAKE-256 output (FIPS 202).
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from typing import Protocol


class RandomSource(Protocol):
    """Anything that hands out random bytes."""

    def bytes(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        ...


class SystemEntropy:
    """The operating system's randomness, for keys that must be secret."""

    def bytes(self, count: int) -> bytes:
        """Return ``count`` unpredictable bytes."""
        return secrets.token_bytes(count)


class Entropy:
    """A repeatable stream of bytes. Not secret: whoever knows the seed knows every key made of it.

    Args:
        seed: any text. Equal seeds give equal streams, on every machine.
    """

    def __init__(self, seed: str) -> None:
        self._start_at(hashlib.sha3_256(b"pkilab entropy\0" + seed.encode()).digest())

    def _start_at(self, root: bytes) -> Entropy:
        self._root, self._block, self._buffer = root, 0, b""
        return self

    def child(self, *labels: str) -> Entropy:
        """Return an independent source named by ``labels``; the parent's position is untouched."""
        path = b"".join(len(part := label.encode()).to_bytes(4) + part for label in labels)
        root = hashlib.sha3_256(b"pkilab child\0" + self._root + path).digest()
        return Entropy.__new__(Entropy)._start_at(root)  # noqa: SLF001 - its own class

    def bytes(self, count: int) -> bytes:
        """Return the next ``count`` bytes of the stream."""
        while len(self._buffer) < count:
            label = self._root + self._block.to_bytes(8)
            self._buffer += hashlib.shake_256(label).digest(max(136, count))
            self._block += 1
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def uuid(self) -> str:
        """Return the next version 4 UUID, in lower case."""
        return str(uuid.UUID(bytes=self.bytes(16), version=4))
