"""Enabling Security Hub, its settings, its tags, and the products that send to it.

Security standards are not simulated: a hub may be enabled with the default ones, as it is by
default, and no control is ever evaluated.

Source: Security Hub CSPM API Reference; User Guide, "Enabling Security Hub CSPM".
"""

from __future__ import annotations

from collections.abc import Iterator

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.securityhub import products
from pkilab.simulator.securityhub.base import Base, page
from pkilab.simulator.securityhub.moments import written
from pkilab.simulator.securityhub.problems import conflict, invalid, not_found
from pkilab.simulator.securityhub.state import Hub, Json
from pkilab.simulator.service import Call
from pkilab.simulator.tagging.resources import Tagged

_MOST_TAGS = 50


class HubOperations(Base):
    """Operations on the hub itself."""

    def enable_security_hub(
        self,
        call: Call,
        *,
        tags: dict[str, str] | None = None,
        enable_default_standards: bool = True,  # noqa: ARG002 - no standard is ever evaluated
        control_finding_generator: str = "SECURITY_CONTROL",
    ) -> Json:
        """Enable Security Hub. What a hub had that was disabled less than 90 days ago is back."""
        hub = self._kept(call)
        if hub is not None and hub.disabled is None:
            raise conflict("Account is already subscribed to Security Hub")
        if hub is None:
            hub = Hub(call.account, call.region, call.now)
            self._hubs[call.account, call.region] = hub
        hub.subscribed, hub.disabled = call.now, None
        hub.generator, hub.auto_enable, hub.tags = control_finding_generator, True, tags or {}
        return {}

    def disable_security_hub(self, call: Call) -> Json:
        """Disable it; what it has is gone after 90 days."""
        hub = self._hub(call)
        hub.disabled = call.now
        hub.products.clear()
        return {}

    def describe_hub(self, call: Call, *, hub_arn: str | None = None) -> Json:
        """Describe the hub."""
        hub = self._hub(call)
        if hub_arn not in {None, hub.arn}:
            raise not_found(f"Hub {hub_arn} not found")
        return {
            "HubArn": hub.arn,
            "SubscribedAt": written(hub.subscribed),
            "AutoEnableControls": hub.auto_enable,
            "ControlFindingGenerator": hub.generator,
        }

    def update_security_hub_configuration(
        self,
        call: Call,
        *,
        auto_enable_controls: bool | None = None,
        control_finding_generator: str | None = None,
    ) -> Json:
        """Change the settings for controls, of which there are none here."""
        hub = self._hub(call)
        if auto_enable_controls is not None:
            hub.auto_enable = auto_enable_controls
        hub.generator = control_finding_generator or hub.generator
        return {}

    # Tags.

    def tag_resource(self, call: Call, *, resource_arn: str, tags: dict[str, str]) -> Json:
        """Tag the hub or an automation rule."""
        found = self._tags(call, resource_arn)
        if len(found | tags) > _MOST_TAGS:
            raise invalid(f"A resource can have at most {_MOST_TAGS} tags")
        found.update(tags)
        return {}

    def untag_resource(self, call: Call, *, resource_arn: str, tag_keys: list[str]) -> Json:
        """Take tags away."""
        found = self._tags(call, resource_arn)
        for key in tag_keys:
            found.pop(key, None)
        return {}

    def list_tags_for_resource(self, call: Call, *, resource_arn: str) -> Json:
        """List the tags of the hub or an automation rule."""
        return {"Tags": dict(self._tags(call, resource_arn))}

    def _tags(self, call: Call, arn: str) -> dict[str, str]:
        hub = self._kept(call)
        if hub is not None and hub.disabled is None:
            if arn == hub.arn:
                return hub.tags
            if arn in hub.rules:
                return hub.rules[arn].tags
        raise not_found(f"Resource {arn} not found")

    def resource(self, arn: str) -> Resource | None:
        """Return the hub or automation rule of an ARN, for policies."""
        _, _, _, region, account, _ = arn.split(":", 5)
        hub = self._hubs.get((account, region))
        if hub is None or hub.disabled is not None:
            return None
        if arn == hub.arn:
            return Resource(arn, account, hub.tags)
        return Resource(arn, account, hub.rules[arn].tags) if arn in hub.rules else None

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's hub of a Region, and its automation rules, with their tags."""
        hub = self._hubs.get((account, region))
        if hub is not None and hub.disabled is None:
            yield hub.arn, hub.tags
            for arn, rule in hub.rules.items():
                yield arn, rule.tags

    # Products.

    def describe_products(
        self,
        call: Call,
        *,
        next_token: str | None = None,
        max_results: int | None = None,
        product_arn: str | None = None,
    ) -> Json:
        """List the integrated products that are known here: a few of AWS's hundred."""
        region = self._hub(call).region
        chosen = [each for each in products.PRODUCTS if product_arn in {None, each.arn(region)}]
        if product_arn is not None and not chosen:
            raise invalid(f"Invalid parameter: {product_arn}")
        found, after = page(call, "products", chosen, max_results, next_token)
        return {"Products": [each.described(region) for each in found], "NextToken": after}

    def enable_import_findings_for_product(self, call: Call, *, product_arn: str) -> Json:
        """Subscribe to a partner's product."""
        hub = self._hub(call)
        product = products.find(product_arn, hub.region)
        if product is None:
            raise invalid(f"Product {product_arn} is not known")
        subscription = product.subscription(hub.region, hub.account)
        # AWS's own services are subscribed to as soon as both are enabled.
        if not product.by_customer or subscription in hub.products:
            raise conflict(f"Account is already subscribed to product {product_arn}")
        hub.products.add(subscription)
        return {"ProductSubscriptionArn": subscription}

    def disable_import_findings_for_product(
        self, call: Call, *, product_subscription_arn: str
    ) -> Json:
        """Give up a subscription."""
        hub = self._hub(call)
        if product_subscription_arn not in hub.products:
            raise not_found(f"Subscription {product_subscription_arn} not found")
        hub.products.remove(product_subscription_arn)
        return {}

    def list_enabled_products_for_import(
        self, call: Call, *, next_token: str | None = None, max_results: int | None = None
    ) -> Json:
        """List subscriptions."""
        found, after = page(
            call, "subscriptions", sorted(self._hub(call).products), max_results, next_token
        )
        return {"ProductSubscriptions": found, "NextToken": after}
