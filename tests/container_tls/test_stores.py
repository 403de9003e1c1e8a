"""Values for Parameter Store and Secrets Manager, and the room that there is."""

import json

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from pkilab import Lab, ca_hierarchy
from pkilab.container_tls.stores import read_bundle, read_secret, to_bundle, to_secret, try_room
from pkilab.errors import MalformedError
from pkilab.pki.material import Material
from pkilab.pki.requests import build_request


@pytest.fixture(scope="module")
def lab():
    with Lab.simulated(seed="stores") as lab:
        yield lab


@pytest.fixture(scope="module")
def material(lab):
    pca, key = lab.client("acm-pca"), lab.generate_key("server")
    root = ca_hierarchy.create_root(pca, {"CommonName": "Root"}, key_algorithm="EC_prime256v1")
    csr = build_request(key, "CN=web.lab", dns_names=["web.lab"])
    issued = ca_hierarchy.issue(pca, root, csr, validity={"Type": "DAYS", "Value": 7})
    return Material(issued.certificate, key, issued.chain)


def test_what_is_written_is_read_again(material):
    """In both forms; key, certificate and chain."""
    for again in (read_bundle(to_bundle(material)), read_secret(to_secret(material))):
        assert again.certificate == material.certificate
        assert again.chain == material.chain
        assert again.key_pem == material.key_pem


def test_a_secret_has_the_members_of_acms_export(material):
    """So that what reads the one reads the other."""
    value = json.loads(to_secret(material))
    assert list(value) == ["PrivateKey", "Certificate", "CertificateChain"]
    assert value["CertificateChain"] == material.chain_pem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("[]", "found list"),
        ('{"PrivateKey": "x", "Certificate": 7}', "no text in Certificate, CertificateChain"),
        ('{"PrivateKey": "x", "Certificate": "y", "CertificateChain": ""}', "PEM"),
    ],
)
def test_what_is_no_secret_is_refused(text, words):
    """By what is wrong with it."""
    with pytest.raises(MalformedError, match=words):
        read_secret(text)


def test_a_refusal_shows_nothing_of_the_value(material):
    """Key and certificate of two servers; half of a key."""
    key = material.key_pem.decode()
    for text in (key, key[:-40], json.dumps({"PrivateKey": key}), key.replace("-----", "")):
        for read in (read_bundle, read_secret):
            with pytest.raises(MalformedError) as caught:
                read(text)
            assert not any(line in str(caught.value) for line in key.splitlines()[1:-1])


@given(st.text(max_size=300))
def test_text_that_is_none_raises_what_is_declared(text):
    """And nothing else."""
    for read in (read_bundle, read_secret):
        with pytest.raises(MalformedError):
            read(text)


@pytest.mark.parametrize(("tier", "most"), [("Standard", 4096), ("Advanced", 8192)])
def test_a_parameter_has_room_to_the_byte(lab, tier, most):
    """And AWS's sentence for one more."""

    def put(value):
        lab.client("ssm").put_parameter(
            Name=f"/room/{tier}/{len(value)}", Value=value, Type="SecureString", Tier=tier
        )

    fits, more = (try_room(tier, put, "x" * size) for size in (most, most + 1))
    assert (fits.taken, fits.said, fits.octets) == (True, "", most)
    assert not more.taken
    assert f"maximum parameter value of {most} characters" in more.said


def test_a_secret_has_room_to_the_byte(lab):
    """65,536 of them."""

    def put(value):
        lab.client("secretsmanager").create_secret(Name=f"s{len(value)}", SecretString=value)

    assert try_room("Secrets Manager", put, "x" * 65_536).taken
    more = try_room("Secrets Manager", put, "x" * 65_537)
    assert not more.taken
    assert "65536" in more.said


def test_a_refusal_of_another_kind_is_no_matter_of_room(lab):
    """The name is taken."""

    def put(value):
        lab.client("ssm").put_parameter(Name="/taken", Value=value, Type="String")

    assert try_room("Standard", put, "x").taken
    with pytest.raises(ClientError, match="ParameterAlreadyExists"):
        try_room("Standard", put, "x")
