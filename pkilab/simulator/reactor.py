"""Twisted's reactor in a thread of its own, started when the first server needs it.

A process has one reactor and cannot start it twice, so it is never stopped; the thread is a daemon
and does not keep the process alive. What takes time runs in a pool of threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from twisted.internet import reactor as _installed
from twisted.internet.threads import blockingCallFromThread

# The module stands for whichever reactor was installed; its type is not known to be one.
reactor: Any = _installed
_WORKERS = 16

Result = TypeVar("Result")


@cache
def start() -> None:
    """Run the reactor, unless something in this process runs it already."""
    if not reactor.running:
        run = threading.Thread(
            target=reactor.run, args=(False,), name="pkilab reactor", daemon=True
        )
        run.start()


def call(function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 - as it returns
    """Call a function in the reactor's thread and wait for it; not from that thread."""
    start()
    return blockingCallFromThread(reactor, function, *arguments)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_WORKERS, "pkilab request")


def work(function: Callable[[], Result], done: Callable[[Future[Result]], None]) -> None:
    """Run a function in the pool; ``done`` gets its future, in the reactor's thread."""
    future = _pool().submit(function)
    future.add_done_callback(lambda ended: reactor.callFromThread(done, ended))
