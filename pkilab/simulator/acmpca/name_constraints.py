"""Do the names in a certificate keep to its issuer's name constraints?

Source: RFC 5280 section 4.2.1.10. AWS enforces them since 28 October 2019 (AWS Private CA User
Guide, "Document history").
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

_WORDS: dict[type[x509.GeneralName], str] = {
    x509.DNSName: "DNS name",
    x509.RFC822Name: "Email address",
    x509.UniformResourceIdentifier: "URI",
    x509.IPAddress: "IP address",
    x509.DirectoryName: "Directory name",
    x509.OtherName: "Other name",
    x509.RegisteredID: "Registered ID",
}


def violation(constraints: x509.NameConstraints, certificate: x509.Certificate) -> str | None:
    """Return why ``certificate`` breaks ``constraints``, or ``None``.

    The CommonName is not taken for a DNS name. Names that cannot be read break every constraint.
    """
    try:
        names = list(_names(certificate))
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return "Name Constraints violation: the names of the certificate cannot be read."
    for name in names:
        word = _WORDS[type(name)]
        if _any_match(name, _of_kind(constraints.excluded_subtrees, name)):
            return f"Name Constraints violation: {word} found in an excluded subtree."
        permitted = list(_of_kind(constraints.permitted_subtrees, name))
        if permitted and not _any_match(name, permitted):
            return f"Name Constraints violation: {word} not found in a permitted subtree."
    return None


def _names(certificate: x509.Certificate) -> Iterator[x509.GeneralName]:
    if certificate.subject.rdns:
        yield x509.DirectoryName(certificate.subject)
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        yield x509.RFC822Name(str(attribute.value))
    try:
        yield from certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return


def _of_kind(
    subtrees: Iterable[x509.GeneralName] | None, name: x509.GeneralName
) -> Iterator[x509.GeneralName]:
    return (base for base in subtrees or () if type(base) is type(name))


def _any_match(name: x509.GeneralName, bases: Iterable[x509.GeneralName]) -> bool:
    return any(_within(name.value, base.value, type(name)) for base in bases)


def _within(value: object, base: object, kind: type[x509.GeneralName]) -> bool:
    """Say whether a name lies in the subtree of ``base``, a name of the same kind."""
    if isinstance(value, x509.Name) and isinstance(base, x509.Name):
        return [_folded(rdn) for rdn in value.rdns[: len(base.rdns)]] == [
            _folded(rdn) for rdn in base.rdns
        ]
    if isinstance(base, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value in base
    if isinstance(value, str) and isinstance(base, str):
        value, base = value.lower(), base.lower()
        if kind is x509.DNSName:
            return not base or value == base or value.endswith("." + base.removeprefix("."))
        if kind is x509.RFC822Name and "@" in base:
            return value == base
        host = value.rpartition("@")[2] if kind is x509.RFC822Name else _host(value)
        return host.endswith(base) if base.startswith(".") else host == base
    return value == base


def _host(uri: str) -> str:
    try:
        return urlsplit(uri).hostname or ""
    except ValueError:
        return ""


def _folded(rdn: x509.RelativeDistinguishedName) -> frozenset[tuple[str, str]]:
    """Compare as RFC 5280 section 7.1 asks: without case and surplus blanks."""
    return frozenset(
        (attribute.oid.dotted_string, " ".join(str(attribute.value).split()).casefold())
        for attribute in rdn
    )
