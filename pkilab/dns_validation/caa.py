"""Whether a domain's CAA records let Amazon issue (RFC 8659)."""

from __future__ import annotations

import re

from pkilab.dns_validation.findings import Cause, Finding
from pkilab.dns_validation.lookups import LookUp
from pkilab.dns_validation.zones import ancestors, plain

# ACM User Guide, "Certification Authority Authorization (CAA) problems": any one of them will do.
AMAZON = frozenset({"amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"})
_RECORD = re.compile(r'(\d+)\s+([A-Za-z0-9]+)\s+"(.*)"', re.DOTALL)
_CRITICAL = 128
_KNOWN = frozenset({"issue", "issuewild", "iodef", "contactemail", "contactphone"})


def check_caa(domain: str, resolve: LookUp) -> Finding | None:
    """Say what in CAA forbids a certificate of Amazon's for a domain; None: nothing.

    The records of the closest name that has any apply, itself first; a wildcard is ruled by
    ``issuewild`` where there is one. Not checked: parameters after the issuer, such as
    ``accounturi``.

    Raises:
        LabError: nobody answers.
    """
    for owner in ancestors(domain.removeprefix("*.")):
        answer = resolve(owner, "CAA")
        if answer.rcode not in {"NOERROR", "NXDOMAIN"}:
            return Finding(
                domain,
                Cause.CAA_UNREADABLE,
                f"The CAA records of {plain(owner)} cannot be looked up: {answer.rcode}.",
                "Until they can, no CA may issue. Mend the zone's delegation or its server.",
            )
        if answer.values:
            return _judge(domain, owner, answer.values)
    return None


def _judge(domain: str, owner: str, values: tuple[str, ...]) -> Finding | None:
    records = [(text, *_read(text)) for text in values]
    for text, flags, tag, _ in records:
        if flags & _CRITICAL and tag not in _KNOWN:
            return _forbidden(domain, owner, [text], "Remove it: nobody knows this tag.")
    deciding = [each for each in records if each[2] == "issue"]
    if domain.startswith("*."):
        deciding = [each for each in records if each[2] == "issuewild"] or deciding
    if not deciding or any(issuer in AMAZON for *_, issuer in deciding):
        return None
    tag = deciding[0][2]
    remedy = f'Add to {plain(owner)}: CAA 0 {tag} "amazon.com".'
    return _forbidden(domain, owner, [each[0] for each in deciding], remedy)


def _forbidden(domain: str, owner: str, texts: list[str], remedy: str) -> Finding:
    sentence = f"CAA at {plain(owner)} does not name Amazon as an issuer: {', '.join(texts)}."
    return Finding(domain, Cause.CAA_FORBIDS, sentence, remedy)


def _read(text: str) -> tuple[int, str, str]:
    """Return flags, tag and issuer; what cannot be read allows nobody."""
    found = _RECORD.fullmatch(text)
    if found is None:
        return 0, "issue", ""
    return int(found[1]), found[2].lower(), found[3].partition(";")[0].strip().lower()
