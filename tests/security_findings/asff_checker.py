"""Whether JSON is a finding that BatchImportFindings takes, by others' words alone.

Members, types, enumerations and patterns are botocore's model of Security Hub. Lengths and counts
are read out of that model's documentation, which states them. What stands in AWS's guide only is
written out here, with its page. Nothing here is `pkilab`'s.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache

from botocore.loaders import Loader
from botocore.model import ServiceModel

# User Guide, "Types taxonomy for ASFF".
CATEGORIES = {
    "Software and Configuration Checks": {
        "Vulnerabilities", "AWS Security Best Practices", "Industry and Regulatory Standards",
        "Patch Management",
    },
    "TTPs": {
        "Initial Access", "Execution", "Persistence", "Privilege Escalation", "Defense Evasion",
        "Credential Access", "Discovery", "Lateral Movement", "Collection", "Command and Control",
    },
    "Effects": {
        "Data Exposure", "Data Exfiltration", "Data Destruction", "Denial of Service",
        "Resource Consumption",
    },
    "Unusual Behaviors": {
        "Application", "Network Flow", "IP address", "User", "VM", "Container", "Serverless",
        "Process", "Database", "Data",
    },
    "Sensitive Data Identifications": {
        "PII", "Passwords", "Legal", "Financial", "Security", "Business",
    },
}  # fmt: skip
# API Reference, AwsSecurityFinding.CreatedAt: up to nine digits, an offset of at most 18:00.
WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|([+-])(\d\d)(:?\d\d)?)", re.ASCII)
TIMES = {"CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt", "ProcessedAt"}
# User Guide, "BatchImportFindings" and "Quotas": 240 KB; the smaller of the two readings.
LARGEST = 240_000
# User Guide, "Optional top-level ASFF attributes" and "Other": pairs, and lengths of key and value.
MAPS = {"ProductFields": (50, 128, 2048), "UserDefinedFields": (50, 128, 1024)}
OTHER = (50, 127, 1023)
DEFAULT_PRODUCT = re.compile(r"arn:[a-z-]+:securityhub:([a-z0-9-]+):(\d+):product/(\d+)/default")


@cache
def model():
    return ServiceModel(Loader().load_service_model("securityhub", "service-2"), "securityhub")


@cache
def _limits(documentation):
    """Return the least and the most that a member's documentation states."""
    text = re.sub("<[^>]+>", " ", documentation)
    least = re.search(r"Minimum (?:length |number )?of (\d+)", text)
    most = re.search(r"Maximum (?:length |number )?of (\d+)", text)
    exact = re.search(r"Length Constraints: (\d+)\.", text)
    if exact:
        return int(exact[1]), int(exact[1])
    return int(least[1]) if least else 0, int(most[1]) if most else None


def problems(finding):
    """Return everything that is wrong with a finding; nothing, if it can be imported."""
    found = list(_shape(model().shape_for("AwsSecurityFinding"), finding, "finding", ""))
    if found:
        return found
    found += _times(finding)
    found += _words(finding)
    found += _maps(finding)
    if finding["SchemaVersion"] != "2018-10-08":
        found.append("SchemaVersion is not 2018-10-08")
    if not {"Label", "Normalized"} & set(finding.get("Severity", {})):
        found.append("Severity has neither Label nor Normalized")
    product = DEFAULT_PRODUCT.fullmatch(finding["ProductArn"])
    if product and {product[2], product[3]} != {finding["AwsAccountId"]}:
        found.append("ProductArn is of another account")
    if not product and not re.fullmatch(
        r"arn:[a-z-]+:securityhub:[a-z0-9-]+:\d*:product/[^/]+/[^/]+", finding["ProductArn"]
    ):
        found.append("ProductArn is no product's")
    if not re.fullmatch(r"\d{12}", finding["AwsAccountId"], re.ASCII):
        found.append("AwsAccountId is not twelve digits")
    if len(json.dumps(finding)) > LARGEST:
        found.append("it is larger than 240 KB")
    return found


TYPES = {
    "structure": dict, "map": dict, "list": list, "string": str, "integer": int, "long": int,
    "double": (int, float), "boolean": bool,
}  # fmt: skip
RATIOS = {"Confidence", "Criticality", "Normalized"}  # API Reference: 0 to 100


def _shape(shape, value, where, documentation):
    kind = shape.type_name
    if not isinstance(value, TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
        yield f"{where} is no {kind}"
        return
    inner = {"structure": _structure, "list": _list, "map": _map, "string": _string}.get(kind)
    if inner:
        yield from inner(shape, value, where)
    if kind in {"list", "string"}:
        least, most = _limits(documentation)
        least = max(least, shape.metadata.get("min", 0))
        if len(value) < least:
            yield f"{where} is shorter than {least}"
        if most is not None and len(value) > most:
            yield f"{where} is longer than {most}"
    if where.rpartition(".")[2] in RATIOS and not 0 <= value <= 100:
        yield f"{where} is not 0 to 100"


def _structure(shape, value, where):
    for name in shape.required_members:
        if name not in value:
            yield f"{where}.{name} is missing"
    for name, each in value.items():
        if name not in shape.members:
            yield f"{where}.{name} is unknown"
        else:
            member = shape.members[name]
            yield from _shape(member, each, f"{where}.{name}", member.documentation)


def _list(shape, value, where):
    for number, each in enumerate(value):
        yield from _shape(shape.member, each, f"{where}[{number}]", "")


def _map(shape, value, where):
    for name, each in value.items():
        yield from _shape(shape.key, name, f"{where} key", "")
        yield from _shape(shape.value, each, f"{where}: {name}", "")


def _string(shape, value, where):
    if (choices := shape.metadata.get("enum")) and value not in choices:
        yield f"{where} is none of {choices}"
    if (pattern := shape.metadata.get("pattern")) and not re.search(pattern, value):
        yield f"{where} does not match {pattern}"


def _times(finding):
    for name in TIMES & set(finding):
        match = WHEN.fullmatch(finding[name])
        if not match:
            yield f"{name} is no RFC 3339 time"
            continue
        text = re.sub(r"\.\d+", "", finding[name])
        try:
            datetime.fromisoformat(text)
        except ValueError:
            yield f"{name} is no date"
        if match[4] and int(match[4]) > 18:
            yield f"{name} is more than 18 hours from UTC"


def _words(finding):
    for each in finding.get("Types", []):
        parts = each.split("/")
        if parts[0] not in CATEGORIES or (len(parts) > 1 and parts[1] not in CATEGORIES[parts[0]]):
            yield f"{each} is not in the taxonomy"


def _maps(finding):
    maps = [(name, finding.get(name, {}), MAPS[name]) for name in MAPS]
    for number, resource in enumerate(finding["Resources"]):
        other = resource.get("Details", {}).get("Other", {})
        maps.append((f"Resources[{number}].Details.Other", other, OTHER))
    for name, pairs, (most, key, value) in maps:
        if len(pairs) > most:
            yield f"{name} has more than {most} pairs"
        for each, text in pairs.items():
            if not 0 < len(each) <= key or not 0 < len(text) <= value:
                yield f"{name} has a key or a value that is empty or too long: {each[:20]}"
