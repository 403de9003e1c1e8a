"""What each side sees."""

import json

import pytest

from tests.simulator.ram.conftest import CONSUMER, OWNER, THIRD

CA = "acm-pca:CertificateAuthority"


def test_owner_and_consumer_see_a_share_from_their_sides(sharing):
    """SELF for the one, OTHER-ACCOUNTS for the other, and nothing for a third."""
    share = sharing.shared()
    sides = [("owner", "SELF", CONSUMER), ("consumer", "OTHER-ACCOUNTS", OWNER)]
    for account, side, principal in sides:
        (found,) = sharing("get_resource_shares", account, resourceOwner=side)["resourceShares"]
        assert (found["resourceShareArn"], found["owningAccountId"]) == (share, OWNER)
        (resource,) = sharing("list_resources", account, resourceOwner=side)["resources"]
        assert (resource["arn"], resource["type"], resource["status"]) == (
            sharing.ca, CA, "AVAILABLE",
        )  # fmt: skip
        (one,) = sharing("list_principals", account, resourceOwner=side)["principals"]
        assert (one["id"], one["resourceShareArn"], one["external"]) == (principal, share, True)
    for account, side in (("owner", "OTHER-ACCOUNTS"), ("consumer", "SELF"), ("third", "SELF"),
                          ("third", "OTHER-ACCOUNTS")):  # fmt: skip
        assert sharing("get_resource_shares", account, resourceOwner=side)["resourceShares"] == []
        assert sharing("list_resources", account, resourceOwner=side)["resources"] == []
        assert sharing("list_principals", account, resourceOwner=side)["principals"] == []


def test_associations_are_the_owners_to_see(plain):
    """By kind, entity and state."""
    share = plain.shared()

    def associations(kind, account="owner", **more):
        return plain("get_resource_share_associations", account, associationType=kind, **more)[
            "resourceShareAssociations"
        ]

    (resource,) = associations("RESOURCE")
    assert resource == {
        "resourceShareArn": share,
        "resourceShareName": "Shared_Private_CA",
        "associatedEntity": plain.ca,
        "associationType": "RESOURCE",
        "status": "ASSOCIATED",
        "creationTime": plain.lab.clock.now(),
        "lastUpdatedTime": plain.lab.clock.now(),
        "external": False,
    }
    assert len(associations("PRINCIPAL", principal=CONSUMER)) == 1
    assert associations("PRINCIPAL", principal=THIRD) == []
    assert associations("PRINCIPAL", associationStatus="ASSOCIATING") == []
    assert len(associations("RESOURCE", resourceArn=plain.ca)) == 1
    assert associations("RESOURCE", "consumer") == []
    for kind, wrong in (("PRINCIPAL", {"resourceArn": plain.ca}), ("RESOURCE", {"principal": "x"})):
        message = plain.refused(
            "InvalidParameterException", "get_resource_share_associations", associationType=kind,
            **wrong,
        )  # fmt: skip
        assert f"when the association type is {kind}" in message
    plain.refused(
        "UnknownResourceException", "get_resource_share_associations", "consumer",
        associationType="RESOURCE", resourceShareArns=[share],
    )  # fmt: skip


def test_shares_are_found_by_name_state_tag_and_permission(plain):
    """Filters that do not fit leave nothing."""
    share = plain.share(CONSUMER, tags=[{"key": "a", "value": "b"}])
    default = "arn:aws:ram::aws:permission/AWSRAMDefaultPermissionCertificateAuthority"
    for fits, filters in (
        (True, {"name": "Shared_Private_CA"}), (False, {"name": "x"}),
        (True, {"resourceShareStatus": "ACTIVE"}), (False, {"resourceShareStatus": "DELETED"}),
        (True, {"tagFilters": [{"tagKey": "a", "tagValues": ["b"]}]}),
        (True, {"tagFilters": [{"tagKey": "a"}]}),
        (False, {"tagFilters": [{"tagKey": "a", "tagValues": ["c"]}]}),
        (False, {"tagFilters": [{"tagKey": "b"}]}),
        (True, {"permissionArn": default}), (True, {"resourceShareArns": [share]}),
        (False, {"permissionArn": default, "permissionVersion": 2}),
    ):  # fmt: skip
        found = plain("get_resource_shares", resourceOwner="SELF", **filters)["resourceShares"]
        assert len(found) == fits, filters
    plain.refused(
        "MalformedArnException", "get_resource_shares", resourceOwner="SELF",
        resourceShareArns=["x"],
    )  # fmt: skip
    plain.refused(
        "UnknownResourceException", "get_resource_shares", resourceOwner="OTHER-ACCOUNTS",
        resourceShareArns=[share],
    )  # fmt: skip


def test_lists_come_in_pages(plain):
    """Each item once; a token of another list is refused."""
    for number in range(3):
        plain("create_resource_share", name=str(number))
    pages = (
        plain.client("ram")
        .get_paginator("get_resource_shares")
        .paginate(resourceOwner="SELF", PaginationConfig={"PageSize": 2})
    )
    assert [[each["name"] for each in page["resourceShares"]] for page in pages] == [
        ["0", "1"], ["2"],
    ]  # fmt: skip
    token = plain("get_resource_shares", resourceOwner="SELF", maxResults=2)["nextToken"]
    for account, wrong in (("owner", "x"), ("consumer", token)):
        plain.refused(
            "InvalidNextTokenException", "get_resource_shares", account, resourceOwner="SELF",
            nextToken=wrong,
        )  # fmt: skip


def test_each_share_has_its_own_policy_for_a_ca(plain):
    """GetResourcePolicies has one text for each, and only of the account's own CAs."""
    plain.shared()
    plain.share(THIRD, name="second")
    plain.accept("third")
    texts = plain("get_resource_policies", resourceArns=[plain.ca])["policies"]
    assert [json.loads(each)["Statement"][0]["Principal"]["AWS"] for each in texts] == [
        [f"arn:aws:iam::{account}:root"] for account in (CONSUMER, THIRD)
    ]
    assert sum(len(json.loads(each)["Statement"]) for each in texts) == len(plain.policy())
    one = plain("get_resource_policies", resourceArns=[plain.ca], principal=THIRD)["policies"]
    assert one == texts[1:]
    plain.refused(
        "ResourceArnNotFoundException", "get_resource_policies", "consumer",
        resourceArns=[plain.ca],
    )  # fmt: skip


@pytest.mark.parametrize("scope", ["ALL", "REGIONAL", "GLOBAL"])
def test_private_cas_are_regional(plain, scope):
    """The one type that can be shared here."""
    plain.shared()
    found = plain("list_resource_types", resourceRegionScope=scope)["resourceTypes"]
    resources = plain("list_resources", resourceOwner="SELF", resourceRegionScope=scope)
    assert len(found) == len(resources["resources"]) == (scope != "GLOBAL")
    for each in found:
        assert each == {
            "resourceType": CA, "serviceName": "acm-pca", "resourceRegionScope": "REGIONAL",
        }  # fmt: skip


def test_a_ca_that_is_gone_is_unavailable(plain):
    """The share stays, and shares nothing."""
    plain.shared()
    pca = plain.client("acm-pca")
    pca.update_certificate_authority(CertificateAuthorityArn=plain.ca, Status="DISABLED")
    pca.delete_certificate_authority(
        CertificateAuthorityArn=plain.ca, PermanentDeletionTimeInDays=7
    )
    plain.lab.clock.advance(days=8)
    (found,) = plain("list_resources", "consumer", resourceOwner="OTHER-ACCOUNTS")["resources"]
    assert found["status"] == "UNAVAILABLE"
    assert not plain.may()
