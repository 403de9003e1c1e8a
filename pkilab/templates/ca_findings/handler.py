"""The Lambda function: an event of EventBridge in, its finding in Security Hub.

What an event means is decided in `pkilab.security_findings`, and what is watched by the variables
that `pkilab.security_findings.watching` reads. Whatever fails is raised: Lambda tries twice more,
and then leaves the event in the queue of the template. Each finding is one line of JSON in the log.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import boto3

from pkilab.security_findings import Watch, report

if TYPE_CHECKING:
    from mypy_boto3_securityhub import SecurityHubClient

# Read once, when the environment starts: a wrong setting fails every invocation, and says so.
WATCH = Watch.from_environment(os.environ)


@functools.cache
def _client() -> SecurityHubClient:
    return boto3.client("securityhub")


def handler(event: dict[str, Any], context: object) -> dict[str, list[str]]:  # noqa: ARG001
    """Report one event; return the ``Id`` of what was imported, which may be nothing."""
    findings = report(_client(), event, WATCH)
    for each in findings:
        line = {
            "id": each.Id,
            "title": each.Title,
            "severity": each.label,
            "recordState": each.RecordState,
            "event": event["id"],
        }
        sys.stdout.write(json.dumps(line) + "\n")
    return {"findings": [each.Id for each in findings]}
