"""What stacks give to each other and to whoever asks: outputs and exports.

Source: AWS CloudFormation User Guide, "Outputs" and "Get exported outputs from a deployed stack".
"""

from __future__ import annotations

from pkilab.simulator.cloudformation.documents import invalid
from pkilab.simulator.cloudformation.intrinsics import Evaluator, text_of
from pkilab.simulator.cloudformation.plan import Plan
from pkilab.simulator.cloudformation.stacks import Stack, Stacks
from pkilab.simulator.service import AwsError, Json

_NO_TEXT = (
    "Template format error: The Value field of every Outputs member must evaluate to a String."
)


def look_ahead(stacks: Stacks, stack: Stack, plan: Plan) -> str | None:
    """Note what a plan imports; return what is wrong with its imports and exports, if anything."""
    used = [each.properties for each in plan.resources.values()]
    values = [each.value for each in plan.outputs.values()]
    try:
        imports = dict.fromkeys(plan.evaluator.imports([*used, *values]))
        names = [
            plan.evaluator.text(each.export, "The name of an export is a string.")
            for each in plan.outputs.values()
            if each.export is not None
        ]
    except AwsError as why:
        return why.message
    exports = stacks.exports(stack.account, stack.region)
    for name in imports:
        if name not in exports:
            return f"No export named {name} found."
    for name in names:
        if name in exports and (owner := exports[name][0]) is not stack:
            return f"Export with name {name} is already exported by stack {owner.name}."
        if names.count(name) > 1:
            return f"Export with name {name} is already exported by stack {stack.name}."
    stack.imports = set(imports)
    return in_use(stacks, stack, kept=set(names))


def in_use(stacks: Stacks, stack: Stack, *, kept: set[str]) -> str | None:
    """Return why a stack's exports, but for those kept, cannot go; None if they can."""
    for each in stack.outputs:
        name = each.get("ExportName")
        if name is None or name in kept:
            continue
        if users := stacks.importers(stack.account, stack.region, name):
            shown = ", ".join(user.name for user in users)
            return f"Export {name} cannot be deleted as it is in use by {shown}"
    return None


def outputs(evaluator: Evaluator, plan: Plan) -> list[Json]:
    """Work the outputs out, as a stack's description has them.

    Raises:
        AwsError: ValidationError, one is no text or refers to what is not there.
    """
    found: list[Json] = []
    for each in plan.outputs.values():
        value = text_of(evaluator.value(each.value))
        if value is None:
            raise invalid(_NO_TEXT)
        output = {"OutputKey": each.name, "OutputValue": value}
        if each.description:
            output["Description"] = each.description
        if each.export is not None:
            output["ExportName"] = evaluator.text(each.export, _NO_TEXT)
        found.append(output)
    return found


def changed_in_use(stacks: Stacks, stack: Stack, found: list[Json]) -> str | None:
    """Return why an export cannot have another value; None if none has or may."""
    before = {each["ExportName"]: each for each in stack.outputs if "ExportName" in each}
    for each in found:
        name = each.get("ExportName")
        old = before.get(name) if name else None
        if old is None or old["OutputValue"] == each["OutputValue"]:
            continue
        if users := stacks.importers(stack.account, stack.region, str(name)):
            shown = ", ".join(user.name for user in users)
            return f"Export {name} cannot be updated as it is in use by {shown}"
    return None
