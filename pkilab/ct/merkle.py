"""The append-only Merkle tree of a log: roots, inclusion and consistency proofs (RFC 6962, 2.1).

Proofs are checked by the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2, which give the same
verdicts. All hashes are SHA-256, 32 bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from hashlib import sha256
from itertools import islice
from struct import iter_unpack
from typing import TYPE_CHECKING

from pkilab.errors import CtError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HASH_SIZE = 32
EMPTY_ROOT = sha256().digest()
_LEAF, _NODE = b"\x00", b"\x01"  # RFC 6962, 2.1: one can never be taken for the other
_PAIR = 2 * HASH_SIZE
_BATCH = 1024  # hashes made at a time: what a processor's cache holds, measured as the fastest


def leaf_hash(leaf: bytes) -> bytes:
    """Hash the bytes of a leaf: a serialised MerkleTreeLeaf, or anything a tree may hold."""
    return sha256(_LEAF + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children, 32 bytes each, into their parent."""
    return sha256(_NODE + left + right).digest()


class MerkleTree(ABC):
    """A tree whose complete subtrees have roots that can be asked for, wherever they are kept."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many leaves there are."""

    @abstractmethod
    def node(self, level: int, index: int) -> bytes:
        """Return the root of the ``index``-th complete subtree of 2**level leaves.

        Raises:
            CtError: there is none; those of an incomplete subtree change and are not kept.
        """

    def root(self, size: int | None = None) -> bytes:
        """Return the root hash over the first ``size`` leaves; over all of them by default.

        Raises:
            CtError: the tree never had that size.
        """
        size = self._former("tree size", self.size if size is None else size, least=0)
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the audit path of a leaf in the tree of ``size``, from the leaf to the root.

        Args:
            index: the leaf's, 0 <= index < size.
            size: a size the tree has or had; the present one by default.

        Raises:
            CtError: no such size, or no such leaf in it.
        """
        size = self._former("tree size", self.size if size is None else size, least=1)
        if not 0 <= index < size:
            raise CtError("leaf index", found=f"{index}", expected=f"0 to {size - 1}")
        path = []
        for level in range((size - 1).bit_length()):
            start = (index >> level ^ 1) << level  # of the sibling's leaves
            if start < size:
                path.append(self._range(start, min(start + (1 << level), size)))
        return path

    def consistency_proof(self, first: int, second: int | None = None) -> list[bytes]:
        """Return the proof that the tree of ``first`` leaves is the beginning of ``second``'s.

        It is empty when the two sizes are one.

        Args:
            first: a size, at least 1: nothing can be proved from the empty tree.
            second: a size, not less than ``first``; the present one by default.

        Raises:
            CtError: sizes that the tree never had, or in the wrong order.
        """
        second = self._former("second tree size", self.size if second is None else second, least=1)
        if not 1 <= first <= second:
            raise CtError("first tree size", found=f"{first}", expected=f"1 to {second}")
        start, known, proof = 0, True, list[bytes]()
        old, new = first, second  # RFC 6962, 2.1.2: SUBPROOF(old, D[start:start + new], known)
        while old != new:
            half = 1 << (new - 1).bit_length() - 1
            if old <= half:
                proof.append(self._range(start + half, start + new))
                new = half
            else:
                proof.append(self._range(start, start + half))
                start, old, new, known = start + half, old - half, new - half, False
        if not known:
            proof.append(self._range(start, start + new))
        return proof[::-1]

    def _range(self, start: int, end: int) -> bytes:
        """Hash leaves ``start`` <= i < ``end``: a subtree of the tree, complete or at its edge.

        ``start`` is a multiple of a power of two that is not less than their number.
        """
        width, found = end - start, b""
        while width:  # from the right: the complete subtrees that the bits of the width stand for
            level = (width & -width).bit_length() - 1
            left = self.node(level, ((start + width) >> level) - 1)
            found = sha256(_NODE + left + found).digest() if found else left
            width &= width - 1
        return found

    def _former(self, what: str, size: int, least: int) -> int:
        if not least <= size <= self.size:
            raise CtError(what, found=f"{size}", expected=f"{least} to {self.size}")
        return size


class Tree(MerkleTree):
    """A tree in memory that only grows, and answers for every size it ever had.

    Holds the hashes of all complete subtrees, 64 bytes for each leaf in all, in one array for each
    level; not the leaves. Hashes above the leaves are made when a root or proof first needs them.
    """

    def __init__(self) -> None:
        self._levels = [bytearray()]  # level h: roots of complete subtrees of 2**h leaves
        self._index: dict[bytes, int] = {}
        self._indexed = 0

    def __repr__(self) -> str:
        return f"<Tree of {self.size} leaves>"

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._levels[0]) // HASH_SIZE

    def append(self, leaf: bytes) -> int:
        """Add a leaf; return its index, counted from 0."""
        leaves = self._levels[0]
        leaves += sha256(_LEAF + leaf).digest()
        return len(leaves) // HASH_SIZE - 1

    def append_hash(self, leaf_hash: bytes) -> int:
        """Add a leaf by its hash; return its index.

        Raises:
            CtError: not 32 bytes.
        """
        self._levels[0] += _hash("leaf hash", leaf_hash)
        return self.size - 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add many leaves in their order."""
        rest = iter(leaves)
        while batch := list(islice(rest, _BATCH)):
            self._levels[0] += b"".join([sha256(_LEAF + leaf).digest() for leaf in batch])

    def leaf_index(self, leaf_hash: bytes) -> int | None:
        """Return the index of the first leaf with this hash; None if there is none.

        The first question builds an index of the hashes, which takes more memory than the tree.
        """
        for number in range(self._indexed, self.size):
            self._index.setdefault(self.node(0, number), number)
        self._indexed = self.size
        return self._index.get(leaf_hash)

    def node(self, level: int, index: int) -> bytes:
        """Return the root of the ``index``-th complete subtree of 2**level leaves.

        Raises:
            CtError: there is none; those of an incomplete subtree change and are not kept.
        """
        return self.nodes(level, index, index + 1)

    def nodes(self, level: int, start: int, end: int) -> bytes:
        """Return the roots of complete subtrees ``start`` <= i < ``end``, one after another.

        Raises:
            CtError: one of them is not there.
        """
        count = self.size >> level if level >= 0 else 0
        if not 0 <= start < end <= count:
            found = f"nodes {start} to {end - 1} of level {level}"
            raise CtError("tree nodes", found=found, expected=f"some of the {count} there are")
        if level >= len(self._levels) or len(self._levels[level]) < end * HASH_SIZE:
            self._complete()
        return bytes(self._levels[level][start * HASH_SIZE : end * HASH_SIZE])

    def _complete(self) -> None:
        """Hash the complete subtrees that lack their root, level by level."""
        level = 0
        while len(self._levels[level]) >= _PAIR:
            if len(self._levels) == level + 1:
                self._levels.append(bytearray())
            below, above = self._levels[level : level + 2]
            first, end = 2 * len(above), len(below) - len(below) % _PAIR
            for at in range(first, end, _BATCH * _PAIR):
                pairs = iter_unpack(f"{_PAIR}s", below[at : min(at + _BATCH * _PAIR, end)])
                above += b"".join([sha256(_NODE + pair).digest() for (pair,) in pairs])
            level += 1


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf is in a tree, by its audit path (RFC 9162, 2.1.3.2).

    Not checked: who vouches for the root (`pkilab.ct.signing.verify_tree_head`).

    Args:
        leaf_hash: the hash of the leaf (`leaf_hash`), not the leaf.
        index: where the leaf is said to be, 0 <= index < size.
        size: the size of the tree.
        proof: the siblings from leaf to root.
        root: the root hash that the tree of that size has.

    Raises:
        CtError: the proof does not lead from this leaf to this root.
    """
    if not 0 <= index < size:
        raise CtError("leaf index", found=f"{index}", expected=f"0 <= index < {size}, the size")
    found = _hash("leaf hash", leaf_hash)
    for sibling, is_left in _climb("inclusion proof", index, size - 1, proof):
        found = node_hash(sibling, found) if is_left else node_hash(found, sibling)
    _same_root("root hash from the inclusion proof", found, root)


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Check that a tree has grown out of an earlier one (RFC 9162, 2.1.4.2).

    For one size twice the proof is empty and the roots are equal. From the empty tree, of which
    every tree is a continuation, nothing could be checked, and such a question is refused.

    Not checked: who vouches for the roots (`pkilab.ct.signing.verify_tree_head`).

    Args:
        first: the earlier size, 1 <= first <= second.
        second: the later size.
        proof: the nodes as `Tree.consistency_proof` gives them.
        first_root: the root hash of the earlier tree.
        second_root: the root hash of the later one.

    Raises:
        CtError: the proof does not bind the two roots.
    """
    if not 1 <= first <= second:
        raise CtError("first tree size", found=f"{first}", expected=f"1 to {second}, the second")
    if first == second:
        if proof:
            raise _wrong_length("consistency proof", proof, "none: the sizes are equal")
        _same_root("root hash of the same size", second_root, first_root)
        return
    nodes = list(proof)
    if first & (first - 1) == 0:
        nodes.insert(0, first_root)  # the earlier tree is a complete subtree of the later one
    if not nodes:
        raise _wrong_length("consistency proof", proof, "at least one")
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = _hash("node of the consistency proof", nodes[0])
    for sibling, is_left in _climb("consistency proof", node, last, nodes[1:]):
        if is_left:
            old = node_hash(sibling, old)
        new = node_hash(sibling, new) if is_left else node_hash(new, sibling)
    _same_root("first root hash from the consistency proof", old, first_root)
    _same_root("second root hash from the consistency proof", new, second_root)


def _climb(
    what: str, node: int, last: int, siblings: Sequence[bytes]
) -> Iterator[tuple[bytes, bool]]:
    """Climb from a node to the root; give each sibling on the way, and whether it is on the left.

    ``last`` is the number of the level's last node. On the right edge a node without a sibling is
    its own parent, so it is passed over.
    """
    for sibling in siblings:
        if last == 0:
            raise _wrong_length(what, siblings, "fewer: the root was reached before")
        yield _hash(f"node of the {what}", sibling), bool(node & 1) or node == last
        if node == last:
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    if last:
        raise _wrong_length(what, siblings, "more: the root was not reached")


def _hash(what: str, value: bytes) -> bytes:
    if len(value) != HASH_SIZE:
        raise CtError(what, found=f"{len(value)} bytes", expected=f"{HASH_SIZE}")
    return value


def _same_root(what: str, found: bytes, expected: bytes) -> None:
    if found != expected:
        raise CtError(what, found=found.hex(), expected=expected.hex())


def _wrong_length(what: str, proof: Sequence[bytes], expected: str) -> CtError:
    return CtError(what, found=f"{len(proof)} nodes", expected=expected)
