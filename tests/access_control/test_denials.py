"""AWS's refusals, taken apart."""

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st

from pkilab.access_control import is_denial, of_error, read_message
from pkilab.errors import MalformedError

USER = "arn:aws:iam::123456789012:user/JohnDoe"
OBJECT = "arn:aws:s3:::amzn-s3-demo-bucket/a"

# From the IAM User Guide, "Troubleshoot access denied error messages", the S3 User Guide,
# "Troubleshoot access denied (403 Forbidden) errors", and messages quoted in public issues.
SENTENCES = [
    (
        f"User: {USER} is not authorized to perform: codecommit:ListRepositories because no "
        "identity-based policy allows the codecommit:ListRepositories action",
        (USER, "codecommit:ListRepositories", None, "identity", False, None),
    ),
    (
        f"User: {USER} is not authorized to perform: codedeploy:ListDeployments on resource: "
        "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:* with an explicit deny in a "
        "resource control policy",
        (USER, "codedeploy:ListDeployments",
         "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:*", "resource control", True,
         None),
    ),
    (
        f'User: {USER} is not authorized to perform: s3:GetObject on resource: "{OBJECT}" because '
        "no session policy allows the s3:GetObject action",
        (USER, "s3:GetObject", OBJECT, "session", False, None),
    ),
    (
        f'User: {USER} is not authorized to perform: s3:GetObject on resource: "{OBJECT}" because '
        "no VPC endpoint policy allows the s3:GetObject action",
        (USER, "s3:GetObject", OBJECT, "endpoint", False, None),
    ),
    (
        f"User: {USER} is not authorized to perform: iam:CreateRole on resource: * because no "
        "permissions boundary allows the iam:CreateRole action",
        (USER, "iam:CreateRole", "*", "boundary", False, None),
    ),
    (
        f"User: {USER} is not authorized to perform: iam:CreateRole on resource: * with an "
        "explicit deny in a permissions boundary: arn:aws:iam::123456789012:policy/Bound",
        (USER, "iam:CreateRole", "*", "boundary", True, "arn:aws:iam::123456789012:policy/Bound"),
    ),
    (
        f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: "
        "arn:aws:iam::123456789012:role/r because no role trust policy allows the sts:AssumeRole "
        "action",
        (USER, "sts:AssumeRole", "arn:aws:iam::123456789012:role/r", "trust", False, None),
    ),
    (
        f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: "
        "arn:aws:iam::123456789012:role/r with an explicit deny in the role trust policy",
        (USER, "sts:AssumeRole", "arn:aws:iam::123456789012:role/r", "trust", True, None),
    ),
    (
        f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: "
        "arn:aws:iam::123456789012:role/r",
        (USER, "sts:AssumeRole", "arn:aws:iam::123456789012:role/r", None, None, None),
    ),
    (
        "You are not authorized to perform this operation. User: "
        "arn:aws:sts::123456789012:assumed-role/Dev/ana@example.com is not authorized\n  to "
        "perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:123456789012:instance/* "
        "with an explicit deny in a service control policy: arn:aws:organizations::111122223333:"
        "policy/o-example/service_control_policy/p-guard. Encoded authorization failure message: "
        "XQ_jq",
        ("arn:aws:sts::123456789012:assumed-role/Dev/ana@example.com", "ec2:RunInstances",
         "arn:aws:ec2:eu-west-1:123456789012:instance/*", "service control", True,
         "arn:aws:organizations::111122223333:policy/o-example/service_control_policy/p-guard"),
    ),
    (
        f"User: {USER} is not authorized to perform: kms:DescribeKey on this resource because the "
        "resource does not exist in this Region, no resource-based policies allow access, or a "
        "resource-based policy explicitly denies access",
        (USER, "kms:DescribeKey", None, None, None, None),
    ),
    (
        f"User: {USER} is not authorized to perform: states:StartExecution on resource: "
        "arn:aws:states:us-east-1:123456789012:stateMachine:run.",
        (USER, "states:StartExecution", "arn:aws:states:us-east-1:123456789012:stateMachine:run",
         None, None, None),
    ),
    ("Access Denied", (None, None, None, None, None, None)),
    ("", (None, None, None, None, None, None)),
]  # fmt: skip


def error(code, message="Access Denied"):
    return ClientError({"Error": {"Code": code, "Message": message}}, "Sign")


@pytest.mark.parametrize(("message", "told"), SENTENCES)
def test_each_of_awss_sentences_says_what_it_says(message, told):
    """And keeps quiet about the rest."""
    found = of_error(error("AccessDeniedException", message))
    assert (
        found.principal, found.action, found.resource, found.kind, found.explicit, found.policy
    ) == told  # fmt: skip
    assert (found.code, found.message) == ("AccessDeniedException", message)


@pytest.mark.parametrize("code", ["AccessDenied", "UnauthorizedOperation", "403"])
def test_services_have_several_codes_for_it(code):
    """S3's HEAD has none but the status."""
    assert is_denial(error(code))
    assert of_error(error(code)).code == code


@pytest.mark.parametrize("code", ["NoSuchKey", "", "AccessDeniedForSure"])
def test_another_error_is_no_refusal_of_access(code):
    """Nor is anything that is no answer of AWS's."""
    assert not is_denial(error(code))
    with pytest.raises(MalformedError, match="expected an access denied error"):
        of_error(error(code))
    assert not is_denial(ValueError("AccessDenied"))


@given(
    st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(
                ["User: ", USER, " is not authorized to perform: ", "kms:Sign", " on resource: ",
                 '"', "*", " with an explicit deny in ", "a ", "service control policy", ": ",
                 " because no ", "identity-based policy", " allows the", ".", "\n", " "]
            )
        ).map("".join),
    )
)  # fmt: skip
@example("User: " * 3000)
@example("User: a is not authorized to perform: " + "x" * 5000)
def test_any_text_is_taken(message):
    """And what is told was in it."""
    found = read_message(message)
    assert found.message == message
    joined = " ".join(message.split())
    for part in (found.principal, found.action, found.resource, found.policy):
        assert part is None or part in joined


def test_the_worlds_refusals_are_read_as_they_were_meant(place):
    """Of services of several protocols, by the clients that hear them."""
    _, key = place.user("ana")
    calls = {
        "kms:ListKeys": lambda c: c("kms").list_keys(),
        "iam:ListUsers": lambda c: c("iam").list_users(),
        "s3:ListAllMyBuckets": lambda c: c("s3").list_buckets(),
        "acm-pca:ListCertificateAuthorities": lambda c: c("acm-pca").list_certificate_authorities(),
        "lambda:ListFunctions": lambda c: c("lambda").list_functions(),
        "route53:ListHostedZones": lambda c: c("route53").list_hosted_zones(),
    }
    for action, call in calls.items():
        found = place.verdict(
            lambda call=call: call(lambda name: place.lab.client(name, credentials=key))
        )
        assert (found.action, found.kind, found.explicit) == (action, "identity", False)
        assert found.principal.endswith(":user/ana")
