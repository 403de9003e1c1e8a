"""The kinds of things that a lab creates, and one of them as a record says it was created."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

AUTHORITY, CERTIFICATE = "certificate authority", "certificate"
BUCKET, OBJECT = "bucket", "object"
DOMAIN, HTTP_API, REST_API, FUNCTION = "domain name", "HTTP API", "REST API", "function"
ROLE, ACM, ZONE, STACK = "role", "ACM certificate", "hosted zone", "stack"
USER, POLICY, MFA_DEVICE = "user", "policy", "MFA device"
KEY, ALIAS = "KMS key", "alias"
ORGANIZATION, UNIT, CONTROL = "organization", "organizational unit", "organization policy"
EVENT_RULE, EVENT_BUS, TRAIL, HUB = "event rule", "event bus", "trail", "Security Hub"
QUEUE, TOPIC, LOG_GROUP = "queue", "topic", "log group"
SHARE, PERMISSION = "resource share", "RAM permission"
PARAMETER, SECRET = "parameter", "secret"
#: The log group that Lambda makes for a function when it runs first; nobody asks for it.
FUNCTION_LOGS = "function's log group"
#: A DNS record in a hosted zone that was there before.
RECORD = "DNS record"
#: A policy of the run on a role, user or group that was there before.
ATTACHMENT = "policy attachment"
#: Anything else that was changed in something that was there before.
CHANGE = "change"
#: What may have been made, and what cannot be proven to be of the run.
UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Created:
    """One thing that calls created.

    Attributes:
        kind: ``certificate authority``, ``bucket``, ``object``, ``certificate``, or the API's noun
            for anything else.
        arn: its ARN; of a DNS record ZONE/TYPE/NAME, of a change that of the thing changed.
        service: as boto3 names it.
        account: the lab's alias; ``account_id`` is the twelve digits.
        region: of the client that created it.
        at: when, aware.
        said: what else is needed to take it away, as JSON: a record as it was written, the version
            of an object. Written by `telling`, read by `told`.
    """

    kind: str
    arn: str
    service: str
    account: str
    account_id: str
    region: str
    at: datetime
    said: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def told(self) -> Mapping[str, Any]:
        """What `said` says; empty where it says nothing."""
        return json.loads(self.said) if self.said else {}


def telling(**what: object) -> str:
    """Write what `Created.said` is to say."""
    return json.dumps(what, sort_keys=True)


def partition_of(region: str) -> str:
    """Return the partition of a Region, by its name: the second part of the ARNs in it."""
    others = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((each for start, each in others.items() if region.startswith(start)), "aws")


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of one thing.

    Attributes:
        result: ``removed``, ``left``, ``gone`` (had been deleted before), or ``never`` (there was
            no such thing, and nobody asked for it).
        note: in words.
        until: until when AWS keeps it, aware; it costs nothing meanwhile.
        more: what it leaves behind, to be removed now.
        took: ARNs of what was in it, and is gone or among ``more``.
    """

    result: str
    note: str = ""
    until: datetime | None = None
    more: tuple[Created, ...] = ()
    took: tuple[str, ...] = ()
