"""What a run has left behind, with clients that reach the accounts where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pkilab.aws.place import CONFIG
from pkilab.aws.sessions import open_session
from pkilab.cleaning.leftovers import by_tag, standing
from pkilab.errors import LabError
from pkilab.ledger import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pkilab.cleaning import ClientFor, Created


def of_ledger(path: Path, profile: str | None = None) -> tuple[tuple[Created, ...], ClientFor]:
    """Return what a run left by its ledger, and what makes clients for it.

    Args:
        path: the ledger.
        profile: instead of the first account's in the ledger.

    Raises:
        LabError: the ledger cannot be read, or the credentials are of another account.
        MalformedError: it is not a ledger.
    """
    record = read(path)
    first = next(iter(record.accounts), "")
    profiles = {**record.profiles, first: profile or record.profiles.get(first)}
    client_for = clients(profiles, record.accounts)
    return standing(record, client_for), client_for


def of_run(
    run: str, profile: str | None, regions: list[str], *, say: Callable[[str], None]
) -> tuple[tuple[Created, ...], ClientFor]:
    """Return what a run left by its tag, and what makes clients for it.

    Args:
        run: the run's id.
        profile: of the account; None for what the environment says.
        regions: where to look; empty for the profile's.
        say: told what is looked at.

    Raises:
        LabError: no Region is known.
    """
    session, _ = open_session(profile, regions[0] if regions else None)
    if not session.region_name:
        raise LabError("clean-up: found no Region, expected --region, or one in the profile")
    account = session.client("sts").get_caller_identity()["Account"]
    client_for = clients({"main": profile}, {"main": account})
    where = regions or [session.region_name]
    say(f"looking for {run} in account {account}, {', '.join(where)}")
    return by_tag(run, client_for, {"main": account}, where, on_ask=say), client_for


def clients(profiles: Mapping[str, str | None], accounts: Mapping[str, str]) -> ClientFor:
    """Return what makes clients, each for the account that a run was in, or not at all.

    Args:
        profiles: by alias.
        accounts: ids by alias; another one that a profile leads to is a LabError.
    """
    sessions: dict[str, Any] = {}
    made: dict[tuple[str, str, str], Any] = {}

    def client_for(service: str, account: str, region: str) -> Any:  # noqa: ANN401 - of any service
        if account not in sessions:
            session, _ = open_session(profiles.get(account), None)
            sts = session.client("sts", region_name=region)
            reached = sts.get_caller_identity()["Account"]
            if reached != accounts.get(account):
                raise LabError(
                    f"account {account!r}: found {reached} by profile {profiles.get(account)!r}, "
                    f"expected {accounts.get(account)}, where the run was"
                )
            sessions[account] = session
        key = (service, account, region)
        if key not in made:
            made[key] = sessions[account].client(service, region_name=region, config=CONFIG)
        return made[key]

    return client_for
