"""Waiting for AWS: ask, pause, ask again, for a stated time at most.

boto3's waiters know when some things are done, and do not know that a role which was just made, a
policy or an access key is heard of everywhere some seconds later. What no waiter knows is asked
here, by whatever question tells that it can be used.

Sources: IAM User Guide, "Troubleshoot IAM" ("Changes that I make are not always immediately
visible"); KMS Developer Guide, "Eventual consistency".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from pkilab.errors import LabError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_T = TypeVar("_T")
#: How long what was changed in IAM may take to be heard of, before a refusal is taken for a lasting
#: one. AWS names no time; seconds are usual.
IAM_SETTLES = timedelta(minutes=1)
Progress = Callable[[timedelta, timedelta], None]  # waited so far, and at most


def until(
    question: Callable[[], _T | None],
    *,
    what: str,
    at_most: timedelta,
    every: timedelta,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] | None = None,
    found: Callable[[], str] | None = None,
    on_progress: Progress | None = None,
) -> _T:
    """Ask until there is an answer, and return it: the first that counts as true.

    Asks at once, and then after each pause of ``every``; the last pause ends at ``at_most``. So it
    is asked ``at_most / every`` times, rounded up, and once more.

    Args:
        question: what is asked. What it raises ends the waiting.
        what: is waited for, for the message.
        at_most: how long. Zero asks once.
        every: how long a pause lasts, more than zero.
        sleep: how to pause, in seconds.
        now: a clock, in seconds, which only goes forward. With it, the time that the questions
            themselves take counts; without, that of the pauses alone.
        found: says how things stand, when the time is over.
        on_progress: told before each pause how long was waited and how long will be at most.

    Raises:
        LabError: the time is over, or is no time to wait for.
    """
    if every <= timedelta(0) or at_most < timedelta(0):
        raise LabError(
            f"{what}: found pauses of {every} for {at_most}, expected some, for a time that is none"
            " or more"
        )
    began, waited = now() if now else 0.0, timedelta(0)
    while not (answer := question()):
        if now:
            waited = max(waited, timedelta(seconds=now() - began))
        if waited >= at_most:
            refusal = question.refusal if isinstance(question, Asking) else None
            raise LabError(_over(what, waited, refusal, found)) from refusal
        if on_progress:
            on_progress(waited, at_most)
        pause = min(every, at_most - waited)
        sleep(pause.total_seconds())
        waited += pause
    return answer


class Asking(Generic[_T]):
    """A call as a question: its answer, or None while AWS refuses it by one of some codes.

    Any other refusal is raised. Make one with `accepted`.
    """

    def __init__(self, call: Callable[[], _T], codes: frozenset[str], saying: str) -> None:
        self._call, self._codes, self._saying = call, codes, saying
        self.refusal: ClientError | None = None

    def __call__(self) -> _T | None:
        """Make the call.

        Raises:
            ClientError: AWS refuses it for another reason (botocore's).
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - `import pkilab` stays cheap

        try:
            answer = self._call()
        except ClientError as error:
            if not _is(error, self._codes, self._saying):
                raise
            self.refusal = error
            return None
        self.refusal = None
        return answer


def accepted(call: Callable[[], _T], *codes: str, saying: str = "") -> Asking[_T]:
    """Return a question for `until`: the call's answer, once AWS no longer refuses it.

    Only for calls that change nothing while they are refused, since they are made again.

    Args:
        call: what is tried; its answer counts as true, as all of boto3's do.
        codes: AWS's error codes that are expected to pass.
        saying: what the message holds, where a code has other meanings as well.
    """
    return Asking(call, frozenset(codes), saying)


def refused(call: Callable[[], object], *codes: str, saying: str = "") -> Callable[[], bool]:
    """Return a question for `until`: True, once AWS refuses a call.

    For rights that are to end, and things that are to go. Only for calls that do no harm while they
    are still let through.

    Args:
        call: what is tried.
        codes: AWS's error codes that are waited for; another is raised.
        saying: what the message holds, where a code has other meanings as well.
    """
    question = Asking(call, frozenset(codes), saying)

    def ended() -> bool:
        question()
        return question.refusal is not None

    return ended


def _is(error: ClientError, codes: frozenset[str], saying: str) -> bool:
    told = error.response.get("Error", {})
    return told.get("Code") in codes and saying in told.get("Message", "")


def _over(
    what: str, waited: timedelta, refusal: ClientError | None, found: Callable[[], str] | None
) -> str:
    """Say what was waited for, how long, and how things stand."""
    message = f"waited {timedelta(seconds=round(waited.total_seconds()))} for {what}"
    stand = found() if found else f"AWS still answers: {refusal}" if refusal else ""
    return f"{message}; {stand}" if stand else message
