"""Following logs for the owner of names, and searching them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pkilab.ct.log import Log
from pkilab.ct.log_client import write_entry, write_tree_head
from pkilab.ct.log_list import LogList, LogState
from pkilab.ct.monitor import Monitor
from pkilab.ct.sightings import Sighting
from pkilab.ct.watching import Expected, Watchlist
from pkilab.errors import LabError
from pkilab.revocation import Fetch
from pkilab.transparency._wire import getter, source_of

# States in which a log answers and browsers rely on it.
_CURRENT = {LogState.QUALIFIED, LogState.USABLE, LogState.READONLY}


def watch(
    log_list: LogList,
    names: Iterable[str],
    fetch: Fetch,
    *,
    expected: Expected | None = None,
    state: Mapping[str, Any] | None = None,
) -> Monitor:
    """Return a monitor of the RFC 6962 logs of a list, for the owner of names.

    ``monitor.poll(now)`` follows them as far as they have come, ``monitor.state()`` is what to
    begin with another time, and ``monitor.hear`` compares what others were shown.

    Raises:
        MalformedError: no name, a key that no log may have, a merge delay beyond measure, or a
            state that is none.
    """
    logs = [
        source_of(each)
        for each in log_list.logs()
        if not each.is_tiled and each.state and each.state.name in _CURRENT
    ]
    watched = Watchlist(names)
    return Monitor(logs, watched, getter(fetch), expected=expected, state=state)


def search(
    log_list: LogList, names: Iterable[str], fetch: Fetch, *, at: datetime
) -> tuple[Sighting, ...]:
    """Read the logs from their beginnings for certificates that concern names.

    That takes a minute for a small log and months for a public one, where search services
    (crt.sh) have done it already.

    Raises:
        LabError: a log could not be followed to its end, so that there may be more.
        MalformedError: as `watch`.
    """
    found = watch(log_list, names, fetch).poll(at)
    if found.problems:
        raise LabError("; ".join(each.sentence for each in found.problems))
    return found.unexpected


def answers_of(log: Callable[[], Log], now: Callable[[], datetime]) -> Callable[[str], Any]:
    """Return what gets URLs of a log that is kept in this process, for a `Monitor` to follow.

    Only what a reader asks for. Made for logs that are to misbehave, which those of a world do not.

    Args:
        log: returns the log as it is to be seen now.
        now: the time.
    """

    def get(url: str) -> Any:  # noqa: ANN401 - JSON
        seen, parts = log(), urlsplit(url)
        query = dict(parse_qsl(parts.query))

        def asked(name: str) -> int:
            text = query.get(name, "")
            return int(text) if text.isdecimal() else -1  # which no tree has

        match parts.path.rpartition("/")[2]:
            case "get-sth":
                return write_tree_head(seen.head(now()))
            case "get-sth-consistency":
                proof = seen.consistency_proof(asked("first"), asked("second"))
                return {"consistency": [b64encode(each).decode() for each in proof]}
            case "get-entries":
                found = seen.entries(asked("start"), asked("end") + 1)
                return {"entries": [write_entry(each) for each in found]}
        raise LabError(f"{url}: found no such call, expected one of a monitor's")

    return get
