"""Control of names, as the world's DNS shows it."""

import itertools

import pytest

NAME = "www.lab.example"


def test_a_record_proves_control(desk):
    """Once it is there with its very value."""
    arn = desk.request()
    ((name, value),) = desk.records(arn)
    assert desk.status(arn) == "PENDING_VALIDATION"
    desk.change("UPSERT", name, "CNAME", "something.else.example.")
    assert desk.status(arn) == "PENDING_VALIDATION"
    desk.change("UPSERT", name, "CNAME", value)
    detail = desk.describe(arn)
    assert detail["Status"] == "ISSUED"
    assert detail["DomainValidationOptions"][0]["ValidationStatus"] == "SUCCESS"


def test_records_look_like_acms(desk):
    """32 hexadecimal digits with an underscore, before the name and before ACM's domain."""
    ((name, value),) = desk.records(desk.request())
    label, _, rest = name.partition(".")
    token, _, domain = value.partition(".")
    assert (rest, domain) == (f"{NAME}.", "acm-validations.aws.")
    for each in (label, token):
        assert each[0] == "_"
        assert len(bytes.fromhex(each[1:])) == 16
    assert label != token


def test_every_name_must_be_proved(desk):
    """One by one."""
    arn = desk.request("lab.example", "a.lab.example")
    first, second = desk.records(arn)
    desk.change("UPSERT", first[0], "CNAME", first[1])
    found = desk.describe(arn)
    states = {each["ValidationStatus"] for each in found["DomainValidationOptions"]}
    assert (found["Status"], states) == ("PENDING_VALIDATION", {"SUCCESS", "PENDING_VALIDATION"})
    desk.change("UPSERT", second[0], "CNAME", second[1])
    assert desk.status(arn) == "ISSUED"


def test_a_wildcard_shares_its_domains_record(desk):
    """So one record proves both; a subdomain has another."""
    arn = desk.request("lab.example", "*.lab.example", "a.lab.example")
    assert len(desk.records(arn)) == 2


def test_a_token_belongs_to_an_account_and_a_name(desk, other, lab):
    """Whatever the Region, for good."""
    mine = desk.records(desk.request())
    lab.clock.advance(days=400)
    assert desk.records(desk.request()) == mine
    elsewhere = lab.client("acm", region="eu-west-1")
    arn = elsewhere.request_certificate(DomainName=NAME, ValidationMethod="DNS")["CertificateArn"]
    found = elsewhere.describe_certificate(CertificateArn=arn)["Certificate"]
    record = found["DomainValidationOptions"][0]["ResourceRecord"]
    assert [(record["Name"], record["Value"])] == mine
    assert other.records(other.request()) != mine


def test_a_record_that_stands_proves_later_requests_at_once(desk):
    """There is nothing to wait for."""
    desk.issue()
    again = desk.acm.request_certificate(
        DomainName=NAME, ValidationMethod="DNS", KeyAlgorithm="EC_prime256v1"
    )["CertificateArn"]
    assert desk.acm.get_certificate(CertificateArn=again)["Certificate"]


@pytest.mark.parametrize(("aliases", "found"), [(1, True), (5, True), (6, False)])
def test_five_aliases_may_lead_to_the_value(desk, aliases, found):
    """Counting the record itself."""
    arn = desk.request()
    ((name, value),) = desk.records(arn)
    steps = [name, *(f"step{number}.lab.example." for number in range(1, aliases)), value]
    for at, target in itertools.pairwise(steps):
        desk.change("UPSERT", at, "CNAME", target)
    assert (desk.status(arn) == "ISSUED") is found


def test_a_value_may_lack_its_underscore_a_name_may_not(desk):
    """Some providers do not take one."""
    arn = desk.request()
    ((name, value),) = desk.records(arn)
    desk.change("UPSERT", name.removeprefix("_"), "CNAME", value)
    assert desk.status(arn) == "PENDING_VALIDATION"
    desk.change("UPSERT", name, "CNAME", value.removeprefix("_"))
    assert desk.status(arn) == "ISSUED"


def test_a_private_zone_proves_nothing(desk):
    """The public does not see it."""
    zone = desk.route53.create_hosted_zone(
        Name="lab.example", CallerReference="private",
        VPC={"VPCRegion": "us-east-1", "VPCId": "vpc-0123456789abcdef0"},
        HostedZoneConfig={"PrivateZone": True},
    )["HostedZone"]["Id"]  # fmt: skip
    arn = desk.request()
    ((name, value),) = desk.records(arn)
    desk.change("UPSERT", name, "CNAME", value, zone=zone)
    assert desk.status(arn) == "PENDING_VALIDATION"
    desk.write(arn)
    assert desk.status(arn) == "ISSUED"


@pytest.mark.parametrize(
    ("records", "fine"),
    [
        (['0 issue "amazon.com"'], True),
        (['0 issue "ca.example"', '0 issue "awstrust.com"'], True),
        (['0 issue "amazontrust.com; policy=x"'], True),
        (['0 iodef "mailto:sec@lab.example"'], True),
        (['0 issue "ca.example"'], False),
        (['0 issue ";"'], False),
        (['0 issue "amazon.com"', '128 other "x"'], False),
    ],
)
def test_caa_must_let_amazon_issue(desk, records, fine):
    """If it says anything."""
    desk.change("UPSERT", "lab.example", "CAA", *records)
    arn = desk.request()
    desk.write(arn)
    detail = desk.describe(arn)
    if fine:
        assert detail["Status"] == "ISSUED"
        assert "FailureReason" not in detail
    else:
        assert (detail["Status"], detail["FailureReason"]) == ("FAILED", "CAA_ERROR")
        desk.refused("RequestInProgressException", desk.acm.get_certificate, CertificateArn=arn)


def test_caa_has_a_say_of_its_own_on_wildcards(desk):
    """The other names of the certificate go with them."""
    desk.change("UPSERT", "lab.example", "CAA", '0 issue "amazon.com"', '0 issuewild ";"')
    assert desk.issue("lab.example")
    arn = desk.request("lab.example", "*.lab.example")
    found = desk.describe(arn)
    assert (found["Status"], found["FailureReason"]) == ("FAILED", "CAA_ERROR")
    states = {
        each["DomainName"]: each["ValidationStatus"] for each in found["DomainValidationOptions"]
    }
    assert states == {"lab.example": "SUCCESS", "*.lab.example": "FAILED"}


def test_a_name_below_no_public_domain_fails(desk):
    """At once, and with its reason."""
    found = desk.describe(desk.request("www.lab.local", KeyAlgorithm="RSA_2048"))
    assert (found["Status"], found["FailureReason"]) == ("FAILED", "INVALID_PUBLIC_DOMAIN")


def test_a_name_whose_record_would_be_too_long_waits_in_vain(desk):
    """DNS has no names of more than 255 octets."""
    long = ".".join(["a" * 60] * 4)
    arn = desk.request(NAME, long)
    desk.change("UPSERT", *_first(desk, arn))
    assert desk.status(arn) == "PENDING_VALIDATION"


def _first(desk, arn):
    (name, value), *_ = (each for each in desk.records(arn) if NAME in each[0])
    return name, "CNAME", value


def test_mail_goes_to_five_mailboxes(desk):
    """Of the name without www or a wildcard, or of the domain that was asked for."""
    above = {"DomainName": "a.lab.example", "ValidationDomain": "lab.example"}
    arn = desk.request(
        NAME, "*.sub.lab.example", "a.lab.example", ValidationMethod="EMAIL",
        DomainValidationOptions=[above],
    )  # fmt: skip
    found = desk.describe(arn)["DomainValidationOptions"]
    first, wildcard, with_domain = (each["ValidationEmails"] for each in found)
    assert first == [
        f"{box}@lab.example"
        for box in ("admin", "administrator", "hostmaster", "postmaster", "webmaster")
    ]
    assert wildcard[0] == "admin@sub.lab.example"
    assert with_domain == first
    assert [each["ValidationDomain"] for each in found] == [
        NAME,
        "*.sub.lab.example",
        "lab.example",
    ]
    assert {each["ValidationMethod"] for each in found} == {"EMAIL"}
    assert all("ResourceRecord" not in each for each in found)


def test_nobody_reads_mail(desk, lab):
    """So it times out, whatever DNS says."""
    desk.issue()
    arn = desk.request(ValidationMethod="EMAIL")
    lab.clock.advance(hours=71, minutes=59)
    assert desk.status(arn) == "PENDING_VALIDATION"
    lab.clock.advance(minutes=1)
    assert desk.status(arn) == "VALIDATION_TIMED_OUT"


def test_mail_is_sent_again_to_another_domain(desk, lab):
    """While the request waits for it."""
    arn = desk.request("a.b.lab.example", ValidationMethod="EMAIL")
    resend = {"CertificateArn": arn, "Domain": "a.b.lab.example", "ValidationDomain": "lab.example"}
    desk.acm.resend_validation_email(**resend)
    (found,) = desk.describe(arn)["DomainValidationOptions"]
    assert (found["ValidationDomain"], found["ValidationEmails"][0]) == (
        "lab.example", "admin@lab.example",
    )  # fmt: skip
    for change in ({"Domain": "lab.example"}, {"ValidationDomain": "x.lab.example"}):
        desk.refused(
            "InvalidDomainValidationOptionsException", desk.acm.resend_validation_email,
            **{**resend, **change},
        )  # fmt: skip
    by_dns = desk.request()
    desk.refused(
        "InvalidStateException", desk.acm.resend_validation_email,
        **{**resend, "CertificateArn": by_dns},
    )  # fmt: skip
    lab.clock.advance(hours=72)
    desk.refused("InvalidStateException", desk.acm.resend_validation_email, **resend)


@pytest.mark.parametrize(
    "options",
    [
        [("other.example", "other.example")],
        [(NAME, "other.example")],
        [(NAME, f"a.{NAME}")],
        [(NAME, "lab.example"), (NAME, "lab.example")],
    ],
)
def test_a_validation_domain_is_the_name_or_above_it(desk, options):
    """Of a name that is requested, once."""
    given = [{"DomainName": name, "ValidationDomain": domain} for name, domain in options]
    for method in ("DNS", "EMAIL"):
        desk.refused(
            "InvalidDomainValidationOptionsException", desk.acm.request_certificate,
            DomainName=NAME, ValidationMethod=method, DomainValidationOptions=given,
        )  # fmt: skip
