"""Making a CA: its key, its CSR and its first state.

Source: AWS Private CA API Reference, CreateCertificateAuthority; User Guide, "Installing the CA
certificate" (the CSR).
"""

from __future__ import annotations

from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.pki.keys import PrivateKey, generate_key
from pkilab.simulator.acmpca.algorithms import check_algorithms, sign_request
from pkilab.simulator.acmpca.state import Authority
from pkilab.simulator.acmpca.structures import (
    invalid_args,
    key_usage,
    subject_information_access,
    subject_name,
)
from pkilab.simulator.service import AwsError, Call
from pkilab.simulator.world import World

Json = dict[str, Any]

KEY_STORAGE = "FIPS_140_2_LEVEL_3_OR_HIGHER"  # everywhere but in China since 26 January 2023


def partition_of(region: str) -> str:
    """Return the partition of a Region, as ARNs name it."""
    return {"us-gov": "aws-us-gov", "cn-": "aws-cn"}.get(
        "us-gov" if region.startswith("us-gov-") else region[:3], "aws"
    )


def create_authority(
    world: World,
    call: Call,
    number: int,
    configuration: Json,
    *,
    kind: Literal["ROOT", "SUBORDINATE"],
    usage_mode: Literal["GENERAL_PURPOSE", "SHORT_LIVED_CERTIFICATE"],
    key_storage: str,
) -> Authority:
    """Make a CA that waits for its certificate; it is CREATING for as long as the world is slow.

    Args:
        world: whose entropy and latency count.
        call: whose CA it is.
        number: which CA of the account and Region, from 1; with the seed it decides the key.
        configuration: a CertificateAuthorityConfiguration.
        kind: root or subordinate.
        usage_mode: whether its certificates live at most seven days.
        key_storage: a KeyStorageSecurityStandard.

    Raises:
        AwsError: InvalidArgsException.
    """
    if key_storage != KEY_STORAGE:
        raise invalid_args(
            "A certificate authority cannot be created in this region with the specified "
            "security standard."
        )
    key_algorithm, signing_algorithm = (
        configuration["KeyAlgorithm"],
        configuration["SigningAlgorithm"],
    )
    check_algorithms(key_algorithm, signing_algorithm, call.region)
    subject = subject_name(configuration["Subject"])
    if not subject.rdns:
        raise invalid_args("The subject of a certificate authority must not be empty.")
    request = _request(subject, configuration.get("CsrExtensions", {}))
    uuid = world.entropy("acm-pca", call.account, call.region, "ca", str(number)).uuid()
    key = generate_key(key_algorithm, world.entropy("acm-pca", "key", uuid))
    return Authority(
        arn=(
            f"arn:{partition_of(call.region)}:acm-pca:{call.region}:{call.account}"
            f":certificate-authority/{uuid}"
        ),
        account=call.account,
        region=call.region,
        kind=kind,
        configuration=configuration,
        usage_mode=usage_mode,
        key_storage=key_storage,
        created_at=call.now,
        changed_at=call.now,
        ready_at=call.now + world.latency,
        key=key,
        csr=_signed(request, key, signing_algorithm),
    )


def _request(subject: x509.Name, extensions: Json) -> x509.CertificateSigningRequestBuilder:
    """Ask for a CA certificate, with a critical BasicConstraints and what CsrExtensions adds."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    added = []
    if (usage := extensions.get("KeyUsage")) is not None:
        added.append(key_usage(usage))
    if descriptions := extensions.get("SubjectInformationAccess"):
        added.append(subject_information_access(descriptions))
    for extension in added:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder


def _signed(
    request: x509.CertificateSigningRequestBuilder, key: PrivateKey, signing_algorithm: str
) -> bytes:
    try:
        return sign_request(request, key, signing_algorithm).public_bytes(Encoding.PEM)
    except (ValueError, TypeError) as error:
        raise AwsError("InvalidArgsException", "The configuration gives no CSR.") from error
