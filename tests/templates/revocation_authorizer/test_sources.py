from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ocsp as rfc6960
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.pki.crl import Revocation, check, load_crl
from pkilab.templates.revocation_authorizer import sources
from pkilab.templates.revocation_authorizer.sources import CrlSource, OcspSource, Schedule

CRL_URL, OCSP_URL = "http://crl.test/ca.crl", "http://ocsp.test"
SECOND, MINUTE, HOUR, DAY = (
    timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1),
)  # fmt: skip
GOOD, REVOKED, UNUSABLE = Revocation.GOOD, Revocation.REVOKED, Revocation.UNUSABLE
SCHEDULE = Schedule(refresh=15 * MINUTE, retry=30 * SECOND)


@pytest.fixture
def ask(ca, client, web, now):
    """Ask a CRL source about the client some time after now."""
    source = CrlSource(web, SCHEDULE)
    return lambda after=DAY * 0, certificate=client, urls=(CRL_URL,): source.ask(
        certificate, ca.certificate, urls, now + after
    )


@pytest.fixture
def responder(ca, client, web, now):
    """Make a function that asks an OCSP source about the client some time after now."""

    def build(*, nonce=lambda: b"n" * 32, required=False, refresh=15 * MINUTE):
        source = OcspSource(web, Schedule(refresh, 30 * SECOND), nonce, required)
        return lambda after=DAY * 0: source.ask(client, ca.certificate, (OCSP_URL,), now + after)

    return build


def test_a_list_is_fetched_once_and_renewed_when_it_has_aged(ask, ca, client, web):
    """A revocation is seen with the renewal, and not before."""
    web.pages[CRL_URL] = ca.crl()
    assert [ask(n * MINUTE).status for n in range(15)] == [GOOD] * 15
    web.pages[CRL_URL] = ca.crl(client, number=8)
    assert ask(15 * MINUTE - SECOND).status is GOOD
    assert len(web.calls) == 1
    found = ask(15 * MINUTE)
    assert (found.status, found.crl_number, found.url) == (REVOKED, 8, CRL_URL)
    assert len(web.calls) == 2


def test_a_list_is_renewed_at_half_of_its_life_if_that_is_sooner(ask, ca, web):
    """Made an hour ago for the next 80 minutes: half is in ten."""
    web.pages[CRL_URL] = ca.crl(start=-HOUR, end=80 * MINUTE)
    ask()
    ask(10 * MINUTE - SECOND)
    assert len(web.calls) == 1
    ask(10 * MINUTE)
    assert len(web.calls) == 2


def test_past_its_half_an_unchanged_list_is_not_fetched_with_each_request(ask, ca, web):
    """Once in 15 minutes, until the next one is there."""
    web.pages[CRL_URL] = ca.crl(start=-HOUR, end=50 * MINUTE)
    assert [ask(n * MINUTE).status for n in range(31)] == [GOOD] * 31
    assert len(web.calls) == 3


def test_a_list_is_renewed_when_it_ends_however_soon(ask, ca, web):
    """It serves to its last second."""
    web.pages[CRL_URL] = ca.crl(end=10 * SECOND)
    assert ask().status is GOOD
    web.pages[CRL_URL] = ca.crl(number=8, end=DAY)
    assert (ask(9 * SECOND).crl_number, ask(10 * SECOND).crl_number) == (7, 8)


def test_the_list_that_is_kept_serves_until_its_end_if_no_other_comes(ask, ca, web):
    """Then there is no answer, and a new list mends that after the failure's 30 seconds."""
    web.pages[CRL_URL] = ca.crl(end=HOUR)
    ask()
    web.pages = {}
    assert ask(20 * MINUTE).status is GOOD
    assert ask(HOUR).status is GOOD
    late = ask(HOUR + MINUTE)
    assert late.status is UNUSABLE
    assert late.details[0] == f"{CRL_URL} cannot be had (nothing there)"
    assert "stale" in late.details[1]
    web.pages[CRL_URL] = ca.crl(number=8, end=2 * HOUR)
    assert ask(HOUR + MINUTE + 29 * SECOND).status is UNUSABLE
    assert ask(HOUR + MINUTE + 30 * SECOND).status is GOOD


def test_a_dead_server_costs_one_attempt_in_30_seconds(ask, web):
    assert {ask(n * SECOND).status for n in range(30)} == {UNUSABLE}
    assert len(web.calls) == 1
    ask(30 * SECOND)
    assert len(web.calls) == 2


def test_a_replayed_list_is_refused(ask, ca, client, web):
    """Genuine, in date, and made before the revocation: the list that is kept goes on."""
    old = ca.crl(number=7)
    web.pages[CRL_URL] = ca.crl(client, number=8)
    assert ask().status is REVOKED
    web.pages[CRL_URL] = old
    assert ask(20 * MINUTE).status is REVOKED
    web.pages[CRL_URL] = ca.crl(number=8, start=-2 * HOUR)
    assert ask(40 * MINUTE).status is REVOKED
    web.pages[CRL_URL] = ca.crl(number=9)
    assert ask(60 * MINUTE).status is GOOD
    assert len(web.calls) == 4


def test_a_replay_is_said_to_be_one_when_the_kept_list_has_ended(ask, ca, web):
    web.pages[CRL_URL] = ca.crl(number=8, end=HOUR)
    ask()
    web.pages[CRL_URL] = ca.crl(number=7)
    found = ask(2 * HOUR)
    assert found.status is UNUSABLE
    assert found.details[0] == f"{CRL_URL}: its CRL number is 7, after 8: an older list"


def test_a_forged_renewal_does_not_displace_the_list_that_is_kept(ask, ca, client, web):
    web.pages[CRL_URL] = ca.crl(client)
    ask()
    web.pages[CRL_URL] = ca.crl(number=9, by=ca.make.key("stranger"))
    assert ask(HOUR).status is REVOKED
    assert len(web.calls) == 2


def test_a_revocation_does_not_lapse_with_its_list(ask, ca, client, web):
    """Whoever cuts the authorizer off from its source does not get a revoked client in."""
    web.pages[CRL_URL] = ca.crl(client, end=HOUR)
    ask()
    web.pages = {}
    found = ask(DAY)
    assert (found.status, found.reason) == (REVOKED, "keyCompromise")
    assert ask(DAY, ca.client("CN=other")).status is UNUSABLE


def test_each_part_of_a_partitioned_list_is_kept_and_speaks_for_its_own(ca, web, now):
    """Each certificate names its part; a part in another's place is not believed."""

    def part(n, *revoked):
        name = x509.UniformResourceIdentifier(f"http://crl.test/{n}.crl")
        scope = x509.IssuingDistributionPoint(
            [name], None, False, False, None, False, False
        )  # fmt: skip
        return ca.crl(*revoked, more=((scope, True),))

    clients = [ca.client(f"CN=client {n}", crl=(f"http://crl.test/{n}.crl",)) for n in range(3)]
    web.pages = {f"http://crl.test/{n}.crl": part(n, *clients[n : n + n % 2]) for n in range(3)}
    web.pages["http://crl.test/2.crl"] = part(0)
    source = CrlSource(web, SCHEDULE)

    def asked():
        return [
            source.ask(each, ca.certificate, (f"http://crl.test/{n}.crl",), now)
            for n, each in enumerate(clients)
        ]

    assert [each.status for each in asked()] == [GOOD, REVOKED, UNUSABLE]
    assert "which the certificate does not name" in asked()[2].details[0]
    assert len(web.calls) == 3


def test_the_next_url_is_asked_where_one_does_not_speak(ask, ca, client, web):
    """At most three."""
    web.pages = {"http://b.test": b"nonsense", "http://c.test": ca.crl(client)}
    found = ask(urls=("http://a.test", "http://b.test", "http://c.test"))
    assert (found.status, found.url) == (REVOKED, "http://c.test")
    assert [each[:13] for each in found.details] == ["http://a.test", "http://b.test"]
    many = [f"http://{n}.test" for n in range(9)]
    assert ask(urls=[*many, "http://c.test"]).status is UNUSABLE
    assert web.calls[3:] == many[:3]


def test_a_bounded_number_of_lists_is_kept(ca, client, web, now, monkeypatch):
    monkeypatch.setattr(sources, "MOST_LISTS", 2)
    source = CrlSource(web, SCHEDULE)
    urls = [f"http://{n}.test" for n in range(3)]
    web.pages = dict.fromkeys(urls, ca.crl())
    for url in (*urls, urls[2], urls[1], urls[0]):
        assert source.ask(client, ca.certificate, (url,), now).status is GOOD
    assert web.calls == [*urls, urls[0]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_served_the_verdict_is_one_that_a_served_list_gave(data, ca, client, web, now):
    """Random lists at random times: GOOD only if some list served so far says so now."""
    source = CrlSource(web, SCHEDULE)
    served, at = [], now
    for _ in range(data.draw(st.integers(1, 6))):
        at += data.draw(st.integers(0, 7200)) * SECOND
        page = data.draw(st.sampled_from(["good", "revoked", "forged", "absent", "nonsense"]))
        start = at - now - data.draw(st.integers(0, 3600)) * SECOND
        made = ca.crl(
            *([client] if page == "revoked" else []),
            number=data.draw(st.integers(1, 5)), start=start,
            end=start + data.draw(st.integers(1, 7200)) * SECOND,
            by=ca.make.key("stranger") if page == "forged" else None,
        )  # fmt: skip
        web.pages = {CRL_URL: {"absent": None, "nonsense": b"0"}.get(page, made)}
        served.append(made)
        status = source.ask(client, ca.certificate, (CRL_URL,), at).status
        given_now = {check(client, load_crl(each), ca.certificate, at).status for each in served}
        assert status is not GOOD or GOOD in given_now
        assert status is not Revocation.UNKNOWN


def test_an_answer_is_kept_for_its_time_and_then_renewed(responder, ca, client, web, now):
    """It is valid for an hour, and asked for again after 15 minutes."""
    ask = responder()
    web.pages[OCSP_URL] = ca.ocsp(client, now, start=DAY * 0)
    assert [ask(n * MINUTE).status for n in range(15)] == [GOOD] * 15
    assert len(web.calls) == 1
    web.pages[OCSP_URL] = ca.ocsp(client, now, start=DAY * 0, state=rfc6960.OCSPCertStatus.REVOKED)
    found = ask(15 * MINUTE)
    assert (found.status, found.reason, found.url) == (REVOKED, "superseded", OCSP_URL)


def test_the_answer_that_is_kept_serves_until_its_end_if_no_other_comes(
    responder, ca, client, web, now
):
    """A good one; a revoked one serves on."""
    for state, afterwards in (("GOOD", UNUSABLE), ("REVOKED", REVOKED)):
        ask = responder()
        web.pages[OCSP_URL] = ca.ocsp(client, now, state=rfc6960.OCSPCertStatus[state])
        assert ask().status.value == state
        web.pages = {}
        assert ask(HOUR).status.value == state
        assert ask(HOUR + MINUTE).status is afterwards


def test_a_replayed_answer_is_refused(responder, ca, client, web, now):
    """Good, in date, and older than the one that says revoked."""
    ask = responder()
    old = ca.ocsp(client, now, start=-2 * HOUR)
    web.pages[OCSP_URL] = ca.ocsp(client, now, state=rfc6960.OCSPCertStatus.REVOKED)
    assert ask().status is REVOKED
    web.pages[OCSP_URL] = old
    found = ask(20 * MINUTE)
    assert found.status is REVOKED
    assert found.details == (f"{OCSP_URL}: it is older than the answer that is kept",)
    assert responder()().status is GOOD  # who has not seen the newer one cannot know


def test_a_certificate_the_responder_does_not_know_yet_is_asked_about_soon_again(
    responder, ca, client, web, now
):
    ask = responder()
    web.pages[OCSP_URL] = ca.ocsp(client, now, state=rfc6960.OCSPCertStatus.UNKNOWN)
    assert ask().status is Revocation.UNKNOWN
    web.pages[OCSP_URL] = ca.ocsp(client, now)
    assert ask(29 * SECOND).status is Revocation.UNKNOWN
    assert ask(30 * SECOND).status is GOOD


@pytest.mark.parametrize(
    ("required", "sends", "answered", "expected"),
    [
        (False, True, "the same", GOOD),
        (False, True, "none", GOOD),
        (False, True, "another", UNUSABLE),
        (True, True, "the same", GOOD),
        (True, True, "none", UNUSABLE),
        (True, True, "another", UNUSABLE),
        (False, False, "none", GOOD),
        (False, False, "another", GOOD),
    ],
)
def test_a_nonce_that_comes_back_must_be_the_one_that_was_sent(
    responder, ca, client, web, now, required, sends, answered, expected
):
    """AWS Private CA's responder returns none, which is believed unless one is required."""
    fresh = iter([b"a" * 32, b"b" * 32])

    def respond(body):
        request = rfc6960.load_der_ocsp_request(body)
        sent = [each.value.nonce for each in request.extensions]
        assert len(sent) == sends
        back = {"the same": sent, "none": [], "another": [b"x" * 32]}[answered]
        return ca.ocsp(client, now, more=tuple((x509.OCSPNonce(each), False) for each in back))

    web.pages[OCSP_URL] = respond
    ask = responder(nonce=(lambda: next(fresh)) if sends else None, required=required)
    assert ask().status is expected
    assert ask(20 * MINUTE).status is expected
