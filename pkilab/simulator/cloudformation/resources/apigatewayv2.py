"""AWS::ApiGatewayV2: HTTP APIs, their parts, and domain names.

Properties are the API's own members; what the simulated API does not act on, it refuses.

Source: AWS CloudFormation Template Reference, AWS::ApiGatewayV2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    REPLACES_REQUIRED,
    REQUIRED,
    Property,
    ResourceType,
    Work,
    tag_changes,
)
from pkilab.simulator.service import Json, service_model

_API = "apigatewayv2"


class _Part(ResourceType):
    """A type whose operations are named after it.

    Attributes:
        noun: as in CreateRoute.
        number: the member that identifies it, in requests and answers.
        within: the property that says what it is part of; empty for what is no part.
    """

    noun: ClassVar[str]
    number: ClassVar[str]
    within: ClassVar[str] = ""
    gone: ClassVar[frozenset[str]] = frozenset({"NotFoundException"})

    def create(self, work: Work) -> str:
        operation = f"Create{self.noun}"
        asked = work.members(_API, operation, *self.properties)
        return str(work.aws(_API, operation, **asked)[self.number])

    def settle(self, work: Work) -> Iterator[None]:
        if self.number in self.attributes:
            work.attributes[self.number] = work.physical_id
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        operation = f"Update{self.noun}"
        shape = service_model(_API).operation_model(operation).input_shape
        changed = self.changed(before, work.properties)
        known = [name for name in changed if shape and name in shape.members]
        if known:
            asked = work.members(_API, operation, *known)
            work.aws(_API, operation, **{**asked, **self._key(work)})
        if self.tags in changed:
            self._tag(work, before)

    def _tag(self, work: Work, before: Json) -> None:
        arn = self._arn(work)
        added, removed = tag_changes(before.get(self.tags), work.get(self.tags))
        if added:
            tags = {each["Key"]: each["Value"] for each in added}
            work.aws(_API, "TagResource", ResourceArn=arn, Tags=tags)
        if removed:
            work.aws(_API, "UntagResource", ResourceArn=arn, TagKeys=removed)

    def _arn(self, work: Work) -> str:
        """Return the ARN by which it is tagged."""
        return f"arn:aws:apigateway:{work.aws.region}::/apis/{work.physical_id}"

    def delete(self, work: Work) -> None:
        work.aws(_API, f"Delete{self.noun}", **self._key(work))

    def _key(self, work: Work) -> Json:
        key: Json = {self.number: work.physical_id}
        return {**key, self.within: text_of(work.get(self.within))} if self.within else key


class Api(_Part):
    """An HTTP API."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Api"
    noun: ClassVar[str] = "Api"
    number: ClassVar[str] = "ApiId"
    properties: ClassVar[Mapping[str, Property]] = {
        "Name": REQUIRED,
        "ProtocolType": REPLACES_REQUIRED,
        **dict.fromkeys(
            (
                "ApiKeySelectionExpression", "CorsConfiguration", "CredentialsArn", "Description",
                "DisableExecuteApiEndpoint", "DisableSchemaValidation", "IpAddressType",
                "RouteKey", "RouteSelectionExpression", "Tags", "Target", "Version",
            ),
            IN_PLACE,
        ),
    }  # fmt: skip
    unmodelled: ClassVar[tuple[str, ...]] = ("BasePath", "Body", "BodyS3Location", "FailOnWarnings")
    attributes: ClassVar[tuple[str, ...]] = ("ApiId", "ApiEndpoint", "ExecuteApiArn")
    tags: ClassVar[str] = "Tags"
    tags_are_map: ClassVar[bool] = True

    def settle(self, work: Work) -> Iterator[None]:
        api = work.aws(_API, "GetApi", ApiId=work.physical_id)
        place = f"{work.aws.region}:{work.aws.account}"
        work.attributes |= {
            "ApiId": work.physical_id,
            "ApiEndpoint": api["ApiEndpoint"],
            "ExecuteApiArn": f"arn:aws:execute-api:{place}:{work.physical_id}",
        }
        yield from ()


class Integration(_Part):
    """What a route leads to."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Integration"
    noun: ClassVar[str] = "Integration"
    number: ClassVar[str] = "IntegrationId"
    within: ClassVar[str] = "ApiId"
    properties: ClassVar[Mapping[str, Property]] = {
        "ApiId": REPLACES_REQUIRED,
        "IntegrationType": REQUIRED,
        **dict.fromkeys(
            (
                "ConnectionId", "ConnectionType", "ContentHandlingStrategy", "CredentialsArn",
                "Description", "IntegrationMethod", "IntegrationSubtype", "IntegrationUri",
                "PassthroughBehavior", "PayloadFormatVersion", "RequestParameters",
                "RequestTemplates", "TemplateSelectionExpression", "TimeoutInMillis", "TlsConfig",
            ),
            IN_PLACE,
        ),
    }  # fmt: skip
    unmodelled: ClassVar[tuple[str, ...]] = ("ResponseParameters",)
    attributes: ClassVar[tuple[str, ...]] = ("IntegrationId",)


class Route(_Part):
    """A route of an API."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Route"
    noun: ClassVar[str] = "Route"
    number: ClassVar[str] = "RouteId"
    within: ClassVar[str] = "ApiId"
    properties: ClassVar[Mapping[str, Property]] = {
        "ApiId": REPLACES_REQUIRED,
        "RouteKey": REQUIRED,
        **dict.fromkeys(
            (
                "ApiKeyRequired", "AuthorizationScopes", "AuthorizationType", "AuthorizerId",
                "ModelSelectionExpression", "OperationName", "RequestModels",
                "RouteResponseSelectionExpression", "Target",
            ),
            IN_PLACE,
        ),
    }  # fmt: skip
    unmodelled: ClassVar[tuple[str, ...]] = ("RequestParameters",)
    attributes: ClassVar[tuple[str, ...]] = ("RouteId",)


class Authorizer(_Part):
    """Who decides about an API's callers."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Authorizer"
    noun: ClassVar[str] = "Authorizer"
    number: ClassVar[str] = "AuthorizerId"
    within: ClassVar[str] = "ApiId"
    properties: ClassVar[Mapping[str, Property]] = {
        "ApiId": REPLACES_REQUIRED,
        "AuthorizerType": REQUIRED,
        "Name": REQUIRED,
        **dict.fromkeys(
            (
                "AuthorizerCredentialsArn", "AuthorizerPayloadFormatVersion",
                "AuthorizerResultTtlInSeconds", "AuthorizerUri", "EnableSimpleResponses",
                "IdentitySource", "IdentityValidationExpression", "JwtConfiguration",
            ),
            IN_PLACE,
        ),
    }  # fmt: skip
    attributes: ClassVar[tuple[str, ...]] = ("AuthorizerId",)

    def create(self, work: Work) -> str:
        asked = work.members(_API, "CreateAuthorizer", *self.properties)
        # The API's model has it among the required, where the resource has not.
        asked.setdefault("IdentitySource", [])
        return str(work.aws(_API, "CreateAuthorizer", **asked)["AuthorizerId"])


class Stage(_Part):
    """A stage of an API."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Stage"
    noun: ClassVar[str] = "Stage"
    number: ClassVar[str] = "StageName"
    within: ClassVar[str] = "ApiId"
    properties: ClassVar[Mapping[str, Property]] = {
        "ApiId": REPLACES_REQUIRED,
        "StageName": REPLACES_REQUIRED,
        **dict.fromkeys(
            (
                "AccessLogSettings", "AutoDeploy", "ClientCertificateId", "DefaultRouteSettings",
                "DeploymentId", "Description", "RouteSettings", "StageVariables", "Tags",
            ),
            IN_PLACE,
        ),
    }  # fmt: skip
    tags: ClassVar[str] = "Tags"
    tags_are_map: ClassVar[bool] = True

    def _arn(self, work: Work) -> str:
        api = text_of(work.get("ApiId"))
        return f"arn:aws:apigateway:{work.aws.region}::/apis/{api}/stages/{work.physical_id}"


class DomainName(_Part):
    """A custom domain name, with mutual TLS or without."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::DomainName"
    noun: ClassVar[str] = "DomainName"
    number: ClassVar[str] = "DomainName"
    properties: ClassVar[Mapping[str, Property]] = {
        "DomainName": REPLACES_REQUIRED,
        **dict.fromkeys(
            ("DomainNameConfigurations", "MutualTlsAuthentication", "RoutingMode", "Tags"),
            IN_PLACE,
        ),
    }
    attributes: ClassVar[tuple[str, ...]] = (
        "RegionalDomainName", "RegionalHostedZoneId", "DomainNameArn",
    )  # fmt: skip
    tags: ClassVar[str] = "Tags"
    tags_are_map: ClassVar[bool] = True

    def settle(self, work: Work) -> Iterator[None]:
        while True:
            domain = work.aws(_API, "GetDomainName", DomainName=work.physical_id)
            configuration = domain["DomainNameConfigurations"][0]
            if configuration.get("DomainNameStatus", "AVAILABLE") != "UPDATING":
                break
            yield
        work.attributes |= {
            "RegionalDomainName": configuration.get("ApiGatewayDomainName", ""),
            "RegionalHostedZoneId": configuration.get("HostedZoneId", ""),
            "DomainNameArn": self._arn(work),
        }

    def _arn(self, work: Work) -> str:
        return f"arn:aws:apigateway:{work.aws.region}::/domainnames/{work.physical_id}"


class ApiMapping(_Part):
    """Which stage of an API answers at a domain name."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::ApiMapping"
    noun: ClassVar[str] = "ApiMapping"
    number: ClassVar[str] = "ApiMappingId"
    within: ClassVar[str] = "DomainName"
    properties: ClassVar[Mapping[str, Property]] = {
        "DomainName": REPLACES_REQUIRED,
        "ApiId": REQUIRED,
        "Stage": REQUIRED,
        "ApiMappingKey": IN_PLACE,
    }
    attributes: ClassVar[tuple[str, ...]] = ("ApiMappingId",)

    def update(self, work: Work, before: Json) -> None:
        # The API is named in every update.
        changed = [*self.changed(before, work.properties), "ApiId"]
        asked = work.members(_API, "UpdateApiMapping", *changed)
        work.aws(_API, "UpdateApiMapping", **{**asked, **self._key(work)})
