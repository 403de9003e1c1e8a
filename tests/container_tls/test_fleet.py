"""A fleet against a CA with quotas."""

import itertools
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from pkilab import Lab, ca_hierarchy
from pkilab.container_tls.fleet import Backoff, start
from pkilab.errors import LabError

EC = {"KeyAlgorithm": "EC_prime256v1", "SigningAlgorithm": "SHA256WITHECDSA"}
RATE = 25  # certificates a second


@pytest.fixture
def lab():
    with Lab.simulated(seed="fleet", enforce_quotas=True) as lab:
        yield lab


@pytest.fixture
def root(lab):
    pca = lab.client("acm-pca")
    return ca_hierarchy.create_root(
        pca, {"CommonName": "Fleet Root"}, key_algorithm="EC_prime256v1"
    )


def launch(lab, root, number, *, pca=None, prefix="web", **changes):
    """Start so many containers on the lab's clock."""
    arguments = {
        "make_key": lab.generate_key,
        "entropy": lab.entropy("fleet"),
        "now": lab.clock.now,
        "sleep": lambda seconds: lab.clock.advance(seconds=seconds),
        **changes,
    }
    names = [f"{prefix}-{each:04}.lab" for each in range(number)]
    return start(pca or lab.client("acm-pca"), root, names, **arguments)


class Losing:
    """A client whose answers get lost: the call takes place, and nobody hears of it."""

    def __init__(self, client, every):
        self._client, self._every, self._number = client, every, itertools.count(1)

    def get_certificate(self, **members):
        """As AWS does."""
        return self._client.get_certificate(**members)

    def issue_certificate(self, **members):
        """As AWS does, but the answer may be lost."""
        answer = self._client.issue_certificate(**members)
        if next(self._number) % self._every == 0:
            raise ConnectionClosedError(endpoint_url="https://acm-pca.us-east-1.amazonaws.com")
        return answer


def test_every_container_gets_a_certificate_for_a_key_of_its_own(lab, root):
    """More at once than the quota lets through."""
    fleet = launch(lab, root, 200)
    assert len(fleet.containers) == 200
    assert not fleet.refused
    assert len({each.public_key for each in fleet.containers}) == 200
    assert fleet.throttled > 0
    assert fleet.issued_per_second <= RATE * 200 / (200 - RATE)
    assert fleet.percentile(0.5) <= fleet.percentile(0.99) <= fleet.seconds


def test_a_fleet_below_the_quota_waits_for_nobody(lab, root):
    """The first second's worth is there at once."""
    fleet = launch(lab, root, RATE - 1)  # the root's own certificate was one
    assert fleet.throttled == 0
    assert fleet.seconds == 0


def test_without_jitter_the_crowd_comes_back_as_a_crowd(lab, root):
    """Each wait is its bound: most seconds see nobody, and the last waits longer."""
    alike = launch(lab, root, 100, backoff=Backoff(jitter=False))
    lab.clock.advance(seconds=5)
    spread = launch(lab, root, 100, prefix="other")
    assert not {each.arn for each in alike.containers} & {each.arn for each in spread.containers}
    assert len(alike.containers) == len(spread.containers) == 100
    assert alike.each_second().count(0) > spread.each_second().count(0)
    assert alike.percentile(0.99) > spread.percentile(0.99)
    waits = {each.waited.total_seconds() for each in alike.containers}
    assert sorted(waits) == [0, 0.5, 1.5, 3.5, 7.5]
    assert len({each.waited for each in spread.containers}) > 40


def test_each_second_counts_every_container_once(lab, root):
    """Also those that nobody kept waiting."""
    fleet = launch(lab, root, 60)
    assert sum(fleet.each_second()) == 60
    assert fleet.each_second()[0] >= RATE - 1
    assert len(fleet.each_second()) == int(fleet.seconds) + 1
    nobody = launch(lab, root, 0)
    assert nobody.each_second() == ()


def test_lost_answers_make_no_second_certificate(lab, root):
    """Each container's token is its own, and the same when it asks again."""
    pca = lab.client("acm-pca")
    before = len([each for each in lab.journal if each.operation == "IssueCertificate"])
    fleet = launch(lab, root, 40, pca=Losing(pca, every=5))
    assert len(fleet.containers) == 40
    assert max(each.attempts for each in fleet.containers) > 1
    made = [
        each.results["CertificateArn"]
        for each in lab.journal
        if each.operation == "IssueCertificate" and each.ok
    ][before:]
    assert len(made) > len(set(made)) == 40
    assert {each.arn for each in fleet.containers} == set(made)


def test_a_container_that_is_refused_for_good_says_why_and_the_others_start(lab, root):
    """Nothing is lost: each is started or refused."""
    lab.client("acm-pca").update_certificate_authority(
        CertificateAuthorityArn=root, Status="DISABLED"
    )
    fleet = launch(lab, root, 3)
    assert not fleet.containers
    assert len(fleet.refused) == 3
    assert all("InvalidStateException" in each for each in fleet.refused.values())
    with pytest.raises(LabError, match="0 containers"):
        fleet.percentile(0.99)


def test_whoever_asks_too_often_gives_up(lab, root):
    """With the last refusal as the reason."""
    fleet = launch(lab, root, 60, backoff=Backoff(base=0.001, cap=0.001, attempts=2))
    assert len(fleet.containers) + len(fleet.refused) == 60
    assert fleet.refused
    assert all("Rate exceeded" in each for each in fleet.refused.values())


def test_a_name_twice_is_refused(lab, root):
    """Two containers would share a key."""
    with pytest.raises(LabError, match="distinct"):
        start(
            lab.client("acm-pca"), root, ["a.lab", "a.lab"], make_key=lab.generate_key,
            entropy=lab.entropy("x"), now=lab.clock.now, sleep=lambda _: None,
        )  # fmt: skip


def test_the_same_seed_gives_the_same_start(lab, root):
    """To the microsecond."""
    first = launch(lab, root, 60)
    lab.close()
    with Lab.simulated(seed="fleet", enforce_quotas=True) as again:
        pca = again.client("acm-pca")
        arn = ca_hierarchy.create_root(
            pca, {"CommonName": "Fleet Root"}, key_algorithm="EC_prime256v1"
        )
        second = launch(again, arn, 60)
    assert second == first


def test_progress_is_told(lab, root):
    """Of each container that is done."""
    seen = []
    launch(lab, root, 5, progress=lambda done, whole: seen.append((done, whole)))
    assert seen == [(number, 5) for number in range(1, 6)]


def test_a_certificate_that_takes_its_time_is_waited_for():
    """Private CA issues asynchronously."""
    with Lab.simulated(seed="slow", latency=timedelta(seconds=2)) as lab:
        pca = lab.client("acm-pca")
        arn = pca.create_certificate_authority(
            CertificateAuthorityConfiguration={**EC, "Subject": {"CommonName": "Slow"}},
            CertificateAuthorityType="ROOT",
        )["CertificateAuthorityArn"]
        with pytest.raises(ClientError, match="RequestInProgress"):
            pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)
        lab.clock.advance(seconds=3)
        csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
        made = pca.issue_certificate(
            CertificateAuthorityArn=arn,
            Csr=csr.encode(),
            SigningAlgorithm="SHA256WITHECDSA",
            TemplateArn="arn:aws:acm-pca:::template/RootCACertificate/V1",
            Validity={"Type": "YEARS", "Value": 10},
        )["CertificateArn"]
        lab.clock.advance(seconds=3)
        issued = pca.get_certificate(CertificateAuthorityArn=arn, CertificateArn=made)
        pca.import_certificate_authority_certificate(
            CertificateAuthorityArn=arn, Certificate=issued["Certificate"].encode()
        )
        fleet = launch(lab, arn, 3)
        assert len(fleet.containers) == 3
        assert fleet.seconds >= 2
