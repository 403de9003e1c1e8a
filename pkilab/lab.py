"""`Lab`: where the workflows run. A simulated world in this process, or an AWS account.

A lab hands out plain boto3 clients and keeps a journal of every call made through them; what the
calls need as a policy, what they cost and what they left behind are derived from that journal.
"""

from __future__ import annotations

import functools
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self
from urllib.parse import urlsplit

from pkilab.credentials import Credentials
from pkilab.errors import BudgetError, LabClosedError, LabError
from pkilab.journal import Journal
from pkilab.pki.entropy import RandomSource, SystemEntropy
from pkilab.pki.keys import PrivateKey, generate_key

if TYPE_CHECKING:  # each is loaded when it is asked for; `import pkilab` stays cheap
    import boto3
    from cryptography import x509

    from pkilab.cleaning import Cleaned
    from pkilab.costs import Bill
    from pkilab.permissions import Policy
    from pkilab.simulator.server import Server

_FETCH_SECONDS = 20


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
    def environment(self, account: str) -> dict[str, str]: ...
    def accept_root(self, root: x509.Certificate) -> None: ...
    def close(self) -> None: ...


class Lab:
    """A place to do PKI in. Open one with `simulated`, `aws` or `from_env`; a context manager.

    >>> with Lab.simulated(seed="docs") as lab:
    ...     lab.client("sts").get_caller_identity()["Account"]
    '111122223333'
    """

    def __init__(self, place: _Place, title: str) -> None:
        self._place, self._title = place, title
        self._closed = False
        self._clients: dict[tuple[str, str, str, Credentials | None], Any] = {}
        self._servers: list[Server] = []
        self.journal = Journal()

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
            latency: how long asynchronous work takes; zero skips AWS's intermediate states. Waiters
                sleep in real time, so on a frozen clock advance it instead of waiting.
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
    ) -> Self:
        """Work on a real account, through boto3's ordinary configuration.

        Args:
            profile: the profile of the default account.
            region: overrides the profile's.
            profiles: alias to profile, where more than one account takes part.
            budget_usd: what creates may cost in sum, by list price for one month or one item.
                Without it every billable create is refused.

        Raises:
            LabError: no Region is configured.
        """
        import boto3  # noqa: PLC0415 - a simulated lab has no use for it here

        sessions = {
            alias: boto3.Session(profile_name=name, region_name=region)
            for alias, name in ({"main": profile} if profiles is None else profiles).items()
        }
        budget = None if budget_usd is None else Decimal(str(budget_usd))
        return cls(_Aws(sessions, budget), "AWS")

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
        budget, boto3's own variables (``AWS_PROFILE``, ``AWS_DEFAULT_REGION`` ...) mean what they
        always mean, and each alias of ``accounts`` beyond the first is taken for a profile name.
        ``enforce_policies`` and ``enforce_quotas`` are for the simulated lab: AWS always does both.

        Raises:
            LabError: a variable has no usable value.
        """
        from pkilab.repeatable import make_outputs_repeatable  # noqa: PLC0415 - notebooks only

        make_outputs_repeatable()
        mode = os.environ.get("PKILAB_MODE", "simulated")
        if mode == "simulated":
            return cls.simulated(
                seed=seed,
                accounts=accounts,
                enforce_policies=enforce_policies,
                enforce_quotas=enforce_quotas,
            )
        if mode != "aws":
            raise LabError(f"PKILAB_MODE: found {mode!r}, expected 'simulated' or 'aws'")
        # The first alias is whoever the environment says; the others are profiles of that name.
        profiles = {alias: alias if n else None for n, alias in enumerate(accounts or ("main",))}
        return cls.aws(profiles=profiles, budget_usd=_budget(os.environ.get("PKILAB_BUDGET_USD")))

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
            reusable: write ``*`` for what AWS named in this run; the policy then serves the next.
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
        """Delete what the calls made so far created; says what is left, until when and why."""
        from pkilab.cleaning import clean_up, plan  # noqa: PLC0415 - only who asks pays

        return clean_up(
            plan(self.journal),
            lambda service, account, region: self.client(service, account=account, region=region),
        )

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


class _MachineClock:
    """AWS's time is the machine's."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def advance(self, **duration: float) -> datetime:
        raise LabError(
            f"on AWS time passes by itself: wait {timedelta(**duration)}, or run this simulated"
        )


class _Aws:
    """Real accounts, through boto3's ordinary configuration."""

    mode: Literal["aws"] = "aws"

    def __init__(self, sessions: Mapping[str, boto3.Session], budget: Decimal | None) -> None:
        self.clock: Clock = _MachineClock()
        self._sessions = sessions
        self._budget, self._committed = budget, Decimal(0)
        region = next(iter(sessions.values())).region_name
        if not region:
            raise LabError("no AWS Region is configured: set AWS_DEFAULT_REGION or pass region=")
        self.region: str = region

    @functools.cached_property
    def accounts(self) -> Mapping[str, str]:
        """Ask AWS who we are, once, when it is first needed."""
        return {
            alias: session.client("sts").get_caller_identity()["Account"]
            for alias, session in self._sessions.items()
        }

    def client(
        self, service: str, account: str, region: str, credentials: Credentials | None
    ) -> Any:  # noqa: ANN401
        given = credentials and {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
            "aws_session_token": credentials.session_token,
        }
        client = self._sessions[account].client(service, region_name=region, **(given or {}))  # type: ignore[call-overload]
        client.meta.events.register_first("before-parameter-build", self._hold_budget)
        return client

    def _hold_budget(self, params: dict[str, Any], model: Any, **_kwargs: Any) -> None:  # noqa: ANN401
        from pkilab.costs import billable_create  # noqa: PLC0415 - only who calls AWS pays

        price = billable_create(model.service_model.service_name, model.name, params)
        if price is None:
            return
        what = f"{model.name} costs {price}"
        if self._budget is None:
            raise BudgetError(f"{what}. Open the lab with budget_usd=... to agree to it")
        if price.amount is None or self._committed + price.amount > self._budget:
            raise BudgetError(
                f"{what}; {self._committed} of {self._budget} USD are committed already"
            )
        self._committed += price.amount

    def fetch(self, url: str, body: bytes | None, content_type: str) -> tuple[int, bytes]:
        headers = {"content-type": content_type} if content_type else {}
        request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - checked
        try:
            with urllib.request.urlopen(request, timeout=_FETCH_SECONDS) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except (OSError, HTTPException) as error:
            raise LabError(f"{url}: {error}") from error

    def generate_key(self, algorithm: str, name: str) -> PrivateKey:
        return generate_key(algorithm, self.entropy(name))

    def entropy(self, name: str) -> RandomSource:  # noqa: ARG002 - as _Place
        return SystemEntropy()

    def serve(self, *_: object, **__: object) -> Server:
        raise LabError("only a simulated lab can be served; AWS serves itself")

    def environment(self, account: str) -> dict[str, str]:  # noqa: ARG002 - as _Place
        return {}

    def accept_root(self, root: object) -> None:  # noqa: ARG002 - as _Place
        raise LabError("which roots a public CT log accepts is its operator's to say")

    def close(self) -> None:
        """Nothing is held open."""


def _budget(text: str | None) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation as error:
        raise LabError(f"PKILAB_BUDGET_USD: found {text!r}, expected a number") from error
