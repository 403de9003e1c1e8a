"""The public CA of a world: real signatures, in nobody's name."""

from contextlib import closing
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pkilab import witness
from pkilab.pki import pem
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.simulator.acm.amazon import Amazon
from pkilab.simulator.world import World

NAMES = ("www.lab.example", "*.lab.example")


@pytest.fixture
def world():
    with closing(World(seed="amazon")) as world:
        yield world


def issued(amazon, now, *, algorithm="EC_prime256v1", names=NAMES):
    """Issue a server certificate for thirty days."""
    key = generate_key(algorithm, Entropy("amazon").child(algorithm))
    return amazon.server_certificate(names, key.public_key(), now, now + timedelta(days=30))


@pytest.mark.parametrize("algorithm", ["EC_prime256v1", "RSA_2048"])
def test_openssl_agrees_with_the_chain(world, algorithm):
    """For the names, for servers, and not for anything else."""
    amazon, now = Amazon(world), world.clock.now()
    made = issued(amazon, now, algorithm=algorithm)
    chain = amazon.chain

    def said(*options, at=now):
        return witness.openssl_verify(
            pem.to_pem(made), root=pem.to_pem(chain[-1]), intermediates=pem.to_pem(*chain[:-1]),
            at=at, options=["-x509_strict", *options],
        ).agrees  # fmt: skip

    assert said("-verify_hostname", "www.lab.example", "-purpose", "sslserver")
    assert said("-verify_hostname", "other.lab.example", "-purpose", "sslserver")
    assert not said("-verify_hostname", "lab.example")
    assert not said("-purpose", "sslclient")
    assert not said(at=now + timedelta(days=31))


def test_a_certificate_says_what_acms_say(world):
    """Server authentication alone; the first name is the common name; no CA."""
    made = issued(Amazon(world), world.clock.now())
    extensions = made.extensions
    assert made.subject.rfc4514_string() == "CN=www.lab.example"
    alternatives = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(alternatives.get_values_for_type(x509.DNSName)) == NAMES
    usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment) == (True, False)
    rsa = issued(Amazon(world), world.clock.now(), algorithm="RSA_2048")
    assert rsa.extensions.get_extension_for_class(x509.KeyUsage).value.key_encipherment is True


def test_the_hierarchy_says_that_it_is_simulated(world):
    """Nobody takes it for Amazon's."""
    for each in Amazon(world).chain:
        (organization,) = each.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        assert organization.value == "Amazon (simulated)"
        constraints = each.extensions.get_extension_for_class(x509.BasicConstraints)
        assert (constraints.critical, constraints.value.ca) == (True, True)


def test_equal_worlds_have_equal_hierarchies_and_others_have_others(world):
    """To the byte; and serial numbers differ within one."""
    now = world.clock.now()
    one, two = Amazon(world), Amazon(world)
    assert one.chain == two.chain
    assert issued(one, now) == issued(two, now)
    assert issued(one, now).serial_number != issued(one, now).serial_number
    first = one.root
    world.close()
    with closing(World(seed="another")) as other:
        assert Amazon(other).root != first
        assert Amazon(other).root.subject == first.subject


def test_serial_numbers_are_positive_and_fit(world):
    """16 bytes, the first bit not set."""
    amazon, now = Amazon(world), world.clock.now()
    for _ in range(20):
        assert 0 < issued(amazon, now).serial_number < 2**127
