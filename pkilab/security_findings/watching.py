"""What is watched, and when its use is expected: the settings of a deployment, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pkilab.errors import MalformedError
from pkilab.security_findings.formats import moment
from pkilab.security_findings.severities import LABELS, Label

AUTHORITIES = "AUTHORITIES"
CEREMONIES = "CEREMONIES"
USE_SEVERITY = "USE_SEVERITY"
ALARM_SEVERITY = "ALARM_SEVERITY"


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A time in which a watched CA may be used: from ``start`` up to, and not including, ``end``.

    Raises:
        MalformedError: a time has no zone, or the end is not after the start.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if not (self.start.tzinfo and self.end.tzinfo):
            shown = f"{self.start.isoformat()}/{self.end.isoformat()}"
            raise MalformedError("a ceremony", found=shown, expected="times with a zone")
        if self.end <= self.start:
            shown = f"{self.start.isoformat()}/{self.end.isoformat()}"
            raise MalformedError("a ceremony", found=shown, expected="an end after the start")

    @classmethod
    def parse(cls, text: str) -> Ceremony:
        """Read ``START/END``, an ISO 8601 interval of two times with a zone.

        Raises:
            MalformedError: it is no such interval.
        """
        start, slash, end = text.strip().partition("/")
        if not slash:
            expected = "START/END, such as 2026-01-01T09:00:00Z/2026-01-01T12:00:00Z"
            raise MalformedError("a ceremony", found=repr(text), expected=expected)
        return cls(moment(start), moment(end))

    def __contains__(self, when: datetime) -> bool:
        return self.start <= when < self.end

    def __str__(self) -> str:
        return f"{self.start.isoformat()}/{self.end.isoformat()}"


@dataclass(frozen=True, slots=True)
class Watch:
    """Which CAs are watched for use, and what use of them means.

    Attributes:
        authorities: ARNs of the CAs whose use is reported; empty: of every CA that an event is of.
            What is done to a CA (deletion, policies ...) is reported of all.
        ceremonies: when use is expected: then it is INFORMATIONAL, at other times ``alarm``.
        use: the severity of use if there are no ceremonies at all.
        alarm: the severity of use outside of every ceremony.
    """

    authorities: frozenset[str] = frozenset()
    ceremonies: tuple[Ceremony, ...] = ()
    use: Label = "MEDIUM"
    alarm: Label = "HIGH"

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> Watch:
        """Read a function's variables; what is absent or empty has its default.

        ``AUTHORITIES`` and ``CEREMONIES`` are separated by commas, ``USE_SEVERITY`` and
        ``ALARM_SEVERITY`` are labels.

        Raises:
            MalformedError: one cannot be read.
        """
        return cls(
            authorities=frozenset(_list(variables, AUTHORITIES)),
            ceremonies=tuple(map(Ceremony.parse, _list(variables, CEREMONIES))),
            use=_label(variables, USE_SEVERITY, cls().use),
            alarm=_label(variables, ALARM_SEVERITY, cls().alarm),
        )

    def covers(self, authority: str) -> bool:
        """Whether a CA's use is reported."""
        return not self.authorities or authority in self.authorities

    def ceremony_at(self, when: datetime) -> Ceremony | None:
        """Return the first ceremony that a moment is in."""
        return next((each for each in self.ceremonies if when in each), None)

    def is_alarm(self, when: datetime) -> bool:
        """Whether there are ceremonies, and a moment is in none of them."""
        return bool(self.ceremonies) and self.ceremony_at(when) is None

    def label_at(self, when: datetime) -> Label:
        """Return how bad it is to use a watched CA at a moment."""
        if not self.ceremonies:
            return self.use
        return self.alarm if self.is_alarm(when) else "INFORMATIONAL"


def _list(variables: Mapping[str, str], name: str) -> list[str]:
    return [each.strip() for each in variables.get(name, "").split(",") if each.strip()]


def _label(variables: Mapping[str, str], name: str, otherwise: Label) -> Label:
    found = variables.get(name) or otherwise
    if found not in LABELS:
        raise MalformedError(name, found=repr(found), expected=" | ".join(LABELS))
    return found
