import pytest

from pkilab.simulator.acmpca.service import AcmPca
from pkilab.simulator.cloudtrail.operations import kind_of
from pkilab.simulator.organizations.service import Organizations
from pkilab.simulator.service import AwsError, service_model

OWNER, OTHER = "111122223333", "444455556666"


def test_every_call_of_a_service_comes_by_with_its_end(history):
    """Results and refusals are recorded where a service runs its operations."""
    history.world.trail = history.trail
    orgs, pca = Organizations(history.world), AcmPca(history.world)
    call = history.call(region="us-east-1")
    orgs.invoke("CreateOrganization", b'{"FeatureSet": "ALL"}', call)
    with pytest.raises(AwsError):
        orgs.invoke("CreateOrganization", b"{}", call)
    pca.invoke("ListCertificateAuthorities", b"{}", call)
    assert history.names(region="us-east-1") == [
        "ListCertificateAuthorities",
        "CreateOrganization",
        "CreateOrganization",
    ]
    failed, made = (
        each["CloudTrailEvent"] for each in history.lookup(region="us-east-1")["Events"][-2:]
    )
    assert "AlreadyInOrganizationException" in failed
    assert '"featureSet":"ALL"' in made


def test_events_of_data_are_not_in_the_history(history):
    """Objects of S3, invocations and log lines: data events, which LookupEvents never has."""
    for service, operation in (
        ("s3", "GetObject"),
        ("s3", "PutObject"),
        ("s3", "ListObjectsV2"),
        ("lambda", "Invoke"),
        ("logs", "PutLogEvents"),
    ):
        assert operation in service_model(service).operation_names
        history.record(service, operation)
    assert history.names() == []
    history.record("s3", "CreateBucket", {"Bucket": "b"})
    assert history.names() == ["CreateBucket"]


def test_events_are_of_their_region_and_those_of_global_services_of_us_east_1(history):
    """IAM, Organizations and Route 53 are global; STS is where it was called."""
    history.record("kms", "ListKeys")
    for service, operation in (
        ("iam", "ListUsers"),
        ("organizations", "ListRoots"),
        ("route53", "ListHostedZones"),
    ):
        history.record(service, operation)
    history.record("sts", "GetCallerIdentity")
    assert history.names() == ["GetCallerIdentity", "ListKeys"]
    expected = ["ListHostedZones", "ListRoots", "ListUsers"]
    assert history.names(region="us-east-1") == expected
    assert history.newest(region="us-east-1")["awsRegion"] == "us-east-1"


def test_the_trail_is_bounded_and_forgets_the_oldest(open_history):
    """Of each account, as many events are kept as were asked for."""
    history = open_history(length=3)
    for _ in range(5):
        history.record("kms", "ListKeys")
    history.record("kms", "ListAliases")
    assert history.names() == ["ListAliases", "ListKeys", "ListKeys"]


def test_accounts_outside_the_world_get_no_events(history):
    """An ARN of any account may be named; nothing is kept for it."""
    stranger = "arn:aws:kms:us-west-2:999999999999:key/k"
    history.record("kms", "DescribeKey", {"KeyId": stranger}, result={})
    history.record("kms", "DescribeKey", {"KeyId": "arn:"}, result={})
    assert history.lookup(OTHER)["Events"] == []
    assert "sharedEventID" not in history.newest()


def test_an_operation_that_goes_on_later_is_recorded_without_an_answer(history):
    """What is left of it is no result."""
    history.record("lambda", "PublishVersion", {"FunctionName": "f"}, result=object())
    assert history.newest()["responseElements"] is None


@pytest.mark.parametrize(
    ("service", "reads"),
    [
        ("kms", {"Sign", "Decrypt", "GenerateDataKey", "GetPublicKey", "ListKeys"}),
        ("acm-pca", {"GetCertificate", "DescribeCertificateAuthority", "ListTags"}),
        ("sts", {"AssumeRole", "GetCallerIdentity"}),
    ],
)
def test_reads_are_told_from_writes(service, reads):
    """By name, and by table where names do not say it."""
    for operation in reads:
        assert kind_of(service, operation).read_only
    for operation in ("CreateKey", "IssueCertificate", "RevokeCertificate", "GenerateX"):
        assert not kind_of(service, operation).read_only
