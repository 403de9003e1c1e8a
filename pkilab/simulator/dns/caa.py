"""Which CA may issue for a name: a domain's CAA records, and how an issuer reads them. Pure.

Source: RFC 8659, sections 3 and 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_CRITICAL = 0x80
_KNOWN = ("issue", "issuewild", "iodef")
_LABEL = r"[A-Za-z0-9](?:-*[A-Za-z0-9])*"
# RFC 8659, section 4.2: an issuer's domain or none, then parameters after a semicolon.
_VALUE = re.compile(
    rf"[ \t]*(?P<issuer>{_LABEL}(?:\.{_LABEL})*)?[ \t]*(?:;(?P<parameters>.*))?", re.DOTALL
)
_PARAMETER = re.compile(rf"[ \t]*({_LABEL})[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e]*)[ \t]*")


@dataclass(frozen=True, slots=True)
class CaaRecord:
    """One CAA record, as DNS carries it."""

    flags: int
    tag: str
    value: str

    @property
    def critical(self) -> bool:
        """Whether an issuer that does not know the tag must not issue."""
        return bool(self.flags & _CRITICAL)

    @property
    def issuer(self) -> str | None:
        """The issuer's domain, in lower case; None: no one's, or the value is malformed."""
        read = self._read()
        return read[0] if read else None

    @property
    def parameters(self) -> dict[str, str]:
        """What the issuer is told besides. What it means is for the issuer to say."""
        read = self._read()
        return read[1] if read else {}

    def _read(self) -> tuple[str | None, dict[str, str]] | None:
        found = _VALUE.fullmatch(self.value)
        if found is None:
            return None
        text = (found["parameters"] or "").strip(" \t")
        parts = [_PARAMETER.fullmatch(part) for part in text.split(";")] if text else []
        pairs = {part[1].lower(): part[2] for part in parts if part}
        if len(parts) != sum(part is not None for part in parts):
            return None
        return (found["issuer"] or "").lower() or None, pairs

    def __str__(self) -> str:
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.flags} {self.tag} "{quoted}"'


@dataclass(frozen=True, slots=True)
class CaaSet:
    """The CAA records that apply to a name, found by climbing from it towards the root.

    ``rcode`` is NOERROR, or what made the climb fail: then nothing is known, and an issuer must
    not take that for a permission.
    """

    name: str  # whose records were wanted, without a wildcard's asterisk
    owner: str  # where they are; empty: nowhere
    records: tuple[CaaRecord, ...]
    rcode: str = "NOERROR"


@dataclass(frozen=True, slots=True)
class CaaVerdict:
    """Whether an issuer may issue, and the record that decides, if one does."""

    record: CaaRecord | None
    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


def allows(found: CaaSet, issuers: Iterable[str], *, wildcard: bool) -> CaaVerdict:
    """Decide whether an issuer may issue for the name that a set applies to.

    Not checked: parameters, such as ``accounturi``, whose meaning is the issuer's own.

    Args:
        found: as `Resolver.caa` returns it.
        issuers: the domains by which the issuer is named in CAA records.
        wildcard: whether the certificate is for ``*.`` and the name.
    """
    own = {issuer.lower().rstrip(".") for issuer in issuers}
    if found.rcode != "NOERROR":
        return CaaVerdict(
            None, allowed=False, reason=f"the CAA lookup of {found.name} failed: {found.rcode}"
        )
    unknown = [each for each in found.records if each.critical and each.tag.lower() not in _KNOWN]
    if unknown:
        reason = f"{found.owner} has a critical record of the unknown tag {unknown[0].tag}"
        return CaaVerdict(unknown[0], allowed=False, reason=reason)
    decisive = _tagged(found, "issue")
    if wildcard:  # issuewild, where there is any, replaces issue
        decisive = _tagged(found, "issuewild") or decisive
    if not decisive:
        reason = f"no CAA record restricts who issues for {found.name}"
        return CaaVerdict(None, allowed=True, reason=reason)
    for each in decisive:
        if each.issuer in own:
            return CaaVerdict(
                each, allowed=True, reason=f"{found.owner} allows {each.issuer}: {each}"
            )
    named = sorted({each.issuer for each in decisive if each.issuer}) or ["no one"]
    return CaaVerdict(
        decisive[0], allowed=False, reason=f"{found.owner} allows {', '.join(named)} only"
    )


def _tagged(found: CaaSet, tag: str) -> list[CaaRecord]:
    return [each for each in found.records if each.tag.lower() == tag]
