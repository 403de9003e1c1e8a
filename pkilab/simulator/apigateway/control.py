"""What both generations of API Gateway's control plane have in common."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import ClassVar, Literal

from pkilab.simulator.apigateway.domains import Domains, new_id
from pkilab.simulator.apigateway.state import Api, ApiGatewayState, Domain, Mapping, Stage
from pkilab.simulator.rest import RestJsonService
from pkilab.simulator.service import Call, Json, error, model_members, not_simulated
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World


class ControlPlane(RestJsonService):
    """Base of the two services. Each sees the APIs of its own kind, and all domain names."""

    invalid: ClassVar[str] = "BadRequestException"
    protocol: ClassVar[Literal["HTTP", "REST"]]
    path: ClassVar[str]  # of its APIs in ARNs
    tags_member: ClassVar[str]  # what its model calls an API's tags

    def __init__(self, world: World, state: ApiGatewayState, domains: Domains) -> None:
        super().__init__(world)
        self._state, self._domains = state, domains
        self._numbers = world.entropy(self.name)

    def tag_resource(
        self, call: Call, resource_arn: str, tags: dict[str, str] | None = None
    ) -> Json:
        """Add tags to an API, a stage or a domain name."""
        self._tags(call, resource_arn).update(tags or {})
        return {}

    def untag_resource(self, call: Call, resource_arn: str, tag_keys: list[str]) -> Json:
        """Remove tags."""
        for key in tag_keys:
            self._tags(call, resource_arn).pop(key, None)
        return {}

    def get_tags(self, call: Call, resource_arn: str, **_paging: object) -> Json:
        """Return tags."""
        return {self.tags_member: self._tags(call, resource_arn)}

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's APIs of this kind and their stages in a Region with their tags."""
        for each in self._state.apis.values():
            if (each.account, each.region, each.protocol) == (account, region, self.protocol):
                arn = f"arn:aws:apigateway:{region}::/{self.path}/{each.id}"
                yield arn, each.settings.get(self.tags_member) or {}
                for stage in each.stages.values():
                    tags = stage.settings.get(self.tags_member) or {}
                    yield f"{arn}/stages/{stage.name}", tags

    def _tags(self, call: Call, arn: str) -> dict[str, str]:
        parts = arn.partition("::/")[2].split("/")
        tags: dict[str, str]
        match parts:
            case [self.path, api_id]:
                tags = self._api(call, api_id).settings.setdefault(self.tags_member, {})
            case [self.path, api_id, "stages", name]:
                stage = self._stage(self._api(call, api_id), name)
                tags = stage.settings.setdefault(self.tags_member, {})
            case ["domainnames", name]:
                tags = self._domains.find(call, name).tags
            case _:
                raise error(self.name, "NotFoundException", f"Invalid resource ARN: {arn}")
        return tags

    def _of(self, call: Call) -> list[Json]:
        """Return the settings of the caller's APIs, the oldest first."""
        place = (call.account, call.region, self.protocol)
        return [
            each.settings
            for each in self._state.apis.values()
            if (each.account, each.region, each.protocol) == place
        ]

    def _api(self, call: Call, api_id: str) -> Api:
        found = self._state.apis.get(api_id)
        place = (call.account, call.region, self.protocol)
        if found is None or (found.account, found.region, found.protocol) != place:
            message = f"Invalid API identifier specified {call.account}:{api_id}"
            raise error(self.name, "NotFoundException", message)
        return found

    def _mappings(self, api: Api) -> Iterator[tuple[Domain, Mapping]]:
        """Yield what leads to an API, under whichever domain name."""
        for domain in self._state.domains.values():
            for mapping in domain.mappings.values():
                if mapping.api_id == api.id:
                    yield domain, mapping

    def _stage(self, api: Api, name: str) -> Stage:
        if name not in api.stages:
            raise error(self.name, "NotFoundException", "Invalid stage identifier specified")
        return api.stages[name]

    def _members(self, operation: str, asked: Json, taken: AbstractSet[str]) -> Json:
        """Return arguments under the model's names.

        Raises:
            AwsError: NotImplemented; a member that nothing would come of.
        """
        members = model_members(self.name, operation, asked)
        if others := sorted(members.keys() - taken):
            raise not_simulated(f"{self.name}:{operation} with {', '.join(others)}")
        return members

    def _id(self, length: int) -> str:
        return new_id(self._numbers.bytes(length))
