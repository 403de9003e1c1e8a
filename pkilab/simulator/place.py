"""The simulated world as a lab sees it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from cryptography import x509

from pkilab.credentials import Credentials
from pkilab.errors import LabError
from pkilab.pki.entropy import RandomSource
from pkilab.pki.keys import PrivateKey, generate_key
from pkilab.simulator.gateway import Gateway
from pkilab.simulator.inprocess import Clients, fetch
from pkilab.simulator.server import Server
from pkilab.simulator.world import DEFAULT_ACCOUNTS, DEFAULT_REGION, DEFAULT_START, World


def start_time(now: str | datetime | None) -> datetime | None:
    """Read a start time; ``None`` comes out for a live clock.

    Args:
        now: ``None`` for the default start, ``"live"``, ISO 8601 text with a zone, or a datetime.

    Raises:
        LabError: text that is neither, or a time without a zone.
    """
    if now is None:
        return DEFAULT_START
    if now == "live":
        return None
    try:
        return now if isinstance(now, datetime) else datetime.fromisoformat(now)
    except ValueError as error:
        raise LabError(f"now: found {now!r}, expected 'live' or ISO 8601 with a zone") from error


class SimulatedPlace:
    """A world with its clients and servers."""

    mode: Literal["simulated"] = "simulated"

    def __init__(self, world: World, *, ct_folder: Path | None = None) -> None:
        self.world = world
        self.clock, self.accounts, self.region = world.clock, world.accounts, world.region
        self.gateway = Gateway(world, ct_folder=ct_folder)
        self.ct_logs = self.gateway.logs
        self._clients = {
            alias: Clients(self.gateway, credentials)
            for alias, credentials in self.gateway.credentials.items()
        }
        self._inner: Server | None = None
        self._zones: dict[str, str] = {}
        self.gateway.functions.network = self._network

    def client(
        self, service: str, account: str, region: str, credentials: Credentials | None = None
    ) -> Any:  # noqa: ANN401
        """Return a client of one account, or of whose credentials they are."""
        clients = Clients(self.gateway, credentials) if credentials else self._clients[account]
        return clients.client(service, region)

    def fetch(self, url: str, body: bytes | None, content_type: str) -> tuple[int, bytes]:
        """Ask the world, as a client without credentials.

        Raises:
            LabError: the host is not one of AWS's nor the custom name of an OCSP responder.
        """
        if not self.gateway.resolves(urlsplit(url).hostname or ""):
            raise LabError(f"{url}: the simulated world knows no such host")
        response = fetch(self.gateway, url, body, content_type)
        return response.status, response.body

    def generate_key(self, algorithm: str, name: str) -> PrivateKey:
        """Make the key of that name."""
        return generate_key(algorithm, self.world.entropy("lab", "key", algorithm, name))

    def entropy(self, name: str) -> RandomSource:
        """Return the source of that name, at its beginning."""
        return self.world.entropy("lab", "entropy", name)

    def serve(
        self,
        host: str,
        port: int,
        tls_port: int = 0,
        refuse_in: Literal["response", "handshake"] = "response",
        dns_port: int = 0,
    ) -> Server:
        """Serve the world over HTTP, its APIs over TLS, and its DNS."""
        try:
            return Server(
                self.gateway,
                host=host,
                port=port,
                tls_port=tls_port,
                dns_port=dns_port,
                refuse_in=refuse_in,
            )
        except (OSError, OverflowError) as error:  # the latter: no such port number
            raise LabError(f"cannot listen on {host}:{port}: {error}") from error

    def domain(self, simulated: str) -> tuple[str, str]:
        """Return the name and its zone's id; the zone is made when it is first asked for."""
        zone = ".".join(simulated.split(".")[-2:])
        if zone not in self._zones:
            route53 = self.client("route53", next(iter(self.accounts)), self.region)
            made = route53.create_hosted_zone(Name=zone, CallerReference=f"the owner of {zone}")
            self._zones[zone] = made["HostedZone"]["Id"].rpartition("/")[2]
        return simulated, self._zones[zone]

    def environment(self, account: str) -> dict[str, str]:
        """Return an ``aws`` user's variables, all but the endpoint."""
        return self.gateway.credentials[account].variables() | {"AWS_DEFAULT_REGION": self.region}

    def accept_root(self, root: x509.Certificate) -> None:
        """Have every CT log accept chains that end at this root.

        Raises:
            CtError: it is not the certificate of a CA.
        """
        self.ct_logs.accept(root)

    def close(self) -> None:
        """End the world."""
        self.gateway.close()
        if self._inner:
            self._inner.close()

    def _network(self) -> str:
        """Return what functions reach the world by: a server of their own, opened when needed."""
        if self._inner is None:
            self._inner = Server(self.gateway)
        return self._inner.url


def open_place(
    *,
    seed: str = "pkilab",
    now: str | datetime | None = None,
    accounts: Mapping[str, str] | None = None,
    region: str | None = None,
    latency: timedelta = timedelta(0),
    ct_folder: Path | None = None,
    enforce_policies: bool = False,
    enforce_quotas: bool = False,
) -> SimulatedPlace:
    """Open a world.

    Its CT logs are kept in ``ct_folder``, where that is given, and go on from what is there.

    Raises:
        LabError: a world is open already, or an argument is unusable.
    """
    world = World(
        seed=seed,
        start=start_time(now),
        accounts=accounts or DEFAULT_ACCOUNTS,
        region=region or DEFAULT_REGION,
        latency=latency,
        enforce_policies=enforce_policies,
        enforce_quotas=enforce_quotas,
    )
    try:
        return SimulatedPlace(world, ct_folder=ct_folder)
    except BaseException:
        world.close()
        raise
