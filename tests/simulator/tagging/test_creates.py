"""Every create that takes a tag: it is there at once, can be found, and takes leave."""

import re

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from pkilab import tags
from tests.simulator.tagging.making import MAIN, MAKING

RUN = "20261126-221530-k3f9x2"
CREATES = [pytest.param(*each, id=":".join(each)) for each in sorted(tags._WAYS)]
# Where tags of what is called otherwise than by its name would be found.
LISTED = {
    ("iam", "CreateRole"): ("list_role_tags", {"RoleName": "r"}),
    ("iam", "CreateUser"): ("list_user_tags", {"UserName": "u"}),
}
OLDER = {"logs:TagResource": ["logs:TagLogGroup"]}  # is enough as well
KIND = {
    ("acm", "ImportCertificate"): "acm:certificate",
    ("acm", "RequestCertificate"): "acm:certificate",
    ("acm-pca", "CreateCertificateAuthority"): "acm-pca:certificate-authority",
    ("apigateway", "CreateDomainName"): "apigateway:domainnames",
    ("apigateway", "CreateRestApi"): "apigateway:restapis",
    ("apigatewayv2", "CreateApi"): "apigateway:apis",
    ("apigatewayv2", "CreateDomainName"): "apigateway:domainnames",
    ("cloudformation", "CreateStack"): "cloudformation:stack",
    ("cloudtrail", "CreateTrail"): "cloudtrail:trail",
    ("events", "CreateEventBus"): "events:event-bus",
    ("events", "PutRule"): "events:rule",
    ("iam", "CreatePolicy"): "iam:policy",
    ("iam", "CreateVirtualMFADevice"): "iam:mfa",
    ("kms", "CreateKey"): "kms:key",
    ("lambda", "CreateFunction"): "lambda:function",
    ("logs", "CreateLogGroup"): "logs:log-group",
    ("organizations", "CreateOrganizationalUnit"): "organizations:ou",
    ("organizations", "CreatePolicy"): "organizations:policy",
    ("ram", "CreatePermission"): "ram:permission",
    ("ram", "CreateResourceShare"): "ram:resource-share",
    ("s3", "CreateBucket"): "s3:bucket",
    ("secretsmanager", "CreateSecret"): "secretsmanager:secret",
    ("securityhub", "EnableSecurityHub"): "securityhub:hub",
    ("sns", "CreateTopic"): "sns:topic",
    ("sqs", "CreateQueue"): "sqs:queue",
    ("ssm", "PutParameter"): "ssm:parameter",
}


def create(client, service, operation, parameters, run=RUN):
    return getattr(client(service), xform_name(operation))(
        **tags.tagged(service, operation, parameters, run)
    )


def found(lab, *types, run=RUN):
    """Return the ARNs that the tagging API has for a run."""
    client = lab.client("resourcegroupstaggingapi")
    filters = [{"Key": tags.RUN, "Values": [run]}]
    pages = client.get_paginator("get_resources").paginate(
        TagFilters=filters, ResourceTypeFilters=list(types)
    )
    return [each["ResourceARN"] for page in pages for each in page["ResourceTagMappingList"]]


def test_every_create_of_the_table_is_tried():
    """Nothing is listed that the simulator has not shown to take a tag."""
    assert MAKING.keys() == tags._WAYS.keys()
    assert KIND.keys() | LISTED.keys() == tags._WAYS.keys()


@pytest.mark.parametrize(("service", "operation"), CREATES)
def test_a_tag_is_there_from_the_create_on_and_found(strict, service, operation):
    """By the tagging API, one resource of its type; of roles and users by IAM alone, as on AWS."""
    create(strict.client, service, operation, MAKING[service, operation](strict))
    if where := LISTED.get((service, operation)):
        method, named = where
        shown = getattr(strict.client(service), method)(**named)["Tags"]
        assert shown == [{"Key": tags.RUN, "Value": RUN}]
        assert found(strict) == []
        return
    (arn,) = found(strict, KIND[service, operation])
    assert arn in found(strict)
    assert found(strict, KIND[service, operation], run="another") == []
    assert found(strict, "ec2") == []


@pytest.mark.parametrize(("service", "operation"), CREATES)
def test_a_tag_takes_an_action_of_its_own(strict, person, service, operation):
    """Without it nothing is made, in the service's own words; without a tag it is not asked."""
    parameters = MAKING[service, operation](strict)
    action = tags.action_of(service, operation, parameters)
    may_all_else = person({"NotAction": [action, *OLDER.get(action, ())]})
    with pytest.raises(ClientError, match=f"(?i){re.escape(action)}") as refused:
        create(may_all_else, service, operation, parameters)
    assert refused.value.response["Error"]["Code"] in {
        "AccessDenied", "AccessDeniedException", "AuthorizationError",
    }  # fmt: skip
    assert found(strict) == []
    getattr(may_all_else(service), xform_name(operation))(**parameters)


@pytest.mark.parametrize(("service", "operation"), CREATES)
def test_a_policy_can_ask_which_tag_it_is(strict, person, service, operation):
    """aws:RequestTag and aws:TagKeys, of the action that the tag takes."""
    parameters = MAKING[service, operation](strict)
    action = tags.action_of(service, operation, parameters)
    # AWS's data has no condition keys for securityhub:TagResource; the create's own has them.
    asking = "securityhub:EnableSecurityHub" if service == "securityhub" else action
    of_the_run = {
        "StringEquals": {f"aws:RequestTag/{tags.RUN}": RUN},
        "ForAllValues:StringEquals": {"aws:TagKeys": [tags.RUN]},
    }
    somebody = person(
        {"NotAction": [asking, *OLDER.get(asking, ())]},
        {"Action": asking, "Condition": of_the_run},
    )
    with pytest.raises(ClientError, match=f"(?i){re.escape(asking)}"):
        create(somebody, service, operation, parameters, run="another")
    create(somebody, service, operation, parameters)
    if (service, operation) not in LISTED:
        assert found(strict, KIND[service, operation])


def test_refusals_of_tags_say_what_awss_say(strict, person):
    """As public issues quote them: the bucket, the policy's name, /tags, and Logs's own."""
    creates = "s3:CreateBucket iam:CreatePolicy apigateway:POST logs:CreateLogGroup"
    may = person({"Action": [*creates.split(), "lambda:CreateFunction", "iam:PassRole"]})
    user = f"User: arn:aws:iam::{MAIN}:user/user-a is not authorized to perform: "
    because = "because no identity-based policy allows the {} action"
    function = f"arn:aws:lambda:us-east-1:{MAIN}:function:f"
    for service, operation, where, action in (
        ("s3", "CreateBucket", 'on resource: "arn:aws:s3:::lab-bucket"', "s3:TagResource"),
        ("iam", "CreatePolicy", "on resource: policy p", "iam:TagPolicy"),
        (
            "apigateway", "CreateRestApi", "on resource: arn:aws:apigateway:us-east-1::/tags/"
            "arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2F*", "apigateway:PUT",
        ),
        ("lambda", "CreateFunction", f"on resource: {function}", "lambda:TagResource"),
    ):  # fmt: skip
        with pytest.raises(ClientError) as refused:
            create(may, service, operation, MAKING[service, operation](strict))
        message = refused.value.response["Error"]["Message"]
        assert message == f"{user}{action} {where} {because.format(action)}"
    with pytest.raises(ClientError) as refused:
        create(may, "logs", "CreateLogGroup", {"logGroupName": "g"})
    assert refused.value.response["Error"]["Message"] == (
        f"User with accountId: {MAIN} is not authorized to perform CreateLogGroup with Tags. "
        'An additional permission "logs:TagResource" is required.'
    )


def test_log_groups_are_tagged_by_the_older_action_as_well(strict, person):
    """CreateLogGroup: "either the logs:TagResource or logs:TagLogGroup permission"."""
    somebody = person({"Action": ["logs:CreateLogGroup", "logs:TagLogGroup"]})
    create(somebody, "logs", "CreateLogGroup", {"logGroupName": "g"})
    assert found(strict, "logs") == [f"arn:aws:logs:us-east-1:{MAIN}:log-group:g"]


def test_a_stacks_tags_go_to_what_it_makes(strict):
    """The stack and its queue; the template says nothing of tags."""
    create(
        strict.client,
        "cloudformation",
        "CreateStack",
        MAKING["cloudformation", "CreateStack"](strict),
    )
    stack, queue = found(strict)
    assert stack.startswith(f"arn:aws:cloudformation:us-east-1:{MAIN}:stack/s/")
    assert queue.startswith(f"arn:aws:sqs:us-east-1:{MAIN}:s-Queue-")
    strict.client("cloudformation").delete_stack(StackName="s")
    assert found(strict) == []


def test_tagging_a_stacks_resources_takes_leave_too(strict, person):
    """Who may not tag the queue gets no stack with tags."""
    somebody = person({"NotAction": "sqs:TagQueue"})
    create(
        somebody, "cloudformation", "CreateStack", MAKING["cloudformation", "CreateStack"](strict)
    )
    (stack,) = strict.client("cloudformation").describe_stacks()["Stacks"]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
