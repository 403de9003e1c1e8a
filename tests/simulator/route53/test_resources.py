"""AWS resources that names lead to."""

from ipaddress import IPv4Address
from types import SimpleNamespace

import pytest

from pkilab.simulator.dns.names import parse_name
from pkilab.simulator.route53.resources import AwsResources

TARGET = "d-abc.execute-api.us-east-1.amazonaws.com"


@pytest.fixture
def resources():
    domain = SimpleNamespace(regional_name=TARGET, hosted_zone_id="Z1UJRXOUMOOFQ8")
    apis = SimpleNamespace(domains={"api.lab.example": domain})
    hosts = {"abc.execute-api.us-east-1.amazonaws.com", "api.lab.example"}
    return AwsResources(apis, hosts.__contains__, IPv4Address("127.0.0.9"))


def test_the_target_of_a_domain_name_is_an_alias_target(resources):
    """With API Gateway's hosted zone id; nothing else is one."""
    assert resources.hosted_zone(parse_name(TARGET)) == "Z1UJRXOUMOOFQ8"
    assert resources.hosted_zone(parse_name("d-other.execute-api.us-east-1.amazonaws.com")) is None


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (TARGET, True),
        ("abc.execute-api.us-east-1.amazonaws.com", True),
        ("d-other.execute-api.us-east-1.amazonaws.com", False),
        ("api.lab.example", False),  # its owner's zone says where that leads
    ],
)
def test_what_has_an_endpoint_in_the_world_has_its_address(resources, name, known):
    """The same for all."""
    found = [bytes(data.data) for data in resources.addresses(parse_name(name))]
    assert found == ([bytes([127, 0, 0, 9])] if known else [])


def test_a_name_leads_to_an_api_of_the_world(zones):
    """By CNAME and by alias; the API's own name, too."""
    api = zones.lab.client("apigatewayv2").create_api(Name="a", ProtocolType="HTTP")
    host = api["ApiEndpoint"].removeprefix("https://")
    zone = zones.make()
    zones.change(zone, ("CREATE", "www.lab.example", "CNAME", host))
    with zones.lab._place.world.turn():
        found = zones.lab._place.gateway.resolver.look_up("www.lab.example", "A")
        other = zones.lab._place.gateway.resolver.look_up(f"x{host}", "AAAA")
    assert (found.values, found.chain) == (("127.0.0.1",), (f"{host}.",))
    assert other.values == ()
