"""The right edge of a Merkle tree: all that is needed to go on hashing it, whatever its size.

A tree of n leaves falls into complete subtrees, one for each bit of n that is set; their roots are
what is kept, 32 bytes each. Whoever reads a log from its beginning checks every root with them,
without keeping the tree (RFC 6962, 2.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from pkilab.ct.merkle import EMPTY_ROOT, HASH_SIZE, node_hash
from pkilab.errors import MalformedError


class CompactRange:
    """The complete subtrees of a tree that only grows.

    Args:
        size: of the tree.
        hashes: the roots of its complete subtrees, the largest first.

    Raises:
        MalformedError: not as many hashes as the size has bits set, or not of 32 bytes.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        given = list(hashes)
        if size < 0 or len(given) != size.bit_count() or {*map(len, given)} - {HASH_SIZE}:
            expected = f"{max(size, 0).bit_count()} of {HASH_SIZE} bytes for a size of {size}"
            raise MalformedError("compact range", found=f"{len(given)} hashes", expected=expected)
        self.size = size
        # By the level of the subtree; None where the size has no bit set.
        self._edge = [
            given.pop() if size >> level & 1 else None for level in range(size.bit_length())
        ]

    def __repr__(self) -> str:
        return f"<CompactRange of {self.size} leaves>"

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees, the largest first."""
        return tuple(each for each in reversed(self._edge) if each is not None)

    def copy(self) -> CompactRange:
        """Return another one that grows on its own."""
        return CompactRange(self.size, self.hashes)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaves in their order. Many at a time cost the least each."""
        hashes = [sha256(b"\0" + leaf).digest() for leaf in leaves]
        start, level = self.size, 0
        self.size += len(hashes)
        while hashes:
            if level == len(self._edge):
                self._edge.append(None)
            if start & 1:
                hashes.insert(0, self._edge[level] or b"")
            self._edge[level] = hashes.pop() if len(hashes) & 1 else None
            pairs = iter(hashes)
            hashes = [sha256(b"\1" + left + next(pairs)).digest() for left in pairs]
            start, level = start >> 1, level + 1

    def root(self) -> bytes:
        """Return the root hash of the tree."""
        found = b""
        for each in self._edge:
            if each is not None:
                found = node_hash(each, found) if found else each
        return found or EMPTY_ROOT
