"""One simulated world: its seed, its clock and the work that falls due on it.

A process holds one world at a time, because moto keeps its state in module globals.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pkilab.errors import LabClosedError, LabError
from pkilab.pki.entropy import Entropy

if TYPE_CHECKING:
    from pkilab.simulator.service import AwsError, Call

_log = logging.getLogger(__name__)

DEFAULT_ACCOUNTS: Mapping[str, str] = {"main": "111122223333"}  # AWS's documentation account
DEFAULT_REGION = "us-east-1"
# A Monday morning, under the rules of late 2026; everything a notebook shows is dated from here.
DEFAULT_START = datetime(2026, 11, 2, 9, 0, 0, tzinfo=UTC)


@dataclass(order=True)
class Job:
    """Work that falls due at a moment of the world's time."""

    when: datetime
    number: int  # first scheduled runs first among jobs of one moment
    label: str = field(compare=False)
    run: Callable[[], None] = field(compare=False, repr=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Let the moment pass without the work."""
        self.cancelled = True


class WorldClock:
    """The world's time: frozen at ``start`` until advanced, or the machine's own.

    Args:
        start: an aware datetime, or ``None`` for a live clock.
        lock: held while time moves, so that a request sees one moment.
        between: done after each moment's due work, without the lock: what that work left to do.
    """

    def __init__(
        self,
        start: datetime | None,
        lock: threading.RLock,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        if start is not None and start.tzinfo is None:
            raise LabError(f"the lab's time needs a time zone: found {start.isoformat()}")
        self.live = start is None
        self._lock, self._advancing, self._between = lock, threading.RLock(), between
        self._now = start.astimezone(UTC) if start else None
        self._jobs: list[Job] = []
        self._closed = False
        self._numbers = itertools.count()

    def now(self) -> datetime:
        """Return the world's time, aware, in UTC."""
        return self._now if self._now is not None else datetime.now(UTC)

    def at(self, when: datetime, run: Callable[[], None], label: str) -> Job:
        """Schedule ``run`` for ``when``; work scheduled for the past is due at once."""
        job = Job(when, next(self._numbers), label, run)
        heapq.heappush(self._jobs, job)
        return job

    def run_due(self) -> None:
        """Run what is due by now, in time order. A frozen clock shows each job its own moment."""
        self._run_until(self.now())

    def advance(self, **duration: float) -> datetime:
        """Move a frozen clock forward by ``timedelta(**duration)``, running due work in order.

        Raises:
            LabError: the clock is live, or the duration is negative or out of range.
            LabClosedError: the world was closed.
        """
        if self._closed:
            raise LabClosedError("the clock of a closed world stands still")
        if self._now is None:
            raise LabError("the lab's clock is live: it moves by itself and cannot be advanced")
        with self._advancing:  # one after the other, though requests may come between due work
            try:
                step = timedelta(**duration)
                target = self._now + step
            except (OverflowError, ValueError) as error:
                raise LabError(f"the lab's clock cannot advance by {duration}: {error}") from error
            if step < timedelta(0):
                raise LabError(f"the lab's clock only moves forward: found {step}")
            while (due := self._next_due(target)) is not None:
                with self._lock:
                    self._run_until(due)
                self._between()
            with self._lock:
                self._run_until(target)
                self._now = target
            self._between()
            return target

    def stop(self) -> None:
        """Drop all due work: moto's state is the process's, and the next world must not see it."""
        self._closed = True
        self._jobs.clear()

    def _next_due(self, target: datetime) -> datetime | None:
        """Return the moment of the first work that is due by a time."""
        with self._lock:
            while self._jobs and self._jobs[0].cancelled:
                heapq.heappop(self._jobs)
            found = self._jobs[0].when if self._jobs else None
        return found if found is not None and found <= target else None

    def _run_until(self, target: datetime) -> None:
        while self._jobs and self._jobs[0].when <= target:
            job = heapq.heappop(self._jobs)
            if job.cancelled:
                continue
            if self._now is not None:
                self._now = max(self._now, job.when)
            try:
                job.run()
            except Exception:  # noqa: BLE001 - whoever takes the next turn is not to blame
                _log.exception("due work failed: %s", job.label)


class Gate:
    """Who may do what. At this one nobody stands; one that asks IAM overrides it."""

    def admit(self, service: str, operation: str, members: dict[str, Any], call: Call) -> None:
        """Let a call pass.

        Raises:
            AwsError: the caller may not.
        """

    def admit_anyone(self, action: str, resource: str, owner: str, call: Call) -> None:
        """Let somebody without credentials do what a resource's owner lets everybody do.

        Raises:
            AwsError: the owner's organization does not.
        """


class Trail:
    """What was done. Nobody reads this one; CloudTrail's overrides it."""

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
        """Take note of a call that has ended."""


class Throttle:
    """How often. This one counts nothing; one with quotas overrides it."""

    def admit(self, service: str, operation: str, call: Call) -> None:
        """Let a call pass.

        Raises:
            AwsError: there were too many in too short a time.
        """


class World:
    """Seed, clock, accounts and a lock around them.

    Args:
        seed: any text; with the same start time and the same calls it gives the same bytes.
        start: the frozen start time, or ``None`` for the machine's time.
        accounts: alias to 12-digit account id; the first is the default account.
        region: where clients go that name no Region.
        latency: how long asynchronous work takes (keys, issuance, audit reports), and, where
            policies are enforced, until others hear of IAM's changes. Zero by default: AWS's
            intermediate states are skipped.
        enforce_policies: whether callers need IAM's leave, and signatures are checked.
        enforce_quotas: whether services throttle, by the world's clock.
    """

    seed: str
    _open: World | None = None

    def __init__(
        self,
        *,
        seed: str = "pkilab",
        start: datetime | None = DEFAULT_START,
        accounts: Mapping[str, str] = DEFAULT_ACCOUNTS,
        region: str = DEFAULT_REGION,
        latency: timedelta = timedelta(0),
        enforce_policies: bool = False,
        enforce_quotas: bool = False,
    ) -> None:
        for alias, number in accounts.items():
            if not (len(number) == 12 and number.isascii() and number.isdigit()):  # noqa: PLR2004
                raise LabError(f"account {alias!r}: found {number!r}, expected 12 digits")
        if not accounts or len(set(accounts.values())) != len(accounts):
            raise LabError(f"accounts must be distinct and at least one: found {dict(accounts)}")
        if World._open is not None:
            raise LabError(
                f"a simulated world is open already (seed {World._open.seed!r}); "
                "a process holds one at a time: close that lab first"
            )
        self.seed, self.region, self.latency = seed, region, latency
        self.enforce_policies, self.enforce_quotas = enforce_policies, enforce_quotas
        self.gate = Gate()
        self.throttle = Throttle()
        self.trail = Trail()
        self.accounts = dict(accounts)
        self.closed = False
        self._lock = threading.RLock()
        self.clock = WorldClock(start, self._lock, self.run_errands)
        self._errands: deque[tuple[str, Callable[[], None]]] = deque()
        self._running_errands = threading.Lock()
        self._entropy = Entropy(seed)
        World._open = self

    def entropy(self, *labels: str) -> Entropy:
        """Return the seeded source named by ``labels``, always at its beginning."""
        return self._entropy.child(*labels)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the world for one request: due work first, one caller at a time.

        Raises:
            LabClosedError: the world was closed.
        """
        with self._lock:
            if self.closed:
                raise LabClosedError(f"the simulated world {self.seed!r} was closed")
            self.clock.run_due()
            yield

    def errand(self, run: Callable[[], None], label: str) -> None:
        """Leave work for when the turn is over: what takes its time, or calls back into the world.

        Args:
            run: the work; it takes turns of its own.
            label: what it is, for the log.
        """
        self._errands.append((label, run))

    def run_errands(self) -> None:
        """Do what turns have left, outside of any turn, in order and one at a time.

        Whoever comes while somebody is at it goes on: the other does theirs, too. So does who comes
        in the midst of a turn, such as CloudFormation with the calls of a stack: an errand that
        calls back would wait for that turn, and the turn for it.
        """
        if self._lock._is_owned():  # type: ignore[attr-defined]  # noqa: SLF001 - nothing else says
            return
        while self._errands and self._running_errands.acquire(blocking=False):
            try:
                while self._errands:
                    label, run = self._errands.popleft()
                    try:
                        run()
                    except LabClosedError:
                        return
                    except Exception:  # noqa: BLE001 - whoever called last is not to blame
                        _log.exception("an errand failed: %s", label)
            finally:
                self._running_errands.release()

    def close(self) -> None:
        """End the world; a process may then open another. Closing twice is harmless."""
        with self._lock:
            self.closed = True
            self._errands.clear()
            self.clock.stop()
            if World._open is self:
                World._open = None
