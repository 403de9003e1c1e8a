"""API Gateway, both generations: what their operations need.

An action is the HTTP method and its resource the path of the API's own request, so that a table is
read off botocore's model. A few settings have actions of their own besides.

Tags of something new are written to ``/tags`` as well, to the ARN that it will have, or else need
apigateway:TagResource, which is in no list of AWS's.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon API
Gateway Management" and "... Management V2"; refusals of creates with tags as public issues quote
them (mattclay/aws-terminator 284, aws-amplify/amplify-cli 12316, cloudtools/awacs 254); handlers of
AWS::ApiGatewayV2::Api in the CloudFormation registry.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from urllib.parse import quote

from botocore.model import StructureShape

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Rule,
    Table,
    removing,
    rows,
    tagging,
)
from pkilab.simulator.service import service_model, wire_name

PREFIX = "apigateway"
KEYS = frozenset({"aws:requesttag/", "aws:tagkeys"})
_LABEL = re.compile(r"\{([\w-]+)\+?\}")
_TAGGED_BY_NAME = ("CreateDomainName", "CreateStage", "CreateVpcLink")  # of the later generation
_DOMAINS = "CreateDomainName UpdateDomainName"
_POLICIES = "CreateRestApi UpdateRestApi"


def _request(service: str, asked: Asked) -> tuple[str, str]:
    """Return the method and the resource of an operation."""
    operation = service_model(service).operation_model(asked.operation)
    path = operation.http["requestUri"].partition("?")[0].removeprefix("/v2")
    named = _labels(service, asked.operation)
    filled = _LABEL.sub(lambda label: quote(str(asked.members[named[label[1]]]), safe="+$"), path)
    return operation.http["method"], f"arn:aws:apigateway:{asked.call.region}::{filled}"


@functools.cache
def _labels(service: str, operation: str) -> dict[str, str]:
    shape = service_model(service).operation_model(operation).input_shape
    members = shape.members.items() if isinstance(shape, StructureShape) else ()
    return {
        wire_name(name, member): name
        for name, member in members
        if member.serialization.get("location") == "uri"
    }


def _method(service: str, asked: Asked) -> Iterator[Access]:
    action, resource = _request(service, asked)
    members = asked.members
    tags = tagging(members.get("tags") or members.get("Tags"))
    keys = removing(members.get("tagKeys") or members.get("TagKeys"))
    yield asked.access(resource, action, tags | keys)
    if not tags or action != "POST":
        return
    if service == "apigatewayv2" and asked.operation in _TAGGED_BY_NAME:
        yield asked.access(resource, "TagResource", tags)
    else:
        made = quote(f"{resource}/*", safe="*")
        yield asked.access(f"arn:aws:apigateway:{asked.call.region}::/tags/{made}", "PUT", tags)


def _domain(service: str, asked: Asked) -> Iterator[Access]:
    """CreateDomainName, UpdateDomainName: a truststore is a certificate's affair, and S3's."""
    yield from _method(service, asked)
    _, resource = _request(service, asked)
    uri, version, touched, gone = _truststore(asked)
    if touched:
        yield asked.access(resource, "AddCertificateToDomain")
    if gone:
        yield asked.access(resource, "RemoveCertificateFromDomain")
    place = f"arn:aws:s3:::{uri.removeprefix('s3://')}"  # a key may have ? and # in it
    if uri and (found := asked.facts.resource(place.partition("/")[0])):
        yield Access("s3:GetObjectVersion" if version else "s3:GetObject", place, found.owner)


def _truststore(asked: Asked) -> tuple[str, str, bool, bool]:
    """Return URI and version of a truststore, whether there is one now, and whether it goes."""
    members = asked.members
    said = members.get("mutualTlsAuthentication") or members.get("MutualTlsAuthentication")
    if said:
        low = {key[:1].lower() + key[1:]: value for key, value in said.items()}
        uri = low.get("truststoreUri") or ""
        gone = asked.operation == "UpdateDomainName"
        return uri, low.get("truststoreVersion") or "", bool(uri), gone
    patched = {
        each.get("path"): each.get("value") or "" for each in members.get("patchOperations", ())
    }
    touched = [path for path in patched if str(path).startswith("/mutualTlsAuthentication")]
    uri = patched.get("/mutualTlsAuthentication/truststoreUri", "")
    version = patched.get("/mutualTlsAuthentication/truststoreVersion", "")
    return uri, version, bool(touched), bool(touched)


def _rest_api(service: str, asked: Asked) -> Iterator[Access]:
    yield from _method(service, asked)
    members = asked.members
    patched = [each.get("path") for each in members.get("patchOperations", ())]
    if members.get("policy") or "/policy" in patched:
        _, resource = _request(service, asked)
        yield asked.access(resource, "UpdateRestApiPolicy")


def _operations(service: str, apart: str) -> str:
    left = set(apart.split())
    return " ".join(each for each in service_model(service).operation_names if each not in left)


@functools.cache
def table(service: str) -> Table:
    """Return the table of a generation: apigateway or apigatewayv2."""
    found: list[tuple[Rule, str]] = [(functools.partial(_domain, service), _DOMAINS)]
    apart = _DOMAINS
    if service == "apigateway":
        found.append((functools.partial(_rest_api, service), _POLICIES))
        apart += f" {_POLICIES}"
    return rows(*found, (functools.partial(_method, service), _operations(service, apart)))
