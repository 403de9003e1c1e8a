"""EventBridge's events, read: the envelope, and what CloudTrail says of a call in one.

Source: Amazon EventBridge Events Reference, "AWS service event metadata" and "AWS service events
delivered via AWS CloudTrail"; AWS Private CA User Guide, "Monitor AWS Private CA with CloudWatch
Events"; ACM User Guide, "Amazon EventBridge support for ACM".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pkilab.errors import MalformedError
from pkilab.security_findings.formats import moment

Json = dict[str, Any]

API_CALL = "AWS API Call via CloudTrail"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call to a service, as CloudTrail has it in an event's detail.

    Attributes:
        name: the operation.
        source: the service, such as ``acm-pca.amazonaws.com``.
        id: CloudTrail's, the same wherever the event is delivered.
        error: the error's code; empty: it was done.
        who: ARN of the caller, or what there is of one.
        address: where the caller was.
        request: its parameters.
        response: what it answered.
    """

    name: str
    source: str
    id: str
    error: str
    who: str
    address: str
    request: Mapping[str, Any] = field(repr=False)
    response: Mapping[str, Any] = field(repr=False)

    @property
    def authority(self) -> str:
        """ARN of the CA that a call to Private CA is about; empty if it names none."""
        places = (
            self.request.get("certificateAuthorityArn"),
            self.request.get("resourceArn"),
            self.response.get("certificateAuthorityArn"),
        )
        return next((each for each in places if isinstance(each, str) and each), "")


@dataclass(frozen=True, slots=True)
class Event:
    """One event of AWS. ``time`` is in UTC."""

    id: str
    source: str
    detail_type: str
    account: str
    region: str
    time: datetime
    resources: tuple[str, ...]
    detail: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, event: object) -> Event:
        """Read what a Lambda function is called with, or what a rule gives to a queue.

        Raises:
            MalformedError: it is no event of EventBridge.
        """
        envelope = _object(event, "an event")
        resources = envelope.get("resources", [])
        if not (isinstance(resources, list) and all(isinstance(r, str) for r in resources)):
            raise MalformedError(
                "an event's resources", found=_shown(resources), expected="a list of strings"
            )
        return cls(
            id=_string(envelope, "id"),
            source=_string(envelope, "source"),
            detail_type=_string(envelope, "detail-type"),
            account=_string(envelope, "account"),
            region=_string(envelope, "region"),
            time=moment(_string(envelope, "time")).astimezone(UTC),
            resources=tuple(resources),
            detail=_object(envelope.get("detail"), "an event's detail"),
        )

    @property
    def stamp(self) -> str:
        """The time as findings have it."""
        return f"{self.time:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def call(self) -> ApiCall | None:
        """The call, if the event is CloudTrail's word of one.

        Raises:
            MalformedError: it is, and cannot be read.
        """
        if self.detail_type != API_CALL:
            return None
        who = _optional(self.detail, "userIdentity")
        named = (who.get(name) for name in ("arn", "invokedBy", "principalId", "type"))
        return ApiCall(
            name=_string(self.detail, "eventName"),
            source=_string(self.detail, "eventSource"),
            id=_string(self.detail, "eventID"),
            error=str(self.detail.get("errorCode") or ""),
            who=next((each for each in named if isinstance(each, str) and each), ""),
            address=str(self.detail.get("sourceIPAddress") or ""),
            request=_optional(self.detail, "requestParameters"),
            response=_optional(self.detail, "responseElements"),
        )


def _object(value: object, what: str) -> Json:
    if not isinstance(value, dict):
        raise MalformedError(what, found=_shown(value), expected="a JSON object")
    return value


def _optional(value: Mapping[str, Any], name: str) -> Json:
    return {} if value.get(name) is None else _object(value[name], f"an event's {name}")


def _string(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise MalformedError(f"an event's {name}", found=_shown(found), expected="a string")
    return found


def _shown(value: object) -> str:
    text = "nothing" if value is None else json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
