"""What a run on AWS left behind: from its ledger, also of one that was killed, or by its tag.

A ledger says what was created, and of some calls only that they were about to be made. What such a
call may have made is looked for, and taken for the run's only with proof: the run's tag, a hosted
zone's caller reference, an alias of a key of the run. What cannot be proven is named, and nothing
else of an account is touched.

`pkilab.cleaning.clean_up` deletes what is found here. Only questions are asked in this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pkilab.cleaning.creations import KINDS, RESTORERS, in_order, plan
from pkilab.cleaning.removal import kinds
from pkilab.cleaning.removal.asking import ClientFor, code, pages
from pkilab.cleaning.removal.kinds import Created, partition_of, telling
from pkilab.cleaning.removal.stacks import contents_of, function_logs_of
from pkilab.cleaning.tagged import has_tags, is_listed, is_of, kind_of, listed, named_by, tags_of
from pkilab.cleaning.traces import changes, writes_objects
from pkilab.errors import LabError
from pkilab.stacks import makes_stack
from pkilab.tags import RUN, action_of

if TYPE_CHECKING:
    from pkilab.journal import Entry
    from pkilab.ledger import Record

#: Told what is looked at, where that takes its time.
OnAsk = Callable[[str], None]

#: What looking for leftovers takes besides what the clean-up itself does, as IAM actions.
ACTIONS = (
    "acm-pca:ListCertificateAuthorities", "acm-pca:ListTags", "acm:ListCertificates",
    "acm:ListTagsForCertificate", "apigateway:GET", "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks", "cloudtrail:ListTags", "events:ListTagsForResource",
    "iam:ListMFADeviceTags", "iam:ListPolicies", "iam:ListPolicyTags", "iam:ListRoleTags",
    "iam:ListRoles", "iam:ListUserTags", "iam:ListUsers", "kms:ListAliases", "kms:ListKeys",
    "kms:ListResourceTags", "lambda:ListTags", "logs:ListTagsForResource",
    "organizations:ListOrganizationalUnitsForParent", "organizations:ListPolicies",
    "organizations:ListRoots", "organizations:ListTagsForResource", "ram:GetPermission",
    "ram:GetResourceShares", "ram:ListPermissions", "route53:ListHostedZones",
    "s3:GetBucketTagging", "secretsmanager:DescribeSecret", "securityhub:ListTagsForResource",
    "sns:ListTagsForResource", "sqs:GetQueueUrl", "sqs:ListQueueTags", "ssm:ListTagsForResource",
    "tag:GetResources",
)  # fmt: skip

_HOME = "us-east-1"  # where the tagging API lists what is of no Region
# What botocore says where no answer came, and AWS where it failed: it may have done what was asked.
_NO_ANSWER = re.compile(
    r"unanswered|UncertainError|Unknown|5\d\d"
    r"|(Connection|ReadTimeout|ConnectTimeout|HTTPClient|SSL|ProxyConnection|Response\w*)\w*Error"
    r"|\w*(Internal|Unavailable|ServerException|ServiceFailure|ServiceException)\w*"
)
# What AWS says where a create has been done already: by somebody else, or by a first attempt of
# the same call whose answer was lost.
_THERE = re.compile(r".*(Exist|AlreadyOwned|Conflict|Duplicate|InUse|AlreadyAssociated).*")
# Operations that answer with what is there already as if they had made it.
_ANSWER_ANYWAY = (kinds.BUCKET, kinds.EVENT_RULE, kinds.QUEUE, kinds.TOPIC)
# Kinds whose names callers choose: somebody may have made another one of that name since.
_REUSED = (
    kinds.DOMAIN, kinds.EVENT_BUS, kinds.FUNCTION, kinds.LOG_GROUP, kinds.MFA_DEVICE,
    kinds.PARAMETER, kinds.POLICY, kinds.ROLE, kinds.TRAIL, kinds.USER,
)  # fmt: skip
_ABSENT = re.compile(
    r".*(NotFound|NoSuch|NonExistent|DoesNotExist|UnknownResource|InvalidResourceId"
    r"|NotInUse).*"
)
_NO_TAG = "it has not the tag of the run: it was there before, or was made without a tag"
_NOT_PROVEN = "it may have been made, and nothing proves whether it is of the run"


def standing(record: Record, client_for: ClientFor) -> tuple[Created, ...]:
    """Return what a run created and did not delete, in the order to delete it.

    That is what the ledger's calls made (`pkilab.cleaning.plan`), and what calls may have made
    whose answer is not known, with proof. Things of kind ``unproven`` are reported by a clean-up
    and left.

    Args:
        record: from `pkilab.ledger.read`. One without a run is of a trial in a simulated lab, where
            nothing has tags: the same is asked for what was made, and the answer not minded.
        client_for: given a service, an account alias and a Region, returns a client.

    Not found: what AWS's own lists do not show yet. They lag some seconds behind a create; a
    clean-up of a run that was killed this instant is worth repeating.
    """
    unclear = [*record.unanswered, *(each for each in record.entries if not each.ok)]
    # What may have been brought back, or changed, is taken to have been.
    believed = [
        replace(each, outcome="ok")
        for each in unclear
        if _NO_ANSWER.fullmatch(each.outcome)
        and (each.operation in RESTORERS or changes(each) or writes_objects(each))
    ]
    planned = plan([*record.entries, *believed])
    tagged = {arn for each in record.entries if not each.access_key_id for arn in each.resources}
    made = {arn for each in record.entries if each.ok for arn in each.made}
    looking = _Looking(record.run, client_for, tagged, made)
    kept = [looking.checked(each) for each in planned]
    for entry in unclear if record.run else ():
        if _may_have_made(entry):
            looking.look_for(entry, kept)
    looking.look_for_aliases(kept)
    return in_order([*reversed(kept), *looking.found])


def _may_have_made(entry: Entry) -> bool:
    """Whether a call that was not answered well may have created something."""
    makes = (entry.service, entry.operation) in KINDS or entry.operation.startswith("Create")
    makes = makes or (entry.service, entry.operation) == ("ssm", "PutParameter")
    makes = makes and not entry.parameters.get("CertificateArn")  # ACM imports anew under it
    if entry.operation == "ChangeResourceRecordSets":
        # A CREATE that was done, and repeated since its answer was lost, is refused as invalid.
        again = entry.outcome == "InvalidChangeBatch" and "'CREATE'" in repr(entry.parameters)
        return again or bool(_NO_ANSWER.fullmatch(entry.outcome))
    return makes and any(each.fullmatch(entry.outcome) for each in (_NO_ANSWER, _THERE))


@dataclass(slots=True)
class _Looking:
    """Looks for what calls may have made that nobody knows the answer of."""

    run: str
    client_for: ClientFor
    tagged: set[str]  # what the run's own callers named, who tag what they make
    made: set[str]  # what its calls said to have made, deleted since or not
    found: list[Created] = field(default_factory=list)
    aliases: list[Entry] = field(default_factory=list)

    def checked(self, thing: Created) -> Created:
        """Return a thing that a call said to have made; unproven, if it is somebody else's now."""
        if thing.kind == kinds.ALIAS:
            return self._checked_alias(thing)
        reused = thing.kind in _REUSED and thing.arn in self.tagged
        if thing.kind not in _ANSWER_ANYWAY and not reused:
            return thing
        try:
            found = tags_of(thing, self._client(thing)).get(RUN)
        except ClientError as error:
            return thing if _ABSENT.fullmatch(code(error)) else _unproven(thing, _why(error))
        return thing if found == self.run or not self.run else _unproven(thing, _NO_TAG)

    def _checked_alias(self, thing: Created) -> Created:
        """Return an alias; unproven, if it leads to a key that is not the run's."""
        client = self._client(thing)
        try:
            key = client.describe_key(KeyId=thing.arn)["KeyMetadata"]["Arn"]
            led_to = replace(thing, kind=kinds.KEY, arn=key)
            if key in self.made or is_of(self.run, led_to, client):
                return thing
        except ClientError as error:
            return thing if _ABSENT.fullmatch(code(error)) else _unproven(thing, _why(error))
        return _unproven(thing, f"it leads to {key}, which is not of the run")

    def look_for(self, entry: Entry, known: Iterable[Created]) -> None:
        """Find what one call may have made, and take it up with proof."""
        kind = _kind(entry)
        have = {each.arn for each in (*known, *self.found)}
        if kind == kinds.ALIAS:
            self.aliases.append(entry)
        elif kind == kinds.ZONE:
            self._take(*self._zones(entry, have))
        elif kind and is_listed(kind):
            self._take(*self._listed(entry, kind, have))
        elif kind and has_tags(kind):
            arn = _named(entry, kind)
            if arn and arn not in have:
                self._take_with_proof(_thing(entry, kind, arn), entry)
        elif _NO_ANSWER.fullmatch(entry.outcome) and not _lies_in(entry, have):
            arn = next(iter(entry.resources), f"{entry.service}:{entry.operation}")
            self._take(_unproven(_thing(entry, kind or entry.operation, arn), _NOT_PROVEN))

    def look_for_aliases(self, known: Iterable[Created]) -> None:
        """Find the aliases that may have been made: those of keys of the run."""
        keys = {
            each.arn.rpartition("/")[2] for each in (*known, *self.found) if each.kind == kinds.KEY
        }
        for entry in self.aliases:
            thing = _thing(entry, kinds.ALIAS, _named(entry, kinds.ALIAS))
            name = entry.parameters.get("AliasName")
            try:
                there = [
                    each.get("TargetKeyId")
                    for each in pages(self._client(thing), "list_aliases", "Aliases")
                    if each["AliasName"] == name
                ]
            except ClientError as error:
                self._take(_unproven(thing, _why(error)))
                continue
            if there and there[0] in keys:
                self._take(thing)

    def _take_with_proof(self, thing: Created, entry: Entry) -> None:
        """Take up a thing that has the tag; one that is absent or somebody's is none of the run."""
        try:
            if thing.kind in {kinds.STACK, kinds.SECRET}:
                thing = self._by_name(thing)
            if is_of(self.run, thing, self._client(thing)):
                self._take(thing)
            elif not _is_tagged(entry) and _NO_ANSWER.fullmatch(entry.outcome):
                self._take(_unproven(thing, _NOT_PROVEN))
        except ClientError as error:
            absent = thing.kind == kinds.STACK and "does not exist" in _why(error)
            if not absent and not _ABSENT.fullmatch(code(error)):
                self._take(_unproven(thing, _why(error)))

    def _by_name(self, thing: Created) -> Created:
        """Return a thing with its whole ARN, of which the call knew the name alone."""
        client = self._client(thing)
        if thing.kind == kinds.SECRET:
            return replace(thing, arn=client.describe_secret(SecretId=thing.arn)["ARN"])
        return replace(
            thing, arn=client.describe_stacks(StackName=thing.arn)["Stacks"][0]["StackId"]
        )

    def _listed(self, entry: Entry, kind: str, have: set[str]) -> Iterator[Created]:
        """Yield the things of a kind that have the tag, where the call was made."""
        client = self.client_for(entry.service, entry.account, entry.region)
        hidden, why = 0, ""
        try:
            for arn in listed(kind, client):
                thing = _thing(entry, kind, arn)
                if arn in have:
                    continue
                try:
                    if is_of(self.run, thing, client):
                        yield thing
                except ClientError as error:
                    if not _ABSENT.fullmatch(code(error)):
                        hidden, why = hidden + 1, _why(error)
        except ClientError as error:
            hidden, why = hidden + 1, _why(error)
        nothing = _thing(entry, kind, f"{entry.service}:{entry.operation}")
        if hidden:
            why = f"{hidden} could not be looked at, the last because of {why}"
            yield _unproven(nothing, why)
        elif not _is_tagged(entry) and _NO_ANSWER.fullmatch(entry.outcome):
            yield _unproven(nothing, _NOT_PROVEN)

    def _zones(self, entry: Entry, have: set[str]) -> Iterator[Created]:
        """Yield the hosted zones whose reference has the run's id in it, as a lab on AWS does."""
        client = self.client_for("route53", entry.account, entry.region)
        try:
            for arn in zones_of(self.run, client):
                if arn not in have:
                    yield _thing(entry, kinds.ZONE, arn)
        except ClientError as error:
            yield _unproven(_thing(entry, kinds.ZONE, "route53:CreateHostedZone"), _why(error))

    def _client(self, thing: Created) -> Any:  # noqa: ANN401 - of any service
        return self.client_for(thing.service, thing.account, thing.region)

    def _take(self, *things: Created) -> None:
        for thing in things:
            self.found.append(thing)
            if thing.kind == kinds.FUNCTION:
                self.found.append(function_logs_of(thing))


def _kind(entry: Entry) -> str | None:
    if entry.service == "cloudformation":
        return kinds.STACK if makes_stack(entry.operation, entry.parameters) else None
    if (entry.service, entry.operation) == ("ssm", "PutParameter"):
        return None if entry.parameters.get("Overwrite") else kinds.PARAMETER
    return KINDS.get((entry.service, entry.operation))


def _is_tagged(entry: Entry) -> bool:
    """Whether what the call makes has the run's tag: not by callers that the run made itself."""
    own = not entry.access_key_id
    return own and action_of(entry.service, entry.operation, entry.parameters) is not None


def _lies_in(entry: Entry, have: set[str]) -> bool:
    """Whether a call is about something of the run, and goes with it."""
    within = tuple(f"{arn}/" for arn in have)
    return any(arn in have or arn.startswith(within) for arn in entry.resources)


def _named(entry: Entry, kind: str) -> str:
    """Return the ARN of what a call would make, by the name that it gives; empty without one.

    Of stacks and secrets it is the name: AWS adds to it.
    """
    given = {key: value for key, value in entry.parameters.items() if isinstance(value, str)}
    place = f"arn:{partition_of(entry.region)}:{entry.service}:{entry.region}:{entry.account_id}:"
    iam = f"arn:{partition_of(entry.region)}:iam::{entry.account_id}:"
    gateway = f"arn:{partition_of(entry.region)}:apigateway:{entry.region}::/domainnames/"
    path, name = given.get("Path", "/"), given.get("Name", "")
    domain = given.get("DomainName") or given.get("domainName", "")
    made = {
        kinds.STACK: given.get("StackName", ""),
        kinds.SECRET: name,
        kinds.TOPIC: f"{place}{name}",
        kinds.DOMAIN: f"{gateway}{domain}",
        kinds.POLICY: f"{iam}policy{path}{given.get('PolicyName', '')}",
        kinds.MFA_DEVICE: f"{iam}mfa{path}{given.get('VirtualMFADeviceName', '')}",
        kinds.ALIAS: f"{place}{given.get('AliasName', '')}",
    }
    if kind in made:
        return made[kind]
    return next((arn for arn in entry.resources if kind_of(arn) == kind), "")


def zones_of(run: str, route53: Any) -> Iterator[str]:  # noqa: ANN401 - a boto3 client
    """Yield the ARNs of the hosted zones whose caller reference has a run's id in it.

    Route 53 takes no tags with CreateHostedZone, and the reference from whoever calls; a lab on AWS
    writes the run's id into it.

    Raises:
        ClientError: AWS refuses the list (botocore's).
    """
    for each in pages(route53, "list_hosted_zones", "HostedZones"):
        if run and run in each["CallerReference"]:
            number = each["Id"].rpartition("/")[2]
            yield f"arn:{route53.meta.partition}:route53:::hostedzone/{number}"


def _thing(entry: Entry, kind: str, arn: str) -> Created:
    place = (entry.account, entry.account_id, entry.region)
    return Created(kind, arn, entry.service, *place, entry.at)


def _unproven(thing: Created, why: str) -> Created:
    return replace(thing, kind=kinds.UNPROVEN, said=telling(kind=thing.kind, why=why))


def _why(error: ClientError) -> str:
    return f"{code(error)}: {error.response.get('Error', {}).get('Message', '')}"


def by_tag(
    run: str,
    client_for: ClientFor,
    accounts: Mapping[str, str],
    regions: Iterable[str],
    *,
    on_ask: OnAsk | None = None,
) -> tuple[Created, ...]:
    """Return what has a run's tag, where there is no ledger any more; in the order to delete it.

    The Resource Groups Tagging API is asked in each account and Region; IAM's roles and users,
    which it does not know, and its policies are asked one by one. Aliases are those of the keys
    found. What a stack of the run made goes with the stack.

    Hosted zones take no tags when they are created; the run's are those whose caller reference has
    the run's id. If the account has others, one unproven thing names them.

    Not found: records and objects in what was there before, an organization, and what the index of
    the tagging API does not show yet.

    Args:
        run: the run's id, the tag's value.
        client_for: given a service, an account alias and a Region, returns a client.
        accounts: ids by alias.
        regions: where to look; us-east-1 is looked at besides, for what is of no Region.
        on_ask: told what is looked at.

    Raises:
        ClientError: AWS refuses a list (botocore's).
        LabError: the run's id is empty.
    """
    if not run:
        raise LabError("by_tag: found an empty run id, expected that of a run")
    found: list[Created] = []
    for alias, number in accounts.items():
        whose = _Account(run, client_for, alias, number, on_ask or (lambda _: None))
        for region in dict.fromkeys((*regions, _HOME)):
            found += whose.in_region(region)
        found += whose.identities()
        found += whose.zones()
    found += [function_logs_of(each) for each in found if each.kind == kinds.FUNCTION]
    first = {each.arn: each for each in reversed(found)}
    return in_order([each for each in found if first[each.arn] is each])


@dataclass(frozen=True, slots=True)
class _Account:
    """Looks through one account for what has the tag."""

    run: str
    client_for: ClientFor
    account: str
    account_id: str
    on_ask: OnAsk

    def in_region(self, region: str) -> list[Created]:
        """Return what the tagging API lists in a Region, and the aliases of its keys."""
        self.on_ask(f"{self.account}, {region}: tagged resources")
        client = self._client("resourcegroupstaggingapi", region)
        filters: Any = [{"Key": RUN, "Values": [self.run]}]
        tagged = {
            each["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in each["Tags"]}
            for each in pages(client, "get_resources", "ResourceTagMappingList", TagFilters=filters)
        }
        things = [self._thing(arn, region) for arn in tagged]
        stacks = [each for each in things if each.kind == kinds.STACK]
        within = {arn for stack in stacks for arn in self._contents(stack)}
        own = {each.arn for each in stacks}
        kept = [
            each
            for each in things
            if each.arn not in within
            and tagged[each.arn].get("aws:cloudformation:stack-id") not in own
        ]
        return [*kept, *self._aliases(kept, region)]

    def identities(self) -> Iterator[Created]:
        """Yield the roles, users and policies of the account that have the tag."""
        iam = self._client("iam", _HOME)
        for operation, member, asked in (
            ("list_roles", "Roles", {}),
            ("list_users", "Users", {}),
            ("list_policies", "Policies", {"Scope": "Local"}),
        ):
            names = [
                each["Arn"]
                for each in pages(iam, operation, member, **asked)
                if not each["Path"].startswith(("/aws-service-role/", "/aws-reserved/"))
            ]
            for count, arn in enumerate(names, start=1):
                self.on_ask(f"{self.account}, IAM: {member.lower()}, {count} of {len(names)}")
                thing = self._thing(arn, _HOME)
                try:
                    if is_of(self.run, thing, iam):
                        yield thing
                except ClientError as error:
                    if not _ABSENT.fullmatch(code(error)):  # deleted meanwhile
                        raise

    def zones(self) -> list[Created]:
        """Return the hosted zones of the run, and a word on the others, which nothing tells."""
        self.on_ask(f"{self.account}, Route 53: hosted zones")
        route53 = self._client("route53", _HOME)
        own = list(zones_of(self.run, route53))
        others = [
            each["Name"]
            for each in pages(route53, "list_hosted_zones", "HostedZones")
            if not any(arn.endswith(f"/{each['Id'].rpartition('/')[2]}") for arn in own)
        ]
        found = [self._thing(arn, _HOME) for arn in own]
        if others:
            arn = f"arn:{route53.meta.partition}:route53:::hostedzone/*"
            why = (
                f"their references do not name the run; look whether {', '.join(others)} "
                "is yours to delete"
            )
            found.append(_unproven(replace(self._thing(arn, _HOME), kind="hosted zones"), why))
        return found

    def _contents(self, stack: Created) -> tuple[str, ...]:
        return contents_of(stack, self._client("cloudformation", stack.region))

    def _aliases(self, things: Iterable[Created], region: str) -> list[Created]:
        keys = [each for each in things if each.kind == kinds.KEY]
        kms = self._client("kms", region) if keys else None
        return [
            replace(key, kind=kinds.ALIAS, arn=alias["AliasArn"])
            for key in keys
            for alias in pages(kms, "list_aliases", "Aliases", KeyId=key.arn)
        ]

    def _client(self, service: str, region: str) -> Any:  # noqa: ANN401 - of any service
        return self.client_for(service, self.account, region)

    def _thing(self, arn: str, region: str) -> Created:
        place = {"account": self.account, "account_id": self.account_id}
        return named_by(arn, **place, region=region, at=_begun(self.run))


def _begun(run: str) -> datetime:
    """Return when a run began, which its id says; the beginning of time for another id."""
    try:
        return datetime.strptime(run[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
