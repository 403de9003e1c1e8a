"""The budget of a run: a call that would pass it is refused before it is sent."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from pkilab.costs import RESERVE, billable_create, estimate
from pkilab.errors import BudgetError
from pkilab.journal import Entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from decimal import Decimal

    from pkilab.journal import Journal

# Stands for what a call would make; by which name its answer would have that.
_PENDING = "arn:aws:pkilab:::pending/{number}"
_NAMES = {
    "CreateCertificateAuthority": "CertificateAuthorityArn",
    "CreateChangeSet": "StackId",
    "CreateSecret": "ARN",
    "CreateStack": "StackId",
    "IssueCertificate": "CertificateArn",
}


class Budget:
    """Holds what a run may cost. Safe to use from several threads.

    What counts is what the run has made, up to now and for one hour more (`costs.RESERVE`), by list
    price: enough to finish and to clean up.

    Args:
        limit: in the price table's currency; None agrees to nothing that costs money.
        journal: of the run.
        now: the clock.
    """

    def __init__(
        self, limit: Decimal | None, journal: Journal, now: Callable[[], datetime]
    ) -> None:
        self._limit, self._journal, self._now = limit, journal, now
        self._lock, self._numbers = threading.Lock(), 0
        self._held: dict[int, Entry] = {}  # what was agreed to and has not been answered

    def hold(self, asked: Entry) -> int | None:
        """Agree to a call.

        Returns:
            A number for `release`; None where the call costs nothing that must be agreed to.

        Raises:
            BudgetError: it would pass the budget, or costs nobody knows what.
        """
        price = billable_create(asked.service, asked.operation, asked.parameters, asked.region)
        if price is None:
            return None
        if self._limit is None:
            raise BudgetError(
                f"{asked.operation} costs {price}. Open the lab with budget_usd=... (or set "
                "PKILAB_BUDGET_USD) to agree to it"
            )
        if price.amount is None:
            raise BudgetError(f"{asked.operation} costs {price}: no budget can hold that")
        with self._lock:
            self._numbers += 1
            arn = _PENDING.format(number=self._numbers)
            results = {_NAMES.get(asked.operation, "Arn"): arn}
            new = replace(asked, outcome="ok", at=self._now(), results=results)
            until = self._now() + RESERVE
            so_far = [*self._journal, *self._held.values()]
            after = estimate([*so_far, new], until=until).total
            if after > self._limit:
                before = estimate(so_far, until=until).total
                raise BudgetError(
                    f"{asked.operation} costs {price}. With it this run comes to {after:.2f} "
                    f"{price.currency} by {until:%H:%M} UTC, of a budget of {self._limit}; without "
                    f"it, {before:.2f}"
                )
            self._held[self._numbers] = new
            return self._numbers

    def release(self, number: int) -> None:
        """Forget a call that was answered: the journal has it now, if it was done."""
        with self._lock:
            self._held.pop(number, None)
