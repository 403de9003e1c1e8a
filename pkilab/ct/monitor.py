"""Following logs: is each one honest, and does it hold certificates that nobody ordered?

For each log, in this order:

1. its newest head: signed by it, of now, and a continuation of the last one seen;
2. every entry up to that head, in order, hashed into the right edge of a tree;
3. each entry that mentions a watched name, read and reported unless it is expected;
4. the root of what was read, which has to be the head's.

Only then is the head believed; until then the last one that was is kept, and what was read since is
read again if it proves wrong. One log's trouble does not keep the others from being followed, and a
check that could not be made is reported as a problem, never passed over.

A log can show one tree here and another one elsewhere. `Monitor.heads` is what to tell others, and
`Monitor.hear` what to do with what they tell.

The transport, the time and what is remembered between runs are arguments (`Monitor.state` is JSON;
whoever keeps it has to replace it in one step).
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from pkilab.ct.compact import CompactRange
from pkilab.ct.log_client import (
    Fetch,
    LogSource,
    get_consistency,
    get_entries,
    get_tree_head,
    read_tree_head,
    write_tree_head,
)
from pkilab.ct.merkle import EMPTY_ROOT, verify_consistency
from pkilab.ct.problems import Problem, ProblemKind
from pkilab.ct.sightings import Sighting, look
from pkilab.ct.signing import verify_tree_head
from pkilab.ct.structures import (
    SignedTreeHead,
    TreeHead,
    decode_merkle_leaf,
    timestamp_of,
)
from pkilab.ct.watching import Expected, Watchlist
from pkilab.errors import CtError, MalformedError, PkilabError

_PAGE = 1024  # entries asked for at a time; a log may return fewer
_STATE_VERSION = 1
# A head may be dated after this machine's idea of now by so much.
_SKEW = timedelta(seconds=5)
_MILLISECOND = timedelta(milliseconds=1)
# The beginning of a MerkleTreeLeaf: version and leaf type, timestamp, entry type, in a PreCert the
# issuer key hash, and 3 bytes of length; then so many bytes, and 2 of length of the extensions.
_X509, _X509_REST = struct.Struct(">HQHBH").unpack_from, 17
_PRECERT, _PRECERT_REST = struct.Struct(">HQH32xBH").unpack_from, 49
_FEW = 32  # entries searched at a time for watched names


@dataclass(frozen=True, slots=True)
class Report:
    """What a round found.

    ``unexpected`` are certificates that the owner did not expect, ``expected`` how many others
    concerned watched names, ``entries`` how many were read.
    """

    unexpected: tuple[Sighting, ...]
    problems: tuple[Problem, ...]
    expected: int
    entries: int


@dataclass(slots=True)
class _Followed:
    """One log: the last head that was believed, and how far the next one is read."""

    log: LogSource
    believed: SignedTreeHead | None = None
    edge: CompactRange = field(default_factory=CompactRange)  # of the believed head's tree
    target: SignedTreeHead | None = None  # consistent with it, and being read
    ahead: CompactRange = field(default_factory=CompactRange)  # what was read of the target

    @property
    def newest(self) -> SignedTreeHead | None:
        return self.target or self.believed


class _Round:
    """What is found in one round."""

    def __init__(self) -> None:
        self.left: int | None = None  # entries of the log at hand; None: any number
        self.unexpected: list[Sighting] = []
        self.problems: list[Problem] = []
        self.expected = self.entries = 0

    def note(
        self, kind: ProblemKind, followed: _Followed, error: object, *heads: SignedTreeHead
    ) -> None:
        name = followed.log.name
        self.problems.append(Problem(kind, name, f"{name}: {error}", heads))


class Monitor:
    """Follows logs for the owner of some names.

    Args:
        logs: the logs, each of another ID.
        watchlist: the names.
        fetch: gets a URL; it may raise OSError, or an error of pkilab's.
        expected: what the owner knows of already.
        state: what `state` returned before; None to read every log from its beginning.

    Raises:
        MalformedError: the state is not one, or not of these logs' keys.
    """

    def __init__(
        self,
        logs: Iterable[LogSource],
        watchlist: Watchlist,
        fetch: Fetch,
        *,
        expected: Expected | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self._watchlist, self._fetch = watchlist, fetch
        self._expected = expected or Expected()
        self._followed = {log.id: _Followed(log) for log in logs}
        if state is not None:
            self._restore(state)

    def heads(self) -> dict[bytes, SignedTreeHead]:
        """Return the newest head of each log by its ID, to be told to others."""
        newest = {identity: each.newest for identity, each in self._followed.items()}
        return {identity: sth for identity, sth in newest.items() if sth is not None}

    def poll(self, now: datetime, *, most: int | None = None) -> Report:
        """Follow every log as far as it has come.

        Args:
            now: an aware time.
            most: read at most so many entries of each log; the rest is left to the next round.
                None reads all that a head promises, and a log may sign a head of any size.
        """
        found = _Round()
        for each in self._followed.values():
            found.left = most  # no log's size keeps the others waiting
            with _told(each, found):
                self._follow(each, found, now)
        return Report(tuple(found.unexpected), tuple(found.problems), found.expected, found.entries)

    def hear(self, log_id: bytes, sth: SignedTreeHead) -> tuple[Problem, ...]:
        """Compare a head that somebody else was shown with the newest one known here.

        Nothing is remembered of it. A log that was not polled yet has nothing to compare.

        Raises:
            CtError: no log with this ID is followed.
        """
        followed = self._followed.get(log_id)
        if followed is None:
            raise CtError("log ID", found=log_id.hex(), expected="that of a log that is followed")
        found = _Round()
        known = followed.newest
        with _told(followed, found):
            if self._is_signed(followed, sth, found) and known is not None:
                older, newer = sorted((known, sth), key=lambda each: each.head.size)
                self._consistent(followed, older, newer, found, ProblemKind.SPLIT_VIEW)
        return tuple(found.problems)

    # One log.

    def _follow(self, followed: _Followed, found: _Round, now: datetime) -> None:
        sth = get_tree_head(followed.log, self._fetch)
        if not self._is_signed(followed, sth, found):
            return
        _about_time(followed, sth, found, now)
        if not self._is_continuation(followed, sth, found):
            return
        while self._read(followed, found):
            known = followed.believed
            if known is not None and known.head.size >= sth.head.size:
                if known.head.size == sth.head.size:
                    followed.believed = max(known, sth, key=lambda each: each.head.timestamp)
                return
            followed.target, followed.ahead = sth, followed.edge.copy()

    def _is_signed(self, followed: _Followed, sth: SignedTreeHead, found: _Round) -> bool:
        try:
            verify_tree_head(sth, followed.log.public_key)
        except CtError as error:
            found.note(ProblemKind.BAD_SIGNATURE, followed, error, sth)
            return False
        return True

    def _is_continuation(self, followed: _Followed, sth: SignedTreeHead, found: _Round) -> bool:
        known = followed.newest
        if known is None:
            return True
        older, newer = sorted((known, sth), key=lambda each: each.head.size)
        if older.head.size == newer.head.size:
            return self._consistent(followed, known, sth, found, ProblemKind.REWRITTEN)
        if older.head.timestamp >= newer.head.timestamp:
            error = (
                f"the tree of {newer.head.size} is not dated after that of {older.head.size}: "
                f"found {newer.head.timestamp} ms, expected more than {older.head.timestamp}"
            )
            found.note(ProblemKind.TIME_WENT_BACK, followed, error, older, newer)
            return False
        return self._consistent(followed, older, newer, found, ProblemKind.INCONSISTENT)

    def _consistent(
        self,
        followed: _Followed,
        older: SignedTreeHead,
        newer: SignedTreeHead,
        found: _Round,
        kind: ProblemKind,
    ) -> bool:
        """Whether the tree of one head is the beginning of the other's, as the log proves it."""
        first, second = older.head, newer.head
        try:
            if first.size == second.size:
                _require_root(first, second.root)
            elif first.size == 0:
                _require_root(first, EMPTY_ROOT)
            else:
                proof = get_consistency(followed.log, self._fetch, first.size, second.size)
                verify_consistency(first.size, second.size, proof, first.root, second.root)
        except CtError as error:
            found.note(kind, followed, error, older, newer)
            return False
        return True

    def _read(self, followed: _Followed, found: _Round) -> bool:
        """Read up to the target; whether it is believed now, or there is none."""
        target = followed.target
        if target is None:
            return True
        size = target.head.size
        while (start := followed.ahead.size) < size:
            end = min(size, start + _PAGE if found.left is None else start + min(_PAGE, found.left))
            if start == end:
                return False
            entries = get_entries(followed.log, self._fetch, start, end)
            self._take(followed, start, entries, found)
            found.entries += len(entries)
            if found.left is not None:
                found.left -= len(entries)
        if (root := followed.ahead.root()) != target.head.root:
            error = f"root of the {size} entries read: found {root.hex()}, expected "
            error += target.head.root.hex()
            found.note(ProblemKind.WRONG_ROOT, followed, error, target)
            followed.target = None
            return False
        followed.believed, followed.edge, followed.target = target, followed.ahead, None
        return True

    def _take(
        self, followed: _Followed, start: int, entries: Sequence[Mapping[str, Any]], found: _Round
    ) -> None:
        """Hash entries into the tree, and look at those that mention a watched name."""
        try:
            leaves = list(map(binascii.a2b_base64, map(itemgetter("leaf_input"), entries)))
        except (KeyError, TypeError, ValueError) as error:
            expected = "entries with leaf_input in base64"
            raise MalformedError("entries", found=repr(error), expected=expected) from None
        followed.ahead.extend(leaves)
        for number in _unlike_leaves(leaves):
            self._note_unreadable(followed, start + number, leaves[number], found)
        mentions = self._watchlist.is_mentioned
        for first in range(0, len(leaves), _FEW):
            few = leaves[first : first + _FEW]
            if mentions(b"".join(few)):
                for number, leaf in enumerate(few, start=first):
                    if mentions(leaf):
                        self._look(followed, start + number, leaf, entries[number], found)

    def _look(
        self,
        followed: _Followed,
        index: int,
        leaf: bytes,
        answer: Mapping[str, Any],
        found: _Round,
    ) -> None:
        try:
            entry = decode_merkle_leaf(leaf)
        except MalformedError:
            return  # noted already
        try:
            extra = binascii.a2b_base64(answer.get("extra_data", ""))
        except (TypeError, ValueError):
            extra = b""  # it proves nothing anyway; the leaf is what counts
        sighting = look(followed.log.name, index, entry, extra, self._watchlist)
        if sighting is None:
            return
        if sighting.is_expected(self._expected):
            found.expected += 1
        else:
            found.unexpected.append(sighting)

    def _note_unreadable(self, followed: _Followed, index: int, leaf: bytes, found: _Round) -> None:
        try:
            decode_merkle_leaf(leaf)
        except MalformedError as error:
            found.note(ProblemKind.UNREADABLE_ENTRY, followed, f"entry {index}: {error}")

    # What is remembered.

    def state(self) -> dict[str, Any]:
        """Return what to start with next time, as JSON has it."""
        return {
            "version": _STATE_VERSION,
            "logs": {
                identity.hex(): {
                    "believed": each.believed and write_tree_head(each.believed),
                    "edge": _write_range(each.edge),
                    "target": each.target and write_tree_head(each.target),
                    "ahead": _write_range(each.ahead),
                }
                for identity, each in self._followed.items()
            },
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state. Logs that it does not know are read from their beginning."""
        try:
            _require_version(state["version"])
            for identity, each in state["logs"].items():
                followed = self._followed.get(bytes.fromhex(identity))
                if followed is not None:
                    _restore_one(followed, each)
        except MalformedError:
            raise
        except (CtError, KeyError, TypeError, ValueError, AttributeError) as error:
            expected = "what Monitor.state returned"
            raise MalformedError("monitor state", found=str(error), expected=expected) from error


@contextmanager
def _told(followed: _Followed, found: _Round) -> Iterator[None]:
    """Note that a log could not be asked or understood."""
    try:
        yield
    except MalformedError as error:
        found.note(ProblemKind.UNREADABLE_ANSWER, followed, error)
    except (OSError, PkilabError) as error:
        found.note(ProblemKind.UNREACHABLE, followed, error)


def _require_version(version: object) -> None:
    if version != _STATE_VERSION:
        raise MalformedError("monitor state", found=f"version {version!r}", expected="1")


def _restore_one(followed: _Followed, state: Mapping[str, Any]) -> None:
    for name in ("believed", "target"):
        if state[name] is not None:
            sth = read_tree_head(state[name])
            verify_tree_head(sth, followed.log.public_key)
            setattr(followed, name, sth)
    followed.edge, followed.ahead = _read_range(state["edge"]), _read_range(state["ahead"])
    believed = followed.believed.head if followed.believed else TreeHead(0, 0, EMPTY_ROOT)
    # One hash is the edge of a tree of any power of two, so the root does not tell the size.
    _require_size("edge", followed.edge, believed.size, believed.size)
    _require_root(believed, followed.edge.root())
    if followed.target is not None:
        _require_size("ahead", followed.ahead, believed.size, followed.target.head.size)


def _read_range(state: Mapping[str, Any]) -> CompactRange:
    size = state["size"]
    if isinstance(size, bool) or not isinstance(size, int):
        raise MalformedError("monitor state", found=f"size {size!r}", expected="a whole number")
    return CompactRange(size, [bytes.fromhex(each) for each in state["hashes"]])


def _write_range(edge: CompactRange) -> dict[str, Any]:
    return {"size": edge.size, "hashes": [each.hex() for each in edge.hashes]}


def _require_size(what: str, read: CompactRange, least: int, most: int) -> None:
    if not least <= read.size <= most:
        expected = f"{least} to {most}, as the heads have it"
        raise CtError(f"size of {what}", found=f"{read.size}", expected=expected)


def _require_root(head: TreeHead, root: bytes) -> None:
    if root != head.root:
        what = f"root hash of the tree of {head.size}"
        raise CtError(what, found=root.hex(), expected=head.root.hex())


def _about_time(followed: _Followed, sth: SignedTreeHead, found: _Round, now: datetime) -> None:
    """Note a head that is not of now."""
    said, present = sth.head.timestamp, timestamp_of(now)
    if said > present + _SKEW // _MILLISECOND:
        error = f"tree head: found one dated {said} ms, expected one not after {present}"
        found.note(ProblemKind.FUTURE, followed, error, sth)
    if present - said > followed.log.mmd // _MILLISECOND:
        error = f"tree head: found one {present - said} ms old, expected a newer one every "
        error += f"{followed.log.mmd // _MILLISECOND} ms (the maximum merge delay)"
        found.note(ProblemKind.STALE, followed, error, sth)


def _unlike_leaves(leaves: Sequence[bytes]) -> list[int]:
    """Return which leaves do not have the shape that nearly all have, to be read with care.

    It is a MerkleTreeLeaf of version 1 without extensions; asked of every entry of a log.
    """
    unlike = []
    for number, leaf in enumerate(leaves):
        try:
            version, _, kind, high, low = _X509(leaf)
            if kind:
                version, _, kind, high, low = _PRECERT(leaf)
            rest = len(leaf) - (_PRECERT_REST if kind else _X509_REST)
        except struct.error:
            unlike.append(number)
            continue
        if version or kind > 1 or high << 16 | low != rest or not rest or leaf[-2:] != b"\0\0":
            unlike.append(number)
    return unlike
