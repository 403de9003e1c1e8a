"""The right edge of a tree has the tree's root."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.compact import CompactRange
from pkilab.ct.merkle import EMPTY_ROOT, Tree
from pkilab.errors import MalformedError

LEAVES = [number.to_bytes(2) for number in range(600)]


def test_the_empty_range_is_the_empty_tree():
    """Nothing is kept of it."""
    assert (CompactRange().root(), CompactRange().hashes) == (EMPTY_ROOT, ())


@given(st.lists(st.integers(0, 70), max_size=9))
def test_roots_are_the_trees_however_leaves_come(batches):
    """One by one or many at a time."""
    tree, edge, at = Tree(), CompactRange(), 0
    for count in batches:
        batch = LEAVES[at : at + count]
        tree.extend(batch)
        edge.extend(batch)
        at += len(batch)
        assert (edge.size, edge.root()) == (tree.size, tree.root())
        assert len(edge.hashes) == edge.size.bit_count()


def test_a_range_taken_up_again_goes_on():
    """Its size and hashes are all there is to it, and a copy grows on its own."""
    edge = CompactRange()
    edge.extend(LEAVES[:37])
    again, copy = CompactRange(edge.size, edge.hashes), edge.copy()
    again.extend(LEAVES[37:200])
    tree = Tree()
    tree.extend(LEAVES[:200])
    assert again.root() == tree.root()
    assert copy.root() == edge.root() == tree.root(37)


@pytest.mark.parametrize(
    ("size", "hashes"), [(3, [bytes(32)]), (0, [bytes(32)]), (1, [bytes(31)]), (-1, [])]
)
def test_what_is_no_range_is_refused(size, hashes):
    """As many hashes of 32 bytes as the size has bits."""
    with pytest.raises(MalformedError, match="compact range"):
        CompactRange(size, hashes)
