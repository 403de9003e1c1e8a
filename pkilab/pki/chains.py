"""From a certificate to a trusted root, and every reason why not (RFC 5280, section 6).

Three judges look at each possible path, and it is trusted only if none objects:

* OpenSSL's validator in strict mode (pyOpenSSL), for every purpose: signatures, dates, CA rules,
  path lengths, name constraints, policies, CRLs;
* ``cryptography``'s verifier (a stricter web PKI profile), for server authentication of a named
  peer and for client authentication. It does not know self-issued CA certificates (key rollover),
  so paths with one are left to the other two;
* this module, which also finds the words: all reasons at once, each naming its certificate.

Beyond RFC 5280, whatever the purpose: keys and signatures that are weak today (RSA below 2048 bits,
DSA, curves other than P-256, P-384 and P-521, MD5, SHA-1), and serial numbers that are not 1 to 20
bytes and positive. For a named purpose also: a leaf that is a CA or not X.509 v3.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import crypto

from pkilab.errors import MalformedError
from pkilab.pki import crl as crl_module
from pkilab.pki._signatures import is_issued_by, is_weak
from pkilab.pki.certificates import (
    UNREADABLE,
    extension_value,
    general_name,
    key_usage_forbids,
    label,
    name_text,
    time_text,
    usage_name,
)
from pkilab.pki.crl import Revocation, aware
from pkilab.pki.keys import key_algorithm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Chain = tuple[x509.Certificate, ...]

# Bounds on the search for a path, so that a bag of cross-signed CAs ends. AWS Private CA's own
# limit is five levels; OpenSSL's is 100.
_LONGEST_PATH = 16
_MOST_PATHS = 64
_LEAST_RSA_BITS = 2048
_LONGEST_SERIAL = 20  # bytes; RFC 5280, 4.1.2.2
_CURVES = {"EC_prime256v1", "EC_secp384r1", "EC_secp521r1"}
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which pyOpenSSL does not name
# X509_V_ERR_*: what only OpenSSL looks at (policies and name constraints), so worth adding to
# reasons of our own. Everything else it says, this module has already said in other words.
_OPENSSL_ALONE = frozenset({34, 42, 43, 47, 48, 49, 50, 51, 52, 53})


class Purpose(Enum):
    """What the leaf is to serve for; the value is the extended key usage it needs, if any."""

    SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
    CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
    CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
    ANY = None


# Key usage bits, any of which serves: RFC 5280, 4.2.1.12.
_KEY_USAGE = {
    Purpose.SERVER_AUTH: ("digital_signature", "key_encipherment", "key_agreement"),
    Purpose.CLIENT_AUTH: ("digital_signature", "key_agreement"),
    Purpose.CODE_SIGNING: ("digital_signature",),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a certificate is trusted, every reason why not, and the path that was judged.

    ``chain`` goes from the leaf to the root; it is cut where an issuer is missing. Where several
    paths exist and none is trusted, it is the one with the fewest objections.
    """

    trusted: bool
    reasons: tuple[str, ...]
    chain: Chain

    def explain(self) -> str:
        """Say the verdict in one paragraph."""
        path = " <- ".join(label(each) for each in self.chain)
        if self.trusted:
            return f"Trusted. The path is {path}."
        reasons = "; ".join(self.reasons)
        return f"Not trusted: {reasons}. The path looked at is {path}."


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of each path."""

    roots: tuple[x509.Certificate, ...]
    at: datetime
    purpose: Purpose
    name: str | None
    crls: tuple[x509.CertificateRevocationList, ...] | None
    max_depth: int | None


def order_chain(certificates: Iterable[x509.Certificate]) -> Chain:
    """Order the certificates of one chain from the leaf upwards, each signed by the next.

    Args:
        certificates: the chain in any order, all of it and nothing else; copies are dropped.

    Raises:
        MalformedError: none, or they do not make one chain.
    """
    bag = tuple(dict.fromkeys(certificates))
    for leaf in bag:
        chain = build_chain(leaf, bag)
        if len(chain) == len(bag):
            return chain
    found = "nothing" if not bag else ", ".join(label(each) for each in bag)
    raise MalformedError("chain", found=found, expected="one chain, each signed by another")


def build_chain(leaf: x509.Certificate, candidates: Iterable[x509.Certificate]) -> Chain:
    """Return the longest chain from ``leaf`` upwards whose signatures verify.

    Looks at names and signatures alone: neither dates nor whether an issuer may issue
    (`verify_chain`). Ends at a self-signed certificate, or where no issuer is among the candidates.
    """
    pool = tuple(dict.fromkeys(candidates))
    return max(
        (_signed_part(path) for path in islice(_paths((leaf,), pool, ()), _MOST_PATHS)), key=len
    )


def verify_chain(
    leaf: x509.Certificate,
    *,
    intermediates: Iterable[x509.Certificate] = (),
    roots: Iterable[x509.Certificate],
    at: datetime,
    purpose: Purpose = Purpose.ANY,
    name: str | None = None,
    crls: Iterable[x509.CertificateRevocationList | crl_module.CrlView] | None = None,
    max_depth: int | None = None,
) -> Verdict:
    """Decide whether ``leaf`` is trusted, and say every reason why not.

    Args:
        leaf: the certificate in question, with or without the ending of a CA.
        intermediates: what may stand between, in any order; not trusted by themselves.
        roots: the only trust anchors. A certificate that is not self-signed may be one.
        at: the aware time to judge by.
        purpose: what the leaf is to serve for. ANY looks at no extended key usage of the leaf.
        name: a DNS name (A-labels) or IP address the leaf must be valid for.
        crls: if given, every certificate below the root needs a usable CRL among these that does
            not list it. None looks at no revocation.
        max_depth: the most CA certificates allowed between leaf and root, self-issued ones aside.

    Not checked: OCSP (`pkilab.pki.ocsp`), CT, the public suffix list, and policies unless a
    certificate of the path demands one.

    Raises:
        MalformedError: ``at`` has no time zone.
    """
    lists = None
    if crls is not None:
        lists = tuple(each.crl if isinstance(each, crl_module.CrlView) else each for each in crls)
    question = _Question(tuple(roots), aware(at).astimezone(UTC), purpose, name, lists, max_depth)
    best: Verdict | None = None
    for path in islice(_paths((leaf,), tuple(intermediates), question.roots), _MOST_PATHS):
        reasons = _objections(path, question)
        if not reasons:
            return Verdict(trusted=True, reasons=(), chain=path)
        if best is None or _rank(path, reasons, question) < _rank(
            best.chain, best.reasons, question
        ):
            best = Verdict(trusted=False, reasons=reasons, chain=path)
    assert best is not None  # noqa: S101 - a path has at least the leaf
    return best


def why_not_trusted(
    leaf: x509.Certificate,
    *,
    intermediates: Iterable[x509.Certificate] = (),
    roots: Iterable[x509.Certificate],
    at: datetime,
    purpose: Purpose = Purpose.ANY,
    name: str | None = None,
    crls: Iterable[x509.CertificateRevocationList | crl_module.CrlView] | None = None,
    max_depth: int | None = None,
) -> str:
    """Return `verify_chain`'s verdict in one paragraph; the arguments are the same.

    Raises:
        MalformedError: ``at`` has no time zone.
    """
    return verify_chain(
        leaf,
        intermediates=intermediates,
        roots=roots,
        at=at,
        purpose=purpose,
        name=name,
        crls=crls,
        max_depth=max_depth,
    ).explain()


# The search for paths.


def _paths(path: Chain, pool: Chain, roots: Chain) -> Iterator[Chain]:
    """Yield the paths from ``path``'s end upwards, likeliest first; dead ends too."""
    last = path[-1]
    if last in roots or is_issued_by(last, last):
        yield path
        return
    issuers = _issuers(last, (*roots, *pool)) if len(path) < _LONGEST_PATH else []
    further = [each for each in issuers if each not in path]
    for issuer in further:
        yield from _paths((*path, issuer), pool, roots)
    if not further:
        yield path


def _issuers(certificate: x509.Certificate, pool: Chain) -> list[x509.Certificate]:
    """Return those of ``pool`` with the issuer's name: those whose key fits first."""
    named = [each for each in dict.fromkeys(pool) if _is_named_issuer(certificate, each)]
    signed = [each for each in named if is_issued_by(certificate, each)]
    return signed or named


def _is_named_issuer(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        return certificate.issuer == issuer.subject
    except UNREADABLE:
        return False


def _is_self_issued(certificate: x509.Certificate) -> bool:
    return _is_named_issuer(certificate, certificate)


def _signed_part(path: Chain) -> Chain:
    for index in range(len(path) - 1):
        if not is_issued_by(path[index], path[index + 1]):
            return path[: index + 1]
    return path


def _rank(path: Chain, reasons: Sequence[str], question: _Question) -> tuple[bool, int]:
    return path[-1] not in question.roots, len(reasons)


# The judges.


def _objections(path: Chain, question: _Question) -> tuple[str, ...]:
    own = list(_own_objections(path, question))
    if path[-1] in question.roots:
        own += _openssl_objections(path, question, alone=not own)
        if not own:
            own += _cryptography_objections(path, question)
    return tuple(dict.fromkeys(own))


def _own_objections(path: Chain, question: _Question) -> Iterator[str]:
    yield from _why_no_anchor(path, question)
    for index, certificate in enumerate(path):
        issuer = path[index + 1] if index + 1 < len(path) else None
        is_anchor = certificate in question.roots
        yield from _about_dates(certificate, question.at)
        yield from _about_serial(certificate)
        try:
            yield from _about_strength(certificate, is_anchor=is_anchor)
            yield from _about_extensions(certificate)
            yield from _about_issuer_key(certificate)
            if index > 0:
                yield from _about_ca(path, index, question.purpose)
        except UNREADABLE as error:
            yield f"{label(certificate)} cannot be read ({error})"
        if issuer is not None:
            if not is_issued_by(certificate, issuer):
                yield f"the signature of {label(certificate)} is not by {label(issuer)}"
            if question.crls is not None:
                yield from _about_revocation(certificate, issuer, question)
    try:
        yield from _about_leaf(path[0], question)
    except UNREADABLE as error:
        yield f"{label(path[0])} cannot be read ({error})"
    between = sum(not _is_self_issued(each) for each in path[1:-1])
    if question.max_depth is not None and between > question.max_depth:
        yield f"{between} CA certificates stand between leaf and root, {question.max_depth} may"


def _why_no_anchor(path: Chain, question: _Question) -> Iterator[str]:
    last = path[-1]
    if last in question.roots:
        return
    if _is_self_issued(last) and is_issued_by(last, last):
        yield f"no path to a trusted root: {label(last)} is self-signed and not among the roots"
    elif len(path) >= _LONGEST_PATH:
        yield f"no path to a trusted root within {_LONGEST_PATH} certificates"
    else:
        missing = name_text(last, "issuer")
        yield f"no path to a trusted root: the issuer of {label(last)}, {missing}, is missing"


def _about_dates(certificate: x509.Certificate, at: datetime) -> Iterator[str]:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if at < begin:
        yield f"{label(certificate)} is not yet valid: it begins {time_text(begin)}"
    # The end is to the second: what remains of the last second still counts (RFC 5280, 4.1.2.5).
    if at.replace(microsecond=0) > end:
        yield f"{label(certificate)} has expired: it ended {time_text(end)}"


def _about_serial(certificate: x509.Certificate) -> Iterator[str]:
    serial = certificate.serial_number
    if serial <= 0 or serial.bit_length() >= _LONGEST_SERIAL * 8:
        yield f"{label(certificate)} has a serial number that is not positive or over 20 bytes"


def _about_strength(certificate: x509.Certificate, *, is_anchor: bool) -> Iterator[str]:
    key = certificate.public_key()
    algorithm = key_algorithm(key)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
        yield f"{label(certificate)} has a weak key, {algorithm}"
    if isinstance(key, ec.EllipticCurvePublicKey) and algorithm not in _CURVES:
        yield f"{label(certificate)} has a key on a curve that is not accepted, {algorithm}"
    if isinstance(key, dsa.DSAPublicKey):
        yield f"{label(certificate)} has a DSA key, withdrawn by FIPS 186-5"
    signed_with = certificate.signature_hash_algorithm
    if not is_anchor and signed_with is not None and is_weak(signed_with):
        yield f"{label(certificate)} has a weak signature, {signed_with.name.upper()}"


def _about_extensions(certificate: x509.Certificate) -> Iterator[str]:
    for extension in certificate.extensions:
        if extension.critical and isinstance(extension.value, x509.UnrecognizedExtension):
            oid = extension.oid.dotted_string
            yield f"{label(certificate)} has an unknown critical extension, {oid}"


def _about_issuer_key(certificate: x509.Certificate) -> Iterator[str]:
    if certificate.version is not x509.Version.v3 or _is_self_issued(certificate):
        return
    authority = extension_value(certificate, x509.AuthorityKeyIdentifier)
    if authority is None:
        yield f"{label(certificate)} does not name its issuer's key (AKI; RFC 5280, 4.2.1.1)"


def _about_ca(path: Chain, index: int, purpose: Purpose) -> Iterator[str]:
    certificate = path[index]
    constraints = extension_value(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        yield f"{label(certificate)} issued {label(path[index - 1])} and is not a CA"
    elif constraints.path_length is not None:
        below = sum(not _is_self_issued(each) for each in path[1:index])
        if below > constraints.path_length:
            yield (
                f"{label(certificate)} allows {constraints.path_length} CA(s) below it (path "
                f"length), and there are {below}"
            )
    if key_usage_forbids(certificate, "key_cert_sign"):
        yield f"the key of {label(certificate)} may not sign certificates (key usage)"
    usages = extension_value(certificate, x509.ExtendedKeyUsage)
    if purpose.value is None or usages is None:
        return
    if not {purpose.value, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(usages):
        wanted = usage_name(purpose.value)
        yield f"{label(certificate)} is a CA for other purposes than {wanted}"


def _about_leaf(leaf: x509.Certificate, question: _Question) -> Iterator[str]:
    purpose = question.purpose
    if question.name is not None:
        yield from _about_name(leaf, question.name)
    if purpose.value is None:
        return
    wanted = usage_name(purpose.value)
    if leaf.version is not x509.Version.v3:
        yield f"{label(leaf)} is an X.509 v1 certificate: it cannot say what it is for"
    usages = extension_value(leaf, x509.ExtendedKeyUsage)
    if usages is not None and purpose.value not in usages:
        has = ", ".join(map(usage_name, usages))
        yield f"{label(leaf)} has the wrong purpose: it is for {has}, not for {wanted}"
    if usages is None and purpose is Purpose.CODE_SIGNING:
        yield f"{label(leaf)} has the wrong purpose: it does not say {wanted}"
    if key_usage_forbids(leaf, *_KEY_USAGE[purpose]):
        yield f"the key of {label(leaf)} may not be used for {wanted} (key usage)"
    constraints = extension_value(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        yield f"{label(leaf)} is a CA certificate and does not serve for {wanted}"


def _about_name(leaf: x509.Certificate, name: str) -> Iterator[str]:
    alternatives = extension_value(leaf, x509.SubjectAlternativeName)
    if alternatives is None:
        yield f"{label(leaf)} is not for {name}: it has no subject alternative name"
        return
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        has_it = any(
            _dns_matches(pattern, name)
            for pattern in alternatives.get_values_for_type(x509.DNSName)
        )
    else:
        has_it = address in alternatives.get_values_for_type(x509.IPAddress)
    if not has_it:
        has = ", ".join(map(general_name, alternatives))
        yield f"{label(leaf)} is not for {name}: it is for {has}"


def _dns_matches(pattern: str, name: str) -> bool:
    """Compare a certificate's DNS name with a peer's (RFC 9525, 6.3).

    A ``*`` stands for the whole leftmost label, with two labels at least to its right.
    """
    presented, wanted = pattern.lower(), name.lower().removesuffix(".")
    if not presented.startswith("*."):
        return presented == wanted
    _, _, parent = presented.partition(".")
    _, _, wanted_parent = wanted.partition(".")
    return "." in parent and "*" not in parent and parent == wanted_parent


def _about_revocation(
    certificate: x509.Certificate, issuer: x509.Certificate, question: _Question
) -> Iterator[str]:
    lists = [each for each in question.crls or () if _is_by(each, issuer)]
    answers = [crl_module.check(certificate, each, issuer, question.at) for each in lists]
    revoked = [each for each in answers if each.status is Revocation.REVOKED]
    if revoked:
        why = f" ({revoked[0].reason})" if revoked[0].reason else ""
        when = time_text(revoked[0].revoked_at) if revoked[0].revoked_at else ""
        yield f"{label(certificate)} was revoked {when}{why}"
    elif not answers:
        yield f"no CRL of {label(issuer)} is at hand for {label(certificate)}"
    elif all(each.status is Revocation.UNUSABLE for each in answers):
        why = "; ".join(dict.fromkeys(reason for each in answers for reason in each.reasons))
        yield f"no usable CRL for {label(certificate)}: {why}"


def _is_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.issuer == issuer.subject
    except UNREADABLE:
        return False


def _openssl_objections(path: Chain, question: _Question, *, alone: bool) -> Iterator[str]:
    """Ask OpenSSL about exactly this path; once more without dates, which hide what comes after."""
    for extra_flags in (0, _NO_CHECK_TIME):
        try:
            _openssl_context(path, question, extra_flags).verify_certificate()
        except crypto.X509StoreContextError as error:
            code, depth, message = error.errors
            if alone or code in _OPENSSL_ALONE:
                yield f"{label(path[min(depth, len(path) - 1)])}: {message} (OpenSSL)"
        except crypto.Error:
            if alone:
                yield "OpenSSL cannot read a certificate or CRL of the path"


def _openssl_context(path: Chain, question: _Question, extra_flags: int) -> crypto.X509StoreContext:
    flags = crypto.X509StoreFlags
    wanted = extra_flags | flags.X509_STRICT | flags.POLICY_CHECK
    store = crypto.X509Store()
    store.add_cert(crypto.X509.from_cryptography(path[-1]))
    if not _is_self_issued(path[-1]):
        wanted |= flags.PARTIAL_CHAIN
    if question.crls is not None and len(path) > 1:
        wanted |= flags.CRL_CHECK | flags.CRL_CHECK_ALL
        for each in question.crls:
            store.add_crl(each)
    store.set_flags(wanted)
    store.set_time(question.at)
    below = [crypto.X509.from_cryptography(each) for each in path[1:-1]]
    return crypto.X509StoreContext(store, crypto.X509.from_cryptography(path[0]), below)


def _cryptography_objections(path: Chain, question: _Question) -> Iterator[str]:
    """Ask ``cryptography``'s verifier, where its profile has an answer."""
    if len(path) == 1 or any(map(_is_self_issued, path[1:-1])):
        return
    builder = (
        verification.PolicyBuilder()
        .store(verification.Store([path[-1]]))
        .time(question.at)
        .max_chain_depth(len(path))
    )
    try:
        if question.purpose is Purpose.SERVER_AUTH and question.name is not None:
            builder.build_server_verifier(_peer(question.name)).verify(path[0], list(path[1:-1]))
        elif question.purpose is Purpose.CLIENT_AUTH:
            builder.extension_policies(
                ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
                ee_policy=_CLIENT_EXTENSIONS,
            ).build_client_verifier().verify(path[0], list(path[1:-1]))
    except (verification.VerificationError, *UNREADABLE) as error:
        message, _, _ = str(error).partition(" (encountered processing")
        yield f"{message.removeprefix('validation failed: ')} (cryptography)"


# A private client certificate may be known by its subject alone.
_CLIENT_EXTENSIONS = verification.ExtensionPolicy.webpki_defaults_ee().may_be_present(
    x509.SubjectAlternativeName, verification.Criticality.AGNOSTIC, None
)


def _peer(name: str) -> verification.Subject:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.removesuffix("."))
