"""Importing findings into Security Hub: batches by count and bytes, and what fails for a moment.

Source: AWS Security Hub User Guide, "Using BatchImportFindings to create findings": 100 findings a
call, 240 KB a finding, 6 MB a call; 10 calls a second, in bursts of 30.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from pkilab.security_findings.asff import Finding, Json

if TYPE_CHECKING:
    from mypy_boto3_securityhub import SecurityHubClient
    from mypy_boto3_securityhub.type_defs import BatchImportFindingsResponseTypeDef

MOST = 100  # findings of a call
LARGEST = 240_000  # bytes of a finding; AWS says KB, and the smaller reading is safe
LARGEST_BATCH = 6_000_000  # bytes of a call
TRIES = 6
_FIRST_WAIT = 0.5  # seconds; doubles with each try
# Another try may succeed: a call is throttled, or fails within AWS.
_MOMENTARY = frozenset({
    "ConcurrentUpdateError", "InternalException", "InternalFailure", "InternalServerError",
    "LimitExceededException", "RequestLimitExceeded", "ServiceUnavailable",
    "ServiceUnavailableException", "Throttling", "ThrottlingException", "TooManyRequestsException",
})  # fmt: skip
TOO_LARGE = "FindingTooLarge"  # this module's own code; such a finding is not sent


@dataclass(frozen=True, slots=True)
class Failed:
    """A finding that Security Hub does not have, and why."""

    id: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.id}: {self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Attributes:
        imported: how many findings Security Hub took; one that it has already, of the same
            ``UpdatedAt``, is taken and changes nothing.
        failed: those that it did not take.
        calls: how many calls were made, retries included.
        retried: how many findings were sent more than once, counted each time.
    """

    imported: int = 0
    failed: tuple[Failed, ...] = ()
    calls: int = 0
    retried: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed


@dataclass(frozen=True, slots=True)
class Batch:
    """Findings that fit into one call, as JSON, and how many bytes they are."""

    findings: tuple[Json, ...] = field(repr=False)
    size: int


def size_of(finding: Json) -> int:
    """Return how many bytes a finding is as botocore writes it."""
    return len(json.dumps(finding))  # ASCII: a character is a byte


def batches(findings: Iterable[Json]) -> Iterator[Batch]:
    """Put findings into as few calls as their order allows.

    A finding that is larger than a call may be is a batch of its own, for the service to refuse.
    """
    held, size = list[Json](), 0
    for finding in findings:
        more = size_of(finding) + 2  # a comma and a blank, or the list's brackets
        if held and (len(held) == MOST or size + more > LARGEST_BATCH):
            yield Batch(tuple(held), size)
            held, size = [], 0
        held.append(finding)
        size += more
    if held:
        yield Batch(tuple(held), size)


def import_findings(
    client: SecurityHubClient,
    findings: Iterable[Finding],
    *,
    sleep: Callable[[float], None] = time.sleep,
    tries: int = TRIES,
    progress: Callable[[Imported], None] | None = None,
) -> Imported:
    """Import findings, in their order; a generator is read as it goes, a batch at a time.

    Throttled calls, and findings that fail within AWS, are sent again after half a second, one
    second, two ... What else is refused stays refused. A finding over 240 KB is not sent.

    Args:
        client: of the account and Region that the findings are of.
        findings: any number.
        sleep: how to wait.
        tries: how often a finding is sent at most, 1 or more.
        progress: called after each batch with what came of it all so far.

    Raises:
        ClientError: a whole call was refused for a lasting reason (access denied, Security Hub not
            enabled, a request it cannot read), or still after all tries.
    """
    calls = _Calls(client, sleep, max(1, tries))
    failures = list[Failed]()
    imported = 0

    def small() -> Iterator[Json]:
        for finding in findings:
            made = finding.asff()
            if (size := size_of(made)) > LARGEST:
                message = f"{size} bytes; at most {LARGEST} are taken"
                failures.append(Failed(finding.Id, TOO_LARGE, message))
            else:
                yield made

    for batch in batches(small()):
        refused = calls.send(batch)
        imported += len(batch.findings) - len(refused)
        failures += refused
        if progress:
            progress(Imported(imported, tuple(failures), calls.made, calls.retried))
    return Imported(imported, tuple(failures), calls.made, calls.retried)


class _Calls:
    """Sends batches and counts."""

    def __init__(
        self, client: SecurityHubClient, sleep: Callable[[float], None], tries: int
    ) -> None:
        self._client, self._sleep, self._tries = client, sleep, tries
        self.made = self.retried = 0

    def send(self, batch: Batch) -> list[Failed]:
        """Send a batch and, of it, what fails for a moment; return what failed in the end."""
        waiting: list[Json] = list(batch.findings)
        lasting = list[Failed]()
        for attempt in range(1, self._tries + 1):
            answer = self._call(waiting, attempt)
            momentary = dict[str, Failed]()
            for each in answer.get("FailedFindings", []) if answer else []:
                failed = Failed(each["Id"], each["ErrorCode"], each["ErrorMessage"])
                if failed.code in _MOMENTARY:
                    momentary[failed.id] = failed
                else:
                    lasting.append(failed)
            if answer is not None:
                waiting = [each for each in waiting if each["Id"] in momentary]
            if not waiting:
                return lasting
            if attempt == self._tries:
                return [*lasting, *momentary.values()]
            self.retried += len(waiting)
            self._sleep(_FIRST_WAIT * 2 ** (attempt - 1))
        return lasting

    def _call(
        self, findings: list[Json], attempt: int
    ) -> BatchImportFindingsResponseTypeDef | None:
        """Make one call; None: it may be made again."""
        self.made += 1
        try:
            return self._client.batch_import_findings(Findings=cast("list", findings))  # type: ignore[type-arg]
        except ClientError as error:
            momentary = error.response.get("Error", {}).get("Code") in _MOMENTARY
            if not momentary or attempt == self._tries:
                raise
            return None
