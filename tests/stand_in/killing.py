"""What would be left if the client were killed now, asked at every call, and cleaned up.

At each call that may change something the process that holds the world is forked: before the call
is performed, and after it was, before its sender hears of it. The child has the world of that
moment, and the ledger as it lies on disk. That is what kill -9 of the client leaves. It cleans up
from the ledger, looks whether anything is left, says so in a file, and ends; the parent goes on
with the run, and is none the wiser.

No thread but the one that forked is in the child: it serves the world to itself, by a plain server
of the standard library where a function needs one, and starts functions anew.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pkilab import cleaning, ledger
from pkilab.cleaning import leftovers
from pkilab.simulator.service import HttpRequest
from pkilab.simulator.world import Throttle
from tests.stand_in.account import Account
from tests.stand_in.calls import Call
from tests.stand_in.inventory import RECORD, State, inventory, prepare

_SECONDS = 120  # of real time for one child
_PARENTS: list[object] = []  # what a child must not touch, and not forget either
BEFORE, AFTER, END = "before", "after", "at the end"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one moment.

    Attributes:
        call: the call at which the client was killed; "" at the end of the run.
        moment: `BEFORE` it was performed, or `AFTER`.
        removed: how many things the clean-up removed.
        left: what stands though it should not, by kind and name. Not counted are records that the
            run may have written into a zone that was there, which the clean-up tells and leaves:
            nothing proves that they were not there before.
        harmed: what is somebody else's and is not as it was.
        said: what the clean-up itself says is left, and why.
        trouble: what went wrong on the way; "" if nothing did.
        seconds: how long it took.
    """

    call: str
    moment: str
    removed: int = 0
    left: tuple[str, ...] = ()
    harmed: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    trouble: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Nothing left, nobody harmed, no trouble."""
        return not (self.left or self.harmed or self.trouble)

    def __str__(self) -> str:
        what = [
            *(f"left: {each}" for each in self.left),
            *(f"harmed: {each}" for each in self.harmed),
            *(f"said: {each}" for each in self.said),
            *([self.trouble] if self.trouble else []),
        ]
        return "\n    ".join([f"{self.moment} {self.call}".strip(), *what])


class Kills:
    """Forks at each call from `killed`; ``verdicts`` are complete when its block is left.

    Args:
        account: the stand-in, open, with the bystanders already in it.
        chosen: which calls are tried; all that may change something by default.
        at_once: how many children may run beside one another.
        on_verdict: told of each verdict as it comes.
    """

    def __init__(
        self,
        account: Account,
        *,
        chosen: Callable[[Call], bool] = lambda _: True,
        at_once: int = 2,
        on_verdict: Callable[[Verdict], None] | None = None,
    ) -> None:
        self.verdicts: list[Verdict] = []
        self._account, self._chosen, self._at_once = account, chosen, at_once
        self._on_verdict = on_verdict
        self._folder = account.folder / "verdicts"
        self._folder.mkdir(exist_ok=True)
        self._children: dict[int, tuple[str, str, Path]] = {}
        self._numbers = 0
        self._lock = threading.RLock()
        prepare(account.lab)
        _prepare_clients(account)
        with account.unhurried():
            self._before = inventory(account.lab)

    def before(self, call: Call) -> None:
        """Try what it would be to be killed before a call is performed."""
        if call.changes and self._chosen(call):
            self.fork(str(call), BEFORE)

    def after(self, call: Call) -> None:
        """Try what it would be after it."""
        if call.changes and self._chosen(call):
            self.fork(str(call), AFTER)

    def fork(self, call: str, moment: str) -> None:
        """Try one moment: this one."""
        path = self._account.ledger()
        said = path.read_bytes() if path else None
        with self._lock:
            while len(self._children) >= self._at_once:
                self._reap()
            self._numbers += 1
            answer = self._folder / f"{self._numbers}.json"
            # Between two turns nobody holds a lock of the world's, and no thread waits for one.
            with self._account.world._lock:
                child = os.fork()
            if child:
                self._children[child] = (call, moment, answer)
                return
        self._be_the_child(call, moment, said, answer)

    def wait(self) -> None:
        """Wait for all children."""
        with self._lock:
            while self._children:
                self._reap()

    def _reap(self) -> None:
        """Wait for the first child, and take its verdict."""
        child, (call, moment, path) = next(iter(self._children.items()))
        _, status = os.waitpid(child, 0)
        del self._children[child]
        try:
            told = json.loads(path.read_text())
        except (OSError, ValueError):
            trace = path.with_suffix(".trace")
            seen = trace.read_text() if trace.exists() else ""
            told = {"call": call, "moment": moment, "trouble": f"its end was {status}\n{seen}"}
        verdict = Verdict(**{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in told.items()
        })  # fmt: skip
        self.verdicts.append(verdict)
        if self._on_verdict:
            self._on_verdict(verdict)

    def _be_the_child(self, call: str, moment: str, said: bytes | None, answer: Path) -> None:
        """Judge, write it down, and end without any of what else would be done at an end."""
        verdict = Verdict(call, moment)
        try:
            trace = answer.with_suffix(".trace").open("w")
            faulthandler.dump_traceback_later(_SECONDS, exit=True, file=trace)
            begun = time.monotonic()
            _wake(self._account)
            verdict = self._judge(call, moment, said, answer.with_suffix(".jsonl"), begun)
        except BaseException:  # noqa: BLE001 - whatever it was is the verdict
            verdict = Verdict(call, moment, trouble=traceback.format_exc())
        finally:
            with contextlib.suppress(BaseException):
                new = answer.with_suffix(".new")
                new.write_text(json.dumps(asdict(verdict)))
                new.replace(answer)
                self._account.gateway.functions.close()
            os._exit(0)

    def _judge(
        self, call: str, moment: str, written: bytes | None, path: Path, begun: float
    ) -> Verdict:
        lab, cleaned = self._account.lab, None
        if written is not None:
            path.write_bytes(written)
            cleaned = clean_up(lab, path)
        new, harmed = compare(self._before, inventory(lab))
        kept = cleaned.left if cleaned else ()
        return Verdict(
            call,
            moment,
            removed=len(cleaned.removed) if cleaned else 0,
            left=tuple(each for each in new if not told(each, cleaned)),
            harmed=harmed,
            said=tuple(f"{each.resource.kind} {each.resource.arn}: {each.note}" for each in kept),
            seconds=time.monotonic() - begun,
        )  # fmt: skip


def clean_up(lab: Any, path: Path) -> cleaning.Cleaned:
    """Clean up after a ledger as ``pkilab clean-up`` does, with a lab's clients and time."""
    record = ledger.read(path)

    def client_for(service: str, account: str, region: str) -> Any:
        return lab.client(service, account=record.accounts.get(account, account), region=region)

    return cleaning.clean_up(
        leftovers.standing(record, client_for),
        client_for,
        sleep=lambda seconds: lab.clock.advance(seconds=seconds),
    )


def told(thing: str, cleaned: cleaning.Cleaned | None) -> bool:
    """Whether a new thing is a record in a zone of which the clean-up says that it may have one."""
    kind, _, name = thing.partition(" ")
    zone = f":hostedzone/{name.rpartition('/')[2]}"
    left = cleaned.left if cleaned else ()
    return kind == RECORD and any(each.resource.arn.endswith(zone) for each in left)


def compare(before: State, after: State) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is new, and what of the old is gone or is not as it was."""
    new = sorted(f"{kind} {name}" for thing in after.keys() - before.keys()
                 for kind, name in (thing[2:],))  # fmt: skip
    harmed = sorted(
        f"{thing[2]} {thing[3]} is {'changed' if thing in after else 'gone'}"
        for thing, state in before.items()
        if thing not in after or after[thing] != state
    )
    return tuple(new), tuple(harmed)


@contextlib.contextmanager
def killed(account: Account, **options: Any) -> Iterator[Kills]:
    """Try every moment of what a client does within the block, and the one after it.

    Args:
        account: the stand-in, with everything in it that is not the run's.
        options: as `Kills`.
    """
    kills = Kills(account, **options)
    account.relay.before.append(kills.before)
    account.relay.after.append(kills.after)
    try:
        yield kills
        kills.fork("", END)
    finally:
        account.relay.before.remove(kills.before)
        account.relay.after.remove(kills.after)
        kills.wait()


def _prepare_clients(account: Account) -> None:
    """Make what clean-ups ask for beside the inventory's clients."""
    for alias in account.accounts:
        for service in ("resourcegroupstaggingapi", "sts"):
            account.lab.client(service, account=alias)


def _wake(account: Account) -> None:
    """Make a world of one thread of what was forked from one of many.

    Twisted's reactor is not touched: what it polls is still the parent's.
    """
    world, functions = account.world, account.gateway.functions
    world._running_errands = threading.Lock()
    world.throttle = Throttle()  # boto3's clients try again until they are heard
    functions._opening = threading.Lock()
    # The processes are the parent's; without a reference they would be ended.
    _PARENTS.extend(functions._pools)
    functions._pools.clear()
    for each in functions._functions.values():
        each.pool = None
    server: list[ThreadingHTTPServer] = []

    def network() -> str:
        if not server:
            server.append(_serve(account.gateway.handle))
        return f"http://127.0.0.1:{server[0].server_port}"

    functions.network = network
    time.sleep = lambda seconds: account.lab.clock.advance(seconds=max(0, seconds))


def _serve(handle: Any) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            url = self.path
            if url.startswith("/"):
                url = f"http://{headers.get('host', 'localhost')}{self.path}"
            body = self.rfile.read(int(headers.get("content-length") or 0))
            answer = handle(HttpRequest(self.command, url, headers, body))
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = _answer  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
