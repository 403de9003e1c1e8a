"""Why a certificate is not issued, or will not be renewed: ACM's word and DNS's, put together.

ACM says PENDING_VALIDATION and no more. What it sees can be seen by anyone who asks DNS, so the
cause can be named from outside, on AWS as in the lab.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pkilab.dns_validation.caa import check_caa
from pkilab.dns_validation.findings import Cause, Finding
from pkilab.dns_validation.inspection import Wanted, inspect
from pkilab.dns_validation.lookups import LookUp
from pkilab.dns_validation.records import describe
from pkilab.errors import PkilabError

if TYPE_CHECKING:
    from mypy_boto3_acm import ACMClient
    from mypy_boto3_route53 import Route53Client

_LIMIT = timedelta(hours=72)

# ACM User Guide, "Exceptions" and "Handling private certificates": what each reason comes from.
_PRIVATE = {
    "PCA_ACCESS_DENIED": (
        "The CA does not let ACM issue.",
        "Give it permission: acm-pca CreatePermission for acm.amazonaws.com.",
    ),
    "PCA_INVALID_ARN": ("The CA's ARN is not one.", "Request with the ARN of a CA."),
    "PCA_INVALID_ARGS": (
        "The CA does not issue what was asked for.",
        "Request a key of the CA's own family, RSA or ECDSA, and check the names.",
    ),
    "PCA_INVALID_DURATION": (
        "The certificate's 395 days would end after the CA itself does.",
        "Renew the CA's certificate, or use a CA that lasts longer.",
    ),
    "PCA_INVALID_STATE": ("The CA is not ACTIVE.", "Activate it, or use another one."),
    "PCA_LIMIT_EXCEEDED": (
        "The CA has issued as many certificates as it may.",
        "Ask for a higher quota, or use another CA.",
    ),
    "PCA_NAME_CONSTRAINTS_VALIDATION": (
        "The CA's name constraints do not admit a name.",
        "Request only names that they admit.",
    ),
    "PCA_REQUEST_FAILED": ("The CA failed to issue.", "Request it again."),
    "PCA_RESOURCE_NOT_FOUND": (
        "The CA does not exist, or was deleted for good.",
        "Use another CA.",
    ),
    "SLR_NOT_FOUND": (
        "The account lacks the service-linked role AWSServiceRoleForCertificateManager.",
        "Create it: ACM uses it to ask a CA of another account.",
    ),
}
_PUBLIC = {
    "ADDITIONAL_VERIFICATION_REQUIRED": (
        "Amazon wants to know more before it issues for this name.",
        "Open a case with AWS Support.",
    ),
    "DOMAIN_NOT_ALLOWED": (
        "A name was reported as unsafe or belongs to Amazon.",
        "Leave it out, or have it cleared where it was reported.",
    ),
    "DOMAIN_VALIDATION_DENIED": ("The domain's owner refused.", "Ask who answers its mail."),
    "INVALID_PUBLIC_DOMAIN": ("A name ends in no public top-level domain.", "Correct the name."),
    "NO_AVAILABLE_CONTACTS": ("ACM found nobody to send a mail to.", "Use DNS validation."),
}
_ANEW = "Then request a certificate anew; a failed one stays failed."


def diagnose(
    acm: ACMClient,
    arn: str,
    *,
    resolve: LookUp,
    route53: Route53Client | None = None,
) -> tuple[Finding, ...]:
    """Say of each domain of a certificate what keeps it from being issued or renewed.

    Args:
        acm: client of the certificate's Region.
        arn: the certificate.
        resolve: asks DNS: `pkilab.dns_validation.resolver`.
        route53: client of the account that has, or may have, the zones. Without it a record that
            went to a wrong or private zone is only known to be absent.

    Returns:
        One finding for each domain name, and one more where the certificate as such will not renew.
        What could not be looked at says so (``CANNOT_LOOK``). It is a view from here and now: ACM
        asks from several places, and a resolver's cache may lag.

    Raises:
        ClientError: the certificate or a zone cannot be read (botocore's).
    """
    described: Any = describe(acm, arn)
    once = functools.cache(resolve)
    if described["Type"] == "IMPORTED":
        return (Finding(described["DomainName"], None, "Imported: ACM validates nothing."),)
    if described["Type"] == "PRIVATE":
        return (_private(described),)
    if described["Status"] in {"EXPIRED", "REVOKED", "INACTIVE"}:
        return (_ended(described),)
    return tuple(_public(described, once, route53))


def _private(described: Any) -> Finding:  # noqa: ANN401 - ACM's answer
    domain, status = described["DomainName"], described["Status"]
    if status == "PENDING_VALIDATION":
        return Finding(
            domain, Cause.JUST_REQUESTED, "A private CA is issuing it.", "Wait a few seconds."
        )
    if status == "FAILED":
        return _by_private_ca(domain, described.get("FailureReason", "OTHER"), _ANEW)
    if status != "ISSUED":
        return _ended(described)
    renewal = described.get("RenewalSummary", {})
    if renewal.get("RenewalStatus", "SUCCESS") != "SUCCESS" and "RenewalStatusReason" in renewal:
        return _by_private_ca(domain, renewal["RenewalStatusReason"], "Then ACM renews it.")
    return Finding(domain, None, "Issued by a private CA, which validates no domain.")


def _by_private_ca(domain: str, reason: str, then: str) -> Finding:
    sentence, remedy = _PRIVATE.get(reason, ("The CA did not issue it.", "Look at the CA."))
    return Finding(domain, Cause.PRIVATE_CA, f"{sentence} ({reason})", f"{remedy} {then}")


def _ended(described: Any) -> Finding:  # noqa: ANN401
    sentence = f"The certificate is {described['Status']}; ACM does not renew it."
    return Finding(described["DomainName"], Cause.ENDED, sentence, "Request another one.")


def _public(
    described: Any,  # noqa: ANN401
    resolve: LookUp,
    route53: Route53Client | None,
) -> Iterator[Finding]:
    status, reason = described["Status"], described.get("FailureReason", "")
    options = described.get("DomainValidationOptions", [])
    if not options:
        yield _unnamed(described["DomainName"])
    for option in options:
        domain = option["DomainName"]
        if status == "FAILED" and reason != "CAA_ERROR":
            sentence, remedy = _PUBLIC.get(reason, ("ACM does not say more.", "Ask AWS Support."))
            yield Finding(domain, Cause.REFUSED, f"{sentence} ({reason})", f"{remedy} {_ANEW}")
            continue
        try:
            now = _look(option, resolve, route53)
        except PkilabError as error:
            now = Finding(domain, Cause.CANNOT_LOOK, f"DNS could not be asked: {error}.")
        yield _judge(now, domain, described)
    if status == "ISSUED" and described.get("RenewalEligibility") == "INELIGIBLE":
        sentence = "Nothing uses the certificate and it was not exported: ACM will not renew it."
        remedy = "Use it with an integrated service, or export it if it was made exportable."
        yield Finding(described["DomainName"], Cause.NOT_IN_USE, sentence, remedy)


def _look(option: Any, resolve: LookUp, route53: Route53Client | None) -> Finding | None:  # noqa: ANN401
    """Look at one domain's record and CAA; None: ACM has what it needs."""
    domain, method = option["DomainName"], option.get("ValidationMethod", "EMAIL")
    if method == "EMAIL":
        sent = ", ".join(option.get("ValidationEmails", ())) or "the domain's five addresses"
        return Finding(
            domain,
            Cause.EMAIL_VALIDATION,
            f"It waits for a link in a mail to be followed: {sent}.",
            "Follow the link, or request with ValidationMethod=DNS, which needs nobody's inbox.",
        )
    if method != "DNS":
        sentence = f"It is validated by {method}, which is not looked at here."
        return Finding(domain, Cause.CANNOT_LOOK, sentence)
    if "ResourceRecord" not in option:
        return _unnamed(domain)
    record = option["ResourceRecord"]
    wanted = Wanted(domain, record["Name"], record["Value"])
    return inspect(wanted, resolve, route53) or check_caa(domain, resolve)


def _unnamed(domain: str) -> Finding:
    sentence = "ACM has not named the record yet, as in the first seconds after a request."
    return Finding(domain, Cause.JUST_REQUESTED, sentence, "Describe it again in a few seconds.")


def _judge(now: Finding | None, domain: str, described: Any) -> Finding:  # noqa: ANN401
    """Put what DNS shows now and the certificate's status together."""
    status = described["Status"]
    if status == "ISSUED":
        return _issued(now, domain)
    seen = now.sentence if now else "The record is in DNS, and no CAA record forbids."
    until = _deadline(described)
    if status == "VALIDATION_TIMED_OUT":
        sentence = f"Not validated within 72 hours, by {until}. Now: {seen}"
        remedy = f"{now.remedy} {_ANEW}" if now else _ANEW
        return Finding(domain, Cause.TIMED_OUT, sentence, remedy)
    if now is not None:
        remedy = f"{now.remedy} {_ANEW}" if status == "FAILED" else now.remedy
        return Finding(domain, now.cause, now.sentence, remedy)
    if status == "FAILED":
        return Finding(domain, Cause.REFUSED, f"CAA forbade it then (CAA_ERROR). {seen}", _ANEW)
    sentence = f"{seen} ACM has not seen it yet; it looks again by itself until {until}."
    return Finding(domain, Cause.JUST_REQUESTED, sentence, "Wait; it takes minutes.")


def _issued(now: Finding | None, domain: str) -> Finding:
    if now is None:
        sentence = "The record is in DNS, and no CAA record forbids: a renewal can be validated."
        return Finding(domain, None, sentence)
    if now.cause is Cause.RECORD_ABSENT:
        sentence = f"It was validated once; the record is gone since. {now.sentence}"
        return Finding(domain, Cause.RECORD_REMOVED, sentence, now.remedy)
    return now


def _deadline(described: Any) -> str:  # noqa: ANN401
    # boto3 gives times in the machine's zone; what is shown is the same everywhere.
    until: datetime = described["CreatedAt"].astimezone(UTC) + _LIMIT
    return f"{until:%Y-%m-%d %H:%M} UTC"
