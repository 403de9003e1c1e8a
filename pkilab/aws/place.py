"""Real accounts, as a lab sees them."""

from __future__ import annotations

import functools
import os
import secrets
import sys
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pkilab import ledger
from pkilab.aws.budget import Budget
from pkilab.aws.calls import Calls
from pkilab.aws.keeping import Keeping
from pkilab.aws.looking import look, require_laboratory
from pkilab.aws.sessions import open_session
from pkilab.costs import price_table
from pkilab.credentials import BASE32, Credentials
from pkilab.errors import LabError
from pkilab.pki.entropy import RandomSource, SystemEntropy
from pkilab.pki.keys import PrivateKey, generate_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from pkilab.journal import Journal

_FETCH_SECONDS = 20
# Adaptive: what AWS throttles is slowed down on this side too, and tried again.
CONFIG = Config(retries={"mode": "adaptive", "total_max_attempts": 8})


class MachineClock:
    """AWS's time is the machine's."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC)

    def advance(self, **duration: float) -> datetime:
        """Time cannot be moved here.

        Raises:
            LabError: always.
        """
        raise LabError(
            f"on AWS time passes by itself: {timedelta(**duration)} would have to be awaited. A "
            "cell that begins with '# simulated only' shows its recorded result instead"
        )


class AwsPlace:
    """Real accounts, through boto3's ordinary configuration.

    Args:
        profiles: profile by alias; None for what the environment says.
        region: overrides the profiles'.
        budget: what the run may cost; None refuses what costs money.
        confirmed: ids of accounts that are meant although they look as if in use.
        ledgers: the folder of the run's ledger.
        journal: of the lab.

    Raises:
        LabError: no Region is configured, or there are no credentials.
    """

    mode: Literal["aws"] = "aws"

    def __init__(
        self,
        profiles: Mapping[str, str | None],
        *,
        region: str | None,
        budget: Decimal | None,
        confirmed: frozenset[str],
        ledgers: Path,
        journal: Journal,
    ) -> None:
        self.clock = MachineClock()
        self._profiles, self._confirmed = dict(profiles), confirmed
        self._sessions = {
            alias: open_session(name, region) for alias, name in self._profiles.items()
        }
        found = next(iter(self._sessions.values()))[0].region_name
        if not found:
            raise LabError("no AWS Region is configured: set AWS_DEFAULT_REGION or pass region=")
        self.region: str = found
        self.run = new_run(self.clock.now())
        self._journal, self._ledgers = journal, ledgers
        self._budget, self._limit = Budget(budget, journal, self.clock.now), budget
        self._looking = threading.Lock()
        self._looked = set[tuple[str, str]]()

    @functools.cached_property
    def accounts(self) -> Mapping[str, str]:
        """Ask AWS who we are, once, when it is first needed."""
        try:
            return {
                alias: session.client("sts").get_caller_identity()["Account"]
                for alias, (session, _) in self._sessions.items()
            }
        except (BotoCoreError, ClientError) as error:
            raise LabError(f"AWS does not say whose account this is: {error}") from error

    @functools.cached_property
    def ledger(self) -> ledger.Ledger:
        """The run's ledger, made when it is first needed."""
        return ledger.Ledger(
            self._ledgers / f"{self.run}.jsonl",
            run=self.run,
            at=self.clock.now(),
            region=self.region,
            accounts=self.accounts,
            profiles=self._profiles,
        )

    def client(
        self, service: str, account: str, region: str, credentials: Credentials | None
    ) -> Any:  # noqa: ANN401
        """Return a client of one account, or of whose credentials they are."""
        session, own = self._sessions[account]
        given = credentials and {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
            "aws_session_token": credentials.session_token,
        }
        make: Any = session.client  # its stubs list every service by name
        client = make(service, region_name=region, config=CONFIG, **(given or {}))
        Calls(
            run=self.run,
            own=credentials is None,
            look_first=functools.partial(self._look_first, account, region),
            credentials=None if credentials else own,
        ).attach(client)
        return client

    def _look_first(self, account: str, region: str) -> None:
        """Look at an account's Region before anything is changed there, and say where this is."""
        with self._looking:
            if (account, region) in self._looked:
                return
            make: Any = self._sessions[account][0].client
            client = functools.partial(make, region_name=region, config=CONFIG)
            looked = look(client, region)
            require_laboratory(looked, self._confirmed)
            if self._journal.keeper is None:
                self._journal.keep_in(Keeping(self._budget, self.ledger))
            self._looked.add((account, region))
            limit = "nothing that costs money" if self._limit is None else f"{self._limit} USD"
            said = [str(looked), f"budget {limit}; ledger {self.ledger.path}"]
            said += price_table("current").doubts(self.clock.now(), {region})
            print(*said, sep="\n", file=sys.stderr)  # noqa: T201 - before anything is made

    def fetch(self, url: str, body: bytes | None, content_type: str) -> tuple[int, bytes]:
        """Ask the internet; or what ``AWS_ENDPOINT_URL`` names, which then stands for it."""
        headers = {"content-type": content_type} if content_type else {}
        parts = urlsplit(url)
        if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
            headers["host"] = parts.netloc
            url = endpoint.rstrip("/") + parts._replace(scheme="", netloc="").geturl()
        request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - checked
        try:
            with urllib.request.urlopen(request, timeout=_FETCH_SECONDS) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except (OSError, HTTPException) as error:
            raise LabError(f"{url}: {error}") from error

    def generate_key(self, algorithm: str, name: str) -> PrivateKey:
        """Make a key; no two are the same."""
        return generate_key(algorithm, self.entropy(name))

    def entropy(self, name: str) -> RandomSource:  # noqa: ARG002 - as in a simulated place
        """Return the operating system's randomness."""
        return SystemEntropy()

    def serve(self, *_: object, **__: object) -> Any:  # noqa: ANN401
        """Refuse.

        Raises:
            LabError: always.
        """
        raise LabError("only a simulated lab can be served; AWS serves itself")

    def domain(self, simulated: str) -> tuple[str, str]:  # noqa: ARG002 - as in a simulated place
        """Return what the environment says.

        Raises:
            LabError: it does not say both.
        """
        name, zone = os.environ.get("PKILAB_DOMAIN"), os.environ.get("PKILAB_ZONE_ID")
        if not name or not zone:
            raise LabError(
                "this needs a domain of yours: set PKILAB_DOMAIN to a name that nothing else uses, "
                "such as lab.example.com, and PKILAB_ZONE_ID to the public hosted zone that holds "
                "it"
            )
        return name, zone.rpartition("/")[2]

    def environment(self, account: str) -> dict[str, str]:  # noqa: ARG002 - as elsewhere
        """Return what leads AWS's tools to where this lab goes."""
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        return {"AWS_ENDPOINT_URL": endpoint} if endpoint else {}

    def accept_root(self, root: object) -> None:  # noqa: ARG002 - as in a simulated place
        """Refuse.

        Raises:
            LabError: always.
        """
        raise LabError("which roots a public CT log accepts is its operator's to say")

    def close(self) -> None:
        """Close the ledger, if there is one."""
        if "ledger" in self.__dict__:
            self.ledger.close()


def new_run(at: datetime) -> str:
    """Return an id for a run that begins now: sortable, and nobody else's."""
    return f"{at:%Y%m%d-%H%M%S}-{''.join(secrets.choice(BASE32) for _ in range(6)).lower()}"
