"""CloudFormation: what its operations need.

What a stack's resources need is asked when it makes them, in the caller's name or in that of the
role that was handed over.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS
CloudFormation"; CloudFormation User Guide, "Control CloudFormation access with IAM".
"""

from __future__ import annotations

from collections.abc import Iterator

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Context,
    anywhere,
    given,
    pass_role,
    rows,
    tagging,
)

PREFIX = "cloudformation"
KEYS = frozenset(
    {
        "cloudformation:changesetname", "cloudformation:resourcetypes", "cloudformation:rolearn",
        "cloudformation:stackpolicyurl", "cloudformation:templateurl",
        "cloudformation:createaction", "aws:requesttag/", "aws:tagkeys",
    }
)  # fmt: skip


def _context(asked: Asked) -> Context:
    members = asked.members
    changes = asked.operation.endswith("ChangeSet")
    keys = {
        "cloudformation:changesetname": members.get("ChangeSetName") if changes else None,
        "cloudformation:resourcetypes": members.get("ResourceTypes"),
        "cloudformation:rolearn": members.get("RoleARN"),
        "cloudformation:stackpolicyurl": members.get("StackPolicyURL"),
        "cloudformation:templateurl": members.get("TemplateURL"),
    }
    return given(keys) | tagging(members.get("Tags"))


def _stack(asked: Asked) -> Iterator[Access]:
    """Yield an action on a stack, by its ARN or its name, or on every stack."""
    name = asked.members.get("StackName") or ""
    arn = name if name.startswith("arn:") else asked.arn(f"stack/{name or '*'}/*")
    yield asked.access(arn, context=_context(asked))
    if tags := tagging(asked.members.get("Tags")):
        made_by = {"cloudformation:createaction": asked.operation}
        yield asked.access(arn, "TagResource", tags | made_by)
    yield from pass_role(asked.members.get("RoleARN"), "cloudformation.amazonaws.com")


def _every(asked: Asked) -> Iterator[Access]:
    yield asked.access(shown=asked.arn("stack/*/*"))


def _template(asked: Asked) -> Iterator[Access]:
    yield asked.access(context=_context(asked))


def _summary(asked: Asked) -> Iterator[Access]:
    yield from _stack(asked) if asked.members.get("StackName") else _template(asked)


TABLE = rows(
    (
        _stack,
        """
        CreateChangeSet CreateStack DeleteChangeSet DeleteStack DescribeChangeSet
        DescribeStackEvents DescribeStackResource DescribeStackResources DescribeStacks
        ExecuteChangeSet GetTemplate ListChangeSets ListStackResources UpdateStack
        UpdateTerminationProtection
        """,
    ),
    (_summary, "GetTemplateSummary"),
    (_template, "ValidateTemplate"),
    (_every, "ListStacks"),
    (anywhere, "ListExports ListImports"),
)
