"""Parameter Store: limits, versions, labels, and SecureStrings that KMS really encrypts."""

import base64
import json

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab import Lab

PREFIX = "arn:aws:ssm:us-east-1:111122223333:parameter"
TOO_LONG = (
    "Standard tier parameters support a maximum parameter value of 4096 characters. To create a "
    "larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more "
    "information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "parameter-store-advanced-parameters.html"
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="{}"), min_size=1, max_size=300)


MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@MANY
@given(
    value=TEXTS,
    kind=st.sampled_from(["String", "StringList", "SecureString"]),
    tier=st.sampled_from(["Advanced", "Intelligent-Tiering"]),
)
def test_what_was_put_is_what_is_got(store, value, kind, tier):
    """Any text, of any type, in any tier."""
    store.client.put_parameter(
        Name=f"p{kind}{tier}", Value=value, Type=kind, Tier=tier, Overwrite=True
    )
    found = store.client.get_parameter(Name=f"p{kind}{tier}", WithDecryption=True)["Parameter"]
    assert found["Value"] == value


@MANY
@given(
    size=st.integers(1, 9000), tier=st.sampled_from(["Standard", "Advanced", "Intelligent-Tiering"])
)
def test_a_value_has_room_or_is_refused_in_awss_sentence(store, size, tier):
    """Up to 4,096 bytes in Standard, up to 8,192 in Advanced; Intelligent-Tiering picks."""
    asked = {"Name": f"size-{size}-{tier}", "Value": "v" * size, "Type": "String", "Tier": tier}
    most = 4096 if tier == "Standard" else 8192
    try:
        made = store.client.put_parameter(**asked, Overwrite=True)
    except ClientError as refused:
        assert size > most
        expected = (
            TOO_LONG
            if tier == "Standard"
            else ("Advanced tier parameters support a maximum parameter value of 8192 characters.")
        )
        assert refused.response["Error"]["Message"] == expected
    else:
        assert size <= most
        small = size <= 4096 and tier != "Advanced"
        assert made["Tier"] == ("Standard" if small else "Advanced")


def test_the_limit_is_met_to_the_byte(store):
    """4,096 bytes of UTF-8 pass, one more does not; the value is not in the refusal."""
    assert store.put("fits", "é" * 2048) == (1, "Standard")
    message = store.refused(
        "ValidationException", store.put, name="long", value="é" * 2048 + "x", kind="SecureString"
    )
    assert message == TOO_LONG


def open_with_cryptography(keys, blob, context):
    """Decrypt KMS's ciphertext from its documented layout, sharing no code with the simulator."""
    end = 2 + blob[1]
    arn, version = blob[2:end].decode(), int.from_bytes(blob[end : end + 4])
    salt, nonce = blob[end + 4 : end + 20], blob[end + 20 : end + 32]
    secret = next(key for key in keys if key.arn == arn).backing_keys[version].material.secret
    derived = KBKDFHMAC(
        algorithm=hashes.SHA256(), mode=Mode.CounterMode, length=32, rlen=4, llen=4,
        location=CounterLocation.BeforeFixed, label=b"pkilab kms SYMMETRIC_DEFAULT",
        context=salt, fixed=None,
    ).derive(secret)  # fmt: skip
    aad = blob[: end + 32] + authenticated(context)
    return AESGCM(derived).decrypt(nonce, blob[end + 32 :], aad)


def authenticated(context):
    pairs = sorted((key.encode(), value.encode()) for key, value in context.items())
    return b"".join(len(text).to_bytes(4) + text for pair in pairs for text in pair)


def keys_of(lab):
    return lab._place.gateway._services["kms"].keys


def test_a_standard_secure_string_is_kmss_ciphertext(store):
    """Without decryption it is what GetParameter answers, and anyone with the key opens it."""
    key = store.kms.create_key()["KeyMetadata"]["Arn"]
    store.put("/app/key", "secret value", "SecureString", KeyId=key)
    blob = base64.b64decode(store.get("/app/key", decrypt=False))
    assert b"secret value" not in blob
    context = {"PARAMETER_ARN": f"{PREFIX}/app/key"}
    opened = store.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert (opened["KeyId"], opened["Plaintext"]) == (key, b"secret value")
    assert open_with_cryptography(keys_of(store.lab), blob, context) == b"secret value"
    store.refused(
        "InvalidCiphertextException",
        store.kms.decrypt,
        CiphertextBlob=blob,
        EncryptionContext={"PARAMETER_ARN": f"{PREFIX}/app/other"},
    )


def test_an_advanced_secure_string_is_an_envelope_under_a_data_key(store):
    """KMS opens the data key, AES-GCM the value; neither needs Parameter Store."""
    key = store.kms.create_key()["KeyMetadata"]["Arn"]
    store.put("/app/chain", "c" * 5000, "SecureString", KeyId=key, Tier="Advanced")
    octets = base64.b64decode(store.get("/app/chain", decrypt=False))
    end = 2 + int.from_bytes(octets[:2])
    context = {"PARAMETER_ARN": f"{PREFIX}/app/chain"}
    data_key = store.kms.decrypt(CiphertextBlob=octets[2:end], EncryptionContext=context)
    sealed = octets[end:]
    opened = AESGCM(data_key["Plaintext"]).decrypt(
        sealed[1:13], sealed[13:], authenticated(context)
    )
    assert opened == b"c" * 5000
    assert store.get("/app/chain") == "c" * 5000


def test_the_default_key_is_made_when_first_needed_and_nobody_else_may_use_it(store):
    """An AWS managed key: its policy lets the service's callers in, and readers of metadata."""
    store.refused("NotFoundException", store.kms.describe_key, KeyId="alias/aws/ssm")
    store.put("/a", "one", "SecureString")
    store.put("/b", "two", "SecureString")
    key = store.kms.describe_key(KeyId="alias/aws/ssm")["KeyMetadata"]
    assert (key["KeyManager"], key["Enabled"]) == ("AWS", True)
    assert len(store.kms.list_keys()["Keys"]) == 1
    assert store.kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    policy = json.loads(store.kms.get_key_policy(KeyId=key["KeyId"])["Policy"])
    assert policy["Statement"][0]["Condition"]["StringEquals"] == {
        "kms:CallerAccount": "111122223333",
        "kms:ViaService": "ssm.us-east-1.amazonaws.com",
    }
    blob = base64.b64decode(store.get("/a", decrypt=False))
    context = {"PARAMETER_ARN": f"{PREFIX}/a"}
    for call, members in (
        (store.kms.decrypt, {"CiphertextBlob": blob, "EncryptionContext": context}),
        (store.kms.encrypt, {"KeyId": "alias/aws/ssm", "Plaintext": b"x"}),
        (store.kms.schedule_key_deletion, {"KeyId": key["KeyId"]}),
        (store.kms.disable_key, {"KeyId": key["KeyId"]}),
        (store.kms.put_key_policy, {"KeyId": key["KeyId"], "Policy": json.dumps(policy)}),
    ):
        message = store.refused("AccessDeniedException", call, **members)
        assert "because no resource-based policy allows" in message
    assert store.get("/a") == "one"


def test_a_key_that_cannot_be_used_is_an_invalid_key(store):
    """One that is not there, and one that was disabled since."""
    message = store.refused(
        "InvalidKeyId", store.put, name="/x", kind="SecureString", KeyId="alias/none"
    )
    assert message.startswith("Alias arn:aws:kms:us-east-1:111122223333:alias/none is not found.")
    key = store.kms.create_key()["KeyMetadata"]["KeyId"]
    store.put("/x", "secret", "SecureString", KeyId=key)
    store.kms.disable_key(KeyId=key)
    store.refused("InvalidKeyId", store.get, name="/x")
    assert base64.b64decode(store.get("/x", decrypt=False))
    message = store.refused("ValidationException", store.put, name="/y", KeyId=key)
    assert message == "KeyId is required for SecureString type parameter only."


def test_a_parameter_is_overwritten_only_where_that_is_said(store):
    """Each time with a new version; what is not said again stays."""
    assert store.put("/p", "1", Description="d", AllowedPattern=r"^\d$") == (1, "Standard")
    message = store.refused("ParameterAlreadyExists", store.put, name="/p", value="2")
    assert message.endswith("set the overwrite option in the request to true.")
    made = store.client.put_parameter(Name="/p", Value="2", Overwrite=True)
    assert made["Version"] == 2
    history = store.client.get_parameter_history(Name="/p")["Parameters"]
    assert [(each["Version"], each["Value"]) for each in history] == [(1, "1"), (2, "2")]
    assert history[1]["Description"] == "d"
    message = store.refused(
        "ParameterPatternMismatchException", store.put, name="/p", value="secret", Overwrite=True
    )
    assert message == r"Parameter value, cannot be validated against allowedPattern: ^\d$"
    store.refused(
        "HierarchyTypeMismatchException",
        store.put, name="/p", value="3", kind="SecureString", Overwrite=True,
    )  # fmt: skip


def test_a_tier_goes_up_and_never_down(store):
    """Also without a tier, an advanced parameter stays advanced."""
    assert store.put("t", "1") == (1, "Standard")
    assert store.put("t", "2", Tier="Advanced", Overwrite=True) == (2, "Advanced")
    assert store.put("t", "3", Overwrite=True) == (3, "Advanced")
    for tier in ("Standard", "Intelligent-Tiering"):
        if tier == "Standard":
            message = store.refused(
                "ValidationException", store.put, name="t", value="4", Tier=tier, Overwrite=True
            )
            assert message.startswith("This parameter uses the advanced-parameter tier. You can't")
        else:
            assert store.put("t", "4", Tier=tier, Overwrite=True) == (4, "Advanced")


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("aws-x", "ValidationException", 'Parameter name: can\'t be prefixed with "aws" or "ssm"'),
        ("SSM.x", "ValidationException", 'Parameter name: can\'t be prefixed with "ssm"'),
        ("/aws/x", "AccessDeniedException", "No access to reserved parameter name: /aws/x."),
        ("a b", "ValidationException", 'Parameter name: can\'t be prefixed with "ssm"'),
        ("a/b", "ValidationException", "Parameter name must be a fully qualified name."),
        ("/a//b", "ValidationException", 'Parameter name: can\'t be prefixed with "ssm"'),
        ("/x" * 16, "HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of 15"),
        ("n" * 967, "ValidationException", "Parameter name: can't be longer than 1011"),
    ],
)
def test_what_is_no_name_is_refused(store, name, code, message):
    """And its neighbours pass."""
    assert store.refused(code, store.put, name=name).startswith(message)
    for good in ("/x" * 15, "n" * 966, " spaced ", "/a.b-c_D/9"):
        store.put(good, Overwrite=True)
    assert store.get("spaced") == "v"


def test_what_is_asked_wrongly_is_refused(store):
    """Every refusal with its sentence, and none with the value."""
    put = store.client.put_parameter
    for members, code, message in (
        ({}, "ValidationException", "A parameter type is required when you create a parameter."),
        ({"Type": "String", "Value": "a {{ssm:b}} c"}, "ValidationException", "can't nest another"),
        ({"Type": "String", "DataType": "text2"}, "ValidationException", "data type is not supp"),
        ({"Type": "String", "DataType": "aws:ec2:image"}, "NotImplemented", "DataType"),
        ({"Type": "String", "AllowedPattern": "("}, "InvalidAllowedPatternException", "regular"),
        ({"Type": "String", "Overwrite": True, "Tags": [{"Key": "a", "Value": "b"}]},
         "ValidationException", "tags and overwrite can't be used together"),
        ({"Type": "String", "Tags": [{"Key": "aws:a", "Value": "b"}]},
         "ValidationException", "reserved"),
        ({"Type": "String", "Policies": "[]x"}, "InvalidPolicyAttributeException", "not JSON"),
        ({"Type": "String", "Value": ""}, "ValidationException", "greater than or equal to 1"),
    ):  # fmt: skip
        said = store.refused(code, put, **{"Name": "q", "Value": "hush", **members})
        assert message in said
        assert "hush" not in said
    assert store.client.describe_parameters()["Parameters"] == []


def test_versions_and_labels_select(store):
    """By number, by label; a label moves, and ten are the most."""
    for value in "abc":
        store.put("/v", value, Overwrite=True)
    label = store.client.label_parameter_version
    given_out = label(Name="/v", ParameterVersion=1, Labels=["live", "1st", "aws-x"])
    assert given_out["InvalidLabels"] == ["1st", "aws-x"]
    assert (store.get("/v:1"), store.get("/v:live"), store.get("/v")) == ("a", "a", "c")
    assert label(Name="/v", Labels=["live"])["ParameterVersion"] == 3
    assert store.get(f"{PREFIX}/v:live") == "c"
    found = store.client.get_parameter(Name="/v:live")["Parameter"]
    assert (found["Selector"], found["Version"], found["ARN"]) == (":live", 3, f"{PREFIX}/v")
    message = store.refused("ParameterVersionNotFound", store.get, name="/v:4")
    assert message == (
        "Systems Manager could not find version 4 of /v. Verify the version and try again."
    )
    store.refused("ParameterVersionNotFound", store.get, name="/v:dead")
    store.refused(
        "ParameterVersionLabelLimitExceeded",
        label, Name="/v", ParameterVersion=3, Labels=[f"l{number}" for number in range(10)],
    )  # fmt: skip
    gone = store.client.unlabel_parameter_version(
        Name="/v", ParameterVersion=3, Labels=["live", "x"]
    )
    assert (gone["RemovedLabels"], gone["InvalidLabels"]) == (["live"], ["x"])


def test_a_hundred_versions_are_kept_unless_the_oldest_has_a_label(store):
    """Then the next one is refused, until the label is elsewhere."""
    store.put("h")
    store.client.label_parameter_version(Name="h", ParameterVersion=1, Labels=["first"])
    for _ in range(99):
        store.put("h", Overwrite=True)
    message = store.refused("ParameterMaxVersionLimitExceeded", store.put, name="h", Overwrite=True)
    assert "Version 1, the oldest version, can't be deleted" in message
    store.client.label_parameter_version(Name="h", ParameterVersion=2, Labels=["first"])
    assert store.put("h", Overwrite=True) == (101, "Standard")
    store.refused("ParameterVersionNotFound", store.get, name="h:1")


def test_paths_are_listed_right_below_or_all_the_way(store):
    """In pages of ten at most, by name; a path is not itself below itself."""
    for name in ("/a", "/a/b", "/a/c/d", "/a/c/e", "/ab", "plain"):
        store.put(name, name.rpartition("/")[2], "SecureString" if name == "/a/b" else "String")
    by_path = store.client.get_parameters_by_path

    def names(**members):
        return [each["Name"] for each in by_path(**members)["Parameters"]]

    assert names(Path="/a") == names(Path="/a/") == ["/a/b"]
    assert names(Path="/a", Recursive=True) == ["/a/b", "/a/c/d", "/a/c/e"]
    assert names(Path="/") == ["/a", "/ab", "plain"]
    only = [{"Key": "Type", "Option": "Equals", "Values": ["SecureString"]}]
    assert names(Path="/a", Recursive=True, ParameterFilters=only) == ["/a/b"]
    assert by_path(Path="/a", WithDecryption=True)["Parameters"][0]["Value"] == "b"
    first = by_path(Path="/a", Recursive=True, MaxResults=2)
    rest = by_path(Path="/a", Recursive=True, MaxResults=2, NextToken=first["NextToken"])
    assert [each["Name"] for each in rest["Parameters"]] == ["/a/c/e"]
    store.refused("InvalidNextToken", by_path, Path="/a", NextToken="x")
    store.refused(
        "InvalidFilterKey", by_path, Path="/a", ParameterFilters=[{"Key": "Name", "Values": ["a"]}]
    )
    for wrong in ("a", "//a", "/a//", "//"):  # policies know no path with two slashes
        store.refused("ValidationException", by_path, Path=wrong)


def test_parameters_are_described_by_filters(store):
    """Never with their values."""
    store.put("/a/b", Tags=[{"Key": "Team", "Value": "pki"}], Description="d")
    store.put("/a/c", "long" * 1500, "SecureString", Tier="Intelligent-Tiering")

    def names(**one):
        found = store.client.describe_parameters(ParameterFilters=[one])["Parameters"]
        assert not any("Value" in each for each in found)
        return [each["Name"] for each in found]

    assert names(Key="tag:Team", Values=["pki"]) == ["/a/b"]
    assert names(Key="Tier", Values=["Advanced"]) == ["/a/c"]
    assert names(Key="Name", Option="Contains", Values=["/c"]) == ["/a/c"]
    assert names(Key="Path", Values=["/a"]) == ["/a/b", "/a/c"]
    assert names(Key="KeyId", Values=["alias/aws/ssm"]) == ["/a/c"]
    store.refused("InvalidFilterOption", names, Key="Path", Option="Equals", Values=["/a"])
    old = store.client.describe_parameters(Filters=[{"Key": "Name", "Values": ["/a/b"]}])
    assert [each["Description"] for each in old["Parameters"]] == ["d"]


def test_several_are_got_and_deleted_and_those_missing_told(store):
    """Of a single one, AWS says no more than the code."""
    store.put("a")
    found = store.client.get_parameters(Names=["a", "b", "a:7"])
    assert [each["Name"] for each in found["Parameters"]] == ["a"]
    assert found["InvalidParameters"] == ["b", "a:7"]
    gone = store.client.delete_parameters(Names=["a", "b"])
    assert (gone["DeletedParameters"], gone["InvalidParameters"]) == (["a"], ["b"])
    assert store.refused("ParameterNotFound", store.client.delete_parameter, Name="a") == ""
    assert store.refused("ParameterNotFound", store.get, name="a") == ""


def test_tags_are_added_listed_and_removed(store):
    """Of parameters alone."""
    store.put("a", Tags=[{"Key": "one", "Value": "1"}])
    whose = {"ResourceType": "Parameter", "ResourceId": "a"}
    store.client.add_tags_to_resource(**whose, Tags=[{"Key": "two", "Value": "2"}])
    store.client.remove_tags_from_resource(**whose, TagKeys=["one"])
    listed = store.client.list_tags_for_resource(**whose)["TagList"]
    assert listed == [{"Key": "two", "Value": "2"}]
    store.refused(
        "InvalidResourceId",
        store.client.list_tags_for_resource, ResourceType="Parameter", ResourceId="b",
    )  # fmt: skip
    store.refused(
        "NotImplemented",
        store.client.list_tags_for_resource, ResourceType="Document", ResourceId="b",
    )  # fmt: skip


def test_policies_expire_and_give_notice_on_the_labs_clock(store):
    """Events tell of them; notices of no change wait anew after each change."""
    moment = store.lab.clock.now()
    policies = json.dumps([
        {"Type": "Expiration", "Version": "1.0",
         "Attributes": {"Timestamp": moment.replace(month=12).isoformat()}},
        {"Type": "ExpirationNotification", "Version": "1.0",
         "Attributes": {"Before": "5", "Unit": "Days"}},
        {"Type": "NoChangeNotification", "Version": "1.0",
         "Attributes": {"After": "20", "Unit": "Days"}},
    ])  # fmt: skip
    message = store.refused("ValidationException", store.put, name="/e", Policies=policies)
    assert "advanced-parameter tier" in message
    store.put("/e", Policies=policies, Tier="Intelligent-Tiering")
    store.lab.clock.advance(days=15)
    store.put("/e", "2", Overwrite=True)
    store.lab.clock.advance(days=14)
    store.put("/other")
    described = store.client.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Values": ["/e"]}]
    )["Parameters"][0]
    assert [each["PolicyStatus"] for each in described["Policies"]] == [
        "Pending", "Finished", "Pending",
    ]  # fmt: skip
    store.lab.clock.advance(days=2)
    store.refused("ParameterNotFound", store.get, name="/e")
    bus = store.lab._place.gateway.events
    told = [
        (each["detail-type"], each["detail"].get("operation") or each["detail"]["policy-type"])
        for each in bus.events("111122223333", "us-east-1")
        if each["source"] == "aws.ssm" and each["resources"] == [f"{PREFIX}/e"]
    ]
    assert told == [
        ("Parameter Store Change", "Create"),
        ("Parameter Store Change", "Update"),
        ("Parameter Store Policy Action", "ExpirationNotification"),
        ("Parameter Store Policy Action", "Expiration"),
        ("Parameter Store Change", "Delete"),
    ]


def test_everything_else_of_systems_manager_is_refused(store):
    """As not simulated."""
    store.refused("NotImplemented", store.client.list_documents)
    store.refused("NotImplemented", store.client.describe_parameters, Shared=True)
    other = f"{PREFIX.replace('111122223333', '444455556666')}/x"
    store.refused("NotImplemented", store.client.get_parameter, Name=other)


# Who may.


@pytest.fixture
def guarded():
    """A lab in which policies are enforced, and what makes a user of it."""
    with Lab.simulated(seed="guarded", enforce_policies=True) as lab:
        iam, names = lab.client("iam"), iter("abcdefgh")

        def person(*statements):
            name = f"user-{next(names)}"
            iam.create_user(UserName=name)
            policy = {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Resource": "*", **each} for each in statements
            ]}  # fmt: skip
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
            key = iam.create_access_key(UserName=name)["AccessKey"]
            return lab.client("ssm", credentials=key)

        yield lab, person


def denied(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    return caught.value.response["Error"]["Message"]


def test_reading_a_secure_string_needs_the_callers_own_decrypt(guarded):
    """Of a customer's key; the ciphertext alone needs no key."""
    lab, person = guarded
    key = lab.client("kms").create_key()["KeyMetadata"]["Arn"]
    lab.client("ssm").put_parameter(Name="/k", Value="v", Type="SecureString", KeyId=key)
    reads = {"Action": "ssm:GetParameter", "Resource": f"{PREFIX}/k"}
    without = person(reads)
    assert without.get_parameter(Name="/k")["Parameter"]["Value"] != "v"
    message = denied(without.get_parameter, Name="/k", WithDecryption=True)
    assert "is not authorized to perform: kms:Decrypt" in message
    assert "(Service: Kms, Status Code: 400" in message
    via = {"StringEquals": {"kms:ViaService": "ssm.us-east-1.amazonaws.com",
                            "kms:EncryptionContext:PARAMETER_ARN": f"{PREFIX}/k"}}  # fmt: skip
    whole = person(reads, {"Action": "kms:Decrypt", "Resource": key, "Condition": via})
    assert whole.get_parameter(Name="/k", WithDecryption=True)["Parameter"]["Value"] == "v"
    denied(whole.get_parameter, Name="/other")


def test_the_default_key_needs_no_permission_of_kms(guarded):
    """All principals of the account that may use the parameter may use the key through it."""
    _, person = guarded
    writer = person({"Action": ["ssm:PutParameter", "ssm:GetParameter"]})
    for tier in ("Standard", "Advanced"):
        writer.put_parameter(Name=f"/{tier}", Value="v", Type="SecureString", Tier=tier)
        found = writer.get_parameter(Name=f"/{tier}", WithDecryption=True)["Parameter"]
        assert found["Value"] == "v"
    assert "ssm:DescribeParameters on resource: arn:aws:ssm:us-east-1:" in denied(
        writer.describe_parameters
    )


def test_conditions_on_recursion_overwriting_and_tags_count(guarded):
    """As the Service Authorization Reference has them."""
    lab, person = guarded
    lab.client("ssm").put_parameter(
        Name="/a/b", Value="v", Type="String", Tags=[{"Key": "Team", "Value": "pki"}]
    )
    flat = person(
        {"Action": "ssm:GetParametersByPath",
         "Condition": {"StringEquals": {"ssm:Recursive": "false"}}},
        {"Action": "ssm:PutParameter", "Condition": {"StringEquals": {"ssm:Overwrite": "false"}}},
        {"Action": "ssm:GetParameter",
         "Condition": {"StringEquals": {"ssm:resourceTag/Team": "pki"}}},
    )  # fmt: skip
    assert flat.get_parameters_by_path(Path="/a")["Parameters"]
    denied(flat.get_parameters_by_path, Path="/a", Recursive=True)
    flat.put_parameter(Name="/n", Value="v", Type="String")
    denied(flat.put_parameter, Name="/n", Value="w", Overwrite=True)
    assert flat.get_parameter(Name="/a/b")["Parameter"]["Value"] == "v"
    denied(flat.get_parameter, Name="/n")
    tagged = {"Name": "/t", "Value": "v", "Type": "String", "Tags": [{"Key": "a", "Value": "b"}]}
    assert "ssm:AddTagsToResource" in denied(flat.put_parameter, **tagged)


# What nobody may see.


def test_values_are_in_no_trail_and_no_repr(store):
    """CloudTrail says that it hides them; the state's own text leaves them out."""
    store.put("/s", "do not show me", "SecureString")
    store.get("/s")
    store.refused("ParameterAlreadyExists", store.put, name="/s", value="nor me")
    service = store.lab._place.gateway._services["ssm"]
    events = [
        each["CloudTrailEvent"] for each in store.lab.client("cloudtrail").lookup_events()["Events"]
    ]
    put = next(each for each in events if '"PutParameter"' in each)
    assert '"value":"HIDDEN_DUE_TO_SECURITY_REASONS"' in put
    for text in (*events, repr(service._parameters)):
        assert "show me" not in text
        assert "nor me" not in text


def test_equal_seeds_give_equal_ciphertexts():
    """Determinism reaches into what is stored."""

    def stored():
        with Lab.simulated(seed="same") as lab:
            client = lab.client("ssm")
            client.put_parameter(Name="/a", Value="v", Type="SecureString", Tier="Advanced")
            return client.get_parameter(Name="/a")["Parameter"]["Value"]

    assert stored() == stored()


def test_the_aws_command_line_puts_and_gets(store, aws_cli, tmp_path):
    """An outside client against a served lab."""
    store.lab.serve()

    def run(*words):
        ran = aws_cli(store.lab, "ssm", *words, "--output", "json")
        return ran.returncode, ran.stdout, ran.stderr

    (tmp_path / "key.pem").write_text("-----BEGIN\n" + "k" * 4090)
    file = f"file://{tmp_path}/key.pem"
    status, _, err = run(
        "put-parameter", "--name", "/tls/key", "--type", "SecureString", "--value", file
    )
    assert status != 0
    assert "(ValidationException)" in err
    assert TOO_LONG in err
    status, out, err = run(
        "put-parameter", "--name", "/tls/key", "--type", "SecureString", "--value", file,
        "--tier", "Advanced",
    )  # fmt: skip
    assert status == 0, err
    assert json.loads(out) == {"Version": 1, "Tier": "Advanced"}
    _, out, _ = run("get-parameter", "--name", "/tls/key", "--with-decryption")
    assert json.loads(out)["Parameter"]["Value"] == (tmp_path / "key.pem").read_text()
