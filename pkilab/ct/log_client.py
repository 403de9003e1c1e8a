"""Asking a log of version 1 and reading its answers (RFC 6962, 4). The transport is an argument.

Nothing that comes back is believed here: what is read is well-formed, and what it proves is the
caller's question.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from pkilab.ct.log import StoredEntry
from pkilab.ct.merkle import HASH_SIZE
from pkilab.ct.signing import log_id
from pkilab.ct.structures import DigitallySigned, SignedTreeHead, TreeHead
from pkilab.errors import MalformedError
from pkilab.pki.keys import PublicKey

# Gets a URL: the JSON that is there, as bytes or already read. What cannot be had is an error of
# the transport's own.
Fetch = Callable[[str], Any]
_GREATEST = 1 << 63  # of what a log counts


@dataclass(frozen=True, slots=True)
class LogSource:
    """A log as its readers know it.

    Args:
        name: for reports.
        url: what ``ct/v1/...`` is appended to, with its final slash.
        public_key: the log's.
        mmd: the maximum merge delay.
    """

    name: str
    url: str
    public_key: PublicKey = field(repr=False)
    mmd: timedelta = timedelta(hours=24)

    @property
    def id(self) -> bytes:
        """The log ID, 32 bytes.

        Raises:
            MalformedError: a key that cannot be encoded.
        """
        return log_id(self.public_key)


def get_tree_head(log: LogSource, fetch: Fetch) -> SignedTreeHead:
    """Ask for the newest tree head. Its signature is not checked.

    Raises:
        MalformedError: the answer is something else.
    """
    answer = _object(fetch(f"{log.url}ct/v1/get-sth"), "get-sth")
    return read_tree_head(answer)


def get_consistency(log: LogSource, fetch: Fetch, first: int, second: int) -> list[bytes]:
    """Ask for a consistency proof. It is not checked.

    Raises:
        MalformedError: the answer is something else.
    """
    query = urlencode({"first": first, "second": second})
    answer = _object(fetch(f"{log.url}ct/v1/get-sth-consistency?{query}"), "get-sth-consistency")
    nodes = answer.get("consistency")
    if not isinstance(nodes, list):
        raise _unlike("consistency", nodes, "a list of base64")
    return [_bytes("consistency", each) for each in nodes]


def get_entries(log: LogSource, fetch: Fetch, start: int, end: int) -> Sequence[Mapping[str, Any]]:
    """Ask for entries ``start`` <= i < ``end``; at least one and perhaps not all come back.

    They are objects with ``leaf_input`` and ``extra_data``, which are not looked at.

    Raises:
        MalformedError: the answer is something else, empty, or has more than was asked for.
    """
    query = urlencode({"start": start, "end": end - 1})
    answer = _object(fetch(f"{log.url}ct/v1/get-entries?{query}"), "get-entries")
    entries = answer.get("entries")
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise _unlike("entries", entries, "a list of objects")
    if not 0 < len(entries) <= end - start:
        raise MalformedError("entries", found=f"{len(entries)}", expected=f"1 to {end - start}")
    return entries


def read_tree_head(answer: Mapping[str, Any]) -> SignedTreeHead:
    """Read a tree head as ``get-sth`` answers it. Its signature is not checked.

    Raises:
        MalformedError: it is something else.
    """
    root = _bytes("sha256_root_hash", answer.get("sha256_root_hash"))
    if len(root) != HASH_SIZE:
        found = f"{len(root)} bytes"
        raise MalformedError("sha256_root_hash", found=found, expected=f"{HASH_SIZE}")
    head = TreeHead(_count(answer, "tree_size"), _count(answer, "timestamp"), root)
    signature = _bytes("tree_head_signature", answer.get("tree_head_signature"))
    return SignedTreeHead(head, DigitallySigned.decode(signature))


def write_tree_head(sth: SignedTreeHead) -> dict[str, Any]:
    """Write a tree head as ``get-sth`` answers it."""
    return {
        "tree_size": sth.head.size,
        "timestamp": sth.head.timestamp,
        "sha256_root_hash": base64.b64encode(sth.head.root).decode(),
        "tree_head_signature": base64.b64encode(sth.signature.encode()).decode(),
    }


def write_entry(entry: StoredEntry) -> dict[str, str]:
    """Write an entry as ``get-entries`` answers it."""
    return {
        "leaf_input": base64.b64encode(entry.leaf).decode(),
        "extra_data": base64.b64encode(entry.extra_data).decode(),
    }


def _object(answer: Any, what: str) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
    if isinstance(answer, bytes | str):
        try:
            answer = json.loads(answer)
        except (ValueError, RecursionError):
            raise MalformedError(what, found=_shown(answer), expected="JSON") from None
    if not isinstance(answer, Mapping):
        raise _unlike(what, answer, "an object")
    return answer


def _bytes(what: str, value: Any) -> bytes:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (ValueError, binascii.Error):
            pass
    raise _unlike(what, value, "base64")


def _count(answer: Mapping[str, Any], name: str) -> int:
    value = answer.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _GREATEST:
        raise _unlike(name, value, "a number that is not negative")
    return value


def _unlike(what: str, value: Any, expected: str) -> MalformedError:  # noqa: ANN401 - JSON
    return MalformedError(what, found=_shown(value), expected=expected)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - enough to see
