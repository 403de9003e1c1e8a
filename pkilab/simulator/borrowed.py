"""The services that moto does well, run on the world's clock, seed and accounts.

moto is pinned exactly, because this file uses its internals: the backends' URL tables, the random
source, and the two module globals through which it reads the time and the caller's account.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import moto.core.responses
import moto.core.utils
import moto.s3.models
from botocore.awsrequest import AWSPreparedRequest
from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.core.exceptions import HTTPException
from moto.core.request import normalize_request
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.moto_api._internal import mock_random
from moto.s3.responses import S3Response
from werkzeug.formparser import FormDataParser

from pkilab.credentials import Credentials
from pkilab.simulator.borrowed_requests import failure, read, written_plainly
from pkilab.simulator.s3 import (
    close_new_buckets,
    has_bucket,
    leave_policies_alone,
    read_bucket_tags,
    require_upload,
    tag_new_bucket,
)
from pkilab.simulator.service import (
    AwsError,
    Call,
    HttpRequest,
    HttpResponse,
    Json,
    not_simulated,
)
from pkilab.simulator.sqs import Queues, mend_queues
from pkilab.simulator.sqs_requests import Sqs
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

# Signing name -> what moto calls it. Anything else is refused: facts about where moto's other
# PKI services go wrong are why this package exists.
BORROWED = {
    "s3": "s3",
    "iam": "iam",
    "logs": "logs",
    "sqs": "sqs",
}
_USER_NAME = "learner"
_ADMINISTRATOR = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
_HOOKED_CLOCKS = (moto.core.utils, moto.s3.models)


class Borrowed:
    """moto under one world, from construction until `close`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[tuple[str, str], list[tuple[re.Pattern[str], Callable[..., Any]]]] = {}
        BackendDict.reset()
        mock_random.seed(int.from_bytes(world.entropy("moto").bytes(16)))
        self._hook_clock()
        self._restore = (close_new_buckets(), leave_policies_alone(), mend_queues())
        self.queues = Queues(world)
        self._sqs = Sqs(world, self.queues, lambda request, call: self.answer("sqs", request, call))
        S3Response._get_param = _in_the_url  # noqa: SLF001 - the parent's looks into JSON bodies
        response = moto.core.responses.BaseResponse
        self._original_account = response.get_current_account
        response.get_current_account = _account_of  # the environment has no say in it
        self.credentials = {
            alias: _learner(number, world.region) for alias, number in world.accounts.items()
        }

    def respond(self, service: str, request: HttpRequest, call: Call) -> HttpResponse:
        """Answer one request with moto; ``request.url`` must carry the service's own host.

        Raises:
            AwsError: the caller may not; moto does not implement it, or broke on it.
        """
        if service == "sqs":
            return self._sqs.respond(request, call)
        world = self._world
        try:
            operation, members = read(service, request)
        except AwsError:
            if world.enforce_policies:  # what cannot be read cannot be allowed
                raise
            return self.answer(service, request, call)
        try:
            world.gate.admit(service, operation, members, call)
        except AwsError as refused:
            world.trail.record(service, operation, members, call, error=refused)
            raise
        if service == "s3" and "UploadId" in members:
            require_upload(members["Bucket"], members.get("Key", ""), members["UploadId"])
        asked = written_plainly(service, request, members)
        if service == "s3" and operation == "CreateBucket":
            response = self._create_bucket(asked, members, call)
        elif service == "logs" and operation == "DeleteLogGroup":
            response = self._delete_log_group(asked, members, call)
        else:
            response = self.answer(service, asked, call)
        world.trail.record(service, operation, members, call, error=failure(response))
        return response

    def _create_bucket(self, request: HttpRequest, members: Json, call: Call) -> HttpResponse:
        """Make a bucket with its tags: both, or neither. One that was there keeps its own."""
        tags = read_bucket_tags(members.get("CreateBucketConfiguration", {}).get("Tags", ()))
        new = not has_bucket(members["Bucket"])
        response = self.answer("s3", request, call)
        if tags and new and failure(response) is None:
            tag_new_bucket(members["Bucket"], tags)
        return response

    def _delete_log_group(self, request: HttpRequest, members: Json, call: Call) -> HttpResponse:
        """Delete a log group with its tags, which moto would keep for the next one of its name."""
        backend = logs_backends[call.account][call.region]
        group = backend.groups.get(members["logGroupName"])
        response = self.answer("logs", request, call)
        if group is not None and failure(response) is None:
            backend.tagger.delete_all_tags_for_resource(group.arn)
        return response

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's log groups of a Region with their tags."""
        backend = logs_backends[account][region]
        for each in backend.groups.values():
            yield each.arn.removesuffix(":*"), backend.tagger.get_tag_dict_for_resource(each.arn)

    def answer(self, service: str, request: HttpRequest, call: Call) -> HttpResponse:
        """Answer as `respond` does, where leave was asked for already.

        Raises:
            AwsError: moto does not implement it, or broke on it.
        """
        for pattern, handler in self._table(service, call):
            if pattern.match(request.url.split("?", maxsplit=1)[0]):
                return self._ask(service, handler, request, call)
        raise not_simulated(f"{service} at {request.url}")

    def _ask(
        self, service: str, handler: Callable[..., Any], request: HttpRequest, call: Call
    ) -> HttpResponse:
        headers: Any = {**request.headers, "x-moto-account-id": call.account}
        try:
            prepared = normalize_request(
                AWSPreparedRequest(request.method, request.url, headers, request.body, False)  # noqa: FBT003 - no stream
            )
            if service == "s3" and not (request.method == "POST" and not prepared.args):
                prepared.form_data_parser_class = _NoForms  # none but a browser sends forms
            status, headers, body = handler(prepared, prepared.raw_url, prepared.headers)
        except HTTPException as error:
            status, headers, body = error.code, dict(error.get_headers()), error.get_body()
        except NotImplementedError as error:
            raise not_simulated(str(error) or request.url) from error
        except Exception as error:  # moto breaks on what it does not expect, such as broken XML
            where = f"{request.method} {request.url}"
            raise not_simulated(f"{where} (moto: {type(error).__name__})") from error
        if not isinstance(body, bytes):
            body = str(body).encode()
        return HttpResponse(status, {k.lower(): str(v) for k, v in dict(headers).items()}, body)

    def _table(self, service: str, call: Call) -> list[tuple[re.Pattern[str], Callable[..., Any]]]:
        """Compile a backend's URL table once; moto compiles it anew for every request."""
        table = self._routes.get((service, call.account))
        if table is None:
            backends = get_backend(BORROWED[service])[call.account]
            backend = backends["aws" if "aws" in backends else call.region]
            table = [(re.compile(url), handler) for url, handler in backend.urls.items()]
            self._routes[service, call.account] = table
        return table

    def _hook_clock(self) -> None:
        world = self._world

        class WorldDatetime(dt.datetime):
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> Any:  # noqa: ANN401 - a plain datetime
                now = world.clock.now()
                return now.astimezone(tz) if tz else now.replace(tzinfo=None)

            @classmethod
            def utcnow(cls) -> Any:  # noqa: ANN401 - a plain datetime
                return cls.now()

        shown = {name: getattr(dt, name) for name in dt.__all__}
        for module in _HOOKED_CLOCKS:
            module.datetime = SimpleNamespace(**{**shown, "datetime": WorldDatetime})

    def close(self) -> None:
        """Give moto back as it was, empty."""
        for module in _HOOKED_CLOCKS:
            module.datetime = dt
        moto.core.responses.BaseResponse.get_current_account = self._original_account
        for restore in self._restore:
            restore()
        del S3Response._get_param  # noqa: SLF001 - the parent's is there again
        BackendDict.reset()


class _NoForms(FormDataParser):
    """Takes a body for what it is, whatever the request says of its kind.

    S3 has its parameters in the URL; moto would have those of a form go before them.
    """

    def parse(self, stream: Any, *_what: Any, **_options: Any) -> Any:  # noqa: ANN401 - werkzeug's
        """Return the body, and neither fields nor files."""
        return stream, self.cls(), self.cls()


def _in_the_url(response: Any, name: str, if_none: Any = None) -> Any:  # noqa: ANN401 - moto's
    found = response.querystring.get(name)
    return if_none if found is None else found[0]


def _account_of(response: Any) -> str:  # noqa: ANN401 - moto's response class is untyped here
    account: str = response.headers["x-moto-account-id"]
    return account


def _learner(account: str, region: str) -> Credentials:
    """Give an account the IAM user in whose name the lab's clients call."""
    backend = iam_backends[account]["aws"]
    backend.create_user(region, _USER_NAME)
    backend.put_user_policy(_USER_NAME, "AdministratorAccess", json.dumps(_ADMINISTRATOR))
    key = backend.create_access_key(_USER_NAME)
    return Credentials(key.access_key_id, key.secret_access_key)
