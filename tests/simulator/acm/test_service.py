"""ACM's operations through boto3: importing, use, deletion, tags, and any input at all."""

import base64
import json
import subprocess
import sys
from datetime import timedelta

import pytest
from botocore import xform_name
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab import Lab, mutual_tls
from pkilab.pki import pem
from pkilab.simulator.acm.quotas import Quotas
from pkilab.simulator.acm.service import Acm
from pkilab.simulator.service import AwsError, service_model

NAME = "www.lab.example"
NOWHERE = "arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-4000-8000-000000000000"
OPERATIONS = [
    "RequestCertificate", "DescribeCertificate", "GetCertificate", "ImportCertificate",
    "ExportCertificate", "ListCertificates", "SearchCertificates", "DeleteCertificate",
    "RenewCertificate", "ResendValidationEmail", "RevokeCertificate", "UpdateCertificateOptions",
    "GetAccountConfiguration", "PutAccountConfiguration", "AddTagsToCertificate",
    "RemoveTagsFromCertificate", "ListTagsForCertificate",
]  # fmt: skip


@pytest.fixture
def make(desk, maker):
    return maker(desk.now)


@pytest.fixture
def well(make):
    """What ImportCertificate takes: a leaf below an intermediate below a root."""
    return {
        **make.well(NAME, "sub"),
        "CertificateChain": pem.to_pem(make("sub", "root"), make("root")).encode(),
    }


def test_operations_are_there_or_refused(desk):
    """Those of ACME, of other resources than certificates and of migration are not modelled."""
    there = {
        each for each in service_model("acm").operation_names if hasattr(Acm, xform_name(each))
    }
    assert there == set(OPERATIONS)
    for operation, members in (
        ("ListAcmeEndpoints", {}),
        ("ListCertificateDomainValidations", {"CertificateArn": NOWHERE}),
        ("ListTagsForResource", {"ResourceArn": NOWHERE}),
    ):
        with pytest.raises(AwsError, match="is not simulated") as caught:
            desk.invoke(operation, **members)
        assert caught.value.code == "NotImplemented"


def test_an_import_is_given_back_and_described(desk, well):
    """Certificate and chain as they were; never the key."""
    arn = desk.acm.import_certificate(**well)["CertificateArn"]
    found = desk.acm.get_certificate(CertificateArn=arn)
    assert found["Certificate"].encode() == well["Certificate"]
    assert found["CertificateChain"].encode() == well["CertificateChain"]
    detail = desk.describe(arn)
    assert (detail["Type"], detail["Status"], detail["DomainName"]) == ("IMPORTED", "ISSUED", NAME)
    assert (detail["KeyAlgorithm"], detail["SignatureAlgorithm"]) == (
        "EC-prime256v1", "SHA256WITHECDSA",
    )  # fmt: skip
    assert "PRIVATE" not in str(detail) + str(found)
    assert "key=" not in repr(desk.kept(arn))


def test_a_self_signed_certificate_needs_no_chain(desk, make):
    """Any other does; and none is given back."""
    own = make.well("alone", "alone")
    del own["CertificateChain"]
    arn = desk.acm.import_certificate(**own)["CertificateArn"]
    assert "CertificateChain" not in desk.acm.get_certificate(CertificateArn=arn)
    leaf = make.well(NAME, "sub")
    del leaf["CertificateChain"]
    message = desk.refused("ValidationException", desk.acm.import_certificate, **leaf)
    assert message.startswith("Provided certificate is not a valid self signed.")


def encrypted(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))


CHANGES = {
    "another key": ("PrivateKey", lambda make: make.well("x")["PrivateKey"], "do not match"),
    "an encrypted key": (
        "PrivateKey", lambda make: encrypted(make.key(NAME)), "should not be encrypted",
    ),
    "no key": ("PrivateKey", lambda _: b"junk", "is not supported"),
    "no certificate": ("Certificate", lambda _: b"junk", "Unable to parse certificate"),
    "two certificates": (
        "Certificate", lambda make: pem.to_pem(make(NAME, "sub"), make("root")).encode(),
        "contains more than one certificate",
    ),
    "over": (
        "Certificate", lambda make: pem.to_pem(make(NAME, "sub", start=-9, end=-1)).encode(),
        "has expired",
    ),
    "not begun": (
        "Certificate", lambda make: pem.to_pem(make(NAME, "sub", start=1)).encode(),
        "not in effect yet",
    ),
    "a foreign chain": (
        "CertificateChain", lambda make: pem.to_pem(make("root")).encode(),
        "Could not validate the certificate with the certificate chain.",
    ),
    "a chain that breaks off": (
        "CertificateChain", lambda make: pem.to_pem(make("sub", "root"), make("other")).encode(),
        "The index within the chain of the invalid certificate is: 1",
    ),
    "no chain": ("CertificateChain", lambda _: b"junk", "not in a valid PEM format"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_belong_together_is_refused(desk, make, well, change):
    """In ACM's sentence, and nothing is kept, counted or told."""
    member, other, sentence = CHANGES[change]
    changed = {**well, member: other(make)}
    assert sentence in desk.refused("ValidationException", desk.acm.import_certificate, **changed)
    assert desk.acm.search_certificates()["Results"] == []
    assert desk.events() == []


def test_what_is_not_base64_is_refused(desk, well):
    """The API wants bytes; a client that reads text as Base64 never gets this far."""
    request = {name: base64.b64encode(data).decode() for name, data in well.items()}
    with pytest.raises(AwsError) as caught:
        desk.gateway._services["acm"].invoke(
            "ImportCertificate", json.dumps({**request, "Certificate": "-----BEGIN"}).encode(), None
        )
    assert caught.value.code == "SerializationException"


def test_a_reimport_keeps_arn_tags_and_use(desk, make, well):
    """And refuses another kind of key, tags, losing every name, and what is not imported."""
    tags = [{"Key": "a", "Value": "b"}]
    arn = desk.acm.import_certificate(**well, Tags=tags)["CertificateArn"]
    desk.use(arn)
    newer = {**well, "Certificate": pem.to_pem(make(NAME, "sub", end=200)).encode()}
    again = {**newer, "CertificateArn": arn}
    assert desk.acm.import_certificate(**again)["CertificateArn"] == arn
    detail = desk.describe(arn)
    assert detail["NotAfter"] == desk.now + timedelta(days=200)
    assert len(detail["InUseBy"]) == 1
    assert desk.acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == tags
    reimport = desk.acm.import_certificate
    assert "tags" in desk.refused("ValidationException", reimport, **again, Tags=tags)
    for name, options, sentence in (
        ("other", {}, "domain names"),
        (NAME, {"algorithm": "EC_secp384r1"}, "key type"),
    ):
        changed = {"CertificateArn": arn, **make.well(name, **options)}
        assert sentence in desk.refused("ValidationException", reimport, **changed)
    more = make.well(NAME, dns=["new.example", NAME])
    reimport(CertificateArn=arn, **more)
    assert desk.describe(arn)["SubjectAlternativeNames"] == ["new.example", NAME]
    requested = {**well, "CertificateArn": desk.request()}
    assert "imported" in desk.refused("ValidationException", reimport, **requested)
    nowhere = {**well, "CertificateArn": NOWHERE}
    desk.refused("ResourceNotFoundException", reimport, **nowhere)


def test_a_certificate_in_use_is_not_deleted(desk, lab):
    """Until its domain name is."""
    arn, apis = desk.issue(), lab.client("apigatewayv2")
    mutual_tls.create_domain(apis, NAME, arn)
    assert len(desk.describe(arn)["InUseBy"]) == 1
    desk.refused("ResourceInUseException", desk.acm.delete_certificate, CertificateArn=arn)
    apis.delete_domain_name(DomainName=NAME)
    desk.acm.delete_certificate(CertificateArn=arn)
    desk.refused("ResourceNotFoundException", desk.acm.describe_certificate, CertificateArn=arn)


def test_a_renewed_certificate_serves_where_the_old_one_did(desk, lab):
    """API Gateway shows the new one without being told."""
    arn, apis = desk.issue(), lab.client("apigatewayv2")
    mutual_tls.create_domain(apis, NAME, arn)
    before = desk.gateway.apis.credentials(NAME).certificate
    lab.clock.advance(days=198 - 45)
    after = desk.gateway.apis.credentials(NAME).certificate
    assert (before, after) == (before, desk.certificate(arn))
    assert before != after


def test_what_is_nobodys_is_not_found(desk, other, lab):
    """Nor what is another account's or another Region's; and an ARN must be one."""
    arn = desk.issue()
    elsewhere = lab.client("acm", region="eu-west-1")
    for client, which in ((desk.acm, NOWHERE), (other.acm, arn), (elsewhere, arn)):
        for call in (
            client.describe_certificate,
            client.get_certificate,
            client.delete_certificate,
        ):
            desk.refused("ResourceNotFoundException", call, CertificateArn=which)
    strange = "arn:aws:acm:us-east-1:111122223333:key/x"
    desk.refused("InvalidArnException", desk.acm.describe_certificate, CertificateArn=strange)


def test_tags_are_added_listed_and_removed(desk):
    """By key, or by key and value."""
    arn = desk.request(Tags=[{"Key": "a", "Value": "1"}])
    desk.acm.add_tags_to_certificate(CertificateArn=arn, Tags=[{"Key": "b"}])
    desk.acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    tags = desk.acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b"}]
    desk.acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "a"}])
    assert desk.acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == [{"Key": "b"}]


def test_an_accounts_quotas_are_its_own(desk, make):
    """Private certificates count for none; a refused import counts for none."""
    place = desk.gateway
    acm = place._services["acm"]
    place._services["acm"] = Acm(
        acm.world, acm.amazon, place.resolver, place._services["acm-pca"], place.events,
        quotas=Quotas(certificates=1, imported=1, requests=2, imports=2),
    )  # fmt: skip
    ca = desk.root()
    for _ in range(3):
        desk.request(CertificateAuthorityArn=ca)
    first = desk.request()
    assert "maximum" in _over(desk, "RequestCertificate", DomainName=NAME)
    desk.acm.delete_certificate(CertificateArn=first)
    desk.acm.delete_certificate(CertificateArn=desk.request())
    assert "in the last year" in _over(desk, "RequestCertificate", DomainName=NAME)
    broken = {**make.well(NAME), "PrivateKey": b"junk"}
    desk.refused("ValidationException", desk.acm.import_certificate, **broken)
    arn = desk.bring(make, NAME)
    assert "maximum" in _over(desk, "ImportCertificate", **make.well(NAME))
    desk.bring(make, NAME, again=arn)
    again = {"CertificateArn": arn, **make.well(NAME)}
    assert "in the last year" in _over(desk, "ImportCertificate", **again)


def _over(desk, operation, **members):
    """Ask for more than the quota, below boto3, which would ask again; return the message."""
    with pytest.raises(AwsError) as caught:
        desk.invoke(operation, **members)
    assert caught.value.code == "LimitExceededException"
    return caught.value.message


STORY = """
from pkilab.lab import Lab
import sys; sys.path.insert(0, sys.argv[1])
from test_service import story
with Lab.simulated(seed="story") as lab:
    print(story(lab))
"""


def story(lab):
    """Request, validate, export, renew; return everything that came of it."""
    acm, route53 = lab.client("acm"), lab.client("route53")
    zone = route53.create_hosted_zone(Name="lab.example", CallerReference="x")
    arn = mutual_tls.request_public_certificate(acm, route53, NAME, zone["HostedZone"]["Id"])
    exported = acm.request_certificate(
        DomainName=NAME, ValidationMethod="DNS", KeyAlgorithm="EC_prime256v1",
        Options={"Export": "ENABLED"},
    )["CertificateArn"]  # fmt: skip
    secret = {"CertificateArn": exported, "Passphrase": b"passphrase"}
    told = [acm.export_certificate(**secret)["PrivateKey"]]
    lab.clock.advance(days=170)
    told += [acm.get_certificate(CertificateArn=each)["Certificate"] for each in (arn, exported)]
    events = lab._place.gateway.events.events("111122223333", "us-east-1")
    return json.dumps([arn, *told, events], sort_keys=True)


def test_another_process_hash_seed_and_time_zone_give_the_same_bytes(tmp_path, project):
    """Keys, salts, certificates and events."""
    outputs = set()
    for hash_seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland")):
        done = subprocess.run(
            [sys.executable, "-c", STORY, project / "tests" / "simulator" / "acm"],
            env={"PYTHONHASHSEED": hash_seed, "TZ": zone, "PATH": ""}, cwd=tmp_path,
            capture_output=True, check=True, text=True,
        )  # fmt: skip
        outputs.add(done.stdout)
    with Lab.simulated(seed="story") as lab:
        outputs.add(story(lab) + "\n")
    assert len(outputs) == 1


# Anything at all


def values(shape, depth=0):
    """Anything the model might be sent for a shape, and near misses."""
    kind = shape.type_name
    if kind in {"structure", "list"} and depth > 6:
        return st.just({} if kind == "structure" else [])
    if kind == "structure":
        optional = {name: values(member, depth + 1) for name, member in shape.members.items()}
        if shape.is_tagged_union:
            return st.one_of(st.fixed_dictionaries({each: optional[each]}) for each in optional)
        required = {name: optional.pop(name) for name in shape.required_members}
        return st.fixed_dictionaries(required, optional=optional)
    if kind == "list":
        return st.lists(values(shape.member, depth + 1), max_size=2)
    if kind == "blob":
        return st.binary(max_size=40)
    if kind == "boolean":
        return st.booleans()
    if kind == "timestamp":
        return st.integers(-(2**40), 2**40)
    if kind in ("integer", "long"):
        return st.integers(1, 40) | st.integers(-(2**63), 2**63 - 1)
    if choices := shape.metadata.get("enum"):
        return st.sampled_from(choices)
    return st.sampled_from(["x", "www.lab.example", "lab.example", "aws:x"]) | st.text(max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=st.data())
def test_any_input_gives_a_result_or_an_error_of_the_model(desk, make, operation, data):
    """The fixture checks that the model has the error; nothing else may be raised."""
    if not hasattr(desk, "fuzzed"):
        desk.fuzzed = [
            desk.issue(Options={"Export": "ENABLED"}), desk.request("pending.lab.example"),
            desk.request("mail.lab.example", ValidationMethod="EMAIL"), desk.bring(make, NAME),
            NOWHERE,
        ]  # fmt: skip
        desk.ca = desk.root()
    shape = service_model("acm").operation_model(operation).input_shape
    members = data.draw(values(shape)) if shape else {}
    if "CertificateArn" in members:
        members["CertificateArn"] = data.draw(st.sampled_from(desk.fuzzed))
    if "CertificateAuthorityArn" in members:
        members["CertificateAuthorityArn"] = desk.ca
    if operation == "RequestCertificate":
        members["KeyAlgorithm"] = "EC_prime256v1"  # seeded RSA keys take long
    try:
        desk.invoke(operation, **members)
    except AwsError as error:
        assert error.message
    desk.lab.clock.advance(hours=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    member=st.sampled_from(["Certificate", "PrivateKey", "CertificateChain"]),
    data=st.binary(min_size=1, max_size=60),
    place=st.integers(0, 400),
)
def test_whatever_is_imported_only_acms_refusals_leave(desk, well, member, data, place):
    """Junk, and what was well but for some bytes."""
    for content in (data, well[member][:place] + data + well[member][place + len(data) :]):
        try:
            desk.invoke("ImportCertificate", **{**well, member: content})
        except AwsError as error:
            assert error.code == "ValidationException"
