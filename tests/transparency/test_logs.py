from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab import ca_hierarchy, transparency
from pkilab.ct.merkle import leaf_hash, verify_inclusion
from pkilab.ct.signing import verify_tree_head
from pkilab.errors import CtError, LabError, MalformedError
from pkilab.pki import requests
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.transparency._wire import base64_of, body_of
from pkilab.transparency.logs import _read_proof, _read_sct


def test_a_promise_is_kept_within_a_minute_and_not_before(site) -> None:
    site.logs[0].tree_head()
    made = site.request("www")
    sct = made.scts[0]
    log = site.log_of(sct)
    log.tree_head()
    late = site.request("late")
    with pytest.raises(LabError, match="get-proof-by-hash answered 400"):
        transparency.prove_inclusion(late.certificate, made.issuer, late.scts[0], log)
    site.later()
    found = transparency.prove_inclusion(late.certificate, made.issuer, late.scts[0], log)
    assert (found.index, found.head.head.size) == (1, 2)
    assert found.log == log.name
    assert found.head.head.root.hex() in repr(found)


def test_every_log_that_promised_proves_every_certificate(site) -> None:
    issued = [site.request(f"h{number}") for number in range(5)]
    site.later()
    for made in issued:
        for sct in made.scts:
            log = site.log_of(sct)
            found = transparency.prove_inclusion(made.certificate, made.issuer, sct, log)
            head = found.head.head
            verify_inclusion(found.leaf_hash, found.index, head.size, found.path, head.root)
            verify_tree_head(found.head, log.source.public_key)


def test_an_sct_proves_nothing_for_another_certificate_or_with_another_log(site) -> None:
    one, other = site.request("one"), site.request("other")
    site.later()
    sct = one.scts[0]
    with pytest.raises(CtError, match="signature of the SCT"):
        transparency.prove_inclusion(other.certificate, other.issuer, sct, site.log_of(sct))
    stranger = next(each for each in site.logs if each.source.id != sct.log_id)
    with pytest.raises(CtError, match="SCT"):
        transparency.prove_inclusion(one.certificate, one.issuer, sct, stranger)


def test_a_log_that_answers_with_another_leafs_proof_is_not_believed(site) -> None:
    issued = [site.request(f"h{number}") for number in range(4)]
    site.later()
    sct = issued[0].scts[0]
    honest = site.log_of(sct)
    elsewhere = honest.inclusion(honest.leaves(honest.tree_head())[2])

    def lying(url: str, body: bytes | None = None, *, content_type: str = ""):
        answer = site.lab.fetch(url, body, content_type=content_type)
        if "get-proof-by-hash" not in url:
            return answer
        path = [b64encode(each).decode() for each in elsewhere.path]
        said = json.dumps({"leaf_index": elsewhere.index, "audit_path": path})
        return replace(answer, body=said.encode())

    log = transparency.LogClient(site.log_list.find(sct.log_id), lying)
    with pytest.raises(CtError, match="root hash from the inclusion proof"):
        transparency.prove_inclusion(issued[0].certificate, issued[0].issuer, sct, log)


def test_a_tree_head_of_another_key_is_not_believed(site) -> None:
    listed = site.log_list.logs()
    imposter = replace(listed[0], monitoring_url=listed[1].monitoring_url)
    with pytest.raises(CtError, match="signed tree head"):
        transparency.LogClient(imposter, site.lab.fetch).tree_head()


def test_growth_is_proved_and_a_foreign_head_is_not_part_of_it(site) -> None:
    log = site.logs[0]
    site.request("a")
    site.later()
    earlier = log.tree_head()
    for label in ("b", "c", "d"):
        site.request(label)
    site.later()
    later = log.tree_head()
    assert (earlier.head.size, later.head.size) == (1, 4)
    assert len(log.consistency(earlier, later)) == 2
    forged = replace(earlier, head=replace(earlier.head, root=leaf_hash(b"other")))
    with pytest.raises(CtError, match="root hash"):
        log.consistency(forged, later)


def test_the_leaves_are_all_there_and_make_the_root(site) -> None:
    from pkilab.ct.compact import CompactRange

    for label in ("a", "b", "c"):
        site.request(label)
    site.later()
    log = site.logs[0]
    head = log.tree_head()
    edge = CompactRange()
    edge.extend(log.leaves(head))
    assert (edge.size, edge.root()) == (3, head.head.root)


def test_a_ca_that_logs_accept_gets_a_promise_and_a_private_one_does_not(site) -> None:
    lab, now = site.lab, site.lab.clock.now()
    ca = transparency.UncheckedCa("R", lab.generate_key("r"), at=now)
    key = lab.generate_key("s").public_key()
    log = site.logs[0]
    made = ca.issue(["www.lab.example"], key, days=90, at=now)
    with pytest.raises(LabError, match="expected one up to a root that this log accepts"):
        log.submit([made, ca.certificate])
    lab.accept_root(ca.certificate)
    sct = log.submit([made, ca.certificate])
    assert (sct.log_id, sct.moment) == (log.source.id, now)

    pca = lab.client("acm-pca")
    arn = ca_hierarchy.create_root(pca, {"CommonName": "Private"})
    request = requests.build_request(lab.generate_key("p"), "CN=p")
    private = ca_hierarchy.issue(pca, arn, request, validity={"Type": "DAYS", "Value": 9})
    with pytest.raises(LabError, match="add-chain answered 400"):
        log.submit([private.certificate, *private.chain])


def test_a_promise_for_something_else_is_not_believed(site) -> None:
    lab, now = site.lab, site.lab.clock.now()
    ca = transparency.UncheckedCa("R", lab.generate_key("r"), at=now)
    lab.accept_root(ca.certificate)
    one, other = (
        ca.issue([name], lab.generate_key(name).public_key(), days=9, at=now)
        for name in ("one.example", "two.example")
    )
    promised = []

    def swapping(url: str, body: bytes | None = None, *, content_type: str = ""):
        answer = lab.fetch(url, body, content_type=content_type)
        promised.append(answer)
        return promised[0]

    log = transparency.LogClient(site.log_list.logs()[0], swapping)
    log.submit([one, ca.certificate])
    with pytest.raises(CtError, match="signature of the SCT"):
        log.submit([other, ca.certificate])


def test_nothing_can_be_submitted_without_a_certificate_or_a_precertificates_issuer(site) -> None:
    lab, now, chains = site.lab, site.lab.clock.now(), []
    ca = transparency.UncheckedCa("R", lab.generate_key("r"), at=now)
    lab.accept_root(ca.certificate)
    key = lab.generate_key("s").public_key()

    def submit(chain):
        chains.append(chain)
        return [site.logs[0].submit(chain)]

    ca.issue_logged(["www.lab.example"], key, submit, days=9, at=now)
    with pytest.raises(MalformedError, match="found 0 certificates"):
        site.logs[0].submit([])
    with pytest.raises(MalformedError, match="expected the precertificate and its issuer"):
        site.logs[0].submit(chains[0][:1])


def test_a_tiled_log_has_no_client(site) -> None:
    tiled = next(each for each in site.log_list.logs() if each.is_tiled)
    with pytest.raises(LabError, match="tiled"):
        transparency.LogClient(tiled, site.lab.fetch)


def test_a_merge_delay_beyond_measure_is_malformed(site) -> None:
    log = replace(site.log_list.logs()[0], mmd=10**30)
    with pytest.raises(MalformedError, match=r"mmd of .*: found more"):
        transparency.LogClient(log, site.lab.fetch)


def test_no_root_is_accepted_on_aws() -> None:
    from pkilab.aws.place import AwsPlace

    with pytest.raises(LabError, match="operator"):
        AwsPlace.accept_root(object(), object())  # type: ignore[arg-type]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=8,
)
names = st.sampled_from(
    ["leaf_index", "audit_path", "sct_version", "id", "timestamp", "extensions", "signature"]
)


documents = st.dictionaries(names, json_values).map(lambda each: json.dumps(each).encode())


@given(st.binary(max_size=60) | documents)
def test_only_declared_errors_leave_the_readers_of_answers(body: bytes) -> None:
    for read in (lambda: _read_proof(body, "proof"), lambda: _read_sct(body)):
        try:
            read()
        except MalformedError:
            continue


def test_a_proof_and_a_promise_are_read_as_they_were_written() -> None:
    from pkilab.ct.signing import sign_sct
    from pkilab.ct.structures import TimestampedEntry

    sct = sign_sct(generate_key("EC_prime256v1", Entropy("log")), TimestampedEntry(7, b"x", b"e"))
    said = {
        "sct_version": 0,
        "id": b64encode(sct.log_id).decode(),
        "timestamp": 7,
        "extensions": b64encode(b"e").decode(),
        "signature": b64encode(sct.signature.encode()).decode(),
    }
    assert _read_sct(json.dumps(said).encode()) == sct
    proof = {"leaf_index": 3, "audit_path": [b64encode(b"n" * 32).decode()]}
    assert _read_proof(json.dumps(proof).encode(), "proof") == (3, [b"n" * 32])


@pytest.mark.parametrize("value", [None, 7, "?", "abc", ["YQ=="]])
def test_what_is_no_base64_is_malformed(value: object) -> None:
    with pytest.raises(MalformedError):
        base64_of("field", value)


def test_what_a_log_says_when_it_refuses_is_passed_on_without_the_query(site) -> None:
    answer = site.lab.fetch(f"{site.logs[0].source.url}ct/v1/get-entries?start=5&end=1")
    with pytest.raises(LabError, match=r"/get-entries answered 400: \w"):
        body_of(answer, f"{site.logs[0].source.url}ct/v1/get-entries?start=5&end=1")
