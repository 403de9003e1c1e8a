"""What a template comes to with its parameters: which resources there are, and in which order.

Source: AWS CloudFormation User Guide, "Template anatomy"; sentences as answered by AWS where they
are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pkilab.simulator.cloudformation import parameters
from pkilab.simulator.cloudformation.documents import Value, invalid
from pkilab.simulator.cloudformation.intrinsics import Evaluator, Reference
from pkilab.simulator.cloudformation.resources import catalogue
from pkilab.simulator.cloudformation.template import Output, Resource, Template
from pkilab.simulator.service import AwsError, Json

_PSEUDO = (
    "AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue", "AWS::Partition", "AWS::Region",
    "AWS::StackId", "AWS::StackName", "AWS::URLSuffix",
)  # fmt: skip
_IAM, _NAMED_IAM = "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"


@dataclass(frozen=True, slots=True)
class Plan:
    """A template with its parameters.

    Attributes:
        template: as it stands.
        values: each parameter's value, as text.
        tags: the stack's.
        evaluator: knows parameters and conditions, and no resource.
        resources: those whose conditions hold, in the template's order.
        needs: what each of them needs to be there before it.
        outputs: those whose conditions hold.
    """

    template: Template
    values: Mapping[str, str]
    tags: Mapping[str, str]
    evaluator: Evaluator
    resources: Mapping[str, Resource]
    needs: Mapping[str, tuple[str, ...]]
    outputs: Mapping[str, Output]


def check(template: Template) -> None:
    """Check a template as far as that needs no parameters.

    Raises:
        AwsError: ValidationError; NotImplemented.
    """
    catalogue.check(each.type for each in template.resources.values())
    names = {*template.parameters, *_PSEUDO}
    evaluator = Evaluator({}, template.mappings, template.conditions)
    unresolved: dict[str, None] = {}
    for each in template.resources.values():
        _check_condition(template, each.condition, each.logical_id, "Resources")
        found = evaluator.references(each.properties, every=True)
        unresolved |= dict.fromkeys(_unresolved(template, names, found))
        missing = [name for name in each.depends_on if name not in template.resources]
        unresolved |= dict.fromkeys(missing)
    if unresolved:
        raise _unresolved_in("Template format error: ", unresolved, "Resources")
    for output in template.outputs.values():
        _check_condition(template, output.condition, output.name, "Outputs")
        found = evaluator.references([output.value, output.export or ""], every=True)
        unresolved |= dict.fromkeys(_unresolved(template, names, found))
    if unresolved:
        raise _unresolved_in("", unresolved, "Outputs")


def make(
    template: Template,
    given: Iterable[Json],
    *,
    previous: Mapping[str, str],
    tags: Mapping[str, str],
    pseudo: Mapping[str, Value],
) -> Plan:
    """Work a template out, as far as that needs no resource.

    Args:
        template: checked.
        given: parameters as the API has them.
        previous: the values of before, for those that are to stay.
        tags: the stack's.
        pseudo: what the pseudo parameters are.

    Raises:
        AwsError: ValidationError; NotImplemented.
    """
    values = parameters.values(template.parameters, given, previous)
    known = {
        name: parameters.typed(template.parameters[name], value) for name, value in values.items()
    }
    evaluator = Evaluator({**known, **pseudo}, template.mappings, template.conditions, _no_resource)
    holds = {name: evaluator.truth({"Condition": name}) for name in template.conditions}
    for name, rule in template.rules.items():
        _check_rule(evaluator, name, rule)
    resources = {
        name: each
        for name, each in template.resources.items()
        if each.condition is None or holds[each.condition]
    }
    outputs = {
        name: each
        for name, each in template.outputs.items()
        if each.condition is None or holds[each.condition]
    }
    needs = {name: _needs(evaluator, each, template, resources) for name, each in resources.items()}
    for output in outputs.values():
        referred = evaluator.references(output.value)
        absent = [
            each.name for each in referred if each.name in template.resources.keys() - resources
        ]
        if absent:
            raise _unresolved_in("", dict.fromkeys(absent), "Outputs")
    _check_cycles(needs)
    if not resources:
        message = "Template format error: At least one Resources member must be defined."
        raise invalid(message)
    return Plan(template, values, tags, evaluator, resources, needs, outputs)


def capabilities(template: Template) -> tuple[list[str], list[str]]:
    """Return the capabilities that a template takes, and the types for which it does."""
    needing = {
        name: each
        for name, each in template.resources.items()
        if catalogue.TYPES[each.type].capabilities
    }
    if not needing:
        return [], []
    named = any(
        (own := catalogue.TYPES[each.type].own_name) and own in each.properties
        for each in needing.values()
    )
    types = sorted({each.type for each in needing.values()})
    return [_NAMED_IAM if named else _IAM], types


def lacks(wanted: Iterable[str], given: Iterable[str]) -> list[str]:
    """Return the capabilities that are wanted and not given."""
    has = set(given)
    if _NAMED_IAM in has:
        has.add(_IAM)
    return [each for each in wanted if each not in has]


def _no_resource(reference: Reference) -> Value:
    message = "Template format error: Unresolved dependencies"
    raise invalid(
        f"{message} [{reference.name}]. Cannot reference resources in the Conditions "
        "block of the template"
    )


def _unresolved(template: Template, names: set[str], found: Iterable[Reference]) -> Iterator[str]:
    """Yield names that neither parameters nor resources have.

    Raises:
        AwsError: ValidationError, an attribute of what is no resource or has no such attribute.
    """
    for reference in found:
        resource = template.resources.get(reference.name)
        if not reference.attribute:
            if resource is None and reference.name not in names:
                yield reference.name
            continue
        if resource is None:
            message = "Template error: instance of Fn::GetAtt references undefined resource"
            raise invalid(f"{message} {reference.name}")
        if reference.attribute not in catalogue.TYPES[resource.type].attributes:
            message = f"Template error: resource {reference.name} does not support attribute type"
            raise invalid(f"{message} {reference.attribute} in Fn::GetAtt")


def _unresolved_in(prefix: str, names: Iterable[str], block: str) -> AwsError:
    found = ", ".join(sorted(names))
    message = f"{prefix}Unresolved resource dependencies [{found}] in the {block} block of the"
    return invalid(f"{message} template")


def _check_condition(template: Template, condition: str | None, name: str, block: str) -> None:
    if condition is not None and condition not in template.conditions:
        message = "Template format error: Unresolved condition dependency"
        raise invalid(f"{message} {condition} in the {block} block of the template ({name})")


def _check_rule(evaluator: Evaluator, name: str, rule: Value) -> None:
    """Check one rule.

    Raises:
        AwsError: ValidationError, an assertion does not hold.
    """
    assertions = rule.get("Assertions") if isinstance(rule, dict) else None
    if not (isinstance(assertions, list) and all(isinstance(each, dict) for each in assertions)):
        raise invalid(f"Template format error: Rule {name} has no Assertions.")
    if "RuleCondition" in rule and not evaluator.truth(rule["RuleCondition"], rule=True):
        return
    for each in assertions:
        if "Assert" not in each:
            raise invalid(f"Template format error: an assertion of Rule {name} has no Assert.")
        if not evaluator.truth(each["Assert"], rule=True):
            described = each.get("AssertDescription", "an assertion does not hold")
            raise invalid(f"Template error: Rule {name} failed: {described}")


def _needs(
    evaluator: Evaluator, resource: Resource, template: Template, resources: Mapping[str, Resource]
) -> tuple[str, ...]:
    """Return the resources that one needs.

    Raises:
        AwsError: ValidationError, it refers to one whose condition does not hold.
    """
    referred = [
        each.name
        for each in evaluator.references(resource.properties)
        if each.name in template.resources and each.name not in evaluator.parameters
    ]
    if absent := [name for name in referred if name not in resources]:
        raise _unresolved_in("Template format error: ", dict.fromkeys(absent), "Resources")
    depends = [name for name in resource.depends_on if name in resources]
    return tuple(dict.fromkeys([*referred, *depends]))


def _check_cycles(needs: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse resources that wait for each other.

    Raises:
        AwsError: ValidationError.
    """
    left = dict(needs)
    while free := [name for name, each in left.items() if not set(each) & left.keys()]:
        for name in free:
            del left[name]
    if left:
        # What only waits for a cycle, without being part of one, is not named.
        while ends := [n for n in left if not any(n in each for each in left.values())]:
            for name in ends:
                del left[name]
        found = ", ".join(left)
        raise invalid(f"Circular dependency between resources: [{found}]")


def pseudo_parameters(
    *, account: str, region: str, stack_id: str, stack_name: str
) -> dict[str, Value]:
    """Return the pseudo parameters of a stack."""
    return {
        "AWS::AccountId": account,
        "AWS::Region": region,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackId": stack_id,
        "AWS::StackName": stack_name,
        "AWS::NotificationARNs": [],
    }
