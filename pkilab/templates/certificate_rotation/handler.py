"""The Lambda function: a new key and a certificate from AWS Private CA for a secret, in four steps.

The secret is JSON with ``PrivateKey``, ``Certificate`` and ``CertificateChain``, PEM, as ACM's
ExportCertificate names them. For which DNS name it is, its tag ``ServerName`` says; so the first
rotation needs no value to begin with. The key is made here, goes into the secret and nowhere else.

AUTHORITY_ARN      the private CA that issues                    (required)
TEMPLATE_ARN       what the certificate is for                   (a TLS server)
SIGNING_ALGORITHM  one that fits the CA's key                    (SHA256WITHECDSA)
DAYS               its validity                                  (30)

Sources: Secrets Manager User Guide, "Lambda rotation functions" and "Rotation function templates".
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_TEMPLATE = "arn:aws:acm-pca:::template/EndEntityServerAuthCertificate/V1"
_CURRENT, _PENDING = "AWSCURRENT", "AWSPENDING"
TAG = "ServerName"


class RotationError(Exception):
    """The rotation cannot go on; the version that is current stays."""


@functools.cache
def _client(service: str) -> Any:  # noqa: ANN401 - boto3's
    make: Any = boto3.client
    return make(service)


def handler(event: Mapping[str, str], context: object) -> None:  # noqa: ARG001
    """Do one step of a rotation.

    Raises:
        RotationError: the secret is not being rotated, or what was made is not what is wanted.
        ClientError: Secrets Manager or Private CA refuses.
    """
    secret, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    steps: dict[str, Callable[[str, str, Mapping[str, Any]], None]] = {
        "createSecret": create,
        "setSecret": lambda *_: None,  # containers fetch it themselves
        "testSecret": test,
        "finishSecret": finish,
    }
    if step not in steps:
        raise RotationError(f"{secret}: found the step {step}, expected {', '.join(steps)}")
    described = _client("secretsmanager").describe_secret(SecretId=secret)
    stages = described.get("VersionIdsToStages", {}).get(token)
    if not described.get("RotationEnabled") or stages is None:
        raise RotationError(f"{secret}: the version {token} is not there to be rotated")
    if _CURRENT in stages:
        return  # it is done already
    if _PENDING not in stages:
        raise RotationError(f"{secret}: the version {token} is not {_PENDING}")
    steps[step](secret, token, described)


def create(secret: str, token: str, described: Mapping[str, Any]) -> None:
    """Make a key, have it certified, and put both into the pending version.

    Another try has another key, and wants another certificate: the idempotency token is the
    request's. The same request, sent again by boto3 because no answer came, is one certificate.
    """
    secrets = _client("secretsmanager")
    try:
        secrets.get_secret_value(SecretId=secret, VersionId=token, VersionStage=_PENDING)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
    else:
        return  # an earlier try made it
    key = ec.generate_private_key(ec.SECP256R1())
    issued = _issue(key, _server_name(described))
    value = {
        "PrivateKey": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        "Certificate": issued["Certificate"],
        "CertificateChain": issued.get("CertificateChain", ""),
    }
    secrets.put_secret_value(
        SecretId=secret,
        ClientRequestToken=token,
        SecretString=json.dumps(value),
        VersionStages=[_PENDING],
    )


def test(secret: str, token: str, described: Mapping[str, Any]) -> None:
    """Look whether a server could use what is pending.

    Raises:
        RotationError: the key is another's, the name is wrong, or the chain does not follow.
    """
    found = _client("secretsmanager").get_secret_value(
        SecretId=secret, VersionId=token, VersionStage=_PENDING
    )
    value = json.loads(found["SecretString"])
    key = serialization.load_pem_private_key(value["PrivateKey"].encode(), None)
    pem = f"{value['Certificate']}\n{value['CertificateChain']}"
    certificate, *chain = x509.load_pem_x509_certificates(pem.encode())
    if certificate.public_key() != key.public_key():
        raise RotationError(f"{secret}: the pending certificate is for another key")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if _server_name(described) not in names.get_values_for_type(x509.DNSName):
        raise RotationError(f"{secret}: the pending certificate is for another name")
    below = certificate
    for each in chain:
        try:
            below.verify_directly_issued_by(each)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise RotationError(f"{secret}: the pending chain does not follow") from error
        below = each


def finish(secret: str, token: str, described: Mapping[str, Any]) -> None:
    """Make the pending version the current one; what was current is then AWSPREVIOUS."""
    stages = described["VersionIdsToStages"]
    current = [version for version, labels in stages.items() if _CURRENT in labels]
    before = {"RemoveFromVersionId": current[0]} if current else {}
    _client("secretsmanager").update_secret_version_stage(
        SecretId=secret, VersionStage=_CURRENT, MoveToVersionId=token, **before
    )


def _issue(key: ec.EllipticCurvePrivateKey, name: str) -> Mapping[str, str]:
    """Have a key certified by Private CA, and return GetCertificate's answer."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    alternative = x509.SubjectAlternativeName([x509.DNSName(name)])
    csr = (
        x509.CertificateSigningRequestBuilder(subject)
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = csr.public_bytes(serialization.Encoding.PEM)
    pca, authority = _client("acm-pca"), os.environ["AUTHORITY_ARN"]
    arn = pca.issue_certificate(
        CertificateAuthorityArn=authority,
        Csr=pem,
        IdempotencyToken=hashlib.sha256(pem).hexdigest()[:32],
        SigningAlgorithm=os.environ.get("SIGNING_ALGORITHM", "SHA256WITHECDSA"),
        TemplateArn=os.environ.get("TEMPLATE_ARN", _TEMPLATE),
        Validity={"Type": "DAYS", "Value": int(os.environ.get("DAYS", "30"))},
    )["CertificateArn"]
    where = {"CertificateAuthorityArn": authority, "CertificateArn": arn}
    pca.get_waiter("certificate_issued").wait(**where)
    answer: Mapping[str, str] = pca.get_certificate(**where)
    return answer


def _server_name(described: Mapping[str, Any]) -> str:
    for tag in described.get("Tags", ()):
        if tag["Key"] == TAG:
            return str(tag["Value"])
    raise RotationError(f"{described['ARN']}: has no tag {TAG}")
