"""Managed renewal: a new certificate under the same ARN, before the old one ends.

Source: ACM User Guide, "Managed certificate renewal" and "Check a certificate's renewal status";
for private certificates that cannot be renewed, acceptance tests of
hashicorp/terraform-provider-aws that run on AWS (internal/service/acm/certificate_test.go).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from pkilab.simulator.acm import rules
from pkilab.simulator.acm.issuing import Issuance, IssuanceError, Made, Order
from pkilab.simulator.acm.state import AcmCertificate, Renewal, Validation
from pkilab.simulator.acm.validating import ATTEMPT, Validator
from pkilab.simulator.world import World

PRIVATE = timedelta(days=60)  # before the end of a private certificate


class Renewals:
    """Renews certificates, or says what hinders it.

    Args:
        world: whose clock and latency count.
        validator: looks for the proofs, which must still be there.
        issuance: the way to the CAs.
        renewed: called with a certificate that was renewed.
    """

    def __init__(
        self,
        world: World,
        validator: Validator,
        issuance: Issuance,
        renewed: Callable[[AcmCertificate], None],
    ) -> None:
        self._world, self._validator = world, validator
        self._issuance, self._renewed = issuance, renewed

    def begin(self, of: AcmCertificate) -> None:
        """Begin a renewal, or go on with one; done after the world's latency, if it can be done."""
        now = self._world.clock.now()
        if not is_pending(of):
            validations = tuple(map(_asked_anew, of.validations))
            of.renewal = Renewal("PENDING_AUTO_RENEWAL", now, validations)
        self._later(of, lambda: self.go_on(of))

    def go_on(self, of: AcmCertificate) -> None:
        """Try once more to finish a renewal that began, if it still is to be renewed."""
        if not (is_pending(of) and of.is_renewable(self._world.clock.now())):
            return
        if of.type == "PRIVATE":
            self._order(of)
        else:
            self._validate(of)

    def fail(self, of: AcmCertificate) -> None:
        """Give up a renewal that did not succeed before the end."""
        if is_pending(of):
            self._note(of, "FAILED")

    def _validate(self, of: AcmCertificate) -> None:
        renewal, now = _pending(of), self._world.clock.now()
        if now - renewal.updated >= ATTEMPT:  # the attempt is over: another one begins
            renewal.validations = tuple(map(_asked_anew, renewal.validations))
            renewal.updated = now
        for each in renewal.validations:  # what CAA closed may be open again
            each.status = "PENDING_VALIDATION" if each.status == "FAILED" else each.status
        verdict = self._validator.look(renewal.validations)
        if verdict == "VALIDATED":
            self._finish(of, self._issuance.public(of))
            return
        renewal.reason = None if verdict == "PENDING" else verdict
        if renewal.status != "PENDING_VALIDATION":
            self._note(of, "PENDING_VALIDATION")

    def _order(self, of: AcmCertificate) -> None:
        try:
            order = self._issuance.order(of)
        except IssuanceError as error:
            _pending(of).reason = error.reason
            return
        self._later(of, lambda: self._collect(of, order))

    def _collect(self, of: AcmCertificate, order: Order) -> None:
        try:
            made = self._issuance.collect(of, order)
        except IssuanceError as error:
            _pending(of).reason = error.reason
            return
        for each in _pending(of).validations:
            each.status = "SUCCESS"
        self._finish(of, made)

    def _finish(self, of: AcmCertificate, made: Made) -> None:
        install(of, made, self._world.clock.now())
        _pending(of).reason = None
        self._note(of, "SUCCESS")
        self._renewed(of)

    def _later(self, of: AcmCertificate, run: Callable[[], None]) -> None:
        """Go on after the world's latency, if the certificate is still there and the same."""
        if not self._world.latency:
            run()
            return
        before = of.certificate

        def still() -> None:
            if of.certificate is before and not of.deleted:
                run()

        when = self._world.clock.now() + self._world.latency
        self._world.clock.at(when, still, f"acm: renewal of {of.arn}")

    def _note(self, of: AcmCertificate, status: str) -> None:
        renewal = _pending(of)
        renewal.status, renewal.updated = status, self._world.clock.now()  # type: ignore[assignment]  # one of its own


def install(of: AcmCertificate, made: Made, now: datetime) -> None:
    """Put an issued certificate in its place."""
    of.certificate, of.chain, of.key = made.certificate, made.chain, made.key
    of.status, of.issued = "ISSUED", now
    of.issues += 1
    of.exported_since = False
    of.renewal_time = PRIVATE if of.type == "PRIVATE" else rules.at(now).renewal


def is_pending(of: AcmCertificate) -> bool:
    """Whether a renewal began and is not over."""
    return of.renewal is not None and of.renewal.status not in {"SUCCESS", "FAILED"}


def _pending(of: AcmCertificate) -> Renewal:
    assert of.renewal is not None  # noqa: S101 - it began before
    return of.renewal


def _asked_anew(validation: Validation) -> Validation:
    return replace(validation, status="PENDING_VALIDATION")
