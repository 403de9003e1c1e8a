"""The logs of one world: who runs them, when they merge, and which of them a CA asks.

Three logs of RFC 6962 and one of the static API, of two operators whose names say that they are
simulated. Keys are made from the world's entropy. A log merges a minute (the static one a second)
after it was first promised something; while nothing waits, nothing is scheduled, and a log signs a
new head when it is asked for one and its last is as old as its maximum merge delay.

Logs are not sharded by expiry, as public ones are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkilab.ct.log import Log, MemoryStorage, Storage
from pkilab.ct.policy import lifetime_of
from pkilab.ct.structures import Sct
from pkilab.errors import CtError, LabError, MalformedError
from pkilab.pki.keys import generate_key
from pkilab.simulator.ctlogs.store import FolderStore
from pkilab.simulator.world import World

DOMAIN = "ct.pkilab.test"  # RFC 2606 keeps .test for such uses
NORTH, SOUTH = "Simulated North Logs", "Simulated South Logs"
_LONG = timedelta(days=180)  # Chrome CT policy: three SCTs for certificates that live longer
_SECOND = timedelta(seconds=1)
_RETRY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is common to logs of one API."""

    tiled: bool  # C2SP static-ct-api; otherwise RFC 6962
    mmd: timedelta
    merge_delay: timedelta  # how long entries really wait


_RFC6962 = Kind(tiled=False, mmd=timedelta(hours=24), merge_delay=timedelta(minutes=1))
_STATIC = Kind(tiled=True, mmd=timedelta(minutes=1), merge_delay=timedelta(seconds=1))
_LOGS = (
    ("north-1", NORTH, _RFC6962),
    ("south-1", SOUTH, _RFC6962),
    ("north-2", NORTH, _RFC6962),
    ("south-2", SOUTH, _STATIC),
)
# In this order a CA asks: the first two have two operators, and no operator has more than two.
_FOR_CAS = ("north-1", "south-1", "north-2")


@dataclass(slots=True)
class RunningLog:
    """A log and how the world knows it."""

    name: str
    operator: str
    kind: Kind
    log: Log = field(repr=False)
    scheduled: bool = False

    @property
    def host(self) -> str:
        """The host name under which the world reaches it."""
        return f"{self.name}.{DOMAIN}"

    @property
    def url(self) -> str:
        """The URL that ``ct/v1/...`` is appended to."""
        return f"https://{self.host}/"

    @property
    def key(self) -> bytes:
        """The log's public key: SubjectPublicKeyInfo, DER."""
        return self.log.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class CtLogs:
    """The logs of one world.

    Args:
        world: whose clock and entropy count.
        folder: where logs are kept, each in a folder of its name; None keeps them in memory. The
            same folder needs a world of the same seed: the keys come from it.

    Raises:
        LabError: the folder cannot be used, or holds logs of another world.
    """

    def __init__(self, world: World, folder: Path | None = None) -> None:
        self._world = world
        self.began = world.clock.now()
        self._open = ExitStack()
        self._sources: list[Callable[[], Iterable[x509.Certificate]]] = []
        try:
            self.logs = tuple(self._start(*each, folder) for each in _LOGS)
        except BaseException:
            self._open.close()
            raise

    def close(self) -> None:
        """Let go of the folder; the logs answer no more."""
        self._open.close()

    def find(self, name: str) -> RunningLog | None:
        """Return the log of a name."""
        return next((each for each in self.logs if each.name == name), None)

    def accept(self, *roots: x509.Certificate) -> None:
        """Have every log accept chains that end at these roots.

        Raises:
            CtError: one is not the certificate of a CA.
        """
        with self._world.turn():
            self.settle()
            for root in roots:
                for each in self.logs:
                    each.log.roots.add(root)

    def accept_from(self, source: Callable[[], Iterable[x509.Certificate]]) -> None:
        """Accept the roots that ``source`` returns; it is called when they are first needed."""
        self._sources.append(source)

    def settle(self) -> None:
        """Accept what `accept_from` was told."""
        while self._sources:
            for root in self._sources.pop(0)():
                for each in self.logs:
                    each.log.roots.add(root)

    def submit(self, chain: Sequence[x509.Certificate]) -> tuple[Sct, ...]:
        """Have as many logs promise a precertificate as browsers want for its lifetime.

        Two for a lifetime of up to 180 days and three for more, of two operators (Chrome CT
        policy; Apple support 103214). To be called in a turn of the world.

        Args:
            chain: the precertificate, and the chain above it.

        Raises:
            CtError: the logs refuse it.
            MalformedError: a certificate cannot be cut into its parts.
            LabError: a log cannot be written.
        """
        lifetime = lifetime_of(chain[0])
        count = 3 if lifetime + _SECOND > _LONG else 2  # RFC 5280: notAfter is the last second
        asked = [each for each in self.logs if each.name in _FOR_CAS[:count]]
        return tuple(self.add(each, chain, precertificate=True) for each in asked)

    def add(
        self, running: RunningLog, chain: Sequence[x509.Certificate], *, precertificate: bool
    ) -> Sct:
        """Have one log promise a chain, and see to it that it merges. To be called in a turn.

        Raises:
            CtError: the log refuses it.
            MalformedError: a certificate cannot be cut into its parts.
            LabError: the log cannot be written.
        """
        self.settle()
        log, now = running.log, self._world.clock.now()
        promised = (log.add_pre_chain if precertificate else log.add_chain)(chain, now)
        self._merge_later(running, now + running.kind.merge_delay)
        return promised

    def _start(self, name: str, operator: str, kind: Kind, folder: Path | None) -> RunningLog:
        key = generate_key("EC_prime256v1", self._world.entropy("ct", "log", name))
        storage: Storage = MemoryStorage()
        if folder is not None:
            storage = kept = FolderStore(folder / name)
            self._open.callback(kept.close)
        try:
            log = Log(key, storage, mmd=kind.mmd, leaf_index=kind.tiled)
            if not log.size and not log.waiting:
                log.head(self.began)  # of the empty tree: later ones merge what waits
        except (CtError, MalformedError) as error:
            raise LabError(
                f"the CT log kept in {folder}/{name} is not this world's: {error}"
            ) from error
        running = RunningLog(name, operator, kind, log)
        self._merge_later(running, self.began)  # what an earlier process promised
        return running

    def _merge_later(self, running: RunningLog, when: datetime) -> None:
        def merge() -> None:
            running.scheduled = False
            try:
                running.log.publish(self._world.clock.now())
            except LabError:  # the disk is full, say: promised is promised
                self._merge_later(running, self._world.clock.now() + _RETRY)
                raise

        if running.log.waiting and not running.scheduled:
            running.scheduled = True
            self._world.clock.at(when, merge, f"ct log {running.name}: merge")
