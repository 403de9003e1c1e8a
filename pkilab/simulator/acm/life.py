"""The days of a certificate: renewal, warnings and the end, one job at a time.

A certificate has one job on the world's clock, at the next of its days that matters: while more
days are left than any rule looks ahead there is nothing to do. So a year with a thousand
certificates costs as many steps as they have last days.

Source: ACM User Guide, "Managed certificate renewal" and "Amazon EventBridge support for ACM".
"""

from __future__ import annotations

from datetime import timedelta

from pkilab.simulator.acm.accounts import Accounts
from pkilab.simulator.acm.notices import ACTION_DAYS, Notices
from pkilab.simulator.acm.renewing import Renewals, is_pending
from pkilab.simulator.acm.state import AcmCertificate
from pkilab.simulator.world import World

_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


class Life:
    """Sees to certificates from the day they are there to the day they end."""

    def __init__(
        self, world: World, accounts: Accounts, renewals: Renewals, notices: Notices
    ) -> None:
        self._clock = world.clock
        self._accounts, self._renewals, self._notices = accounts, renewals, notices

    def begin(self, of: AcmCertificate) -> None:
        """Look ahead for a certificate that is new under its ARN, or whose settings changed."""
        if of.next_day:
            of.next_day.cancel()
            of.next_day = None
        if of.end is None or of.status != "ISSUED":
            return
        left = (of.end - self._clock.now()) // _DAY
        self._wait(of, min(left, self._first(of)))

    def _first(self, of: AcmCertificate) -> int:
        """Return how many days before its end a certificate's first day is that matters."""
        warned = self._accounts.event_days((of.account, of.region), of.type)
        helped = max(ACTION_DAYS.get(of.type, (0,)))
        return max(of.renewal_time // _DAY, warned, helped)

    def _wait(self, of: AcmCertificate, days: int) -> None:
        assert of.end is not None  # noqa: S101 - only what was issued has days
        when = of.end - days * _DAY if days > 0 else of.end + _SECOND
        of.next_day = self._clock.at(when, lambda: self._day(of, days), f"acm: {of.arn}")

    def _day(self, of: AcmCertificate, days: int) -> None:
        of.next_day = None
        if days <= 0:
            self._end(of)
            return
        before = of.certificate
        if of.renewal_time >= days * _DAY and of.is_renewable(self._clock.now()):
            self._renewals.begin(of)
        if of.certificate is not before:
            return  # renewed: its days have begun anew
        if days <= self._accounts.event_days((of.account, of.region), of.type):
            self._notices.approaching(of, days)
        if is_pending(of) and days in ACTION_DAYS.get(of.type, ()):
            self._notices.action_required(of, days)
        self._wait(of, days - 1)

    def _end(self, of: AcmCertificate) -> None:
        of.status = "EXPIRED"
        self._renewals.fail(of)
        if of.type != "IMPORTED":
            self._notices.expired(of)
