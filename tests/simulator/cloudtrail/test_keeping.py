import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.cloudtrail.keeping import HIDDEN, kept
from pkilab.simulator.cloudtrail.operations import kind_of
from pkilab.simulator.service import service_model

SECRET, OCTETS = "s3cr3t-value", b"s3cr3t-octets"
# What each call carries that its event must not show, and that must not be kept either.
SECRETS = [
    ("kms", "Sign", {"KeyId": "k", "Message": OCTETS}, {"Signature": OCTETS}),
    ("kms", "Encrypt", {"KeyId": "k", "Plaintext": OCTETS}, {"CiphertextBlob": OCTETS}),
    ("kms", "Decrypt", {"CiphertextBlob": OCTETS}, {"KeyId": "k", "Plaintext": OCTETS}),
    ("kms", "GenerateDataKeyPair", {"KeyId": "k"}, {"PrivateKeyPlaintext": OCTETS}),
    ("kms", "CreateGrant", {"KeyId": "k", "GrantTokens": [SECRET]}, {"GrantToken": SECRET}),
    ("kms", "ImportKeyMaterial", {"KeyId": "k", "EncryptedKeyMaterial": OCTETS}, {}),
    ("acm", "ImportCertificate", {"PrivateKey": OCTETS}, {"CertificateArn": "a"}),
    ("acm", "ExportCertificate", {"Passphrase": OCTETS}, {"PrivateKey": SECRET}),
    ("iam", "CreateAccessKey", {}, {"AccessKey": {"SecretAccessKey": SECRET, "UserName": "u"}}),
    ("iam", "CreateLoginProfile", {"UserName": "u", "Password": SECRET}, {}),
    ("iam", "EnableMFADevice", {"UserName": "u", "AuthenticationCode1": SECRET}, {}),
    ("iam", "CreateVirtualMFADevice", {}, {"VirtualMFADevice": {"Base32StringSeed": OCTETS}}),
    ("sts", "AssumeRole", {"TokenCode": SECRET}, {"Credentials": {"SecretAccessKey": SECRET}}),
    ("sts", "GetSessionToken", {}, {"Credentials": {"SecretAccessKey": SECRET}}),
    ("sts", "GetFederationToken", {"Name": "f"}, {"Credentials": {"SessionToken": SECRET}}),
    ("lambda", "CreateFunction",
     {"Code": {"ZipFile": OCTETS}, "Environment": {"Variables": {"K": SECRET}}},
     {"FunctionName": "f", "Environment": {"Variables": {"K": SECRET}}}),
    ("cloudformation", "CreateStack",
     {"TemplateBody": SECRET, "Parameters": [{"ParameterKey": "p", "ParameterValue": SECRET}]}, {}),
]  # fmt: skip


@pytest.mark.parametrize("case", SECRETS, ids=lambda case: f"{case[0]} {case[1]}")
def test_no_secret_of_a_call_is_kept(history, case):
    """Neither the events nor what the trail holds has any of them."""
    service, operation, members, result = case
    assert any(secret in pickle.dumps((members, result)) for secret in (SECRET.encode(), OCTETS))
    history.record(service, operation, members, result=result)
    region = "us-east-1" if service == "iam" else "us-west-2"
    (record,) = history.trail.newest_first("111122223333", region)
    held = pickle.dumps((record.request, record.answer, record.keys))
    assert SECRET.encode() not in held
    assert OCTETS not in held
    (event,) = history.lookup(region=region)["Events"]
    assert SECRET not in event["CloudTrailEvent"]


def test_what_may_be_kept_is_a_value_of_its_own(history):
    """A caller that changes its members later does not change the event."""
    members = {"KeyId": "k", "Tags": [{"TagKey": "a", "TagValue": "b"}]}
    history.record("kms", "TagResource", members, result={})
    members["Tags"][0]["TagKey"] = "changed"
    members["KeyId"] = "changed"
    assert "changed" not in history.lookup()["Events"][0]["CloudTrailEvent"]


def test_sensitive_values_are_marked_where_aws_marks_them():
    """Organizations logs stars, ACM a word; KMS leaves the member out."""
    invite = kind_of("organizations", "CreateAccount").request
    assert kept("organizations", invite, {"Email": "a@example.com"}) == {"Email": "****"}
    imported = kind_of("acm", "ImportCertificate").request
    assert kept("acm", imported, {"PrivateKey": b"k"}) == {"PrivateKey": HIDDEN}
    signed = kind_of("kms", "Sign").request
    assert kept("kms", signed, {"KeyId": "k", "Message": b"m"}) == {"KeyId": "k"}


def test_members_that_the_model_does_not_know_are_kept_without_octets():
    """Without a shape there is no telling what octets are."""
    found = kept(
        "s3", None, {"Body": b"x", "Key": "k", "Deep": {"Blob": b"x", "n": 1}, "l": [b"x"]}
    )
    assert found == {"Key": "k", "Deep": {"n": 1}, "l": []}


OPERATIONS = [
    (service, operation)
    for service in ("kms", "acm", "sts", "iam", "lambda")
    for operation in service_model(service).operation_names
]


def filled(shape, seen=()):
    """Return a value of a shape in which all octets and sensitive texts are the secret."""
    if shape.type_name == "blob":
        return OCTETS
    if shape.type_name == "structure":
        if shape.name in seen:
            return {}
        inside = (*seen, shape.name)
        return {name: filled(member, inside) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [filled(shape.member, seen)]
    if shape.type_name == "map":
        return {"key": filled(shape.value, seen)}
    if shape.type_name == "string":
        return SECRET if shape.metadata.get("sensitive") else "text"
    return 1


@given(st.sampled_from(OPERATIONS))
def test_nothing_that_the_model_calls_sensitive_is_kept(case):
    """Whatever the operation, its sensitive members and octets are left out; certificates stay."""
    service, operation = case
    kind = kind_of(service, operation)
    if kind is None:
        return
    for shape in (kind.request, kind.response):
        if shape is not None:
            held = pickle.dumps(kept(service, shape, filled(shape)))
            assert SECRET.encode() not in held
            assert OCTETS not in held or service == "acm"
