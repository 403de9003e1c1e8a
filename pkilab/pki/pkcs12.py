"""PFX files (PKCS#12, RFC 7292): what is in one, whichever tool made it, and why one does not open.

``cryptography`` verifies the MAC, decrypts, and reads keys and certificates. It opens files of
openssl (RC2-40 and 3DES included), Java, NSS, GnuTLS and Windows as they are, and does not say why
it could not; and of several private keys it returns one. So this module reads what lies open in
every such file, its outer structure, to

* refuse hostile ones before their work is done (`MOST_ITERATIONS`);
* find every private key;
* name the cause of a failure.

No byte is decrypted and no MAC computed here.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12

from pkilab.pki import _ber, _der
from pkilab.pki._pfx import (
    MOST_BYTES,
    MOST_ITERATIONS,
    Anatomy,
    Layout,
    PfxCause,
    PfxError,
    Safe,
    read_layout,
)
from pkilab.pki.certificates import UNREADABLE, label
from pkilab.pki.keys import PrivateKey, can_sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

__all__ = [
    "MOST_BYTES",
    "MOST_ITERATIONS",
    "Anatomy",
    "Entry",
    "Pfx",
    "PfxCause",
    "PfxError",
    "Safe",
    "inspect_pfx",
    "merge",
    "open_pfx",
]


@dataclass(frozen=True, slots=True)
class Entry:
    """A private key, and the certificate in the file whose public key is its; None: none is."""

    key: PrivateKey = field(repr=False)
    certificate: x509.Certificate | None
    friendly_name: str | None


@dataclass(frozen=True, slots=True)
class Pfx:
    """An opened PFX.

    Attributes:
        entries: every private key with its certificate, in the file's order.
        others: the certificates that belong to no key here, such as those of CAs.
        mac: what protected the file from being changed; None: nothing did.
    """

    entries: tuple[Entry, ...]
    others: tuple[x509.Certificate, ...]
    mac: str | None

    def entry(self, friendly_name: str | None = None) -> tuple[Entry, x509.Certificate]:
        """Return the only entry, or that of a friendly name, and its certificate.

        Raises:
            PfxError: NO_KEY, SEVERAL_KEYS or NO_CERTIFICATE.
        """
        named = [each for each in self.entries if friendly_name in (None, each.friendly_name)]
        if not named:
            here = ", ".join(_name(each) for each in self.entries) or (
                f"{len(self.others)} certificates and no private key"
            )
            expected = "a private key" + (f" named {friendly_name}" if friendly_name else "")
            raise PfxError(PfxCause.NO_KEY, found=here, expected=expected)
        if len(named) > 1:
            here = f"{len(named)} private keys ({', '.join(_name(each) for each in named)})"
            raise PfxError(
                PfxCause.SEVERAL_KEYS, found=here, expected="one, or a friendly name to choose by"
            )
        if (certificate := named[0].certificate) is None:
            raise PfxError(
                PfxCause.NO_CERTIFICATE,
                found=f"a private key and {len(self.others)} certificates of other keys",
                expected="the certificate of that key",
            )
        return named[0], certificate


def inspect_pfx(data: bytes) -> Anatomy:
    """Read what lies open in a PFX: its MAC, its safes and their encryption. Decrypts nothing.

    Raises:
        PfxError: NOT_PFX, TRUNCATED, MALFORMED, TOO_MUCH_WORK or UNSUPPORTED.
    """
    return read_layout(data).anatomy()


def open_pfx(data: bytes, password: str | bytes | None = None) -> Pfx:
    """Open a PFX.

    Args:
        data: the file.
        password: text, or its UTF-8. None and the empty password are the same here: a file is tried
            with both encodings of it, of which tools write one or the other.

    A file without a MAC is opened: `Pfx.mac` says so. Not checked: dates, signatures and whether
    the other certificates make a chain. Key derivations inside an encrypted safe are not counted
    before the work is done: they cannot be seen, and known tools put none there.

    Raises:
        PfxError: it cannot be opened. WRONG_PASSWORD may also be a file whose contents are damaged
            in a way that nothing tells apart; INTEGRITY means that the password is right.
    """
    layout = read_layout(data)
    secret = _secret(password)
    loaded = _load(layout.data, secret)
    if loaded is None:
        _say_why(layout, secret)
    hidden = [each.whole for each in layout.safes if each.encryption]
    if hidden and (inside := _load(_bare(hidden), secret)) and inside.key is not None:
        raise PfxError(
            PfxCause.UNSUPPORTED,
            found="a private key inside an encrypted safe, where others may be unseen",
            expected="private keys in bags of their own, as all known tools write them",
        )
    certificates = [each for each in (loaded.cert, *loaded.additional_certs) if each is not None]
    keys = list(_keys(layout, loaded, secret))
    return _paired(keys, certificates, layout.mac.text if layout.mac else None)


def merge(*files: bytes) -> bytes:
    """Put the parts of several PFX files into one, as a Java keystore holds several keys.

    Nothing is decrypted: the files should have one password. The result has no MAC.

    Raises:
        PfxError: one of them is no PFX.
    """
    return _bare([safe.whole for data in files for safe in read_layout(data).safes])


# Pairing.


def _paired(
    keys: list[tuple[PrivateKey, str | None]],
    certificates: list[pkcs12.PKCS12Certificate],
    mac: str | None,
) -> Pfx:
    holders: dict[bytes, pkcs12.PKCS12Certificate] = {}
    for each in certificates:
        holders.setdefault(_public(each.certificate), each)
    entries = []
    for key, name in keys:
        held = holders.get(_public(key))
        written = _text(held.friendly_name) if held else None
        entries.append(Entry(key, held.certificate if held else None, written or name))
    taken = {each.certificate for each in entries}
    rest = dict.fromkeys(each.certificate for each in certificates)
    return Pfx(tuple(entries), tuple(each for each in rest if each not in taken), mac)


def _public(holder: PrivateKey | x509.Certificate) -> bytes:
    """Return the public key as DER; of one that cannot be read, nothing that another has."""
    try:
        return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except UNREADABLE:
        return b"unreadable %d" % id(holder)


def _keys(
    layout: Layout, loaded: pkcs12.PKCS12KeyAndCertificates, secret: bytes | None
) -> Iterator[tuple[PrivateKey, str | None]]:
    """Yield every private key and its friendly name."""
    bags = layout.key_bags
    for bag in bags:
        key = loaded.key
        if len(bags) > 1:  # each in a file of its own: of several, only one is returned
            alone = _load(_bare([_content([bag.whole])]), secret)
            if alone is None:
                raise PfxError(
                    PfxCause.WRONG_PASSWORD,
                    found="a private key with another password",
                    expected="one password for all of the file",
                )
            key = alone.key
        if not can_sign(key):
            found = "nothing" if key is None else f"a {type(key).__name__}"
            raise PfxError(
                PfxCause.UNSUPPORTED, found=found, expected="a private key that can sign"
            )
        yield key, bag.friendly_name


def _name(entry: Entry) -> str:
    if entry.friendly_name:
        return entry.friendly_name
    return label(entry.certificate) if entry.certificate else "one without a certificate"


def _text(name: bytes | None) -> str | None:
    """Read a friendly name; Windows ends some with a null character."""
    return name.decode(errors="replace").rstrip("\0") or None if name else None


# What cryptography does for us.


def _secret(password: str | bytes | None) -> bytes | None:
    try:
        secret = password.encode() if isinstance(password, str) else password
    except UnicodeEncodeError:
        secret = b"\xff"
    if secret and (b"\0" in secret or not _is_utf8(secret)):
        raise PfxError(
            PfxCause.WRONG_PASSWORD, found="a password that is no text", expected="UTF-8 text"
        )
    return secret


def _is_utf8(secret: bytes) -> bool:
    try:
        secret.decode()
    except UnicodeDecodeError:
        return False
    return True


def _load(data: bytes, secret: bytes | None) -> pkcs12.PKCS12KeyAndCertificates | None:
    """Let ``cryptography`` open a file; None: it does not."""
    with warnings.catch_warnings():  # of the whole process, while it lasts
        warnings.simplefilter("ignore")  # of BER, which is what real tools write
        try:
            return pkcs12.load_pkcs12(data, secret)
        except UNREADABLE:
            return None


def _say_why(layout: Layout, secret: bytes | None) -> NoReturn:
    """Say why a file did not open."""
    strange = [each.text for each in layout.algorithms if not each.is_known]
    opens = layout.mac is not None and _load(_bare([each.whole for each in layout.safes]), secret)
    if strange and not (opens and layout.mac and layout.mac.is_known):
        raise PfxError(
            PfxCause.UNSUPPORTED, found=", ".join(strange), expected="an algorithm known here"
        )
    if opens and layout.is_encrypted:
        raise PfxError(
            PfxCause.INTEGRITY,
            found="contents that the password opens and the MAC does not fit",
            expected="the file as it was made",
        )
    expected = "the password it was made with"
    if opens:
        expected += " (or it was changed: nothing in it is encrypted that could tell)"
    found = "no password" if not secret else "a password that does not open it"
    raise PfxError(PfxCause.WRONG_PASSWORD, found=found, expected=expected)


def _bare(contents: list[bytes]) -> bytes:
    """Make a file without a MAC from some parts of another, for ``cryptography`` to open."""
    version = _der.encode(_ber.INTEGER, [b"\x03"])
    return _der.encode(_der.SEQUENCE, [version, _content(contents)])


def _content(parts: list[bytes]) -> bytes:
    """Make a ContentInfo of data, which holds a SEQUENCE of ``parts``."""
    data = _der.encode(_ber.OCTET_STRING, [_der.encode(_der.SEQUENCE, parts)])
    kind = bytes.fromhex("06092a864886f70d010701")  # id-data
    return _der.encode(_der.SEQUENCE, [kind, _der.encode(0xA0, [data])])
