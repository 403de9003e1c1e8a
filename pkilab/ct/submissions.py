"""What a log makes of a chain that is handed in: whom it accepts, and what it will sign for.

A log is no judge of certificates (RFC 6962, 3.1): the chain has to lead, signature by signature, to
a root that the log accepts, so that somebody answers for it and it is no spam. Expired and not yet
valid certificates are taken, and neither names nor purposes nor policies are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.ct import _tbs
from pkilab.ct.precertificates import (
    entry_for_precertificate,
    is_precertificate_signer,
)
from pkilab.ct.structures import PreCert, encode_chain, encode_precert_chain
from pkilab.errors import CtError
from pkilab.pki.certificates import UNREADABLE, extension_value, key_usage_forbids, label

LONGEST_CHAIN = 10  # certificates; a bound on the work that a stranger can ask for


@dataclass(frozen=True, slots=True)
class Submission:
    """What a log signs for, and what it stores beside: the whole chain, the root included."""

    signed: bytes | PreCert
    extra_data: bytes


class Roots:
    """The roots that a log accepts, in the order they were accepted."""

    def __init__(self) -> None:
        self._by_subject: dict[bytes, list[x509.Certificate]] = {}
        self._all: dict[x509.Certificate, None] = {}

    def __iter__(self) -> Iterator[x509.Certificate]:
        return iter(self._all)

    def __contains__(self, certificate: x509.Certificate) -> bool:
        return certificate in self._all

    def add(self, root: x509.Certificate) -> None:
        """Accept a root; accepting one twice changes nothing.

        Raises:
            CtError: it is not a CA's certificate.
        """
        try:
            accepted, subject = _may_issue(root), root.subject.public_bytes()
        except UNREADABLE:
            accepted, subject = False, b""
        if not accepted:
            raise CtError("root", found=label(root), expected="the certificate of a CA")
        if root not in self._all:
            self._all[root] = None
            self._by_subject.setdefault(subject, []).append(root)

    def issuer_of(self, certificate: x509.Certificate) -> x509.Certificate | None:
        """Return the accepted root whose key signed a certificate."""
        named = self._by_subject.get(certificate.issuer.public_bytes(), ())
        return next((root for root in named if _signed(certificate, root)), None)


def read_certificate(chain: Sequence[x509.Certificate], roots: Roots) -> Submission:
    """Read what is handed to ``add-chain``: a certificate and the chain above it.

    Args:
        chain: the certificate first, each signed by the next; the root may be left out.
        roots: where it has to lead.

    Raises:
        CtError: it does not lead there, or is a precertificate's.
        MalformedError: a certificate cannot be cut into its parts.
    """
    complete = _complete(chain, roots)
    _refuse_poison(complete)
    leaf, *above = _ders(complete)
    return Submission(leaf, encode_chain(above))


def read_precertificate(chain: Sequence[x509.Certificate], roots: Roots) -> Submission:
    """Read what is handed to ``add-pre-chain``: a precertificate and the chain above it.

    Only the first may be a precertificate (RFC 6962, erratum 3686).

    Args:
        chain: the precertificate first, each signed by the next; the root may be left out.
        roots: where it has to lead.

    Raises:
        CtError: it does not lead there, or is no precertificate's.
        MalformedError: a certificate cannot be cut into its parts.
    """
    complete = _complete(chain, roots)
    _refuse_poison(complete[1:])
    if len(complete) == 1:
        raise CtError("submission", found="a root alone", expected="a chain up to a root")
    signed_by, above = complete[1], complete[2:]
    final = next(iter(above), None) if is_precertificate_signer(signed_by) else None
    entry = entry_for_precertificate(complete[0], signed_by, final)
    precertificate, *rest = _ders(complete)
    return Submission(entry, encode_precert_chain(precertificate, rest))


def _complete(chain: Sequence[x509.Certificate], roots: Roots) -> list[x509.Certificate]:
    """Return the chain up to an accepted root, once every signature in it has been checked."""
    if not 1 <= len(chain) <= LONGEST_CHAIN:
        found, expected = f"{len(chain)} certificates", f"1 to {LONGEST_CHAIN}"
        raise CtError("submission", found=found, expected=expected)
    complete = list(chain)
    try:
        if complete[-1] not in roots and (root := roots.issuer_of(complete[-1])):
            complete.append(root)
        for number, issuer in enumerate(complete[1:], start=1):
            below = complete[number - 1]
            if not (_signed if number == 1 else _known_signed)(below, issuer):
                found = f"{label(issuer)}, which did not sign {label(below)}"
                raise CtError("submission", found=found, expected="each signed by the next")
            if not _may_issue(issuer):
                raise CtError("submission", found=label(issuer), expected="a CA as issuer")
    except UNREADABLE as error:
        found = f"a certificate that cannot be read: {error}"
        raise CtError("submission", found=found, expected="a chain up to a root") from error
    if complete[-1] not in roots:
        found = f"a chain that ends at {label(complete[-1])}"
        raise CtError("submission", found=found, expected="one up to a root that this log accepts")
    return complete


def _refuse_poison(certificates: Sequence[x509.Certificate]) -> None:
    for each in certificates:
        if _is_poisoned(each):
            raise CtError("submission", found=f"poison in {label(each)}", expected="none there")


# CAs come again and again, and what is to be known of them is most of a submission's cost.
_remembered = lru_cache(maxsize=1024)


@_remembered
def _is_poisoned(certificate: x509.Certificate) -> bool:
    return _tbs.extension(certificate, _tbs.POISON) is not None


@_remembered
def _may_issue(certificate: x509.Certificate) -> bool:
    constraints = extension_value(certificate, x509.BasicConstraints)
    is_ca = constraints is not None and constraints.ca
    return is_ca and not key_usage_forbids(certificate, "key_cert_sign")


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether a CA signed a certificate; a signature over MD5 or SHA-1 counts for none."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


_known_signed = _remembered(_signed)


def _ders(certificates: Sequence[x509.Certificate]) -> list[bytes]:
    return [each.public_bytes(Encoding.DER) for each in certificates]
