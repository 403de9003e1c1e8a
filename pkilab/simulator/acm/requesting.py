"""RequestCertificate: what may be asked for. Validation and issuance come after it.

Sources: ACM API Reference, RequestCertificate; for the sentence on key algorithms, floci-io/floci
issue 3027.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pkilab.simulator.acm import names, rules, tagging
from pkilab.simulator.acm.quotas import Ledger
from pkilab.simulator.acm.renewing import is_pending
from pkilab.simulator.acm.rules import Method, Rules
from pkilab.simulator.acm.state import AcmCertificate, Switch
from pkilab.simulator.acm.validating import mail_domains
from pkilab.simulator.service import AwsError, Call, not_simulated

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be made.

    ``domains`` are the validation domains of names that were given one.
    """

    names: tuple[str, ...]
    key_algorithm: str
    method: Method
    domains: dict[str, str]
    authority: str | None
    transparency: Switch
    export: Switch
    tags: dict[str, str | None] = field(compare=False)


def read(call: Call, today: Rules, ledger: Ledger, members: Json) -> Request:
    """Check what RequestCertificate was given, under the names of its method's arguments.

    Raises:
        AwsError: InvalidParameterException, InvalidDomainValidationOptionsException,
            LimitExceededException, InvalidTagException, TooManyTagsException; ValidationException
            for keys that ACM does not make; NotImplemented for what is not simulated.
    """
    _check_service(members)
    authority = members.get("certificate_authority_arn")
    if authority and not today.private:
        raise _refused("A certificate of a private CA cannot be requested yet.")
    key_algorithm = members.get("key_algorithm", "RSA_2048")
    if key_algorithm not in today.key_algorithms:
        message = f"Encryption Algorithm {key_algorithm} is not supported in {call.region} region"
        raise AwsError("ValidationException", message)
    method = _method(today, members.get("validation_method", "EMAIL"))
    wanted = [members["domain_name"], *members.get("subject_alternative_names", ())]
    found = names.read(wanted, public=authority is None)
    ledger.check_names(found)
    transparency, export = _options(today, members.get("options", {}), private=bool(authority))
    return Request(
        names=found,
        key_algorithm=key_algorithm,
        method=method,
        domains=mail_domains(found, members.get("domain_validation_options", ())),
        authority=authority,
        transparency=transparency,
        export=export,
        tags=tagging.added({}, members.get("tags", ())),
    )


def _check_service(members: Json) -> None:
    """Refuse what other services request, and Amazon N2 certificates."""
    if "root_hierarchy_type" in members:
        if "certificate_authority_arn" in members:
            message = "RootHierarchyType cannot be specified together with CertificateAuthorityArn."
            raise AwsError("ValidationException", message)
        raise not_simulated("acm:RequestCertificate of Amazon N2 certificates")
    if "certificate_usage" in members:
        message = "CertificateUsage can be specified only with a RootHierarchyType."
        raise AwsError("ValidationException", message)
    if "managed_by" in members:
        raise not_simulated("acm:RequestCertificate by CloudFront")


def _method(today: Rules, wanted: str) -> Method:
    for method in today.methods:
        if method == wanted:
            return method
    if wanted == "HTTP":
        raise _refused("HTTP validation is available only to certificates managed by CloudFront.")
    raise _refused(f"The validation method must be {' or '.join(today.methods)}: found {wanted}")


def _options(today: Rules, options: Json, *, private: bool) -> tuple[Switch, Switch]:
    """Return whether the certificate is to be logged and whether it can be exported."""
    if "ValidationMethod" in options:
        raise not_simulated("acm:RequestCertificate with Options.ValidationMethod")
    opted_out = options.get("CertificateTransparencyLoggingPreference") == "DISABLED"
    wanted = options.get("Export") == "ENABLED"
    if wanted and not (private or today.export):
        raise _refused("Public certificates cannot be requested for export yet.")
    honoured = opted_out and today.transparency == "unless opted out" and not private
    return "DISABLED" if honoured else "ENABLED", "ENABLED" if private or wanted else "DISABLED"


def change_options(of: AcmCertificate, options: Json, now: datetime) -> None:
    """Change whether a public certificate is logged from its next issuance on.

    Too late once its renewal began; AWS says nothing then, nor since there is no way out.

    Raises:
        AwsError: ValidationException, a certificate or an option that cannot be changed;
            InvalidStateException; NotImplemented.
    """
    if "ValidationMethod" in options:
        raise not_simulated("acm:UpdateCertificateOptions from mail to DNS")
    if of.type != "AMAZON_ISSUED":
        message = f"Only public certificates of ACM have options: found {of.type}"
        raise AwsError("ValidationException", message)
    if options.get("Export", of.export) != of.export:
        message = "Export cannot be changed once a certificate was requested."
        raise AwsError("ValidationException", message)
    if (status := of.status_at(now)) not in {"ISSUED", "PENDING_VALIDATION"}:
        raise AwsError("InvalidStateException", f"The certificate is {status}.")
    if rules.at(now).transparency == "unless opted out" and not is_pending(of):
        wanted = options.get("CertificateTransparencyLoggingPreference", of.transparency)
        of.transparency = wanted


def _refused(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
