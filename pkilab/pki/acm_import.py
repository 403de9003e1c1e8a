"""What ACM takes in ImportCertificate, and what it says to the rest: judged before it is asked.

Every objection is named at once, with what would remove it; ACM names one, and not always the one
that matters. What ACM does not document is marked as the likeliest reading.

Sources: ACM User Guide, "Prerequisites for importing certificates", "Certificate and key format for
importing" and "Reimport a certificate"; API Reference, ImportCertificate; AWS Knowledge Center,
"troubleshoot issues with importing".
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from pkilab.pki._acm_fields import (
    KEY_ALGORITHMS,
    LARGEST_CERTIFICATE,
    LARGEST_CHAIN,
    LARGEST_KEY,
    Cause,
    Finding,
    not_pem,
    read_certificate,
    read_chain,
    read_key,
)
from pkilab.pki._signatures import is_issued_by
from pkilab.pki.certificates import (
    UNREADABLE,
    extension_value,
    label,
    name_text,
    time_text,
    usage_name,
)
from pkilab.pki.chains import build_chain
from pkilab.pki.crl import aware
from pkilab.pki.keys import key_algorithm
from pkilab.pki.material import belongs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any

__all__ = [
    "KEY_ALGORITHMS",
    "LARGEST_CERTIFICATE",
    "LARGEST_CHAIN",
    "LARGEST_KEY",
    "Cause",
    "Diagnosis",
    "Finding",
    "diagnose",
]

_LONGEST_OCSP_URL = 1000
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_SERVED = (x509.DNSName, x509.IPAddress)
_BITS = {
    "digital_signature": "digitalSignature", "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment", "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement", "key_cert_sign": "keyCertSign", "crl_sign": "cRLSign",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was found, what ACM refuses for first."""

    findings: tuple[Finding, ...]

    @property
    def accepted(self) -> bool:
        """Whether ACM imports it."""
        return not any(each.refused for each in self.findings)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The causes of a refusal."""
        return tuple(each.cause for each in self.findings if each.refused)

    def __repr__(self) -> str:
        lines = ["ACM will import it." if self.accepted else "ACM will refuse it:"]
        for each in self.findings:
            sign = "✘" if each.refused else "!"
            doubt = " (likeliest reading)" if each.likeliest else ""
            lines.append(f"{sign} {each.sentence}{doubt} {each.remedy}")
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ANN401, FBT001, ARG002 - IPython's
        printer.text(repr(self))


def diagnose(
    certificate: bytes | str,
    private_key: bytes | str,
    chain: bytes | str | None = None,
    *,
    at: datetime,
    replacing: x509.Certificate | None = None,
) -> Diagnosis:
    """Say what ACM will object to, before it is asked.

    Args:
        certificate: as it would be given to ImportCertificate.
        private_key: likewise.
        chain: likewise; None: none is given.
        at: an aware time.
        replacing: the certificate that is there, if this is a reimport.

    Not looked at: quotas, permissions, and whether a service takes what ACM imports.

    Raises:
        MalformedError: ``at`` has no time zone.
    """
    at = aware(at)
    leaf, found = read_certificate(certificate)
    key, about_key = read_key(private_key)
    above, about_chain = read_chain(chain)
    found += [*about_key, *about_chain]
    if leaf is not None:
        try:
            found += _about_certificate(leaf, at)
            if key is not None and not belongs(key, leaf):
                found.append(_of_another(leaf))
            if above is not None:
                found += _about_chain(leaf, above)
            if replacing is not None:
                found += _about_reimport(replacing, leaf)
        except UNREADABLE as error:
            found.append(not_pem("certificate", f"a certificate that cannot be read ({error})"))
    return Diagnosis(tuple(sorted(dict.fromkeys(found), key=lambda each: not each.refused)))


# Judging them.


def _about_certificate(leaf: x509.Certificate, at: datetime) -> Iterator[Finding]:
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if leaf.version is not x509.Version.v3:
        yield Finding(
            Cause.NOT_VERSION_3,
            f"The certificate is X.509 {leaf.version.name}.",
            "Have it issued with extensions.",
        )
    if at < begin:
        yield Finding(
            Cause.NOT_YET_VALID, f"The certificate begins {time_text(begin)}.", "Wait until then."
        )
    if at > end:
        yield Finding(Cause.EXPIRED, f"The certificate ended {time_text(end)}.", "Renew it.")
    if not leaf.issuer.rdns:
        yield Finding(
            Cause.NO_ISSUER, "The certificate names no issuer.", "Have it issued by a CA."
        )
    if not _names(leaf):
        yield Finding(
            Cause.NO_NAME,
            "The certificate names neither a domain nor an IP address.",
            "ACM's guide asks for one; whether ACM looks is not documented.",
            refused=False,
        )
    access = extension_value(leaf, x509.AuthorityInformationAccess) or ()
    for each in access:
        url = str(each.access_location.value)
        if each.access_method == AuthorityInformationAccessOID.OCSP and (
            len(url) > _LONGEST_OCSP_URL
        ):
            yield Finding(
                Cause.OCSP_URL,
                f"The OCSP URL has {len(url):,} characters; ACM takes {_LONGEST_OCSP_URL:,}.",
                "Have it issued with a shorter one.",
            )


def _names(certificate: x509.Certificate) -> set[str]:
    """Return the domain names and IP addresses it serves, lower case."""
    alternative = extension_value(certificate, x509.SubjectAlternativeName)
    names = [str(each.value) for each in alternative or () if isinstance(each, _SERVED)]
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {
        each.lower() for each in (*names, *(str(each.value) for each in common)) if _is_name(each)
    }


def _is_name(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.removeprefix("*.").split(".")
        return len(labels) > 1 and all(map(_LABEL.fullmatch, labels))
    return True


def _of_another(leaf: x509.Certificate) -> Finding:
    return Finding(
        Cause.KEY_OF_ANOTHER,
        f"The private key is not that of {label(leaf)}.",
        "Find the key that its request was made with; no other will do.",
    )


def _about_chain(leaf: x509.Certificate, chain: tuple[x509.Certificate, ...]) -> Iterator[Finding]:
    if not chain:
        if not is_issued_by(leaf, leaf):
            issuer = name_text(leaf, "issuer")
            yield Finding(
                Cause.NO_CHAIN,
                f"There is no chain, and {label(leaf)} is not self-signed.",
                f"Give the chain: {issuer}, and what stands above it.",
            )
        return
    yield from _about_order(leaf, chain)
    ours, theirs = (key_algorithm(each.public_key()).partition("_")[0] for each in (leaf, chain[0]))
    if is_issued_by(leaf, chain[0]) and ours != theirs:
        yield Finding(
            Cause.ALGORITHM_FAMILY,
            f"The certificate's key is {ours}, that of the CA which signed it {theirs}.",
            "Have a CA of the same kind issue it.",
        )


def _about_order(leaf: x509.Certificate, chain: tuple[x509.Certificate, ...]) -> Iterator[Finding]:
    path = (leaf, *chain)
    broken = [n for n in range(len(chain)) if not is_issued_by(path[n], path[n + 1])]
    if not broken:
        if not is_issued_by(path[-1], path[-1]):
            yield Finding(
                Cause.NO_ROOT,
                f"The chain ends at {label(path[-1])}, which is no root.",
                f"ACM does without {name_text(path[-1], 'issuer')}; clients know it or do not.",
                refused=False,
            )
        return
    if leaf in chain and not is_issued_by(leaf, leaf):
        yield Finding(
            Cause.LEAF_IN_CHAIN,
            f"{label(leaf)} stands in its own chain.",
            "Leave it out; the chain begins with its issuer.",
        )
        return
    best = build_chain(leaf, chain)
    if len(best) == 1:
        yield Finding(
            Cause.FOREIGN_CHAIN
            if name_text(leaf, "issuer") in map(label, chain)
            else (Cause.MISSING_ISSUER),
            f"Nothing in the chain signed {label(leaf)}.",
            f"Add the certificate of {name_text(leaf, 'issuer')} that did.",
        )
    elif set(best[1:]) >= set(chain):
        right = ", ".join(label(each) for each in best[1:])
        yield Finding(
            Cause.CHAIN_ORDER,
            f"The chain is not in order at place {broken[0]}.",
            f"The order is {right}; sort_pem finds it.",
        )
    else:
        missing = name_text(best[-1], "issuer")
        foreign = ", ".join(label(each) for each in chain if each not in best)
        yield Finding(
            Cause.MISSING_ISSUER,
            f"The chain breaks after {label(best[-1])}: {missing} is missing.",
            f"Add it, or leave out what does not follow: {foreign}.",
        )


def _about_reimport(before: x509.Certificate, after: x509.Certificate) -> Iterator[Finding]:
    was, now = (key_algorithm(each.public_key()) for each in (before, after))
    if was != now:
        yield Finding(
            Cause.REIMPORT_KEY,
            f"The key was {was} and would be {now}.",
            "Import it as a new certificate, and change what uses the old one.",
        )
    kept = _names(before)
    if kept and not kept & _names(after):
        yield Finding(
            Cause.REIMPORT_NAMES,
            f"None of the names would remain: {', '.join(sorted(kept))}.",
            "Keep one of them, or import it as a new certificate.",
        )
    gone = _uses(before) - _uses(after) - {usage_name(ExtendedKeyUsageOID.CLIENT_AUTH)}
    if isinstance(after.public_key(), ec.EllipticCurvePublicKey):
        gone.discard(_BITS["key_encipherment"])
    if gone:
        yield Finding(
            Cause.REIMPORT_USES,
            f"These uses would be gone: {', '.join(sorted(gone))}.",
            "Have it issued with them; only clientAuth may go, and keyEncipherment of ECDSA.",
        )


def _uses(certificate: x509.Certificate) -> set[str]:
    usage = extension_value(certificate, x509.KeyUsage)
    extended = extension_value(certificate, x509.ExtendedKeyUsage) or ()
    named = {text for bit, text in _BITS.items() if usage and getattr(usage, bit)}
    return named | {usage_name(each) for each in extended}
