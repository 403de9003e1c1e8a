"""Paths made here, each accepted one beside refused ones, with openssl as witness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki import pem
from pkilab.pki.chains import (
    Purpose,
    build_chain,
    order_chain,
    verify_chain,
    why_not_trusted,
)

BOTH = (Usage.SERVER_AUTH, Usage.CLIENT_AUTH)
UNKNOWN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)


@dataclass
class Case:
    """A chain, what is asked of it, and what must be among the reasons ("" for trusted)."""

    reason: str
    root: dict[str, Any] = field(default_factory=dict)
    issuing: dict[str, Any] = field(default_factory=dict)
    leaf: dict[str, Any] = field(default_factory=dict)
    purpose: Purpose = Purpose.SERVER_AUTH
    name: str | None = "a.test"
    shift: timedelta = timedelta()
    witness: bool | None = None  # what openssl says, where it differs (None: the same)


LATER = timedelta(days=366)
CONSTRAINT = x509.NameConstraints([x509.DNSName("b.test")], None)
TOO_WIDE = x509.NameConstraints([x509.DNSName("test")], None)

# Names follow NIST's PKITS where it has a section for them.
CASES = {
    "valid path": Case(""),
    "valid path, no name asked": Case("", name=None),
    "valid path, ML-DSA": Case(
        "",
        root={"algorithm": "ML_DSA_65"},
        issuing={"algorithm": "ML_DSA_44"},
        witness=False,  # OpenSSL 3.0 does not know ML-DSA
    ),
    "valid path, P-521": Case("", root={"algorithm": "EC_secp521r1"}),
    "valid path, Ed25519 leaf": Case("", leaf={"algorithm": "Ed25519"}, name=None),
    "4.1.2 invalid CA signature": Case(
        "the signature of CN=issuing", issuing={"signed_by": "a stranger"}
    ),
    "4.1.3 invalid EE signature": Case(
        "the signature of CN=leaf", leaf={"signed_by": "a stranger"}
    ),
    "4.2.1 CA not yet valid": Case(
        "CN=issuing is not yet valid", issuing={"start": timedelta(days=1)}
    ),
    "4.2.2 EE not yet valid": Case("CN=leaf is not yet valid", leaf={"start": timedelta(days=1)}),
    "4.2.5 CA expired": Case("CN=issuing has expired", issuing={"end": timedelta(days=-0.01)}),
    "4.2.6 EE expired": Case("CN=leaf has expired", leaf={"end": timedelta(days=-0.01)}),
    "in the last second": Case(
        "",
        leaf={"end": timedelta(days=1)},
        shift=timedelta(days=1),
        witness=False,  # OpenSSL 3.0 ends a second before RFC 5280, 4.1.2.5
    ),
    "a second too late": Case(
        "CN=leaf has expired",
        leaf={"end": timedelta(days=1)},
        shift=timedelta(days=1, seconds=1),
    ),
    "root expired": Case("CN=root has expired", root={"end": timedelta(days=-0.01)}),
    "4.3.1 name chaining": Case("is missing", leaf={"issuer_name": "CN=other"}),
    "4.6.1 no basic constraints": Case(
        "CN=issuing issued CN=leaf and is not a CA", issuing={"without": (x509.BasicConstraints,)}
    ),
    "4.6.2 not a CA": Case("is not a CA", issuing={"ca": False}),
    "4.6.7 path length 0 is enough": Case("", issuing={"path_length": 0}),
    "4.6.5 path length exceeded": Case("path length", root={"path_length": 0}),
    "4.7.1 CA without keyCertSign": Case("may not sign certificates", issuing={"cert_sign": False}),
    "4.13 name in permitted subtree": Case("", issuing={"more": ((TOO_WIDE, True),)}),
    "4.13 name out of permitted subtree": Case(
        "permitted subtree violation", issuing={"more": ((CONSTRAINT, True),)}
    ),
    "4.16 unknown extension, not critical": Case("", leaf={"more": ((UNKNOWN[0], False),)}),
    "4.16 unknown critical extension": Case("1.2.3.4", leaf={"more": (UNKNOWN,)}),
    "wrong name": Case("is not for b.test: it is for DNS:a.test", name="b.test"),
    "no name in the certificate": Case("no subject alternative name", leaf={"dns": ()}),
    "wildcard": Case("", leaf={"dns": ("*.lab.test",)}, name="a.lab.test"),
    "wildcard over two labels": Case(
        "is not for a.b.lab.test", leaf={"dns": ("*.lab.test",)}, name="a.b.lab.test"
    ),
    "wildcard over a top level": Case("is not for a.test", leaf={"dns": ("*.test",)}),
    "client": Case("", purpose=Purpose.CLIENT_AUTH, name=None),
    "client without names": Case("", purpose=Purpose.CLIENT_AUTH, name=None, leaf={"dns": ()}),
    "client certificate as server": Case(
        "wrong purpose: it is for clientAuth", leaf={"usages": (Usage.CLIENT_AUTH,)}
    ),
    "server certificate as client": Case(
        "wrong purpose", purpose=Purpose.CLIENT_AUTH, name=None, leaf={"usages": BOTH[:1]}
    ),
    "issuer for other purposes": Case(
        "is a CA for other purposes", issuing={"usages": (Usage.CODE_SIGNING,)}
    ),
    "code signing": Case(
        "", purpose=Purpose.CODE_SIGNING, name=None, leaf={"usages": (Usage.CODE_SIGNING,)}
    ),
    "no code signing": Case(
        "wrong purpose",
        purpose=Purpose.CODE_SIGNING,
        name=None,
        witness=True,  # OpenSSL 3.0 has no such purpose
    ),
    "no usage at all, code signing": Case(
        "does not say codeSigning",
        purpose=Purpose.CODE_SIGNING,
        name=None,
        leaf={"usages": ()},
        witness=True,
    ),
    "no authority key identifier": Case(
        "does not name its issuer's key",
        leaf={"without": (x509.AuthorityKeyIdentifier,)},
    ),
}


def build(make: Any, case: Case) -> tuple[Any, Any, Any]:
    """Make root, issuing CA and leaf, each wrong where the case wants it."""

    def party(subject: str, issuer: Any, options: dict[str, Any]) -> Any:
        stranger = options.get("signed_by")
        return make(
            subject, issuer, **options | {"signed_by": make.key(stranger) if stranger else None}
        )

    root = party("CN=root", None, {"ca": True, "end": timedelta(days=3650)} | case.root)
    issuing = party("CN=issuing", root, {"ca": True, "end": timedelta(days=999)} | case.issuing)
    leaf = party("CN=leaf", issuing, {"usages": BOTH, "dns": ("a.test",)} | case.leaf)
    return root.certificate, issuing.certificate, leaf.certificate


@pytest.mark.parametrize("name", CASES)
def test_a_path_is_trusted_or_refused_for_the_reason_given(
    name: str, make: Any, now: datetime
) -> None:
    case = CASES[name]
    root, issuing, leaf = build(make, case)
    verdict = verify_chain(
        leaf,
        intermediates=[issuing],
        roots=[root],
        at=now + case.shift,
        purpose=case.purpose,
        name=case.name,
    )
    assert verdict.trusted == (not case.reason), verdict.reasons
    assert bool(verdict.reasons) != verdict.trusted
    if case.reason:
        assert any(case.reason in reason for reason in verdict.reasons), verdict.reasons


@pytest.mark.parametrize("name", CASES)
def test_openssl_agrees(name: str, make: Any, now: datetime, openssl: Callable[..., Any]) -> None:
    """The outside witness says the same, except where the case says it does not look."""
    case = CASES[name]
    root, issuing, leaf = build(make, case)
    purpose = {
        Purpose.SERVER_AUTH: ("-purpose", "sslserver"),
        Purpose.CLIENT_AUTH: ("-purpose", "sslclient"),
    }.get(case.purpose, ())
    host = ("-verify_hostname", case.name) if case.name else ()
    time = str(int((now + case.shift).timestamp()))
    done = openssl(
        "verify", "-x509_strict", "-attime", time, *purpose, *host,
        "-CAfile", root, "-untrusted", issuing, leaf,
    )  # fmt: skip
    expected = not case.reason if case.witness is None else case.witness
    assert (done.returncode == 0) == expected, done.stderr


def test_only_roots_given_are_trusted(make: Any, now: datetime) -> None:
    """A self-signed certificate among the intermediates anchors nothing."""
    root, issuing, leaf = build(make, Case(""))
    other = make("CN=other root", ca=True).certificate
    verdict = verify_chain(leaf, intermediates=[issuing, root], roots=[other], at=now)
    assert not verdict.trusted
    assert verdict.reasons == (
        "no path to a trusted root: CN=root is self-signed and not among the roots",
    )
    assert verify_chain(leaf, intermediates=[issuing, root], roots=[other, root], at=now).trusted
    assert not verify_chain(leaf, intermediates=[issuing, root], roots=[], at=now).trusted


def test_a_missing_intermediate_is_named(make: Any, now: datetime) -> None:
    root, _, leaf = build(make, Case(""))
    verdict = verify_chain(leaf, roots=[root], at=now)
    assert verdict.reasons == (
        "no path to a trusted root: the issuer of CN=leaf, CN=issuing, is missing",
    )
    assert verdict.chain == (leaf,)


def test_all_reasons_are_said_at_once(make: Any, now: datetime) -> None:
    """An expired client certificate for another name, under a forbidden name: four reasons."""
    case = Case(
        "all",
        issuing={"more": ((CONSTRAINT, True),)},
        leaf={"usages": (Usage.CLIENT_AUTH,), "end": timedelta(days=-0.01)},
    )
    root, issuing, leaf = build(make, case)
    arguments: dict[str, Any] = {
        "intermediates": [issuing],
        "roots": [root],
        "at": now,
        "purpose": Purpose.SERVER_AUTH,
        "name": "c.test",
    }
    reasons = verify_chain(leaf, **arguments).reasons
    expected = ("expired", "not for c.test", "wrong purpose", "permitted subtree")
    assert len(reasons) == len(expected)
    assert all(any(word in reason for reason in reasons) for word in expected)
    paragraph = why_not_trusted(leaf, **arguments)
    assert paragraph.startswith("Not trusted: ")
    assert all(reason in paragraph for reason in reasons)
    assert "\n" not in paragraph


def test_another_path_is_taken_when_the_first_is_expired(make: Any, now: datetime) -> None:
    """Two certificates of one CA key, the older expired: the newer serves, whatever the order."""
    root = make("CN=root", ca=True)
    old = make("CN=issuing", root, ca=True, end=timedelta(minutes=-1), serial=11).certificate
    new = make("CN=issuing", root, ca=True, serial=12)
    leaf = make("CN=leaf", new).certificate
    for pool in ([old, new.certificate], [new.certificate, old]):
        verdict = verify_chain(leaf, intermediates=pool, roots=[root.certificate], at=now)
        assert verdict.trusted
        assert verdict.chain == (leaf, new.certificate, root.certificate)
    refused = verify_chain(leaf, intermediates=[old], roots=[root.certificate], at=now)
    assert refused.reasons[0].startswith("CN=issuing has expired")


def test_a_loop_of_cross_signed_cas_ends(make: Any, now: datetime) -> None:
    first, second = make("CN=one", ca=True), make("CN=two", ca=True)
    crossed = [
        make("CN=one", second, ca=True).certificate,
        make("CN=two", first, ca=True).certificate,
    ]
    leaf = make("CN=leaf", first).certificate
    root = make("CN=root", ca=True).certificate
    assert not verify_chain(leaf, intermediates=crossed, roots=[root], at=now).trusted
    with_root = [first.certificate]
    assert verify_chain(leaf, intermediates=crossed, roots=with_root, at=now).trusted


def test_self_issued_certificates_do_not_count_towards_path_length(
    make: Any, now: datetime
) -> None:
    """RFC 5280, 4.2.1.4: a CA that rolled its key over."""
    root = make("CN=root", ca=True)
    old = make("CN=issuing", root, ca=True, path_length=0, key_label="old")
    new = make("CN=issuing", old, ca=True, path_length=0, key_label="new", serial=77)
    leaf = make("CN=leaf", new, usages=BOTH, dns=("a.test",)).certificate
    question: dict[str, Any] = {
        "roots": [root.certificate],
        "at": now,
        "purpose": Purpose.SERVER_AUTH,
    }
    pool = [old.certificate, new.certificate]
    assert verify_chain(leaf, intermediates=pool, name="a.test", **question).trusted
    third = make("CN=third", new, ca=True)
    below = make("CN=leaf", third, usages=BOTH, dns=("a.test",)).certificate
    pool.append(third.certificate)
    verdict = verify_chain(below, intermediates=pool, name="a.test", **question)
    assert any("path length" in reason for reason in verdict.reasons)


def test_an_anchor_need_not_be_self_signed(make: Any, now: datetime) -> None:
    """RFC 5280, 6.1.1: the anchor is what the caller says, and nothing above it is looked at."""
    _, issuing, leaf = build(make, Case(""))
    assert verify_chain(leaf, roots=[issuing], at=now).chain == (leaf, issuing)
    assert not verify_chain(leaf, roots=[], intermediates=[issuing], at=now).trusted


def test_a_ca_is_judged_for_any_purpose_and_is_no_server(make: Any, now: datetime) -> None:
    root, issuing, _ = build(make, Case(""))
    assert verify_chain(issuing, roots=[root], at=now).trusted
    assert verify_chain(root, roots=[root], at=now).trusted
    refused = verify_chain(issuing, roots=[root], at=now, purpose=Purpose.CLIENT_AUTH)
    assert any("is a CA certificate" in reason for reason in refused.reasons)


def test_depth_is_limited_on_request(make: Any, now: datetime) -> None:
    root, issuing, leaf = build(make, Case(""))
    arguments: dict[str, Any] = {"intermediates": [issuing], "roots": [root], "at": now}
    assert verify_chain(leaf, max_depth=1, **arguments).trusted
    assert not verify_chain(leaf, max_depth=0, **arguments).trusted


def test_addresses_are_compared_as_addresses(make: Any, now: datetime) -> None:
    alternative = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("192.0.2.1"))])
    case = Case("", leaf={"dns": (), "more": ((alternative, False),)})
    root, issuing, leaf = build(make, case)
    arguments: dict[str, Any] = {
        "intermediates": [issuing],
        "roots": [root],
        "at": now,
        "purpose": Purpose.SERVER_AUTH,
    }
    assert verify_chain(leaf, name="192.0.2.1", **arguments).trusted
    assert not verify_chain(leaf, name="192.0.2.2", **arguments).trusted
    assert not verify_chain(leaf, name="not a name", **arguments).trusted


def test_the_first_certificate_of_the_seed_is_refused(
    make: Any, now: datetime, openssl: Callable[..., Any], tmp_path: Any
) -> None:
    """``openssl x509 -req`` without an extension file makes X.509 v1: no purpose can be read."""
    root = make("CN=root", ca=True)
    from pkilab.pki.keys import write_private_key

    key = str(write_private_key(root.key, tmp_path / "key.pem"))
    leaf_key = str(write_private_key(make.key("v1"), tmp_path / "leaf.pem"))
    request = openssl("req", "-new", "-key", leaf_key, "-subj", "/CN=v1").stdout
    done = openssl("x509", "-req", "-in", file(tmp_path, request), "-CA", root.certificate,
                   "-CAkey", key, "-set_serial", "7", "-days", "36500")  # fmt: skip
    leaf = pem.load_certificate(done.stdout)
    assert leaf.version is x509.Version.v1
    later = max(now, leaf.not_valid_before_utc)
    arguments: dict[str, Any] = {"roots": [root.certificate], "at": later}
    assert verify_chain(leaf, **arguments).trusted
    refused = verify_chain(leaf, purpose=Purpose.CLIENT_AUTH, **arguments)
    assert any("X.509 v1" in reason for reason in refused.reasons)


def file(folder: Any, text: str) -> str:
    path = folder / "request.pem"
    path.write_text(text)
    return str(path)


def test_broken_extensions_are_a_reason_and_raise_nothing(make: Any, now: datetime) -> None:
    """A damaged basic constraints value, and the same extension twice."""
    root, issuing, leaf = build(make, Case(""))
    for broken in (damage(leaf, b"\x55\x1d\x13"), damage(leaf, b"\x55\x1d\x0f")):
        verdict = verify_chain(broken, intermediates=[issuing], roots=[root], at=now)
        assert any("cannot be read" in reason for reason in verdict.reasons)


def damage(certificate: x509.Certificate, oid: bytes) -> x509.Certificate:
    """Spoil the first byte of an extension's value."""
    der = bytearray(certificate.public_bytes(Encoding.DER))
    octets = der.index(b"\x04", der.index(oid) + len(oid))
    der[octets + 2] ^= 0x0F
    return x509.load_der_x509_certificate(bytes(der))


@given(data=st.data())
def test_a_certificate_changed_in_one_byte_is_never_trusted(
    data: Any, make: Any, now: datetime
) -> None:
    """Leaf or issuer, any byte: malformed, or a verdict with reasons; no error leaves."""
    root, issuing, leaf = build(make, Case(""))
    path = [leaf, issuing]
    index = data.draw(st.integers(0, 1))
    raw = bytearray(path[index].public_bytes(Encoding.DER))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        path[index] = pem.load_certificate(bytes(raw))
    except MalformedError:
        return
    verdict = verify_chain(
        path[0],
        intermediates=path[1:],
        roots=[root],
        at=now,
        purpose=Purpose.SERVER_AUTH,
        name="a.test",
    )
    assert not verdict.trusted
    assert verdict.reasons


def test_revocation_needs_a_list_for_every_certificate_below_the_root(
    make: Any, now: datetime, openssl: Callable[..., Any]
) -> None:
    root = make("CN=root", ca=True)
    issuing = make("CN=issuing", root, ca=True)
    leaf = make("CN=leaf", issuing).certificate
    of_root, of_issuing = make.crl(root), make.crl(issuing)
    stale = make.crl(issuing, start=timedelta(days=-9), end=timedelta(days=-1))
    cases = {
        "": (of_root, of_issuing),
        "no CRL of CN=issuing is at hand for CN=leaf": (of_root,),
        "no CRL of CN=root is at hand for CN=issuing": (of_issuing,),
        "CN=leaf was revoked": (of_root, make.crl(issuing, (leaf,))),
        "CN=issuing was revoked": (make.crl(root, (issuing.certificate,)), of_issuing),
        "it is stale": (of_root, stale),
        "signature is not the issuer's": (of_root, make.crl(issuing, signed_by=root.key)),
    }
    for reason, crls in cases.items():
        verdict = verify_chain(
            leaf,
            intermediates=[issuing.certificate],
            roots=[root.certificate],
            at=now,
            crls=crls,
        )
        assert verdict.trusted == (not reason), verdict.reasons
        assert not reason or any(reason in each for each in verdict.reasons), verdict.reasons
        done = openssl(
            "verify", "-crl_check_all", "-attime", str(int(now.timestamp())), "-CAfile",
            root.certificate, "-untrusted", issuing.certificate, "-CRLfile", crls, leaf,
        )  # fmt: skip
        assert (done.returncode == 0) == verdict.trusted, done.stderr
    unlooked = verify_chain(
        leaf, intermediates=[issuing.certificate], roots=[root.certificate], at=now
    )
    assert unlooked.trusted
    nothing = verify_chain(
        leaf, intermediates=[issuing.certificate], roots=[root.certificate], at=now, crls=()
    )
    assert not nothing.trusted


def test_a_time_without_a_zone_is_refused(make: Any, now: datetime) -> None:
    root, _, leaf = build(make, Case(""))
    with pytest.raises(MalformedError, match="without a zone"):
        verify_chain(leaf, roots=[root], at=now.replace(tzinfo=None))
    assert issubclass(MalformedError, ValueError)


def test_a_chain_is_put_in_order(make: Any) -> None:
    root, issuing, leaf = build(make, Case(""))
    for shuffled in ((root, leaf, issuing), (leaf, issuing, root), (issuing, root, leaf, leaf)):
        assert order_chain(shuffled) == (leaf, issuing, root)
    for wrong in ((), (leaf, root), (leaf, issuing, make("CN=stranger").certificate)):
        with pytest.raises(MalformedError, match="one chain"):
            order_chain(wrong)


def test_a_chain_is_built_as_far_as_it_goes(make: Any) -> None:
    root, issuing, leaf = build(make, Case(""))
    impostor = make("CN=issuing", ca=True, key_label="impostor").certificate
    assert build_chain(leaf, [root, impostor, issuing]) == (leaf, issuing, root)
    assert build_chain(leaf, [root, impostor]) == (leaf,)
