"""Asynchronous invocations: Lambda's queue of events, its retries, and when it gives up.

On a frozen clock an event's first run is done before whoever caused it gets their answer, so that a
world does the same thing every time; retries are due as the clock is advanced. On a live clock
events run in the background, as AWS's do, and retries are due with the world's other work.

A function that keeps invoking itself would keep its first caller waiting for ever. At one moment of
a frozen clock a function runs a thousand events, AWS's concurrency for an account; what is beyond
waits for a second of the clock.

Not simulated: Lambda's detection of recursive loops, reserved concurrency, events that are
delivered twice.

Sources: Lambda Developer Guide, "Invoking a Lambda function asynchronously", "How Lambda handles
errors and retries with asynchronous invocation", "Lambda quotas".
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pkilab.errors import LabClosedError
from pkilab.simulator.functions.destinations import (
    EXHAUSTED,
    SUCCESS,
    TOO_OLD,
    Destinations,
    Outcome,
)
from pkilab.simulator.functions.environment import Invocation
from pkilab.simulator.functions.pool import Pool
from pkilab.simulator.functions.state import EventInvokeConfig, Function
from pkilab.simulator.service import AwsError
from pkilab.simulator.world import World

_log = logging.getLogger(__name__)

_ATTEMPTS = 2  # retries after a function's own errors, unless configured
_AGE = 6 * 3600  # seconds
_AFTER_ERRORS = (timedelta(minutes=1), timedelta(minutes=2))
_LONGEST_PAUSE = timedelta(minutes=5)  # after throttles and errors of Lambda's own
_AT_ONCE = 1_000
_SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class Event:
    """An event in the queue.

    Attributes:
        function: whose it is; one that is deleted meanwhile takes its events along.
        number: the request id, the same for all attempts.
        payload: JSON.
        taken: when it came.
        runs: how often the function has run.
        refusals: how often in a row Lambda had no room for it.
        last: what came of the latest run.
    """

    function: Function
    number: str
    payload: bytes
    taken: datetime
    runs: int = 0
    refusals: int = 0
    last: Invocation | None = None


class EventQueue:
    """The asynchronous invocations of a world.

    Args:
        world: whose clock they wait by; runs are its errands.
        find: returns the function of an ARN.
        pool: returns a function's environments, or raises AwsError.
        destinations: who is told in the end.
    """

    def __init__(
        self,
        world: World,
        find: Callable[[str], Function | None],
        pool: Callable[[Function], Pool],
        destinations: Destinations,
    ) -> None:
        self._world, self._find, self._pool = world, find, pool
        self._destinations = destinations
        self._moment: datetime | None = None
        self._at_moment: dict[str, int] = {}  # by ARN

    def take(self, function: Function, number: str, payload: bytes) -> None:
        """Take an event, in a turn."""
        self._leave(Event(function, number, payload, self._world.clock.now()))

    def _leave(self, event: Event) -> None:
        """Leave an attempt for when the turn is over."""
        run = functools.partial(self._attempt, event)
        label = f"lambda: {event.function.arn} runs {event.number}"
        if not self._world.clock.live:
            self._world.errand(run, label)
            return
        thread = threading.Thread(
            target=_in_background, args=(self._world, run, label), name=f"pkilab-{event.number}"
        )
        thread.start()

    def _attempt(self, event: Event) -> None:
        """Run the function once, outside of any turn, and see what is to follow."""
        with self._world.turn():
            outcome = self._before(event)
            pool = None if outcome else self._admitted(event)
        if pool is not None:
            try:
                event.last = pool.run(event.number, event.payload)
            except AwsError as why:
                with self._world.turn():
                    self._postpone(event, why)
                return
            with self._world.turn():
                event.runs, event.refusals = event.runs + 1, 0
                outcome = self._after(event, event.last)
        if outcome is not None:
            self._destinations.tell(outcome)

    def _before(self, event: Event) -> Outcome | None:
        """Return how an event ends that has become too old."""
        age = self._world.clock.now() - event.taken
        if age < timedelta(seconds=_config(event).age or _AGE):
            return None
        return self._outcome(event, TOO_OLD)

    def _admitted(self, event: Event) -> Pool | None:
        """Return where an event runs; None: it does not run now."""
        function = event.function
        if self._find(function.arn) is not function:
            return None
        now = self._world.clock.now()
        if now != self._moment:
            self._moment = now
            self._at_moment.clear()
        count = self._at_moment[function.arn] = self._at_moment.get(function.arn, 0) + 1
        if count > _AT_ONCE and not self._world.clock.live:
            self._again(event, now + _SECOND)
            return None
        try:
            return self._pool(function)
        except AwsError as why:
            self._postpone(event, why)
            return None

    def _after(self, event: Event, done: Invocation) -> Outcome | None:
        """Return how an event ends after a run; None: it is tried again."""
        if done.function_error is None:
            return self._outcome(event, SUCCESS)
        attempts = _config(event).attempts
        if event.runs > (_ATTEMPTS if attempts is None else attempts):
            return self._outcome(event, EXHAUSTED)
        self._again(event, self._world.clock.now() + _AFTER_ERRORS[event.runs - 1])
        return None

    def _postpone(self, event: Event, why: AwsError) -> None:
        """Try again what Lambda had no room for; such attempts are not counted."""
        _log.info("%s waits: %s", event.number, why)
        pause = min(_LONGEST_PAUSE, _SECOND * 2 ** min(event.refusals, 9))
        event.refusals += 1
        self._again(event, self._world.clock.now() + pause)

    def _again(self, event: Event, when: datetime) -> None:
        """Schedule an attempt; what would be too old by then ends at that age."""
        end = event.taken + timedelta(seconds=_config(event).age or _AGE)
        label = f"lambda: {event.function.arn} has {event.number} again"
        self._world.clock.at(min(when, end), functools.partial(self._leave, event), label)

    def _outcome(self, event: Event, condition: str) -> Outcome:
        return Outcome(
            event.function,
            event.number,
            event.payload,
            condition,
            event.runs,
            event.last,
            self._world.clock.now(),
        )


def _config(event: Event) -> EventInvokeConfig:
    return event.function.asynchronous or EventInvokeConfig(event.taken)


def _in_background(world: World, run: Callable[[], None], label: str) -> None:
    try:
        run()
        world.run_errands()
    except LabClosedError:
        return
    except Exception:  # noqa: BLE001 - nobody waits for it
        _log.exception("failed: %s", label)
