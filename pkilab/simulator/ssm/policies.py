"""Parameter policies of advanced parameters: what they say and when they fall due.

Sources: User Guide, "Assigning parameter policies in Parameter Store"; API Reference, PutParameter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pkilab.simulator.service import AwsError

MOST = 10
_UNITS = {"days": "days", "hours": "hours"}
_ATTRIBUTES = {
    "Expiration": {"Timestamp"},
    "ExpirationNotification": {"Before", "Unit"},
    "NoChangeNotification": {"After", "Unit"},
}


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy of a parameter."""

    type: str
    text: str  # as it was given, on its own
    due_at: datetime
    status: Literal["Pending", "Finished"] = "Pending"

    def listed(self) -> dict[str, str]:
        """Return a ParameterInlinePolicy."""
        return {"PolicyText": self.text, "PolicyType": self.type, "PolicyStatus": self.status}

    def finished(self) -> Policy:
        """Return the policy after it did what it says."""
        return replace(self, status="Finished")


def read_policies(text: str, changed_at: datetime) -> tuple[Policy, ...]:
    """Read PutParameter's member Policies.

    Args:
        text: a JSON array; an empty one takes all policies away.
        changed_at: when the parameter was changed last: now.

    Raises:
        AwsError: InvalidPolicyTypeException, InvalidPolicyAttributeException,
            PoliciesLimitExceededException; IncompatiblePolicyException, two that expire, or a
            notice of an expiry that there is not.
    """
    if not text.strip():
        return ()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise _wrong("it is not JSON") from problem
    if not isinstance(document, list):
        raise _wrong("it is not a JSON array")
    if len(document) > MOST:
        raise AwsError(
            "PoliciesLimitExceededException",
            "You specified more than the maximum number of allowed policies for the parameter. The "
            f"maximum is {MOST}.",
        )
    kinds = [_kind(each) for each in document]
    if kinds.count("Expiration") > 1:
        raise AwsError(
            "IncompatiblePolicyException",
            "There is a conflict in the policies specified for this parameter. You can't, for "
            "example, specify two Expiration policies for a parameter.",
        )
    if "ExpirationNotification" in kinds and "Expiration" not in kinds:
        raise AwsError(
            "IncompatiblePolicyException",
            "An ExpirationNotification policy requires an Expiration policy.",
        )
    expires = changed_at
    for each, kind in zip(document, kinds, strict=True):
        if kind == "Expiration":
            expires = _moment(each["Attributes"]["Timestamp"])
    return tuple(
        Policy(kind, json.dumps(each, separators=(",", ":")), _due(each, kind, expires, changed_at))
        for each, kind in zip(document, kinds, strict=True)
    )


def renewed(policies: tuple[Policy, ...], changed_at: datetime) -> tuple[Policy, ...]:
    """Return the policies of a parameter that was changed: notices of no change wait anew."""
    if not policies:
        return ()
    read = read_policies(f"[{','.join(each.text for each in policies)}]", changed_at)
    return tuple(
        new if new.type == "NoChangeNotification" else old
        for old, new in zip(policies, read, strict=True)
    )


def _kind(policy: object) -> str:
    kind = policy.get("Type") if isinstance(policy, Mapping) else None
    if not isinstance(kind, str) or kind not in _ATTRIBUTES:
        raise AwsError(
            "InvalidPolicyTypeException",
            "The policy type isn't supported. Parameter Store supports the following policy "
            "types: Expiration, ExpirationNotification, and NoChangeNotification.",
        )
    assert isinstance(policy, Mapping)  # noqa: S101 - or it would have no type
    attributes = policy.get("Attributes")
    if policy.get("Version") != "1.0":
        raise _wrong("Version must be 1.0")
    if not isinstance(attributes, Mapping) or set(attributes) != _ATTRIBUTES[kind]:
        raise _wrong(f"{kind} has the attributes {', '.join(sorted(_ATTRIBUTES[kind]))}")
    return kind


def _due(policy: Any, kind: str, expires: datetime, changed_at: datetime) -> datetime:  # noqa: ANN401 - JSON
    attributes = policy["Attributes"]
    if kind == "Expiration":
        return expires
    if kind == "ExpirationNotification":
        return expires - _span(attributes["Before"], attributes["Unit"])
    return changed_at + _span(attributes["After"], attributes["Unit"])


def _moment(text: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError as problem:
        raise _wrong("Timestamp must be an ISO 8601 instant") from problem
    if found.tzinfo is None:
        raise _wrong("Timestamp must name its time zone")
    return found.astimezone(UTC)


def _span(count: object, unit: object) -> timedelta:
    known = _UNITS.get(str(unit).lower())
    number = str(count)
    if known is None or not (number.isascii() and number.isdigit() and 0 < int(number) <= 99_999):  # noqa: PLR2004 - far beyond what a parameter lives
        raise _wrong("a number of Days or Hours is needed")
    return timedelta(**{known: int(number)})


def _wrong(trouble: str) -> AwsError:
    return AwsError(
        "InvalidPolicyAttributeException",
        f"A policy attribute or its value is invalid: {trouble}.",
    )
