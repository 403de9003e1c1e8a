"""Domain names that a certificate can be requested for. Pure.

Sources: ACM API Reference, RequestCertificate; ACM User Guide, "ACM certificate characteristics"
and "Certificate request fails".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pkilab.simulator.service import AwsError

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_AMAZONS = ("amazonaws.com", "cloudfront.net", "elasticbeanstalk.com")
_LONGEST_FIRST_NAME = 64  # octets: it is the common name, too
_LONGEST_NAME = 253
# Top-level domains that are nobody's on the public Internet (RFC 6761, RFC 7686, RFC 9476; ICANN).
# "example" and "test" are, too; in a world they stand for public domains.
_NOT_PUBLIC = {"alt", "arpa", "internal", "invalid", "local", "localhost", "onion"}


def read(wanted: Iterable[str], *, public: bool) -> tuple[str, ...]:
    """Return names in lower case, each once, having checked them.

    Args:
        wanted: the domain name first; as the model's pattern lets them through.
        public: whether the certificate is to be trusted by the public.

    Raises:
        AwsError: InvalidParameterException; a name is malformed, too long or Amazon's own.
    """
    names = tuple(dict.fromkeys(name.lower().rstrip(".") for name in wanted))
    for name in names:
        _check(name, public=public)
    if len(names[0]) > _LONGEST_FIRST_NAME:
        message = f"The first domain name has at most {_LONGEST_FIRST_NAME} characters"
        raise _refused(f"{message}: found {len(names[0])}")
    return names


def is_same_or_above(domain: str, name: str) -> bool:
    """Whether a domain is a name or one of its superdomains; a wildcard is below its domain."""
    domain, name = (each.lower().rstrip(".") for each in (domain, name))
    return name == domain or name.endswith(f".{domain}")


def is_public(name: str) -> bool:
    """Whether a name may lie below a public top-level domain."""
    top = name.rpartition(".")[2]
    return top not in _NOT_PUBLIC and not top.isdigit()


def _check(name: str, *, public: bool) -> None:
    labels = name.removeprefix("*.").split(".")
    if len(labels) < 2 or len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):  # noqa: PLR2004 - a dot
        raise _refused(f"The domain name is not valid: {name}")
    if not all(map(_is_punycode, labels)):
        raise _refused(f"The domain name has a label that is not valid Punycode: {name}")
    if public and any(is_same_or_above(each, name) for each in _AMAZONS):
        raise _refused(f"{name} is Amazon's own: it is not allowed")


def _is_punycode(label: str) -> bool:
    """Whether a label with hyphens in its third and fourth place is an A-label that decodes."""
    if label[2:4] != "--":
        return True
    try:
        return label.startswith("xn--") and bool(label[4:].encode().decode("punycode"))
    except UnicodeError:
        return False


def _refused(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
