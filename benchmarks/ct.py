"""The Merkle tree beside the bare hashing of the same bytes, and beside pymerkle.

The floor is hashlib alone: the leaves with their prefix and the pairs with theirs lie ready in
memory, and each is hashed once, which is the least that any tree of RFC 6962 has to do.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import pymerkle

from pkilab.ct.merkle import Tree, leaf_hash, verify_consistency, verify_inclusion

LEAF_SIZE = 100  # bytes; a MerkleTreeLeaf is larger, and then hashlib has more of the time
PROOFS = 2000


@dataclass(frozen=True)
class Seconds:
    """CPU seconds: the floor, the ways of growing a tree, and one proof in the grown one."""

    leaves: int
    bare: float
    extend: float
    append: float
    peer: float
    prove: float
    verify: float
    prove_growth: float
    verify_growth: float


def best(work: Callable[[], object], rounds: int = 5) -> float:
    """Return the least CPU seconds of several rounds, garbage collection aside."""
    seconds = []
    for _ in range(rounds):
        gc.collect()
        gc.disable()
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
        gc.enable()
    return min(seconds)


def bare(leaves: list[bytes]) -> float:
    """Hash what a tree of these leaves hashes: each leaf, and one pair less than there are."""
    prefixed = [b"\x00" + leaf for leaf in leaves]
    pairs = [b"\x01" + sha256(leaf).digest() * 2 for leaf in leaves[1:]]

    def work() -> None:
        for each in prefixed:
            sha256(each).digest()
        for each in pairs:
            sha256(each).digest()

    return best(work)


def grow_at_once(leaves: list[bytes]) -> Tree:
    """Append all leaves together, and root."""
    tree = Tree()
    tree.extend(leaves)
    tree.root()
    return tree


def grow_one_by_one(leaves: list[bytes]) -> Tree:
    """Append each leaf by itself, and root."""
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    tree.root()
    return tree


def grow_peer(leaves: list[bytes]) -> pymerkle.InmemoryTree:
    """Do the same with pymerkle."""
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    tree.append_entries(leaves)
    tree.get_root()
    return tree


def measure(count: int) -> Seconds:
    """Measure a tree of ``count`` leaves; ours and pymerkle's roots are the same."""
    source = random.Random(1)  # noqa: S311 - no secrets
    leaves = [source.randbytes(LEAF_SIZE) for _ in range(count)]
    tree = grow_at_once(leaves)
    start = time.process_time()
    peer = grow_peer(leaves)  # takes so long that one round must do
    peer_seconds = time.process_time() - start
    root = tree.root()
    assert peer.get_root() == root == grow_one_by_one(leaves).root()
    del peer
    chosen = source.sample(range(count), min(PROOFS, count))
    paths = [(leaf_hash(leaves[index]), index, tree.inclusion_proof(index)) for index in chosen]
    grown = [(n + 1, tree.consistency_proof(n + 1), tree.root(n + 1)) for n in chosen]

    def each(work: Callable[[], object]) -> float:
        return best(work) / len(chosen)

    def verify() -> None:
        for leaf, index, path in paths:
            verify_inclusion(leaf, index, count, path, root)

    def verify_growth() -> None:
        for first, proof, former in grown:
            verify_consistency(first, count, proof, former, root)

    return Seconds(
        leaves=count,
        bare=bare(leaves),
        extend=best(lambda: grow_at_once(leaves)),
        append=best(lambda: grow_one_by_one(leaves)),
        peer=peer_seconds,
        prove=each(lambda: [tree.inclusion_proof(index) for index in chosen]),
        verify=each(verify),
        prove_growth=each(lambda: [tree.consistency_proof(n + 1) for n in chosen]),
        verify_growth=each(verify_growth),
    )


def main() -> None:
    """Print one line for each figure."""
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    print(f"{found.leaves:,} leaves of {LEAF_SIZE} bytes")
    print(f"bare hashing of the same bytes      {found.bare:.3f} s")
    for what, seconds in [
        ("appended together, rooted", found.extend),
        ("appended one by one, rooted", found.append),
        ("pymerkle, appended, rooted", found.peer),
    ]:
        print(f"{what:35} {seconds:.3f} s, {seconds / found.bare:.2f} of the bare hashing")
    for what, seconds in [
        ("inclusion proof, made", found.prove),
        ("inclusion proof, verified", found.verify),
        ("consistency proof, made", found.prove_growth),
        ("consistency proof, verified", found.verify_growth),
    ]:
        print(f"{what:35} {seconds * 1e6:.1f} µs")


if __name__ == "__main__":
    main()
