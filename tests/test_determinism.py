"""Same seed, same start, same calls: the same bytes, whatever the process and the transport.

Run as a program (``python test_determinism.py SEED WAY``) this file does the calls and prints what
came of them; the tests run it in processes of their own.
"""

import base64
import json
import os
import subprocess
import sys
import urllib.request
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import boto3
import pytest

from pkilab import ca_hierarchy, revocation
from pkilab.lab import Lab
from pkilab.pki.requests import build_request

BUCKET = "lab-bucket"
ACCOUNTS = {"main": "111122223333", "other": "444455556666"}
REVOCATION = {
    "CrlConfiguration": {
        "Enabled": True,
        "ExpirationInDays": 7,
        "S3BucketName": BUCKET,
        "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
    },
    "OcspConfiguration": {"Enabled": True},
}


class Recorder:
    """Makes clients and fetches, in process or over HTTP, and keeps every answer."""

    def __init__(self, lab, way):
        self.lab, self.answers = lab, []
        self.url = lab.serve().url if way == "served" else None

    def client(self, service):
        """Return a client whose answers are kept, all but the headers of the transport."""
        if self.url is None:
            client = self.lab.client(service)
        else:
            names = self.lab.environment()
            client = boto3.client(
                service,
                endpoint_url=self.url,
                region_name=names["AWS_DEFAULT_REGION"],
                aws_access_key_id=names["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=names["AWS_SECRET_ACCESS_KEY"],
            )
        client.meta.events.register("after-call", self._keep)
        return client

    def _keep(self, parsed, model, **_kwargs):
        body = {name: value for name, value in parsed.items() if name != "Body"}
        metadata = {**body["ResponseMetadata"], "HTTPHeaders": None}
        self.answers.append((model.name, {**body, "ResponseMetadata": metadata}))

    def fetch(self, url, body=None, *, content_type=""):
        """GET or POST without credentials."""
        if self.url is None:
            answer = self.lab.fetch(url, body, content_type=content_type)
        else:
            headers = {"Host": urlsplit(url).netloc, "Content-Type": content_type}
            request = urllib.request.Request(  # noqa: S310 - the lab's own server
                self.url + urlsplit(url).path, body, {k: v for k, v in headers.items() if v}
            )
            direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with direct.open(request, timeout=30) as got:
                answer = SimpleNamespace(status=got.status, body=got.read())
        self.answers.append((url, base64.b64encode(answer.body).decode()))
        return answer


def everything(lab, way):
    """Make one of every artefact of Private CA; return all that was answered."""
    recorder = Recorder(lab, way)
    pca, s3, sts = (recorder.client(name) for name in ("acm-pca", "s3", "sts"))
    sts.get_caller_identity()
    s3.create_bucket(Bucket=BUCKET)
    ca_hierarchy.admit_private_ca(s3, BUCKET, account=ACCOUNTS["main"])
    ca_hierarchy.open_crls(s3, BUCKET)
    root = ca_hierarchy.create_root(
        pca, {"CommonName": "Root"}, key_algorithm="RSA_2048", RevocationConfiguration=REVOCATION
    )
    sub = ca_hierarchy.create_subordinate(
        pca, {"CommonName": "Sub"}, parent_arn=root, RevocationConfiguration=REVOCATION
    )
    days = {"Type": "DAYS", "Value": 30}
    leaves = []
    for name in ("a.example", "b.example"):
        csr = build_request(lab.generate_key(name), f"CN={name}", dns_names=[name])
        leaves.append(ca_hierarchy.issue(pca, sub, csr, validity=days))
        recorder.answers.append(("csr", csr.public_bytes(ca_hierarchy.Encoding.PEM).decode()))
    lab.clock.advance(hours=1)
    pca.revoke_certificate(
        CertificateAuthorityArn=sub,
        CertificateSerial=format(leaves[0].certificate.serial_number, "x"),
        RevocationReason="KEY_COMPROMISE",
    )
    lab.clock.advance(hours=1)
    for leaf in leaves:
        for how in (revocation.by_crl, revocation.by_ocsp):
            at = lab.clock.now()
            said = how(leaf.certificate, leaf.chain[0], fetch=recorder.fetch, at=at)
            recorder.answers.append((how.__name__, repr(said)))
    revocation.by_crl(leaves[0].chain[0], leaves[0].chain[1], fetch=recorder.fetch, at=at)
    rows = ca_hierarchy.audit_report(pca, s3, sub, BUCKET)
    recorder.answers.append(("audit report", rows))
    pca.list_certificate_authorities()
    s3.list_objects_v2(Bucket=BUCKET)
    use_keys(recorder, sts)
    repeatable = list(recorder.answers)
    hedged = ca_hierarchy.create_ca(
        lab.client("acm-pca"), {"CommonName": "PQ"}, kind="ROOT", key_algorithm="ML_DSA_44"
    )
    csr = lab.client("acm-pca").get_certificate_authority_csr(CertificateAuthorityArn=hedged)["Csr"]
    return repeatable, csr


def use_keys(recorder, sts):
    """Sign, encrypt, share and begin a session, as far as the seed decides."""
    kms, organizations = map(recorder.client, ("kms", "organizations"))
    for spec, algorithm in (
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
        ("ML_DSA_44", "ML_DSA_SHAKE_256"),
    ):
        key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        kms.sign(KeyId=key, Message=b"message", SigningAlgorithm=algorithm)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.encrypt(KeyId=key, Plaintext=b"message", EncryptionContext={"of": "tests"})
    kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256")
    learner = sts.get_caller_identity()["Arn"]
    kms.create_grant(KeyId=key, GranteePrincipal=learner, Operations=["Decrypt"])
    sts.get_session_token()
    organizations.create_organization()


def plain(value):
    """Return what JSON has no word for."""
    # boto3 gives times in the machine's zone; the moment is what must repeat.
    return value.hex() if isinstance(value, bytes) else datetime.timestamp(value)


def run(seed="repeat", way="in process", *, hash_seed="0", zone="UTC", folder="/"):
    """Do it all in a process of its own; return the lines it printed."""
    return subprocess.run(
        [sys.executable, __file__, seed, way],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone},
    ).stdout.splitlines()


@pytest.fixture(scope="module")
def first():
    """The answers of one process, and the CSR of its ML-DSA CA."""
    return run()


def public_key(line):
    return ca_hierarchy.pem.load_request(json.loads(line)).public_key()


def test_another_process_with_other_hashes_zone_and_folder_says_the_same(first, tmp_path):
    """Every ARN, CSR, certificate, CRL, OCSP answer, audit report, signature and request id."""
    again = run(hash_seed="1234", zone="Asia/Kathmandu", folder=tmp_path)
    assert again[0] == first[0]


def test_over_http_the_same_calls_get_the_same_answers(first):
    """The transport adds nothing but its own headers."""
    served = run(way="served", hash_seed="7")
    for here, there in zip(json.loads(first[0]), json.loads(served[0]), strict=True):
        assert here == there


def test_another_seed_gives_other_keys_serials_and_signatures(first):
    """Nothing that should be random is the same."""
    other = json.loads(run("another")[0])
    mine = json.loads(first[0])
    assert [name for name, _ in mine if "://" not in name] == [
        name for name, _ in other if "://" not in name
    ]
    telling = {"CreateCertificateAuthority", "GetCertificateAuthorityCsr", "IssueCertificate",
               "GetCertificate", "csr"}  # fmt: skip
    compared = 0
    for (name, here), (_, there) in zip(mine, other, strict=True):
        if name in telling or "://" in name:
            compared += 1
            assert here != there, name
    assert compared > 10


def test_of_ml_dsa_the_key_repeats_and_the_signature_does_not(first):
    """OpenSSL signs with the hedged variant of FIPS 204; README says so."""
    again = run(hash_seed="99")
    assert again[0] == first[0]
    assert public_key(again[1]) == public_key(first[1])
    assert again[1] != first[1]
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    assert "ML-DSA signatures are hedged" in readme


if __name__ == "__main__":
    with Lab.simulated(seed=sys.argv[1], accounts=ACCOUNTS) as lab:
        for part in everything(lab, sys.argv[2]):
            print(json.dumps(part, default=plain))  # noqa: T201 - the parent reads it
