"""What an intermediate of the public CA publishes: CRL, OCSP, and its own certificate.

The addresses are in every server certificate, and all three answer. OCSP is answered by the
responder of private CAs (`pkilab.simulator.acmpca.ocsp`), for which the CA is one of them; the CRL
is signed anew whenever somebody fetches it, so that nothing is due while nobody asks.

A CRL is good for a week and its number grows; Amazon's periods are not published. The CRL of the
root is not simulated: the intermediate's certificate has no addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID as Access

from pkilab.simulator.acmpca.crl import build_crl, crl_entry
from pkilab.simulator.acmpca.state import Authority, Issued, Revocation
from pkilab.simulator.service import HttpRequest, HttpResponse
from pkilab.simulator.world import World

_WEEK = timedelta(days=7)
# ACM's words for what acm-pca calls otherwise; SUPERCEDED is in ACM's API, too.
_REASONS = {"CA_COMPROMISE": "CERTIFICATE_AUTHORITY_COMPROMISE", "SUPERCEDED": "SUPERSEDED"}


class TrustServices:
    """The status of what one intermediate has issued.

    Args:
        world: whose clock counts.
        name: the intermediate's, in host names.
        ca: returns the intermediate's certificate and key; called once something was issued.
    """

    def __init__(
        self,
        world: World,
        name: str,
        ca: Callable[[], tuple[x509.Certificate, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey]],
    ) -> None:
        self._world, self._ca = world, ca
        self._crl_host, self._ocsp_host, self._issuer_host = (
            f"{kind}.{name}.trust.pkilab.test" for kind in ("crl", "ocsp", "crt")
        )
        self._crl_url = f"http://{self._crl_host}/{name}.crl"
        self._issuer_url = f"http://{self._issuer_host}/{name}.cer"
        self._authority: Authority | None = None

    def addresses(self) -> tuple[x509.ExtensionType, ...]:
        """Return the extensions by which a server certificate says where to ask about it."""
        uri = x509.UniformResourceIdentifier
        point = x509.DistributionPoint([uri(self._crl_url)], None, None, None)
        return (
            x509.CRLDistributionPoints([point]),
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(Access.OCSP, uri(f"http://{self._ocsp_host}")),
                    x509.AccessDescription(Access.CA_ISSUERS, uri(self._issuer_url)),
                ]
            ),
        )

    def issued(self, certificate: x509.Certificate) -> None:
        """Remember what was issued; OCSP says of anything else that it is unknown."""
        now = self._world.clock.now()
        authority = self._open(now)
        authority.issued[certificate.serial_number] = Issued(
            arn="", serial=certificate.serial_number, template_arn="", issued_at=now, ready_at=now,
            certificate=certificate, chain=(),
        )  # fmt: skip

    def revoke(self, serial: int, reason: str, at: datetime) -> None:
        """Revoke a certificate for good; one that was not issued here changes nothing.

        Args:
            serial: the certificate's.
            reason: ACM's word, such as ``KEY_COMPROMISE``.
            at: an aware time.
        """
        if self._authority and (found := self._authority.issued.get(serial)):
            found.revocation = Revocation(at, _REASONS.get(reason, reason))
            self._authority.revoked[serial] = found

    def authorities(self) -> Iterable[Authority]:
        """Return the CA as the OCSP responder wants it, if it has issued anything."""
        return () if self._authority is None else (self._authority,)

    def serves(self, host: str) -> bool:
        """Say whether a host name is that of the CRL or of the CA's certificate."""
        return host.lower() in {self._crl_host, self._issuer_host}

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer with the CRL or the CA's certificate, in DER."""
        parts = urlsplit(request.url)
        url = f"http://{(parts.hostname or '').lower()}{parts.path}"
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(405, {"allow": "GET, HEAD"}, b"")
        if url == self._crl_url:
            return HttpResponse(200, {"content-type": "application/pkix-crl"}, self._crl())
        if url == self._issuer_url:
            own = self._ca()[0].public_bytes(Encoding.DER)
            return HttpResponse(200, {"content-type": "application/pkix-cert"}, own)
        return HttpResponse(404, {"content-type": "text/plain"}, b"nothing is there\n")

    def _crl(self) -> bytes:
        now = self._world.clock.now()
        certificate, key = self._ca()
        revoked = self._authority.revoked if self._authority else {}
        entries = [
            crl_entry(serial, each.revocation)
            for serial, each in revoked.items()
            if each.revocation
        ]
        # Of two lists of one second the one with more entries is the newer.
        number = (int(now.timestamp()) << 32) + len(entries)
        return build_crl(
            certificate, key, signing_algorithm(key), entries,
            number=number, this_update=now, next_update=now + _WEEK,
        )  # fmt: skip

    def _open(self, now: datetime) -> Authority:
        if self._authority is None:
            certificate, key = self._ca()
            self._authority = Authority(
                arn="", account="", region="", kind="SUBORDINATE",
                configuration={"SigningAlgorithm": signing_algorithm(key)},
                usage_mode="GENERAL_PURPOSE", key_storage="",
                created_at=now, changed_at=now, ready_at=now, key=key, csr=b"",
                status="ACTIVE",
                revocation_configuration={
                    "OcspConfiguration": {"Enabled": True, "OcspCustomCname": self._ocsp_host}
                },
                certificate=certificate,
            )  # fmt: skip
        return self._authority


def signing_algorithm(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """Return by what an intermediate with such a key signs, in acm-pca's words."""
    return f"SHA256WITH{'RSA' if isinstance(key, rsa.RSAPrivateKey) else 'ECDSA'}"
