"""ACM's operations: import, public certificates validated by DNS, and looking at both.

Source: ACM API Reference and User Guide.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pkilab.pki import pem
from pkilab.pki.certificates import extension_value, serial_hex
from pkilab.pki.keys import generate_key
from pkilab.pki.names import as_written
from pkilab.simulator.acm import importing
from pkilab.simulator.acm.amazon import LIFETIME, Amazon
from pkilab.simulator.acm.state import AcmCertificate, Certificates, Validation
from pkilab.simulator.pages import page
from pkilab.simulator.service import AwsError, Call, Json, JsonService, not_simulated
from pkilab.simulator.world import World
from pkilab.simulator.zones import Zones

_ARN = re.compile(r"arn:aws:acm:[\w-]+:\d{12}:certificate/[\w-]+")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_AMAZONS = ("amazonaws.com", "cloudfront.net", "elasticbeanstalk.com")
_PUBLIC_KEYS = ("RSA_2048", "EC_prime256v1", "EC_secp384r1")
_LISTED_KEYS = ("RSA_1024", "RSA_2048")  # unless Includes says otherwise
_MOST_NAMES = 10
_LONGEST_FIRST_NAME = 64  # octets: it is the common name, too
_MOST_TAGS = 50
_TOKEN_HOURS, _VALIDATION_HOURS = 1, 72
_CHECK_EVERY = timedelta(minutes=1)
_TYPED = {"IMPORTED": "ImportedAt", "AMAZON_ISSUED": "IssuedAt"}


class Acm(JsonService):
    """AWS Certificate Manager.

    Public certificates are validated when the world's public zones hold the CNAME: looked at every
    minute of the world's time, and whenever the certificate is described.
    """

    name: ClassVar[str] = "acm"

    def __init__(self, world: World, zones: Zones) -> None:
        super().__init__(world)
        self.certificates, self.amazon = Certificates(), Amazon(world)
        self._zones, self._numbers = zones, world.entropy("acm")
        self._tokens: dict[tuple[str, str, str], tuple[datetime, str, Json]] = {}

    def import_certificate(
        self,
        call: Call,
        certificate: bytes,
        private_key: bytes,
        certificate_chain: bytes | None = None,
        *,
        certificate_arn: str | None = None,
        tags: list[Json] | None = None,
    ) -> Json:
        """Import a certificate, or a newer one under an ARN that was imported before."""
        found = importing.read(certificate, private_key, certificate_chain, call.now)
        if certificate_arn:
            if tags:
                message = "You cannot apply tags when reimporting a certificate."
                raise AwsError("ValidationException", message)
            kept = self._find(call, certificate_arn)
            if kept.type != "IMPORTED":
                raise AwsError("ValidationException", "Only imported certificates are reimported.")
            if kept.key_algorithm != found.key_algorithm:
                message = (
                    f"The key type must stay: found {found.key_algorithm}, expected "
                    f"{kept.key_algorithm}"
                )
                raise AwsError("ValidationException", message)
            if kept.names and not set(kept.names) & set(found.names):
                message = "Not all domain names may be removed by a reimport."
                raise AwsError("ValidationException", message)
            if kept.certificate:
                importing.check_uses(kept.certificate, found.certificate)
        else:
            kept = AcmCertificate(
                self._arn(call), call.account, call.region, "IMPORTED", "ISSUED", found.names,
                found.key_algorithm, call.now, tags=_tagged({}, tags or []),
            )  # fmt: skip
            self.certificates.add(kept)
        kept.certificate, kept.key, kept.chain = found.certificate, found.key, found.chain
        kept.names, kept.imported = found.names, call.now
        return {"CertificateArn": kept.arn}

    def request_certificate(
        self,
        call: Call,
        domain_name: str,
        *,
        validation_method: str = "EMAIL",
        subject_alternative_names: list[str] | None = None,
        idempotency_token: str | None = None,
        key_algorithm: str = "RSA_2048",
        tags: list[Json] | None = None,
        **others: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """Request a public certificate, to be validated by DNS."""
        if others:
            raise not_simulated(f"acm:RequestCertificate with {', '.join(sorted(others))}")
        if validation_method != "DNS":
            raise not_simulated(f"acm validation by {validation_method}")
        if key_algorithm not in _PUBLIC_KEYS:
            message = f"Encryption Algorithm {key_algorithm} is not supported in {call.region}"
            raise AwsError("ValidationException", f"{message} region")
        wanted = [domain_name, *(subject_alternative_names or [])]
        names = tuple(dict.fromkeys(name.lower().rstrip(".") for name in wanted))
        for name in names:
            _check_name(name)
        if len(names[0]) > _LONGEST_FIRST_NAME:
            message = f"The first domain name has at most {_LONGEST_FIRST_NAME} characters"
            raise AwsError("InvalidParameterException", f"{message}: found {len(names[0])}")
        if len(names) > _MOST_NAMES:
            message = f"The number of domains exceeds the limit of {_MOST_NAMES}."
            raise AwsError("LimitExceededException", message)
        token = (call.account, call.region, idempotency_token or "")
        asked = {"names": names, "key": key_algorithm}
        when, arn, before = self._tokens.get(token, (call.now, "", {}))
        recent = call.now - when < timedelta(hours=_TOKEN_HOURS)
        if arn and recent and before == asked and self.certificates.find(arn):
            return {"CertificateArn": arn}
        made = AcmCertificate(
            self._arn(call), call.account, call.region, "AMAZON_ISSUED", "PENDING_VALIDATION",
            names, key_algorithm, call.now, tags=_tagged({}, tags or []),
            validations=tuple(self._validation(call.account, name) for name in names),
        )  # fmt: skip
        self.certificates.add(made)
        if idempotency_token:
            self._tokens[token] = (call.now, made.arn, asked)
        self._look_later(made)
        return {"CertificateArn": made.arn}

    def describe_certificate(self, call: Call, certificate_arn: str) -> Json:
        """Describe a certificate, having looked whether it can be validated by now."""
        found = self._find(call, certificate_arn)
        self._validate(found)
        return {"Certificate": self._detail(found, call.now)}

    def get_certificate(self, call: Call, certificate_arn: str) -> Json:
        """Return a certificate and its chain."""
        found = self._find(call, certificate_arn)
        if found.certificate is None:
            message = f"Certificate {certificate_arn} is not yet issued."
            raise AwsError("RequestInProgressException", message)
        answer = {"Certificate": pem.to_pem(found.certificate)}
        return {**answer, "CertificateChain": pem.to_pem(*found.chain)} if found.chain else answer

    def list_certificates(
        self,
        call: Call,
        *,
        certificate_statuses: list[str] | None = None,
        includes: Json | None = None,
        max_items: int = 1000,
        next_token: str | None = None,
        **others: object,
    ) -> Json:
        """List certificates, oldest first; of RSA keys up to 2,048 bits unless told otherwise."""
        if others:
            raise not_simulated(f"acm:ListCertificates with {', '.join(sorted(others))}")
        wanted = includes or {}
        if wanted.keys() - {"keyTypes"}:
            raise not_simulated(f"acm:ListCertificates including {', '.join(sorted(wanted))}")
        keys = wanted.get("keyTypes", _LISTED_KEYS)
        found = [
            {
                **self._detail(each, call.now),
                "SubjectAlternativeNameSummaries": list(each.names),
                "InUse": bool(each.in_use_by),
                "Exported": False,
            }
            for each in self.certificates.of(call.account, call.region)
            if each.key_algorithm in keys
            and (certificate_statuses is None or _status(each, call.now) in certificate_statuses)
        ]
        scope = f"{call.account} {call.region} {keys} {certificate_statuses}"
        shown, token = page(
            found, max_items, next_token, scope=scope, refusal="ValidationException"
        )
        # A summary has names where the detail has objects.
        summaries = [
            {**each, **{k: [usage["Name"] for usage in each[k]] for k in _USES & each.keys()}}
            for each in shown
        ]
        return {"CertificateSummaryList": summaries, "NextToken": token}

    def delete_certificate(self, call: Call, certificate_arn: str) -> Json:
        """Delete a certificate that nothing uses."""
        found = self._find(call, certificate_arn)
        if found.in_use_by:
            message = f"Certificate {certificate_arn} in account {call.account} is in use."
            raise AwsError("ResourceInUseException", message)
        self.certificates.remove(found.arn)
        return {}

    def add_tags_to_certificate(self, call: Call, certificate_arn: str, tags: list[Json]) -> Json:
        """Add tags, or change their values."""
        found = self._find(call, certificate_arn)
        found.tags = _tagged(found.tags, tags)
        return {}

    def remove_tags_from_certificate(
        self, call: Call, certificate_arn: str, tags: list[Json]
    ) -> Json:
        """Remove tags; one given with a value goes only if the value is its."""
        found = self._find(call, certificate_arn)
        for tag in tags:
            value = found.tags.get(tag["Key"])
            if tag.get("Value") in (None, value):
                found.tags.pop(tag["Key"], None)
        return {}

    def list_tags_for_certificate(self, call: Call, certificate_arn: str) -> Json:
        """Return a certificate's tags."""
        tags = self._find(call, certificate_arn).tags
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    # Validation.

    def _validation(self, account: str, name: str) -> Validation:
        """Return the record for a name: one per account and name, a wildcard sharing its apex's."""
        apex = name.removeprefix("*.")
        tokens = self.world.entropy("acm", "validation", account, apex)
        label, value = tokens.bytes(16).hex(), tokens.bytes(16).hex()
        return Validation(name, f"_{label}.{apex}.", f"_{value}.acm-validations.aws.")

    def _look_later(self, made: AcmCertificate) -> None:
        def look() -> None:
            self._validate(made)
            if made.status == "PENDING_VALIDATION" and self.certificates.find(made.arn) is made:
                self._look_later(made)

        self.world.clock.at(self.world.clock.now() + _CHECK_EVERY, look, f"acm: {made.arn}")

    def _validate(self, made: AcmCertificate) -> None:
        if made.status != "PENDING_VALIDATION":
            return
        now = self.world.clock.now()
        if now - made.created >= timedelta(hours=_VALIDATION_HOURS):
            made.status = "VALIDATION_TIMED_OUT"
            for each in made.validations:
                each.status = "FAILED" if each.status != "SUCCESS" else each.status
            return
        for each in made.validations:
            values = self._zones.records(each.record_name, "CNAME")
            if each.record_value.rstrip(".") in {value.rstrip(".").lower() for value in values}:
                each.status = "SUCCESS"
        if all(each.status == "SUCCESS" for each in made.validations):
            self._issue(made, now)

    def _issue(self, made: AcmCertificate, now: datetime) -> None:
        key = generate_key(made.key_algorithm, self.world.entropy("acm", "key", made.arn))
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        end = day + LIFETIME - timedelta(seconds=1)
        made.certificate = self.amazon.server_certificate(made.names, key.public_key(), day, end)
        made.key, made.chain = key, self.amazon.chain
        made.status, made.issued = "ISSUED", now

    # Within.

    def _arn(self, call: Call) -> str:
        return f"arn:aws:acm:{call.region}:{call.account}:certificate/{self._numbers.uuid()}"

    def _find(self, call: Call, arn: str) -> AcmCertificate:
        if not _ARN.fullmatch(arn):
            raise AwsError("InvalidArnException", f"The Amazon Resource Name is not valid: {arn}")
        found = self.certificates.find(arn)
        if found is None or (found.account, found.region) != (call.account, call.region):
            message = f"Could not find certificate {arn}."
            raise AwsError("ResourceNotFoundException", message)
        return found

    def _detail(self, found: AcmCertificate, now: datetime) -> Json:
        certificate = found.certificate
        detail: Json = {
            "CertificateArn": found.arn,
            "DomainName": found.names[0] if found.names else None,
            "SubjectAlternativeNames": list(found.names),
            "Status": _status(found, now),
            "Type": found.type,
            "KeyAlgorithm": found.key_algorithm.replace("_", "-", 1),
            "CreatedAt": found.created,
            "InUseBy": sorted(found.in_use_by),
            "RenewalEligibility": "INELIGIBLE",
            "Options": {
                "CertificateTransparencyLoggingPreference": (
                    "ENABLED" if found.type == "AMAZON_ISSUED" else "DISABLED"
                )
            },
        }
        if found.in_use_by and found.type == "AMAZON_ISSUED":
            detail["RenewalEligibility"] = "ELIGIBLE"
        if found.validations:
            detail["DomainValidationOptions"] = [
                {
                    "DomainName": each.domain,
                    "ValidationDomain": each.domain,
                    "ValidationStatus": each.status,
                    "ValidationMethod": "DNS",
                    "ResourceRecord": {
                        "Name": each.record_name,
                        "Type": "CNAME",
                        "Value": each.record_value,
                    },
                }
                for each in found.validations
            ]
        if certificate:
            detail |= _of_certificate(certificate)
            detail[_TYPED[found.type]] = found.imported or found.issued
        return detail


def _status(found: AcmCertificate, now: datetime) -> str:
    ended = found.certificate is not None and now > found.certificate.not_valid_after_utc
    return "EXPIRED" if ended else found.status


def _of_certificate(certificate: x509.Certificate) -> Json:
    usages = extension_value(certificate, x509.ExtendedKeyUsage)
    hashed = certificate.signature_hash_algorithm
    is_ecdsa = isinstance(certificate.signature_algorithm_parameters, ec.ECDSA)
    return {
        "Serial": serial_hex(certificate),
        "Subject": as_written(certificate.subject),
        "Issuer": _issuer(certificate),
        "NotBefore": certificate.not_valid_before_utc,
        "NotAfter": certificate.not_valid_after_utc,
        "SignatureAlgorithm": (
            f"{hashed.name.upper() if hashed else ''}WITH{'ECDSA' if is_ecdsa else 'RSA'}"
        ),
        "KeyUsages": _key_usages(extension_value(certificate, x509.KeyUsage)),
        "ExtendedKeyUsages": [
            {"Name": _USAGES.get(oid.dotted_string, "CUSTOM"), "OID": oid.dotted_string}
            for oid in usages or ()
        ] or [{"Name": "NONE"}],
    }  # fmt: skip


def _key_usages(usage: x509.KeyUsage | None) -> list[Json]:
    """Return what a key may be used for; without the extension, anything."""
    if usage is None:
        return [{"Name": "ANY"}]
    agrees = usage.key_agreement
    return [
        {"Name": shown}
        for name, shown in _KEY_USAGES.items()
        if (agrees or not name.endswith("cipher_only")) and getattr(usage, name)
    ]


_USES = {"KeyUsages", "ExtendedKeyUsages"}
_KEY_USAGES = {
    "digital_signature": "DIGITAL_SIGNATURE", "content_commitment": "NON_REPUDIATION",
    "key_encipherment": "KEY_ENCIPHERMENT", "data_encipherment": "DATA_ENCIPHERMENT",
    "key_agreement": "KEY_AGREEMENT", "key_cert_sign": "CERTIFICATE_SIGNING",
    "crl_sign": "CRL_SIGNING", "encipher_only": "ENCIPHER_ONLY", "decipher_only": "DECIPHER_ONLY",
}  # fmt: skip
_USAGES = {
    "1.3.6.1.5.5.7.3.1": "TLS_WEB_SERVER_AUTHENTICATION",
    "1.3.6.1.5.5.7.3.2": "TLS_WEB_CLIENT_AUTHENTICATION",
    "1.3.6.1.5.5.7.3.3": "CODE_SIGNING",
    "1.3.6.1.5.5.7.3.4": "EMAIL_PROTECTION",
    "1.3.6.1.5.5.7.3.5": "IPSEC_END_SYSTEM",
    "1.3.6.1.5.5.7.3.6": "IPSEC_TUNNEL",
    "1.3.6.1.5.5.7.3.7": "IPSEC_USER",
    "1.3.6.1.5.5.7.3.8": "TIME_STAMPING",
    "1.3.6.1.5.5.7.3.9": "OCSP_SIGNING",
    "2.5.29.37.0": "ANY",
}


def _issuer(certificate: x509.Certificate) -> str:
    """Return the issuer as ACM shows it: the organization, or the common name."""
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if found := certificate.issuer.get_attributes_for_oid(oid):
            return str(found[0].value)
    return certificate.issuer.rfc4514_string()


def _check_name(name: str) -> None:
    """Refuse a name that no public certificate can be had for.

    Raises:
        AwsError: InvalidParameterException; it is malformed, Amazon's own or has a single label.
    """
    labels = name.removeprefix("*.").split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):  # noqa: PLR2004 - a dot
        raise AwsError("InvalidParameterException", f"The domain name is not valid: {name}")
    if any(name == each or name.endswith(f".{each}") for each in _AMAZONS):
        raise AwsError("InvalidParameterException", f"{name} is Amazon's own: it is not allowed")


def _tagged(current: dict[str, str | None], tags: list[Json]) -> dict[str, str | None]:
    for tag in tags:
        if tag["Key"].lower().startswith("aws:"):
            raise AwsError(
                "InvalidTagException", f"The prefix aws: is reserved; found {tag['Key']}"
            )
    result = {**current, **{tag["Key"]: tag.get("Value") for tag in tags}}
    if len(result) > _MOST_TAGS:
        raise AwsError("TooManyTagsException", f"A certificate has at most {_MOST_TAGS} tags.")
    return result
