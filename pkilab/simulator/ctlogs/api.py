"""The HTTP APIs of the world's logs: version 1 (RFC 6962, 4), and the static one for readers.

In the world each log has a host name; on a served port every log is also below ``/ct/<name>/``,
and the log list below ``/ct/log_list/``. Every log answers all eight calls, the static one too,
which need not, and every tree can be read as tiles. An error is a 4xx with a sentence; a log that
cannot be written answers 503.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.ct.log_client import write_entry, write_tree_head
from pkilab.errors import CtError, LabError, MalformedError
from pkilab.pki.certificates import UNREADABLE
from pkilab.simulator.ctlogs import listing
from pkilab.simulator.ctlogs.logs import DOMAIN, CtLogs, RunningLog
from pkilab.simulator.ctlogs.static import StaticReader
from pkilab.simulator.service import HttpRequest, HttpResponse
from pkilab.simulator.world import World

MOST_ENTRIES = (
    256  # in one answer to get-entries; a log may return fewer than asked (RFC 6962, 4.6)
)
MOST_BODY = 1_000_000  # bytes; ten certificates, and far more than public CAs' chains take
PREFIX = "/ct/"  # on a served port; no S3 bucket has so short a name
_NUMBER = re.compile(r"[0-9]{1,18}")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
Query = Mapping[str, str]


class _Refused(Exception):  # noqa: N818 - an answer rather than an error
    """Ends a request: its status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class CtApi:
    """What a world's logs answer over HTTP. To be called in a turn of the world."""

    def __init__(self, world: World, logs: CtLogs) -> None:
        self._world, self._logs = world, logs
        self._list = listing.LogListSite(world, logs)
        self._static = {each.name: StaticReader(each) for each in logs.logs}
        self._gets: dict[str, Callable[[RunningLog, Query], Any]] = {
            "get-sth": self._get_sth,
            "get-sth-consistency": self._get_sth_consistency,
            "get-proof-by-hash": self._get_proof_by_hash,
            "get-entries": self._get_entries,
            "get-roots": self._get_roots,
            "get-entry-and-proof": self._get_entry_and_proof,
        }

    def serves(self, host: str) -> bool:
        """Say whether a host name is a log's or the log list's."""
        host = host.lower()
        lists = (listing.HOST, listing.CHROME_HOST)
        return host in lists or any(each.host == host for each in self._logs.logs)

    def takes(self, request: HttpRequest) -> bool:
        """Say whether a request is for a log or the log list, by host name or by path."""
        parts = urlsplit(request.url)
        host = (parts.hostname or "").lower()
        return self.serves(host) or (host in _LOOPBACK and parts.path.startswith(PREFIX))

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        try:
            return self._answer(request)
        except _Refused as refused:
            return _text(refused.status, str(refused))
        except (CtError, MalformedError) as error:
            return _text(400, str(error))
        except LabError as error:
            return _text(503, str(error))

    def _answer(self, request: HttpRequest) -> HttpResponse:
        parts = urlsplit(request.url)
        host, path = (parts.hostname or "").lower(), parts.path.removeprefix("/")
        if host.endswith(f".{DOMAIN}"):
            name = host.removesuffix(f".{DOMAIN}")
        elif host == listing.CHROME_HOST:
            name, path = listing.NAME, path.removeprefix("ct/")
        else:
            name, _, path = path.removeprefix("ct/").partition("/")
            if f"{name}/" == listing.FOLDER:
                name, path = listing.NAME, f"{name}/{path}"
        if name == listing.NAME:
            _expect_method(request, "GET")
            return self._list.respond(path) or _nothing(path)
        running = self._logs.find(name)
        if running is None:
            return _nothing(name)
        if path.startswith("ct/v1/"):
            return self._v1(running, request, path.removeprefix("ct/v1/"), parts.query)
        _expect_method(request, "GET")
        return self._static[running.name].respond(path, self._world.clock.now()) or _nothing(path)

    def _v1(self, running: RunningLog, request: HttpRequest, call: str, query: str) -> HttpResponse:
        if call in {"add-chain", "add-pre-chain"}:
            _expect_method(request, "POST")
            return self._add(running, request.body, precertificate=call == "add-pre-chain")
        if call not in self._gets:
            return _nothing(call)
        _expect_method(request, "GET")
        found = {name: values[0] for name, values in parse_qs(query).items()}
        return _json(self._gets[call](running, found))

    def _add(self, running: RunningLog, body: bytes, *, precertificate: bool) -> HttpResponse:
        sct = self._logs.add(running, _chain(body), precertificate=precertificate)
        return _json(
            {
                "sct_version": 0,
                "id": _b64(sct.log_id),
                "timestamp": sct.timestamp,
                "extensions": _b64(sct.extensions),
                "signature": _b64(sct.signature.encode()),
            }
        )

    def _get_sth(self, running: RunningLog, _query: Query) -> Any:  # noqa: ANN401 - JSON
        return write_tree_head(running.log.head(self._world.clock.now()))

    def _get_sth_consistency(self, running: RunningLog, query: Query) -> Any:  # noqa: ANN401 - JSON
        proof = running.log.consistency_proof(_number(query, "first"), _number(query, "second"))
        return {"consistency": [_b64(each) for each in proof]}

    def _get_proof_by_hash(self, running: RunningLog, query: Query) -> Any:  # noqa: ANN401 - JSON
        # A plus sign that was not percent-encoded came through as a blank.
        leaf_hash = _decode("hash", query.get("hash", "").replace(" ", "+"))
        index, path = running.log.proof_by_hash(leaf_hash, _number(query, "tree_size"))
        return {"leaf_index": index, "audit_path": [_b64(each) for each in path]}

    def _get_entries(self, running: RunningLog, query: Query) -> Any:  # noqa: ANN401 - JSON
        start, last = _number(query, "start"), _number(query, "end")
        found = running.log.entries(start, min(last + 1, start + MOST_ENTRIES))
        return {"entries": [write_entry(each) for each in found]}

    def _get_roots(self, running: RunningLog, _query: Query) -> Any:  # noqa: ANN401 - JSON
        self._logs.settle()
        return {"certificates": [_b64(_der(each)) for each in running.log.roots]}

    def _get_entry_and_proof(self, running: RunningLog, query: Query) -> Any:  # noqa: ANN401 - JSON
        found = running.log.entry_and_proof(
            _number(query, "leaf_index"), _number(query, "tree_size")
        )
        return {**write_entry(found.entry), "audit_path": [_b64(each) for each in found.path]}


def _chain(body: bytes) -> list[x509.Certificate]:
    """Read the body of add-chain and add-pre-chain.

    Raises:
        MalformedError: it is none.
    """
    if len(body) > MOST_BODY:
        raise _Refused(413, f"body: found {len(body)} bytes, expected at most {MOST_BODY}")
    expected = 'JSON of {"chain": [base64 of DER certificates]}'
    try:
        chain = json.loads(body)["chain"]
    except (ValueError, RecursionError, KeyError, TypeError, IndexError):
        raise MalformedError("body", found="something else", expected=expected) from None
    if not isinstance(chain, list) or not all(isinstance(each, str) for each in chain):
        raise MalformedError("chain", found="something else", expected=expected)
    found = []
    for number, each in enumerate(chain):
        try:
            found.append(x509.load_der_x509_certificate(_decode(f"chain[{number}]", each)))
        except MalformedError:
            raise
        except UNREADABLE as error:
            what = f"chain[{number}]"
            raise MalformedError(what, found=f"{error}", expected="a certificate") from error
    return found


def _number(query: Query, name: str) -> int:
    text = query.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise MalformedError(name, found=f"{text!r}", expected="a decimal number")
    return int(text)


def _decode(what: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise MalformedError(what, found="something else", expected="base64") from None


def _expect_method(request: HttpRequest, method: str) -> None:
    if request.method != method:
        raise _Refused(405, f"method: found {request.method}, expected {method}")


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _nothing(what: str) -> HttpResponse:
    return _text(404, f"{what or '/'}: nothing is there")


def _json(document: Any) -> HttpResponse:  # noqa: ANN401 - JSON
    body = json.dumps(document, separators=(",", ":")).encode()
    return HttpResponse(200, {"content-type": "application/json"}, body)


def _text(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(
        status, {"content-type": "text/plain; charset=utf-8"}, f"{sentence}\n".encode()
    )
