from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.merkle import Tree, leaf_hash, verify_consistency, verify_inclusion
from pkilab.errors import CtError, MalformedError
from pkilab.show import merkle_explorer, merkle_tree

SVG = "{http://www.w3.org/2000/svg}"
HASHES = [leaf_hash(bytes([number])) for number in range(16)]
sizes = st.integers(1, 40)


def hashes(count: int) -> list[bytes]:
    return [sha256(bytes([0, number])).digest() for number in range(count)]


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own output, whose form is the question


def boxes(svg: str) -> list[ET.Element]:
    rects = parse(svg).iter(f"{SVG}rect")
    return [each for each in rects if each.find(f"{SVG}title") is not None]


def names(nodes: object) -> list[str]:
    return [node.leaves for node in nodes]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("leaf", "sent"),
    [
        (0, ["1", "2-3", "4-6"]),
        (3, ["2", "0-1", "4-6"]),
        (4, ["5", "6", "0-3"]),
        (6, ["4-5", "0-3"]),
    ],
)
def test_the_audit_paths_of_rfc_6962_are_the_ones_marked(leaf: int, sent: list[str]) -> None:
    """RFC 6962, 2.1.3: [b, h, l], [c, g, l], [f, j, k] and [i, k] of a tree of seven."""
    assert names(merkle_tree(HASHES, size=7, leaf=leaf).proof) == sent


@pytest.mark.parametrize(
    ("earlier", "sent"),
    [(3, ["2", "3", "0-1", "4-6"]), (4, ["4-6"]), (6, ["4-5", "6", "0-3"]), (7, [])],
)
def test_the_consistency_proofs_of_rfc_6962_are_the_ones_marked(
    earlier: int, sent: list[str]
) -> None:
    """RFC 6962, 2.1.3: [c, d, g, l], [l] and [i, j, k] to a tree of seven."""
    assert names(merkle_tree(HASHES, size=7, earlier=earlier).proof) == sent


@given(sizes, st.data())
def test_what_is_marked_as_sent_is_the_proof_and_proves_the_leaf(
    size: int, data: st.DataObject
) -> None:
    leaf = data.draw(st.integers(0, size - 1))
    shown, tree = merkle_tree(hashes(size), leaf=leaf), Tree()
    for each in hashes(size):
        tree.append_hash(each)
    sent = [node.hash for node in shown.proof]
    assert sent == tree.inclusion_proof(leaf)
    assert shown.root.hash == tree.root()
    verify_inclusion(hashes(size)[leaf], leaf, size, sent, shown.root.hash)


@given(sizes, st.data())
def test_what_is_marked_as_sent_binds_the_two_roots(size: int, data: st.DataObject) -> None:
    earlier = data.draw(st.integers(1, size))
    shown = merkle_tree(hashes(size), earlier=earlier)
    before = merkle_tree(hashes(size), size=earlier).root.hash
    sent = [node.hash for node in shown.proof]
    verify_consistency(earlier, size, sent, before, shown.root.hash)


@given(sizes, st.data())
def test_whoever_checks_computes_the_way_from_the_leaf_to_the_root_and_nothing_else(
    size: int, data: st.DataObject
) -> None:
    leaf = data.draw(st.integers(0, size - 1))
    roles = merkle_tree(hashes(size), leaf=leaf).roles
    for (start, end), role in roles.items():
        over = start <= leaf < end
        assert role == ("leaf" if over and end - start == 1 else "computed" if over else "sent")


@given(st.lists(st.text(max_size=30), min_size=1, max_size=24), st.data())
def test_any_tree_makes_the_same_well_formed_picture_twice(
    labels: list[str], data: st.DataObject
) -> None:
    count = len(labels)
    leaf = data.draw(st.none() | st.integers(0, count - 1))
    once, twice = (merkle_tree(hashes(count), leaf=leaf, labels=labels) for _ in range(2))
    assert once.svg == twice.svg
    boxes = [
        each for each in parse(once.svg).iter(f"{SVG}rect") if each.find(f"{SVG}title") is not None
    ]
    assert len(boxes) == 2 * count - 1


def test_every_proof_hash_has_its_number_and_every_role_its_word() -> None:
    shown = merkle_tree(HASHES, size=7, leaf=5)
    texts = [each.text for each in parse(shown.svg).iter(f"{SVG}text")]
    assert [text for text in texts if text in {"1", "2", "3"}].count("3") == 2  # node and number
    assert {"leaf 5", "sent by the log: 3 hashes, in this order", "computed by whoever checks",
            "dashed: still grows"} <= set(texts)  # fmt: skip


def test_a_complete_tree_has_nothing_dashed_and_another_one_has() -> None:
    assert "4 3" not in merkle_tree(HASHES, size=8).svg
    assert "still grows" not in repr(merkle_tree(HASHES, size=8))
    assert "4 3" in merkle_tree(HASHES, size=7).svg
    assert "still grows" in repr(merkle_tree(HASHES, size=7))


def test_the_earlier_tree_ends_at_a_line_and_a_tree_of_the_same_size_has_none() -> None:
    shown = merkle_tree(HASHES, size=7, earlier=5)
    assert shown._repr_svg_() == shown.svg
    assert ">the first 5<" in shown.svg
    assert "the first" not in merkle_tree(HASHES, size=7, earlier=7).svg
    assert "the first" not in merkle_tree(HASHES, size=7, leaf=5).svg


def test_boxes_of_sixteen_leaves_do_not_touch_and_fit_a_notebook() -> None:
    svg = merkle_tree(HASHES).svg
    assert float(parse(svg).get("width", "")) <= 1000
    places = [
        tuple(float(each.get(name, "")) for name in ("y", "x", "width")) for each in boxes(svg)
    ]
    for (y, x, width), (next_y, next_x, _) in zip(sorted(places), sorted(places)[1:], strict=False):
        assert y != next_y or x + width + 4 <= next_x


def test_a_tree_reads_as_text() -> None:
    root, left = root_of(3).hex(), root_of(2).hex()
    assert repr(merkle_tree(HASHES, size=3, leaf=2, labels=["a", "b", "c"])).splitlines() == [
        f"Merkle tree of 3 leaves, root {root}",
        "leaf 2 (c) and its audit path: 1 hash",
        "",
        f"0-2  {root[:8]}  [computed] (still grows)",
        f"├── 0-1  {left[:8]}  [sent, 1]",
        f"│   ├── 0  {HASHES[0].hex()[:8]}  a",
        f"│   └── 1  {HASHES[1].hex()[:8]}  b",
        f"└── 2  {HASHES[2].hex()[:8]}  [the leaf]  c",
    ]
    assert repr(merkle_tree(HASHES, size=3, earlier=2)).splitlines()[1] == (
        "from 2 to 3: the two roots are bound by 1 hash"
    )


def root_of(size: int) -> bytes:
    tree = Tree()
    for each in HASHES[:size]:
        tree.append_hash(each)
    return tree.root()


@pytest.mark.parametrize("wrong", [{"leaf": 7}, {"leaf": -1}, {"earlier": 8}, {"earlier": 0}])
def test_a_leaf_or_a_size_that_is_not_there_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(CtError):
        merkle_tree(HASHES, size=7, **wrong)


def test_what_is_no_tree_is_refused() -> None:
    with pytest.raises(MalformedError, match="no leaf"):
        merkle_tree([])
    with pytest.raises(MalformedError, match="leaf and earlier"):
        merkle_tree(HASHES, leaf=1, earlier=2)
    with pytest.raises(CtError, match="31 bytes"):
        merkle_tree([b"\0" * 31])
    with pytest.raises(CtError):
        merkle_tree(HASHES, size=17)


def test_a_hostile_label_stays_text() -> None:
    shown = merkle_tree(HASHES, size=2, labels=["<script>alert(1)</script>", "moc.\u202eelpmaxe"])
    assert "<script" not in shown.svg
    assert "\u202e" not in shown.svg + repr(shown)


def test_code_chooses_leaf_and_size_and_the_controls_follow() -> None:
    explorer = merkle_explorer(HASHES[:7], ["a"])
    assert explorer.value == {"leaf": 0, "size": 7}
    assert explorer.set(leaf=6).accepted
    assert "leaf 6 of 7, proved by 2 hashes" in repr(explorer)
    leaf, size, panel = explorer.widget.children
    assert (leaf.value, size.value) == (6, 7)
    leaf.value = 2
    size.value = 3
    assert explorer.value == {"leaf": 2, "size": 3}
    assert "leaf 2 of 3, proved by 1 hash" in panel.value
    assert "<svg" in panel.value


def test_a_leaf_beyond_the_size_is_a_refusal_with_its_reason() -> None:
    explorer = merkle_explorer(HASHES[:7])
    assert not explorer.set(leaf=5, size=4).accepted
    assert "leaf index: found 5, expected 0 to 3" in explorer._repr_html_()
    assert explorer.set(size=6).accepted


def test_without_ipywidgets_the_explorer_is_html_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    bundle = merkle_explorer(HASHES[:3])._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "<svg" in str(bundle["text/html"])
