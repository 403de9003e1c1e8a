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
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.errors import LabError
from pkilab.pki.crl import load_crl

_SECONDS = 60
# openssl trusts the machine's own roots besides -CAfile, unless it looks for them elsewhere.
_NO_MACHINE = {"SSL_CERT_DIR": "no-roots", "SSL_CERT_FILE": "no-roots"}
# openssl's error queue begins with a thread's address and names its source files: noise that would
# differ on every run. What it judged stands in the other lines.
_ERROR_QUEUE = re.compile(r"^[0-9A-F]{8,16}:error:.*\n?", re.MULTILINE)


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
        Its output, standard output before standard error. Exit codes other than 0 are testimony
        too, not errors.

    Raises:
        LabError: openssl is not installed, or did not finish within a minute.
    """
    return _ask("openssl", arguments, files, folder)


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
    output = _ERROR_QUEUE.sub("", (ran.stdout + ran.stderr).decode(errors="replace"))
    return Testimony(shlex.join((name, *arguments)), output.strip(), ran.returncode == 0)


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
