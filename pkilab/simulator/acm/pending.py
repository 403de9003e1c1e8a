"""From a request to ISSUED, FAILED or VALIDATION_TIMED_OUT.

Sources: ACM User Guide, "DNS validation" and "Certificate request fails"; API Reference,
CertificateDetail.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pkilab.simulator.acm.issuing import Issuance, IssuanceError, Made, Order
from pkilab.simulator.acm.renewing import install
from pkilab.simulator.acm.state import AcmCertificate
from pkilab.simulator.acm.validating import ATTEMPT, Validator
from pkilab.simulator.service import Call
from pkilab.simulator.world import World

# How often DNS is asked, by the age of the request. A description asks at once.
_OFTEN = ((timedelta(hours=1), timedelta(minutes=1)), (timedelta(hours=12), timedelta(minutes=15)))
_SELDOM = timedelta(hours=1)


class Pending:
    """Sees to requests until they are over.

    Args:
        world: whose clock and latency count.
        validator: looks for the proofs.
        issuance: the way to the CAs.
        issued: called with a certificate once it is issued.
    """

    def __init__(
        self,
        world: World,
        validator: Validator,
        issuance: Issuance,
        issued: Callable[[AcmCertificate], None],
    ) -> None:
        self._world, self._validator = world, validator
        self._issuance, self._issued = issuance, issued

    def begin(self, request: AcmCertificate, requester: Call) -> None:
        """Begin with a request, which is made by a call."""
        if request.type == "PRIVATE":
            self._order(request, requester)
        else:
            self._later(request, self._world.latency, lambda: self._begin_looking(request))

    def look(self, request: AcmCertificate) -> None:
        """Look whether a public request is validated by now, or out of time."""
        now = self._world.clock.now()
        ready = request.ready_at is not None and now >= request.ready_at
        if request.status != "PENDING_VALIDATION" or request.type == "PRIVATE" or not ready:
            return
        if now - request.created >= ATTEMPT:
            _end(request, "VALIDATION_TIMED_OUT")
            return
        verdict = self._validator.look(request.validations)
        if verdict == "VALIDATED":
            self._install(request, self._issuance.public(request))
        elif verdict != "PENDING":
            self._fail(request, verdict)

    def _begin_looking(self, request: AcmCertificate) -> None:
        self.look(request)
        if request.status != "PENDING_VALIDATION":
            return
        now = self._world.clock.now()
        age = now - request.created
        pause = next((often for limit, often in _OFTEN if age < limit), _SELDOM)
        left = ATTEMPT - age
        # Nobody reads mail in a world: there is nothing to look for but the end.
        pause = left if request.method == "EMAIL" else min(pause, left)
        self._at(request, pause, lambda: self._begin_looking(request))

    def _order(self, request: AcmCertificate, requester: Call) -> None:
        """Order from a private CA at once; what comes of it shows after the world's latency."""
        try:
            order = self._issuance.order(request, requester=requester)
        except IssuanceError as error:
            reason = error.reason
            self._later(request, self._world.latency, lambda: self._fail(request, reason))
        else:
            self._later(request, self._world.latency, lambda: self._collect(request, order))

    def _collect(self, request: AcmCertificate, order: Order) -> None:
        try:
            made = self._issuance.collect(request, order)
        except IssuanceError as error:
            self._fail(request, error.reason)
        else:
            self._install(request, made)

    def _install(self, request: AcmCertificate, made: Made) -> None:
        for each in request.validations:
            each.status = "SUCCESS"
        install(request, made, self._world.clock.now())
        self._issued(request)

    def _fail(self, request: AcmCertificate, reason: str) -> None:
        request.failure = reason
        _end(request, "FAILED")

    def _later(self, request: AcmCertificate, pause: timedelta, run: Callable[[], None]) -> None:
        if pause:
            self._at(request, pause, run)
        else:
            run()

    def _at(self, request: AcmCertificate, pause: timedelta, run: Callable[[], None]) -> None:
        def still() -> None:
            if not request.deleted:
                run()

        self._world.clock.at(self._world.clock.now() + pause, still, f"acm: {request.arn}")


def _end(request: AcmCertificate, status: str) -> None:
    """End a request without a certificate; what was proved stays so."""
    request.status = status
    for each in request.validations:
        each.status = "FAILED" if each.status != "SUCCESS" else each.status
