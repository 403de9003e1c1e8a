"""A public CA in Amazon's place: a root and an intermediate that really sign, and log what they do.

Its names say that it is simulated, and nothing outside this world trusts it. The keys are P-256,
made when first needed: a world that asks for no public certificate does not pay for them.

Every server certificate is announced to CT logs of the world by a precertificate and carries their
SCTs (RFC 6962, 3.1 and 3.3), unless it was opted out of logging, as ACM allowed from 2018 to 2026.
It says where its status is to be had (`pkilab.simulator.acm.trust_services`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkilab.ct.precertificates import issue_logged
from pkilab.pki import names
from pkilab.pki.keys import PublicKey, generate_key
from pkilab.simulator.acm.trust_services import TrustServices, addresses
from pkilab.simulator.ctlogs.logs import CtLogs
from pkilab.simulator.world import World

_ROOT = "C=US, O=Amazon (simulated), CN=Simulated Amazon Root CA"
_INTERMEDIATE = "C=US, O=Amazon (simulated), CN=Simulated Amazon ECDSA 256 M01"
_KEY_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
_USAGES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
_BEGAN, _ENDS = datetime(2015, 5, 26, tzinfo=UTC), datetime(2040, 1, 17, tzinfo=UTC)


class Amazon:
    """The hierarchy of one world.

    Args:
        world: whose entropy counts.
        logs: where precertificates go; they accept the root from now on.
    """

    def __init__(self, world: World, logs: CtLogs) -> None:
        self._logs = logs
        self.trust_services = TrustServices(world, lambda: (self.chain[0], self._keys[1]))
        logs.accept_from(lambda: (self.root,))
        self._entropy = world.entropy("amazon trust services")
        self._serials = world.entropy("amazon trust services", "serials")

    @cached_property
    def _keys(self) -> tuple[ec.EllipticCurvePrivateKey, ec.EllipticCurvePrivateKey]:
        made = [
            generate_key("EC_prime256v1", self._entropy.child(label))
            for label in ("root", "intermediate")
        ]
        root, intermediate = (each for each in made if isinstance(each, ec.EllipticCurvePrivateKey))
        return root, intermediate

    @cached_property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The intermediate and the root."""
        root_key, key = self._keys
        life, by = (_BEGAN, _ENDS), (_ROOT, root_key)
        root = self._builder(
            names.subject(_ROOT), root_key.public_key(), life, by=by, extensions=_of_ca(None)
        )
        between = self._builder(
            names.subject(_INTERMEDIATE), key.public_key(), life, by=by, extensions=_of_ca(0)
        )
        return _signed(between, root_key), _signed(root, root_key)

    @property
    def root(self) -> x509.Certificate:
        """The root, which clients of the world must be told to trust."""
        return self.chain[-1]

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
        signer = self._keys[1]
        builder = self._builder(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, dns_names[0])]),
            key,
            (not_before, not_after),
            by=(_INTERMEDIATE, signer),
            extensions=(
                (x509.BasicConstraints(ca=False, path_length=None), True),
                (x509.SubjectAlternativeName(map(x509.DNSName, dns_names)), False),
                (_key_usage("digital_signature", *encipher), True),
                (x509.ExtendedKeyUsage(_USAGES[: 2 if clients else 1]), False),
                *((each, False) for each in addresses()),
            ),
        )
        if logged:
            _, certificate = issue_logged(
                builder,
                lambda each: _signed(each, signer),
                lambda precertificate: self._logs.submit((precertificate, *self.chain)),
            )
        else:
            certificate = _signed(builder, signer)
        self.trust_services.issued(certificate)
        return certificate

    def _builder(
        self,
        subject: x509.Name,
        key: PublicKey,
        validity: tuple[datetime, datetime],
        *,
        by: tuple[str, ec.EllipticCurvePrivateKey],
        extensions: Sequence[tuple[x509.ExtensionType, bool]],
    ) -> x509.CertificateBuilder:
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


def _signed(
    builder: x509.CertificateBuilder, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    return builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=True)


def _of_ca(path_length: int | None) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return (constraints, True), (_key_usage("key_cert_sign", "crl_sign"), True)


def _key_usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{bit: bit in allowed for bit in _KEY_USAGES})
