"""The rotation function, step by step, with a Secrets Manager that remembers."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab, ca_hierarchy
from pkilab.pki.material import Material
from pkilab.pki.requests import build_request
from pkilab.templates.certificate_rotation import handler

TOKEN = "2" * 32
NAME = "web.lab"


class Secrets:
    """One secret, as Secrets Manager has it while it is rotated."""

    def __init__(self):
        self.stages = {"1" * 32: ["AWSCURRENT"], TOKEN: ["AWSPENDING"]}
        self.values = {}
        self.enabled = True
        self.tags = [{"Key": "ServerName", "Value": NAME}]
        self.moved = []

    def describe_secret(self, SecretId):  # noqa: N803 - boto3's
        """As AWS does."""
        return {
            "ARN": SecretId,
            "RotationEnabled": self.enabled,
            "VersionIdsToStages": self.stages,
            "Tags": self.tags,
        }

    def get_secret_value(self, SecretId, VersionId, VersionStage):  # noqa: N803
        """As AWS does."""
        if VersionId not in self.values:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {"SecretString": self.values[VersionId]}

    def put_secret_value(self, SecretId, ClientRequestToken, SecretString, VersionStages):  # noqa: N803
        """As AWS does."""
        self.values[ClientRequestToken] = SecretString

    def update_secret_version_stage(self, **members):
        """As AWS does."""
        self.moved.append(members)


@pytest.fixture(scope="module")
def lab():
    with Lab.simulated(seed="handler") as lab:
        yield lab


@pytest.fixture(scope="module")
def root(lab):
    return ca_hierarchy.create_root(
        lab.client("acm-pca"), {"CommonName": "Root"}, key_algorithm="EC_prime256v1"
    )


@pytest.fixture
def secrets(lab, root, monkeypatch):
    found = Secrets()
    clients = {"secretsmanager": found, "acm-pca": lab.client("acm-pca")}
    monkeypatch.setattr(handler, "_client", clients.__getitem__)
    monkeypatch.setenv("AUTHORITY_ARN", root)
    return found


def step(name, token=TOKEN):
    """Call the function as Secrets Manager does."""
    handler.handler({"SecretId": "s", "ClientRequestToken": token, "Step": name}, None)


def spoil(lab, root, secrets, *, name=NAME, key="server", chain=True):
    """Put a value into the pending version."""
    pca, of = lab.client("acm-pca"), lab.generate_key("server")
    issued = ca_hierarchy.issue(
        pca, root, build_request(of, f"CN={name}", dns_names=[name]),
        validity={"Type": "DAYS", "Value": 7},
    )  # fmt: skip
    material = Material(issued.certificate, lab.generate_key(key), issued.chain)
    secrets.values[TOKEN] = json.dumps(
        {
            "PrivateKey": material.key_pem.decode(),
            "Certificate": material.certificate_pem,
            "CertificateChain": material.chain_pem if chain else material.certificate_pem,
        }
    )


def test_the_four_steps_make_a_certificate_and_move_the_label(secrets):
    """Once each."""
    for each in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        step(each)
    value = json.loads(secrets.values[TOKEN])
    assert list(value) == ["PrivateKey", "Certificate", "CertificateChain"]
    assert secrets.moved == [
        {
            "SecretId": "s",
            "VersionStage": "AWSCURRENT",
            "MoveToVersionId": TOKEN,
            "RemoveFromVersionId": "1" * 32,
        }
    ]


def test_a_step_that_is_done_again_changes_nothing(secrets):
    """Secrets Manager may call twice."""
    step("createSecret")
    before = secrets.values[TOKEN]
    step("createSecret")
    assert secrets.values[TOKEN] == before
    secrets.stages = {TOKEN: ["AWSPENDING", "AWSCURRENT"]}
    step("finishSecret")
    assert not secrets.moved


def test_the_first_value_has_none_before_it(secrets):
    """No label is taken from anywhere."""
    secrets.stages = {TOKEN: ["AWSPENDING"]}
    step("createSecret")
    step("finishSecret")
    assert "RemoveFromVersionId" not in secrets.moved[0]


def test_what_is_not_being_rotated_is_refused(secrets):
    """Another version, no rotation, no label, an unknown step."""
    with pytest.raises(handler.RotationError, match="not there to be rotated"):
        step("createSecret", "3" * 32)
    with pytest.raises(handler.RotationError, match="expected createSecret"):
        step("dropSecret")
    secrets.stages[TOKEN] = []
    with pytest.raises(handler.RotationError, match="not AWSPENDING"):
        step("createSecret")
    secrets.enabled = False
    with pytest.raises(handler.RotationError, match="not there to be rotated"):
        step("createSecret")
    assert not secrets.values


def test_without_a_name_nothing_is_issued(lab, secrets):
    """The tag says which."""
    secrets.tags = []
    before = len(lab.journal)
    with pytest.raises(handler.RotationError, match="no tag ServerName"):
        step("createSecret")
    assert len(lab.journal) == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "shop.lab"}, "another name"),
        ({"key": "somebody's"}, "another key"),
        ({"chain": False}, "does not follow"),
    ],
)
def test_what_no_server_could_use_does_not_pass_the_test(lab, root, secrets, changes, words):
    """And shows no key."""
    spoil(lab, root, secrets)
    step("testSecret")
    spoil(lab, root, secrets, **changes)
    with pytest.raises(handler.RotationError, match=words) as caught:
        step("testSecret")
    assert "PRIVATE" not in str(caught.value)


def test_an_error_of_secrets_manager_is_none_of_a_missing_value(secrets, monkeypatch):
    """Nothing is issued, if it cannot be seen whether something was."""

    def refused(**_):
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue")

    monkeypatch.setattr(secrets, "get_secret_value", refused)
    with pytest.raises(ClientError, match="AccessDenied"):
        step("createSecret")
    assert not secrets.values


def test_each_rotation_makes_another_key(secrets):
    """Of the operating system's randomness."""
    step("createSecret")
    first = json.loads(secrets.values.pop(TOKEN))["PrivateKey"]
    step("createSecret")
    assert json.loads(secrets.values[TOKEN])["PrivateKey"] != first
