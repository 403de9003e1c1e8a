"""Each kind of thing that takes more than one call to delete, and what stands beside it."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from pkilab import ca_hierarchy
from pkilab.cleaning import Cleaned, clean_up, plan
from pkilab.cleaning.removal import remove
from pkilab.cleaning.removal.asking import StillThereError
from pkilab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)  # fmt: skip


@pytest.fixture
def slow() -> Iterator[Lab]:
    """An account where work takes half a minute, and IAM is asked about every call."""
    with Lab.simulated(seed="removal", latency=timedelta(seconds=30), enforce_policies=True) as lab:
        yield lab


def before(lab: Lab, service: str) -> Any:
    """Return a client of somebody else in the account: the lab's journal does not see it."""
    alias = next(iter(lab.accounts))
    return lab._place.client(service, alias, lab.region, None)


def clean(lab: Lab, told: list[str] | None = None) -> Cleaned:
    """Clean up as on AWS; pauses move the frozen clock."""
    return clean_up(
        plan(lab.journal),
        lambda service, account, region: lab.client(service, account=account, region=region),
        sleep=lambda seconds: lab.clock.advance(seconds=seconds),
        on_step=lambda number, of, thing, status: (
            told.append(f"{number}/{of} {thing.kind}: {status}") if told is not None else None
        ),
    )


def kinds(outcomes: Any) -> list[str]:
    return [each.resource.kind for each in outcomes]


def test_a_ca_that_is_still_being_created_is_awaited_and_deleted(slow: Lab) -> None:
    """Its key takes half a minute; nothing is left that costs, and nothing to restore."""
    pca = slow.client("acm-pca")
    arn = pca.create_certificate_authority(
        CertificateAuthorityType="ROOT",
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": "Root"},
        },
    )["CertificateAuthorityArn"]
    described = pca.describe_certificate_authority(CertificateAuthorityArn=arn)
    assert described["CertificateAuthority"]["Status"] == "CREATING"
    began = slow.clock.now()
    cleaned = clean(slow)
    assert slow.clock.now() - began >= timedelta(seconds=30)
    assert kinds(cleaned.removed) == ["certificate authority"]
    assert cleaned.billable == ()


ZONE = "there.example"


@pytest.fixture
def zone(lab: Lab) -> str:
    """A hosted zone that was there before."""
    made = before(lab, "route53").create_hosted_zone(Name=ZONE, CallerReference="theirs")
    return str(made["HostedZone"]["Id"])


def cname(name: str, value: str, ttl: int = 300) -> dict[str, Any]:
    return {
        "Name": f"{name}.{ZONE}", "Type": "CNAME", "TTL": ttl,
        "ResourceRecords": [{"Value": value}],
    }  # fmt: skip


def change(client: Any, zone: str, action: str, *records: dict[str, Any]) -> None:
    changes = [{"Action": action, "ResourceRecordSet": each} for each in records]
    client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def names(lab: Lab, zone: str) -> dict[str, str]:
    held = before(lab, "route53").list_resource_record_sets(HostedZoneId=zone)
    return {
        each["Name"].partition(".")[0]: each["ResourceRecords"][0]["Value"]
        for each in held["ResourceRecordSets"]
        if each["Type"] == "CNAME"
    }


def test_records_in_somebodys_zone_are_deleted_exactly_as_written(lab: Lab, zone: str) -> None:
    """What has another value or TTL by now is left with the reason, as is what was not written."""
    ours, theirs = lab.client("route53"), before(lab, "route53")
    change(theirs, zone, "CREATE", cname("old", "a.example."))
    change(ours, zone, "CREATE", cname("new", "b.example."), cname("*", "w.example."))
    change(ours, zone, "UPSERT", cname("over", "c.example."), cname("new", "b2.example."))
    change(ours, zone, "UPSERT", cname("value", "d.example."), cname("ttl", "e.example."))
    change(ours, zone, "CREATE", cname("gone", "f.example."), cname("taken", "g.example."))
    change(ours, zone, "DELETE", cname("gone", "f.example."))
    change(theirs, zone, "UPSERT", cname("value", "other.example."), cname("ttl", "e.example.", 60))
    change(theirs, zone, "DELETE", cname("taken", "g.example."))
    cleaned = clean(lab)
    notes = {each.resource.arn.split("/")[-1].partition(".")[0]: each.note
             for each in (*cleaned.removed, *cleaned.left, *cleaned.already_gone)}  # fmt: skip
    assert notes == {
        "new": "exactly as written",
        "*": "exactly as written",
        "over": "exactly as written; what was there before, if anything, is unknown",
        "value": "it says something else by now than what was written",
        "ttl": "it says something else by now than what was written",
        "taken": "",
    }
    assert names(lab, zone) == {"old": "a.example.", "value": "other.example.", "ttl": "e.example."}
    assert kinds(cleaned.left) == ["DNS record", "DNS record"]
    again = clean(lab)
    assert again.removed == ()


def test_a_zone_goes_with_more_records_than_one_change_takes(lab: Lab) -> None:
    """Those of somebody else in the zone, too: the zone is the run's."""
    ours = lab.client("route53")
    zone = ours.create_hosted_zone(Name=ZONE, CallerReference="ours")["HostedZone"]["Id"]
    for start in range(0, 250, 50):
        change(ours, zone, "CREATE",
               *(cname(f"n{each}", "x.example.") for each in range(start, start + 50)))  # fmt: skip
    cleaned = clean(lab)
    assert [each.note for each in cleaned.removed] == ["with 250 record sets"]
    assert ours.list_hosted_zones()["HostedZones"] == []


@pytest.fixture
def bucket(lab: Lab) -> str:
    """A bucket that was there before, with one object."""
    s3 = before(lab, "s3")
    s3.create_bucket(Bucket="theirs")
    s3.put_object(Bucket="theirs", Key="a", Body=b"theirs")
    return "theirs"


def test_in_somebodys_versioned_bucket_exactly_the_version_that_was_put_goes(
    lab: Lab, bucket: str
) -> None:
    """The object under it is there again."""
    theirs = before(lab, "s3")
    theirs.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    theirs.put_object(Bucket=bucket, Key="a", Body=b"still theirs")
    ours = lab.client("s3")
    ours.put_object(Bucket=bucket, Key="a", Body=b"ours")
    ours.put_object(Bucket=bucket, Key="b", Body=b"ours")
    theirs.put_object(Bucket=bucket, Key="b", Body=b"later")
    cleaned = clean(lab)
    assert kinds(cleaned.removed) == ["object", "object"]
    assert cleaned.left == ()
    assert theirs.get_object(Bucket=bucket, Key="a")["Body"].read() == b"still theirs"
    assert theirs.get_object(Bucket=bucket, Key="b")["Body"].read() == b"later"


def test_in_somebodys_plain_bucket_an_object_is_left_with_the_reason(lab: Lab, bucket: str) -> None:
    """It may have replaced another; one that is gone by now is not reported as left."""
    ours = lab.client("s3")
    ours.put_object(Bucket=bucket, Key="a", Body=b"ours")
    ours.put_object(Bucket=bucket, Key="b", Body=b"ours")
    before(lab, "s3").delete_object(Bucket=bucket, Key="b")
    cleaned = clean(lab)
    assert [(each.resource.arn, each.note.partition(",")[0]) for each in cleaned.left] == [
        ("arn:aws:s3:::theirs/a", "in a bucket that was there before")
    ]
    assert kinds(cleaned.already_gone) == ["object"]
    assert before(lab, "s3").get_object(Bucket=bucket, Key="a")["Body"].read() == b"ours"


def test_a_bucket_that_is_written_to_meanwhile_is_emptied_again(lab: Lab) -> None:
    """CRLs and logs come for some minutes; what never stops is left, with the number of times."""
    s3, theirs = lab.client("s3"), before(lab, "s3")
    s3.create_bucket(Bucket="written")
    written = iter(range(1000))

    def write(limit: int) -> Callable[..., None]:
        def event(**_: object) -> None:
            if (number := next(written)) < limit:
                theirs.put_object(Bucket="written", Key=str(number), Body=b"")

        return event

    few, many = write(3), write(1000)
    s3.meta.events.register("before-call.s3.DeleteBucket", many)
    assert [each.note.partition(";")[0] for each in clean(lab).left] == [
        "BucketNotEmpty: objects came again each of the 5 times it was emptied"
    ]
    s3.meta.events.unregister("before-call.s3.DeleteBucket", many)
    written = iter(range(1000))
    s3.meta.events.register("before-call.s3.DeleteBucket", few)
    assert [each.note for each in clean(lab).removed] == ["with 4 object versions"]


def test_a_policy_of_the_run_is_taken_from_somebodys_role_and_nothing_else(lab: Lab) -> None:
    """Of other changes in what was there before it is said that they stay."""
    theirs, ours = before(lab, "iam"), lab.client("iam")
    for name in ("theirs", "reader"):
        theirs.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    other = theirs.create_policy(PolicyName="other", PolicyDocument=POLICY)["Policy"]["Arn"]
    theirs.attach_role_policy(RoleName="theirs", PolicyArn=other)
    own = ours.create_policy(PolicyName="own", PolicyDocument=POLICY)["Policy"]["Arn"]
    ours.attach_role_policy(RoleName="theirs", PolicyArn=own)
    ours.attach_role_policy(RoleName="reader", PolicyArn=other)
    ours.put_role_policy(RoleName="theirs", PolicyName="in", PolicyDocument=POLICY)
    ours.put_role_policy(RoleName="theirs", PolicyName="out", PolicyDocument=POLICY)
    cleaned = clean(lab)
    assert kinds(cleaned.removed) == ["policy attachment", "policy"]
    assert sorted(each.note.partition(" ")[0] for each in cleaned.left) == [
        "AttachRolePolicy", "PutRolePolicy",
    ]  # fmt: skip
    attached = theirs.list_attached_role_policies(RoleName="theirs")["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [other]
    assert {each["RoleName"] for each in theirs.list_roles()["Roles"]} >= {"theirs", "reader"}


def test_a_change_that_was_taken_back_is_not_reported(lab: Lab) -> None:
    theirs, ours = before(lab, "iam"), lab.client("iam")
    theirs.create_role(RoleName="theirs", AssumeRolePolicyDocument=TRUST)
    ours.put_role_policy(RoleName="theirs", PolicyName="in", PolicyDocument=POLICY)
    assert kinds(clean(lab).left) == ["change"]
    ours.delete_role_policy(RoleName="theirs", PolicyName="in")
    assert plan(lab.journal) == ()


def test_roles_and_users_go_with_all_that_hangs_on_them(lab: Lab) -> None:
    """Profiles, boundaries and credentials; the group that a user was in stays."""
    theirs, ours = before(lab, "iam"), lab.client("iam")
    theirs.create_group(GroupName="staff")
    theirs.create_instance_profile(InstanceProfileName="machine")
    limit = ours.create_policy(PolicyName="limit", PolicyDocument=POLICY)["Policy"]["Arn"]
    ours.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=limit)
    ours.put_role_policy(RoleName="r", PolicyName="in", PolicyDocument=POLICY)
    ours.create_user(UserName="u")
    ours.create_access_key(UserName="u")
    theirs.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="r")
    theirs.add_user_to_group(GroupName="staff", UserName="u")
    theirs.create_login_profile(UserName="u", Password="A-pass-w0rd-for-a-test")
    cleaned = clean(lab)
    assert cleaned.left == ()
    assert kinds(cleaned.removed) == ["user", "role", "policy"]
    assert [each["GroupName"] for each in theirs.list_groups()["Groups"]] == ["staff"]
    profile = theirs.get_instance_profile(InstanceProfileName="machine")["InstanceProfile"]
    assert profile["Roles"] == []


def test_a_certificate_is_awaited_while_its_domain_name_still_uses_it(lab: Lab) -> None:
    """AWS says ResourceInUse for minutes after the domain name is gone; then it can go."""
    acm = lab.client("acm")
    root = ca_hierarchy.create_root(lab.client("acm-pca"), {"CommonName": "Root"})
    acm.request_certificate(DomainName="api.example", CertificateAuthorityArn=root)
    in_use = {"until": lab.clock.now() + timedelta(minutes=4)}

    def busy(**_: object) -> Any:
        if lab.clock.now() >= in_use["until"]:
            return None
        raise ClientError(
            {"Error": {"Code": "ResourceInUseException", "Message": "in use"}}, "DeleteCertificate"
        )

    acm.meta.events.register("before-call.acm.DeleteCertificate", busy)
    told: list[str] = []
    cleaned = clean(lab, told)
    assert kinds(cleaned.removed) == ["ACM certificate", "certificate authority"]
    assert told[0] == "1/2 ACM certificate: removing"
    assert told[1] == "1/2 ACM certificate: again later: ResourceInUseException: in use"
    assert told[-1] == "1/2 ACM certificate: removed"


def test_apis_are_deleted_as_seldom_as_aws_allows(lab: Lab) -> None:
    """One DeleteRestApi in 30 seconds: the second waits for it instead of failing."""
    gateway = lab.client("apigateway")
    for name in ("one", "two"):
        gateway.create_rest_api(name=name)
    last = [lab.clock.now() - timedelta(hours=1)]

    def throttle(**_: object) -> Any:
        if lab.clock.now() - last[0] < timedelta(seconds=30):
            raise ClientError(
                {"Error": {"Code": "TooManyRequestsException", "Message": "slow"}}, "DeleteRestApi"
            )
        last[0] = lab.clock.now()

    gateway.meta.events.register("before-call.api-gateway.DeleteRestApi", throttle)
    began = lab.clock.now()
    cleaned = clean(lab)
    assert kinds(cleaned.removed) == ["REST API", "REST API"]
    assert lab.clock.now() - began == timedelta(seconds=31)


def _code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return event\n")
    return packed.getvalue()


def test_a_function_goes_with_the_log_group_that_lambda_made_for_it(lab: Lab) -> None:
    """Also if the notebook deleted the function itself; somebody's log group stays."""
    role = lab.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    functions, logs = lab.client("lambda"), before(lab, "logs")
    for name in ("one", "two", "quiet"):
        functions.create_function(
            FunctionName=name, Role=role["Role"]["Arn"], Runtime="python3.13",
            Handler="index.handler", Code={"ZipFile": _code()},
        )  # fmt: skip
    functions.delete_function(FunctionName="two")
    for name in ("one", "two", "theirs"):
        logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    cleaned = clean(lab)
    assert cleaned.left == cleaned.already_gone == ()
    assert sorted(kinds(cleaned.removed)) == [
        "function", "function", "function's log group", "function's log group", "role",
    ]  # fmt: skip
    left = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
    assert left == ["/aws/lambda/theirs"]


RETAINING = """
Resources:
  Root:
    Type: AWS::ACMPCA::CertificateAuthority
    DeletionPolicy: Retain
    Properties:
      Type: ROOT
      KeyAlgorithm: EC_prime256v1
      SigningAlgorithm: SHA256WITHECDSA
      Subject: {CommonName: NAME}
    UpdateReplacePolicy: Retain
  Store: {Type: AWS::S3::Bucket}
"""


def test_what_a_stack_retained_is_deleted_after_it(lab: Lab) -> None:
    """The CA that an update replaced, the one that was there at the end, and full buckets."""
    stacks, pca, s3 = lab.client("cloudformation"), before(lab, "acm-pca"), before(lab, "s3")
    theirs = ca_hierarchy.create_root(pca, {"CommonName": "Theirs"})
    stacks.create_stack(StackName="web", TemplateBody=RETAINING.replace("NAME", "One"))
    stacks.update_stack(StackName="web", TemplateBody=RETAINING.replace("NAME", "Two"))
    store = stacks.describe_stack_resource(StackName="web", LogicalResourceId="Store")
    s3.put_object(
        Bucket=store["StackResourceDetail"]["PhysicalResourceId"], Key="k", Body=b"written"
    )
    made = [each["Arn"] for each in pca.list_certificate_authorities()["CertificateAuthorities"]]
    assert len(made) == 3
    lab.client("acm-pca").tag_certificate_authority(
        CertificateAuthorityArn=made[1], Tags=[{"Key": "a", "Value": "b"}]
    )
    told: list[str] = []
    cleaned = clean(lab, told)
    assert cleaned.left == ()
    assert kinds(cleaned.removed) == ["stack", "certificate authority", "certificate authority"]
    assert told[-1].startswith("3/3 certificate authority: removed")
    standing = {
        each["Arn"]: each["Status"]
        for each in pca.list_certificate_authorities()["CertificateAuthorities"]
    }
    assert {arn: each for arn, each in standing.items() if each != "DELETED"} == {theirs: "ACTIVE"}
    assert s3.list_buckets()["Buckets"] == []
    again = clean(lab)
    assert again.removed == again.left == ()


VALIDATED = """
Resources:
  Certificate:
    Type: AWS::CertificateManager::Certificate
    Properties:
      DomainName: NAME
      ValidationMethod: DNS
      DomainValidationOptions: [{DomainName: NAME, HostedZoneId: ZONE}]
"""


def test_the_dns_record_of_a_stacks_certificate_goes_unless_another_one_needs_it(lab: Lab) -> None:
    """CloudFormation wrote both records; one is also that of somebody's certificate."""
    route53, acm = before(lab, "route53"), before(lab, "acm")
    zone = route53.create_hosted_zone(Name="lab.example", CallerReference="theirs")["HostedZone"]
    number = zone["Id"].rpartition("/")[2]
    stacks = lab.client("cloudformation")
    for name in ("app", "www"):
        body = VALIDATED.replace("NAME", f"{name}.lab.example").replace("ZONE", number)
        stacks.create_stack(StackName=name, TemplateBody=body)
    theirs = acm.request_certificate(DomainName="www.lab.example", ValidationMethod="DNS")
    described = acm.describe_certificate(CertificateArn=theirs["CertificateArn"])["Certificate"]
    needed = described["DomainValidationOptions"][0]["ResourceRecord"]["Name"]
    cleaned = clean(lab)
    assert cleaned.left == ()
    assert kinds(cleaned.removed).count("DNS record") == 1
    held = route53.list_resource_record_sets(HostedZoneId=number)["ResourceRecordSets"]
    assert [each["Name"] for each in held if each["Type"] == "CNAME"] == [needed]


def test_a_slow_account_is_cleaned_with_waits_and_nothing_billable_remains(slow: Lab) -> None:
    """A share and a stack take their time; the summary says until when AWS keeps the CAs."""
    pca = slow.client("acm-pca")
    theirs = before(slow, "kms").create_key()["KeyMetadata"]["KeyId"]
    slow.client("kms").create_key()
    slow.client("cloudformation").create_stack(
        StackName="web", TemplateBody=RETAINING.replace("NAME", "One")
    )
    slow.clock.advance(minutes=5)
    made = [each["Arn"] for each in pca.list_certificate_authorities()["CertificateAuthorities"]]
    slow.client("ram").create_resource_share(
        name="s", resourceArns=made, principals=["444455556666"]
    )
    cleaned = clean(slow)
    assert cleaned.left == cleaned.billable == ()
    assert kinds(cleaned.removed) == ["stack", "resource share", "KMS key", "certificate authority"]
    assert kinds(cleaned.remains) == ["KMS key", "certificate authority"]
    assert "restorable, until 2026-11-09" in cleaned.summary()
    state = before(slow, "kms").describe_key(KeyId=theirs)["KeyMetadata"]["KeyState"]
    assert state == "Enabled"


def test_a_removal_that_waits_in_vain_says_for_what_and_how_long(lab: Lab) -> None:
    class Shares:
        def get_resource_shares(self, **_: object) -> dict[str, Any]:
            return {"resourceShares": [{"status": "DELETING"}]}

    lab.client("ram").create_resource_share(name="s")
    (share,) = plan(lab.journal)
    waited: list[float] = []
    with pytest.raises(StillThereError, match="waited 0:05:00 for the share's deletion"):
        remove(share, lambda *_: Shares(), sleep=waited.append)
    assert sum(waited) == 300
