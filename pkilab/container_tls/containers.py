"""Containers that make their own key: the entry points of the template, run as processes here.

What a container runtime adds is left out: a process of this machine is no sandbox. What matters is
the same: the key is made where the server runs, in memory, and nothing but a certificate request
leaves it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab import templates, witness
from pkilab.errors import LabError
from pkilab.pki.crl import load_crl

_FOLDER = Path(templates.__file__).parent / "container_tls"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a tmpfs of every Linux, where the key is no file of a disk
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02
_LOOKED = ("renewed: ", "unchanged: ", "renewal failed")  # what entrypoint.py writes after a look
_VERDICTS = ("Verification", "Verified", "verify error")
Kind = Literal["python", "nginx"]


@dataclass
class Container:
    """A running entry point.

    Attributes:
        kind: what serves TLS: ``python``, or ``nginx`` with openssl and the AWS CLI.
        port: on which, at 127.0.0.1.
        folder: where its key and certificate are.
        in_memory: whether that folder is a tmpfs.
        server_name: what its certificate is for.
    """

    kind: Kind
    port: int
    folder: Path
    in_memory: bool
    server_name: str
    _process: subprocess.Popen[bytes] = field(repr=False)
    _log: Path = field(repr=False)

    def log(self) -> str:
        """Return what it has written."""
        return self._log.read_text(errors="replace")

    def certificate(self) -> x509.Certificate:
        """Return the certificate that a new connection is shown, whoever issued it.

        Raises:
            LabError: nobody answers.
        """
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only to look
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname=self.server_name) as secured,
            ):
                shown = secured.getpeercert(binary_form=True)
        except OSError as error:
            raise LabError(f"the container at 127.0.0.1:{self.port}: {error}") from error
        return x509.load_der_x509_certificate(shown or b"")

    def verified(
        self,
        root_pem: str,
        *,
        at: datetime | None,
        name: str | None = None,
        crl: bytes | None = None,
    ) -> witness.Testimony:
        """Connect as a client that trusts one root: openssl's, which was not written here.

        Args:
            root_pem: what the client trusts.
            at: the client's time; None: it does not look at dates.
            name: the name that it wants to reach; the container's by default.
            crl: a list (DER) by which it asks whether the certificate was revoked.

        Returns:
            What openssl says of the certificate, and nothing of the connection besides. The port,
            another one every time, is shown as ``$TLS``.

        Raises:
            LabError: openssl is not installed.
            MalformedError: the list is no CRL.
        """
        files: dict[str, str | bytes] = {"root.pem": root_pem}
        when = ("-no_check_time",) if at is None else ("-attime", str(int(at.timestamp())))
        listed: tuple[str, ...] = ()
        if crl is not None:
            listed = ("-crl_check", "-CRL", "crl.pem")
            files["crl.pem"] = load_crl(crl).public_bytes(Encoding.PEM)
        address = f"127.0.0.1:{self.port}"
        said = witness.openssl(
            "s_client", "-brief", "-connect", address, "-servername", self.server_name,
            "-verify_hostname", name or self.server_name, "-verify_return_error",
            "-CAfile", "root.pem", *when, *listed, files=files,
        )  # fmt: skip
        lines = [each for each in said.output.splitlines() if each.startswith(_VERDICTS)]
        told = "\n".join(lines) or said.output
        return witness.Testimony(said.command.replace(address, "$TLS"), told, said.agrees)

    def reload(self) -> x509.Certificate:
        """Have it look again (SIGHUP), wait until it has, and return what it shows then.

        That may be the same certificate as before: nobody has stored another, or it failed to get
        one. Of a container of nginx nothing is known before a new certificate is there: `renew`.

        Raises:
            LabError: it is of nginx, or has not looked after a minute.
        """
        if self.kind != "python":
            raise LabError(f"reload: found a container of {self.kind}, expected one of python")
        before = self._looks()
        self._process.send_signal(signal.SIGHUP)
        _wait(lambda: self._looks() > before, self, "a second look")
        return self.certificate()

    def _looks(self) -> int:
        return sum(line.startswith(_LOOKED) for line in self.log().splitlines())

    def renew(self) -> x509.Certificate:
        """Have it renew at once (SIGHUP), wait for the new certificate and return it.

        Raises:
            LabError: it still shows the old one after a minute.
        """
        before = self.certificate()
        self._process.send_signal(signal.SIGHUP)
        _wait(lambda: self.certificate() != before, self, "a new certificate")
        return self.certificate()

    def stop(self) -> int:
        """End it (SIGTERM), remove its folder, and return its exit code."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            return self._process.wait(timeout=_START_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            return self._process.wait()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def run(
    kind: Kind,
    authority_arn: str | None,
    server_name: str,
    *,
    environment: Mapping[str, str],
    days: int = 7,
    signing_algorithm: str = "SHA256WITHECDSA",
    path: str | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> Iterator[Container]:
    """Start a container's entry point, and stop it afterwards.

    Args:
        kind: ``python``, or ``nginx``, which wants nginx, openssl and the AWS CLI.
        authority_arn: the private CA that issues; None: another SOURCE is set.
        server_name: the DNS name to be certified.
        environment: the AWS variables of the task's role, such as `Lab.environment` returns. It
            sees nothing else of this process's environment.
        days: the certificate's validity.
        signing_algorithm: one that fits the CA's key.
        path: where programs are looked for; this process's PATH by default.
        settings: further variables of entrypoint.py, such as ``SOURCE`` and ``SECRET_ID``.
        files: what its image has, by absolute path, such as `Image.files` returns. They are written
            below its folder, and ``KEY_FILE`` and ``CHAIN_FILE`` are looked for there.

    Raises:
        LabError: a program is not installed, it ends before it listens (with what it wrote), or
            a file's path leaves the image.
    """
    path = os.environ.get("PATH", os.defpath) if path is None else path
    if kind == "nginx" and (absent := _absent(path)):
        raise LabError(f"{', '.join(absent)}: not installed; the container needs it")
    in_memory = _is_tmpfs(_MEMORY) and os.access(_MEMORY, os.W_OK)
    folder = Path(tempfile.mkdtemp(prefix="pkilab-", dir=_MEMORY if in_memory else None))
    log = folder / "log"
    port = _free_port()
    variables = {
        **environment,
        "PATH": path,
        "HOME": str(folder),
        "AUTHORITY_ARN": authority_arn or "",
        "SERVER_NAME": server_name,
        "SIGNING_ALGORITHM": signing_algorithm,
        "DAYS": str(days),
        "TLS_FOLDER": str(folder),
        "PORT": str(port),
        **settings,
    }
    try:
        _unpack(files, folder / "image", variables)
        command = _command(kind, folder, port, variables)
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - the template's own entry point
                command,
                env=variables,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    container = Container(kind, port, folder, in_memory, server_name, process, log)
    try:
        _wait(lambda: _listens(port), container, "a listening server")
        yield container
    finally:
        container.stop()


def _command(kind: Kind, folder: Path, port: int, settings: dict[str, str]) -> list[str]:
    if kind == "python":
        return [sys.executable, str(_FOLDER / "entrypoint.py")]
    # The template's configuration, with this folder for the tmpfs and a free port.
    text = (_FOLDER / "nginx.conf").read_text(encoding="utf-8")
    text = text.replace("/run/tls", str(folder)).replace("listen 8443", f"listen 127.0.0.1:{port}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        text = f"user root;\n{text}"  # workers as whoever owns the folder
    configuration = folder / "nginx.conf"
    configuration.write_text(text, encoding="utf-8")
    settings["NGINX_CONF"] = str(configuration)
    return ["/bin/sh", str(_FOLDER / "entrypoint.sh")]


def _unpack(files: Mapping[str, bytes], root: Path, variables: dict[str, str]) -> None:
    """Write an image's files below a root, and point to it what names a file of the image."""
    for name, data in files.items():
        path = root / name.lstrip("/")
        if ".." in path.parts:
            raise LabError(f"the image's file {name!r} leaves the image")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(data)
    for name in ("KEY_FILE", "CHAIN_FILE"):
        if files and name in variables:
            variables[name] = str(root / variables[name].lstrip("/"))


def _absent(path: str) -> list[str]:
    return [each for each in ("nginx", "openssl", "aws") if shutil.which(each, path=path) is None]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_tmpfs(folder: Path) -> bool:
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return False
    return any(line.split()[1:3] == [str(folder), "tmpfs"] for line in mounts)


def _wait(ready: Callable[[], bool], container: Container, what: str) -> None:
    until = time.monotonic() + _START_SECONDS
    while not ready():
        ended = container._process.poll() is not None  # noqa: SLF001 - its own module
        if ended or time.monotonic() > until:
            state = "ended" if ended else "is late"
            raise LabError(f"{what}: the container {state}; it wrote: {container.log().strip()}")
        time.sleep(_POLL_SECONDS)
