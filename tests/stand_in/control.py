"""The stand-in's time, for other processes: a loopback socket on which they ask it to pass."""

from __future__ import annotations

import hmac
import json
import secrets
import socketserver
import threading

from pkilab.lab import Clock


class Control:
    """Answers until `close`. ``address`` is what `kernel/sitecustomize.py` needs to know of it.

    A question is one line of JSON: the token, and how many seconds are to pass. The answer is the
    time of the world after that, in seconds since 1970.
    """

    def __init__(self, clock: Clock) -> None:
        token = secrets.token_hex(16)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline(1000)
                asked = json.loads(line) if line.endswith(b"\n") else {"token": ""}
                if not hmac.compare_digest(str(asked["token"]), token):
                    return  # or whoever asked was killed
                answer = {"now": clock.advance(seconds=float(asked["seconds"])).timestamp()}
                self.wfile.write(json.dumps(answer).encode() + b"\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}:{token}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="stand-in clock", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
