"""The days of a certificate, and what they cost."""

import time

NAME = "www.lab.example"


def days(events):
    return [each["detail"]["DaysToExpiry"] for each in events]


def test_a_public_certificate_is_warned_of_daily_from_30_days_before_its_end(desk, lab):
    """One event a day, until it ends."""
    desk.issue()
    lab.clock.advance(days=199)
    assert days(desk.events("Approaching Expiration")) == list(range(30, 0, -1))
    (over,) = desk.events("Expired")
    assert over["time"] == "2027-05-19T00:00:00Z"  # a second after its last


def test_private_and_imported_ones_are_warned_of_from_45_days_before(desk, lab, maker):
    """And an imported one ends without a word."""
    ca = desk.root()
    arn = desk.request(CertificateAuthorityArn=ca)
    lab.clock.advance(days=395, seconds=1)
    assert days(desk.events("Approaching Expiration")) == list(range(45, 0, -1))
    assert len(desk.events("Expired")) == 1
    assert desk.status(arn) == "EXPIRED"
    desk.bring(maker(desk.now), NAME)
    lab.clock.advance(days=91)
    assert days(desk.events("Approaching Expiration")[45:]) == list(range(45, 0, -1))
    assert len(desk.events("Expired")) == 1


def test_a_renewed_certificate_is_warned_of_by_its_new_end(desk, lab):
    """Public ones are renewed before anyone is warned of them."""
    arn = desk.issue()
    desk.use(arn)
    lab.clock.advance(days=400)
    assert desk.events("Approaching Expiration") == []
    assert desk.events("Expired") == []
    kinds = [each["detail"]["Action"] for each in desk.events("Available")]
    assert kinds == ["ISSUANCE", "RENEWAL", "RENEWAL"]


def test_a_reimport_begins_the_days_anew(desk, lab, maker):
    """Those of the certificate before are over."""
    make = maker(desk.now)
    arn = desk.bring(make, NAME)
    lab.clock.advance(days=50)
    assert days(desk.events("Approaching Expiration")) == [45, 44, 43, 42, 41, 40]
    desk.bring(make, NAME, end=300, again=arn)
    lab.clock.advance(days=100)
    assert len(desk.events("Approaching Expiration")) == 6
    assert desk.status(arn) == "ISSUED"


def test_an_expired_certificate_that_is_reimported_is_issued_again(desk, lab, maker):
    make = maker(desk.now)
    arn = desk.bring(make, NAME)
    lab.clock.advance(days=91)
    assert desk.status(arn) == "EXPIRED"
    desk.bring(make, NAME, end=300, again=arn)
    assert desk.status(arn) == "ISSUED"


def test_a_deleted_certificate_has_no_more_days(desk, lab):
    """Nor has a revoked one."""
    arn = desk.issue()
    revoked = desk.issue(Options={"Export": "ENABLED"})
    desk.export(revoked)
    desk.acm.revoke_certificate(CertificateArn=revoked, RevocationReason="SUPERSEDED")
    desk.acm.delete_certificate(CertificateArn=arn)
    lab.clock.advance(days=300)
    assert desk.events("Approaching Expiration") == desk.events("Expired") == []
    assert desk.status(revoked) == "REVOKED"


def test_a_certificate_has_one_job_at_a_time(desk, lab, maker):
    """So the clock has little to carry."""
    clock = lab._place.world.clock
    make = maker(desk.now)
    for number in range(20):
        desk.bring(make, NAME, end=100 + number)
    waiting = [job for job in clock._jobs if job.label.startswith("acm:")]
    assert len(waiting) == 20
    lab.clock.advance(days=70)
    waiting = [job for job in clock._jobs if job.label.startswith("acm:")]
    assert len(waiting) == 20


def test_a_year_with_a_thousand_certificates_passes_in_seconds(desk, lab, maker):
    """Nobody polls: each has its last 45 days, and a renewal if it is used."""
    make = maker(desk.now)
    for number in range(900):
        desk.bring(make, NAME, end=60 + number % 300)
    used = [desk.issue(f"n{number}.lab.example") for number in range(100)]
    for arn in used:
        desk.use(arn)
    began = time.process_time()
    lab.clock.advance(days=365)
    took = time.process_time() - began
    assert all(desk.kept(arn).issues == 3 for arn in used)
    assert took < 20  # 1 to 2 s on two idle cores


def test_without_a_rule_nothing_is_sent(open_desk):
    """Events came in 2021 and 2022."""
    desk = open_desk(now="2019-06-01T09:00:00Z")
    desk.issue(KeyAlgorithm="RSA_2048")
    desk.lab.clock.advance(days=396)
    assert desk.events() == []
