"""Names and addresses of Route 53's name servers."""

import pytest

from pkilab.simulator.dns import nameservers
from pkilab.simulator.dns.names import parse_name


@pytest.mark.parametrize(
    ("number", "host"),
    [
        # As the zones of real domains have them.
        (421, "ns-421.awsdns-52.com"),
        (331, "ns-331.awsdns-41.com"),
        (738, "ns-738.awsdns-28.net"),
        (683, "ns-683.awsdns-21.net"),
        (1322, "ns-1322.awsdns-37.org"),
        (1749, "ns-1749.awsdns-26.co.uk"),
        (1536, "ns-1536.awsdns-00.co.uk"),
    ],
)
def test_a_server_has_the_name_that_the_field_knows(number, host):
    """Which leads back to it."""
    assert nameservers.host(number) == host
    assert nameservers.number(parse_name(host)) == number


@pytest.mark.parametrize(
    "host", ["ns-421.awsdns-51.com", "ns-421.awsdns-52.net", "ns-2048.awsdns-64.com", "a.com"]
)
def test_other_names_are_no_servers(host):
    """Though they look alike."""
    assert nameservers.number(parse_name(host)) is None


def test_every_server_has_an_address_of_its_own():
    """From which it is found again; others lead nowhere."""
    found = {nameservers.address(number): number for number in range(2048)}
    assert len(found) == 2048
    assert all(nameservers.at(where) == number for where, number in found.items())
    assert nameservers.at(min(found) - 1) is None
    assert nameservers.at(max(found) + 1) is None
