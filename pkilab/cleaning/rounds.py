"""A clean-up in rounds: what stands in the way of something else is tried again after it.

What AWS keeps is reported as it is: a deleted CA stays restorable for 7 to 30 days, and a
certificate cannot be deleted at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, TypeAlias

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from pkilab.cleaning.removal import ClientFor, Created, Removed, Sleep, remove
from pkilab.cleaning.removal.asking import THROTTLED, StillThereError, code
from pkilab.cleaning.removal.kinds import (
    ATTACHMENT,
    AUTHORITY,
    BUCKET,
    CERTIFICATE,
    CHANGE,
    DOMAIN,
    HUB,
    KEY,
    OBJECT,
    PARAMETER,
    RECORD,
    SECRET,
    STACK,
    TRAIL,
    ZONE,
)
from pkilab.errors import LabError, PkilabError
from pkilab.journal import as_html, count, frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pandas import DataFrame

#: Position, number of things, the thing, and how it stands: ``removing``, then what became of it.
OnStep: TypeAlias = Callable[[int, int, Created, str], None]

# What is refused because of something else is tried again after these pauses, in seconds; a quarter
# of an hour in all. ACM holds a certificate to be in use for minutes after its domain name is gone.
_PAUSES = (5, 15, 45, 120, 300, 420)
_PASSING = (StillThereError, exceptions.ConnectionError, exceptions.HTTPClientError)
_SERVER_ERROR, _NOT_IMPLEMENTED = 500, 501
_IN_THE_WAY = THROTTLED | {
    "BucketNotEmpty",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "ConflictException",
    "DeleteConflict",
    "DeleteConflictException",
    "HostedZoneNotEmpty",
    "InvalidChangeBatch",
    "InvalidStateException",
    "KMSInvalidStateException",
    "OperationAborted",
    "OperationNotPermittedException",
    "OrganizationNotEmptyException",
    "OrganizationalUnitNotEmptyException",
    "PolicyInUseException",
    "RequestInProgressException",
    "ResourceConflictException",
    "ResourceInUseException",
}
_GONE = (
    "ResourceNotFoundException",
    "AWSOrganizationsNotInUseException",
    "OrganizationalUnitNotFoundException",
    "PolicyNotFoundException",
    "NoSuchBucket",
    "NotFoundException",
    "NoSuchEntity",
    "NoSuchHostedZone",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "NotFound",
    "ParameterNotFound",
    "TrailNotFoundException",
    "UnknownResourceException",
)
# What lies in something else.
_TRACES = (ATTACHMENT, CERTIFICATE, CHANGE, OBJECT, RECORD)
# What costs something for as long as it stands, or may hold what does.
_BILLABLE = (AUTHORITY, KEY, ZONE, SECRET, BUCKET, PARAMETER, DOMAIN, STACK, TRAIL, HUB)


def step_line(position: int, number: int, thing: Created, status: str) -> str:
    """Return a step of a clean-up as a line to show; takes what `OnStep` does."""
    return f"{position} of {number}: {thing.kind} {thing.arn}: {status}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one thing.

    Attributes:
        resource: the thing.
        note: why, or until when it can be brought back.
        until: until when AWS keeps it, aware, where it does.
    """

    resource: Created
    note: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The result of a clean-up.

    Attributes:
        removed: deleted now.
        left: still there, and why.
        already_gone: had been deleted by somebody else, or before.
    """

    removed: tuple[Outcome, ...]
    left: tuple[Outcome, ...]
    already_gone: tuple[Outcome, ...]

    @property
    def remains(self) -> tuple[Outcome, ...]:
        """What AWS keeps although it was deleted: CAs and keys, until a date, free of charge."""
        return tuple(each for each in (*self.removed, *self.already_gone) if each.until)

    @property
    def billable(self) -> tuple[Outcome, ...]:
        """What still costs money, or may: what is left of the kinds that AWS charges for."""
        return tuple(
            each
            for each in self.left
            if each.resource.kind in _BILLABLE or each.resource.told.get("kind") in _BILLABLE
        )

    def to_frame(self) -> DataFrame:
        """Return one row per thing: result, account, kind, resource, note.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return frame(list(self._rows()), ("result", "account", "kind", "resource", "note"))

    def _rows(self) -> Iterator[tuple[str, ...]]:
        groups = {"removed": self.removed, "left": self.left, "already gone": self.already_gone}
        for result, outcomes in groups.items():
            for each in outcomes:
                found = each.resource
                yield result, found.account, found.kind, found.arn, each.note

    def summary(self) -> str:
        """Return in words what became of all: what is left, what AWS keeps, what costs money."""
        said = [f"{count(len(self.removed), 'thing')} removed, {len(self.left)} left,"]
        said.append(f"{len(self.already_gone)} already gone.")
        dates = [each.until for each in self.remains if each.until]
        if dates:
            last = max(dates).astimezone(UTC)
            said.append(
                f"AWS keeps {len(dates)} of them restorable, until {last:%Y-%m-%d %H:%M} UTC at "
                "the latest, and charges nothing for that."
            )
        if self.billable:
            named = ", ".join(f"{each.resource.kind} {each.resource.arn}" for each in self.billable)
            said.append(f"Still to be paid for: {named}.")
        return " ".join(said)

    def __repr__(self) -> str:
        rows = ("  ".join(cell for cell in row if cell) for row in self._rows())
        return "\n".join((self.summary(), *rows))

    def _repr_html_(self) -> str | None:
        return as_html(self.to_frame, caption=escape(self.summary()))


def clean_up(
    created: Iterable[Created],
    client_for: ClientFor,
    *,
    permanent_deletion_days: int = 7,
    sleep: Sleep = time.sleep,
    on_step: OnStep | None = None,
) -> Cleaned:
    """Delete what was created, in the order given, and go on after an error.

    An ACTIVE CA is disabled, then deleted. A bucket is emptied, every version and delete marker,
    and deleted, only while the same account owns it. A domain name loses its mappings, a role its
    policies and a hosted zone its records first. What a stack retains is deleted after it.

    What is refused because something else stands in the way, and what AWS or the network failed
    at, is tried again in rounds, with pauses that grow to a quarter of an hour in all.

    Args:
        created: from `plan`, or from any other record.
        client_for: given a service, an account alias and a region, returns a client.
        permanent_deletion_days: how long a deleted CA or key stays restorable, 7 to 30.
        sleep: waits for some seconds.
        on_step: told before and after each attempt.

    Raises:
        LabError: ``permanent_deletion_days`` is not 7 to 30. Errors of single deletions are not
            raised; they are in ``left``.
    """
    if not 7 <= permanent_deletion_days <= 30:  # noqa: PLR2004 - AWS's own bounds
        raise LabError(
            f"permanent_deletion_days: found {permanent_deletion_days}, expected 7 to 30"
        )
    rounds = _Rounds(list(created), client_for, permanent_deletion_days, sleep, on_step)
    rounds.run()
    groups: dict[str, list[Outcome]] = {"removed": [], "left": [], "gone": [], "never": []}
    for each in rounds.things:
        became = rounds.became[each]
        groups[became.result].append(Outcome(each, became.note, became.until))
    return Cleaned(tuple(groups["removed"]), tuple(groups["left"]), tuple(groups["gone"]))


class _Rounds:
    """A clean-up under way: what is tried, and what became of it so far."""

    def __init__(
        self,
        things: list[Created],
        client_for: ClientFor,
        days: int,
        sleep: Sleep,
        on_step: OnStep | None,
    ) -> None:
        self.things = list(dict.fromkeys(things))
        self.became: dict[Created, Removed] = {}
        self._client_for, self._days, self._sleep = client_for, days, sleep
        self._on_step = on_step
        self._took: set[str] = set()

    def run(self) -> None:
        """Try all, and what may work later again after each pause."""
        waiting = self._round(self.things)
        for pause in _PAUSES:
            if not waiting:
                return
            self._sleep(pause)
            waiting = self._round(waiting)
        for each in waiting:
            why = self.became[each].note
            tried = f"; tried {len(_PAUSES) + 1} times in {sum(_PAUSES) // 60} minutes"
            self.became[each] = Removed("left", f"{why}{tried}")

    def _round(self, waiting: list[Created]) -> list[Created]:
        """Try some things and what comes of them; return those to be tried again."""
        waiting, again = list(waiting), list[Created]()
        for each in waiting:  # grows: what a stack retains comes after it
            self._tell(each, "removing")
            became, later = self._attempt(each)
            for other in became.more:
                if other not in self.things and other.arn not in {it.arn for it in self.things}:
                    self.things.append(other)
                    waiting.append(other)
            self.became[each] = became
            if later:
                again.append(each)
            words = {"gone": "already gone", "never": "never was"}.get(became.result, became.result)
            self._tell(each, "again later: " + became.note if later else _joined(words, became))
        return again

    def _attempt(self, thing: Created) -> tuple[Removed, bool]:
        """Try to delete one thing; return what became of it, and whether to try again."""
        if thing.kind in _TRACES and self._went_along(thing):
            return Removed("never"), False
        try:
            became = remove(thing, self._client_for, days=self._days, sleep=self._sleep)
        except ClientError as error:
            if _is_gone(error, thing):
                return Removed("gone", code(error)), False
            return Removed("left", _why(error)), _may_pass(error)
        except (BotoCoreError, PkilabError) as error:
            return Removed("left", str(error)), isinstance(error, _PASSING)
        self._took.update(became.took)
        return became, False

    def _went_along(self, thing: Created) -> bool:
        """Whether a trace was left in what a stack of the run had."""
        return any(thing.arn == arn or thing.arn.startswith(f"{arn}/") for arn in self._took)

    def _tell(self, thing: Created, status: str) -> None:
        if self._on_step:
            self._on_step(self.things.index(thing) + 1, len(self.things), thing, status)


def _joined(words: str, became: Removed) -> str:
    return f"{words}: {became.note}" if became.note else words


def _is_gone(error: ClientError, thing: Created) -> bool:
    if thing.kind == HUB and code(error) == "InvalidAccessException":
        return True  # the account is not subscribed to Security Hub
    if thing.kind == STACK and code(error) == "ValidationError":
        return "does not exist" in _why(error)
    return code(error) in _GONE


def _may_pass(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    failed = status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED
    return failed or code(error) in _IN_THE_WAY


def _why(error: ClientError) -> str:
    details = error.response["Error"]
    return f"{details['Code']}: {details.get('Message', '')}"
