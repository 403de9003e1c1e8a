"""AWS Systems Manager: Parameter Store, and nothing else of it.

Parameters shared by another account, resource policies and data types other than ``text`` are
refused. The size of a value is counted in bytes of UTF-8. Nothing is throttled.

Sources: AWS Systems Manager API Reference, PutParameter to UnlabelParameterVersion; User Guide,
"AWS Systems Manager Parameter Store". Sentences as public issues quote them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.kms.service import Kms
from pkilab.simulator.pages import page
from pkilab.simulator.service import AwsError, Call, JsonService, not_simulated
from pkilab.simulator.ssm.filters import is_under, read_filters
from pkilab.simulator.ssm.names import check_new, check_path, named, parameter_arn
from pkilab.simulator.ssm.policies import Policy, read_policies, renewed
from pkilab.simulator.ssm.sealing import DEFAULT_KEY, Sealing
from pkilab.simulator.ssm.state import Parameter, Tier, Version
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

Json = dict[str, Any]
SIZES: dict[Tier, int] = {"Standard": 4096, "Advanced": 8192}  # bytes of a value
QUOTAS: dict[Tier, int] = {"Standard": 10_000, "Advanced": 100_000}  # per account and Region
VERSIONS, LABELS, TAGS = 100, 10, 50
_TEXT = "text"
_OTHER_DATA_TYPES = frozenset({
    "aws:ec2:image", "aws:ssm:integration", "aws:region", "aws:account:id", "boolean", "integer",
    "float", "binary", "hostname", "email", "ipv4-address", "ipv6-address", "url", "json", "jsonc",
})  # fmt: skip
_TIERS_PAGE = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "parameter-store-advanced-parameters.html"
)
_LABEL = re.compile(r"(?!\d|aws|ssm)[a-z0-9._-]{1,100}", re.IGNORECASE)


class Ssm(JsonService):
    """Parameter Store of every account and Region of a world.

    Args:
        world: whose clock and entropy count.
        kms: what encrypts SecureStrings.
        events: who hears of changes, if anybody does.
    """

    name: ClassVar[str] = "ssm"

    def __init__(self, world: World, kms: Kms, events: Bus | None = None) -> None:
        super().__init__(world)
        self._sealing = Sealing(kms, world.entropy("ssm", "nonces"))
        self._events = events
        self._parameters: dict[str, Parameter] = {}  # by ARN

    def resource(self, arn: str) -> Resource | None:
        """Return the parameter of an ARN, for policies."""
        found = self._parameters.get(arn)
        if found is None:
            return None
        tags = {f"ssm:resourcetag/{key.lower()}": value for key, value in found.tags.items()}
        return Resource(arn, found.account, found.tags, context=tags)

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's parameters of a Region with their tags."""
        for each in self._parameters.values():
            if (each.account, each.region) == (account, region):
                yield each.arn, each.tags

    # Writing

    def put_parameter(
        self,
        call: Call,
        *,
        name: str,
        value: str,
        type: str | None = None,  # noqa: A002 - the member of that name
        description: str | None = None,
        key_id: str | None = None,
        overwrite: bool = False,
        allowed_pattern: str | None = None,
        tags: Sequence[Json] = (),
        tier: str | None = None,
        policies: str | None = None,
        data_type: str | None = None,
    ) -> Json:
        """Make a parameter, or a new version of one."""
        name = check_new(call, name)
        arn = parameter_arn(call, name)
        old = self._parameters.get(arn)
        if tags and overwrite:
            raise _invalid(
                "Invalid request: tags and overwrite can't be used together. To create a "
                "parameter with tags, please remove overwrite flag. To update tags for an "
                "existing parameter, please use AddTagsToResource or RemoveTagsFromResource."
            )
        if old is not None and not overwrite:
            raise AwsError(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option "
                "in the request to true.",
            )
        last = old.latest if old else None
        kind: Any = _type(type, last, name, key_id)
        _check_data_type(data_type)
        pattern = allowed_pattern or (last.allowed_pattern if last else "")
        _check_value(value, pattern)
        if policies is not None:
            due = read_policies(policies, call.now)
        else:  # kept until new ones are sent, or none
            due = renewed(last.policies if last else (), call.now)
        size = _tier(tier, last, value, due)
        self._require_room(call, old, size)
        new_tags = _tagged({}, tags)
        stored, used = value, ""
        if kind == "SecureString":
            used = key_id or (last.key_id if last else "") or DEFAULT_KEY
            stored = self._sealing.seal(call, arn, size, used, value)
        made = Version(
            number=last.number + 1 if last else 1,
            type=kind,
            tier=size,
            stored=stored,
            key_id=used,
            description=description if description is not None else _description(last),
            allowed_pattern=pattern,
            data_type=_TEXT,
            modified_at=call.now,
            modified_by=call.principal,
            policies=due,
        )
        if old is None:
            found = Parameter(name, arn, call.account, call.region, [made], new_tags)
            self._parameters[arn] = found
        else:
            found = old
            _make_room(found)
            found.versions.append(made)
        self._schedule(found)
        self._tell(found, "Update" if old else "Create", made)
        return {"Version": made.number, "Tier": size}

    def delete_parameter(self, call: Call, *, name: str) -> Json:
        """Forget a parameter with all its versions."""
        self._delete(self._own(call, name))
        return {}

    def delete_parameters(self, call: Call, *, names: Sequence[str]) -> Json:
        """Forget several; those that are not there are told."""
        found = [(each, self._find(call, each)) for each in dict.fromkeys(names)]
        for _, parameter in found:
            if parameter is not None:
                self._delete(parameter)
        return {
            "DeletedParameters": [each for each, parameter in found if parameter],
            "InvalidParameters": [each for each, parameter in found if parameter is None],
        }

    # Reading

    def get_parameter(self, call: Call, *, name: str, with_decryption: bool = False) -> Json:
        """Return a parameter's value: the latest, or that of a version or label."""
        parameter, version, selector = self._selected(call, name)
        return {
            "Parameter": self._answer(
                call, parameter, version, with_decryption=with_decryption, selector=selector
            )
        }

    def get_parameters(
        self, call: Call, *, names: Sequence[str], with_decryption: bool = False
    ) -> Json:
        """Return several; those that are not there are told."""
        found, wrong = [], []
        for each in dict.fromkeys(names):
            try:
                parameter, version, selector = self._selected(call, each)
            except AwsError as refused:
                if refused.code not in {"ParameterNotFound", "ParameterVersionNotFound"}:
                    raise
                wrong.append(each)
                continue
            found.append(
                self._answer(
                    call, parameter, version, with_decryption=with_decryption, selector=selector
                )
            )
        return {"Parameters": found, "InvalidParameters": wrong}

    def get_parameters_by_path(
        self,
        call: Call,
        *,
        path: str,
        recursive: bool = False,
        parameter_filters: Sequence[Json] = (),
        with_decryption: bool = False,
        max_results: int = 10,
        next_token: str | None = None,
    ) -> Json:
        """Return the parameters below a path, right below or anywhere, by name."""
        asked, below = read_filters(parameter_filters, by_path=True), check_path(path)
        by_label = any(each.key == "Label" for each in asked)
        found: list[tuple[Parameter, Version]] = []
        for parameter in self._owned(call):
            if not is_under(parameter.name, below, recursive=recursive):
                continue
            versions = parameter.versions if by_label else [parameter.latest]
            found += [
                (parameter, version)
                for version in versions
                if all(each.fits(parameter, version) for each in asked)
            ]
        scope = f"path {call.account} {call.region} {below} {recursive} {asked}"
        shown, token = page(found, max_results, next_token, scope=scope, refusal="InvalidNextToken")
        values = [
            self._answer(call, parameter, version, with_decryption=with_decryption)
            for parameter, version in shown
        ]
        return {"Parameters": values, "NextToken": token}

    def get_parameter_history(
        self,
        call: Call,
        *,
        name: str,
        with_decryption: bool = False,
        max_results: int = 50,
        next_token: str | None = None,
    ) -> Json:
        """Return every version that is kept, the oldest first."""
        found = self._own(call, name)
        shown, token = page(
            found.versions,
            max_results,
            next_token,
            scope=f"history {found.arn}",
            refusal="InvalidNextToken",
        )
        versions = [
            {
                **_described(found, each),
                "Value": self._value(call, found, each, with_decryption=with_decryption),
                "Labels": list(each.labels),
            }
            for each in shown
        ]
        return {"Parameters": versions, "NextToken": token}

    def describe_parameters(
        self,
        call: Call,
        *,
        filters: Sequence[Json] = (),
        parameter_filters: Sequence[Json] = (),
        max_results: int = 50,
        next_token: str | None = None,
        shared: bool = False,
    ) -> Json:
        """Describe the caller's parameters, without their values, by name."""
        if shared:
            raise not_simulated("DescribeParameters of parameters shared by other accounts")
        if filters and parameter_filters:
            raise _invalid("You can use either Filters or ParameterFilters in a single request.")
        old = [{**each, "Option": "BeginsWith"} for each in filters]  # as the old ones match
        asked = read_filters(parameter_filters or old, by_path=False)
        items = [
            _described(each, each.latest)
            for each in self._owned(call)
            if all(one.fits(each, each.latest) for one in asked)
        ]
        scope = f"describe {call.account} {call.region} {asked}"
        shown, token = page(items, max_results, next_token, scope=scope, refusal="InvalidNextToken")
        return {"Parameters": shown, "NextToken": token}

    # Labels

    def label_parameter_version(
        self,
        call: Call,
        *,
        name: str,
        labels: Sequence[str],
        parameter_version: int | None = None,
    ) -> Json:
        """Give a version labels, which leave the version that had them."""
        found = self._own(call, name)
        version = _numbered(found, parameter_version)
        wanted = dict.fromkeys(labels)
        valid = [each for each in wanted if _LABEL.fullmatch(each)]
        added = [each for each in valid if each not in version.labels]
        if len(version.labels) + len(added) > LABELS:
            raise AwsError(
                "ParameterVersionLabelLimitExceeded",
                "A parameter version can have a maximum of ten labels.",
            )
        for other in found.versions:
            if other is not version:
                other.labels = [each for each in other.labels if each not in valid]
        version.labels += added
        for each in valid:
            self._tell(found, "LabelParameterVersion", version, label=each)
        wrong = [each for each in wanted if each not in valid]
        return {"InvalidLabels": wrong, "ParameterVersion": version.number}

    def unlabel_parameter_version(
        self, call: Call, *, name: str, parameter_version: int, labels: Sequence[str]
    ) -> Json:
        """Take labels from a version."""
        version = _numbered(self._own(call, name), parameter_version)
        wanted = dict.fromkeys(labels)
        removed = [each for each in wanted if each in version.labels]
        version.labels = [each for each in version.labels if each not in removed]
        wrong = [each for each in wanted if each not in removed]
        return {"RemovedLabels": removed, "InvalidLabels": wrong}

    # Tags

    def add_tags_to_resource(
        self, call: Call, *, resource_type: str, resource_id: str, tags: Sequence[Json]
    ) -> Json:
        """Tag a parameter."""
        found = self._tagging(call, resource_type, resource_id)
        found.tags = _tagged(found.tags, tags)
        return {}

    def remove_tags_from_resource(
        self, call: Call, *, resource_type: str, resource_id: str, tag_keys: Sequence[str]
    ) -> Json:
        """Take tags from a parameter."""
        found = self._tagging(call, resource_type, resource_id)
        found.tags = {key: each for key, each in found.tags.items() if key not in tag_keys}
        return {}

    def list_tags_for_resource(self, call: Call, *, resource_type: str, resource_id: str) -> Json:
        """List a parameter's tags."""
        found = self._tagging(call, resource_type, resource_id)
        return {"TagList": [{"Key": key, "Value": value} for key, value in found.tags.items()]}

    # What the operations share

    def _owned(self, call: Call) -> Iterator[Parameter]:
        place = (call.account, call.region)
        for _, found in sorted(self._parameters.items()):
            if (found.account, found.region) == place:
                yield found

    def _find(self, call: Call, text: str) -> Parameter | None:
        asked = named(call, text)
        if asked.account != call.account:
            raise not_simulated("a parameter shared by another account")
        return self._parameters.get(asked.arn) if asked.region == call.region else None

    def _own(self, call: Call, text: str) -> Parameter:
        found = self._find(call, text)
        if found is None:
            raise _not_found()
        return found

    def _selected(self, call: Call, text: str) -> tuple[Parameter, Version, str]:
        """Return a parameter and the version that a name means."""
        found, selector = self._own(call, text), named(call, text).selector
        if not selector:
            return found, found.latest, ""
        wanted = selector.removeprefix(":")
        if wanted.isascii() and wanted.isdigit():
            return found, _numbered(found, int(wanted)), selector
        for version in found.versions:
            if wanted in version.labels:
                return found, version, selector
        raise AwsError(
            "ParameterVersionNotFound",
            f"Systems Manager could not find label {wanted} for parameter {found.name}. Verify "
            "the label and try again.",
        )

    def _answer(
        self,
        call: Call,
        parameter: Parameter,
        version: Version,
        *,
        with_decryption: bool,
        selector: str = "",
    ) -> Json:
        return {
            "Name": parameter.name,
            "Type": version.type,
            "Value": self._value(call, parameter, version, with_decryption=with_decryption),
            "Version": version.number,
            "Selector": selector or None,
            "LastModifiedDate": version.modified_at,
            "ARN": parameter.arn,
            "DataType": version.data_type,
        }

    def _value(
        self, call: Call, parameter: Parameter, version: Version, *, with_decryption: bool
    ) -> str:
        if version.type != "SecureString" or not with_decryption:
            return version.stored
        return self._sealing.open(call, parameter.arn, version.tier, version.stored)

    def _require_room(self, call: Call, old: Parameter | None, tier: Tier) -> None:
        if old is not None and old.latest.tier == tier:
            return
        if len(self._parameters) < QUOTAS[tier]:  # of the whole world: nobody has too many
            return
        if sum(each.latest.tier == tier for each in self._owned(call)) < QUOTAS[tier]:
            return
        more = " or upgrade to the advanced-parameter tier (charges apply)"
        raise AwsError(
            "ParameterLimitExceeded",
            f"You have reached the maximum number of {tier.lower()} parameters for this AWS "
            f"account and Region ({QUOTAS[tier]}). To add more parameters, either delete existing "
            f"parameters{more if tier == 'Standard' else ''}.",
        )

    def _tagging(self, call: Call, resource_type: str, resource_id: str) -> Parameter:
        if resource_type != "Parameter":
            raise not_simulated(f"tags of the resource type {resource_type}")
        found = self._find(call, resource_id)
        if found is None:
            raise AwsError(
                "InvalidResourceId",
                "The resource ID is not valid. Verify that you entered the correct ID and try "
                "again.",
            )
        return found

    def _delete(self, found: Parameter) -> None:
        for job in found.jobs:
            job.cancel()
        del self._parameters[found.arn]
        self._tell(found, "Delete", found.latest)

    # Policies and events

    def _schedule(self, found: Parameter) -> None:
        """Let the policies of the latest version fall due, and those of older ones not."""
        for job in found.jobs:
            job.cancel()
        found.jobs = []
        for number, policy in enumerate(found.latest.policies):
            if policy.status == "Finished" and policy.type != "NoChangeNotification":
                continue
            due = functools.partial(self._due, found, number, policy)
            found.jobs.append(
                self.world.clock.at(policy.due_at, due, f"{policy.type} of {found.arn}")
            )

    def _due(self, found: Parameter, number: int, policy: Policy) -> None:
        version = found.latest
        version.policies = (
            *version.policies[:number],
            policy.finished(),
            *version.policies[number + 1 :],
        )
        self._put_event(
            found,
            "Parameter Store Policy Action",
            {
                "parameter-name": found.name,
                "parameter-type": version.type,
                "policy-type": policy.type,
                "policy-content": policy.text,
                "action-status": "Success",
            },
        )
        if policy.type == "Expiration":
            self._delete(found)

    def _tell(self, found: Parameter, operation: str, version: Version, *, label: str = "") -> None:
        detail = {
            "operation": operation,
            "name": found.name,
            "type": version.type,
            "description": version.description,
        }
        kept = {key: value for key, value in {**detail, "label": label}.items() if value}
        self._put_event(found, "Parameter Store Change", kept)

    def _put_event(self, found: Parameter, kind: str, detail: Json) -> None:
        if self._events is not None:
            self._events.put(
                "aws.ssm",
                kind,
                account=found.account,
                region=found.region,
                resources=[found.arn],
                detail=detail,
            )


def _type(wanted: str | None, last: Version | None, name: str, key_id: str | None) -> str:
    if wanted is None and last is None:
        raise _invalid("A parameter type is required when you create a parameter.")
    found = wanted or (last.type if last else "")
    if last is not None and found != last.type and name.startswith("/"):
        raise AwsError(
            "HierarchyTypeMismatchException",
            "Parameter Store doesn't support changing a parameter type in a hierarchy. For "
            "example, you can't change a parameter from a String type to a SecureString type. You "
            "must create a new, unique parameter.",
        )
    if key_id and found != "SecureString":
        raise _invalid("KeyId is required for SecureString type parameter only.")
    return found


def _check_data_type(wanted: str | None) -> None:
    if wanted in {None, "", _TEXT}:
        return
    if wanted in _OTHER_DATA_TYPES:
        raise not_simulated(f"PutParameter with DataType {wanted}")
    raise _invalid(
        f"The following data type is not supported: {wanted} (Data type names are all lowercase.)"
    )


def _check_value(value: str, pattern: str) -> None:
    if not value:
        raise _invalid(
            "1 validation error detected: Value at 'value' failed to satisfy constraint: Member "
            "must have length greater than or equal to 1"
        )
    try:
        value.encode()
    except UnicodeEncodeError:  # its text is the value
        raise _invalid("The parameter value is not valid Unicode.") from None
    if re.search(r"\{\{.*\}\}", value, re.DOTALL):
        raise _invalid(
            'Parameter value: can\'t nest another parameter. Do not use "{{}}" in the value.'
        )
    if not pattern:
        return
    try:
        fits = re.compile(pattern).search(value)
    except (re.error, RecursionError, OverflowError) as problem:
        raise AwsError(
            "InvalidAllowedPatternException",
            "The request does not meet the regular expression requirement.",
        ) from problem
    if not fits:
        raise AwsError(
            "ParameterPatternMismatchException",
            f"Parameter value, cannot be validated against allowedPattern: {pattern}",
        )


def _tier(
    wanted: str | None, last: Version | None, value: str, policies: tuple[Policy, ...]
) -> Tier:
    """Return the tier of a new version, in which its value has room.

    Raises:
        AwsError: ValidationException: too long, a way back from Advanced, or policies in Standard.
    """
    size = len(value.encode())
    was_advanced = last is not None and last.tier == "Advanced"
    found: Tier = "Standard"
    needed = wanted == "Intelligent-Tiering" and (size > SIZES["Standard"] or bool(policies))
    if wanted == "Advanced" or (wanted != "Standard" and was_advanced) or needed:
        found = "Advanced"
    elif was_advanced:
        raise _invalid(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from "
            "the advanced-parameter tier to the standard-parameter tier. If necessary, you can "
            "delete the advanced parameter and recreate it as a standard parameter."
        )
    if size > SIZES["Standard"] and found == "Standard":
        raise _invalid(
            f"Standard tier parameters support a maximum parameter value of {SIZES[found]} "
            "characters. To create a larger parameter value, upgrade the parameter to use the "
            f"advanced-parameter tier. For more information, see {_TIERS_PAGE}"
        )
    if size > SIZES["Advanced"]:
        raise _invalid(
            f"Advanced tier parameters support a maximum parameter value of {SIZES[found]} "
            "characters."
        )
    if policies and found == "Standard":
        raise _invalid(
            "Parameter policies are supported by the advanced-parameter tier only. For more "
            f"information, see {_TIERS_PAGE}"
        )
    return found


def _make_room(found: Parameter) -> None:
    if len(found.versions) < VERSIONS:
        return
    oldest = found.versions[0]
    if oldest.labels:
        raise AwsError(
            "ParameterMaxVersionLimitExceeded",
            f"You attempted to create a new version of {found.name} by calling the PutParameter "
            f"API with the overwrite flag. Version {oldest.number}, the oldest version, can't be "
            "deleted because it has a label associated with it. Move the label to another version "
            "of the parameter, and try again.",
        )
    del found.versions[0]


def _numbered(found: Parameter, number: int | None) -> Version:
    for version in found.versions:
        if version.number == number:
            return version
    if number is None:
        return found.latest
    raise AwsError(
        "ParameterVersionNotFound",
        f"Systems Manager could not find version {number} of {found.name}. Verify the version and "
        "try again.",
    )


def _described(found: Parameter, version: Version) -> Json:
    return {
        "Name": found.name,
        "ARN": found.arn,
        "Type": version.type,
        "KeyId": version.key_id or None,
        "LastModifiedDate": version.modified_at,
        "LastModifiedUser": version.modified_by,
        "Description": version.description or None,
        "AllowedPattern": version.allowed_pattern or None,
        "Version": version.number,
        "Tier": version.tier,
        "Policies": [each.listed() for each in version.policies],
        "DataType": version.data_type,
    }


def _tagged(old: dict[str, str], new: Iterable[Json]) -> dict[str, str]:
    found = {**old, **{each["Key"]: each["Value"] for each in new}}
    if any(key.lower().startswith("aws:") for key in found):
        raise _invalid("Tag keys can't begin with aws:, which is reserved.")
    if len(found) > TAGS:
        raise AwsError(
            "TooManyTagsError",
            f"The number of tags exceeds the limit of {TAGS} tags for a resource.",
        )
    return found


def _description(last: Version | None) -> str:
    return last.description if last else ""


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def _not_found() -> AwsError:
    # AWS says no more than the code.
    return AwsError("ParameterNotFound", "")
