"""One set of dependencies, written in three places that agree; and what installs it."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[1]
LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")


def declared() -> list[Requirement]:
    """Return what pyproject.toml asks for, with every extra."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(text) for group in (project["dependencies"], *extras) for text in group]


def as_written(requirements: list[Requirement]) -> set[str]:
    """Return requirements as text that does not depend on spacing, order or case."""
    return {
        f"{canonicalize_name(r.name)}[{','.join(sorted(r.extras))}]{r.specifier};{r.marker}"
        for r in requirements
    }


def conda_requirements(text: str) -> list[Requirement]:
    """Return the pip section of an environment file, without the project itself."""
    pip = next(d["pip"] for d in yaml.safe_load(text)["dependencies"] if isinstance(d, dict))
    return [Requirement(line) for line in pip if not line.startswith("--editable")]


def locked(text: str) -> dict[str, list[str]]:
    """Return the versions of each locked package; markers choose where there are several."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def lock_faults(text: str, wanted: list[Requirement]) -> list[str]:
    """Return what keeps a lock from being the project's."""
    versions = locked(text)
    found = [
        f"{requirement} is not met by {versions.get(canonicalize_name(requirement.name))}"
        for requirement in wanted
        if not any(
            requirement.specifier.contains(version)
            for version in versions.get(canonicalize_name(requirement.name), [])
        )
    ]
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    found += [f"no hash: {entry.split()[0]}" for entry in entries if "--hash=sha256:" not in entry]
    if re.search(r"://|(^|\s)(/|--(index|extra|find))", text, re.MULTILINE):
        found.append("an address or a path of one machine")
    return found


def test_conda_and_pip_install_the_same() -> None:
    """environment.yml names pyproject's dependencies, all extras, and nothing else."""
    text = (PROJECT / "environment.yml").read_text(encoding="utf-8")
    assert as_written(conda_requirements(text)) == as_written(declared())
    spoilt = text.replace("pandas>=3.0", "pandas>=2.0")
    assert as_written(conda_requirements(spoilt)) != as_written(declared())


def test_conda_asks_for_the_python_of_pyproject() -> None:
    """The one requirement that is not pip's."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (PROJECT / "environment.yml").read_text(encoding="utf-8")
    assert f"python{project['requires-python']}" in yaml.safe_load(text)["dependencies"]


def test_every_dependency_says_why() -> None:
    """In both files, each has its reason beside it."""
    conda = (PROJECT / "environment.yml").read_text(encoding="utf-8").splitlines()
    project = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    silent = [
        str(requirement)
        for requirement in declared()
        for lines in (conda, project.splitlines())
        if not any(re.search(rf'"{requirement.name}[\[>=][^"]*",?\s+# \w', line) for line in lines)
    ]
    assert silent == []


def test_the_lock_meets_every_dependency_and_names_no_address() -> None:
    """Versions and hashes only: where packages come from is the machine's business."""
    build = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    assert lock_faults(LOCK, declared() + [Requirement(r) for r in build["requires"]]) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("moto==5.2.4 --hash=sha256:00\n", "moto==5.2.5 is not met by ['5.2.4']"),
        ("", "moto==5.2.5 is not met by None"),
        ("moto==5.2.5\n", "no hash: moto==5.2.5"),
        (
            "--index-url https://example.com/\nmoto==5.2.5 --hash=sha256:00\n",
            "an address or a path of one machine",
        ),
        (
            "moto==5.2.5 --hash=sha256:00\n    # via -r /home/ann/pyproject.toml\n",
            "an address or a path of one machine",
        ),
    ],
    ids=["other version", "absent", "no hash", "index", "path"],
)
def test_a_spoilt_lock_is_told(text: str, fault: str) -> None:
    """The partner of the rule above."""
    assert fault in lock_faults(text, [Requirement("moto==5.2.5")])


def test_the_licence_is_apache_2_word_for_word() -> None:
    """The digest is that of the text published by the Apache Software Foundation."""
    text = (PROJECT / "LICENSE").read_bytes()
    expected = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    assert hashlib.sha256(text).hexdigest() == expected


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make at the project's root, as if started by hand."""
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=PROJECT,
        env={"PATH": "/usr/bin:/bin"},
        check=False,
        capture_output=True,
        text=True,
    )


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")


@needs_make
def test_make_says_what_can_be_made() -> None:
    """Every target that is meant for people has its line."""
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    said = make().stdout
    assert re.findall(r"^make ([\w-]+) +\S", said, re.MULTILINE) == phony[1].split()


@needs_make
@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("exit 1", "pkilab needs Python 3.11 or newer"),
        ('case "$2" in *version_info*) ;; *) exit 1;; esac', "came without venv"),
    ],
    ids=["old", "without venv"],
)
def test_make_names_what_is_wrong_with_a_python(does: str, says: str, tmp_path: Path) -> None:
    """An interpreter that is too old, or Debian's without venv, is told before anything is made."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
    python.chmod(0o755)
    venv = tmp_path / "venv"
    result = make(f"PYTHON={python}", f"VENV={venv}", "run")
    assert result.returncode != 0
    assert says in result.stderr
    assert not venv.exists()


def workflows() -> list[tuple[str, dict[str, Any]]]:
    """Return the jobs of every workflow, by name."""
    files = (PROJECT / ".github" / "workflows").glob("*.yml")
    loaded = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in files]
    return [
        (name, {**job, "granted": w["permissions"]})
        for w in loaded
        for name, job in w["jobs"].items()
    ]


def test_workflows_have_least_privilege_and_run_the_local_gate() -> None:
    """Reading the source is all they may; actions are pinned by digest; the gate is .ci/run."""
    assert workflows() != []
    for name, job in workflows():
        assert job["granted"] == {"contents": "read"}, name
        assert "permissions" not in job, name
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert [action for action in used if not re.search(r"@[0-9a-f]{40}$", action)] == []
        assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]


def gate(folder: Path, present: list[str]) -> list[str]:
    """Run .ci/run where only ``present`` is installed; return what it called, in order."""
    tools, called = folder / "bin", folder / "called"
    tools.mkdir()
    for name in ("bash", "dirname", "env"):
        (tools / name).symlink_to(str(shutil.which(name)))
    for name in (*present, "make", "apt-get", "sudo"):
        does = (
            '[ "$1" = env ] || [ "$1" = apt-get ] && exec "$@"'
            if name == "sudo"
            else (f'echo "{name} $*" >> "{called}"')
        )
        (tools / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    subprocess.run([str(PROJECT / ".ci" / "run")], env={"PATH": str(tools)}, check=True)
    return [
        line for line in called.read_text(encoding="utf-8").splitlines() if "python3 -c" not in line
    ]


def test_the_gate_installs_only_what_is_missing_and_runs_make_test(tmp_path: Path) -> None:
    """Nothing is touched on a machine that has it all."""
    witnesses = ["openssl", "curl", "dig", "named", "pk12util", "certtool", "keytool"]
    witnesses += ["nginx", "umoci"]
    assert gate(tmp_path, [*witnesses, "python3"]) == ["make test"]


def test_the_gate_fetches_what_the_tests_need(tmp_path: Path) -> None:
    """Debian's python3 comes without venv, and a bare image without curl."""
    present = ["openssl", "dig", "named", "nginx", "pk12util", "keytool"]
    update, install, last = gate(tmp_path, present)
    assert update == "apt-get update -qq"
    assert install.startswith("apt-get install ")
    assert install.endswith(" -y curl gnutls-bin umoci python3-venv")
    assert last == "make test"
