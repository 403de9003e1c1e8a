"""The public CA of a world: real signatures, in nobody's name."""

import hashlib
import subprocess
from contextlib import closing
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pkilab import witness
from pkilab.ct.policy import APPLE, CHROME, judge, lifetime_of
from pkilab.ct.precertificates import (
    entry_for_certificate,
    sct_list_of,
    scts_of,
    verify_correspondence,
    verify_embedded,
)
from pkilab.ct.structures import decode_merkle_leaf, decode_precert_chain
from pkilab.ct.watching import common_hash
from pkilab.pki import pem
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.simulator.acm.amazon import Amazon
from pkilab.simulator.ctlogs.listing import log_list
from pkilab.simulator.ctlogs.logs import CtLogs
from pkilab.simulator.world import World

NAMES = ("www.lab.example", "*.lab.example")
EC_KEY, RSA_KEY = (
    generate_key(algorithm, Entropy("amazon").child(algorithm)).public_key()
    for algorithm in ("EC_prime256v1", "RSA_2048")
)


@pytest.fixture
def world():
    with closing(World(seed="amazon")) as world:
        yield world


def issued(amazon, now, *, algorithm="EC_prime256v1", names=NAMES, days=30, **options):
    """Issue a server certificate for thirty days."""
    key = generate_key(algorithm, Entropy("amazon").child(algorithm))
    end = now + timedelta(days=days, seconds=-1)
    return amazon.server_certificate(names, key.public_key(), now, end, **options)


@pytest.mark.parametrize("algorithm", ["EC_prime256v1", "RSA_2048"])
def test_openssl_agrees_with_the_chain(world, algorithm):
    """For the names, for servers, and not for anything else."""
    amazon, now = Amazon(world, CtLogs(world)), world.clock.now()
    made = issued(amazon, now, algorithm=algorithm)
    chain = amazon.chain(made.public_key())

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


def test_an_rsa_key_is_certified_by_rsa_and_an_ecdsa_key_by_ecdsa(world):
    """All the way up, as ACM asks it of imports."""
    amazon, now = Amazon(world, CtLogs(world)), world.clock.now()
    for algorithm, family in (("EC_prime256v1", ec.ECDSA), ("RSA_2048", padding.PKCS1v15)):
        made = issued(amazon, now, algorithm=algorithm)
        for each in (made, *amazon.chain(made.public_key())):
            assert isinstance(each.signature_algorithm_parameters, family)


def test_a_certificate_says_what_acms_say(world):
    """Server authentication alone; the first name is the common name; no CA."""
    made = issued(Amazon(world, CtLogs(world)), world.clock.now())
    extensions = made.extensions
    assert made.subject.rfc4514_string() == "CN=www.lab.example"
    alternatives = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(alternatives.get_values_for_type(x509.DNSName)) == NAMES
    usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment) == (True, False)
    rsa = issued(Amazon(world, CtLogs(world)), world.clock.now(), algorithm="RSA_2048")
    assert rsa.extensions.get_extension_for_class(x509.KeyUsage).value.key_encipherment is True


def test_the_hierarchy_says_that_it_is_simulated(world):
    """Nobody takes it for Amazon's."""
    amazon = Amazon(world, CtLogs(world))
    for each in [*amazon.chain(EC_KEY), *amazon.chain(RSA_KEY)]:
        (organization,) = each.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        assert organization.value == "Amazon (simulated)"
        constraints = each.extensions.get_extension_for_class(x509.BasicConstraints)
        assert (constraints.critical, constraints.value.ca) == (True, True)


def test_equal_worlds_have_equal_hierarchies_and_others_have_others(world):
    """To the byte; and serial numbers differ within one."""
    now = world.clock.now()
    one, two = Amazon(world, CtLogs(world)), Amazon(world, CtLogs(world))
    assert one.chain(EC_KEY) == two.chain(EC_KEY)
    assert one.chain(RSA_KEY) == two.chain(RSA_KEY) != one.chain(EC_KEY)
    assert issued(one, now) == issued(two, now)
    assert issued(one, now).serial_number != issued(one, now).serial_number
    first = one.root
    world.close()
    with closing(World(seed="another")) as other:
        assert Amazon(other, CtLogs(other)).root != first
        assert Amazon(other, CtLogs(other)).root.subject == first.subject


def test_serial_numbers_are_positive_and_fit(world):
    """16 bytes, the first bit not set."""
    amazon, now = Amazon(world, CtLogs(world)), world.clock.now()
    for _ in range(20):
        assert 0 < issued(amazon, now).serial_number < 2**127


@pytest.mark.parametrize("days", [90, 180, 181, 198])
@pytest.mark.parametrize("algorithm", ["EC_prime256v1", "RSA_2048"])
def test_browsers_accept_the_scts_of_a_certificate(world, days, algorithm):
    """Each verifies for the final certificate; two for up to 180 days and three for more."""
    logs, now = CtLogs(world), world.clock.now()
    amazon = Amazon(world, logs)
    made = issued(amazon, now, algorithm=algorithm, days=days)
    known = log_list(logs, now)
    verdicts = verify_embedded(made, amazon.chain(made.public_key())[0], known.keys(), at=now)
    assert [each.reason for each in verdicts] == [""] * (2 if days <= 180 else 3)
    scts = [each.sct for each in verdicts]
    for rules in (CHROME, APPLE):
        assert judge(rules, scts, lifetime_of(made), known, at=now).compliant
    assert not judge(CHROME, scts[1:], lifetime_of(made), known, at=now).compliant
    wrong = verify_embedded(made, amazon.root, known.keys(), at=now)
    assert not any(each.holds for each in wrong)


def test_openssl_reads_the_scts(world):
    """As many as there are, of the logs that made them."""
    logs, now = CtLogs(world), world.clock.now()
    made = issued(Amazon(world, logs), now, days=198)
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-text"], input=pem.to_pem(made), text=True,
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert shown.count("Signed Certificate Timestamp:") == 3
    flat = "".join(shown.split()).lower()
    for name in ("north-1", "south-1", "north-2"):
        assert logs.find(name).log.id.hex(":") in flat
    assert logs.find("south-2").log.id.hex(":") not in flat


def test_what_was_promised_is_in_the_logs_a_minute_later(world):
    """The precertificate, with the chain to the root; it corresponds to the certificate."""
    logs, now = CtLogs(world), world.clock.now()
    amazon = Amazon(world, logs)
    made = issued(amazon, now)
    world.clock.advance(minutes=1)
    for name in ("north-1", "south-1"):
        log = logs.find(name).log
        (stored,) = log.entries(0, 1)
        entry = decode_merkle_leaf(stored.leaf)
        assert entry.entry == entry_for_certificate(made, amazon.chain(made.public_key())[0])
        poisoned, above = decode_precert_chain(stored.extra_data)
        verify_correspondence(x509.load_der_x509_certificate(poisoned), made)
        assert above == tuple(
            each.public_bytes(Encoding.DER) for each in amazon.chain(made.public_key())
        )


def test_opted_out_a_certificate_has_no_scts_and_is_otherwise_the_same(world):
    """No log hears of it."""
    logs, now = CtLogs(world), world.clock.now()
    with_scts = issued(Amazon(world, logs), now)
    without = issued(Amazon(world, CtLogs(world)), now, logged=False)
    assert len(scts_of(with_scts)) == 2
    assert sct_list_of(without) is None
    assert with_scts.serial_number == without.serial_number
    assert common_hash(with_scts) == common_hash(without)
    assert common_hash(without) == hashlib.sha256(without.tbs_certificate_bytes).digest()
    silent = CtLogs(world)
    issued(Amazon(world, silent), now, logged=False)
    assert not any(each.log.waiting for each in silent.logs)


def test_every_log_accepts_the_root_though_nothing_was_issued(world):
    """Made when somebody asks; what is issued afterwards is logged by the same root."""
    logs = CtLogs(world)
    amazon = Amazon(world, logs)
    assert [list(each.log.roots) for each in logs.logs] == [[]] * 4
    logs.settle()
    assert [list(each.log.roots) for each in logs.logs] == [[amazon.root]] * 4
