"""What the security team does with findings: find them, wait for one, mark them as resolved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pkilab.errors import LabError
from pkilab.security_findings.asff import Finding
from pkilab.security_findings.severities import Label
from pkilab.waiting import until

if TYPE_CHECKING:
    from mypy_boto3_securityhub import SecurityHubClient

_POLL = timedelta(seconds=5)
_LONGEST_WAIT = 300.0  # seconds; AWS gives EventBridge and Security Hub no bound, minutes are usual


def find(
    client: SecurityHubClient,
    *,
    title: str | None = None,
    id: str | None = None,  # noqa: A002 - the finding's own word
    resource: str | None = None,
    label: Label | None = None,
    archived: bool = False,
) -> tuple[Finding, ...]:
    """Return the findings that are all of what is given, the most recently updated first.

    Args:
        client: of the account and Region to look in.
        title: the whole title.
        id: the whole ``Id``.
        resource: a resource's whole ``Id``, such as a CA's ARN.
        label: the severity.
        archived: those that their provider archived, instead of those that it did not.

    Raises:
        MalformedError: one of them is no finding in the format.
    """
    wanted = {"Title": title, "Id": id, "ResourceId": resource, "SeverityLabel": label}
    wanted["RecordState"] = "ARCHIVED" if archived else "ACTIVE"
    filters: Any = {
        name: [{"Value": value, "Comparison": "EQUALS"}]
        for name, value in wanted.items()
        if value is not None
    }
    pages = client.get_paginator("get_findings").paginate(
        Filters=filters, SortCriteria=[{"Field": "UpdatedAt", "SortOrder": "desc"}]
    )
    return tuple(Finding.read(each) for page in pages for each in page["Findings"])


def is_active(client: SecurityHubClient, finding: Finding) -> bool:
    """Whether Security Hub has a finding of this ``Id`` that is not archived."""
    return any(each.ProductArn == finding.ProductArn for each in find(client, id=finding.Id))


def wait_for(
    client: SecurityHubClient,
    *,
    title: str,
    count: int = 1,
    sleep: Callable[[float], None] = time.sleep,
    limit: float = _LONGEST_WAIT,
    progress: Callable[[float, int], None] | None = None,
) -> tuple[Finding, ...]:
    """Wait until there are so many findings of a title, and return them.

    Args:
        client: of the account and Region to look in.
        title: the whole title.
        count: how many, at least.
        sleep: how to wait.
        limit: for how many seconds at most.
        progress: called with the seconds waited and the findings there are, after each look.

    Raises:
        LabError: there are fewer after ``limit`` seconds.
    """
    waited, there = 0.0, 0

    def pause(seconds: float) -> None:
        nonlocal waited
        sleep(seconds)
        waited += seconds

    def enough() -> tuple[Finding, ...] | None:
        nonlocal there
        found = find(client, title=title)
        there = len(found)
        if progress:
            progress(waited, there)
        return found if there >= count else None

    return until(
        enough,
        what=f"findings titled {title!r}",
        at_most=timedelta(seconds=limit),
        every=_POLL,
        sleep=pause,
        found=lambda: (
            f"found {there}, expected {count}; look at the rule, the function's log and the "
            "dead-letter queue"
        ),
    )


def resolve(
    client: SecurityHubClient,
    findings: Finding | Iterable[Finding],
    *,
    note: str,
    by: str = "security-team",
) -> None:
    """Set the workflow status of findings to RESOLVED, with a note; any number, 100 a call.

    Raises:
        LabError: some could not be changed; the others are.
    """
    given = [findings] if isinstance(findings, Finding) else list(findings)
    refused = list[str]()
    for part in _parts(given):
        answer = client.batch_update_findings(
            FindingIdentifiers=[{"Id": each.Id, "ProductArn": each.ProductArn} for each in part],
            Workflow={"Status": "RESOLVED"},
            Note={"Text": note, "UpdatedBy": by},
        )
        for each in answer["UnprocessedFindings"]:
            number = each["FindingIdentifier"]["Id"]
            refused.append(f"{number}: {each['ErrorCode']}: {each.get('ErrorMessage', '')}")
    if refused:
        raise LabError(f"{len(refused)} of {len(given)} findings not resolved: {refused[0]}")


def _parts(findings: list[Finding]) -> Iterator[list[Finding]]:
    for start in range(0, len(findings), 100):
        yield findings[start : start + 100]
