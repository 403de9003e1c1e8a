"""Chrome's and Apple's rules: each met, and each missed by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from pkilab.ct.log_list import (
    Log,
    LogList,
    LogState,
    Operator,
    PreviousOperator,
    State,
    decode_log_list,
)
from pkilab.ct.policy import APPLE, CHROME, Delivery, Verdict, apple, chrome, lifetime_of
from pkilab.ct.structures import DigitallySigned, Sct, timestamp_of
from pkilab.errors import MalformedError

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SIGNED = NOW - timedelta(days=1)
DAYS = timedelta(days=1)
SHORT, LONG = 180 * DAYS - timedelta(seconds=1), 198 * DAYS - timedelta(seconds=1)


def log(name: str, state: LogState = LogState.USABLE, since=NOW - 300 * DAYS, **more: Any) -> Log:
    key = name.encode()
    url = f"https://{name}.example/"
    return Log(name, sha256(key).digest(), key, url, url, 86400, State(state, since), **more)


def listed(*operators: tuple[Log, ...], at: datetime = NOW) -> LogList:
    """Return a list in which operators A, B ... have these logs."""
    named = zip("ABCDEF", operators, strict=False)
    return LogList("1", at, tuple(Operator(name, (), logs) for name, logs in named))


def sct(log: Log, moment: datetime = SIGNED) -> Sct:
    return Sct(log.log_id, timestamp_of(moment), b"", DigitallySigned(4, 3, b""))


A1, A2, A3 = log("a1"), log("a2"), log("a3")
B1, C1 = log("b1"), log("c1")
TILED_A, TILED_B = log("ta", is_tiled=True), log("tb", is_tiled=True)
LIST = listed((A1, A2, A3, TILED_A), (B1, TILED_B), (C1,))


def judged(rule, *logs: Log, lifetime=SHORT, in_list=LIST, **more: Any) -> Verdict:
    return rule([sct(each) for each in logs], lifetime, in_list, NOW, **more)


def test_two_logs_of_two_operators_are_enough_for_180_days() -> None:
    for rule in (chrome, apple):
        verdict = judged(rule, A1, B1)
        assert verdict.compliant
        assert verdict.enforced
        assert verdict.accepted
        assert (verdict.reasons, verdict.uncounted) == ((), ())
        assert [each.operator for each in verdict.counted] == ["A", "B"]


def test_one_sct_is_not_enough() -> None:
    verdict = judged(chrome, A1)
    assert verdict.reasons == (
        "1 SCT of distinct logs, expected 2 for a lifetime of 180 days",
        "operators of the logs: 1 (A), expected 2",
    )
    assert not verdict.accepted
    assert judged(apple, A1).reasons == (
        "1 SCT of distinct logs, counting at most 1 of one operator, expected 2 for a lifetime of "
        "180 days",
    )


def test_no_scts_lack_everything() -> None:
    assert judged(chrome).reasons == (
        "no embedded SCT of a log that is qualified, usable or readonly, expected one",
        "no SCTs of distinct logs, expected 2 for a lifetime of 180 days",
        "operators of the logs: 0, expected 2",
    )
    assert judged(apple).reasons[-1] == "no SCT of a log that speaks RFC 6962, expected one"


def test_a_longer_lifetime_takes_three() -> None:
    for rule in (chrome, apple):
        two, three = (judged(rule, *logs, lifetime=LONG) for logs in ((A1, B1), (A1, A2, B1)))
        assert not two.compliant
        assert "expected 3 for a lifetime of 198 days" in two.reasons[0]
        assert three.compliant


@pytest.mark.parametrize(
    ("rule", "lifetime", "needed"),
    [
        (chrome, 180 * DAYS, 2),  # Chrome takes notAfter less notBefore
        (chrome, 180 * DAYS + timedelta(seconds=1), 3),
        (apple, 180 * DAYS - timedelta(seconds=1), 2),  # Apple counts the last second, too
        (apple, 180 * DAYS, 3),
        (apple, 398 * DAYS - timedelta(seconds=1), 3),
        (chrome, 900 * DAYS, 3),
    ],
)
def test_a_day_that_has_begun_is_a_day(rule, lifetime: timedelta, needed: int) -> None:
    enough = [A1, B1, C1][:needed]
    assert judged(rule, *enough, lifetime=lifetime).compliant
    assert not judged(rule, *enough[:-1], lifetime=lifetime).compliant


def test_apple_has_no_row_beyond_398_days() -> None:
    verdict = judged(apple, A1, B1, C1, lifetime=398 * DAYS)
    assert verdict.reasons == ("a lifetime of 399 days, expected at most 398",)


def test_chrome_wants_two_operators_and_no_more() -> None:
    assert judged(chrome, A1, A2, A3, lifetime=LONG).reasons == (
        "operators of the logs: 1 (A), expected 2",
    )
    assert judged(chrome, A1, A2, B1, lifetime=LONG).compliant


def test_apple_counts_so_many_of_one_operator() -> None:
    """One up to 180 days, two beyond."""
    assert not judged(apple, A1, A2).compliant
    assert judged(apple, A1, A2, B1).compliant
    assert not judged(apple, A1, A2, A3, lifetime=LONG).compliant
    assert judged(apple, A1, A2, C1, lifetime=LONG).compliant


def test_two_scts_of_one_log_are_one() -> None:
    verdict = judged(chrome, A1, A1, B1, lifetime=LONG)
    assert not verdict.compliant
    assert [each.reason for each in verdict.uncounted] == ["another SCT of 'a1' is counted"]


def test_apple_wants_one_log_that_speaks_rfc_6962() -> None:
    """Chrome does not any more."""
    assert judged(chrome, TILED_A, TILED_B).compliant
    assert judged(apple, TILED_A, TILED_B).reasons == (
        "no SCT of a log that speaks RFC 6962, expected one",
    )
    assert judged(apple, TILED_A, B1).compliant


def test_states_that_never_count() -> None:
    stateless = replace(log("e4"), state=None)
    others = (log("e1", LogState.PENDING), log("e2", LogState.REJECTED), stateless)
    for rule in (chrome, apple):
        for other in others:
            in_list = listed((A1,), (other,))
            verdict = judged(rule, A1, other, in_list=in_list)
            assert not verdict.compliant
            (uncounted,) = verdict.uncounted
            assert uncounted.reason in {
                "'e1' is pending", "'e2' is rejected", "'e4' is in no state",
            }  # fmt: skip


def test_states_that_count() -> None:
    for state in (LogState.QUALIFIED, LogState.USABLE, LogState.READONLY):
        in_list = listed((log("x", state),), (log("y", state),))
        for rule in (chrome, apple):
            assert judged(rule, *in_list.logs(), in_list=in_list).compliant


def test_a_log_that_is_not_in_the_list_does_not_count() -> None:
    verdict = judged(chrome, A1, log("nobody"))
    assert not verdict.compliant
    assert verdict.uncounted[0].reason.startswith("no log in the list has the ID")


def test_a_retired_log_counts_beside_a_current_one() -> None:
    retired = log("r", LogState.RETIRED, NOW - timedelta(hours=1))
    for rule in (chrome, apple):
        verdict = judged(rule, A1, retired, in_list=listed((A1,), (retired,)))
        assert verdict.compliant
        assert [each.is_retired for each in verdict.counted] == [False, True]


def test_retired_logs_alone_are_not_enough() -> None:
    old, older = (log(name, LogState.RETIRED, NOW - timedelta(hours=1)) for name in ("r", "s"))
    for rule in (chrome, apple):
        assert judged(rule, old, older, in_list=listed((old,), (older,))).reasons == (
            "no embedded SCT of a log that is qualified, usable or readonly, expected one",
        )


def test_what_a_retired_log_signed_later_does_not_count() -> None:
    retired = log("r", LogState.RETIRED, SIGNED)
    in_list = listed((A1,), (retired,))
    for rule in (chrome, apple):
        verdict = judged(rule, A1, retired, in_list=in_list)
        assert not verdict.compliant
        assert [each.reason for each in verdict.uncounted] == [
            "'r' was retired at 2026-11-01 09:00:00Z, before it"
        ]


def test_chrome_wants_the_certificate_and_the_sct_before_the_retirement() -> None:
    """As Chromium's source has it: a current log, too, has to have signed by then."""
    retired, second = log("r", LogState.RETIRED, SIGNED), timedelta(seconds=1)
    in_list = listed((A1, A2), (retired,))
    before, after = sct(retired, SIGNED - second), sct(retired, SIGNED)
    early = sct(A1, SIGNED - second)
    for scts, by_chrome, by_apple in (
        ([early, before], True, True),
        ([early, sct(A2), before], True, True),
        ([early, after], False, False),
        ([sct(A1), before], False, True),
        ([sct(log("nobody"), SIGNED - DAYS), sct(A1), before], False, True),
    ):
        verdict = chrome(scts, SHORT, in_list, NOW)
        assert verdict.compliant is by_chrome
        assert apple(scts, SHORT, in_list, NOW).compliant is by_apple
    assert verdict.uncounted[-1].reason == (
        "'r' was retired at 2026-11-01 09:00:00Z, before every SCT of a current log"
    )


def test_a_retirement_to_come_is_none_yet() -> None:
    coming = log("r", LogState.RETIRED, NOW + timedelta(hours=1))
    other = log("s", LogState.RETIRED, NOW + timedelta(hours=1))
    verdict = judged(chrome, coming, other, in_list=listed((coming,), (other,)))
    assert verdict.compliant


def test_the_operator_is_that_of_the_sct() -> None:
    """A log that changed hands counts for who ran it when it signed."""
    moved = log("m", previous_operators=(PreviousOperator("B", SIGNED + timedelta(hours=1)),))
    in_list = listed((A1, moved), (B1,))
    for rule in (chrome, apple):
        verdict = judged(rule, A1, moved, in_list=in_list)
        assert verdict.compliant
        assert [each.operator for each in verdict.counted] == ["A", "B"]
        later = [sct(A1), sct(moved, SIGNED + timedelta(hours=1))]
        assert not rule(later, SHORT, in_list, NOW).compliant
        assert not judged(rule, B1, moved, in_list=in_list).compliant


def test_chrome_enforces_nothing_with_a_list_of_70_days() -> None:
    for age, enforced in [(70 * DAYS, False), (70 * DAYS - timedelta(seconds=1), True)]:
        in_list = replace(LIST, timestamp=NOW - age)
        verdict = judged(chrome, A1, in_list=in_list)
        assert not verdict.compliant
        assert (verdict.enforced, verdict.accepted) == (enforced, not enforced)
        assert judged(apple, A1, in_list=in_list).enforced


def test_scts_by_tls_come_from_current_logs_of_any_lifetime() -> None:
    retired = log("r", LogState.RETIRED, NOW - timedelta(hours=1))
    in_list = listed((A1, A2), (B1, retired))
    for rule in (chrome, apple):
        tls = {"delivery": Delivery.TLS, "in_list": in_list}
        assert judged(rule, A1, B1, lifetime=LONG, **tls).compliant
        verdict = judged(rule, A1, retired, **tls)
        assert verdict.reasons[0] == (
            "1 SCT of logs that are qualified, usable or readonly, expected 2"
        )
        assert "only embedded SCTs outlive a log" in verdict.uncounted[0].reason
    assert not judged(chrome, A1, A2, delivery=Delivery.TLS).compliant
    assert judged(apple, A1, A2, delivery=Delivery.TLS).compliant
    assert not judged(apple, TILED_A, TILED_B, delivery=Delivery.TLS).compliant


def test_chrome_takes_none_from_ocsp_any_more() -> None:
    """Since version 148; Apple does."""
    verdict = judged(chrome, A1, B1, delivery=Delivery.OCSP)
    assert verdict.reasons == ("Chrome takes no SCTs from a stapled OCSP answer",)
    assert judged(apple, A1, B1, delivery=Delivery.OCSP).compliant


def test_more_scts_never_harm() -> None:
    pending = log("p", LogState.PENDING)
    in_list = listed((A1, A2), (B1, pending))
    for rule in (chrome, apple):
        assert judged(rule, A1, B1, A2, pending, log("nobody"), in_list=in_list).compliant


def test_rules_say_where_they_are_from() -> None:
    assert (CHROME.browser, APPLE.browser) == ("Chrome", "Apple")
    for rules in (CHROME, APPLE):
        assert rules.source.startswith("https://")
        assert rules.read == "2026-07"


def test_a_time_without_zone_or_beyond_time_is_malformed() -> None:
    with pytest.raises(MalformedError, match="without a zone"):
        chrome([sct(A1)], SHORT, LIST, NOW.replace(tzinfo=None))
    with pytest.raises(MalformedError, match="without a zone"):
        apple([], SHORT, LIST, NOW.replace(tzinfo=None))
    late = replace(sct(A1), timestamp=2**64 - 1)
    with pytest.raises(MalformedError, match="timestamp"):
        apple([late], SHORT, LIST, NOW)


def test_a_lifetime_is_read_from_a_certificate(make, root) -> None:
    made = make.party("shop.example", root, days=180).certificate
    assert lifetime_of(made) == SHORT


def test_the_list_of_chrome_and_the_logs_it_names(conformance) -> None:
    """With the real list of January 2026: Argon with Nimbus, and Argon with itself."""
    data = (conformance / "ct" / "chrome_log_list_v80.json").read_bytes()
    in_list = decode_log_list(data)
    at = in_list.timestamp + DAYS
    by_name = {each.description: each for each in in_list.logs()}
    argon, xenon = by_name["Google 'Argon2026h1' log"], by_name["Google 'Xenon2026h1' log"]
    nimbus = next(each for name, each in by_name.items() if "Nimbus2026" in name)
    yeti = by_name["DigiCert Yeti2025 Log"]  # retired in July 2025
    signed = at - 10 * DAYS
    for rule in (chrome, apple):
        assert rule([sct(argon, signed), sct(nimbus, signed)], SHORT, in_list, at).compliant
        assert not rule([sct(argon, signed), sct(xenon, signed)], SHORT, in_list, at).compliant
        assert not rule([sct(argon, signed), sct(yeti, signed)], SHORT, in_list, at).compliant
