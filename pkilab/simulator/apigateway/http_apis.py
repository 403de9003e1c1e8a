"""API Gateway v2: HTTP APIs, their routes, integrations, authorizers and stages, and domain names.

Settings are kept as the model has them, and what the data plane does not act on is refused.

Sources: API Gateway v2 API Reference; for messages, the issues named in the fidelity table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from pkilab.simulator.apigateway.authorizers import CONTEXT
from pkilab.simulator.apigateway.control import ControlPlane
from pkilab.simulator.apigateway.domains import Settings
from pkilab.simulator.apigateway.lambda_uris import invoked, is_function, is_invocation
from pkilab.simulator.apigateway.state import Api, Domain, Mapping, Stage
from pkilab.simulator.pages import page
from pkilab.simulator.service import AwsError, Call, Json, error, not_simulated

_ROUTE_KEY = re.compile(r"\$default|(?:ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /(?P<path>\S*)")
_SEGMENT = re.compile(r"[\w.~!$&'()*+,;=:@%-]+|\{[\w.-]+\}|\{[\w.-]+\+\}", re.ASCII)
_MAPPING_KEY = re.compile(r"[\w.$+!*'(),-]+(?:/[\w.$+!*'(),-]+)*", re.ASCII)
_IDENTITY = re.compile(
    r"\$(?:request\.(?:header|querystring)|context|stageVariables)\.[\w.-]+", re.ASCII
)
_STAGE = re.compile(r"\$default|[\w-]{1,128}", re.ASCII)
_VARIABLE, _VARIABLE_VALUE = re.compile(r"\w+", re.ASCII), re.compile(r"[\w.~:/?#&=,-]*", re.ASCII)
_PAGE = re.compile(r"[1-9][0-9]{0,8}")
_ROUTE_SELECTION = {"$request.method $request.path", "${request.method} ${request.path}"}
_NO_ROUTE = "At least one route is required before deploying the Api."
_DEFAULT_TTL, _MOST_TTL = 300, 3600
_DEFAULT_MILLIS = 30_000
# What each create takes; the rest of the model is refused, since nothing would come of it.
_TAKEN = {
    "Api": {"Name", "ProtocolType", "Description", "DisableExecuteApiEndpoint", "Tags", "Target",
            "RouteKey", "CredentialsArn", "Version", "RouteSelectionExpression", "IpAddressType"},
    "Route": {"RouteKey", "Target", "AuthorizationType", "AuthorizerId", "OperationName"},
    "Integration": {"IntegrationType", "IntegrationUri", "PayloadFormatVersion", "Description",
                    "IntegrationMethod", "ConnectionType", "TimeoutInMillis"},
    "Authorizer": {"AuthorizerType", "AuthorizerUri", "IdentitySource", "Name",
                   "AuthorizerPayloadFormatVersion", "AuthorizerResultTtlInSeconds",
                   "EnableSimpleResponses"},
    "Stage": {"StageName", "AutoDeploy", "DeploymentId", "Description", "StageVariables", "Tags"},
    "Deployment": {"Description", "StageName"},
}  # fmt: skip
_PARTS = {"Route": "routes", "Integration": "integrations", "Authorizer": "authorizers"}


class HttpApis(ControlPlane):
    """API Gateway v2."""

    name: ClassVar[str] = "apigatewayv2"
    protocol: ClassVar[Literal["HTTP", "REST"]] = "HTTP"
    path: ClassVar[str] = "apis"
    tags_member: ClassVar[str] = "Tags"

    # APIs.

    def create_api(self, call: Call, **asked: Any) -> Json:  # noqa: ANN401 - the model's
        """Create an HTTP API; with a Target also its route, integration and stage."""
        members = self._members("CreateApi", asked, _TAKEN["Api"])
        if members["ProtocolType"] != "HTTP":
            raise not_simulated(f"an API of the protocol {members['ProtocolType']}")
        _check_api(members)
        number = self._id(10)
        quick = {key: members.pop(key, None) for key in ("Target", "RouteKey", "CredentialsArn")}
        if quick["CredentialsArn"]:
            raise not_simulated("an API with CredentialsArn")
        settings = {
            "ApiKeySelectionExpression": "$request.header.x-api-key",
            "DisableExecuteApiEndpoint": False,
            "IpAddressType": "ipv4",
            "RouteSelectionExpression": "$request.method $request.path",
            **members,
            "ApiId": number,
            "ApiEndpoint": f"https://{number}.execute-api.{call.region}.amazonaws.com",
            "CreatedDate": call.now,
        }
        parts: dict[str, dict[str, Json]] = {each: {} for each in _PARTS.values()}
        api = Api(number, "HTTP", call.account, call.region, settings, parts)
        if quick["Target"]:
            self._quick_create(call, api, quick["Target"], quick["RouteKey"] or "$default")
        elif quick["RouteKey"]:
            raise _bad("A RouteKey needs a Target.")
        self._state.apis[number] = api
        return api.settings

    def _quick_create(self, call: Call, api: Api, target: str, route_key: str) -> None:
        if not is_function(target):
            raise not_simulated("an HTTP API in front of anything but a Lambda function")
        integration = self._add(api, "Integration", {
            "IntegrationType": "AWS_PROXY", "IntegrationUri": target, "ApiGatewayManaged": True,
            "PayloadFormatVersion": "2.0", "ConnectionType": "INTERNET",
            "IntegrationMethod": "POST", "TimeoutInMillis": _DEFAULT_MILLIS,
        })  # fmt: skip
        self._add(api, "Route", {
            **_route(api, {"RouteKey": route_key}),
            "Target": f"integrations/{integration['IntegrationId']}", "ApiGatewayManaged": True,
        })  # fmt: skip
        settings = {
            "StageName": "$default", "AutoDeploy": True, "ApiGatewayManaged": True,
            "CreatedDate": call.now, "LastUpdatedDate": call.now, "StageVariables": {},
        }  # fmt: skip
        api.stages["$default"] = Stage("$default", settings)
        self._auto_deploy(call, api)

    def get_api(self, call: Call, api_id: str) -> Json:
        """Describe an API."""
        return self._api(call, api_id).settings

    def get_apis(
        self, call: Call, max_results: str | None = None, next_token: str | None = None
    ) -> Json:
        """List the HTTP APIs of an account and Region."""
        scope = f"apis {call.account} {call.region}"
        return _page(self._of(call), max_results, next_token, scope)

    def update_api(self, call: Call, api_id: str, **asked: Any) -> Json:  # noqa: ANN401
        """Change an API's settings; they take effect with its next deployment."""
        api = self._api(call, api_id)
        members = self._members("UpdateApi", asked, _TAKEN["Api"])
        if members.keys() & {"Target", "RouteKey", "CredentialsArn"}:
            raise not_simulated("apigatewayv2:UpdateApi of a quick create")
        _check_api(members)
        api.settings.update(members)
        self._auto_deploy(call, api)
        return api.settings

    def delete_api(self, call: Call, api_id: str) -> Json:
        """Delete an API that no domain name is mapped to."""
        api = self._api(call, api_id)
        if any(self._mappings(api)):
            message = "Please remove all API mappings for the API from your custom domain names."
            raise _bad(f"Deleting API {api.id} failed. {message}")
        del self._state.apis[api.id]
        return {}

    # Routes, integrations and authorizers.

    def create_route(self, call: Call, api_id: str, **asked: Any) -> Json:  # noqa: ANN401
        """Add a route."""
        return self._create(call, api_id, "Route", asked, _route)

    def get_route(self, call: Call, api_id: str, route_id: str) -> Json:
        """Describe a route."""
        return self._part(self._api(call, api_id), "Route", route_id)

    def get_routes(self, call: Call, api_id: str, **paging: str) -> Json:
        """List routes."""
        return self._list(call, api_id, "Route", paging)

    def update_route(self, call: Call, api_id: str, route_id: str, **asked: Any) -> Json:  # noqa: ANN401
        """Change a route."""
        return self._update(call, api_id, "Route", route_id, asked, _route)

    def delete_route(self, call: Call, api_id: str, route_id: str) -> Json:
        """Delete a route."""
        return self._delete(call, api_id, "Route", route_id)

    def create_integration(self, call: Call, api_id: str, **asked: Any) -> Json:  # noqa: ANN401
        """Add an integration with a Lambda function."""
        return self._create(call, api_id, "Integration", asked, _integration)

    def get_integration(self, call: Call, api_id: str, integration_id: str) -> Json:
        """Describe an integration."""
        return self._part(self._api(call, api_id), "Integration", integration_id)

    def get_integrations(self, call: Call, api_id: str, **paging: str) -> Json:
        """List integrations."""
        return self._list(call, api_id, "Integration", paging)

    def update_integration(
        self,
        call: Call,
        api_id: str,
        integration_id: str,
        **asked: Any,  # noqa: ANN401
    ) -> Json:
        """Change an integration."""
        return self._update(call, api_id, "Integration", integration_id, asked, _integration)

    def delete_integration(self, call: Call, api_id: str, integration_id: str) -> Json:
        """Delete an integration that no route uses."""
        api = self._api(call, api_id)
        target = f"integrations/{integration_id}"
        users = [
            each["RouteId"] for each in api.parts["routes"].values() if each.get("Target") == target
        ]
        if users:
            message = "Cannot delete Integration because it is referenced by the following Routes"
            raise _conflict(f"{message} with Ids: [{', '.join(users)}]")
        return self._delete(call, api_id, "Integration", integration_id)

    def create_authorizer(self, call: Call, api_id: str, **asked: Any) -> Json:  # noqa: ANN401
        """Add a REQUEST authorizer."""
        return self._create(call, api_id, "Authorizer", asked, _authorizer)

    def get_authorizer(self, call: Call, api_id: str, authorizer_id: str) -> Json:
        """Describe an authorizer."""
        return self._part(self._api(call, api_id), "Authorizer", authorizer_id)

    def get_authorizers(self, call: Call, api_id: str, **paging: str) -> Json:
        """List authorizers."""
        return self._list(call, api_id, "Authorizer", paging)

    def update_authorizer(self, call: Call, api_id: str, authorizer_id: str, **asked: Any) -> Json:  # noqa: ANN401
        """Change an authorizer."""
        return self._update(call, api_id, "Authorizer", authorizer_id, asked, _authorizer)

    def delete_authorizer(self, call: Call, api_id: str, authorizer_id: str) -> Json:
        """Delete an authorizer that no route uses."""
        api = self._api(call, api_id)
        name = self._part(api, "Authorizer", authorizer_id)["Name"]
        for each in api.parts["routes"].values():
            if each.get("AuthorizerId") == authorizer_id:
                message = f"Cannot delete authorizer '{name}', is referenced in route"
                raise _conflict(f"{message}: {each['RouteKey']}")
        return self._delete(call, api_id, "Authorizer", authorizer_id)

    # Stages and deployments.

    def create_stage(self, call: Call, api_id: str, **asked: Any) -> Json:  # noqa: ANN401
        """Add a stage."""
        api = self._api(call, api_id)
        members = self._members("CreateStage", asked, _TAKEN["Stage"])
        name = members["StageName"]
        if not _STAGE.fullmatch(name):
            raise _bad("Stage name only allows a-z, A-Z, 0-9, hyphen and underscore, or $default")
        if name in api.stages:
            raise _conflict(f"Stage already exists: {name}")
        _check_stage(members)
        stage = Stage(name, {"AutoDeploy": False, "StageVariables": {}, **members,
                             "CreatedDate": call.now, "LastUpdatedDate": call.now})  # fmt: skip
        if number := members.get("DeploymentId"):
            stage.deployed = self._snapshot(api, number)
        api.stages[name] = stage
        self._auto_deploy(call, api)
        return stage.settings

    def get_stage(self, call: Call, api_id: str, stage_name: str) -> Json:
        """Describe a stage."""
        return self._stage(self._api(call, api_id), stage_name).settings

    def get_stages(self, call: Call, api_id: str, **paging: str) -> Json:
        """List stages."""
        found = [each.settings for each in self._api(call, api_id).stages.values()]
        return _page(found, paging.get("max_results"), paging.get("next_token"), f"stages {api_id}")

    def update_stage(self, call: Call, api_id: str, stage_name: str, **asked: Any) -> Json:  # noqa: ANN401
        """Change a stage: its deployment, its variables, whether it deploys by itself."""
        api = self._api(call, api_id)
        stage = self._stage(api, stage_name)
        members = self._members("UpdateStage", asked, _TAKEN["Stage"])
        _check_stage({"AutoDeploy": stage.settings["AutoDeploy"], **members})
        if number := members.get("DeploymentId"):
            stage.deployed = self._snapshot(api, number)
        stage.settings.update({**members, "LastUpdatedDate": call.now})
        self._auto_deploy(call, api)
        return stage.settings

    def delete_stage(self, call: Call, api_id: str, stage_name: str) -> Json:
        """Delete a stage that no domain name is mapped to."""
        api = self._api(call, api_id)
        stage = self._stage(api, stage_name)
        if any(each.stage == stage.name for _, each in self._mappings(api)):
            message = "Please remove all API mappings for the stage from your custom domain names."
            raise _bad(f"Deleting stage {stage.name} failed. {message}")
        del api.stages[stage.name]
        return {}

    def create_deployment(self, call: Call, api_id: str, **asked: Any) -> Json:  # noqa: ANN401
        """Fix what the API is now; a named stage serves it at once."""
        api = self._api(call, api_id)
        members = self._members("CreateDeployment", asked, _TAKEN["Deployment"])
        stage = self._stage(api, members["StageName"]) if "StageName" in members else None
        if not api.parts["routes"]:
            raise _bad(_NO_ROUTE)
        deployment = self._deploy(call, api, auto=False)
        if "Description" in members:
            deployment["Description"] = members["Description"]
        if stage:
            stage.settings["DeploymentId"] = deployment["DeploymentId"]
            stage.deployed = self._snapshot(api, deployment["DeploymentId"])
        return deployment

    def get_deployment(self, call: Call, api_id: str, deployment_id: str) -> Json:
        """Describe a deployment."""
        return _deployment(self._api(call, api_id), deployment_id)

    def update_deployment(
        self, call: Call, api_id: str, deployment_id: str, description: str | None = None
    ) -> Json:
        """Change a deployment's description."""
        found = _deployment(self._api(call, api_id), deployment_id)
        if description is not None:
            found["Description"] = description
        return found

    def delete_deployment(self, call: Call, api_id: str, deployment_id: str) -> Json:
        """Delete a deployment that no stage serves."""
        api = self._api(call, api_id)
        _deployment(api, deployment_id)
        if any(s.settings.get("DeploymentId") == deployment_id for s in api.stages.values()):
            raise _bad("Active stages pointing to this deployment must be moved or deleted")
        del api.deployments[deployment_id], api.snapshots[deployment_id]
        return {}

    def get_deployments(self, call: Call, api_id: str, **paging: str) -> Json:
        """List deployments."""
        found = list(self._api(call, api_id).deployments.values())
        return _page(found, paging.get("max_results"), paging.get("next_token"), f"d {api_id}")

    # Domain names.

    def create_domain_name(
        self,
        call: Call,
        domain_name: str,
        *,
        domain_name_configurations: list[Json] | None = None,
        mutual_tls_authentication: Json | None = None,
        tags: dict[str, str] | None = None,
        routing_mode: str = "API_MAPPING_ONLY",
    ) -> Json:
        """Create a custom domain name."""
        _check_routing(routing_mode)
        settings = _settings(domain_name_configurations, mutual_tls_authentication)
        return _domain(self._domains.create(call, domain_name, settings, tags or {}))

    def get_domain_name(self, call: Call, domain_name: str) -> Json:
        """Describe a custom domain name."""
        return _domain(self._domains.find(call, domain_name))

    def get_domain_names(
        self, call: Call, max_results: str | None = None, next_token: str | None = None
    ) -> Json:
        """List custom domain names."""
        found = [_domain(each) for each in self._domains.of(call)]
        return _page(found, max_results, next_token, f"domains {call.account} {call.region}")

    def update_domain_name(
        self,
        call: Call,
        domain_name: str,
        *,
        domain_name_configurations: list[Json] | None = None,
        mutual_tls_authentication: Json | None = None,
        routing_mode: str = "API_MAPPING_ONLY",
    ) -> Json:
        """Change a custom domain name. Its configuration must be given again."""
        _check_routing(routing_mode)
        settings = _settings(domain_name_configurations, mutual_tls_authentication)
        return _domain(self._domains.update(call, domain_name, settings))

    def delete_domain_name(self, call: Call, domain_name: str) -> Json:
        """Delete a custom domain name."""
        self._domains.delete(call, domain_name)
        return {}

    def create_api_mapping(
        self, call: Call, api_id: str, domain_name: str, stage: str, api_mapping_key: str = ""
    ) -> Json:
        """Let a path of a domain name lead to a stage of an API."""
        domain = self._domains.find(call, domain_name)
        mapping = Mapping(self._id(6), *self._mapped(call, domain, api_id, stage, api_mapping_key))
        domain.mappings[mapping.id] = mapping
        return _mapping(mapping)

    def get_api_mapping(self, call: Call, api_mapping_id: str, domain_name: str) -> Json:
        """Describe an API mapping."""
        domain = self._domains.find(call, domain_name)
        return _mapping(_found_mapping(domain, api_mapping_id))

    def get_api_mappings(self, call: Call, domain_name: str, **paging: str) -> Json:
        """List the API mappings of a domain name."""
        found = [_mapping(each) for each in self._domains.find(call, domain_name).mappings.values()]
        scope = f"mappings {domain_name}"
        return _page(found, paging.get("max_results"), paging.get("next_token"), scope)

    def update_api_mapping(
        self,
        call: Call,
        api_id: str,
        *,
        api_mapping_id: str,
        domain_name: str,
        api_mapping_key: str | None = None,
        stage: str | None = None,
    ) -> Json:
        """Change an API mapping."""
        domain = self._domains.find(call, domain_name)
        before = _found_mapping(domain, api_mapping_id)
        key = before.key if api_mapping_key is None else api_mapping_key
        changed = self._mapped(call, domain, api_id, stage or before.stage, key, before)
        domain.mappings[before.id] = Mapping(before.id, *changed)
        return _mapping(domain.mappings[before.id])

    def delete_api_mapping(self, call: Call, api_mapping_id: str, domain_name: str) -> Json:
        """Delete an API mapping."""
        domain = self._domains.find(call, domain_name)
        del domain.mappings[_found_mapping(domain, api_mapping_id).id]
        return {}

    def _mapped(  # noqa: PLR0917 - what a mapping has, and which one it replaces
        self,
        call: Call,
        domain: Domain,
        api_id: str,
        stage: str,
        key: str,
        before: Mapping | None = None,
    ) -> tuple[str, str, str]:
        api = self._state.apis.get(api_id)  # of either kind
        if api is None or (api.account, api.region) != (call.account, call.region):
            message = f"Invalid API identifier specified {call.account}:{api_id}"
            raise error(self.name, "NotFoundException", message)
        if stage not in api.stages:
            raise _bad("Invalid stage identifier specified")
        if key and not _MAPPING_KEY.fullmatch(key):
            raise _bad("An ApiMapping key may contain only letters, numbers and one of $-_.+!*'(),")
        if any(each.key == key and each is not before for each in domain.mappings.values()):
            raise _conflict("ApiMapping key already exists for this domain name")
        return api.id, stage, key

    # Within.

    def _part(self, api: Api, noun: str, number: str) -> Json:
        found = api.parts[_PARTS[noun]].get(number)
        if found is None:
            raise _missing(noun, number)
        return found

    def _list(self, call: Call, api_id: str, noun: str, paging: dict[str, str]) -> Json:
        found = list(self._api(call, api_id).parts[_PARTS[noun]].values())
        scope = f"{noun} {api_id}"
        return _page(found, paging.get("max_results"), paging.get("next_token"), scope)

    def _create(
        self, call: Call, api_id: str, noun: str, asked: Json, check: Callable[[Api, Json], Json]
    ) -> Json:
        api = self._api(call, api_id)
        made = self._add(api, noun, check(api, self._members(f"Create{noun}", asked, _TAKEN[noun])))
        self._auto_deploy(call, api)
        return made

    def _add(self, api: Api, noun: str, members: Json) -> Json:
        number = self._id(7)
        api.parts[_PARTS[noun]][number] = {**members, f"{noun}Id": number}
        return api.parts[_PARTS[noun]][number]

    def _update(  # noqa: PLR0917 - as `_create`, and which
        self,
        call: Call,
        api_id: str,
        noun: str,
        number: str,
        asked: Json,
        check: Callable[[Api, Json], Json],
    ) -> Json:
        api = self._api(call, api_id)
        before = self._part(api, noun, number)
        members = self._members(f"Update{noun}", asked, _TAKEN[noun])
        if members.get("AuthorizationType") == "NONE":
            before = {key: before[key] for key in before if key != "AuthorizerId"}
        parts = api.parts[_PARTS[noun]]
        # Without itself, or it would be found to conflict with itself.
        api.parts[_PARTS[noun]] = {key: parts[key] for key in parts if key != number}
        try:
            parts[number] = check(api, {**before, **members})
        finally:
            api.parts[_PARTS[noun]] = parts
        self._auto_deploy(call, api)
        return parts[number]

    def _delete(self, call: Call, api_id: str, noun: str, number: str) -> Json:
        api = self._api(call, api_id)
        self._part(api, noun, number)
        del api.parts[_PARTS[noun]][number]
        self._auto_deploy(call, api)
        return {}

    def _auto_deploy(self, call: Call, api: Api) -> None:
        """Let the stages that deploy by themselves serve what the API is now."""
        stages = [each for each in api.stages.values() if each.settings.get("AutoDeploy")]
        if not api.parts["routes"]:
            for stage in stages:
                message = f"Deployment attempt failed: {_NO_ROUTE}"
                stage.settings["LastDeploymentStatusMessage"] = message
            return
        if not stages:
            return
        number = self._deploy(call, api, auto=True)["DeploymentId"]
        for stage in stages:
            stage.deployed = self._snapshot(api, number)
            stage.settings |= {
                "DeploymentId": number,
                "LastDeploymentStatusMessage": (
                    f"Successfully deployed stage with deployment ID '{number}'"
                ),
            }

    def _deploy(self, call: Call, api: Api, *, auto: bool) -> Json:
        number = self._id(6)
        api.snapshots[number] = api.snapshot()
        api.deployments[number] = {
            "AutoDeployed": auto,
            "CreatedDate": call.now,
            "DeploymentId": number,
            "DeploymentStatus": "DEPLOYED",
        }
        return api.deployments[number]

    def _snapshot(self, api: Api, number: str) -> Json:
        if number not in api.snapshots:
            raise _missing("Deployment", number)
        return api.snapshots[number]


# What is checked of each part. Each returns the members to keep.


def _check_api(members: Json) -> None:
    if members.get("IpAddressType", "ipv4") != "ipv4":
        raise not_simulated(f"an API of the address type {members['IpAddressType']}")
    if members.get("RouteSelectionExpression", min(_ROUTE_SELECTION)) not in _ROUTE_SELECTION:
        raise _bad("HTTP APIs have the route selection expression $request.method $request.path")


def _check_stage(members: Json) -> None:
    if members.get("AutoDeploy") and members.get("DeploymentId"):
        raise _bad("A deployment cannot be set on a stage that deploys automatically")
    for name, value in members.get("StageVariables", {}).items():
        if not _VARIABLE.fullmatch(name) or not _VARIABLE_VALUE.fullmatch(value):
            raise _bad(
                f"Invalid stage variable {name!r}: names have letters, digits and underscores, "
                "values also -.~:/?#&=,"
            )


def _check_route_key(key: str) -> None:
    found = _ROUTE_KEY.fullmatch(key)
    segments = found["path"].split("/") if found and found["path"] else []
    greedy = [segment.endswith("+}") for segment in segments]
    if not found or not all(map(_SEGMENT.fullmatch, filter(None, segments))) or any(greedy[:-1]):
        raise _bad(
            "The provided route key is not formatted properly for HTTP protocol. Format should be "
            '"<HTTP METHOD> /<RESOURCE PATH>" or "$default"'
        )
    if not all(segments):
        raise not_simulated("a route with an empty path segment")
    variables = [segment.strip("{+}") for segment in segments if segment.startswith("{")]
    if len(set(variables)) != len(variables):
        raise not_simulated("a route that names a path variable twice")


def _route(api: Api, members: Json) -> Json:
    key = members["RouteKey"]
    _check_route_key(key)
    if any(each["RouteKey"] == key for each in api.parts["routes"].values()):
        raise _conflict(f"Route with key {key} already exists for this API")
    target = members.get("Target")
    if target and target not in {f"integrations/{each}" for each in api.parts["integrations"]}:
        raise _bad(f"Invalid target: {target}. It must be integrations/ID of this API")
    kind = members.get("AuthorizationType", "NONE")
    if kind not in {"NONE", "CUSTOM"}:
        raise not_simulated(f"routes with the authorization type {kind}")
    authorizer = members.get("AuthorizerId")
    if kind == "CUSTOM" and authorizer not in api.parts["authorizers"]:
        raise _bad(f"Invalid authorizer identifier specified: {authorizer}")
    if kind == "NONE" and authorizer:
        raise _bad("An authorizer needs the authorization type CUSTOM")
    return {"ApiKeyRequired": False, **members, "AuthorizationType": kind}


def _integration(_: Api, members: Json) -> Json:
    if members["IntegrationType"] != "AWS_PROXY":
        raise not_simulated(f"HTTP API integrations of the type {members['IntegrationType']}")
    uri = members.get("IntegrationUri", "")
    if "${stageVariables." in uri:
        raise not_simulated("a stage variable in an integration's URI")
    if not is_function(invoked(uri)):
        raise _bad(f"Invalid Integration URI: {uri!r} is not the ARN of a Lambda function")
    version = members.get("PayloadFormatVersion")
    if version not in {"1.0", "2.0"}:
        raise _bad("PayloadFormatVersion is a required parameter for integration: 1.0 or 2.0")
    if members.get("ConnectionType", "INTERNET") != "INTERNET":
        raise not_simulated("HTTP API integrations over a VPC link")
    millis = members.get("TimeoutInMillis", _DEFAULT_MILLIS)
    if not 50 <= millis <= _DEFAULT_MILLIS:  # noqa: PLR2004 - the quota's own bounds
        raise _bad("Timeout should be between 50 ms and 30000 ms")
    return {
        "ConnectionType": "INTERNET", "IntegrationMethod": "POST", **members,
        "TimeoutInMillis": millis,
    }  # fmt: skip


def _authorizer(api: Api, members: Json) -> Json:
    if members["AuthorizerType"] != "REQUEST":
        raise not_simulated(f"HTTP API authorizers of the type {members['AuthorizerType']}")
    if any(each["Name"] == members["Name"] for each in api.parts["authorizers"].values()):
        raise _bad(f"Authorizer name must be unique. Authorizer {members['Name']} already exists.")
    uri = members.get("AuthorizerUri", "")
    if "${stageVariables." in uri:
        raise not_simulated("a stage variable in an authorizer's URI")
    if not is_invocation(uri):
        form = "arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations"
        raise _bad(f"Invalid Authorizer URI: found {uri!r}, expected {form}")
    version = members.get("AuthorizerPayloadFormatVersion")
    if version not in {"1.0", "2.0"}:
        raise _bad("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer")
    if version == "1.0" and members.get("EnableSimpleResponses"):
        raise _bad(
            'EnableSimpleResponses can only be set for AuthorizerPayloadFormatVersion "2.0".'
        )
    sources = members.get("IdentitySource", [])
    _check_identity(sources)
    seconds = members.get("AuthorizerResultTtlInSeconds", _DEFAULT_TTL if sources else 0)
    if not 0 <= seconds <= _MOST_TTL:
        raise _bad(
            "Authorizer result TTL outside allowable range. TTL must be between 0 and "
            f"{_MOST_TTL} seconds."
        )
    if seconds and not sources:
        raise _bad(
            "Identity source must be set if authorizer caching is enabled (TTL is greater than 0)"
        )
    return {**members, "AuthorizerResultTtlInSeconds": seconds}


def _check_identity(sources: list[str]) -> None:
    for source in sources:
        if not _IDENTITY.fullmatch(source):
            raise _bad(f"Invalid identity source: {source}")
        if source.startswith("$context.") and source.removeprefix("$") not in CONTEXT:
            raise not_simulated(f"the identity source {source}")


# To and from the model.


def _settings(configurations: list[Json] | None, mutual: Json | None) -> Settings:
    if configurations is None or len(configurations) != 1:
        raise _bad("Invalid input. Expected one domain name configuration")
    (given,), mutual = configurations, mutual or {}
    if given.get("IpAddressType", "ipv4") != "ipv4":
        raise not_simulated(f"a domain name of the address type {given['IpAddressType']}")
    taken = {
        "CertificateArn",
        "EndpointType",
        "SecurityPolicy",
        "OwnershipVerificationCertificateArn",
    }
    # What a Get answers may be sent back as it is.
    answered = {"ApiGatewayDomainName", "HostedZoneId", "DomainNameStatus", "CertificateUploadDate",
                "DomainNameStatusMessage", "IpAddressType", "CertificateName"}  # fmt: skip
    if others := sorted(given.keys() - taken - answered):
        raise not_simulated(f"a domain name with {', '.join(others)}")
    return Settings(
        certificate_arn=given.get("CertificateArn"),
        ownership_arn=given.get("OwnershipVerificationCertificateArn"),
        security_policy=given.get("SecurityPolicy"),
        endpoint_type=given.get("EndpointType"),
        truststore_uri=mutual.get("TruststoreUri"),
        truststore_version=mutual.get("TruststoreVersion"),
    )


def _domain(domain: Domain) -> Json:
    configuration = {
        "ApiGatewayDomainName": domain.regional_name,
        "CertificateArn": domain.certificate_arn,
        "DomainNameStatus": domain.status,
        "DomainNameStatusMessage": domain.status_message,
        "EndpointType": "REGIONAL",
        "HostedZoneId": domain.hosted_zone_id,
        "IpAddressType": "ipv4",
        "SecurityPolicy": domain.security_policy,
        "OwnershipVerificationCertificateArn": domain.ownership_arn,
    }
    answer: Json = {
        "ApiMappingSelectionExpression": "$request.basepath",
        "DomainName": domain.name,
        "DomainNameArn": domain.arn,
        "DomainNameConfigurations": [configuration],
        "RoutingMode": "API_MAPPING_ONLY",
        "Tags": domain.tags,
    }
    if domain.truststore_uri:
        answer["MutualTlsAuthentication"] = {
            "TruststoreUri": domain.truststore_uri,
            "TruststoreVersion": domain.truststore_version,
            "TruststoreWarnings": list(domain.warnings) or None,
        }
    return answer


def _mapping(mapping: Mapping) -> Json:
    return {
        "ApiId": mapping.api_id,
        "ApiMappingId": mapping.id,
        "ApiMappingKey": mapping.key,
        "Stage": mapping.stage,
    }


def _found_mapping(domain: Domain, number: str) -> Mapping:
    if number not in domain.mappings:
        raise _missing("ApiMapping", number)
    return domain.mappings[number]


def _deployment(api: Api, number: str) -> Json:
    if number not in api.deployments:
        raise _missing("Deployment", number)
    return api.deployments[number]


def _check_routing(mode: str) -> None:
    if mode != "API_MAPPING_ONLY":
        raise not_simulated(f"the routing mode {mode}")


def _page(found: list[Json], most: str | None, token: str | None, scope: str) -> Json:
    if most is not None and not _PAGE.fullmatch(most):
        raise _bad(f"MaxResults must be a positive number: found {most[:20]!r}")
    shown, after = page(found, int(most or 500), token, scope=scope, refusal="BadRequestException")
    return {"Items": shown, "NextToken": after}


def _missing(noun: str, number: str) -> AwsError:
    return error(HttpApis.name, "NotFoundException", f"Unable to find {noun} by key {number}")


def _bad(message: str) -> AwsError:
    return error(HttpApis.name, "BadRequestException", message)


def _conflict(message: str) -> AwsError:
    return error(HttpApis.name, "ConflictException", message)
