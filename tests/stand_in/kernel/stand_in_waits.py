"""botocore's rate limiter, by a time of somebody's own.

In its adaptive mode botocore waits by a lock's timeout, really, and then looks at the clock on the
wall. Where that one stands still it would wait for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

from botocore.retries import bucket

_LEAST = 0.001  # seconds; a clock does not move by what rounds to nothing


def follow(now: Callable[[], float], sleep: Callable[[float], object]) -> Callable[[], None]:
    """Have it go by a time, and let that time pass where it waits. Returns what undoes it.

    Args:
        now: the time, in seconds since 1970.
        sleep: lets so many seconds of it pass.
    """

    class Condition(threading.Condition):
        def wait(self, timeout: float | None = None) -> bool:
            self.release()
            try:
                sleep(max(timeout or 0, _LEAST))
            finally:
                self.acquire()
            return True

    before = bucket.Clock.current_time
    bucket.Clock.current_time = lambda _self: now()
    bucket.threading = SimpleNamespace(Lock=threading.Lock, Condition=Condition)

    def undo() -> None:
        bucket.Clock.current_time, bucket.threading = before, threading

    return undo
