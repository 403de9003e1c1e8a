"""The simulated AWS over HTTP: the same gateway, for ``aws``, curl, openssl and other processes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from cheroot import wsgi

from pkilab.errors import LabClosedError
from pkilab.simulator.gateway import Gateway
from pkilab.simulator.service import HttpRequest, HttpResponse

_STARTUP_SECONDS = 10
_TICK_SECONDS = 1.0


class Server:
    """Serves one world on one address until `close`.

    With a live clock, due work also runs while nobody calls, once a second.

    Args:
        gateway: the world's door.
        host: the address to listen on.
        port: 0 lets the system choose a free one.
    """

    def __init__(self, gateway: Gateway, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._gateway = gateway
        self._server = wsgi.Server((host, port), self._application, numthreads=4)
        self._server.shutdown_timeout = 1
        self._server.prepare()
        bound = self._server.bind_addr
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{bound[1]}"
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.serve, name="pkilab serve", daemon=True),
            threading.Thread(target=self._tick, name="pkilab clock", daemon=True),
        ]
        for thread in self._threads[: 2 if gateway.world.clock.live else 1]:
            thread.start()

    def close(self) -> None:
        """Stop listening. The world stays open."""
        self._closing.set()
        self._server.stop()

    def _tick(self) -> None:
        with contextlib.suppress(LabClosedError):
            while not self._closing.wait(_TICK_SECONDS):
                with self._gateway.world.turn():
                    pass  # taking a turn runs what is due

    def _application(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        try:
            response = self._gateway.handle(_request(environ))
        except LabClosedError as error:
            response = HttpResponse(503, {"content-type": "text/plain"}, str(error).encode())
        headers = [(k, v) for k, v in response.headers.items() if k != "connection"]
        if "content-length" not in response.headers:
            headers.append(("content-length", str(len(response.body))))
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]


def _request(environ: dict[str, Any]) -> HttpRequest:
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if value := environ.get(name):
            headers[name.replace("_", "-").lower()] = value
    host = headers.get("host", environ["SERVER_NAME"])
    # cheroot keeps the target as it was sent; S3 keys need their percent-encoding.
    target = environ["REQUEST_URI"]
    url = target if target.startswith("http") else f"http://{host}{target}"
    return HttpRequest(environ["REQUEST_METHOD"], url, headers, environ["wsgi.input"].read())
