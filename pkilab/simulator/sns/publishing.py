"""Publishing to topics.

Source: SNS API Reference, Publish, PublishBatch.
"""

from __future__ import annotations

import re
from typing import Any

from pkilab.simulator.service import AwsError, Call, Json, not_simulated
from pkilab.simulator.sns.base import Base
from pkilab.simulator.sns.checks import check_entry, size
from pkilab.simulator.sns.state import Message, Topic, invalid

_MOST_ENTRIES = 10
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_SERVER_FAULT = 500


class Publishing(Base):
    """Messages."""

    def publish(
        self,
        call: Call,
        topic_arn: str | None = None,
        target_arn: str | None = None,
        phone_number: str | None = None,
        **entry: Any,  # noqa: ANN401 - the message's members
    ) -> Json:
        """Publish a message to a topic."""
        if phone_number is not None:
            raise not_simulated("SMS by SNS")
        if topic_arn is not None and target_arn is not None:
            raise invalid("TopicArn or TargetArn Reason: both were specified")
        arn = topic_arn or target_arn
        if not arn:
            raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
        if ":endpoint/" in arn:
            raise not_simulated("a platform endpoint of SNS")
        return {"MessageId": self._published(self._topic(arn, call), _members(entry))}

    def publish_batch(
        self, call: Call, topic_arn: str, publish_batch_request_entries: list[Json]
    ) -> Json:
        """Publish up to ten messages, each of which may fail by itself."""
        topic = self._topic(topic_arn, call)
        _check_batch(publish_batch_request_entries, topic)
        done, failed = [], []
        for entry in publish_batch_request_entries:
            try:
                number = self._published(topic, entry)
            except AwsError as error:
                if error.status >= _SERVER_FAULT:
                    raise
                said = {"Code": error.code, "Message": error.message, "SenderFault": True}
                failed.append({"Id": entry["Id"], **said})
            else:
                done.append({"Id": entry["Id"], "MessageId": number})
        return {"Successful": done, "Failed": failed}

    def _published(self, topic: Topic, entry: Json) -> str:
        """Hand a message to every subscription that wants it; return its id.

        Raises:
            AwsError: SNS does not take it.
        """
        text, texts = check_entry(entry, topic.largest)
        message = Message(
            message_id=self._messages.uuid(),
            topic_arn=topic.arn,
            timestamp=self.world.clock.now(),
            text=text,
            texts=texts,
            subject=entry.get("Subject"),
            attributes=entry.get("MessageAttributes") or {},
            group_id=entry.get("MessageGroupId"),
        )
        for each in list(topic.subscriptions.values()):
            wanted = each.filter is None or each.filter.accepts(
                message.text_for(each.protocol), message.attributes
            )
            if wanted and not each.pending:
                self._delivering.send(topic, message, each)
        return message.message_id


def _members(entry: dict[str, Any]) -> Json:
    names = {
        "message": "Message",
        "subject": "Subject",
        "message_structure": "MessageStructure",
        "message_attributes": "MessageAttributes",
        "message_deduplication_id": "MessageDeduplicationId",
        "message_group_id": "MessageGroupId",
    }
    return {names[key]: value for key, value in entry.items()}


def _check_batch(entries: list[Json], topic: Topic) -> None:
    """Check a batch as a whole.

    Raises:
        AwsError: with SNS's code.
    """
    ids = [each["Id"] for each in entries]
    if not entries:
        raise AwsError("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(entries) > _MOST_ENTRIES:
        raise AwsError(
            "TooManyEntriesInBatchRequest",
            "The batch request contains more entries than permissible.",
        )
    if not all(map(_ENTRY_ID.fullmatch, ids)):
        raise AwsError(
            "InvalidBatchEntryId",
            "The Id of a batch entry in a batch request doesn't abide by the specification.",
        )
    if len(set(ids)) < len(ids):
        message = "Two or more batch entries in the request have the same Id."
        raise AwsError("BatchEntryIdsNotDistinct", message)
    sizes = (size(each["Message"], each.get("MessageAttributes") or {}) for each in entries)
    if sum(sizes) > topic.largest:
        message = "The length of all the batch messages put together is more than the limit."
        raise AwsError("BatchRequestTooLong", message)
