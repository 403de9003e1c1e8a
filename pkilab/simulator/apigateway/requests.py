"""A request as API Gateway's data plane sees it, whichever way it came."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509

from pkilab.pki.truststore import Admission

MOST_BODY = 10 * 2**20  # API Gateway Developer Guide, quotas: payload size


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One HTTP request to an API, with what is known of the connection it came over.

    Attributes:
        host: the name in the Host header, lower case, without a port.
        method: as sent.
        target: path and query as sent, percent-encoding kept.
        headers: names and values as sent, in order, repeated where repeated.
        body: the whole body.
        source_ip: the client's address.
        protocol: such as ``HTTP/1.1``.
        server_name: what the client asked for by SNI; None: nothing, or no TLS at all.
        admission: how mutual TLS judged the client's certificate for ``server_name``; None where
            that name asks for none.
        client_certificate: the leaf the client sent, if any.
        tls_version: such as ``TLSv1.3``; None without TLS.
        cipher: the cipher suite's name; None without TLS.
    """

    host: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"
    server_name: str | None = None
    admission: Admission | None = None
    client_certificate: x509.Certificate | None = None
    tls_version: str | None = None
    cipher: str | None = None
