import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.simulator.service import AwsError

ACM = "acm.amazonaws.com"
ALL = ["IssueCertificate", "GetCertificate", "ListPermissions"]
OTHER = "444455556666"
READS = [
    "acm-pca:DescribeCertificateAuthority", "acm-pca:GetCertificate",
    "acm-pca:GetCertificateAuthorityCertificate", "acm-pca:ListPermissions", "acm-pca:ListTags",
]  # fmt: skip


# Permissions


def test_a_permission_is_created_listed_and_deleted(pca):
    arn = pca.create()
    member = {"CertificateAuthorityArn": arn}
    assert pca("ListPermissions", **member)["Permissions"] == []
    pca("CreatePermission", Principal=ACM, Actions=ALL, **member)
    (permission,) = pca("ListPermissions", **member)["Permissions"]
    assert permission == {
        "CertificateAuthorityArn": arn,
        "CreatedAt": pca.now.timestamp(),
        "Principal": ACM,
        "SourceAccount": "111122223333",
        "Actions": ALL,
    }
    pca.refused(
        "PermissionAlreadyExistsException",
        "CreatePermission",
        Principal=ACM,
        Actions=ALL[:1],
        **member,
    )
    pca("DeletePermission", Principal=ACM, **member)
    pca.refused("ResourceNotFoundException", "DeletePermission", Principal=ACM, **member)


def test_a_permission_is_for_acm_and_the_owners_account_only(pca):
    member = {"CertificateAuthorityArn": pca.create(), "Actions": ALL}
    pca.refused("ValidationException", "CreatePermission", Principal="ec2.amazonaws.com", **member)
    pca.refused(
        "ValidationException", "CreatePermission", Principal=ACM, SourceAccount=OTHER, **member
    )
    pca("CreatePermission", Principal=ACM, SourceAccount="111122223333", **member)


def test_a_service_issues_with_permission_only_and_is_named_in_the_record(pca):
    root = pca.root()
    with pytest.raises(AwsError) as caught:
        pca.order(root, principal=ACM)
    assert caught.value.code == "AccessDeniedException"
    pca(
        "CreatePermission",
        CertificateAuthorityArn=root,
        Principal=ACM,
        Actions=["IssueCertificate"],
    )
    arn = pca.order(root, principal=ACM)
    (authority,) = pca.service.authorities()
    assert authority.issued[int(arn.rpartition("/")[2], 16)].requested_by == ACM
    member = {"CertificateAuthorityArn": root}
    pca.refused(
        "AccessDeniedException", "GetCertificate", principal=ACM, CertificateArn=arn, **member
    )
    pca.refused("AccessDeniedException", "ListPermissions", principal=ACM, **member)


# Resource policies


def statement(arn, **members):
    """A statement that shares the reads."""
    return {
        "Effect": "Allow",
        "Principal": {"AWS": OTHER},
        "Action": READS,
        "Resource": arn,
        **members,
    }


def policy(*statements, version="2012-10-17"):
    """A policy document."""
    return json.dumps({"Version": version, "Statement": list(statements)})


def issuing(arn, **members):
    """AWS's second statement."""
    template = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
    condition = {"StringEquals": {"acm-pca:TemplateArn": template}}
    action = {"Action": "acm-pca:IssueCertificate", "Condition": condition}
    return statement(arn, **{**action, **members})


def test_a_policy_is_put_read_replaced_and_deleted(pca):
    arn = pca.create()
    pca.refused("ResourceNotFoundException", "GetPolicy", ResourceArn=arn)
    pca("DeletePolicy", ResourceArn=arn)
    for text in (policy(statement(arn), issuing(arn)), policy(statement(arn))):
        pca("PutPolicy", ResourceArn=arn, Policy=text)
        assert pca("GetPolicy", ResourceArn=arn)["Policy"] == text
    pca("DeletePolicy", ResourceArn=arn)
    pca.refused("ResourceNotFoundException", "GetPolicy", ResourceArn=arn)


def test_the_shapes_that_aws_and_ram_use_are_accepted(pca):
    arn = pca.create()
    organization = {
        "StringEquals": {"aws:PrincipalOrgID": "o-1"},
        "StringNotEquals": {"aws:PrincipalAccount": "111122223333"},
    }
    for one in [
        statement(arn, Sid="1"),
        statement(arn, Resource=[arn]),
        statement(arn, Principal="*", Condition=organization),
        statement(arn, Principal={"AWS": ["*"]}, Condition=organization),
        statement(arn, Principal={"Service": "pca-connector-ad.amazonaws.com"},
                  Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        statement(arn, Action="acm-pca:RevokeCertificate"),
        statement(arn, Effect="Deny", Action="acm-pca:IssueCertificate"),
    ]:  # fmt: skip
        pca("PutPolicy", ResourceArn=arn, Policy=policy(one))


@pytest.mark.parametrize(
    "change",
    [
        {"Action": "acm-pca:DeleteCertificateAuthority"},
        {"Action": "acm-pca:*"},
        {"Action": ["acm-pca:GetCertificate", 7]},
        {"Action": []},
        {"Resource": "*"},
        {"Resource": "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/x"},
        {"Resource": None},
        {"Effect": "allow"},
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": []}},
        {"Principal": {"Federated": "x"}},
        {"Principal": {}},
        {"Principal": None},
        {"Condition": []},
        {"Condition": {"StringEquals": "x"}},
        {"NotAction": "acm-pca:GetCertificate"},
    ],
    ids=str,
)
def test_a_statement_that_cannot_be_is_an_invalid_policy(pca, change):
    arn = pca.create()
    text = policy({**statement(arn), **change})
    pca.refused("InvalidPolicyException", "PutPolicy", ResourceArn=arn, Policy=text)


@pytest.mark.parametrize(
    "text",
    ["x", "[]", "7", '{"Version": "2012-10-17"}', policy(version="2008-10-17"), policy(),
     policy(7), "[" * 9000],
)  # fmt: skip
def test_a_text_that_is_no_policy_is_an_invalid_policy(pca, text):
    pca.refused("InvalidPolicyException", "PutPolicy", ResourceArn=pca.create(), Policy=text)


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "111122223333"},
        {"AWS": "arn:aws:iam::111122223333:root"},
        {"AWS": [OTHER, "arn:aws:iam::111122223333:user/someone"]},
    ],
    ids=str,
)
def test_an_owner_cannot_lock_itself_out(pca, principal):
    arn = pca.create()
    text = policy(statement(arn, Effect="Deny", Principal=principal))
    pca.refused("LockoutPreventedException", "PutPolicy", ResourceArn=arn, Policy=text)
    anybody = statement(arn, Effect="Deny", Principal="*", Condition={"Bool": {"x": "true"}})
    pca.refused("LockoutPreventedException", "PutPolicy", ResourceArn=arn, Policy=policy(anybody))


def test_the_exact_shape_can_be_insisted_on(open_pca):
    pca = open_pca(exact_policies=True)
    arn = pca.create()
    pca("PutPolicy", ResourceArn=arn, Policy=policy(statement(arn), issuing(arn)))
    for statements in [
        [statement(arn)],
        [issuing(arn), statement(arn)],
        [statement(arn), issuing(arn), statement(arn)],
        [statement(arn, Action=READS[:4]), issuing(arn)],
        [statement(arn), issuing(arn, Condition={"StringLike": {"acm-pca:TemplateArn": "x"}})],
        [statement(arn), issuing(arn, Principal={"AWS": "777788889999"})],
        [statement(arn), issuing(arn, Effect="Deny")],
    ]:
        text = policy(*statements)
        pca.refused("InvalidPolicyException", "PutPolicy", ResourceArn=arn, Policy=text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
KEYS = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.data())
def test_any_document_is_stored_or_refused_as_aws_refuses(pca, data):
    arn = pca.create() if not getattr(pca, "arn", None) else pca.arn
    pca.arn = arn
    key = data.draw(st.sampled_from(KEYS))
    one = {**statement(arn), key: data.draw(JSON)}
    text = json.dumps({"Version": "2012-10-17", "Statement": data.draw(st.sampled_from(
        [one, [one], [one, issuing(arn)], data.draw(JSON)]))})  # fmt: skip
    try:
        pca("PutPolicy", ResourceArn=arn, Policy=text)
    except AwsError as error:
        # NotImplemented: it may well be a policy, and says what is not modelled.
        known = {"InvalidPolicyException", "NotImplemented", "ValidationException"}
        assert error.code in known
