"""The authorizer's configuration: environment variables in, one frozen value out.

| Variable | Meaning | Default |
|---|---|---|
| ISSUERS_PEM or ISSUERS_URI | the CA certificates that may have issued clients: PEM, or the s3, http or https URL of a PEM file | required |
| SOURCE | ``crl`` or ``ocsp`` | ``crl`` |
| CRL_URL, OCSP_URL | ask these instead of what the certificate names; several are separated by blanks | none |
| ALLOWED_HOSTS | the only hosts, or host:port, whose URLs in certificates are followed | any public name |
| ON_UNAVAILABLE | ``deny`` or ``allow`` a certificate whose status cannot be had | ``deny`` |
| PINNED_SUBJECTS, PINNED_ISSUERS | RFC 4514 names or SHA-256 fingerprints, separated by ``;`` or lines | none |
| RESPONSE | ``simple`` or ``iam``, of payload 2.0; 1.0 knows policies only | ``simple`` |
| NONCE | ``optional``: sent, and the same if it comes back; ``required``; ``none`` | ``optional`` |
| REFRESH_SECONDS | how old a list or an answer may become before a newer one is asked for | 900, OCSP 300 |
| RETRY_SECONDS | how long a failure is remembered | 30 |
| TIMEOUT_SECONDS, MAX_BYTES | of one fetch | 3, 33554432 |

An empty variable counts as absent.
"""  # noqa: E501 - a table

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pkilab.errors import MalformedError
from pkilab.pki import names
from pkilab.templates.revocation_authorizer.fetching import shown

_FINGERPRINT = re.compile(r"(?:sha-?256[:=])?([0-9a-f]{2}(?::?[0-9a-f]{2}){31})", re.IGNORECASE)
_BETWEEN_PINS = re.compile(r"(?<!\\)[;\n]")  # an escaped semicolon belongs to a name


@dataclass(frozen=True, slots=True)
class Pins:
    """Names (RFC 4514 text, compared exactly) and SHA-256 fingerprints (hex). Empty admits all."""

    names: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()

    def admit(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate is pinned, by its subject or by itself."""
        return (
            not (self.names or self.fingerprints)
            or names.to_text(certificate.subject) in self.names
            or certificate.fingerprint(hashes.SHA256()).hex() in self.fingerprints
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration; the module's table says what each means. Exactly one of the first two."""

    issuers_pem: str
    issuers_uri: str
    by_ocsp: bool
    urls: tuple[str, ...]
    allowed_hosts: frozenset[str]
    allow_unavailable: bool
    subjects: Pins
    issuers: Pins
    nonce: str
    refresh: timedelta
    retry: timedelta
    timeout_seconds: float
    most_bytes: int


def read(environment: Mapping[str, str]) -> Settings:
    """Read the configuration; the issuers are not fetched or read yet.

    Raises:
        MalformedError: a variable has no value this authorizer understands, or is missing.
    """
    issuers_pem, issuers_uri = (
        environment.get(name, "").strip() for name in ("ISSUERS_PEM", "ISSUERS_URI")
    )
    if bool(issuers_pem) == bool(issuers_uri):
        raise MalformedError(
            "ISSUERS_PEM, ISSUERS_URI",
            found="both" if issuers_pem else "neither",
            expected="exactly one",
        )
    _word(environment, "RESPONSE", "simple", "iam")
    by_ocsp = _word(environment, "SOURCE", "crl", "ocsp") == "ocsp"
    return Settings(
        issuers_pem=issuers_pem,
        issuers_uri=_url("ISSUERS_URI", issuers_uri) if issuers_uri else "",
        by_ocsp=by_ocsp,
        urls=_urls(environment, "OCSP_URL", {"http", "https"})
        if by_ocsp
        else _urls(environment, "CRL_URL"),
        allowed_hosts=frozenset(environment.get("ALLOWED_HOSTS", "").lower().split()),
        allow_unavailable=_word(environment, "ON_UNAVAILABLE", "deny", "allow") == "allow",
        subjects=_pins(environment, "PINNED_SUBJECTS"),
        issuers=_pins(environment, "PINNED_ISSUERS"),
        nonce=_word(environment, "NONCE", "optional", "required", "none"),
        refresh=_seconds(environment, "REFRESH_SECONDS", "300" if by_ocsp else "900"),
        retry=_seconds(environment, "RETRY_SECONDS", "30"),
        timeout_seconds=_number(environment, "TIMEOUT_SECONDS", "3", most=30),
        most_bytes=_number(environment, "MAX_BYTES", "33554432", most=1 << 30),
    )


def wants_simple(environment: Mapping[str, str]) -> bool:
    """Whether payload 2.0 gets a simple response; also where the rest cannot be read."""
    return environment.get("RESPONSE", "").strip().lower() != "iam"


def _word(environment: Mapping[str, str], name: str, *words: str) -> str:
    """Return the value of a variable that is one of ``words``, the first by default."""
    found = environment.get(name, "").strip().lower() or words[0]
    if found not in words:
        raise MalformedError(name, found=found, expected=" or ".join(words))
    return found


def _number(environment: Mapping[str, str], name: str, default: str, *, most: int) -> int:
    found = environment.get(name, "").strip() or default
    if not re.fullmatch(r"[0-9]{1,10}", found) or not 1 <= int(found) <= most:
        raise MalformedError(name, found=found, expected=f"a whole number from 1 to {most}")
    return int(found)


def _seconds(environment: Mapping[str, str], name: str, default: str) -> timedelta:
    return timedelta(seconds=_number(environment, name, default, most=31 * 86_400))


def _urls(
    environment: Mapping[str, str], name: str, schemes: set[str] | None = None
) -> tuple[str, ...]:
    return tuple(_url(name, each, schemes) for each in environment.get(name, "").split())


def _url(name: str, url: str, schemes: set[str] | None = None) -> str:
    allowed = schemes or {"http", "https", "s3"}
    try:
        parts = urlsplit(url)
        if parts.scheme in allowed and parts.hostname and "@" not in parts.netloc:
            return url
    except ValueError:
        pass
    raise MalformedError(name, found=shown(url), expected=f"a URL of {', '.join(sorted(allowed))}")


def _pins(environment: Mapping[str, str], name: str) -> Pins:
    given = environment.get(name, "").strip()
    pins = [each.strip() for each in _BETWEEN_PINS.split(given) if each.strip()]
    if given and not pins:
        raise MalformedError(name, found=given, expected="names or fingerprints")
    matches = {each: _FINGERPRINT.fullmatch(each) for each in pins}
    return Pins(
        names=frozenset(_name(name, each) for each, match in matches.items() if not match),
        fingerprints=frozenset(
            match[1].replace(":", "").lower() for match in matches.values() if match
        ),
    )


def _name(variable: str, text: str) -> str:
    """Return a name in the one spelling of `names.to_text`; it is written most specific first."""
    try:
        return names.to_text(x509.Name(reversed(names.subject(text).rdns)))
    except MalformedError as error:
        raise MalformedError(
            variable, found=error.found, expected="RFC 4514 names or SHA-256 fingerprints"
        ) from None
