"""Buckets are cleaned in moto's S3, CAs in a small AWS Private CA of this file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from pkilab import ca_hierarchy
from pkilab.cleaning import Cleaned, Created, clean_up, plan
from pkilab.errors import LabError
from pkilab.journal import Journal
from pkilab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
OWNER = "123456789012"  # moto's own account
CAS = f"arn:aws:acm-pca:us-east-1:{OWNER}:certificate-authority"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every client of this file away from a real account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


class Authorities:
    """The four operations a clean-up needs, with AWS's states and refusals."""

    def __init__(self, **states: str) -> None:
        self.states = states
        self.calls: list[str] = []
        self.until = NOW

    def _find(self, operation: str, arn: str) -> str:
        name = arn.rpartition("/")[2]
        self.calls.append(f"{operation} {name}")
        if name not in self.states:
            raise refusal("ResourceNotFoundException", "Could not find it", operation)
        return name

    def describe_certificate_authority(self, *, CertificateAuthorityArn: str) -> dict[str, Any]:  # noqa: D102, N803 - boto3's own
        name = self._find("describe", CertificateAuthorityArn)
        described: dict[str, Any] = {"Status": self.states[name]}
        if self.states[name] == "DELETED":
            described["RestorableUntil"] = self.until
        return {"CertificateAuthority": described}

    def update_certificate_authority(self, *, CertificateAuthorityArn: str, Status: str) -> None:  # noqa: D102, N803 - boto3's own
        name = self._find("update", CertificateAuthorityArn)
        if self.states[name] not in ("ACTIVE", "DISABLED"):
            raise refusal("InvalidStateException", "Not now", "UpdateCertificateAuthority")
        self.states[name] = Status

    def delete_certificate_authority(  # noqa: D102 - boto3's own
        self,
        *,
        CertificateAuthorityArn: str,  # noqa: N803 - boto3's own
        PermanentDeletionTimeInDays: int,  # noqa: N803 - boto3's own
    ) -> None:
        name = self._find("delete", CertificateAuthorityArn)
        if self.states[name] == "ACTIVE":
            raise refusal("InvalidStateException", "Disable it", "DeleteCertificateAuthority")
        if self.states[name] == "CREATING":
            del self.states[name]
            return
        self.states[name] = "DELETED"
        self.until = NOW + timedelta(days=PermanentDeletionTimeInDays)


def refusal(code: str, message: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def authority(name: str) -> Created:
    return made("certificate authority", f"{CAS}/{name}", "acm-pca")


def made(kind: str, arn: str, service: str) -> Created:
    return Created(kind, arn, service, "owner", OWNER, "us-east-1", NOW)


def record(
    journal: Journal,
    operation: str,
    *resources: str,
    service: str = "acm-pca",
    outcome: str = "ok",
    **results: str,
) -> None:
    journal.record(
        at=NOW,
        account="owner",
        account_id=OWNER,
        region="us-east-1",
        service=service,
        operation=operation,
        resources=[*resources, *results.values()],
        outcome=outcome,
        parameters={},
        results=results,
    )


def create(journal: Journal, name: str, **changes: Any) -> None:
    arn = f"{CAS}/{name}"
    record(journal, "CreateCertificateAuthority", CertificateAuthorityArn=arn, **changes)


def names(created: tuple[Created, ...]) -> list[str]:
    return [each.arn.rpartition("/")[2].rpartition(":")[2] for each in created]


def test_the_newest_authority_goes_first_and_buckets_after_the_authorities() -> None:
    journal = Journal()
    record(journal, "CreateBucket", "arn:aws:s3:::lab-crl", service="s3")
    create(journal, "root")
    create(journal, "sub")
    assert names(plan(journal)) == ["sub", "root", "lab-crl"]


def test_what_was_refused_was_not_created_and_what_was_deleted_is_gone() -> None:
    journal = Journal()
    create(journal, "refused", outcome="LimitExceededException")
    create(journal, "root")
    record(journal, "CreateBucket", "arn:aws:s3:::lab-crl", service="s3")
    record(journal, "DeleteCertificateAuthority", f"{CAS}/root")
    record(journal, "DeleteBucket", "arn:aws:s3:::lab-crl", service="s3")
    assert plan(journal) == ()


def test_a_refused_deletion_and_the_deletion_of_a_part_leave_the_whole() -> None:
    journal = Journal()
    create(journal, "root")
    record(journal, "DeleteCertificateAuthority", f"{CAS}/root", outcome="InvalidStateException")
    record(journal, "DeletePolicy", f"{CAS}/root")
    record(journal, "DeletePermission", f"{CAS}/root")
    assert names(plan(journal)) == ["root"]


def test_a_restored_authority_is_there_again() -> None:
    journal = Journal()
    create(journal, "root")
    record(journal, "DeleteCertificateAuthority", f"{CAS}/root")
    record(journal, "RestoreCertificateAuthority", f"{CAS}/root")
    assert names(plan(journal)) == ["root"]


def test_what_lies_within_something_created_goes_with_it() -> None:
    journal = Journal()
    create(journal, "root")
    record(journal, "CreateBucket", "arn:aws:s3:::lab-crl", service="s3")
    record(journal, "PutObject", "arn:aws:s3:::lab-crl/k", service="s3")
    record(journal, "IssueCertificate", CertificateArn=f"{CAS}/root/certificate/1")
    assert names(plan(journal)) == ["root", "lab-crl"]


def test_traces_in_what_was_there_before_are_named() -> None:
    journal = Journal()
    record(journal, "PutObject", "arn:aws:s3:::theirs/k", service="s3")
    record(journal, "PutObject", "arn:aws:s3:::theirs/deleted", service="s3")
    record(journal, "DeleteObject", "arn:aws:s3:::theirs/deleted", service="s3")
    record(journal, "IssueCertificate", CertificateArn=f"{CAS}/theirs/certificate/1")
    journal.record(
        at=NOW,
        account="owner",
        account_id=OWNER,
        region="us-east-1",
        service="acm-pca",
        operation="CreateCertificateAuthorityAuditReport",
        resources=[f"{CAS}/theirs", "arn:aws:s3:::theirs"],
        outcome="ok",
        parameters={},
        results={"AuditReportId": "r", "S3Key": "audit-report/r.json"},
    )
    record(journal, "CreateCluster", service="eks", Arn="arn:aws:eks:us-east-1:1:cluster/f")
    found = plan(journal)
    assert [(each.kind, each.arn) for each in found] == [
        ("object", "arn:aws:s3:::theirs/audit-report/r.json"),
        ("object", "arn:aws:s3:::theirs/k"),
        ("Cluster", "arn:aws:eks:us-east-1:1:cluster/f"),
        ("certificate", f"{CAS}/theirs/certificate/1"),
    ]
    s3 = boto3.client("s3", region_name="us-east-1")
    with moto.mock_aws():
        s3.create_bucket(Bucket="theirs")
        for key in ("k", "audit-report/r.json", "audit-report/r.json.theirs"):
            s3.put_object(Bucket="theirs", Key=key, Body=b"")
        cleaned = clean_up(found, lambda *_: s3)
        kept = [each["Key"] for each in s3.list_objects_v2(Bucket="theirs")["Contents"]]
    assert [each.resource.arn for each in cleaned.removed] == [
        "arn:aws:s3:::theirs/audit-report/r.json"
    ]
    assert kept == ["audit-report/r.json.theirs", "k"]
    assert len(cleaned.left) == 3
    assert all(each.note for each in cleaned.left)


@pytest.mark.parametrize(
    ("status", "calls"),
    [
        ("ACTIVE", ["describe", "update", "delete", "describe"]),
        ("DISABLED", ["describe", "delete", "describe"]),
        ("PENDING_CERTIFICATE", ["describe", "delete", "describe"]),
        ("EXPIRED", ["describe", "delete", "describe"]),
        ("FAILED", ["describe", "delete", "describe"]),
    ],
)
def test_an_authority_is_deleted_from_any_state_with_the_shortest_window(
    status: str, calls: list[str]
) -> None:
    pca = Authorities(root=status)
    cleaned = clean_up([authority("root")], lambda *_: pca)
    assert [call.partition(" ")[0] for call in pca.calls] == calls
    (outcome,) = cleaned.removed
    assert outcome.note == "restorable until 2026-01-12 09:00 UTC"


def test_an_authority_still_being_created_leaves_nothing_to_restore() -> None:
    waited: list[float] = []
    pca = Authorities(root="CREATING")
    cleaned = clean_up([authority("root")], lambda *_: pca, sleep=waited.append)
    assert sum(waited) == 300
    assert [each.note for each in cleaned.removed] == [""]


def test_a_longer_window_can_be_asked_for_within_awss_bounds() -> None:
    pca = Authorities(root="DISABLED")
    cleaned = clean_up([authority("root")], lambda *_: pca, permanent_deletion_days=30)
    assert cleaned.removed[0].note == "restorable until 2026-02-04 09:00 UTC"
    for days in (6, 31):
        with pytest.raises(LabError, match="expected 7 to 30"):
            clean_up([], lambda *_: pca, permanent_deletion_days=days)


def test_cleaning_twice_is_harmless() -> None:
    pca = Authorities(root="ACTIVE")
    created = [authority("root"), authority("never")]
    clean_up(created, lambda *_: pca)
    pca.calls.clear()
    again = clean_up(created, lambda *_: pca)
    assert again.removed == again.left == ()
    assert [each.note for each in again.already_gone] == [
        "restorable until 2026-01-12 09:00 UTC",
        "ResourceNotFoundException",
    ]
    assert pca.calls == ["describe root", "describe never"]


def test_what_stands_in_the_way_is_tried_again_in_rounds_with_growing_pauses() -> None:
    """AWS's own conflicts, failures and lost connections pass; a refusal does not."""
    pca = Authorities(a="DISABLED", b="DISABLED", c="DISABLED", d="DISABLED")
    failed = refusal("InternalError", "Sorry", "DescribeCertificateAuthority")
    failed.response["ResponseMetadata"] = {"HTTPStatusCode": 500}  # type: ignore[typeddict-item]
    trouble: list[Exception | None] = [
        EndpointConnectionError(endpoint_url="https://acm-pca.invalid"),
        refusal("ThrottlingException", "Slow down", "DescribeCertificateAuthority"),
        failed,
        refusal("AccessDeniedException", "You may not", "DescribeCertificateAuthority"),
        refusal("InvalidStateException", "Not now", "DescribeCertificateAuthority"),
    ]

    def client_for(*_: str) -> Authorities:
        cause = trouble.pop(0) if trouble else None
        if cause is not None:
            raise cause
        return pca

    waited: list[float] = []
    told: list[tuple[int, int, str, str]] = []
    cleaned = clean_up(
        [authority(name) for name in "abcd"],
        client_for,
        sleep=waited.append,
        on_step=lambda number, of, thing, status: told.append((number, of, thing.name, status)),
    )
    assert waited == [5, 15]
    assert names(tuple(each.resource for each in cleaned.removed)) == ["a", "b", "c"]
    assert [each.note for each in cleaned.left] == ["AccessDeniedException: You may not"]
    assert told[0] == (1, 4, "a", "removing")
    assert told[1][3].startswith("again later: Could not connect")
    assert told[-1] == (1, 4, "a", "removed: restorable until 2026-01-12 09:00 UTC")
    assert len(told) == 2 * (4 + 3 + 1)


def test_what_stays_in_the_way_is_left_after_a_stated_time() -> None:
    class Busy(Authorities):
        def describe_certificate_authority(self, **_: str) -> dict[str, Any]:
            raise refusal("ResourceInUseException", "In use", "DescribeCertificateAuthority")

    waited: list[float] = []
    cleaned = clean_up([authority("root")], lambda *_: Busy(), sleep=waited.append)
    assert waited == [5, 15, 45, 120, 300, 420]
    assert [each.note for each in cleaned.left] == [
        "ResourceInUseException: In use; tried 7 times in 15 minutes"
    ]
    assert cleaned.billable == cleaned.left
    assert "Still to be paid for: certificate authority" in cleaned.summary()


def test_an_error_is_reported_and_the_rest_is_still_cleaned() -> None:
    pca = Authorities(a="DISABLED", b="DISABLED", c="DISABLED", d="DISABLED")
    trouble = {
        "a": refusal("AccessDeniedException", "You may not", "DescribeCertificateAuthority"),
        "b": NoCredentialsError(),
        "c": LabError("no such account"),
    }

    def client_for(service: str, account: str, region: str) -> Authorities:
        assert (service, account, region) == ("acm-pca", "owner", "us-east-1")
        cause = trouble.pop(next(iter(trouble), "none"), None)
        if cause is not None:
            raise cause
        return pca

    cleaned = clean_up([authority(name) for name in "abcd"], client_for)
    assert names(tuple(each.resource for each in cleaned.left)) == ["a", "b", "c"]
    assert [each.note for each in cleaned.left] == [
        "AccessDeniedException: You may not",
        "Unable to locate credentials",
        "no such account",
    ]
    assert names(tuple(each.resource for each in cleaned.removed)) == ["d"]


@pytest.fixture
def s3() -> Iterator[Any]:
    with moto.mock_aws():
        yield boto3.client("s3", region_name="us-east-1")


@pytest.fixture
def bucket(s3: Any) -> Created:
    s3.create_bucket(Bucket="lab-crl")
    return made("bucket", "arn:aws:s3:::lab-crl", "s3")


@pytest.fixture
def client_for(s3: Any) -> Callable[..., Any]:
    return lambda *_: s3


def test_a_bucket_is_emptied_of_every_version_and_marker_and_deleted(
    s3: Any, bucket: Created, client_for: Callable[..., Any]
) -> None:
    s3.put_bucket_versioning(Bucket="lab-crl", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two"):
        s3.put_object(Bucket="lab-crl", Key="crl/a.crl", Body=body)
    s3.delete_object(Bucket="lab-crl", Key="crl/a.crl")
    s3.create_bucket(Bucket="theirs")
    cleaned = clean_up([bucket], client_for)
    assert [each.note for each in cleaned.removed] == ["with 3 object versions"]
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == ["theirs"]
    again = clean_up([bucket], client_for)
    assert [each.note for each in again.already_gone] == ["NoSuchBucket"]


def test_more_objects_than_one_request_deletes_are_all_deleted(
    s3: Any, bucket: Created, client_for: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pkilab.cleaning.removal import buckets

    monkeypatch.setattr(buckets, "_BATCH", 2)
    for number in range(5):
        s3.put_object(Bucket="lab-crl", Key=str(number), Body=b"")
    assert [each.note for each in clean_up([bucket], client_for).removed] == [
        "with 5 object versions"
    ]


def test_an_object_that_cannot_be_deleted_keeps_its_bucket_and_is_named(
    s3: Any, bucket: Created, client_for: Callable[..., Any]
) -> None:
    s3.put_object(Bucket="lab-crl", Key="locked", Body=b"")
    locked = {"Key": "locked", "Code": "AccessDenied", "Message": "Object Lock"}
    s3.meta.events.register(
        "after-call.s3.DeleteObjects", lambda parsed, **_: parsed.update(Errors=[locked])
    )
    cleaned = clean_up([bucket], client_for)
    assert cleaned.removed == ()
    assert [each.note for each in cleaned.left] == [
        "1 object could not be deleted; locked: AccessDenied: Object Lock"
    ]


def test_every_request_to_a_bucket_names_the_account_that_must_own_it(
    s3: Any, bucket: Created, client_for: Callable[..., Any]
) -> None:
    s3.put_object(Bucket="lab-crl", Key="k", Body=b"")
    owners = []
    s3.meta.events.register(
        "provide-client-params.s3",
        lambda params, model, **_: owners.append((model.name, params["ExpectedBucketOwner"])),
    )
    clean_up([bucket], client_for)
    assert owners == [
        ("ListObjectVersions", OWNER),
        ("DeleteObjects", OWNER),
        ("DeleteBucket", OWNER),
    ]


def test_a_clean_up_seen_by_the_journal_leaves_it_nothing_to_plan(s3: Any) -> None:
    journal = Journal()
    journal.attach(s3, account="owner", account_id=OWNER, now=lambda: NOW)
    s3.create_bucket(Bucket="lab-crl")
    s3.put_object(Bucket="lab-crl", Key="k", Body=b"")
    assert names(plan(journal)) == ["lab-crl"]
    clean_up(plan(journal), lambda *_: s3)
    assert plan(journal) == ()


def test_the_result_reads_as_text_table_and_html() -> None:
    pca = Authorities(root="ACTIVE")
    cleaned = clean_up([authority("root"), authority("never")], lambda *_: pca)
    assert list(cleaned.to_frame()["result"]) == ["removed", "already gone"]
    assert repr(cleaned).startswith(
        "1 thing removed, 0 left, 1 already gone. AWS keeps 1 of them restorable, until "
        "2026-01-12 09:00 UTC at the latest, and charges nothing for that.\nremoved  owner"
    )
    html = cleaned._repr_html_()
    assert html is not None
    assert "1 thing removed, 0 left, 1 already gone." in html
    assert repr(Cleaned((), (), ())) == "0 things removed, 0 left, 0 already gone."


STACK = f"arn:aws:cloudformation:us-east-1:{OWNER}:stack"
TEMPLATE = "Resources: {Bucket: {Type: AWS::S3::Bucket}}"


@pytest.fixture
def cloud() -> Iterator[Lab]:
    with Lab.simulated(seed="cleaning") as lab:
        yield lab


def test_a_stack_is_planned_whatever_was_asked_of_it(cloud: Lab) -> None:
    """DeleteStack only begins to delete; a change set of a stack that is there makes none."""
    client = cloud.client("cloudformation")
    for name in ("one", "two"):
        client.create_stack(StackName=name, TemplateBody=TEMPLATE)
    client.delete_stack(StackName="one")
    change = {"ChangeSetName": "c", "TemplateBody": TEMPLATE}
    client.create_change_set(StackName="three", ChangeSetType="CREATE", **change)
    client.create_change_set(StackName="two", **change)
    kinds = {(each.kind, each.arn.split("/")[1]) for each in plan(cloud.journal)}
    assert kinds == {("stack", "one"), ("stack", "two"), ("stack", "three")}


def test_stacks_are_deleted_with_their_resources_and_what_cannot_be_is_said(cloud: Lab) -> None:
    client, s3 = cloud.client("cloudformation"), cloud.client("s3")
    for name in ("gone", "kept", "full"):
        client.create_stack(StackName=name, TemplateBody=TEMPLATE)
    client.delete_stack(StackName="gone")
    client.update_termination_protection(StackName="kept", EnableTerminationProtection=True)
    answer = client.describe_stack_resource(StackName="full", LogicalResourceId="Bucket")
    bucket = answer["StackResourceDetail"]["PhysicalResourceId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    cleaned = cloud.clean_up()
    notes = {each.resource.arn.split("/")[1]: each.note for each in cleaned.left
             if each.resource.kind == "stack"}  # fmt: skip
    assert notes == {
        "kept": "ValidationError: Stack [kept] cannot be deleted while TerminationProtection is "
        "enabled",
    }
    assert [each.resource.arn.split("/")[1] for each in cleaned.already_gone] == ["gone"]
    assert [each.resource.arn.split("/")[1] for each in cleaned.removed] == ["full"]
    client.update_termination_protection(StackName="kept", EnableTerminationProtection=False)
    assert len(cloud.clean_up().removed) == 1
    assert s3.list_buckets()["Buckets"] == []


def test_a_stack_goes_after_what_may_use_it_and_before_what_it_may_use() -> None:
    journal = Journal()
    record(journal, "CreateHostedZone", service="route53", Arn="arn:aws:route53:::hostedzone/Z")
    record(journal, "CreateStack", service="cloudformation", StackId=f"{STACK}/web/1")
    domain = "arn:aws:apigateway:us-east-1::/domainnames/a.b"
    record(journal, "CreateDomainName", service="apigatewayv2", Arn=domain)
    assert [each.kind for each in plan(journal)] == ["domain name", "stack", "hosted zone"]


def test_users_policies_and_devices_go_with_all_that_is_theirs(lab: Lab) -> None:
    """Whatever is attached to them first; what is not the lab's stays."""
    iam = lab.client("iam")
    iam.create_user(UserName="ana")
    iam.create_access_key(UserName="ana")
    arn = iam.create_policy(PolicyName="read", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY, SetAsDefault=True)
    iam.attach_user_policy(UserName="ana", PolicyArn=arn)
    iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=POLICY)
    iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")
    cleaned = lab.clean_up()
    assert [each.resource.kind for each in cleaned.removed] == ["MFA device", "user", "policy"]
    assert cleaned.left == ()
    assert [each["UserName"] for each in iam.list_users()["Users"]] == ["learner"]
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []


def test_keys_lose_their_aliases_and_wait_for_their_deletion(lab: Lab) -> None:
    """A key whose deletion was cancelled stands again; one that waits already is gone."""
    kms = lab.client("kms")
    first, second = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    kms.create_alias(AliasName="alias/first", TargetKeyId=first)
    kms.schedule_key_deletion(KeyId=second, PendingWindowInDays=7)
    assert [each.kind for each in plan(lab.journal)] == ["alias", "KMS key"]
    kms.cancel_key_deletion(KeyId=second)
    assert [each.kind for each in plan(lab.journal)] == ["alias", "KMS key", "KMS key"]
    notes = {each.note for each in lab.clean_up().removed if each.resource.kind == "KMS key"}
    assert notes == {"restorable until 2026-11-09 09:00 UTC"}
    assert kms.list_aliases()["Aliases"] == []
    assert kms.describe_key(KeyId=first)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert plan(lab.journal) == ()


def test_an_organization_is_taken_apart_from_its_policies_on(lab: Lab) -> None:
    """A policy that is attached, a unit with an account in it, and the member leave first."""
    owner, consumer = (lab.client("organizations", account=a) for a in ("owner", "consumer"))
    owner.create_organization(FeatureSet="ALL")
    root = owner.list_roots()["Roots"][0]["Id"]
    member = lab.accounts["consumer"]
    invited = owner.invite_account_to_organization(Target={"Id": member, "Type": "ACCOUNT"})
    consumer.accept_handshake(HandshakeId=invited["Handshake"]["Id"])
    unit = owner.create_organizational_unit(ParentId=root, Name="u")["OrganizationalUnit"]["Id"]
    owner.move_account(AccountId=member, SourceParentId=root, DestinationParentId=unit)
    control = owner.create_policy(
        Name="deny", Description="", Type="SERVICE_CONTROL_POLICY", Content=DENY
    )["Policy"]["PolicySummary"]["Id"]
    owner.attach_policy(PolicyId=control, TargetId=unit)
    other = owner.create_organizational_unit(ParentId=root, Name="o")["OrganizationalUnit"]["Id"]
    owner.delete_organizational_unit(OrganizationalUnitId=other)
    cleaned = lab.clean_up()
    assert [(each.resource.kind, each.note) for each in cleaned.removed] == [
        ("organization policy", "detached from 1 target"),
        ("organizational unit", ""),
        ("organization", "its 1 member account left it first"),
    ]
    assert cleaned.left == cleaned.already_gone == ()
    assert plan(lab.journal) == ()


POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    }
)
DENY = POLICY.replace("Allow", "Deny")


def test_events_stores_and_shares_go_with_what_is_theirs(lab: Lab) -> None:
    """A rule loses its targets, a trail its bucket after it, and a secret has no window."""
    sqs, events = lab.client("sqs"), lab.client("events")
    url = sqs.create_queue(QueueName="caught")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    target = {"Id": "q", "Arn": queue["Attributes"]["QueueArn"]}
    events.create_event_bus(Name="own")
    for bus in ("default", "own"):
        events.put_rule(Name=f"on-{bus}", EventBusName=bus, EventPattern='{"source": ["lab"]}')
        events.put_targets(Rule=f"on-{bus}", EventBusName=bus, Targets=[target])
    lab.client("sns").create_topic(Name="told")
    lab.client("logs").create_log_group(logGroupName="/aws/events/caught")
    lab.client("securityhub").enable_security_hub(EnableDefaultStandards=False)
    lab.client("ssm").put_parameter(Name="/tls/chain", Value="x", Type="String")
    lab.client("secretsmanager").create_secret(Name="tls", SecretString="x")
    root = ca_hierarchy.create_root(lab.client("acm-pca"), {"CommonName": "Shared"})
    lab.client("ram").create_resource_share(
        name="all", resourceArns=[root], principals=["444455556666"]
    )
    cleaned = lab.clean_up()
    assert cleaned.left == ()
    assert {each.resource.kind for each in cleaned.removed} == {
        "certificate authority", "event bus", "event rule", "log group", "parameter", "queue",
        "resource share", "secret", "Security Hub", "topic",
    }  # fmt: skip
    assert events.list_rules()["Rules"] == []
    assert [each["Name"] for each in events.list_event_buses()["EventBuses"]] == ["default"]
    assert sqs.list_queues().get("QueueUrls", []) == []
    with pytest.raises(ClientError, match="not subscribed"):
        lab.client("securityhub").describe_hub()
    again = lab.clean_up()
    assert again.removed == again.left == ()


def test_a_trail_goes_before_the_bucket_that_it_writes_to(lab: Lab) -> None:
    """And says that its log files stay; the bucket is the lab's, and they go with it."""
    s3, account = lab.client("s3"), lab.accounts["owner"]
    s3.create_bucket(Bucket="lab-trail")
    arn = f"arn:aws:cloudtrail:us-east-1:{account}:trail/lab"
    service = {"Service": "cloudtrail.amazonaws.com"}
    source = {"aws:SourceArn": arn}
    statements = [
        {
            "Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl",
            "Resource": "arn:aws:s3:::lab-trail", "Condition": {"StringEquals": source},
        },
        {
            "Effect": "Allow", "Principal": service, "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::lab-trail/AWSLogs/{account}/*",
            "Condition": {
                "StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}
            },
        },
    ]  # fmt: skip
    s3.put_bucket_policy(
        Bucket="lab-trail", Policy=json.dumps({"Version": "2012-10-17", "Statement": statements})
    )
    cloudtrail = lab.client("cloudtrail")
    cloudtrail.create_trail(Name="lab", S3BucketName="lab-trail")
    cloudtrail.start_logging(Name="lab")
    lab.client("kms").list_keys()
    lab.clock.advance(minutes=10)
    assert s3.list_objects_v2(Bucket="lab-trail")["KeyCount"]
    cleaned = lab.clean_up()
    assert cleaned.left == ()
    assert [each.resource.kind for each in cleaned.removed] == ["trail", "bucket"]
    assert cloudtrail.describe_trails()["trailList"] == []
