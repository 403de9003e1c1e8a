"""Revoking a certificate.

Source: AWS Private CA API Reference, RevokeCertificate; User Guide, "Revoking a private
certificate"; General Reference (quota).
"""

from __future__ import annotations

import re
from datetime import datetime

from pkilab.pki.certificates import serial_hex
from pkilab.simulator.acmpca.state import Authority, Issued, Revocation
from pkilab.simulator.service import AwsError

REVOKED_WITH_COMPLETE_CRL = 1_000_000  # unexpired ones, per CA
_HEX = re.compile(r"[0-9a-fA-F]{2}(:?[0-9a-fA-F]{2})*")


def revoke(authority: Authority, serial: str, reason: str, now: datetime) -> Issued:
    """Record a revocation. Works with and without CRL and OCSP; the state was checked before.

    Args:
        authority: the CA that issued the certificate.
        serial: hexadecimal, with or without colons, in either case.
        reason: acm-pca's RevocationReason.
        now: the moment of the call.

    Raises:
        AwsError: InvalidRequestException, no serial number, the CA's own root certificate, or an
            expired one; LimitExceededException; RequestAlreadyProcessedException;
            RequestInProgressException, it is still being issued; ResourceNotFoundException, this
            CA issued no such certificate.
    """
    issued = authority.issued.get(_number(serial))
    if issued is None or issued.certificate is None:
        raise AwsError(
            "ResourceNotFoundException",
            f"The certificate authority has no certificate with the serial number {serial}.",
        )
    if now < issued.ready_at:
        raise AwsError(
            "RequestInProgressException",
            f"The request to issue certificate {issued.arn} is still in progress. Try again later.",
        )
    if issued.certificate.subject == issued.certificate.issuer:
        raise AwsError(
            "InvalidRequestException", "A self-signed root CA certificate cannot be revoked."
        )
    if issued.certificate.not_valid_after_utc < now:
        raise AwsError("InvalidRequestException", "An expired certificate cannot be revoked.")
    if issued.revocation:
        raise AwsError(
            "RequestAlreadyProcessedException",
            f"The certificate {serial_hex(issued.serial)} is revoked already.",
        )
    _check_quota(authority, now)
    issued.revocation = Revocation(now, reason)
    authority.revoked[issued.serial] = issued
    return issued


def _number(serial: str) -> int:
    if not _HEX.fullmatch(serial):
        raise AwsError(
            "InvalidRequestException", f"The serial number {serial!r} is not hexadecimal."
        )
    return int(serial.replace(":", ""), 16)


def _check_quota(authority: Authority, now: datetime) -> None:
    crl = authority.revocation_configuration.get("CrlConfiguration", {})
    if not crl.get("Enabled") or crl.get("CrlType") == "PARTITIONED":
        return
    if len(authority.revoked) < REVOKED_WITH_COMPLETE_CRL:  # counting the unexpired costs
        return
    unexpired = sum(
        issued.certificate is not None and issued.certificate.not_valid_after_utc >= now
        for issued in authority.revoked.values()
    )
    if unexpired >= REVOKED_WITH_COMPLETE_CRL:
        raise AwsError("LimitExceededException", "The CA has too many revoked certificates.")
