"""What happens to a call on its way to AWS: the account is looked at, and nothing is made twice.

A retry after an answer that got lost would make a second thing. Services that take a token with a
create recognise the repetition, so each gets one. Where a name must be unique, the repetition is
refused. For the few creates that are neither, nothing is repeated once the outcome is unknown: the
run stops, and a clean-up finds by the tag what may have been made.

Source: Boto3 Guide, "Retries"; the API reference of each operation named here (idempotency).
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError

from pkilab import tags
from pkilab.aws.sessions import EXPIRED, Renewed
from pkilab.errors import UncertainError
from pkilab.journal import reads_only

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import OperationModel

# Where a service takes a token that botocore does not give by itself.
_TOKENS = {
    ("acm", "RequestCertificate"): "IdempotencyToken",
    ("acm-pca", "CreateCertificateAuthority"): "IdempotencyToken",
    ("acm-pca", "IssueCertificate"): "IdempotencyToken",
    ("cloudformation", "CreateChangeSet"): "ClientToken",
    ("cloudformation", "CreateStack"): "ClientRequestToken",
    ("cloudformation", "DeleteStack"): "ClientRequestToken",
    ("cloudformation", "UpdateStack"): "ClientRequestToken",
    ("ram", "CreateResourceShare"): "clientToken",
}
# What makes another one each time it is asked, and takes neither token nor unique name.
_MAKES_ANOTHER = frozenset(
    {
        ("acm", "ImportCertificate"),
        ("apigateway", "CreateAuthorizer"),
        ("apigateway", "CreateDeployment"),
        ("apigateway", "CreateRestApi"),
        ("apigatewayv2", "CreateApi"),
        ("apigatewayv2", "CreateAuthorizer"),
        ("apigatewayv2", "CreateDeployment"),
        ("apigatewayv2", "CreateIntegration"),
        ("iam", "CreateAccessKey"),
        ("iam", "CreatePolicyVersion"),
        ("kms", "CreateGrant"),
        ("kms", "CreateKey"),
        ("lambda", "PublishLayerVersion"),
        ("lambda", "PublishVersion"),
        ("organizations", "CreateAccount"),
    }
)
_NOT_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
_THROTTLED = frozenset({"SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException"})
_SERVER_ERROR = 500
_RENEWALS = 5  # attempts of a call whose credentials are always over


@dataclass(frozen=True, slots=True)
class Calls:
    """Stands between one client and AWS.

    Attributes:
        run: the run's id; creates are tagged with it, if ``own``: roles that a workflow assumes
            have the rights that the workflow gave them, and none to tag.
        look_first: called before whatever may change something.
        credentials: what the client signs with; None where they were given and end as they end.
    """

    run: str
    own: bool
    look_first: Callable[[], None]
    credentials: Renewed | None

    def attach(self, client: Any) -> None:  # noqa: ANN401 - a boto3 client of any service
        """Have each call of a client come by here."""
        events = client.meta.events
        events.register_first("before-parameter-build", self.asked)
        if self.own:
            tags.mark_creates(client, self.run)
        events.register_first("needs-retry", self.answered)

    def asked(self, params: dict[str, Any], model: OperationModel, **_: object) -> None:
        """Look first, and add the token.

        Raises:
            LabError: the account must be confirmed.
        """
        if reads_only(model.name):
            return
        self.look_first()
        if token := _TOKENS.get((model.service_model.service_name, model.name)):
            params[token] = self._token(params.get(token))

    def answered(
        self,
        response: tuple[Any, Mapping[str, Any]] | None,
        operation: OperationModel,
        request_dict: Mapping[str, Any],
        caught_exception: Exception | None,
        attempts: int,
        **_: object,
    ) -> float | None:
        """Decide about a repetition before botocore does, which decides where this returns None.

        Raises:
            UncertainError: the call may have been done, and would be done twice.
            CredentialsError: the session is over, and no other was found.
        """
        parsed = response[1] if response else {}
        code = str(parsed.get("Error", {}).get("Code", ""))
        if code in EXPIRED and self.credentials is not None and attempts < _RENEWALS:
            self.credentials.renew()
            return 0
        name = (operation.service_model.service_name, operation.name)
        if name in _MAKES_ANOTHER and _unknown(response, code, caught_exception):
            if name == ("acm", "ImportCertificate") and b"CertificateArn" in _body(request_dict):
                return None  # anew under an ARN: the same once more
            why = caught_exception or f"AWS answered {code}"
            raise UncertainError(
                f"{operation.name} was sent and its outcome is not known: {why}. It is not "
                f"repeated, since that could make a second one; {self._finding}"
            ) from caught_exception
        return None

    @property
    def _finding(self) -> str:
        if self.own:
            return (
                f"what it may have made has the tag {tags.RUN}={self.run}; a clean-up looks for it"
            )
        return "roles have no right to tag, so look yourself whether it made one"

    def _token(self, given: str | None) -> str:
        """Return a token of 32 letters: a new one, or one that stands for one given in this run.

        A notebook gives the same ones each time, and AWS remembers them for minutes or an hour.
        """
        if given is None:
            return uuid.uuid4().hex
        return hashlib.sha256(f"{self.run} {given}".encode()).hexdigest()[:32]


def _unknown(response: object, code: str, caught: Exception | None) -> bool:
    """Whether a call may have been done although no good answer came."""
    if caught is not None:
        return not isinstance(caught, _NOT_SENT)
    status = response[0].status_code if isinstance(response, tuple) else 0
    return status >= _SERVER_ERROR and code not in _THROTTLED


def _body(request_dict: Mapping[str, Any]) -> bytes:
    body = request_dict.get("body", b"")
    return body if isinstance(body, bytes) else str(body).encode()
