"""Time-stamping authorities: one of your own, and any that answers over HTTP (RFC 3161).

Both are a function from the DER of a request to the DER of a response, so that one can take the
other's place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

from pkilab.code_signing.identities import SigningIdentity
from pkilab.errors import LabError
from pkilab.pki import timestamps
from pkilab.pki.entropy import RandomSource, SystemEntropy
from pkilab.revocation import Fetch

Tsa: TypeAlias = Callable[[bytes], bytes]
"""Takes the DER of a TimeStampReq and returns that of a TimeStampResp."""

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"  # RFC 3161, 3.4
# A policy must be named. This number is of the arc for examples (ITU-T X.660, 2.999).
POLICY = "2.999.3161"
_OK, _LARGEST_QUERY, _SECONDS = 200, 2**14, 10
_SERIAL_BYTES = 16


class TimeStampAuthority:
    """An authority of your own: call it with a request, and it answers.

    Args:
        identity: its certificate and key (`enrol_tsa`).
        clock: tells the time, aware. It is what everybody will believe.
        policy: the TSA policy it issues under, dotted.
        accuracy: how far the clock may be off, either way.
        entropy: where serial numbers come from: random ones of 128 bits need no memory to be
            unique, as they must be even after a crash (RFC 3161, 2.4.2).
    """

    def __init__(
        self,
        identity: SigningIdentity,
        *,
        clock: Callable[[], datetime],
        policy: str = POLICY,
        accuracy: timedelta | None = timedelta(seconds=1),
        entropy: RandomSource | None = None,
    ) -> None:
        self.identity, self.policy = identity, policy
        self._clock, self._accuracy = clock, accuracy
        self._entropy = entropy or SystemEntropy()

    def __call__(self, request: bytes) -> bytes:
        """Answer a request: a token, or why there is none.

        Raises:
            VerificationError: the key did not sign.
            ClientError: a key in KMS refused (botocore's).
        """
        return timestamps.respond(
            request,
            signer=self.identity.signer,
            serial=int.from_bytes(self._entropy.bytes(_SERIAL_BYTES)),
            at=self._clock(),
            policy=self.policy,
            chain=self.identity.intermediates,
            accuracy=self._accuracy,
        )


def http_tsa(url: str, fetch: Fetch) -> Tsa:
    """Return the authority that answers at a URL, as public ones do.

    Args:
        url: where it takes POSTs of ``application/timestamp-query``.
        fetch: posts to it; `pkilab.lab.Lab.fetch` is one, `pkilab.code_signing.fetch` another.
    """

    def ask(request: bytes) -> bytes:
        answer = fetch(url, request, content_type=QUERY)
        if answer.status != _OK:
            raise LabError(f"time-stamping authority: {url} answered {answer.status}")
        return answer.body

    return ask


@contextmanager
def serve_tsa(tsa: Tsa, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve an authority over HTTP while the block runs, and yield its URL.

    Whoever reaches it gets time stamps; there is no limit to how many. Where the authority raises,
    the client gets no answer, and standard error the traceback.

    Args:
        tsa: answers the requests, one at a time.
        host: the address to listen on.
        port: 0 picks a free one.

    Raises:
        OSError: nothing can listen there.
    """
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if self.headers.get("content-type") != QUERY:
                return self.send_error(415)
            if not length.isdecimal() or int(length) > _LARGEST_QUERY:
                return self.send_error(413)
            query = self.rfile.read(int(length))
            with one_at_a_time:
                reply = tsa(query)
            self.send_response(_OK)
            self.send_header("content-type", REPLY)
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)
            return None

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
            """Say nothing; nobody reads it."""

    with ThreadingHTTPServer((host, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()
