from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.show import Hierarchy, HierarchyNode, hierarchy

Make = Callable[..., x509.Certificate]
START = datetime(2026, 1, 1, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own output, whose form is the question


def node(name: str, *children: HierarchyNode, status: str | None = "ACTIVE") -> HierarchyNode:
    end = START + timedelta(days=400)
    return HierarchyNode(
        name, "root CA", status, "EC_prime256v1", START, end, path_length=0, children=children
    )


names = st.text(max_size=40)
nodes = st.recursive(
    st.builds(node, names, status=st.sampled_from(["ACTIVE", "PENDING_CERTIFICATE", None])),
    lambda inner: st.tuples(names, st.lists(inner, max_size=4)).map(lambda n: node(n[0], *n[1])),
    max_leaves=12,
)


def cards(shown: Hierarchy) -> list[tuple[float, ...]]:
    """Where the cards are: x, y, width, height."""
    boxes = [box for box in parse(shown.svg).iter(f"{SVG}rect") if "card" in box.get("class", "")]
    return [tuple(float(box.attrib[key]) for key in ("x", "y", "width", "height")) for box in boxes]


@given(nodes)
def test_no_two_cards_touch_and_all_lie_on_the_panel(root: HierarchyNode) -> None:
    shown = hierarchy(root)
    placed = cards(shown)
    _, _, wide, high = map(float, str(parse(shown.svg).get("viewBox")).split())
    assert len(placed) == len(list(shown._walk()))
    for at, (x, y, width, height) in enumerate(placed):
        assert x >= 10
        assert y >= 10
        assert x + width <= wide - 10
        assert y + height <= high - 10
        for x2, y2, width2, height2 in placed[at + 1 :]:
            assert x + width < x2 or x2 + width2 < x or y + height < y2 or y2 + height2 < y


@given(st.lists(nodes, max_size=3))
def test_a_forest_is_the_same_bytes_twice(roots: list[HierarchyNode]) -> None:
    once, twice = hierarchy(roots), hierarchy(list(roots))
    assert once.svg == twice.svg
    assert repr(once) == repr(twice)
    assert once.mermaid == twice.mermaid


def test_every_node_is_in_the_picture_the_tree_the_mermaid_and_the_table() -> None:
    shown = hierarchy(node("Root", node("Issuing", node("leaf.test", status="REVOKED"))))
    words = "".join(parse(shown.svg).itertext())
    for name in (
        "Root",
        "Issuing",
        "leaf.test",
        "REVOKED",
        "EC_prime256v1",
        "2026-01-01 → 2027-02-05",
    ):
        assert name in words
        assert name in repr(shown)
        assert name in shown.mermaid
    table = shown.table()
    assert list(table.index) == ["Root", "Issuing", "leaf.test"]
    assert list(table["issuer"]) == ["", "Root", "Issuing"]
    assert list(table["status"]) == ["ACTIVE", "ACTIVE", "REVOKED"]


def test_the_text_is_a_tree() -> None:
    shown = hierarchy(
        HierarchyNode("A", "root CA", "DISABLED", children=(
            HierarchyNode("B", "subordinate CA", children=(HierarchyNode("C", "end entity"),)),
            HierarchyNode("D", "subordinate CA", note="waits"),
        ))
    )  # fmt: skip
    assert repr(shown).splitlines() == [
        "A  [root CA, DISABLED]",
        "├── B  [subordinate CA]",
        "│   └── C  [end entity]",
        "└── D  [subordinate CA]  (waits)",
    ]
    assert repr(hierarchy([])) == "(no CA)"


def test_equal_siblings_are_drawn_as_two() -> None:
    twin = HierarchyNode("twin", "end entity")
    lines = repr(hierarchy(HierarchyNode("A", "root CA", children=(twin, twin)))).splitlines()
    assert [line[:3] for line in lines[1:]] == ["├──", "└──"]


def test_a_hostile_name_stays_text() -> None:
    name = '<script>alert(1)</script>"]; click n0 "javascript:alert(1)'
    shown = hierarchy(node(name))
    assert not list(parse(shown.svg).iter(f"{SVG}script"))
    assert name in "".join(str(title.text) for title in parse(shown.svg).iter(f"{SVG}title"))
    label = shown.mermaid.splitlines()[1]
    assert re.fullmatch(r'    n0\["[^"<>\[\];]*(?:(?:#\d+;|<br/>)[^"<>\[\];]*)*"\]:::good', label)


def test_the_picture_has_no_ids_and_says_what_it_is() -> None:
    root = parse(hierarchy(node("Root", node("Leaf"))).svg)
    assert not [each for each in root.iter() if "id" in each.attrib]
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == root.get("aria-label") == "CA hierarchy, 2 nodes"
    assert "└── Leaf" in str(root.findtext(f"{SVG}desc"))


def test_what_is_not_signed_yet_hangs_on_a_dashed_line() -> None:
    def dashed(status: str) -> bool:
        svg = parse(hierarchy(node("R", node("S", status=status))).svg)
        return any(path.get("stroke-dasharray") for path in svg.iter(f"{SVG}path"))

    assert dashed("PENDING_CERTIFICATE")
    assert not dashed("ACTIVE")


def test_certificates_are_linked_by_signature(make: Make) -> None:
    root = make("CN=root", ca=True)
    sub = make("O=x, CN=sub", by="CN=root", ca=True, path_length=0)
    leaf = make("CN=leaf", by="O=x, CN=sub")
    shown = Hierarchy.from_certificates(
        [leaf, sub, root, leaf], statuses={leaf: "REVOKED"}, external=[root]
    )
    assert [line.split("  EC")[0] for line in repr(shown).splitlines()] == [
        "root  [external root]",
        "└── sub  [subordinate CA]",
        "    └── leaf  [end entity, REVOKED]",
    ]
    assert shown.roots[0].children[0].path_length == 0


def test_an_issuer_of_the_same_name_and_another_key_is_not_the_issuer(make: Make) -> None:
    root, leaf = make("CN=root", ca=True), make("CN=leaf", by="CN=root")
    other = generate_key("EC_prime256v1", Entropy("another key"))
    impostor = (
        x509.CertificateBuilder()
        .subject_name(root.subject)
        .issuer_name(root.subject)
        .public_key(other.public_key())
        .serial_number(5)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=9))
        .sign(other, hashes.SHA256())
    )
    together = Hierarchy.from_certificates([impostor, root, leaf])
    assert [len(each.children) for each in together.roots] == [0, 1]
    apart = Hierarchy.from_certificates([impostor, leaf])
    assert [each.name for each in apart.roots] == ["root", "leaf"]
    assert apart.roots[1].note == "issuer not shown: CN=root"


def test_a_renewed_root_is_its_own_issuer(make: Make) -> None:
    first, second = make("CN=root", ca=True), make("CN=root", ca=True, days=900)
    shown = Hierarchy.from_certificates([first, second, make("CN=leaf", by="CN=root")])
    assert [root.kind for root in shown.roots] == ["root CA", "root CA"]
    assert [len(root.children) for root in shown.roots] == [1, 0]


def test_cas_that_certified_each_other_are_shown_once_each(make: Make) -> None:
    one, two = make("CN=a", by="CN=b", ca=True), make("CN=b", by="CN=a", ca=True)
    shown = Hierarchy.from_certificates([one, two])
    assert list(shown.table().index) == ["a", "b"]


def test_a_certificate_without_a_common_name_is_called_by_its_subject(make: Make) -> None:
    assert Hierarchy.from_certificates([make("O=Lab, OU=x")]).roots[0].name == "OU=x,O=Lab"


def test_a_missing_pandas_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from pkilab.errors import MissingExtraError

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pkilab\[notebooks\]'"):
        hierarchy(node("Root")).table()
