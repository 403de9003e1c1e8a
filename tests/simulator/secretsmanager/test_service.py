"""Secrets: values that KMS's data keys really seal, versions, labels, deletion and who may."""

import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab import Lab

MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
ONE, TWO, THREE = ("1" * 32, "2" * 32, "3" * 32)
MARKED = "You can't perform this operation on the secret because it was marked for deletion."
ACCOUNTS = {"main": "111122223333", "other": "444455556666"}


@MANY
@given(value=st.one_of(st.text(st.characters(codec="utf-8"), min_size=1), st.binary(min_size=1)))
def test_what_was_put_is_what_is_got(manager, value):
    """Text as text, octets as octets."""
    member = "SecretString" if isinstance(value, str) else "SecretBinary"
    if not any(manager.client.list_secrets()["SecretList"]):
        manager.client.create_secret(Name="s")
    manager.client.put_secret_value(SecretId="s", **{member: value})
    found = manager.client.get_secret_value(SecretId="s")
    assert found[member] == value
    assert ("SecretString" in found) != ("SecretBinary" in found)


@pytest.mark.parametrize(
    ("member", "most"),
    [
        ("SecretString", "é" * 32_768),
        ("SecretString", "x" * 65_536),
        ("SecretBinary", b"x" * 65_536),
    ],
)
def test_a_value_has_at_most_65536_bytes(manager, member, most):
    """One more is refused, without the value."""
    manager.client.create_secret(Name="s", **{member: most})
    more = most + most[:1]
    for call, whose in ((manager.client.create_secret, {"Name": "t"}),
                        (manager.client.put_secret_value, {"SecretId": "s"})):  # fmt: skip
        message = manager.refused("ValidationException", call, **whose, **{member: more})
        assert message == (
            f"1 validation error detected: Value at '{member[0].lower()}{member[1:]}' failed to "
            "satisfy constraint: Member must have length less than or equal to 65536"
        )


def authenticated(context):
    pairs = sorted((key.encode(), value.encode()) for key, value in context.items())
    return b"".join(len(text).to_bytes(4) + text for pair in pairs for text in pair)


def test_a_value_is_sealed_under_a_data_key_that_only_kms_opens(manager):
    """With the secret's ARN and the version's id as encryption context; AES-GCM does the rest."""
    key = manager.kms.create_key()["KeyMetadata"]["Arn"]
    arn = manager.make(text="hidden", KmsKeyId=key, ClientRequestToken=ONE)
    service = manager.lab._place.gateway._services["secretsmanager"]
    envelope = service._secrets.by_arn(arn).versions[ONE].envelope
    assert b"hidden" not in envelope.sealed + envelope.data_key
    context = {"SecretARN": arn, "SecretVersionId": ONE}
    opened = manager.kms.decrypt(CiphertextBlob=envelope.data_key, EncryptionContext=context)
    assert opened["KeyId"] == key
    value = AESGCM(opened["Plaintext"]).decrypt(
        envelope.sealed[1:13], envelope.sealed[13:], authenticated(context)
    )
    assert value == b"hidden"
    manager.refused(
        "InvalidCiphertextException",
        manager.kms.decrypt,
        CiphertextBlob=envelope.data_key,
        EncryptionContext={**context, "SecretVersionId": TWO},
    )


def test_the_default_key_is_awss_and_is_not_shown(manager):
    """Made with the first value; a customer's key is named, an AWS managed one is not."""
    manager.client.create_secret(Name="empty")
    manager.refused("NotFoundException", manager.kms.describe_key, KeyId="alias/aws/secretsmanager")
    manager.make()
    key = manager.kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]
    assert key["KeyManager"] == "AWS"
    assert "KmsKeyId" not in manager.client.describe_secret(SecretId="s")
    policy = json.loads(manager.kms.get_key_policy(KeyId=key["KeyId"])["Policy"])
    assert policy["Id"] == "auto-secretsmanager-2"
    versions = manager.client.list_secret_version_ids(SecretId="s")["Versions"]
    assert versions[0]["KmsKeyIds"] == [key["Arn"]]


def test_an_arn_ends_in_six_random_characters_and_may_be_cut_short(manager):
    """By name, whole ARN or partial ARN."""
    arn = manager.make("app/db")
    assert len(arn.rpartition("-")[2]) == 6
    for named in (arn, arn[:-7], "app/db"):
        assert manager.get(named) == "v"
    for wrong in (arn[:-1], "app", arn.replace("us-east-1", "us-west-2")):
        message = manager.refused("ResourceNotFoundException", manager.get, name=wrong)
        assert message == "Secrets Manager can't find the specified secret."
    message = manager.refused("ValidationException", manager.make, name="a b")
    assert message.startswith("Invalid name. Must be a valid name containing alphanumeric")


def test_tokens_make_requests_idempotent(manager):
    """The same value again is the same version, another one is refused."""
    first = manager.make(ClientRequestToken=ONE)
    assert manager.make(ClientRequestToken=ONE) == first
    message = manager.refused("ResourceExistsException", manager.make, ClientRequestToken=TWO)
    assert message == "The operation failed because the secret s already exists."
    manager.refused("ResourceExistsException", manager.make, text="w", ClientRequestToken=ONE)
    put = manager.client.put_secret_value
    again = put(SecretId="s", SecretString="v", ClientRequestToken=ONE)
    assert (again["VersionId"], again["VersionStages"]) == (ONE, ["AWSCURRENT"])
    for call in (put, manager.client.update_secret):
        message = manager.refused(
            "ResourceExistsException", call, SecretId="s", SecretString="w", ClientRequestToken=ONE
        )
        assert message == (
            f"You can't use ClientRequestToken {ONE} because that value is already in use for a "
            f"version of secret {first}."
        )


def test_labels_move_as_awss_do(manager):
    """AWSCURRENT leaves AWSPREVIOUS behind, wherever it goes."""
    manager.make(text="1", ClientRequestToken=ONE)
    manager.client.put_secret_value(SecretId="s", SecretString="2", ClientRequestToken=TWO)
    assert manager.stages() == {ONE: ["AWSPREVIOUS"], TWO: ["AWSCURRENT"]}
    manager.client.put_secret_value(
        SecretId="s", SecretString="3", ClientRequestToken=THREE, VersionStages=["blue"]
    )
    assert (manager.get(), manager.get(VersionStage="blue")) == ("2", "3")
    move = manager.client.update_secret_version_stage
    message = manager.refused(
        "InvalidParameterException",
        move, SecretId="s", VersionStage="AWSCURRENT", MoveToVersionId=THREE,
    )  # fmt: skip
    assert message == (
        "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently "
        f"attached to version {TWO}, so you must explicitly reference that version in "
        "RemoveFromVersionId."
    )
    move(SecretId="s", VersionStage="AWSCURRENT", MoveToVersionId=THREE, RemoveFromVersionId=TWO)
    assert manager.stages() == {TWO: ["AWSPREVIOUS"], THREE: ["AWSCURRENT", "blue"]}
    listed = manager.client.list_secret_version_ids(SecretId="s", IncludeDeprecated=True)
    assert [each["VersionId"] for each in listed["Versions"]] == [ONE, TWO, THREE]
    message = manager.refused(
        "InvalidParameterException",
        move, SecretId="s", VersionStage="AWSCURRENT", RemoveFromVersionId=THREE,
    )  # fmt: skip
    assert "can't be completely removed" in message
    move(SecretId="s", VersionStage="blue", RemoveFromVersionId=THREE)
    for members in ({"VersionStage": "blue"}, {"VersionId": "9" * 32}):
        manager.refused("ResourceNotFoundException", manager.get, **members)
    message = manager.refused(
        "InvalidRequestException", manager.get, VersionId=ONE, VersionStage="AWSCURRENT"
    )
    assert (
        message == "You provided a VersionStage that is not associated to the provided VersionId."
    )
    assert manager.get(VersionId=ONE) == "1"


def test_outdated_versions_go_when_there_are_more_than_a_hundred(manager):
    """Those of the last day stay, and those with labels."""
    for number in range(1, 106):
        members = {"SecretString": "v", "ClientRequestToken": f"{number:032}"}
        if number == 1:
            manager.client.create_secret(Name="s", **members)
        else:
            manager.client.put_secret_value(SecretId="s", **members)

    def count():
        listed = manager.client.list_secret_version_ids(SecretId="s", IncludeDeprecated=True)
        rest = manager.client.list_secret_version_ids(
            SecretId="s", IncludeDeprecated=True, NextToken=listed["NextToken"]
        ) if "NextToken" in listed else {"Versions": []}  # fmt: skip
        return len(listed["Versions"] + rest["Versions"])

    assert count() == 105
    manager.lab.clock.advance(hours=25)
    manager.client.put_secret_value(SecretId="s", SecretString="w")
    assert count() == 100


def test_a_secret_is_deleted_after_its_window_and_may_be_restored_before(manager):
    """On the lab's clock; meanwhile its value is out of reach."""
    manager.make()
    for days in (6, 31):
        message = manager.refused(
            "InvalidParameterException",
            manager.client.delete_secret, SecretId="s", RecoveryWindowInDays=days,
        )  # fmt: skip
        assert (
            message == "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
        )
    now = manager.lab.clock.now()
    gone = manager.client.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    assert gone["DeletionDate"] == now + timedelta(days=7)
    assert manager.refused("InvalidRequestException", manager.get) == MARKED
    assert manager.client.describe_secret(SecretId="s")["DeletedDate"] == now
    assert manager.client.list_secrets()["SecretList"] == []
    assert manager.client.list_secrets(IncludePlannedDeletion=True)["SecretList"]
    message = manager.refused("InvalidRequestException", manager.make)
    assert message.endswith("a secret with this name is already scheduled for deletion.")
    manager.refused("InvalidRequestException", manager.client.delete_secret, SecretId="s")
    manager.client.restore_secret(SecretId="s")
    manager.lab.clock.advance(days=8)
    assert manager.get() == "v"
    manager.client.delete_secret(SecretId="s")
    manager.lab.clock.advance(days=29)
    manager.client.describe_secret(SecretId="s")
    manager.lab.clock.advance(days=1)
    manager.refused("ResourceNotFoundException", manager.client.describe_secret, SecretId="s")
    manager.make()


def test_a_secret_is_deleted_at_once_by_force(manager):
    """Whether it is there or not, and never with a window."""
    first = manager.make()
    message = manager.refused(
        "InvalidParameterException",
        manager.client.delete_secret,
        SecretId="s", ForceDeleteWithoutRecovery=True, RecoveryWindowInDays=7,
    )  # fmt: skip
    assert message.startswith("You can't use ForceDeleteWithoutRecovery in conjunction with")
    for _ in range(2):
        gone = manager.client.delete_secret(SecretId="s", ForceDeleteWithoutRecovery=True)
        assert gone["Name"] == "s"
    manager.refused("ResourceNotFoundException", manager.get)
    assert manager.make() != first


def test_secrets_are_listed_by_filters_and_in_order(manager):
    """Prefixes, negations, and words of everything."""
    manager.make("app/one", Description="Web key", Tags=[{"Key": "Team", "Value": "pki"}])
    manager.lab.clock.advance(hours=1)
    manager.make("app/two")
    manager.make("zoo")

    def names(*filters, **members):
        asked = [{"Key": key, "Values": values} for key, values in filters]
        found = manager.client.list_secrets(Filters=asked, **members)["SecretList"]
        return [each["Name"] for each in found]

    assert names(("name", ["app/"]), SortBy="name", SortOrder="asc") == ["app/one", "app/two"]
    assert names(("name", ["!app/"])) == ["zoo"]
    assert names(("name", ["App"])) == []
    assert names(("description", ["web"])) == ["app/one"]
    assert names(("tag-key", ["Te"]), ("tag-value", ["pki"])) == ["app/one"]
    assert names(("all", ["KEY one"])) == ["app/one"]
    assert names(("owning-service", ["rds"])) == []
    assert names()[-1] == "app/one"
    page = manager.client.list_secrets(MaxResults=2)
    rest = manager.client.list_secrets(MaxResults=2, NextToken=page["NextToken"])
    assert len(rest["SecretList"]) == 1
    manager.refused("InvalidNextTokenException", manager.client.list_secrets, NextToken="x")


def test_several_values_are_got_at_once_and_errors_told(manager):
    """By ids or by filters."""
    for name in ("a", "b"):
        manager.make(name, name)
    batch = manager.client.batch_get_secret_value
    found = batch(SecretIdList=["a", "none", "b"])
    assert [each["SecretString"] for each in found["SecretValues"]] == ["a", "b"]
    assert found["Errors"] == [
        {
            "SecretId": "none",
            "ErrorCode": "ResourceNotFoundException",
            "Message": "Secrets Manager can't find the specified secret.",
        }
    ]
    page = batch(Filters=[{"Key": "name", "Values": ["a", "b"]}], MaxResults=1)
    rest = batch(
        Filters=[{"Key": "name", "Values": ["a", "b"]}], MaxResults=1, NextToken=page["NextToken"]
    )
    both = [*page["SecretValues"], *rest["SecretValues"]]
    assert sorted(each["Name"] for each in both) == ["a", "b"]
    manager.refused("InvalidParameterException", batch)
    manager.refused("InvalidParameterException", batch, SecretIdList=["a"], MaxResults=1)


def test_a_secret_gets_another_key_and_its_labelled_versions_with_it(manager):
    """Only their data keys are encrypted anew; the value needs the new key from then on."""
    manager.make(text="1", ClientRequestToken=ONE)
    manager.client.put_secret_value(SecretId="s", SecretString="2", ClientRequestToken=TWO)
    key = manager.kms.create_key()["KeyMetadata"]
    manager.client.update_secret(SecretId="s", KmsKeyId=key["KeyId"], Description="new")
    listed = manager.client.list_secret_version_ids(SecretId="s")["Versions"]
    assert [each["KmsKeyIds"] for each in listed] == [[key["Arn"]]] * 2
    described = manager.client.describe_secret(SecretId="s")
    assert (described["KmsKeyId"], described["Description"]) == (key["KeyId"], "new")
    assert (manager.get(), manager.get(VersionId=ONE)) == ("2", "1")
    manager.kms.disable_key(KeyId=key["KeyId"])
    assert manager.refused("DecryptionFailure", manager.get) == (
        "Secrets Manager can't decrypt the protected secret text using the provided KMS key."
    )
    message = manager.refused(
        "EncryptionFailure", manager.client.put_secret_value, SecretId="s", SecretString="3"
    )
    assert message.startswith("Secrets Manager can't encrypt the protected secret text")
    manager.refused(
        "EncryptionFailure", manager.client.update_secret, SecretId="s", KmsKeyId="alias/none"
    )
    manager.kms.enable_key(KeyId=key["KeyId"])
    manager.client.update_secret(SecretId="s", KmsKeyId="")
    assert manager.get() == "2"
    assert "KmsKeyId" not in manager.client.describe_secret(SecretId="s")


def test_a_key_is_tried_when_it_is_given(manager):
    """CloudTrail shows the two calls by the version's id that stands for none."""
    key = manager.kms.create_key()["KeyMetadata"]["Arn"]
    manager.make(KmsKeyId=key)
    events = [
        json.loads(each["CloudTrailEvent"])
        for each in manager.lab.client("cloudtrail").lookup_events()["Events"]
    ]
    tried = [
        each["eventName"]
        for each in reversed(events)
        if "RequestToValidateKeyAccess" in json.dumps(each["requestParameters"])
    ]
    assert tried == ["GenerateDataKey", "Decrypt"]
    assert all(
        each["userIdentity"]["invokedBy"] == "secretsmanager.amazonaws.com"
        for each in events
        if each["eventName"] in tried
    )


@MANY
@given(
    length=st.integers(1, 200), excluded=st.text('abcXYZ012!"', max_size=8), space=st.booleans(),
    out=st.sets(st.sampled_from(["Numbers", "Punctuation", "Uppercase", "Lowercase"]), max_size=3),
)  # fmt: skip
def test_random_passwords_are_as_asked_for(manager, length, excluded, space, out):
    """Of that length, of those types, each at least once."""
    asked = {f"Exclude{each}": True for each in out}
    kinds = {"Numbers": str.isdigit, "Uppercase": str.isupper, "Lowercase": str.islower,
             "Punctuation": lambda each: not each.isalnum() and each != " "}  # fmt: skip
    wanted = [kinds[each] for each in kinds if each not in out] + [str.isspace] * space
    call = manager.client.get_random_password
    members = {"PasswordLength": length, "ExcludeCharacters": excluded, "IncludeSpace": space}
    if length < len(wanted):
        manager.refused("InvalidParameterException", call, **members, **asked)
        return
    made = call(**members, **asked)["RandomPassword"]
    assert len(made) == length
    assert not set(made) & set(excluded)
    assert all(any(map(is_kind, made)) for is_kind in wanted)
    assert all(any(is_kind(each) for is_kind in wanted) for each in made)


def test_what_is_asked_wrongly_is_refused(manager):
    """Every refusal with its sentence."""
    manager.make()
    both = {"SecretString": "a", "SecretBinary": b"b"}
    client = manager.client
    for code, call, members, message in (
        ("InvalidParameterException", client.create_secret, {"Name": "x", **both},
         "You can't specify both a binary secret value and a string secret value"),
        ("InvalidParameterException", client.put_secret_value, {"SecretId": "s"},
         "You must provide either SecretString or SecretBinary."),
        ("InvalidParameterException", client.tag_resource,
         {"SecretId": "s", "Tags": [{"Key": "aws:x", "Value": "y"}]}, "reserved"),
        ("InvalidRequestException", client.rotate_secret, {"SecretId": "s"},
         "No Lambda rotation function ARN is associated with this secret."),
        ("InvalidRequestException", client.cancel_rotate_secret, {"SecretId": "s"}, "No Lambda"),
        ("NotImplemented", client.create_secret,
         {"Name": "x", "AddReplicaRegions": [{"Region": "eu-west-1"}]}, "AddReplicaRegions"),
        ("NotImplemented", client.replicate_secret_to_regions,
         {"SecretId": "s", "AddReplicaRegions": [{"Region": "eu-west-1"}]}, "Replicate"),
        ("MalformedPolicyDocumentException", client.put_resource_policy,
         {"SecretId": "s", "ResourcePolicy": "{"}, "syntax error"),
    ):  # fmt: skip
        assert message in manager.refused(code, call, **members)


def test_tags_are_added_and_removed(manager):
    """And described with the secret."""
    manager.make(Tags=[{"Key": "a", "Value": "1"}])
    manager.client.tag_resource(SecretId="s", Tags=[{"Key": "b", "Value": "2"}])
    manager.client.untag_resource(SecretId="s", TagKeys=["a", "none"])
    assert manager.client.describe_secret(SecretId="s")["Tags"] == [{"Key": "b", "Value": "2"}]


# Resource policies and who may.


def policy(*statements):
    whole = [{"Effect": "Allow", "Resource": "*", **each} for each in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


def test_a_public_policy_is_told_from_a_narrow_one(manager):
    """And refused on request."""
    manager.make()
    public = policy({"Principal": "*", "Action": "secretsmanager:GetSecretValue"})
    narrow = policy(
        {"Principal": "*", "Action": "secretsmanager:GetSecretValue",
         "Condition": {"StringEquals": {"aws:PrincipalAccount": "444455556666"}}}
    )  # fmt: skip
    put = manager.client.put_resource_policy
    manager.refused(
        "PublicPolicyException", put, SecretId="s", ResourcePolicy=public, BlockPublicPolicy=True
    )
    put(SecretId="s", ResourcePolicy=narrow, BlockPublicPolicy=True)
    assert manager.client.get_resource_policy(SecretId="s")["ResourcePolicy"] == narrow
    put(SecretId="s", ResourcePolicy=public)
    validate = manager.client.validate_resource_policy
    assert validate(ResourcePolicy=narrow)["PolicyValidationPassed"]
    assert not validate(ResourcePolicy=public)["PolicyValidationPassed"]
    manager.client.delete_resource_policy(SecretId="s")
    assert "ResourcePolicy" not in manager.client.get_resource_policy(SecretId="s")
    nobody = policy({"Principal": {"AWS": "arn:aws:iam::111122223333:user/nobody"}, "Action": "*"})
    message = manager.refused(
        "MalformedPolicyDocumentException", put, SecretId="s", ResourcePolicy=nobody
    )
    assert message == "This resource policy contains an unsupported principal."


@pytest.fixture
def guarded(open_manager):
    """A lab of two accounts in which policies are enforced, and what makes users of it."""
    with Lab.simulated(seed="guarded", accounts=ACCOUNTS, enforce_policies=True) as lab:
        names = iter("abcdefgh")

        def person(*statements, account="main"):
            iam, name = lab.client("iam", account=account), f"user-{next(names)}"
            iam.create_user(UserName=name)
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
            key = iam.create_access_key(UserName=name)["AccessKey"]
            return lab.client("secretsmanager", credentials=key)

        yield open_manager(lab), person


def test_a_reader_needs_the_secret_and_the_key_but_not_awss_own(guarded):
    """The default key is open to all who come through Secrets Manager from its account."""
    manager, person = guarded
    own = manager.make("own")
    key = manager.kms.create_key()["KeyMetadata"]["Arn"]
    manager.make("hers", KmsKeyId=key)
    reads = {"Action": "secretsmanager:GetSecretValue"}
    reader = person(reads)
    assert reader.get_secret_value(SecretId=own[:-7])["SecretString"] == "v"
    message = manager.refused("AccessDeniedException", reader.get_secret_value, SecretId="hers")
    assert message == "Access to KMS is not allowed"
    whole = person(reads, {"Action": "kms:Decrypt", "Resource": key})
    assert whole.get_secret_value(SecretId="hers")["SecretString"] == "v"
    message = manager.refused(
        "AccessDeniedException", reader.put_secret_value, SecretId="own", SecretString="w"
    )
    assert f"secretsmanager:PutSecretValue on resource: {own} because no identity-based" in message


def test_conditions_on_stage_tags_and_windows_count(guarded):
    """As the Service Authorization Reference has them."""
    manager, person = guarded
    arn = manager.make(ClientRequestToken=ONE, Tags=[{"Key": "Team", "Value": "pki"}])
    manager.client.put_secret_value(SecretId="s", SecretString="w")
    equals = "StringEquals"
    reader = person(
        {"Action": "secretsmanager:GetSecretValue", "Resource": arn[:-6] + "??????",
         "Condition": {equals: {"secretsmanager:VersionStage": "AWSCURRENT",
                                "secretsmanager:ResourceTag/Team": "pki"}}},
        {"Action": "secretsmanager:DeleteSecret",
         "Condition": {"NumericGreaterThan": {"secretsmanager:RecoveryWindowInDays": 14}}},
    )  # fmt: skip
    assert reader.get_secret_value(SecretId="s")["SecretString"] == "w"
    for members in ({"VersionStage": "AWSPREVIOUS"}, {"VersionId": ONE}):
        manager.refused("AccessDeniedException", reader.get_secret_value, SecretId=arn, **members)
    manager.refused(
        "AccessDeniedException", reader.delete_secret, SecretId=arn, RecoveryWindowInDays=7
    )
    reader.delete_secret(SecretId=arn, RecoveryWindowInDays=15)


def test_another_account_reads_with_both_policies_and_a_customers_key(guarded):
    """The secret's policy, its own, and the key's; never with AWS's key."""
    manager, person = guarded
    other = {"AWS": "arn:aws:iam::444455556666:root"}
    key_policy = policy(
        {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*"},
        {"Principal": other, "Action": "kms:Decrypt"},
    )
    key = manager.kms.create_key(Policy=key_policy)["KeyMetadata"]["Arn"]
    shared, default = manager.make("shared", KmsKeyId=key), manager.make("default")
    reader = person({"Action": ["secretsmanager:GetSecretValue", "kms:Decrypt"]}, account="other")
    message = manager.refused("AccessDeniedException", reader.get_secret_value, SecretId=shared)
    assert "because no resource-based policy allows the secretsmanager:GetSecretValue" in message
    for secret in (shared, default):
        manager.client.put_resource_policy(
            SecretId=secret,
            ResourcePolicy=policy({"Principal": other, "Action": "secretsmanager:GetSecretValue"}),
            BlockPublicPolicy=True,
        )
    assert reader.get_secret_value(SecretId=shared)["SecretString"] == "v"
    message = manager.refused("InvalidRequestException", reader.get_secret_value, SecretId=default)
    assert message == (
        "You can't access a secret from a different AWS account if you encrypt the secret with the "
        "default KMS service key."
    )
    nobody = person({"Action": "secretsmanager:ListSecrets"}, account="other")
    manager.refused("AccessDeniedException", nobody.get_secret_value, SecretId=shared)


def test_a_batch_tells_which_secrets_a_caller_may_not_read(guarded):
    """The rest is read."""
    manager, person = guarded
    one = manager.make("one")
    manager.make("two")
    reader = person(
        {"Action": "secretsmanager:BatchGetSecretValue"},
        {"Action": "secretsmanager:GetSecretValue", "Resource": one},
    )
    found = reader.batch_get_secret_value(SecretIdList=["one", "two"])
    assert [each["Name"] for each in found["SecretValues"]] == ["one"]
    assert [each["ErrorCode"] for each in found["Errors"]] == ["AccessDeniedException"]
    asked = {"Filters": [{"Key": "name", "Values": ["o"]}]}
    manager.refused("AccessDeniedException", reader.batch_get_secret_value, **asked)


# What nobody may see.


def test_where_policies_are_not_enforced_accounts_are_kept_apart_all_the_same():
    """Under a key of one's own, too: the secret's policy lets another account in, or nobody."""
    with Lab.simulated(seed="apart", accounts=ACCOUNTS) as lab:
        ours = lab.client("secretsmanager", account="main")
        theirs = lab.client("secretsmanager", account="other")
        key = lab.client("kms", account="main").create_key()["KeyMetadata"]["Arn"]
        arn = ours.create_secret(Name="s", SecretString="v", KmsKeyId=key)["ARN"]
        for each in (arn, arn[:-7]):
            for read in (theirs.get_secret_value, theirs.describe_secret, theirs.delete_secret):
                with pytest.raises(ClientError, match="no resource-based policy allows"):
                    read(SecretId=each)
        batch = theirs.batch_get_secret_value(SecretIdList=[arn])
        assert (batch["SecretValues"], batch["Errors"][0]["ErrorCode"]) == (
            [], "AccessDeniedException",
        )  # fmt: skip
        statement = {
            "Effect": "Allow", "Principal": {"AWS": ACCOUNTS["other"]},
            "Action": "secretsmanager:GetSecretValue", "Resource": "*",
        }  # fmt: skip
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        ours.put_resource_policy(SecretId=arn, ResourcePolicy=document)
        assert theirs.get_secret_value(SecretId=arn)["SecretString"] == "v"


def test_values_are_in_no_trail_and_no_repr(manager):
    """CloudTrail leaves them out; the state's own text does, too."""
    arn = manager.make(text="hush hush")
    manager.client.put_secret_value(SecretId="s", SecretBinary=b"hush hush")
    manager.client.get_secret_value(SecretId="s")
    password = manager.client.get_random_password()["RandomPassword"]
    service = manager.lab._place.gateway._services["secretsmanager"]
    events = [
        each["CloudTrailEvent"]
        for each in manager.lab.client("cloudtrail").lookup_events()["Events"]
    ]
    assert any('"GetRandomPassword"' in each for each in events)
    put = json.loads(next(each for each in events if '"PutSecretValue"' in each))
    assert sorted(put["requestParameters"]) == ["clientRequestToken", "secretId"]
    for text in (*events, repr(service._secrets.by_arn(arn))):
        assert "hush" not in text
        assert json.dumps(password) not in text


def test_the_aws_command_line_creates_and_gets(manager, aws_cli, tmp_path):
    """An outside client against a served lab."""
    manager.lab.serve()

    def run(*words):
        ran = aws_cli(manager.lab, "secretsmanager", *words, "--output", "json")
        return ran.returncode, ran.stdout, ran.stderr

    (tmp_path / "key.pem").write_text("-----BEGIN\n" + "k" * 65_000)
    status, out, err = run(
        "create-secret", "--name", "tls/key", "--secret-string", f"file://{tmp_path}/key.pem"
    )
    assert status == 0, err
    arn = json.loads(out)["ARN"]
    _, out, _ = run("get-secret-value", "--secret-id", "tls/key")
    found = json.loads(out)
    assert (found["ARN"], found["VersionStages"]) == (arn, ["AWSCURRENT"])
    assert found["SecretString"] == (tmp_path / "key.pem").read_text()
    status, _, err = run("get-secret-value", "--secret-id", "none")
    assert status != 0
    assert "(ResourceNotFoundException)" in err
