"""Managed permissions over the API."""

import json

import pytest

from tests.simulator.ram.conftest import CONSUMER, OWNER

CA = "acm-pca:CertificateAuthority"
DEFAULT = "arn:aws:ram::aws:permission/AWSRAMDefaultPermissionCertificateAuthority"
REVOKE = "arn:aws:ram::aws:permission/AWSRAMRevokeCertificateCertificateAuthority"
READ = json.dumps({"Effect": "Allow", "Action": ["acm-pca:DescribeCertificateAuthority"]})
ALL = json.dumps({"Effect": "Allow", "Action": ["acm-pca:ListTags", "acm-pca:GetCertificate"]})


def create(sharing, name="Read", template=READ, **options):
    made = sharing(
        "create_permission", name=name, resourceType=CA, policyTemplate=template, **options
    )
    return made["permission"]["arn"]


def names(sharing, account="owner", **filters):
    found = sharing("list_permissions", account, **filters)["permissions"]
    return [each["name"] for each in found]


def test_awss_permissions_are_there_for_everybody(sharing):
    """Five for private CAs, one of them the default; a customer's only for its owner."""
    found = sharing("list_permissions", "consumer")["permissions"]
    assert len(found) == 5
    (default,) = [each["arn"] for each in found if each["isResourceTypeDefault"]]
    assert default == DEFAULT
    assert {each["permissionType"] for each in found} == {"AWS_MANAGED"}
    arn = create(sharing)
    assert arn == f"arn:aws:ram:us-east-1:{OWNER}:permission/Read"
    assert names(sharing, permissionType="CUSTOMER_MANAGED") == ["Read"]
    assert names(sharing, "consumer", permissionType="CUSTOMER_MANAGED") == []
    enforced = sharing.lab._place.world.enforce_policies
    code = "AccessDeniedException" if enforced else "UnknownResourceException"
    sharing.refused(code, "get_permission", "consumer", permissionArn=arn)


def test_a_permission_shows_what_it_allows(plain):
    """One statement as it is, two as a list."""
    found = plain("get_permission", permissionArn=REVOKE)["permission"]
    assert json.loads(found["permission"])["Action"][0] == "acm-pca:RevokeCertificate"
    reads, issues = json.loads(
        plain("get_permission", permissionArn=DEFAULT)["permission"]["permission"]
    )
    assert len(reads["Action"]) == 5
    assert issues["Action"] == ["acm-pca:IssueCertificate"]
    plain.refused(
        "UnknownResourceException", "get_permission", permissionArn=DEFAULT, permissionVersion=2
    )
    plain.refused("MalformedArnException", "get_permission", permissionArn="x")


def test_a_share_has_one_permission_and_changes_it_on_request(plain):
    """Which shows in the CA's policy at once."""
    share = plain.shared()
    (one,) = plain("list_resource_share_permissions", resourceShareArn=share)["permissions"]
    assert (one["arn"], one["version"], one["status"]) == (DEFAULT, "1", "ASSOCIATED")
    message = plain.refused(
        "InvalidParameterException", "associate_resource_share_permission",
        resourceShareArn=share, permissionArn=REVOKE,
    )  # fmt: skip
    assert "replace" in message
    plain(
        "associate_resource_share_permission", resourceShareArn=share, permissionArn=REVOKE,
        replace=True,
    )  # fmt: skip
    (statement,) = plain.policy()
    assert statement["Action"][0] == "acm-pca:RevokeCertificate"
    assert not plain.may(operation="issue_certificate", **plain.order())
    theirs = plain("list_resource_share_permissions", "consumer", resourceShareArn=share)
    assert theirs["permissions"][0]["arn"] == REVOKE
    plain.refused(
        "UnknownResourceException", "list_resource_share_permissions", "third",
        resourceShareArn=share,
    )  # fmt: skip


def test_a_permission_leaves_a_share_only_after_its_resources(plain):
    """And one that is not in it does not leave it."""
    share = plain.shared()
    named = {"resourceShareArn": share, "permissionArn": DEFAULT}
    plain.refused(
        "InvalidStateTransitionException", "disassociate_resource_share_permission", **named
    )
    plain("disassociate_resource_share", resourceShareArn=share, resourceArns=[plain.ca])
    assert plain("disassociate_resource_share_permission", **named)["returnValue"] is True
    plain.refused("UnknownResourceException", "disassociate_resource_share_permission", **named)
    plain("associate_resource_share_permission", resourceShareArn=share, permissionArn=REVOKE)
    plain("associate_resource_share", resourceShareArn=share, resourceArns=[plain.ca])
    (statement,) = plain.policy()
    assert statement["Action"][0] == "acm-pca:RevokeCertificate"


def test_a_new_version_is_for_new_shares(plain):
    """Shares that are there keep theirs until they are told to change."""
    arn = create(plain)
    share = plain.shared(permissionArns=[arn])
    assert plain.may()
    made = plain("create_permission_version", permissionArn=arn, policyTemplate=ALL)["permission"]
    assert (made["version"], made["defaultVersion"]) == ("2", True)
    assert plain.may()
    plain.refused(
        "InvalidParameterException", "associate_resource_share_permission",
        resourceShareArn=share, permissionArn=arn, replace=True, permissionVersion=1,
    )  # fmt: skip
    plain(
        "associate_resource_share_permission", resourceShareArn=share, permissionArn=arn,
        replace=True,
    )  # fmt: skip
    assert not plain.may()
    assert plain.may(operation="list_tags")
    versions = plain("list_permission_versions", permissionArn=arn)["permissions"]
    assert [each["version"] for each in versions] == ["1", "2"]
    (one,) = plain("list_permission_associations", permissionArn=arn)["permissions"]
    assert (one["permissionVersion"], one["resourceShareArn"]) == ("2", share)
    assert plain("list_permission_associations", permissionVersion=1)["permissions"] == []


def test_a_version_is_deleted_once_nothing_needs_it(plain):
    """Neither the default nor one that a share has; at most five at a time."""
    arn = create(plain)
    share = plain.shared(permissionArns=[arn])
    for _ in range(4):
        plain("create_permission_version", permissionArn=arn, policyTemplate=ALL)
    plain.refused(
        "PermissionVersionsLimitExceededException", "create_permission_version",
        permissionArn=arn, policyTemplate=ALL,
    )  # fmt: skip
    for number in (1, 5):  # a share's, the default
        plain.refused(
            "OperationNotPermittedException", "delete_permission_version", permissionArn=arn,
            permissionVersion=number,
        )  # fmt: skip
    plain("set_default_permission_version", permissionArn=arn, permissionVersion=2)
    done = plain("delete_permission_version", permissionArn=arn, permissionVersion=5)
    assert done["permissionStatus"] == "DELETED"
    made = plain("create_permission_version", permissionArn=arn, policyTemplate=ALL)
    assert made["permission"]["version"] == "6"
    plain.refused("OperationNotPermittedException", "delete_permission", permissionArn=arn)
    plain("delete_resource_share", resourceShareArn=share)
    assert plain("delete_permission", permissionArn=arn)["returnValue"] is True
    plain.refused("UnknownResourceException", "get_permission", permissionArn=arn)


def test_awss_own_permissions_are_not_the_customers_to_change(plain):
    """Neither versions nor deletion."""
    for operation, members in (
        ("delete_permission", {}),
        ("create_permission_version", {"policyTemplate": READ}),
        ("set_default_permission_version", {"permissionVersion": 1}),
    ):
        plain.refused("OperationNotPermittedException", operation, permissionArn=DEFAULT, **members)


def test_a_permissions_name_is_taken_once_and_ten_are_enough(plain):
    """Per account and Region; a token makes one."""
    assert create(plain, clientToken="t") == create(plain, clientToken="t")
    plain.refused(
        "PermissionAlreadyExistsException", "create_permission", name="Read", resourceType=CA,
        policyTemplate=READ,
    )  # fmt: skip
    for number in range(9):
        create(plain, f"Read{number}")
    plain.refused(
        "PermissionLimitExceededException", "create_permission", name="More", resourceType=CA,
        policyTemplate=READ,
    )  # fmt: skip
    plain("create_permission", "consumer", name="Read", resourceType=CA, policyTemplate=READ)


def test_a_permission_can_be_tagged(plain):
    """By its ARN; AWS's own cannot."""
    arn = create(plain, tags=[{"key": "a", "value": "b"}])
    plain("tag_resource", resourceArn=arn, tags=[{"key": "c", "value": "d"}])
    plain("untag_resource", resourceArn=arn, tagKeys=["a"])
    found = plain("get_permission", permissionArn=arn)["permission"]
    assert found["tags"] == [{"key": "c", "value": "d"}]
    plain.refused(
        "OperationNotPermittedException", "tag_resource", resourceArn=DEFAULT,
        tags=[{"key": "c", "value": "d"}],
    )  # fmt: skip
    plain.refused("InvalidParameterException", "tag_resource", tags=[{"key": "c", "value": "d"}])


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("list_permissions", {"resourceType": "ec2:Subnet"}),
        (
            "create_permission",
            {"name": "x", "resourceType": "ec2:Subnet", "policyTemplate": READ},
        ),
        ("list_resources", {"resourceOwner": "SELF", "resourceType": "ec2:Subnet"}),
        (
            "replace_permission_associations",
            {"fromPermissionArn": DEFAULT, "toPermissionArn": REVOKE},
        ),
        ("list_replace_permission_associations_work", {}),
        ("update_permission", {"permissionArn": DEFAULT, "status": "DEPRECATED"}),
        (
            "get_permission",
            {"permissionArn": DEFAULT, "permissionTemplateParameters": [{"name": "x"}]},
        ),
    ],
)
def test_what_is_not_modelled_is_refused(plain, operation, members):
    """Other resource types, parameters of templates, replacing everywhere at once."""
    assert "is not simulated by pkilab" in plain.refused("NotImplemented", operation, **members)


def test_policies_can_ask_what_is_shared_with_whom(strict):
    """ram:Principal, ram:RequestedResourceType and the name of a share."""
    iam = strict.client("iam")
    iam.create_user(UserName="sharer")
    allowed = {
        "Effect": "Allow",
        "Action": "ram:CreateResourceShare",
        "Resource": "*",
        "Condition": {
            "StringEquals": {"ram:Principal": CONSUMER, "ram:RequestedResourceType": CA},
            "Bool": {"ram:RequestedAllowsExternalPrincipals": "true"},
        },
    }
    named = {
        "Effect": "Allow",
        "Action": "ram:DeleteResourceShare",
        "Resource": "*",
        "Condition": {"StringEquals": {"ram:ResourceShareName": "mine"}},
    }
    document = {"Version": "2012-10-17", "Statement": [allowed, named]}
    iam.put_user_policy(UserName="sharer", PolicyName="p", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="sharer")["AccessKey"]
    ram = strict.lab.client("ram", credentials=key)
    made = ram.create_resource_share(name="mine", resourceArns=[strict.ca], principals=[CONSUMER])
    other = strict.share(CONSUMER, name="other")
    for principals in ([], [OWNER[::-1]], [CONSUMER, OWNER[::-1]]):
        with pytest.raises(ram.exceptions.ClientError, match="AccessDeniedException"):
            ram.create_resource_share(name="x", resourceArns=[strict.ca], principals=principals)
    with pytest.raises(ram.exceptions.ClientError, match="AccessDeniedException"):
        ram.delete_resource_share(resourceShareArn=other)
    ram.delete_resource_share(resourceShareArn=made["resourceShare"]["resourceShareArn"])
