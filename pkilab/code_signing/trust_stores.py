"""A trust store on the host: a folder with the roots that signatures and time stamps are held to.

    trust/
        code-signing/    <SHA-256>.pem   roots of signers
        time-stamping/   <SHA-256>.pem   roots of time-stamping authorities
        crls/            any.crl         CRLs that the host keeps up to date (optional)

The AWS post keeps its one root in memory and says that production needs a trust store on the host.
Whoever can write there decides what is trusted. So, as ssh does with its files, what others can
write is not read, and neither is what is not a plain file.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pkilab.errors import LabError, MalformedError, VerificationError
from pkilab.pki import pem
from pkilab.pki.certificates import UNREADABLE, extension_value, key_usage_forbids, label
from pkilab.pki.chains import Chain, verify_chain
from pkilab.pki.crl import load_crl

Use: TypeAlias = Literal["code-signing", "time-stamping"]
CODE_SIGNING: Use = "code-signing"
TIME_STAMPING: Use = "time-stamping"
_CRLS = "crls"
_MOST_FILES = 1000
_MOST_BYTES = 2**24  # of a CRL; large public ones have some MB
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH
# A link leads out of the folder; a pipe would never end.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class TrustStore:
    """The roots that a verifier trusts, each for one use, and CRLs.

    Attributes:
        code_signing: trust anchors of signers.
        time_stamping: trust anchors of time-stamping authorities; without any, no time stamp is
            believed.
        crls: if there are any, revocation is looked at.
        folder: where it lies; None: in memory, as in the post.
    """

    code_signing: Chain = ()
    time_stamping: Chain = ()
    crls: tuple[x509.CertificateRevocationList, ...] = field(default=(), repr=False)
    folder: Path | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        uses = ((CODE_SIGNING, self.code_signing), (TIME_STAMPING, self.time_stamping))
        held = (f"{use}: {', '.join(map(label, roots)) or 'nobody'}" for use, roots in uses)
        return f"<TrustStore {'; '.join(held)}; {len(self.crls)} CRLs>"

    @classmethod
    def create(cls, folder: Path | str) -> TrustStore:
        """Make the folders, 0755, as far as they are not there, and load what they hold.

        Raises:
            OSError: they cannot be made.
            LabError, MalformedError: as `load`.
        """
        place = Path(folder)
        for name in ("", CODE_SIGNING, TIME_STAMPING):
            path = place / name
            if not path.is_dir():
                path.mkdir(parents=True)
                path.chmod(0o755)  # whatever the umask
        return cls.load(place)

    @classmethod
    def load(cls, folder: Path | str) -> TrustStore:
        """Read a trust store.

        In ``code-signing`` and ``time-stamping`` each ``*.pem`` is one CA certificate, and a file
        named by a fingerprint has it; in ``crls`` each ``*.crl``, ``*.der`` or ``*.pem`` is one
        CRL, which whoever uses it verifies. Other files are passed over.

        Not checked: the folders above this one, and dates: an expired root is refused where it is
        used.

        Raises:
            LabError: there is no such folder; or something in it is not a plain file, or can be
                written by others than its owner, or belongs to neither the user nor root.
            MalformedError: a file is not what it should be, or its certificate is no CA's.
        """
        place = Path(folder)
        _admit(place, os.lstat(place) if os.path.lexists(place) else None, "folder")
        crls = (load_crl(data) for _, data in _files(place / _CRLS, (".crl", ".der", ".pem")))
        return cls(
            code_signing=tuple(_roots(place / CODE_SIGNING)),
            time_stamping=tuple(_roots(place / TIME_STAMPING)),
            crls=tuple(crls),
            folder=place,
        )

    def add(
        self, certificate: x509.Certificate, *, at: datetime, time_stamping: bool = False
    ) -> TrustStore:
        """Trust a root, and return the store with it; in a folder it is written there, 0644.

        Nobody vouches for a root: compare its fingerprint with one that you were given by another
        way before.

        Args:
            certificate: a CA's. It need not be self-signed.
            at: the aware time to judge it by.
            time_stamping: trust it for time stamps, and not for code.

        Raises:
            VerificationError: it is no CA, not valid at that time, or weak.
            LabError: the folder is by now none to be read, as in `load`.
            OSError: it cannot be written.
        """
        reasons = [*_about_ca(certificate)]
        reasons += verify_chain(certificate, roots=(certificate,), at=at).reasons
        if reasons:
            thing = f"root {label(certificate)}"
            raise VerificationError(thing, tuple(dict.fromkeys(reasons)))
        use = TIME_STAMPING if time_stamping else CODE_SIGNING
        held = self.time_stamping if time_stamping else self.code_signing
        if certificate in held:
            return self
        if self.folder is not None:
            for each in (self.folder, self.folder / use):  # it may have been read long ago
                _admit(each, os.lstat(each) if os.path.lexists(each) else None, "folder")
            _write(self.folder / use / f"{fingerprint(certificate)}.pem", certificate)
        more = (*held, certificate)
        return (
            replace(self, time_stamping=more) if time_stamping else replace(self, code_signing=more)
        )


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate's DER, in hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _roots(folder: Path) -> Iterator[x509.Certificate]:
    for path, data in _files(folder, (".pem",)):
        thing = f"trust store, {folder.name}/{path.name}"
        try:
            certificate = pem.load_certificate(data)
        except MalformedError as error:
            raise MalformedError(thing, found=error.found, expected=error.expected) from None
        if _FINGERPRINT.fullmatch(path.stem) and fingerprint(certificate) != path.stem:
            found = f"the certificate with fingerprint {fingerprint(certificate)}"
            raise MalformedError(thing, found=found, expected="the one that the file is named by")
        if reasons := tuple(_about_ca(certificate)):
            raise MalformedError(thing, found="; ".join(reasons), expected="a CA's certificate")
        yield certificate


def _about_ca(certificate: x509.Certificate) -> Iterator[str]:
    try:
        constraints = extension_value(certificate, x509.BasicConstraints)
        if constraints is None or not constraints.ca:
            yield f"{label(certificate)} is not a CA certificate and vouches for nobody"
        if key_usage_forbids(certificate, "key_cert_sign"):
            yield f"the key of {label(certificate)} may not sign certificates (key usage)"
    except UNREADABLE as error:
        yield f"{label(certificate)} cannot be read ({error})"


def _files(folder: Path, endings: tuple[str, ...]) -> Iterator[tuple[Path, bytes]]:
    """Yield the files of one kind in a folder, by name, each with its content."""
    if not os.path.lexists(folder):
        return
    _admit(folder, os.lstat(folder), "folder")
    paths = sorted(each for each in folder.iterdir() if each.suffix in endings)
    if len(paths) > _MOST_FILES:
        raise LabError(
            f"trust store: found {len(paths):,} files in {folder}, at most {_MOST_FILES:,} are read"
        )
    for path in paths:
        yield path, _read(path)


def _read(path: Path) -> bytes:
    """Read what was looked at: the status is that of the open file, not of a name."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if path.is_symlink():
            raise LabError(f"trust store: {path} is a link, expected a plain file") from None
        raise LabError(f"trust store: {path} cannot be read ({error.strerror})") from error
    try:
        _admit(path, os.fstat(descriptor), "plain file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(_MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > _MOST_BYTES:
        raise LabError(f"trust store: {path} has over {_MOST_BYTES:,} bytes")
    return data


def _admit(path: Path, status: os.stat_result | None, kind: str) -> None:
    """Refuse what is not of that kind, or not the user's or root's own to write."""
    if status is None:
        raise LabError(f"trust store: found no folder {path}; pkilab trust add makes one")
    right = stat.S_ISDIR if kind == "folder" else stat.S_ISREG
    if not right(status.st_mode):
        raise LabError(f"trust store: {path} is not a {kind}")
    if os.name != "posix":
        return  # Windows has no such bits; its access lists are not looked at
    if status.st_mode & _WRITABLE:
        mode = stat.filemode(status.st_mode)
        raise LabError(
            f"trust store: {path} can be written by others ({mode}), who could make you trust "
            f"anything; chmod go-w {path}"
        )
    if status.st_uid not in {0, os.geteuid()}:
        raise LabError(f"trust store: {path} belongs to user {status.st_uid}, not to you or root")


def _write(path: Path, certificate: x509.Certificate) -> None:
    """Write a root whole or not at all, and through no link."""
    descriptor, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(pem.to_pem(certificate))
        partial.chmod(0o644)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
