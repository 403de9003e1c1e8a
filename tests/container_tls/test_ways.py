"""Ways compared by trying; the containers are real, their stores too."""

import contextlib
import json
from functools import partial

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab, ca_hierarchy
from pkilab.container_tls import images, own_ca, run, tasks
from pkilab.container_tls.stores import to_bundle, to_secret
from pkilab.container_tls.ways import Effort, Reader, compare, find_key, try_way
from pkilab.errors import LabError
from pkilab.pki import pem
from pkilab.pki.material import Material
from pkilab.pki.requests import build_request

NAME = "web.lab"


@pytest.fixture(scope="module")
def lab():
    with Lab.simulated(seed="ways", enforce_policies=True) as lab:
        lab.serve()
        yield lab


@pytest.fixture(scope="module")
def root(lab):
    return ca_hierarchy.create_root(
        lab.client("acm-pca"), {"CommonName": "Root"}, key_algorithm="EC_prime256v1"
    )


@pytest.fixture(scope="module")
def root_pem(lab, root):
    pca = lab.client("acm-pca")
    return pca.get_certificate_authority_certificate(CertificateAuthorityArn=root)["Certificate"]


@pytest.fixture(scope="module")
def enrol(lab, root):
    """Make a key and have it certified."""

    def make(label):
        key = lab.generate_key(label)
        issued = ca_hierarchy.issue(
            lab.client("acm-pca"), root, build_request(key, f"CN={NAME}", dns_names=[NAME]),
            validity={"Type": "DAYS", "Value": 7},
        )  # fmt: skip
        return Material(issued.certificate, key, issued.chain)

    return make


@pytest.fixture(scope="module")
def start(lab):
    """Start a container by its settings."""

    def begin(settings, credentials=None, **options):
        environment = lab.environment(credentials=credentials)
        return run("python", None, NAME, environment=environment, settings=settings, **options)

    return begin


@pytest.fixture(scope="module")
def trusts(lab, root_pem):
    return lambda container: container.verified(root_pem, at=lab.clock.now()).agrees


def role(lab, name, *actions):
    """Return a session of a task whose role may some actions on everything."""
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }
    arn = tasks.create_role(lab.client("iam"), name, policy, stand_in=lab.accounts["main"])
    return tasks.assume(lab.client("sts"), arn)


def test_a_key_in_the_image_takes_another_image(start, trusts, enrol):
    """Everybody has it, and all containers the same."""
    server = enrol("image")
    files = {"key": server.key_pem, "chain": f"{server.certificate_pem}{server.chain_pem}".encode()}
    image = images.build("FROM scratch\nCOPY key /tls/key\nCOPY chain /tls/chain", files)
    begin = partial(
        start, {"SOURCE": "files", "KEY_FILE": "/tls/key", "CHAIN_FILE": "/tls/chain"},
        files=image.files(),
    )  # fmt: skip
    found = try_way("image", begin, trusts=trusts, searches={"image": lambda _: image})
    assert (found.exposed_to, found.shared, found.trusted) == (("image",), True, True)
    assert found.effort == Effort.IMAGE
    assert found.certificate == server.certificate


def test_a_secret_is_read_by_whom_policies_let(lab, start, trusts, enrol):
    """Another version, and another look."""
    secrets = lab.client("secretsmanager")
    secrets.create_secret(Name="tls", SecretString=to_secret(enrol("secret 1")))
    reader = role(lab, "reader", "secretsmanager:GetSecretValue")
    nobody = role(lab, "nobody", "s3:ListAllMyBuckets")

    def read(_, credentials):
        client = lab.client("secretsmanager", credentials=credentials)
        return client.get_secret_value(SecretId="tls")["SecretString"]

    found = try_way(
        "secret",
        partial(start, {"SOURCE": "secret", "SECRET_ID": "tls"}, credentials=reader),
        trusts=trusts,
        searches={
            "reader": partial(read, credentials=reader),
            "nobody": partial(read, credentials=nobody),
        },
        rotate=lambda: secrets.put_secret_value(
            SecretId="tls", SecretString=to_secret(enrol("secret 2"))
        ),
    )
    assert found.readers == (
        Reader("reader", found=True),
        Reader("nobody", found=False, said="AccessDeniedException"),
    )
    assert (found.effort, found.shared, found.trusted) == (Effort.RELOAD, True, True)


def test_a_parameter_may_have_its_chain_in_s3(lab, start, trusts, enrol):
    """Key here, certificates there."""
    ssm, s3 = lab.client("ssm"), lab.client("s3")
    s3.create_bucket(Bucket="chains")
    server = enrol("parameter")
    ssm.put_parameter(Name="/key", Value=server.key_pem.decode(), Type="SecureString")
    chain = f"{server.certificate_pem}{server.chain_pem}".encode()
    s3.put_object(Bucket="chains", Key="web.pem", Body=chain)
    settings = {"SOURCE": "parameter", "PARAMETER_NAME": "/key", "CHAIN_S3": "s3://chains/web.pem"}
    with start(settings) as container:
        assert trusts(container)
        assert container.certificate() == server.certificate
        # Another certificate, and not yet its key.
        other = enrol("other")
        s3.put_object(Bucket="chains", Key="web.pem", Body=other.certificate_pem.encode())
        assert container.reload() == server.certificate
        assert "is for another key" in container.log()


def test_a_store_that_was_not_changed_is_no_other_image(lab, start, trusts, enrol):
    """The log says that nothing is new."""
    ssm = lab.client("ssm")
    ssm.put_parameter(Name="/all", Value=to_bundle(enrol("all")), Type="SecureString")
    begin = partial(start, {"SOURCE": "parameter", "PARAMETER_NAME": "/all"})
    with begin() as container:
        container.reload()
        assert "unchanged: /all 1" in container.log()
    found = try_way("parameter", begin, trusts=trusts, searches={}, rotate=lambda: None)
    assert found.effort == Effort.IMAGE
    assert found.exposed_to == ()


def test_a_restart_is_told_from_another_look(start, trusts, enrol):
    """What lies in a volume that is mounted when a container starts."""
    volumes = [enrol("volume 1"), enrol("volume 2")]

    def begin():
        server = volumes[0]
        files = {"/key": server.key_pem, "/chain": server.certificate_pem.encode()}
        settings = {"SOURCE": "files", "KEY_FILE": "/key", "CHAIN_FILE": "/chain"}
        return start(settings, files=files)

    found = try_way("volume", begin, trusts=trusts, searches={}, rotate=lambda: volumes.pop(0))
    assert found.effort == Effort.RESTART


def test_a_self_signed_key_is_its_containers_own_and_trusted_by_nobody(start, trusts):
    """openssl's word for it."""
    found = try_way("self", partial(start, {"SOURCE": "self-signed"}), trusts=trusts, searches={})
    assert (found.shared, found.trusted, found.effort) == (False, False, Effort.ITSELF)


def test_an_own_ca_is_trusted_by_who_knows_it(lab, start, trusts, tmp_path):
    """And its folder has no container's key."""
    key = lab.generate_key("own", "RSA_2048")
    ca = own_ca.OwnCa(tmp_path / "ca", key, "Own CA", at=lab.clock.now())
    own_pem = pem.to_pem(ca.certificate)

    def folder(_):
        return b"".join(each.read_bytes() for each in (tmp_path / "ca").iterdir())

    with own_ca.listen(ca, {NAME}, now=lab.clock.now) as url:
        begin = partial(start, {"SOURCE": "own-ca", "ISSUER_URL": url})
        found = try_way(
            "own",
            begin,
            trusts=lambda one: one.verified(own_pem, at=lab.clock.now()).agrees,
            searches={"operator": folder},
        )
        assert (found.trusted, found.shared, found.exposed_to) == (True, False, ())
        assert found.effort == Effort.ITSELF
        with begin() as container:
            assert not trusts(container)


def test_a_search_that_could_not_be_made_is_no_finding(lab, start):
    """Only a refusal of access says that somebody finds nothing."""
    ssm = lab.client("ssm")
    with start({"SOURCE": "self-signed"}) as container, pytest.raises(ClientError):
        find_key(
            container, {"x": lambda _: ssm.get_parameter(Name="/absent")["Parameter"]["Value"]}
        )


def test_the_comparison_is_a_table(start, trusts):
    """With further columns by the ways' names."""
    found = try_way("self", partial(start, {"SOURCE": "self-signed"}), trusts=trusts, searches={})
    shown = compare([found], what_it_costs={"self": "nothing"})
    assert shown.columns[-1] == "what it costs"
    assert shown.rows == (("self", "nobody", "no", "no", "nothing: it makes one", "nothing"),)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SOURCE": "cloud"}, "found cloud, expected one of private-ca, own-ca"),
        ({"SOURCE": "secret"}, "SECRET_ID: not set"),
        ({"SOURCE": "secret", "SECRET_ID": "absent"}, "ResourceNotFoundException"),
        ({"SOURCE": "files", "KEY_FILE": "/absent", "CHAIN_FILE": "/absent"}, "No such file"),
        ({"SOURCE": "own-ca", "ISSUER_URL": "http://127.0.0.1:9/"}, "refused"),
    ],
)
def test_a_container_that_gets_nothing_ends_and_says_why(start, settings, words):
    """Before it listens."""
    with pytest.raises(LabError, match=words), start(settings):
        pass


@pytest.mark.parametrize("value", ["none", "[]", json.dumps({"PrivateKey": "x"})])
def test_a_secret_of_another_form_is_refused_without_being_shown(lab, start, value):
    """Its text is in no log."""
    secrets = lab.client("secretsmanager")
    with contextlib.suppress(ClientError):
        secrets.create_secret(Name="form", SecretString="x")
    secrets.put_secret_value(SecretId="form", SecretString=value)
    with pytest.raises(LabError), start({"SOURCE": "secret", "SECRET_ID": "form"}):
        pass


def test_a_file_that_leaves_the_image_is_refused(start):
    """It would be written beside the container's folder."""
    with (
        pytest.raises(LabError, match="leaves the image"),
        start({"SOURCE": "self-signed"}, files={"/../../x": b""}),
    ):
        pass


def test_only_a_container_of_python_tells_whether_it_has_looked(start):
    """nginx's says nothing of it."""
    with start({"SOURCE": "self-signed"}) as container:
        container.kind = "nginx"
        with pytest.raises(LabError, match="of nginx"):
            container.reload()
