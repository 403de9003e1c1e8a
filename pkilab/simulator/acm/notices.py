"""What ACM tells EventBridge, in its own words.

Source: ACM User Guide, "Amazon EventBridge support for ACM". Events that did not exist at a moment
of the world's time are not sent then.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pkilab.simulator.acm import rules
from pkilab.simulator.acm.state import AcmCertificate
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.world import World

Json = dict[str, Any]
Action = Literal["ISSUANCE", "RENEWAL", "IMPORT", "REIMPORT"]

# On which days before the end someone is told that a renewal needs help.
ACTION_DAYS = {"AMAZON_ISSUED": (30, 15, 3, 1), "PRIVATE": (45, 30, 15, 3, 1)}


class Notices:
    """ACM's voice on the event buses of a world."""

    def __init__(self, world: World, bus: Bus) -> None:
        self._clock, self._bus = world.clock, bus

    def approaching(self, about: AcmCertificate, days: int) -> None:
        """Say that a certificate has so many days left."""
        detail = {"DaysToExpiry": days, "CommonName": about.common_name}
        self._say(rules.APPROACHING, about, detail)

    def expired(self, about: AcmCertificate) -> None:
        """Say that a certificate that ACM issued is over."""
        self._say(rules.EXPIRED, about, {**_described(about), **_created(about), **_used(about)})

    def available(self, about: AcmCertificate, action: Action) -> None:
        """Say that there is a certificate, or a new one under its ARN."""
        left = about.end - self._clock.now() if about.end else None
        self._say(
            rules.AVAILABLE,
            about,
            {
                "Action": action,
                **_described(about),
                **_created(about),
                "DaysToExpiry": left.days if left else None,
                **_used(about),
            },
        )

    def action_required(self, about: AcmCertificate, days: int) -> None:
        """Say that a certificate is not renewed unless someone helps."""
        self._say(
            rules.ACTION_REQUIRED,
            about,
            {
                **_described(about),
                "RenewalStatusReason": about.renewal.reason if about.renewal else None,
                "DaysToExpiry": days,
                **_end(about),
                **_used(about),
            },
        )

    def revoked(self, about: AcmCertificate) -> None:
        """Say that an exported certificate was revoked."""
        detail = {
            "CertificateType": about.type,
            "CommonName": about.common_name,
            **_end(about),
            "Exportable": about.export == "ENABLED",
        }
        self._say(rules.REVOKED, about, detail)

    def _say(self, what: str, about: AcmCertificate, detail: Mapping[str, Any]) -> None:
        today = rules.at(self._clock.now())
        if what not in today.events:
            return
        more = _origins(about) if today.origins and what != rules.APPROACHING else {}
        self._bus.put(
            "aws.acm",
            what,
            account=about.account,
            region=about.region,
            resources=[about.arn],
            detail={key: value for key, value in {**detail, **more}.items() if value is not None},
        )


def _described(about: AcmCertificate) -> Json:
    return {
        "CertificateType": about.type,
        "CommonName": about.common_name,
        "DomainValidationMethod": about.method if about.type == "AMAZON_ISSUED" else None,
    }


def _created(about: AcmCertificate) -> Json:
    return {"CertificateCreatedDate": _time(about.created), **_end(about)}


def _end(about: AcmCertificate) -> Json:
    return {"CertificateExpirationDate": _time(about.end) if about.end else None}


def _used(about: AcmCertificate) -> Json:
    return {"InUse": bool(about.in_use_by), "Exported": about.exports > 0}


def _origins(about: AcmCertificate) -> Json:
    made = about.certificate
    validity = made.not_valid_after_utc - made.not_valid_before_utc if made else None
    return {
        "FirstSubjectAlternativeName": about.names[0] if about.names else None,
        "ValidityInDays": round(validity.total_seconds() / 86400) if validity else None,
        "CertificateKeyPairOrigin": about.key_origin,
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
