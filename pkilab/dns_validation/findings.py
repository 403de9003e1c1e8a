"""Why a domain is not validated, in a word, a sentence and a remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What keeps a certificate from being issued or renewed."""

    JUST_REQUESTED = "just requested"
    RECORD_ABSENT = "record absent"
    RECORD_REMOVED = "record removed"
    NOT_YET_SERVED = "not yet served"
    WRONG_ZONE = "wrong zone"
    PRIVATE_ZONE = "private zone"
    NO_DELEGATION = "no delegation"
    BROKEN_DELEGATION = "broken delegation"
    NAME_DOUBLED = "name doubled"
    WRONG_NAME = "wrong name"
    WRONG_VALUE = "wrong value"
    NOT_A_CNAME = "not a CNAME"
    TOO_MANY_ALIASES = "too many aliases"
    CAA_FORBIDS = "CAA forbids"
    CAA_UNREADABLE = "CAA unreadable"
    TIMED_OUT = "timed out"
    EMAIL_VALIDATION = "e-mail validation"
    NOT_IN_USE = "not in use"
    PRIVATE_CA = "private CA"
    REFUSED = "refused"
    ENDED = "ended"
    CANNOT_LOOK = "cannot look"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one domain of a certificate.

    Attributes:
        domain: as in the certificate.
        cause: None: nothing stands in the way.
        sentence: what was seen.
        remedy: what to do; empty if nothing.
    """

    domain: str
    cause: Cause | None
    sentence: str
    remedy: str = ""

    def __repr__(self) -> str:
        head = f"{self.domain}: " + (f"{self.cause.value}. " if self.cause else "")
        return f"{head}{self.sentence} {self.remedy}".rstrip()
