"""Which names in certificates concern whoever watches some."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.watching import Watchlist, a_labels, dns_names
from pkilab.errors import MalformedError, PkilabError


@pytest.mark.parametrize(
    ("watched", "name", "concerns"),
    [
        ("shop.example", "shop.example", True),
        ("shop.example", "SHOP.Example.", True),
        ("shop.example", "www.shop.example", True),
        ("shop.example", "*.shop.example", True),
        ("shop.example", "a.b.shop.example", True),
        ("www.shop.example", "*.shop.example", True),
        ("shop.example", "*.example", True),
        ("*.shop.example", "shop.example", True),
        ("www.shop.example", "shop.example", False),
        ("www.shop.example", "*.www2.shop.example", False),
        ("a.b.shop.example", "*.shop.example", False),
        ("shop.example", "workshop.example", False),
        ("shop.example", "shop.example.evil.test", False),
        ("shop.example", "shop-example", False),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "BÜCHER.example", True),
        ("bücher.example", "www.xn--bcher-kva.example", True),
        ("bücher.example", "bucher.example", False),
        ("straße.example", "strasse.example", True),  # IDNA 2003
        ("straße.example", "xn--strae-oqa.example", True),  # IDNA 2008
    ],
)
def test_a_name_concerns_itself_what_is_below_and_what_a_wildcard_covers(watched, name, concerns):
    """Whatever the spelling."""
    assert bool(Watchlist([watched]).concerned(name)) is concerns


def test_what_a_name_concerns_is_told():
    """Of several watched names all that it does."""
    watchlist = Watchlist(["shop.example", "www.shop.example", "other.example"])
    assert watchlist.concerned("*.shop.example") == ("shop.example", "www.shop.example")
    assert watchlist.concerned("not a name at all..") == ()


@pytest.mark.parametrize("name", ["", ".", "a..b", "x" * 64 + ".example", "*.", "ü" * 80])
def test_what_is_no_name_is_not_watched(name):
    """It would never be found."""
    with pytest.raises(MalformedError):
        Watchlist([name])


def test_a_watchlist_of_nothing_is_refused():
    """Silence would be taken for good news."""
    with pytest.raises(MalformedError, match="expected at least one"):
        Watchlist([])


@given(st.text(max_size=40))
def test_only_declared_errors_leave(text):
    """Whatever is given for a name."""
    try:
        found = a_labels(text)
    except PkilabError:
        return
    assert found
    assert all(each.isascii() for each in found)


@pytest.mark.parametrize(
    "name",
    ["shop.example", "www.SHOP.example", "*.example", "sub.shop.example"],
)
def test_bytes_mention_a_name_wherever_a_certificate_has_it(make, root, name):
    """As alternative name or common name, in any of the string types."""
    watchlist = Watchlist(["shop.example"])
    alternative = x509.SubjectAlternativeName([x509.DNSName(name)])
    made = make.builder("other", root, bare=True).add_extension(alternative, critical=False)
    assert watchlist.is_mentioned(make.sign(made, root.key).public_bytes(Encoding.DER))
    for kind in ("UTF8String", "PrintableString", "T61String", "BMPString", "UniversalString"):
        attribute = x509.NameAttribute(x509.NameOID.COMMON_NAME, name, _ASN1Type[kind])
        encoded = x509.Name([attribute]).public_bytes()
        assert watchlist.is_mentioned(encoded), kind
    other = make.party("another.example", root, bare=True).certificate
    assert not watchlist.is_mentioned(other.public_bytes(Encoding.DER))


@pytest.mark.parametrize("text", ["bücher.example", "BÜCHER.EXAMPLE", "xn--bcher-kva.example"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be", "utf-32-be", "latin-1"])
def test_bytes_mention_a_name_in_its_own_letters(text, encoding):
    """Someone may write U-labels where A-labels belong."""
    assert Watchlist(["bücher.example"]).is_mentioned(b"\x30\x01" + text.encode(encoding))


def test_names_are_alternative_names_and_common_names(make, root):
    """Each once; addresses and URIs are none."""
    alternative = x509.SubjectAlternativeName(
        [x509.DNSName("a.example"), x509.DNSName("b.example"), x509.RFC822Name("c@c.example")]
    )
    made = make.builder("a.example", root, bare=True).add_extension(alternative, critical=False)
    assert dns_names(make.sign(made, root.key)) == ("a.example", "b.example")
    assert dns_names(make.party("only.example", root, bare=True).certificate) == ("only.example",)


_LABEL = st.text("abcXYZ019-", min_size=1, max_size=6)
_NAME = st.lists(_LABEL, min_size=2, max_size=4).map(".".join)


@given(_NAME, _NAME, st.sampled_from(["{}", "*.{}", "sub.{}"]))
def test_what_concerns_somebody_is_always_mentioned(watched, other, form):
    """The quick look misses nothing that the careful one would find."""
    watchlist = Watchlist([watched])
    for name in (form.format(watched), form.format(other), "*." + watched.partition(".")[2]):
        if watchlist.concerned(name):
            assert watchlist.is_mentioned(b"\x82\x10" + name.encode() + b"\x30")
