"""What logs answer over HTTP, as bytes and as JSON."""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from pkilab.ct import log_list as lists
from pkilab.ct.log_client import LogSource
from pkilab.errors import LabError, MalformedError
from pkilab.revocation import Answer, Fetch

_OK = 200
_SHOWN = 200  # characters of what a log says when it refuses


def source_of(log: lists.Log) -> LogSource:
    if log.is_tiled:
        raise LabError(f"{log.description}: found a tiled log, expected one of RFC 6962")
    name = log.description or log.log_id.hex()
    try:
        mmd = timedelta(seconds=log.mmd)
    except OverflowError:
        expected = f"at most {timedelta.max.days} days"
        raise MalformedError(f"mmd of {name}", found="more", expected=expected) from None
    return LogSource(name, log.monitoring_url, log.public_key(), mmd)


def getter(fetch: Fetch) -> Callable[[str], bytes]:
    return lambda url: body_of(fetch(url), url)


def body_of(answer: Answer, url: str) -> bytes:
    if answer.status != _OK:
        said = answer.body.decode(errors="replace").strip()[:_SHOWN]
        raise LabError(f"{url.partition('?')[0]} answered {answer.status}: {said}")
    return answer.body


def object_of(body: bytes, what: str) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise MalformedError(what, found="something else", expected="a JSON object")
    return answer


def base64_of(what: str, value: object) -> bytes:
    try:
        return b64decode(value if isinstance(value, str) else "?", validate=True)
    except (ValueError, NotBase64):
        raise MalformedError(what, found=type(value).__name__, expected="base64") from None
