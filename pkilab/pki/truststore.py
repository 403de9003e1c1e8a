"""A truststore of API Gateway's, and whom it lets in.

Mutual TLS on API Gateway judges a client's certificate by the truststore alone: CAs that the client
sends along do not help, and the chain must lead to a self-signed certificate in the file. This
module is the one judge of that, for a simulated front as for a certificate that AWS refused.

Not checked, because API Gateway does not: revocation, extended key usage, names.

Sources: API Gateway Developer Guide, "How to turn on mutual TLS authentication"; its quotas page.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from OpenSSL import crypto

from pkilab.errors import MalformedError
from pkilab.pki import pem
from pkilab.pki._signatures import is_issued_by
from pkilab.pki.certificates import UNREADABLE, extension_value, label, name_text, time_text
from pkilab.pki.crl import aware
from pkilab.pki.keys import key_algorithm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Chain = tuple[x509.Certificate, ...]

MOST_CERTIFICATES = 1000
MOST_BYTES = 1_000_000  # "1 MB"; what fits this reading fits the other, 1,048,576, too
LONGEST_CHAIN = 4  # certificates, the client's included
_LEAST_RSA_BITS = 2048
_CURVES = {"EC_prime256v1", "EC_secp384r1", "EC_secp521r1"}
_HASHES = {"sha256", "sha384", "sha512"}
# A bag of CAs that all certify each other has more chains than can be looked at. The search goes
# from short to long and ends here; up to four certificates, a dozen such CAs are all looked at.
_MOST_CHAINS = 4096


class Cause(StrEnum):
    """Why a client was not let in."""

    NO_CERTIFICATE = "NO_CERTIFICATE"
    MALFORMED = "MALFORMED"
    SELF_SIGNED = "SELF_SIGNED"
    UNKNOWN_ISSUER = "UNKNOWN_ISSUER"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    INCOMPLETE_CHAIN = "INCOMPLETE_CHAIN"
    CHAIN_TOO_LONG = "CHAIN_TOO_LONG"
    NOT_YET_VALID = "NOT_YET_VALID"
    EXPIRED = "EXPIRED"
    NOT_A_CA = "NOT_A_CA"
    WEAK_SIGNATURE = "WEAK_SIGNATURE"
    WEAK_KEY = "WEAK_KEY"
    UNKNOWN_EXTENSION = "UNKNOWN_EXTENSION"  # one that is critical
    REFUSED_BY_CA = "REFUSED_BY_CA"  # a constraint of a CA: path length, names
    WRONG_NAME = "WRONG_NAME"  # the connection was opened for another name (SNI)


# X509_V_ERR_*: what OpenSSL says of a path, as a cause.
_OPENSSL = {
    7: Cause.BAD_SIGNATURE,
    9: Cause.NOT_YET_VALID,
    10: Cause.EXPIRED,
    # The issuer is there and signed: so it is another one that the certificate names by key.
    20: Cause.UNKNOWN_ISSUER,
    24: Cause.NOT_A_CA,
    32: Cause.NOT_A_CA,
    34: Cause.UNKNOWN_EXTENSION,
    79: Cause.NOT_A_CA,
}
_WORDS = {
    Cause.UNKNOWN_ISSUER: (
        "{who} names its issuer's key (authority key identifier), and it is not that of {issuer} "
        "in the truststore."
    ),
    Cause.UNKNOWN_EXTENSION: "{who} has a critical extension that is not known.",
    Cause.BAD_SIGNATURE: "The signature of {who} is not by the CA it names.",
    Cause.NOT_YET_VALID: "{who} is not yet valid: it begins {begin}.",
    Cause.EXPIRED: "{who} has expired: it ended {end}.",
    Cause.NOT_A_CA: "{who} issued a certificate of this chain and is not a CA.",
}


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a client is let in, and why or why not.

    ``cause`` and ``reason`` are a word and a sentence, and None and empty where it is let in.
    ``chain`` goes from the client's certificate upwards, as far as the truststore leads.
    """

    cause: Cause | None
    reason: str
    chain: Chain = field(default=(), repr=False)

    @property
    def admitted(self) -> bool:
        """Whether the client is let in."""
        return self.cause is None

    @property
    def sentence(self) -> str:
        """Why, or by which chain."""
        return self.reason or f"Let in by {' <- '.join(map(label, self.chain))}."


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a certificate of a truststore. It stays in; others are not affected."""

    subject: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.sentence}"


@dataclass(frozen=True)
class Truststore:
    """The certificates of a truststore, in the order they stand; `load_truststore` reads one."""

    certificates: Chain

    def to_pem(self) -> str:
        """Return the file's text."""
        return pem.to_pem(*self.certificates)

    def admit(self, certificate: x509.Certificate | None, at: datetime) -> Admission:
        """Judge a client's certificate at a time.

        Any chain of at most four certificates, from the client's to a self-signed one of this
        truststore, admits it, if signatures, dates and CA rules hold (OpenSSL's judgement), if
        every signature is SHA-256 or stronger, and every key RSA of 2,048 bits or P-256 or
        stronger. Of an X.509 v1 client certificate nothing more is asked.

        Args:
            certificate: the client's; None: it sent none.
            at: an aware time.

        Raises:
            MalformedError: ``at`` has no time zone.
        """
        at = aware(at).astimezone(UTC)
        if certificate is None:
            return _no(Cause.NO_CERTIFICATE, "The client sent no certificate.")
        refusal: Admission | None = None
        try:
            longest: Chain = (certificate,)
            for path in self._paths(certificate):
                if self._is_anchor(path[-1]):
                    verdict = self._judge(path, at)
                    if verdict.admitted:
                        return verdict
                    refusal = refusal or verdict
                elif len(path) > len(longest):
                    longest = path
            return refusal or self._why_no_path(longest)
        except UNREADABLE as error:
            return _no(Cause.MALFORMED, f"The client's certificate cannot be read: {error}.")

    def problems(self, at: datetime | None = None) -> tuple[Problem, ...]:
        """Return what is wrong with certificates of this truststore, in their order.

        Args:
            at: an aware time; None does not look at dates.
        """
        found: list[Problem] = []
        seen: set[x509.Certificate] = set()
        for certificate in self.certificates:
            subject = label(certificate)
            try:
                if certificate in seen:
                    sentences = ["it stands here more than once"]
                else:
                    sentences = list(self._about(certificate, at))
            except UNREADABLE as error:
                sentences = [f"it cannot be read ({error})"]
            seen.add(certificate)
            found += [Problem(subject, sentence) for sentence in sentences]
        return tuple(found)

    def missing_issuers(self) -> tuple[str, ...]:
        """Return the names of CAs that certificates of this truststore need and it lacks."""
        lacking = [
            name_text(each, "issuer")
            for each in self._usable
            if not _is_self_issued(each) and not self._issuers_of(each)
        ]
        return tuple(dict.fromkeys(lacking))

    # Finding paths.

    @cached_property
    def _usable(self) -> Chain:
        """The certificates whose names can be read. Others are warned of, and lead nowhere."""
        return tuple(each for each in dict.fromkeys(self.certificates) if _is_readable(each))

    @cached_property
    def _by_subject(self) -> dict[bytes, list[x509.Certificate]]:
        index: dict[bytes, list[x509.Certificate]] = {}
        for each in self._usable:
            index.setdefault(each.subject.public_bytes(), []).append(each)
        return index

    @cached_property
    def _known(self) -> dict[x509.Certificate, list[x509.Certificate]]:
        return {}

    def _issuers_of(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """Return the CAs here that signed a certificate of this truststore; looked up once."""
        if certificate not in self._known:
            self._known[certificate] = self._signers_of(certificate)
        return self._known[certificate]

    def _named(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        return self._by_subject.get(certificate.issuer.public_bytes(), [])

    def _signers_of(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        return [each for each in self._named(certificate) if is_issued_by(certificate, each)]

    @cached_property
    def _anchors(self) -> dict[x509.Certificate, bool]:
        return {}

    def _is_anchor(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate is in this truststore and self-signed."""
        if certificate.issuer != certificate.subject or certificate not in self._named(certificate):
            return False
        if certificate not in self._anchors:
            self._anchors[certificate] = is_issued_by(certificate, certificate)
        return self._anchors[certificate]

    def _paths(self, leaf: x509.Certificate) -> Iterator[Chain]:
        """Yield the chains of signatures upwards, short ones first; those that lead nowhere too."""
        growing: deque[Chain] = deque([(leaf,)])
        for _ in range(_MOST_CHAINS):
            if not growing:
                return
            path = growing.popleft()
            signers = () if self._is_anchor(path[-1]) else self._signers_above(path)
            further = [each for each in signers if each not in path]
            growing += [(*path, each) for each in further]
            if not further:
                yield path
        yield from list(growing)[-1:]  # longest of what was not looked at, for want of a better

    def _signers_above(self, path: Chain) -> list[x509.Certificate]:
        last = path[-1]
        if len(path) > 1:
            return self._issuers_of(last)
        # Of one CA of that name OpenSSL says whether it signed; among several we must choose.
        named = self._named(last)
        return named if len(named) == 1 else self._signers_of(last)

    # Judging one.

    def _judge(self, path: Chain, at: datetime) -> Admission:
        """Judge a path that ends at a self-signed certificate of this truststore."""
        if len(path) > LONGEST_CHAIN:
            sentence = (
                f"The chain has {len(path)} certificates, the client's included; API Gateway "
                f"takes at most {LONGEST_CHAIN}."
            )
            return _no(Cause.CHAIN_TOO_LONG, sentence, path)
        for certificate in path:
            if weakness := _weakness(certificate):
                cause, sentence = weakness
                return _no(cause, f"{label(certificate)} {sentence}.", path)
        refusal = self._openssl_refuses(path, at)
        if refusal and len(path) > 1 and not is_issued_by(path[0], path[1]):
            return self._signed_by_another(path)
        return refusal or Admission(None, "", path)

    def _openssl_refuses(self, path: Chain, at: datetime) -> Admission | None:
        """Ask OpenSSL about exactly this path; purposes are not asked about."""
        store = crypto.X509Store()
        store.add_cert(self._for_openssl(path[-1]))
        store.set_time(at)
        leaf = crypto.X509.from_cryptography(path[0])
        between = [self._for_openssl(each) for each in path[1:-1]]
        try:
            crypto.X509StoreContext(store, leaf, between).verify_certificate()
        except crypto.X509StoreContextError as error:
            code, depth, message = error.errors
            certificate = path[min(depth, len(path) - 1)]
            cause = _OPENSSL.get(code, Cause.REFUSED_BY_CA)
            sentence = _WORDS.get(cause, "OpenSSL refuses {who}: {message}.").format(
                who=label(certificate),
                issuer=name_text(certificate, "issuer"),
                message=message,
                begin=time_text(certificate.not_valid_before_utc),
                end=time_text(certificate.not_valid_after_utc),
            )
            return _no(
                cause, sentence, path[: depth + 1] if cause is Cause.UNKNOWN_ISSUER else path
            )
        except crypto.Error:
            return _no(Cause.MALFORMED, "OpenSSL cannot read a certificate of the chain.", path)
        return None

    @cached_property
    def _converted(self) -> dict[x509.Certificate, crypto.X509]:
        return {}

    def _for_openssl(self, certificate: x509.Certificate) -> crypto.X509:
        if certificate not in self._converted:
            self._converted[certificate] = crypto.X509.from_cryptography(certificate)
        return self._converted[certificate]

    def _why_no_path(self, path: Chain) -> Admission:
        """Say what is missing at the end of the longest chain there is."""
        leaf, last = path[0], path[-1]
        who, issuer = label(last), name_text(last, "issuer")
        if len(path) > 1:
            held = f"{who}, and not {issuer}, which issued it"
            if self._issuers_of(last):
                held = f"{who} and CAs above it that certify each other"
            sentence = (
                f"The truststore holds {held}; API Gateway "
                "wants the chain up to a self-signed certificate in the file."
            )
            return _no(Cause.INCOMPLETE_CHAIN, sentence, path)
        if _is_self_issued(leaf):
            sentence = f"{who} is self-signed and not in the truststore itself."
            return _no(Cause.SELF_SIGNED, sentence, path)
        if self._named(leaf):
            return self._signed_by_another(path)
        held = ", ".join(sorted({label(each) for each in self.certificates})[:3])
        more = " and others" if len(self._by_subject) > 3 else ""  # noqa: PLR2004 - enough to see
        sentence = f"The truststore lacks {issuer}, which issued {who}; it holds {held}{more}."
        return _no(Cause.UNKNOWN_ISSUER, sentence, path)

    def _signed_by_another(self, path: Chain) -> Admission:
        leaf = path[0]
        sentence = (
            f"The truststore holds a CA named {name_text(leaf, 'issuer')}, whose key did not sign "
            f"{label(leaf)}."
        )
        return _no(Cause.BAD_SIGNATURE, sentence, path[:1])

    def _about(self, certificate: x509.Certificate, at: datetime | None) -> Iterator[str]:
        if weakness := _weakness(certificate):
            yield f"it {weakness[1]}"
        self_issued = _is_self_issued(certificate)
        if not self_issued and not self._issuers_of(certificate):
            yield f"its issuer, {name_text(certificate, 'issuer')}, is not in the truststore"
        if not self_issued and not _may_issue(certificate):
            yield "it is not a CA certificate"
        if at is not None and at < certificate.not_valid_before_utc:
            yield f"it is not yet valid: it begins {time_text(certificate.not_valid_before_utc)}"
        if at is not None and at.replace(microsecond=0) > certificate.not_valid_after_utc:
            yield f"it has expired: it ended {time_text(certificate.not_valid_after_utc)}"


def load_truststore(data: bytes | str) -> Truststore:
    """Read a truststore file: concatenated PEM certificates, as API Gateway takes them.

    Raises:
        MalformedError: DER, no certificate, a damaged one, a block of another kind (such as a
            private key), more than 1,000 certificates or more than 1 MB.
    """
    text = data.encode(errors="replace") if isinstance(data, str) else data
    _refuse_too_large(len(text))
    count = text.count(b"-----BEGIN ")
    if not count:
        raise MalformedError("truststore", found="no PEM", expected="PEM certificates")
    _refuse_too_many(count)
    return Truststore(pem.load_certificates(data))


def build_truststore(certificates: Iterable[x509.Certificate]) -> Truststore:
    """Make a truststore of CAs in any order: each before its issuer, roots last, no copies.

    Raises:
        MalformedError: none, one that cannot be read, more than 1,000 or more than 1 MB of PEM.
    """
    bag = Truststore(tuple(dict.fromkeys(certificates)))
    for each in bag.certificates:
        if not _is_readable(each):
            raise MalformedError("truststore", found=label(each), expected="readable certificates")
    if not bag.certificates:
        raise MalformedError("truststore", found="nothing", expected="CA certificates")
    _refuse_too_many(len(bag.certificates))
    heights = {each: _height(each, bag) for each in bag.certificates}
    # Stable: CAs of one height keep the order they were given in.
    made = Truststore(tuple(sorted(bag.certificates, key=lambda each: -heights[each])))
    _refuse_too_large(len(made.to_pem()))
    return made


def _height(certificate: x509.Certificate, bag: Truststore) -> int:
    """Return how many CAs of the bag stand above a certificate on its longest path."""
    paths = bag._paths(certificate)  # noqa: SLF001 - of this module
    return max(len(path) for path in paths)


def _refuse_too_many(count: int) -> None:
    if count > MOST_CERTIFICATES:
        raise MalformedError(
            "truststore",
            found=f"{count:,} certificates",
            expected=f"at most {MOST_CERTIFICATES:,}",
        )


def _refuse_too_large(size: int) -> None:
    if size > MOST_BYTES:
        raise MalformedError("truststore", found=f"{size:,} bytes", expected="at most 1 MB")


def _weakness(certificate: x509.Certificate) -> tuple[Cause, str] | None:
    """Return why API Gateway takes a certificate's key or signature for weak; None: it does not.

    The documentation names hash and key alone. So RSA-PSS is as good as PKCS #1 v1.5 here, and
    what has neither RSA nor one of NIST's curves, such as Ed25519, is not accepted.
    """
    try:
        key = certificate.public_key()
        algorithm = key_algorithm(key)
        strong_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS
    except UNREADABLE:
        algorithm, strong_rsa = certificate.public_key_algorithm_oid.dotted_string, False
    if not strong_rsa and algorithm not in _CURVES:
        expected = "RSA of 2,048 bits or more, or a curve of NIST's, P-256 or stronger"
        sentence = f"has a key that is not accepted: found {algorithm}, expected {expected}"
        return Cause.WEAK_KEY, sentence
    found = certificate.signature_algorithm_oid.dotted_string
    with suppress(*UNREADABLE):
        used = certificate.signature_hash_algorithm
        if used is not None and used.name in _HASHES:
            return None
        found = used.name.upper() if used else found
    return Cause.WEAK_SIGNATURE, f"has a weak signature: found {found}, expected SHA-256 or up"


def _is_readable(certificate: x509.Certificate) -> bool:
    try:
        certificate.subject.public_bytes()
        certificate.issuer.public_bytes()
    except UNREADABLE:
        return False
    return True


def _may_issue(certificate: x509.Certificate) -> bool:
    constraints = extension_value(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _is_self_issued(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject and is_issued_by(certificate, certificate)


def _no(cause: Cause, sentence: str, path: Chain = ()) -> Admission:
    return Admission(cause, sentence, path)
