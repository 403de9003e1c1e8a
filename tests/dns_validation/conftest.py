"""What the tests of DNS validation share: an account with ACM, zones, and a way to ask DNS."""

import itertools

import pytest

from pkilab import dns_validation


class Site:
    """The owner's account of a lab, and its DNS."""

    def __init__(self, lab):
        self.lab = lab
        self.acm, self.route53 = lab.client("acm"), lab.client("route53")
        self.server = lab.serve().dns
        self.ask = dns_validation.resolver(self.server)
        self._numbers = itertools.count()

    def sleep(self, seconds):
        """Let the world's time pass."""
        self.lab.clock.advance(seconds=seconds)

    def zone(self, name, **options):
        """Create a hosted zone; return its id without the prefix."""
        route53 = options.pop("route53", self.route53)
        number = f"zone {next(self._numbers)}"
        made = route53.create_hosted_zone(Name=name, CallerReference=number, **options)
        return made["HostedZone"]["Id"].rpartition("/")[2]

    def put(self, name, kind, *values, zone, action="UPSERT"):
        """Change a record set."""
        data = [{"Value": value} for value in values]
        record_set = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": data}
        change = {"Action": action, "ResourceRecordSet": record_set}
        self.route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [change]}
        )

    def request(self, *names, **options):
        """Request a certificate; return its ARN and the first of its records."""
        arn = dns_validation.request(self.acm, names, sleep=self.sleep, **options)
        return arn, dns_validation.records(self.acm, arn).records[0]

    def status(self, arn):
        """Return a certificate's status."""
        return self.acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"]

    def diagnose(self, arn, **options):
        """Diagnose with the account's own zones."""
        options = {"route53": self.route53, "resolve": self.ask, **options}
        return dns_validation.diagnose(self.acm, arn, **options)

    def only(self, arn, **options):
        """Return the one finding."""
        (found,) = self.diagnose(arn, **options)
        return found


@pytest.fixture
def site(lab):
    """Give the owner's account."""
    return Site(lab)
