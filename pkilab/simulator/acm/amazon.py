"""A public CA in Amazon's place: roots and intermediates that really sign, and log what they do.

Their names say that they are simulated, and nothing outside this world trusts them. An intermediate
signs for servers with keys of its own family, ECDSA or RSA. Keys are made when first needed: a
world that asks for no public certificate does not pay for them.

Every server certificate is announced to CT logs of the world by a precertificate and carries their
SCTs (RFC 6962, 3.1 and 3.3), unless it was opted out of logging, as ACM allowed from 2018 to 2026.
It says where its status is to be had (`pkilab.simulator.acm.trust_services`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkilab.ct.precertificates import issue_logged
from pkilab.pki import names
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import PublicKey, generate_key
from pkilab.simulator.acm.trust_services import TrustServices, signing_algorithm
from pkilab.simulator.acmpca.algorithms import sign_certificate
from pkilab.simulator.acmpca.state import Authority
from pkilab.simulator.ctlogs.logs import CtLogs
from pkilab.simulator.service import HttpRequest, HttpResponse
from pkilab.simulator.world import World

_NAME = "C=US, O=Amazon (simulated), CN=Simulated Amazon"
_SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_KEY_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
_USAGES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
_BEGAN, _ENDS = datetime(2015, 5, 26, tzinfo=UTC), datetime(2040, 1, 17, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Family:
    """What one root and its intermediate are called, and what keys they have."""

    key_algorithm: str
    root: str
    intermediate: str
    host: str  # of what is published
    labels: tuple[str, str]  # of the keys, in the world's entropy


_ECDSA = _Family(
    "EC_prime256v1", f"{_NAME} Root CA", f"{_NAME} ECDSA 256 M01", "m01", ("root", "intermediate")
)
_RSA = _Family(
    "RSA_2048", f"{_NAME} RSA Root CA", f"{_NAME} RSA 2048 M01", "r2m01",
    ("rsa root", "rsa intermediate"),
)  # fmt: skip


class _Hierarchy:
    """A root and an intermediate of one family."""

    def __init__(self, family: _Family, world: World, entropy: Entropy, serials: Entropy) -> None:
        self.family, self._entropy, self._serials = family, entropy, serials
        self.trust_services = TrustServices(
            world, family.host, lambda: (self.chain[0], self.keys[1])
        )

    @cached_property
    def keys(self) -> tuple[_SigningKey, _SigningKey]:
        """The keys of the root and of the intermediate."""
        made = [
            generate_key(self.family.key_algorithm, self._entropy.child(label))
            for label in self.family.labels
        ]
        root, intermediate = (each for each in made if isinstance(each, _SigningKey))
        return root, intermediate

    @cached_property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The intermediate and the root."""
        root_key, key = self.keys
        life, by = (_BEGAN, _ENDS), (self.family.root, root_key)
        root = self.builder(
            names.subject(self.family.root), root_key.public_key(), life, by=by,
            extensions=_of_ca(None),
        )  # fmt: skip
        between = self.builder(
            names.subject(self.family.intermediate), key.public_key(), life, by=by,
            extensions=_of_ca(0),
        )  # fmt: skip
        return _signed(between, root_key), _signed(root, root_key)

    def builder(
        self,
        subject: x509.Name,
        key: PublicKey,
        validity: tuple[datetime, datetime],
        *,
        by: tuple[str, _SigningKey],
        extensions: Sequence[tuple[x509.ExtensionType, bool]],
    ) -> x509.CertificateBuilder:
        """Return a certificate to be signed."""
        issuer, signer = by
        serial = int.from_bytes(self._serials.bytes(16)) >> 1 | 1
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(names.subject(issuer))
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(validity[0])
            .not_valid_after(validity[1])
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
        )
        for value, critical in extensions:
            builder = builder.add_extension(value, critical)
        return builder


class Amazon:
    """The public CA of one world.

    Args:
        world: whose entropy counts.
        logs: where precertificates go; they accept the roots, the RSA one once it is needed.
    """

    def __init__(self, world: World, logs: CtLogs) -> None:
        self._logs = logs
        entropy = world.entropy("amazon trust services")
        serials = world.entropy("amazon trust services", "serials")
        self._ecdsa = _Hierarchy(_ECDSA, world, entropy, serials)
        self._rsa = _Hierarchy(_RSA, world, entropy, serials)
        logs.accept_from(lambda: (self.root,))

    @property
    def root(self) -> x509.Certificate:
        """The ECDSA root, which clients of the world must be told to trust."""
        return self._ecdsa.chain[-1]

    def chain(self, key: PublicKey) -> tuple[x509.Certificate, ...]:
        """Return the intermediate that signs for servers with such a key, and its root."""
        return self._hierarchy(key).chain

    def revoke(self, serial: int, reason: str, at: datetime) -> None:
        """Revoke a certificate for good: `TrustServices.revoke`."""
        for each in self._published():
            each.revoke(serial, reason, at)

    def authorities(self) -> Iterator[Authority]:
        """Yield the intermediates that have issued anything, as the OCSP responder wants them."""
        for each in self._published():
            yield from each.authorities()

    def serves(self, host: str) -> bool:
        """Say whether a host name is that of a CRL or of an intermediate's certificate."""
        return any(each.serves(host) for each in self._published())

    def respond(self, request: HttpRequest, host: str) -> HttpResponse:
        """Answer what is asked of a host that it `serves`."""
        found = next(each for each in self._published() if each.serves(host))
        return found.respond(request)

    def _published(self) -> tuple[TrustServices, TrustServices]:
        return self._ecdsa.trust_services, self._rsa.trust_services

    def _hierarchy(self, key: PublicKey) -> _Hierarchy:
        return self._rsa if isinstance(key, rsa.RSAPublicKey) else self._ecdsa

    def server_certificate(
        self,
        dns_names: Sequence[str],
        key: PublicKey,
        not_before: datetime,
        not_after: datetime,
        *,
        logged: bool = True,
        clients: bool = False,
    ) -> x509.Certificate:
        """Issue a server certificate for DNS names, the first of them also the common name.

        To be called in a turn of the world.

        Args:
            dns_names: A-labels.
            key: the server's.
            not_before: aware, to the second; likewise ``not_after``.
            not_after: the last second of its life.
            logged: have two or three logs promise it, by its lifetime, and put the SCTs in. False
                leaves out the SCTs and nothing else.
            clients: whether it is for clients, too, as ACM's were until 2025.

        Raises:
            LabError: a log of the world cannot be written.
        """
        encipher = () if isinstance(key, ec.EllipticCurvePublicKey) else ("key_encipherment",)
        hierarchy = self._hierarchy(key)
        chain, signer = hierarchy.chain, hierarchy.keys[1]
        if hierarchy is self._rsa:
            self._logs.accept(chain[-1])
        builder = hierarchy.builder(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, dns_names[0])]),
            key,
            (not_before, not_after),
            by=(hierarchy.family.intermediate, signer),
            extensions=(
                (x509.BasicConstraints(ca=False, path_length=None), True),
                (x509.SubjectAlternativeName(map(x509.DNSName, dns_names)), False),
                (_key_usage("digital_signature", *encipher), True),
                (x509.ExtendedKeyUsage(_USAGES[: 2 if clients else 1]), False),
                *((each, False) for each in hierarchy.trust_services.addresses()),
            ),
        )
        if logged:
            _, certificate = issue_logged(
                builder,
                lambda each: _signed(each, signer),
                lambda precertificate: self._logs.submit((precertificate, *chain)),
            )
        else:
            certificate = _signed(builder, signer)
        hierarchy.trust_services.issued(certificate)
        return certificate


def _signed(builder: x509.CertificateBuilder, signer: _SigningKey) -> x509.Certificate:
    return sign_certificate(builder, signer, signing_algorithm(signer))


def _of_ca(path_length: int | None) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return (constraints, True), (_key_usage("key_cert_sign", "crl_sign"), True)


def _key_usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{bit: bit in allowed for bit in _KEY_USAGES})
