"""Anything that the model might be sent."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore import xform_name
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.simulator.securityhub.service import SecurityHub
from pkilab.simulator.service import AwsError, service_model

OWNER, REGION = "111122223333", "us-east-1"
PLACE = f"arn:aws:securityhub:{REGION}:{OWNER}"
TEXTS = [
    "x", " ", "finding-1", "SeverityLabel", "UpdatedAt", "2026-11-02T09:00:00Z", "10.0.0.0/8",
    "MEDIUM", f"{PLACE}:product/{OWNER}/default", f"{PLACE}:hub/default", OWNER,
]  # fmt: skip
OPERATIONS = [
    name
    for name in service_model("securityhub").operation_names
    if hasattr(SecurityHub, xform_name(name)) and name != "DisableSecurityHub"
]
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@st.composite
def values(draw, shape, depth=0):
    """Draw a value of a shape; of large structures a few members only."""
    kind = shape.type_name
    if kind == "structure":
        names = list(shape.members)
        some = st.lists(st.sampled_from(names), max_size=3 if depth < 5 else 0, unique=True)
        chosen = {*shape.required_members, *(draw(some) if names else ())}
        members = [name for name in names if name in chosen]
        return {name: draw(values(shape.members[name], depth + 1)) for name in members}
    if kind == "list":
        return [draw(values(shape.member, depth + 1)) for _ in range(draw(st.integers(0, 2)))]
    if kind == "map":
        keys = draw(st.lists(st.text(min_size=1, max_size=3), max_size=2, unique=True))
        return {key: draw(values(shape.value, depth + 1)) for key in keys}
    if choices := shape.metadata.get("enum"):
        return draw(st.sampled_from(choices))
    scalars = {
        "boolean": st.booleans(),
        "integer": st.integers(-1, 120) | st.integers(-(2**63), 2**63 - 1),
        "double": st.floats(allow_nan=False),
        "timestamp": st.timedeltas(timedelta(-400), timedelta(400)).map(
            lambda passed: NOW + passed
        ),
    }
    return draw(scalars.get(kind, st.sampled_from(TEXTS) | st.text(max_size=4)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=st.data())
def test_any_input_gives_a_result_or_an_error_of_the_model(hub, new_finding, operation, data):
    """The fixture checks that the model has the error; nothing else may be raised."""
    if not hub.ids({}):
        hub.take(new_finding())
    shape = service_model("securityhub").operation_model(operation).input_shape
    try:
        hub(operation, **data.draw(values(shape)))
    except AwsError as error:
        assert error.message
