"""TLS handshakes as they were seen from the server's side: who sent what, and how it ended.

OpenSSL says which message it has just read or written; the names here are those of RFC 8446 (TLS
1.3) and RFC 5246 (TLS 1.2). Nothing private is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cryptography import x509

from pkilab.pki.certificates import name_text
from pkilab.pki.truststore import Admission

Side = Literal["client", "server"]

# OpenSSL's words for a server's states (ssl/statem/statem_srvr.c), as messages. What it does
# between messages, and the empty ChangeCipherSpec of TLS 1.3, is left out.
_NAMES: dict[str, tuple[Side, str]] = {
    "SSLv3/TLS read client hello": ("client", "ClientHello"),
    "SSLv3/TLS write server hello": ("server", "ServerHello"),
    "TLSv1.3 write encrypted extensions": ("server", "EncryptedExtensions"),
    "SSLv3/TLS write certificate": ("server", "Certificate"),
    "TLSv1.3 write server certificate verify": ("server", "CertificateVerify"),
    "SSLv3/TLS write key exchange": ("server", "ServerKeyExchange"),
    "SSLv3/TLS write certificate request": ("server", "CertificateRequest"),
    "SSLv3/TLS write server done": ("server", "ServerHelloDone"),
    "SSLv3/TLS write finished": ("server", "Finished"),
    "SSLv3/TLS write session ticket": ("server", "NewSessionTicket"),
    "SSLv3/TLS read client certificate": ("client", "Certificate"),
    "SSLv3/TLS read client key exchange": ("client", "ClientKeyExchange"),
    "SSLv3/TLS read certificate verify": ("client", "CertificateVerify"),
    "SSLv3/TLS read finished": ("client", "Finished"),
}
# RFC 8446, section 6; those of TLS 1.2 that are still met.
_ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow",
    40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate",
    44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
    51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 112: "unrecognized_name", 116: "certificate_required",
    120: "no_application_protocol",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One message, or an alert."""

    sender: Side
    message: str


@dataclass(frozen=True, slots=True)
class Handshake:
    """One connection's handshake.

    Attributes:
        number: of the connection, from 1.
        at: the world's time when it was opened.
        server_name: what the client asked for (SNI); None: nothing.
        tls_version: such as ``TLSv1.3``; None: none was agreed on.
        cipher: the cipher suite; None: none was agreed on.
        certificates: all that the client sent, its own first.
        steps: the messages in order.
        admission: how mutual TLS judged the client; None: the name asks for no certificate.
        failure: why the handshake did not finish, in OpenSSL's words; None: it did.
    """

    number: int
    at: datetime
    server_name: str | None
    tls_version: str | None
    cipher: str | None
    certificates: tuple[x509.Certificate, ...]
    steps: tuple[Step, ...] = field(repr=False)
    admission: Admission | None
    failure: str | None

    @property
    def certificate(self) -> x509.Certificate | None:
        """The client's own certificate; None: it sent none."""
        return self.certificates[0] if self.certificates else None

    @property
    def sent(self) -> tuple[str, ...]:
        """The subjects of all certificates that the client sent, its own first."""
        return tuple(name_text(each, "subject") for each in self.certificates)

    @property
    def refused(self) -> bool:
        """Whether the client was turned away, in the handshake or after it."""
        return self.failure is not None or (
            self.admission is not None and not self.admission.admitted
        )

    @property
    def outcome(self) -> str:
        """How it ended, in a sentence or two."""
        if self.admission is None:
            if self.failure:
                return f"The handshake did not finish: {self.failure}."
            return f"Connected. {self.server_name or 'The default name'} asks for no certificate."
        if self.admission.admitted and self.failure:
            return f"The handshake did not finish: {self.failure}."
        if self.admission.admitted:
            return self.admission.sentence
        how = "in the handshake" if self.failure else "after the handshake, by 403 Forbidden"
        return f"Refused {how}. {self.admission.sentence}"


# By the state as pyOpenSSL gives it. What is not here is about no message.
MESSAGES = {state.encode(): Step(*name) for state, name in _NAMES.items()}


def alert(code: int, *, sent: bool) -> Step:
    """Return an alert as a step.

    Args:
        code: as OpenSSL's info callback has it: level times 256 plus description.
        sent: by the server; else by the client.
    """
    name = _ALERTS.get(code & 0xFF, f"alert {code & 0xFF}")
    return Step("server" if sent else "client", f"Alert: {name}")
