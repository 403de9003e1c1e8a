"""`Lab`: where the workflows run. A simulated world in this process, or an AWS account.

A lab hands out plain boto3 clients and keeps a journal of every call made through them; what the
calls need as a policy, what they cost and what they left behind are derived from that journal.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar
from urllib.parse import urlsplit

from pkilab.credentials import Credentials
from pkilab.errors import LabClosedError, LabError
from pkilab.journal import Journal
from pkilab.pki.entropy import RandomSource
from pkilab.pki.keys import PrivateKey
from pkilab.tags import mark_creates

if TYPE_CHECKING:  # each is loaded when it is asked for; `import pkilab` stays cheap
    from cryptography import x509

    from pkilab.cleaning import Cleaned
    from pkilab.costs import Bill
    from pkilab.permissions import Policy
    from pkilab.planning import Plan
    from pkilab.simulator.handshakes import Handshake
    from pkilab.simulator.server import Server

_T = TypeVar("_T")
_DRY_RUN = "dry-run"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back for a URL."""

    status: int
    body: bytes


class Clock(Protocol):
    """The lab's time."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...

    def advance(self, **duration: float) -> datetime:
        """Move on by ``timedelta(**duration)``, doing due work in time order."""
        ...


class _Place(Protocol):
    """What differs between the simulated world and AWS."""

    @property
    def mode(self) -> Literal["simulated", "aws"]: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def accounts(self) -> Mapping[str, str]: ...
    @property
    def region(self) -> str: ...
    def client(
        self, service: str, account: str, region: str, credentials: Credentials | None
    ) -> Any: ...  # noqa: ANN401
    def fetch(self, url: str, body: bytes | None, content_type: str) -> tuple[int, bytes]: ...
    def generate_key(self, algorithm: str, name: str) -> PrivateKey: ...
    def entropy(self, name: str) -> RandomSource: ...
    def serve(
        self,
        host: str,
        port: int,
        tls_port: int,
        refuse_in: Literal["response", "handshake"],
        dns_port: int,
    ) -> Server: ...
    def domain(self, simulated: str) -> tuple[str, str]: ...
    def environment(self, account: str) -> dict[str, str]: ...
    def accept_root(self, root: x509.Certificate) -> None: ...
    def close(self) -> None: ...


class Lab:
    """A place to do PKI in. Open one with `simulated`, `aws` or `from_env`; a context manager.

    >>> with Lab.simulated(seed="docs") as lab:
    ...     lab.client("sts").get_caller_identity()["Account"]
    '111122223333'
    """

    def __init__(self, place: _Place, title: str, journal: Journal | None = None) -> None:
        self._place, self._title = place, title
        self._closed = False
        self._clients: dict[tuple[str, str, str, Credentials | None], Any] = {}
        self._servers: list[Server] = []
        self._marked_as = ""  # a dry run tags what it creates as a run on AWS does
        self.journal = Journal() if journal is None else journal

    @classmethod
    def simulated(
        cls,
        *,
        seed: str = "pkilab",
        now: str | datetime | None = None,
        accounts: Mapping[str, str] | None = None,
        region: str | None = None,
        latency: timedelta = timedelta(0),
        enforce_policies: bool = False,
        enforce_quotas: bool = False,
    ) -> Self:
        """Open a simulated world. Nothing in it reads AWS credentials or reaches the network.

        Args:
            seed: with the same seed, start and calls, every byte is the same. Not a secret.
            now: the frozen start, as an aware datetime or ISO 8601 text with a time zone;
                ``"live"`` follows the machine's clock, for outside clients that check dates.
            accounts: alias to 12-digit id; the first is the default. One account by default.
            region: the default Region.
            latency: how long asynchronous work takes and, where policies are enforced, until
                others hear of IAM's changes; zero skips AWS's intermediate states. Waiters sleep in
                real time, so on a frozen clock advance it instead of waiting.
            enforce_policies: check signatures, and ask IAM and resource policies about each call,
                as AWS does. The lab's own clients are administrators of their accounts.
            enforce_quotas: throttle Private CA and Security Hub at AWS's request rates, by the
                lab's clock.

        Raises:
            LabError: a world is open in this process already, or an argument is unusable.
        """
        from pkilab.simulator.place import open_place  # noqa: PLC0415 - the one door to it

        place = open_place(
            seed=seed,
            now=now,
            accounts=accounts,
            region=region,
            latency=latency,
            enforce_policies=enforce_policies,
            enforce_quotas=enforce_quotas,
        )
        return cls(place, f"simulated AWS, seed {seed!r}")

    @classmethod
    def aws(
        cls,
        *,
        profile: str | None = None,
        region: str | None = None,
        profiles: Mapping[str, str | None] | None = None,
        budget_usd: float | Decimal | None = None,
        confirm: str | None = None,
        ledgers: Path | None = None,
    ) -> Self:
        """Work on a real account, through boto3's ordinary configuration.

        Before the first call that changes something the account is looked at and shown, and one
        that seems to be in use is refused unless it is confirmed. Each such call is written to the
        run's ledger before it is sent, and what is created is tagged ``pkilab:run``.

        Args:
            profile: the profile of the default account.
            region: overrides the profile's.
            profiles: alias to profile, where more than one account takes part.
            budget_usd: what the run may cost by list price, up to any moment and for one hour more.
                Without it every billable create is refused.
            confirm: ids of accounts, separated by commas, that are meant although they seem to be
                in use.
            ledgers: the folder of the run's ledger; ``~/.local/state/pkilab/ledgers`` by default.

        Raises:
            LabError: no Region is configured, there are no credentials, or the budget is no
                number.
        """
        from pkilab.aws.place import AwsPlace  # noqa: PLC0415 - a simulated lab has no use for it
        from pkilab.ledger import folder  # noqa: PLC0415

        journal = Journal()
        place = AwsPlace(
            {"main": profile} if profiles is None else profiles,
            region=region,
            budget=_budget("budget_usd", budget_usd),
            confirmed=frozenset((confirm or "").replace(",", " ").split()),
            ledgers=ledgers or folder(),
            journal=journal,
        )
        return cls(place, f"AWS, run {place.run}", journal)

    @classmethod
    def from_env(
        cls,
        *,
        seed: str = "pkilab",
        accounts: Mapping[str, str] | None = None,
        enforce_policies: bool = False,
        enforce_quotas: bool = False,
    ) -> Self:
        """Open what the environment asks for; notebooks call this.

        ``PKILAB_MODE`` is ``simulated`` (default) or ``aws``. On AWS, ``PKILAB_BUDGET_USD`` is the
        budget, ``PKILAB_CONFIRM`` the accounts that are meant though they seem to be in use,
        ``PKILAB_LEDGERS`` where ledgers go; boto3's own variables (``AWS_PROFILE``,
        ``AWS_DEFAULT_REGION`` ...) mean what they always mean, and each alias of ``accounts``
        beyond the first is taken for a profile name. A cell whose first line is ``# simulated
        only`` then shows its recorded result instead of running.
        ``enforce_policies`` and ``enforce_quotas`` are for the simulated lab: AWS always does both.

        Raises:
            LabError: a variable has no usable value.
        """
        from pkilab import recorded  # noqa: PLC0415 - notebooks only
        from pkilab.repeatable import make_outputs_repeatable  # noqa: PLC0415 - notebooks only

        make_outputs_repeatable()
        mode = os.environ.get("PKILAB_MODE", "simulated")
        dry_run = os.environ.get("PKILAB_DRY_RUN")
        if mode == "aws" or dry_run:
            recorded.skip_simulated_only()
        if mode == "simulated":
            lab = cls.simulated(
                seed=seed,
                accounts=accounts,
                enforce_policies=enforce_policies,
                enforce_quotas=enforce_quotas,
            )
            if dry_run:
                _keep(lab, Path(dry_run))
            recorded.note_simulated_only(lab.journal)
            return lab
        if mode != "aws":
            raise LabError(f"PKILAB_MODE: found {mode!r}, expected 'simulated' or 'aws'")
        # The first alias is whoever the environment says; the others are profiles of that name.
        profiles = {alias: alias if n else None for n, alias in enumerate(accounts or ("main",))}
        return cls.aws(
            profiles=profiles,
            budget_usd=_budget("PKILAB_BUDGET_USD", os.environ.get("PKILAB_BUDGET_USD") or None),
            confirm=os.environ.get("PKILAB_CONFIRM"),
        )

    @property
    def mode(self) -> Literal["simulated", "aws"]:
        """Where this lab runs."""
        return self._place.mode

    @property
    def clock(self) -> Clock:
        """The lab's time."""
        return self._place.clock

    @property
    def accounts(self) -> Mapping[str, str]:
        """Account ids by alias."""
        return self._place.accounts

    @property
    def region(self) -> str:
        """The default Region."""
        return self._place.region

    @property
    def run(self) -> str:
        """The id that what is created on AWS is tagged with; empty in a simulated lab."""
        return getattr(self._place, "run", "")

    @property
    def ledger(self) -> Path | None:
        """The file that the run's calls are written to; None where nothing was changed yet."""
        return getattr(self.journal.keeper, "path", None)

    def client(
        self,
        service: str,
        *,
        account: str | None = None,
        region: str | None = None,
        credentials: Mapping[str, object] | None = None,
    ) -> Any:  # noqa: ANN401 - as boto3.client
        """Return a plain boto3 client, journalled.

        Args:
            service: boto3's name of the service, such as ``"acm-pca"``.
            account: an alias of `accounts`, or the twelve digits; that of the credentials, or the
                first, by default.
            region: the lab's by default.
            credentials: call as somebody else than the account's own user: what AssumeRole and
                GetSessionToken answer as ``Credentials``, CreateAccessKey as ``AccessKey``.

        Raises:
            LabError: no such account, or no credentials.
            LabClosedError: the lab was closed.
        """
        self._require_open()
        caller = None if credentials is None else Credentials.read(credentials)
        alias = self._alias(account or self._account_of(caller))
        key = (service, alias, region or self.region, caller)
        if key not in self._clients:
            client = self._place.client(*key)
            self.journal.attach(
                client,
                account=alias,
                account_id=self.accounts[alias],
                now=self.clock.now,
                access_key_id=caller.access_key_id if caller else "",
            )
            if self._marked_as and caller is None:
                mark_creates(client, self._marked_as)
            self._clients[key] = client
        return self._clients[key]

    def fetch(self, url: str, body: bytes | None = None, *, content_type: str = "") -> Fetched:
        """GET ``url``, or POST ``body`` to it, as any client without credentials would.

        This is how a relying party gets a CRL or an OCSP answer. Only ``http`` and ``https`` URLs
        are followed, and in a simulated world only those of the world.

        Raises:
            LabError: the URL cannot be reached at all; an HTTP error is a status, not an error.
        """
        self._require_open()
        try:
            followed = urlsplit(url).scheme in {"http", "https"}
        except ValueError:  # such as http://[
            followed = False
        if not followed:
            raise LabError(f"fetch: found {url!r}, expected an http or https URL")
        return Fetched(*self._place.fetch(url, body, content_type))

    def generate_key(self, name: str, algorithm: str = "EC_prime256v1") -> PrivateKey:
        """Make a key pair on this side, not in AWS: repeatable when simulated, secret on AWS.

        Args:
            name: names the key; in a simulated lab the same name gives the same key.
            algorithm: as `pkilab.pki.keys.KEY_ALGORITHMS`.
        """
        return self._place.generate_key(algorithm, name)

    def entropy(self, name: str) -> RandomSource:
        """Return a source of random bytes for work on this side, such as nonces.

        Args:
            name: in a simulated lab the same name gives the same bytes, from the beginning each
                time; on AWS they are the operating system's.
        """
        return self._place.entropy(name)

    def wait(
        self,
        what: str,
        until: Callable[[], _T | None],
        *,
        at_most: timedelta,
        every: timedelta = timedelta(seconds=10),
    ) -> _T:
        """Wait until a question has an answer that counts as true, and return it.

        On AWS the time passes, and how much of it is shown; a simulated lab's clock is moved.

        Args:
            what: is waited for, in words.
            until: asks. What it raises ends the waiting.
            at_most: how long.
            every: how long to pause between two questions.

        Raises:
            LabError: the time is over, or is no time to wait for.
        """
        from pkilab import waiting  # noqa: PLC0415 - only who waits

        shown = _Progress(what) if self.mode == "aws" else None
        try:
            return waiting.until(
                until,
                what=what,
                at_most=at_most,
                every=every,
                sleep=self._sleep,
                now=time.monotonic if shown else None,
                on_progress=shown,
            )
        finally:
            if shown:
                shown.end()

    def tls_address(self, target: str = "") -> str:
        """Return the ``host:port`` where a TLS client connects to meet an API, whatever its name.

        Args:
            target: the name that AWS gave the custom domain name (``d-...amazonaws.com``).

        In a simulated lab this is a port of this machine, opened when it is first asked for. On AWS
        it is the target itself, or ``PKILAB_TLS``, which goes with a served lab.
        """
        served = self._served()
        return served.tls if served else os.environ.get("PKILAB_TLS") or f"{target}:443"

    def dns_server(self) -> str | None:
        """Return whom to ask about names, as ``host:port``; None for this machine's resolver.

        In a simulated lab this is a port of this machine, opened when it is first asked for. On AWS
        it is ``PKILAB_DNS``, if that is set.
        """
        served = self._served()
        return served.dns if served else os.environ.get("PKILAB_DNS")

    def domain(self, simulated: str) -> tuple[str, str]:
        """Return a domain name that is yours, and the id of the public hosted zone that holds it.

        On AWS ``PKILAB_DOMAIN`` and ``PKILAB_ZONE_ID``, of the default account: best a name that
        nothing else uses, such as ``lab.example.com`` in the zone ``example.com``.

        Args:
            simulated: in a simulated lab, this one. The zone of its last two labels is there
                beforehand, as a domain is that somebody has registered: it is no call of the lab's.

        Raises:
            LabError: on AWS, one of the two is not set.
        """
        self._require_open()
        return self._place.domain(simulated)

    @property
    def handshakes(self) -> tuple[Handshake, ...]:
        """The latest TLS handshakes with a simulated lab's APIs, the newest last.

        Raises:
            LabError: on AWS, which does not show its own.
        """
        if self.mode != "simulated":
            raise LabError("AWS does not show the handshakes of its APIs")
        return tuple(each for server in self._servers for each in server.handshakes)

    def plan(self, workflow: Callable[[Lab], object] | None = None) -> Plan:
        """Say what will be created, what it costs and which policy it takes, before anything is.

        Args:
            workflow: is tried in a simulated world of its own, with the accounts and the Region of
                this lab. Without one, the plan is the one recorded for the notebook that this is.

        Raises:
            LabError: the notebook, or its plan, is not found; or the workflow is to be tried in a
                simulated lab, where trying it costs nothing.
        """
        from pkilab import planning  # noqa: PLC0415 - only who asks pays

        if os.environ.get("PKILAB_DRY_RUN"):  # the plan is being made
            return planning.plan_of((), title="dry run", region=self.region)
        if workflow is None:
            return planning.recorded_plan()
        if self.mode == "simulated":
            raise LabError("in a simulated lab nothing costs money: do it, and ask lab.costs()")
        with Lab.simulated(
            accounts=self.accounts, region=self.region, now=self.clock.now()
        ) as world:
            workflow(world)
            return planning.plan_of(
                world.journal, title=getattr(workflow, "__name__", "workflow"), region=self.region
            )

    def policy(
        self,
        account: str | None = None,
        *,
        reusable: bool = False,
        credentials: Mapping[str, object] | None = None,
    ) -> Policy:
        """Derive the least IAM policy that the calls made so far from one account need.

        Args:
            account: as for `client`.
            reusable: write ``*`` for what AWS named in this run, so that the policy serves the next
                one, on AWS: with what that takes besides, without cells that are simulated only.
            credentials: whose calls; those of the account's own user by default.
        """
        from pkilab.permissions import least_policy  # noqa: PLC0415 - loads 13 MB of AWS data

        caller = None if credentials is None else Credentials.read(credentials)
        return least_policy(
            self.journal,
            account=self._alias(account or self._account_of(caller)),
            access_key_id=caller.access_key_id if caller else "",
            reusable=reusable,
        )

    def costs(self, table: str = "current") -> Bill:
        """Price what the calls made so far created, up to now, from the dated price table."""
        from pkilab.costs import estimate  # noqa: PLC0415 - only who asks pays

        return estimate(self.journal, until=self.clock.now(), table=table)

    def clean_up(self) -> Cleaned:
        """Delete what the calls made so far created; says what is left, until when and why.

        On AWS what calls may have made that were not answered is looked for, too, and how far the
        clean-up has come is shown.
        """
        from pkilab import cleaning, ledger  # noqa: PLC0415 - only who asks pays
        from pkilab.cleaning import leftovers  # noqa: PLC0415

        def client_for(service: str, account: str, region: str) -> Any:  # noqa: ANN401 - of any service
            return self.client(service, account=account, region=region)

        if self.ledger:
            things = leftovers.standing(ledger.read(self.ledger), client_for)
        else:
            things = cleaning.plan(self.journal)

        def show(*step: Any) -> None:  # noqa: ANN401 - what OnStep takes
            print(cleaning.step_line(*step), file=sys.stderr)  # noqa: T201 - it takes its time

        on_step = show if self.mode == "aws" else None
        return cleaning.clean_up(things, client_for, sleep=self._sleep, on_step=on_step)

    def serve(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        tls_port: int = 0,
        dns_port: int = 0,
        refuse_in: Literal["response", "handshake"] = "response",
    ) -> Server:
        """Serve the same world until it is closed or the lab is: HTTP, its APIs over TLS, DNS.

        Args:
            host: the address to listen on.
            port: for HTTP; 0 lets the system choose a free one.
            tls_port: for TLS; likewise.
            dns_port: for DNS, over UDP and TCP; likewise.
            refuse_in: where mutual TLS turns a client away: ``response`` (403 after the handshake,
                as the field reports of AWS) or ``handshake`` (an alert).

        Raises:
            LabError: the lab is not simulated, or the address cannot be had.
        """
        self._require_open()
        server = self._place.serve(host, port, tls_port, refuse_in, dns_port)
        self._servers.append(server)
        return server

    def environment(
        self, account: str | None = None, *, credentials: Mapping[str, object] | None = None
    ) -> dict[str, str]:
        """Return the environment variables with which an ``aws`` user calls as this account.

        In a simulated lab these are keys that open nothing but the lab. On AWS there are none to
        set, unless ``credentials`` (as for `client`) are given: boto3's configuration is the
        user's own.

        Raises:
            LabError: no such account, or no credentials.
        """
        serving = [server.url for server in self._servers if not server.closed]
        endpoint = {"AWS_ENDPOINT_URL": serving[-1]} if serving else {}
        given = {} if credentials is None else Credentials.read(credentials).variables()
        return self._place.environment(self._alias(account)) | given | endpoint

    def accept_root(self, root: x509.Certificate) -> None:
        """Have every CT log of a simulated world accept chains that end at this root.

        Raises:
            LabError: the lab is not simulated; operators of public logs decide for themselves.
            CtError: it is not the certificate of a CA.
        """
        self._require_open()
        self._place.accept_root(root)

    def close(self) -> None:
        """Close the lab; its clients answer `LabClosedError` from then on."""
        if not self._closed:
            self._closed = True
            for server in self._servers:
                server.close()
            self._place.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        accounts = ", ".join(f"{alias} {number}" for alias, number in self.accounts.items())
        state = "closed" if self._closed else f"{self.clock.now():%Y-%m-%d %H:%M:%S} UTC"
        return f"<Lab: {self._title}; {self.region}; {state}; accounts: {accounts}>"

    def _served(self) -> Server | None:
        """Return the server of a simulated lab, opened if there is none; None on AWS."""
        self._require_open()
        if self.mode != "simulated":
            return None
        open_ones = [server for server in self._servers if not server.closed]
        return open_ones[-1] if open_ones else self.serve()

    def _sleep(self, seconds: float) -> None:
        if self.mode == "simulated" and not getattr(self.clock, "live", False):
            self.clock.advance(seconds=seconds)
        else:
            time.sleep(seconds)

    def _account_of(self, caller: Credentials | None) -> str | None:
        """Return the alias of the account that credentials say they are of, if the lab has it."""
        number = caller.account_id if caller else None
        return next((alias for alias, each in self.accounts.items() if each == number), None)

    def _alias(self, account: str | None) -> str:
        by_number = {number: alias for alias, number in self.accounts.items()}
        alias = by_number.get(account or "", account) or next(iter(self.accounts))
        if alias not in self.accounts:
            raise LabError(f"account: found {alias!r}, expected one of {', '.join(self.accounts)}")
        return alias

    def _require_open(self) -> None:
        if self._closed:
            raise LabClosedError(f"this lab was closed: {self._title}")


def _keep(lab: Lab, path: Path) -> None:
    """Have a simulated lab do as one on AWS: keep a ledger, and tag what is created."""
    from pkilab.ledger import Ledger  # noqa: PLC0415 - dry runs only

    lab._marked_as = _DRY_RUN  # noqa: SLF001 - this is its module
    lab.journal.keep_in(
        Ledger(
            path,
            run=_DRY_RUN,
            at=lab.clock.now(),
            region=lab.region,
            accounts=lab.accounts,
            profiles=dict.fromkeys(lab.accounts),
        )
    )


class _Progress:
    """Shows on one line how long something has been waited for."""

    def __init__(self, what: str) -> None:
        self._what, self._shown = what, False

    def __call__(self, waited: timedelta, at_most: timedelta) -> None:
        self._shown = True
        whole = timedelta(seconds=round(waited.total_seconds()))
        sys.stderr.write(f"\rwaiting for {self._what}: {whole} of at most {at_most}")
        sys.stderr.flush()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\n")


def _budget(name: str, given: float | Decimal | str | None) -> Decimal | None:
    try:
        found = None if given is None else Decimal(str(given))
    except InvalidOperation as error:
        raise LabError(f"{name}: found {given!r}, expected a number") from error
    if found is not None and not found.is_finite():  # nothing compares with NaN
        raise LabError(f"{name}: found {given!r}, expected a number")
    return found
