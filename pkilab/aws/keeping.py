"""What happens to a call between the asking and the sending: it is agreed to, and written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkilab.errors import UncertainError

if TYPE_CHECKING:
    from pathlib import Path

    from pkilab.aws.budget import Budget
    from pkilab.journal import Entry
    from pkilab.ledger import Ledger


class Keeping:
    """Where the journal of a run on AWS is kept besides (`pkilab.journal.Keeper`).

    A call counts in the budget from before it is sent until the journal has its answer; one that
    may have been done goes on counting.

    Args:
        budget: agrees to what costs money, or refuses.
        ledger: the run's.
    """

    def __init__(self, budget: Budget, ledger: Ledger) -> None:
        self._budget, self._ledger = budget, ledger
        self._held: dict[int, int] = {}  # the budget's number by the intent's

    @property
    def path(self) -> Path:
        """The ledger's file."""
        return self._ledger.path

    def intend(self, entry: Entry) -> int:
        """Agree to a call that is about to be sent, and write it down.

        Raises:
            BudgetError: it would pass the budget.
            LabError: the ledger cannot be written.
        """
        held = self._budget.hold(entry)
        intent = self._ledger.intend(entry)
        if held is not None:
            self._held[intent] = held
        return intent

    def answer(self, entry: Entry, intent: int | None) -> None:
        """Write down what came of a call, and give back what the budget held for it."""
        self._ledger.answer(entry, intent)
        held = self._held.pop(intent, None) if intent is not None else None
        if held is not None and entry.outcome != UncertainError.__name__:
            self._budget.release(held)
