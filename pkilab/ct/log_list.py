"""The list of the logs a browser knows, as Chrome publishes it (log list, version 3 of its schema).

Each operator has logs of RFC 6962 and tiled logs (static-ct-api); each log a state, the time since
when it is in it, and mostly the interval in which the certificates it takes must expire. Fields
that are not known here are passed over, as the schema grows. Source: the schema beside Chrome's
lists, gstatic.com/ct/log_list/v3, and certificate-transparency-go's loglist3.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pkilab.ct.merkle import HASH_SIZE
from pkilab.ct.signing import LogPublicKey, log_key, sign, verify
from pkilab.ct.structures import ECDSA, RSA, SHA256, DigitallySigned
from pkilab.errors import MalformedError
from pkilab.pki.crl import aware

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkilab.pki.keys import PrivateKey, PublicKey

_Kind = TypeVar("_Kind")


class LogState(StrEnum):
    """Where a log is in its life, in the order of that life (Chrome's log states)."""

    PENDING = "pending"
    QUALIFIED = "qualified"
    USABLE = "usable"
    READONLY = "readonly"
    RETIRED = "retired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class FinalTreeHead:
    """The tree at which a log became read-only."""

    root: bytes
    size: int


@dataclass(frozen=True, slots=True)
class State:
    """A log's state and since when; ``final`` is there for a read-only log."""

    name: LogState
    since: datetime
    final: FinalTreeHead | None = None


@dataclass(frozen=True, slots=True)
class TemporalInterval:
    """When certificates must expire to be taken: ``start`` <= notAfter < ``end``."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class PreviousOperator:
    """Who ran a log before, and until when."""

    name: str
    end: datetime


@dataclass(frozen=True, slots=True)
class Log:
    """A log: ``key`` is its SPKI in DER, ``mmd`` the maximum merge delay in seconds.

    A log of RFC 6962 has one URL; both are that. ``state`` is None where the list has none.
    """

    description: str
    log_id: bytes
    key: bytes
    submission_url: str
    monitoring_url: str
    mmd: int
    state: State | None
    is_tiled: bool = False
    temporal_interval: TemporalInterval | None = None
    previous_operators: tuple[PreviousOperator, ...] = ()
    dns: str | None = None
    log_type: str | None = None

    def public_key(self) -> LogPublicKey:
        """Return the key to verify the log's signatures with.

        Raises:
            MalformedError: it cannot be read, or is one that no log may have.
        """
        try:
            return log_key(load_der_public_key(self.key))  # type: ignore[arg-type]  # refuses others
        except (ValueError, UnsupportedAlgorithm) as error:
            if isinstance(error, MalformedError):
                raise
            found = f"one of {len(self.key)} bytes that cannot be read"
            raise MalformedError("log key", found=found, expected="an SPKI in DER") from None


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs logs."""

    name: str
    email: tuple[str, ...]
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class LogList:
    """A log list; ``is_all_logs`` tells the list of all logs from that of those in Chrome."""

    version: str
    timestamp: datetime
    operators: tuple[Operator, ...]
    is_all_logs: bool | None = None

    def logs(self) -> tuple[Log, ...]:
        """Return the logs of all operators, in order."""
        return tuple(log for operator in self.operators for log in operator.logs)

    def find(self, log_id: bytes) -> Log | None:
        """Return the log with this ID; None if it is not in the list."""
        return next((log for log in self.logs() if log.log_id == log_id), None)

    def operator_of(self, log: Log, moment: datetime) -> str:
        """Return the name of who ran a log of this list at an aware time.

        Raises:
            MalformedError: the log is not in this list, or ``moment`` has no time zone.
        """
        for previous in sorted(log.previous_operators, key=lambda each: each.end):
            if aware(moment) < previous.end:
                return previous.name
        for operator in self.operators:
            if log in operator.logs:
                return operator.name
        raise MalformedError("log", found=repr(log.description), expected="one of the list")

    def keys(self) -> dict[bytes, LogPublicKey]:
        """Return the logs' keys by log ID, as `precertificates.verify_embedded` wants them.

        Raises:
            MalformedError: a key cannot be read, or is one that no log may have.
        """
        return {log.log_id: log.public_key() for log in self.logs()}


def decode_log_list(data: bytes | str) -> LogList:
    """Read a log list. Its signature is not verified (`verify_log_list`).

    Raises:
        MalformedError: not JSON, a field is missing or of another kind, a log has two states or
            none of those known, or its ID is not the hash of its key.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise MalformedError("log list", found="other text", expected="JSON") from None
    whole = _Fields("log list", document)
    return LogList(
        version=whole.get("version", str),
        timestamp=whole.time("log_list_timestamp"),
        operators=tuple(_operator(each) for each in whole.get("operators", list)),
        is_all_logs=whole.maybe("is_all_logs", bool),
    )


def encode_log_list(log_list: LogList) -> bytes:
    """Write a log list as JSON, in the order of the schema: the same list, the same bytes."""
    document: dict[str, Any] = {} if log_list.is_all_logs is None else {
        "is_all_logs": log_list.is_all_logs
    }  # fmt: skip
    document |= {
        "version": log_list.version,
        "log_list_timestamp": _time_text(log_list.timestamp),
        "operators": [
            {
                "name": operator.name,
                "email": list(operator.email),
                "logs": [_log_document(each) for each in operator.logs if not each.is_tiled],
                "tiled_logs": [_log_document(each) for each in operator.logs if each.is_tiled],
            }
            for operator in log_list.operators
        ],
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def sign_log_list(key: PrivateKey, data: bytes) -> bytes:
    """Return the detached signature of a list's bytes, as ``log_list.sig`` has it.

    Raises:
        MalformedError: a key that is neither RSA of 2,048 bits or more nor ECDSA on P-256.
    """
    return sign(key, data).signature


def verify_log_list(data: bytes, signature: bytes, public_key: PublicKey) -> None:
    """Check the detached signature of a list: SHA-256 with RSA for Chrome's.

    Raises:
        CtError: it is not this key's over these bytes.
        MalformedError: a key that is neither RSA of 2,048 bits or more nor ECDSA on P-256.
    """
    algorithm = RSA if isinstance(public_key, rsa.RSAPublicKey) else ECDSA
    verify("log list", DigitallySigned(SHA256, algorithm, signature), data, public_key)


class _Fields:
    """A JSON object whose fields are asked for with the kind they should have."""

    def __init__(self, what: str, document: object) -> None:
        if not isinstance(document, dict):
            found = type(document).__name__
            raise MalformedError(what, found=found, expected="a JSON object")
        self.what, self._document = what, document

    def __contains__(self, name: str) -> bool:
        return self._document.get(name) is not None

    def names(self) -> list[str]:
        return [name for name in self._document if name in self]

    def maybe(self, name: str, kind: type[_Kind]) -> _Kind | None:
        value = self._document.get(name)
        if value is None:
            return None
        # A bool is an int to Python, and not to JSON.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.wrong(name, type(value).__name__, kind.__name__)
        return value

    def get(self, name: str, kind: type[_Kind]) -> _Kind:
        value = self.maybe(name, kind)
        if value is None:
            raise self.wrong(name, "none", kind.__name__)
        return value

    def inner(self, name: str) -> _Fields:
        return _Fields(f"{name} of the {self.what}", self._document.get(name))

    def octets(self, name: str) -> bytes:
        text = self.get(name, str)
        try:
            return b64decode(text, validate=True)
        except (NotBase64, ValueError):
            raise self.wrong(name, repr(text[:80]), "base64") from None

    def time(self, name: str) -> datetime:
        text = self.get(name, str)
        try:
            return aware(datetime.fromisoformat(text)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.wrong(name, repr(text[:80]), "a time of RFC 3339") from None

    def wrong(self, name: str, found: str, expected: str) -> MalformedError:
        return MalformedError(f"{name} of the {self.what}", found=found, expected=expected)


def _operator(document: object) -> Operator:
    fields = _Fields("operator", document)
    name = fields.get("name", str)
    logs = [_log(each, tiled=False) for each in fields.get("logs", list)]
    logs += [_log(each, tiled=True) for each in fields.maybe("tiled_logs", list) or ()]
    email = fields.get("email", list)
    if not all(isinstance(each, str) for each in email):
        raise fields.wrong("email", "other values", "text")
    return Operator(name, tuple(email), tuple(logs))


def _log(document: object, *, tiled: bool) -> Log:
    fields = _Fields("log", document)
    log_id, key = fields.octets("log_id"), fields.octets("key")
    if log_id != (expected := sha256(key).digest()):
        raise fields.wrong("log_id", log_id.hex(), f"{expected.hex()}, the key's")
    interval = None
    if "temporal_interval" in fields:
        inner = fields.inner("temporal_interval")
        interval = TemporalInterval(inner.time("start_inclusive"), inner.time("end_exclusive"))
    return Log(
        description=fields.maybe("description", str) or "",
        log_id=log_id,
        key=key,
        submission_url=fields.get("submission_url" if tiled else "url", str),
        monitoring_url=fields.get("monitoring_url" if tiled else "url", str),
        mmd=fields.get("mmd", int),
        state=_state(fields.inner("state")) if "state" in fields else None,
        is_tiled=tiled,
        temporal_interval=interval,
        previous_operators=tuple(
            PreviousOperator(each.get("name", str), each.time("end_time"))
            for each in (
                _Fields("previous operator", each)
                for each in fields.maybe("previous_operators", list) or ()
            )
        ),
        dns=fields.maybe("dns", str),
        log_type=fields.maybe("log_type", str),
    )


def _state(fields: _Fields) -> State:
    names = fields.names()
    if len(names) != 1 or names[0] not in set(LogState):
        expected = f"one of {', '.join(LogState)}"
        raise MalformedError(fields.what, found=", ".join(names) or "none", expected=expected)
    name, inner, final = LogState(names[0]), fields.inner(names[0]), None
    if "final_tree_head" in inner:
        head = inner.inner("final_tree_head")
        root, size = head.octets("sha256_root_hash"), head.get("tree_size", int)
        if len(root) != HASH_SIZE or size < 0:
            raise head.wrong("sha256_root_hash", f"{len(root)} bytes", f"{HASH_SIZE}")
        final = FinalTreeHead(root, size)
    return State(name, inner.time("timestamp"), final)


def _log_document(log: Log) -> dict[str, Any]:
    document: dict[str, Any] = {"description": log.description} if log.description else {}
    document |= {"log_id": b64encode(log.log_id).decode(), "key": b64encode(log.key).decode()}
    if log.is_tiled:
        document["submission_url"] = log.submission_url
        document["monitoring_url"] = log.monitoring_url
    else:
        document["url"] = log.submission_url
    document["mmd"] = log.mmd
    document |= _present({"dns": log.dns, "log_type": log.log_type})
    if log.previous_operators:
        document["previous_operators"] = [
            {"name": each.name, "end_time": _time_text(each.end)} for each in log.previous_operators
        ]
    if log.state:
        inner: dict[str, Any] = {"timestamp": _time_text(log.state.since)}
        if final := log.state.final:
            root = b64encode(final.root).decode()
            inner["final_tree_head"] = {"sha256_root_hash": root, "tree_size": final.size}
        document["state"] = {log.state.name.value: inner}
    if interval := log.temporal_interval:
        document["temporal_interval"] = {
            "start_inclusive": _time_text(interval.start),
            "end_exclusive": _time_text(interval.end),
        }
    return document


def _present(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _time_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
