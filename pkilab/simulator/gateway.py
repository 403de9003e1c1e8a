"""The simulated AWS behind one door: a request in, a response out, in-process and served alike."""

from __future__ import annotations

import functools
import json
import logging
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from pkilab.credentials import Credentials
from pkilab.simulator.access import Gate
from pkilab.simulator.access.across import AcrossAccounts
from pkilab.simulator.access.world_facts import WorldFacts
from pkilab.simulator.acm.amazon import Amazon
from pkilab.simulator.acm.service import Acm
from pkilab.simulator.acmpca.ocsp import OcspResponder
from pkilab.simulator.acmpca.service import AcmPca
from pkilab.simulator.apigateway.domains import Domains
from pkilab.simulator.apigateway.http_apis import HttpApis
from pkilab.simulator.apigateway.requests import ApiRequest
from pkilab.simulator.apigateway.rest_apis import RestApis
from pkilab.simulator.apigateway.runtime import Runtime
from pkilab.simulator.apigateway.state import ApiGatewayState
from pkilab.simulator.borrowed import BORROWED, Borrowed
from pkilab.simulator.cloudformation.service import CloudFormation
from pkilab.simulator.cloudtrail import Trail
from pkilab.simulator.cloudtrail.service import CloudTrail
from pkilab.simulator.ctlogs.api import CtApi
from pkilab.simulator.ctlogs.logs import CtLogs
from pkilab.simulator.dns.answering import answer
from pkilab.simulator.dns.internet import Internet
from pkilab.simulator.dns.resolver import Resolver
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.eventbridge.delivering import Deliveries
from pkilab.simulator.eventbridge.service import EventBridge
from pkilab.simulator.eventbridge.targets import Targets
from pkilab.simulator.functions.roles import ExecutionRoles
from pkilab.simulator.functions.service import Lambda
from pkilab.simulator.iam.linked_roles import ServiceRoles
from pkilab.simulator.iam.service import Iam
from pkilab.simulator.identity import Identities
from pkilab.simulator.identity.refusals import unknown_key
from pkilab.simulator.identity.signatures import verify
from pkilab.simulator.kms.service import Kms
from pkilab.simulator.organizations.service import Organizations
from pkilab.simulator.quotas import Quotas
from pkilab.simulator.ram.service import Ram
from pkilab.simulator.route53.domains import Route53Domains
from pkilab.simulator.route53.resources import AwsResources
from pkilab.simulator.route53.service import Route53
from pkilab.simulator.route53.state import HostedZones
from pkilab.simulator.s3 import S3
from pkilab.simulator.secretsmanager.service import SecretsManager
from pkilab.simulator.securityhub.service import SecurityHub
from pkilab.simulator.service import (
    Answer,
    AwsError,
    Call,
    HttpRequest,
    HttpResponse,
    not_simulated,
    reply,
)
from pkilab.simulator.sns.service import Sns
from pkilab.simulator.ssm.service import Ssm
from pkilab.simulator.sts.service import Sts
from pkilab.simulator.tagging.resources import Taggable
from pkilab.simulator.tagging.service import Tagging
from pkilab.simulator.world import World

# Authorization: AWS4-HMAC-SHA256 Credential=KEY/20260105/us-east-1/acm-pca/aws4_request, ...
_SCOPE = re.compile(r"([^/=,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_BUCKET_HOST = re.compile(r"(?P<bucket>[a-z0-9.-]+)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com")
_S3_HOST = re.compile(r"s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com")
# Services of the REST-XML protocol, by signing name; S3 Control signs as s3.
_XML_SERVICES = {"s3", "cloudfront", "route53"}
_Scope = tuple[str, str, str]  # access key, Region, service
_log = logging.getLogger(__name__)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Gateway:
    """Routes requests to the faithful services, to moto, or to a refusal.

    The access key decides the account, the credential scope the service and the Region. Where
    policies are not enforced, signatures are not checked: whoever reaches the world may use it.

    Args:
        world: what is behind the door.
        ct_folder: where CT logs are kept; None keeps them in memory.

    Raises:
        LabError: the folder cannot be used.
    """

    def __init__(self, world: World, *, ct_folder: Path | None = None) -> None:
        self.world = world
        self._borrowed = Borrowed(world)
        self.queues = self._borrowed.queues
        self.identities = Identities(world)
        apis = ApiGatewayState()
        resources = AwsResources(apis, self._serves)
        zones = HostedZones(world, resources.addresses)
        self.internet = Internet(zones, resources.addresses)
        self.resolver = Resolver(functools.partial(answer, self.internet))
        self.events = Bus(world)
        private_ca = AcmPca(world, self.events)
        self.logs = CtLogs(world, ct_folder)
        self._ct = CtApi(world, self.logs)
        amazon = Amazon(world, self.logs)
        roles = ServiceRoles(self.identities, lambda: self._services["iam"])
        acm = Acm(world, amazon, self.resolver, private_ca, self.events, roles=roles)
        self._s3 = S3()
        self.functions = Lambda(world, ExecutionRoles(self.identities), self.handle)
        domains = Domains(world, apis, self._s3, acm.certificates)
        organizations = Organizations(world)
        self._sns = Sns(world, amazon, self.functions, self.queues)
        targets = Targets(
            world, self.functions, self.queues, self._sns, self.handle, self.identities
        )
        self.deliveries = Deliveries(world, targets, self.queues)
        eventbridge = EventBridge(world, self.events, self.deliveries)
        hub = SecurityHub(world, self.events)
        shares = Ram(world, private_ca, organizations, lambda: self._services["iam"])
        if world.enforce_quotas:
            world.throttle = Quotas()
        if world.enforce_policies:
            # Keys ask the gate whom a new policy would lock out; the gate asks for keys' policies.
            kms = Kms(world, lambda call: gate.policies_of(call))  # noqa: PLW0108 - made below
            kms.hears_of = self.identities.hears_of
        else:
            kms = Kms(world)
        parameters = Ssm(world, kms, self.events)
        secrets = SecretsManager(world, kms, self.functions)
        world.trail = trail = Trail(world)
        cloudtrail = CloudTrail(world, trail, self.events)
        facts = WorldFacts(
            self.identities,
            self._s3,
            kms,
            private_ca,
            acm.certificates,
            self.functions,
            organizations,
            {
                "cloudtrail": cloudtrail.resource,
                "events": eventbridge.resource,
                "ram": shares.resource,
                "secretsmanager": secrets.resource,
                "securityhub": hub.resource,
                "sns": self._sns.resource,
                "sqs": self.queues.resource,
                "ssm": parameters.resource,
            },
        )
        if world.enforce_policies:
            world.gate = gate = Gate(self.identities, facts, organizations)
        else:
            world.gate = AcrossAccounts(self.identities, facts, organizations)
        faithful = (
            private_ca,
            acm,
            self.functions,
            RestApis(world, apis, domains),
            HttpApis(world, apis, domains),
            CloudFormation(world, self.handle, self.identities),
            Sts(world, self.identities),
            Iam(
                world,
                self.identities,
                functools.partial(self._borrowed.answer, "iam"),
                lambda account: organizations.controls(account)[0],
            ),
            kms,
            organizations,
            cloudtrail,
            Route53(world, zones, resources.hosted_zone),
            Route53Domains(world, zones),
            eventbridge,
            hub,
            shares,
            self._sns,
            parameters,
            secrets,
        )
        tagging = Tagging(
            world,
            (
                *(each for each in faithful if isinstance(each, Taggable)),
                domains,
                self._s3,
                self.queues,
                self._borrowed,
            ),
        )
        self._services = {service.name: service for service in (*faithful, tagging)}
        self._trust = amazon
        self._ocsp = OcspResponder(
            world, lambda: (*private_ca.authorities(), *self._trust.authorities())
        )
        self.apis = Runtime(world, apis, self.functions, acm.certificates, acm.amazon)
        self._requests = world.entropy("request ids")
        self._tokens = world.entropy("idempotency tokens")

    @property
    def credentials(self) -> dict[str, Credentials]:
        """Access keys by account alias."""
        return self._borrowed.credentials

    def idempotency_token(self) -> str:
        """Return a token for a request of a client in this process, which botocore would draw.

        Raises:
            LabClosedError: the world was closed.
        """
        with self.world.turn():
            return str(self._tokens.uuid())

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request of any service.

        Raises:
            LabClosedError: the world was closed.
        """
        with self.world.turn():
            number = self._requests.uuid()
            answer = self._answer(request, number)
        response = answer() if callable(answer) else answer
        self.world.run_errands()
        return replace(response, headers={"x-amzn-requestid": number, **response.headers})

    def _answer(self, request: HttpRequest, number: str) -> Answer:
        """Answer within the turn, or return what answers after it."""
        scope = None
        try:
            scope = _credential_scope(request)
            return self._route(request, scope, number)
        except AwsError as error:
            return _refusal(request, scope, error)
        except Exception:  # noqa: BLE001 - nothing raw leaves a boto3 call; it is logged
            # A mistake of the simulator's own: AWS's answer to the caller, the traceback to
            # whoever maintains it.
            _log.exception("%s %s failed", request.method, request.url)
            failure = AwsError("InternalFailure", "An internal error of the simulator", 500)
            return _refusal(request, scope, failure)

    def _serves(self, host: str) -> bool:
        return self.apis.serves(host)

    def resolves(self, host: str) -> bool:
        """Say whether a host name is one that this gateway answers for."""
        aws = host.endswith(".amazonaws.com")
        sites = (self.apis, self._ocsp, self._ct, self._trust)
        return aws or any(each.serves(host) for each in sites)

    def close(self) -> None:
        """End the world and give moto back."""
        self.functions.close()
        with self.world.turn():  # nobody's turn comes between the two
            self._borrowed.close()
            self.logs.close()
            self.world.close()

    def _route(self, request: HttpRequest, scope: _Scope | None, number: str) -> Answer:
        # An API is served to whoever asks for its host, with credentials or without.
        if self.apis.serves(host := (urlsplit(request.url).hostname or "")):
            return functools.partial(self.apis.handle, _to_api(request, host))
        if scope is None:
            return self._anonymous(request)
        call = self._call(request, scope, number)
        service, region = scope[2], call.region
        if service == RestApis.name and urlsplit(request.url).path.startswith("/v2/"):
            service = HttpApis.name  # both generations sign alike
        if faithful := self._services.get(service):
            return faithful.respond(request, call)
        # S3 Control signs as s3, and moto would take its paths for buckets.
        if service in BORROWED and not _is_s3_control(request):
            return self._borrowed.respond(service, _at_aws(request, service, region), call)
        raise not_simulated(f"the service {service}")

    def _call(self, request: HttpRequest, scope: _Scope, number: str) -> Call:
        """Return whose call a signed request is.

        Raises:
            AwsError: nobody has such a key, or it is no longer good.
        """
        key, region, service = scope
        region, now = region or self.world.region, self.world.clock.now()
        if request.sender is not None:
            return replace(request.sender, region=region, now=now, request_id=number)
        identity = self.identities.caller(key, _token(request), service=service, region=region)
        if self.world.enforce_policies:
            secret = self.identities.secret(key)
            if secret is None:  # nothing passes unverified
                raise unknown_key(service)
            verify(request, secret)
        return Call(
            identity.principal.account,
            region,
            now,
            identity.principal.arn,
            key,
            identity=identity,
            source_ip=request.source_ip,
            user_agent=request.headers.get("user-agent", ""),
            request_id=number,
        )

    def _anonymous(self, request: HttpRequest) -> HttpResponse:
        """Answer what needs no credentials: CT logs, OCSP, SNS's links, what anyone may read."""
        if self._ct.takes(request):
            return self._ct.respond(request)
        host = urlsplit(request.url).hostname or ""
        if self._trust.serves(host):
            return self._trust.respond(request, host)
        posted = request.headers.get("content-type", "").lower() == "application/ocsp-request"
        if posted or self._ocsp.serves(host):
            return self._ocsp.handle(request)
        if self._sns.takes(request):
            return self._sns.respond_openly(request)
        if not (_BUCKET_HOST.fullmatch(host) or _S3_HOST.fullmatch(host) or host in _LOOPBACK):
            raise AwsError("MissingAuthenticationToken", "Missing Authentication Token", 403)
        region, account = self.world.region, next(iter(self.world.accounts.values()))
        request = _at_aws(request, "s3", region)
        parts = urlsplit(request.url)
        _, bucket, *key = unquote(parts.path).split("/", 2)
        # A query may ask for something else than the object, such as its ACL.
        readable = request.method in {"GET", "HEAD"} and key and not parts.query
        if not (readable and self._s3.readable_by_anyone(bucket, key[0])):
            raise AwsError("AccessDenied", "Access Denied", 403)
        # Decided here: moto would decide once more, by its own rules, and refuse every HEAD.
        request = replace(request, headers={**request.headers, "authorization": "anonymous"})
        call = Call(
            account,
            region,
            self.world.clock.now(),
            "anonymous",
            source_ip=request.source_ip,
            user_agent=request.headers.get("user-agent", ""),
        )
        found = self._s3.bucket(bucket)
        owner, resource = (found.account if found else ""), f"arn:aws:s3:::{bucket}/{key[0]}"
        self.world.gate.admit_anyone("s3:GetObject", resource, owner, call)
        return self._borrowed.respond("s3", request, call)


def _to_api(request: HttpRequest, host: str) -> ApiRequest:
    """Hand a request to an API, as it comes without TLS."""
    parts = urlsplit(request.url)
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    return ApiRequest(host, request.method, target, tuple(request.headers.items()), request.body)


def _is_s3_control(request: HttpRequest) -> bool:
    parts = urlsplit(request.url)
    return "s3-control" in (parts.hostname or "") or parts.path.startswith("/v20180820/")


def _credential_scope(request: HttpRequest) -> _Scope | None:
    """Return access key, Region ("": not said) and service of a signed or presigned request.

    Raises:
        AwsError: the URL cannot be read.
    """
    try:
        query = parse_qs(urlsplit(request.url).query)
    except ValueError as error:  # such as a Host header of "["
        raise AwsError("InvalidRequest", f"The request's URL cannot be read: {error}") from error
    # Signature Version 2 names no Region; boto3 still presigns S3 URLs with it in us-east-1.
    if old := query.get("AWSAccessKeyId"):
        return old[0], "", "s3"
    text = request.headers.get("authorization") or "".join(query.get("X-Amz-Credential", ()))
    found = _SCOPE.search(text)
    return (found[1], found[2], found[3]) if found else None


def _token(request: HttpRequest) -> str | None:
    """Return the session token that came with a request, signed or presigned."""
    if (found := request.headers.get("x-amz-security-token")) is not None:
        return found
    for name, values in parse_qs(urlsplit(request.url).query).items():
        if name.lower() == "x-amz-security-token":  # version 2 of the signature writes it small
            return values[0]
    return None


def _at_aws(request: HttpRequest, service: str, region: str) -> HttpRequest:
    """Address a request to AWS's host, path-style, wherever it was sent."""
    parts = urlsplit(request.url)
    path = parts.path or "/"
    if bucket := _BUCKET_HOST.fullmatch(parts.hostname or ""):
        path = f"/{bucket['bucket']}{path}"
    host = f"{service}.{region}.amazonaws.com"
    url = urlunsplit(("https", host, path, parts.query, ""))
    return replace(request, url=url, headers={**request.headers, "host": host})


def _refusal(request: HttpRequest, scope: _Scope | None, error: AwsError) -> HttpResponse:
    """Write an error in the protocol of the request's service."""
    kind = request.headers.get("content-type", "")
    service = scope[2] if scope else "s3"  # what comes without credentials is meant for S3
    if kind.startswith("application/x-amz-json"):
        return reply(error.status, {"__type": error.code, "message": error.message})
    form = kind.startswith("application/x-www-form")
    if (service not in _XML_SERVICES and not form) or kind.startswith("application/json"):
        headers = {"content-type": "application/json", "x-amzn-errortype": error.code}
        return HttpResponse(error.status, headers, json.dumps({"message": error.message}).encode())
    if request.method == "HEAD":
        return HttpResponse(error.status, {"content-type": "text/xml"}, b"")
    found = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
    # S3 answers a bare Error, the others one inside an ErrorResponse.
    body = found if service == "s3" and not form else f"<ErrorResponse>{found}</ErrorResponse>"
    return HttpResponse(error.status, {"content-type": "text/xml"}, body.encode())
