"""From an event to Security Hub, as the deployed function does it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pkilab.errors import LabError
from pkilab.security_findings.asff import Finding, Json
from pkilab.security_findings.building import finding_of, recoveries_of
from pkilab.security_findings.events import Event
from pkilab.security_findings.hub import is_active
from pkilab.security_findings.importing import import_findings
from pkilab.security_findings.watching import Watch

if TYPE_CHECKING:
    from mypy_boto3_securityhub import SecurityHubClient


def report(
    client: SecurityHubClient,
    event: Json,
    watch: Watch | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Finding, ...]:
    """Import what an event means, and archive what it ends; return what was imported.

    Args:
        client: of the account and Region that the event is of.
        event: as a rule gives it to a Lambda function.
        watch: which CAs are watched, and when their use is expected.
        sleep: how to wait between tries.

    Raises:
        MalformedError: it is no event of EventBridge.
        LabError: Security Hub did not take a finding; raised in a Lambda function, it makes
            EventBridge try again, and then leave the event in the dead-letter queue.
        ClientError: a call was refused.
    """
    read = Event.parse(event)
    found = finding_of(read, watch)
    ended = tuple(each for each in recoveries_of(read) if is_active(client, each))
    findings = (*((found,) if found else ()), *ended)
    if not findings:
        return ()
    result = import_findings(client, findings, sleep=sleep)
    if result.failed:
        reasons = "; ".join(map(str, result.failed))
        raise LabError(f"{len(result.failed)} of {len(findings)} findings not imported: {reasons}")
    return findings
