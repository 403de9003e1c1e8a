"""GenerateMac and VerifyMac: HMAC with SHA-2.

Source: API Reference, GenerateMac, VerifyMac; RFC 2104, FIPS 198-1.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from pkilab.simulator.kms.specs import require_algorithm

if TYPE_CHECKING:
    from pkilab.simulator.kms.material import KeyMaterial
    from pkilab.simulator.kms.specs import Spec


def generate_mac(material: KeyMaterial, spec: Spec, algorithm: str, message: bytes) -> bytes:
    """Compute the MAC of a message, as long as the hash's output.

    Args:
        material: of a key of ``spec``.
        spec: one of HMAC keys.
        algorithm: ``HMAC_SHA_256`` and its like: each spec has one.
        message: its length, 1 to 4,096 bytes, is the API model's constraint, not looked at here.

    Raises:
        AwsError: InvalidKeyUsageException, an algorithm that the spec does not have.
    """
    require_algorithm(spec, "GENERATE_VERIFY_MAC", algorithm)
    name = "sha" + algorithm.removeprefix("HMAC_SHA_")
    return hmac.digest(material.secret, message, name)


def verify_mac(
    material: KeyMaterial, spec: Spec, algorithm: str, message: bytes, mac: bytes
) -> bool:
    """Whether ``mac`` is the MAC of a message, compared in constant time.

    Raises:
        AwsError: as `generate_mac`.
    """
    return hmac.compare_digest(generate_mac(material, spec, algorithm, message), mac)
