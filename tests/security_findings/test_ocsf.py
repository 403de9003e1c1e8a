"""The OCSF rendering, held against an excerpt of the schema's own sources."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pkilab.security_findings import LABELS, Finding, finding_of, ocsf, recoveries_of

# Made by ocsf_excerpt.py from github.com/ocsf/ocsf-schema, the commit of release 1.5.0.
SCHEMA = json.loads(Path(__file__).with_name("ocsf_1_5_0.json").read_text())
SIBLINGS = {
    "activity_id": "activity_name", "severity_id": "severity", "status_id": "status",
    "type_id": "type",
}  # fmt: skip
SCALARS = {
    "integer_t": int, "long_t": int, "string_t": str, "json_t": object, "boolean_t": bool,
    "object": dict, "float_t": float,
}  # fmt: skip
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def problems(schema, value, where="event"):
    """Return what is wrong with a value of a class or object of the schema."""
    attributes = dict(schema["attributes"])
    for name, each in schema["attributes"].items():  # the profile datetime
        if each["type"] == "timestamp_t":
            attributes[f"{name}_dt"] = {
                "type": "datetime_t",
                "base": "string_t",
                "requirement": "optional",
            }
    found = [
        f"{where}.{name} is missing"
        for name, each in attributes.items()
        if each["requirement"] == "required" and name not in value
    ]
    one_of = schema["constraints"].get("at_least_one", [])
    if one_of and not set(one_of) & set(value):
        found.append(f"{where} has none of {one_of}")
    for name, each in value.items():
        if name not in attributes:
            found.append(f"{where}.{name} is unknown")
            continue
        parts = each if attributes[name].get("is_array") else [each]
        for part in parts:
            found += attribute(attributes[name], part, f"{where}.{name}")
        choices = attributes[name].get("enum")
        sibling = value.get(SIBLINGS.get(name, ""))
        if choices and name in SIBLINGS and sibling not in {None, choices.get(str(each))}:
            found.append(f"{where}.{name} and its text differ: {each}, {sibling}")
    return found


def attribute(entry, value, where):
    """Return what is wrong with one attribute."""
    kind = entry["type"]
    if kind in SCHEMA["objects"]:
        return problems(SCHEMA["objects"][kind], value, where)
    scalar = SCALARS[entry.get("base", kind)]
    if not isinstance(value, scalar) or (kind != "boolean_t" and isinstance(value, bool)):
        return [f"{where} is no {kind}"]
    if kind == "datetime_t" and not RFC3339.fullmatch(value):
        return [f"{where} is no RFC 3339 time"]
    listed = entry.get("enum", {}) if where.endswith("_id") else {}
    return [f"{where} is none of {sorted(listed)}"] if listed and str(value) not in listed else []


def test_every_event_gives_a_detection_finding_of_the_schema(events):
    made = [found for each in events.values() if (found := finding_of(each))]
    made += [found for each in events.values() for found in recoveries_of(each)]
    assert len(made) > 20
    for each in made:
        assert problems(SCHEMA["class"], ocsf(each)) == [], each.Title


def test_what_other_products_found_is_rendered_too(conformance):
    for each in json.loads((conformance / "asff_findings.json").read_text()):
        assert problems(SCHEMA["class"], ocsf(Finding.parse(each["finding"]))) == []


def test_the_checker_would_find_a_mistake(events):
    made = ocsf(finding_of(events["issuance"]))
    for name, value in [("severity_id", 9), ("time", "now"), ("weather", 1), ("severity", "Fatal")]:
        assert problems(SCHEMA["class"], made | {name: value}), name
    for name in ("metadata", "finding_info", "time", "type_uid"):
        assert problems(SCHEMA["class"], {k: v for k, v in made.items() if k != name}), name
    assert problems(SCHEMA["class"], made | {"metadata": {"version": "1.5.0"}})


def test_the_numbers_say_what_the_class_is(events):
    made = ocsf(finding_of(events["issuance"]))
    assert (made["category_uid"], made["class_uid"], made["type_uid"]) == (2, 2004, 200401)
    assert made["metadata"]["version"] == SCHEMA["version"]
    assert made["time"] == 1772618400000
    assert made["finding_info"]["created_time_dt"] == "2026-03-04T10:00:00Z"
    assert made["resources"][0]["data"]["Other"]["CAArn"].endswith("112233445566")
    assert made["remediation"]["references"][0].startswith("https://docs.aws.amazon.com/privateca/")


@pytest.mark.parametrize(
    ("members", "activity", "status"),
    [
        ({}, "Create", "New"),
        ({"UpdatedAt": "2026-02-01T00:00:00Z"}, "Update", "New"),
        ({"Workflow": {"Status": "NOTIFIED"}}, "Create", "In Progress"),
        ({"Workflow": {"Status": "SUPPRESSED"}}, "Create", "Suppressed"),
        ({"Workflow": {"Status": "RESOLVED"}}, "Close", "Resolved"),
        ({"RecordState": "ARCHIVED"}, "Close", "Archived"),
    ],
)
def test_workflow_and_record_state_are_activity_and_status(finding, members, activity, status):
    """Closed is what Security Hub counts as no longer active."""
    made = ocsf(finding(**members))
    assert (made["activity_name"], made["status"]) == (activity, status)
    assert problems(SCHEMA["class"], made) == []


@pytest.mark.parametrize("label", LABELS)
def test_the_label_is_the_severity(finding, label):
    made = ocsf(finding(Severity={"Label": label}))
    assert made["severity"].upper() == label
    assert made["severity_id"] == LABELS.index(label) + 1
