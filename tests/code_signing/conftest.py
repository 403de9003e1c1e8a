"""One world for these tests: a code-signing hierarchy, an authority for time, and who must not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from pkilab import ca_hierarchy, revocation
from pkilab import code_signing as cs
from pkilab.ca_hierarchy import Issued
from pkilab.code_signing import SigningIdentity, TimeStampAuthority, TrustStore
from pkilab.lab import Lab
from pkilab.pki import crl, pem
from pkilab.pki.entropy import Entropy
from pkilab.pki.requests import build_request

ACCOUNT, BUCKET = "111122223333", "lab-code-signing"

CONTENT = b"release 1.0\n"


@dataclass
class Scene:
    """What the tests share. Nobody changes it: times are arguments, and the clock stands still."""

    lab: Lab
    start: datetime
    root: x509.Certificate
    time_root: x509.Certificate
    other_root: x509.Certificate
    sub_arn: str
    time_arn: str
    identity: SigningIdentity = field(repr=False)
    tsa_identity: SigningIdentity = field(repr=False)
    trust: TrustStore = field(repr=False)
    path: Path
    crls: dict[str, x509.CertificateRevocationList] = field(repr=False, default_factory=dict)
    revoked_at: datetime | None = None
    victim: Any = field(default=None, repr=False)
    content: bytes = CONTENT

    def issue(self, name: str, template: str, *, days: int = 365, key: Any = None) -> Issued:
        """Have a certificate issued below the subordinate; it begins with the world."""
        request = build_request(key or self.lab.generate_key(name), f"CN={name}")
        begin = {"Type": "ABSOLUTE", "Value": int(self.start.timestamp())}
        return ca_hierarchy.issue(
            self.lab.client("acm-pca"),
            self.sub_arn,
            request,
            validity={"Type": "DAYS", "Value": days},
            name=template,
            ValidityNotBefore=begin,
        )

    def local(
        self, name: str, template: str = "CodeSigningCertificate/V1", **how: Any
    ) -> SigningIdentity:
        """Return an identity below the subordinate whose key is here."""
        issued = self.issue(name, template, **how)
        return SigningIdentity.of(self.lab.generate_key(name), (issued.certificate, *issued.chain))

    def tsa(self, at: datetime, identity: SigningIdentity | None = None) -> TimeStampAuthority:
        """Return an authority whose clock stands at that time."""
        return TimeStampAuthority(
            identity or self.tsa_identity, clock=lambda: at, entropy=Entropy(f"tsa {at}")
        )

    def sign(self, identity: SigningIdentity | None = None, **how: Any) -> cs.SignedFile:
        """Sign the file, an hour after the beginning; ``stamped`` at that time if given."""
        at = how.pop("at", self.start + timedelta(hours=1))
        stamped = how.pop("stamped", None)
        tsa = how.pop("tsa", None) or (self.tsa(stamped) if stamped else None)
        path = how.pop("path", self.path)
        return cs.sign_file(
            identity or self.identity, path, at=at, tsa=tsa, entropy=Entropy("nonce"), **how
        )

    def verify(self, signed: Any, **how: Any) -> cs.FileVerdict:
        """Verify the file, two hours after the beginning."""
        arguments = {"trust": self.trust, "at": self.start + timedelta(hours=2)} | how
        return cs.verify_file(arguments.pop("path", self.path), signed, **arguments)

    @property
    def root_pem(self) -> str:
        """The root of signers."""
        return pem.to_pem(self.root)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Make it; after a day ``victim`` is revoked. A process has one world at a time: by module."""
    with Lab.simulated(seed="code signing", accounts={"main": ACCOUNT}) as lab:
        pca, kms, s3 = (lab.client(name) for name in ("acm-pca", "kms", "s3"))
        s3.create_bucket(Bucket=BUCKET)
        ca_hierarchy.admit_private_ca(s3, BUCKET, account=ACCOUNT)
        ca_hierarchy.open_crls(s3, BUCKET)
        told: dict[str, Any] = {
            "RevocationConfiguration": {
                "CrlConfiguration": {
                    "Enabled": True,
                    "ExpirationInDays": 7,
                    "S3BucketName": BUCKET,
                    "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
                },
                "OcspConfiguration": {"Enabled": True},
            }
        }
        root = ca_hierarchy.create_root(pca, {"CommonName": "CodeSigningRoot"}, **told)
        sub = ca_hierarchy.create_subordinate(
            pca, {"CommonName": "CodeSigningSubordinate"}, parent_arn=root, **told
        )
        time = ca_hierarchy.create_root(pca, {"CommonName": "TimeRoot"}, years=30, **told)
        other = ca_hierarchy.create_root(pca, {"CommonName": "OtherRoot"})
        arn = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        kms.create_alias(AliasName="alias/CodeSigning", TargetKeyId=arn)
        identity = cs.enrol(
            kms, pca, key_id="alias/CodeSigning", ca_arn=sub, subject="CN=CodeSigningCertificate",
            validity={"Type": "DAYS", "Value": 365},
        )  # fmt: skip
        authority = cs.enrol_tsa(
            pca, lab.generate_key("authority"), ca_arn=time, subject="CN=Authority",
            validity={"Type": "YEARS", "Value": 20},
        )  # fmt: skip
        roots = {
            each: pem.load_certificate(
                pca.get_certificate_authority_certificate(CertificateAuthorityArn=each)[
                    "Certificate"
                ]
            )
            for each in (root, time, other)
        }
        path = tmp_path_factory.mktemp("files") / "app.tar"
        path.write_bytes(CONTENT)
        made = Scene(
            lab=lab,
            start=lab.clock.now(),
            root=roots[root],
            time_root=roots[time],
            other_root=roots[other],
            sub_arn=sub,
            time_arn=time,
            identity=identity,
            tsa_identity=authority,
            trust=TrustStore((roots[root],), (roots[time],)),
            path=path,
        )
        made.victim = made.local("victim")
        lab.clock.advance(days=1)
        pca.revoke_certificate(
            CertificateAuthorityArn=sub,
            CertificateSerial=format(made.victim.certificate.serial_number, "x"),
            RevocationReason="KEY_COMPROMISE",
        )
        made.revoked_at = lab.clock.now()
        lab.clock.advance(hours=1)
        below = {"sub": made.victim.certificate, "root": made.victim.chain[0]}
        below["time"] = authority.certificate
        for name, certificate in below.items():
            made.crls[name] = crl.load_crl(revocation.fetch_crl(certificate, lab.fetch))
        yield made
