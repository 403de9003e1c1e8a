"""Trees against the RFC's recursive definitions, the RFC's example and outside hashes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.merkle import (
    EMPTY_ROOT,
    Tree,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from pkilab.errors import CtError

SIZES = st.integers(1, 70)


def leaves(count: int) -> list[bytes]:
    """Return so many different leaves."""
    return [b"leaf %d" % number for number in range(count)]


def grown(count: int) -> Tree:
    """Return the tree of `leaves`."""
    tree = Tree()
    tree.extend(leaves(count))
    return tree


# A transcription of RFC 6962, 2.1 to 2.1.2: slow, recursive, and nothing like the code under test.


def half(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(data: list[bytes]) -> bytes:
    if not data:
        return EMPTY_ROOT
    if len(data) == 1:
        return leaf_hash(data[0])
    k = half(len(data))
    return node_hash(mth(data[:k]), mth(data[k:]))


def path(m: int, data: list[bytes]) -> list[bytes]:
    if len(data) == 1:
        return []
    k = half(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: list[bytes], known: bool) -> list[bytes]:  # noqa: FBT001 - the RFC's b
    n = len(data)
    if m == n:
        return [] if known else [mth(data)]
    k = half(n)
    if m <= k:
        return [*subproof(m, data[:k], known), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


def spoiled(proof: list[bytes], where: int, bit: int) -> list[bytes]:
    """Return the proof with one bit of one node turned over."""
    changed = bytearray(proof[where])
    changed[bit // 8] ^= 1 << bit % 8
    return [*proof[:where], bytes(changed), *proof[where + 1 :]]


def test_roots_and_nodes_are_those_of_transparency_dev(conformance: Path) -> None:
    """transparency-dev/merkle: roots of sizes 0 to 8, and the complete subtrees."""
    known = json.loads((conformance / "ct" / "merkle_hashes.json").read_text())
    tree = Tree()
    assert tree.root().hex() == known["root_hashes"][0]
    for number, leaf in enumerate(known["leaf_inputs"]):
        assert tree.append(bytes.fromhex(leaf)) == number
        assert tree.root().hex() == known["root_hashes"][number + 1]
    for level, nodes in enumerate(known["node_hashes"]):
        assert [tree.node(level, n).hex() for n in range(len(nodes))] == nodes
    assert [tree.root(size).hex() for size in range(9)] == known["root_hashes"]


def test_consistency_proofs_are_those_of_transparency_dev(conformance: Path) -> None:
    """transparency-dev/merkle, testdata/consistency: its proofs, and one it refuses."""
    known = json.loads((conformance / "ct" / "merkle_hashes.json").read_text())
    tree = Tree()
    tree.extend(bytes.fromhex(leaf) for leaf in known["leaf_inputs"])
    for first, second, nodes in (
        (1, 1, []),
        (1, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]),
        (6, 8, ["0ebc5d34", "ca854ea1", "d37ee418"]),
        (2, 5, ["5f083f0a", "bc1a0643"]),
        (6, 7, ["0ebc5d34", "b08693ec", "d37ee418"]),
    ):
        proof = tree.consistency_proof(first, second)
        assert [each.hex()[:8] for each in proof] == nodes
        verify_consistency(first, second, proof, tree.root(first), tree.root(second))
        longer = [*proof, tree.root(first)]  # its trailing-root1
        with pytest.raises(CtError):
            verify_consistency(first, second, longer, tree.root(first), tree.root(second))


def test_the_example_of_the_rfc() -> None:
    """RFC 6962, 2.1.3: seven leaves, their paths and three consistency proofs."""
    tree = grown(7)
    a, b, c, d, e, f, j = (leaf_hash(leaf) for leaf in leaves(7))
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, l = node_hash(g, h), node_hash(i, j)  # noqa: E741 - the RFC's letters
    assert tree.root() == node_hash(k, l)
    assert tree.inclusion_proof(0) == [b, h, l]
    assert tree.inclusion_proof(3) == [c, g, l]
    assert tree.inclusion_proof(4) == [f, j, k]
    assert tree.inclusion_proof(6) == [i, k]
    assert tree.consistency_proof(3) == [c, d, g, l]
    assert tree.consistency_proof(4) == [l]
    assert tree.consistency_proof(6) == [i, j, k]


def test_roots_and_proofs_are_those_of_the_definitions() -> None:
    """Every size, leaf and pair of sizes up to 40, against the transcription."""
    data, tree = leaves(40), grown(40)
    for n in range(41):
        assert tree.root(n) == mth(data[:n])
        for m in range(n):
            assert tree.inclusion_proof(m, n) == path(m, data[:n])
        for m in range(1, n + 1):
            assert tree.consistency_proof(m, n) == subproof(m, data[:n], True)


@given(SIZES, st.data())
def test_a_proof_made_is_accepted_and_a_spoiled_one_refused(size: int, data: st.DataObject) -> None:
    tree = grown(size)
    index = data.draw(st.integers(0, size - 1))
    leaf, root, proof = leaf_hash(leaves(size)[index]), tree.root(), tree.inclusion_proof(index)
    verify_inclusion(leaf, index, size, proof, root)
    wrong = [(leaf, index, size, [*proof, root], root), (root[::-1], index, size, proof, root)]
    wrong += [(leaf, index, size, proof, bytes(32)), (leaf, index + size, size, proof, root)]
    if proof:
        where, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        wrong += [
            (leaf, index, size, spoiled(proof, where, bit), root),
            (leaf, index, size, proof[:-1], root),
            (leaf, index ^ 1, size, proof, root),
        ]
    for case in wrong:
        with pytest.raises(CtError):
            verify_inclusion(*case)


@given(SIZES, st.data())
def test_a_tree_is_shown_to_have_grown_and_no_other(size: int, data: st.DataObject) -> None:
    tree = grown(size)
    first = data.draw(st.integers(1, size))
    old, new, proof = tree.root(first), tree.root(), tree.consistency_proof(first)
    verify_consistency(first, size, proof, old, new)
    wrong = [
        (first, size, [*proof, old], old, new),
        (first, size, proof, bytes(32), new),
        (first, size, proof, old, bytes(32)),
        (size + 1, size, proof, old, new),
        (0, size, proof, old, new),
    ]
    if proof:
        where, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        wrong += [
            (first, size, spoiled(proof, where, bit), old, new),
            (first, size, proof[:-1], old, new),
            (first, size, [], old, new),
            (first, size, proof, new, old),
        ]
    for case in wrong:
        with pytest.raises(CtError):
            verify_consistency(*case)


@given(
    st.integers(-2, 300),
    st.integers(-2, 300),
    st.lists(st.binary(max_size=33) | st.binary(min_size=32, max_size=32), max_size=10),
)
def test_no_other_error_leaves_a_verification(first: int, second: int, proof: list[bytes]) -> None:
    """Whatever comes over a network."""
    for check in (
        lambda: verify_inclusion(bytes(32), first, second, proof, b"root"),
        lambda: verify_consistency(first, second, proof, bytes(32), b"root"),
    ):
        with pytest.raises(CtError):
            check()


def test_leaves_one_by_one_or_together_or_by_hash_make_one_tree() -> None:
    single, hashed, late = Tree(), Tree(), Tree()
    for number, leaf in enumerate(leaves(3000)):
        assert single.append(leaf) == hashed.append_hash(leaf_hash(leaf)) == number
        if number % 7 == 0:
            single.root()  # made now and then, or only at the end
    late.extend(iter(leaves(3000)))
    assert single.root() == hashed.root() == late.root() == grown(3000).root()
    assert late.root(1234) == grown(1234).root()
    assert repr(late) == "<Tree of 3000 leaves>"


def test_a_leaf_is_found_by_its_hash_at_its_first_place() -> None:
    tree = grown(5)
    tree.extend([b"leaf 2", b"new"])
    assert tree.leaf_index(leaf_hash(b"leaf 2")) == 2
    assert tree.leaf_index(leaf_hash(b"later")) is None
    tree.append(b"later")
    assert tree.leaf_index(leaf_hash(b"later")) == 7


def test_nodes_are_those_of_complete_subtrees_only() -> None:
    tree = grown(7)
    assert tree.nodes(1, 0, 3) == b"".join(tree.node(1, n) for n in range(3))
    for level, start, end in [(1, 3, 4), (0, 7, 8), (3, 0, 1), (-1, 0, 1), (0, 2, 2), (0, -1, 1)]:
        with pytest.raises(CtError, match="tree nodes: found nodes"):
            tree.nodes(level, start, end)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda t: t.root(6), "tree size: found 6, expected 0 to 5"),
        (lambda t: t.root(-1), "tree size: found -1, expected 0 to 5"),
        (lambda t: t.inclusion_proof(5), "leaf index: found 5, expected 0 to 4"),
        (lambda t: t.inclusion_proof(-1), "leaf index: found -1"),
        (lambda t: t.inclusion_proof(0, 0), "tree size: found 0, expected 1 to 5"),
        (lambda t: t.inclusion_proof(0, 6), "tree size: found 6"),
        (lambda t: t.consistency_proof(0), "first tree size: found 0, expected 1 to 5"),
        (lambda t: t.consistency_proof(3, 2), "first tree size: found 3, expected 1 to 2"),
        (lambda t: t.consistency_proof(3, 6), "second tree size: found 6, expected 1 to 5"),
        (lambda t: t.append_hash(b"short"), "leaf hash: found 5 bytes, expected 32"),
    ],
)
def test_a_question_without_answer_is_refused_in_words(ask, words: str) -> None:
    with pytest.raises(CtError, match=words):
        ask(grown(5))


def test_nothing_follows_from_the_empty_tree() -> None:
    """Every tree continues it, so a proof of it would look like a check and be none."""
    assert Tree().root() == EMPTY_ROOT
    with pytest.raises(CtError, match="first tree size: found 0"):
        verify_consistency(0, 3, [], EMPTY_ROOT, grown(3).root())


def test_pymerkle_accepts_our_inclusion_proofs_and_refuses_spoiled_ones() -> None:
    """An outside implementation. Its consistency proofs have another layout than the RFC's."""
    pymerkle = pytest.importorskip("pymerkle", reason="pymerkle comes with the extra 'bench'")
    theirs, ours = pymerkle.InmemoryTree(algorithm="sha256"), grown(37)
    for leaf in leaves(37):
        theirs.append_entry(leaf)
    for size in (2, 7, 32, 37):
        assert theirs.get_root(size) == ours.root(size)
        for index in range(size):
            leaf, proof = leaf_hash(leaves(37)[index]), theirs.prove_inclusion(index + 1, size)
            proof.path = [leaf, *ours.inclusion_proof(index, size)]  # its paths have the leaf too
            pymerkle.verify_inclusion(leaf, ours.root(size), proof)
            proof.path = [leaf, *spoiled(ours.inclusion_proof(index, size), 0, 77)]
            with pytest.raises(pymerkle.InvalidProof):
                pymerkle.verify_inclusion(leaf, ours.root(size), proof)
