from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkilab import transparency
from pkilab.ct.log import Log, MemoryStorage
from pkilab.ct.log_client import LogSource
from pkilab.ct.monitor import Monitor
from pkilab.ct.problems import ProblemKind
from pkilab.ct.watching import Expected, Watchlist
from pkilab.errors import LabError, MalformedError, PkilabError

ZONE = "lab.example"


def key_of(certificate) -> bytes:
    public = certificate.public_key()
    return sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def test_a_search_finds_each_certificate_in_each_log_that_has_it(site) -> None:
    site.request("www")
    site.request("newproduct")
    site.later()
    found = transparency.search(site.log_list, [ZONE], site.lab.fetch, at=site.lab.clock.now())
    assert sorted((each.log, each.names[0]) for each in found) == sorted(
        (log.name, f"{label}.{ZONE}") for log in site.logs for label in ("www", "newproduct")
    )


def test_a_search_for_other_names_finds_nothing(site) -> None:
    site.request("www")
    site.later()
    now = site.lab.clock.now()
    assert transparency.search(site.log_list, ["ab.example"], site.lab.fetch, at=now) == ()


def test_a_search_that_could_not_look_everywhere_says_so(site) -> None:
    def fetch(url: str, body: bytes | None = None, *, content_type: str = ""):
        if "south-1" in url:
            raise LabError("south is down")
        return site.lab.fetch(url, body, content_type=content_type)

    with pytest.raises(LabError, match="south is down"):
        transparency.search(site.log_list, [ZONE], fetch, at=site.lab.clock.now())


def test_the_alarm_is_for_the_certificate_that_nobody_ordered_and_for_no_other(site) -> None:
    lab, made = site.lab, site.request("www")
    site.later()
    expected = Expected(issuer_keys=frozenset({key_of(made.issuer)}))
    monitor = transparency.watch(site.log_list, [ZONE], lab.fetch, expected=expected)
    report = monitor.poll(lab.clock.now())
    assert (report.unexpected, report.problems, report.expected) == ((), (), 3)

    ca = transparency.UncheckedCa("Careless", lab.generate_key("r"), at=lab.clock.now())
    lab.accept_root(ca.certificate)
    key = lab.generate_key("stranger").public_key()
    _, rogue = ca.issue_logged(
        [f"www.{ZONE}"],
        key,
        lambda chain: [each.submit(chain) for each in site.logs],
        days=90,
        at=lab.clock.now(),
    )
    verdicts = transparency.compliance(rogue, ca.certificate, site.log_list, at=lab.clock.now())
    assert all(each.accepted for each in verdicts)  # browsers see nothing wrong with it
    site.later()
    report = monitor.poll(lab.clock.now())
    assert report.problems == ()
    assert {each.issuer for each in report.unexpected} == {"CN=Careless"}
    assert {each.log for each in report.unexpected} == {each.name for each in site.logs}


def test_a_monitor_goes_on_from_its_state(site) -> None:
    site.request("www")
    site.later()
    monitor = transparency.watch(site.log_list, [ZONE], site.lab.fetch)
    assert len(monitor.poll(site.lab.clock.now()).unexpected) == 3
    again = transparency.watch(site.log_list, [ZONE], site.lab.fetch, state=monitor.state())
    assert again.poll(site.lab.clock.now()).entries == 0


def test_nobody_is_watched_without_a_name(site) -> None:
    with pytest.raises(MalformedError):
        transparency.watch(site.log_list, [], site.lab.fetch)


@pytest.fixture
def faces(site):
    """Certificates to fill logs with, and a way to a new log of one key."""
    issued = [site.request(label) for label in ("a", "b", "c", "d")]
    key = site.lab.generate_key("liar")

    def new(*numbers: int) -> Log:
        made = Log(key, MemoryStorage(), mmd=timedelta(hours=24))
        made.roots.add(issued[0].root)
        for number in numbers:
            each = issued[number]
            made.add_chain([each.certificate, each.issuer], site.lab.clock.now())
        made.publish(site.lab.clock.now())
        return made

    return new


def follow(site, shown) -> tuple[Monitor, bytes]:
    source = LogSource("liar", "https://liar.example/", shown[0].public_key)
    get = transparency.answers_of(lambda: shown[0], site.lab.clock.now)
    return Monitor([source], Watchlist([ZONE]), get), source.id


def test_an_honest_log_in_this_process_is_followed_without_a_problem(site, faces) -> None:
    shown = [faces(0, 1)]
    monitor, _ = follow(site, shown)
    report = monitor.poll(site.lab.clock.now())
    assert (report.problems, len(report.unexpected)) == ((), 2)
    shown[0] = faces(0, 1, 2)
    site.lab.clock.advance(minutes=1)
    shown[0].publish(site.lab.clock.now())
    report = monitor.poll(site.lab.clock.now())
    assert (report.problems, len(report.unexpected)) == ((), 1)


def test_a_split_view_is_seen_once_the_heads_are_compared(site, faces) -> None:
    ours, theirs = faces(0, 1), faces(0, 2)
    monitor, identity = follow(site, [ours])
    assert monitor.poll(site.lab.clock.now()).problems == ()
    assert monitor.hear(identity, ours.head(site.lab.clock.now())) == ()
    (problem,) = monitor.hear(identity, theirs.head(site.lab.clock.now()))
    assert problem.kind is ProblemKind.SPLIT_VIEW


def test_a_rewritten_history_is_seen(site, faces) -> None:
    shown = [faces(0, 1)]
    monitor, _ = follow(site, shown)
    assert monitor.poll(site.lab.clock.now()).problems == ()
    site.lab.clock.advance(minutes=1)
    shown[0] = faces(0, 2, 3)
    (problem,) = monitor.poll(site.lab.clock.now()).problems
    assert problem.kind is ProblemKind.INCONSISTENT
    assert [each.head.size for each in problem.heads] == [2, 3]


@pytest.mark.parametrize("call", ["get-nonsense", "get-sth-consistency", "get-entries?start=x"])
def test_what_no_monitor_asks_is_refused(call: str, site, faces) -> None:
    log = faces(0)
    get = transparency.answers_of(lambda: log, site.lab.clock.now)
    with pytest.raises(PkilabError):
        get(f"https://liar.example/ct/v1/{call}")
