"""A tree head as text: the checkpoint of a tiled log (C2SP static-ct-api, tlog-checkpoint).

    rome.ct.example/2026h2                        the origin: the submission prefix, bare
    70000                                         the tree size
    q1Ah...=                                      the root hash, base64
                                                  (an empty line)
    — rome.ct.example/2026h2 J8y3...=             a signature: key ID, timestamp, digitally-signed

It says what ``get-sth`` says, and either can be made of the other without the log's key.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from hashlib import sha256
from typing import TYPE_CHECKING

from pkilab.ct._tls import Reader, integer
from pkilab.ct.merkle import HASH_SIZE
from pkilab.ct.signing import log_id, verify_tree_head
from pkilab.ct.structures import DigitallySigned, SignedTreeHead, TreeHead
from pkilab.errors import CtError, MalformedError

if TYPE_CHECKING:
    from pkilab.pki.keys import PublicKey

_TREE_HEAD_SIGNATURE = b"\x05"  # signed-note: the type of RFC 6962's signatures
_LARGEST = 1 << 20  # a limit is asked for; sixteen signatures of any kind are far below this
_ID = 4
_SIZE = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
_SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+=*)")
_NAME = re.compile(r"[^\s+]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


def origin_of(submission_prefix: str) -> str:
    """Return the origin of a log: its submission prefix without scheme and slashes at the end."""
    return submission_prefix.partition("://")[2].rstrip("/") or submission_prefix.rstrip("/")


def key_id(origin: str, log: bytes) -> bytes:
    """Return the 4 bytes that name a log's key in a checkpoint.

    Args:
        origin: the log's.
        log: its log ID, 32 bytes.
    """
    named = origin.encode() + b"\n" + _TREE_HEAD_SIGNATURE + log
    return sha256(named).digest()[:_ID]


def encode_checkpoint(origin: str, log: bytes, sth: SignedTreeHead) -> bytes:
    """Write a signed tree head as a checkpoint.

    Args:
        origin: the log's (`origin_of`).
        log: its log ID.
        sth: what it signed; that is not checked.

    Raises:
        MalformedError: an origin with blanks or a plus sign, or a head that cannot be.
    """
    head = sth.head
    head.signed_part()  # refuses what does not fit
    body = key_id(_name(origin), log) + integer("timestamp", head.timestamp, 8)
    signature = b64encode(body + sth.signature.encode()).decode()
    text = f"{origin}\n{head.size}\n{b64encode(head.root).decode()}\n\n— {origin} {signature}\n"
    return text.encode()


def decode_checkpoint(data: bytes, origin: str, log: bytes) -> SignedTreeHead:
    """Read a checkpoint of a log. The signature is not verified (`open_checkpoint`).

    Signatures by others, such as witnesses, are passed over.

    Args:
        data: the checkpoint.
        origin: the log's (`origin_of`).
        log: its log ID.

    Raises:
        MalformedError: no checkpoint, or one with extension lines.
        CtError: another log's, or one that this log's key has not signed.
    """
    lines, signatures = _cut(data)
    if len(lines) != 3:  # noqa: PLR2004 - origin, size, root
        expected = "origin, tree size and root hash, and no extension"
        raise MalformedError("checkpoint", found=f"{len(lines)} lines", expected=expected)
    if lines[0] != origin:
        raise CtError("origin of the checkpoint", found=repr(lines[0]), expected=repr(origin))
    if not _SIZE.fullmatch(lines[1]):
        expected = "a decimal number"
        raise MalformedError("tree size of the checkpoint", found=repr(lines[1]), expected=expected)
    root = _base64("root hash of the checkpoint", lines[2])
    if len(root) != HASH_SIZE:
        found = f"{len(root)} bytes"
        raise MalformedError("root hash of the checkpoint", found=found, expected=f"{HASH_SIZE}")
    own = {each[_ID:] for name, each in signatures if (name, each[:_ID]) == (
        origin, key_id(origin, log)
    )}  # fmt: skip
    if len(own) != 1:
        found = f"{len(own)} signatures with the log's name and key ID"
        raise CtError("checkpoint", found=found, expected="one")
    reader = Reader("signature of the checkpoint", own.pop())
    timestamp, signature = reader.integer(8), DigitallySigned.read(reader)
    reader.end()
    sth = SignedTreeHead(TreeHead(int(lines[1]), timestamp, root), signature)
    sth.head.signed_part()  # refuses a size beyond 64 bits
    return sth


def open_checkpoint(data: bytes, origin: str, public_key: PublicKey) -> SignedTreeHead:
    """Read a checkpoint and verify that the log with this key signed it.

    The signature does not cover the origin (static-ct-api says so itself).

    Raises:
        MalformedError: no checkpoint, or a key that no log may have.
        CtError: it is another log's, or its signature does not hold.
    """
    sth = decode_checkpoint(data, origin, log_id(public_key))
    verify_tree_head(sth, public_key)
    return sth


def _cut(data: bytes) -> tuple[list[str], list[tuple[str, bytes]]]:
    """Cut a signed note into the lines of its text, and its signatures with their names."""
    if len(data) > _LARGEST:
        expected = f"at most {_LARGEST}"
        raise MalformedError("checkpoint", found=f"{len(data)} bytes", expected=expected)
    try:
        note = data.decode()
    except UnicodeDecodeError:
        raise MalformedError("checkpoint", found="other bytes", expected="UTF-8") from None
    text, blank, block = note.rpartition("\n\n")
    if not blank or not block.endswith("\n") or _CONTROL.search(note):
        expected = "a text, an empty line and signature lines"
        raise MalformedError("checkpoint", found="no signed note", expected=expected)
    signatures = []
    for line in block[:-1].split("\n"):
        match = _SIGNATURE.fullmatch(line)
        signature = _base64("signature of the checkpoint", match["signature"]) if match else b""
        if not match or len(signature) <= _ID:
            expected = "an em dash, a key name, and key ID and signature in base64"
            raise MalformedError("signature line", found=repr(line[:80]), expected=expected)
        signatures.append((match["name"], signature))
    return text.split("\n"), signatures


def _base64(what: str, text: str) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        data = b""
    if not data or b64encode(data).decode() != text:  # one value has one spelling
        raise MalformedError(what, found=repr(text[:80]), expected="base64")
    return data


def _name(origin: str) -> str:
    if not _NAME.fullmatch(origin):
        expected = "a name without blanks and plus signs"
        raise MalformedError("origin", found=repr(origin), expected=expected)
    return origin
