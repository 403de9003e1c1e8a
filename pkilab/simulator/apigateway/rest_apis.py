"""API Gateway, the first generation: REST APIs, and its view of custom domain names.

A REST API is a tree of resources with methods. What callers meet is a stage's snapshot of it, made
by a deployment; the API's own settings, such as the default endpoint's switch, are renewed in a
snapshot by a deployment or by any change of the stage.

Source: Amazon API Gateway API Reference.
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any, ClassVar, Literal

from pkilab.simulator.apigateway.authorizers import CONTEXT, REST_CONTEXT
from pkilab.simulator.apigateway.control import ControlPlane
from pkilab.simulator.apigateway.domains import Settings
from pkilab.simulator.apigateway.lambda_uris import is_invocation
from pkilab.simulator.apigateway.state import Api, Domain, Mapping, Stage
from pkilab.simulator.pages import page
from pkilab.simulator.service import AwsError, Call, Json, error, not_simulated

_PART = re.compile(r"[\w.:+~%-]+|\{[\w.-]+\+?\}", re.ASCII)
_STAGE = re.compile(r"[\w-]{1,128}", re.ASCII)
_HEADER = re.compile(
    r"method\.request\.(?:header|querystring)\.[\w.-]+|stageVariables\.[\w.-]+", re.ASCII
)
_METHODS = {"ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
_DEFAULT_TTL, _MOST_TTL, _MOST_MILLIS = 300, 3600, 29_000
_NONE = "(none)"  # how the empty base path is written
# What each create takes; the rest of the model is refused, since nothing would come of it.
_TAKEN = {
    "CreateRestApi": {"name", "description", "version", "endpointConfiguration", "tags",
                      "disableExecuteApiEndpoint", "apiKeySource"},
    "PutMethod": {"authorizationType", "authorizerId", "operationName", "apiKeyRequired"},
    "PutIntegration": {"type", "integrationHttpMethod", "uri", "requestTemplates",
                       "timeoutInMillis", "passthroughBehavior", "connectionType"},
    "PutIntegrationResponse": {"statusCode", "selectionPattern", "responseTemplates"},
    "PutMethodResponse": {"statusCode", "responseModels", "responseParameters"},
    "CreateDeployment": {"stageName", "stageDescription", "description", "variables"},
    "CreateStage": {"stageName", "deploymentId", "description", "variables", "tags"},
    "CreateAuthorizer": {"name", "type", "authorizerUri", "identitySource",
                         "authorizerResultTtlInSeconds", "authType"},
    "CreateDomainName": {"domainName", "regionalCertificateArn", "endpointConfiguration", "tags",
                         "securityPolicy", "mutualTlsAuthentication",
                         "ownershipVerificationCertificateArn"},
}  # fmt: skip


class RestApis(ControlPlane):
    """API Gateway, the first generation."""

    name: ClassVar[str] = "apigateway"
    protocol: ClassVar[Literal["HTTP", "REST"]] = "REST"
    path: ClassVar[str] = "restapis"
    tags_member: ClassVar[str] = "tags"

    # APIs and their resources.

    def create_rest_api(self, call: Call, **asked: Any) -> Json:  # noqa: ANN401 - the model's
        """Create an API with its root resource."""
        members = self._members("CreateRestApi", asked, _TAKEN["CreateRestApi"])
        endpoint = members.setdefault("endpointConfiguration", {"types": ["EDGE"]})
        if endpoint.get("types", ["EDGE"]) == ["PRIVATE"]:
            raise not_simulated("a private REST API")
        number, root = self._id(10), self._id(10)
        settings = {
            "apiKeySource": "HEADER",
            "disableExecuteApiEndpoint": False,
            **members,
            "id": number,
            "createdDate": call.now,
            "rootResourceId": root,
        }
        parts: dict[str, dict[str, Json]] = {
            "resources": {root: {"id": root, "path": "/", "resourceMethods": {}}},
            "authorizers": {},
        }
        self._state.apis[number] = Api(number, "REST", call.account, call.region, settings, parts)
        return settings

    def get_rest_api(self, call: Call, rest_api_id: str) -> Json:
        """Describe an API."""
        return self._api(call, rest_api_id).settings

    def get_rest_apis(self, call: Call, position: str | None = None, limit: int = 25) -> Json:
        """List the REST APIs of an account and Region."""
        return _page(self._of(call), position, limit, f"apis {call.account} {call.region}")

    def update_rest_api(
        self, call: Call, rest_api_id: str, patch_operations: list[Json] | None = None
    ) -> Json:
        """Change an API's settings; stages serve them from their next change on."""
        api = self._api(call, rest_api_id)
        changes: Json = {
            **_patched(patch_operations, "name", "description", "disableExecuteApiEndpoint")
        }
        if "disableExecuteApiEndpoint" in changes:
            changes["disableExecuteApiEndpoint"] = _boolean(changes["disableExecuteApiEndpoint"])
        api.settings.update(changes)
        return api.settings

    def delete_rest_api(self, call: Call, rest_api_id: str) -> Json:
        """Delete an API that no domain name is mapped to."""
        api = self._api(call, rest_api_id)
        for domain, _ in self._mappings(api):
            raise _bad(f"Cannot delete: {domain.name} has a base path mapping to this API")
        del self._state.apis[api.id]
        return {}

    def get_resources(
        self,
        call: Call,
        rest_api_id: str,
        *,
        position: str | None = None,
        limit: int = 25,
        embed: list[str] | None = None,
    ) -> Json:
        """List an API's resources; their methods are shown in brief unless embedded."""
        found = [
            each if embed else _brief(each)
            for each in self._api(call, rest_api_id).parts["resources"].values()
        ]
        return _page(found, position, limit, f"resources {rest_api_id}")

    def get_resource(
        self, call: Call, rest_api_id: str, resource_id: str, embed: list[str] | None = None
    ) -> Json:
        """Describe a resource."""
        found = _resource(self._api(call, rest_api_id), resource_id)
        return found if embed else _brief(found)

    def create_resource(self, call: Call, rest_api_id: str, parent_id: str, path_part: str) -> Json:
        """Add a resource below another."""
        api = self._api(call, rest_api_id)
        parent = _resource(api, parent_id)
        if not _PART.fullmatch(path_part):
            raise _bad(
                "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and "
                "curly braces at the beginning and the end."
            )
        if parent["path"].endswith("+}"):
            raise _bad(f"Cannot create a child of a resource with a greedy path: {parent['path']}")
        path = f"{parent['path'].rstrip('/')}/{path_part}"
        if any(each["path"] == path for each in api.parts["resources"].values()):
            raise _conflict(
                f"Another resource with the same parent already has this name: {path_part}"
            )
        number = self._id(6)
        made = {
            "id": number, "parentId": parent_id, "pathPart": path_part, "path": path,
            "resourceMethods": {},
        }  # fmt: skip
        api.parts["resources"][number] = made
        return _brief(made)

    def delete_resource(self, call: Call, rest_api_id: str, resource_id: str) -> Json:
        """Delete a resource and all below it."""
        api = self._api(call, rest_api_id)
        gone = _resource(api, resource_id)
        if gone["path"] == "/":
            raise _bad("Root resource cannot be deleted")
        for number, each in list(api.parts["resources"].items()):
            if each is gone or each["path"].startswith(f"{gone['path']}/"):
                del api.parts["resources"][number]
        return {}

    # Methods and integrations.

    def put_method(
        self,
        call: Call,
        rest_api_id: str,
        *,
        resource_id: str,
        http_method: str,
        **asked: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """Add a method to a resource."""
        api = self._api(call, rest_api_id)
        methods = _resource(api, resource_id)["resourceMethods"]
        if http_method not in _METHODS:
            raise _bad("Invalid HTTP method specified")
        if http_method in methods:
            raise _conflict("Method already exists for this resource")
        members = self._members("PutMethod", asked, _TAKEN["PutMethod"])
        kind, authorizer = members["authorizationType"], members.get("authorizerId")
        if kind not in {"NONE", "CUSTOM"}:
            raise not_simulated(f"methods with the authorization type {kind}")
        if members.get("apiKeyRequired"):
            raise not_simulated("methods that require an API key")
        if kind == "CUSTOM" and authorizer not in api.parts["authorizers"]:
            raise _bad(f"Invalid authorizer ID specified: {authorizer}")
        methods[http_method] = {"apiKeyRequired": False, **members, "httpMethod": http_method}
        return _copy(methods[http_method])

    def get_method(self, call: Call, rest_api_id: str, resource_id: str, http_method: str) -> Json:
        """Describe a method."""
        return _copy(self._method(call, rest_api_id, resource_id, http_method))

    def delete_method(
        self, call: Call, rest_api_id: str, resource_id: str, http_method: str
    ) -> Json:
        """Delete a method."""
        self._method(call, rest_api_id, resource_id, http_method)
        methods = _resource(self._api(call, rest_api_id), resource_id)["resourceMethods"]
        del methods[http_method]
        return {}

    def put_method_response(
        self,
        call: Call,
        rest_api_id: str,
        *,
        resource_id: str,
        http_method: str,
        **asked: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """Declare a status that a method may answer."""
        method = self._method(call, rest_api_id, resource_id, http_method)
        members = self._members("PutMethodResponse", asked, _TAKEN["PutMethodResponse"])
        method.setdefault("methodResponses", {})[members["statusCode"]] = members
        return _copy(members)

    def put_integration(
        self,
        call: Call,
        rest_api_id: str,
        *,
        resource_id: str,
        http_method: str,
        **asked: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """Put a Lambda function or a canned answer behind a method."""
        method = self._method(call, rest_api_id, resource_id, http_method)
        members = self._members("PutIntegration", asked, _TAKEN["PutIntegration"])
        integration: Json = {
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": _MOST_MILLIS,
        }
        integration |= members
        integration["httpMethod"] = integration.pop("integrationHttpMethod", None)
        if not 50 <= integration["timeoutInMillis"] <= _MOST_MILLIS:  # noqa: PLR2004 - the quota's
            raise _bad("Timeout should be between 50 ms and 29000 ms")
        if members["type"] == "AWS_PROXY":
            if not is_invocation(members.get("uri", "")):
                raise _bad("Invalid ARN specified in the request")
            if integration["httpMethod"] != "POST":
                raise _bad("Lambda functions are invoked by POST")
        elif members["type"] == "MOCK":
            mock_status(integration)
        else:
            raise not_simulated(f"REST API integrations of the type {members['type']}")
        method["methodIntegration"] = integration
        return _copy(integration)

    def get_integration(
        self, call: Call, rest_api_id: str, resource_id: str, http_method: str
    ) -> Json:
        """Describe an integration."""
        return _copy(self._integration(call, rest_api_id, resource_id, http_method))

    def delete_integration(
        self, call: Call, rest_api_id: str, resource_id: str, http_method: str
    ) -> Json:
        """Take an integration away."""
        self._integration(call, rest_api_id, resource_id, http_method)
        del self._method(call, rest_api_id, resource_id, http_method)["methodIntegration"]
        return {}

    def put_integration_response(
        self,
        call: Call,
        rest_api_id: str,
        *,
        resource_id: str,
        http_method: str,
        **asked: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """Say what a canned answer of a status is; plain text, since no template runs here."""
        integration = self._integration(call, rest_api_id, resource_id, http_method)
        members = self._members("PutIntegrationResponse", asked, _TAKEN["PutIntegrationResponse"])
        for template in members.get("responseTemplates", {}).values():
            if re.search(r"[$#]", template):
                raise not_simulated("mapping templates with references")
        integration.setdefault("integrationResponses", {})[members["statusCode"]] = members
        return _copy(members)

    # Authorizers.

    def create_authorizer(self, call: Call, rest_api_id: str, **asked: Any) -> Json:  # noqa: ANN401
        """Add a REQUEST authorizer."""
        api = self._api(call, rest_api_id)
        members = _authorizer(self._members("CreateAuthorizer", asked, _TAKEN["CreateAuthorizer"]))
        if any(each["name"] == members["name"] for each in api.parts["authorizers"].values()):
            raise _conflict("Authorizer name must be unique. Authorizer with the name "
                            f"{members['name']} already exists in this RestApi.")  # fmt: skip
        number = self._id(6)
        api.parts["authorizers"][number] = {**members, "id": number}
        return _copy(api.parts["authorizers"][number])

    def get_authorizer(self, call: Call, rest_api_id: str, authorizer_id: str) -> Json:
        """Describe an authorizer."""
        return _copy(_authorizer_of(self._api(call, rest_api_id), authorizer_id))

    def get_authorizers(
        self, call: Call, rest_api_id: str, position: str | None = None, limit: int = 25
    ) -> Json:
        """List authorizers."""
        found = list(self._api(call, rest_api_id).parts["authorizers"].values())
        return _page(found, position, limit, f"authorizers {rest_api_id}")

    def update_authorizer(
        self,
        call: Call,
        rest_api_id: str,
        authorizer_id: str,
        patch_operations: list[Json] | None = None,
    ) -> Json:
        """Change an authorizer."""
        found = _authorizer_of(self._api(call, rest_api_id), authorizer_id)
        changes: Json = _patched(
            patch_operations, "name", "authorizerUri", "identitySource",
            "authorizerResultTtlInSeconds",
        )  # fmt: skip
        if seconds := changes.get("authorizerResultTtlInSeconds"):
            changes["authorizerResultTtlInSeconds"] = _whole(seconds)
        found.update(_authorizer({**found, **changes}))
        return _copy(found)

    def delete_authorizer(self, call: Call, rest_api_id: str, authorizer_id: str) -> Json:
        """Delete an authorizer that no method uses."""
        api = self._api(call, rest_api_id)
        _authorizer_of(api, authorizer_id)
        for each in api.parts["resources"].values():
            if any(
                m.get("authorizerId") == authorizer_id for m in each["resourceMethods"].values()
            ):
                raise _conflict(
                    f"Cannot delete authorizer, is referenced in method: {each['path']}"
                )
        del api.parts["authorizers"][authorizer_id]
        return {}

    # Deployments and stages.

    def create_deployment(self, call: Call, rest_api_id: str, **asked: Any) -> Json:  # noqa: ANN401
        """Fix what the API is now; a named stage serves it at once, and is made if need be."""
        api = self._api(call, rest_api_id)
        members = self._members("CreateDeployment", asked, _TAKEN["CreateDeployment"])
        methods = [
            method
            for each in api.parts["resources"].values()
            for method in each["resourceMethods"].values()
        ]
        if not methods:
            raise _bad("The REST API doesn't contain any methods")
        if any("methodIntegration" not in method for method in methods):
            raise _bad("No integration defined for method")
        stage_name = members.get("stageName")
        if stage_name is not None:
            _check_stage_name(stage_name)
        number = self._id(6)
        made = {"id": number, "createdDate": call.now}
        if "description" in members:
            made["description"] = members["description"]
        api.deployments[number], api.snapshots[number] = made, api.snapshot()
        if stage_name in api.stages:
            self._serve(call, api, api.stages[stage_name], number)
        elif stage_name is not None:
            self._add_stage(
                call, api, stage_name, number, variables=members.get("variables", {}),
                description=members.get("stageDescription"),
            )  # fmt: skip
        return made

    def get_deployment(
        self, call: Call, rest_api_id: str, deployment_id: str, embed: list[str] | None = None
    ) -> Json:
        """Describe a deployment."""
        if embed:
            raise not_simulated("apigateway:GetDeployment with embed")
        return _deployment(self._api(call, rest_api_id), deployment_id)

    def get_deployments(
        self, call: Call, rest_api_id: str, position: str | None = None, limit: int = 25
    ) -> Json:
        """List deployments."""
        found = list(self._api(call, rest_api_id).deployments.values())
        return _page(found, position, limit, f"deployments {rest_api_id}")

    def delete_deployment(self, call: Call, rest_api_id: str, deployment_id: str) -> Json:
        """Delete a deployment that no stage serves."""
        api = self._api(call, rest_api_id)
        _deployment(api, deployment_id)
        if any(each.settings["deploymentId"] == deployment_id for each in api.stages.values()):
            raise _bad("Active stages pointing to this deployment must be moved or deleted")
        del api.deployments[deployment_id], api.snapshots[deployment_id]
        return {}

    def create_stage(self, call: Call, rest_api_id: str, **asked: Any) -> Json:  # noqa: ANN401
        """Add a stage that serves a deployment."""
        api = self._api(call, rest_api_id)
        members = self._members("CreateStage", asked, _TAKEN["CreateStage"])
        name, number = members["stageName"], members["deploymentId"]
        _check_stage_name(name)
        _deployment(api, number)
        if name in api.stages:
            raise _conflict("Stage already exists")
        return self._add_stage(
            call, api, name, number, variables=members.get("variables", {}),
            description=members.get("description"), tags=members.get("tags", {}),
        )  # fmt: skip

    def get_stage(self, call: Call, rest_api_id: str, stage_name: str) -> Json:
        """Describe a stage."""
        return self._stage(self._api(call, rest_api_id), stage_name).settings

    def get_stages(self, call: Call, rest_api_id: str, deployment_id: str | None = None) -> Json:
        """List stages, of a deployment or all."""
        found = [each.settings for each in self._api(call, rest_api_id).stages.values()]
        return {"item": [each for each in found if deployment_id in (None, each["deploymentId"])]}

    def update_stage(
        self,
        call: Call,
        rest_api_id: str,
        stage_name: str,
        patch_operations: list[Json] | None = None,
    ) -> Json:
        """Change a stage; it serves the API's settings as they are now."""
        api = self._api(call, rest_api_id)
        stage = self._stage(api, stage_name)
        changes: Json = {}
        for each in patch_operations or []:
            kind, _, name = each.get("path", "").lstrip("/").partition("/")
            if kind == "variables" and name:
                changes.setdefault("variables", dict(stage.settings["variables"]))
                changes["variables"] |= {name: each.get("value", "")}
            else:
                changes |= _patched([each], "deploymentId", "description")
        number = str(changes.get("deploymentId") or stage.settings["deploymentId"])
        _deployment(api, number)
        stage.settings.update(changes)
        self._serve(call, api, stage, number)
        return stage.settings

    def delete_stage(self, call: Call, rest_api_id: str, stage_name: str) -> Json:
        """Delete a stage."""
        api = self._api(call, rest_api_id)
        del api.stages[self._stage(api, stage_name).name]
        return {}

    def _add_stage(
        self,
        call: Call,
        api: Api,
        name: str,
        number: str,
        *,
        variables: dict[str, str],
        description: str | None,
        tags: dict[str, str] | None = None,
    ) -> Json:
        settings = {
            "stageName": name, "deploymentId": number, "variables": variables,
            "description": description, "cacheClusterEnabled": False, "methodSettings": {},
            "tracingEnabled": False, "tags": tags or {}, "createdDate": call.now,
            "lastUpdatedDate": call.now,
        }  # fmt: skip
        api.stages[name] = Stage(name, settings)
        self._serve(call, api, api.stages[name], number)
        return settings

    def _serve(self, call: Call, api: Api, stage: Stage, number: str) -> None:
        """Let a stage serve a deployment, under the API's settings of this moment."""
        stage.settings |= {"deploymentId": number, "lastUpdatedDate": call.now}
        stage.deployed = {**api.snapshots[number], "settings": deepcopy(api.settings)}

    # Domain names.

    def create_domain_name(self, call: Call, **asked: Any) -> Json:  # noqa: ANN401 - the model's
        """Create a custom domain name."""
        members = self._members("CreateDomainName", asked, _TAKEN["CreateDomainName"])
        mutual = members.get("mutualTlsAuthentication", {})
        settings = Settings(
            certificate_arn=members.get("regionalCertificateArn"),
            ownership_arn=members.get("ownershipVerificationCertificateArn"),
            security_policy=members.get("securityPolicy"),
            endpoint_type=next(
                iter(members.get("endpointConfiguration", {}).get("types", ["EDGE"]))
            ),
            truststore_uri=mutual.get("truststoreUri"),
            truststore_version=mutual.get("truststoreVersion"),
        )
        tags = members.get("tags", {})
        return _domain(self._domains.create(call, members["domainName"], settings, tags))

    def get_domain_name(
        self, call: Call, domain_name: str, domain_name_id: str | None = None
    ) -> Json:
        """Describe a custom domain name."""
        _refuse_private(domain_name_id)
        return _domain(self._domains.find(call, domain_name))

    def get_domain_names(
        self, call: Call, position: str | None = None, limit: int = 25, **others: object
    ) -> Json:
        """List custom domain names."""
        if others:
            raise not_simulated(f"apigateway:GetDomainNames with {', '.join(sorted(others))}")
        found = [_domain(each) for each in self._domains.of(call)]
        return _page(found, position, limit, f"domains {call.account} {call.region}")

    def update_domain_name(
        self,
        call: Call,
        domain_name: str,
        domain_name_id: str | None = None,
        patch_operations: list[Json] | None = None,
    ) -> Json:
        """Change a custom domain name."""
        _refuse_private(domain_name_id)
        names = {
            "regionalCertificateArn": "certificate_arn",
            "ownershipVerificationCertificateArn": "ownership_arn",
            "securityPolicy": "security_policy",
            "mutualTlsAuthentication/truststoreUri": "truststore_uri",
            "mutualTlsAuthentication/truststoreVersion": "truststore_version",
        }
        changes = {names[k]: v for k, v in _patched(patch_operations, *names).items()}
        return _domain(self._domains.update(call, domain_name, Settings(**changes)))

    def delete_domain_name(
        self, call: Call, domain_name: str, domain_name_id: str | None = None
    ) -> Json:
        """Delete a custom domain name."""
        _refuse_private(domain_name_id)
        self._domains.delete(call, domain_name)
        return {}

    def create_base_path_mapping(
        self,
        call: Call,
        domain_name: str,
        rest_api_id: str,
        *,
        base_path: str = "",
        stage: str | None = None,
        domain_name_id: str | None = None,
    ) -> Json:
        """Let a path of a domain name lead to a stage of a REST API."""
        _refuse_private(domain_name_id)
        domain = self._domains.find(call, domain_name)
        made = self._mapping(call, domain, rest_api_id, stage, base_path)
        domain.mappings[made.id] = made
        return _mapping(made)

    def get_base_path_mapping(
        self, call: Call, domain_name: str, base_path: str, domain_name_id: str | None = None
    ) -> Json:
        """Describe a base path mapping."""
        _refuse_private(domain_name_id)
        return _mapping(self._mapped(self._domains.find(call, domain_name), base_path))

    def get_base_path_mappings(
        self,
        call: Call,
        domain_name: str,
        *,
        domain_name_id: str | None = None,
        position: str | None = None,
        limit: int = 25,
    ) -> Json:
        """List the mappings of a domain name that lead to REST APIs."""
        _refuse_private(domain_name_id)
        mappings = self._domains.find(call, domain_name).mappings.values()
        found = [_mapping(each) for each in mappings if self._is_rest(each)]
        return _page(found, position, limit, f"mappings {domain_name}")

    def delete_base_path_mapping(
        self, call: Call, domain_name: str, base_path: str, domain_name_id: str | None = None
    ) -> Json:
        """Delete a base path mapping."""
        _refuse_private(domain_name_id)
        domain = self._domains.find(call, domain_name)
        del domain.mappings[self._mapped(domain, base_path).id]
        return {}

    def _mapping(
        self, call: Call, domain: Domain, api_id: str, stage: str | None, path: str
    ) -> Mapping:
        try:
            api = self._api(call, api_id)
        except AwsError as why:
            raise _bad("Invalid REST API identifier specified") from why
        if stage is None:
            raise not_simulated("a base path mapping without a stage")
        if stage not in api.stages:
            raise _bad("Invalid stage identifier specified")
        key = "" if path == _NONE else path
        if key and not re.fullmatch(r"[\w$.+!*'()-]+", key):
            raise _bad(
                "API Gateway V1 doesn't support the slash character (/) in base path mappings"
            )
        if any(each.key == key for each in domain.mappings.values()):
            raise _conflict("Base path already exists for this domain name")
        return Mapping(self._id(6), api.id, stage, key)

    def _mapped(self, domain: Domain, path: str) -> Mapping:
        key = "" if path == _NONE else path
        for each in domain.mappings.values():
            if each.key == key and self._is_rest(each):
                return each
        raise _missing("Invalid base path mapping identifier specified")

    def _is_rest(self, mapping: Mapping) -> bool:
        api = self._state.apis.get(mapping.api_id)
        return api is not None and api.protocol == "REST"

    # Within.

    def _method(self, call: Call, api_id: str, resource_id: str, http_method: str) -> Json:
        methods = _resource(self._api(call, api_id), resource_id)["resourceMethods"]
        if http_method not in methods:
            raise _missing("Invalid Method identifier specified")
        method: Json = methods[http_method]
        return method

    def _integration(self, call: Call, api_id: str, resource_id: str, http_method: str) -> Json:
        method = self._method(call, api_id, resource_id, http_method)
        if "methodIntegration" not in method:
            raise _missing("Invalid Integration identifier specified")
        integration: Json = method["methodIntegration"]
        return integration


def mock_status(integration: Json) -> int:
    """Return the status that a MOCK integration's request template chooses.

    Raises:
        AwsError: NotImplemented, the template is not just a status.
    """
    templates = integration.get("requestTemplates") or {}
    text = templates.get("application/json", '{"statusCode": 200}')
    try:
        return int(json.loads(text)["statusCode"])
    except (ValueError, TypeError, KeyError) as why:
        raise not_simulated('a MOCK request template other than {"statusCode": ...}') from why


def _authorizer(members: Json) -> Json:
    if members["type"] != "REQUEST":
        raise not_simulated(f"REST API authorizers of the type {members['type']}")
    uri = members.get("authorizerUri", "")
    if not is_invocation(uri):
        raise _bad(
            f"Invalid Authorizer URI: {uri!r}. Authorizer URI should be a valid API Gateway ARN "
            "that represents a Lambda function invocation."
        )
    seconds = members.get("authorizerResultTtlInSeconds", _DEFAULT_TTL)
    if not 0 <= seconds <= _MOST_TTL:
        raise _bad(f"Authorizer result TTL should be between 0 and {_MOST_TTL} seconds")
    sources = identity_sources(members)
    if seconds and not sources:
        raise _bad("Identity source is required for a REQUEST authorizer with caching")
    for source in sources:
        if not _HEADER.fullmatch(source) and source not in {*CONTEXT, *REST_CONTEXT}:
            raise _bad(f"Invalid identity source: {source}")
    return {"authType": "custom", **members, "authorizerResultTtlInSeconds": seconds}


def identity_sources(authorizer: Json) -> list[str]:
    """Return a REST API authorizer's identity sources, which stand in one text."""
    named = map(str.strip, authorizer.get("identitySource", "").split(","))
    return [each for each in named if each]


def _patched(operations: list[Json] | None, *names: str) -> dict[str, str]:
    """Read a JSON patch that replaces (or adds) some of these paths."""
    changes: dict[str, str] = {}
    for each in operations or []:
        path = each.get("path", "")
        if path.lstrip("/") not in names or each.get("op") not in {"replace", "add"}:
            valid = ", ".join(f"/{name}" for name in names)
            raise _bad(f"Invalid patch path '{path}' specified for op '{each.get('op')}'. "
                       f"Must be one of: [{valid}]")  # fmt: skip
        changes[path.lstrip("/")] = each.get("value", "")
    return changes


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise _bad(f"Invalid boolean: found {text!r}")
    return text.lower() == "true"


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise _bad(f"Invalid number: found {text!r}")
    return int(text)


def _domain(domain: Domain) -> Json:
    answer: Json = {
        "domainName": domain.name,
        "domainNameArn": domain.arn,
        "regionalDomainName": domain.regional_name,
        "regionalHostedZoneId": domain.hosted_zone_id,
        "regionalCertificateArn": domain.certificate_arn,
        "endpointConfiguration": {"types": ["REGIONAL"], "ipAddressType": "ipv4"},
        "domainNameStatus": domain.status,
        "domainNameStatusMessage": domain.status_message,
        "securityPolicy": domain.security_policy,
        "ownershipVerificationCertificateArn": domain.ownership_arn,
        "routingMode": "BASE_PATH_MAPPING_ONLY",
        "tags": domain.tags,
    }
    if domain.truststore_uri:
        answer["mutualTlsAuthentication"] = {
            "truststoreUri": domain.truststore_uri,
            "truststoreVersion": domain.truststore_version,
            "truststoreWarnings": list(domain.warnings) or None,
        }
    return answer


def _mapping(mapping: Mapping) -> Json:
    path = mapping.key or _NONE
    return {"basePath": path, "restApiId": mapping.api_id, "stage": mapping.stage}


def _resource(api: Api, number: str) -> Json:
    if number not in api.parts["resources"]:
        raise _missing("Invalid Resource identifier specified")
    return api.parts["resources"][number]


def _brief(resource: Json) -> Json:
    """Return a resource as it is listed: of its methods the names only."""
    methods: Json = {name: {} for name in resource["resourceMethods"]}
    return {**resource, "resourceMethods": methods or None}


def _authorizer_of(api: Api, number: str) -> Json:
    if number not in api.parts["authorizers"]:
        raise _missing("Invalid Authorizer identifier specified")
    return api.parts["authorizers"][number]


def _deployment(api: Api, number: str) -> Json:
    if number not in api.deployments:
        raise _missing("Invalid Deployment identifier specified")
    return api.deployments[number]


def _check_stage_name(name: str) -> None:
    if not _STAGE.fullmatch(name):
        raise _bad("Stage name only allows a-zA-Z0-9_-")


def _refuse_private(domain_name_id: str | None) -> None:
    if domain_name_id:
        raise not_simulated("private custom domain names")


def _page(found: list[Json], position: str | None, limit: int, scope: str) -> Json:
    if not 0 < limit <= 500:  # noqa: PLR2004 - the API's own bounds
        raise _bad(f"Invalid limit: found {limit}, expected 1 to 500")
    shown, after = page(found, limit, position, scope=scope, refusal="BadRequestException")
    return {"items": shown, "position": after}


def _copy(members: Json) -> Json:
    return deepcopy(members)


def _missing(message: str) -> AwsError:
    return error(RestApis.name, "NotFoundException", message)


def _bad(message: str) -> AwsError:
    return error(RestApis.name, "BadRequestException", message)


def _conflict(message: str) -> AwsError:
    return error(RestApis.name, "ConflictException", message)
