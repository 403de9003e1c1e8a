"""The TLS front of the simulated API Gateway: real handshakes, one certificate per name.

SNI chooses the certificate, and whether the client is asked for its own. OpenSSL proves that the
client holds the key of what it sends; whether to let it in is the truststore's judgement
(`pkilab.pki.truststore`), at the world's time, as for every other place that asks. Sessions are not
resumed, so that each connection is judged.

What API Gateway does not document is built as its likeliest reading: it asks for a certificate
without naming CAs, and turns clients away by a 403 after the handshake rather than in it.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from cryptography import x509
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IHandshakeListener, IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web import http
from zope.interface import implementer

from pkilab.errors import LabClosedError
from pkilab.pki.truststore import Admission, Truststore
from pkilab.simulator import reactor
from pkilab.simulator.apigateway.requests import MOST_BODY, ApiRequest
from pkilab.simulator.apigateway.runtime import Runtime, ServerCredentials
from pkilab.simulator.handshakes import MESSAGES, Handshake, Step, alert
from pkilab.simulator.service import HttpResponse
from pkilab.simulator.web import Channel, ChannelFactory, answer
from pkilab.simulator.world import World

_MOST_HANDSHAKES = 1000
_MOST_CONTEXTS = 64
_HANDSHAKE_SECONDS, _IDLE_SECONDS = 10, 60
_MOST_HEADERS = 10_240  # bytes, all of them together; API Gateway's quota
# The forward-secret suites of the security policy TLS_1_2 (Developer Guide, "Choose a security
# policy"); those of TLS 1.3 are OpenSSL's own.
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    b"ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384"
)
_ALERT, _WRITE = 0x4000, 0x08  # SSL_CB_ALERT, SSL_CB_WRITE
_CERTIFICATE, _EMPTY = Step("client", "Certificate"), Step("client", "Certificate (empty)")
_NO_CERTIFICATE = "peer did not return a certificate"  # OpenSSL's words


@dataclass
class _Recording:
    """A connection's handshake while it goes on; lives with the OpenSSL connection."""

    at: datetime
    server_name: str | None = None
    truststore: Truststore | None = None
    steps: list[Step] = field(default_factory=list)
    admission: Admission | None = None
    certificates: tuple[x509.Certificate, ...] = ()


class Front:
    """What clients of APIs meet.

    Args:
        runtime: API Gateway's data plane.
        world: whose time counts.
        refuse_in: ``response`` or ``handshake``.
    """

    def __init__(
        self,
        runtime: Runtime,
        world: World,
        *,
        refuse_in: Literal["response", "handshake"] = "response",
    ) -> None:
        self.runtime, self.world, self.refuse_in = runtime, world, refuse_in
        self._handshakes: deque[Handshake] = deque(maxlen=_MOST_HANDSHAKES)
        self._count = 0
        self.factory = _TlsFactory(self)

    @property
    def handshakes(self) -> tuple[Handshake, ...]:
        """The latest handshakes, the newest last."""
        return tuple(self._handshakes)

    def note(self, connection: SSL.Connection, recording: _Recording, failure: str | None) -> None:
        """Keep a handshake that has ended, well or not."""
        sent = recording.certificates
        agreed = failure is None
        steps = recording.steps
        if not sent:  # TLS has a client say that it has none by an empty message
            steps = [_EMPTY if step == _CERTIFICATE else step for step in steps]
        if failure == _NO_CERTIFICATE and recording.truststore is not None:
            recording.admission = recording.truststore.admit(None, recording.at)
        self._count += 1
        self._handshakes.append(
            Handshake(
                number=self._count,
                at=recording.at,
                server_name=recording.server_name,
                tls_version=connection.get_protocol_version_name() if agreed else None,
                cipher=connection.get_cipher_name() if agreed else None,
                certificates=sent,
                steps=tuple(steps),
                admission=recording.admission,
                failure=failure,
            )
        )


@implementer(IOpenSSLServerConnectionCreator)
class _Creator:
    """Makes OpenSSL connections; a context per certificate, chosen when the client has said SNI."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._contexts: dict[
            tuple[x509.Certificate, int], tuple[SSL.Context, Truststore | None]
        ] = {}
        self._first = _context(None)
        self._first.set_tlsext_servername_callback(self._choose)

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:  # noqa: ANN401, N802
        """Return a connection that waits for a ClientHello."""
        connection = SSL.Connection(self._first, None)
        connection.set_accept_state()
        protocol.recording = _Recording(self._front.world.clock.now())
        connection.set_app_data(protocol)  # as Twisted itself does
        return connection

    def _choose(self, connection: SSL.Connection) -> None:
        """Show the certificate of the name that was asked for; OpenSSL calls this in any case."""
        recording = _recording(connection)
        asked = connection.get_servername()
        name = asked.decode("ascii", "replace").lower() if asked else None
        runtime = self._front.runtime
        try:
            found = runtime.credentials(name) or runtime.credentials(None)
        except LabClosedError:
            return  # no certificate: the handshake fails
        if found is None:
            return
        recording.server_name, recording.truststore = name, runtime.truststore(name)
        in_handshake = self._front.refuse_in == "handshake" and recording.truststore is not None
        context = self._for(found, recording.truststore if in_handshake else None)
        connection.set_context(context)
        if recording.truststore is not None:
            mode = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if in_handshake else 0)
            connection.set_verify(mode, self._verify if in_handshake else _accept)
            if in_handshake and not self._front.world.clock.live:
                _store(context).set_time(self._front.world.clock.now())

    def _verify(
        self, connection: SSL.Connection, _certificate: object, _error: int, depth: int, _ok: int
    ) -> bool:
        """Let the truststore judge; OpenSSL's own finding chooses the alert."""
        recording = _recording(connection)
        if recording.admission is None:
            if depth:
                return True  # the leaf's turn will come
            leaf = _certificate
            assert isinstance(leaf, crypto.X509)  # noqa: S101 - OpenSSL's callback
            recording.admission = self._front.runtime.admit(
                recording.server_name, leaf.to_cryptography()
            )
        return recording.admission.admitted

    def _for(self, found: ServerCredentials, truststore: Truststore | None) -> SSL.Context:
        """Return a certificate's context; it knows the truststore where alerts depend on it."""
        key = (found.certificate, id(truststore))
        if key not in self._contexts:
            if len(self._contexts) >= _MOST_CONTEXTS:
                self._contexts.clear()
            context = _context(found)
            for each in truststore.certificates if truststore else ():
                _store(context).add_cert(crypto.X509.from_cryptography(each))
            # The truststore is kept, or its id might come to be another's.
            self._contexts[key] = context, truststore
        return self._contexts[key][0]


def _store(context: SSL.Context) -> crypto.X509Store:
    store = context.get_cert_store()
    assert store is not None  # noqa: S101 - a context has one
    return store


def _context(found: ServerCredentials | None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(_CIPHERS)
    context.set_options(
        SSL.OP_NO_RENEGOTIATION
        | SSL.OP_NO_COMPRESSION
        | SSL.OP_NO_TICKET
        | SSL.OP_CIPHER_SERVER_PREFERENCE
    )
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(b"pkilab")
    context.set_alpn_select_callback(_http_1)
    context.set_info_callback(_told)
    if found:
        context.use_privatekey(found.key)  # type: ignore[arg-type]  # RSA or EC, as ACM has them
        context.use_certificate(found.certificate)
        for each in found.chain:
            if each.issuer != each.subject:  # who trusts the root has it
                context.add_extra_chain_cert(each)
    return context


def _http_1(_connection: SSL.Connection, offered: list[bytes]) -> Any:  # noqa: ANN401 - or a sentinel
    return b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _accept(*_arguments: object) -> bool:
    """Let the handshake go on: the truststore judges afterwards."""
    return True


def _told(connection: SSL.Connection, where: int, code: int) -> None:
    """Note what OpenSSL says it has read or written."""
    recording = _recording(connection)
    if where & _ALERT:
        recording.steps.append(alert(code, sent=bool(where & _WRITE)))
    elif (step := MESSAGES.get(connection.get_state_string())) and recording.steps[-1:] != [step]:
        recording.steps.append(step)


def _recording(connection: SSL.Connection) -> _Recording:
    found: _Recording = connection.get_app_data().recording
    return found


def _certificates(connection: SSL.Connection) -> tuple[x509.Certificate, ...]:
    """Return what the client sent; on the server's side OpenSSL leaves its own out of the chain."""
    leaf = connection.get_peer_certificate(as_cryptography=True)
    if leaf is None:
        return ()
    chain = connection.get_peer_cert_chain(as_cryptography=True) or []
    return leaf, *(each for each in chain if each != leaf)


class _ApiRequest(http.Request):
    """A request to an API. Twisted calls ``process`` when the body is there."""

    channel: Any

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """Refuse a body that is announced to be too long, before it comes."""
        if length is not None and length > MOST_BODY:
            self.channel.refuse(b"413 Request Entity Too Large")
            return
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Refuse a body that turns out to be too long."""
        if self.content is not None and self.content.tell() + len(data) > MOST_BODY:
            self.channel.refuse(b"413 Request Entity Too Large")
            return
        super().handleContentChunk(data)

    def process(self) -> None:
        """Answer at once, or in a thread of the pool where a function has to run."""
        ended: Future[HttpResponse] = Future()
        try:
            found = self.channel.front.runtime.begin(self.channel.to_api(self))
        except LabClosedError as error:
            ended.set_exception(error)
        else:
            if callable(found):
                reactor.work(found, self._answer)
                return
            ended.set_result(found)
        self._answer(ended)

    def _answer(self, ended: Future[HttpResponse]) -> None:
        answer(self, ended)


@implementer(IHandshakeListener)
class _Channel(Channel):
    """One client: its handshake, then its requests."""

    requestFactory = _ApiRequest  # noqa: N815 - Twisted's name
    totalHeadersSize = _MOST_HEADERS  # noqa: N815 - Twisted's name

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        self.front: Front = self.factory.front
        self._shaken = False
        self._recording = _recording(self._connection)
        super().connectionMade()
        self.setTimeout(self.factory.handshake_seconds)

    @property
    def _connection(self) -> SSL.Connection:
        found: SSL.Connection = self.transport.getHandle()
        return found

    def handshakeCompleted(self) -> None:  # noqa: N802 - Twisted's name
        """Judge the client, once per connection."""
        self._shaken = True
        self.setTimeout(self.timeOut)
        recording, connection = self._recording, self._connection
        if recording.truststore is not None:
            recording.certificates = _certificates(connection)
        if recording.truststore is not None and recording.admission is None:
            now = self.front.world.clock.now()
            leaf = next(iter(recording.certificates), None)
            recording.admission = recording.truststore.admit(leaf, now)
        self.front.note(connection, recording, None)

    def connectionLost(self, reason: Any) -> None:  # noqa: ANN401, N802 - Twisted's
        if not self._shaken:
            self._recording.certificates = _certificates(self._connection)
            self.front.note(self._connection, self._recording, _why(reason.value))
        super().connectionLost(reason)

    def to_api(self, request: http.Request) -> ApiRequest:
        """Return a request with what is known of its connection."""
        connection, recording = self._connection, self._recording
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in request.requestHeaders.getAllRawHeaders()
            for value in values
        )
        host = next((value for name, value in headers if name.lower() == "host"), "")
        assert request.content is not None  # noqa: S101 - Twisted made it before the body came
        return ApiRequest(
            host=host.partition(":")[0].lower(),
            method=request.method.decode("latin-1"),
            target=request.uri.decode("latin-1"),
            headers=headers,
            body=request.content.read(),
            source_ip=self.transport.getPeer().host,
            protocol=request.clientproto.decode("latin-1"),
            server_name=recording.server_name,
            admission=recording.admission,
            client_certificate=next(iter(recording.certificates), None),
            tls_version=connection.get_protocol_version_name(),
            cipher=connection.get_cipher_name(),
        )

    def refuse(self, status: bytes) -> None:
        """Answer with a status and hang up, without reading any further."""
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n")
        self.loseConnection()


class _HttpFactory(ChannelFactory):
    protocol = _Channel

    def __init__(self, front: Front) -> None:
        super().__init__(_IDLE_SECONDS)
        self.front = front
        self.handshake_seconds: float = _HANDSHAKE_SECONDS


class _TlsFactory(TLSMemoryBIOFactory):
    noisy = False

    def __init__(self, front: Front) -> None:
        super().__init__(_Creator(front), False, _HttpFactory(front))  # noqa: FBT003 - a server

    @property
    def connections(self) -> set[Channel]:
        """The clients that are connected."""
        found: set[Channel] = self.wrappedFactory.connections
        return found


def _why(error: BaseException) -> str:
    """Say why a handshake did not finish."""
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list):
        words = [entry[2] for entry in error.args[0] if entry[2]]
        return words[0] if words else "the client hung up"
    return "the client hung up"
