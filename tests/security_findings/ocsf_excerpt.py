"""Takes out of the OCSF schema's sources what a Detection Finding of this package uses.

    git -C ocsf-schema checkout v1.5.0 && python ocsf_excerpt.py ocsf-schema > ocsf_1_5_0.json

The schema is https://github.com/ocsf/ocsf-schema, Apache-2.0. Inheritance (``extends``), profiles
(``$include``) and the dictionary of attributes are resolved; descriptions are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

CLASS = "events/findings/detection_finding.json"
PROFILES = ("profiles/cloud.json", "profiles/datetime.json")
OBJECTS = (
    "account", "analytic", "cloud", "finding_info", "key_value_object", "metadata", "product",
    "remediation", "resource_details", "user",
)  # fmt: skip


def main(folder):
    """Print the excerpt."""
    schema = Schema(Path(folder))
    made = {
        "version": schema.read("version.json")["version"],
        "class": schema.resolve("events/findings", CLASS, PROFILES),
        "objects": {name: schema.resolve("objects", f"objects/{name}.json") for name in OBJECTS},
    }
    json.dump(made, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


class Schema:
    """A checkout of the schema."""

    def __init__(self, folder):
        self.folder = folder
        self.dictionary = self.read("dictionary.json")

    def read(self, name):
        """Return one of its files."""
        return json.loads((self.folder / name).read_text())

    def resolve(self, place, name, profiles=()):
        """Return requirement, type and choices of each attribute, and constraints."""
        attributes, constraints = self._attributes(place, name)
        for profile in profiles:
            for key, value in self.read(profile)["attributes"].items():
                attributes.setdefault(key, {}).update(value)
        found = {}
        for key, value in sorted(attributes.items()):
            if "$" in key:
                continue
            known = {**self.dictionary["attributes"].get(key, {}), **value}
            entry = {"type": known.get("type"), "requirement": known.get("requirement")}
            base = self.dictionary["types"]["attributes"].get(known.get("type"), {}).get("type")
            if base:
                entry["base"] = base
            if known.get("is_array"):
                entry["is_array"] = True
            choices = {
                **self.dictionary["attributes"].get(key, {}).get("enum", {}),
                **value.get("enum", {}),
            }
            if choices:
                entry["enum"] = {number: each["caption"] for number, each in choices.items()}
            found[key] = entry
        return {"attributes": found, "constraints": constraints}

    def _attributes(self, place, name):
        read = self.read(name)
        inherited, constraints = {}, {}
        if above := read.get("extends"):
            inherited, constraints = self._attributes(place, self._file(place, above))
        for key, value in read["attributes"].items():
            if key != "$include" and isinstance(value, dict):
                merged = {**inherited.get(key, {}), **value}
                enums = {**inherited.get(key, {}).get("enum", {}), **value.get("enum", {})}
                inherited[key] = merged | ({"enum": enums} if enums else {})
        return inherited, read.get("constraints", constraints)

    def _file(self, place, name):
        for folder in (place, "events", "objects"):
            for stem in (name, f"_{name}"):
                if (self.folder / folder / f"{stem}.json").exists():
                    return f"{folder}/{stem}.json"
        raise FileNotFoundError(name)


if __name__ == "__main__":
    main(sys.argv[1])
