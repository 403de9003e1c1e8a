"""Entry points, run for real against the served world."""

import json
import os
import shutil
import socket
import ssl
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pkilab import Lab, ca_hierarchy, templates, witness
from pkilab.container_tls.containers import run
from pkilab.errors import LabError, MalformedError

NAME = "web.lab"
FOLDER = Path(templates.__file__).parent / "container_tls"
TOOLS = Path(os.environ.get("PKILAB_AWS_CLI", "absent")).parent
PATH = f"{os.environ['PATH']}:{TOOLS}"
NGINX = all(shutil.which(each, path=PATH) for each in ("aws", "nginx", "openssl"))
KINDS = [
    "python",
    pytest.param(
        "nginx",
        marks=pytest.mark.skipif(not NGINX, reason="nginx or the aws CLI is not installed"),
    ),
]


@pytest.fixture(scope="module")
def lab():
    with Lab.simulated(seed="containers", enforce_policies=True) as lab:
        lab.serve()
        yield lab


@pytest.fixture(scope="module")
def root(lab):
    return ca_hierarchy.create_root(
        lab.client("acm-pca"), {"CommonName": "Container Root"}, key_algorithm="EC_prime256v1"
    )


@pytest.fixture(scope="module")
def role(lab, root):
    """Credentials of a task whose role has the least policy."""
    iam, sts = lab.client("iam"), lab.client("sts")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{lab.accounts['main']}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    arn = iam.create_role(RoleName="task", AssumeRolePolicyDocument=json.dumps(trust))["Role"][
        "Arn"
    ]
    template = "arn:aws:acm-pca:::template/EndEntityServerAuthCertificate/V1"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "acm-pca:IssueCertificate",
                "Resource": root,
                "Condition": {"StringEquals": {"acm-pca:TemplateArn": template}},
            },
            {"Effect": "Allow", "Action": "acm-pca:GetCertificate", "Resource": root},
        ],
    }
    iam.put_role_policy(RoleName="task", PolicyName="issue", PolicyDocument=json.dumps(policy))
    return sts.assume_role(RoleArn=arn, RoleSessionName="web")["Credentials"]


@pytest.fixture(params=KINDS)
def container(request, lab, root, role):
    environment = lab.environment(credentials=role)
    with run(request.param, root, NAME, environment=environment, path=PATH) as running:
        yield running


def root_pem(lab, root):
    """The certificate that clients trust."""
    found = lab.client("acm-pca").get_certificate_authority_certificate(
        CertificateAuthorityArn=root
    )
    return found["Certificate"]


def client_says(lab, container, trusted, name=NAME):
    """Ask openssl, at the lab's time."""
    return witness.openssl(
        "s_client", "-connect", f"127.0.0.1:{container.port}", "-servername", NAME,
        "-CAfile", "root.pem", "-attime", str(int(lab.clock.now().timestamp())),
        "-verify_return_error", "-verify_hostname", name, "-brief",
        files={"root.pem": trusted},
    )  # fmt: skip


def test_a_client_that_trusts_the_root_connects_and_another_does_not(lab, root, container):
    """By openssl, which knows nothing of this project."""
    assert client_says(lab, container, root_pem(lab, root)).agrees
    other = ca_hierarchy.create_root(lab.client("acm-pca"), {"CommonName": "Somebody else's"})
    assert not client_says(lab, container, root_pem(lab, other)).agrees
    assert not client_says(lab, container, root_pem(lab, root), "other.lab").agrees


def test_what_the_client_said_names_no_port_and_every_reason(lab, root, container):
    """The same text on every run, whatever openssl tells of the connection."""
    now, trusted = lab.clock.now(), root_pem(lab, root)
    good = container.verified(trusted, at=now)
    assert good.output == f"Verification: OK\nVerified peername: {NAME}"
    assert str(container.port) not in repr(good)
    wrong = container.verified(trusted, at=now, name="other.lab")
    assert (wrong.agrees, wrong.output) == (False, "verify error:num=62:hostname mismatch")
    late = container.verified(trusted, at=now + timedelta(days=8))
    assert (late.agrees, "expired" in late.output) == (False, True)
    assert container.verified(trusted, at=None).agrees
    with pytest.raises(MalformedError):
        container.verified(trusted, at=now, crl=b"none")


def test_the_key_is_in_memory_for_its_owner_alone_and_is_the_certificates(container):
    """And gone with the container."""
    path = container.folder / "key.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    key = load_pem_private_key(path.read_bytes(), None)
    assert key.public_key() == container.certificate().public_key()
    assert "PRIVATE" not in container.log()
    if Path("/dev/shm").is_mount():  # noqa: S108 - where it is kept
        assert container.in_memory
    container.stop()
    assert not path.exists()


def test_renewal_brings_another_key_and_drops_no_connection(container):
    """A request that is under way is answered by the server that it was sent to."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", container.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as secured,
    ):
        before = container.certificate()
        secured.sendall(b"GET / HTTP/1.1\r\nHost: web.lab\r\n")  # the rest comes later
        after = container.renew()
        assert after.public_key() != before.public_key()
        secured.sendall(b"\r\n")
        assert b"hello over TLS" in secured.recv(4096) + secured.recv(4096)


def test_a_renewal_that_is_refused_leaves_the_old_certificate(lab, root, role):
    """It is good until its end."""
    with run("python", root, NAME, environment=lab.environment(credentials=role)) as running:
        before = running.certificate()
        pca = lab.client("acm-pca")
        pca.update_certificate_authority(CertificateAuthorityArn=root, Status="DISABLED")
        try:
            running._process.send_signal(1)
            for _ in range(200):
                if "renewal failed" in running.log():
                    break
                subprocess.run(["sleep", "0.05"], check=True)
            assert "InvalidStateException" in running.log()
            assert running.certificate() == before
        finally:
            pca.update_certificate_authority(CertificateAuthorityArn=root, Status="ACTIVE")


@pytest.mark.parametrize("kind", KINDS)
def test_a_role_with_the_posts_prefix_gets_no_certificate(lab, root, kind):
    """acm:IssueCertificate is no action: the container ends, and says why."""
    iam, sts = lab.client("iam"), lab.client("sts")
    if kind not in {each["RoleName"] for each in iam.list_roles()["Roles"]}:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": lab.accounts["main"]},
                 "Action": "sts:AssumeRole"}
            ],
        }  # fmt: skip
        iam.create_role(RoleName=kind, AssumeRolePolicyDocument=json.dumps(trust))
    statement = {
        "Effect": "Allow",
        "Action": ["acm:IssueCertificate", "acm-pca:GetCertificate"],
        "Resource": root,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=kind, PolicyName="post", PolicyDocument=policy)
    arn = f"arn:aws:iam::{lab.accounts['main']}:role/{kind}"
    credentials = sts.assume_role(RoleArn=arn, RoleSessionName="web")["Credentials"]
    environment = lab.environment(credentials=credentials)
    with (
        pytest.raises(LabError, match="not authorized to perform: acm-pca:IssueCertificate"),
        run(kind, root, NAME, environment=environment, path=PATH),
    ):
        pass


def test_what_is_not_installed_is_named(root):
    """Before anything is started."""
    with (
        pytest.raises(LabError, match="nginx, openssl, aws: not installed"),
        run("nginx", root, NAME, environment={}, path="/nowhere"),
    ):
        pass


@pytest.mark.parametrize("program", [["python3", "entrypoint.py"], ["sh", "entrypoint.sh"]])
def test_a_variable_that_is_missing_is_named(program):
    """And the container ends with 2."""
    ran = subprocess.run(
        [program[0], FOLDER / program[1]],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
    )
    assert ran.returncode != 0
    assert b"AUTHORITY_ARN" in ran.stdout + ran.stderr
