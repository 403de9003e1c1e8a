"""Every AWS call a lab's clients made, in order: what was asked, of what, and how it ended.

The journal listens to botocore's events, so it sees the same thing whether the answer came from a
simulated world or from AWS. One call is one entry: paginators and waiters call through the client
and are recorded call by call, while botocore's own retries of a call are not counted again. A call
that botocore refuses before sending (its parameters do not fit the service's model) never was one.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from botocore.exceptions import ClientError

from pkilab.errors import MissingExtraError
from pkilab.resources import ARN, Place, acted_on, made, named
from pkilab.show.extras import extra
from pkilab.show.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from botocore.awsrequest import AWSResponse
    from botocore.client import BaseClient
    from botocore.model import OperationModel, Shape
    from pandas import DataFrame

Kept: TypeAlias = (
    "str | bytes | int | float | bool | datetime | Withheld | list[Kept] | dict[str, Kept] | None"
)

_LONGEST_KEPT = 4096  # a CSR or a policy fits; a CRL, a chain or an object does not
_KEPT_WHOLE = frozenset({"TemplateBody"})  # what a stack makes is read from it
# What changes nothing on AWS, and costs nothing that must be agreed to first.
_READS = ("Get", "List", "Describe", "Head", "Lookup", "BatchGet", "Search", "Filter", "Validate")
# Operations that make a new thing, which their answer names, or they do.
_MAKERS = (
    "Create", "Issue", "Import", "Request", "EnableSecurityHub", "PutParameter", "PutRule",
    "PutObject", "CopyObject", "CompleteMultipartUpload",
)  # fmt: skip
# Lists of which the journal keeps the length alone: a hundred findings are a quarter of a megabyte.
_COUNTED = frozenset({"BatchImportFindingsRequestFindingList"})
_RESULT_ID = re.compile(r"Arn$|ARN$|Id$|^id$|^S3Key$")


@dataclass(frozen=True, slots=True)
class Withheld:
    """Stands for a parameter the journal does not keep: a secret, a stream or a long blob.

    Attributes:
        reason: why it was not kept.
        size: its length in bytes (characters for text, items for a list), where that is known and
            harmless.
    """

    reason: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One call to AWS.

    Attributes:
        number: position in its journal, from 1, in the order in which the calls ended.
        at: the lab's time when the call ended, aware.
        account: the lab's alias for the account; ``account_id`` is its twelve digits.
        region: the client's region.
        service: the name boto3 knows the service by, such as ``acm-pca``.
        operation: the API's name of the operation, such as ``IssueCertificate``.
        resources: the ARNs the call named or made, in order of appearance. What a call names by
            other words, such as a bucket or an API's id, is written as its ARN.
        outcome: ``ok``, AWS's error code, or, where no answer came, the name of botocore's error.
        parameters: a private copy of what was asked. Secrets, streams and anything longer than
            4,096 bytes are replaced by `Withheld`.
        results: the ARNs and identifiers of what the call made, by member name; ``Arn`` where the
            answer has an identifier only.
        access_key_id: with which it was signed; empty for the lab's own client of the account.
        aside: made by a notebook's cell that only a simulated lab runs.
    """

    number: int
    at: datetime
    account: str
    account_id: str
    region: str
    service: str
    operation: str
    resources: tuple[str, ...]
    outcome: str
    parameters: Mapping[str, Kept] = field(repr=False, compare=False, default_factory=dict)
    results: Mapping[str, str] = field(repr=False, compare=False, default_factory=dict)
    access_key_id: str = ""
    aside: bool = False

    @property
    def ok(self) -> bool:
        """Whether AWS did what was asked."""
        return self.outcome == "ok"

    @property
    def made(self) -> tuple[str, ...]:
        """The ARNs of what the call made."""
        return tuple(value for value in self.results.values() if ARN.fullmatch(value))

    def __str__(self) -> str:
        when = self.at.isoformat(timespec="seconds")
        return (
            f"{self.number} {when} {self.account} {self.region} "
            f"{self.service} {self.operation}: {self.outcome}"
        )


class Keeper(Protocol):
    """Where a journal is kept besides; `pkilab.ledger.Ledger` is one."""

    def intend(self, entry: Entry) -> int:
        """Note a call that is about to be sent, and return a number for its answer."""
        ...

    def answer(self, entry: Entry, intent: int | None) -> None:
        """Note what came of a call."""
        ...


def reads_only(operation: str) -> bool:
    """Whether an operation, by its name, changes nothing."""
    return operation.startswith(_READS)


class Journal:
    """The calls of a lab, in order. Safe to use from several threads.

    Iterating, ``len`` and every view work on the calls recorded so far.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = list(entries)
        self._lock = threading.Lock()
        self._keeper: Keeper | None = None
        self.aside = False  # what is recorded now is of a cell that only a simulated lab runs

    @property
    def keeper(self) -> Keeper | None:
        """Where the calls are kept besides."""
        return self._keeper

    def keep_in(self, keeper: Keeper) -> None:
        """Keep the calls of so far and those to come in a second place."""
        with self._lock:
            for entry in self._entries:
                keeper.answer(entry, None)
            self._keeper = keeper

    def attach(
        self,
        client: BaseClient,
        *,
        account: str,
        account_id: str,
        now: Callable[[], datetime],
        access_key_id: str = "",
    ) -> None:
        """Record every call ``client`` makes from here on. Attaching twice records once.

        Args:
            client: a boto3 client of any service.
            account: the alias to show for the account the client acts in.
            account_id: that account's twelve digits.
            now: the lab's clock; must give aware times.
            access_key_id: as whom the client calls, where it is not the account's own.
        """
        observer = _Observer(self, client, account, account_id, now, access_key_id=access_key_id)
        unique = f"pkilab-journal-{id(self)}"
        events = client.meta.events
        # The earliest event: later ones see the idempotency tokens and rewritten bodies and copy
        # sources of botocore's own handlers.
        events.register_first("provide-client-params", observer.asked, unique_id=f"{unique}-asked")
        events.register_last("before-call", observer.sent, unique_id=f"{unique}-sent")
        events.register("after-call", observer.answered, unique_id=f"{unique}-answered")
        events.register("after-call-error", observer.failed, unique_id=f"{unique}-failed")

    def record(
        self,
        *,
        at: datetime,
        account: str,
        account_id: str,
        region: str,
        service: str,
        operation: str,
        resources: Sequence[str],
        outcome: str,
        parameters: Mapping[str, Kept],
        results: Mapping[str, str],
        access_key_id: str = "",
        intent: int | None = None,
    ) -> Entry:
        """Append one call and return its entry. ``attach`` does this for a client's calls."""
        with self._lock:
            entry = Entry(
                number=len(self._entries) + 1,
                at=at,
                account=account,
                account_id=account_id,
                region=region,
                service=service,
                operation=operation,
                resources=tuple(dict.fromkeys(resources)),
                outcome=outcome,
                parameters=parameters,
                results=results,
                access_key_id=access_key_id,
                aside=self.aside,
            )
            self._entries.append(entry)
            keeper = self._keeper
        if keeper:  # without the lock: a budget that is asked meanwhile reads the entries
            keeper.answer(entry, intent)
        return entry

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The calls recorded so far."""
        with self._lock:
            return tuple(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def filter(
        self,
        *,
        service: str | None = None,
        operation: str | None = None,
        account: str | None = None,
        access_key_id: str | None = None,
        since: datetime | None = None,
    ) -> Journal:
        """Return a new journal with the entries that match everything given; numbers are kept.

        Args:
            service: as boto3 names it.
            operation: as the API names it.
            account: an alias or twelve digits.
            access_key_id: with which calls were signed; empty: by the lab's own clients.
            since: keep calls at or after this aware time.
        """
        return Journal(
            entry
            for entry in self
            if (service is None or entry.service == service)
            and (operation is None or entry.operation == operation)
            and (account is None or account in (entry.account, entry.account_id))
            and access_key_id in (None, entry.access_key_id)
            and (since is None or entry.at >= since)
        )

    def to_frame(self) -> DataFrame:
        """Return the calls as a table: number, time (UTC), account, region, service, ...

        Raises:
            MissingExtraError: pandas is not installed.
        """
        columns = ("number", "time", "account", "region", "service", "operation")
        rows = [
            (
                entry.number,
                entry.at,
                entry.account,
                entry.region,
                entry.service,
                entry.operation,
                ", ".join(entry.resources),
                entry.outcome,
            )
            for entry in self
        ]
        made = frame(rows, (*columns, "resources", "result"))
        made["time"] = extra("pandas").to_datetime(made["time"], utc=True)
        return made

    def _repr_html_(self) -> str | None:
        return as_html(self.to_frame)

    def __repr__(self) -> str:
        entries = self.entries
        refused = sum(not entry.ok for entry in entries)
        head = f"Journal: {count(len(entries), 'call')}, {refused} refused"
        return "\n".join((head, *map(str, entries)))


# Led to another endpoint, botocore leaves their clients the Region that was asked for.
_WITHOUT_REGIONS = frozenset({"iam", "organizations", "route53"})


def _region_of(client: BaseClient) -> str:
    """Return a client's Region, or what botocore calls it where a service has none."""
    if client.meta.service_model.service_name in _WITHOUT_REGIONS:
        return f"{client.meta.partition}-global"
    return client.meta.region_name


class _Observer:
    """What one client reports to one journal."""

    def __init__(
        self,
        journal: Journal,
        client: BaseClient,
        account: str,
        account_id: str,
        now: Callable[[], datetime],
        *,
        access_key_id: str,
    ) -> None:
        self._journal, self._now, self._access_key_id = journal, now, access_key_id
        self._account, self._account_id = account, account_id
        self._place = Place(client.meta.partition, _region_of(client), account_id)
        self._service = client.meta.service_model.service_name
        self._key = f"pkilab_journal_{id(journal)}"

    def asked(
        self,
        params: Mapping[str, object],
        model: OperationModel,
        context: dict[str, object],
        **_: object,
    ) -> None:
        """Keep what was asked in the call's context, until the answer comes."""
        resources = named(model, params, self._place)
        context[self._key] = (model, keep(params, model.input_shape), resources)

    def sent(self, context: dict[str, object], **_: object) -> None:
        """Have the keeper note a call that may change something, before it is sent."""
        asked, keeper = context.get(self._key), self._journal.keeper
        if keeper and isinstance(asked, tuple) and not reads_only(asked[0].name):
            model, parameters, resources = asked
            context[f"{self._key}_intent"] = keeper.intend(
                Entry(
                    number=0,
                    resources=tuple(dict.fromkeys(resources)),
                    outcome="",
                    **self._called(model, parameters),
                )
            )

    def answered(
        self,
        http_response: AWSResponse,
        parsed: Mapping[str, object],
        context: Mapping[str, object],
        **_: object,
    ) -> None:
        """Record a call that AWS answered, well or not."""
        refused = http_response.status_code >= 300  # noqa: PLR2004 - where botocore draws the line
        self._record(context, _error_code(parsed) if refused else "ok", parsed)

    def failed(self, exception: Exception, context: Mapping[str, object], **_: object) -> None:
        """Record a call that no answer came to."""
        answer = exception.response if isinstance(exception, ClientError) else None
        self._record(context, _error_code(answer) if answer else type(exception).__name__, {})

    def _record(
        self, context: Mapping[str, object], outcome: str, answer: Mapping[str, object]
    ) -> None:
        asked = context.get(self._key)
        if not isinstance(asked, tuple):  # attached while the call was under way
            return
        model, parameters, resources = asked
        results = dict[str, str]()
        if outcome == "ok" and model.name.startswith(_MAKERS):
            for name, value in _identifiers(answer):
                results.setdefault(name, value)
            if arn := made(model, resources, answer, self._place):
                results["Arn"] = arn
        arns = [value for value in results.values() if ARN.fullmatch(value)]
        intent = context.get(f"{self._key}_intent")
        self._journal.record(
            resources=[*resources, *acted_on(model, answer), *arns],
            outcome=outcome,
            results=results,
            intent=intent if isinstance(intent, int) else None,
            **self._called(model, parameters),
        )

    def _called(self, model: OperationModel, parameters: Mapping[str, Kept]) -> dict[str, Any]:
        """Return what is known of a call before its answer."""
        return {
            "at": self._now(),
            "account": self._account,
            "account_id": self._account_id,
            "region": self._place.region,
            "service": self._service,
            "operation": model.name,
            "parameters": parameters,
            "access_key_id": self._access_key_id,
        }


def keep(value: object, shape: Shape | None = None) -> Kept:
    """Return a private copy of a parameter, without what must not be kept.

    Replaced by `Withheld`: members the service's model marks as sensitive, anything that holds a
    PEM private key, streams, bytes or text longer than 4,096, and lists of findings.
    """
    metadata = getattr(shape, "metadata", {})
    if metadata.get("sensitive"):
        return Withheld("sensitive")
    if getattr(shape, "serialization", {}).get("streaming"):
        return Withheld("a stream", _size(value))
    if isinstance(value, dict):
        value = _without_unechoed(value)
        members, inner = getattr(shape, "members", {}), getattr(shape, "value", None)
        return {
            str(key): str(item)
            if key in _KEPT_WHOLE and isinstance(item, str) and "PRIVATE KEY-----" not in item
            else keep(item, members.get(key, inner))
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        if getattr(shape, "name", "") in _COUNTED:
            return Withheld("long", len(value))
        return [keep(item, getattr(shape, "member", None)) for item in value]
    return _keep_scalar(value)


def _without_unechoed(value: dict[object, object]) -> dict[object, object]:
    """Leave out a stack's parameter values where the template has, or may have, NoEcho ones."""
    given = value.get("Parameters")
    if "StackName" not in value or not isinstance(given, list):
        return value
    if "NoEcho" not in str(value.get("TemplateBody", "NoEcho")):
        return value
    keys = [each.get("ParameterKey") for each in given if isinstance(each, dict)]
    return {**value, "Parameters": [{"ParameterKey": each} for each in keys]}


def _size(value: object) -> int | None:
    if isinstance(value, str):
        return len(value.encode())
    return len(value) if isinstance(value, bytes | bytearray) else None


def _keep_scalar(value: object) -> Kept:
    if isinstance(value, bytearray | memoryview):
        value = bytes(value)
    secret = (isinstance(value, bytes) and b"PRIVATE KEY-----" in value) or (
        isinstance(value, str) and "PRIVATE KEY-----" in value
    )
    if secret:
        return Withheld("a private key")
    if isinstance(value, str | bytes) and len(value) > _LONGEST_KEPT:
        return Withheld("long", len(value))
    if value is None or isinstance(value, str | bytes | bool | int | float | datetime):
        return value
    return Withheld(f"a {type(value).__name__}")


def _error_code(answer: Mapping[str, object]) -> str:
    error = answer.get("Error")
    code = error.get("Code") if isinstance(error, dict) else None
    return str(code) if code else "Unknown"  # botocore's own word for an error without a code


def _identifiers(answer: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the names and values of an answer's ARNs and identifiers, outermost first."""
    for name, value in answer.items():
        if isinstance(value, str) and _RESULT_ID.search(name):
            yield name, value
    for name, value in answer.items():
        if isinstance(value, dict) and name != "ResponseMetadata":
            yield from _identifiers(value)


# Tables, for the journal and for what is derived from it.


def frame(rows: Sequence[Sequence[object]], columns: Sequence[str]) -> DataFrame:
    """Return rows as a pandas table.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    made: DataFrame = extra("pandas").DataFrame(list(rows), columns=list(columns))
    return made


def as_html(make: Callable[[], DataFrame], *, caption: str = "") -> str | None:
    """Return the table as HTML, the same bytes every time; None where pandas is missing.

    None is IPython's way of saying that the text form should be shown.
    """
    try:
        html = table(make())._repr_html_()
    except MissingExtraError:
        return None
    return f"{html}\n<p>{caption}</p>" if caption else html


def count(number: int, noun: str) -> str:
    """Return "1 call", "2 calls"."""
    if number != 1:
        ending = "ies" if noun.endswith(("ity", "icy")) else "es" if noun.endswith("s") else "s"
        noun = (noun[:-1] if ending == "ies" else noun) + ending
    return f"{number:,} {noun}"
