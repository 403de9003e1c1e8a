"""What the consumer may, action by action, by the permission of the share."""

import pytest

from pkilab.simulator.acmpca.templates import find_template
from pkilab.simulator.ram import permissions
from pkilab.simulator.service import service_model
from tests.simulator.ram.conftest import CONSUMER, TEMPLATE

PREFIX = "arn:aws:ram::aws:permission/AWSRAM"
READS = {
    "describe_certificate_authority", "get_certificate", "get_certificate_authority_certificate",
    "list_permissions", "list_tags",
}  # fmt: skip
NEVER = {
    "create_certificate_authority_audit_report": {
        "S3BucketName": "bucket", "AuditReportResponseFormat": "JSON",
    },
    "create_permission": {"Principal": "acm.amazonaws.com", "Actions": ["IssueCertificate"]},
    "delete_certificate_authority": {},
    "delete_permission": {"Principal": "acm.amazonaws.com"},
    "describe_certificate_authority_audit_report": {
        "AuditReportId": "11111111-2222-4333-8444-555555555555",
    },
    "get_certificate_authority_csr": {},
    "import_certificate_authority_certificate": {"Certificate": b"x"},
    "restore_certificate_authority": {},
    "tag_certificate_authority": {"Tags": [{"Key": "a", "Value": "b"}]},
    "untag_certificate_authority": {"Tags": [{"Key": "a"}]},
    "update_certificate_authority": {"Status": "DISABLED"},
}  # fmt: skip
POLICY = ("delete_policy", "get_policy", "put_policy")


def certificate(sharing):
    """Return the ARN of a certificate that the owner issued."""
    return sharing("issue_certificate", service="acm-pca", **sharing.order())["CertificateArn"]


def arguments(sharing, operation):
    if operation == "get_certificate":
        return {"CertificateArn": certificate(sharing)}
    return {}


def test_the_default_permission_allows_five_reads_and_one_template(sharing):
    """Each of them, and each other action of the API is refused with AWS's sentence."""
    sharing.shared()
    for operation in sorted(READS):
        assert sharing.may(operation=operation, **arguments(sharing, operation)), operation
    assert sharing.may(operation="issue_certificate", **sharing.order())
    assert sharing.may(operation="issue_certificate", **sharing.order("EndEntityCertificate"))
    for operation, members in NEVER.items():
        message = sharing.refused(
            "AccessDeniedException", operation, "consumer", "acm-pca",
            CertificateAuthorityArn=sharing.ca, **members,
        )  # fmt: skip
        action = "".join(part.title() for part in operation.split("_"))
        assert message.endswith(
            f"because no resource-based policy allows the acm-pca:{action} action"
        )
    for operation in POLICY:
        members = {"Policy": "{}"} if operation == "put_policy" else {}
        sharing.refused(
            "AccessDeniedException", operation, "consumer", "acm-pca", ResourceArn=sharing.ca,
            **members,
        )  # fmt: skip
    serial = certificate(sharing).rpartition("/")[2]
    revocation = {"CertificateSerial": serial, "RevocationReason": "SUPERSEDED"}
    assert not sharing.may(operation="revoke_certificate", **revocation)


def test_every_operation_on_a_ca_is_tried():
    """So that the table above has no gap."""
    tried = {*READS, *NEVER, *POLICY, "issue_certificate", "revoke_certificate"}
    model = service_model("acm-pca")
    named = {
        name
        for name in model.operation_names
        if {"CertificateAuthorityArn", "ResourceArn"}
        & set(model.operation_model(name).input_shape.members)
    }
    assert {"".join(part.title() for part in each.split("_")) for each in tried} == named


ISSUING = {
    "DefaultPermissionCertificateAuthority": "EndEntityCertificate",
    "BlankEndEntityCertificateAPICSRPassthroughIssuanceCertificateAuthority": (
        "BlankEndEntityCertificate_APICSRPassthrough"
    ),
    "BlankEndEntityCertificateAPIPassthroughIssuanceCertificateAuthority": (
        "BlankEndEntityCertificate_APIPassthrough"
    ),
    "SubordinateCACertificatePathLen0IssuanceCertificateAuthority": (
        "SubordinateCACertificate_PathLen0"
    ),
    "RevokeCertificateCertificateAuthority": None,
}


@pytest.mark.parametrize("name", ISSUING)
def test_each_permission_of_awss_allows_its_template_alone(plain, name):
    """The one in its name; the one for revocation allows none."""
    plain.shared(permissionArns=[PREFIX + name])
    for template in filter(None, ISSUING.values()):
        may = plain.may(operation="issue_certificate", **plain.order(template))
        assert may is (template == ISSUING[name]), template
    assert plain.may()


def test_a_customers_permission_may_read_and_revoke_without_issuing(plain):
    """Any of the seven actions; and the condition is as written."""
    template = (
        '{"Effect": "Allow", "Action": ["acm-pca:IssueCertificate"], "Condition": '
        '{"StringLike": {"acm-pca:TemplateArn": "arn:aws:acm-pca:::template/EndEntity*"}}}'
    )
    made = plain(
        "create_permission", name="Ends", resourceType="acm-pca:CertificateAuthority",
        policyTemplate=template,
    )["permission"]  # fmt: skip
    plain.shared(permissionArns=[made["arn"]])
    assert not plain.may()
    for name, may in (
        ("EndEntityCertificate", True), ("EndEntityClientAuthCertificate", True),
        ("CodeSigningCertificate", False),
    ):  # fmt: skip
        assert plain.may(operation="issue_certificate", **plain.order(name)) is may
    (statement,) = plain.policy()
    condition = {"StringLike": {"acm-pca:TemplateArn": TEMPLATE.format("x")[:-4] + "EndEntity*"}}
    assert statement["Condition"] == condition


def test_an_account_gets_no_more_of_another_than_the_share_allows(sharing):
    """A token of one account's is nothing to the other; any certificate of the CA can be read."""
    sharing.shared()
    token = {"IdempotencyToken": "same"}
    own = sharing("issue_certificate", service="acm-pca", **sharing.order(), **token)
    theirs = sharing("issue_certificate", "consumer", "acm-pca", **sharing.order(), **token)
    assert own["CertificateArn"] != theirs["CertificateArn"]
    for account in ("owner", "consumer"):
        for one in (own, theirs):
            assert sharing.may(account, "get_certificate", CertificateArn=one["CertificateArn"])
    assert not sharing.may("third", "get_certificate", CertificateArn=own["CertificateArn"])
    listed = sharing("list_certificate_authorities", "consumer", "acm-pca")
    assert listed["CertificateAuthorities"] == []
    (shared,) = sharing(
        "list_certificate_authorities", "consumer", "acm-pca", ResourceOwner="OTHER_ACCOUNTS"
    )["CertificateAuthorities"]
    assert shared["Arn"] == sharing.ca
    for other in ("owner", "third"):
        found = sharing(
            "list_certificate_authorities", other, "acm-pca", ResourceOwner="OTHER_ACCOUNTS"
        )
        assert found["CertificateAuthorities"] == []


def test_a_ca_that_is_not_there_is_denied_like_one_that_is_not_shared(sharing):
    """Nobody learns which CAs another account has."""
    gone = sharing.ca[:-12] + "000000000000"
    message = sharing.refused(
        "AccessDeniedException", "describe_certificate_authority", "consumer", "acm-pca",
        CertificateAuthorityArn=gone,
    )  # fmt: skip
    assert "no resource-based policy allows" in message
    sharing.refused(
        "ResourceNotFoundException", "describe_certificate_authority", "owner", "acm-pca",
        CertificateAuthorityArn=gone,
    )  # fmt: skip


def test_the_consumers_own_policies_count_where_they_are_enforced(strict):
    """Both sides must allow: a user without a policy may nothing on the shared CA."""
    strict.shared()
    iam = strict.client("iam", "consumer")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    pca = strict.lab.client("acm-pca", credentials=key)
    with pytest.raises(pca.exceptions.ClientError, match="no identity-based policy allows"):
        pca.describe_certificate_authority(CertificateAuthorityArn=strict.ca)


def test_both_accounts_see_the_call_in_their_trail(plain):
    """The consumer's under its user's name, the owner's under its account."""
    plain.shared()
    plain("issue_certificate", "consumer", "acm-pca", **plain.order())
    asked = [{"AttributeKey": "EventName", "AttributeValue": "IssueCertificate"}]
    theirs, own = (
        plain("lookup_events", each, "cloudtrail", LookupAttributes=asked)["Events"][0]
        for each in ("consumer", "owner")
    )
    assert '"sharedEventID"' in own["CloudTrailEvent"]
    assert theirs["Username"] == "learner"
    assert "Username" not in own
    assert f'"recipientAccountId":"{CONSUMER}"' in theirs["CloudTrailEvent"]


def test_the_templates_are_those_of_the_private_ca():
    """Every template that a permission names exists."""
    found = [each for one in permissions.aws_managed().values() for each in one.current.statements]
    arns = [
        each["Condition"]["StringEquals"]["acm-pca:TemplateArn"]
        for each in found
        if "Condition" in each
    ]
    assert len(arns) == 4
    assert all(find_template(arn, "aws") for arn in arns)
