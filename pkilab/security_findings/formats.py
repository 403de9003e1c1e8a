"""The scalars of the AWS Security Finding Format: times, texts and types of findings.

Source: AWS Security Hub API Reference, AwsSecurityFinding; User Guide, "Types taxonomy for ASFF".
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field, Strict, StringConstraints, ValidationInfo

from pkilab.errors import MalformedError

LONGEST_ID = 512
_FARTHEST = timedelta(hours=18)  # of a zone from UTC
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d(:?\d\d)?)", re.ASCII)
TAXONOMY: dict[str, frozenset[str]] = {
    "Software and Configuration Checks": frozenset({
        "Vulnerabilities", "AWS Security Best Practices", "Industry and Regulatory Standards",
        "Patch Management",
    }),
    "TTPs": frozenset({
        "Initial Access", "Execution", "Persistence", "Privilege Escalation", "Defense Evasion",
        "Credential Access", "Discovery", "Lateral Movement", "Collection", "Command and Control",
    }),
    "Effects": frozenset({
        "Data Exposure", "Data Exfiltration", "Data Destruction", "Denial of Service",
        "Resource Consumption",
    }),
    "Unusual Behaviors": frozenset({
        "Application", "Network Flow", "IP address", "User", "VM", "Container", "Serverless",
        "Process", "Database", "Data",
    }),
    "Sensitive Data Identifications": frozenset({
        "PII", "Passwords", "Legal", "Financial", "Security", "Business",
    }),
}  # fmt: skip

ANYBODYS = "anybody's"  # the context in which types outside of the taxonomy are kept


@lru_cache(maxsize=64)  # a finding says the same time up to five times
def moment(text: str) -> datetime:
    """Read a time of a finding, or of an event; beyond microseconds it is cut off.

    Raises:
        MalformedError: it is no RFC 3339 time, with a zone of at most 18 hours.
    """
    if _TIME.fullmatch(text):
        try:
            read = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
        except ValueError:
            read = None
        if read and abs(read.utcoffset() or timedelta()) <= _FARTHEST:
            return read
    raise MalformedError(
        "a time", found=repr(text), expected="RFC 3339 with a zone, such as 2026-01-01T00:00:00Z"
    )


def _timestamp(text: str) -> str:
    moment(text)
    return text


def _finding_type(text: str, info: ValidationInfo) -> str:
    if info.context == ANYBODYS:  # the taxonomy is recommended; the service asks for the form
        return text
    namespace, *rest = text.split("/", 2)
    if namespace not in TAXONOMY:
        raise MalformedError("Types", found=repr(text), expected=" | ".join(TAXONOMY))
    if rest and rest[0] not in TAXONOMY[namespace]:
        known = " | ".join(sorted(TAXONOMY[namespace]))
        raise MalformedError("Types", found=repr(text), expected=f"{namespace}/({known})")
    return text


Text = Annotated[str, Strict(), StringConstraints(min_length=1, pattern=r"\S")]
Timestamp = Annotated[str, Strict(), AfterValidator(_timestamp)]
FindingType = Annotated[str, Strict(), AfterValidator(_finding_type)]
Ratio = Annotated[int, Strict(), Field(ge=0, le=100)]
Arn = Annotated[str, Strict(), StringConstraints(min_length=12, max_length=2048, pattern="^arn:")]
Text16 = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=16, pattern=r"\S")]
Text50 = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=50, pattern=r"\S")]
Text64 = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=64, pattern=r"\S")]
Text128 = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=128, pattern=r"\S")]
Text256 = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=256, pattern=r"\S")]
Text512 = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=512, pattern=r"\S")]
Text1024 = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=1024, pattern=r"\S")]
Text2048 = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=2048, pattern=r"\S")]
OtherKey = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=127, pattern=r"\S")]
OtherText = Annotated[
    str, Strict(), StringConstraints(min_length=1, max_length=1023, pattern=r"\S")
]
Account = Annotated[str, Strict(), StringConstraints(pattern=r"^[0-9]{12}$")]
Types = Annotated[tuple[FindingType, ...], Field(max_length=50)]
ProductFields = Annotated[dict[Text128, Text2048], Field(max_length=50)]
UserDefinedFields = Annotated[dict[Text128, Text1024], Field(max_length=50)]
OtherDetails = Annotated[dict[OtherKey, OtherText], Field(max_length=50)]
