"""Getting bytes from a URL, within limits, and which URLs of a certificate are followed at all."""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

from pkilab.errors import PkilabError

# GET, or POST of an OCSP request if there is a body. Raises UnavailableError.
Fetch: TypeAlias = Callable[[str, bytes | None], bytes]

_CHUNK = 1 << 16  # bytes
_OK = 200
_PORTS = {None, 80, 443}
# A name of at least two labels, the last of letters: no address in any of its spellings.
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


class _Answer(Protocol):
    def read(self, amount: int, /) -> bytes: ...


class UnavailableError(PkilabError):
    """Something that was to be fetched and cannot be had, in words."""


def shown(url: str) -> str:
    """Return a URL as messages show it: a query may hold a signature that lets others in."""
    return url.partition("?")[0]


def may_follow(url: str, allowed_hosts: frozenset[str]) -> bool:
    """Whether a URL that stands in a certificate may be fetched.

    The issuer signed it, and need not know what listens inside a Lambda function: the runtime's
    own API does, on the loopback interface. So http and https only, by host name, on the usual
    ports, without a password; or exactly a host, or host:port, of ``allowed_hosts`` if there are.
    What the name resolves to is not looked at.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        return False
    if allowed_hosts:
        return parts.netloc.lower() in allowed_hosts
    is_local = host == "localhost" or host.endswith(".localhost")
    return port in _PORTS and not is_local and _HOST.fullmatch(host) is not None


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches over http, https and, with boto3 of the Lambda runtime, from s3://bucket/key.

    Redirects are not followed: they would lead where `may_follow` was not asked.

    Attributes:
        seconds: for one whole answer, however slowly it drips.
        most_bytes: of one answer.
    """

    seconds: float
    most_bytes: int

    def __call__(self, url: str, body: bytes | None = None) -> bytes:
        """Return what the URL answers.

        Raises:
            UnavailableError: nothing, too late, too much, or a status other than 200.
        """
        try:
            return self._from_s3(url) if url.startswith("s3://") else self._from_web(url, body)
        except urllib.error.HTTPError as error:
            with error:  # it is the answer, and holds the connection
                raise UnavailableError(f"{shown(url)} answered {error.code}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnavailableError(f"{shown(url)} cannot be had ({_words(error)})") from None

    def _from_web(self, url: str, question: bytes | None) -> bytes:
        kind = {} if question is None else {"Content-Type": "application/ocsp-request"}
        request = urllib.request.Request(url, data=question, headers=kind)  # noqa: S310 - schemes are in _opener
        began = time.monotonic()
        with _opener().open(request, timeout=self.seconds) as answer:
            if answer.status != _OK:
                raise UnavailableError(f"{shown(url)} answered {answer.status}")
            body = self._read(url, answer, began)
            if answer.length:  # read1 takes a closed connection for the end
                raise UnavailableError(f"{shown(url)} broke off, {answer.length} bytes early")
            return body

    def _from_s3(self, url: str) -> bytes:
        # Only the Lambda runtime needs to have it, and only for s3 URLs.
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        bucket, _, key = url.removeprefix("s3://").partition("/")
        limits = Config(
            connect_timeout=self.seconds,
            read_timeout=self.seconds,
            retries={"total_max_attempts": 1},
        )
        began = time.monotonic()
        try:
            found = boto3.client("s3", config=limits).get_object(Bucket=bucket, Key=key)
            with found["Body"] as answer:
                return self._read(url, answer, began)
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError(f"{shown(url)} cannot be had ({_words(error)})") from None

    def _read(self, url: str, answer: _Answer, began: float) -> bytes:
        parts, size = [], 0
        # read1 returns with what has come, so that the deadline is seen between drops.
        read = getattr(answer, "read1", answer.read)
        while chunk := read(_CHUNK):
            parts.append(chunk)
            size += len(chunk)
            if size > self.most_bytes:
                raise UnavailableError(
                    f"{shown(url)} answers with more than {self.most_bytes} bytes"
                )
            if time.monotonic() - began > self.seconds:
                raise UnavailableError(f"{shown(url)} had not answered after {self.seconds:g} s")
        return b"".join(parts)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        """Leave the answer as the error it then is."""


def _opener() -> urllib.request.OpenerDirector:
    """Build an opener of http and https alone; urllib's own also opens files and ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _NoRedirect(),
    ):
        opener.add_handler(handler)
    return opener


def _words(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__
