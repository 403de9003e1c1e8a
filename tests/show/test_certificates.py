from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkilab.errors import MalformedError
from pkilab.pki.certificates import describe
from pkilab.pki.pem import load_certificates, to_pem
from pkilab.show import certificate, side_by_side

Make = Callable[..., x509.Certificate]
USAGE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
NAMES = x509.SubjectAlternativeName([x509.DNSName("a.test")])


def test_a_card_names_every_extension_its_criticality_and_its_meaning(make: Make) -> None:
    made = make("CN=a.test", by="CN=ca", extensions=((USAGE, False), (NAMES, True)))
    card = certificate(made)
    for view in describe(made).extensions:
        for text in (view.name, view.value, view.meaning):
            assert text in repr(card)
            assert text in card._repr_html_()
    assert "  SubjectAlternativeName  [critical]\n    DNS:a.test\n" in repr(card)
    assert "  ExtendedKeyUsage\n    serverAuth\n" in repr(card)
    assert card._repr_html_().count(">critical<") == 2


def test_a_card_says_whose_certificate_by_whom_and_until_when(make: Make) -> None:
    lines = repr(certificate(make("CN=a.test", by="CN=ca", days=90))).splitlines()
    assert lines[:4] == [
        "Certificate  CN=a.test",
        "  Issuer     CN=ca",
        "  Valid      2026-01-01 00:00 UTC → 2026-04-01 00:00 UTC  (90 days)",
        "  Key        EC_prime256v1",
    ]


def test_pem_der_and_object_give_the_same_card(make: Make) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    made = make("CN=a.test")
    sources = (made, to_pem(made), made.public_bytes(Encoding.DER))
    assert len({certificate(source)._repr_html_() for source in sources}) == 1


def test_what_is_no_certificate_is_malformed() -> None:
    with pytest.raises(MalformedError):
        certificate("not a certificate")


def test_a_hostile_name_stays_text(make: Make) -> None:
    made = make(r"CN=\<script\>alert(1)\</script\>, O=moc\E2\80\AEelpmaxe")
    shown = certificate(made)._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script" in shown
    assert "\u202e" not in shown + repr(certificate(made))


def test_a_ca_is_called_one_and_a_leaf_is_not(make: Make) -> None:
    assert "Certificate of a CA" in certificate(make("CN=ca", ca=True))._repr_html_()
    assert "Certificate of a CA" not in certificate(make("CN=leaf"))._repr_html_()


def test_side_by_side_marks_the_rows_that_differ_and_no_other(make: Make) -> None:
    plain = make("CN=a", by="CN=ca")
    served = make("CN=a", by="CN=ca", extensions=((USAGE, False),))
    table = side_by_side({"plain": plain, "served": served})
    rows = {row[1]: row for row in table.rows}
    assert table.columns == ("", "", "plain", "served")
    assert rows["ExtendedKeyUsage"] == ("≠", "ExtendedKeyUsage", "", "serverAuth")
    assert rows["BasicConstraints"] == ("=", "BasicConstraints", *["CA:FALSE\ncritical"] * 2)
    assert {table.rows[number][1] for number in table.marked} == {"ExtendedKeyUsage"}


def test_criticality_alone_is_a_difference(make: Make) -> None:
    one, other = (make("CN=a", extensions=((USAGE, critical),)) for critical in (True, False))
    table = side_by_side({"one": one, "other": other})
    assert {table.rows[number][1] for number in table.marked} == {"ExtendedKeyUsage"}


def test_side_by_side_leaves_out_what_it_is_told_to(make: Make) -> None:
    table = side_by_side({"one": make("CN=a")}, without={"Subject", "BasicConstraints"})
    assert [row[1] for row in table.rows] == ["Issuer", "Validity", "Key", "Signature"]


def test_every_certificate_of_a_strange_collection_has_a_card() -> None:
    """x509-limbo's peers and chains, as they come, shown without an exception."""
    import json

    path = Path(__file__).parents[3] / "shared/conformance/x509_limbo_2023.json"
    if not path.exists():
        pytest.skip("the conformance data lies beside the project, and is not there")
    cases = json.loads(path.read_text())["testcases"]
    pems = {case["peer_certificate"] for case in cases}
    shown = 0
    for pem in sorted(pems):
        try:
            (made,) = load_certificates(pem)
        except MalformedError:
            continue
        assert "<table" in certificate(made)._repr_html_()
        shown += 1
    assert shown > 20
