"""A log as files: tiles of hashes, tiles of entries, issuers (C2SP static-ct-api, monitoring API).

A tile of level L has up to 256 hashes, each the root of 256**L entries; a tile of entries has the
entries of the level-0 tile with the same number. Full tiles never change. Whoever has them can
answer every question that a log of RFC 6962 answers: `TiledTree` makes the proofs.

Reading and writing go through functions that take a path (``tile/0/x001/067``) below the log's
monitoring prefix; compression and HTTP are theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from pkilab.ct._tls import Reader, fixed, vector
from pkilab.ct.merkle import HASH_SIZE, MerkleTree, Tree, leaf_hash, node_hash
from pkilab.ct.structures import TimestampedEntry, TreeHead, decode_leaf_index, merkle_leaf
from pkilab.errors import CtError, MalformedError

WIDTH = 256
_HEIGHT = 8  # levels of the tree in one tile
_LEVELS = 6  # 0 to 5
_GROUP = 1000  # a tile's number is written in groups of three digits
_PATH = re.compile(
    r"tile/(?P<level>[0-5]|data)/(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)

Write: TypeAlias = Callable[[str, bytes], object]
Read: TypeAlias = Callable[[str], bytes | None]  # None: there is no such file


@dataclass(frozen=True, slots=True)
class Tile:
    """Which tile: ``level`` 0 to 5, or None for one of entries; ``width`` 1 to 256."""

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is below the monitoring prefix."""
        groups, rest = [f"{self.number % _GROUP:03}"], self.number // _GROUP
        while rest:
            groups.insert(0, f"x{rest % _GROUP:03}")
            rest //= _GROUP
        level = "data" if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"

    @classmethod
    def from_path(cls, path: str) -> Tile:
        """Read a path; each tile has one.

        Raises:
            MalformedError: another text, or another spelling.
        """
        if match := _PATH.fullmatch(path):
            number = int(match["number"].replace("x", "").replace("/", ""))
            level = None if match["level"] == "data" else int(match["level"])
            tile = cls(level, number, int(match["width"] or WIDTH))
            if tile.width <= WIDTH and tile.path == path:
                return tile
        expected = "tile/<level>/<number>, or with .p/<width>"
        raise MalformedError("tile path", found=repr(path[:80]), expected=expected)

    @property
    def full(self) -> Tile:
        """The full tile of the same number."""
        return Tile(self.level, self.number)


@dataclass(frozen=True, slots=True)
class TileLeaf:
    """An entry in a tile: what was signed, and what ``get-entries`` has as ``extra_data``.

    ``precertificate`` is the one submitted, in DER; None for an x509 entry. ``chain`` are the
    SHA-256 of the issuers' certificates, in the order submitted.
    """

    entry: TimestampedEntry
    precertificate: bytes | None
    chain: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Encode: the entry, the precertificate if it is one's, the fingerprints.

        Raises:
            MalformedError: a field has a value or a length that cannot be, or there is a
                precertificate and should be none, or the reverse.
        """
        submitted = b""
        if (self.precertificate is not None) != bool(self.entry.type):
            found = "none" if self.precertificate is None else "one"
            expected = "one in a precert entry, none in an x509 entry"
            raise MalformedError("precertificate", found=found, expected=expected)
        if self.precertificate is not None:
            submitted = vector("precertificate", self.precertificate, 3, least=1)
        chain = b"".join(fixed("fingerprint", each, HASH_SIZE) for each in self.chain)
        return self.entry.encode() + submitted + vector("certificate chain", chain, 2)

    @classmethod
    def read(cls, reader: Reader) -> TileLeaf:
        """Read one where a tile has it."""
        entry = TimestampedEntry.read(reader)
        submitted = reader.vector(3, least=1) if entry.type else None
        inner = Reader("certificate chain", reader.vector(2))
        chain = []
        while inner:
            chain.append(inner.take(HASH_SIZE))
        return cls(entry, submitted, tuple(chain))


def encode_leaves(leaves: Sequence[TileLeaf]) -> bytes:
    """Return the bytes of a tile of entries.

    Raises:
        MalformedError: none or more than 256, or one that cannot be encoded.
    """
    if not 1 <= len(leaves) <= WIDTH:
        found = f"{len(leaves)} entries"
        raise MalformedError("tile of entries", found=found, expected=f"1 to {WIDTH}")
    return b"".join(each.encode() for each in leaves)


def decode_leaves(data: bytes) -> tuple[TileLeaf, ...]:
    """Read a tile of entries.

    Raises:
        MalformedError: it is none.
    """
    reader = Reader("tile of entries", data)
    leaves = []
    while reader:
        leaves.append(TileLeaf.read(reader))
    if not 1 <= len(leaves) <= WIDTH:
        found = f"{len(leaves)} entries"
        raise MalformedError("tile of entries", found=found, expected=f"1 to {WIDTH}")
    return tuple(leaves)


def issuer_path(fingerprint: bytes) -> str:
    """Return where the certificate with this SHA-256 is."""
    return f"issuer/{fixed('fingerprint', fingerprint, HASH_SIZE).hex()}"


def hash_tiles(size: int, since: int = 0) -> Iterator[Tile]:
    """Name the tiles of hashes that a tree of ``size`` has and one of ``since`` did not have."""
    for level in range(_LEVELS):
        yield from _tiles(level, size >> _HEIGHT * level, since >> _HEIGHT * level)


def entry_tiles(size: int, since: int = 0) -> Iterator[Tile]:
    """Name the tiles of entries that a log of ``size`` has and one of ``since`` did not have."""
    yield from _tiles(None, size, since)


def write_tree(tree: Tree, write: Write, size: int | None = None, since: int = 0) -> None:
    """Write the tiles of hashes of a tree, before the checkpoint of that size is shown.

    Args:
        tree: the tree.
        write: takes a path and the bytes.
        size: a size the tree has or had; the present one by default.
        since: the size whose tiles are written already.

    Raises:
        CtError: the tree never had that size.
    """
    for tile in hash_tiles(tree.size if size is None else size, since):
        assert tile.level is not None  # noqa: S101 - tiles of hashes have one
        start = tile.number * WIDTH
        write(tile.path, tree.nodes(_HEIGHT * tile.level, start, start + tile.width))


def write_entries(
    leaves: Callable[[int, int], Sequence[TileLeaf]], write: Write, size: int, since: int = 0
) -> None:
    """Write the tiles of entries of a log.

    Args:
        leaves: returns the entries ``start`` <= i < ``end``.
        write: takes a path and the bytes.
        size: how many entries there are.
        since: how many are written already.

    Raises:
        MalformedError: an entry that cannot be encoded.
    """
    for tile in entry_tiles(size, since):
        start = tile.number * WIDTH
        write(tile.path, encode_leaves(leaves(start, start + tile.width)))


def write_issuers(issuers: Sequence[bytes], write: Write) -> None:
    """Write certificates in DER, each under its fingerprint."""
    for each in issuers:
        write(issuer_path(sha256(each).digest()), each)


def read_issuer(read: Read, fingerprint: bytes) -> bytes:
    """Return the certificate with this SHA-256, in DER.

    Raises:
        CtError: it is not there, or another is.
    """
    data = read(issuer_path(fingerprint))
    if data is None or sha256(data).digest() != fingerprint:
        found = "none" if data is None else "another certificate"
        raise CtError("issuer", found=found, expected=f"the one with SHA-256 {fingerprint.hex()}")
    return data


class TiledTree(MerkleTree):
    """The tree of a tiled log, read tile by tile as roots and proofs need it.

    What is read is believed: whoever does not trust the reading compares `root` with the signed
    one, and verifies each proof against that root (`pkilab.ct.merkle`).
    """

    def __init__(self, read: Read, size: int) -> None:
        self._read, self._size = read, size
        self._tiles: dict[Tile, bytes] = {}

    @classmethod
    def of(cls, read: Read, head: TreeHead) -> TiledTree:
        """Return the tree under a head, whose root hash the tiles must have.

        Raises:
            CtError: they have another, or one is missing.
            MalformedError: one has another length.
        """
        tree = cls(read, head.size)
        if (root := tree.root()) != head.root:
            raise CtError("root hash of the tiles", found=root.hex(), expected=head.root.hex())
        return tree

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._size

    def tile(self, tile: Tile) -> bytes:
        """Return the hashes of a tile; of a partial one, from the full one if that is there."""
        if tile not in self._tiles:
            self._tiles[tile] = _read_hashes(self._read, tile)
        return self._tiles[tile]

    def node(self, level: int, index: int) -> bytes:
        """Return the root of a complete subtree of 2**level leaves, as `MerkleTree.node`."""
        count = self._size >> level if level >= 0 else 0
        if not 0 <= index < count:
            found = f"node {index} of level {level}"
            raise CtError("tree nodes", found=found, expected=f"one of the {count} there are")
        if level > _HEIGHT * _LEVELS:
            expected = f"at most {_HEIGHT * _LEVELS}, what tiles of {_LEVELS} levels can say"
            raise CtError("level of a tree node", found=f"{level}", expected=expected)
        above, height = divmod(level, _HEIGHT)
        if above == _LEVELS:  # the root of a full tile of level 5: 2**48 leaves
            above, height = above - 1, _HEIGHT
        number, start = divmod(index << height, WIDTH)
        width = min(WIDTH, (self._size >> _HEIGHT * above) - number * WIDTH)
        hashes = self.tile(Tile(above, number, width))
        nodes = [_hash_at(hashes, at) for at in range(start, start + (1 << height))]
        while len(nodes) > 1:
            nodes = [node_hash(*nodes[at : at + 2]) for at in range(0, len(nodes), 2)]
        return nodes[0]


def read_entries(read: Read, tree: TiledTree, since: int = 0) -> Iterator[TileLeaf]:
    """Read the entries of a log from ``since`` on; each must be the one in the tree.

    A log of this kind says in each entry where it is (the SCT extension ``leaf_index``), and that
    is looked at, too.

    Raises:
        CtError: an entry is not the one whose hash is in the tree, or a tile is missing.
        MalformedError: a tile cannot be read.
    """
    for tile in entry_tiles(tree.size, since):
        data, start = _read_either(read, tile), tile.number * WIDTH
        leaves = decode_leaves(data)[: tile.width]
        if len(leaves) < tile.width:
            found = f"{len(leaves)} entries"
            raise CtError(f"tile {tile.path}", found=found, expected=f"{tile.width}")
        hashes = tree.tile(Tile(0, tile.number, tile.width))
        for at, leaf in enumerate(leaves):
            if leaf_hash(merkle_leaf(leaf.entry)) != _hash_at(hashes, at):
                expected = f"the one whose hash is in tile/0, number {start + at}"
                raise CtError("entry", found="another", expected=expected)
            if (index := decode_leaf_index(leaf.entry.extensions)) != start + at:
                expected = f"{start + at}, where it is"
                raise CtError("leaf index of the entry", found=f"{index}", expected=expected)
            if start + at >= since:
                yield leaf


def verify_tiles(read: Read, head: TreeHead) -> Tree:
    """Read all tiles of hashes, and make sure that each is what the leaves make it.

    Returns:
        The tree, which is then at hand without the tiles.

    Raises:
        CtError: a tile differs from the leaves, the root hash from the head's, or one is missing.
        MalformedError: a tile has another length.
    """
    tree = Tree()
    for tile in hash_tiles(head.size):
        hashes = _read_hashes(read, tile)
        if tile.level == 0:
            for at in range(tile.width):
                tree.append_hash(_hash_at(hashes, at))
            continue
        assert tile.level is not None  # noqa: S101 - tiles of hashes have one
        start = tile.number * WIDTH
        if hashes != tree.nodes(_HEIGHT * tile.level, start, start + tile.width):
            found = "other hashes than the leaves make"
            raise CtError(f"tile {tile.path}", found=found, expected="those")
    if (root := tree.root()) != head.root:
        raise CtError("root hash of the tiles", found=root.hex(), expected=head.root.hex())
    return tree


def _tiles(level: int | None, count: int, since: int) -> Iterator[Tile]:
    """Name the tiles of one level: full ones that were not full, then the partial one."""
    for number in range(since // WIDTH, count // WIDTH):
        yield Tile(level, number)
    if count % WIDTH and count > since:
        yield Tile(level, count // WIDTH, count % WIDTH)


def _read_either(read: Read, tile: Tile) -> bytes:
    """Read a tile; a log may drop a partial tile when it has the full one."""
    for each in dict.fromkeys((tile, tile.full)):
        if (data := read(each.path)) is not None:
            return data
    raise CtError(f"tile {tile.path}", found="none", expected="one of the tree's tiles")


def _read_hashes(read: Read, tile: Tile) -> bytes:
    data, size = _read_either(read, tile), tile.width * HASH_SIZE
    if len(data) not in (size, WIDTH * HASH_SIZE):
        raise MalformedError(f"tile {tile.path}", found=f"{len(data)} bytes", expected=f"{size}")
    return data[:size]


def _hash_at(hashes: bytes, at: int) -> bytes:
    return hashes[at * HASH_SIZE : (at + 1) * HASH_SIZE]
