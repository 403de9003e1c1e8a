"""AWS Private CA: what its operations need.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Private
Certificate Authority"; User Guide, "Inline policies" (tags at creation).
"""

from __future__ import annotations

from collections.abc import Iterator

from pkilab.simulator.access.asking import Access, Asked, anywhere, on, rows, tagging

PREFIX = "acm-pca"
KEYS = frozenset({"acm-pca:templatearn", "aws:resourcetag/", "aws:requesttag/", "aws:tagkeys"})
_CA = "CertificateAuthorityArn"
_DEFAULT_TEMPLATE = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"


def _create(asked: Asked) -> Iterator[Access]:
    tags = tagging(asked.members.get("Tags"))
    yield asked.access(context=tags)
    if tags:
        resource = asked.arn("certificate-authority/*")
        yield asked.access(resource, "TagCertificateAuthority", tags)


def _issue(asked: Asked) -> Iterator[Access]:
    template = asked.members.get("TemplateArn") or _DEFAULT_TEMPLATE
    yield asked.access(asked.members[_CA], context={"acm-pca:templatearn": template})


TABLE = rows(
    (_create, "CreateCertificateAuthority"),
    (_issue, "IssueCertificate"),
    (anywhere, "ListCertificateAuthorities"),
    (on("ResourceArn"), "DeletePolicy GetPolicy PutPolicy"),
    (on(_CA, tags="Tags"), "TagCertificateAuthority"),
    (on(_CA, keys="Tags"), "UntagCertificateAuthority"),
    (
        on(_CA),
        """
        CreateCertificateAuthorityAuditReport CreatePermission DeleteCertificateAuthority
        DeletePermission DescribeCertificateAuthority DescribeCertificateAuthorityAuditReport
        GetCertificate GetCertificateAuthorityCertificate GetCertificateAuthorityCsr
        ImportCertificateAuthorityCertificate ListPermissions ListTags
        RestoreCertificateAuthority RevokeCertificate UpdateCertificateAuthority
        """,
    ),
)
