"""The tagging API: filters, pages, keys and values, and what it does not do."""

import json

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab
from tests.simulator.tagging.making import ALLOW, MAIN, TRUST

CODE = "InvalidParameterException"


@pytest.fixture
def tagging(lab):
    """Return a client of the tagging API."""
    return lab.client("resourcegroupstaggingapi")


def pairs(**tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def topic(lab, name, **tags):
    return lab.client("sns").create_topic(Name=name, Tags=pairs(**tags))["TopicArn"]


def arns(answer):
    return [each["ResourceARN"] for each in answer["ResourceTagMappingList"]]


def refused(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_what_has_tags_is_listed_by_its_arn_with_all_of_them(lab, tagging):
    """What has none is not; when the last one goes, neither is what had one."""
    lab.client("sqs").create_queue(QueueName="plain")
    second, first = topic(lab, "b", x="1", y=""), topic(lab, "a", x="2")
    assert tagging.get_resources() | {"ResponseMetadata": None} == {
        "PaginationToken": "",
        "ResourceTagMappingList": [
            {"ResourceARN": first, "Tags": pairs(x="2")},
            {"ResourceARN": second, "Tags": pairs(x="1", y="")},
        ],
        "ResponseMetadata": None,
    }
    lab.client("sns").untag_resource(ResourceArn=first, TagKeys=["x"])
    assert arns(tagging.get_resources()) == [second]


def test_every_filter_must_be_passed_and_one_of_its_values_is_enough(lab, tagging):
    """As the API Reference's example has it; a key alone takes any value."""
    one, two, three = (
        topic(lab, "1", k="a", l="x"), topic(lab, "2", k="b", l="x"), topic(lab, "3", k="c"),
    )  # fmt: skip

    def find(**filters):
        wanted = [{"Key": key, "Values": values} for key, values in filters.items()]
        return arns(tagging.get_resources(TagFilters=wanted))

    assert find(k=["a"]) == [one]
    assert find(k=["a", "b"]) == [one, two]
    assert find(k=[]) == [one, two, three]
    assert find(k=["a", "c"], l=[]) == [one]
    assert find(k=["a"], l=["y"]) == []
    assert find(K=["a"]) == []


@pytest.mark.parametrize(
    ("types", "count"),
    [
        (["sns"], 1), (["sns:topic"], 1), (["s3:bucket", "sns"], 2), (["sqs"], 0),
        (["sns:topics"], 0), (["SNS"], 0), (["apigateway:restapis"], 1),
        (["apigateway:/restapis"], 1),
    ],
)  # fmt: skip
def test_types_are_those_of_arns(lab, tagging, types, count):
    """A service, or one of its types; several are one or the other."""
    topic(lab, "t", x="1")
    lab.client("apigateway").create_rest_api(name="a", tags={"x": "1"})
    configuration = {"Tags": pairs(x="1")}
    lab.client("s3").create_bucket(Bucket="lab-b", CreateBucketConfiguration=configuration)
    assert len(arns(tagging.get_resources(ResourceTypeFilters=types))) == count


def test_resources_are_named_by_their_arns_alone(lab, tagging):
    """One that is not there, or has no tags, is left out; anything beside them is refused."""
    one = topic(lab, "1", k="a")
    topic(lab, "2", k="a")
    plain = topic(lab, "3")
    wanted = [one, plain, f"arn:aws:sns:us-east-1:{MAIN}:none"]
    assert arns(tagging.get_resources(ResourceARNList=wanted)) == [one]
    for other in (
        {"TagFilters": [{"Key": "k"}]}, {"ResourceTypeFilters": ["sns"]},
        {"ResourcesPerPage": 1}, {"TagsPerPage": 100}, {"PaginationToken": "x"},
    ):  # fmt: skip
        code, _ = refused(tagging.get_resources, ResourceARNList=[one], **other)
        assert code == CODE
    code, message = refused(tagging.get_resources, ResourceARNList=["topic"])
    assert (code, message) == (CODE, "topic not a valid AmazonResourceName (ARN)")


def test_pages_are_of_resources(lab, tagging):
    """All of them once, in order; what goes meanwhile hides nothing."""
    made = [topic(lab, f"t{number}", k="a") for number in range(5)]
    first = tagging.get_resources(ResourcesPerPage=2)
    assert arns(first) == made[:2]
    lab.client("sns").delete_topic(TopicArn=made[0])
    token = first["PaginationToken"]
    second = tagging.get_resources(ResourcesPerPage=2, PaginationToken=token)
    assert arns(second) == made[2:4]
    last = tagging.get_resources(PaginationToken=second["PaginationToken"])
    assert (arns(last), last["PaginationToken"]) == (made[4:], "")


def test_pages_are_of_tags_where_that_is_asked_for(lab, tagging):
    """The API Reference's example: 22 resources of 10 tags, 100 on a page."""
    ten = {f"k{number}": "v" for number in range(10)}
    made = sorted(topic(lab, f"t{number}", **ten) for number in range(22))
    sizes, token = [], ""
    while True:
        answer = tagging.get_resources(TagsPerPage=100, PaginationToken=token)
        assert arns(answer) == made[sum(sizes) : sum(sizes) + len(arns(answer))]
        sizes.append(len(arns(answer)))
        token = answer["PaginationToken"]
        if not token:
            break
    assert sizes == [10, 10, 2]


@pytest.mark.parametrize(
    "members",
    [
        {"ResourcesPerPage": 0}, {"ResourcesPerPage": 101}, {"TagsPerPage": 99},
        {"TagsPerPage": 501}, {"ExcludeCompliantResources": True}, {"PaginationToken": "x"},
        {"PaginationToken": "bnVsbA=="}, {"PaginationToken": "eyJsYXN0IjoiIiwiYXQiOjFlOTk5fQ=="},
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_refused(tagging, members):
    """Sizes of pages, tokens that nobody gave out, a parameter without the one that it needs."""
    assert refused(tagging.get_resources, **members)[0] == CODE


def test_a_token_is_good_for_its_own_list_and_a_quarter_of_an_hour(lab, tagging):
    """Another list's is none, and one of 15 minutes ago has expired."""
    for number in range(3):
        topic(lab, f"t{number}", k="a")
    filters = [{"Key": "k"}]
    asked = {"TagFilters": filters, "ResourcesPerPage": 1}
    token = tagging.get_resources(**asked)["PaginationToken"]
    assert refused(tagging.get_resources, PaginationToken=token)[0] == CODE
    assert refused(tagging.get_tag_keys, PaginationToken=token)[0] == CODE
    lab.clock.advance(minutes=15)
    assert tagging.get_resources(**asked, PaginationToken=token)["ResourceTagMappingList"]
    lab.clock.advance(seconds=1)
    code, _ = refused(tagging.get_resources, **asked, PaginationToken=token)
    assert code == "PaginationTokenExpiredException"


def test_keys_and_values_are_those_in_use(lab, tagging):
    """Each once; a key that nothing has has no values."""
    topic(lab, "1", k="b", l="x")
    topic(lab, "2", k="a")
    topic(lab, "3", k="b")
    assert tagging.get_tag_keys()["TagKeys"] == ["k", "l"]
    assert tagging.get_tag_values(Key="k")["TagValues"] == ["a", "b"]
    assert tagging.get_tag_values(Key="m")["TagValues"] == []
    assert tagging.get_tag_keys()["PaginationToken"] == ""


def test_another_account_and_another_region_see_nothing(lab, tagging):
    """A global service's resources are in us-east-1."""
    topic(lab, "1", k="a")
    iam = lab.client("iam")
    iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(ALLOW), Tags=pairs(k="a"))
    assert len(arns(tagging.get_resources())) == 2
    for options in ({"account": "consumer"}, {"region": "eu-west-1"}):
        elsewhere = lab.client("resourcegroupstaggingapi", **options)
        assert arns(elsewhere.get_resources()) == []
        assert elsewhere.get_tag_keys()["TagKeys"] == []


def test_zones_and_iams_other_resources_are_found_and_roles_are_not(lab, tagging):
    """What a zone was tagged with later; profiles and providers; no roles, no users."""
    zone = lab.client("route53").create_hosted_zone(Name="lab.example", CallerReference="x")
    number = zone["HostedZone"]["Id"].rpartition("/")[2]
    lab.client("route53").change_tags_for_resource(
        ResourceType="hostedzone", ResourceId=number, AddTags=pairs(k="a")
    )
    iam = lab.client("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST), Tags=pairs(k="a"))
    iam.create_user(UserName="u", Tags=pairs(k="a"))
    iam.create_instance_profile(InstanceProfileName="i", Tags=pairs(k="a"))
    iam.create_open_id_connect_provider(Url="https://example.com", Tags=pairs(k="a"))
    owner = "111122223333"
    assert arns(tagging.get_resources()) == [
        f"arn:aws:iam::{owner}:instance-profile/i",
        f"arn:aws:iam::{owner}:oidc-provider/example.com",
        f"arn:aws:route53:::hostedzone/{number}",
    ]


def test_a_ca_is_found_until_it_is_gone_for_good(lab, tagging):
    """A deleted one can be restored, with its tags."""
    pca = lab.client("acm-pca")
    arn = pca.create_certificate_authority(
        CertificateAuthorityType="ROOT",
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_prime256v1", "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": "Root"},
        },
        Tags=pairs(k="a"),
    )["CertificateAuthorityArn"]  # fmt: skip
    pca.delete_certificate_authority(CertificateAuthorityArn=arn, PermanentDeletionTimeInDays=7)
    assert arns(tagging.get_resources()) == [arn]
    lab.clock.advance(days=8)
    assert arns(tagging.get_resources()) == []


def test_stages_and_rules_are_found_by_their_own_arns(lab, tagging):
    """The service's words for them."""
    apis, events = lab.client("apigatewayv2"), lab.client("events")
    api = apis.create_api(Name="a", ProtocolType="HTTP")["ApiId"]
    apis.create_stage(ApiId=api, StageName="s", Tags={"k": "a"})
    events.create_event_bus(Name="b")
    rule = {"Name": "r", "EventBusName": "b", "EventPattern": '{"source": ["x"]}'}
    events.put_rule(**rule, Tags=pairs(k="a"))
    assert arns(tagging.get_resources()) == [
        f"arn:aws:apigateway:us-east-1::/apis/{api}/stages/s",
        "arn:aws:events:us-east-1:111122223333:rule/b/r",
    ]


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("get_resources", {"IncludeComplianceDetails": True}),
        ("tag_resources", {"ResourceARNList": ["arn:aws:sns:a:b:c"], "Tags": {"a": "b"}}),
        ("untag_resources", {"ResourceARNList": ["arn:aws:sns:a:b:c"], "TagKeys": ["a"]}),
        ("get_compliance_summary", {}),
    ],
)
def test_what_is_not_modelled_is_refused(tagging, operation, members):
    """Tag policies, and tags by any but the services' own operations."""
    assert refused(getattr(tagging, operation), **members)[0] == "NotImplemented"


def test_asking_takes_leave(strict, person):
    """tag:GetResources, of no resource."""
    may = person({"Action": ["tag:GetResources", "tag:GetTagKeys"]})("resourcegroupstaggingapi")
    assert may.get_resources()["ResourceTagMappingList"] == []
    assert may.get_tag_keys()["TagKeys"] == []
    code, message = refused(may.get_tag_values, Key="k")
    assert code == "AccessDeniedException"
    assert message == (
        f"User: arn:aws:iam::{MAIN}:user/user-a is not authorized to perform: tag:GetTagValues "
        "because no identity-based policy allows the tag:GetTagValues action"
    )


def test_the_aws_command_line_finds_a_run(lab, aws_cli):
    """With its own paginator, over the wire."""
    for number in range(3):
        topic(lab, f"t{number}", run="1")
    topic(lab, "other", run="2")
    lab.serve()
    done = aws_cli(
        lab, "resourcegroupstaggingapi", "get-resources", "--tag-filters", "Key=run,Values=1",
        "--page-size", "2", "--query", "length(ResourceTagMappingList)",
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "3"), done.stderr


def test_pages_are_the_same_bytes_in_every_run():
    """Tokens, too: they come from nothing but the list and the world's time."""

    def run():
        with Lab.simulated(seed="same") as lab:
            for number in range(3):
                topic(lab, f"t{number}", k="a")
            client = lab.client("resourcegroupstaggingapi")
            return client.get_resources(ResourcesPerPage=1)["PaginationToken"]

    assert run() == run() != ""
