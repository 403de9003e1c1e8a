from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from pkilab import transparency
from pkilab.ct.precertificates import scts_of
from pkilab.ct.structures import DigitallySigned, Sct
from pkilab.errors import CtError, LabError, MalformedError, VerificationError
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.revocation import Answer
from pkilab.transparency.promises import _row

LIST = "https://list.ct.pkilab.test/log_list/v3/log_list.json"
octets = st.binary(max_size=80)


class Served:
    """An answer."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body


def test_the_log_list_holds_with_its_publishers_key_and_not_with_another(site) -> None:
    published = site.lab.fetch(LIST.replace("list.json", "list_pubkey.pem")).body
    found = transparency.fetch_log_list(
        site.lab.fetch, LIST, public_key=load_pem_public_key(published)
    )
    assert found == site.log_list
    other = generate_key("RSA_2048", Entropy("other")).public_key()
    with pytest.raises(CtError, match="log list"):
        transparency.fetch_log_list(site.lab.fetch, LIST, public_key=other)


def test_a_list_that_is_not_served_or_is_none_is_an_error() -> None:
    def fetch(url: str, body: bytes | None = None, *, content_type: str = "") -> Answer:
        return Served(200, b"[]") if url.endswith("/none.json") else Served(404, b"nothing here")

    with pytest.raises(LabError, match=r"https://a\.test/list\.json answered 404: nothing here"):
        transparency.fetch_log_list(fetch, "https://a.test/list.json")
    with pytest.raises(MalformedError):
        transparency.fetch_log_list(fetch, "https://a.test/none.json")


def test_every_sct_of_a_public_certificate_holds_and_is_named(site) -> None:
    made, now = site.request("www"), site.lab.clock.now()
    rows = transparency.scts(made.certificate, made.issuer, site.log_list, at=now)
    assert [row.holds for row in rows] == [True] * 3
    assert {row.time for row in rows} == {now}
    assert [row.sct for row in rows] == list(made.scts)
    assert len({row.operator for row in rows}) == 2
    assert transparency.verify(made.certificate, made.issuer, site.log_list, at=now) == made.scts


def test_with_another_issuer_no_sct_holds(site) -> None:
    made = site.request("www")
    rows = transparency.scts(made.certificate, made.root, site.log_list)
    assert not any(row.holds for row in rows)
    with pytest.raises(VerificationError) as caught:
        transparency.verify(made.certificate, made.root, site.log_list)
    assert len(caught.value.reasons) == 3


def test_an_sct_of_a_log_that_is_not_listed_does_not_hold_and_the_others_do(site) -> None:
    made = site.request("www")
    listed = replace(site.log_list, operators=site.log_list.operators[1:])
    rows = transparency.scts(made.certificate, made.issuer, listed)
    assert sorted((row.holds, row.log == "") for row in rows) == [
        (False, True),
        (False, True),
        (True, False),
    ]
    with pytest.raises(VerificationError, match="no log known has the ID"):
        transparency.verify(made.certificate, made.issuer, listed)


def test_an_sct_of_the_future_does_not_hold(site) -> None:
    made, now = site.request("www"), site.lab.clock.now()
    early = now - timedelta(seconds=1)
    with pytest.raises(VerificationError, match="in the future"):
        transparency.verify(made.certificate, made.issuer, site.log_list, at=early)


def test_an_sct_of_no_real_time_has_a_row_and_no_time(site) -> None:
    made, listed = site.request("www"), site.log_list.logs()[0]
    sct = replace(made.scts[0], log_id=listed.log_id, timestamp=2**63)
    row = _row(site.log_list, sct, holds=False, reason="of the future")
    assert (row.log, row.operator, row.time) == (listed.description, "", None)


def test_a_certificate_without_scts_has_no_rows_and_is_not_verified(site) -> None:
    made = site.request("www")
    assert transparency.scts(made.issuer, made.root, site.log_list) == ()
    with pytest.raises(VerificationError, match="there is no SCT in it"):
        transparency.verify(made.issuer, made.root, site.log_list)


@given(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**47),
    octets,
    st.sampled_from([1, 3]),
    octets,
)
def test_the_fields_of_an_sct_are_its_bytes(
    log_id: bytes, timestamp: int, extensions: bytes, algorithm: int, signature: bytes
) -> None:
    sct = Sct(log_id, timestamp, extensions, DigitallySigned(4, algorithm, signature))
    fields = transparency.fields(sct)
    assert b"".join(each.bytes for each in fields) == sct.encode()
    found = {each.field: each for each in fields}
    assert found["log ID"].bytes == log_id
    assert int.from_bytes(found["timestamp"].bytes) == timestamp
    assert found["extensions"].bytes[2:] == extensions
    assert found["signature algorithm"].meaning[0] == str(algorithm)
    assert found["signature"].bytes == signature


def test_fields_say_what_is_there_and_not_what_should_be() -> None:
    sct = Sct(bytes(32), 0, b"", DigitallySigned(2, 2, b"x"))
    meanings = {each.field: each.meaning for each in transparency.fields(sct)}
    for field in ("hash", "signature algorithm"):
        assert meanings[field] == "2: none that a log of version 1 may use"


def test_both_browsers_take_what_acm_issues(site) -> None:
    made, now = site.request("www"), site.lab.clock.now()
    verdicts = transparency.compliance(made.certificate, made.issuer, site.log_list, at=now)
    assert [each.browser for each in verdicts] == ["Chrome", "Apple"]
    assert [(each.accepted, each.reasons) for each in verdicts] == [(True, ())] * 2
    assert all(len(each.counted) == 3 for each in verdicts)


def test_scts_that_do_not_hold_are_not_counted_and_the_reasons_say_so(site) -> None:
    made, now = site.request("www"), site.lab.clock.now()
    verdicts = transparency.compliance(made.certificate, made.root, site.log_list, at=now)
    for each in verdicts:
        assert not each.accepted
        assert each.counted == ()
        assert sum("signature of the SCT" in reason for reason in each.reasons) == 3


def test_no_browser_takes_a_public_certificate_that_no_log_knows(site) -> None:
    now = site.lab.clock.now()
    ca = transparency.UncheckedCa("R", site.lab.generate_key("r"), at=now)
    silent = ca.issue(["www.lab.example"], site.lab.generate_key("s").public_key(), days=90, at=now)
    assert scts_of(silent) == ()
    verdicts = transparency.compliance(silent, ca.certificate, site.log_list, at=now)
    assert not any(each.accepted for each in verdicts)
