"""Outside witnesses: programs this project did not write, asked about what it made.

A witness runs in an empty folder holding only the files it is given, so that what it prints names
nothing of this machine and a notebook can store it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.errors import LabError
from pkilab.pki.crl import load_crl
from pkilab.pki.kms_signatures import message_type, signature_hash
from pkilab.pki.pem import load_certificates, to_pem

_SECONDS = 60
_ML_DSA_SINCE, _CODE_SIGNING_SINCE = (3, 5), (3, 2)  # of openssl
# -1: as long as the digest (openssl-dgst(1)). MGF1 takes the same hash by itself.
_PSS = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1")
# openssl trusts the machine's own roots besides -CAfile, unless it looks for them elsewhere.
_NO_MACHINE = {"SSL_CERT_DIR": "no-roots", "SSL_CERT_FILE": "no-roots"}
# openssl's error queue begins with a thread's address and names its source files: noise that would
# differ on every run. What it judged stands in the other lines.
_ERROR_QUEUE = re.compile(r"^[0-9A-F]{8,16}:error:.*\n?", re.MULTILINE)
# What cms and ts judged stands there alone, in the last fields: code, library, function, reason,
# file, line, and for some a sentence of their own (ERR_print_errors(3)).
_CAUSE = re.compile(
    r"^[0-9A-F]{8,16}:error:[0-9A-F]+:[^:\n]*:[^:\n]*:(?P<reason>[^:\n]+):[^:\n]*:\d+:(?P<more>.*)$",
    re.MULTILINE,
)
# ts says which of the machine's files it has read.
_CONFIGURATION = re.compile(r"^Using configuration from .*\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Testimony:
    """What a witness was asked, what it said, and whether it agreed (exit code 0)."""

    command: str
    output: str
    agrees: bool

    def __repr__(self) -> str:
        return f"$ {self.command}\n{self.output}".rstrip()

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:  # noqa: FBT001, ARG002 - IPython's
        printer.text(repr(self))  # type: ignore[attr-defined]


def openssl(
    *arguments: str, files: Mapping[str, str | bytes] | None = None, folder: Path | None = None
) -> Testimony:
    """Run the ``openssl`` command line on ``files``.

    Args:
        arguments: as typed after ``openssl``; files are named as in ``files``.
        files: what lies in the folder where it runs: name to content. Files are 0600.
        folder: where to run, for programs that keep state there, such as ``openssl ca``;
            otherwise a folder of its own, gone afterwards.

    Returns:
        Its output, standard output before standard error, without openssl's error queue. Exit
        codes other than 0 are testimony too, not errors.

    Raises:
        LabError: openssl is not installed, or did not finish within a minute.
    """
    said = _ask("openssl", arguments, files, folder)
    return replace(said, output=_without_blanks(_ERROR_QUEUE.sub("", said.output)))


def curl(
    *arguments: str,
    through: str | None = None,
    files: Mapping[str, str | bytes] | None = None,
    folder: Path | None = None,
) -> Testimony:
    """Run curl, quietly but for errors: a client of TLS that this project did not write.

    Args:
        arguments: as typed after ``curl``; files are named as in ``files``.
        through: ``host:port`` to connect to whatever the URL's host is, such as a server's ``tls``.
            Shown as ``$TLS``, because a port is another one every time.
        files: what lies in the folder where it runs: name to content. Files are 0600.
        folder: where to run, if the files lie there already.

    Returns:
        Its output. A refused handshake is testimony, too; an HTTP status is not curl's business.

    Raises:
        LabError: curl is not installed, or did not finish within a minute.
    """
    way = () if through is None else ("--connect-to", f"::{through}")
    # -q: the user's own .curlrc is not looked at.
    told = _ask("curl", ("-q", "--silent", "--show-error", *way, *arguments), files, folder)
    shown = () if through is None else ("--connect-to ::$TLS",)
    command = " ".join(("curl", *shown, shlex.join(arguments)))
    return Testimony(command, told.output, told.agrees)


def _ask(
    name: str,
    arguments: Sequence[str],
    files: Mapping[str, str | bytes] | None,
    folder: Path | None,
) -> Testimony:
    program = shutil.which(name)
    if program is None:
        raise LabError(f"{name} is not installed; it is an outside witness of this notebook")
    with tempfile.TemporaryDirectory() as own:
        folder = folder or Path(own)
        for file, content in (files or {}).items():
            data = content.encode() if isinstance(content, str) else content
            (folder / file).touch(mode=0o600)
            (folder / file).write_bytes(data)
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        try:
            ran = subprocess.run(  # noqa: S603 - arguments are the caller's own
                [program, *arguments],
                cwd=folder,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                env=environment | _NO_MACHINE,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{name} {arguments[0]}: no answer in {_SECONDS} s") from error
    output = _without_blanks((ran.stdout + ran.stderr).decode(errors="replace"))
    return Testimony(shlex.join((name, *arguments)), output, ran.returncode == 0)


def _without_blanks(output: str) -> str:
    """Strip what is empty around an output; the indent of its first line stays."""
    return output.rstrip().lstrip("\r\n")


def openssl_verify(
    certificate: str,
    *,
    root: str,
    at: datetime,
    intermediates: str = "",
    options: Sequence[str] = (),
    crls: Iterable[bytes] = (),
) -> Testimony:
    """Let ``openssl verify`` judge a certificate at a given time.

    Args:
        certificate: PEM of the certificate in question.
        root: PEM of the trust anchors.
        at: the verification time, aware.
        intermediates: PEM of untrusted certificates that may complete the path.
        options: more options, such as ``["-purpose", "sslserver"]``.
        crls: DER; given, the certificate itself is checked for revocation. With the option
            ``-crl_check_all`` its whole path is, and every CA of it needs its list here.

    Raises:
        LabError: as `openssl`.
        MalformedError: one of ``crls`` is none.
    """
    files: dict[str, str | bytes] = {"certificate.pem": certificate, "root.pem": root}
    arguments = [
        "verify",
        "-nameopt",
        "RFC2253",
        "-attime",
        str(int(at.timestamp())),
        "-CAfile",
        "root.pem",
        *options,
    ]
    if intermediates:
        files["intermediates.pem"] = intermediates
        arguments += ["-untrusted", "intermediates.pem"]
    if lists := [load_crl(der).public_bytes(Encoding.PEM) for der in crls]:
        files["crls.pem"] = b"".join(lists)
        arguments += ["-crl_check", "-CRLfile", "crls.pem"]
    return openssl(*arguments, "certificate.pem", files=files)


def openssl_dgst_verify(
    public_key: str, message: bytes | Path, signature: bytes, *, algorithm: str
) -> Testimony:
    """Let ``openssl dgst -verify`` judge a signature; ``pkeyutl -verify`` where nothing is hashed.

    Args:
        public_key: PEM (``BEGIN PUBLIC KEY``).
        message: what was signed, not its digest; a file is read where it lies.
        signature: as KMS answers it: ECDSA in DER.
        algorithm: a SigningAlgorithm of KMS. PSS is held to a salt as long as the digest.

    Raises:
        LabError: as `openssl`, or this openssl cannot judge such a signature: ML-DSA needs 3.5, and
            the command line knows no Ed25519ph (``ED25519_PH_SHA_512``).
        MalformedError: KMS has no such algorithm.
    """
    kind = message_type(algorithm)
    if algorithm == "ED25519_PH_SHA_512":
        raise LabError("openssl's command line verifies no Ed25519ph; pkilab verifies it itself")
    if kind == "EXTERNAL_MU" and _openssl_version() < _ML_DSA_SINCE:
        raise LabError("this openssl verifies no ML-DSA; openssl 3.5 is the first that does")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files: dict[str, str | bytes] = {"key.pem": public_key, "signature": signature}
        if isinstance(message, Path):
            (folder / "message").symlink_to(message.absolute())
        else:
            files["message"] = message
        if kind == "DIGEST":
            return openssl(
                "dgst", f"-{signature_hash(algorithm).name}", "-verify", "key.pem",
                *(_PSS if "_PSS_" in algorithm else ()),
                "-signature", "signature", "message", files=files, folder=folder,
            )  # fmt: skip
        return openssl(
            "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "message",
            "-sigfile", "signature", files=files, folder=folder,
        )  # fmt: skip


def openssl_cms_verify(
    message: bytes,
    content: bytes | Path | None = None,
    *,
    root: str,
    at: datetime,
    purpose: str = "any",
    intermediates: str = "",
    options: Sequence[str] = (),
    crls: Iterable[bytes] = (),
) -> Testimony:
    """Let ``openssl cms -verify`` judge a signed message: signature, content and path.

    Time stamps are none of its business: a certificate must be valid at ``at``. Why it refuses is
    kept of its error queue, such as ``certificate verify error: certificate has expired``.

    Args:
        message: DER of SignedData.
        content: what a detached message is over; a file is read where it lies.
        root: PEM of the trust anchors.
        at: the verification time, aware.
        purpose: what the signer's certificate must serve for: ``codesign``, ``smimesign`` ...;
            ``any`` looks at none.
        intermediates: PEM of certificates beside those of the message: the signers' and CAs'. In
            openssl 3.0 ``-certfile`` finds signers alone, and completes no path (later ones do;
            openssl pull request 18916). So those that another issued also stand in the file of
            ``-CAfile``, where they help to build a path and are not its end: without
            ``-partial_chain`` that must be self-signed. With it they would be, and so stay out.
        options: more options, such as ``["-cades"]``, which holds the certificate to the signed
            attribute signing-certificate.
        crls: DER, beside those of the message; given, the signer is checked for revocation.

    Raises:
        LabError: as `openssl`, or this openssl does not know the purpose: ``codesign`` needs 3.2.
        MalformedError: one of ``crls`` or ``intermediates`` is none.
    """
    if purpose == "codesign" and _openssl_version() < _CODE_SIGNING_SINCE:
        raise LabError("this openssl knows no purpose codesign; openssl 3.2 is the first that does")
    files: dict[str, str | bytes] = {"message.p7s": message, "root.pem": root}
    arguments = ["cms", "-verify", "-binary", "-inform", "DER", "-in", "message.p7s"]
    if content is not None:
        arguments += ["-content", "content"]
    arguments += ["-CAfile", "root.pem", "-purpose", purpose, "-attime", str(int(at.timestamp()))]
    if intermediates:
        files["intermediates.pem"] = intermediates
        arguments += ["-certfile", "intermediates.pem"]
        if "-partial_chain" not in options:
            below = [each for each in load_certificates(intermediates) if not _is_root(each)]
            root += "\n" + to_pem(*below)
            files["root.pem"] = root
    if lists := [load_crl(der).public_bytes(Encoding.PEM) for der in crls]:
        # cms has no -CRLfile; a file of trust anchors may hold CRLs, too.
        files["root.pem"] = root.encode() + b"".join(lists)
        arguments.append("-crl_check")
    return _about(content, *arguments, *options, "-out", "verified", files=files)


def openssl_ts_verify(
    token: bytes,
    message: bytes | Path,
    *,
    root: str,
    at: datetime,
    intermediates: str = "",
    options: Sequence[str] = (),
) -> Testimony:
    """Let ``openssl ts -verify`` judge a time-stamp token (RFC 3161).

    Args:
        token: DER of the token, not of the response around it.
        message: what was stamped: for a signature its value; a file is read where it lies.
        root: PEM of the trust anchors.
        at: the time to verify the authority's path at, aware; openssl does not compare it with the
            token's own.
        intermediates: PEM of certificates beside those of the token.
        options: more options, such as ``["-crl_check"]``.

    Why it refuses is kept of its error queue, as in `openssl_cms_verify`.

    Raises:
        LabError: as `openssl`.
    """
    files: dict[str, str | bytes] = {"token.der": token, "root.pem": root}
    arguments = ["ts", "-verify", "-data", "content", "-in", "token.der", "-token_in"]
    arguments += ["-CAfile", "root.pem", "-attime", str(int(at.timestamp()))]
    if intermediates:
        files["intermediates.pem"] = intermediates
        arguments += ["-untrusted", "intermediates.pem"]
    said = _about(message, *arguments, *options, files=files)
    return replace(said, output=_without_blanks(_CONFIGURATION.sub("", said.output)))


def _about(
    content: bytes | Path | None, *arguments: str, files: dict[str, str | bytes]
) -> Testimony:
    """Run openssl where ``content`` lies under that name; a file stays where it is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if isinstance(content, Path):
            (folder / "content").symlink_to(content.absolute())
        elif content is not None:
            files = {**files, "content": content}
        said = _ask("openssl", arguments, files, folder)
    causes = _CAUSE.sub(_cause, said.output)
    return replace(said, output=_without_blanks(_ERROR_QUEUE.sub("", causes)))


def _cause(error: re.Match[str]) -> str:
    more = error["more"].replace("Verify error:", "").strip()  # "Verify error: " in cms, not in ts
    return f"{error['reason']}: {more}" if more else error["reason"]


def _is_root(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject


def _openssl_version() -> tuple[int, int]:
    """Return major and minor version; (0, 0) of what only behaves like openssl."""
    found = re.match(r"OpenSSL (\d+)\.(\d+)", openssl("version").output)
    return (int(found[1]), int(found[2])) if found else (0, 0)
