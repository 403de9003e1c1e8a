"""`Account`: a served simulator that stands for AWS accounts, reached as a plain endpoint."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from pkilab.credentials import Credentials
from pkilab.lab import Lab
from pkilab.simulator.gateway import Gateway
from pkilab.simulator.world import DEFAULT_ACCOUNTS, Throttle, World
from tests.stand_in.control import Control
from tests.stand_in.faults import Plan
from tests.stand_in.kernel.stand_in_waits import follow
from tests.stand_in.relay import Relay

KERNEL = Path(__file__).with_name("kernel")
# Of AWS's tools, of this project and of proxies: what the machine has of these is none of ours.
_OWN = (
    "AWS_", "BOTO_", "PKILAB_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY",
)  # fmt: skip
_FOR_OTHERS = ("PKILAB_STAND_IN", "PYTHONPATH")  # what another process travels by
_SHORTEST_SLEEP = 0.2  # seconds, as in kernel/sitecustomize.py


class Account:
    """AWS, as a learner's machine sees it: an endpoint, a configuration, and the world's time.

    A context manager. Its clock stands still; whoever is started in its environment has that time,
    and makes it pass by sleeping (see kernel/sitecustomize.py).

    Args:
        accounts: ids by alias; the first is the default profile, each other one a profile of its
            name.
        now: the frozen start, as for `Lab.simulated`.
        latency: how long AWS takes for what it does asynchronously.
        enforce_policies: whether IAM decides, as on AWS.
        enforce_quotas: whether request rates are limited, by the world's clock.
        region: the default Region of all profiles.
        budget_usd: what a run may spend; nothing billable, if None.
        confirm: whether the accounts are confirmed, whatever is in them.
        domain: a name of the learner's, whose zone is there beforehand.
        plan: what goes wrong.

    Attributes:
        lab: the world from inside, to prepare and to look: none of what is tested uses it.
        ledgers: the folder of the runs' ledgers.
        relay: between clients and the world.
    """

    def __init__(
        self,
        accounts: Mapping[str, str] | None = None,
        *,
        now: str | datetime | None = None,
        seed: str = "stand-in",
        latency: timedelta = timedelta(0),
        enforce_policies: bool = True,
        enforce_quotas: bool = False,
        region: str = "us-east-1",
        budget_usd: float | None = 100_000,
        confirm: bool = True,
        domain: str | None = None,
        plan: Plan | None = None,
    ) -> None:
        self._options = {
            "accounts": dict(accounts or DEFAULT_ACCOUNTS),
            "now": now,
            "seed": seed,
            "latency": latency,
            "enforce_policies": enforce_policies,
            "enforce_quotas": enforce_quotas,
            "region": region,
        }
        self._budget, self._plan, self._confirm = budget_usd, plan, confirm
        self._domain = domain

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            folder = tempfile.mkdtemp(prefix="pkilab-stand-in-")  # 0700
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            self.folder = Path(folder)
            self.ledgers = self.folder / "ledgers"
            self.dependencies = self.folder / "dependencies"
            self.dependencies.mkdir()  # empty: functions here have this Python's packages
            self.lab = undo.enter_context(Lab.simulated(**self._options))
            self._server = self.lab.serve()
            self.relay = Relay(self._server.url)
            undo.callback(self.relay.close)
            self.relay.plan = self._plan
            self._control = Control(self.lab.clock)
            undo.callback(self._control.close)
            self._keys = {
                alias: Credentials(found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], None)
                for alias in self.lab.accounts
                for found in (self.lab.environment(alias),)
            }
            self._write_configuration()
            self._zone = self.lab.domain(self._domain)[1] if self._domain else ""
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._undo.close()

    @property
    def accounts(self) -> Mapping[str, str]:
        """Ids by alias."""
        return self.lab.accounts

    @property
    def gateway(self) -> Gateway:
        """The door of the world, for who looks inside."""
        return self.lab._place.gateway

    @property
    def world(self) -> World:
        """The world itself."""
        return self.gateway.world

    def environment(self) -> dict[str, str]:
        """Return all variables of a process that has this account, and no other, before it."""
        return kept(os.environ, _OWN) | {
            "HOME": str(self.folder),  # where sessions of roles are cached
            "AWS_CONFIG_FILE": str(self.folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"),
            "AWS_ENDPOINT_URL": self.relay.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PKILAB_MODE": "aws",
            "PKILAB_TLS": self._server.tls,
            "PKILAB_DNS": self._server.dns,
            "PKILAB_DEPENDENCIES": str(self.dependencies),
            "PKILAB_LEDGERS": str(self.ledgers),
            **({} if self._budget is None else {"PKILAB_BUDGET_USD": str(self._budget)}),
            **({"PKILAB_CONFIRM": ",".join(self.accounts.values())} if self._confirm else {}),
            **self._domain_variables(),
            "PKILAB_STAND_IN": self._control.address,
            "PYTHONPATH": str(KERNEL),
            "no_proxy": "127.0.0.1",
        }

    @contextlib.contextmanager
    def unhurried(self) -> Iterator[None]:
        """Let nobody be throttled for a while: who prepares or looks is not of the run."""
        throttle, self.world.throttle = self.world.throttle, Throttle()
        try:
            yield
        finally:
            self.world.throttle = throttle

    def _domain_variables(self) -> dict[str, str]:
        if self._domain is None:
            return {}
        return {"PKILAB_DOMAIN": self._domain, "PKILAB_ZONE_ID": self._zone}

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """Let this process be such a one for a while; its clock stays as it is.

        ``time.sleep`` lets the world's time pass, as it does in a kernel.
        """
        really_sleep = time.sleep

        def sleep(seconds: float, /) -> None:
            if seconds < _SHORTEST_SLEEP:
                really_sleep(seconds)
            else:
                self.lab.clock.advance(seconds=seconds)

        with environment(kept(self.environment(), _FOR_OTHERS)):
            clock = self.lab.clock
            unfollow = follow(
                lambda: clock.now().timestamp(), lambda seconds: clock.advance(seconds=seconds)
            )
            time.sleep = sleep
            try:
                yield
            finally:
                time.sleep = really_sleep
                unfollow()

    def ledger(self) -> Path | None:
        """Return the newest run's ledger; None: there was no run."""
        return max(
            self.ledgers.glob("*.jsonl"), key=lambda each: each.stat().st_mtime_ns, default=None
        )

    def renew(self, alias: str | None = None) -> None:
        """Give a profile's user another access key, as a login does, and write it down."""
        alias = alias or next(iter(self.accounts))
        iam = self.lab.client("iam", account=alias)
        for old in iam.list_access_keys()["AccessKeyMetadata"]:
            if old["AccessKeyId"] not in {self.lab_key(alias), self._keys[alias].access_key_id}:
                iam.delete_access_key(AccessKeyId=old["AccessKeyId"])
        self._keys[alias] = Credentials.read(iam.create_access_key()["AccessKey"])
        self._write_configuration()

    def lab_key(self, alias: str) -> str:
        """Return the access key by which `lab` calls."""
        return self.lab.environment(alias)["AWS_ACCESS_KEY_ID"]

    def profile(self, name: str, **settings: str) -> None:
        """Add a profile to the configuration, such as one with ``role_arn``."""
        with (self.folder / "config").open("a") as file:
            file.write(_section(f"profile {name}", settings))

    def sign_in(self, alias: str, credentials: Mapping[str, Any]) -> None:
        """Have an alias's profile call as somebody else: `Credentials.read` takes them."""
        self._keys[alias] = Credentials.read(credentials)
        self._write_configuration()

    def _write_configuration(self) -> None:
        config, credentials = [], []
        for number, (alias, key) in enumerate(self._keys.items()):
            names = ("default", "default") if number == 0 else (f"profile {alias}", alias)
            config.append(_section(names[0], {"region": str(self._options["region"])}))
            said = {name.lower(): value for name, value in key.variables().items()}
            credentials.append(_section(names[1], said))
        for name, sections in (("config", config), ("credentials", credentials)):
            _replace(self.folder / name, "\n".join(sections))


def kept(variables: Mapping[str, str], without: tuple[str, ...]) -> dict[str, str]:
    """Return variables but for those that begin with one of these, in capitals or not."""
    return {
        name: value for name, value in variables.items() if not name.upper().startswith(without)
    }


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Give this process these variables, and no others, for a while."""
    before = dict(os.environ)
    _become(variables)
    try:
        yield
    finally:
        _become(before)


def _become(variables: Mapping[str, str]) -> None:
    for name in set(os.environ) - variables.keys():
        del os.environ[name]
    os.environ.update(variables)


def _section(name: str, settings: Mapping[str, str]) -> str:
    return "\n".join((f"[{name}]", *(f"{key} = {value}" for key, value in settings.items()), ""))


def _replace(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole at every moment."""
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.replace(path)
