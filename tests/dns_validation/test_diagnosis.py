"""Every cause has a certificate that suffers from it, and one that is cured of it."""

import itertools
import json
from datetime import timedelta

import dns.message
import dns.query
import pytest

from pkilab import ca_hierarchy, dns_validation, mutual_tls
from pkilab.dns_validation import Answer, Cause, delegate, to_route53
from pkilab.dns_validation.caa import check_caa
from pkilab.errors import LabError
from pkilab.pki import requests

SITE = "lab.example"
HTTP = {"DomainName": SITE, "ValidationMethod": "HTTP"}
VPC = {"VPCRegion": "us-east-1", "VPCId": "vpc-1234567890abcdef0"}


class Described:
    """ACM as it is seldom met: with one certificate, as told."""

    def __init__(self, site, status, options, **members):
        self._certificate = {
            "DomainName": SITE,
            "Type": "AMAZON_ISSUED",
            "Status": status,
            "CreatedAt": site.lab.clock.now(),
            "DomainValidationOptions": options,
            **members,
        }

    def describe_certificate(self, **_):
        """Describe it, whatever its ARN."""
        return {"Certificate": self._certificate}


def seen_by_dnspython(site, name, kind):
    """Return the values an outside library is given by the same server."""
    host, port = site.server.rsplit(":", 1)
    answer = dns.query.udp(dns.message.make_query(name, kind), host, port=int(port), timeout=10)
    return [data.to_text() for rrset in answer.answer for data in rrset]


def cured(site, arn):
    """Say whether ACM issues now, and the diagnosis agrees."""
    findings = site.diagnose(arn)
    issued = site.status(arn) == "ISSUED"
    findings = site.diagnose(arn)
    assert all(each.cause in {None, Cause.NOT_IN_USE} for each in findings) is issued
    return issued


# The record is not there, or not where ACM looks.


def test_a_record_that_nobody_wrote_is_absent(site):
    """With where to write it; written there, ACM finds it, and so does dnspython."""
    site.zone(SITE)
    arn, record = site.request(SITE)
    found = site.only(arn)
    assert found.cause is Cause.RECORD_ABSENT
    assert found.sentence == f"DNS has no {record.name[:-1]}; it looks in the zone {SITE}."
    assert found.remedy == f"Write it there: {record.name} CNAME {record.value}"
    assert seen_by_dnspython(site, record.name, "CNAME") == []
    to_route53(site.route53, [record])
    assert seen_by_dnspython(site, record.name, "CNAME") == [record.value]
    assert cured(site, arn)


def test_each_domain_has_a_finding_of_its_own(site):
    """One is proven and one is not."""
    zone = site.zone(SITE)
    arn, record = site.request(SITE, f"*.{SITE}", f"api.{SITE}")
    to_route53(site.route53, [record], zone)
    findings = site.diagnose(arn)
    assert [each.domain for each in findings] == [SITE, f"*.{SITE}", f"api.{SITE}"]
    assert [each.cause for each in findings] == [
        Cause.JUST_REQUESTED, Cause.JUST_REQUESTED, Cause.RECORD_ABSENT,
    ]  # fmt: skip


def test_a_record_in_a_namesake_zone_is_in_the_wrong_one(site):
    """Anyone can create a zone of any name; DNS asks the one the registrar names."""
    right, wrong = site.zone(SITE), site.zone(SITE)
    arn, record = site.request(SITE)
    to_route53(site.route53, [record], wrong)
    found = site.only(arn)
    assert found.cause is Cause.WRONG_ZONE
    assert found.sentence.startswith(f"The record is in the hosted zone {wrong} ({SITE}) at ns-")
    assert found.remedy.startswith(f"Write it to the hosted zone {right}: _")
    blind = site.only(arn, route53=None)
    assert blind.cause is Cause.RECORD_ABSENT
    assert "If it is, then not in the zone that has ns-" in blind.sentence
    to_route53(site.route53, [record], right)
    assert cured(site, arn)


def test_a_record_above_a_delegation_is_in_the_wrong_zone(site):
    """The parent's records below a cut are not asked for."""
    parent, child = site.zone(SITE), site.zone(f"dev.{SITE}")
    delegate(site.route53, child, parent_zone_id=parent)
    arn, record = site.request(f"dev.{SITE}")
    to_route53(site.route53, [record], parent)
    found = site.only(arn)
    assert found.cause is Cause.WRONG_ZONE
    assert f"but DNS asks dev.{SITE} at ns-" in found.sentence
    assert f"Write it to the hosted zone {child}" in found.remedy
    to_route53(site.route53, [record])
    assert cured(site, arn)


def test_a_private_zone_is_seen_by_its_vpcs_alone(site):
    """ACM is in none of them."""
    site.zone(SITE)
    private = site.zone(SITE, VPC=VPC)
    arn, record = site.request(SITE)
    to_route53(site.route53, [record], private)
    found = site.only(arn)
    assert found.cause is Cause.PRIVATE_ZONE
    assert f"The record is in {private}, a private hosted zone named {SITE}" in found.sentence
    to_route53(site.route53, [record])
    assert cured(site, arn)


def test_a_zone_that_nothing_delegates_to_is_named_with_its_servers(site):
    """The NS records are missing from the zone above."""
    parent, child = site.zone(SITE), site.zone(f"dev.{SITE}")
    arn, record = site.request(f"dev.{SITE}")
    to_route53(site.route53, [record])
    found = site.only(arn)
    assert found.cause is Cause.NO_DELEGATION
    assert found.sentence.endswith(
        f"hosted zone {child} (dev.{SITE}), but nothing delegates to it."
    )
    assert found.remedy.startswith(f"Write NS records for dev.{SITE} to {SITE}: ns-")
    delegate(site.route53, child, parent_zone_id=parent)
    assert cured(site, arn)


def test_a_domain_nobody_registered_is_told_from_a_missing_record(site):
    """DNS ends at the top-level domain; a zone of the name makes the lab register it."""
    arn, record = site.request("www.unregistered.example")
    found = site.only(arn)
    assert found.cause is Cause.NO_DELEGATION
    assert "no registered domain leads to it" in found.sentence
    assert found.remedy == "Register the domain, and create a public hosted zone for it."
    site.zone("unregistered.example")
    to_route53(site.route53, [record])
    assert cured(site, arn)


def point_registrar_at(site, zone_id):
    """Give the registry a zone's name servers."""
    servers = delegate(site.route53, zone_id).name_servers
    site.lab.client("route53domains").update_domain_nameservers(
        DomainName=SITE, Nameservers=[{"Name": server.rstrip(".")} for server in servers]
    )


def test_a_zone_that_was_made_anew_is_not_the_delegated_one(site):
    """The registrar still names the servers of the zone that was deleted."""
    old = site.zone(SITE)
    site.route53.delete_hosted_zone(Id=old)
    new = site.zone(SITE)
    arn, record = site.request(f"www.{SITE}")
    to_route53(site.route53, [record])
    found = site.only(arn)
    assert found.cause is Cause.BROKEN_DELEGATION
    assert f"the name servers that the registrar names for {SITE} has the zone" in found.sentence
    assert found.remedy.startswith(f"Name the servers of the hosted zone there ({new}: ns-")
    assert site.only(arn, route53=None).remedy.startswith("Compare what the registrar names")
    point_registrar_at(site, new)
    assert cured(site, arn)


def test_a_broken_delegation_below_names_the_zone_above_it(site):
    """The parent zone names servers that do not have the child."""
    parent, child = site.zone(SITE), site.zone(f"dev.{SITE}")
    site.put(f"dev.{SITE}", "NS", "ns-1.awsdns-00.com", "ns-513.awsdns-00.net", zone=parent)
    arn, record = site.request(f"api.dev.{SITE}")
    to_route53(site.route53, [record])
    found = site.only(arn)
    assert found.cause is Cause.BROKEN_DELEGATION
    assert f"the name servers that {SITE} names for dev.{SITE} has the zone" in found.sentence
    assert f"({child}: ns-" in found.remedy
    delegate(site.route53, child, parent_zone_id=parent)
    assert cured(site, arn)


# The record is there, but not as ACM wants it.


def test_a_name_to_which_the_zone_was_appended_is_doubled(site):
    """What a provider does that takes names without the zone."""
    zone = site.zone(SITE)
    arn, record = site.request(f"api.{SITE}")
    site.put(f"{record.name}{SITE}", "CNAME", record.value, zone=zone)
    found = site.only(arn)
    assert found.cause is Cause.NAME_DOUBLED
    assert found.sentence.startswith(f"The record is at {record.name}{SITE}: the zone's name")
    assert found.remedy == f"Enter the name without {SITE}, which the provider appends."
    to_route53(site.route53, [record])
    assert cured(site, arn)


@pytest.mark.parametrize(
    ("slip", "what"),
    [
        (lambda name: name.removeprefix("_"), "without its underscore"),
        (lambda name: name.replace(".api.", "."), "with labels missing"),
    ],
)
def test_a_name_that_lost_something_is_found(site, slip, what):
    """Its underscore, or the labels between it and the zone."""
    zone = site.zone(SITE)
    arn, record = site.request(f"api.{SITE}")
    site.put(slip(record.name), "CNAME", record.value, zone=zone)
    found = site.only(arn)
    assert found.cause is Cause.WRONG_NAME
    assert found.sentence == f"The record is at {slip(record.name)[:-1]}, {what}."
    to_route53(site.route53, [record])
    assert cured(site, arn)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda value: f"{value}{SITE}.", "The provider appended the zone's name"),
        (lambda _: f"_{'0' * 32}.acm-validations.aws.", "That is another token"),
        (lambda value: value.replace("acm-validations.aws", "acm-validation.aws"), ""),
    ],
)
def test_a_wrong_value_is_shown_beside_the_right_one(site, spoil, why):
    """Doubled, of another request, or mistyped."""
    zone = site.zone(SITE)
    arn, record = site.request(SITE)
    wrong = spoil(record.value)
    site.put(record.name, "CNAME", wrong, zone=zone)
    found = site.only(arn)
    assert found.cause is Cause.WRONG_VALUE
    assert f"leads to {wrong[:-1]}, not to {record.value[:-1]}. {why}".strip() in found.sentence
    to_route53(site.route53, [record])
    assert cured(site, arn)


def test_a_value_without_its_underscore_is_taken(site):
    """Some providers refuse one there, and ACM allows for it."""
    zone = site.zone(SITE)
    arn, record = site.request(SITE)
    site.put(record.name, "CNAME", record.value.removeprefix("_"), zone=zone)
    assert cured(site, arn)


@pytest.mark.parametrize(
    ("kind", "value", "hint"),
    [
        ("A", "192.0.2.7", "If a proxy stands before the name"),
        ("TXT", '"{value}"', "Enter it as a CNAME record."),
    ],
)
def test_what_is_there_and_is_no_cname_is_shown(site, kind, value, hint):
    """A proxy answers with its addresses; a form was filled in with the wrong type."""
    zone = site.zone(SITE)
    arn, record = site.request(SITE)
    site.put(record.name, kind, value.format(value=record.value), zone=zone)
    found = site.only(arn)
    assert found.cause is Cause.NOT_A_CNAME
    assert f"has {kind} records (" in found.sentence
    assert found.remedy.startswith(hint)
    site.put(record.name, kind, value.format(value=record.value), zone=zone, action="DELETE")
    to_route53(site.route53, [record])
    assert cured(site, arn)


@pytest.mark.parametrize(("kind", "value"), [("A", "192.0.2.7"), ("CNAME", "www.lab.example")])
def test_a_wildcards_answer_is_not_taken_for_a_record(site, kind, value):
    """Every name below has it; the record is absent all the same."""
    zone = site.zone(SITE)
    site.put(f"*.{SITE}", kind, value, zone=zone)
    arn, record = site.request(SITE)
    assert site.only(arn).cause is Cause.RECORD_ABSENT
    to_route53(site.route53, [record])
    assert cured(site, arn)


@pytest.mark.parametrize(("aliases", "cause"), [(4, None), (5, Cause.TOO_MANY_ALIASES)])
def test_five_cnames_are_followed_and_no_more(site, aliases, cause):
    """The record may lead to the value by way of others, up to five in all."""
    zone = site.zone(SITE)
    arn, record = site.request(SITE)
    hops = [record.name, *(f"hop{n}.{SITE}." for n in range(aliases)), record.value]
    for start, end in itertools.pairwise(hops):
        site.put(start, "CNAME", end, zone=zone)
    if cause is None:
        assert cured(site, arn)
    else:
        found = site.only(arn)
        assert (found.cause, site.status(arn)) == (cause, "PENDING_VALIDATION")


def test_an_alias_that_cannot_be_followed_is_not_called_wrong(site):
    """It leads to a domain whose name servers do not answer; who knows what lies beyond."""
    zone = site.zone(SITE)
    site.put("lame.lab.example", "NS", "ns-1.awsdns-00.com", zone=zone)
    arn, record = site.request(SITE)
    site.put(record.name, "CNAME", "x.lame.lab.example", zone=zone)
    found = site.only(arn)
    assert (found.cause, "SERVFAIL" in found.sentence) == (Cause.CANNOT_LOOK, True)


# The record is right, and something else is not.


def test_a_caa_record_that_names_another_ca_forbids(site):
    """ACM fails the request; the diagnosis shows the record, and the failed one stays failed."""
    zone = site.zone(SITE)
    site.put(SITE, "CAA", '0 issue "other-ca.example"', '0 iodef "mailto:a@lab.example"', zone=zone)
    arn, record = site.request(f"api.{SITE}")
    to_route53(site.route53, [record])
    assert site.status(arn) == "FAILED"
    found = site.only(arn)
    assert found.cause is Cause.CAA_FORBIDS
    assert found.sentence == (
        f'CAA at {SITE} does not name Amazon as an issuer: 0 issue "other-ca.example".'
    )
    assert found.remedy.startswith(f'Add to {SITE}: CAA 0 issue "amazon.com". Then request')
    site.put(SITE, "CAA", '0 issue "other-ca.example"', '0 issue "amazon.com"', zone=zone)
    after = site.only(arn)
    assert after.cause is Cause.REFUSED
    assert "CAA forbade it then (CAA_ERROR)" in after.sentence
    again, _ = site.request(f"api.{SITE}")
    assert cured(site, again)


CAA = {
    "issuer of Amazon's": (('0 issue "awstrust.com"',), SITE, True),
    "parameters are not read": (('0 issue "AMAZON.com; accounturi=x"',), SITE, True),
    "one of several": (('0 issue "x.example"', '0 issue "amazonaws.com"'), SITE, True),
    "nothing but a mailbox": (('0 iodef "mailto:a@lab.example"',), SITE, True),
    "nobody": (('0 issue ";"',), SITE, False),
    "issuewild replaces issue": (
        ('0 issue "amazon.com"', '0 issuewild "x.example"'), f"*.{SITE}", False,
    ),
    "issuewild is for wildcards": (
        ('0 issue "amazon.com"', '0 issuewild "x.example"'), SITE, True,
    ),
    "issue serves wildcards too": (('0 issue "amazon.com"',), f"*.{SITE}", True),
    "a critical tag nobody knows": (('128 tbs "x"', '0 issue "amazon.com"'), SITE, False),
    "critical, and known": (('128 issue "amazon.com"',), SITE, True),
    "an aunt's records do not count": ((), SITE, True),
}  # fmt: skip


@pytest.mark.parametrize("case", CAA)
def test_the_diagnosis_and_acm_read_caa_alike(site, case):
    """Two implementations of RFC 8659, asked by way of the same zone."""
    values, name, allowed = CAA[case]
    zone = site.zone(SITE)
    site.put(f"aunt.{SITE}", "CAA", '0 issue ";"', zone=zone)
    if values:
        site.put(SITE, "CAA", *values, zone=zone)
    arn, record = site.request(name)
    to_route53(site.route53, [record])
    assert site.status(arn) == ("ISSUED" if allowed else "FAILED")
    assert (check_caa(name, site.ask) is None) is allowed
    if not allowed:
        assert site.only(arn).cause is Cause.CAA_FORBIDS


def test_caa_that_cannot_be_read_allows_nobody():
    """Whatever a resolver makes of it; with Amazon beside it, it does no harm."""

    def answering(*values):
        return lambda name, kind: Answer(name, kind, "NOERROR", values)

    assert check_caa(SITE, answering("0 issue")).cause is Cause.CAA_FORBIDS
    assert check_caa(SITE, answering("0 issue", '0 issue "amazon.com"')) is None


def test_caa_that_cannot_be_looked_up_forbids_as_well():
    """Nobody may issue on a guess."""
    found = check_caa(SITE, lambda name, kind: Answer(f"{name}.", kind, "SERVFAIL"))
    assert found.cause is Cause.CAA_UNREADABLE
    assert check_caa(SITE, lambda name, kind: Answer(f"{name}.", kind, "NXDOMAIN")) is None


def test_a_right_record_that_acm_has_not_seen_needs_patience(site):
    """With until when ACM looks."""
    site.zone(SITE)
    arn, record = site.request(SITE, f"api.{SITE}")
    to_route53(site.route53, [record])
    found = site.diagnose(arn)[0]
    assert found.cause is Cause.JUST_REQUESTED
    assert "it looks again by itself until 2026-11-05 09:00 UTC" in found.sentence


def test_a_record_that_acm_has_not_named_yet_is_only_young(site):
    """The first seconds after a request."""
    for options in ([], [{"DomainName": SITE, "ValidationMethod": "DNS"}]):
        acm = Described(site, "PENDING_VALIDATION", options)
        (found,) = dns_validation.diagnose(acm, "arn", resolve=site.ask)
        assert found.cause is Cause.JUST_REQUESTED
        assert found.sentence.startswith("ACM has not named the record yet")


def test_after_72_hours_the_request_is_over_and_the_cause_is_still_named(site):
    """Also when the record came too late."""
    site.zone(SITE)
    arn, record = site.request(SITE)
    site.lab.clock.advance(hours=72)
    found = site.only(arn)
    assert (site.status(arn), found.cause) == ("VALIDATION_TIMED_OUT", Cause.TIMED_OUT)
    assert "by 2026-11-05 09:00 UTC. Now: DNS has no _" in found.sentence
    assert found.remedy.endswith("a failed one stays failed.")
    to_route53(site.route53, [record])
    assert "Now: The record is in DNS" in site.only(arn).sentence
    again, same = site.request(SITE)
    assert same == record
    assert cured(site, again)


def issued(site, name=SITE):
    """Have a certificate that a domain name of API Gateway's uses."""
    zone = site.zone(SITE)
    arn, record = site.request(name)
    to_route53(site.route53, [record], zone)
    assert site.status(arn) == "ISSUED"
    return arn, record


def test_a_certificate_that_nothing_uses_will_not_be_renewed(site):
    """Used, it will."""
    arn, _ = issued(site)
    well, unused = site.diagnose(arn)
    assert (well.cause, unused.cause) == (None, Cause.NOT_IN_USE)
    assert "a renewal can be validated" in well.sentence
    mutual_tls.create_domain(site.lab.client("apigatewayv2"), SITE, arn)
    assert site.only(arn).cause is None


def test_a_record_that_was_removed_keeps_a_certificate_from_being_renewed(site):
    """Put back before the end, it is renewed."""
    arn, record = issued(site)
    mutual_tls.create_domain(site.lab.client("apigatewayv2"), SITE, arn)
    dns_validation.remove(site.route53, [record])
    found = site.only(arn)
    assert found.cause is Cause.RECORD_REMOVED
    assert found.sentence.startswith("It was validated once; the record is gone since.")
    before = dns_validation.renewal(site.acm, arn)
    site.lab.clock.advance(days=198 - 44)
    stuck = dns_validation.renewal(site.acm, arn)
    assert (stuck.renewal, stuck.not_after) == ("PENDING_VALIDATION", before.not_after)
    assert stuck.domains == (f"{SITE}: PENDING_VALIDATION",)
    to_route53(site.route53, [record])
    site.lab.clock.advance(days=1)
    after = dns_validation.renewal(site.acm, arn)
    assert (after.renewal, after.eligibility) == ("SUCCESS", "ELIGIBLE")
    assert after.not_after > before.not_after
    assert site.only(arn).cause is None


def test_an_expired_certificate_is_over(site):
    """ACM renews only what is still valid."""
    arn, _ = issued(site)
    site.lab.clock.advance(days=199)
    assert site.only(arn).cause is Cause.ENDED
    assert "EXPIRED" in site.only(arn).sentence


def test_e_mail_validation_waits_for_somebody_to_read_mail(site):
    """With the five addresses."""
    arn = site.acm.request_certificate(DomainName=f"www.{SITE}", ValidationMethod="EMAIL")
    found = site.only(arn["CertificateArn"])
    assert found.cause is Cause.EMAIL_VALIDATION
    assert f"hostmaster@{SITE}" in found.sentence
    assert "ValidationMethod=DNS" in found.remedy


def test_a_name_in_no_public_domain_is_refused(site):
    """By ACM; what it says is made plain."""
    arn, _ = site.request("api.corp.internal")
    found = site.only(arn)
    assert (site.status(arn), found.cause) == ("FAILED", Cause.REFUSED)
    assert "INVALID_PUBLIC_DOMAIN" in found.sentence


# Private CAs.


def test_a_private_ca_that_acm_may_not_use_is_named_with_the_remedy(site):
    """The requester could have it issued; ACM cannot have it renewed until it is permitted."""
    pca = site.lab.client("acm-pca")
    ca = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    arn = private(site, ca)
    assert site.only(arn).cause is None
    site.acm.export_certificate(CertificateArn=arn, Passphrase=b"a passphrase")
    site.lab.clock.advance(days=395 - 58)
    denied = site.only(arn)
    assert denied.cause is Cause.PRIVATE_CA
    assert denied.sentence == "The CA does not let ACM issue. (PCA_ACCESS_DENIED)"
    assert "acm-pca CreatePermission" in denied.remedy
    permit(pca, ca)
    site.lab.clock.advance(days=2)
    assert dns_validation.renewal(site.acm, arn).renewal == "SUCCESS"
    assert site.only(arn).cause is None


def test_a_private_ca_that_is_not_active_is_named(site):
    """The request fails at once; with the CA back, another one does not."""
    pca = site.lab.client("acm-pca")
    ca = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    pca.update_certificate_authority(CertificateAuthorityArn=ca, Status="DISABLED")
    found = site.only(private(site, ca))
    assert (found.cause, "(PCA_INVALID_STATE)" in found.sentence) == (Cause.PRIVATE_CA, True)
    pca.update_certificate_authority(CertificateAuthorityArn=ca, Status="ACTIVE")
    assert site.only(private(site, ca)).cause is None


def test_a_private_ca_that_ends_too_early_or_has_other_keys_is_named(site):
    """395 days do not fit into a year, nor RSA under ECDSA."""
    pca = site.lab.client("acm-pca")
    short = ca_hierarchy.create_root(pca, {"CommonName": "Short"}, years=1)
    permit(pca, short)
    for key_algorithm, reason in (
        ("EC_prime256v1", "PCA_INVALID_DURATION"),
        ("RSA_2048", "PCA_INVALID_ARGS"),
    ):
        found = site.only(private(site, short, key_algorithm))
        assert found.cause is Cause.PRIVATE_CA
        assert found.sentence.endswith(f"({reason})")


def private(site, ca, key_algorithm="EC_prime256v1"):
    """Request a private certificate."""
    return site.acm.request_certificate(
        DomainName="api.internal", CertificateAuthorityArn=ca, KeyAlgorithm=key_algorithm
    )["CertificateArn"]


def permit(pca, ca):
    """Let ACM issue from a CA."""
    actions = ["IssueCertificate", "GetCertificate", "ListPermissions"]
    pca.create_permission(
        CertificateAuthorityArn=ca, Principal="acm.amazonaws.com", Actions=actions
    )


@pytest.mark.parametrize(
    ("status", "cause"), [("PENDING_VALIDATION", Cause.JUST_REQUESTED), ("EXPIRED", Cause.ENDED)]
)
def test_a_private_certificate_that_is_young_or_over_says_so(site, status, cause):
    """No domain is looked at."""
    acm = Described(site, status, [], Type="PRIVATE")
    (found,) = dns_validation.diagnose(acm, "arn", resolve=site.ask)
    assert found.cause is cause


def test_every_failure_reason_that_acm_declares_has_a_sentence(site):
    """By botocore's model; an unknown one would say so."""
    for reason in site.acm.meta.service_model.shape_for("FailureReason").enum:
        kind = "PRIVATE" if reason.startswith(("PCA_", "SLR_")) else "AMAZON_ISSUED"
        acm = Described(site, "FAILED", [HTTP], Type=kind, FailureReason=reason)
        (found,) = dns_validation.diagnose(acm, "arn", resolve=site.ask)
        assert found.cause in {Cause.PRIVATE_CA, Cause.REFUSED, Cause.CANNOT_LOOK}
        assert reason == "OTHER" or not found.sentence.startswith(
            ("The CA did not", "ACM does not")
        )


# Looking itself may fail.


def test_what_could_not_be_looked_at_is_never_called_well(site):
    """Nobody answers, or everything fails; the partner is the same certificate, seen."""
    arn, _ = issued(site)

    def nobody(name, kind):
        raise LabError(f"{name} {kind}: no answer")

    found = site.diagnose(arn, resolve=nobody)[0]
    assert found.cause is Cause.CANNOT_LOOK
    assert "no answer" in found.sentence
    for rcode in ("SERVFAIL", "REFUSED"):
        broken = site.diagnose(arn, resolve=lambda n, k, r=rcode: Answer(f"{n}.", k, r))[0]
        assert (broken.cause, rcode in broken.sentence) == (Cause.CANNOT_LOOK, True)
    assert site.diagnose(arn)[0].cause is None


def test_http_validation_is_not_looked_at(site):
    """CloudFront's own; said, not guessed."""
    acm = Described(site, "PENDING_VALIDATION", [HTTP])
    (found,) = dns_validation.diagnose(acm, "arn", resolve=site.ask)
    assert (found.cause, "HTTP" in found.sentence) == (Cause.CANNOT_LOOK, True)


def test_an_imported_certificate_is_nobodys_to_validate(site):
    """It was given, not requested."""
    key = site.lab.generate_key("own")
    pca = site.lab.client("acm-pca")
    ca = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    csr = requests.build_request(key, f"CN={SITE}", dns_names=[SITE])
    made = ca_hierarchy.issue(pca, ca, csr, validity={"Type": "DAYS", "Value": 30})
    arn = mutual_tls.import_certificate(site.acm, made.pem, key, made.chain_pem)
    assert site.only(arn) == dns_validation.Finding(SITE, None, "Imported: ACM validates nothing.")


def test_a_right_zone_that_is_not_served_yet_is_only_slow():
    """The change is PENDING; once it is INSYNC the certificate is issued."""
    from pkilab import Lab

    with Lab.simulated(seed="slow", latency=timedelta(minutes=5)) as lab:
        acm, route53 = lab.client("acm"), lab.client("route53")
        route53.create_hosted_zone(Name=SITE, CallerReference="1")
        lab.clock.advance(minutes=5)
        arn = dns_validation.request(acm, SITE, sleep=lambda _: lab.clock.advance(minutes=5))
        record = dns_validation.records(acm, arn).records[0]
        ask = dns_validation.resolver(lab.serve().dns)
        found = []

        def look_and_wait(seconds):
            found.extend(dns_validation.diagnose(acm, arn, resolve=ask, route53=route53))
            lab.clock.advance(minutes=5)

        to_route53(route53, [record], sleep=look_and_wait)
        assert [each.cause for each in found] == [Cause.NOT_YET_SERVED]
        dns_validation.wait_issued(acm, arn, sleep=lambda s: lab.clock.advance(seconds=s))


def test_a_finding_reads_as_a_line(site):
    """Domain, cause, what was seen and what to do; and it is data."""
    site.zone(SITE)
    arn, _ = site.request(SITE)
    found = site.only(arn)
    assert repr(found) == f"{SITE}: record absent. {found.sentence} {found.remedy}"
    assert json.dumps({"cause": found.cause}) == '{"cause": "record absent"}'
