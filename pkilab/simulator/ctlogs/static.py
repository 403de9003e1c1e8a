"""Reading a log of the world as files: checkpoint, tiles and issuers (C2SP static-ct-api).

Made from the tree when they are asked for. Partial tiles are served in every width that the tree
has had, too. Only the static log's entries have the leaf index that strict readers ask for.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from hashlib import sha256

from pkilab.ct.checkpoints import encode_checkpoint, origin_of
from pkilab.ct.log import StoredEntry
from pkilab.ct.structures import (
    EntryType,
    decode_chain,
    decode_merkle_leaf,
    decode_precert_chain,
)
from pkilab.ct.tiles import WIDTH, Tile, TileLeaf, encode_leaves, issuer_path
from pkilab.errors import CtError
from pkilab.simulator.ctlogs.logs import RunningLog
from pkilab.simulator.service import HttpResponse

_FOREVER = "public, max-age=604800, immutable"


class StaticReader:
    """The files of one log."""

    def __init__(self, running: RunningLog) -> None:
        self._running = running
        self._issuers: dict[str, bytes] = {}  # by path
        self._seen = 0  # entries whose issuers are known

    def respond(self, path: str, now: datetime) -> HttpResponse | None:
        """Answer with a file; None if there is no such one.

        Raises:
            MalformedError: the path of a tile that is none.
        """
        if path == "checkpoint":
            return self._checkpoint(now)
        if path.startswith("tile/"):
            tile = Tile.from_path(path)
            with suppress(CtError):  # the tree does not have it, or not yet
                return self._tile(tile)
        if path.startswith("issuer/") and (found := self._issuer(path)):
            return HttpResponse(200, _headers("application/pkix-cert"), found)
        return None

    def _checkpoint(self, now: datetime) -> HttpResponse:
        log, origin = self._running.log, origin_of(self._running.url)
        text = encode_checkpoint(origin, log.id, log.head(now))
        headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
        return HttpResponse(200, headers, text)

    def _tile(self, tile: Tile) -> HttpResponse:
        log, start = self._running.log, tile.number * WIDTH
        end = start + tile.width
        if tile.level is not None:
            data = log.nodes(8 * tile.level, start, end)
        else:
            log.nodes(0, start, end)  # refuses a tile that is not all there
            data = encode_leaves([_tile_leaf(each)[0] for each in log.entries(start, end)])
        return HttpResponse(200, _headers("application/octet-stream"), data)

    def _issuer(self, path: str) -> bytes | None:
        log = self._running.log
        if self._seen < log.size:
            for each in log.entries(self._seen, log.size):
                for issuer in _tile_leaf(each)[1]:
                    self._issuers[issuer_path(sha256(issuer).digest())] = issuer
            self._seen = log.size
        return self._issuers.get(path)


def _tile_leaf(stored: StoredEntry) -> tuple[TileLeaf, tuple[bytes, ...]]:
    """Return an entry as tiles have it, and its issuers' certificates."""
    entry, submitted = decode_merkle_leaf(stored.leaf), None
    if entry.type is EntryType.PRECERT:
        submitted, chain = decode_precert_chain(stored.extra_data)
    else:
        chain = decode_chain(stored.extra_data)
    return TileLeaf(entry, submitted, tuple(sha256(each).digest() for each in chain)), chain


def _headers(kind: str) -> dict[str, str]:
    return {"content-type": kind, "cache-control": _FOREVER}
