"""A certificate with its key and its chain, put in order from whatever one is given.

The order is ACM's: the certificate by itself; its issuer first in the chain, each certificate
signed by the next, the root last and the certificate itself not in it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from pkilab.errors import MalformedError
from pkilab.pki import pem
from pkilab.pki._signatures import is_issued_by
from pkilab.pki.certificates import UNREADABLE, label, name_text, time_text
from pkilab.pki.chains import build_chain
from pkilab.pki.keys import PrivateKey, can_sign, key_algorithm, write_private_key

if TYPE_CHECKING:
    from typing import Any

_CERTIFICATES = frozenset(pem.CERTIFICATE)
KEYS = frozenset({"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"})
_PARAMETERS = {"EC PARAMETERS", "DH PARAMETERS"}
FILES = ("certificate.pem", "private-key.pem", "chain.pem")


class MaterialCause(StrEnum):
    """Why no certificate with its key could be made of what was given."""

    NOT_PEM = "not PEM"
    NO_KEY = "no private key"
    SEVERAL_KEYS = "several private keys"
    ENCRYPTED_KEY = "the private key is encrypted"
    UNREADABLE_KEY = "the private key cannot be read"
    NO_CERTIFICATE = "no certificate for the key"
    UNREADABLE_CERTIFICATE = "a certificate cannot be read"


class MaterialError(MalformedError):
    """What was given makes no certificate with its key; ``cause`` says why."""

    def __init__(self, cause: MaterialCause, *, found: str, expected: str) -> None:
        super().__init__("certificate and key", found=found, expected=expected)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Material:
    """A certificate, its private key and its chain, as ACM wants them.

    Attributes:
        certificate: the certificate.
        key: its private key; shown nowhere.
        chain: its issuer first, each signed by the next; as far as it was found.
        unused: certificates that were given and are not of this chain.
        notes: what was put right on the way.
    """

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()
    unused: tuple[x509.Certificate, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def certificate_pem(self) -> str:
        """The certificate alone."""
        return pem.to_pem(self.certificate)

    @property
    def chain_pem(self) -> str:
        """Its chain, without it; empty for a self-signed certificate."""
        return pem.to_pem(*self.chain)

    @property
    def key_pem(self) -> bytes:
        """The private key in the clear (PKCS#8), as ACM asks for it. A secret."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def missing_issuer(self) -> str | None:
        """The name of the certificate that the chain lacks next; None: it ends at a root.

        ACM does without a root, and not without what stands between.
        """
        last = (self.certificate, *self.chain)[-1]
        return None if is_issued_by(last, last) else name_text(last, "issuer")

    def write(self, folder: Path | str, *, passphrase: bytes | None = None) -> tuple[Path, ...]:
        """Write certificate.pem, private-key.pem and, if there is one, chain.pem; return the paths.

        The key's file has mode 0600, the others 0644, whatever the umask.

        Args:
            folder: made if it is not there, for its owner alone.
            passphrase: encrypts the key's file; without one it lies in the clear.

        Raises:
            FileExistsError: one of the files is there already; nothing has been written then.
        """
        place = Path(folder)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        certificate, key, chain = (place / name for name in FILES)
        for path in (certificate, key, chain):
            if path.exists():
                raise FileExistsError(path)
        write_private_key(self.key, key, passphrase=passphrase)
        public = {certificate: self.certificate_pem} | (
            {chain: self.chain_pem} if self.chain else {}
        )
        for path, text in public.items():
            path.write_text(text)
            path.chmod(0o644)
        return tuple(path for path in (certificate, key, chain) if path == key or path in public)

    def __repr__(self) -> str:
        kind = _algorithm(self.certificate)
        until = time_text(self.certificate.not_valid_after_utc)
        lines = [
            f"certificate  {label(self.certificate)}, {kind}, until {until}",
            "private key  its own, not shown",
            *(f"chain        {label(each)}" for each in self.chain),
        ]
        if missing := self.missing_issuer:
            lines.append(f"missing      {missing}")
        lines += [f"unused       {label(each)}" for each in self.unused]
        return "\n".join([*lines, *(f"note         {each}" for each in self.notes)])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ANN401, FBT001, ARG002 - IPython's
        printer.text(repr(self))


def assemble(
    key: PrivateKey, certificates: Iterable[x509.Certificate], *, notes: Sequence[str] = ()
) -> Material:
    """Find the certificate of a key, and its chain, among certificates in any order.

    Of several certificates of one key the one that ends last is taken, and a note says so. Not
    checked: dates, and whether an issuer may issue.

    Raises:
        MaterialError: NO_CERTIFICATE.
    """
    bag, said = tuple(dict.fromkeys(certificates)), list(notes)
    own = [each for each in bag if belongs(key, each)]
    if not own:
        others = ", ".join(map(label, bag)) or "none"
        raise MaterialError(
            MaterialCause.NO_CERTIFICATE,
            found=f"certificates of other keys: {others}",
            expected="a certificate with the public key of the private key",
        )
    leaf = max(own, key=lambda each: each.not_valid_after_utc)
    if len(own) > 1:
        until = time_text(leaf.not_valid_after_utc)
        said.append(f"{len(own)} certificates have this key; the one until {until} was taken")
    chain = build_chain(leaf, bag)[1:]
    unused = tuple(each for each in bag if each != leaf and each not in chain)
    return Material(leaf, key, chain, unused, tuple(said))


def sort_pem(*texts: str | bytes, passphrase: str | bytes | None = None) -> Material:
    """Sort PEM of any kinds in any order: certificate, key, chain, and the text between them.

    Bag attributes and EC PARAMETERS are left out, copies dropped, an encrypted key decrypted, and
    what was Base64 once too often is decoded once more; `Material.notes` says which.

    Args:
        texts: one or several, such as the contents of three files.
        passphrase: of the private key, if it is encrypted.

    Raises:
        MaterialError: with the cause.
    """
    notes: list[str] = []
    blocks = [block for text in texts for block in _blocks(text, notes)]
    certificates = [_certificate(text) for kind, text in blocks if kind in _CERTIFICATES]
    if len(set(certificates)) < len(certificates):
        notes.append("copies of a certificate were dropped")
    keys = [(kind, text) for kind, text in blocks if kind in KEYS]
    for kind in dict.fromkeys(kind for kind, _ in blocks):
        if kind in _PARAMETERS:
            notes.append(f"{kind} was left out; the key names its curve itself")
        elif kind not in _CERTIFICATES | KEYS:
            raise MaterialError(
                MaterialCause.NOT_PEM,
                found=f"a block of kind {kind}",
                expected="certificates and one private key",
            )
    key = _only_key(keys, passphrase, notes)
    return assemble(key, certificates, notes=tuple(dict.fromkeys(notes)))


def belongs(key: PrivateKey, certificate: x509.Certificate) -> bool:
    """Whether a certificate's public key is that of a private key."""
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        theirs = certificate.public_key().public_bytes(*spki)
    except UNREADABLE:
        return False
    return key.public_key().public_bytes(*spki) == theirs


def undo_base64(data: bytes | str) -> str | None:
    """Return the PEM of which ``data`` is the Base64; None: it is not."""
    raw = data.encode(errors="replace") if isinstance(data, str) else data
    if b"-----BEGIN" in raw:
        return None
    with suppress(binascii.Error, ValueError):
        text = base64.b64decode(b"".join(raw.split()), validate=True)
        if b"-----BEGIN " in text:
            return text.decode("latin-1")
    return None


def _blocks(text: str | bytes, notes: list[str]) -> tuple[tuple[str, str], ...]:
    if (decoded := undo_base64(text)) is not None:
        notes.append("it was Base64 once too often; decoded once more")
        text = decoded
    text = text if isinstance(text, str) else text.decode("latin-1")
    try:
        found = pem.split(text)
    except MalformedError as error:
        raise MaterialError(
            MaterialCause.NOT_PEM, found=error.found, expected="PEM of certificates and a key"
        ) from None
    if rest := pem.around(text):
        what = "bag attributes" if "Bag Attributes" in rest else "text"
        notes.append(f"left out {what} around the PEM blocks")
    return found


def _certificate(text: str) -> x509.Certificate:
    try:
        return pem.load_certificate(text)
    except MalformedError as error:
        raise MaterialError(
            MaterialCause.UNREADABLE_CERTIFICATE, found=error.found, expected="a certificate"
        ) from None


def _only_key(
    keys: list[tuple[str, str]], passphrase: str | bytes | None, notes: list[str]
) -> PrivateKey:
    distinct = list(dict.fromkeys(keys))
    if len(distinct) != 1:
        cause = MaterialCause.SEVERAL_KEYS if distinct else MaterialCause.NO_KEY
        raise MaterialError(
            cause, found=f"{len(distinct)} private keys", expected="one private key"
        )
    kind, text = distinct[0]
    if not is_encrypted(kind, text):
        return _load_key(text, None)
    if not passphrase:
        raise MaterialError(
            MaterialCause.ENCRYPTED_KEY, found="no passphrase", expected="the key's passphrase"
        )
    secret = passphrase.encode() if isinstance(passphrase, str) else passphrase
    notes.append("the private key was encrypted; decrypted with its passphrase")
    return _load_key(text, secret)


def is_encrypted(kind: str, text: str) -> bool:
    """Whether a PEM block of a private key is encrypted, in either of the two ways there are."""
    return kind == "ENCRYPTED PRIVATE KEY" or "ENCRYPTED" in text.partition("\n\n")[0]


def _load_key(text: str, secret: bytes | None) -> PrivateKey:
    found = "a private key that cannot be read"
    try:
        key = load_pem_private_key(text.encode("latin-1", errors="replace"), secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found += " with this passphrase" if secret else ""
    else:
        if can_sign(key):
            return key
        found = "a private key that cannot sign"
    raise MaterialError(
        MaterialCause.UNREADABLE_KEY, found=found, expected="an RSA or EC private key"
    )


def _algorithm(certificate: x509.Certificate) -> str:
    try:
        return key_algorithm(certificate.public_key())
    except UNREADABLE:
        return "a key that cannot be read"
