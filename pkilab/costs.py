"""What the calls in a journal cost on AWS, from a dated price table.

The tables are data (``pkilab/data/prices.toml``), each figure with its source and whether it was
confirmed there. A price that is not known is a line that says so; it is never taken as zero. All
money is `decimal.Decimal`.

Rules of AWS Private CA (its pricing page): a CA's fee runs from creation to deletion, pro rata; a
deleted CA is not charged, unless it is restored, and then for the interval too; certificates are
charged when issued, to the issuing account, by tiers of the calendar month in each Region; the
first CA of an account in a Region has a 30-day trial of the fee, not of the certificates.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from pkilab.errors import LabError
from pkilab.journal import Withheld, as_html, frame, reads_only
from pkilab.stacks import charged_types, makes_stack, with_contents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pandas import DataFrame

    from pkilab.journal import Entry

_GENERAL = "GENERAL_PURPOSE"  # the API's default
_ZONE_UNIT, _KEY_UNIT, _SECRET_UNIT = "zone-month", "key-month", "secret-month"
_DELETIONS = ("DeleteCertificateAuthority", "ScheduleKeyDeletion", "DeleteSecret")
_RESTORATIONS = ("RestoreCertificateAuthority", "CancelKeyDeletion", "RestoreSecret")
_ZONE_TRIAL = timedelta(hours=12)  # a hosted zone deleted by then is not charged
_ASYMMETRIC = "KMS, asymmetric requests but those of RSA 2048"
_KEY_USES = (
    "Sign",
    "Verify",
    "GetPublicKey",
    "Encrypt",
    "Decrypt",
    "ReEncrypt",
    "DeriveSharedSecret",
)
_MILLIONTH = Decimal("0.000001")
_ENDS = ("Delete*", "ScheduleKeyDeletion", *_RESTORATIONS)

#: How long what is charged by time is taken to stand where nobody can know yet.
RESERVE = timedelta(hours=1)
_STALE = timedelta(days=90)  # prices older than this are named as old


@dataclass(frozen=True, slots=True)
class Price:
    """One price of a table; the attributes are explained in ``prices.toml``.

    ``amount`` is None where no figure is known.
    """

    service: str
    what: str
    unit: str
    amount: Decimal | None
    per: int = 1
    confirmed: bool = False
    source: str = ""
    note: str = ""
    operations: tuple[str, ...] = ()
    usage_mode: str | None = None
    above: int = 0
    create: bool = False
    free: int = 0
    currency: str = "USD"

    def covers(self, service: str, operation: str) -> bool:
        """Whether calls of this operation are charged by this price."""
        matching = (fnmatchcase(operation, pattern) for pattern in self.operations)
        return self.service == service and any(matching)

    def __str__(self) -> str:
        if self.amount is None:
            return f"an unknown amount ({self.what})"
        unit = f"{self.per:,} {self.unit}s" if self.per > 1 else self.unit
        doubt = "" if self.confirmed else ", unconfirmed"
        return f"{_money(self.amount)} {self.currency} per {unit} ({self.what}){doubt}"


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The prices of one date in one Region."""

    name: str
    date: date
    region: str
    currency: str
    hours_per_month: int
    trial_days: int
    about: str
    prices: tuple[Price, ...]

    def tiers(self, service: str, operation: str, usage_mode: str) -> list[Price]:
        """Return the prices of an operation, lowest tier first; none if it is not in the table.

        An operation that is there, but not for this usage mode, has one price: unknown.
        """
        covering = [price for price in self.prices if price.covers(service, operation)]
        found = [price for price in covering if price.operations == covering[0].operations]
        tiers = [price for price in found if price.usage_mode in (None, usage_mode)]
        if found and not tiers:
            what = f"{operation} in mode {usage_mode}"
            note, create = "not in this table", found[0].create
            return [Price(service, what, found[0].unit, None, note=note, create=create)]
        return tiers

    def of_call(self, service: str, operation: str, usage_mode: str = _GENERAL) -> Price | None:
        """Return the price a call is charged by, in its first tier; None if not in the table."""
        return next(iter(self.tiers(service, operation, usage_mode)), None)

    def of_request(
        self, service: str, operation: str, parameters: Mapping[str, object]
    ) -> Price | None:
        """Return the price of a call by what it asks for; None if it is not in the table."""
        if (service, operation) == ("acm", "RequestCertificate") and _is_exportable(parameters):
            return self.named("acm", "exportable public certificate", "certificate")
        if service == "cloudformation" and _is_clear(operation, parameters):
            return self.of_call(service, "DescribeStacks")
        return self.of_call(service, operation, str(parameters.get("UsageMode", _GENERAL)))

    def named(self, service: str, what: str, unit: str) -> Price:
        """Return a price by its name, or a price that says that it is not in the table."""
        found = (p for p in self.prices if (p.service, p.what) == (service, what))
        return next(found, Price(service, what, unit, None, note="not in this table"))

    def doubts(self, at: datetime, regions: Iterable[str]) -> tuple[str, ...]:
        """Return what a reader must know before relying on the figures at a time, in Regions."""
        age = at.date() - self.date
        elsewhere = sorted(set(regions) - {self.region, "aws-global"})
        old = (
            f"The prices are {age.days} days old: they are of {self.date}." if age > _STALE else ""
        )
        far = f"Prices of {', '.join(elsewhere)} are not known: those of {self.region} are used."
        return tuple(filter(None, (old, far if elsewhere else "")))

    def months(self, elapsed: timedelta) -> Decimal:
        """Return a duration in months of ``hours_per_month``."""
        return _exact(elapsed) / (self.hours_per_month * 3600)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill. ``unit_price`` and ``amount`` are None where the price is unknown."""

    account: str
    region: str
    thing: str
    quantity: Decimal
    unit: str
    unit_price: Decimal | None
    amount: Decimal | None
    confirmed: bool
    note: str = ""
    detail: str = ""

    @property
    def what(self) -> str:
        """The price's name, and for what of this kind it is."""
        return f"{self.thing} ({self.detail})" if self.detail else self.thing


@dataclass(frozen=True, slots=True)
class Bill:
    """What was made, and what it costs up to a moment.

    Attributes:
        table: the price table's name; ``date`` is its date and ``currency`` its currency.
        until: the moment up to which standing things are charged.
        lines: in a fixed order.
        assumptions: how the figures were come by, for the reader.
    """

    table: str
    date: date
    currency: str
    until: datetime
    lines: tuple[Line, ...]
    assumptions: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        """The sum of the amounts that are known."""
        return sum((line.amount for line in self.lines if line.amount is not None), Decimal(0))

    def summed(self) -> Bill:
        """Return the bill with one line for each price, account and Region; free ones left out."""
        sums: dict[tuple[str, str, str, str], Line] = {}
        for line in self.lines:
            key = (line.account, line.region, line.thing, line.note)
            same = sums.get(key)
            sums[key] = replace(line, detail="") if same is None else _sum(same, line)
        return replace(self, lines=tuple(each for each in sums.values() if each.amount != 0))

    @property
    def unknown(self) -> tuple[Line, ...]:
        """The lines whose price is not known, which the total leaves out."""
        return tuple(line for line in self.lines if line.amount is None)

    def to_frame(self) -> DataFrame:
        """Return one row per line, as text: quantities and prices exact, amounts in cents.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        columns = ("account", "region", "what", "quantity", "unit", "unit price", "amount", "note")
        return frame([_cells(line) for line in self.lines], columns)

    def _summary(self) -> str:
        total = f"Total {_cents(self.total)} {self.currency}"
        if self.unknown:
            total += f", without {len(self.unknown)} of unknown price"
        return f"{total}. {' '.join(self.assumptions)}"

    def __repr__(self) -> str:
        rows = ("  ".join(cell for cell in _cells(line) if cell) for line in self.lines)
        return "\n".join((*rows, self._summary()))

    def _repr_html_(self) -> str | None:
        return as_html(self.to_frame, caption=escape(self._summary()))


def estimate(
    entries: Iterable[Entry],
    *,
    until: datetime,
    table: str = "current",
    trial: bool = False,
    free_tier: bool = False,
    ended: bool = False,
) -> Bill:
    """Price what the calls made, and the stacks that they made.

    Args:
        entries: a journal, or some of its entries. Calls after ``until`` and calls that AWS
            refused are left out.
        until: aware; CAs and objects that were not deleted are charged up to here.
        table: ``current`` or ``launch-2018``.
        trial: take off the fee of the first CA of each account and Region for its first 30 days,
            as if the account had never had one.
        free_tier: take off the calls that are free to every account in every month, as if these
            were the month's first.
        ended: take what stands as deleted at ``until``; a hosted zone is free up to 12 hours.

    Not priced: what the calls did not make (a CA that was there before), what AWS services wrote
    themselves (CRLs, audit reports), data transfer, taxes, free tiers for new accounts, discounts.

    Raises:
        LabError: there is no such table.
    """
    prices = price_table(table)
    done = [entry for entry in with_contents(entries) if entry.ok and entry.at <= until]
    authorities = _authorities(done, until)
    lines = [
        *_authority_lines(authorities, prices, trial=trial),
        *_certificate_lines(done, authorities, prices),
        *_storage_lines(done, until, prices),
        *_zone_lines(done, until, prices, ended=ended),
        *_key_lines(done, until, prices),
        *_secret_lines(done, until, prices),
        *_parameter_lines(done, until, prices),
        *_call_lines(done, prices, free_tier=free_tier),
    ]
    return Bill(
        table=prices.name,
        date=prices.date,
        currency=prices.currency,
        until=until,
        lines=tuple(_elsewhere(line, prices) for line in lines),
        assumptions=(
            f"Prices of {prices.region} on {prices.date}: {prices.about}.",
            f"A month is taken as {prices.hours_per_month} hours, to the second.",
            "Taxes, transfer, free tiers and what AWS services wrote themselves are left out.",
        ),
    )


def expected(
    entries: Iterable[Entry],
    *,
    lasting: timedelta = RESERVE,
    table: str = "current",
    trial: bool = False,
    free_tier: bool = False,
) -> Bill:
    """Price what the calls made as if each thing stood equally long, deleted or not.

    This is what two runs of the same calls have in common, whatever their pace.

    Args:
        entries: a journal, or some of its entries.
        lasting: how long things stand.
        table: as in `estimate`.
        trial: as there.
        free_tier: as there.

    Raises:
        LabError: there is no such table.
    """
    made = [each for each in entries if each.ok and not ends(each.operation)]
    begun = min((each.at for each in made), default=datetime(1970, 1, 1, tzinfo=UTC))
    return estimate(
        [replace(each, at=begun) for each in made],
        until=begun + lasting,
        table=table,
        trial=trial,
        free_tier=free_tier,
        ended=True,
    )


def ends(operation: str) -> bool:
    """Whether an operation deletes something, or takes a deletion back."""
    return any(fnmatchcase(operation, pattern) for pattern in _ENDS)


def price_of(
    service: str,
    operation: str,
    parameters: Mapping[str, object],
    region: str | None = None,
    *,
    table: str = "current",
) -> Price | None:
    """Return what one call is charged by, in its first tier; None for a service not in the table.

    Args:
        service: as boto3 names it.
        operation: as the API names it.
        parameters: the call's; ``UsageMode`` is read, and whether ACM's certificate may be
            exported. A private CA's certificate is priced as a general purpose CA's, since the
            call does not say of which kind its CA is.
        region: the price is marked unconfirmed where this is not the table's Region.
        table: ``current`` or ``launch-2018``.

    Raises:
        LabError: there is no such table.
    """
    prices = price_table(table)
    price = prices.of_request(service, operation, parameters)
    if price is None or region in (None, prices.region):
        return price
    note = "; ".join(filter(None, (price.note, f"price of {prices.region}")))
    return replace(price, confirmed=False, note=note)


def billable_create(
    service: str,
    operation: str,
    parameters: Mapping[str, object],
    region: str | None = None,
) -> Price | None:
    """Return the price to agree to before a call, or None where there is nothing to ask.

    Asked about: what the table marks (a CA, a certificate), and every call of a service the table
    does not know, except reads; the latter's amount is None, which is not zero. Requests to S3
    cost fractions of a cent and are not asked about.
    """
    price = price_of(service, operation, parameters, region)
    if price is not None:
        within = charged_types(parameters) if service == "cloudformation" else ()
        return price if price.create or within else None
    if reads_only(operation):
        return None
    return Price(service, f"{service} {operation}", "call", None, note="not in the price table")


@cache
def price_table(name: str) -> PriceTable:
    """Return a table of ``prices.toml``.

    Raises:
        LabError: there is no table of that name.
    """
    text = files("pkilab").joinpath("data", "prices.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    if name not in tables:
        raise LabError(f"price table: found {name!r}, expected one of {', '.join(sorted(tables))}")
    table = tables[name]
    prices = tuple(
        Price(
            amount=Decimal(row["price"]) if "price" in row else None,
            operations=tuple(row.get("operations", ())),
            currency=table["currency"],
            **{key: value for key, value in row.items() if key not in ("price", "operations")},
        )
        for row in table["prices"]
    )
    return PriceTable(**{**table, "name": name, "prices": prices})


# Certificate authorities.


class _Authority(NamedTuple):
    """A CA the calls made: when it stood, and when it was deleted until it was restored."""

    arn: str
    account: str
    account_id: str
    region: str
    usage_mode: str
    stood: tuple[tuple[datetime, datetime], ...]
    restored: tuple[tuple[datetime, datetime], ...]

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def created(self) -> datetime:
        return self.stood[0][0]


def _authorities(entries: Sequence[Entry], until: datetime) -> list[_Authority]:
    found: dict[str, _Authority] = {}
    for entry in entries:
        arn = entry.results.get("CertificateAuthorityArn")
        if entry.service == "acm-pca" and arn and arn not in found:  # a repeated token makes none
            stood, restored = _spans(entry.at, _fate(arn, entries), until)
            mode = str(entry.parameters.get("UsageMode", _GENERAL))
            place = (entry.account, entry.account_id, entry.region)
            found[arn] = _Authority(arn, *place, mode, stood, restored)
    return list(found.values())


def _fate(arn: str, entries: Iterable[Entry]) -> Iterator[tuple[str, datetime]]:
    for entry in entries:
        patterns = (named for named in entry.resources if named.endswith("*"))
        if arn in entry.resources or any(fnmatchcase(arn, named) for named in patterns):
            yield entry.operation, entry.at


def _spans(
    created: datetime, fate: Iterable[tuple[str, datetime]], until: datetime
) -> tuple[tuple[tuple[datetime, datetime], ...], tuple[tuple[datetime, datetime], ...]]:
    """Return when a CA, key or secret stood, and the deleted intervals that restoring ended."""
    stood, restored = [], []
    since, deleted = created, None
    for operation, at in fate:
        if operation in _DELETIONS and deleted is None:
            stood.append((since, at))
            deleted = at
        elif operation in _RESTORATIONS and deleted is not None:
            restored.append((deleted, at))
            since, deleted = at, None
    if deleted is None:
        stood.append((since, until))
    return tuple(stood), tuple(restored)


def _authority_lines(
    authorities: Iterable[_Authority], prices: PriceTable, *, trial: bool
) -> Iterator[Line]:
    tried: set[tuple[str, str]] = set()
    for ca in authorities:
        price = prices.of_call("acm-pca", "CreateCertificateAuthority", ca.usage_mode)
        if price is None:
            continue
        yield _line(ca, price, prices.months(_length(ca.stood)), ca.name)
        if ca.restored:
            deleted = prices.months(_length(ca.restored))
            yield _line(ca, price, deleted, f"{ca.name}, deleted and restored")
        if trial and (ca.account_id, ca.region) not in tried:
            tried.add((ca.account_id, ca.region))
            end = ca.created + timedelta(days=prices.trial_days)
            free = [
                (start, min(stop, end)) for start, stop in ca.stood + ca.restored if start < end
            ]
            days = f"{prices.trial_days}-day trial"
            yield _line(ca, price, -prices.months(_length(free)), f"{ca.name}, {days}")


def _length(spans: Iterable[tuple[datetime, datetime]]) -> timedelta:
    return sum((stop - start for start, stop in spans), timedelta())


# Certificates.


class _Issued(NamedTuple):
    """What certificates are counted by."""

    account: str
    region: str
    usage_mode: str
    month: str


def _certificate_lines(
    entries: Iterable[Entry], authorities: Iterable[_Authority], prices: PriceTable
) -> Iterator[Line]:
    modes = {ca.arn: ca.usage_mode for ca in authorities}
    issued: Counter[_Issued] = Counter()
    with_ocsp: Counter[tuple[str, str]] = Counter()
    ocsp: dict[str, bool] = {}
    seen: set[str] = set()
    doubtful: set[_Issued] = set()  # some of these certificates are of a CA the calls did not make
    for entry in entries:
        ca = _authority_of(entry)
        if (enabled := _ocsp_setting(entry)) is not None:
            ocsp[ca] = enabled
        certificate = entry.results.get("CertificateArn")
        if entry.service != "acm-pca" or certificate is None or certificate in seen:
            continue
        seen.add(certificate)
        month = entry.at.astimezone(UTC).strftime("%Y-%m")
        where = _Issued(entry.account, entry.region, modes.get(ca, _GENERAL), month)
        issued[where] += 1
        if ca not in modes:
            doubtful.add(where)
        with_ocsp[entry.account, entry.region] += ocsp.get(ca, False)
    for where, number in sorted(issued.items()):
        for line in _tiers(where, number, prices):
            doubt = "a CA not made here is taken as general purpose"
            known = where not in doubtful
            yield line if known else replace(line, confirmed=False, note=_join(line.note, doubt))
    for (account, region), number in sorted(with_ocsp.items()):
        if number:
            price = prices.named("acm-pca", "OCSP", "certificate")
            yield _line(_Place(account, region), price, Decimal(number))


def _tiers(where: _Issued, number: int, prices: PriceTable) -> Iterator[Line]:
    tiers = prices.tiers("acm-pca", "IssueCertificate", where.usage_mode)
    ends = [*(price.above for price in tiers[1:]), number]
    for price, end in zip(tiers, ends, strict=True):
        if (in_tier := min(number, end) - price.above) > 0:
            yield _line(where, price, Decimal(in_tier), where.month)


def _authority_of(entry: Entry) -> str:
    asked = entry.parameters.get("CertificateAuthorityArn")
    return asked if isinstance(asked, str) else entry.results.get("CertificateAuthorityArn", "")


def _ocsp_setting(entry: Entry) -> bool | None:
    """Return what a call sets OCSP to; None if it does not."""
    revocation = entry.parameters.get("RevocationConfiguration")
    ocsp = revocation.get("OcspConfiguration") if isinstance(revocation, dict) else None
    enabled = ocsp.get("Enabled") if isinstance(ocsp, dict) else None
    return enabled if isinstance(enabled, bool) else None


# Hosted zones, storage and calls.


def _zone_lines(
    entries: Iterable[Entry], until: datetime, prices: PriceTable, *, ended: bool
) -> Iterator[Line]:
    """Price hosted zones for every calendar month in which they stood, its first or their own."""
    standing: dict[str, tuple[_Place, datetime]] = {}
    months: Counter[_Place] = Counter()

    def end(arn: str, at: datetime) -> None:
        place, since = standing.pop(arn)
        first, last = since.astimezone(UTC), at.astimezone(UTC)
        months[place] += 12 * (last.year - first.year) + last.month - first.month + 1

    for entry in entries:
        if entry.operation == "CreateHostedZone":
            place = _Place(entry.account, entry.region)
            standing |= dict.fromkeys(entry.made, (place, entry.at))
        elif entry.operation == "DeleteHostedZone":
            for arn in standing.keys() & set(entry.resources):
                if entry.at - standing[arn][1] <= _ZONE_TRIAL:
                    del standing[arn]
                else:
                    end(arn, entry.at)
    for arn, (_, since) in list(standing.items()):
        if not (ended and until - since <= _ZONE_TRIAL):
            end(arn, until)
    price = prices.named("route53", "hosted zone", _ZONE_UNIT)
    for place, number in sorted(months.items()):
        yield _line(place, price, Decimal(number))


def _key_lines(entries: Sequence[Entry], until: datetime, prices: PriceTable) -> Iterator[Line]:
    """Price KMS keys until a deletion was scheduled that was not cancelled."""
    price = prices.named("kms", "KMS key", _KEY_UNIT)
    for entry in entries:
        if (entry.service, entry.operation) == ("kms", "CreateKey"):
            arn = entry.results["Arn"]
            stood, restored = _spans(entry.at, _fate(arn, entries), until)
            place, name = _Place(entry.account, entry.region), arn.rpartition("/")[2]
            yield _line(place, price, prices.months(_length(stood + restored)), name)


def _secret_lines(entries: Sequence[Entry], until: datetime, prices: PriceTable) -> Iterator[Line]:
    """Price secrets until they were deleted; by its name, a call means any of that name."""
    price = prices.named("secretsmanager", "secret", _SECRET_UNIT)
    for number, entry in enumerate(entries):
        if (entry.service, entry.operation) == ("secretsmanager", "CreateSecret"):
            arn = entry.results["ARN"]
            stood, _ = _spans(entry.at, _fate(arn, entries[number:]), until)
            place, name = _Place(entry.account, entry.region), arn.rpartition(":")[2]
            yield _line(place, price, prices.months(_length(stood)), name)


def _parameter_lines(
    entries: Sequence[Entry], until: datetime, prices: PriceTable
) -> Iterator[Line]:
    """Price parameters from when they were said to be advanced until they were deleted."""
    price = prices.named("ssm", "advanced parameter", "parameter-month")
    standing: dict[str, tuple[_Place, datetime]] = {}
    for entry in entries:
        if entry.service != "ssm" or not entry.resources:
            continue
        if entry.operation == "PutParameter" and entry.parameters.get("Tier") == "Advanced":
            place = _Place(entry.account, entry.region)
            standing.setdefault(entry.resources[0], (place, entry.at))
        elif entry.operation == "DeleteParameter" and entry.resources[0] in standing:
            place, since = standing.pop(entry.resources[0])
            yield _line(place, price, prices.months(entry.at - since), _last(entry.resources[0]))
    for arn, (place, since) in standing.items():
        yield _line(place, price, prices.months(until - since), _last(arn))


def _last(arn: str) -> str:
    return arn.rpartition(":parameter/")[2]


def _storage_lines(entries: Iterable[Entry], until: datetime, prices: PriceTable) -> Iterator[Line]:
    """Price bytes put into S3 until they were deleted or replaced; versions are not followed."""
    standing: dict[str, tuple[_Place, datetime, int]] = {}
    byte_seconds: dict[_Place, Decimal] = defaultdict(Decimal)

    def end(arn: str, at: datetime) -> None:
        if arn in standing:
            place, since, size = standing.pop(arn)
            byte_seconds[place] += size * _exact(at - since)

    for entry in entries:
        body = entry.parameters.get("Body")
        if entry.operation == "PutObject" and isinstance(body, Withheld) and body.size:
            end(entry.resources[0], entry.at)
            place = _Place(entry.account, entry.region)
            standing[entry.resources[0]] = (place, entry.at, body.size)
        elif entry.operation in ("DeleteObject", "DeleteObjects"):
            for arn in entry.resources:
                end(arn, entry.at)
    for arn in list(standing):
        end(arn, until)
    price = prices.named("s3", "S3 Standard storage", "GB-month")
    for place, amount in sorted(byte_seconds.items()):
        if amount:
            yield _line(place, price, amount / 2**30 / (prices.hours_per_month * 3600))


def _call_lines(entries: Iterable[Entry], prices: PriceTable, *, free_tier: bool) -> Iterator[Line]:
    """Price calls that are charged, or free, by the call."""
    counted: Counter[tuple[str, str, str]] = Counter()
    found: dict[str, Price] = {}
    specs: dict[str, str] = {}  # of keys that the calls made, by ARN
    for entry in entries:
        if (entry.service, entry.operation) == ("kms", "CreateKey"):
            asked = entry.parameters.get("KeySpec", entry.parameters.get("CustomerMasterKeySpec"))
            specs[entry.results["Arn"]] = str(asked or "SYMMETRIC_DEFAULT")
        price = _key_request(entry, specs, prices) or prices.of_request(
            entry.service, entry.operation, entry.parameters
        )
        if price is None:
            what = f"{entry.service} calls"
            price = Price(entry.service, what, "call", None, note="not in this table")
        counted_apart = price.unit in {_ZONE_UNIT, _KEY_UNIT, _SECRET_UNIT} or (
            price.create and price.service == "acm-pca"
        )
        if not counted_apart:
            found[price.what] = price
            counted[entry.account, entry.region, price.what] += _quantity(entry)
    for (account, region, what), number in sorted(counted.items()):
        price = found[what]
        free = min(number, price.free) if free_tier else 0
        detail = f"beyond {price.free:,} a month" if free else ""
        yield _line(_Place(account, region), price, Decimal(number - free), detail)


def _quantity(entry: Entry) -> int:
    """Return for how many a call is charged: some carry several findings or events."""
    member = {"BatchImportFindings": "Findings", "PutEvents": "Entries"}.get(entry.operation, "")
    carried = entry.parameters.get(member)
    if isinstance(carried, Withheld):
        return carried.size or 1
    return len(carried) if isinstance(carried, list) else 1


def _key_request(entry: Entry, specs: Mapping[str, str], prices: PriceTable) -> Price | None:
    """Return the price of a call that uses an asymmetric key; None: it has the ordinary one.

    A key that the calls did not make is judged by the algorithm; an RSA key is then taken as a
    larger one.
    """
    if entry.service != "kms":
        return None
    if entry.operation.startswith("GenerateDataKeyPair"):
        family = str(entry.parameters.get("KeyPairSpec"))[:3]
        return prices.named(
            "kms", f"KMS, {'RSA' if family == 'RSA' else 'ECC'} data key pairs", "call"
        )
    algorithm = str(entry.parameters.get("SigningAlgorithm", "SYMMETRIC_DEFAULT"))
    spec = next((specs[arn] for arn in entry.resources if arn in specs), algorithm)
    cheap = spec in {"SYMMETRIC_DEFAULT", "RSA_2048"} or spec.startswith("HMAC_")
    uses = entry.operation in _KEY_USES
    return prices.named("kms", _ASYMMETRIC, "call") if uses and not cheap else None


def _is_clear(operation: str, parameters: Mapping[str, object]) -> bool:
    """Whether it can be told what a call for a stack will cost."""
    charged = charged_types(parameters)
    return charged is not None and (makes_stack(operation, parameters) or not charged)


def _is_exportable(parameters: Mapping[str, object]) -> bool:
    """Whether a requested certificate is a public one that may leave ACM with its key."""
    options = parameters.get("Options")
    return (
        isinstance(options, Mapping)
        and options.get("Export") == "ENABLED"
        and not parameters.get("CertificateAuthorityArn")
    )


class _Place(NamedTuple):
    account: str
    region: str


def _line(
    place: _Place | _Authority | _Issued, price: Price, quantity: Decimal, detail: str = ""
) -> Line:
    amount = None if price.amount is None else price.amount * quantity / price.per
    return Line(
        account=place.account,
        region=place.region,
        thing=price.what,
        quantity=quantity,
        unit=price.unit,
        unit_price=None if price.amount is None else price.amount / price.per,
        amount=None if amount is None else amount.quantize(_MILLIONTH),
        confirmed=price.confirmed,
        note=price.note,
        detail=detail,
    )


def _sum(one: Line, other: Line) -> Line:
    both = None if None in (one.amount, other.amount) else (one.amount, other.amount)
    return replace(
        one,
        quantity=one.quantity + other.quantity,
        amount=sum(filter(None, both), Decimal(0)) if both else None,
    )


def _elsewhere(line: Line, prices: PriceTable) -> Line:
    """Return the line, marked where its Region is not the table's."""
    if line.region in {prices.region, "aws-global"}:  # some services have no Regions
        return line
    return replace(line, confirmed=False, note=_join(line.note, f"price of {prices.region}"))


# Text.


def _cells(line: Line) -> tuple[str, ...]:
    known = line.amount is not None
    doubt = "" if line.confirmed or not known else "unconfirmed"
    return (
        line.account,
        line.region,
        line.what,
        _number(line.quantity),
        line.unit,
        _money(line.unit_price),
        _cents(line.amount),
        _join(doubt, line.note),
    )


def _join(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _exact(elapsed: timedelta) -> Decimal:
    return Decimal(elapsed // timedelta(microseconds=1)) / 1_000_000


def _number(value: Decimal) -> str:
    """Return a quantity with up to six significant decimals."""
    places = max(6, 5 - value.adjusted()) if value else 0
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _cents(amount: Decimal | None) -> str:
    """Return an amount rounded to cents, as a bill has it; what is less says so."""
    if amount is None:
        return "price unknown"
    return "under 0.01" if 0 < amount < Decimal("0.01") else f"{amount:,.2f}"


def _money(value: Decimal | None) -> str:
    """Return an amount with two decimals, or more where it has more."""
    if value is None:
        return "price unknown"
    whole, _, cents = f"{value:,f}".partition(".")
    return f"{whole}.{cents.rstrip('0').ljust(2, '0')}"
