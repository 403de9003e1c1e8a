import subprocess
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.simulator.acmpca import publisher as module
from pkilab.simulator.acmpca.publisher import Publisher
from pkilab.simulator.service import AwsError, Call

COMPLETE = {"Enabled": True, "ExpirationInDays": 7, "S3BucketName": "lab-crl"}
PARTITIONED = {**COMPLETE, "CrlType": "PARTITIONED"}
HALF = timedelta(days=3.5)


@pytest.fixture
def lab(bench):
    """A publisher, one CA and the sample bucket."""
    return Setting(bench)


class Setting:
    """What a test of the publisher needs."""

    def __init__(self, bench):
        self.bench, self.clock = bench, bench.world.clock
        self.publisher = Publisher(bench.world, bench.s3)
        self.authority = bench.authority()
        self.made = bench.bucket()

    def configure(self, crl=None, ocsp=None):
        """Call `configured`, as Create and Update do, and run what is due."""
        configuration = {"CrlConfiguration": crl, "OcspConfiguration": ocsp}
        given = {name: value for name, value in configuration.items() if value is not None}
        call = Call("111122223333", "us-east-1", self.clock.now(), "arn:aws:iam::1:user/a")
        self.publisher.configured(call, self.authority, given)
        self.clock.run_due()

    def issue(self, serial, **options):
        """Issue a leaf as IssueCertificate does."""
        names = self.publisher.extensions_for(self.authority)
        issued = self.bench.issue(self.authority, serial, names=names, **options)
        self.publisher.certificate_issued(self.authority, issued)
        self.clock.run_due()
        return issued

    def revoke(self, issued, reason="KEY_COMPROMISE"):
        """Revoke as RevokeCertificate does."""
        self.bench.revoke(self.authority, issued, reason)
        self.publisher.revoked(self.authority, issued)

    def crl(self, key=None):
        """Load a CRL from the bucket; the complete one unless a key is given."""
        body = self.bench.objects()[key or f"crl/{self.authority.uuid}.crl"]
        return x509.load_der_x509_crl(body)

    def serials(self, key=None):
        """The serials a CRL lists."""
        return [entry.serial_number for entry in self.crl(key)]

    def pending(self):
        """What waits on the clock."""
        return [job for job in self.clock._jobs if not job.cancelled]


# Configuration


@pytest.mark.parametrize(
    ("crl", "ocsp"),
    [
        ({"Enabled": False, "ExpirationInDays": 7}, None),
        ({"Enabled": False, "CustomCname": "crl.lab.test"}, None),
        (None, {"Enabled": False, "OcspCustomCname": "ocsp.lab.test"}),
        (None, {"Enabled": True, "OcspCustomCname": "http://ocsp.lab.test"}),
        ({**COMPLETE, "CustomCname": "https://crl.lab.test"}, None),
        ({"Enabled": True, "S3BucketName": "lab-crl"}, None),
        ({"Enabled": True, "ExpirationInDays": 7}, None),
        ({**COMPLETE, "S3BucketName": "Lab_CRL"}, None),
        ({**COMPLETE, "S3BucketName": "lab..crl"}, None),
        ({**COMPLETE, "S3BucketName": "192.0.2.7"}, None),
        (
            {
                **COMPLETE,
                "CustomCname": "crl.lab.test",
                "CrlDistributionPointExtensionConfiguration": {"OmitExtension": True},
            },
            None,
        ),
    ],
)
def test_members_that_do_not_go_together_are_refused(lab, crl, ocsp):
    """InvalidArgsException; the CA and its bucket stay as they were."""
    with pytest.raises(AwsError) as caught:
        lab.configure(crl, ocsp)
    assert caught.value.code == "InvalidArgsException"
    assert lab.authority.revocation_configuration == {}
    assert len(lab.made.keys) == 0


def test_what_is_stored_has_awss_defaults(lab):
    """PUBLIC_READ, COMPLETE, and what was not asked for is off."""
    lab.configure({**COMPLETE})
    assert lab.authority.revocation_configuration == {
        "CrlConfiguration": {**COMPLETE, "S3ObjectAcl": "PUBLIC_READ", "CrlType": "COMPLETE"},
        "OcspConfiguration": {"Enabled": False},
    }


def test_a_member_left_out_of_an_update_stays(lab):
    """OCSP may be switched without naming the CRL again."""
    lab.configure(COMPLETE)
    before = lab.authority.revocation_configuration["CrlConfiguration"]
    lab.configure(ocsp={"Enabled": True})
    assert lab.authority.revocation_configuration == {
        "CrlConfiguration": before,
        "OcspConfiguration": {"Enabled": True},
    }


def test_no_configuration_means_neither(lab):
    """Both disabled, no extensions."""
    lab.configure()
    off = {"Enabled": False}
    expected = {"CrlConfiguration": off, "OcspConfiguration": off}
    assert lab.authority.revocation_configuration == expected
    assert lab.publisher.extensions_for(lab.authority) == module.CdpAia(None, None, None)
    assert lab.pending() == []


@pytest.mark.parametrize(
    ("acl", "probe", "public"),
    [
        ("PUBLIC_READ", "acm-pca-permission-test-key", True),
        ("BUCKET_OWNER_FULL_CONTROL", "acm-pca-permission-test-key-private", False),
    ],
)
def test_a_probe_object_is_written_with_the_acl_to_be_used(lab, acl, probe, public):
    """And the CRL with the same."""
    lab.configure({**COMPLETE, "S3ObjectAcl": acl})
    assert lab.made.keys[probe].acl.public_read is public
    crl = lab.made.keys[f"crl/{lab.authority.uuid}.crl"]
    assert crl.acl.public_read is public
    assert crl.metadata["Content-Type"] == "application/pkix-crl"


def test_a_bucket_that_cannot_be_written_is_refused(lab):
    """Missing, without a policy, or closed to the public CRL."""

    def code():
        with pytest.raises(AwsError) as caught:
            lab.configure(COMPLETE)
        return caught.value.code

    lab.made.public_access_block = type("Block", (), {"block_public_acls": True})()
    assert code() == "ValidationException"
    lab.made.policy = None
    assert code() == "InvalidPolicyException"
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        lab.configure({**COMPLETE, "S3BucketName": "no-such-bucket"})
    assert lab.authority.revocation_configuration == {}


# URLs


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "http://lab-crl.s3.us-east-1.amazonaws.com/crl/{uuid}.crl"),
        ({"CustomCname": "crl.lab.test"}, "http://crl.lab.test/crl/{uuid}.crl"),
        ({"CustomPath": "pki/crls"}, "http://lab-crl.s3.us-east-1.amazonaws.com/pki/crls/{uuid}.crl"),
        ({"CustomPath": "/", "CustomCname": "c.lab.test"}, "http://c.lab.test/{uuid}.crl"),
        ({"CrlDistributionPointExtensionConfiguration": {"OmitExtension": True}}, None),
        ({"CrlDistributionPointExtensionConfiguration": {"OmitExtension": False}},
         "http://lab-crl.s3.us-east-1.amazonaws.com/crl/{uuid}.crl"),
    ],
)  # fmt: skip
def test_the_cdp_url_leads_to_the_object(lab, changes, url):
    """Bucket or CNAME, then the very key that is written."""
    lab.configure({**COMPLETE, **changes})
    uuid = lab.authority.uuid
    found = lab.publisher.extensions_for(lab.authority).cdp
    assert found == (url.format(uuid=uuid) if url else None)
    (key,) = lab.bench.objects()
    assert url is None or found.endswith(f"/{key}")
    assert key.endswith(f"{uuid}.crl")


def test_a_bucket_elsewhere_is_named_with_its_own_region(lab):
    """The CA's Region does not matter."""
    lab.bench.bucket("far-crl", region="eu-west-1")
    lab.configure({**COMPLETE, "S3BucketName": "far-crl"})
    cdp = lab.publisher.extensions_for(lab.authority).cdp
    assert cdp.startswith("http://far-crl.s3.eu-west-1.amazonaws.com/crl/")


def test_the_ocsp_url_is_the_regions_or_ones_own(lab):
    """In the certificate only while OCSP is on."""
    lab.configure(ocsp={"Enabled": True})
    found = lab.publisher.extensions_for(lab.authority)
    assert found.ocsp == "http://ocsp.acm-pca.us-east-1.amazonaws.com"
    lab.configure(ocsp={"Enabled": True, "OcspCustomCname": "ocsp.lab.test"})
    assert lab.publisher.extensions_for(lab.authority).ocsp == "http://ocsp.lab.test"
    lab.configure(ocsp={"Enabled": False})
    assert lab.publisher.extensions_for(lab.authority).ocsp is None


# The clock


def test_a_crl_appears_at_once_though_nothing_is_revoked(lab):
    """nextUpdate after the configured days."""
    lab.configure(COMPLETE)
    crl = lab.crl()
    assert len(crl) == 0
    assert crl.last_update_utc == lab.bench.now
    assert crl.next_update_utc == lab.bench.now + timedelta(days=7)
    milliseconds = int(lab.bench.now.timestamp()) * 1000
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert number == milliseconds


def test_a_ca_without_a_certificate_publishes_when_it_gets_one(lab):
    """Configured in PENDING_CERTIFICATE, the first CRL comes with activation."""
    certificate, lab.authority.certificate = lab.authority.certificate, None
    lab.authority.status = "PENDING_CERTIFICATE"
    lab.configure(COMPLETE)
    assert lab.bench.objects() == {}
    lab.authority.certificate, lab.authority.status = certificate, "ACTIVE"
    lab.publisher.activated(lab.authority)
    lab.clock.run_due()
    assert lab.serials() == []


def test_latency_delays_the_first_crl(slow_bench):
    """A minute, in this world."""
    lab = Setting(slow_bench)
    lab.configure(COMPLETE)
    lab.clock.advance(seconds=59)
    assert lab.bench.objects() == {}
    lab.clock.advance(seconds=1)
    assert lab.serials() == []


def test_a_revocation_is_in_the_crl_after_half_an_hour(lab):
    """Not before; a second one in that time does not delay it."""
    lab.configure(COMPLETE)
    first, second, kept = (lab.issue(serial) for serial in (1, 2, 3))
    lab.revoke(first)
    lab.clock.advance(minutes=20)
    lab.revoke(second)
    lab.clock.advance(minutes=9, seconds=59)
    assert lab.serials() == []
    lab.clock.advance(seconds=1)
    assert lab.serials() == [1, 2]
    assert kept.serial not in lab.serials()


def test_a_crl_is_replaced_halfway_to_its_end(lab):
    """Again and again, each with a higher number."""
    lab.configure(COMPLETE)
    start, numbers = lab.bench.now, []
    for cycle in range(4):
        crl = lab.crl()
        assert crl.last_update_utc == start + cycle * HALF
        extension = crl.extensions.get_extension_for_class(x509.CRLNumber)
        numbers.append(extension.value.crl_number)
        lab.clock.advance(days=3.5, seconds=-1)
        assert lab.crl().last_update_utc == start + cycle * HALF
        lab.clock.advance(seconds=1)
    assert numbers == sorted(set(numbers))


def test_a_crl_of_one_day_is_replaced_every_six_hours(lab):
    """The one exception to half-life."""
    lab.configure({**COMPLETE, "ExpirationInDays": 1})
    start = lab.bench.now
    lab.clock.advance(hours=5, minutes=59)
    assert lab.crl().last_update_utc == start
    lab.clock.advance(minutes=1)
    assert lab.crl().last_update_utc == start + timedelta(hours=6)


def test_a_failed_crl_is_tried_again_every_quarter_of_an_hour(lab):
    """Until the bucket lets it in."""
    lab.configure(COMPLETE)
    issued = lab.issue(1)
    lab.revoke(issued)
    kept, lab.made.policy = lab.made.policy, None
    lab.clock.advance(minutes=40)
    assert lab.serials() == []
    lab.made.policy = kept
    lab.clock.advance(minutes=4)
    assert lab.serials() == []
    lab.clock.advance(minutes=1)
    assert lab.serials() == [1]


def test_an_entry_stays_for_one_crl_after_the_certificates_end(lab):
    """And then leaves."""
    lab.configure(COMPLETE)
    issued = lab.issue(1, days=1)
    lab.revoke(issued)
    lab.clock.advance(minutes=30)
    assert lab.serials() == [1]
    lab.clock.advance(days=3.5)
    assert lab.crl().last_update_utc > issued.certificate.not_valid_after_utc
    assert lab.serials() == [1]
    lab.clock.advance(days=3.5)
    assert lab.serials() == []


def test_a_disabled_ca_goes_on_an_expired_or_deleted_one_stops(lab):
    """As the guide's table of states has it."""
    lab.configure(COMPLETE)
    start = lab.bench.now
    lab.authority.status = "DISABLED"
    lab.publisher.state_changed(lab.authority)
    lab.clock.advance(days=3.5)
    assert lab.crl().last_update_utc == start + HALF
    lab.authority.status = "DELETED"
    lab.publisher.state_changed(lab.authority)
    assert lab.pending() == []
    lab.clock.advance(days=7)
    assert lab.crl().last_update_utc == start + HALF
    lab.authority.status = "DISABLED"
    lab.publisher.state_changed(lab.authority)
    lab.clock.run_due()
    assert lab.crl().last_update_utc == lab.bench.now
    lab.clock.advance(days=365 * 10)
    assert lab.crl().last_update_utc <= lab.authority.certificate.not_valid_after_utc
    assert lab.pending() == []


def test_disabling_does_not_disturb_the_rhythm(lab):
    """A status change that still allows CRLs makes none."""
    lab.configure(COMPLETE)
    before = lab.bench.objects()
    lab.clock.advance(hours=1)
    lab.authority.status = "DISABLED"
    lab.publisher.state_changed(lab.authority)
    lab.clock.run_due()
    assert lab.bench.objects() == before


def test_one_job_per_ca_is_pending_whatever_happens(lab):
    """Years of a frozen clock do not pile up work."""
    lab.configure(COMPLETE)
    for serial in range(1, 20):
        lab.revoke(lab.issue(serial))
        lab.clock.advance(minutes=7)
        assert len(lab.pending()) == 1
    lab.configure({**COMPLETE, "ExpirationInDays": 3})
    lab.clock.advance(days=900)
    assert len(lab.pending()) == 1
    assert len(lab.clock._jobs) < 20


def test_switching_the_crl_off_ends_it(lab):
    """The last one stays in the bucket; revoking goes on without."""
    lab.configure(COMPLETE)
    issued = lab.issue(1)
    lab.configure({"Enabled": False})
    lab.revoke(issued)
    before = lab.bench.objects()
    lab.clock.advance(days=30)
    assert lab.bench.objects() == before
    assert lab.pending() == []
    lab.configure(COMPLETE)
    assert lab.serials() == [1]


def test_a_new_bucket_gets_all_later_crls(lab):
    """The old one keeps what it has."""
    lab.configure(COMPLETE)
    lab.bench.bucket("new-crl")
    old = lab.bench.objects()
    lab.configure({**COMPLETE, "S3BucketName": "new-crl"})
    lab.clock.advance(days=7)
    assert lab.bench.objects() == old
    assert len(lab.bench.objects("new-crl")) == 1


# Partitions


def partition_key(lab, issued):
    return f"crl/{lab.authority.uuid}/{issued.partition}.crl"


def test_a_partition_appears_with_its_first_certificate(lab):
    """Beside a complete CRL that stays empty; IDP and CDP match."""
    lab.configure(PARTITIONED)
    complete = f"crl/{lab.authority.uuid}.crl"
    assert list(lab.bench.objects()) == [complete]
    issued = lab.issue(1)
    assert sorted(lab.bench.objects()) == sorted([complete, partition_key(lab, issued)])
    lab.revoke(issued)
    lab.clock.advance(minutes=30)
    assert (lab.serials(), lab.serials(partition_key(lab, issued))) == ([], [1])
    point = issued.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    for key in lab.bench.objects():
        idp = lab.crl(key).extensions.get_extension_for_class(x509.IssuingDistributionPoint)
        assert idp.critical
        assert (idp.value.full_name == point.value[0].full_name) is (key != complete)


def test_a_full_partition_is_followed_by_the_next(lab, monkeypatch):
    """Each certificate in exactly one."""
    monkeypatch.setattr(module, "PARTITION_CERTIFICATES", 3)
    lab.configure(PARTITIONED)
    issued = [lab.issue(serial) for serial in range(1, 8)]
    for each in issued:
        lab.revoke(each)
    lab.clock.advance(minutes=30)
    keys = list(dict.fromkeys(partition_key(lab, each) for each in issued))
    assert [lab.serials(key) for key in keys] == [[1, 2, 3], [4, 5, 6], [7]]


def test_a_partition_with_everything_revoked_stays_below_a_megabyte(bench):
    """The bound on certificates keeps the bound on bytes."""
    from pkilab.simulator.acmpca.crl import build_crl, crl_entry
    from pkilab.simulator.acmpca.state import Revocation

    authority, late = bench.authority(), bench.now.replace(year=2051)
    entries = [
        crl_entry(2**127 + number, Revocation(late, "A_A_COMPROMISE"))
        for number in range(module.PARTITION_CERTIFICATES)
    ]
    der = build_crl(
        authority.certificate, authority.key, "SHA256WITHECDSA", entries,
        number=1, this_update=late, next_update=late, idp_url="http://" + "x" * 500,
    )  # fmt: skip
    assert 800_000 < len(der) < 950_000


def test_a_new_base_url_opens_a_new_partition(lab):
    """The old one goes on under the URL its certificates name."""
    lab.configure(PARTITIONED)
    before = lab.issue(1)
    lab.configure({**PARTITIONED, "CustomCname": "crl.lab.test"})
    after = lab.issue(2)
    assert before.partition != after.partition
    for issued, start in ((before, "http://lab-crl.s3."), (after, "http://crl.lab.test/crl/")):
        crl = lab.crl(partition_key(lab, issued))
        idp = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
        assert idp.value.full_name[0].value.startswith(start)


def test_back_to_a_complete_crl_covers_all_and_leaves_partitions_behind(lab):
    """Without an IDP it must list every revoked certificate; old partitions are not renewed."""
    lab.configure(PARTITIONED)
    issued = lab.issue(1)
    old = lab.bench.objects()[partition_key(lab, issued)]
    lab.configure(COMPLETE)
    lab.revoke(issued)
    lab.clock.advance(minutes=30)
    assert lab.serials() == [1]
    assert lab.bench.objects()[partition_key(lab, issued)] == old
    with pytest.raises(x509.ExtensionNotFound):
        lab.crl().extensions.get_extension_for_class(x509.IssuingDistributionPoint)


def test_a_custom_path_holds_partitions_directly(lab):
    """CNAME/PATH/GUID.crl, as the API reference has it."""
    lab.configure({**PARTITIONED, "CustomPath": "pki", "CustomCname": "crl.lab.test"})
    names = lab.publisher.extensions_for(lab.authority)
    assert names.cdp == f"http://crl.lab.test/pki/{names.partition}.crl"
    lab.issue(1)
    assert f"pki/{names.partition}.crl" in lab.bench.objects()


def test_openssl_accepts_and_refuses_by_the_partitions_crl(lab, tmp_path):
    """`openssl verify -crl_check` understands the critical IDP; the leaf alone names a CDP."""
    lab.configure(PARTITIONED)
    good, bad = lab.issue(1), lab.issue(2)
    lab.revoke(bad)
    lab.clock.advance(minutes=30)
    (tmp_path / "ca.pem").write_bytes(lab.authority.certificate.public_bytes(Encoding.PEM))
    crl = lab.crl(partition_key(lab, good))
    (tmp_path / "crl.pem").write_bytes(crl.public_bytes(Encoding.PEM))
    shown = {}
    for issued in (good, bad):
        (tmp_path / "leaf.pem").write_bytes(issued.certificate.public_bytes(Encoding.PEM))
        command = [
            "openssl", "verify", "-crl_check",
            "-attime", str(int(lab.bench.now.timestamp()) + 60),
            "-CAfile", tmp_path / "ca.pem", "-CRLfile", tmp_path / "crl.pem", tmp_path / "leaf.pem",
        ]  # fmt: skip
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        shown[issued.serial] = run.stdout + run.stderr
    assert shown[1].endswith("leaf.pem: OK\n")
    assert "certificate revoked" in shown[2]


# Repeatability and random histories


def test_the_same_history_gives_the_same_bytes(bench):
    """In another world of the same seed."""

    def history():
        lab = Setting(bench)
        lab.configure(PARTITIONED)
        lab.revoke(lab.issue(1))
        lab.clock.advance(days=30)
        return bench.objects()

    first = history()
    bench.restart()
    assert history() == first


steps = st.lists(
    st.one_of(
        st.tuples(st.just("issue"), st.integers(1, 40)),
        st.tuples(st.just("revoke"), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.integers(1, 60 * 24 * 5)),
    ),
    max_size=25,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.sampled_from([COMPLETE, PARTITIONED]))
def test_a_crl_lists_every_living_revoked_certificate_and_no_other(bench, steps, configuration):
    """Whatever happened, an hour after the last revocation."""
    bench.restart()
    lab = Setting(bench)
    lab.configure(configuration)
    for step, number in steps:
        if step == "issue":
            lab.issue(len(lab.authority.issued) + 1, days=number)
        elif step == "wait":
            lab.clock.advance(minutes=number)
        elif number < len(lab.authority.issued):
            issued = lab.authority.issued[number + 1]
            alive = issued.certificate.not_valid_after_utc > lab.bench.now
            if alive and issued.revocation is None:
                lab.revoke(issued)
    lab.clock.advance(hours=1)
    listed = [serial for key in bench.objects() for serial in lab.serials(key)]
    assert len(listed) == len(set(listed))
    assert set(listed) <= set(lab.authority.revoked)
    for serial, issued in lab.authority.revoked.items():
        if issued.certificate.not_valid_after_utc > lab.bench.now:
            assert serial in listed
        if issued.partition:
            others = [key for key in bench.objects() if key != partition_key(lab, issued)]
            assert all(serial not in lab.serials(key) for key in others)
