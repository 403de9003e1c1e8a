"""Private keys in files: found in whatever form, described, and never shown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    pkcs12,
)

_PEM = re.compile(
    rb"-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----(?:(?!-----).)*-----END \1-----", re.DOTALL
)
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)
_MOST_DER = 20_000  # bytes; a file that is longer is no key


@dataclass(frozen=True, slots=True)
class KeyTrace:
    """What may be said of a private key.

    Attributes:
        form: ``PEM``, ``DER``, ``PKCS#12`` or ``encrypted PEM``.
        public_key: SHA-256 of its public key (SubjectPublicKeyInfo), hexadecimal; empty where the
            key is encrypted.
    """

    form: str
    public_key: str = ""


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A private key in an image.

    Attributes:
        path: of the file that has it.
        layer: the digest of the layer; ``created_by`` is the instruction that made that.
        mode: the file's permissions, which say nothing to whoever unpacks the layer.
        hidden: whether a container of the image no longer shows it there.
        key: what it is.
    """

    path: str
    layer: str
    created_by: str
    mode: int
    hidden: bool
    key: KeyTrace


def keys_in(data: bytes) -> Iterator[KeyTrace]:
    r"""Yield the private keys in a file's content, also in JSON, where a line feed is ``\n``."""
    blocks = list(_PEM.finditer(data.replace(rb"\r", b"").replace(rb"\n", b"\n")))
    for block in blocks:
        if b"ENCRYPTED" in block[0]:
            yield KeyTrace("encrypted PEM")
        elif found := _read(lambda text=block[0]: load_pem_private_key(text, None)):  # type: ignore[misc]
            yield KeyTrace("PEM", found)
    if blocks or not data.startswith(b"\x30") or len(data) > _MOST_DER:
        return
    if found := _read(lambda: load_der_private_key(data, None)):
        yield KeyTrace("DER", found)
    elif found := _read(lambda: pkcs12.load_key_and_certificates(data, None)[0]):
        yield KeyTrace("PKCS#12", found)


def _read(load: Callable[[], object]) -> str:
    """Return the fingerprint of the public key of what is loaded; empty: it is no key."""
    try:
        key = load()
        public = key.public_key()  # type: ignore[attr-defined]
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (*_UNREADABLE, AttributeError):
        return ""
    return hashlib.sha256(der).hexdigest()
