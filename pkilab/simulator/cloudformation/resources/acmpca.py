"""AWS::ACMPCA: certificate authorities, from the key pair to the installed certificate.

Source: AWS CloudFormation Template Reference, AWS::ACMPCA; the published resource providers
(aws-cloudformation-resource-providers-acmpca), whose handlers call the same operations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pkilab.simulator.cloudformation.calls import RefusedError
from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    REPLACES,
    REPLACES_REQUIRED,
    REQUIRED,
    FailedError,
    Property,
    ResourceType,
    Work,
    tag_changes,
)
from pkilab.simulator.service import Json

_PCA = "acm-pca"


class CertificateAuthority(ResourceType):
    """A CA without a certificate; its CSR is an attribute. Deleting it takes one not ACTIVE."""

    type: ClassVar[str] = "AWS::ACMPCA::CertificateAuthority"
    properties: ClassVar[Mapping[str, Property]] = {
        "Type": REPLACES_REQUIRED,
        "KeyAlgorithm": REPLACES_REQUIRED,
        "SigningAlgorithm": REPLACES_REQUIRED,
        "Subject": REPLACES_REQUIRED,
        "CsrExtensions": REPLACES,
        "KeyStorageSecurityStandard": REPLACES,
        "UsageMode": REPLACES,
        "RevocationConfiguration": IN_PLACE,
        "Tags": IN_PLACE,
    }
    attributes: ClassVar[tuple[str, ...]] = ("Arn", "CertificateSigningRequest")
    tags: ClassVar[str] = "Tags"

    def create(self, work: Work) -> str:
        asked = work.members(
            _PCA, "CreateCertificateAuthority", "KeyStorageSecurityStandard", "UsageMode",
            "RevocationConfiguration", "Tags", CertificateAuthorityType="Type",
        )  # fmt: skip
        shapes = {
            "KeyAlgorithm": "KeyAlgorithm", "SigningAlgorithm": "SigningAlgorithm",
            "Subject": "ASN1Subject", "CsrExtensions": "CsrExtensions",
        }  # fmt: skip
        configuration = {name: work.typed(_PCA, shape, name) for name, shape in shapes.items()}
        asked["CertificateAuthorityConfiguration"] = {
            name: value for name, value in configuration.items() if value is not None
        }
        answer = work.aws(_PCA, "CreateCertificateAuthority", **asked)
        return str(answer["CertificateAuthorityArn"])

    def settle(self, work: Work) -> Iterator[None]:
        arn = work.physical_id
        while (status := _status(work, arn)) == "CREATING":
            yield
        if status == "FAILED":
            message = f"Certificate Authority {arn} creation failed. Please try again."
            raise FailedError(message, "ServiceInternalError")
        answer = work.aws(_PCA, "GetCertificateAuthorityCsr", CertificateAuthorityArn=arn)
        work.attributes |= {"Arn": arn, "CertificateSigningRequest": answer["Csr"]}

    def update(self, work: Work, before: Json) -> None:
        arn = work.physical_id
        if before.get("RevocationConfiguration") != work.get("RevocationConfiguration"):
            asked = work.members(_PCA, "UpdateCertificateAuthority", "RevocationConfiguration")
            off = {"CrlConfiguration": {"Enabled": False}, "OcspConfiguration": {"Enabled": False}}
            asked.setdefault("RevocationConfiguration", off)
            work.aws(_PCA, "UpdateCertificateAuthority", CertificateAuthorityArn=arn, **asked)
        added, removed = tag_changes(before.get("Tags"), work.get("Tags"))
        if added:
            work.aws(_PCA, "TagCertificateAuthority", CertificateAuthorityArn=arn, Tags=added)
        if removed:
            tags = [{"Key": key} for key in removed]
            work.aws(_PCA, "UntagCertificateAuthority", CertificateAuthorityArn=arn, Tags=tags)

    def delete(self, work: Work) -> None:
        if _status(work, work.physical_id) != "DELETED":
            arn = work.physical_id
            work.aws(_PCA, "DeleteCertificateAuthority", CertificateAuthorityArn=arn)


class Certificate(ResourceType):
    """A certificate that a CA issues. Deleting the resource does nothing to it."""

    type: ClassVar[str] = "AWS::ACMPCA::Certificate"
    properties: ClassVar[Mapping[str, Property]] = {
        "CertificateAuthorityArn": REPLACES_REQUIRED,
        "CertificateSigningRequest": REPLACES_REQUIRED,
        "SigningAlgorithm": REPLACES_REQUIRED,
        "Validity": REPLACES_REQUIRED,
        "ApiPassthrough": REPLACES,
        "TemplateArn": REPLACES,
        "ValidityNotBefore": REPLACES,
    }
    attributes: ClassVar[tuple[str, ...]] = ("Arn", "Certificate")

    def create(self, work: Work) -> str:
        asked = work.members(
            _PCA, "IssueCertificate", "CertificateAuthorityArn", "SigningAlgorithm", "Validity",
            "ApiPassthrough", "TemplateArn", "ValidityNotBefore", Csr="CertificateSigningRequest",
        )  # fmt: skip
        return str(work.aws(_PCA, "IssueCertificate", **asked)["CertificateArn"])

    def settle(self, work: Work) -> Iterator[None]:
        authority = text_of(work.get("CertificateAuthorityArn"))
        asked = {"CertificateAuthorityArn": authority, "CertificateArn": work.physical_id}
        while True:
            try:
                answer = work.aws(_PCA, "GetCertificate", **asked)
                break
            except RefusedError as why:
                if why.code != "RequestInProgressException":
                    raise
            yield
        work.attributes |= {"Arn": work.physical_id, "Certificate": answer["Certificate"]}

    def delete(self, work: Work) -> None:
        """Leave the certificate: there is no deleting one."""


class CertificateAuthorityActivation(ResourceType):
    """A CA's certificate, installed. Deleting the resource disables the CA."""

    type: ClassVar[str] = "AWS::ACMPCA::CertificateAuthorityActivation"
    properties: ClassVar[Mapping[str, Property]] = {
        "CertificateAuthorityArn": REPLACES_REQUIRED,
        "Certificate": REQUIRED,
        "CertificateChain": IN_PLACE,
        "Status": IN_PLACE,
    }
    attributes: ClassVar[tuple[str, ...]] = ("CompleteCertificateChain",)

    def create(self, work: Work) -> str:
        asked = work.members(
            _PCA, "ImportCertificateAuthorityCertificate", "CertificateAuthorityArn",
            "Certificate", "CertificateChain",
        )  # fmt: skip
        work.aws(_PCA, "ImportCertificateAuthorityCertificate", **asked)
        return str(asked["CertificateAuthorityArn"])

    def settle(self, work: Work) -> Iterator[None]:
        arn = work.physical_id
        wanted = text_of(work.get("Status", "ACTIVE"))
        if _status(work, arn) != wanted:
            status = {"CertificateAuthorityArn": arn, "Status": wanted}
            work.aws(_PCA, "UpdateCertificateAuthority", **status)
        certificates = (text_of(work.get(each)) for each in ("Certificate", "CertificateChain"))
        chain = "\n".join(each.strip("\n") for each in certificates if each)
        work.attributes["CompleteCertificateChain"] = chain
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        if {"Certificate", "CertificateChain"} & set(self.changed(before, work.properties)):
            self.create(work)

    def delete(self, work: Work) -> None:
        arn = work.physical_id
        try:
            work.aws(
                _PCA, "UpdateCertificateAuthority", CertificateAuthorityArn=arn, Status="DISABLED"
            )
        except RefusedError as why:
            if why.code != "InvalidStateException":
                raise


class Permission(ResourceType):
    """What lets ACM renew the certificates that it has from a CA."""

    type: ClassVar[str] = "AWS::ACMPCA::Permission"
    properties: ClassVar[Mapping[str, Property]] = {
        "CertificateAuthorityArn": REPLACES_REQUIRED,
        "Principal": REPLACES_REQUIRED,
        "Actions": REPLACES_REQUIRED,
        "SourceAccount": REPLACES,
    }

    def create(self, work: Work) -> str:
        asked = work.members(_PCA, "CreatePermission", *self.properties)
        work.aws(_PCA, "CreatePermission", **asked)
        return f"{asked['CertificateAuthorityArn']}|{asked['Principal']}"

    def delete(self, work: Work) -> None:
        names = ("CertificateAuthorityArn", "Principal", "SourceAccount")
        asked = work.members(_PCA, "DeletePermission", *names)
        work.aws(_PCA, "DeletePermission", **asked)


def _status(work: Work, arn: str) -> str:
    answer = work.aws(_PCA, "DescribeCertificateAuthority", CertificateAuthorityArn=arn)
    return str(answer["CertificateAuthority"]["Status"])
