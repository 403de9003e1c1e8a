"""CloudWatch Logs and the Resource Groups Tagging API: what their operations need.

An action on a log group is on all of its streams, which is why its ARN ends so: a policy that names
the group has to go on with ``:*``. Operations on tags name the group alone.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon
CloudWatch Logs" and "... Resource Group Tagging API"; CloudWatch Logs User Guide, "Overview of
managing access permissions" (ARNs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from pkilab.simulator.access.asking import Access, Asked, Rule, anywhere, given, rows, tagging

PREFIX = "logs"
_LOG_GROUP = re.compile(r"arn:[\w-]*:logs:[\w-]*:\d*:log-group:")
KEYS = frozenset({"aws:requesttag/", "aws:tagkeys"})
TAGGING = "tag"


def _names(asked: Asked) -> list[str]:
    """Return the names of the log groups that a request names in one of many ways."""
    members = asked.members
    one = (members.get("logGroupName"), members.get("logGroupIdentifier"))
    several = (*members.get("logGroupNames", ()), *members.get("logGroupIdentifiers", ()))
    named = dict.fromkeys(str(each) for each in (*one, *several) if each)
    return [_LOG_GROUP.sub("", each).removesuffix(":*") for each in named] or ["*"]


def _group(asked: Asked) -> Iterator[Access]:
    tags = tagging(asked.members.get("tags"))
    for name in _names(asked):
        yield asked.access(asked.arn(f"log-group:{name}:log-stream:"), context=tags)


def _create(asked: Asked) -> Iterator[Access]:
    yield from _group(asked)
    if tags := tagging(asked.members.get("tags")):  # CreateLogGroup: "either the ... or ..."
        group = asked.arn(f"log-group:{asked.members['logGroupName']}")
        older = f"{PREFIX}:TagLogGroup"
        yield replace(asked.access(group, "TagResource", tags), otherwise=older)


def _groups(asked: Asked) -> Iterator[Access]:
    yield asked.access(shown=asked.arn("log-group::log-stream:"))


def _stream(asked: Asked) -> Iterator[Access]:
    stream = asked.members.get("logStreamName", "")
    for name in _names(asked):
        yield asked.access(asked.arn(f"log-group:{name}:log-stream:{stream}"))


def _tags(member: str) -> Rule:
    def rule(asked: Asked) -> Iterator[Access]:
        arn = asked.members.get("resourceArn") or asked.arn(f"log-group:{_names(asked)[0]}")
        context = tagging(asked.members.get(member)) if member == "tags" else {}
        keys = asked.members.get("tagKeys") or (
            asked.members.get("tags") if member == "keys" else None
        )
        yield asked.access(arn, context=context | given({"aws:tagkeys": keys}) if keys else context)

    return rule


TABLE = rows(
    (
        _group,
        """
        AssociateKmsKey CreateExportTask DeleteLogGroup DeleteMetricFilter
        DeleteRetentionPolicy DeleteSubscriptionFilter DescribeLogStreams DescribeMetricFilters
        DescribeSubscriptionFilters DisassociateKmsKey FilterLogEvents GetLogGroupFields
        PutMetricFilter PutRetentionPolicy PutSubscriptionFilter StartQuery
        """,
    ),
    (_create, "CreateLogGroup"),
    (_groups, "DescribeLogGroups"),
    (_stream, "CreateLogStream DeleteLogStream GetLogEvents PutLogEvents"),
    (_tags(""), "ListTagsForResource ListTagsLogGroup"),
    (_tags("tags"), "TagLogGroup TagResource"),
    (_tags("keys"), "UntagLogGroup UntagResource"),
    (
        anywhere,
        """
        CancelExportTask DeleteQueryDefinition DeleteResourcePolicy DescribeDestinations
        DescribeExportTasks DescribeQueries DescribeQueryDefinitions DescribeResourcePolicies
        PutQueryDefinition PutResourcePolicy StopQuery TestMetricFilter
        """,
    ),
)
# TagResources and UntagResources need what each service asks for, besides: not in the table.
TAGGING_TABLE = rows((anywhere, "GetComplianceSummary GetResources GetTagKeys GetTagValues"))
