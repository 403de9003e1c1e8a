"""Whether a file's signature is right, and if not, why: tried where it can be, else compared."""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from pkilab.errors import MalformedError
from pkilab.pki.certificates import UNREADABLE
from pkilab.pki.digests import Progress, feed
from pkilab.pki.file_signatures import FileSignature
from pkilab.pki.keys import PublicKey
from pkilab.pki.kms_signatures import (
    LARGEST_MESSAGE,
    SIGNING_ALGORITHMS,
    Representative,
    fingerprint,
    from_raw,
    key_spec,
    known,
    message_type,
    signature_hash,
    to_raw,
    verifies,
)

_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")
_FETCH_AGAIN = "Ask for the file that was signed."


class Cause(enum.Enum):
    """Why a signature does not verify."""

    FILE_CHANGED = "the file is not the one that was signed"
    OTHER_KEY = "another key signed"
    OTHER_ALGORITHM = "another algorithm signed"
    HASHED_TWICE = "a digest was signed as if it were the file"
    SIDE_BY_SIDE = "r and s stand side by side, not in DER"
    TEXT = "the signature is still base64"
    SIGNATURE_CHANGED = "the signature is not the one that was made"
    UNKNOWN = "the file, the signature or the key is another"


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a signature is right; if not, why, and what would change it. True if it is."""

    valid: bool
    sentence: str
    cause: Cause | None = None
    remedy: str = ""

    def __bool__(self) -> bool:
        return self.valid

    def __repr__(self) -> str:
        return " ".join(filter(None, ("✔" if self.valid else "✘", self.sentence, self.remedy)))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ANN401, FBT001, ARG002 - IPython's
        printer.text(repr(self))


@dataclass(frozen=True, slots=True)
class FileMessage:
    """What Sign and Verify take for a file, and what else was seen while it was read.

    ``digest`` is a `Representative`. ``content`` is the Message: that digest, or for an algorithm
    that takes the file itself its first 4,096 bytes, which are all if it is not ``too_long``.
    """

    path: Path
    algorithm: str
    content: bytes
    digest: bytes
    size: int

    @property
    def too_long(self) -> bool:
        """Whether the algorithm takes the file itself, and the file is longer than KMS takes."""
        return message_type(self.algorithm) == "RAW" and self.size > LARGEST_MESSAGE


class _KeepsBeginning(Representative):
    """One that keeps the first bytes, so that what is signed is what was hashed."""

    beginning = b""

    def update(self, data: bytes | memoryview) -> None:
        super().update(data)
        self.beginning += data[: LARGEST_MESSAGE - len(self.beginning)]


def read_message(
    path: Path | str,
    algorithm: str,
    public_key: PublicKey | None = None,
    progress: Progress | None = None,
) -> FileMessage:
    """Read a file once and keep what stands for it.

    Args:
        path: the file; of any size, its memory is one mebibyte.
        algorithm: a SigningAlgorithm.
        public_key: the signer's, for ML-DSA.
        progress: see `pkilab.pki.digests.feed`.

    Raises:
        MalformedError: no such algorithm, or ML-DSA's without its key.
        OSError: the file cannot be read.
    """
    hasher = _KeepsBeginning(algorithm, public_key)
    size = feed(hasher, path, progress)
    digest = hasher.finish()
    content = hasher.beginning if message_type(algorithm) == "RAW" else digest
    return FileMessage(Path(path), algorithm, content, digest, size)


def verify_file(
    public_key: PublicKey,
    path: Path | str,
    signature: FileSignature | bytes,
    algorithm: str | None = None,
    *,
    progress: Progress | None = None,
) -> Verification:
    """Verify a file's signature here, with a public key that the caller trusts.

    Nothing of a signature file chooses the key. It may choose among the key's algorithms.

    Args:
        public_key: the signer's.
        path: the file.
        signature: from a signature file, or bare, as KMS answers it.
        algorithm: a SigningAlgorithm. None: the signature file's.
        progress: see `pkilab.pki.digests.feed`.

    Raises:
        MalformedError: no algorithm, or none of KMS's, or no KMS key is such a key.
        OSError: the file cannot be read.
    """
    chosen = chosen_algorithm(signature, algorithm)
    spec = key_spec(public_key)
    if chosen not in SIGNING_ALGORITHMS[spec]:
        return _of_other_kind(chosen, spec)
    message = read_message(path, chosen, public_key, progress)
    if message.too_long:
        return too_long(message)
    bare = signature.signature if isinstance(signature, FileSignature) else signature
    if verifies(public_key, chosen, bare, message.content):
        return valid(chosen, f"the key with fingerprint {fingerprint(public_key)}")
    return explain(message, signature, public_key)


def chosen_algorithm(signature: FileSignature | bytes, algorithm: str | None) -> str:
    """Return the SigningAlgorithm to verify with.

    Raises:
        MalformedError: none is given with a bare signature, or KMS has no such.
    """
    if algorithm is None:
        if not isinstance(signature, FileSignature):
            expected = "one; a bare signature does not say which"
            raise MalformedError("SigningAlgorithm", found="none", expected=expected)
        algorithm = signature.algorithm
    return known(algorithm)


def valid(algorithm: str, key: str) -> Verification:
    """Return the verdict on a signature that is right."""
    return Verification(valid=True, sentence=f"This file was signed with {algorithm} by {key}.")


def too_long(message: FileMessage) -> Verification:
    """Return the verdict on a file that KMS cannot have signed with the algorithm."""
    return Verification(
        valid=False,
        cause=Cause.FILE_CHANGED,
        sentence=f"{message.algorithm} signs the file itself, and KMS takes {LARGEST_MESSAGE:,} "
        f"bytes of it at most: it cannot have signed this one of {message.size:,}.",
        remedy=_FETCH_AGAIN,
    )


def explain(
    message: FileMessage,
    signature: FileSignature | bytes,
    public_key: PublicKey | None = None,
    key_arn: str = "",
) -> Verification:
    """Say why a signature that was refused is not right, as far as it can be known.

    With the public key, what can be tried is tried: the same signature in other forms, over other
    things, by other algorithms. For the other hashes of an RSA key, that reads the file again.
    Where nothing comes of it, the signature file's own words are compared, which anyone may have
    written; the sentence then says so.

    Args:
        message: what was verified.
        signature: what was refused.
        public_key: the key that it was verified with, where it is known.
        key_arn: the ARN of that key, where it is known.
    """
    bare = signature.signature if isinstance(signature, FileSignature) else signature
    recorded = signature if isinstance(signature, FileSignature) else None
    for found in _tried(message, bare, recorded, public_key):
        return found
    for found in _compared(message, recorded, public_key, key_arn):
        return found
    refused = "The signature does not verify, and does not tell why: the file, the signature or "
    return Verification(
        valid=False,
        cause=Cause.UNKNOWN,
        sentence=f"{refused}the key is another than those that belong together.",
        remedy="Fetch the file and its signature again, and compare the key's fingerprint with "
        "the signer's.",
    )


def _of_other_kind(algorithm: str, spec: str) -> Verification:
    names = " or ".join(SIGNING_ALGORITHMS[spec])
    return Verification(
        valid=False,
        cause=Cause.OTHER_KEY,
        sentence=f"No key of {spec} makes a signature with {algorithm}; it makes {names}.",
        remedy="Take the public key of the KMS key that signed, or name the right algorithm.",
    )


def _tried(
    message: FileMessage, bare: bytes, recorded: FileSignature | None, key: PublicKey | None
) -> Iterator[Verification]:
    """Yield what a trial shows. Without a key only forms can be looked at."""
    if key and verifies(key, message.algorithm, bare, message.content):
        yield Verification(
            valid=False,
            cause=Cause.OTHER_KEY,
            sentence="The public key that was given made this signature; the one in KMS did not.",
            remedy="Ask KMS for its own (GetPublicKey).",
        )
    for form, cause, remedy in _other_forms(bare, message.algorithm, key):
        if key is None or verifies(key, message.algorithm, form, message.content):
            yield Verification(
                valid=False,
                cause=cause,
                sentence=f"The signature is in another form: {cause.value}."
                if key is None
                else f"The signature is right, but {cause.value}.",
                remedy=remedy,
            )
    if key is None:
        return
    if (
        recorded
        and recorded.algorithm == message.algorithm != "ED25519_SHA_512"
        and verifies(key, message.algorithm, bare, recorded.digest)
    ):
        yield _changed(message, recorded, certain=True)
    if message_type(message.algorithm) == "DIGEST":
        again = hashlib.new(signature_hash(message.algorithm).name, message.digest).digest()
        if verifies(key, message.algorithm, bare, again):
            yield Verification(
                valid=False,
                cause=Cause.HASHED_TWICE,
                sentence="The signature is over the digest of the digest: the digest was signed as "
                "MessageType RAW, so that KMS hashed it again.",
                remedy="Sign it as MessageType DIGEST.",
            )
    yield from _other_algorithms(message, bare, key)
    if (inside := _digest_inside(message.algorithm, bare, key)) not in (None, message.digest):
        yield Verification(
            valid=False,
            cause=Cause.FILE_CHANGED,
            sentence=f"{Cause.FILE_CHANGED.value.capitalize()}: this key signed the digest "
            f"{_short(inside)}, and this file has {_short(message.digest)}.",
            remedy=_FETCH_AGAIN,
        )


def _other_forms(
    bare: bytes, algorithm: str, key: PublicKey | None
) -> Iterator[tuple[bytes, Cause, str]]:
    if len(bare) > 1 and _BASE64.fullmatch(bare):
        try:
            decoded = base64.b64decode(b"".join(bare.split()), validate=True)
        except binascii.Error:
            decoded = b""
        if decoded:
            yield decoded, Cause.TEXT, "Decode it first: base64 --decode, or fileb:// of the bytes."
    if algorithm.startswith("ECDSA"):
        for spec in [key_spec(key)] if key else _specs_of(algorithm):
            try:
                to_raw(bare, spec)
            except MalformedError:
                pass
            else:
                return  # DER, as it should be
            try:
                yield from_raw(bare, spec), Cause.SIDE_BY_SIDE, "Turn it into DER: from_raw."
            except MalformedError:
                continue


def _specs_of(algorithm: str) -> list[str]:
    return [spec for spec, names in SIGNING_ALGORITHMS.items() if algorithm in names]


def _other_algorithms(message: FileMessage, bare: bytes, key: PublicKey) -> Iterator[Verification]:
    for name in SIGNING_ALGORITHMS[key_spec(key)]:
        if name == message.algorithm:
            continue
        other = read_message(message.path, name, key)
        if not other.too_long and verifies(key, name, bare, other.content):
            yield Verification(
                valid=False,
                cause=Cause.OTHER_ALGORITHM,
                sentence=f"The signature was made with {name}, not with {message.algorithm}.",
                remedy=f"Verify it with {name}.",
            )


def _digest_inside(algorithm: str, bare: bytes, key: PublicKey) -> bytes | None:
    """Return the digest that an RSA signature with PKCS #1 v1.5 holds; no other kind has one."""
    if not isinstance(key, rsa.RSAPublicKey) or "PKCS1" not in algorithm:
        return None
    try:
        return key.recover_data_from_signature(bare, padding.PKCS1v15(), signature_hash(algorithm))
    except (InvalidSignature, *UNREADABLE):
        return None


def _compared(
    message: FileMessage, recorded: FileSignature | None, key: PublicKey | None, key_arn: str
) -> Iterator[Verification]:
    """Yield what the signature file's own words say, for what they are worth."""
    if recorded is None:
        return
    mine = fingerprint(key) if key else None
    by_fingerprint = mine and recorded.key_fingerprint and mine != recorded.key_fingerprint
    if by_fingerprint or (key_arn and key_arn != recorded.key_arn):
        named = f"fingerprint {recorded.key_fingerprint}" if by_fingerprint else recorded.key_arn
        yield Verification(
            valid=False,
            cause=Cause.OTHER_KEY,
            sentence=f"The signature file names another key: {named}.",
            remedy="If that is the signer you expect, verify with its key; find out from the "
            "signer, not from the file.",
        )
    if recorded.algorithm != message.algorithm:
        return
    if (recorded.size, recorded.digest) != (message.size, message.digest):
        yield _changed(message, recorded, certain=False)
    elif mine and recorded.key_fingerprint:
        yield Verification(
            valid=False,
            cause=Cause.SIGNATURE_CHANGED,
            sentence="File and key are those that the signature file tells of: "
            f"{Cause.SIGNATURE_CHANGED.value}.",
            remedy="Ask for the signature again.",
        )


def _changed(message: FileMessage, recorded: FileSignature, *, certain: bool) -> Verification:
    who = "this key signed" if certain else "its signature file tells of"
    was = f"{recorded.size:,} bytes" if recorded.size != message.size else "as many bytes"
    return Verification(
        valid=False,
        cause=Cause.FILE_CHANGED,
        sentence=f"{Cause.FILE_CHANGED.value.capitalize()}: {who} the digest "
        f"{_short(recorded.digest)} ({was}), and this file has {_short(message.digest)} "
        f"({message.size:,} bytes).",
        remedy=_FETCH_AGAIN,
    )


def _short(digest: bytes | None) -> str:
    return f"{(digest or b'').hex()[:16]}…"
