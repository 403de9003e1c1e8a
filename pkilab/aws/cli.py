"""The command line for a real account: ``pkilab plan | policy | ledgers | clean-up``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pkilab.errors import LabError

_LEFT = 1
_Notebook = Annotated[Path, typer.Argument(help="The notebook.", exists=True, dir_okay=False)]
_Profile = Annotated[
    str | None,
    typer.Option(
        help="The profile to call as; the environment's, if not given.", show_default=False
    ),
]
_Region = Annotated[
    list[str] | None,
    typer.Option(help="A Region to look in; repeat it. The profile's, if not given."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(plan)
    app.command()(policy)
    app.command()(ledgers)
    app.command("clean-up")(clean_up)


def plan(
    notebook: _Notebook,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what a notebook will create on AWS and what it costs; by trying it, simulated."""
    from pkilab import execution, planning  # noqa: PLC0415 - only who plans pays

    record = execution.dry_run(notebook)
    if record is None:
        raise LabError(f"{notebook}: found no lab that it opens, expected Lab.from_env()")
    found = planning.plan_of(record.entries, title=notebook.stem, region=record.region)
    typer.echo(found.to_json() if as_json else repr(found))
    for doubt in found.doubts(datetime.now(UTC)):
        typer.echo(doubt, err=True)


def policy(
    notebook: _Notebook,
    *,
    account: Annotated[
        list[str] | None,
        typer.Option(
            help="ALIAS=ID or ID: an account of yours for one of the notebook's; repeat it."
        ),
    ] = None,
    region: Annotated[str, typer.Option(help="Where it will run.")] = "us-east-1",
    domain: Annotated[
        str | None,
        typer.Option(help="Your PKILAB_DOMAIN, where the notebook wants one.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write a file per document here, instead of printing.")
    ] = None,
) -> None:
    """Write the least IAM policies with which a notebook, and its clean-up, can run on AWS."""
    from pkilab import permissions, planning  # noqa: PLC0415 - only who asks pays

    recorded = planning.recorded_plan(notebook)
    accounts = _accounts(account or [], dict(recorded.accounts))
    domains = _domains(notebook, domain)
    for file in recorded.policies:
        document = json.loads((notebook.parent / "policies" / file).read_text(encoding="utf-8"))
        mine = permissions.rewritten(document, accounts, region, domains=domains)
        text = json.dumps(mine, indent=2) + "\n"
        if out is None:
            typer.echo(text, nl=False)
        else:
            out.mkdir(parents=True, exist_ok=True)
            (out / file).write_text(text, encoding="utf-8")
            typer.echo(str(out / file))


def ledgers(
    folder: Annotated[
        Path | None, typer.Argument(help="Where they are kept.", show_default=False)
    ] = None,
) -> None:
    """List the ledgers of runs on AWS, and what each has created and not deleted."""
    from pkilab.cleaning.creations import plan as standing  # noqa: PLC0415 - only who asks pays
    from pkilab.errors import MalformedError  # noqa: PLC0415 - only who asks pays
    from pkilab.journal import count  # noqa: PLC0415 - only who asks pays
    from pkilab.ledger import folder as kept  # noqa: PLC0415 - only who asks pays
    from pkilab.ledger import read  # noqa: PLC0415 - only who asks pays

    found = sorted((folder or kept()).glob("*.jsonl"))
    if not found:
        typer.echo(f"no ledgers in {folder or kept()}")
    for path in found:
        try:
            record = read(path)
        except MalformedError as error:
            typer.echo(str(error))
            continue
        stands = count(len(standing(record.entries)), "thing")
        unknown = count(len(record.unanswered), "call")
        ids = ", ".join(record.accounts.values())
        typer.echo(f"{path}: {record.at:%Y-%m-%d %H:%M} UTC, {ids}, {stands}, {unknown} unanswered")


def clean_up(
    ledger: Annotated[
        Path | None, typer.Argument(help="The run's ledger.", show_default=False)
    ] = None,
    *,
    run: Annotated[
        str | None, typer.Option(help="Without a ledger: the id that its things are tagged with.")
    ] = None,
    profile: _Profile = None,
    region: _Region = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")
    ] = False,
) -> None:
    """Delete what a run on AWS left behind, and nothing else; say what remains, and why.

    Again and again, until nothing is left: what is gone is skipped. The exit code is 1 while
    something is left.
    """
    if (ledger is None) == (run is None):
        raise LabError("clean-up: found both or neither, expected a LEDGER or --run ID")
    from pkilab.aws import afterwards  # noqa: PLC0415 - only who asks pays

    things, client_for = (
        afterwards.of_ledger(ledger, profile)
        if ledger
        else afterwards.of_run(str(run), profile, region or [], say=typer.echo)
    )
    if dry_run:
        for each in things:
            typer.echo(f"{each.kind} {each.arn}")
        return
    from pkilab import cleaning  # noqa: PLC0415 - only who asks pays

    cleaned = cleaning.clean_up(
        things, client_for, on_step=lambda *step: typer.echo(cleaning.step_line(*step))
    )
    typer.echo(repr(cleaned))
    raise typer.Exit(_LEFT if cleaned.left else 0)


def _domains(notebook: Path, domain: str | None) -> dict[str, str]:
    """Return a domain by the one that the notebook has in the lab.

    Raises:
        LabError: the notebook wants a domain and got none, or the other way round.
    """
    wanted = re.findall(r"lab\.domain\(\\?\"([\w.-]+)", notebook.read_text(encoding="utf-8"))
    if bool(wanted) != bool(domain):
        raise LabError(
            f"--domain: found {domain or 'none'}, expected "
            f"{'yours in place of ' + wanted[0] if wanted else 'none for this notebook'}"
        )
    return {wanted[0]: domain} if domain else {}


def _accounts(given: list[str], recorded: Mapping[str, str]) -> dict[str, str]:
    """Read what was given for the accounts, as new ids by old ones; a bare id is the first's."""
    first = next(iter(recorded), "main")
    pairs = [each.partition("=") if "=" in each else (first, "=", each) for each in given]
    for alias, _, number in pairs:
        if alias not in recorded or not re.fullmatch("[0-9]{12}", number):
            raise LabError(
                f"--account: found {alias}={number}, expected 12 digits for one of "
                f"{', '.join(recorded)}"
            )
    return {recorded[alias]: number for alias, _, number in pairs}
