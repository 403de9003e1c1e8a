"""What API Gateway does with a request: domain, mutual TLS, route, authorizer, integration.

Below TLS, and the same however a request comes. Functions run outside the world's turn.

Sources: API Gateway Developer Guide, "Working with routes for HTTP APIs", "Working with API
mappings", "How to turn on mutual TLS authentication", "Disable the default endpoint"; Knowledge
Center, "troubleshoot 403 errors from a mutual TLS custom domain name".
"""

from __future__ import annotations

import functools
import json
import re
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography import x509

from pkilab.pki.keys import PrivateKey, generate_key
from pkilab.pki.truststore import Admission, Cause, Truststore
from pkilab.simulator.acm.amazon import Amazon
from pkilab.simulator.acm.state import Certificates
from pkilab.simulator.apigateway import events
from pkilab.simulator.apigateway.authorizers import (
    Authorization,
    AuthorizerError,
    Results,
    authorize,
    identity,
    read_answer,
)
from pkilab.simulator.apigateway.events import MalformedAnswerError, Routed
from pkilab.simulator.apigateway.lambda_uris import invoked
from pkilab.simulator.apigateway.requests import MOST_BODY, ApiRequest
from pkilab.simulator.apigateway.rest_apis import identity_sources, mock_status
from pkilab.simulator.apigateway.state import Api, ApiGatewayState, Domain, Stage
from pkilab.simulator.functions.environment import Invocation
from pkilab.simulator.functions.service import Lambda
from pkilab.simulator.service import Answer, AwsError, HttpResponse, Json
from pkilab.simulator.world import World

_DEFAULT_HOST = re.compile(r"(?P<api>[a-z0-9-]+)\.execute-api\.(?P<region>[\w-]+)\.amazonaws\.com")
_MOST_RECORDS = 1000
_PRINCIPAL = "apigateway.amazonaws.com"
_LIFETIME = timedelta(days=365)
# Milliseconds that an authorizer may take: API Gateway Developer Guide, quotas.
_AUTHORIZER_MILLIS = {"HTTP": 10_000, "REST": 29_000}


@dataclass(frozen=True, slots=True)
class ServerCredentials:
    """What the front shows to a client that asked for a name."""

    name: str
    key: PrivateKey = field(repr=False)
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """One request, as an access log has it, with the cause where it was refused."""

    at: datetime
    request_id: str
    host: str
    api_id: str | None
    route: str | None
    status: int
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A request's way through an API, as it stood in one turn.

    ``integration`` and ``authorizer`` have the members of HTTP APIs, whatever the API's kind; a
    canned answer (MOCK) is in ``answer`` instead.
    """

    routed: Routed
    integration: Json | None
    authorizer: Json | None
    answer: HttpResponse | None = None

    @property
    def rest(self) -> bool:
        """Whether the API is a REST API."""
        return self.routed.resource_id is not None


class _Refused(Exception):  # noqa: N818 - an answer rather than an error
    """Ends a request: its status and body, the kind a REST API names, and the cause to log."""

    def __init__(
        self, status: int, message: str | None, cause: str, *, kind: str = "", name: str = "message"
    ) -> None:
        super().__init__(cause)
        self.status, self.cause, self.kind = status, cause, kind
        self.body = json.dumps({name: message}, separators=(",", ":")).encode()


class _CallError(Exception):
    """A function that could not be invoked, or ran and failed, or is late."""

    def __init__(self, cause: str, *, ran: bool, late: bool = False) -> None:
        super().__init__(cause)
        self.ran, self.late = ran, late


class Runtime:
    """API Gateway's data plane over one state."""

    def __init__(
        self,
        world: World,
        state: ApiGatewayState,
        functions: Lambda,
        certificates: Certificates,
        amazon: Amazon,
    ) -> None:
        self._world, self._state, self._functions = world, state, functions
        self._certificates, self._amazon = certificates, amazon
        self._numbers = world.entropy("apigateway", "requests")
        self._defaults: dict[str, ServerCredentials] = {}
        self._results = Results()
        self._log: deque[AccessRecord] = deque(maxlen=_MOST_RECORDS)

    @property
    def log(self) -> tuple[AccessRecord, ...]:
        """The latest requests, the newest last."""
        return tuple(self._log)

    # For whoever speaks TLS.

    def serves(self, host: str) -> bool:
        """Whether a host name is an API's: its own or a custom domain name."""
        return host in self._state.domains or _DEFAULT_HOST.fullmatch(host) is not None

    def credentials(self, server_name: str | None) -> ServerCredentials | None:
        """Return what to show to a client that asks for a name; None: nobody has that name.

        A client that asks for none is shown the certificate of the default endpoints.
        """
        with self._world.turn():
            domain = self._state.domains.get(server_name or "")
            if domain is None:
                default = _DEFAULT_HOST.fullmatch(server_name or "")
                if server_name and not default:
                    return None
                return self._default(default["region"] if default else self._world.region)
            found = self._certificates.find(domain.certificate_arn)
            if found is None or found.key is None or found.certificate is None:
                return None
            return ServerCredentials(domain.name, found.key, found.certificate, found.chain)

    def truststore(self, server_name: str | None) -> Truststore | None:
        """Return the truststore of a name that wants mutual TLS."""
        domain = self._state.domains.get(server_name or "")
        return domain.truststore if domain else None

    def admit(self, server_name: str | None, certificate: x509.Certificate | None) -> Admission:
        """Judge a client's certificate for a name that wants mutual TLS, at the world's time.

        Raises:
            KeyError: the name wants none.
        """
        truststore = self.truststore(server_name)
        if truststore is None:
            raise KeyError(server_name)
        return truststore.admit(certificate, self._world.clock.now())

    def _default(self, region: str) -> ServerCredentials:
        now = self._world.clock.now()
        made = self._defaults.get(region)
        if made is None or now > made.certificate.not_valid_after_utc:
            name = f"*.execute-api.{region}.amazonaws.com"
            key = generate_key("EC_prime256v1", self._world.entropy("apigateway", "key", region))
            day = now.replace(hour=0, minute=0, second=0, microsecond=0)
            certificate = self._amazon.server_certificate(
                (name,), key.public_key(), day, day + _LIFETIME
            )
            chain = self._amazon.chain(key.public_key())
            made = ServerCredentials(name, key, certificate, chain)
            self._defaults[region] = made
        return made

    # Requests.

    def handle(self, request: ApiRequest) -> HttpResponse:
        """Answer one request; outside of any turn.

        Raises:
            LabClosedError: the world was closed.
        """
        answer = self.begin(request)
        return answer() if callable(answer) else answer

    def begin(self, request: ApiRequest) -> Answer:
        """Answer a request that needs no function, or return what runs one and answers.

        Raises:
            LabClosedError: the world was closed.
        """
        with self._world.turn():
            now = self._world.clock.now()
            record = AccessRecord(now, self._numbers.uuid(), request.host, None, None, 200)
            try:
                plan = self._plan(request, record.request_id, now)
            except _Refused as end:
                return self._end(record, end)
        record = replace(record, api_id=plan.routed.api_id, route=plan.routed.route)
        return functools.partial(self._finish, plan, record)

    def _finish(self, plan: _Plan, record: AccessRecord) -> HttpResponse:
        try:
            return self._end(record, self._run(plan))
        except _Refused as end:
            return self._end(record, end)

    def _end(self, record: AccessRecord, ended: HttpResponse | _Refused) -> HttpResponse:
        """Note a request in the log and return its answer."""
        if isinstance(ended, _Refused):
            record = replace(record, cause=ended.cause)
            headers = {"content-type": "application/json"}
            if ended.kind:
                headers["x-amzn-errortype"] = ended.kind
            ended = HttpResponse(ended.status, headers, ended.body)
        self._log.append(replace(record, status=ended.status))
        return replace(ended, headers={**ended.headers, "apigw-requestid": record.request_id})

    def _plan(self, request: ApiRequest, number: str, now: datetime) -> _Plan:
        """Find the way, up to what is to be run.

        Raises:
            _Refused: there is none.
        """
        if len(request.body) > MOST_BODY:
            raise _Refused(413, "Request Entity Too Large", "the body is over 10 MB")
        raw = request.target.partition("?")[0]
        domain = self._state.domains.get(request.host)
        if domain:
            _admit(domain, request)
            api, stage, path = self._mapped(domain, raw)
        else:
            api, stage, path = self._addressed(request.host, raw)
        if stage.deployed is None:
            raise _not_found("nothing is deployed to the stage")
        if api.protocol == "REST":
            return _rest_plan(request, number, now, api, stage, path)
        route, parameters = _route(stage.deployed, request.method, path)
        routed = Routed(
            request, number, api.account, api.region, api.id, stage.name,
            dict(stage.settings.get("StageVariables") or {}), route["RouteKey"], path, parameters,
            now,
        )  # fmt: skip
        target = route.get("Target", "").removeprefix("integrations/")
        integration = stage.deployed["integrations"].get(target)
        if integration is None:
            raise _failed("the route has no integration")
        authorizer = stage.deployed["authorizers"].get(route.get("AuthorizerId"))
        return _Plan(routed, integration, authorizer)

    def _mapped(self, domain: Domain, raw: str) -> tuple[Api, Stage, str]:
        """Follow the mapping with the longest key that the path begins with."""
        path = raw.strip("/")
        found = [
            each
            for each in domain.mappings.values()
            if not each.key or path == each.key or path.startswith(f"{each.key}/")
        ]
        if not found:
            raise _forbidden("no API mapping of the domain name fits the path")
        mapping = max(found, key=lambda each: len(each.key))
        api = self._state.apis.get(mapping.api_id)
        stage = api.stages.get(mapping.stage) if api else None
        if api is None or stage is None:
            raise _forbidden("the API mapping leads to an API or a stage that is gone")
        rest = path.removeprefix(mapping.key).lstrip("/")
        return api, stage, f"/{rest}"

    def _addressed(self, host: str, raw: str) -> tuple[Api, Stage, str]:
        """Find the API and the stage that a default endpoint's URL names."""
        default = _DEFAULT_HOST.fullmatch(host)
        api = self._state.apis.get(default["api"]) if default else None
        if default is None or api is None or api.region != default["region"]:
            raise _forbidden(f"no API is at {host}")
        first, _, rest = raw.lstrip("/").partition("/")
        if api.protocol == "REST":
            stage = api.stages.get(first)
            served = stage.deployed["settings"] if stage and stage.deployed else {}
            if stage is None or served.get("disableExecuteApiEndpoint"):
                raise _forbidden("the API has no such stage, or its default endpoint is disabled")
            return api, stage, f"/{rest}"
        if api.settings.get("DisableExecuteApiEndpoint"):
            raise _not_found("the default endpoint is disabled")
        if first in api.stages and first != "$default":
            return api, api.stages[first], f"/{rest}"
        if "$default" in api.stages:
            return api, api.stages["$default"], raw or "/"
        raise _not_found(f"the API has no stage {first!r}")

    def _run(self, plan: _Plan) -> HttpResponse:
        """Ask the authorizer, if there is one, and run the function."""
        routed, integration = plan.routed, plan.integration
        given = self._authorize(plan.authorizer, plan) if plan.authorizer else None
        if given and not given.allowed:
            raise _denied(rest=plan.rest)
        if integration is None:
            assert plan.answer is not None  # noqa: S101 - one of the two is there
            return plan.answer
        version = integration["PayloadFormatVersion"]
        event = events.function_event(routed, version)
        if given:
            told = given.context if version == "1.0" else {"lambda": given.context}
            event["requestContext"]["authorizer"] = told
        elif version == "1.0" and not plan.rest:
            event["requestContext"]["authorizer"] = {"claims": None, "scopes": None}
        source = _source_arn(routed, routed.route.replace(" ", "", 1))
        try:
            millis = integration["TimeoutInMillis"]
            payload = self._call(integration["IntegrationUri"], event, source, millis)
            read = events.response_1 if version == "1.0" else events.response_2
            return read(payload)
        except _CallError as why:
            if why.late:
                raise _late(str(why), rest=plan.rest) from why
            raise _integration_failed(str(why), rest=plan.rest, ran=why.ran) from why
        except MalformedAnswerError as why:
            cause = f"the integration's answer is malformed: {why}"
            raise _integration_failed(cause, rest=plan.rest, ran=True) from why

    def _authorize(self, authorizer: Json, plan: _Plan) -> Authorization:
        routed = plan.routed
        sources = authorizer.get("IdentitySource") or []
        seconds = authorizer["AuthorizerResultTtlInSeconds"] if sources else 0
        values = identity(sources, routed)
        if values is None and plan.rest and not seconds:
            values = []  # a REST API looks for them only to remember by
        if values is None:
            raise _Refused(401, "Unauthorized", "an identity source is missing")
        simple = bool(authorizer.get("EnableSimpleResponses"))
        key = (authorizer["AuthorizerId"], routed.stage, *values)
        answer = self._results.recall(key, routed.now) if seconds else None
        if answer is None:
            event = events.function_event(routed, authorizer["AuthorizerPayloadFormatVersion"])
            event = events.authorizer_event(event, routed, values)
            source = f"{routed.place}/authorizers/{authorizer['AuthorizerId']}"
            try:
                millis = _AUTHORIZER_MILLIS["REST" if plan.rest else "HTTP"]
                payload = self._call(authorizer["AuthorizerUri"], event, source, millis)
                answer = read_answer(payload, simple=simple, rest=plan.rest)
            except (_CallError, AuthorizerError) as why:
                raise _authorizer_failed(str(why), rest=plan.rest) from why
            if seconds:
                self._results.keep(key, answer, routed.now, seconds)
        return authorize(answer, routed, simple=simple)

    def _call(self, uri: str, event: Json, source_arn: str, millis: int) -> bytes:
        """Run a function for API Gateway, and wait for so long of the machine's time.

        Raises:
            _CallError: it cannot be invoked, or failed, or runs on.
        """
        name, ended = invoked(uri), Future[Invocation]()

        def run() -> None:
            try:
                ended.set_result(
                    self._functions.call(
                        name, json.dumps(event).encode(), principal=_PRINCIPAL,
                        source_arn=source_arn,
                    )
                )  # fmt: skip
            except BaseException as why:  # noqa: BLE001 - it is raised where it is waited for
                ended.set_exception(why)

        threading.Thread(target=run, name=f"pkilab-{name}", daemon=True).start()
        try:
            done = ended.result(millis / 1000)
        except TimeoutError as why:
            cause = f"{name} did not answer within {millis} ms"
            raise _CallError(cause, ran=True, late=True) from why
        except AwsError as why:
            raise _CallError(f"{name} cannot be invoked: {why}", ran=False) from why
        if done.function_error:
            text = done.payload.decode(errors="replace")
            raise _CallError(f"{name} failed: {text}", ran=True)
        return done.payload


def _admit(domain: Domain, request: ApiRequest) -> None:
    """Let in who mutual TLS admitted for this very name.

    Raises:
        _Refused: 403; no TLS at all, a connection opened for another name, or not admitted.
    """
    if domain.truststore is None:
        return
    if request.server_name != domain.name or request.admission is None:
        opened = request.server_name or "no name"
        raise _forbidden(f"{Cause.WRONG_NAME}: the connection was opened for {opened}")
    if not request.admission.admitted:
        raise _forbidden(f"{request.admission.cause}: {request.admission.sentence}")


def _rest_plan(  # noqa: PLR0917 - a request and where it got to
    request: ApiRequest, number: str, now: datetime, api: Api, stage: Stage, path: str
) -> _Plan:
    """Find a REST API's method, and put it as an HTTP API would.

    Raises:
        _Refused: 403; no resource or no method fits.
    """
    deployed = stage.deployed or {}
    resource, parameters = _rest_resource(deployed, path)
    methods = resource["resourceMethods"]
    method = methods.get(request.method) or methods.get("ANY")
    if method is None:
        raise _no_method(f"{resource['path']} has no method {request.method}")
    routed = Routed(
        request, number, api.account, api.region, api.id, stage.name,
        dict(stage.settings.get("variables") or {}), f"{method['httpMethod']} {resource['path']}",
        path, parameters, now, resource["id"],
    )  # fmt: skip
    chosen = deployed["authorizers"].get(method.get("authorizerId"))
    authorizer = chosen and {
        "AuthorizerId": chosen["id"],
        "AuthorizerUri": chosen["authorizerUri"],
        "AuthorizerPayloadFormatVersion": "1.0",
        "AuthorizerResultTtlInSeconds": chosen["authorizerResultTtlInSeconds"],
        "IdentitySource": identity_sources(chosen),
    }
    integration = method["methodIntegration"]
    if integration["type"] == "AWS_PROXY":
        made = {
            "IntegrationUri": integration["uri"],
            "PayloadFormatVersion": "1.0",
            "TimeoutInMillis": integration["timeoutInMillis"],
        }
        return _Plan(routed, made, authorizer)
    return _Plan(routed, None, authorizer, _canned(integration))


def _canned(integration: Json) -> HttpResponse:
    """Return what a MOCK integration answers."""
    status = mock_status(integration)
    responses = integration.get("integrationResponses") or {}
    templates = responses.get(str(status), {}).get("responseTemplates") or {}
    text = templates.get("application/json") or ""
    return HttpResponse(status, {"content-type": "application/json"}, text.encode())


def _rest_resource(deployed: Json, path: str) -> tuple[Json, dict[str, str]]:
    """Choose the most specific resource: literal segments, then variables, then a greedy one."""
    fitting = [
        ((each["path"].endswith("+}"), [part.startswith("{") for part in each["path"].split("/")]),
         each, found)
        for each in deployed["resources"].values()
        if each["resourceMethods"] and (found := _match(each["path"], path)) is not None
    ]  # fmt: skip
    if not fitting:
        raise _no_method(f"no resource fits {path}")
    _, resource, parameters = min(fitting, key=lambda each: each[0])
    return resource, parameters


def _route(deployed: Json, method: str, path: str) -> tuple[Json, dict[str, str]]:
    """Choose the most specific route: full match, greedy variable, $default.

    Raises:
        _Refused: 404; none fits.
    """
    fitting: list[tuple[tuple[int, int, int], Json, dict[str, str]]] = []
    for route in deployed["routes"].values():
        wanted, _, pattern = route["RouteKey"].partition(" ")
        if wanted == "$default":
            fitting.append(((2, 0, 0), route, {}))
        elif wanted in {method, "ANY"} and (found := _match(pattern, path)) is not None:
            greedy = pattern.endswith("+}")
            # More literal segments are more specific; a method is more so than ANY.
            literal = sum(not segment.startswith("{") for segment in pattern.split("/"))
            fitting.append(((int(greedy), -literal, int(wanted == "ANY")), route, found))
    if not fitting:
        raise _not_found(f"no route fits {method} {path}")
    _, route, parameters = min(fitting, key=lambda each: each[0])
    return route, parameters


def _match(pattern: str, path: str) -> dict[str, str] | None:
    """Return the values of a pattern's variables in a path; None: it does not fit."""
    wanted, found = pattern.strip("/").split("/"), path.strip("/").split("/")
    if wanted[-1].endswith("+}"):
        if len(found) < len(wanted) or not found[-1]:
            return None
        found = [*found[: len(wanted) - 1], "/".join(found[len(wanted) - 1 :])]
    if len(wanted) != len(found):
        return None
    values = {}
    for part, value in zip(wanted, found, strict=True):
        if part.startswith("{"):
            if not value:
                return None
            values[part.strip("{}+")] = events.decoded(value)
        elif part != value:
            return None
    return values


def _source_arn(routed: Routed, route: str) -> str:
    """Return what a function's permission is asked about: the stage and the route."""
    method, slash, path = route.partition("/")
    return f"{routed.place}/{routed.stage}/{'*' if method == 'ANY' else method}{slash}{path}"


def _forbidden(cause: str) -> _Refused:
    return _Refused(403, "Forbidden", cause)


def _not_found(cause: str) -> _Refused:
    return _Refused(404, "Not Found", cause)


def _failed(cause: str) -> _Refused:
    return _Refused(500, "Internal Server Error", cause)


def _no_method(cause: str) -> _Refused:
    message = "Missing Authentication Token"
    return _Refused(403, message, cause, kind="MissingAuthenticationTokenException")


def _denied(*, rest: bool) -> _Refused:
    cause = "the authorizer denied the request"
    if not rest:
        return _forbidden(cause)
    message = "User is not authorized to access this resource"
    return _Refused(403, message, cause, kind="AccessDeniedException", name="Message")


def _authorizer_failed(cause: str, *, rest: bool) -> _Refused:
    cause = f"authorizer: {cause}"
    if not rest:
        return _failed(cause)
    return _Refused(500, None, cause, kind="AuthorizerConfigurationException")


def _integration_failed(cause: str, *, rest: bool, ran: bool) -> _Refused:
    if not rest:
        return _failed(cause)
    kind = "InternalServerErrorException"
    return _Refused(502 if ran else 500, "Internal server error", cause, kind=kind)


def _late(cause: str, *, rest: bool) -> _Refused:
    if not rest:
        return _Refused(503, "Service Unavailable", cause)
    kind = "InternalServerErrorException"
    return _Refused(504, "Endpoint request timed out", cause, kind=kind)
