"""The command line: ``pkilab lab | run | serve``; more of it in `aws.cli` and `signing_cli`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import pkilab
from pkilab import signing_cli
from pkilab.aws import cli as aws_cli
from pkilab.errors import LabError, PkilabError
from pkilab.printing import one_line

app = typer.Typer(
    name="pkilab",
    help="Do AWS PKI: guided notebooks on a faithful, repeatable AWS Private CA.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
_TLS_PORT, _DNS_PORT = 5443, 5300
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Mode(StrEnum):
    """Where notebooks run."""

    SIMULATED = "simulated"
    AWS = "aws"


class RefuseIn(StrEnum):
    """Where mutual TLS turns a client away."""

    RESPONSE = "response"
    HANDSHAKE = "handshake"


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if asked:
        typer.echo(f"pkilab {pkilab.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Do AWS PKI: guided notebooks on a faithful, repeatable AWS Private CA."""


@app.command()
def lab(
    folder: Annotated[Path, typer.Argument(help="Folder of notebooks.")] = Path("notebooks"),
) -> None:
    """Open JupyterLab on the guided notebooks."""
    if not folder.is_dir():
        raise LabError(f"notebooks: found no folder {folder}; run this from the project's root")
    raise typer.Exit(subprocess.call([sys.executable, "-m", "jupyterlab", str(folder)]))  # noqa: S603


@app.command()
def run(
    notebooks: Annotated[
        list[Path] | None, typer.Argument(help="Notebooks; all of ./notebooks by default.")
    ] = None,
    mode: Annotated[
        Mode, typer.Option(help="'aws' calls a real account; set PKILAB_BUDGET_USD first.")
    ] = Mode.SIMULATED,
    out: Annotated[Path, typer.Option(help="Where executed notebooks and reports go.")] = Path(
        "build/notebooks"
    ),
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Also store the outputs in the notebooks.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="On AWS: leave what a notebook did not clean up itself.")
    ] = False,
) -> None:
    """Run guided notebooks from top to bottom and report on each."""
    from pkilab.execution import run as run_notebooks  # noqa: PLC0415 - only who runs pays

    code = run_notebooks(notebooks, mode=mode.value, out=out, in_place=in_place, keep=keep)
    raise typer.Exit(code)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 5000,
    now: Annotated[
        str, typer.Option(help="'live', or the frozen time in ISO 8601 with a zone.")
    ] = "live",
    seed: Annotated[str, typer.Option(help="What every key, serial and id is made from.")] = (
        "pkilab"
    ),
    tls_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Where APIs are met over TLS; 5443, or a free one if --port is 0.",
            show_default=False,
        ),
    ] = None,
    dns_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Where its DNS is asked, by UDP and TCP; 5300, or a free one if --port is 0.",
            show_default=False,
        ),
    ] = None,
    refuse_in: Annotated[
        RefuseIn, typer.Option(help="Where mutual TLS turns a client away: 403, or an alert.")
    ] = RefuseIn.RESPONSE,
    ct_folder: Annotated[
        Path | None, typer.Option(help="Keep the world's CT logs here, beyond the process.")
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Write what was opened as JSON, once it answers.")
    ] = None,
    enforce_policies: Annotated[
        bool,
        typer.Option(
            "--enforce-policies",
            help="Check signatures, and ask IAM and resource policies about each call.",
        ),
    ] = False,
    enforce_quotas: Annotated[
        bool,
        typer.Option(
            "--enforce-quotas", help="Throttle Private CA and Security Hub at AWS's request rates."
        ),
    ] = False,
    expose_keys_to_network: Annotated[
        bool,
        typer.Option(
            "--expose-keys-to-network",
            help="Allow a host other than loopback. Anyone who reaches it can use every CA.",
        ),
    ] = False,
) -> None:
    """Serve a simulated AWS over HTTP until interrupted.

    Point any AWS SDK or the aws command line at it with AWS_ENDPOINT_URL and the keys that are
    printed once it is ready. OCSP requests are answered at the same address. APIs are met over
    TLS, by the name they have there: curl --connect-to ::127.0.0.1:5443 https://... Its public
    DNS is asked with dig @127.0.0.1 -p 5300. CT logs answer below /ct/, as in
    /ct/north-1/ct/v1/get-sth, and their list at /ct/log_list/v3/log_list.json.
    """
    if host not in _LOOPBACK and not expose_keys_to_network:
        raise LabError(
            f"--host: found {host}, expected a loopback address. Without --enforce-policies "
            "no signature is checked, and the keys come from the seed; add "
            "--expose-keys-to-network if others may use them"
        )
    from pkilab.simulator.place import open_place  # noqa: PLC0415 - only who serves pays

    place = open_place(
        seed=seed,
        now=now,
        ct_folder=ct_folder,
        enforce_policies=enforce_policies,
        enforce_quotas=enforce_quotas,
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        if tls_port is None:
            tls_port = _TLS_PORT if port else 0
        if dns_port is None:
            dns_port = _DNS_PORT if port else 0
        server = place.serve(host, port, tls_port, refuse_in.value, dns_port)
        try:
            keys = place.environment(next(iter(place.accounts)))
            places = {"PKILAB_TLS": server.tls, "PKILAB_DNS": server.dns}  # for Lab.aws
            exports = {"AWS_ENDPOINT_URL": server.url, **keys, **places}
            if ready_file:
                opened = {"endpoint": server.url, "tls": server.tls, "dns": server.dns}
                _write_ready_file(ready_file, **opened, seed=seed, now=now, ct_logs=server.ct_logs)
            shown = " ".join(f"{name}={value}" for name, value in exports.items())
            at = f"{server.url}, DNS at {server.dns} and TLS at {server.tls}"
            typer.echo(f"pkilab serves simulated AWS at {at} | export {shown}")
            stop.wait()
        finally:
            server.close()  # or its threads would keep the process alive
    finally:
        if ready_file:
            ready_file.unlink(missing_ok=True)
        place.close()


def _write_ready_file(path: Path, **opened: object) -> None:
    """Write whole or not at all: a reader that sees the file can parse it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps({**opened, "pid": os.getpid()}, indent=2) + "\n")
    partial.replace(path)


aws_cli.register(app)
signing_cli.register(app)


def main() -> None:
    """Run the command line; the package's own errors become one line and exit code 2."""
    try:
        app()
    except (PkilabError, OSError) as error:  # OSError: a path that cannot be written
        typer.echo(f"pkilab: {one_line(str(error))}", err=True)
        sys.exit(2)
