"""The task definition and the task's role, against AWS's model and what the container needs."""

from __future__ import annotations

import json
import re

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from pkilab import access_control, ca_hierarchy, templates
from pkilab.iam import Policies, Principal, Request, decide
from pkilab.iam.documents import read_policy

FOLDER = templates._HERE / "container_tls"
CA = "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/CA_ID"


def load(name):
    """Return one of the template's JSON files."""
    return json.loads((FOLDER / name).read_text())


def validate(members):
    """Return what botocore finds wrong with a RegisterTaskDefinition."""
    model = ServiceModel(Loader().load_service_model("ecs", "service-2"))
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    return ParamValidator().validate(members, shape).generate_report()


def test_the_task_definition_is_what_ecs_takes():
    """By botocore's model; a member that is misspelt is found."""
    task = load("task-definition.json")
    assert validate(task) == ""
    task["containerDefinitions"][0]["linuxParameter"] = {}
    assert "linuxParameter" in validate(task)


def test_the_key_lies_in_a_tmpfs_and_nothing_else_can_be_written():
    """Where both entry points put it."""
    (container,) = load("task-definition.json")["containerDefinitions"]
    (tmpfs,) = container["linuxParameters"]["tmpfs"]
    variables = {each["name"]: each["value"] for each in container["environment"]}
    assert container["readonlyRootFilesystem"]
    assert tmpfs["containerPath"] == variables["TLS_FOLDER"] == "/run/tls"
    assert {"noexec", "nosuid", "nodev"} <= set(tmpfs["mountOptions"])
    # Whatever nginx writes is there as well.
    written = re.findall(r"(?:_temp_path|pid) (\S+);", (FOLDER / "nginx.conf").read_text())
    assert written
    assert all(each.startswith("/run/tls/") for each in written)


def test_no_variable_of_the_task_is_unknown_to_the_entry_points():
    """Nor any secret among them."""
    (container,) = load("task-definition.json")["containerDefinitions"]
    names = {each["name"] for each in container["environment"]}
    known = (FOLDER / "entrypoint.sh").read_text()
    assert all(name in known for name in names if not name.startswith("AWS_") and name != "HOME")
    assert "secrets" not in container
    assert not any("KEY" in name or "TOKEN" in name for name in names)


@pytest.mark.parametrize(
    ("action", "template", "allowed"),
    [
        ("acm-pca:IssueCertificate", "EndEntityServerAuthCertificate/V1", True),
        ("acm-pca:IssueCertificate", "EndEntityCertificate/V1", False),
        ("acm-pca:IssueCertificate", "SubordinateCACertificate_PathLen0/V1", False),
        ("acm-pca:GetCertificate", None, True),
        ("acm-pca:DeleteCertificateAuthority", None, False),
        ("acm-pca:RevokeCertificate", None, False),
    ],
)
def test_the_role_may_get_a_servers_certificate_and_nothing_else(action, template, allowed):
    """By a policy engine that knows nothing of it."""
    policy = read_policy((FOLDER / "task-role-policy.json").read_text(), kind="identity", name="p")
    who = Principal(
        "assumed-role",
        "arn:aws:sts::111122223333:assumed-role/web-task/t",
        "111122223333",
        role_arn="arn:aws:iam::111122223333:role/web-task",
    )
    context = {"acm-pca:templatearn": ca_hierarchy.template(template)} if template else {}
    request = Request(who, action, CA, "111122223333", context)
    assert decide(request, Policies(identity=(policy,))).allowed is allowed


def test_ecs_alone_gives_the_role_and_for_this_account_alone():
    """The confused deputy is left outside."""
    (statement,) = load("task-role-trust.json")["Statement"]
    assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
    assert access_control.policy(statement)["Statement"] == [statement]


def test_the_readme_names_every_file_and_no_other():
    """What is there, and what is spoken of."""
    text = (FOLDER / "README.md").read_text()
    there = {each.name for each in FOLDER.iterdir() if each.is_file()} - {"README.md"}
    assert there <= set(re.findall(r"[\w.-]+", text))
