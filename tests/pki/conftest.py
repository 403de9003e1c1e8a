"""A small certificate maker for these tests, and the openssl command line as outside witness."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.pki import names
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import PrivateKey, generate_key

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
CONFORMANCE = Path(__file__).parents[3] / "shared" / "conformance"


@dataclass(frozen=True)
class Party:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: PrivateKey


def _key_usage(cert_sign: bool, ca: bool) -> x509.KeyUsage:  # noqa: FBT001 - two bits
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=cert_sign,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True)
class Maker:
    """Makes certificates as AWS Private CA's templates do, each detail open to being wrong."""

    now: datetime

    def key(self, label: str, algorithm: str = "EC_prime256v1") -> PrivateKey:
        """Return the key of that label: the same one each time."""
        return generate_key(algorithm, Entropy("tests").child(label))

    def __call__(
        self,
        subject: str,
        issuer: Party | None = None,
        *,
        ca: bool = False,
        path_length: int | None = None,
        algorithm: str = "EC_prime256v1",
        key_label: str | None = None,
        start: timedelta = timedelta(hours=-1),
        end: timedelta = timedelta(days=365),
        serial: int | None = None,
        usages: tuple[x509.ObjectIdentifier, ...] = (),
        dns: tuple[str, ...] = (),
        key_usage: bool = True,
        cert_sign: bool | None = None,
        key_identifiers: bool = True,
        without: tuple[type[x509.ExtensionType], ...] = (),
        more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
        hash_algorithm: Any = None,
        signed_by: PrivateKey | None = None,
        issuer_name: str | None = None,
    ) -> Party:
        """Make a certificate; without an issuer it signs itself."""
        key = self.key(key_label or subject, algorithm)
        signer = signed_by or (issuer.key if issuer else key)
        name = names.subject(subject)
        above = issuer.certificate.subject if issuer else name
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names.subject(issuer_name) if issuer_name else above)
            .public_key(key.public_key())
            .serial_number(serial or int.from_bytes(b"\x01" + subject.encode()[:15].ljust(15)))
            .not_valid_before(self.now + start)
            .not_valid_after(self.now + end)
        )
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=ca, path_length=path_length), ca)
        ]
        if key_identifiers and issuer:
            authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
            extensions.append((authority, False))
        if key_identifiers:
            identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            extensions.append((identifier, False))
        if key_usage:
            extensions.append((_key_usage(ca if cert_sign is None else cert_sign, ca), True))
        if usages:
            extensions.append((x509.ExtendedKeyUsage(usages), False))
        if dns:
            extensions.append((x509.SubjectAlternativeName(map(x509.DNSName, dns)), False))
        for value, critical in (*extensions, *more):
            if not isinstance(value, without):
                builder = builder.add_extension(value, critical)
        return Party(self._sign(builder, signer, hash_algorithm), key)

    def _sign(self, builder: Any, signer: PrivateKey, hash_algorithm: Any) -> Any:
        hashed = isinstance(signer, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
        is_ec = isinstance(signer, ec.EllipticCurvePrivateKey)
        return builder.sign(
            signer,
            (hash_algorithm or hashes.SHA256()) if hashed else None,
            ecdsa_deterministic=True if is_ec else None,
        )

    def crl(
        self,
        issuer: Party,
        revoked: tuple[x509.Certificate, ...] = (),
        *,
        start: timedelta = timedelta(hours=-1),
        end: timedelta = timedelta(days=7),
        more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
        reason: x509.ReasonFlags | None = x509.ReasonFlags.key_compromise,
        entry_more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
        signed_by: PrivateKey | None = None,
        issuer_name: str | None = None,
        authority: PrivateKey | None = None,
        number: int = 7,
    ) -> x509.CertificateRevocationList:
        """Make a CRL listing ``revoked``."""
        name = names.subject(issuer_name) if issuer_name else issuer.certificate.subject
        key = authority or issuer.key
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(name)
            .last_update(self.now + start)
            .next_update(self.now + end)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
            )
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for value, critical in more:
            builder = builder.add_extension(value, critical)
        for each in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(each.serial_number)
                .revocation_date(self.now + start)
            )
            if reason:
                entry = entry.add_extension(x509.CRLReason(reason), critical=False)
            for value, critical in entry_more:
                entry = entry.add_extension(value, critical)
            builder = builder.add_revoked_certificate(entry.build())
        made = self._sign(builder, signed_by or issuer.key, None)
        assert isinstance(made, x509.CertificateRevocationList)
        return made


@pytest.fixture(scope="session")
def make() -> Maker:
    return Maker(NOW)


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def conformance() -> Path:
    if not CONFORMANCE.is_dir():
        pytest.skip("the outside test data is not beside the project")
    return CONFORMANCE


@pytest.fixture
def openssl(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the openssl command line; certificates and CRLs among the arguments become files."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl on PATH")
    count = iter(range(1000))

    def file(value: Any) -> str:
        items = value if isinstance(value, tuple) else (value,)
        if isinstance(value, str):
            return value
        path = tmp_path / f"{next(count)}.pem"
        data = (i if isinstance(i, bytes) else i.public_bytes(Encoding.PEM) for i in items)
        path.write_bytes(b"".join(data))
        return str(path)

    def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *map(file, arguments)], capture_output=True, text=True, check=False
        )

    return run
