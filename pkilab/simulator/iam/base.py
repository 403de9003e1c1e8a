"""What every part of IAM stands on: moto, asked below the wire.

Every operation comes through `run`, so that the gate and the trail see it with the model's members.
One that has no method here is moto's: its request is written anew from the members, and what moto
answers is read back by the model.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from botocore import xform_name
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from moto.iam.models import iam_backends

from pkilab.iam import Document
from pkilab.simulator.identity import Identities
from pkilab.simulator.identity.directory import Owner
from pkilab.simulator.identity.grammar import check_policy
from pkilab.simulator.query import QueryService
from pkilab.simulator.service import (
    AwsError,
    Call,
    HttpRequest,
    HttpResponse,
    Json,
    model_members,
    service_model,
)
from pkilab.simulator.world import World

Forward = Callable[[HttpRequest, Call], HttpResponse]
Controls = Callable[[str], tuple[tuple[Document, ...], ...]]
_SERIALIZER, _PARSER = create_serializer("query"), create_parser("query")
_FAILED = 300
_READS = ("Generate", "Get", "List", "Simulate")
# Operations whose UserName may be left out by a user who means itself.
_OF_ONESELF = {
    "CreateAccessKey",
    "CreateLoginProfile",
    "DeactivateMFADevice",
    "DeleteAccessKey",
    "DeleteLoginProfile",
    "DeleteSigningCertificate",
    "GetLoginProfile",
    "GetUser",
    "ListAccessKeys",
    "ListMFADevices",
    "ListSigningCertificates",
    "UpdateAccessKey",
    "UpdateSigningCertificate",
    "UploadSigningCertificate",
}


class IamBase(QueryService):
    """IAM, with nothing of its own.

    Args:
        world: whose it is.
        identities: everybody who may call.
        forward: moto's answer to a request, with neither gate nor trail before it.
        controls: the service control policies that bound an account, level by level.
    """

    name = "iam"

    def __init__(
        self,
        world: World,
        identities: Identities,
        forward: Forward,
        controls: Controls = lambda _account: (),
    ) -> None:
        super().__init__(world)
        self._identities = identities
        self._directory = identities.directory
        self._forward, self._controls = forward, controls
        self._entropy = world.entropy("iam", "ids")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method, by its name
        """Return moto's way to do an operation that is not done here."""
        operation = _operations().get(name)
        if operation is None:
            raise AttributeError(name)
        return functools.partial(self._by_moto, operation)

    def perform(self, operation: str, call: Call, **members: Any) -> Json:  # noqa: ANN401
        """Run one operation on decoded members, below the wire.

        Raises:
            AwsError: with the code that AWS answers.
        """
        session = call.identity.session if call.identity else None
        if session and (
            session.kind == "federation" or (session.kind == "session-token" and not session.mfa)
        ):
            message = "The security token included in the request is invalid"
            raise AwsError("InvalidClientTokenId", message, 403)
        if operation in _OF_ONESELF and "UserName" not in members:
            members = {**members, "UserName": self._own_name(call)}
        answer = super().perform(operation, call, **members)
        if not operation.startswith(_READS):
            self._identities.changed()
        return answer

    def _own_name(self, call: Call) -> str:
        identity = call.identity
        user = self._directory.user(identity.principal.arn) if identity else None
        if user is None:
            message = "Must specify userName when calling with non-User credentials"
            raise AwsError("ValidationError", message)
        return user.name

    def _by_moto(self, operation: str, call: Call, **arguments: Any) -> Json:  # noqa: ANN401
        """Have moto do an operation.

        Raises:
            AwsError: moto's refusal; NotImplemented.
        """
        model = service_model("iam").operation_model(operation)
        members = model_members("iam", operation, arguments)
        sent = _SERIALIZER.serialize_to_request(members, model)
        headers = {
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            "host": "iam.amazonaws.com",
        }
        body = urlencode(sent["body"]).encode()
        request = HttpRequest("POST", "https://iam.amazonaws.com/", headers, body)
        response = self._forward(request, call)
        wire = {
            "status_code": response.status,
            "headers": HeadersDict(dict(response.headers)),
            "body": response.body,
        }
        shape: Any = model.output_shape  # None, where nothing is answered: parsers take that
        found: Json = _PARSER.parse(wire, shape)
        found.pop("ResponseMetadata", None)
        if response.status >= _FAILED:
            error = found.get("Error", {})
            code, message = error.get("Code", "ServiceFailure"), error.get("Message", "")
            raise AwsError(code, message, response.status)
        return found

    def _backend(self, call: Call) -> Any:  # noqa: ANN401 - moto's model
        return iam_backends[call.account]["aws"]

    def _holder(self, call: Call, kind: Owner, name: str) -> Any:  # noqa: ANN401 - moto's model
        """Return a user, group or role.

        Raises:
            AwsError: NoSuchEntity.
        """
        backend = self._backend(call)
        if kind == "role":
            found = next((each for each in backend.roles.values() if each.name == name), None)
        else:
            found = (backend.users if kind == "user" else backend.groups).get(name)
        if found is None:
            raise no_such(f"The {kind} with name {name} cannot be found.")
        return found

    def _require_boundary(self, call: Call, arn: str) -> None:
        """Refuse a permissions boundary that is no policy of the account's or AWS's.

        Raises:
            AwsError: NoSuchEntity; NotImplemented, it says what is not modelled.
        """
        text = self._directory.managed_policy(call.account, arn)
        if text is None:
            raise no_such(f"Scope ARN: {arn} does not exist or is not attachable.")
        if self.world.enforce_policies:
            check_policy(text, understood=True)


def no_such(message: str) -> AwsError:
    """Refuse what names nothing."""
    return AwsError("NoSuchEntity", message, 404)


def conflict(message: str) -> AwsError:
    """Refuse to delete what is in use."""
    return AwsError("DeleteConflict", message, 409)


def exceeded(message: str) -> AwsError:
    """Refuse what is beyond a quota."""
    return AwsError("LimitExceeded", message, 409)


@functools.cache
def _operations() -> dict[str, str]:
    """Return IAM's operations by the names of methods."""
    return {xform_name(name): name for name in service_model("iam").operation_names}
