"""The trail: every call of a world, taken down as it ends.

Every request of the world comes by here, so little is done: what must not be kept is left out, and
the rest is appended to a list of bounded length. Events are made of it when somebody looks.

Sources: CloudTrail User Guide, "Working with CloudTrail event history"; KMS Developer Guide,
"Logging AWS KMS API calls with AWS CloudTrail", and IAM User Guide, "Logging IAM and AWS STS API
calls with AWS CloudTrail", on calls across accounts.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pkilab.iam.arns import account_in
from pkilab.simulator import world as worlds
from pkilab.simulator.cloudtrail.keeping import kept
from pkilab.simulator.cloudtrail.operations import GLOBAL_REGION, Kind, kind_of
from pkilab.simulator.service import AwsError, Call
from pkilab.simulator.world import World

KEPT = 10_000  # events of an account; AWS keeps all of 90 days
DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
# Members that name a resource which may be another account's. Its owner sees the call too.
_SHARED: dict[str, tuple[str, ...]] = {
    "kms": ("KeyId", "SourceKeyId", "DestinationKeyId"),
    "sts": ("RoleArn",),
    "acm-pca": ("CertificateAuthorityArn", "ResourceArn"),
}


@dataclass(frozen=True, slots=True)
class Record:
    """One call that has ended."""

    number: int  # in the order of the world's calls
    service: str
    operation: str
    kind: Kind
    call: Call
    request: dict[str, Any]
    answer: dict[str, Any]  # what responseElements shows
    keys: tuple[str, ...]  # of KMS: key ARNs that the answer has, whether it is shown or not
    error: AwsError | None
    owners: tuple[str, ...]  # other accounts whose resources were used

    @property
    def region(self) -> str:
        """Where the event is."""
        return GLOBAL_REGION if self.kind.globally else self.call.region


class Trail(worlds.Trail):
    """What was called in a world, by account, newest last.

    Args:
        world: whose accounts there are, and where event ids come from.
        length: how many events of an account are kept; older ones are forgotten.
    """

    def __init__(self, world: World, *, length: int = KEPT) -> None:
        self._world = world
        self._records = {
            account: deque[Record](maxlen=length) for account in world.accounts.values()
        }
        self._numbers = itertools.count(1)
        # Told of each record of each account, while some trail logs.
        self.follower: Callable[[Record, str], None] | None = None

    def record(
        self,
        service: str,
        operation: str,
        members: dict[str, Any],
        call: Call,
        *,
        result: Any = None,  # noqa: ANN401 - a result's members, or what is left of the operation
        error: AwsError | None = None,
    ) -> None:
        """Take note of a call that has ended. Data events are not kept."""
        kind = kind_of(service, operation)
        if kind is None:
            return
        found = result if isinstance(result, dict) else {}
        keys = _keys(found) if service == "kms" else ()
        record = Record(
            number=next(self._numbers),
            service=service,
            operation=operation,
            kind=kind,
            call=call,
            request=kept(service, kind.request, members),
            answer=kept(service, kind.response, found) if kind.answered and found else {},
            keys=keys,
            error=error,
            owners=self._owners(service, members, keys, call, error),
        )
        for account in (call.account, *record.owners):
            if account in self._records:
                self._records[account].append(record)
                if self.follower is not None:
                    self.follower(record, account)

    def newest_first(self, account: str, region: str) -> Iterator[Record]:
        """Yield an account's records of a Region."""
        found = tuple(self._records.get(account, ()))
        return (record for record in reversed(found) if record.region == region)

    def event_id(self, record: Record, account: str) -> str:
        """Return the id of a record's event in an account."""
        return self._id("event", str(record.number), account)

    def shared_event_id(self, record: Record) -> str:
        """Return what the events of one call have in common across accounts."""
        return self._id("shared event", str(record.number))

    def request_id(self, record: Record) -> str:
        """Return the id that the answer carried; of a service's own call, one like it."""
        return record.call.request_id or self._id("request", str(record.number))

    def _id(self, *labels: str) -> str:
        return self._world.entropy("cloudtrail", *labels).uuid()

    def _owners(
        self,
        service: str,
        members: Mapping[str, Any],
        keys: tuple[str, ...],
        call: Call,
        error: AwsError | None,
    ) -> tuple[str, ...]:
        """Return the other accounts that see a call: none, if it was denied."""
        names = _SHARED.get(service)
        if names is None or (error is not None and error.code in DENIED):
            return ()
        found: list[str] = []
        for arn in (*keys, *(members.get(name) for name in names)):
            if not isinstance(arn, str) or not arn.startswith("arn:"):
                continue
            account = account_in(arn)
            if account != call.account and account in self._records and account not in found:
                found.append(account)
        return tuple(found)


def _keys(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the key ARNs of an answer of KMS, the source of a re-encryption first."""
    metadata = answer.get("KeyMetadata")
    described = metadata.get("Arn") if isinstance(metadata, Mapping) else None
    found = (answer.get("SourceKeyId"), answer.get("KeyId"), described)
    return tuple(arn for arn in found if isinstance(arn, str) and arn.startswith("arn:"))
