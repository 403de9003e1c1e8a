"""Amazon SNS: topics, subscriptions and signed messages.

Simulated are standard topics with subscriptions by SQS and Lambda, in one account and across
accounts. Refused are FIFO topics, encryption, other protocols, mobile push and SMS.

Source: SNS API Reference; SNS Developer Guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlsplit

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.bucket_policies import allows
from pkilab.simulator.query import read
from pkilab.simulator.service import AwsError, Call, HttpRequest, HttpResponse
from pkilab.simulator.sns.publishing import Publishing
from pkilab.simulator.sns.signing import is_certificate
from pkilab.simulator.sns.state import forbidden, no_topic
from pkilab.simulator.sns.subscriptions import SubscriptionOperations
from pkilab.simulator.sns.topics import TopicOperations
from pkilab.simulator.tagging.resources import Tagged

_OPEN = frozenset({"ConfirmSubscription", "Unsubscribe"})


class Sns(TopicOperations, SubscriptionOperations, Publishing):
    """SNS of every account and Region of a world."""

    name: ClassVar[str] = "sns"

    # For other services.

    def resource(self, arn: str) -> Resource | None:
        """Return the topic of an ARN, for policies."""
        found = self._topics.get(arn)
        if found is None:
            return None
        return Resource(arn, found.account, dict(found.tags), json.dumps(found.policy))

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's topics of a Region with their tags."""
        for each in self._topics.values():
            if (each.account, each.region) == (account, region):
                yield each.arn, each.tags

    def publish_for(
        self,
        topic_arn: str,
        message: str,
        *,
        principal: str,
        source_arn: str,
        subject: str | None = None,
    ) -> str:
        """Publish in the name of an AWS service, if the topic's policy lets it.

        The policy is heeded whether or not the world enforces policies. To be called in a turn or
        outside of one: deliveries are left as errands.

        Args:
            topic_arn: the topic's, of any account and Region.
            message: its text.
            principal: the service, such as ``events.amazonaws.com``.
            source_arn: on whose behalf (aws:SourceArn); its account is aws:SourceAccount.
            subject: if it has one.

        Returns:
            The message's id.

        Raises:
            AwsError: NotFound; AuthorizationError; InvalidParameter, SNS does not take such a
                message; NotImplemented, the policy says what is not modelled.
            LabClosedError: the world was closed.
        """
        with self.world.turn():
            topic = self._topics.get(topic_arn)
            if topic is None:
                raise no_topic()
            context = (
                ("aws:sourcearn", source_arn),
                ("aws:sourceaccount", source_arn.split(":")[4]),
                ("aws:securetransport", "true"),
                ("aws:principalisawsservice", "true"),
                ("aws:principalservicename", principal),
            )
            policy = json.dumps(topic.policy)
            if not allows(
                policy, "sns:Publish", topic_arn, service=principal, context=context, kind="topic"
            ):
                raise forbidden(
                    f"User: {principal} is not authorized to perform: SNS:Publish on resource: "
                    f"{topic_arn} because no resource-based policy allows the SNS:Publish action"
                )
            entry = {"Message": message} | ({} if subject is None else {"Subject": subject})
            return self._published(topic, entry)

    # For whoever has no credentials.

    def takes(self, request: HttpRequest) -> bool:
        """Say whether a request without credentials is for SNS: a certificate, or a link."""
        parts = urlsplit(request.url)
        host = (parts.hostname or "").split(".")
        ours = host[0] == "sns" and host[2:] == ["amazonaws", "com"]
        return ours and request.method in {"GET", "HEAD"}

    def respond_openly(self, request: HttpRequest) -> HttpResponse:
        """Answer with a signing certificate, or do what a link in a message says."""
        parts = urlsplit(request.url)
        region = (parts.hostname or "").split(".")[1]
        if is_certificate(parts.path):
            found = self._signer.certificate(f"https://{parts.hostname}{parts.path}")
            if found is None:
                return HttpResponse(404, {"content-type": "text/plain"}, b"nothing is there\n")
            return HttpResponse(200, {"content-type": "application/x-pem-file"}, found)
        # Read once, as it will be done: what is asked for twice must not pass as something else.
        request = replace(request, method="GET", body=b"")
        operation, members = read(self.name, request) if parts.query else (None, {})
        if parts.path not in {"", "/"} or operation is None or operation.name not in _OPEN:
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token",
                           403)  # fmt: skip
        named = str(members.get("TopicArn", members.get("SubscriptionArn", ""))).split(":")
        account = named[4] if len(named) > 5 else ""  # noqa: PLR2004 - of an ARN
        call = Call(
            account,
            region,
            self.world.clock.now(),
            "anonymous",
            source_ip=request.source_ip,
            user_agent=request.headers.get("user-agent", ""),
        )
        return self.respond(request, call)
