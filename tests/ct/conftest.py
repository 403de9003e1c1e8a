"""Keys of logs, and certificates to be logged, all from a seed; outside known answers."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkilab.ct.precertificates import entry_for_precertificate, issue_logged, with_poison
from pkilab.ct.signing import sign_sct
from pkilab.ct.structures import PreCert, Sct, TimestampedEntry, timestamp_of
from pkilab.pki import names
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import PrivateKey, PublicKey, generate_key

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Party:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: PrivateKey


class Maker:
    """Makes certificates as CAs that log do."""

    def key(self, label: str, algorithm: str = "EC_prime256v1") -> PrivateKey:
        """Return the key of that label: the same one each time."""
        return generate_key(algorithm, Entropy("ct tests").child(label))

    def builder(
        self,
        subject: str,
        issuer: Party | None = None,
        *,
        ca: bool = False,
        identifiers: bool = True,
        bare: bool = False,
        days: int = 90,
        usages: tuple[x509.ObjectIdentifier, ...] = (),
    ) -> x509.CertificateBuilder:
        """Start a certificate; without an issuer, its own. ``bare``: no extensions at all."""
        own = self.key(subject).public_key()
        start = NOW - timedelta(hours=1)
        made = x509.CertificateBuilder(
            issuer_name=issuer.certificate.subject if issuer else names.subject(f"CN={subject}"),
            subject_name=names.subject(f"CN={subject}"),
            public_key=own,
            serial_number=int.from_bytes(sha256(subject.encode()).digest()[:15]) | 1,
            not_valid_before=start,
            # Both ends belong to the lifetime (RFC 5280, 4.1.2.5).
            not_valid_after=start + timedelta(days=days, seconds=-1),
        )
        if bare:
            return made
        made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=ca)
        if identifiers:
            signer: Any = issuer.key.public_key() if issuer else own
            authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer)
            made = made.add_extension(authority, critical=False)
            identifier = x509.SubjectKeyIdentifier.from_public_key(own)
            made = made.add_extension(identifier, critical=False)
        if usages:
            made = made.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if not ca:
            name = x509.SubjectAlternativeName([x509.DNSName("shop.example")])
            made = made.add_extension(name, critical=False)
        return made

    def sign(self, made: x509.CertificateBuilder, signer: PrivateKey) -> x509.Certificate:
        """Sign a builder, deterministically."""
        deterministic = None if isinstance(signer, rsa.RSAPrivateKey) else True
        return made.sign(signer, hashes.SHA256(), ecdsa_deterministic=deterministic)

    def party(self, subject: str, issuer: Party | None = None, **details: Any) -> Party:
        """Make a certificate with its key."""
        own = self.key(subject)
        made = self.sign(self.builder(subject, issuer, **details), issuer.key if issuer else own)
        return Party(made, own)

    def poisoned(self, subject: str, issuer: Party, **details: Any) -> x509.Certificate:
        """Make a precertificate."""
        return self.sign(with_poison(self.builder(subject, issuer, **details)), issuer.key)

    def promise(self, signer: PrivateKey, entry: bytes | PreCert, extensions: bytes = b"") -> Sct:
        """Sign for an entry as a log, now."""
        return sign_sct(signer, TimestampedEntry(timestamp_of(NOW), entry, extensions))

    def logged(
        self,
        subject: str,
        issuer: Party,
        logs: tuple[PrivateKey, ...],
        *,
        change: Callable[[list[Sct]], list[Sct]] = list,
        **details: Any,
    ) -> tuple[x509.Certificate, x509.Certificate]:
        """Make a precertificate and its certificate, with an SCT of each log."""

        def submit(precertificate: x509.Certificate) -> list[Sct]:
            entry = entry_for_precertificate(precertificate, issuer.certificate)
            return change([self.promise(each, entry) for each in logs])

        start = self.builder(subject, issuer, **details)
        return issue_logged(start, lambda made: self.sign(made, issuer.key), submit)


@pytest.fixture(scope="session")
def make() -> Maker:
    return Maker()


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def root(make: Maker) -> Party:
    return make.party("Root", ca=True)


@pytest.fixture(scope="session")
def presigner(make: Maker, root: Party) -> Party:
    """A Precertificate Signing Certificate of the root's."""
    usage = ExtendedKeyUsageOID.CERTIFICATE_TRANSPARENCY
    return make.party("Presigner", root, ca=True, usages=(usage,))


@pytest.fixture(scope="session")
def log_keys(make: Maker) -> tuple[PrivateKey, PrivateKey]:
    """The keys of two logs, the second with RSA."""
    return make.key("log 1"), make.key("log 2", "RSA_2048")


@pytest.fixture(scope="session")
def known_answers(conformance: Path) -> dict[str, Any]:
    """Vectors of certificate-transparency-go, boulder and sunlight."""
    return json.loads((conformance / "ct" / "known_answers.json").read_text())


class OpenSsl:
    """OpenSSL's own Certificate Transparency (libcrypto's ct.h): what it says of embedded SCTs."""

    SCT_LIST = 951  # NID_ct_precert_scts
    STATUS = ("not set", "unknown log", "valid", "invalid", "unverified", "unknown version")

    def __init__(self, library: ctypes.CDLL, folder: Path) -> None:
        self._folder, self._library = folder, library
        pointer = ctypes.c_void_p
        for name, result, *arguments in (
            ("CTLOG_STORE_new", pointer),
            ("CTLOG_STORE_load_file", ctypes.c_int, pointer, ctypes.c_char_p),
            ("CTLOG_STORE_free", None, pointer),
            ("d2i_X509", pointer, pointer, pointer, ctypes.c_long),
            ("X509_free", None, pointer),
            ("X509_get_ext_d2i", pointer, pointer, ctypes.c_int, *2 * [pointer]),
            ("SCT_LIST_free", None, pointer),
            ("CT_POLICY_EVAL_CTX_new", pointer),
            ("CT_POLICY_EVAL_CTX_free", None, pointer),
            ("CT_POLICY_EVAL_CTX_set1_cert", ctypes.c_int, *2 * [pointer]),
            ("CT_POLICY_EVAL_CTX_set1_issuer", ctypes.c_int, *2 * [pointer]),
            ("CT_POLICY_EVAL_CTX_set_shared_CTLOG_STORE", None, *2 * [pointer]),
            ("CT_POLICY_EVAL_CTX_set_time", None, pointer, ctypes.c_uint64),
            ("OPENSSL_sk_num", ctypes.c_int, pointer),
            ("OPENSSL_sk_value", pointer, pointer, ctypes.c_int),
            ("SCT_validate", ctypes.c_int, *2 * [pointer]),
            ("SCT_get_validation_status", ctypes.c_int, pointer),
        ):  # fmt: skip
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments

    def __call__(
        self,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        logs: Sequence[PublicKey],
        at: datetime,
    ) -> list[str]:
        """Return its status of each SCT in a certificate, for the logs with these keys."""
        ssl = self._library
        store, context = ssl.CTLOG_STORE_new(), ssl.CT_POLICY_EVAL_CTX_new()
        assert ssl.CTLOG_STORE_load_file(store, self._list_of(logs)) == 1
        shown, above = self._load(certificate), self._load(issuer)
        ssl.CT_POLICY_EVAL_CTX_set_shared_CTLOG_STORE(context, store)
        assert ssl.CT_POLICY_EVAL_CTX_set1_cert(context, shown) == 1
        assert ssl.CT_POLICY_EVAL_CTX_set1_issuer(context, above) == 1
        ssl.CT_POLICY_EVAL_CTX_set_time(context, timestamp_of(at))
        scts = ssl.X509_get_ext_d2i(shown, self.SCT_LIST, None, None)
        found = []
        for number in range(ssl.OPENSSL_sk_num(scts)):
            sct = ssl.OPENSSL_sk_value(scts, number)
            ssl.SCT_validate(sct, context)
            found.append(self.STATUS[ssl.SCT_get_validation_status(sct)])
        ssl.SCT_LIST_free(scts)
        ssl.CT_POLICY_EVAL_CTX_free(context)
        ssl.CTLOG_STORE_free(store)
        ssl.X509_free(shown)
        ssl.X509_free(above)
        return found

    def _load(self, certificate: x509.Certificate) -> int:
        der = certificate.public_bytes(Encoding.DER)
        buffer = ctypes.c_char_p(der)
        loaded = self._library.d2i_X509(None, ctypes.byref(buffer), len(der))
        assert loaded
        return loaded

    def _list_of(self, logs: Sequence[PublicKey]) -> bytes:
        names_ = [f"log{number}" for number in range(len(logs))]
        lines = [f"enabled_logs = {','.join(names_)}"]
        for name, key in zip(names_, logs, strict=True):
            spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            lines += [f"[{name}]", f"description = {name}", f"key = {b64encode(spki).decode()}"]
        path = self._folder / "logs.cnf"
        path.write_text("\n".join(lines) + "\n")
        return str(path).encode()


@pytest.fixture
def openssl_ct(tmp_path: Path) -> OpenSsl:
    """The system's libcrypto, which is not the one inside ``cryptography``."""
    found = ctypes.util.find_library("crypto")
    library = ctypes.CDLL(found) if found else None
    if library is None or not hasattr(library, "CTLOG_STORE_new"):
        pytest.skip("no libcrypto with Certificate Transparency on this system")
    return OpenSsl(library, tmp_path)
