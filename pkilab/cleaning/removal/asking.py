"""How a removal asks AWS: with clients of the thing's own place, and with bounded patience."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

from botocore.exceptions import ClientError

from pkilab.cleaning.removal.kinds import Created
from pkilab.errors import LabError
from pkilab.waiting import accepted, until

#: service, account alias, region -> a boto3 client.
ClientFor: TypeAlias = Callable[[str, str, str], Any]
Sleep: TypeAlias = Callable[[float], None]
T = TypeVar("T")

#: What AWS answers where it wants to be asked again later.
THROTTLED = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
    "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown",
    "BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "EC2ThrottledException",
})  # fmt: skip


class StillThereError(LabError):
    """Something stands in the way that may be gone later: worth another try."""


@dataclass(frozen=True, slots=True)
class Removal:
    """One removal under way.

    Attributes:
        thing: what is removed.
        client_for: gives the clients.
        days: how long what AWS deletes with a delay stays restorable, 7 to 30.
        sleep: waits for some seconds.
    """

    thing: Created
    client_for: ClientFor
    days: int
    sleep: Sleep

    def client(self, service: str | None = None) -> Any:  # noqa: ANN401 - of any service
        """Return a client of the thing's own service, or another, where the thing is."""
        thing = self.thing
        return self.client_for(service or thing.service, thing.account, thing.region)

    def until(
        self, question: Callable[[], T | None], *, what: str, at_most: float, every: float
    ) -> T:
        """Ask until there is an answer, every ``every`` seconds, at most ``at_most`` seconds.

        Raises:
            StillThereError: there was none; says how long was waited for it.
        """
        try:
            return until(
                question,
                what=what,
                at_most=timedelta(seconds=at_most),
                every=timedelta(seconds=every),
                sleep=self.sleep,
            )
        except LabError as error:
            if type(error) is not LabError:  # the question's own
                raise
            raise StillThereError(str(error)) from error

    def patiently(self, call: Callable[[], object], *, at_most: float, every: float) -> None:
        """Make a call that AWS allows seldom, and again while AWS says that it is too soon.

        Raises:
            ClientError: AWS refused for another reason.
            StillThereError: it was too soon until the end.
        """
        asked = accepted(call, *THROTTLED)
        self.until(
            asked, what=f"leave to delete the {self.thing.kind}", at_most=at_most, every=every
        )


def code(error: ClientError) -> str:
    """Return AWS's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def certificates(acm: Any) -> Iterator[Any]:  # noqa: ANN401 - a boto3 client
    """Yield the summaries of all certificates that ACM has, of every kind of key."""
    every = acm.meta.service_model.shape_for("KeyAlgorithm").enum  # else only RSA up to 2048
    includes = {"keyTypes": every}
    yield from pages(acm, "list_certificates", "CertificateSummaryList", Includes=includes)


def pages(client: Any, operation: str, member: str, **asked: object) -> Iterator[Any]:  # noqa: ANN401
    """Yield the items of all pages of a list, also where boto3 has no paginator for it."""
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**asked):
            yield from page.get(member, ())
        return
    while True:
        page = getattr(client, operation)(**asked)
        yield from page.get(member, ())
        token = next((name for name in ("NextToken", "nextToken") if page.get(name)), None)
        if token is None:
            return
        asked[token] = page[token]
