"""KMS as a whole: which operations there are, and what any input gives."""

import json

import pytest
from botocore import xform_name
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.simulator.kms import service
from pkilab.simulator.service import AwsError, service_model

OPERATIONS = service_model("kms").operation_names
# Custom key stores, imported material, multi-Region keys, ML-KEM, and what CloudTrail would know.
ABSENT = {
    "ConnectCustomKeyStore", "CreateCustomKeyStore", "Decapsulate", "DeleteCustomKeyStore",
    "DeleteImportedKeyMaterial", "DescribeCustomKeyStores", "DisconnectCustomKeyStore",
    "Encapsulate", "GetKeyLastUsage", "GetParametersForImport", "ImportKeyMaterial",
    "ReplicateKey", "UpdateCustomKeyStore", "UpdatePrimaryRegion",
}  # fmt: skip
PRESENT = sorted(set(OPERATIONS) - ABSENT)
NOWHERE = "0" * 8 + "-0000" * 3 + "-" + "0" * 12


def minimal(operation, key):
    """The least input that the model takes, about ``key``."""
    values = {
        "KeyId": key, "TargetKeyId": key, "DestinationKeyId": key, "AliasName": "alias/a",
        "Message": b"x", "Signature": b"x", "Mac": b"x", "Plaintext": b"x", "PublicKey": b"x",
        "SharedSecretCiphertextBlob": b"x", "EncapsulationAlgorithm": "ML_KEM",
        "SigningAlgorithm": "ECDSA_SHA_256", "MacAlgorithm": "HMAC_SHA_256",
        "KeyAgreementAlgorithm": "ECDH", "KeyPairSpec": "ECC_NIST_P256", "Policy": "{}",
        "Operations": ["Sign"], "GrantId": "0" * 64, "Tags": [{"TagKey": "k", "TagValue": "v"}],
        "TagKeys": ["k"], "Description": "d", "CustomKeyStoreId": "c", "CustomKeyStoreName": "c",
        "ReplicaRegion": "eu-west-1", "PrimaryRegion": "eu-west-1", "ImportToken": b"x",
        "EncryptedKeyMaterial": b"x", "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
        "WrappingKeySpec": "RSA_2048",
    }  # fmt: skip
    shape = service_model("kms").operation_model(operation).input_shape
    return {name: values[name] for name in shape.required_members}


def test_42_operations_of_the_model_are_there_and_14_are_not():
    assert (len(PRESENT), len(ABSENT)) == (42, 14)
    for operation in PRESENT:
        assert callable(getattr(service.Kms, xform_name(operation)))


@pytest.mark.parametrize("operation", sorted(ABSENT))
def test_what_is_not_simulated_is_refused(kms, operation):
    members = minimal(operation, kms.create())
    if operation == "CreateCustomKeyStore":
        members = {"CustomKeyStoreName": "c"}
    message = kms.refused("NotImplemented", operation, **members)
    assert message == f"kms:{operation} is not simulated by pkilab"


ABOUT_A_KEY = [
    operation
    for operation in PRESENT
    if {"KeyId", "TargetKeyId", "DestinationKeyId"} & set(minimal(operation, ""))
    and operation not in {"GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "UpdateAlias"}
]


@pytest.mark.parametrize("operation", ABOUT_A_KEY)
def test_a_key_that_does_not_exist_is_not_found(kms, operation):
    message = kms.refused("NotFoundException", operation, **minimal(operation, NOWHERE))
    assert message == f"Key 'arn:aws:kms:us-east-1:111122223333:key/{NOWHERE}' does not exist"


def test_errors_are_written_as_aws_writes_them(kms):
    """Code in ``__type``, and status 400."""
    with pytest.raises(AwsError) as caught:
        kms("DescribeKey", KeyId="x")
    assert (caught.value.code, caught.value.status) == ("NotFoundException", 400)
    with pytest.raises(AwsError) as caught:
        kms("ImportKeyMaterial", **minimal("ImportKeyMaterial", kms.create()))
    assert caught.value.status == 501


def a_value(shape, keys, tokens):
    """A strategy for whatever the API model lets through, and some that it does not."""
    if shape.type_name == "structure":
        optional = {
            name: a_value(member, keys, tokens)
            for name, member in shape.members.items()
            if name not in shape.required_members
        }
        required = {
            name: a_value(shape.members[name], keys, tokens) for name in shape.required_members
        }
        return st.fixed_dictionaries(required, optional=optional)
    if shape.type_name == "list":
        if shape.name == "GrantTokenList":
            return st.lists(st.sampled_from(tokens), max_size=2)
        return st.lists(a_value(shape.member, keys, tokens), max_size=3)
    if shape.type_name == "map":
        return st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3)
    if shape.name == "KeyIdType":
        return st.sampled_from(keys)
    if shape.name == "GrantTokenType":
        return st.sampled_from(tokens)
    if shape.name == "AliasNameType":
        return st.sampled_from(["alias/a", "alias/b", "alias/aws/a", "a"])
    if shape.name == "PrincipalIdType":
        return st.sampled_from(["arn:aws:iam::111122223333:root", "x", "arn:aws:iam::1:user/u"])
    if shape.name == "PolicyType":
        return st.sampled_from(["{}", "x", '{"Statement": {"Effect": "Allow"}}'])
    scalar = {
        "string": st.sampled_from(shape.metadata.get("enum") or ["", "a", "0" * 64, "default"]),
        "blob": st.binary(min_size=1, max_size=70),
        "boolean": st.booleans(),
        "integer": st.integers(shape.metadata.get("min", 0), shape.metadata.get("max", 100)),
        "timestamp": st.integers(0, 2**31),
    }
    return scalar[shape.type_name]


class Prepared:
    """A world with a key of every kind, in several states, reused from one example to the next."""

    def __init__(self, kms):
        self.kms = kms
        self.keys = [
            kms.create(), kms.signer(), kms.signer("ECC_NIST_EDWARDS25519"),
            kms.signer("ML_DSA_44"),
            kms.create("HMAC_256", "GENERATE_VERIFY_MAC"),
            kms.create("ECC_NIST_P256", "KEY_AGREEMENT"), kms.create(account="444455556666"),
            kms.create(region="eu-west-1"), NOWHERE, "alias/a", "alias/none", "x", "arn:x",
        ]  # fmt: skip
        kms("CreateAlias", AliasName="alias/a", TargetKeyId=self.keys[0])
        made = kms(
            "CreateGrant", KeyId=self.keys[0], Operations=["Encrypt"],
            GranteePrincipal="arn:aws:iam::111122223333:root",
        )  # fmt: skip
        self.tokens = [made["GrantToken"], "x"]

    def add_rsa(self):
        """Make an RSA key as well; it is slow to make."""
        self.keys.append(self.kms.create("RSA_2048", "ENCRYPT_DECRYPT"))


@pytest.fixture
def prepared(kms, operation):
    """The above, for an operation."""
    found = Prepared(kms)
    if operation in {"Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey"}:
        found.add_rsa()
    return found


# Making long RSA pairs is slow, and is tested beside the material.
SLOW = {"CreateKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"}


@pytest.mark.parametrize("operation", PRESENT)
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_input_gives_a_result_or_an_error_of_the_model(prepared, operation, data):
    """The driver itself asserts that every code is one of the operation's; nothing raw leaves."""
    shape = service_model("kms").operation_model(operation).input_shape
    members = data.draw(a_value(shape, prepared.keys, prepared.tokens))
    for name in ("KeySpec", "CustomerMasterKeySpec", "KeyPairSpec"):
        if operation in SLOW and str(members.get(name, "")).startswith("RSA"):
            members[name] = "ECC_NIST_P384"
    try:
        assert isinstance(prepared.kms(operation, **members), dict)
    except AwsError as refused:
        assert refused.code
    prepared.kms("ListKeys")


@settings(max_examples=100)
@given(body=st.binary(max_size=40) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_body_gives_an_error_of_the_protocol(body):
    from pkilab.simulator.service import decode_input

    for operation in ("Sign", "CreateKey", "CreateGrant"):
        try:
            decode_input(service_model("kms").operation_model(operation), body)
        except AwsError as refused:
            assert refused.code in {"SerializationException", "ValidationException"}
