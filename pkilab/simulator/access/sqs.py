"""Amazon SQS: what its operations need.

A batch needs what its single operation needs. What a message move task needs besides, of the queue
that it moves to, is not in the table: such tasks are not simulated.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon SQS";
SQS Developer Guide, "Amazon SQS API permissions: Actions and resource reference".
"""

from __future__ import annotations

from collections.abc import Iterator

from pkilab.simulator.access.asking import Access, Asked, anywhere, removing, rows, tagging
from pkilab.simulator.sqs_checks import queue_of

PREFIX = "sqs"
KEYS = frozenset({"aws:requesttag/", "aws:tagkeys"})


def _queue(asked: Asked) -> Iterator[Access]:
    members = asked.members
    if "QueueUrl" in members:
        place = queue_of(members["QueueUrl"])
        if place is None:  # SQS itself refuses what is no address of a queue
            return
        account, name = place
    else:
        account = members.get("QueueOwnerAWSAccountId") or asked.call.account
        name = members["QueueName"]
    tags = tagging(members.get("tags") or members.get("Tags")) | removing(members.get("TagKeys"))
    action = asked.operation.removesuffix("Batch")
    arn = f"arn:aws:sqs:{asked.call.region}:{account}:{name}"
    yield Access(f"{PREFIX}:{action}", arn, account, tags)
    if asked.operation == "CreateQueue" and members.get("tags"):
        yield Access(f"{PREFIX}:TagQueue", arn, account, tags)


TABLE = rows(
    (
        _queue,
        """
        AddPermission ChangeMessageVisibility ChangeMessageVisibilityBatch CreateQueue DeleteMessage
        DeleteMessageBatch DeleteQueue GetQueueAttributes GetQueueUrl ListDeadLetterSourceQueues
        ListQueueTags PurgeQueue ReceiveMessage RemovePermission SendMessage SendMessageBatch
        SetQueueAttributes TagQueue UntagQueue
        """,
    ),
    (anywhere, "ListQueues"),
)
