"""A CA that asks nobody whether they own a name: what Certificate Transparency is there to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkilab.ct.precertificates import issue_logged
from pkilab.ct.structures import Sct
from pkilab.errors import MalformedError
from pkilab.pki.keys import PrivateKey, PublicKey, key_algorithm

_SECOND = timedelta(seconds=1)
_OF_CAS = {"key_cert_sign", "crl_sign"}
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


class UncheckedCa:
    """A root that issues server certificates for any name to anyone. For lessons and tests.

    The same key, names, days and time make the same bytes.

    Args:
        name: its common name.
        key: ECDSA.
        at: when its ten years begin, aware.

    Raises:
        MalformedError: a key of another kind.
    """

    def __init__(self, name: str, key: PrivateKey, *, at: datetime) -> None:
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            found = key_algorithm(key.public_key())
            raise MalformedError("key of a CA", found=found, expected="ECDSA")
        self._name, self._key = _common_name(name), key
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        own = self._begin(self._name, key.public_key(), 3650, at, constraints)
        self.certificate = self._sign(own.add_extension(_usage(_OF_CAS), critical=True))

    def __repr__(self) -> str:
        return f"<UncheckedCa {self._name.rfc4514_string()}>"

    def issue(
        self, names: Sequence[str], public_key: PublicKey, *, days: int, at: datetime
    ) -> x509.Certificate:
        """Issue a certificate, and tell no log of it.

        Args:
            names: DNS names, the common name first.
            public_key: whose certificate it is.
            days: how long it is valid.
            at: from when on, aware.
        """
        return self._sign(self._leaf(names, public_key, days, at))

    def issue_logged(
        self,
        names: Sequence[str],
        public_key: PublicKey,
        submit: Callable[[Sequence[x509.Certificate]], Sequence[Sct]],
        *,
        days: int,
        at: datetime,
    ) -> tuple[x509.Certificate, x509.Certificate]:
        """Issue a certificate with SCTs in it; return the precertificate, and it.

        Args:
            names: DNS names, the common name first.
            public_key: whose certificate it is.
            submit: hands the precertificate, and the root above it, to logs.
            days: how long it is valid.
            at: from when on, aware.

        Raises:
            MalformedError: the logs gave no SCT.
        """
        builder = self._leaf(names, public_key, days, at)
        return issue_logged(builder, self._sign, lambda each: submit([each, self.certificate]))

    def _leaf(
        self, names: Sequence[str], public_key: PublicKey, days: int, at: datetime
    ) -> x509.CertificateBuilder:
        constraints = x509.BasicConstraints(ca=False, path_length=None)
        alternative = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
        return (
            self._begin(_common_name(names[0]), public_key, days, at, constraints)
            .add_extension(_usage({"digital_signature"}), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(alternative, critical=False)
        )

    def _begin(
        self,
        subject: x509.Name,
        public_key: PublicKey,
        days: int,
        at: datetime,
        constraints: x509.BasicConstraints,
    ) -> x509.CertificateBuilder:
        spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        serial = sha256(spki + subject.public_bytes() + at.isoformat().encode()).digest()[:16]
        start = at.replace(microsecond=0)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(int.from_bytes(serial) >> 1 | 1)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days) - _SECOND)
            .add_extension(constraints, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self._key, hashes.SHA256(), ecdsa_deterministic=True)


def _usage(allowed: set[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in allowed for name in _USAGES})


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
