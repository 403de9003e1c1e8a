from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki import pem
from pkilab.pki.chains import verify_chain
from pkilab.pki.crl import CrlStatus, Revocation, check, index, load_crl, read_crl

HERE = x509.UniformResourceIdentifier("http://crl.test/part-1.crl")
ELSEWHERE = x509.UniformResourceIdentifier("http://crl.test/part-2.crl")
UNKNOWN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)


def scope(*, name: x509.GeneralName | None = None, **flags: Any) -> Any:
    """Return an issuing distribution point, critical as RFC 5280, 5.2.5 wants it."""
    fields = {
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    } | flags
    point = x509.IssuingDistributionPoint([name] if name else None, None, **fields)
    return {"more": ((point, True),)}


def point(name: x509.GeneralName, crl_issuer: Any = None) -> Any:
    points = [x509.DistributionPoint([name], None, None, crl_issuer)]
    return (x509.CRLDistributionPoints(points), False)


# What is wrong with the list, and what must be said. "" is a usable list.
LISTS: dict[str, tuple[dict[str, Any], str]] = {
    "as AWS makes it": ({}, ""),
    "not yet valid": ({"start": timedelta(seconds=1)}, "not yet valid"),
    "from this second on": ({"start": timedelta()}, ""),
    "stale": ({"end": timedelta(seconds=-1)}, "stale"),
    "until this second": ({"end": timedelta()}, ""),
    "another signer": ({"signed_by": "stranger"}, "its signature is not the issuer's"),
    "another issuer": ({"issuer_name": "CN=other"}, "by another issuer, CN=other"),
    "another key named": ({"authority": "stranger"}, "it names another issuer key"),
    "unknown critical extension": ({"more": (UNKNOWN,)}, "unknown critical extension, 1.2.3.4"),
    "unknown extension": ({"more": ((UNKNOWN[0], False),)}, ""),
    "unknown critical entry extension": ({"entry_more": (UNKNOWN,)}, "an entry has an unknown"),
    "unknown entry extension": ({"entry_more": ((UNKNOWN[0], False),)}, ""),
    "delta": ({"more": ((x509.DeltaCRLIndicator(1), True),)}, "delta CRL"),
    "indirect": (scope(indirect_crl=True), "indirect CRL"),
    "indirect entry": (
        {"entry_more": ((x509.CertificateIssuer([x509.DirectoryName(x509.Name([]))]), True),)},
        "entries name other issuers",
    ),
    "for attribute certificates": (
        scope(only_contains_attribute_certs=True),
        "attribute certificates only",
    ),
    "for CAs": (scope(only_contains_ca_certs=True), "CA certificates only"),
    "for end entities": (scope(only_contains_user_certs=True), ""),
    "for some reasons": (
        scope(only_some_reasons=frozenset([x509.ReasonFlags.key_compromise])),
        "some reasons only",
    ),
    "this part": (scope(name=HERE), ""),
    "another part": (scope(name=ELSEWHERE), "the part for URI:http://crl.test/part-2.crl"),
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("listed", [False, True])
def test_a_list_speaks_or_says_why_it_cannot(
    name: str,
    listed: bool,  # noqa: FBT001 - a table
    make: Any,
    now: datetime,
) -> None:
    """Usable lists say good and revoked, and unusable ones neither."""
    arguments, reason = LISTS[name]
    issuer = make("CN=issuing", ca=True)
    leaf = make("CN=leaf", issuer, more=(point(HERE),)).certificate
    other = make("CN=revoked", issuer).certificate
    strangers = {
        key: make.key("stranger") for key in ("signed_by", "authority") if key in arguments
    }
    revoked = (other, leaf) if listed else (other,)
    crl = make.crl(issuer, revoked, **arguments | strangers)
    status = check(leaf, crl, issuer.certificate, now)
    if reason:
        assert status.status is Revocation.UNUSABLE
        assert any(reason in each for each in status.reasons), status.reasons
    elif listed:
        began = now + arguments.get("start", timedelta(hours=-1))
        assert status == CrlStatus(Revocation.REVOKED, revoked_at=began, reason="keyCompromise")
    else:
        assert status == CrlStatus(Revocation.GOOD)


@pytest.mark.parametrize("name", [name for name in LISTS if "second" not in name])
def test_openssl_believes_no_list_that_is_unusable(
    name: str, make: Any, now: datetime, openssl: Callable[..., Any]
) -> None:
    """The witness also refuses each unusable list, and takes each usable one."""
    arguments, reason = LISTS[name]
    issuer = make("CN=issuing", ca=True)
    leaf = make("CN=leaf", issuer, more=(point(HERE),)).certificate
    strangers = {
        key: make.key("stranger") for key in ("signed_by", "authority") if key in arguments
    }
    crl = make.crl(issuer, (make("CN=revoked", issuer).certificate,), **arguments | strangers)
    done = openssl(
        "verify", "-crl_check", "-attime", str(int(now.timestamp())), "-CAfile",
        issuer.certificate, "-CRLfile", crl, leaf,
    )  # fmt: skip
    # Without -use_deltas OpenSSL takes a delta as a list like any other (RFC 5280, 5.2.4: it is
    # not complete), and it skips entries of other issuers instead of refusing the list.
    lenient = {"delta", "indirect entry"}
    assert (done.returncode == 0) == (not reason or name in lenient), done.stderr
    trusted = verify_chain(leaf, roots=[issuer.certificate], at=now, crls=[crl]).trusted
    assert trusted == (not reason)


def test_a_list_for_end_entities_says_nothing_of_a_ca(make: Any, now: datetime) -> None:
    root = make("CN=root", ca=True)
    ca = make("CN=issuing", root, ca=True).certificate
    for flag, expected in (
        ("only_contains_user_certs", Revocation.UNUSABLE),
        ("only_contains_ca_certs", Revocation.GOOD),
    ):
        crl = make.crl(root, **scope(name=None, **{flag: True}))
        assert check(ca, crl, root.certificate, now).status is expected


def test_a_part_needs_a_distribution_point_in_the_certificate(make: Any, now: datetime) -> None:
    """RFC 5280, 6.3.3 (b)(2): none, another, or another issuer's point is not enough."""
    issuer = make("CN=issuing", ca=True)
    crl = make.crl(issuer, **scope(name=HERE))
    directory = [x509.DirectoryName(issuer.certificate.subject)]
    for more in ((), (point(ELSEWHERE),), (point(HERE, directory),)):
        leaf = make("CN=leaf", issuer, more=more).certificate
        assert check(leaf, crl, issuer.certificate, now).status is Revocation.UNUSABLE
    leaf = make("CN=leaf", issuer, more=(point(HERE),)).certificate
    assert check(leaf, crl, issuer.certificate, now).status is Revocation.GOOD


def test_a_certificate_that_names_another_crl_issuer_needs_its_list(
    make: Any, now: datetime
) -> None:
    issuer = make("CN=issuing", ca=True)
    other = [x509.DirectoryName(make("CN=other").certificate.subject)]
    leaf = make("CN=leaf", issuer, more=(point(HERE, other),)).certificate
    status = check(leaf, make.crl(issuer), issuer.certificate, now)
    assert status.reasons == ("the certificate names another CRL issuer",)


def test_the_issuer_must_be_the_certificates_own(make: Any, now: datetime) -> None:
    issuer = make("CN=issuing", ca=True)
    impostor = make("CN=issuing", ca=True, key_label="impostor")
    leaf = make("CN=leaf", issuer).certificate
    status = check(leaf, make.crl(impostor), impostor.certificate, now)
    assert status.status is Revocation.UNUSABLE
    assert status.reasons == ("the issuer given did not issue the certificate",)
    assert check(leaf, make.crl(issuer), issuer.certificate, now).status is Revocation.GOOD


def test_the_signer_must_be_a_ca_that_may_sign_lists(make: Any, now: datetime) -> None:
    no_ca = make("CN=issuing")
    leaf = make("CN=leaf", no_ca).certificate
    status = check(leaf, make.crl(no_ca), no_ca.certificate, now)
    assert set(status.reasons) == {
        "its signer is not a CA",
        "its signer's key may not sign CRLs (key usage)",
    }


def test_a_list_made_after_the_certificate_ended_proves_nothing_by_silence(
    make: Any, now: datetime
) -> None:
    """RFC 5280, 5: entries may go once the certificate has expired."""
    issuer = make("CN=issuing", ca=True)
    ended = make("CN=leaf", issuer, start=timedelta(days=-9), end=timedelta(days=-1)).certificate
    silent = check(ended, make.crl(issuer), issuer.certificate, now)
    assert silent.status is Revocation.UNUSABLE
    listed = check(ended, make.crl(issuer, (ended,)), issuer.certificate, now)
    assert listed.status is Revocation.REVOKED


def test_a_list_reads_as_openssl_reads_it(make: Any, openssl: Callable[..., Any]) -> None:
    issuer = make("C=FR, CN=issuing", ca=True)
    leaf = make("CN=leaf", issuer, serial=0x1234).certificate
    crl = make.crl(issuer, (leaf,), **scope(name=HERE))
    view = read_crl(crl.public_bytes(Encoding.PEM))
    assert view == read_crl(crl.public_bytes(Encoding.DER))
    (entry,) = view.entries
    assert (view.issuer, view.number, view.is_delta) == ("CN=issuing,C=FR", 7, False)
    assert view.scope == "URI:http://crl.test/part-1.crl"
    assert entry.serial.endswith("12:34")
    assert entry.reason == "keyCompromise"
    shown = openssl("crl", "-noout", "-text", "-in", crl).stdout
    assert "Serial Number: 1234" in shown
    assert "Key Compromise" in shown
    assert view.authority_key_identifier is not None
    assert view.authority_key_identifier.upper() in shown


def test_a_reason_may_be_absent(make: Any, now: datetime) -> None:
    issuer = make("CN=issuing", ca=True)
    leaf = make("CN=leaf", issuer).certificate
    status = check(leaf, make.crl(issuer, (leaf,), reason=None), issuer.certificate, now)
    assert (status.status, status.reason) == (Revocation.REVOKED, None)


def test_a_view_is_checked_like_the_list_itself(make: Any, now: datetime) -> None:
    issuer = make("CN=issuing", ca=True)
    leaf = make("CN=leaf", issuer).certificate
    view = read_crl(make.crl(issuer, (leaf,)).public_bytes(Encoding.DER))
    assert check(leaf, view, issuer.certificate, now).status is Revocation.REVOKED
    with pytest.raises(MalformedError, match="without a zone"):
        check(leaf, view, issuer.certificate, now.replace(tzinfo=None))


@given(data=st.data())
def test_a_damaged_list_is_malformed_or_unusable(data: Any, make: Any, now: datetime) -> None:
    """One byte changed anywhere never makes good of revoked."""
    issuer = make("CN=issuing", ca=True)
    leaf = make("CN=leaf", issuer).certificate
    raw = bytearray(make.crl(issuer, (leaf,)).public_bytes(Encoding.DER))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    try:
        read_crl(bytes(raw))
        status = check(leaf, load_crl(bytes(raw)), issuer.certificate, now)
    except MalformedError:
        return
    assert status.status is Revocation.UNUSABLE


@given(st.binary() | st.text())
def test_any_input_is_a_list_or_malformed(data: bytes | str) -> None:
    with pytest.raises(MalformedError):
        read_crl(data)


def test_exactly_one_list_is_read(make: Any) -> None:
    issuer = make("CN=issuing", ca=True)
    text = make.crl(issuer).public_bytes(Encoding.PEM)
    with pytest.raises(MalformedError, match="2 of them"):
        load_crl(text + text)
    with pytest.raises(MalformedError, match="a block of kind CERTIFICATE"):
        load_crl(pem.to_pem(issuer.certificate))


@pytest.mark.parametrize("name", LISTS)
def test_an_index_answers_as_the_list_does(name: str, make: Any, now: datetime) -> None:
    """For one listed, one not, one that has ended, a CA, and one of another issuer; at any time."""
    arguments, reason = LISTS[name]
    issuer, other = make("CN=issuing", ca=True), make("CN=other", ca=True)
    more = (point(HERE),)
    ended = {"start": timedelta(days=-9), "end": timedelta(days=-1)}
    asked = [
        make("CN=leaf", issuer, more=more).certificate,
        make("CN=revoked", issuer, more=more).certificate,
        make("CN=ended", issuer, more=more, **ended).certificate,
        make("CN=ca", issuer, more=more, ca=True).certificate,
        make("CN=leaf", issuer).certificate,
        make("CN=leaf", other, more=more).certificate,
    ]
    strangers = {
        key: make.key("stranger") for key in ("signed_by", "authority") if key in arguments
    }
    crl = make.crl(issuer, (asked[1],), **arguments | strangers)
    built = index(crl, issuer.certificate)
    for certificate in asked:
        for at in (now - timedelta(days=1), now, now + timedelta(days=30)):
            said = built.status(certificate, at)
            assert said == check(certificate, crl, issuer.certificate, at)
            assert said == built.status(certificate, at)
    said = [built.status(each, now).status for each in asked[:2]]
    unusable = [Revocation.UNUSABLE] * 2
    assert said == (unusable if reason else [Revocation.GOOD, Revocation.REVOKED])


@given(
    revoked=st.lists(st.integers(1, 40), max_size=12),
    serial=st.integers(1, 40),
    life=st.tuples(st.integers(-90, 90), st.integers(0, 90)),
    minutes=st.integers(-120, 200),
)
def test_an_index_finds_what_a_search_of_the_list_finds(
    revoked: list[int], serial: int, life: tuple[int, int], minutes: int, make: Any, now: datetime
) -> None:
    """Any list, serial number and time, against cryptography's own search, twice listed or not."""
    issuer = make("CN=issuing", ca=True)
    start = timedelta(minutes=life[0])
    leaves = {n: make("CN=leaf", issuer, serial=n).certificate for n in {*revoked, serial}}
    crl = make.crl(
        issuer, tuple(leaves[n] for n in revoked),
        start=start, end=start + timedelta(minutes=life[1]),
    )  # fmt: skip
    said = index(crl, issuer.certificate).status(leaves[serial], now + timedelta(minutes=minutes))
    entry = crl.get_revoked_certificate_by_serial_number(serial)
    if not life[0] <= minutes <= sum(life):
        assert said.status is Revocation.UNUSABLE
    elif entry is None:
        assert said == CrlStatus(Revocation.GOOD)
    else:
        assert said == CrlStatus(Revocation.REVOKED, (), now + start, "keyCompromise")
        assert said.revoked_at == entry.revocation_date_utc


def test_an_index_tells_what_is_wrong_with_the_list_itself(make: Any, now: datetime) -> None:
    """Before anyone asks about a certificate; a good list has no problems and its number."""
    issuer = make("CN=issuing", ca=True)
    good = index(make.crl(issuer, number=12), issuer.certificate)
    assert (good.number, good.problems, good.untimely(now)) == (12, (), ())
    forged = index(make.crl(issuer, signed_by=make.key("stranger")), issuer.certificate)
    assert forged.problems == ("its signature is not the issuer's",)
    assert good.untimely(now + timedelta(days=8))[0].startswith("it is stale")
    with pytest.raises(MalformedError, match="without a zone"):
        good.untimely(now.replace(tzinfo=None))
    with pytest.raises(MalformedError, match="without a zone"):
        good.status(make("CN=leaf", issuer).certificate, now.replace(tzinfo=None))


def test_the_first_of_two_entries_counts_in_an_index_too(make: Any, now: datetime) -> None:
    """As in cryptography's search."""
    issuer = make("CN=issuing", ca=True)
    leaf = make("CN=leaf", issuer).certificate
    crl = make.crl(issuer, (leaf, leaf))
    assert len(crl) == 2
    assert len(index(crl, issuer.certificate).entries) == 1
