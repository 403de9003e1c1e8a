"""Lists and searches: which certificates, in which order."""

from datetime import timedelta

import pytest

from pkilab.simulator.service import AwsError, service_model

NAME = "www.lab.example"


@pytest.fixture
def held(desk, maker):
    """Some certificates by name; the first is the oldest."""
    make, root = maker(desk.now), desk.root()

    def later(arn):
        desk.lab.clock.advance(seconds=1)
        return arn

    found = {
        "imported": later(desk.bring(make, "own.example", dns=["own.example", "b.example"])),
        "rsa": later(desk.bring(make, "rsa.example", algorithm="RSA_2048")),
        "nameless": later(desk.bring(make, "x", algorithm="RSA_2048", dns=[], subject="")),
        "pending": later(desk.request("pending.lab.example", KeyAlgorithm="RSA_2048")),
        "public": later(desk.issue(NAME, Options={"Export": "ENABLED"})),
        "private": later(desk.request("in.lab.example", CertificateAuthorityArn=root)),
    }
    desk.use(found["private"])
    desk.export(found["public"])
    return found


def listed(desk, held, **options):
    """Return the names of what ListCertificates lists."""
    names = {arn: name for name, arn in held.items()}
    found = desk.acm.list_certificates(**options)["CertificateSummaryList"]
    return [names[each["CertificateArn"]] for each in found]


ALL = ["RSA_2048", "EC_prime256v1"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["rsa", "pending"]),
        ({"Includes": {"keyTypes": ["RSA_2048"]}}, ["rsa", "nameless", "pending"]),
        ({"Includes": {"keyTypes": ["EC_secp384r1"]}}, []),
        ({"Includes": {"keyTypes": ALL, "exportOption": "ENABLED"}}, ["public", "private"]),
        ({"Includes": {"keyTypes": ALL, "managedBy": "CLOUDFRONT"}}, []),
        (
            {"Includes": {"keyTypes": ALL, "extendedKeyUsage": ["TLS_WEB_CLIENT_AUTHENTICATION"]}},
            ["private"],
        ),
        (
            {"Includes": {"keyTypes": ALL, "extendedKeyUsage": ["NONE", "CODE_SIGNING"]}},
            ["imported", "rsa", "nameless"],
        ),
        (
            {"Includes": {"keyTypes": ALL, "keyUsage": ["KEY_ENCIPHERMENT", "CRL_SIGNING"]}},
            ["private"],
        ),
        (
            {
                "Includes": {
                    "keyTypes": ALL, "keyUsage": ["DIGITAL_SIGNATURE"],
                    "extendedKeyUsage": ["TLS_WEB_CLIENT_AUTHENTICATION"],
                }
            },
            ["private"],
        ),
        ({"CertificateStatuses": ["PENDING_VALIDATION"]}, ["pending"]),
        ({"CertificateStatuses": ["ISSUED", "EXPIRED"]}, ["rsa"]),
        ({"CertificateKeyPairOrigins": ["AWS_MANAGED"]}, ["pending"]),
        ({"CertificateKeyPairOrigins": ["ACME"]}, []),
        ({"RootHierarchyTypes": ["N2_AMAZON_MANAGED"]}, []),
        ({"SortBy": "CREATED_AT", "SortOrder": "DESCENDING"}, ["pending", "rsa"]),
        ({"SortBy": "CREATED_AT", "SortOrder": "ASCENDING"}, ["rsa", "pending"]),
    ],
)  # fmt: skip
def test_a_list_has_what_was_asked_for(desk, held, options, expected):
    """Small RSA keys with a name, unless told otherwise; members narrow, values widen."""
    assert listed(desk, held, **options) == expected


@pytest.mark.parametrize("options", [{"SortBy": "CREATED_AT"}, {"SortOrder": "ASCENDING"}])
def test_an_order_has_both_its_halves(desk, options):
    desk.refused("ValidationException", desk.acm.list_certificates, **options)


def test_a_list_comes_in_pages(desk, held):
    """Each token leads on in its own list alone."""
    keys = {"keyTypes": ALL}
    pages = desk.acm.get_paginator("list_certificates").paginate(
        Includes=keys, PaginationConfig={"PageSize": 4}
    )
    sizes = [len(page["CertificateSummaryList"]) for page in pages]
    assert sizes == [4, 2]
    token = desk.acm.list_certificates(Includes=keys, MaxItems=1)["NextToken"]
    rest = desk.acm.list_certificates(Includes=keys, NextToken=token)["CertificateSummaryList"]
    assert len(rest) == 5
    desk.refused("ValidationException", desk.acm.list_certificates, NextToken=token)


def test_a_list_is_an_accounts_and_a_regions(desk, other, held, lab):
    assert other.acm.list_certificates()["CertificateSummaryList"] == []
    elsewhere = lab.client("acm", region="eu-west-1")
    assert elsewhere.list_certificates()["CertificateSummaryList"] == []
    assert elsewhere.search_certificates()["Results"] == []


# SearchCertificates


def found(desk, held, statement=None, **options):
    """Return the names of what SearchCertificates finds."""
    names = {arn: name for name, arn in held.items()}
    members = {"FilterStatement": statement} if statement else {}
    answer = desk.acm.search_certificates(**members, **options)
    return [names[each["CertificateArn"]] for each in answer["Results"]]


def x509_filter(**member):
    return {"Filter": {"X509AttributeFilter": member}}


def acm_filter(**member):
    return {"Filter": {"AcmCertificateMetadataFilter": member}}


def text(value, operator="EQUALS"):
    return {"Value": value, "ComparisonOperator": operator}


EVERYTHING = ["imported", "rsa", "nameless", "pending", "public", "private"]
IMPORTED, PRIVATE = acm_filter(Type="IMPORTED"), acm_filter(Type="PRIVATE")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (None, EVERYTHING),
        (x509_filter(Subject={"CommonName": text("WWW.lab.example")}), ["public"]),
        (
            x509_filter(Subject={"CommonName": text("lab.", "CONTAINS")}),
            ["pending", "public", "private"],
        ),
        (x509_filter(SubjectAlternativeName={"DnsName": text("b.example")}), ["imported"]),
        (x509_filter(SubjectAlternativeName={"DnsName": text("b.exampl")}), []),
        (x509_filter(KeyAlgorithm="RSA_2048"), ["rsa", "nameless", "pending"]),
        (x509_filter(KeyUsage="KEY_ENCIPHERMENT"), ["private"]),
        (x509_filter(ExtendedKeyUsage="NONE"), ["imported", "rsa", "nameless"]),
        (acm_filter(Status="PENDING_VALIDATION"), ["pending"]),
        (IMPORTED, ["imported", "rsa", "nameless"]),
        (acm_filter(InUse=True), ["private"]),
        (acm_filter(InUse=False), ["imported", "rsa", "nameless", "pending", "public"]),
        (acm_filter(Exported=True), ["public"]),
        (acm_filter(ExportOption="ENABLED"), ["public", "private"]),
        (acm_filter(ValidationMethod="DNS"), ["pending", "public"]),
        (acm_filter(CertificateKeyPairOrigin="CUSTOMER_PROVIDED"), ["imported", "rsa", "nameless"]),
        (acm_filter(RenewalStatus="SUCCESS"), []),
        (acm_filter(ManagedBy="CLOUDFRONT"), []),
        ({"And": [IMPORTED, x509_filter(KeyAlgorithm="RSA_2048")]}, ["rsa", "nameless"]),
        ({"Or": [PRIVATE, acm_filter(Exported=True)]}, ["public", "private"]),
        ({"Not": IMPORTED}, ["pending", "public", "private"]),
        (
            {"And": [{"Not": IMPORTED}, {"Or": [PRIVATE, {"Not": PRIVATE}]}]},
            ["pending", "public", "private"],
        ),
    ],
)
def test_a_search_finds_what_the_statement_says(desk, held, statement, expected):
    """Each filter, and and, or, not."""
    assert found(desk, held, statement) == expected


def test_a_search_knows_arns_serials_and_dates(desk, held):
    """Of what is issued."""
    arn = held["public"]
    detail = desk.describe(arn)
    assert found(desk, held, {"Filter": {"CertificateArn": arn}}) == ["public"]
    assert found(desk, held, x509_filter(SerialNumber=detail["Serial"])) == ["public"]
    start, end = detail["NotBefore"], detail["NotAfter"]
    second = timedelta(seconds=1)
    for span, hit in (
        ({"Start": end, "End": end}, True),
        ({"Start": end + second}, False),
        ({"End": end}, True),
        ({"End": end - second}, False),
        ({}, True),
    ):
        assert ("public" in found(desk, held, x509_filter(NotAfter=span))) is hit
    assert "pending" not in found(desk, held, x509_filter(NotAfter={}))
    assert "public" in found(desk, held, x509_filter(NotBefore={"Start": start, "End": start}))


@pytest.mark.parametrize(
    "statement",
    [
        {},
        {"And": [IMPORTED], "Or": [PRIVATE]},
        {"Filter": {}},
        {"Filter": {"X509AttributeFilter": {}}},
        {"Not": {"And": [IMPORTED, {"Filter": {"AcmCertificateMetadataFilter": {}}}]}},
        {"Or": [IMPORTED, x509_filter(Subject={})]},
        x509_filter(KeyAlgorithm="RSA_2048", KeyUsage="ANY"),
    ],
)
def test_a_statement_says_one_thing_at_a_time(desk, statement):
    """Whether there is anything to search or not."""
    with pytest.raises(AwsError, match="exactly one member") as caught:
        desk.invoke("SearchCertificates", FilterStatement=statement)
    assert caught.value.code == "ValidationException"


def test_a_statement_has_an_end(desk):
    """However deep it is within what can be read at all."""
    statement = IMPORTED
    for _ in range(32):
        statement = {"Not": statement}
    assert desk.invoke("SearchCertificates", FilterStatement=statement)["Results"] == []
    for more in (1, 100):
        for _ in range(more):
            statement = {"And": [statement]}
        with pytest.raises(AwsError, match="levels deep") as caught:
            desk.invoke("SearchCertificates", FilterStatement=statement)
        assert caught.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("CREATED_AT", EVERYTHING),
        ("TYPE", ["pending", "public", "imported", "rsa", "nameless", "private"]),
        ("IN_USE", ["imported", "rsa", "nameless", "pending", "public", "private"]),
        ("COMMON_NAME", ["private", "imported", "pending", "rsa", "public", "nameless"]),
        ("REVOKED_AT", EVERYTHING),
        ("ACME_ACCOUNT_ID", EVERYTHING),
        ("NOT_AFTER", ["imported", "rsa", "nameless", "public", "private", "pending"]),
    ],
)
def test_a_search_is_ordered(desk, held, by, expected):
    """What has no such value comes last, in either direction; equals stay as they are."""
    assert found(desk, held, SortBy=by, SortOrder="ASCENDING") == expected
    assert sorted(found(desk, held, SortBy=by, SortOrder="DESCENDING")) == sorted(expected)


def test_the_newest_come_first_if_told_so(desk, held):
    assert found(desk, held, SortBy="CREATED_AT", SortOrder="DESCENDING") == EVERYTHING[::-1]
    last = found(desk, held, SortBy="NOT_AFTER", SortOrder="DESCENDING")
    assert (last[0], last[-1]) == ("private", "pending")


def test_every_order_of_the_model_is_known(desk, held):
    """None of them fails."""
    for by in service_model("acm").shape_for("SearchCertificatesSortBy").metadata["enum"]:
        for order in ("ASCENDING", "DESCENDING"):
            assert sorted(found(desk, held, SortBy=by, SortOrder=order)) == sorted(EVERYTHING)


def test_a_search_comes_in_pages(desk, held):
    """A token belongs to its statement."""
    first = desk.acm.search_certificates(MaxResults=4)
    rest = desk.acm.search_certificates(MaxResults=4, NextToken=first["NextToken"])
    assert [len(each["Results"]) for each in (first, rest)] == [4, 2]
    assert "NextToken" not in rest
    desk.refused(
        "ValidationException", desk.acm.search_certificates,
        NextToken=first["NextToken"], FilterStatement=IMPORTED,
    )  # fmt: skip
