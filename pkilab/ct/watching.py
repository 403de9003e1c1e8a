"""Which certificates concern an owner of names: what a monitor looks for, and whom it believes.

Names are compared as A-labels in lower case. A certificate concerns a watched name if it is for
the name itself, for a name below it, or for a wildcard that covers it (RFC 6125: a whole left-most
label). Looked at are the DNS names of the subject alternative names, and common names.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pkilab.ct import _tbs
from pkilab.errors import MalformedError
from pkilab.pki.certificates import extension_value

_MOST_NAME, _MOST_LABEL = 253, 63  # octets; RFC 1035, 2.3.4
_ACE = "xn--"


@dataclass(frozen=True, slots=True)
class Expected:
    """What an owner knows of already.

    A certificate is expected if any of these says so. An issuer's name is the weakest of them: a
    CA that misbehaves may use any name.

    Args:
        issuer_names: distinguished names as RFC 4514 writes them (`pkilab.pki.names.to_text`).
        issuer_keys: SHA-256 of issuers' SubjectPublicKeyInfo, 32 bytes each.
        certificates: SHA-256 of certificates or precertificates, 32 bytes each; or of a
            TBSCertificate without poison and SCT list, which the two have in common.
    """

    issuer_names: frozenset[str] = frozenset()
    issuer_keys: frozenset[bytes] = frozenset()
    certificates: frozenset[bytes] = frozenset()

    @classmethod
    def of(
        cls,
        *,
        issuers: Iterable[x509.Certificate] = (),
        certificates: Iterable[x509.Certificate] = (),
    ) -> Expected:
        """Expect what these CAs' keys sign, and these certificates with their precertificates.

        Raises:
            MalformedError: one cannot be cut into its parts.
        """
        known = tuple(certificates)
        hashes = (sha256(each.public_bytes(Encoding.DER)).digest() for each in known)
        return cls(
            issuer_keys=frozenset(map(_tbs.key_hash, issuers)),
            certificates=frozenset((*hashes, *map(common_hash, known))),
        )


class Watchlist:
    """The names that somebody watches.

    Args:
        names: DNS names, as A-labels or U-labels. A leading ``*.`` means the same as the name.

    Raises:
        MalformedError: no name, or one that is no DNS name.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(each for name in names for each in a_labels(name)))
        if not self.names:
            raise MalformedError("watchlist", found="no name", expected="at least one")
        needles = {each for name in self.names for each in _needles(name)}
        # Whoever finds a needle inside another needs not look for the other.
        self._needles = tuple(
            sorted(each for each in needles if not any(other in each for other in needles - {each}))
        )

    def is_mentioned(self, data: bytes) -> bool:
        """Whether DER, of one certificate or of many, may hold a name that concerns a watched one.

        False is certain of DNS names, which are ASCII: the name would be there, in one of the
        encodings of X.520 and RFC 5280. Letters beyond ASCII, in common names, are found all small
        or all large and composed; other spellings (decomposed, full-width, an ideographic full
        stop) are not, and no client takes them for the name. True only says that it is worth
        looking.
        """
        # Without its zero bytes, ASCII in UTF-16 or UTF-32 is ASCII.
        plain = data.lower().replace(b"\0", b"")
        return any(needle in plain for needle in self._needles)

    def concerned(self, name: str) -> tuple[str, ...]:
        """Return the watched names that a name in a certificate concerns."""
        try:
            given = a_labels(name, wildcard=True)
        except MalformedError:
            given = (name.lower().rstrip("."),)
        return tuple(dict.fromkeys(found for each in given for found in self._concerned(each)))

    def _concerned(self, name: str) -> Iterable[str]:
        labels = name.split(".")
        above = {".".join(labels[start:]) for start in range(len(labels))}
        yield from (each for each in self.names if each in above)
        if labels[0] == "*":
            base = ".".join(labels[1:])
            yield from (each for each in self.names if each.partition(".")[2] == base)


def common_hash(certificate: x509.Certificate) -> bytes:
    """Return what a certificate and its precertificate have in common.

    It is the SHA-256 of the TBSCertificate without SCT list.

    Raises:
        MalformedError: it cannot be cut into its parts.
    """
    return sha256(_tbs.without(certificate, _tbs.SCT_LIST)).digest()


def a_labels(name: str, *, wildcard: bool = False) -> tuple[str, ...]:
    """Return a DNS name in lower case with A-labels.

    IDNA 2003 and 2008 give a few names (with German sharp s, say) two different forms; both are
    returned then. Not checked: whether a registry would allow the name.

    Args:
        name: A-labels, U-labels or a mixture; a final dot does not matter.
        wildcard: leave a left-most ``*`` where it is; otherwise it is dropped.

    Raises:
        MalformedError: a label is empty, too long or cannot be a label.
    """
    text = unicodedata.normalize("NFKC", name).lower().rstrip(".")
    star = text.startswith("*.")
    labels = text.removeprefix("*.").split(".")
    try:
        made = [
            ".".join(label.encode("idna").decode() for label in labels),
            ".".join(label if label.isascii() else _punycode(label) for label in labels),
        ]
    except UnicodeError as error:
        raise MalformedError("DNS name", found=repr(name), expected=f"labels ({error})") from None
    for each in made:
        parts = each.split(".")
        fitting = all(0 < len(part) <= _MOST_LABEL and "*" not in part for part in parts)
        if not fitting or len(each) > _MOST_NAME:
            raise MalformedError("DNS name", found=repr(name), expected="labels of 1 to 63 octets")
    prefix = "*." if star and wildcard else ""
    return tuple(dict.fromkeys(prefix + each for each in made))


def dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names of a certificate's alternative names, and its common names.

    Raises:
        Exception: one of `pkilab.pki.certificates.UNREADABLE`, if it cannot be read.
    """
    alternative = extension_value(certificate, x509.SubjectAlternativeName)
    names = list(alternative.get_values_for_type(x509.DNSName)) if alternative else []
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return tuple(dict.fromkeys([*names, *(str(each.value) for each in common)]))


def _punycode(label: str) -> str:
    return _ACE + unicodedata.normalize("NFC", label).encode("punycode").decode()


def _needles(name: str) -> Iterable[bytes]:
    """Yield what stands in a certificate that concerns a name, in lower case, without zeros."""
    parent = name.partition(".")[2]
    for text in {name, f"*.{parent}"} if parent else {name}:
        for form in {text, _u_labels(text), _u_labels(text).upper()}:
            for encoding in ("utf-8", "utf-16-be", "utf-32-be", "latin-1"):
                with suppress(UnicodeEncodeError):  # T61String, read as Latin 1, lacks letters
                    yield form.encode(encoding).lower().replace(b"\0", b"")


def _u_labels(name: str) -> str:
    labels = []
    for label in name.split("."):
        try:
            labels.append(label[4:].encode().decode("punycode") if label[:4] == _ACE else label)
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)
