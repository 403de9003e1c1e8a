"""The signature of a file, kept beside it: its text form, and a strict reader.

What a signature file says of itself is not signed. Nothing of it is believed but the signature,
once it verifies (`pkilab.pki.file_verification`); the rest helps to say why another does not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pkilab.errors import MalformedError
from pkilab.pki.kms_signatures import LARGEST_SIGNATURE, known, representative_size

_LARGEST_FILE = 16384  # bytes: the largest signature in base64, and the rest
_KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]{1,256}", re.ASCII)
_HEX = re.compile(r"([0-9a-f]{2})*")
_MEMBERS = ("KeyId", "KeyFingerprint", "SigningAlgorithm", "Size", "Digest", "Signature")
_FINGERPRINT_SIZE = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class FileSignature:
    """A file's signature, with what whoever verifies it may want to know.

    ``digest`` stands for the file: what was signed, or for ``ED25519_SHA_512``, which signs the
    file itself, its SHA-512. ``key_fingerprint`` is None where the signer did not ask for the
    public key.
    """

    key_arn: str
    algorithm: str
    signature: bytes
    digest: bytes
    size: int  # of the file, bytes
    key_fingerprint: str | None = None

    def to_json(self) -> str:
        """Return the text of a signature file, in AWS's words and one member a line."""
        members = {
            "KeyId": self.key_arn,
            "KeyFingerprint": self.key_fingerprint,
            "SigningAlgorithm": self.algorithm,
            "Size": self.size,
            "Digest": self.digest.hex(),
            "Signature": base64.b64encode(self.signature).decode(),
        }
        return json.dumps(members, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> FileSignature:
        """Read what `to_json` wrote. Undoes it.

        Raises:
            MalformedError: it is anything else, be it by one member too many.
        """
        members = _members(text)
        algorithm = known(_text(members, "SigningAlgorithm"))
        return cls(
            key_arn=_text(members, "KeyId", _KEY_ARN),
            algorithm=algorithm,
            signature=_base64(_text(members, "Signature")),
            digest=_hex(members, "Digest", representative_size(algorithm)),
            size=_count(members, "Size"),
            key_fingerprint=None
            if members["KeyFingerprint"] is None
            else _hex(members, "KeyFingerprint", _FINGERPRINT_SIZE).hex(),
        )

    def save(self, path: Path | str) -> Path:
        """Write a signature file, over one that may be there."""
        Path(path).write_text(self.to_json(), encoding="utf-8")
        return Path(path)

    @classmethod
    def load(cls, path: Path | str) -> FileSignature:
        """Read a signature file.

        Raises:
            MalformedError: it is none.
            OSError: it cannot be read.
        """
        with Path(path).open("rb") as file:
            return cls.from_json(file.read(_LARGEST_FILE + 1))


def _members(text: str | bytes) -> dict[str, Any]:
    if len(text) > _LARGEST_FILE:
        _refuse(f"more than {_LARGEST_FILE} bytes", "a signature file")
    try:
        plain = text if isinstance(text, str) else text.decode()
        read = json.loads(plain, object_pairs_hook=_object)
    except MalformedError:
        raise
    except (ValueError, RecursionError) as error:
        _refuse(f"text that is not JSON ({type(error).__name__})", "a JSON object")
    if not isinstance(read, dict) or set(read) != set(_MEMBERS):
        found = sorted(read) if isinstance(read, dict) else type(read).__name__
        _refuse(f"{found}"[:200], f"an object of {', '.join(_MEMBERS)}")
    return read


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _refuse("a member twice", "each once")
    return members


def _text(members: dict[str, Any], name: str, form: re.Pattern[str] | None = None) -> str:
    value = members[name]
    if not isinstance(value, str) or (form and not form.fullmatch(value)):
        expected = {_HEX: "hexadecimal digits in lower case", _KEY_ARN: "a key ARN"}
        _refuse(f"{name} {value!r}"[:200], expected[form] if form else "a text")
    return value


def _hex(members: dict[str, Any], name: str, size: int) -> bytes:
    value = bytes.fromhex(_text(members, name, _HEX))
    if len(value) != size:
        _refuse(f"{name} of {len(value)} bytes", f"{size}")
    return value


def _count(members: dict[str, Any], name: str) -> int:
    value = members[name]
    if type(value) is not int or value < 0:
        _refuse(f"{name} {value!r}"[:200], "a whole number of bytes")
    return value


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:  # binascii's, or a character beyond ASCII
        data = b""
    if not data or len(data) > LARGEST_SIGNATURE or base64.b64encode(data).decode() != text:
        _refuse("another Signature", f"base64 of 1 to {LARGEST_SIGNATURE} bytes")
    return data


def _refuse(found: str, expected: str) -> NoReturn:
    raise MalformedError("signature file", found=found, expected=expected)
