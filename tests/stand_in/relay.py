"""A loopback HTTP server between a client and the served simulator, which can go wrong.

Whoever is behind it sees real HTTP: connections that are kept, refusals in the service's protocol,
and connections that break before or after the call was performed.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from pkilab.simulator.gateway import _credential_scope, _refusal
from pkilab.simulator.service import AwsError, HttpRequest
from tests.stand_in.calls import Call, call_of
from tests.stand_in.faults import Fault, Plan

_SECONDS = 180  # that the simulator may take for one call
_HOP = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
Hook = Callable[[Call], None]


class Relay:
    """Serves until `close`.

    Attributes:
        url: where.
        plan: what goes wrong; nothing, as long as it is None.
        before: called with each signed request before it is passed on, in the thread that does it.
        after: called after it was performed, before its sender hears of it.
        calls: the signed requests so far.
    """

    def __init__(self, target: str) -> None:
        self.plan: Plan | None = None
        self.before: list[Hook] = []
        self.after: list[Hook] = []
        self.calls: list[Call] = []
        self._target = urlsplit(target).netloc
        self._numbers, self._lock = itertools.count(1), threading.Lock()
        relay = self

        class Handler(_Handler):
            owner = relay

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="stand-in relay", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and drop every connection."""
        self._server.shutdown()
        self._server.drop()
        self._server.server_close()
        self._thread.join()

    def call(self, request: HttpRequest) -> Call | None:
        """Number a request, if it is a signed one."""
        with self._lock:
            found = call_of(request, len(self.calls) + 1)
            if found:
                self.calls.append(found)
            return found

    def forward(self, method: str, target: str, headers: Any, body: bytes) -> Any:
        """Pass a request on as it came, and return status, headers and body of the answer."""
        connection = http.client.HTTPConnection(self._target, timeout=_SECONDS)
        with contextlib.closing(connection):
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                if name.lower() not in _HOP and name.lower() != "expect":
                    connection.putheader(name, value.encode("latin-1"))
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that are killed break connections."""

    def drop(self) -> None:
        """Break the connections that are open."""
        for each in tuple(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    owner: Relay
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the base class writes head and body apart
    wbufsize = -1

    def _relay(self) -> None:
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        host = headers.get("host", "localhost")
        url = self.path if self.path.startswith("http") else f"http://{host}{self.path}"
        request = HttpRequest(self.command, url, headers, body)
        call = self.owner.call(request)
        plan = self.owner.plan
        fault = plan.fault(call) if plan and call else None
        if fault is None or fault.performed:
            answer = self._perform(call, body)
            if fault is None:
                self._write(*answer)
                return
        self._fail(fault, request, call)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _relay  # noqa: N815

    def _perform(self, call: Call | None, body: bytes) -> Any:
        hooks = self.owner.before if call else ()
        for hook in tuple(hooks):
            hook(call)
        answer = self.owner.forward(self.command, self.path, self.headers.items(), body)
        for hook in tuple(self.owner.after if call else ()):
            hook(call)
        return answer

    def _fail(self, fault: Fault, request: HttpRequest, call: Call) -> None:
        refusal = fault.refusal(call.service)
        if refusal is None:
            self._drop()
            return
        answer = _refusal(request, _scope(request), refusal)
        self._write(answer.status, list(answer.headers.items()), answer.body)

    def _drop(self) -> None:
        """Break the connection so that its other end sees it at once."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _write(self, status: int, headers: Any, body: bytes) -> None:
        self.send_response_only(status)
        length = str(len(body))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_arguments: object) -> None:
        """Nobody reads it."""


def _scope(request: HttpRequest) -> Any:
    try:
        return _credential_scope(request)
    except AwsError:
        return None
