"""Runs first in each Python that is started in a stand-in's environment: its time is the world's.

The clock stands still. A sleep of a fifth of a second or more asks the stand-in to let that time
pass in the world, and is over when it has: half an hour takes as long as the work that falls due in
it. Shorter sleeps are real, as is what waits by the monotonic clock: event loops, sockets, locks.

Where a file is named for it, each entry of each journal is written there as well, as it is made.
"""

import json
import os
import socket
import threading
import time
from datetime import UTC, datetime

_SHORTEST = 0.2  # seconds; what sleeps for less waits for this machine, not for AWS
_ADDRESS = os.environ.get("PKILAB_STAND_IN", "")  # host:port:token
_JOURNAL = os.environ.get("PKILAB_STAND_IN_JOURNAL", "")
_ENTRY = ("account", "service", "operation", "outcome")  # what is written of an entry
_really_sleep = time.sleep


def _pass(seconds: float) -> datetime:
    """Let time pass in the world, and return what time it is there."""
    host, port, token = _ADDRESS.split(":")
    with socket.create_connection((host, int(port)), timeout=120) as link:
        link.sendall(json.dumps({"token": token, "seconds": seconds}).encode() + b"\n")
        with link.makefile() as answer:
            return datetime.fromtimestamp(json.loads(answer.readline())["now"], UTC)


def _travel() -> None:
    try:
        import time_machine
    except ImportError:  # an interpreter with packages of its own, such as the aws command line's
        return
    from stand_in_waits import follow

    traveller = time_machine.travel(_pass(0), tick=False).start()

    def sleep(seconds: float, /) -> None:
        # A kernel's own threads look once a second whether their parent is there.
        of_kernel = type(threading.current_thread()).__module__.startswith("ipykernel")
        if seconds < _SHORTEST or of_kernel:
            _really_sleep(seconds)
        else:
            traveller.move_to(_pass(seconds))

    time.sleep = sleep
    follow(time.time, lambda seconds: traveller.move_to(_pass(seconds)))


def _write_journals() -> None:
    try:
        from pkilab.journal import Entry, Journal
    except ImportError:  # as above
        return

    record = Journal.record

    def written(self: Journal, **said: object) -> Entry:
        entry = record(self, **said)
        line = json.dumps({name: getattr(entry, name) for name in _ENTRY}) + "\n"
        file = os.open(_JOURNAL, os.O_WRONLY | os.O_APPEND)
        os.write(file, line.encode())
        os.close(file)
        return entry

    Journal.record = written


if _ADDRESS:
    _travel()
if _JOURNAL:
    _write_journals()
