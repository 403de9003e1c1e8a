"""Who can issue which certificates, found by trying.

Source: Private CA API Reference, IssueCertificate; User Guide, "Certificate templates".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.access_control.denials import Denial, is_denial, of_error
from pkilab.show.tables import Table, table

if TYPE_CHECKING:
    from mypy_boto3_acm_pca import ACMPCAClient
    from mypy_boto3_acm_pca.literals import SigningAlgorithmType
    from mypy_boto3_acm_pca.type_defs import ValidityTypeDef

_TEMPLATES = "arn:aws:acm-pca:::template/"


@dataclass(frozen=True, slots=True)
class Trial:
    """One attempt.

    Attributes:
        who: the caller's name, as it was given.
        ca: the CA's name, as it was given.
        template: the template's name.
        allowed: whether access was given; an error of another kind comes after that.
        denial: what AWS said if it was not.
        said: AWS's error, of either kind; ``""``: a certificate was issued.
        certificate_arn: of that certificate, or ``""``.
    """

    who: str
    ca: str
    template: str
    allowed: bool
    denial: Denial | None
    said: str
    certificate_arn: str

    @property
    def word(self) -> str:
        """The outcome in a few words."""
        if self.denial is None:
            return "issued" if self.certificate_arn else f"allowed, but {self.said}"
        kind = self.denial.kind or "not told by which policy"
        return f"denied ({kind}{', explicitly' if self.denial.explicit else ''})"


@dataclass(frozen=True, slots=True, repr=False)
class Matrix:
    """Every attempt; as a table, one row for each caller and CA, one column for each template.

    Version 1 of a template, which is the only one of most, is not written; nor is the CA, if there
    is one only.
    """

    trials: tuple[Trial, ...]

    @property
    def table(self) -> Table:
        """Who can issue what."""
        rows: dict[tuple[str, str], dict[str, object]] = {}
        several = len({trial.ca for trial in self.trials}) > 1
        for trial in self.trials:
            ca = {"CA": trial.ca} if several else {}
            row = rows.setdefault((trial.who, trial.ca), {"caller": trial.who, **ca})
            row[trial.template.removesuffix("/V1")] = trial.word
        return table(rows.values())

    def __repr__(self) -> str:
        return repr(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def matrix(
    clients: Mapping[str, ACMPCAClient],
    ca_arns: Mapping[str, str],
    templates: Iterable[str],
    *,
    csr: x509.CertificateSigningRequest,
    signing_algorithm: SigningAlgorithmType = "SHA256WITHECDSA",
    validity: ValidityTypeDef | None = None,
) -> Matrix:
    """Try to issue from every CA with every template as every caller.

    Where it is allowed, a certificate is issued, and on AWS paid for.

    Args:
        clients: one for each caller, by a name.
        ca_arns: of active CAs, by a name.
        templates: names such as ``EndEntityCertificate/V1``, or ARNs.
        csr: a certificate request.
        signing_algorithm: one that the CAs' keys can do.
        validity: of what is issued; one day by default.

    Raises:
        BotoCoreError: AWS cannot be asked at all (botocore's).
    """
    names = [each.removeprefix(_TEMPLATES) for each in templates]
    days: ValidityTypeDef = validity or {"Type": "DAYS", "Value": 1}
    request: dict[str, Any] = {
        "Csr": csr.public_bytes(Encoding.PEM),
        "SigningAlgorithm": signing_algorithm,
        "Validity": days,
    }
    return Matrix(
        tuple(
            _try((who, ca, name), client, arn, request)
            for who, client in clients.items()
            for ca, arn in ca_arns.items()
            for name in names
        )
    )


def _try(
    names: tuple[str, str, str], client: ACMPCAClient, ca_arn: str, request: dict[str, Any]
) -> Trial:
    who, ca, template = names
    arn = template if template.startswith("arn:") else _TEMPLATES + template
    try:
        issued = client.issue_certificate(
            CertificateAuthorityArn=ca_arn, TemplateArn=arn, **request
        )
    except ClientError as error:
        denial = of_error(error) if is_denial(error) else None
        said = error.response["Error"]["Code"]
        return Trial(who, ca, template, denial is None, denial, said, "")
    return Trial(
        who, ca, template, allowed=True, denial=None, said="",
        certificate_arn=issued["CertificateArn"],
    )  # fmt: skip
