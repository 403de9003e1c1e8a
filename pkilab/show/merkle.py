"""The Merkle tree of a log: its nodes, who is in it, and the few hashes that prove it.

A node is named by its leaves, ``4-5``. Complete subtrees never change again; a node with a dashed
outline has fewer leaves than it has room for, and changes when the tree grows (RFC 6962, 2.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pkilab.ct.merkle import Tree, node_hash
from pkilab.errors import MalformedError
from pkilab.show import drawing
from pkilab.show.drawing import GOOD, WAITING, Element, element
from pkilab.show.explorers import Explorer, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Role = Literal["", "leaf", "sent", "computed"]


def merkle_tree(
    hashes: Sequence[bytes],
    *,
    size: int | None = None,
    leaf: int | None = None,
    earlier: int | None = None,
    labels: Sequence[str] = (),
) -> MerkleTree:
    """Show a tree, with the audit path of a leaf or the proof that it continues an earlier one.

    Legible up to about sixteen leaves; nothing is refused for being large.

    Args:
        hashes: the leaf hashes, 32 bytes each, in order.
        size: how many of them are in the tree; all by default.
        leaf: the index of a leaf whose audit path is shown (RFC 6962, 2.1.1).
        earlier: a size whose consistency proof is shown (RFC 6962, 2.1.2); not with ``leaf``.
        labels: what the leaves are, in order, as far as it is known.

    Raises:
        MalformedError: no leaf at all, or both ``leaf`` and ``earlier``.
        CtError: no such size or leaf, or a hash that is not 32 bytes.
    """
    if leaf is not None and earlier is not None:
        raise MalformedError("merkle_tree", found="leaf and earlier", expected="one of the two")
    if not hashes:
        raise MalformedError("merkle_tree", found="no leaf", expected="at least one")
    tree = Tree()
    for each in hashes:
        tree.append_hash(each)
    size = len(hashes) if size is None else size
    tree.root(size)
    if leaf is not None:
        tree.inclusion_proof(leaf, size)
    if earlier is not None:
        tree.consistency_proof(earlier, size)
    names = tuple(labels[:size]) + ("",) * (size - len(labels[:size]))
    return MerkleTree(tuple(hashes[:size]), names, leaf, earlier)


def merkle_explorer(hashes: Sequence[bytes], labels: Sequence[str] = ()) -> Explorer:
    """Choose a leaf and a size of the tree, and see the proof; a leaf that is not there is refused.

    ``explorer.set(leaf=3, size=7)`` chooses from code.

    Raises:
        MalformedError: no leaf at all.
        CtError: a hash that is not 32 bytes.
    """
    count = len(hashes)

    def decide(leaf: int, size: int) -> Outcome:
        shown = merkle_tree(hashes, size=size, leaf=leaf, labels=labels)
        return Outcome(shown, f"leaf {leaf} of {size}, proved by {_hashes(len(shown.proof))}")

    merkle_tree(hashes)  # refuses what is no tree, before anyone chooses
    return Explorer(decide, {"leaf": range(count), "size": range(count, 0, -1)})


@dataclass(frozen=True, slots=True)
class Node:
    """A node over leaves ``start`` <= i < ``end``."""

    start: int
    end: int
    hash: bytes
    children: tuple[Node, ...] = ()

    @property
    def level(self) -> int:
        """How high it stands: 0 for a leaf."""
        return (self.end - self.start - 1).bit_length()

    @property
    def complete(self) -> bool:
        """Whether it has all the leaves it has room for, and so will never change."""
        return self.end - self.start == 1 << self.level

    @property
    def leaves(self) -> str:
        """Which leaves it is over: ``4`` or ``4-5``."""
        return str(self.start) + (f"-{self.end - 1}" if self.children else "")


@dataclass(frozen=True, slots=True, repr=False)
class MerkleTree:
    """A tree and perhaps a proof: in a notebook a picture, in a terminal a text tree.

    Attributes:
        hashes: the leaf hashes.
        labels: what the leaves are, one for each; may be empty.
        leaf: the leaf whose audit path is shown, or None.
        earlier: the size whose consistency proof is shown, or None.
    """

    hashes: tuple[bytes, ...]
    labels: tuple[str, ...]
    leaf: int | None = None
    earlier: int | None = None

    @property
    def root(self) -> Node:
        """The topmost node."""
        return _grow(self.hashes, 0, len(self.hashes))

    @property
    def proof(self) -> tuple[Node, ...]:
        """The nodes of the proof that is shown, in the order in which a log sends them."""
        if self.leaf is not None:
            return tuple(_siblings(self.root, self.leaf))[::-1]
        if self.earlier is not None:
            return tuple(_subproof(self.root, self.earlier))[::-1]
        return ()

    @property
    def roles(self) -> Mapping[tuple[int, int], Role]:
        """What each node is for the proof, by its ``(start, end)``; others play no role."""
        sent = {(each.start, each.end) for each in self.proof}
        found: dict[tuple[int, int], Role] = dict.fromkeys(sent, "sent")
        for node in _walk(self.root):
            place = node.start, node.end
            above = any(node.start <= a and b <= node.end for a, b in sent - {place})
            if self.leaf is not None and place == (self.leaf, self.leaf + 1):
                found[place] = "leaf"
            elif place not in sent and (above or place == (0, self.earlier)):
                found[place] = "computed"
        return found

    # ---------------------------------------------------------------------------------------- text

    def __repr__(self) -> str:
        return "\n".join([*self._head(), "", *self._lines(self.root, self._words())])

    def _head(self) -> Iterator[str]:
        count = len(self.hashes)
        yield f"Merkle tree of {_leaves(count)}, root {self.root.hash.hex()}"
        if self.leaf is not None:
            label = f" ({drawing.clean(self.labels[self.leaf])})" if self.labels[self.leaf] else ""
            yield f"leaf {self.leaf}{label} and its audit path: {_hashes(len(self.proof))}"
        if self.earlier is not None:
            proof = _hashes(len(self.proof))
            yield f"from {self.earlier} to {count}: the two roots are bound by {proof}"

    def _lines(
        self, node: Node, said: Mapping[tuple[int, int], str], first: str = "", rest: str = ""
    ) -> Iterator[str]:
        words = [node.leaves, _short(node.hash), said[node.start, node.end]]
        if not node.children and (label := self.labels[node.start]):
            words.append(drawing.clean(label).replace("\n", " "))
        yield first + "  ".join(filter(None, words))
        for left, child in enumerate(node.children, 1 - len(node.children)):
            branch, below = ("├── ", "│   ") if left else ("└── ", "    ")
            yield from self._lines(child, said, rest + branch, rest + below)

    def _words(self) -> Mapping[tuple[int, int], str]:
        """What is said of each node, by its ``(start, end)``."""
        words = {"leaf": "[the leaf]", "computed": "[computed]", "": ""}
        found, roles = {}, self.roles
        for node in _walk(self.root):
            place = node.start, node.end
            if (role := roles.get(place, "")) != "sent":
                growing = "" if node.complete else " (still grows)"
                found[place] = f"{words[role]}{growing}".strip()
        for number, node in enumerate(self.proof, 1):
            found[node.start, node.end] = f"[sent, {number}]"
        return found

    # ------------------------------------------------------------------------------------- picture

    def _repr_svg_(self) -> str:
        return self.svg

    @property
    def svg(self) -> str:
        """The picture: the same bytes for the same tree."""
        width, height, parts = self._drawn()
        return drawing.picture(width, height, self._title, repr(self), *parts)

    def card(self) -> Element:
        """The picture as an element, to be set into another."""
        width, height, parts = self._drawn()
        return element("div", {}, drawing.figure(width, height, self._title, repr(self), *parts))

    @property
    def _title(self) -> str:
        return f"Merkle tree of {_leaves(len(self.hashes))}"

    def _drawn(self) -> tuple[float, float, list[Element]]:
        """Return width, height and contents of the picture."""
        place = _Place(len(self.hashes), self.root.level)
        roles, numbers = self.roles, {each: n for n, each in enumerate(self.proof, 1)}
        links, boxes = list[Element](), list[Element]()
        for node in _walk(self.root):
            role = roles.get((node.start, node.end), "")
            for child in node.children:
                strong = roles.get((child.start, child.end), "") != "" and role == "computed"
                links.append(_link(place, node, child, strong=strong))
            boxes += _box(place, node, role, numbers.get(node))
        names = [part for at, name in enumerate(self.labels) for part in place.name(at, name)]
        legend, bottom = self._legend(place)
        parts = [*self._border(place), *links, *boxes, *names, *legend]
        return place.width, bottom + _MARGIN, parts

    def _border(self, place: _Place) -> Iterator[Element]:
        """A line after the leaves that the earlier tree had."""
        if self.earlier is not None and self.earlier < len(self.hashes):
            x = _MARGIN + self.earlier * place.step
            yield drawing.line(f"M{x:g} {_MARGIN}V{place.bottom:g}", dashed=True)
            text = f"the first {self.earlier}"
            yield drawing.label(x - 6, _MARGIN + 8, text, size=10.5, kind="quiet", anchor="end")

    def _legend(self, place: _Place) -> tuple[list[Element], float]:
        texts = []
        if self.leaf is not None:
            texts.append(("leaf", f"leaf {self.leaf}"))
        if self.leaf is not None or self.earlier is not None:
            count = len(self.proof)
            texts += [("sent", f"sent by the log: {_hashes(count)}, in this order")]
            texts += [("computed", "computed by whoever checks")]
        if not self.root.complete:
            texts.append(("", "dashed: still grows"))
        parts, x, y = list[Element](), float(_MARGIN), place.bottom + 18
        for role, text in texts:
            wide = drawing.text_width(text, 11) + 40
            if x > _MARGIN and x + wide > place.width - _MARGIN:
                x, y = float(_MARGIN), y + 20
            parts.append(_frame(x, y - 10, 16, 13, role, dashed=not role))  # type: ignore[arg-type]  # roles, as written above
            parts.append(drawing.label(x + 22, y, text, size=11))
            x += wide
        return parts, y if texts else place.bottom


_MARGIN, _HIGH, _DROP, _ROOM = 20, 34, 30, 900  # _ROOM: what is readable across a notebook
_LEAST, _MOST, _WIDEST = 56, 116, 76  # a leaf's column, and a box
_NAME, _NAME_LINES = 10, 3  # a label's size and lines


@dataclass(frozen=True, slots=True)
class _Place:
    """Where things go."""

    count: int
    levels: int

    @property
    def step(self) -> float:
        return float(min(max(_ROOM // self.count, _LEAST), _MOST))

    @property
    def width(self) -> float:
        return max(2 * _MARGIN + self.count * self.step, 460.0)

    @property
    def box(self) -> float:
        return min(self.step - 8, _WIDEST)

    @property
    def bottom(self) -> float:
        return self.top(0) + _HIGH + 8 + _NAME_LINES * (_NAME + 2)

    def top(self, level: int) -> float:
        return _MARGIN + 14 + (self.levels - level) * (_HIGH + _DROP)

    def middle(self, node: Node) -> float:
        if node.children:
            return sum(map(self.middle, node.children)) / 2
        return _MARGIN + (node.start + 0.5) * self.step

    def name(self, at: int, name: str) -> Iterator[Element]:
        """A leaf's label below it; the whole of it is shown on touch."""
        x, y = _MARGIN + (at + 0.5) * self.step, self.top(0) + _HIGH + 4.0
        for text in drawing.fit(name, self.step - 4, _NAME, lines=_NAME_LINES) if name else ():
            y += _NAME + 2
            made = drawing.label(x, y, text, size=_NAME, kind="quiet", anchor="middle")
            made.append(element("title", {}, name))
            yield made


def _box(place: _Place, node: Node, role: Role, number: int | None) -> Iterator[Element]:
    x, y = place.middle(node), place.top(node.level)
    left = x - place.box / 2
    frame = _frame(left, y, place.box, _HIGH, role, dashed=not node.complete)
    frame.append(element("title", {}, f"{node.leaves}: {node.hash.hex()}"))
    yield frame
    yield drawing.label(x, y + 13, node.leaves, size=10.5, bold=role != "", anchor="middle")
    mono = drawing.label(x, y + 27, _short(node.hash)[:6], size=10, kind="quiet", anchor="middle")
    mono.set("font-family", drawing.MONO)
    yield mono
    if number is not None:
        round_ = {"cx": left + place.box - 2, "cy": y + 1, "r": 8}
        yield element("circle", round_ | drawing.tinge(WAITING, "fill"))
        text = drawing.label(left + place.box - 2, y + 4.5, str(number), size=10, bold=True,
                             anchor="middle")  # fmt: skip
        text.set("fill", "#ffffff")
        text.set("class", "pki-panel")
        yield text


def _frame(x: float, y: float, width: float, height: float, role: Role, *, dashed: bool) -> Element:
    made = drawing.box(x, y, width, height, radius=6, kind="card")
    if role in {"leaf", "sent"}:
        tone = GOOD if role == "leaf" else WAITING
        made.attrib.update({"stroke": tone.light, "class": f"pki-card pki-{tone.name}-line"})
    elif role == "computed":
        ink = drawing.paint("ink-line")
        made.attrib.update({"stroke": str(ink["stroke"]), "class": "pki-card pki-ink-line"})
    if role:
        made.set("stroke-width", "2")
    if dashed:
        made.set("stroke-dasharray", "4 3")
    return made


def _link(place: _Place, node: Node, child: Node, *, strong: bool) -> Element:
    x, y = place.middle(node), place.top(node.level) + _HIGH
    to_x, to_y = place.middle(child), place.top(child.level)
    path = f"M{x:g} {y:g}C{x:g} {y + _DROP / 2:g} {to_x:g} {y + _DROP / 2:g} {to_x:g} {y + _DROP:g}"
    if to_y > y + _DROP:
        path += f"V{to_y:g}"
    return drawing.line(path, kind="ink-line" if strong else "rule", weight=2 if strong else 1.2)


# ---------------------------------------------------------------------------------------- the tree


def _grow(hashes: Sequence[bytes], start: int, end: int) -> Node:
    """Build a node as RFC 6962, 2.1, defines it: the left side is the largest complete subtree."""
    if end - start == 1:
        return Node(start, end, hashes[start])
    half = start + (1 << (end - start - 1).bit_length() - 1)
    left, right = _grow(hashes, start, half), _grow(hashes, half, end)
    return Node(start, end, node_hash(left.hash, right.hash), (left, right))


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _siblings(node: Node, leaf: int) -> Iterator[Node]:
    """Yield the siblings of those above a leaf, from the top down."""
    while node.children:
        left, right = node.children
        node, other = (left, right) if leaf < left.end else (right, left)
        yield other


def _subproof(node: Node, earlier: int) -> Iterator[Node]:
    """Yield the nodes of SUBPROOF (RFC 6962, 2.1.2), from the top down."""
    while node.end != earlier:
        left, right = node.children
        node, other = (left, right) if earlier <= left.end else (right, left)
        yield other
    if node.start:
        yield node


def _short(value: bytes) -> str:
    return value.hex()[:8]


def _leaves(count: int) -> str:
    return f"{count} " + ("leaf" if count == 1 else "leaves")


def _hashes(count: int) -> str:
    return f"{count} " + ("hash" if count == 1 else "hashes")
