from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pytest
from cryptography import x509

from pkilab import Lab, mutual_tls, transparency
from pkilab.ct.log_list import LogList
from pkilab.ct.precertificates import scts_of
from pkilab.ct.structures import Sct
from pkilab.pki import pem
from pkilab.transparency import LogClient

LIST = "https://list.ct.pkilab.test/log_list/v3/log_list.json"
ZONE = "lab.example"


class Site:
    """A zone, a way to certificates by ACM, and the logs."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.acm, self.route53 = lab.client("acm"), lab.client("route53")
        zone = self.route53.create_hosted_zone(Name=ZONE, CallerReference="x")
        self.zone = zone["HostedZone"]["Id"]

    @cached_property
    def log_list(self) -> LogList:
        """The world's log list."""
        return transparency.fetch_log_list(self.lab.fetch, LIST)

    @cached_property
    def logs(self) -> list[LogClient]:
        """Clients of the logs of RFC 6962."""
        return [
            LogClient(each, self.lab.fetch) for each in self.log_list.logs() if not each.is_tiled
        ]

    def arn(self, name: str) -> str:
        """Have a certificate issued for a name."""
        return mutual_tls.request_public_certificate(self.acm, self.route53, name, self.zone)

    def request(self, label: str) -> Public:
        """Have one issued for a name of the zone, and return it."""
        answer = self.acm.get_certificate(CertificateArn=self.arn(f"{label}.{ZONE}"))
        issuer, root = pem.load_certificates(answer["CertificateChain"])
        return Public(pem.load_certificate(answer["Certificate"]), issuer, root)

    def log_of(self, sct: Sct) -> LogClient:
        """Return the log that made an SCT."""
        return next(each for each in self.logs if each.source.id == sct.log_id)

    def later(self) -> None:
        """Let the logs merge."""
        self.lab.clock.advance(minutes=1)


@dataclass(frozen=True)
class Public:
    """A public certificate and who issued it."""

    certificate: x509.Certificate
    issuer: x509.Certificate
    root: x509.Certificate

    @property
    def scts(self) -> tuple[Sct, ...]:
        """The promises in it."""
        return scts_of(self.certificate)


@pytest.fixture
def site(lab: Lab) -> Site:
    return Site(lab)
