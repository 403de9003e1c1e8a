"""Who signs: a key, in KMS or here, with a certificate of AWS Private CA's and its chain."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkilab.ca_hierarchy import Validity, issue
from pkilab.kms_keys import load_private_key
from pkilab.pki import names, pem
from pkilab.pki.certificates import label
from pkilab.pki.chains import Chain, Purpose, verify_chain
from pkilab.pki.cms import Signer
from pkilab.pki.keys import PrivateKey
from pkilab.pki.kms_signatures import algorithm_for, key_spec, signature_hash
from pkilab.pki.material import assemble

if TYPE_CHECKING:
    from mypy_boto3_acm_pca import ACMPCAClient
    from mypy_boto3_kms import KMSClient

_CODE_SIGNING = "CodeSigningCertificate/V1"
_TIME_STAMPING = "BlankEndEntityCertificate_CriticalBasicConstraints_APIPassthrough/V1"
_USAGE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
# ApiPassthrough's own ExtendedKeyUsage has no critical flag, which RFC 3161, 2.3 demands; a custom
# extension has (API Reference, CustomExtension).
_TIME_STAMPING_EXTENSIONS = {
    "KeyUsage": {"DigitalSignature": True},
    "CustomExtensions": [
        {
            "ObjectIdentifier": _USAGE.oid.dotted_string,
            "Value": base64.b64encode(_USAGE.public_bytes()).decode("ascii"),
            "Critical": True,
        }
    ],
}


@dataclass(frozen=True, slots=True)
class SigningIdentity:
    """A certificate with its key, ready to sign, and its chain.

    Attributes:
        signer: the certificate, and a function that signs with its key.
        chain: its issuer first, each signed by the next; as far as it is known.
        arn: of the certificate, where AWS Private CA has just issued it.
    """

    signer: Signer = field(repr=False)
    chain: Chain = field(default=(), repr=False)
    arn: str | None = None

    def __repr__(self) -> str:
        path = " <- ".join(label(each) for each in (self.certificate, *self.chain))
        return f"<SigningIdentity {path}, signs {self.signer.algorithm}>"

    @property
    def certificate(self) -> x509.Certificate:
        """The signer's own."""
        return self.signer.certificate

    @property
    def intermediates(self) -> Chain:
        """The chain without its root, which nobody trusts for being sent along."""
        return tuple(each for each in self.chain if each.issuer != each.subject)

    @property
    def pem(self) -> str:
        """Certificate and chain, leaf first, as ``pkilab sign --certificate`` reads them."""
        return pem.to_pem(self.certificate, *self.chain)

    def problems(self, at: datetime) -> tuple[str, ...]:
        """Return what a verifier would hold against code signed at a time, whatever it trusts.

        Such as a certificate that has ended or is for something else. Nothing stops who signs all
        the same.

        Args:
            at: an aware time.
        """
        anchor = (self.certificate, *self.chain)[-1]
        return verify_chain(
            self.certificate,
            intermediates=self.chain,
            roots=(anchor,),
            at=at,
            purpose=Purpose.CODE_SIGNING,
        ).reasons

    @classmethod
    def of(
        cls,
        key: PrivateKey,
        certificates: Iterable[x509.Certificate],
        *,
        algorithm: str | None = None,
    ) -> SigningIdentity:
        """Find the certificate of a key, and its chain, among certificates in any order.

        Args:
            key: a private key, or one that stays in KMS (`pkilab.kms_keys.load_private_key`).
            certificates: the key's own, and those above it.
            algorithm: KMS's name. None: see `pkilab.pki.cms.Signer.from_key`.

        Raises:
            MaterialError: no certificate is the key's.
            MalformedError: such a key does not sign so.
        """
        found = assemble(key, certificates)
        return cls(Signer.from_key(found.certificate, key, algorithm), found.chain)


def enrol(
    kms: KMSClient,
    pca: ACMPCAClient,
    *,
    key_id: str,
    ca_arn: str,
    subject: str | x509.Name,
    validity: Validity,
    algorithm: str | None = None,
) -> SigningIdentity:
    """Have a code-signing certificate issued for a key in KMS.

    KMS signs the request, so whoever calls must be allowed ``kms:GetPublicKey`` and ``kms:Sign``
    with this key; AWS Private CA issues by the template CodeSigningCertificate/V1 (key usage
    digitalSignature, extended key usage codeSigning, both critical).

    Args:
        kms: client.
        pca: acm-pca client.
        key_id: key ID, key ARN, alias or alias ARN, of usage SIGN_VERIFY.
        ca_arn: an ACTIVE CA.
        subject: a name, or text for `pkilab.pki.names.subject`.
        validity: acm-pca's, such as ``{"Type": "DAYS", "Value": 365}``.
        algorithm: see `SigningIdentity.of`.

    Raises:
        LabError: the key is for another usage.
        MalformedError: a subject that is none, or a key that does not sign CMS.
        ClientError: AWS refused (botocore's).
    """
    key = load_private_key(kms, key_id)
    return _enrolled(pca, key, subject, algorithm, ca_arn, validity=validity, name=_CODE_SIGNING)


def enrol_tsa(
    pca: ACMPCAClient,
    key: PrivateKey,
    *,
    ca_arn: str,
    subject: str | x509.Name,
    validity: Validity,
    algorithm: str | None = None,
) -> SigningIdentity:
    """Have a certificate for a time-stamping authority issued: timeStamping alone, critically.

    No template of AWS Private CA's is for that. A blank one takes the key usage and, as a custom
    extension that can be critical, the extended key usage from the request's ApiPassthrough. Its
    CA and validity deserve thought: when the authority's certificate ends, so do its time stamps.

    Args:
        pca: acm-pca client.
        key: the authority's, here or in KMS.
        ca_arn: an ACTIVE CA.
        subject: as in `enrol`.
        validity: as in `enrol`.
        algorithm: see `SigningIdentity.of`.

    Raises:
        MalformedError: as `enrol`.
        ClientError: AWS refused (botocore's).
    """
    passed = {"Extensions": _TIME_STAMPING_EXTENSIONS}
    return _enrolled(
        pca, key, subject, algorithm, ca_arn,
        validity=validity, name=_TIME_STAMPING, ApiPassthrough=passed,
    )  # fmt: skip


def _enrolled(
    pca: ACMPCAClient,
    key: PrivateKey,
    subject: str | x509.Name,
    algorithm: str | None,
    ca_arn: str,
    **options: Any,  # noqa: ANN401 - passed on to `issue`
) -> SigningIdentity:
    issued = issue(pca, ca_arn, _request(key, subject), **options)
    held = SigningIdentity.of(key, (issued.certificate, *issued.chain), algorithm=algorithm)
    return SigningIdentity(held.signer, issued.chain, issued.arn)


def _request(key: PrivateKey, subject: str | x509.Name) -> bytes:
    """Return a certificate request, signed with the key's usual algorithm."""
    name = names.subject(subject) if isinstance(subject, str) else subject
    hashed = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    padding = "PKCS1_V1_5" if isinstance(key, rsa.RSAPrivateKey) else ""
    usual = algorithm_for(key_spec(key.public_key()), padding=padding)
    here = isinstance(key, ec.EllipticCurvePrivateKey) and not hasattr(key, "arn")  # not in KMS
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .sign(
            key,
            signature_hash(usual) if hashed else None,
            ecdsa_deterministic=True if here else None,
        )
    )
    return request.public_bytes(Encoding.PEM)
