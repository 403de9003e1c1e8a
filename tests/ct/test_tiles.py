"""Tiles: the specification's own example, a log written and read back, and spoiled files."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.merkle import EMPTY_ROOT, Tree, verify_consistency, verify_inclusion
from pkilab.ct.structures import (
    PreCert,
    TimestampedEntry,
    TreeHead,
    encode_leaf_index,
    merkle_leaf,
)
from pkilab.ct.tiles import (
    Tile,
    TiledTree,
    TileLeaf,
    decode_leaves,
    encode_leaves,
    entry_tiles,
    hash_tiles,
    issuer_path,
    read_entries,
    read_issuer,
    verify_tiles,
    write_entries,
    write_issuers,
    write_tree,
)
from pkilab.errors import CtError, MalformedError

ISSUER = b"an issuer's DER"
CHAIN = (sha256(ISSUER).digest(),)


def leaf(number: int) -> TileLeaf:
    """Return an entry: every third is a certificate, the others precertificates."""
    entry: bytes | PreCert = PreCert(bytes(32), b"tbs %d" % number)
    if number % 3 == 0:
        entry = b"certificate %d" % number
    submitted = None if number % 3 == 0 else b"precertificate %d" % number
    stamped = TimestampedEntry(1000 + number, entry, encode_leaf_index(number))
    return TileLeaf(stamped, submitted, CHAIN)


def leaves(start: int, end: int) -> list[TileLeaf]:
    return [leaf(number) for number in range(start, end)]


class Site(dict[str, bytes]):
    """Files by path, as a web server has them."""

    write = dict.__setitem__
    read = dict.get


def published(size: int, since: int = 0, site: Site | None = None) -> tuple[Tree, Site]:
    """Return the tree of a log and its files."""
    tree, site = Tree(), Site() if site is None else site
    tree.extend(merkle_leaf(each.entry) for each in leaves(0, size))
    write_tree(tree, site.write, since=since)
    write_entries(leaves, site.write, size, since)
    return tree, site


def head(tree: Tree) -> TreeHead:
    return TreeHead(tree.size, 0, tree.root())


def test_the_example_of_static_ct_api() -> None:
    """A tree of 70,000, and one of 256."""
    tiles = list(hash_tiles(70_000))
    assert [sum(t.level == level and t.width == 256 for t in tiles) for level in range(3)] == [
        273, 1, 0,
    ]  # fmt: skip
    assert [t.path for t in tiles if t.width < 256] == [
        "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1",
    ]  # fmt: skip
    assert [t.path for t in hash_tiles(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert [t.path for t in entry_tiles(70_000)][-2:] == ["tile/data/272", "tile/data/273.p/112"]
    assert list(hash_tiles(0)) == list(entry_tiles(0)) == []


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(5, 999, 1), "tile/5/999.p/1"),
        (Tile(None, 1000), "tile/data/x001/000"),
        (Tile(0, 1234067, 255), "tile/0/x001/x234/067.p/255"),
    ],
)
def test_paths_are_those_of_static_ct_api(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.from_path(path) == tile


@given(st.sampled_from([None, *range(6)]), st.integers(0, 2**40), st.integers(1, 256))
def test_paths_are_read_back(level: int | None, number: int, width: int) -> None:
    tile = Tile(level, number, width)
    assert Tile.from_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/6/000", "tile/0/0", "tile/0/x000/001", "tile/0/001/002", "tile/0/x001", "tile/00/000",
        "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "/tile/0/000", "tile/0/000/",
        "tile/8/0/000", "tile/names/000", "tile/0/\u0660\u0660\u0660", "", "tile/0/000.p/999",
        "tile/0/../000", f"tile/0/{'x001/' * 1500}001", f"tile/0/{'x001/' * 7}001",
    ],
)  # fmt: skip
def test_no_other_path_is_a_tile(path: str) -> None:
    with pytest.raises(MalformedError, match="tile path"):
        Tile.from_path(path)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1000, 66_000])
def test_a_log_is_rebuilt_from_its_tiles(size: int) -> None:
    tree, site = Tree(), Site()
    tree.extend(b"%d" % number for number in range(size))
    write_tree(tree, site.write)
    assert set(map(len, site.values())) <= {width * 32 for width in range(1, 257)}
    tiled = TiledTree.of(site.read, head(tree))
    assert tiled.size == size
    rebuilt = verify_tiles(site.read, head(tree))
    assert rebuilt.root() == tree.root() == tiled.root()


@given(st.data())
def test_proofs_from_tiles_are_those_of_the_tree(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 3000))
    tree, site = Tree(), Site()
    tree.extend(b"%d" % number for number in range(size))
    write_tree(tree, site.write)
    tiled = TiledTree.of(site.read, head(tree))
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    proof = tiled.inclusion_proof(index)
    assert proof == tree.inclusion_proof(index)
    verify_inclusion(tree.node(0, index), index, size, proof, tree.root())
    grown = tiled.consistency_proof(first)
    assert grown == tree.consistency_proof(first)
    verify_consistency(first, size, grown, tree.root(first), tree.root())


def test_entries_are_read_back_with_their_places() -> None:
    tree, site = published(600)
    tiled = TiledTree.of(site.read, head(tree))
    assert list(read_entries(site.read, tiled)) == leaves(0, 600)
    assert list(read_entries(site.read, tiled, since=590)) == leaves(590, 600)
    assert list(read_entries(site.read, tiled, since=600)) == []


def test_only_what_is_new_is_written() -> None:
    _, site = published(300)
    before = dict(site)
    tree, site = published(520, since=300, site=site)
    new = {path for path in site if path not in before}
    assert new == {
        "tile/0/001", "tile/0/002.p/8", "tile/1/000.p/2",
        "tile/data/001", "tile/data/002.p/8",
    }  # fmt: skip
    assert {path: site[path] for path in before} == before  # what is published never changes
    verify_tiles(site.read, head(tree))


def test_a_former_size_is_read_from_full_tiles_when_partial_ones_are_gone() -> None:
    """static-ct-api: a log may drop a partial tile once the full one is there."""
    old, _ = published(300)
    _, site = published(600)
    assert "tile/0/001.p/44" not in site
    tiled = TiledTree(site.read, 300)
    with pytest.raises(CtError, match=r"tile/1/000.p/1: found none"):
        tiled.inclusion_proof(299)  # level 1 is partial still, and of another width
    write_tree(old, site.write)
    del site["tile/0/001.p/44"]
    tiled = TiledTree.of(site.read, head(old))
    assert tiled.inclusion_proof(299) == old.inclusion_proof(299)
    assert list(read_entries(site.read, tiled, since=256)) == leaves(256, 300)


def test_a_hash_that_is_changed_is_seen() -> None:
    tree, site = published(600)
    for path in [path for path in site if not path.startswith("tile/data")]:
        changed = Site(site)
        changed[path] = bytes([site[path][0] ^ 1]) + site[path][1:]
        with pytest.raises(CtError, match=r"root hash of the tiles|tile tile/.*: found other"):
            verify_tiles(changed.read, head(tree))
    changed = Site(site)
    changed["tile/1/000.p/2"] = bytes(64)
    with pytest.raises(CtError, match="root hash of the tiles: found"):
        TiledTree.of(changed.read, head(tree))


def test_an_entry_that_is_changed_moved_or_missing_is_seen() -> None:
    tree, site = published(300)
    tiled = TiledTree.of(site.read, head(tree))
    good = leaves(256, 300)
    other = TileLeaf(TimestampedEntry(1, b"forged", encode_leaf_index(256)), None, CHAIN)
    for wrong, words in [
        (
            [other, *good[1:]],
            "entry: found another, expected the one whose hash is in tile/0",
        ),
        ([good[1], good[0], *good[2:]], "entry: found another"),
        (good[:-1], "tile tile/data/001.p/44: found 43 entries, expected 44"),
    ]:
        changed = Site(site)
        changed["tile/data/001.p/44"] = encode_leaves(wrong)
        with pytest.raises(CtError, match=words):
            list(read_entries(changed.read, tiled, since=256))
    del site["tile/data/001.p/44"]
    with pytest.raises(CtError, match=r"tile tile/data/001.p/44: found none"):
        list(read_entries(site.read, tiled, since=256))


@pytest.mark.parametrize("extensions", [b"", encode_leaf_index(1)])
def test_an_entry_says_where_it_is(extensions: bytes) -> None:
    """static-ct-api: the leaf index is not optional, and here it is 0."""
    tree, site = Tree(), Site()
    entry = TimestampedEntry(1, b"der", extensions)
    tree.append(merkle_leaf(entry))
    write_tree(tree, site.write)
    write_entries(lambda *_: [TileLeaf(entry, None, ())], site.write, 1)
    with pytest.raises(CtError, match=r"leaf index of the entry: found (None|1), expected 0"):
        list(read_entries(site.read, TiledTree.of(site.read, head(tree))))


LEAVES = st.builds(
    TileLeaf,
    st.builds(TimestampedEntry, st.integers(0, 2**64 - 1), st.binary(min_size=1), st.binary()),
    st.none(),
    st.lists(st.binary(min_size=32, max_size=32), max_size=3).map(tuple),
) | st.builds(
    TileLeaf,
    st.builds(
        TimestampedEntry,
        st.integers(0, 2**64 - 1),
        st.builds(PreCert, st.binary(min_size=32, max_size=32), st.binary(min_size=1)),
        st.binary(),
    ),
    st.binary(min_size=1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=3).map(tuple),
)


@given(st.lists(LEAVES, min_size=1, max_size=5))
def test_tiles_of_entries_are_read_back(some: list[TileLeaf]) -> None:
    data = encode_leaves(some)
    assert decode_leaves(data) == tuple(some)
    with pytest.raises(MalformedError):
        decode_leaves(data[:-1])


@given(st.binary(max_size=200))
def test_no_other_error_leaves_a_tile_of_entries(data: bytes) -> None:
    try:
        assert encode_leaves(decode_leaves(data)) == data
    except MalformedError:
        return


def test_a_tile_leaf_is_laid_out_as_static_ct_api_says() -> None:
    certificate, precertificate = leaf(0), leaf(1)
    assert certificate.encode() == certificate.entry.encode() + b"\0\x20" + CHAIN[0]
    submitted = b"\0\0\x10precertificate 1"
    assert precertificate.encode() == (
        precertificate.entry.encode() + submitted + b"\0\x20" + CHAIN[0]
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: encode_leaves([]), "tile of entries: found 0 entries"),
        (lambda: encode_leaves(leaves(0, 257)), "tile of entries: found 257 entries"),
        (lambda: decode_leaves(b""), "tile of entries: found 0 entries"),
        (lambda: decode_leaves(b"".join(x.encode() for x in leaves(0, 257))), "found 257 entries"),
        (lambda: TileLeaf(leaf(0).entry, b"x", ()).encode(), "precertificate: found one"),
        (lambda: TileLeaf(leaf(1).entry, None, ()).encode(), "precertificate: found none"),
        (lambda: TileLeaf(leaf(0).entry, None, (b"short",)).encode(), "fingerprint: found 5"),
        (lambda: decode_leaves(leaf(0).entry.encode() + b"\0\1x"), "tile of|certificate chain"),
        (lambda: issuer_path(b"short"), "fingerprint: found 5 bytes"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make: Any, words: str) -> None:
    with pytest.raises(MalformedError, match=words):
        make()


def test_a_tile_of_another_length_is_malformed() -> None:
    tree, site = published(300)
    site["tile/0/001.p/44"] += b"\0"
    with pytest.raises(MalformedError, match=r"tile tile/0/001.p/44: found 1409 bytes"):
        verify_tiles(site.read, head(tree))


def test_issuers_are_found_by_their_hash() -> None:
    site = Site()
    write_issuers([ISSUER], site.write)
    assert site == {f"issuer/{CHAIN[0].hex()}": ISSUER}
    assert read_issuer(site.read, CHAIN[0]) == ISSUER
    with pytest.raises(CtError, match="issuer: found none"):
        read_issuer(site.read, bytes(32))
    site[issuer_path(CHAIN[0])] = b"other"
    with pytest.raises(CtError, match="issuer: found another certificate"):
        read_issuer(site.read, CHAIN[0])


def test_a_tree_in_tiles_has_the_nodes_it_has() -> None:
    tree, site = published(600)
    tiled = TiledTree(site.read, 600)
    for level in range(10):
        assert tiled.node(level, 0) == tree.node(level, 0)
    for level, index in [(0, 600), (10, 0), (-1, 0), (0, -1)]:
        with pytest.raises(CtError, match="tree nodes: found node"):
            tiled.node(level, index)
    assert TiledTree(Site().read, 0).root() == EMPTY_ROOT
    with pytest.raises(CtError, match="tile tile/0"):
        TiledTree(Site().read, 5).root()


def test_the_root_of_the_highest_tile_is_its_hash() -> None:
    """2**48 entries fill a tile of level 5; no level 6 exists."""
    hashes = [sha256(b"%d" % number).digest() for number in range(256)]
    level_5 = Tree()
    for each in hashes:
        level_5.append_hash(each)
    tiled = TiledTree({"tile/5/000": b"".join(hashes)}.get, 2**48)
    assert tiled.root() == level_5.root()
    with pytest.raises(CtError, match="level of a tree node: found 49, expected at most 48"):
        TiledTree({"tile/5/000": b"".join(hashes)}.get, 2**49).root()  # that of 2**48 is not its
