"""Parameter Store: what its operations need.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Systems
Manager"; User Guide, "Restricting access to Parameter Store parameters using IAM policies".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Context,
    Rule,
    given,
    removing,
    rows,
    tagging,
)
from pkilab.simulator.service import Json
from pkilab.simulator.ssm.names import named

PREFIX = "ssm"
KEYS = frozenset(
    {
        "ssm:overwrite", "ssm:policies", "ssm:recursive", "ssm:resourcetag/",
        "aws:resourcetag/", "aws:requesttag/", "aws:tagkeys",
    }
)  # fmt: skip


def _parameter(member: str = "Name", reads: Callable[[Json], Context] = lambda _: {}) -> Rule:
    """Return the rule for an operation on the parameters that a member names."""

    def rule(asked: Asked) -> Iterator[Access]:
        value = asked.members[member]
        for each in value if isinstance(value, list) else [value]:
            yield asked.access(named(asked.call, each).arn, context=reads(asked.members))

    return rule


def _put(asked: Asked) -> Iterator[Access]:
    members = asked.members
    tags = tagging(members.get("Tags"))
    keys = given(
        {
            "ssm:overwrite": bool(members.get("Overwrite")),
            "ssm:policies": members.get("Policies"),
        }
    )
    arn = named(asked.call, members["Name"]).arn
    yield asked.access(arn, context=keys | tags)
    if tags:
        yield asked.access(arn, "AddTagsToResource", tags)


def _describe(asked: Asked) -> Iterator[Access]:
    # AWS's data limits it to no resource; its refusals name all of an account.
    yield asked.access(shown=asked.arn("*"))


def _tags(asked: Asked) -> Iterator[Access]:
    """Tags of parameters; those of anything else are not simulated, and Systems Manager says so."""
    members = asked.members
    if members["ResourceType"] == "Parameter":
        context = tagging(members.get("Tags")) | removing(members.get("TagKeys"))
        yield asked.access(named(asked.call, members["ResourceId"]).arn, context=context)


TABLE = rows(
    (_put, "PutParameter"),
    (
        _parameter(),
        """
        DeleteParameter GetParameter GetParameterHistory LabelParameterVersion
        UnlabelParameterVersion
        """,
    ),
    (_parameter("Names"), "DeleteParameters GetParameters"),
    (
        _parameter("Path", lambda each: given({"ssm:recursive": bool(each.get("Recursive"))})),
        "GetParametersByPath",
    ),
    (_describe, "DescribeParameters"),
    (_tags, "AddTagsToResource ListTagsForResource RemoveTagsFromResource"),
)
