"""A certificate with its key as text for Parameter Store and Secrets Manager, and what fits there.

Reading and writing are plain calls of boto3; what is here is the form of the value, and whether a
store takes it. The forms are those that ``entrypoint.py`` of the template reads.

Sources: Systems Manager User Guide, "Managing parameter tiers"; Secrets Manager User Guide, "AWS
Secrets Manager quotas"; ACM API Reference, ExportCertificate (the members' names).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from pkilab.access_control.denials import is_denial
from pkilab.errors import MalformedError
from pkilab.pki.material import Material, sort_pem

_MEMBERS = ("PrivateKey", "Certificate", "CertificateChain")
_UNFIT = frozenset({"ValidationException", "InvalidParameterException"})


@dataclass(frozen=True, slots=True)
class Room:
    """Whether a store took a value.

    Attributes:
        store: its name, as it was given.
        octets: how many the value has.
        taken: whether it was taken.
        said: AWS's sentence, if it was not; ``""`` otherwise.
    """

    store: str
    octets: int
    taken: bool
    said: str = ""


def to_bundle(material: Material) -> str:
    """Write key, certificate and chain as one PEM text. A secret."""
    return f"{material.key_pem.decode()}{material.certificate_pem}{material.chain_pem}"


def to_secret(material: Material) -> str:
    """Write them as JSON, with the members' names of ACM's ExportCertificate. A secret."""
    key, certificate = material.key_pem.decode(), material.certificate_pem
    return json.dumps(dict(zip(_MEMBERS, (key, certificate, material.chain_pem), strict=True)))


def read_bundle(text: str) -> Material:
    """Read what `to_bundle` wrote, or any PEM text with one private key and its certificate.

    Raises:
        MalformedError: it has no key, several, or no certificate of the key.
    """
    return sort_pem(text)


def read_secret(text: str) -> Material:
    """Read what `to_secret` wrote.

    Raises:
        MalformedError: it is no JSON object with these members, or they do not belong together. The
            error says nothing of the value.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedError("secret", found="no JSON", expected="a JSON object") from None
    if not isinstance(value, dict):
        raise MalformedError("secret", found=type(value).__name__, expected="a JSON object")
    if wrong := [name for name in _MEMBERS if not isinstance(value.get(name), str)]:
        raise MalformedError("secret", found=f"no text in {', '.join(wrong)}", expected="PEM")
    return read_bundle("\n".join(value[name] for name in _MEMBERS))


def try_room(store: str, put: Callable[[str], object], value: str) -> Room:
    """Try to put a value into a store.

    Args:
        store: what to call it.
        put: puts a value there, such as a call of PutParameter.
        value: the value.

    Raises:
        ClientError: AWS refused for another reason than that the value does not fit (botocore's).
    """
    octets = len(value.encode())
    try:
        put(value)
    except ClientError as error:
        if is_denial(error) or error.response["Error"]["Code"] not in _UNFIT:
            raise
        return Room(store, octets, taken=False, said=error.response["Error"]["Message"])
    return Room(store, octets, taken=True)
