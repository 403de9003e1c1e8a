"""Which certificates ListCertificates and SearchCertificates find, and in which order.

Source: ACM API Reference, ListCertificates, Filters and CertificateFilterStatement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from pkilab.pki.certificates import serial_hex
from pkilab.simulator.acm import describing
from pkilab.simulator.acm.state import AcmCertificate
from pkilab.simulator.service import AwsError

Json = dict[str, Any]

_LISTED_KEYS = ("RSA_1024", "RSA_2048")  # unless Includes says otherwise
_LISTED_ORIGINS = ("AWS_MANAGED", "CUSTOMER_PROVIDED")
_DEEPEST = 32  # filters within filters


def listed(
    found: Iterable[AcmCertificate],
    now: datetime,
    *,
    certificate_statuses: list[str] | None = None,
    certificate_key_pair_origins: list[str] | None = None,
    root_hierarchy_types: list[str] | None = None,
    includes: Json | None = None,
    sort_by: str | None = None,
    sort_order: str | None = None,
) -> list[AcmCertificate]:
    """Return what ListCertificates lists; without Includes.keyTypes small RSA keys with a name.

    Raises:
        AwsError: ValidationException, an order without what to order by, or the reverse.
    """
    if (sort_by is None) != (sort_order is None):
        raise _refused("SortBy and SortOrder must be specified together.")
    wanted = includes or {}
    origins = certificate_key_pair_origins or _LISTED_ORIGINS

    def fits(each: AcmCertificate) -> bool:
        return (
            (each.key_algorithm in wanted["keyTypes"] if "keyTypes" in wanted else _is_usual(each))
            and (certificate_statuses is None or each.status_at(now) in certificate_statuses)
            and each.key_origin in origins
            and _meets(wanted.get("keyUsage"), describing.key_usages(each))
            and _meets(wanted.get("extendedKeyUsage"), describing.extended_key_usages(each))
            and wanted.get("exportOption", each.export) == each.export
            # Neither CloudFront nor the roots of Amazon N2 are here.
            and "managedBy" not in wanted
            and not root_hierarchy_types
        )

    result = [each for each in found if fits(each)]  # as they are kept: by creation
    return result[::-1] if sort_order == "DESCENDING" else result


def _is_usual(each: AcmCertificate) -> bool:
    return each.key_algorithm in _LISTED_KEYS and bool(each.names)


def _meets(wanted: list[str] | None, held: list[str]) -> bool:
    return wanted is None or not set(wanted).isdisjoint(held)


def check(statement: Json, depth: int = 0) -> None:
    """Check that each part of a CertificateFilterStatement says exactly one thing.

    Raises:
        AwsError: ValidationException; also for a nesting without end.
    """
    if depth > _DEEPEST:
        raise _refused(f"Filters are at most {_DEEPEST} levels deep.")
    kind, value = _only(statement)
    if kind == "Filter":
        _, value = _only(value)
        if isinstance(value, dict):
            name, value = _only(value)
            if name in {"Subject", "SubjectAlternativeName"}:
                _only(value)
    else:
        for each in value if isinstance(value, list) else [value]:
            check(each, depth + 1)


def matches(statement: Json, each: AcmCertificate, now: datetime) -> bool:
    """Whether a certificate fits a CertificateFilterStatement that was checked before."""
    kind, value = _only(statement)
    if kind == "And":
        return all(matches(one, each, now) for one in value)
    if kind == "Or":
        return any(matches(one, each, now) for one in value)
    if kind == "Not":
        return not matches(value, each, now)
    kind, value = _only(value)
    if kind == "CertificateArn":
        return bool(each.arn == value)
    name, value = _only(value)
    if kind == "X509AttributeFilter":
        return _has_attribute(name, value, each)
    return _has_metadata(name, value, each, now)


def _has_attribute(name: str, value: Any, each: AcmCertificate) -> bool:  # noqa: ANN401 - JSON
    if name in {"Subject", "SubjectAlternativeName"}:
        _, text = _only(value)
        names = (each.common_name,) if name == "Subject" else each.names
        return any(_compares(text, one) for one in names if one is not None)
    made = each.certificate
    if name in {"NotAfter", "NotBefore"}:
        if made is None:
            return False
        moment = made.not_valid_after_utc if name == "NotAfter" else made.not_valid_before_utc
        return bool(value.get("Start", moment) <= moment <= value.get("End", moment))
    held = {
        "KeyAlgorithm": [each.key_algorithm],
        "KeyUsage": describing.key_usages(each),
        "ExtendedKeyUsage": describing.extended_key_usages(each),
        "SerialNumber": [serial_hex(made)] if made else [],
    }
    return value in held[name]


def _compares(wanted: Json, held: str) -> bool:
    text, found = wanted["Value"].lower(), held.lower()
    return text == found if wanted["ComparisonOperator"] == "EQUALS" else text in found


def _has_metadata(name: str, value: Any, each: AcmCertificate, now: datetime) -> bool:  # noqa: ANN401 - JSON
    held = {
        "Status": each.status_at(now),
        "RenewalStatus": each.renewal.status if each.renewal else None,
        "Type": each.type,
        "InUse": bool(each.in_use_by),
        "Exported": each.exports > 0,
        "ExportOption": each.export,
        "ValidationMethod": each.method if each.type == "AMAZON_ISSUED" else None,
        "CertificateKeyPairOrigin": each.key_origin,
    }
    return bool(held.get(name) == value)  # nothing here is CloudFront's, ACME's or Amazon N2's


def _only(union: Json) -> tuple[str, Any]:
    """Return the member of a union and its name."""
    if len(union) != 1:
        raise _refused(f"A filter must have exactly one member: found {sorted(union) or 'none'}")
    ((name, value),) = union.items()
    return name, value


def ordered(
    found: list[AcmCertificate], sort_by: str, sort_order: str, now: datetime
) -> list[AcmCertificate]:
    """Return certificates in an order; those without the value come last."""
    key = _ORDERS.get(sort_by, _nothing)
    keyed = [(key(each, now), each) for each in found]
    valued = [pair for pair in keyed if pair[0] is not None]
    valued.sort(key=lambda pair: pair[0], reverse=sort_order == "DESCENDING")
    return [each for _, each in valued] + [each for value, each in keyed if value is None]


def _nothing(_: AcmCertificate, __: datetime) -> None:
    """Return what every certificate here has of ACME's and CloudFront's: nothing."""


_ORDERS: dict[str, Callable[[AcmCertificate, datetime], Any]] = {
    "CREATED_AT": lambda each, _: each.created,
    "NOT_AFTER": lambda each, _: each.end,
    "NOT_BEFORE": lambda each, _: (
        each.certificate.not_valid_before_utc if each.certificate else None
    ),
    "STATUS": lambda each, now: each.status_at(now),
    "RENEWAL_STATUS": lambda each, _: each.renewal.status if each.renewal else None,
    "RENEWAL_ELIGIBILITY": lambda each, now: each.is_renewable(now),
    "EXPORTED": lambda each, _: each.exports > 0,
    "IN_USE": lambda each, _: bool(each.in_use_by),
    "KEY_ALGORITHM": lambda each, _: each.key_algorithm,
    "TYPE": lambda each, _: each.type,
    "CERTIFICATE_ARN": lambda each, _: each.arn,
    "COMMON_NAME": lambda each, _: each.common_name,
    "REVOKED_AT": lambda each, _: each.revoked,
    "ISSUED_AT": lambda each, _: each.issued,
    "IMPORTED_AT": lambda each, _: each.imported,
    "EXPORT_OPTION": lambda each, _: each.export,
    "VALIDATION_METHOD": lambda each, _: each.method,
    "CERTIFICATE_KEY_PAIR_ORIGIN": lambda each, _: each.key_origin,
}


def _refused(message: str) -> AwsError:
    return AwsError("ValidationException", message)
