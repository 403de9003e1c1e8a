"""The journal of one run on AWS, on disk: what a killed kernel leaves behind is found by it.

A file of JSON lines, which a person can read too. The first line says whose run it is. Before a
call that may change something is sent, its intent is written and forced to disk; after the answer,
the journal's entry. So whatever moment a run ends at, the file names each thing that was made, or
at least that it was about to be made.

No secret is in it: parameters are written as the journal keeps them, without keys and secret values
(`pkilab.journal.Withheld`). The file is readable by its owner alone.
"""

from __future__ import annotations

import json
import os
import threading
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkilab.errors import LabError, MalformedError
from pkilab.journal import Entry, Withheld

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pkilab.journal import Kept

#: The outcome of an intent that no answer came to.
UNANSWERED = "unanswered"

_VERSION = 1
_ENTRY = tuple(each.name for each in fields(Entry))
_TIME, _BYTES, _WITHHELD = "$time", "$bytes", "$withheld"  # what JSON has no form for


@dataclass(frozen=True, slots=True)
class Record:
    """What a ledger says.

    Attributes:
        run: the id that everything of the run is tagged with.
        at: when the run began, aware.
        region: where its clients went that named none.
        accounts: ids by the run's alias; ``profiles`` are the profiles they were reached by, None
            for what the environment said.
        entries: the calls that were answered, well or not, in that order.
        unanswered: the intents whose answer is not known, as entries of that outcome.
        path: where it was read.
    """

    run: str
    at: datetime
    region: str
    accounts: Mapping[str, str]
    profiles: Mapping[str, str | None]
    entries: tuple[Entry, ...]
    unanswered: tuple[Entry, ...] = ()
    path: Path = field(default_factory=Path)


def folder() -> Path:
    """Return where ledgers are kept: ``$PKILAB_LEDGERS``, or below the user's state folder.

    Source: XDG Base Directory Specification, ``XDG_STATE_HOME``.
    """
    if given := os.environ.get("PKILAB_LEDGERS"):
        return Path(given)
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state, "pkilab", "ledgers")


class Ledger:
    """A ledger that is being written. Safe to use from several threads.

    Args:
        path: a file that is not there yet.
        run: the run's id.
        at: when it begins, aware.
        region: the default Region.
        accounts: ids by alias.
        profiles: profiles by alias.

    Raises:
        LabError: the file is there, or cannot be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        run: str,
        at: datetime,
        region: str,
        accounts: Mapping[str, str],
        profiles: Mapping[str, str | None],
    ) -> None:
        self.path, self.run = path, run
        self._lock, self._intents = threading.Lock(), 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY, 0o600)
        except OSError as error:
            raise LabError(f"ledger: {path} cannot be written: {error.strerror}") from error
        head = {"ledger": _VERSION, "run": run, "at": at, "region": region}
        with self._lock:
            self._write({**head, "accounts": dict(accounts), "profiles": dict(profiles)}, sync=True)

    def intend(self, entry: Entry) -> int:
        """Write what is about to be asked, and force it to disk.

        Returns:
            The intent's number, for `answer`.
        """
        with self._lock:
            self._intents += 1
            left_out = ("number", "outcome", "results")
            said = {name: getattr(entry, name) for name in _ENTRY if name not in left_out}
            self._write({"intent": self._intents, **said}, sync=True)
            return self._intents

    def answer(self, entry: Entry, intent: int | None) -> None:
        """Write what came of a call: of an intent, forced to disk, or of a mere question."""
        with self._lock:
            said = {name: getattr(entry, name) for name in _ENTRY}
            self._write({"answer": intent, **said}, sync=intent is not None)

    def close(self) -> None:
        """Close the file. Calls that end later are not written any more."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _write(self, line: Mapping[str, object], *, sync: bool) -> None:
        if self._file < 0:
            return
        text = (json.dumps(line, default=_packed) + "\n").encode()
        whole = os.fstat(self._file).st_size
        try:
            while text:  # one write may take less
                text = text[os.write(self._file, text) :]
            if sync:
                os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, whole)  # half a line would spoil the rest
            raise LabError(f"ledger: {self.path} cannot be written: {error.strerror}") from error


def read(path: Path) -> Record:
    """Read a ledger, also of a writer that was killed: a line that breaks off at the end is none.

    Raises:
        MalformedError: it is not a ledger, or is damaged before its end.
        LabError: the file cannot be read.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise LabError(f"ledger: {path} cannot be read: {error.strerror}") from error
    lines = list(_lines(path, text))
    if not lines:
        raise _malformed(path, 1, "nothing", "a ledger's first line")
    head, rest = lines[0], lines[1:]
    if head.get("ledger") != _VERSION:
        found = f"the members {', '.join(sorted(head)) or 'none'}"
        raise _malformed(path, 1, found, f'"ledger": {_VERSION}, "run" and "accounts"')
    entries: list[Entry] = []
    intents: dict[int, Entry] = {}
    for number, line in enumerate(rest, start=2):
        try:
            if "intent" in line:
                intent = int(line["intent"])
                intents[intent] = _entry({**line, "number": intent, "outcome": UNANSWERED})
            else:
                entries.append(_entry(line))
                intents.pop(line["answer"], None)
        except (KeyError, TypeError, ValueError) as error:
            raise _malformed(path, number, repr(error), "an intent or an answer") from error
    try:
        return Record(
            run=str(head["run"]),
            at=_time(head["at"]),
            region=str(head["region"]),
            accounts=_texts(head["accounts"]),
            profiles={alias: name and str(name) for alias, name in head["profiles"].items()},
            entries=tuple(entries),
            unanswered=tuple(intents.values()),
            path=path,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _malformed(path, 1, repr(error), "run, at, region, accounts and profiles") from error


def _lines(path: Path, text: bytes) -> Iterator[dict[str, Any]]:
    *whole, _ = text.split(b"\n")  # what follows the last line's end was not written whole
    for number, line in enumerate(whole, start=1):
        try:
            found = json.loads(line, object_hook=_unpacked)
        except (ValueError, TypeError, RecursionError) as error:
            raise _malformed(path, number, repr(line[:60]), "a JSON object") from error
        if not isinstance(found, dict):
            raise _malformed(path, number, repr(line[:60]), "a JSON object")
        yield found


def _malformed(path: Path, line: int, found: str, expected: str) -> MalformedError:
    return MalformedError(f"ledger {path}, line {line}", found=found, expected=expected)


def _entry(line: Mapping[str, Any]) -> Entry:
    said = {name: line[name] for name in _ENTRY if name in line}
    texts = ("account", "account_id", "region", "service", "operation", "outcome")
    if not all(isinstance(said[name], str) for name in texts):
        raise ValueError(f"expected texts as {', '.join(texts)}")
    if not isinstance(said["parameters"], dict):
        raise TypeError("expected an object as parameters")
    return Entry(
        **{
            **said,
            "number": int(said["number"]),
            "at": _time(said["at"]),
            "resources": tuple(map(str, said["resources"])),
            "results": _texts(said.get("results", {})),
            "aside": bool(said.get("aside", False)),
        }
    )


def _texts(value: Mapping[str, object]) -> dict[str, str]:
    return {str(name): str(each) for name, each in value.items()}


def _time(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"expected a time, found {value!r}")
    return value


def _packed(value: object) -> object:
    """Write what JSON has no form for."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return {_TIME: aware.isoformat()}
    if isinstance(value, bytes):
        return {_BYTES: b64encode(value).decode()}
    if isinstance(value, Withheld):
        return {_WITHHELD: value.reason, "size": value.size}
    raise TypeError(f"a ledger has no form for {type(value).__name__}")


def _unpacked(value: dict[str, Any]) -> Kept | dict[str, Any]:
    if value.keys() == {_TIME}:
        return datetime.fromisoformat(value[_TIME])
    if value.keys() == {_BYTES}:
        return b64decode(value[_BYTES], validate=True)
    if value.keys() == {_WITHHELD, "size"}:
        return Withheld(value[_WITHHELD], value["size"])
    return value
