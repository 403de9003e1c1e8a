"""A world with its logs, and CAs of its own that log."""

import json
import subprocess
from base64 import b64encode
from contextlib import closing
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.ct.precertificates import with_poison
from pkilab.pki import names
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.simulator.ctlogs.logs import CtLogs
from pkilab.simulator.place import SimulatedPlace
from pkilab.simulator.world import World


class Ca:
    """A root that signs at once."""

    def __init__(self, name, now):
        self.name, self.now = names.subject(f"CN={name}"), now
        self.key = generate_key("EC_prime256v1", Entropy(name))
        self.root = self.sign(self.builder(name, ca=True))

    def builder(self, name, *, ca=False, days=90):
        """Start a certificate for a DNS name."""
        key = generate_key("EC_prime256v1", Entropy(name))
        made = (
            x509.CertificateBuilder()
            .subject_name(names.subject(f"CN={name}"))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(int.from_bytes(Entropy(name).bytes(8)) | 1)
            .not_valid_before(self.now)
            .not_valid_after(self.now + timedelta(days=days, seconds=-1))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if not ca:
            made = made.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
            )
        return made

    def sign(self, builder):
        """Sign a builder."""
        return builder.sign(self.key, hashes.SHA256(), ecdsa_deterministic=True)

    def leaf(self, name, **details):
        """Make a certificate."""
        return self.sign(self.builder(name, **details))

    def precertificate(self, name, **details):
        """Make a precertificate."""
        return self.sign(with_poison(self.builder(name, **details)))

    def body(self, *chain):
        """Return the body of add-chain."""
        ders = [each.public_bytes(Encoding.DER) for each in chain]
        return json.dumps({"chain": [b64encode(each).decode() for each in ders]}).encode()


class Curl:
    """The curl on this machine, against a served world."""

    def __init__(self, url):
        self.url = url

    def __call__(self, path, *options, base=None):
        """Return status, content type and body."""
        command = ["curl", "-sS", "-g", "--max-time", "20", "-w", "\n%{http_code} %{content_type}"]
        done = subprocess.run(
            [*command, *options, (base or self.url) + path], capture_output=True, check=True
        )
        body, _, tail = done.stdout.rpartition(b"\n")
        status, _, kind = tail.decode().partition(" ")
        return int(status), kind, body

    def json(self, path, *options, base=None):
        """Return the JSON that is there."""
        status, kind, body = self(path, *options, base=base)
        assert (status, kind) == (200, "application/json"), body
        return json.loads(body)


@pytest.fixture
def world():
    with closing(World(seed="ct logs")) as world:
        yield world


@pytest.fixture
def make_ca():
    """A function that makes a CA of a name, as of a time."""
    return Ca


@pytest.fixture
def ca(world, make_ca):
    return make_ca("Logged CA", world.clock.now())


@pytest.fixture
def rogue(world, make_ca):
    """Another CA, which no log knows."""
    return make_ca("Rogue CA", world.clock.now())


@pytest.fixture
def logs(world, ca):
    made = CtLogs(world)
    made.accept(ca.root)
    return made


@pytest.fixture
def place():
    place = SimulatedPlace(World(seed="ct logs"))
    yield place
    place.close()


@pytest.fixture
def server(place):
    server = place.serve("127.0.0.1", 0)
    yield server
    server.close()


@pytest.fixture
def curl(server):
    return Curl(server.url)
