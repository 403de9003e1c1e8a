"""AWS Certificate Manager: what its operations need.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS
Certificate Manager"; ACM User Guide, "Use condition keys with ACM" (what a request that says
nothing counts as).
"""

from __future__ import annotations

from collections.abc import Iterator

from pkilab.simulator.access.asking import Access, Asked, anywhere, given, on, rows, tagging

PREFIX = "acm"
KEYS = frozenset(
    {
        "acm:domainnames", "acm:validationmethod", "acm:keyalgorithm", "acm:certificateauthority",
        "acm:certificatetransparencylogging", "acm:export",
        "aws:resourcetag/", "aws:requesttag/", "aws:tagkeys",
    }
)  # fmt: skip
_CERTIFICATE = "CertificateArn"


def _request(asked: Asked) -> Iterator[Access]:
    members = asked.members
    options, authority = members.get("Options", {}), members.get("CertificateAuthorityArn")
    names = [members["DomainName"], *members.get("SubjectAlternativeNames", ())]
    logging = options.get("CertificateTransparencyLoggingPreference", "ENABLED")
    keys = {
        "acm:domainnames": list(dict.fromkeys(names)),
        "acm:validationmethod": None if authority else members.get("ValidationMethod", "EMAIL"),
        "acm:keyalgorithm": members.get("KeyAlgorithm", "RSA_2048"),
        "acm:certificateauthority": authority,
        "acm:certificatetransparencylogging": None if authority else logging,
        "acm:export": options.get("Export", "DISABLED"),
    }
    yield asked.access(context=given(keys) | tagging(members.get("Tags")))
    yield from _tagged(asked, asked.arn("certificate/*"))


def _import(asked: Asked) -> Iterator[Access]:
    arn = asked.members.get(_CERTIFICATE) or asked.arn("certificate/*")
    yield asked.access(arn, context=tagging(asked.members.get("Tags")))
    yield from _tagged(asked, arn)


def _tagged(asked: Asked, arn: str) -> Iterator[Access]:
    """Yield what the tags of a new certificate need (ACM User Guide, "Tagging resources")."""
    if tags := tagging(asked.members.get("Tags")):
        yield asked.access(arn, "AddTagsToCertificate", tags)


def _named(asked: Asked) -> Iterator[Access]:
    """What ExportCertificate and RevokeCertificate need: they may be limited to names."""
    arn = asked.members[_CERTIFICATE]
    found = asked.facts.resource(arn)
    yield asked.access(arn, context=found.details if found else {})


TABLE = rows(
    (_request, "RequestCertificate"),
    (_import, "ImportCertificate"),
    (_named, "ExportCertificate RevokeCertificate"),
    (on(_CERTIFICATE, tags="Tags"), "AddTagsToCertificate RemoveTagsFromCertificate"),
    (
        on(_CERTIFICATE),
        """
        DeleteCertificate DescribeCertificate GetCertificate ListTagsForCertificate
        RenewCertificate ResendValidationEmail UpdateCertificateOptions
        """,
    ),
    (
        anywhere,
        "GetAccountConfiguration ListCertificates PutAccountConfiguration SearchCertificates",
    ),
)
