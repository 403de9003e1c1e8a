"""The same trees as files, as readers of the static API read them."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.ct.checkpoints import open_checkpoint, origin_of
from pkilab.ct.structures import decode_leaf_index
from pkilab.ct.tiles import TiledTree, read_entries, read_issuer, verify_tiles
from pkilab.errors import CtError
from pkilab.simulator.ctlogs.api import CtApi
from pkilab.simulator.service import HttpRequest


@pytest.fixture
def get(world, logs):
    """A function that gets a file of a log; None if it is not there."""
    api = CtApi(world, logs)

    def get(name, path):
        with world.turn():
            url = f"https://{name}.ct.pkilab.test/{path}"
            answer = api.respond(HttpRequest("GET", url, {}, b""))
        assert answer.status in {200, 400, 404}
        return answer.body if answer.status == 200 else None

    return get


@pytest.fixture
def filled(world, logs, ca):
    """Three hundred entries in the static log, thirty in one of RFC 6962."""
    for name, count in (("south-2", 300), ("north-1", 30)):
        running = logs.find(name)
        for number in range(count):
            poisoned = number % 2 == 1
            made = (ca.precertificate if poisoned else ca.leaf)(f"host-{number}.example")
            logs.add(running, (made, ca.root), precertificate=poisoned)
    world.clock.advance(minutes=1)
    return logs


def test_a_strict_reader_reads_the_static_log_from_checkpoint_to_entries(get, filled, ca):
    """Checkpoint, tiles, entries with their places, and the issuers they name."""
    running = filled.find("south-2")
    sth = open_checkpoint(
        get("south-2", "checkpoint"), origin_of(running.url), running.log.public_key
    )
    assert sth.head.size == 300

    def read(path):
        return get("south-2", path)

    assert verify_tiles(read, sth.head).root() == sth.head.root
    tree = TiledTree.of(read, sth.head)
    leaves = list(read_entries(read, tree))
    assert [decode_leaf_index(each.entry.extensions) for each in leaves] == list(range(300))
    assert [each.precertificate is None for each in leaves[:4]] == [True, False, True, False]
    (fingerprint,) = leaves[7].chain
    assert read_issuer(read, fingerprint) == ca.root.public_bytes(Encoding.DER)


def test_every_log_can_be_read_as_tiles(get, filled):
    """Those of RFC 6962 too; their entries do not say where they are."""
    running = filled.find("north-1")
    origin = "north-1.ct.pkilab.test"
    sth = open_checkpoint(get("north-1", "checkpoint"), origin, running.log.public_key)
    assert sth == running.log.head(sth.head.moment)
    tree = TiledTree.of(lambda path: get("north-1", path), sth.head)
    assert tree.inclusion_proof(7) == running.log.proof_by_hash(running.log.nodes(0, 7, 8), 30)[1]
    with pytest.raises(CtError, match="leaf index"):
        list(read_entries(lambda path: get("north-1", path), tree))


def test_partial_tiles_are_served_in_every_width_there_was_and_no_wider(get, filled):
    """And nothing that is not a tile."""
    assert len(get("south-2", "tile/0/000")) == 8192
    assert len(get("south-2", "tile/0/001.p/44")) == 44 * 32
    assert get("south-2", "tile/0/001.p/44").startswith(get("south-2", "tile/0/001.p/9"))
    assert len(get("south-2", "tile/1/000.p/1")) == 32
    for path in (
        "tile/0/001", "tile/0/001.p/45", "tile/0/002.p/1", "tile/1/000", "tile/2/000.p/1",
        "tile/data/001.p/45", "tile/data/001", "tile/6/000", "tile/0/1", "tile/x/000", "tile/",
        "issuer/00", "issuer/" + "0" * 64, f"tile/0/{'x001/' * 1500}001",
    ):  # fmt: skip
        assert get("south-2", path) is None, path


def test_curl_gets_a_checkpoint_and_tiles(curl, place, tmp_path, make_ca):
    """Below /ct/ of a served world, byte for byte what the world has."""
    ca = make_ca("Tile CA", place.world.clock.now())
    place.ct_logs.accept(ca.root)
    static = place.ct_logs.find("south-2")
    with place.world.turn():
        place.ct_logs.add(static, (ca.leaf("shop.example"), ca.root), precertificate=False)
    place.world.clock.advance(seconds=1)
    status, kind, body = curl("/ct/south-2/checkpoint")
    assert (status, kind) == (200, "text/plain; charset=utf-8")
    sth = open_checkpoint(body, "south-2.ct.pkilab.test", static.log.public_key)
    status, kind, tile = curl("/ct/south-2/tile/0/000.p/1")
    assert (status, kind, tile) == (200, "application/octet-stream", sth.head.root)
    assert curl("/ct/south-2/tile/0/001.p/1")[0] == 404  # not yet
    assert curl("/ct/south-2/tile/6/000")[0] == 400  # never
    headers = Path(tmp_path / "headers")
    curl("/ct/south-2/tile/0/000.p/1", "-D", str(headers))
    assert "immutable" in headers.read_text()
