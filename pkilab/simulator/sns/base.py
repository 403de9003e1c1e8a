"""The topics of a world, and how requests find them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from pkilab.simulator import pages
from pkilab.simulator.acm.amazon import Amazon
from pkilab.simulator.functions.service import Lambda
from pkilab.simulator.query import QueryService
from pkilab.simulator.service import AwsError, Call, Json
from pkilab.simulator.sns.checks import read_topic_arn, topic_of
from pkilab.simulator.sns.delivering import Delivering
from pkilab.simulator.sns.signing import Signer
from pkilab.simulator.sns.state import (
    Subscription,
    Topic,
    invalid,
    no_subscription,
    no_topic,
)
from pkilab.simulator.sqs import Queues
from pkilab.simulator.world import World

_PAGE = 100
_TOKEN_LIFE = timedelta(days=2)


class Base(QueryService):
    """What all operations share.

    Args:
        world: whose clock and entropy count; deliveries are its errands.
        amazon: who issues the certificates by which messages are verified.
        functions: Lambda's.
        queues: SQS's.
    """

    name: ClassVar[str] = "sns"

    def __init__(self, world: World, amazon: Amazon, functions: Lambda, queues: Queues) -> None:
        super().__init__(world)
        self._topics: dict[str, Topic] = {}
        self._signer = Signer(world, amazon)
        self._delivering = Delivering(world, self._signer, functions, queues)
        self._messages = world.entropy("sns", "messages")
        self._numbers = world.entropy("sns", "subscriptions")
        self._tokens = world.entropy("sns", "tokens")

    def perform(self, operation: str, call: Call, **members: Any) -> Json:  # noqa: ANN401
        """Run one operation; IAM's refusals in SNS's words, with its actions' large letters.

        Raises:
            AwsError: with the code that AWS answers.
        """
        try:
            return super().perform(operation, call, **members)
        except AwsError as error:
            if error.code not in {"AccessDenied", "AccessDeniedException"}:
                raise
            said = error.message.replace("sns:", "SNS:").replace("arn:aws:SNS:", "arn:aws:sns:")
            raise AwsError("AuthorizationError", said, 403) from error

    def _topic(self, arn: str, call: Call) -> Topic:
        """Return an existing topic of the caller's Region.

        Raises:
            AwsError: InvalidParameter, NotFound.
        """
        region, _, _ = read_topic_arn(arn)
        if region != call.region:
            raise invalid("TopicArn")
        found = self._topics.get(arn)
        if found is None:
            raise no_topic()
        self._forget_unconfirmed(found)
        return found

    def _subscription(self, arn: str, call: Call) -> Subscription:
        """Return an existing subscription, for whoever owns it or its topic.

        Raises:
            AwsError: InvalidParameter, NotFound.
        """
        topic = self._topics.get(topic_of(arn))
        if topic is not None and topic.region == call.region:
            self._forget_unconfirmed(topic)
            found = topic.subscriptions.get(arn)
            if found is not None and call.account in {found.owner, topic.account}:
                return found
        raise no_subscription()

    def _forget_unconfirmed(self, topic: Topic) -> None:
        """Drop what was not confirmed while its token was good."""
        oldest = self.world.clock.now() - _TOKEN_LIFE
        for arn, each in list(topic.subscriptions.items()):
            if each.pending and each.asked_at <= oldest:
                del topic.subscriptions[arn]


def page(call: Call, entries: Sequence[Json], token: str | None, name: str, of: str = "") -> Json:
    """Return a page of a listing, a hundred entries at most.

    Raises:
        AwsError: InvalidParameter, the token is not one that was given.
    """
    scope = f"sns {call.account} {call.region} {name} {of}"
    shown, following = pages.page(
        entries, _PAGE, token or None, scope=scope, refusal=invalid("NextToken")
    )
    return {name: shown, "NextToken": following}
