"""Certificates made elsewhere, into ACM and out of it: PFX, PEM, import, reimport, export.

    material = read_pfx("website.pfx", password)      # certificate, key, chain in ACM's order
    diagnose(material, at=lab.clock.now())            # what ACM would refuse, and why
    arn = import_material(acm, material)

The functions take a boto3 client of ACM and do the same on a simulated and on a real account.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkilab.errors import MalformedError
from pkilab.pki import acm_import
from pkilab.pki.acm_import import Cause, Diagnosis, Finding
from pkilab.pki.keys import PrivateKey
from pkilab.pki.material import Material, MaterialCause, MaterialError, assemble, sort_pem
from pkilab.pki.pkcs12 import Anatomy, PfxCause, PfxError, inspect_pfx, open_pfx

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_acm import ACMClient

__all__ = [
    "Anatomy",
    "Cause",
    "Diagnosis",
    "Finding",
    "Material",
    "MaterialCause",
    "MaterialError",
    "PfxCause",
    "PfxError",
    "diagnose",
    "export",
    "import_certificate",
    "import_material",
    "import_pfx",
    "inspect_pfx",
    "read_pfx",
    "reimport",
    "sort_pem",
]


def read_pfx(
    source: Path | str | bytes,
    password: str | bytes | None = None,
    *,
    friendly_name: str | None = None,
) -> Material:
    """Read a PFX: certificate, key and chain, in ACM's order.

    Args:
        source: a path, or the file's bytes.
        password: of the file; None and the empty one are the same.
        friendly_name: chooses one of several private keys.

    Raises:
        PfxError: it does not open, or holds no or several keys, or none of the certificates is the
            key's; ``cause`` says which.
        OSError: the path cannot be read.
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    opened = open_pfx(data, password)
    entry, certificate = opened.entry(friendly_name)
    elsewhere = [each.certificate for each in opened.entries if each.certificate]
    notes = [] if opened.mac else ["nothing protected the PFX from being changed: it has no MAC"]
    return assemble(entry.key, (certificate, *opened.others, *elsewhere), notes=notes)


def diagnose(
    material: Material | Mapping[str, bytes | str],
    *,
    at: datetime,
    replacing: x509.Certificate | None = None,
) -> Diagnosis:
    """Say what ACM will refuse and why, before it is asked.

    Args:
        material: what `read_pfx` or `sort_pem` returned, or the arguments that ImportCertificate
            would be given: Certificate, PrivateKey and CertificateChain.
        at: an aware time.
        replacing: the certificate that is there, if this is a reimport.

    Not looked at: quotas and permissions.

    Raises:
        MalformedError: ``at`` has no time zone, or Certificate or PrivateKey is not given.
    """
    fields = _members(material) if isinstance(material, Material) else material
    for name in ("Certificate", "PrivateKey"):
        if name not in fields:
            raise MalformedError("import", found=", ".join(fields) or "nothing", expected=name)
    return acm_import.diagnose(
        fields["Certificate"],
        fields["PrivateKey"],
        fields.get("CertificateChain"),
        at=at,
        replacing=replacing,
    )


def import_certificate(
    acm: ACMClient, certificate_pem: str, key: PrivateKey, chain_pem: str
) -> str:
    """Import a certificate with its key and chain as they are; return its ARN.

    The key leaves this process unencrypted, to ACM alone, as ACM asks for it.
    """
    return acm.import_certificate(
        Certificate=certificate_pem.encode(),
        PrivateKey=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        CertificateChain=chain_pem.encode(),
    )["CertificateArn"]


def import_material(
    acm: ACMClient, material: Material, *, tags: Mapping[str, str] | None = None
) -> str:
    """Import a certificate with its key and chain; return its ARN.

    The key leaves this process unencrypted, to ACM alone, as ACM asks for it.
    """
    tagged: dict[str, Any] = (
        {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}
    )
    return acm.import_certificate(**_members(material), **tagged)["CertificateArn"]


def import_pfx(
    acm: ACMClient,
    source: Path | str | bytes,
    password: str | bytes | None = None,
    *,
    friendly_name: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Import what a PFX holds; return the ARN. Arguments and errors as `read_pfx`."""
    return import_material(acm, read_pfx(source, password, friendly_name=friendly_name), tags=tags)


def reimport(acm: ACMClient, arn: str, material: Material) -> str:
    """Put a newer certificate in the place of an imported one; return the ARN, which stays.

    What uses the ARN uses the newer one from then on. ACM renews no imported certificate: this is
    how it is done. Key type and size must stay, one of the names, and the uses; tags do, too.
    """
    return acm.import_certificate(**_members(material), CertificateArn=arn)["CertificateArn"]


def export(acm: ACMClient, arn: str, passphrase: str | bytes) -> Material:
    """Export a certificate with its private key.

    ACM gives out the key of a private certificate, and that of a public one which was requested for
    export; never that of an imported one. It comes encrypted with the passphrase and is decrypted
    here; `Material.write` puts it into a file for its owner alone.

    Args:
        acm: client of the certificate's Region.
        arn: the certificate.
        passphrase: 4 to 128 characters of ASCII, without ``#``, ``$`` and ``%``. It is for this
            call alone.

    Raises:
        MaterialError: what came is not a certificate with its key.
    """
    secret = passphrase.encode() if isinstance(passphrase, str) else passphrase
    got = acm.export_certificate(CertificateArn=arn, Passphrase=secret)
    return sort_pem(
        got["Certificate"],
        got["PrivateKey"],
        *filter(None, [got.get("CertificateChain")]),
        passphrase=secret,
    )


def _members(material: Material) -> dict[str, Any]:
    """Return a material as ImportCertificate takes it. Holds the private key in the clear."""
    chain = {"CertificateChain": material.chain_pem.encode()} if material.chain else {}
    return {
        "Certificate": material.certificate_pem.encode(),
        "PrivateKey": material.key_pem,
        **chain,
    }
