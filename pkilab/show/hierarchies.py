"""A CA hierarchy as a picture, a text tree, Mermaid text and a table: one value, four readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.x509.oid import NameOID

from pkilab.pki._signatures import is_issued_by
from pkilab.pki.certificates import UNREADABLE, describe
from pkilab.show import drawing
from pkilab.show.extras import extra

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pandas import DataFrame

# Pixels: a card and its padding, and the space between cards.
_WIDTH, _PAD, _GAP, _DROP, _INDENT, _MARGIN = 236, 14, 20, 40, 32, 20
_FIRST = 20.0  # the first baseline in a card
_WIDEST = 4 * (_WIDTH + _INDENT) + 3 * _GAP  # what is still readable across a notebook
_UNSIGNED = {"CREATING", "PENDING_CERTIFICATE"}


@dataclass(frozen=True, slots=True)
class HierarchyNode:
    """A CA or an end entity, and what it issued.

    Attributes:
        name: the common name, or whatever the reader knows it by.
        kind: what it is in the hierarchy: ``root CA``, ``subordinate CA``, ``end entity``,
            ``external root``, or the reader's own word for what hangs below a certificate.
        status: AWS's word (``ACTIVE``, ``PENDING_CERTIFICATE`` ...), ``REVOKED``, or None.
        key_algorithm: by AWS's name, ``EC_prime256v1``.
        not_before, not_after: its certificate's validity; None before it has a certificate.
        path_length: of its certificate's BasicConstraints; None when there is no limit.
        note: one short remark.
        children: what it issued, in the order to show.
    """

    name: str
    kind: str
    status: str | None = None
    key_algorithm: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    path_length: int | None = None
    note: str | None = None
    children: tuple[HierarchyNode, ...] = ()

    @property
    def facts(self) -> tuple[str, ...]:
        """Key and path length, then the validity: the small print of a card."""
        limit = None
        if self.kind != "end entity" and self.not_after:
            limit = (
                "no path limit" if self.path_length is None else f"path length {self.path_length}"
            )
        first = " · ".join(part for part in (self.key_algorithm, limit) if part)
        dates = (
            drawing.period(self.not_before, self.not_after)
            if self.not_before and self.not_after
            else ""
        )
        return tuple(part for part in (first, dates) if part)


def hierarchy(
    nodes: HierarchyNode | Iterable[HierarchyNode], *, title: str = "CA hierarchy"
) -> Hierarchy:
    """Show one or more trees. Nothing is verified: the picture says what the nodes say.

    Args:
        nodes: the roots, with all below them.
        title: what the picture is called, for those who cannot see it.
    """
    return Hierarchy((nodes,) if isinstance(nodes, HierarchyNode) else tuple(nodes), title)


@dataclass(frozen=True, slots=True, repr=False)
class Hierarchy:
    """Trees of CAs and end entities, ready to be looked at.

    In a notebook it is a picture, in a terminal a text tree; ``mermaid`` goes into Markdown.
    """

    roots: tuple[HierarchyNode, ...]
    title: str = "CA hierarchy"

    @classmethod
    def from_certificates(
        cls,
        certificates: Iterable[x509.Certificate],
        *,
        statuses: Mapping[x509.Certificate, str] | None = None,
        external: Collection[x509.Certificate] = (),
    ) -> Self:
        """Link certificates into trees: a child's signature verifies under its parent's key.

        Args:
            certificates: in the order siblings should have; duplicates are dropped.
            statuses: what is known about them beyond their bytes (``REVOKED``, ``DISABLED`` ...).
            external: roots that live elsewhere.

        A certificate whose issuer is not among them starts a tree of its own, with a note. Of two
        possible issuers (a renewed CA with the same key) the first counts. Validity, extensions and
        revocation are not checked; `pkilab.pki.chains.verify_chain` does that.
        """
        known = tuple(dict.fromkeys(certificates))
        issuers = {certificate: _issuer(certificate, known) for certificate in known}
        placed: set[x509.Certificate] = set()

        def grow(certificate: x509.Certificate) -> HierarchyNode:
            placed.add(certificate)
            children = [
                grow(child)
                for child in known
                if issuers[child] == certificate and child not in placed
            ]
            ca, path_length = _constraints(certificate)
            itself = issuers[certificate] == certificate
            kind = "end entity"
            if ca:
                kind = "root CA" if itself else "subordinate CA"
            view = describe(certificate)
            return HierarchyNode(
                name=_common_name(certificate) or view.subject or "(no subject)",
                kind="external root" if certificate in external else kind,
                status=(statuses or {}).get(certificate),
                key_algorithm=view.key_algorithm,
                not_before=view.not_before,
                not_after=view.not_after,
                path_length=path_length,
                note=None if issuers[certificate] else f"issuer not shown: {view.issuer}",
                children=tuple(children),
            )

        tops = [certificate for certificate in known if issuers[certificate] in {None, certificate}]
        roots = [grow(certificate) for certificate in tops]
        # CAs that certified each other in a circle have no top; the first of them serves.
        roots += [grow(certificate) for certificate in known if certificate not in placed]
        return cls(tuple(roots))

    def __repr__(self) -> str:
        return "\n".join(line for root in self.roots for line in _tree(root)) or "(no CA)"

    def _repr_svg_(self) -> str:
        return self.svg

    @property
    def svg(self) -> str:
        """The picture: the same bytes for the same nodes."""
        layout = _Layout(self.roots)
        count = len(list(self._walk()))
        return drawing.picture(
            layout.right + _MARGIN,
            layout.bottom + _MARGIN,
            f"{self.title}, {count} node" + ("" if count == 1 else "s"),
            repr(self),
            *layout.links,
            *(part for card in layout.cards for part in _card(*card)),
        )

    @property
    def mermaid(self) -> str:
        """A Mermaid flowchart, for Markdown that renders it (GitHub, JupyterLab)."""
        lines, used = ["flowchart TD"], dict[str, drawing.Tone]()
        for number, (node, parent, _) in enumerate(self._walk()):
            tone = drawing.tone_of(node.status)
            used[tone.name] = tone
            words = [node.name, ", ".join(part for part in (node.kind, node.status) if part)]
            text = "<br/>".join(map(drawing.mermaid_text, [*words, *node.facts]))
            lines.append(f'    n{number}["{text}"]:::{tone.name}')
            if parent is not None:
                arrow = "-.->" if node.status in _UNSIGNED else "-->"
                lines.append(f"    n{parent} {arrow} n{number}")
        return "\n".join(
            [*lines, *(f"    classDef {name} stroke:{tone.light}" for name, tone in used.items())]
        )

    def table(self) -> DataFrame:
        """One row a node, parents before what they issued, indexed by name.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        walked = list(self._walk())
        rows = [
            {
                "name": node.name,
                "kind": node.kind,
                "issuer": "" if parent is None else walked[parent][0].name,
                "status": node.status or "",
                "key": node.key_algorithm or "",
                "path length": "" if node.path_length is None else str(node.path_length),
                "not before": drawing.moment(node.not_before) if node.not_before else "",
                "not after": drawing.moment(node.not_after) if node.not_after else "",
                "note": node.note or "",
            }
            for node, parent, _ in walked
        ]
        frame: DataFrame = extra("pandas").DataFrame(rows, columns=_COLUMNS)
        return frame.set_index("name").rename_axis(None)

    def _walk(self) -> Iterator[tuple[HierarchyNode, int | None, int]]:
        """Each node with its parent's place in the walk and its level."""
        count = 0

        def visit(
            node: HierarchyNode, parent: int | None, level: int
        ) -> Iterator[tuple[HierarchyNode, int | None, int]]:
            nonlocal count
            here, count = count, count + 1
            yield node, parent, level
            for child in node.children:
                yield from visit(child, here, level + 1)

        for root in self.roots:
            yield from visit(root, None, 0)


_COLUMNS = [
    "name", "kind", "issuer", "status", "key", "path length", "not before", "not after", "note",
]  # fmt: skip


def _tree(node: HierarchyNode, first: str = "", rest: str = "") -> Iterator[str]:
    """Draw a tree in text, as ``tree`` does."""
    words = ", ".join(part for part in (node.kind, node.status) if part)
    facts = "  ".join([f"[{words}]", *node.facts, *([f"({node.note})"] if node.note else [])])
    yield drawing.clean(f"{first}{node.name}  {facts}").replace("\n", " ")
    for left, child in enumerate(node.children, 1 - len(node.children)):
        branch, below = ("├── ", "│   ") if left else ("└── ", "    ")
        yield from _tree(child, rest + branch, rest + below)


# ------------------------------------------------------------------------------- from certificates


def _issuer(
    certificate: x509.Certificate, candidates: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    """Who signed it. A renewed root verifies under its older self, too, and is its own issuer."""
    ordered = (certificate, *candidates)
    return next((each for each in ordered if is_issued_by(certificate, each)), None)


def _common_name(certificate: x509.Certificate) -> str | None:
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except UNREADABLE:
        return None
    return str(names[-1].value) if names else None


def _constraints(certificate: x509.Certificate) -> tuple[bool, int | None]:
    """Whether it is a CA, and its path length."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False, None
    return found.ca, found.path_length


# -------------------------------------------------------------------------------------- the layout


class _Layout:
    """Where each card goes, in the first way that is not too wide.

    Children stand side by side below their parent. If that is too wide, those that issued nothing
    hang in a column below it; if that still is, all do, and at last trees stand below trees.
    """

    def __init__(self, roots: Sequence[HierarchyNode]) -> None:
        self._rows = [max(map(_card_height, level)) for level in _levels(roots)]
        ways: tuple[tuple[Callable[[HierarchyNode], bool], bool], ...] = (
            (lambda _: False, False),
            (lambda node: not any(child.children for child in node.children), False),
            (lambda _: True, False),
            (lambda _: True, True),
        )
        for self._hangs, stacked in ways:
            self.cards: list[tuple[HierarchyNode, float, float, float]] = []
            self.links: list[drawing.Element] = []
            self.right = self.bottom = float(_MARGIN)
            for number, root in enumerate(roots):
                gap = _GAP if number else 0
                x = _MARGIN if stacked else self.right + gap
                y = self.bottom + gap if stacked else _MARGIN
                self._place(root, x, y, level=0)
            if self.right <= _WIDEST + _MARGIN:
                break

    def _place(
        self, node: HierarchyNode, x: float, y: float, *, level: int | None
    ) -> tuple[float, float]:
        """Place a tree with its upper left corner at x, y.

        Cards of a ``level`` are equally high; in a column (None) each is as high as it needs.

        Returns:
            The middle of its top card, and where the tree ends below.
        """
        height = _card_height(node) if level is None else self._rows[level]
        below = y + height
        if level is not None and node.children and not self._hangs(node):
            ends: list[tuple[float, float]] = []
            for child in node.children:
                left = self.right + _GAP if ends else x
                ends.append(self._place(child, left, below + _DROP, level=level + 1))
            middle = (ends[0][0] + ends[-1][0]) / 2
            for child, (end, _) in zip(node.children, ends, strict=True):
                self._link(child, _elbow(middle, below, end, below + _DROP))
            self._add(node, middle - _WIDTH / 2, y, height)
            return middle, max(bottom for _, bottom in ends)
        self._add(node, x, y, height)
        rail, bottom = x + _INDENT / 2, below
        for child in node.children:
            top = bottom + _GAP * 0.7
            turn = top + _card_height(child) / 2 - 8
            self._link(child, f"M{rail:g} {below:g}V{turn:g}q0 8 8 8H{x + _INDENT:g}")
            _, bottom = self._place(child, x + _INDENT, top, level=None)
        return x + _WIDTH / 2, bottom

    def _add(self, node: HierarchyNode, x: float, y: float, height: float) -> None:
        self.cards.append((node, x, y, height))
        self.right = max(self.right, x + _WIDTH)
        self.bottom = max(self.bottom, y + height)

    def _link(self, child: HierarchyNode, path: str) -> None:
        self.links.append(drawing.line(path, dashed=child.status in _UNSIGNED))


def _levels(nodes: Sequence[HierarchyNode]) -> Iterator[Sequence[HierarchyNode]]:
    while nodes:
        yield nodes
        nodes = [child for node in nodes for child in node.children]


def _elbow(x: float, y: float, to_x: float, to_y: float) -> str:
    """Go down, across and down, with rounded corners."""
    if abs(to_x - x) < 1:
        return f"M{x:g} {y:g}V{to_y:g}"
    middle, bend = (y + to_y) / 2, min(8, abs(to_x - x) / 2)
    side = bend if to_x > x else -bend
    return (
        f"M{x:g} {y:g}V{middle - bend:g}q0 {bend:g} {side:g} {bend:g}"
        f"H{to_x - side:g}q{side:g} 0 {side:g} {bend:g}V{to_y:g}"
    )


def _card_height(node: HierarchyNode) -> float:
    return max(y for *_, y in _lines(node)) + 12


def _lines(node: HierarchyNode) -> list[tuple[str, str, float]]:
    """The lines of a card: style, text and baseline. The status shares the first line if it can."""
    inside, y = _WIDTH - 2 * _PAD, _FIRST
    made: list[tuple[str, str, float]] = [("kind", node.kind, y)]
    if node.status:
        status = drawing.fit(node.status, inside - 16, 10, lines=1, bold=True)[0]
        together = drawing.text_width(node.kind, 11) + drawing.text_width(status, 10, bold=True)
        y += 0 if together + 28 <= inside else 16
        made.append(("status", status, y))
    facts = [part for fact in node.facts for part in _halves(fact, inside)]
    for style, text, size, step, lines in (
        ("name", node.name, 13, 18, 2),
        *(("fact", fact, 11, 16, 1) for fact in facts),
        *([("note", node.note, 11, 16, 2)] if node.note else []),
    ):
        for part in drawing.fit(text, inside, size, lines=lines, bold=style == "name"):
            y += step
            made.append((style, part, y))
    return made


def _halves(fact: str, width: float) -> list[str]:
    """Break a period at its arrow when it is too long for one line."""
    start, arrow, end = fact.partition(" → ")
    if not arrow or drawing.text_width(fact, 11) <= width:
        return [fact]
    return [start, f"→ {end}"]


def _card(node: HierarchyNode, x: float, y: float, height: float) -> list[drawing.Element]:
    tone = drawing.tone_of(node.status)
    body = drawing.box(x, y, _WIDTH, height, radius=7, kind="card")
    body.append(drawing.element("title", {}, next(_tree(node))))
    if tone in {drawing.WAITING, drawing.GONE}:
        body.set("stroke-dasharray", "4 3")
    stripe = {"x": x, "y": y + 10, "width": 4, "height": height - 20, "rx": 2}
    parts = [body, drawing.element("rect", stripe | drawing.tinge(tone, "fill"))]
    for style, text, down in _lines(node):
        left, base = x + _PAD, y + down
        if style == "status":
            wide = drawing.text_width(text, 10, bold=True)
            left = left if down > _FIRST else x + _WIDTH - _PAD - wide - 15
            parts.append(drawing.mark(left, base - 9, tone))
            parts.append(drawing.label(left + 15, base, text, size=10, bold=True, tone=tone))
        elif style == "name":
            parts.append(drawing.label(left, base, text, size=13, bold=True))
        else:
            parts.append(drawing.label(left, base, text, size=11, kind="quiet"))
    return parts
